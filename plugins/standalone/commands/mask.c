/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/commands/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Ethernet addresses have 6 bytes, InfiniBand addresses 20. */
#define DIGITS_MIN 12
#define DIGITS_MAX 64

/* Converts "52:54:00:12:34:56" to "525400123456". Returns false for anything else. */
static bool parse_mac(const char *line, char digits[static DIGITS_MAX + 1])
{
	size_t count = 0;

	for (; count < DIGITS_MAX && isxdigit((unsigned char)*line); count++) {
		digits[count] = (char)tolower((unsigned char)*line++);
		if (count % 2 && *line == ':')
			line++;
	}
	digits[count] = '\0';
	return count >= DIGITS_MIN && count % 2 == 0 && (!*line || *line == '\n');
}

int mask_add(struct strings *macs, const char *line)
{
	char digits[DIGITS_MAX + 1];

	if (!parse_mac(line, digits) || strspn(digits, "0") == strlen(digits))
		return 0;
	for (size_t i = 0; i < macs->count; i++)
		if (strcmp(macs->items[i], digits) == 0)
			return 0;
	return strings_add(macs, digits);
}

/* Replaces the address DIGITS at the start of TEXT by its number N. The first byte 02 marks a
 * locally administered address. Returns the number of characters replaced, 0 if TEXT does not start
 * with the address. */
static size_t mask_prefix(char *text, size_t length, const char *digits, size_t n)
{
	char mask[DIGITS_MAX + 1];
	size_t end, i = 0;

	for (end = 0; digits[i] && end < length; end++) {
		if (text[end] == ':' && i && i % 2 == 0 && text[end - 1] != ':')
			continue;
		if (tolower((unsigned char)text[end]) != digits[i])
			break;
		i++;
	}
	if (digits[i])
		return 0;
	snprintf(mask, sizeof(mask), "02%0*zx", (int)strlen(digits) - 2, n & 0xffffffffu);
	for (i = 0; mask[i]; text++)
		if (*text != ':')
			*text = mask[i++];
	return end;
}

/* In a single pass, so that a mask is never masked again. */
void mask_text(const struct strings *macs, char *text, size_t length)
{
	size_t masked;

	for (size_t start = 0; start < length; start += masked ? masked : 1) {
		masked = 0;
		for (size_t i = 0; i < macs->count && !masked; i++)
			masked = mask_prefix(text + start, length - start, macs->items[i], i + 1);
	}
}
