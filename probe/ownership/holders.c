/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holders.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread is worth its while for so many processes. */
#define PROCESSES_A_WALKER 250
#define WALKERS_MAX 4

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
	_cleanup_closedir_ DIR *list = NULL;
	struct sysdir fds = *process;
	struct dirent *entry;
	char target[256];
	ssize_t length;
	int error;

	error = sysdir_list(process, "fd", &list);
	if (error < 0)
		return error == -EPERM ? -EACCES : error;
	fds.fd = dirfd(list); /* one open less, of which there are thousands */
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

static int read_entry(const struct sysdir *proc, pid_t pid, char *text, struct holders *holders)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	struct holder holder = {.pid = pid};
	char name[16];
	int found;

	/* held open, the directory is that of this process for good: a later one with the same pid has another */
	snprintf(name, sizeof(name), "%d", pid);
	if (sysdir_open(proc, name, &process) < 0)
		return 0;
	found = read_process(&process, text, &holder, &holders->unseen);
	if (found > 0)
		found = add_holder(holders, &holder);
	holder_free(&holder);
	return found < 0 ? found : 0;
}

/* ---- the walk: most of it is the kernel's time, a few microseconds a descriptor, which several can spend at once ---- */

struct walk {
	struct sysdir proc;
	pid_t *pids;
	size_t count;
	atomic_size_t next; /* of pids: whoever has time takes it */
};

struct walker {
	struct walk *walk;
	pthread_t thread;
	bool started;
	struct holders holders;
	int error;
};

static void *go(void *data)
{
	struct walker *walker = data;
	struct walk *walk = walker->walk;
	char *text = malloc(VMM_CMDLINE_MAX);
	size_t i;

	walker->error = text ? 0 : -ENOMEM;
	while (!walker->error && (i = atomic_fetch_add(&walk->next, 1)) < walk->count)
		walker->error = read_entry(&walk->proc, walk->pids[i], text, &walker->holders);
	free(text);
	return NULL;
}

/* The others must not run the signal handlers of whoever's process this is. */
static void start(struct walker *walkers, size_t count)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 1; i < count; i++)
		walkers[i].started = pthread_create(&walkers[i].thread, NULL, go, &walkers[i]) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int merge(struct holders *to, struct holders *from)
{
	int error = 0;

	to->unseen += from->unseen;
	for (size_t i = 0; i < from->count && !error; i++)
		error = add_holder(to, &from->items[i]);
	holders_free(from);
	return error;
}

static int compare_pids(const void *a, const void *b)
{
	const struct holder *one = a, *other = b;

	return (one->pid > other->pid) - (one->pid < other->pid);
}

static int walk_processes(struct walk *walk, struct holders *ret)
{
	struct walker walkers[WALKERS_MAX] = {0};
	size_t count = walk->count / PROCESSES_A_WALKER + 1;
	int error = 0;

	if (count > WALKERS_MAX)
		count = WALKERS_MAX;
	for (size_t i = 0; i < count; i++)
		walkers[i].walk = walk;
	start(walkers, count);
	go(&walkers[0]);
	for (size_t i = 0; i < count; i++) {
		if (walkers[i].started)
			pthread_join(walkers[i].thread, NULL);
		if (!error)
			error = walkers[i].error;
		if (!error)
			error = merge(ret, &walkers[i].holders);
		holders_free(&walkers[i].holders);
	}
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_pids);
	return error;
}

static int list_processes(struct walk *walk)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	size_t room = 0;
	int error = sysdir_list(&walk->proc, ".", &list);

	while (!error && (entry = sysdir_next(list))) {
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
			continue;
		if (walk->count == room) {
			pid_t *more = reallocarray(walk->pids, room = room ? room * 2 : 256, sizeof(*more));

			if (!more)
				return -ENOMEM;
			walk->pids = more;
		}
		walk->pids[walk->count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	return error || walk->count ? error : -ENOENT;
}

int holders_read(struct sysroot *root, struct holders *ret)
{
	struct walk walk = {.proc = {.fd = -1}};
	struct holders holders = {0};
	struct sysdir first;
	int error;

	error = sysdir_open(sysroot_dir(root), "proc", &walk.proc);
	if (!error)
		error = list_processes(&walk);
	if (!error)
		error = walk_processes(&walk, &holders);
	/* with hidepid nobody else's processes are even listed */
	if (!error && sysdir_open(&walk.proc, "1", &first) < 0)
		holders.unseen++;
	else if (!error)
		sysdir_close(&first);
	sysdir_close(&walk.proc);
	free(walk.pids);
	if (error < 0) {
		holders_free(&holders);
		return error;
	}
	*ret = holders;
	return 0;
}
