/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* All valid words are shorter. */
#define LENGTH_MAX 64
#define EDITS_MAX 3

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same_character(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][LENGTH_MAX + 1]; /* rows i - 2, i - 1 and i, rotating */

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = min(min(last[j], row[j - 1]) + 1,
				     last[j - 1] + !same_character(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same_character(a[i - 1], b[j - 2]) &&
			    same_character(a[i - 2], b[j - 1]))
				row[j] = min(row[j], before[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
	size_t length = strlen(nearest->word), candidate_length = strlen(candidate);
	unsigned distance, edits = length < 6 ? 1 : length < 9 ? 2 : EDITS_MAX;

	if (length > LENGTH_MAX || candidate_length > LENGTH_MAX)
		return;
	distance = edit_distance(nearest->word, length, candidate, candidate_length);
	if (distance > edits || (nearest->found && distance >= nearest->distance))
		return;
	nearest->found = candidate;
	nearest->distance = distance;
}

const char *nearest_hint(const struct nearest *nearest, char buffer[static NEAREST_HINT_SIZE])
{
	buffer[0] = '\0';
	if (nearest->found)
		snprintf(buffer, NEAREST_HINT_SIZE, " (did you mean '%s'?)", nearest->found);
	return buffer;
}
