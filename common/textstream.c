/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/textstream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INITIAL_SIZE 256

struct textstream {
	char **string;
	size_t length, size;
};

static ssize_t append(void *cookie, const char *bytes, size_t count)
{
	struct textstream *stream = cookie;
	size_t size = stream->size;
	char *grown;

	while (size <= stream->length + count)
		size *= 2;
	if (size > stream->size) {
		grown = realloc(*stream->string, size);
		if (!grown)
			return 0; /* an error of the stream */
		*stream->string = grown;
		stream->size = size;
	}
	memcpy(*stream->string + stream->length, bytes, count);
	stream->length += count;
	(*stream->string)[stream->length] = '\0';
	return (ssize_t)count;
}

/* Only for ftell. */
static int seek(void *cookie, off64_t *offset, int whence)
{
	const struct textstream *stream = cookie;

	if (whence != SEEK_CUR || *offset != 0) {
		errno = ESPIPE;
		return -1;
	}
	*offset = (off64_t)stream->length;
	return 0;
}

static int end(void *cookie)
{
	free(cookie);
	return 0;
}

FILE *textstream_open(char **string)
{
	static const cookie_io_functions_t functions = {
		.write = append, .seek = seek, .close = end};
	struct textstream *stream = calloc(1, sizeof(*stream));
	FILE *out;

	*string = calloc(1, INITIAL_SIZE);
	if (stream && *string) {
		*stream = (struct textstream){.string = string, .size = INITIAL_SIZE};
		out = fopencookie(stream, "w", functions);
		if (out)
			return out;
	}
	free(stream);
	free(*string);
	*string = NULL;
	return NULL;
}

char *textstream_close(FILE *out, char **string)
{
	bool failed = fflush(out) != 0 || ferror(out);

	if (fclose(out) == 0 && !failed)
		return *string;
	free(*string);
	return *string = NULL;
}
