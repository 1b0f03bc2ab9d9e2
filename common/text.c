/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

size_t text_decode(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text;
	size_t length = *p < 0x80	      ? 1
			: (*p & 0xe0) == 0xc0 ? 2
			: (*p & 0xf0) == 0xe0 ? 3
			: (*p & 0xf8) == 0xf0 ? 4
					      : 0;
	uint32_t value;

	if (!length || !*p)
		return 0;
	value = length == 1 ? *p : *p & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*ret = value;
	return length;
}

int text_is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x2028 ||
	       character == 0x2029 || (character & 0xfffe) == 0xfffe;
}

void text_write_utf8(FILE *out, const char *text)
{
	uint32_t character;
	size_t length;

	for (; *text; text += length ? length : 1) {
		length = text_decode(text, &character);
		if (length)
			fwrite(text, 1, length, out);
		else
			fputs("\xef\xbf\xbd", out);
	}
}

void text_write_plain(FILE *out, const char *text)
{
	text_write_escaped(out, text, "");
}

/* Length of the prefix of printable ASCII characters that are not in SPECIAL. */
static size_t plain_length(const char *text, const char *special)
{
	size_t length = 0;

	while (text[length] >= ' ' && text[length] < 0x7f && !strchr(special, text[length]))
		length++;
	return length;
}

void text_write_escaped(FILE *out, const char *text, const char *special)
{
	uint32_t character;
	size_t length;

	for (; *text; text += length ? length : 1) {
		bool is_special = strchr(special, *text);

		/* in one call: stderr is not buffered */
		length = plain_length(text, special);
		if (length) {
			fwrite(text, 1, length, out);
			continue;
		}
		length = text_decode(text, &character);
		if (is_special)
			fputc('\\', out);
		if (is_special && *text == '\n')
			fputc('n', out);
		else if (length && !text_is_control(character))
			fwrite(text, 1, length, out);
		else
			fputc('?', out);
	}
}
