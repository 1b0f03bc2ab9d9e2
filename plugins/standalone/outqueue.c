/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/outqueue.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t outqueue_pending(const struct outqueue *queue)
{
	return queue->end - queue->start;
}

int outqueue_add(struct outqueue *queue, const char *text, size_t length)
{
	size_t pending = outqueue_pending(queue), size = queue->size ? queue->size : 4096;
	char *bytes;

	if (queue->start)
		memmove(queue->bytes, queue->bytes + queue->start, pending);
	queue->start = 0;
	queue->end = pending;
	while (size < pending + length)
		size *= 2;
	bytes = realloc(queue->bytes, size);
	if (!bytes)
		return -ENOMEM;
	queue->bytes = bytes;
	queue->size = size;
	memcpy(bytes + pending, text, length);
	queue->end += length;
	return 0;
}

static bool accepts_output(void)
{
	struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&output, 1, 0) > 0;
}

/* Nothing else is written through stdio, which waits for the reader. */
void outqueue_fail(void)
{
	putchar('\n');
	fflush(stdout);
}

/* A pipe that accepts output has space for PIPE_BUF bytes; a write of more could wait. The
 * descriptor is shared with other programs, so that it must not become non-blocking. */
int outqueue_flush(struct outqueue *queue)
{
	while (outqueue_pending(queue) && accepts_output()) {
		size_t length = outqueue_pending(queue);
		ssize_t written = write(STDOUT_FILENO, queue->bytes + queue->start,
					length < PIPE_BUF ? length : PIPE_BUF);

		if (written < 0)
			return errno == EINTR || errno == EAGAIN ? 0 : -errno;
		queue->start += (size_t)written;
	}
	if (!outqueue_pending(queue))
		outqueue_free(queue);
	return 0;
}

void outqueue_free(struct outqueue *queue)
{
	free(queue->bytes);
	*queue = (struct outqueue){0};
}
