/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stream that writes to a string. Unlike those of open_memstream(3), it reports at its end that
 * memory was exhausted: glibc truncates the string then, without an error of the stream. */
#ifndef PCIPROBE_COMMON_TEXTSTREAM_H
#define PCIPROBE_COMMON_TEXTSTREAM_H

#include <stdio.h>

/* Returns NULL if memory is exhausted. *STRING must not be used before the end. ftell(3) works;
 * the position cannot be set. */
FILE *textstream_open(char **string);

/* Closes OUT. Returns the string, also in *STRING, which the caller frees, or NULL if memory was
 * exhausted at any time. */
char *textstream_close(FILE *out, char **string);

#endif
