/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as pci.ids: what is found doesn't depend on the order of the questions, and what a good
 * list says isn't changed by bytes behind it; a list that is cut short under way loses names and
 * nothing else. */
#include "probe/names/pciids.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <sys/mman.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Its last block is one that nothing below asks for, so that lines which follow can go on with it.
 */
static const char GOOD[] = "# a good list\n\n"
			   "10de  NVIDIA Corporation\n"
			   "\t2204  GA102 [GeForce RTX 3090]\n"
			   "\t\t1043 87b3  ROG Strix\n"
			   "8086  Intel Corporation\n"
			   "\t10d3  82574L Gigabit Network Connection\n"
			   "C 03  Display controller\n"
			   "\t00  VGA compatible controller\n"
			   "\t\t00  VGA controller\n"
			   "C 40  Coprocessor\n";

enum question_kind { ASK_VENDOR, ASK_DEVICE, ASK_SUBSYSTEM, ASK_CLASS, ASK_BASE_CLASS };

static const struct question {
	enum question_kind kind;
	uint16_t ids[4];
	const char *good; /* the answer of GOOD */
} QUESTIONS[] = {
	{ASK_SUBSYSTEM, {0x10de, 0x2204, 0x1043, 0x87b3}, "ROG Strix"},
	{ASK_DEVICE, {0x10de, 0x2204, 0, 0}, "GA102 [GeForce RTX 3090]"},
	{ASK_VENDOR, {0x10de, 0, 0, 0}, "NVIDIA Corporation"},
	{ASK_CLASS, {0x0300, 0, 0, 0}, "VGA compatible controller"},
	{ASK_CLASS, {0x0380, 0, 0, 0}, NULL},
	{ASK_BASE_CLASS, {0x03, 0, 0, 0}, "Display controller"},
	{ASK_SUBSYSTEM, {0x8086, 0x10d3, 0x8086, 0xa01f}, NULL},
	{ASK_DEVICE, {0x8086, 0x10d3, 0, 0}, "82574L Gigabit Network Connection"},
	{ASK_DEVICE, {0x8086, 0x0000, 0, 0}, NULL},
	{ASK_VENDOR, {0x8086, 0, 0, 0}, "Intel Corporation"},
};

static const char *ask(struct pciids *list, const struct question *q)
{
	switch (q->kind) {
	case ASK_VENDOR:
		return pciids_vendor(list, q->ids[0]);
	case ASK_DEVICE:
		return pciids_device(list, q->ids[0], q->ids[1]);
	case ASK_SUBSYSTEM:
		return pciids_subsystem(list, q->ids[0], q->ids[1], q->ids[2], q->ids[3]);
	case ASK_CLASS:
		return pciids_class(list, q->ids[0]);
	case ASK_BASE_CLASS:
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

/* Opens a list of these bytes; NULL: it isn't one. FD is what it is in, for those who change it
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

static void ask_in_any_order(const char *text, size_t size, const struct log *log)
{
	const char *answers[COUNT(QUESTIONS)];
	struct pciids *forth, *back;
	int fds[2];

	forth = open_list(text, size, log, &fds[0]);
	back = open_list(text, size, log, &fds[1]);
	hold(!forth == !back);
	for (size_t i = 0; forth && i < COUNT(QUESTIONS); i++) {
		answers[i] = ask(forth, &QUESTIONS[i]);
		hold(!answers[i] || is_name(answers[i]));
	}
	for (size_t i = COUNT(QUESTIONS); back && i--;) {
		hold(same(ask(back, &QUESTIONS[i]), answers[i]));
		hold(ask(forth, &QUESTIONS[i]) == answers[i]);
	}
	pciids_close(forth);
	pciids_close(back);
	close(fds[0]);
	close(fds[1]);
}

static void ask_good_list(const char *text, size_t size, const struct log *log)
{
	struct pciids *list;
	int fd;

	list = open_list(text, size, log, &fd);
	hold(list || has_long_line(text, size));
	for (size_t i = 0; list && i < COUNT(QUESTIONS); i++)
		if (QUESTIONS[i].good)
			hold(same(ask(list, &QUESTIONS[i]), QUESTIONS[i].good));
	pciids_close(list);
	close(fd);
}

/* As when a package is upgraded by a tool that writes in place. */
static void ask_list_cut_short(const char *text, size_t size, size_t left, const struct log *log)
{
	struct pciids *list;
	int fd;

	list = open_list(text, size, log, &fd);
	hold(ftruncate(fd, (off_t)left) == 0);
	for (size_t i = 0; list && i < COUNT(QUESTIONS); i++)
		ask(list, &QUESTIONS[i]);
	pciids_close(list);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told told = {0};
	struct log log = {.emit = tell, .data = &told};
	char *both = malloc(sizeof(GOOD) + size);
	const size_t good = sizeof(GOOD) - 1;
	int descriptor = next_descriptor();

	hold(both);
	memcpy(both, GOOD, good);
	if (size)
		memcpy(both + good, data, size);
	ask_in_any_order(both + good, size, &log);
	hold(told.warnings <= 2);
	ask_good_list(both, good + size, &log);
	if (size)
		ask_list_cut_short(both + good, size, size - 1 - data[0] % size, &log);
	hold(next_descriptor() == descriptor);
	free(both);
	return 0;
}
