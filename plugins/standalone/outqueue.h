/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard output to a reader that may be slow: kept in memory, and written without waiting. */
#ifndef PCIPROBE_STANDALONE_OUTQUEUE_H
#define PCIPROBE_STANDALONE_OUTQUEUE_H

#include <stddef.h>

/* Initialise with zeroes. Free it with outqueue_free. */
struct outqueue {
	char *bytes;
	size_t start, end, size; /* the bytes from START to END are still to be written */
};

/* Appends TEXT. Returns 0 or -ENOMEM. */
int outqueue_add(struct outqueue *queue, const char *text, size_t length);

/* Writes as much as the reader accepts now. Returns 0, or a negative errno if that failed: then
 * call outqueue_fail. */
int outqueue_flush(struct outqueue *queue);

/* Makes the stream stdout fail as the descriptor does, so that program_end reports it: output
 * failed, or its reader has exited. */
void outqueue_fail(void);

size_t outqueue_pending(const struct outqueue *queue);
void outqueue_free(struct outqueue *queue);

#endif
