/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts from outside, made fit to leave: names and labels can hold escape sequences, quotes, broken
 * UTF-8. */
#ifndef PCIPROBE_COMMON_TEXT_H
#define PCIPROBE_COMMON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Decodes the character at TEXT. Returns how many bytes it has, 0 when they aren't UTF-8 (RFC
 * 3629): pass over one then. */
size_t text_decode(const char *text, uint32_t *ret);

/* Whether a terminal, or XML 1.0, could stumble over the character: control characters, surrogates'
 * neighbours. */
int text_is_control(uint32_t character);

/* Writes TEXT as valid UTF-8: what isn't becomes U+FFFD. */
void text_write_utf8(FILE *out, const char *text);

/* Writes TEXT for a person's eyes, on one line: control characters and broken bytes become '?'. */
void text_write_plain(FILE *out, const char *text);

/* The same, with a backslash before each character that stands in SPECIAL (of ASCII); a newline
 * among them becomes \n. */
void text_write_escaped(FILE *out, const char *text, const char *special);

#endif
