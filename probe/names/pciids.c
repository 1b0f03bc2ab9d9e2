/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/pciids.h"

#include "probe/names/pcilist.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How much of a block is read first. */
#define STEP_SIZE 4096

/* The line of a device in the block of its vendor. */
struct device_line {
	uint16_t device;
	uint32_t offset;
};

/* A block that was read. Lines end in a newline, or in a NUL where a name was returned. */
struct block {
	struct block *next;
	enum head_kind kind;
	uint16_t id;
	char *text;
	uint32_t size;
	/* of a vendor: */
	struct device_line last;     /* the device last found; offset 0: none */
	bool indexed;		     /* whether devices is set */
	struct device_line *devices; /* sorted by device id */
	size_t count;
};

struct pciids {
	struct pcilist *list;
	struct block *blocks; /* most recently used first */
	bool no_memory;
};

static void free_block(struct block *block)
{
	free(block->devices);
	free(block->text);
	free(block);
}

/* ---- lines ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static uint32_t next_line(const struct block *block, uint32_t offset)
{
	return (uint32_t)(strchrnul(block->text + offset, '\n') - block->text) + 1;
}

/* The number of leading tabs of the line at OFFSET; -1 at the end of the block, -2 for a comment or
 * an empty line. */
static int line_depth(const struct block *block, uint32_t offset)
{
	const char *line = block->text + offset;
	int depth = 0;

	if (offset >= block->size)
		return -1;
	while (line[depth] == '\t')
		depth++;
	if (line[depth] == '#')
		return -2;
	line += depth + (int)strspn(line + depth, " \t");
	return *line && *line != '\n' ? depth : -2;
}

/* The rest of the line at TEXT without surrounding space; the line is trimmed in place. */
static const char *name_at(char *text)
{
	size_t length;

	while (is_space(*text))
		text++;
	length = strcspn(text, "\n");
	text[length] = '\0';
	while (length && strchr(" \t\r", text[length - 1]))
		text[--length] = '\0';
	return *text ? text : NULL;
}

/* ---- blocks ---- */

/* Returns the first line of a device from OFFSET up to END, or END. */
static uint32_t next_device(const struct block *block, uint32_t offset, uint32_t end, unsigned *ret)
{
	while (offset < end &&
	       (block->text[offset] != '\t' || !pcilist_number(block->text + offset + 1, 4, ret)))
		offset = next_line(block, offset);
	return offset < end ? offset : end;
}

static int compare_lines(const void *a, const void *b)
{
	const struct device_line *x = a, *y = b;

	return x->device != y->device ? x->device - y->device
				      : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool index_block(struct block *block)
{
	uint32_t offset = next_line(block, 0);
	struct device_line *tmp;
	size_t capacity = 0;
	bool sorted = true;
	unsigned id = 0;

	block->count = 0;
	for (; (offset = next_device(block, offset, block->size, &id)) < block->size;
	     offset = next_line(block, offset)) {
		if (block->count == capacity) {
			capacity = capacity ? capacity * 2 : 16;
			tmp = realloc(block->devices, capacity * sizeof(*tmp));
			if (!tmp)
				return false;
			block->devices = tmp;
		}
		sorted = sorted && (!block->count || block->devices[block->count - 1].device < id);
		block->devices[block->count++] = (struct device_line){(uint16_t)id, offset};
	}
	if (!sorted)
		qsort(block->devices, block->count, sizeof(*block->devices), compare_lines);
	block->indexed = true;
	return true;
}

/* The size of the block at the start of the LENGTH bytes of TEXT; LENGTH if it does not end there.
 * No head starts in the first SEEN bytes, except for that of the block. */
static uint32_t block_size(const char *text, uint32_t length, uint32_t seen, bool last)
{
	const char *end = text + length, *limit = last ? end : end - HEAD_SIZE;
	struct head head;

	for (const char *line = pcilist_next_top_line(text + seen, end); line < limit;
	     line = pcilist_next_top_line(line, end))
		if (pcilist_parse_head(line, &head) > 0)
			return (uint32_t)(line - text);
	return length;
}

/* Reads twice as much until the next head is found. Returns false without memory. */
static bool read_block(const struct pcilist *list, struct block *block, uint32_t start)
{
	uint32_t left = pcilist_size(list) - start, capacity = STEP_SIZE, seen = 0;
	ssize_t length;
	char *tmp;
	bool last;

	do {
		if (capacity > left)
			capacity = left;
		last = capacity == left;
		tmp = realloc(block->text, capacity + HEAD_SIZE);
		if (!tmp)
			return false;
		block->text = tmp;
		length = pcilist_read(list, tmp + seen, capacity - seen, start + seen);
		/* the file may have shrunk */
		last = last || length < (ssize_t)(capacity - seen);
		length = seen + (length > 0 ? length : 0);
		memset(tmp + length, '\0', HEAD_SIZE);
		block->size = block_size(tmp, (uint32_t)length,
					 seen > HEAD_SIZE ? seen - HEAD_SIZE - 1 : 0, last);
		seen = (uint32_t)length;
		capacity *= 2;
	} while (!last && block->size == seen);
	block->text[block->size] = '\0';
	return true;
}

/* Reads the block. Returns NULL if the list has none, or without memory. */
static struct block *new_block(struct pciids *list, enum head_kind kind, uint16_t id)
{
	struct block *block;
	struct head head;
	int found = pcilist_find(list->list, kind, id, &head);

	if (found <= 0) {
		list->no_memory |= found == -ENOMEM;
		return NULL;
	}
	block = calloc(1, sizeof(*block));
	if (block) {
		block->kind = kind;
		block->id = id;
		if (read_block(list->list, block, head.offset))
			return block;
		free_block(block);
	}
	list->no_memory = true;
	return NULL;
}

/* Returns NULL if the list has no such block. */
static struct block *find_block(struct pciids *list, enum head_kind kind, uint16_t id)
{
	struct block **link = &list->blocks, *block;

	for (; (block = *link) && (block->kind != kind || block->id != id);)
		link = &block->next;
	if (block)
		*link = block->next;
	else
		block = new_block(list, kind, id);
	if (!block)
		return NULL;
	/* to the front: the next device likely has the same vendor */
	block->next = list->blocks;
	list->blocks = block;
	return block;
}

/* Finds the line of a device as if the block were sorted. Returns 0 if it was not found. */
static uint32_t search_device(const struct block *block, uint16_t device)
{
	uint32_t low = next_line(block, 0), high = block->size, middle, at;
	unsigned id = 0;

	/* all devices before LOW are less than DEVICE, all from HIGH on are not */
	while (low < high) {
		middle = low + (high - low) / 2;
		at = middle;
		if (block->text[at - 1] && block->text[at - 1] != '\n')
			at = next_line(block, at);
		at = next_device(block, at, high, &id);
		if (at < high && id < device)
			low = next_line(block, at);
		else
			high = middle;
	}
	at = next_device(block, low, block->size, &id);
	return at < block->size && id == device ? at : 0;
}

/* Finds the line of a device in a block that is not sorted. Returns 0 if there is none. */
static uint32_t indexed_device(const struct block *block, uint16_t device)
{
	size_t low = 0, high;

	/* not bsearch(3), which need not return the first of equal ones */
	for (high = block->count; low < high;) {
		size_t middle = (low + high) / 2;

		if (block->devices[middle].device < device)
			low = middle + 1;
		else
			high = middle;
	}
	return low < block->count && block->devices[low].device == device
		       ? block->devices[low].offset
		       : 0;
}

/* Returns the offset of the device's line, and its vendor's block; 0 if there is none. */
static uint32_t find_device(struct pciids *list, uint16_t vendor, uint16_t device,
			    struct block **ret)
{
	struct block *block = find_block(list, HEAD_VENDOR, vendor);
	uint32_t offset;

	if (!block)
		return 0;
	*ret = block;
	if (block->last.offset && block->last.device == device)
		return block->last.offset;
	offset = search_device(block, device);
	if (!offset && !block->indexed && !index_block(block)) {
		list->no_memory = true;
		return 0;
	}
	if (!offset)
		offset = indexed_device(block, device);
	block->last = (struct device_line){device, offset};
	return offset;
}

/* ---- public functions ---- */

int pciids_open(const char *path, const struct log *log, struct pciids **ret)
{
	struct pciids *list = calloc(1, sizeof(*list));
	int error = list ? pcilist_open(path, log, &list->list) : -ENOMEM;

	if (error < 0) {
		free(list);
		return error;
	}
	*ret = list;
	return 0;
}

void pciids_close(struct pciids *list)
{
	struct block *next;

	if (!list)
		return;
	for (struct block *block = list->blocks; block; block = next) {
		next = block->next;
		free_block(block);
	}
	pcilist_close(list->list);
	free(list);
}

bool pciids_no_memory(struct pciids *list)
{
	bool no_memory = list->no_memory;

	list->no_memory = false;
	return no_memory;
}

const char *pciids_vendor(struct pciids *list, uint16_t vendor)
{
	struct block *block = find_block(list, HEAD_VENDOR, vendor);

	return block ? name_at(block->text + 4) : NULL;
}

const char *pciids_device(struct pciids *list, uint16_t vendor, uint16_t device)
{
	struct block *block;
	uint32_t offset = find_device(list, vendor, device, &block);

	return offset ? name_at(block->text + offset + 1 + 4) : NULL;
}

const char *pciids_subsystem(struct pciids *list, uint16_t vendor, uint16_t device,
			     uint16_t subsystem_vendor, uint16_t subsystem_device)
{
	struct block *block;
	uint32_t offset = find_device(list, vendor, device, &block);
	unsigned v, d;
	int depth;

	if (!offset)
		return NULL;
	for (offset = next_line(block, offset);
	     (depth = line_depth(block, offset)) == 2 || depth == -2;
	     offset = next_line(block, offset)) {
		if (depth == 2 && pcilist_number(block->text + offset + 2, 4, &v) &&
		    v == subsystem_vendor && pcilist_number(block->text + offset + 7, 4, &d) &&
		    d == subsystem_device)
			return name_at(block->text + offset + 11);
	}
	return NULL;
}

const char *pciids_class(struct pciids *list, uint16_t class)
{
	struct block *block = find_block(list, HEAD_CLASS, class >> 8);
	unsigned id;
	int depth;

	if (!block)
		return NULL;
	for (uint32_t offset = next_line(block, 0); (depth = line_depth(block, offset)) != -1;
	     offset = next_line(block, offset)) {
		if (depth == 1 && pcilist_number(block->text + offset + 1, 2, &id) &&
		    id == (class & 0xffu))
			return name_at(block->text + offset + 3);
	}
	return NULL;
}

const char *pciids_base_class(struct pciids *list, uint8_t base_class)
{
	struct block *block = find_block(list, HEAD_CLASS, base_class);

	return block ? name_at(block->text + 4) : NULL;
}
