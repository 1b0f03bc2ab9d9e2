/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which known word a mistyped one was meant to be. */
#ifndef PCIPROBE_SPELLING_H
#define PCIPROBE_SPELLING_H

/* To be filled in with the word; closest is then one of the candidates, or NULL when none is similar. */
struct spelling {
	const char *word;
	const char *closest;
	unsigned distance;
};

/* Compares the word with CANDIDATE, which must outlive SPELLING. Of several equally similar ones the first is kept. */
void spelling_try(struct spelling *spelling, const char *candidate);

#endif
