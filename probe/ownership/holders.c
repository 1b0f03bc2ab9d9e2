/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void holder_free(struct holder *holder)
{
	vmm_free(&holder->vmm);
	free(holder->groups);
	free(holder->devices);
}

void holders_free(struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++)
		holder_free(&holders->items[i]);
	free(holders->items);
	*holders = (struct holders){0};
}

static int add_number(unsigned **numbers, size_t *count, unsigned number)
{
	unsigned *more;

	for (size_t i = 0; i < *count; i++)
		if ((*numbers)[i] == number)
			return 0;
	more = realloc(*numbers, (*count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	*numbers = more;
	more[(*count)++] = number;
	return 0;
}

/* "/dev/vfio/17", "/dev/vfio/noiommu-0", "/dev/vfio/devices/vfio3". The container /dev/vfio/vfio is nobody's card. */
static int note_descriptor(struct holder *holder, const char *target)
{
	unsigned number;
	int end = 0;

	if (sscanf(target, "/dev/vfio/%9u%n", &number, &end) == 1 && !target[end])
		return add_number(&holder->groups, &holder->group_count, number);
	if (sscanf(target, "/dev/vfio/noiommu-%9u%n", &number, &end) == 1 && !target[end])
		return add_number(&holder->groups, &holder->group_count, number);
	if (sscanf(target, "/dev/vfio/devices/vfio%9u%n", &number, &end) == 1 && !target[end])
		return add_number(&holder->devices, &holder->device_count, number);
	return 0;
}

/* Returns 0, -EACCES when the descriptors are none of our business, -ENOENT when the process has ended, or -ENOMEM. */
static int read_descriptors(const struct sysdir *process, struct holder *holder)
{
	_cleanup_sysdir_ struct sysdir fds = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char target[256];
	ssize_t length;
	int error;

	error = sysdir_open(process, "fd", &fds);
	if (error == 0)
		error = sysdir_list(&fds, ".", &list);
	if (error < 0)
		return error == -EPERM ? -EACCES : error;
	while ((entry = sysdir_next(list))) {
		length = sysdir_readlink(&fds, entry->d_name, target, sizeof(target));
		if (length == -EACCES || length == -EPERM)
			return -EACCES;
		if (length > 0 && strncmp(target, "/dev/vfio/", strlen("/dev/vfio/")) == 0 &&
		    note_descriptor(holder, target) < 0)
			return -ENOMEM;
	}
	return errno == EACCES || errno == EPERM ? -EACCES : 0;
}

/* The 22nd word of /proc/<pid>/stat; the second one is the program's name in parentheses and can hold anything. */
static bool read_start(const struct sysdir *process, uint64_t *ret)
{
	char text[ATTRIBUTE_SIZE], *p;
	unsigned long long started;

	if (sysdir_read(process, "stat", text, sizeof(text)) < 0 || !(p = strrchr(text, ')')))
		return false;
	if (sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &started) != 1)
		return false;
	*ret = started;
	return true;
}

/* Returns the length, 0 for a kernel thread, or a negative errno. TEXT has VMM_CMDLINE_MAX bytes. */
static ssize_t read_cmdline(const struct sysdir *process, char *text)
{
	ssize_t length = sysdir_read(process, "cmdline", text, VMM_CMDLINE_MAX);

	/* more than anybody gives a VM; what was read is still the beginning of it */
	return length == -EFBIG ? (ssize_t)VMM_CMDLINE_MAX - 1 : length;
}

static bool names_a_card(const struct vmm *vmm)
{
	return vmm->is_vmm && vmm->device_count;
}

/* Returns 1 when *holder is one that has to do with cards, 0, or -ENOMEM. Counts in *unseen. */
static int read_process(const struct sysdir *process, char *text, struct holder *holder, size_t *unseen)
{
	uint64_t started;
	ssize_t length;
	int error;

	error = read_descriptors(process, holder);
	if (error == -ENOMEM)
		return error;
	holder->seen = error == 0;
	if (error < 0 && error != -EACCES)
		return 0;
	if (holder->seen && !holder->group_count && !holder->device_count)
		return 0;
	length = read_cmdline(process, text);
	if (length == 0 && !holder->seen)
		return 0; /* a kernel thread, or a zombie: it has nothing open */
	if (length >= 0 && vmm_parse(text, (size_t)length, &holder->vmm) < 0)
		return -ENOMEM;
	*unseen += !holder->seen;
	/* the pid may have gone to another process between the reads */
	if (!read_start(process, &started) || (holder->started = started) == 0)
		return 0;
	return holder->seen || names_a_card(&holder->vmm);
}

static int add_holder(struct holders *holders, struct holder *holder)
{
	struct holder *more = realloc(holders->items, (holders->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	holders->items = more;
	more[holders->count++] = *holder;
	*holder = (struct holder){0};
	return 0;
}

static int read_entry(const struct sysdir *proc, const char *name, char *text, struct holders *holders)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	struct holder holder = {0};
	int found;

	/* held open, the directory is that of this process for good: a later one with the same pid has another */
	if (sysdir_open(proc, name, &process) < 0)
		return 0;
	holder.pid = (pid_t)strtol(name, NULL, 10);
	found = read_process(&process, text, &holder, &holders->unseen);
	if (found > 0)
		found = add_holder(holders, &holder);
	holder_free(&holder);
	return found < 0 ? found : 0;
}

int holders_read(struct sysroot *root, struct holders *ret)
{
	_cleanup_sysdir_ struct sysdir proc = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct holders holders = {0};
	char *text = malloc(VMM_CMDLINE_MAX);
	struct dirent *entry;
	struct sysdir first;
	bool any = false;
	int error;

	error = text ? sysdir_open(sysroot_dir(root), "proc", &proc) : -ENOMEM;
	if (!error)
		error = sysdir_list(&proc, ".", &list);
	while (!error && (entry = sysdir_next(list)))
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name)) {
			any = true;
			error = read_entry(&proc, entry->d_name, text, &holders);
		}
	if (!error && !any)
		error = -ENOENT;
	/* with hidepid nobody else's processes are even listed */
	if (!error && sysdir_open(&proc, "1", &first) < 0)
		holders.unseen++;
	else if (!error)
		sysdir_close(&first);
	free(text);
	if (error < 0) {
		holders_free(&holders);
		return error;
	}
	*ret = holders;
	return 0;
}
