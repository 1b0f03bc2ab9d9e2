/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/commands/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Ethernet's addresses have 6 bytes, InfiniBand's 20. */
#define DIGITS_MIN 12
#define DIGITS_MAX 64

/* "52:54:00:12:34:56" to "525400123456". False for anything else. */
static bool parse_mac(const char *text, char digits[static DIGITS_MAX + 1])
{
	size_t count = 0;

	for (; count < DIGITS_MAX && isxdigit((unsigned char)*text); count++) {
		digits[count] = (char)tolower((unsigned char)*text++);
		if (count % 2 && *text == ':')
			text++;
	}
	digits[count] = '\0';
	return count >= DIGITS_MIN && count % 2 == 0 && (!*text || *text == '\n');
}

int mask_add(struct strings *macs, const char *text)
{
	char digits[DIGITS_MAX + 1];

	if (!parse_mac(text, digits) || strspn(digits, "0") == strlen(digits))
		return 0;
	for (size_t i = 0; i < macs->count; i++)
		if (strcmp(macs->items[i], digits) == 0)
			return 0;
	return strings_add(macs, digits);
}

/* Replaces the address DIGITS if it stands at the head of TEXT, with colons or without, by as many
 * characters that say nothing but "the Nth": 02 marks an address that no maker gave out. Returns
 * how many characters it had, 0 for another text. */
static size_t mask_head(char *text, size_t length, const char *digits, size_t n)
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

/* In one pass: a mask is never taken for an address itself. */
void mask_text(const struct strings *macs, char *text, size_t length)
{
	size_t masked;

	for (size_t start = 0; start < length; start += masked ? masked : 1) {
		masked = 0;
		for (size_t i = 0; i < macs->count && !masked; i++)
			masked = mask_head(text + start, length - start, macs->items[i], i + 1);
	}
}
