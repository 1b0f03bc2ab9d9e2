/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings from outside, made safe to print: names and labels may contain escape sequences, quotes
 * and invalid UTF-8. */
#ifndef PCIPROBE_COMMON_TEXT_H
#define PCIPROBE_COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Decodes the character at TEXT. Returns its length in bytes; 0 at the end of the string, or if the
 * bytes are not UTF-8 (RFC 3629), of which the caller skips one. */
size_t text_decode(const char *text, uint32_t *ret);

/* Whether the character is unsafe for a terminal or not allowed in XML 1.0: control characters,
 * line and paragraph separators, noncharacters. */
int text_is_control(uint32_t character);

/* Writes TEXT as UTF-8, with invalid bytes replaced by U+FFFD. */
void text_write_utf8(FILE *out, const char *text);

/* Writes TEXT for a terminal, on one line: control characters and invalid bytes become '?'. */
void text_write_plain(FILE *out, const char *text);

/* The same, with a backslash before each character in SPECIAL (ASCII); a newline in SPECIAL becomes
 * \n. */
void text_write_escaped(FILE *out, const char *text, const char *special);

#endif
