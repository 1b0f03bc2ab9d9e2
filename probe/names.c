/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names.h"

#include "probe/libpci.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_SIZE_MAX (64u << 20)

/* A device's line within its vendor's block. */
struct device_line {
	uint16_t device;
	uint32_t offset;
};

struct vendor_block {
	struct vendor_block *next;
	uint16_t vendor;
	struct device_line *devices; /* by device id */
	size_t count;
};

struct names {
	const struct log *log;
	char *path;
	bool hwdb;
	bool loaded;
	bool ask_libpci; /* for everything: the list is one that only libpci can read */
	char *text;      /* the list, each line closed by a NUL */
	size_t size;
	uint32_t *vendors;     /* by vendor id: offset of its line + 1, 0 for none */
	uint32_t classes[256]; /* by base class, likewise */
	struct vendor_block *blocks;
	struct libpci *libpci;
	bool libpci_failed;
	void *kept; /* tsearch tree of the names that libpci gave */
};

int names_new(const char *list, bool hwdb, const struct log *log, struct names **ret)
{
	struct names *names = calloc(1, sizeof(*names));
	int error = names ? 0 : -ENOMEM;

	if (!error) {
		names->log = log;
		names->hwdb = hwdb;
		error = libpci_new(log, &names->libpci);
	}
	if (!error && list && !(names->path = strdup(list)))
		error = -ENOMEM;
	if (error < 0) {
		names_free(names);
		return error;
	}
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	struct vendor_block *next;

	if (!names)
		return;
	for (struct vendor_block *block = names->blocks; block; block = next) {
		next = block->next;
		free(block->devices);
		free(block);
	}
	tdestroy(names->kept, free);
	libpci_free(names->libpci);
	free(names->vendors);
	free(names->text);
	free(names->path);
	free(names);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The same text for the same name, however often libpci is asked. */
static const char *keep(struct names *names, const char *text)
{
	char *copy, **found = tfind(text, &names->kept, compare_text);

	if (found)
		return *found;
	copy = strdup(text);
	if (!copy || !tsearch(copy, &names->kept, compare_text)) {
		free(copy);
		return NULL;
	}
	return copy;
}

/* ---- the list: lines, and the numbers at their heads ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Exactly DIGITS hex digits, then a blank. */
static bool head_number(const char *text, int digits, unsigned *ret)
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
	return is_blank(text[digits]);
}

static uint32_t next_line(const struct names *names, uint32_t offset)
{
	return offset + (uint32_t)strlen(names->text + offset) + 1;
}

/* How deep the line at OFFSET is: its tabs; -1 for the list's end, -2 for a comment or an empty line. */
static int line_depth(const struct names *names, uint32_t offset)
{
	const char *line = names->text + offset;
	int depth = 0;

	if (offset >= names->size)
		return -1;
	while (line[depth] == '\t')
		depth++;
	return line[depth] == '#' || !line[depth + (int)strspn(line + depth, " \t")] ? -2 : depth;
}

/* What stands behind the number, without blanks around it. The text is ours, so it is cut in place. */
static const char *name_at(char *text)
{
	size_t length;

	while (is_blank(*text))
		text++;
	for (length = strlen(text); length && strchr(" \t\r", text[length - 1]);)
		text[--length] = '\0';
	return *text ? text : NULL;
}

static void index_line(struct names *names, uint32_t offset, unsigned number, const char **block)
{
	const char *line = names->text + offset;
	unsigned id;

	if (head_number(line, 4, &id)) {
		if (!names->vendors[id])
			names->vendors[id] = offset + 1;
		*block = "vendor";
	} else if (line[0] == 'C' && line[1] == ' ' && head_number(line + 2, 2, &id)) {
		if (!names->classes[id])
			names->classes[id] = offset + 1;
		*block = "class";
	} else if (!(line[0] >= 'A' && line[0] <= 'Z' && line[1] == ' ') && *block) {
		/* other capitals begin blocks of kinds that are still to come */
		log_warning(names->log, "%s:%u: not a line of pci.ids(5), passed over", names->path, number);
		*block = NULL; /* once is enough */
	}
}

static int index_list(struct names *names)
{
	char *text = names->text, *end = text + names->size, *line_end;
	const char *block = "";
	unsigned number = 1;
	bool found = false;

	names->vendors = calloc(0x10000, sizeof(*names->vendors));
	if (!names->vendors)
		return -ENOMEM;
	for (char *line = text; line < end; line = line_end + 1, number++) {
		line_end = memchr(line, '\n', (size_t)(end - line));
		if (!line_end)
			line_end = end;
		*line_end = '\0';
		if (*line != '\t' && *line != '#' && *line)
			index_line(names, (uint32_t)(line - text), number, &block);
	}
	for (unsigned id = 0; id < 0x10000 && !found; id++)
		found = names->vendors[id];
	return found ? 0 : -EBADMSG;
}

static int read_list(struct names *names)
{
	struct stat status;
	ssize_t n = 0;
	int fd, error = 0;

	fd = open(names->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if (!S_ISREG(status.st_mode))
		error = -EINVAL;
	else if (status.st_size > LIST_SIZE_MAX)
		error = -EFBIG;
	else if (!(names->text = malloc((size_t)status.st_size + 2)))
		error = -ENOMEM;
	while (!error && names->size < (size_t)status.st_size) {
		n = read(fd, names->text + names->size, (size_t)status.st_size - names->size);
		if (n < 0 && errno != EINTR)
			error = -errno;
		if (n == 0)
			break;
		names->size += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (error < 0)
		return error;
	names->text[names->size] = names->text[names->size + 1] = '\0';
	return 0;
}

/* libpci's own path ends in .gz when it was built with zlib; it tries the plain file when there is no such one. */
static int find_list(struct names *names)
{
	const char *path = libpci_names_path(names->libpci);
	size_t length = strlen(path);

	if (names->path)
		return 0;
	if (length > 3 && strcmp(path + length - 3, ".gz") == 0) {
		names->ask_libpci = access(path, R_OK) == 0;
		length -= 3;
	}
	names->path = strndup(path, length);
	return names->path ? 0 : -ENOMEM;
}

static void load(struct names *names)
{
	int error;

	names->loaded = true;
	error = find_list(names);
	if (!error && !names->ask_libpci)
		error = read_list(names);
	if (!error && !names->ask_libpci)
		error = index_list(names);
	if (error >= 0)
		return;
	log_warning(names->log, "%s: %s; cards are shown without names. On Debian the package pci.ids has them",
		    names->path ? names->path : "pci.ids", error == -EBADMSG ? "not a list of PCI ids" : strerror(-error));
	free(names->text);
	names->text = NULL;
	names->size = 0;
}

/* ---- a vendor's block ---- */

static int compare_lines(const void *a, const void *b)
{
	const struct device_line *x = a, *y = b;

	return x->device != y->device ? x->device - y->device : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool index_block(struct names *names, struct vendor_block *block, uint32_t offset)
{
	struct device_line *more;
	size_t room = 0;
	bool sorted = true;
	unsigned id;
	int depth;

	for (offset = next_line(names, offset); (depth = line_depth(names, offset)) != 0 && depth != -1;
	     offset = next_line(names, offset)) {
		if (depth != 1 || !head_number(names->text + offset + 1, 4, &id))
			continue;
		if (block->count == room) {
			room = room ? room * 2 : 16;
			more = realloc(block->devices, room * sizeof(*more));
			if (!more)
				return false;
			block->devices = more;
		}
		sorted = sorted && (!block->count || block->devices[block->count - 1].device < id);
		block->devices[block->count++] = (struct device_line){(uint16_t)id, offset};
	}
	if (!sorted)
		qsort(block->devices, block->count, sizeof(*block->devices), compare_lines);
	return true;
}

static struct vendor_block *find_block(struct names *names, uint16_t vendor)
{
	struct vendor_block **link = &names->blocks, *block;

	for (; (block = *link) && block->vendor != vendor;)
		link = &block->next;
	if (!block) {
		block = calloc(1, sizeof(*block));
		if (!block)
			return NULL;
		block->vendor = vendor;
		if (!index_block(names, block, names->vendors[vendor] - 1)) {
			free(block->devices);
			free(block);
			return NULL;
		}
	} else {
		*link = block->next;
	}
	/* to the front: the next card is likely of the same make */
	block->next = names->blocks;
	names->blocks = block;
	return block;
}

static uint32_t find_device(struct names *names, uint16_t vendor, uint16_t device)
{
	struct vendor_block *block;
	size_t low = 0, high;

	if (!names->text || !names->vendors[vendor] || !(block = find_block(names, vendor)))
		return 0;
	/* the first of equal ones, which bsearch(3) doesn't promise */
	for (high = block->count; low < high;) {
		size_t middle = (low + high) / 2;

		if (block->devices[middle].device < device)
			low = middle + 1;
		else
			high = middle;
	}
	return low < block->count && block->devices[low].device == device ? block->devices[low].offset : 0;
}

/* ---- libpci, for a compressed list and for the hwdb ---- */

struct question {
	int flags;
	int ids[4];
	char answer[1024];
	bool answered;
};

static void ask(struct pci_access *access, void *data)
{
	struct question *q = data;
	const char *name;

	name = pci_lookup_name(access, q->answer, sizeof(q->answer), q->flags | PCI_LOOKUP_NO_NUMBERS, q->ids[0],
			       q->ids[1], q->ids[2], q->ids[3]);
	q->answered = name;
	if (name && name != q->answer)
		snprintf(q->answer, sizeof(q->answer), "%s", name);
}

static const char *ask_libpci(struct names *names, struct question question)
{
	char *number;

	/* the list that was given stands for all that is known */
	if (names->libpci_failed || (!names->ask_libpci && !names->hwdb))
		return NULL;
	question.flags |= names->ask_libpci ? 0 : PCI_LOOKUP_SKIP_LOCAL;
	question.flags |= names->hwdb ? 0 : PCI_LOOKUP_NO_HWDB;
	if (libpci_try(names->libpci, ask, &question) < 0) {
		names->libpci_failed = true;
		return NULL;
	}
	if (!question.answered)
		return NULL;
	/* where only the base class has a name libpci puts the number behind it */
	if ((question.flags & PCI_LOOKUP_CLASS) && (number = strstr(question.answer, " [")))
		*number = '\0';
	return keep(names, question.answer);
}

/* ---- the face ---- */

const char *names_vendor(struct names *names, uint16_t vendor)
{
	const char *name = NULL;

	if (!names->loaded)
		load(names);
	if (names->text && names->vendors[vendor])
		name = name_at(names->text + names->vendors[vendor] - 1 + 4);
	return name ? name : ask_libpci(names, (struct question){PCI_LOOKUP_VENDOR, {vendor}, "", false});
}

const char *names_device(struct names *names, uint16_t vendor, uint16_t device)
{
	const char *name = NULL;
	uint32_t offset;

	if (!names->loaded)
		load(names);
	offset = find_device(names, vendor, device);
	if (offset)
		name = name_at(names->text + offset + 1 + 4);
	return name ? name : ask_libpci(names, (struct question){PCI_LOOKUP_DEVICE, {vendor, device}, "", false});
}

const char *names_subsystem(struct names *names, uint16_t vendor, uint16_t device, uint16_t subsystem_vendor,
			    uint16_t subsystem_device)
{
	uint32_t offset;
	unsigned v, d;
	int depth;

	if (!names->loaded)
		load(names);
	/* libpci looks for none below a device 0000 */
	offset = vendor && device ? find_device(names, vendor, device) : 0;
	if (offset) {
		for (offset = next_line(names, offset); (depth = line_depth(names, offset)) == 2 || depth == -2;
		     offset = next_line(names, offset)) {
			if (depth == 2 && head_number(names->text + offset + 2, 4, &v) && v == subsystem_vendor &&
			    head_number(names->text + offset + 7, 4, &d) && d == subsystem_device)
				return name_at(names->text + offset + 11);
		}
	}
	if (names->ask_libpci || names->hwdb) {
		struct question question = {PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE,
					    {vendor, device, subsystem_vendor, subsystem_device}, "", false};
		const char *name = ask_libpci(names, question);

		if (name)
			return name;
	}
	/* cards that carry their own ids as subsystem: lspci gives the device's name */
	return vendor == subsystem_vendor && device == subsystem_device ? names_device(names, vendor, device) : NULL;
}

const char *names_class(struct names *names, uint16_t class)
{
	const char *base = NULL;
	uint32_t offset;
	unsigned id;
	int depth;

	if (!names->loaded)
		load(names);
	offset = names->text ? names->classes[class >> 8] : 0;
	if (!offset)
		return ask_libpci(names, (struct question){PCI_LOOKUP_CLASS, {class}, "", false});
	base = name_at(names->text + offset - 1 + 4);
	for (offset = next_line(names, offset - 1); (depth = line_depth(names, offset)) != 0 && depth != -1;
	     offset = next_line(names, offset)) {
		if (depth == 1 && head_number(names->text + offset + 1, 2, &id) && id == (class & 0xffu))
			return name_at(names->text + offset + 3);
	}
	return base;
}
