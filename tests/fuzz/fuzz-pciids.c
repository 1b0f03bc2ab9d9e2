/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses arbitrary bytes as pci.ids. Results do not depend on the order of the queries; bytes after
 * a valid list do not change its names; the names of a vendor are the same in a long list, which is
 * searched, as in a short one, which is read at once; and truncating an open list only loses names.
 */
#include "probe/names/pciids.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <sys/mman.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The last block is not queried, so that appended lines may continue it. */
static const char VALID[] = "# a valid list\n\n"
			    "10de  NVIDIA Corporation\n"
			    "\t2204  GA102 [GeForce RTX 3090]\n"
			    "\t\t1043 87b3  ROG Strix\n"
			    "8086  Intel Corporation\n"
			    "\t10d3  82574L Gigabit Network Connection\n"
			    "C 03  Display controller\n"
			    "\t00  VGA compatible controller\n"
			    "\t\t00  VGA controller\n"
			    "C 40  Coprocessor\n";

enum query_kind { QUERY_VENDOR, QUERY_DEVICE, QUERY_SUBSYSTEM, QUERY_CLASS, QUERY_BASE_CLASS };

static const struct query {
	enum query_kind kind;
	uint16_t ids[4];
	const char *name; /* in VALID */
} QUERIES[] = {
	{QUERY_SUBSYSTEM, {0x10de, 0x2204, 0x1043, 0x87b3}, "ROG Strix"},
	{QUERY_DEVICE, {0x10de, 0x2204, 0, 0}, "GA102 [GeForce RTX 3090]"},
	{QUERY_VENDOR, {0x10de, 0, 0, 0}, "NVIDIA Corporation"},
	{QUERY_CLASS, {0x0300, 0, 0, 0}, "VGA compatible controller"},
	{QUERY_CLASS, {0x0380, 0, 0, 0}, NULL},
	{QUERY_BASE_CLASS, {0x03, 0, 0, 0}, "Display controller"},
	{QUERY_SUBSYSTEM, {0x8086, 0x10d3, 0x8086, 0xa01f}, NULL},
	{QUERY_DEVICE, {0x8086, 0x10d3, 0, 0}, "82574L Gigabit Network Connection"},
	{QUERY_DEVICE, {0x8086, 0x0000, 0, 0}, NULL},
	{QUERY_VENDOR, {0x8086, 0, 0, 0}, "Intel Corporation"},
};

static const char *run_query(struct pciids *list, const struct query *q)
{
	switch (q->kind) {
	case QUERY_VENDOR:
		return pciids_vendor(list, q->ids[0]);
	case QUERY_DEVICE:
		return pciids_device(list, q->ids[0], q->ids[1]);
	case QUERY_SUBSYSTEM:
		return pciids_subsystem(list, q->ids[0], q->ids[1], q->ids[2], q->ids[3]);
	case QUERY_CLASS:
		return pciids_class(list, q->ids[0]);
	case QUERY_BASE_CLASS:
		return pciids_base_class(list, (uint8_t)q->ids[0]);
	}
	return NULL;
}

static bool has_long_line(const char *text, size_t size)
{
	const char *end;

	for (; size; size -= (size_t)(end - text) + 1, text = end + 1) {
		end = memchr(text, '\n', size);
		if (!end)
			return size >= 65536;
		if (end - text >= 65536)
			return true;
	}
	return false;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_name(const char *name)
{
	return *name && !strchr(" \t", *name) && !strchr(name, '\n') &&
	       !strchr(" \t\r", name[strlen(name) - 1]);
}

/* Opens a list of these bytes; returns NULL if it is invalid. *FD is its file, which may be changed
 * afterwards. */
static struct pciids *open_list(const char *text, size_t size, const struct log *log, int *fd)
{
	struct pciids *list = NULL;
	char path[32];
	int error;

	*fd = memfd_create("pci.ids", MFD_CLOEXEC);
	hold(*fd >= 0 && write(*fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	error = pciids_open(path, log, &list);
	hold(error == 0 || error == -EBADMSG);
	hold((error < 0) == !list);
	return list;
}

static void query_in_both_orders(const char *text, size_t size, const struct log *log)
{
	const char *answers[COUNT(QUERIES)];
	struct pciids *forward, *backward;
	int fds[2];

	forward = open_list(text, size, log, &fds[0]);
	backward = open_list(text, size, log, &fds[1]);
	hold(!forward == !backward);
	for (size_t i = 0; forward && i < COUNT(QUERIES); i++) {
		answers[i] = run_query(forward, &QUERIES[i]);
		hold(!answers[i] || is_name(answers[i]));
	}
	for (size_t i = COUNT(QUERIES); backward && i--;) {
		hold(same(run_query(backward, &QUERIES[i]), answers[i]));
		hold(run_query(forward, &QUERIES[i]) == answers[i]);
	}
	pciids_close(forward);
	pciids_close(backward);
	close(fds[0]);
	close(fds[1]);
}

static void query_valid_list(const char *text, size_t size, const struct log *log)
{
	struct pciids *list;
	int fd;

	list = open_list(text, size, log, &fd);
	hold(list || has_long_line(text, size));
	for (size_t i = 0; list && i < COUNT(QUERIES); i++)
		if (QUERIES[i].name)
			hold(same(run_query(list, &QUERIES[i]), QUERIES[i].name));
	pciids_close(list);
	close(fd);
}

/* As a package upgrade that writes the file in place. */
static void query_truncated_list(const char *text, size_t size, size_t left, const struct log *log)
{
	struct pciids *list;
	int fd;

	list = open_list(text, size, log, &fd);
	hold(ftruncate(fd, (off_t)left) == 0);
	for (size_t i = 0; list && i < COUNT(QUERIES); i++)
		run_query(list, &QUERIES[i]);
	pciids_close(list);
	close(fd);
}

/* The block of Intel, with the lines of TEXT as those of its devices, subsystems or comments. */
static void write_intel(FILE *out, const char *text, size_t size)
{
	bool start = true;

	fputs("8086  Intel Corporation\n", out);
	for (size_t i = 0; i < size; i++) {
		if (start && text[i] != '\t' && text[i] != '#')
			fputc('\t', out);
		fputc(text[i], out);
		start = text[i] == '\n';
	}
	fputc('\n', out);
}

static void write_vendors(FILE *out, unsigned first, unsigned end)
{
	for (unsigned vendor = first; vendor < end; vendor++)
		fprintf(out, "%04x  A vendor with a long name\n\t1000  Device\n", vendor);
}

static void query_long_list(const char *text, size_t size, const struct log *log)
{
	char *list_texts[2] = {NULL, NULL};
	struct pciids *lists[2];
	size_t sizes[2];
	int fds[2];

	for (int i = 0; i < 2; i++) {
		FILE *out = open_memstream(&list_texts[i], &sizes[i]);

		hold(out);
		if (i)
			write_vendors(out, 0x7d00, 0x8086);
		write_intel(out, text, size);
		if (i)
			write_vendors(out, 0x8087, 0x8400);
		hold(fclose(out) == 0);
		lists[i] = open_list(list_texts[i], sizes[i], log, &fds[i]);
	}
	for (unsigned device = 0; lists[0] && device < 0x10000; device += device < 0x100 ? 1 : 0xfd)
		hold(same(pciids_device(lists[0], 0x8086, (uint16_t)device),
			  pciids_device(lists[1], 0x8086, (uint16_t)device)));
	hold(!lists[0] || same(pciids_subsystem(lists[0], 0x8086, 0x10d3, 0x8086, 0xa01f),
			       pciids_subsystem(lists[1], 0x8086, 0x10d3, 0x8086, 0xa01f)));
	hold(!lists[1] || same(pciids_vendor(lists[1], 0x8086), "Intel Corporation"));
	hold(!lists[1] || same(pciids_device(lists[1], 0x8083, 0x1000), "Device"));
	for (int i = 0; i < 2; i++) {
		pciids_close(lists[i]);
		free(list_texts[i]);
		close(fds[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_count messages = {0};
	struct log log = {.emit = count_message, .data = &messages};
	char *both = malloc(sizeof(VALID) + size);
	const size_t valid_size = sizeof(VALID) - 1;
	int descriptor = next_descriptor();

	hold(both);
	memcpy(both, VALID, valid_size);
	if (size)
		memcpy(both + valid_size, data, size);
	query_in_both_orders(both + valid_size, size, &log);
	hold(messages.warnings <= 2);
	query_valid_list(both, valid_size + size, &log);
	if (size < 30000)
		query_long_list(both + valid_size, size, &log);
	if (size)
		query_truncated_list(both + valid_size, size, size - 1 - data[0] % size, &log);
	hold(next_descriptor() == descriptor);
	free(both);
	return 0;
}
