/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAC_DIGITS 12

/* "52:54:00:12:34:56" to "525400123456". False for anything else. */
static bool parse_mac(const char *text, char digits[static MAC_DIGITS + 1])
{
	for (int i = 0; i < MAC_DIGITS; i++) {
		if (i && i % 2 == 0 && *text++ != ':')
			return false;
		if (!isxdigit((unsigned char)*text))
			return false;
		digits[i] = (char)tolower((unsigned char)*text++);
	}
	digits[MAC_DIGITS] = '\0';
	return !*text || *text == '\n';
}

int mask_note(struct strings *macs, const char *text)
{
	char digits[MAC_DIGITS + 1];

	if (!parse_mac(text, digits) || strcmp(digits, "000000000000") == 0)
		return 0;
	for (size_t i = 0; i < macs->count; i++)
		if (strcmp(macs->items[i], digits) == 0)
			return 0;
	return strings_add(macs, digits);
}

/* Replaces the MAC address DIGITS wherever it stands in TEXT, with colons or without, by as many characters that say
 * nothing but "the Nth": 02 marks an address that no maker gave out. */
static void mask_one(char *text, size_t length, const char *digits, size_t n)
{
	char mask[MAC_DIGITS + 1];
	size_t end;
	int i;

	snprintf(mask, sizeof(mask), "02%010zx", n & 0xffffffffffu);
	for (size_t start = 0; start < length; start++) {
		for (i = 0, end = start; i < MAC_DIGITS && end < length; end++) {
			if (text[end] == ':' && i && i % 2 == 0 && text[end - 1] != ':')
				continue;
			if (tolower((unsigned char)text[end]) != digits[i])
				break;
			i++;
		}
		if (i < MAC_DIGITS)
			continue;
		for (i = 0; start < end; start++)
			if (text[start] != ':')
				text[start] = mask[i++];
		start--;
	}
}

void mask_text(const struct strings *macs, char *text, size_t length)
{
	for (size_t i = 0; i < macs->count; i++)
		mask_one(text, length, macs->items[i], i + 1);
}
