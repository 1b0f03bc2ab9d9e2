/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/pciids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_SIZE_MAX (64u << 20)
/* Fits into the CPU cache; no line may be longer. */
#define CHUNK_SIZE 65536

enum kind { KIND_VENDOR, KIND_CLASS, KIND_OTHER };

/* The first line of a block, which ends at the next head or at the end of the list. */
struct head {
	enum kind kind;
	uint16_t id;
	uint32_t offset;
};

/* The line of a device in the block of its vendor. */
struct device_line {
	uint16_t device;
	uint32_t offset;
};

/* A block that was read. */
struct block {
	struct block *next;
	enum kind kind;
	uint16_t id;
	char *text; /* NUL-terminated lines */
	size_t size;
	struct device_line *devices; /* of a vendor, sorted by device id */
	size_t count;
};

struct pciids {
	const struct log *log;
	char *path;
	int fd;
	uint32_t size;
	struct head *heads; /* in the order of the list */
	size_t head_count, head_capacity;
	struct block *blocks; /* most recently used first */
	bool no_memory;
};

static void free_block(struct block *block)
{
	free(block->devices);
	free(block->text);
	free(block);
}

/* ---- lines and the numbers at their start ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Parses exactly DIGITS hex digits and a space or tab. */
static bool leading_number(const char *text, int digits, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < digits; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (unsigned)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (unsigned)(c - 'A' + 10);
		else
			return false;
	}
	*ret = value;
	return is_space(text[digits]);
}

static uint32_t next_line(const struct block *block, uint32_t offset)
{
	return offset + (uint32_t)strlen(block->text + offset) + 1;
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
	return line[depth] == '#' || !line[depth + (int)strspn(line + depth, " \t")] ? -2 : depth;
}

/* The rest of the line at TEXT without surrounding space; the line is trimmed in place. */
static const char *name_at(char *text)
{
	size_t length;

	while (is_space(*text))
		text++;
	for (length = strlen(text); length && strchr(" \t\r", text[length - 1]);)
		text[--length] = '\0';
	return *text ? text : NULL;
}

/* ---- heads: found in one pass over the list ---- */

static int add_head(struct pciids *list, enum kind kind, unsigned id, uint32_t offset)
{
	struct head *tmp;

	if (list->head_count == list->head_capacity) {
		list->head_capacity = list->head_capacity ? list->head_capacity * 2 : 4096;
		tmp = realloc(list->heads, list->head_capacity * sizeof(*tmp));
		if (!tmp)
			return -ENOMEM;
		list->heads = tmp;
	}
	list->heads[list->head_count++] = (struct head){kind, (uint16_t)id, offset};
	return 0;
}

static int index_line(struct pciids *list, const char *line, uint32_t offset, unsigned number,
		      bool *warned)
{
	unsigned id;

	if (*line == '\t' || *line == '#' || *line == '\n' || !*line)
		return 0;
	if (leading_number(line, 4, &id))
		return add_head(list, KIND_VENDOR, id, offset);
	if (line[0] == 'C' && line[1] == ' ' && leading_number(line + 2, 2, &id))
		return add_head(list, KIND_CLASS, id, offset);
	/* other capital letters start blocks of kinds defined in the future */
	if (line[0] >= 'A' && line[0] <= 'Z' && line[1] == ' ')
		return add_head(list, KIND_OTHER, 0, offset);
	if (!*warned)
		log_warning(list->log, "%s:%u: not in the format of pci.ids(5), ignored",
			    list->path, number);
	*warned = true;
	return 0;
}

/* Indexes the complete lines in the LENGTH bytes at CHUNK; the last line of the list may lack its
 * newline. Returns the number of bytes consumed, 0 if there is no complete line, or -ENOMEM. */
static ssize_t index_chunk(struct pciids *list, const char *chunk, size_t length, uint32_t offset,
			   unsigned *number, bool *warned)
{
	const char *line = chunk, *end = chunk + length, *line_end;
	bool last = offset + length >= list->size;
	int error;

	for (; line < end; line = line_end + 1) {
		line_end = memchr(line, '\n', (size_t)(end - line));
		if (!line_end && !last)
			break;
		error = index_line(list, line, offset + (uint32_t)(line - chunk), ++*number,
				   warned);
		if (error < 0)
			return error;
		if (!line_end)
			return (ssize_t)length;
	}
	return line - chunk;
}

static ssize_t read_at(int fd, char *buffer, size_t size, uint32_t offset)
{
	size_t length = 0;
	ssize_t n;

	do {
		n = pread(fd, buffer + length, size - length, (off_t)(offset + length));
		length += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && length < size) || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : (ssize_t)length;
}

static bool has_vendor(const struct pciids *list)
{
	for (size_t i = 0; i < list->head_count; i++)
		if (list->heads[i].kind == KIND_VENDOR)
			return true;
	return false;
}

static int index_list(struct pciids *list)
{
	char *chunk = malloc(CHUNK_SIZE + 1);
	ssize_t length = chunk ? 0 : -ENOMEM;
	unsigned number = 0;
	bool warned = false;

	for (uint32_t offset = 0; length >= 0 && offset < list->size; offset += (uint32_t)length) {
		length = read_at(list->fd, chunk, CHUNK_SIZE, offset);
		if (length <= 0)
			break;
		if ((size_t)length > list->size - offset) /* the file has grown */
			length = (ssize_t)(list->size - offset);
		chunk[length] = '\0';
		length = index_chunk(list, chunk, (size_t)length, offset, &number, &warned);
		if (length == 0)
			length = -EBADMSG;
	}
	free(chunk);
	return length < 0 ? (int)length : has_vendor(list) ? 0 : -EBADMSG;
}

static int open_list(struct pciids *list)
{
	struct stat status;

	list->fd = open(list->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (list->fd < 0 || fstat(list->fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_size > LIST_SIZE_MAX)
		return -EFBIG;
	list->size = (uint32_t)status.st_size;
	return 0;
}

/* ---- blocks ---- */

static int compare_lines(const void *a, const void *b)
{
	const struct device_line *x = a, *y = b;

	return x->device != y->device ? x->device - y->device
				      : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool index_block(struct block *block)
{
	struct device_line *tmp;
	size_t capacity = 0;
	bool sorted = true;
	unsigned id;
	int depth;

	for (uint32_t offset = next_line(block, 0); (depth = line_depth(block, offset)) != -1;
	     offset = next_line(block, offset)) {
		if (depth != 1 || !leading_number(block->text + offset + 1, 4, &id))
			continue;
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
	return true;
}

static bool read_block(const struct pciids *list, struct block *block, size_t head)
{
	uint32_t start = list->heads[head].offset;
	uint32_t end = head + 1 < list->head_count ? list->heads[head + 1].offset : list->size;
	ssize_t length;

	block->text = calloc(1, end - start + 2u); /* zeroed: the file may have shrunk */
	if (!block->text)
		return false;
	length = read_at(list->fd, block->text, end - start, start);
	block->size = length > 0 ? (size_t)length : 0;
	block->text[block->size] = block->text[block->size + 1] = '\0';
	for (char *p = block->text; (p = memchr(p, '\n', block->size - (size_t)(p - block->text)));)
		*p++ = '\0';
	return block->kind != KIND_VENDOR || index_block(block);
}

/* Reads the first such block. Returns NULL if the list has none, or without memory. */
static struct block *new_block(struct pciids *list, enum kind kind, uint16_t id)
{
	struct block *block;
	size_t head = 0;

	while (head < list->head_count &&
	       (list->heads[head].kind != kind || list->heads[head].id != id))
		head++;
	if (head == list->head_count)
		return NULL;
	block = calloc(1, sizeof(*block));
	if (block) {
		block->kind = kind;
		block->id = id;
		if (read_block(list, block, head))
			return block;
		free_block(block);
	}
	list->no_memory = true;
	return NULL;
}

/* Returns NULL if the list has no such block. */
static struct block *find_block(struct pciids *list, enum kind kind, uint16_t id)
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

/* Returns the offset of the device's line, and its vendor's block; 0 if there is none. */
static uint32_t find_device(struct pciids *list, uint16_t vendor, uint16_t device,
			    struct block **ret)
{
	struct block *block = find_block(list, KIND_VENDOR, vendor);
	size_t low = 0, high;

	if (!block)
		return 0;
	*ret = block;
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

/* ---- public functions ---- */

int pciids_open(const char *path, const struct log *log, struct pciids **ret)
{
	struct pciids *list = calloc(1, sizeof(*list));
	int error = -ENOMEM;

	if (!list)
		return error;
	list->log = log;
	list->fd = -1;
	list->path = strdup(path);
	if (list->path)
		error = open_list(list);
	if (!error)
		error = index_list(list);
	if (error < 0) {
		pciids_close(list);
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
	if (list->fd >= 0)
		close(list->fd);
	free(list->heads);
	free(list->path);
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
	struct block *block = find_block(list, KIND_VENDOR, vendor);

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
		if (depth == 2 && leading_number(block->text + offset + 2, 4, &v) &&
		    v == subsystem_vendor && leading_number(block->text + offset + 7, 4, &d) &&
		    d == subsystem_device)
			return name_at(block->text + offset + 11);
	}
	return NULL;
}

const char *pciids_class(struct pciids *list, uint16_t class)
{
	struct block *block = find_block(list, KIND_CLASS, class >> 8);
	unsigned id;
	int depth;

	if (!block)
		return NULL;
	for (uint32_t offset = next_line(block, 0); (depth = line_depth(block, offset)) != -1;
	     offset = next_line(block, offset)) {
		if (depth == 1 && leading_number(block->text + offset + 1, 2, &id) &&
		    id == (class & 0xffu))
			return name_at(block->text + offset + 3);
	}
	return NULL;
}

const char *pciids_base_class(struct pciids *list, uint8_t base_class)
{
	struct block *block = find_block(list, KIND_CLASS, base_class);

	return block ? name_at(block->text + 4) : NULL;
}
