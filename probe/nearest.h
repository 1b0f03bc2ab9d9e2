/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": of the valid words the one that a mistyped word is closest to. */
#ifndef PCIPROBE_NEAREST_H
#define PCIPROBE_NEAREST_H

/* Space for a hint. */
#define NEAREST_HINT_SIZE 96

/* To be filled in with word. */
struct nearest {
	const char *word;
	const char *found; /* the closest candidate so far; NULL: none is close */
	unsigned distance;
};

/* Compares the word with a valid one, whatever their case, by the number of edits: characters
 * inserted, deleted, replaced or exchanged with the next one (optimal string alignment). One edit
 * is allowed for every three characters of the word, at least one and at most three. CANDIDATE must
 * outlive NEAREST. */
void nearest_try(struct nearest *nearest, const char *candidate);

/* Writes " (did you mean 'list'?)", or nothing when no candidate is close, and returns BUFFER. */
const char *nearest_hint(const struct nearest *nearest, char buffer[static NEAREST_HINT_SIZE]);

#endif
