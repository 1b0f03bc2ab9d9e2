/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/pcilist.h"

#include <errno.h>
#include <fcntl.h>
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
#define GAP_COUNT 32

/* No head starts from START up to HEAD. */
struct gap {
	uint32_t start;
	struct head head;
};

struct window {
	uint32_t start, length;
	char text[WINDOW_SIZE + 1];
};

struct pcilist {
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
};

/* ---- lines ---- */

bool pcilist_number(const char *text, int digits, unsigned *ret)
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
	return text[digits] == ' ' || text[digits] == '\t';
}

/* Whether one of the 64 characters at TEXT is a newline before anything but a tab: most lines are
 * those of devices. Written such that the compiler uses vector instructions. */
static bool has_top_line(const char *text)
{
	unsigned char any = 0;

	for (int i = 0; i < 64; i++)
		any |= (unsigned char)((text[i] == '\n') & (text[i + 1] != '\t'));
	return any;
}

const char *pcilist_next_top_line(const char *text, const char *end)
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

int pcilist_parse_head(const char *line, struct head *ret)
{
	unsigned id = 0;

	if (*line == '\t' || *line == '#' || *line == '\n' || !*line)
		return 0;
	if (pcilist_number(line, 4, &id))
		ret->kind = HEAD_VENDOR;
	else if (line[0] == 'C' && line[1] == ' ' && pcilist_number(line + 2, 2, &id))
		ret->kind = HEAD_CLASS;
	else if (line[0] >= 'A' && line[0] <= 'Z' && line[1] == ' ')
		ret->kind =
			HEAD_OTHER; /* other capital letters start blocks defined in the future */
	else
		return -1;
	ret->id = (uint16_t)id;
	return 1;
}

ssize_t pcilist_read(const struct pcilist *list, char *buffer, size_t size, uint32_t offset)
{
	size_t length = 0;
	ssize_t n;

	do {
		n = pread(list->fd, buffer + length, size - length, (off_t)(offset + length));
		length += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && length < size) || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : (ssize_t)length;
}

/* ---- the index of all heads, made in one pass over the list ---- */

static int add_head(struct pcilist *list, const struct head *head)
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

static unsigned count_lines(const struct pcilist *list, uint32_t offset)
{
	char chunk[STEP_SIZE];
	unsigned count = 0;
	ssize_t length;

	for (uint32_t at = 0; at < offset; at += (uint32_t)length) {
		size_t left = offset - at;

		length = pcilist_read(list, chunk, left < sizeof(chunk) ? left : sizeof(chunk), at);
		if (length <= 0)
			break;
		for (ssize_t i = 0; i < length; i++)
			count += chunk[i] == '\n';
	}
	return count;
}

/* Indexes the complete lines in the LENGTH bytes at CHUNK; the last line of the list may lack its
 * newline. Returns the number of bytes consumed, 0 if there is no complete line, or -ENOMEM. */
static ssize_t index_chunk(struct pcilist *list, const char *chunk, size_t length, uint32_t offset,
			   bool *warned)
{
	const char *end = chunk + length, *newline;
	struct head head;
	int found;

	if (offset + length < list->size) {
		newline = memrchr(chunk, '\n', length);
		end = newline ? newline + 1 : chunk;
	}
	for (const char *line = chunk; line < end; line = pcilist_next_top_line(line, end)) {
		head.offset = offset + (uint32_t)(line - chunk);
		found = pcilist_parse_head(line, &head);
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

static bool has_vendor(const struct pcilist *list)
{
	for (size_t i = 0; i < list->head_count; i++)
		if (list->heads[i].kind == HEAD_VENDOR)
			return true;
	return false;
}

static int index_list(struct pcilist *list)
{
	char *chunk = malloc(CHUNK_SIZE + 1);
	ssize_t length = chunk ? 0 : -ENOMEM;
	bool warned = false;

	list->head_count = 0;
	for (uint32_t offset = 0; length >= 0 && offset < list->size; offset += (uint32_t)length) {
		length = pcilist_read(list, chunk, CHUNK_SIZE, offset);
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
static const struct head *indexed_head(const struct pcilist *list, enum head_kind kind, uint16_t id)
{
	for (size_t i = 0; i < list->head_count; i++)
		if (list->heads[i].kind == kind && list->heads[i].id == id)
			return &list->heads[i];
	return NULL;
}

/* ---- the search in a sorted list ---- */

/* Returns the head known to be the first from OFFSET on, or NULL. */
static const struct head *known_head(const struct pcilist *list, uint32_t offset)
{
	for (size_t i = 0; i < GAP_COUNT; i++)
		if (list->gaps[i].head.offset && list->gaps[i].start <= offset &&
		    offset <= list->gaps[i].head.offset)
			return &list->gaps[i].head;
	return NULL;
}

/* Reads up to SIZE bytes around OFFSET, unless they were read last. Returns 0 or a negative errno.
 */
static int read_window(struct pcilist *list, uint32_t offset, uint32_t size)
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
	length = pcilist_read(list, window->text, (size_t)length, window->start);
	window->length = length > 0 ? (uint32_t)length : 0;
	window->text[window->length] = '\0';
	if (length < 0)
		return (int)length;
	return offset < window->start + window->length ? 0 : -EIO; /* the file has shrunk */
}

/* Finds the first head from OFFSET on. Returns 1, 0 if there is none, or a negative errno. */
static int read_head(struct pcilist *list, uint32_t offset, struct head *ret)
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
			line = pcilist_next_top_line(line - 1, end);
		for (; line < limit; line = pcilist_next_top_line(line, end)) {
			ret->offset = window->start + (uint32_t)(line - window->text);
			if (pcilist_parse_head(line, ret) > 0)
				return 1;
		}
		offset = window->start + (uint32_t)(line - window->text);
		size = WINDOW_SIZE; /* a long block */
	}
	return 0;
}

/* The first steps of all searches are the same, and the blocks of some vendors are long. */
static int next_head(struct pcilist *list, uint32_t offset, struct head *ret)
{
	int found = read_head(list, offset, ret);

	if (found > 0 && ret->offset - offset > STEP_SIZE / 4)
		list->gaps[list->gap_count++ % GAP_COUNT] = (struct gap){offset, *ret};
	return found;
}

/* The order of the list. */
static unsigned sort_key(enum head_kind kind, uint16_t id)
{
	return (unsigned)kind << 16 | id;
}

/* Finds the head of the block, as if the list were sorted. Returns 1; 0 if it was not found, which
 * means nothing unless the list is sorted; or a negative errno. */
static int search_head(struct pcilist *list, enum head_kind kind, uint16_t id, struct head *ret)
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

static int open_list(struct pcilist *list)
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

/* Only if the search fails, the whole list is read: in a list that is not sorted, the block may be
 * anywhere. */
int pcilist_find(struct pcilist *list, enum head_kind kind, uint16_t id, struct head *ret)
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

/* A list that is read at once is indexed. */
static int check_list(struct pcilist *list)
{
	struct head head;
	int found;

	if (list->size <= CHUNK_SIZE)
		return index_list(list);
	found = next_head(list, 0, &head);
	return found < 0 ? found : found && head.kind == HEAD_VENDOR ? 0 : index_list(list);
}

int pcilist_open(const char *path, const struct log *log, struct pcilist **ret)
{
	struct pcilist *list = calloc(1, sizeof(*list));
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
		pcilist_close(list);
		return error;
	}
	*ret = list;
	return 0;
}

void pcilist_close(struct pcilist *list)
{
	if (!list)
		return;
	if (list->fd >= 0)
		close(list->fd);
	free(list->heads);
	free(list->path);
	free(list);
}

uint32_t pcilist_size(const struct pcilist *list)
{
	return list->size;
}
