/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of strings, which it owns. {0} is the empty list. */
#ifndef PCIPROBE_STRINGS_H
#define PCIPROBE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct strings {
	char **items;
	size_t count;
};

/* Appends a copy of STRING. Returns 0 or -ENOMEM. */
int strings_add(struct strings *list, const char *string);

/* Whether the list contains STRING. */
bool strings_has(const struct strings *list, const char *string);

/* Appends copies of all strings of FROM. Returns 0 or -ENOMEM. */
int strings_add_all(struct strings *list, const struct strings *from);

/* Sorts the list by strverscmp(3): eth2 before eth10. */
void strings_sort(struct strings *list);

/* Frees all strings and empties the list. */
void strings_free(struct strings *list);

/* Returns 1 if the LENGTH bytes at TEXT are yes, true, on, y, t or 1 in any case; 0 if they are no,
 * false, off, n, f or 0; else -1. */
int text_boolean(const char *text, size_t length);

/* Whether A and B are equal strings or both NULL. */
bool text_same(const char *a, const char *b);

#endif
