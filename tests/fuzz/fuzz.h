/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the fuzz targets for libFuzzer (https://llvm.org/docs/LibFuzzer.html), which
 * tests/fuzz/run builds and runs. */
#ifndef PCIPROBE_TESTS_FUZZ_FUZZ_H
#define PCIPROBE_TESTS_FUZZ_FUZZ_H

#include "probe/log.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Asserts a condition; if it does not hold, libFuzzer keeps the input. */
#define hold(condition)                                                                   \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#condition);                                              \
			abort();                                                          \
		}                                                                         \
	} while (0)

/* Returns the input as a string, in an allocation of its exact size, so that the sanitizer detects
 * reads beyond it. The caller frees it. */
static inline char *copy_string(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	hold(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The lowest free descriptor; it grows when one is leaked. */
static inline int next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	hold(fd >= 0);
	close(fd);
	return fd;
}

/* Counts messages and checks that they are strings as log.h specifies. */
struct message_count {
	unsigned errors, warnings;
};

static inline void count_message(void *data, enum message_level level, const char *text)
{
	struct message_count *messages = data;

	hold(*text && strlen(text) < 1024);
	messages->errors += level == MESSAGE_ERROR;
	messages->warnings += level == MESSAGE_WARNING;
}

/* Returns the length of the UTF-8 character at P, or 0 if it is invalid. Follows the table of RFC
 * 3629, independently of the tested code. */
static inline size_t utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte, of the second */
		size_t length;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t length = forms[i].length;

		if (!left || p[0] < forms[i].first || p[0] > forms[i].last)
			continue;
		if (left < length || (length > 1 && (p[1] < forms[i].low || p[1] > forms[i].high)))
			return 0;
		for (size_t n = 2; n < length; n++)
			if (p[n] < 0x80 || p[n] > 0xbf)
				return 0;
		return length;
	}
	return 0;
}

/* Whether the SIZE bytes at TEXT are UTF-8 and, if CLEAN, contain no control characters except
 * newlines. */
static inline bool is_utf8(const char *text, size_t size, bool clean)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t length;

	for (size_t i = 0; i < size; i += length) {
		length = p[i] < 0x80 ? 1 : utf8_length(p + i, size - i);
		if (!length)
			return false;
		if (clean && ((p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f ||
			      (p[i] == 0xc2 && p[i + 1] < 0xa0)))
			return false;
	}
	return true;
}

#endif
