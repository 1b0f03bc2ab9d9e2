/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/range.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 15 /* exact in a double */

/* Parses "-12.5". Returns the first character after it; NULL if there is no number. Not strtod(3),
 * which accepts "inf", "0x1p3" and the comma of some locales. */
static const char *parse_number(const char *text, double *ret)
{
	bool negative = *text == '-';
	double value = 0, unit = 1;
	int digits = 0;

	text += negative;
	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text) && digits < DIGITS_MAX; text++, digits++)
		value = value * 10 + (*text - '0');
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return NULL;
		for (; isdigit((unsigned char)*text) && digits < DIGITS_MAX; text++, digits++) {
			value = value * 10 + (*text - '0');
			unit *= 10;
		}
	}
	*ret = negative ? -value / unit : value / unit;
	return text;
}

const char *range_parse(const char *text, struct range *ret)
{
	struct range range = {.low = 0, .high = INFINITY, .is_inside = *text == '@'};
	const char *colon = strchr(text, ':');

	if (strlen(text) > RANGE_TEXT_MAX)
		return "too long";
	text += range.is_inside;
	if (!*text)
		return "empty";
	if (strcmp(text, ":") == 0)
		return "neither a start nor an end";
	if (colon) {
		const char *end = *text == '~' ? text + 1 : parse_number(text, &range.low);

		if (*text == '~')
			range.low = -INFINITY;
		if (text != colon && end != colon)
			return "the start is neither a decimal number nor ~";
		text = colon + 1;
	}
	if (*text || !colon)
		text = parse_number(text, &range.high);
	if (!text || *text)
		return "the end is not a decimal number";
	if (range.low > range.high)
		return "the start is greater than the end";
	*ret = range;
	return NULL;
}

bool range_alerts(const struct range *range, double value)
{
	bool within = value >= range->low && value <= range->high;

	return within == range->is_inside;
}
