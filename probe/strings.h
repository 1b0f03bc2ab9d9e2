/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of strings that owns them. {0} is the empty list. */
#ifndef PCIPROBE_STRINGS_H
#define PCIPROBE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct strings {
	char **items;
	size_t count;
};

/* Adds a copy of TEXT. Returns 0 or -ENOMEM. */
int strings_add(struct strings *list, const char *text);

/* Whether TEXT is in the list. */
bool strings_has(const struct strings *list, const char *text);

/* Adds copies of all that FROM has. Returns 0 or -ENOMEM. */
int strings_add_all(struct strings *list, const struct strings *from);

/* Puts the list in the order of strverscmp(3): eth2 before eth10. */
void strings_sort(struct strings *list);

/* Frees what the list holds and leaves it empty. */
void strings_free(struct strings *list);

/* Whether A and B are the same text; NULL is like NULL alone. */
bool text_same(const char *a, const char *b);

#endif
