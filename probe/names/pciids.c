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
/* Fits into the CPU cache; no line may be longer. Lists that are not larger are not searched. */
#define CHUNK_SIZE 65536
/* What a step of the search reads first, enough for some vendors, and then at a time. */
#define STEP_SIZE 4096
#define WINDOW_SIZE 32768
/* At most that much is needed to recognize a head. */
#define HEAD_SIZE 8
#define GAP_COUNT 32

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

/* A block that was read. Lines end in a newline, or in a NUL where a name was returned. */
struct block {
	struct block *next;
	enum kind kind;
	uint16_t id;
	char *text;
	uint32_t size;
	/* of a vendor: */
	struct device_line last;     /* the device last found; offset 0: none */
	bool indexed;		     /* whether devices is set */
	struct device_line *devices; /* sorted by device id */
	size_t count;
};

/* No head starts from START up to HEAD. */
struct gap {
	uint32_t start;
	struct head head;
};

struct window {
	uint32_t start, length;
	char text[WINDOW_SIZE + 1];
};

struct pciids {
	const struct log *log;
	char *path;
	int fd;
	uint32_t size;
	bool indexed;	    /* whether heads is complete */
	struct head *heads; /* in the order of the list */
	size_t head_count, head_capacity;
	struct window window;
	struct gap gaps[GAP_COUNT]; /* long ones that the search read; offset 0 of HEAD: none */
	size_t gap_count;
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

/* ---- heads ---- */

/* Whether one of the 64 characters at TEXT is a newline before anything but a tab: most lines are
 * those of devices. Written such that the compiler uses vector instructions. */
static bool has_top_line(const char *text)
{
	unsigned char any = 0;

	for (int i = 0; i < 64; i++)
		any |= (unsigned char)((text[i] == '\n') & (text[i + 1] != '\t'));
	return any;
}

/* Returns the first line after TEXT that does not begin with a tab, or END. */
static const char *next_top_line(const char *text, const char *end)
{
	while (text < end) {
		if (end - text > 64 && !has_top_line(text)) {
			text += 64;
			continue;
		}
		text = memchr(text, '\n', (size_t)(end - text));
		if (!text)
			break;
		if (++text < end && *text != '\t')
			return text;
	}
	return end;
}

/* Returns 1 if LINE is a head, -1 if it is invalid, 0 for all other lines. */
static int parse_head(const char *line, struct head *ret)
{
	unsigned id = 0;

	if (*line == '\t' || *line == '#' || *line == '\n' || !*line)
		return 0;
	if (leading_number(line, 4, &id))
		ret->kind = KIND_VENDOR;
	else if (line[0] == 'C' && line[1] == ' ' && leading_number(line + 2, 2, &id))
		ret->kind = KIND_CLASS;
	else if (line[0] >= 'A' && line[0] <= 'Z' && line[1] == ' ')
		ret->kind =
			KIND_OTHER; /* other capital letters start blocks defined in the future */
	else
		return -1;
	ret->id = (uint16_t)id;
	return 1;
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

/* ---- the index of all heads, made in one pass over the list ---- */

static int add_head(struct pciids *list, const struct head *head)
{
	struct head *tmp;

	if (list->head_count == list->head_capacity) {
		list->head_capacity = list->head_capacity ? list->head_capacity * 2 : 4096;
		tmp = realloc(list->heads, list->head_capacity * sizeof(*tmp));
		if (!tmp)
			return -ENOMEM;
		list->heads = tmp;
	}
	list->heads[list->head_count++] = *head;
	return 0;
}

static unsigned count_lines(const struct pciids *list, uint32_t offset)
{
	char chunk[STEP_SIZE];
	unsigned count = 0;
	ssize_t length;

	for (uint32_t at = 0; at < offset; at += (uint32_t)length) {
		size_t left = offset - at;

		length = read_at(list->fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk), at);
		if (length <= 0)
			break;
		for (ssize_t i = 0; i < length; i++)
			count += chunk[i] == '\n';
	}
	return count;
}

/* Indexes the complete lines in the LENGTH bytes at CHUNK; the last line of the list may lack its
 * newline. Returns the number of bytes consumed, 0 if there is no complete line, or -ENOMEM. */
static ssize_t index_chunk(struct pciids *list, const char *chunk, size_t length, uint32_t offset,
			   bool *warned)
{
	const char *end = chunk + length, *newline;
	struct head head;
	int found;

	if (offset + length < list->size) {
		newline = memrchr(chunk, '\n', length);
		end = newline ? newline + 1 : chunk;
	}
	for (const char *line = chunk; line < end; line = next_top_line(line, end)) {
		head.offset = offset + (uint32_t)(line - chunk);
		found = parse_head(line, &head);
		if (found > 0 && add_head(list, &head) < 0)
			return -ENOMEM;
		if (found < 0 && !*warned) {
			*warned = true;
			log_warning(list->log, "%s:%u: not in the format of pci.ids(5), ignored",
				    list->path, count_lines(list, head.offset) + 1);
		}
	}
	return end - chunk;
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
	bool warned = false;

	list->head_count = 0;
	for (uint32_t offset = 0; length >= 0 && offset < list->size; offset += (uint32_t)length) {
		length = read_at(list->fd, chunk, CHUNK_SIZE, offset);
		if (length <= 0)
			break;
		if ((size_t)length > list->size - offset) /* the file has grown */
			length = (ssize_t)(list->size - offset);
		chunk[length] = '\0';
		length = index_chunk(list, chunk, (size_t)length, offset, &warned);
		if (length == 0)
			length = -EBADMSG;
	}
	free(chunk);
	list->indexed = length != -ENOMEM; /* other errors would occur again */
	return length < 0 ? (int)length : has_vendor(list) ? 0 : -EBADMSG;
}

/* Returns the first such head, or NULL. */
static const struct head *indexed_head(const struct pciids *list, enum kind kind, uint16_t id)
{
	for (size_t i = 0; i < list->head_count; i++)
		if (list->heads[i].kind == kind && list->heads[i].id == id)
			return &list->heads[i];
	return NULL;
}

/* ---- the search in a sorted list ---- */

/* Returns the head known to be the first from OFFSET on, or NULL. */
static const struct head *known_head(const struct pciids *list, uint32_t offset)
{
	for (size_t i = 0; i < GAP_COUNT; i++)
		if (list->gaps[i].head.offset && list->gaps[i].start <= offset &&
		    offset <= list->gaps[i].head.offset)
			return &list->gaps[i].head;
	return NULL;
}

/* Reads up to SIZE bytes around OFFSET, unless they were read last. Returns 0 or a negative errno.
 */
static int read_window(struct pciids *list, uint32_t offset, uint32_t size)
{
	struct window *window = &list->window;
	uint32_t end = window->start + window->length;
	ssize_t length;

	if (offset >= window->start && offset < end &&
	    (end - offset > HEAD_SIZE + 1 || end == list->size))
		return 0;
	/* the first read of a step: the next steps may go in either direction */
	window->start = size == STEP_SIZE ? offset - offset % (STEP_SIZE / 2) : offset;
	length = list->size - window->start;
	if (length > size)
		length = size;
	length = read_at(list->fd, window->text, (size_t)length, window->start);
	window->length = length > 0 ? (uint32_t)length : 0;
	window->text[window->length] = '\0';
	if (length < 0)
		return (int)length;
	return offset < window->start + window->length ? 0 : -EIO; /* the file has shrunk */
}

/* Finds the first head from OFFSET on. Returns 1, 0 if there is none, or a negative errno. */
static int read_head(struct pciids *list, uint32_t offset, struct head *ret)
{
	const struct window *window = &list->window;
	uint32_t size = STEP_SIZE;

	while (offset < list->size) {
		const char *line, *end, *limit;
		const struct head *known = known_head(list, offset);
		/* with the newline before it */
		int error = known ? 0 : read_window(list, offset ? offset - 1 : 0, size);

		if (error < 0)
			return error;
		if (known) {
			*ret = *known;
			return 1;
		}
		end = window->text + window->length;
		limit = window->start + window->length < list->size ? end - HEAD_SIZE : end;
		line = window->text + (offset - window->start);
		if (offset)
			line = next_top_line(line - 1, end);
		for (; line < limit; line = next_top_line(line, end)) {
			ret->offset = window->start + (uint32_t)(line - window->text);
			if (parse_head(line, ret) > 0)
				return 1;
		}
		offset = window->start + (uint32_t)(line - window->text);
		size = WINDOW_SIZE; /* a long block */
	}
	return 0;
}

/* The first steps of all searches are the same, and the blocks of some vendors are long. */
static int next_head(struct pciids *list, uint32_t offset, struct head *ret)
{
	int found = read_head(list, offset, ret);

	if (found > 0 && ret->offset - offset > STEP_SIZE / 4)
		list->gaps[list->gap_count++ % GAP_COUNT] = (struct gap){offset, *ret};
	return found;
}

/* The order of the list. */
static unsigned sort_key(enum kind kind, uint16_t id)
{
	return (unsigned)kind << 16 | id;
}

/* Finds the head of the block, as if the list were sorted. Returns 1; 0 if it was not found, which
 * means nothing unless the list is sorted; or a negative errno. */
static int search_head(struct pciids *list, enum kind kind, uint16_t id, struct head *ret)
{
	uint32_t low = 0, high = list->size, middle;
	unsigned key = sort_key(kind, id);
	struct head head;
	int found;

	/* all heads before LOW are less than KEY, all from HIGH on are not */
	while (high - low > STEP_SIZE) {
		middle = low + (high - low) / 2;
		found = next_head(list, middle, &head);
		if (found < 0)
			return found;
		if (found && head.offset < high && sort_key(head.kind, head.id) < key)
			low = head.offset + 1;
		else
			high = middle;
	}
	for (;; low = head.offset + 1) {
		found = next_head(list, low, &head);
		if (found <= 0)
			return found;
		if (sort_key(head.kind, head.id) >= key)
			break;
	}
	if (sort_key(head.kind, head.id) != key)
		return 0;
	*ret = head;
	return 1;
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

/* Returns the first line of a device from OFFSET up to END, or END. */
static uint32_t next_device(const struct block *block, uint32_t offset, uint32_t end, unsigned *ret)
{
	while (offset < end &&
	       (block->text[offset] != '\t' || !leading_number(block->text + offset + 1, 4, ret)))
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

	for (const char *line = next_top_line(text + seen, end); line < limit;
	     line = next_top_line(line, end))
		if (parse_head(line, &head) > 0)
			return (uint32_t)(line - text);
	return length;
}

/* Reads twice as much until the next head is found. Returns false without memory. */
static bool read_block(const struct pciids *list, struct block *block, uint32_t start)
{
	uint32_t left = list->size - start, capacity = STEP_SIZE, seen = 0;
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
		length = read_at(list->fd, tmp + seen, capacity - seen, start + seen);
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

/* Only if the search fails, the whole list is read: in a list that is not sorted, the block may be
 * anywhere. Returns 1, 0 or a negative errno. */
static int find_head(struct pciids *list, enum kind kind, uint16_t id, struct head *ret)
{
	const struct head *head;
	int found = list->size > CHUNK_SIZE ? search_head(list, kind, id, ret) : 0, error;

	if (found)
		return found;
	if (!list->indexed) {
		error = index_list(list);
		if (error < 0 && error != -ENOMEM)
			log_warning(list->log, "%s: %s; names may be missing", list->path,
				    error == -EBADMSG ? "a line is too long" : strerror(-error));
		if (error < 0)
			return error;
	}
	head = indexed_head(list, kind, id);
	if (head)
		*ret = *head;
	return head != NULL;
}

/* Reads the block. Returns NULL if the list has none, or without memory. */
static struct block *new_block(struct pciids *list, enum kind kind, uint16_t id)
{
	struct block *block;
	struct head head;
	int found = find_head(list, kind, id, &head);

	if (found <= 0) {
		list->no_memory |= found == -ENOMEM;
		return NULL;
	}
	block = calloc(1, sizeof(*block));
	if (block) {
		block->kind = kind;
		block->id = id;
		if (read_block(list, block, head.offset))
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
	struct block *block = find_block(list, KIND_VENDOR, vendor);
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

/* A list that is read at once is indexed. */
static int check_list(struct pciids *list)
{
	struct head head;
	int found;

	if (list->size <= CHUNK_SIZE)
		return index_list(list);
	found = next_head(list, 0, &head);
	return found < 0 ? found : found && head.kind == KIND_VENDOR ? 0 : index_list(list);
}

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
		error = check_list(list);
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
