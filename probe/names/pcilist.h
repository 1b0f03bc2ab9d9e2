/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file in the format of pci.ids(5): where the block of each vendor and class begins. */
#ifndef PCIPROBE_NAMES_PCILIST_H
#define PCIPROBE_NAMES_PCILIST_H

#include "probe/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* At most that much is needed to recognize a head. */
#define HEAD_SIZE 8

enum head_kind { HEAD_VENDOR, HEAD_CLASS, HEAD_OTHER };

/* The first line of a block, which ends at the next head or at the end of the list. */
struct head {
	enum head_kind kind;
	uint16_t id;
	uint32_t offset;
};

struct pcilist;

/* Opens the file at PATH and checks that it is such a list. LOG must outlive it. Close *ret with
 * pcilist_close. Returns 0 or a negative errno (not logged): -EBADMSG if it is no list. */
int pcilist_open(const char *path, const struct log *log, struct pcilist **ret);
void pcilist_close(struct pcilist *list);

/* The size of the file when it was opened: offsets are less. */
uint32_t pcilist_size(const struct pcilist *list);

/* Finds the block of the vendor or class ID; of several in a list that is not sorted, any. Returns
 * 1, 0 if there is none, or a negative errno; others than -ENOMEM are logged. */
int pcilist_find(struct pcilist *list, enum head_kind kind, uint16_t id, struct head *ret);

/* Reads up to SIZE bytes at OFFSET. Returns their number, fewer only at the end of the file, or a
 * negative errno. */
ssize_t pcilist_read(const struct pcilist *list, char *buffer, size_t size, uint32_t offset);

/* Returns the first line after TEXT that does not begin with a tab, or END. */
const char *pcilist_next_top_line(const char *text, const char *end);

/* Returns 1 if LINE is a head, of which it sets kind and id, -1 if it is invalid, 0 for all other
 * lines. */
int pcilist_parse_head(const char *line, struct head *ret);

/* Parses exactly DIGITS hex digits and a space or tab. */
bool pcilist_number(const char *text, int digits, unsigned *ret);

#endif
