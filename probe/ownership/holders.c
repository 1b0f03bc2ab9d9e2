/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holders.h"

#include "probe/ownership/deadline.h"
#include "probe/ownership/frontend.h"
#include "probe/ownership/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One more thread for so many processes. */
#define PROCESSES_A_WALKER 250
#define WALKERS_MAX 4

/* So many descriptors between two looks at the clock. */
#define DESCRIPTORS_A_CHECK 256

static void holder_free(struct holder *holder)
{
	vmm_free(&holder->vmm);
	free(holder->frontend_id);
	free(holder->files);
}

void holders_free(struct holders *holders)
{
	for (size_t i = 0; i < holders->count; i++)
		holder_free(&holders->items[i]);
	free(holders->items);
	*holders = (struct holders){0};
}

bool holder_has_node(const struct holder *holder, const struct vfio_node *node)
{
	for (size_t i = 0; i < holder->file_count; i++)
		if (holder->files[i].node == node)
			return true;
	return false;
}

bool holder_has_group(const struct holder *holder, unsigned group)
{
	for (size_t i = 0; i < holder->file_count; i++) {
		const struct vfio_node *node = holder->files[i].node;

		if (node && node->kind == VFIO_NODE_GROUP && node->group == group)
			return true;
	}
	return false;
}

/* ---- the walk ---- */

struct walk {
	struct sysdir proc;
	enum holders_depth depth;
	struct vfio_numbers numbers;
	struct process_users users;
	int64_t end;
	pid_t *pids;
	size_t count;
	atomic_size_t next; /* of pids: the next one that no thread has taken */
};

static bool is_over(const struct walk *walk)
{
	return deadline_left(walk->end) <= 0;
}

static int add_file(struct holder *holder, const struct vfio_file *file)
{
	struct vfio_file *files;

	files = reallocarray(holder->files, holder->file_count + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	holder->files = files;
	files[holder->file_count++] = *file;
	return 0;
}

static int read_descriptor(const struct walk *walk, const struct sysdir *task,
			   const struct sysdir *fds, const char *name, pid_t thread,
			   struct holder *holder)
{
	struct vfio_file file;
	int result = vfio_file_read(&walk->numbers, task, fds, name, &file);

	if (result <= 0)
		return result;
	file.thread = thread;
	return add_file(holder, &file);
}

/* The table of one thread, TASK. Returns 0, or the first negative errno that kept a descriptor
 * from being inspected; -ENOENT when the thread has ended. */
static int read_table(const struct walk *walk, const struct sysdir *task, pid_t thread,
		      struct holder *holder)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct sysdir fds = {.root = task->root};
	struct dirent *entry;
	int error, first = 0;

	error = sysdir_list(task, "fd", &list);
	if (error < 0)
		return error;
	fds.fd = dirfd(list); /* one open less, of which there are thousands */
	snprintf(fds.path, sizeof(fds.path), "%.250s/fd", task->path);
	for (size_t i = 1; (entry = sysdir_next(list)); i++) {
		error = read_descriptor(walk, task, &fds, entry->d_name, thread, holder);
		if (error == -ENOMEM)
			return error;
		if (error < 0 && !process_is_gone(error) && !first)
			first = error;
		if (i % DESCRIPTORS_A_CHECK == 0 && is_over(walk))
			return -ETIMEDOUT;
	}
	if (errno && errno != ENOENT && !first)
		first = -errno;
	return first;
}

static int read_threads(const struct walk *walk, const struct sysdir *process,
			struct holder *holder)
{
	_cleanup_sysdir_ struct sysdir tasks = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error, first = 0;

	error = sysdir_open(process, "task", &tasks);
	if (!error)
		error = sysdir_list(&tasks, ".", &list);
	if (error < 0)
		return error;
	while ((entry = sysdir_next(list))) {
		_cleanup_sysdir_ struct sysdir task = {.fd = -1};
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		if (thread == holder->pid)
			continue;
		error = sysdir_open(&tasks, entry->d_name, &task);
		if (!error)
			error = read_table(walk, &task, thread, holder);
		if (error == -ENOMEM || error == -ETIMEDOUT)
			return error;
		if (error < 0 && !process_is_gone(error) && !first)
			first = error;
	}
	return first;
}

/* Returns 0, -ENOENT or -ESRCH when the process has ended, or another negative errno when not
 * all could be inspected. */
static int read_descriptors(const struct walk *walk, const struct sysdir *process,
			    struct holder *holder)
{
	int error, other;

	if (walk->depth == HOLDERS_COMMAND_LINES)
		return 0;
	error = read_table(walk, process, holder->pid, holder);
	if (walk->depth != HOLDERS_THREADS || (error < 0 && !process_is_gone(error)))
		return error;
	other = read_threads(walk, process, holder);
	return other < 0 && !process_is_gone(other) ? other : error;
}

/* Finds what the process of a VM monitor shows of its frontend. TEXT has VMM_CMDLINE_MAX bytes. */
static void find_frontend(const struct sysdir *process, char *text, struct holder *holder)
{
	const struct vmm *vmm = &holder->vmm;

	if (!vmm->is_vmm)
		return;
	if (sysdir_read(process, "cgroup", text, VMM_CMDLINE_MAX) > 0) {
		frontend_find_pod(text, holder->pod);
		holder->frontend = frontend_from_cgroup(text, vmm->name, &holder->frontend_id);
	}
	if (!holder->frontend && vmm->path)
		holder->frontend = frontend_from_path(vmm->path, vmm->name, &holder->frontend_id);
}

/* Returns 1 when *holder has to do with devices, 0, or -ENOMEM. Counts in *holders what can't be
 * inspected. */
static int read_process(const struct walk *walk, const struct sysdir *process, char *text,
			struct holder *holder, struct holders *holders)
{
	struct process_stat stat = {0};
	ssize_t length;
	int error;

	error = read_descriptors(walk, process, holder);
	if (error == -ENOMEM)
		return error;
	if (process_is_gone(error))
		return 0;
	holder->seen = error == 0;
	length = process_read_cmdline(process, holder->file_count, text);
	if (length == 0 && !holder->seen && !holder->file_count)
		return 0; /* a kernel thread, or a zombie: it has nothing open */
	if (length < 0 && process_is_gone((int)length))
		return 0;
	if (length >= 0 && vmm_parse(text, (size_t)length, &holder->vmm) < 0)
		return -ENOMEM;
	if (!holder->seen) {
		holders->unseen++;
		holders->error = error;
	}
	if (!holder->file_count && !(holder->vmm.is_vmm && holder->vmm.device_count))
		return 0;
	/* a file that it has open was seen, whatever keeps its start from being read; but not if
	 * it has ended meanwhile */
	error = process_read_stat(process, &stat);
	if (process_is_gone(error) || (error < 0 && !holder->file_count))
		return 0;
	holder->started = stat.started;
	holder->trusted = process_is_trusted(process, &walk->users) > 0;
	find_frontend(process, text, holder);
	return 1;
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

static int read_entry(const struct walk *walk, pid_t pid, char *text, struct holders *holders)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	struct holder holder = {.pid = pid};
	char name[16];
	int error, found;

	/* held open, the directory is that of this process for good: a later one with the same
	 * pid has another */
	snprintf(name, sizeof(name), "%d", pid);
	error = is_over(walk) ? -ETIMEDOUT : sysdir_open(&walk->proc, name, &process);
	if (process_is_gone(error))
		return 0;
	if (error < 0) {
		holders->unseen++;
		holders->error = error;
		return 0;
	}
	found = read_process(walk, &process, text, &holder, holders);
	if (found > 0)
		found = add_holder(holders, &holder);
	holder_free(&holder);
	return found < 0 ? found : 0;
}

/* Most of the walk is the kernel's time, a few microseconds a descriptor, which several threads
 * can spend at once. */
struct walker {
	struct walk *walk;
	pthread_t thread;
	bool started;
	struct holders holders;
	int error;
};

static void *walker_thread(void *data)
{
	struct walker *walker = data;
	struct walk *walk = walker->walk;
	char *text = malloc(VMM_CMDLINE_MAX);
	size_t i;

	walker->error = text ? 0 : -ENOMEM;
	while (!walker->error && (i = atomic_fetch_add(&walk->next, 1)) < walk->count)
		walker->error = read_entry(walk, walk->pids[i], text, &walker->holders);
	free(text);
	return NULL;
}

/* Signals stay blocked in the threads, so that they never run the host process's handlers. */
static void start(struct walker *walkers, size_t count)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 1; i < count; i++)
		walkers[i].started = pthread_create(&walkers[i].thread, NULL, walker_thread,
						    &walkers[i]) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int merge(struct holders *to, struct holders *from)
{
	int error = 0;

	to->unseen += from->unseen;
	if (from->error)
		to->error = from->error;
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
	walker_thread(&walkers[0]);
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
	size_t capacity = 0;
	int error = sysdir_list(&walk->proc, ".", &list);

	while (!error && (entry = sysdir_next(list))) {
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
			continue;
		if (walk->count == capacity) {
			pid_t *pids;

			capacity = capacity ? capacity * 2 : 256;
			pids = reallocarray(walk->pids, capacity, sizeof(*pids));
			if (!pids)
				return -ENOMEM;
			walk->pids = pids;
		}
		walk->pids[walk->count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	if (!error && errno)
		return -errno;
	return error || walk->count ? error : -ENOENT;
}

/* Processes may be hidden: by hidepid, or because this one is in a PID namespace of its own. The
 * first namespace has this number: Linux, include/linux/proc_ns.h, PROC_PID_INIT_INO. */
static bool are_all_listed(struct sysroot *root, const struct sysdir *proc)
{
	static const char first_namespace[] = "pid:[4026531836]";
	char text[64];
	struct sysdir first;

	if (sysdir_open(proc, "1", &first) < 0)
		return false;
	sysdir_close(&first);
	if (!sysroot_is_host(root) || sysdir_readlink(proc, "self/ns/pid", text, sizeof(text)) < 0)
		return true;
	return strcmp(text, first_namespace) == 0;
}

int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth,
		 struct holders *ret)
{
	struct walk walk = {.proc = {.fd = -1}, .depth = depth};
	struct holders holders = {0};
	int error;

	process_users_read(root, &walk.users);
	walk.end = deadline_in(HOLDERS_MILLISECONDS);
	error = vfio_numbers_read(nodes, &walk.numbers);
	if (!error)
		error = sysdir_open(sysroot_dir(root), "proc", &walk.proc);
	if (!error)
		error = list_processes(&walk);
	if (!error)
		error = walk_processes(&walk, &holders);
	if (!error && !are_all_listed(root, &walk.proc)) {
		holders.unseen++;
		if (!holders.error)
			holders.error = -EACCES;
	}
	sysdir_close(&walk.proc);
	free(walk.pids);
	if (error < 0) {
		holders_free(&holders);
		return error;
	}
	*ret = holders;
	return 0;
}
