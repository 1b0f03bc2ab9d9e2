/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": finds the valid word closest to a mistyped one. */
#ifndef PCIPROBE_NEAREST_H
#define PCIPROBE_NEAREST_H

/* Size of a hint. */
#define NEAREST_HINT_SIZE 96

/* The caller sets word. */
struct nearest {
	const char *word;
	const char *found; /* the closest candidate so far; NULL: none is close enough */
	unsigned distance;
};

/* Compares the word with a valid one, ignoring case, by the number of edits: characters inserted,
 * deleted, replaced or transposed (optimal string alignment). One edit is allowed for every three
 * characters of the word, at least one and at most three. CANDIDATE must outlive NEAREST. */
void nearest_try(struct nearest *nearest, const char *candidate);

/* Writes " (did you mean 'list'?)", or "" if no candidate is close enough, and returns BUFFER. */
const char *nearest_hint(const struct nearest *nearest, char buffer[static NEAREST_HINT_SIZE]);

#endif
