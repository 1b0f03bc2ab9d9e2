/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/spelling.h"

#include <string.h>
#include <strings.h>

#define WORD_SIZE 32

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be inserted, left out, replaced or swapped with their neighbour to make B of A. Both are shorter
 * than WORD_SIZE. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[WORD_SIZE][WORD_SIZE];
	size_t a_length = strlen(a), b_length = strlen(b);

	for (size_t i = 0; i <= a_length; i++) {
		for (size_t j = 0; j <= b_length; j++) {
			if (!i || !j) {
				rows[i][j] = (unsigned)(i + j);
				continue;
			}
			rows[i][j] = least(rows[i - 1][j - 1] + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0),
					   least(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
		}
	}
	return rows[a_length][b_length];
}

void spelling_try(struct spelling *spelling, const char *candidate)
{
	size_t length = strlen(spelling->word);
	unsigned found;

	if (!length || length >= WORD_SIZE || strlen(candidate) >= WORD_SIZE)
		return;
	found = distance(spelling->word, candidate);
	/* one error in three letters: with more, any short word is similar to any other */
	if (found > (length + 1) / 3 || (spelling->closest && found >= spelling->distance))
		return;
	spelling->closest = candidate;
	spelling->distance = found;
}
