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

#define PROCESSES_PER_WALKER 250
#define WALKERS_MAX 4

/* Number of descriptors between two checks of the deadline. */
#define DESCRIPTORS_PER_CHECK 256

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
	int64_t deadline;
	pid_t *pids;
	size_t count;
	atomic_size_t next; /* index in pids of the next unassigned process */
};

static bool is_timed_out(const struct walk *walk)
{
	return deadline_left(walk->deadline) <= 0;
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

/* Reads the descriptor table of the thread TASK. Returns 0, or the first error of a descriptor;
 * -ENOENT if the thread has ended. */
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
	fds.fd = dirfd(list); /* saves one open per process */
	snprintf(fds.path, sizeof(fds.path), "%.250s/fd", task->path);
	for (size_t i = 1; (entry = sysdir_next(list)); i++) {
		error = read_descriptor(walk, task, &fds, entry->d_name, thread, holder);
		if (error == -ENOMEM)
			return error;
		if (error < 0 && !process_is_gone(error) && !first)
			first = error;
		if (i % DESCRIPTORS_PER_CHECK == 0 && is_timed_out(walk))
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

/* Returns 0, -ENOENT or -ESRCH if the process has ended, or another negative errno if not all
 * descriptors could be read. */
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

/* BUFFER has VMM_CMDLINE_MAX bytes. Returns 0 or -ENOMEM. */
static int find_frontend(const struct sysdir *process, char *buffer, struct holder *holder)
{
	const struct vmm *vmm = &holder->vmm;
	ssize_t length;

	if (!vmm->is_vmm)
		return 0;
	length = sysdir_read(process, "cgroup", buffer, VMM_CMDLINE_MAX);
	errno = 0;
	if (length > 0) {
		frontend_find_pod(buffer, holder->pod);
		holder->frontend = frontend_from_cgroup(buffer, vmm->name, &holder->frontend_id);
	}
	if (!holder->frontend && vmm->path)
		holder->frontend = frontend_from_path(vmm->path, vmm->name, &holder->frontend_id);
	return !holder->frontend && errno == ENOMEM ? -ENOMEM : 0;
}

/* Returns 1 if the process has VFIO files open or is a VM monitor with devices on its command line,
 * 0 if not, or -ENOMEM. Counts a process that can't be inspected in *holders. */
static int read_process(const struct walk *walk, const struct sysdir *process, char *buffer,
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
	holder->inspected = error == 0;
	length = process_read_cmdline(process, holder->file_count, buffer);
	if (length == 0 && !holder->inspected && !holder->file_count)
		return 0; /* kernel threads and zombies have no files open */
	if (length < 0 && process_is_gone((int)length))
		return 0;
	if (length >= 0 && vmm_parse(buffer, (size_t)length, &holder->vmm) < 0)
		return -ENOMEM;
	if (!holder->inspected) {
		holders->unseen++;
		holders->error = error;
	}
	if (!holder->file_count && !(holder->vmm.is_vmm && holder->vmm.device_count))
		return 0;
	/* if the start time can't be read, a process with VFIO files still counts, unless it has
	 * ended */
	error = process_read_stat(process, &stat);
	if (process_is_gone(error) || (error < 0 && !holder->file_count))
		return 0;
	holder->started = stat.started;
	holder->trusted = process_is_trusted(process, &walk->users) > 0;
	error = find_frontend(process, buffer, holder);
	return error < 0 ? error : 1;
}

static int add_holder(struct holders *holders, struct holder *holder)
{
	struct holder *grown = realloc(holders->items, (holders->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	holders->items = grown;
	grown[holders->count++] = *holder;
	*holder = (struct holder){0};
	return 0;
}

static int read_entry(const struct walk *walk, pid_t pid, char *buffer, struct holders *holders)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	struct holder holder = {.pid = pid};
	char name[16];
	int error, found;

	/* an open /proc/<pid> stays this process's, even if the pid is reused */
	snprintf(name, sizeof(name), "%d", pid);
	error = is_timed_out(walk) ? -ETIMEDOUT : sysdir_open(&walk->proc, name, &process);
	if (process_is_gone(error))
		return 0;
	if (error < 0) {
		holders->unseen++;
		holders->error = error;
		return 0;
	}
	found = read_process(walk, &process, buffer, &holder, holders);
	if (found > 0)
		found = add_holder(holders, &holder);
	holder_free(&holder);
	return found < 0 ? found : 0;
}

/* Most of the time is spent in the kernel, a few microseconds per descriptor, so several threads
 * share the walk. */
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
	char *buffer = malloc(VMM_CMDLINE_MAX);
	size_t i;

	walker->error = buffer ? 0 : -ENOMEM;
	while (!walker->error && (i = atomic_fetch_add(&walk->next, 1)) < walk->count)
		walker->error = read_entry(walk, walk->pids[i], buffer, &walker->holders);
	free(buffer);
	return NULL;
}

/* Signals stay blocked in the threads, so that they never run the host process's handlers. */
static void start_threads(struct walker *walkers, size_t count)
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
	size_t count = walk->count / PROCESSES_PER_WALKER + 1;
	int error = 0;

	if (count > WALKERS_MAX)
		count = WALKERS_MAX;
	for (size_t i = 0; i < count; i++)
		walkers[i].walk = walk;
	start_threads(walkers, count);
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

	if (error < 0)
		return error;
	while ((entry = sysdir_next(list))) {
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
	if (errno)
		return -errno;
	return walk->count ? 0 : -ENOENT;
}

/* Processes may be hidden by hidepid, or because this process is in a PID namespace of its own. The
 * number is that of the initial namespace: Linux, include/linux/proc_ns.h, PROC_PID_INIT_INO. */
static bool is_proc_complete(struct sysroot *root, const struct sysdir *proc)
{
	static const char initial_namespace[] = "pid:[4026531836]";
	char text[64];
	struct sysdir first;

	if (sysdir_open(proc, "1", &first) < 0)
		return false;
	sysdir_close(&first);
	if (!sysroot_is_host(root) || sysdir_readlink(proc, "self/ns/pid", text, sizeof(text)) < 0)
		return true;
	return strcmp(text, initial_namespace) == 0;
}

int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth,
		 struct holders *ret)
{
	struct walk walk = {.proc = {.fd = -1}, .depth = depth};
	struct holders holders = {0};
	int error;

	process_users_read(root, &walk.users);
	walk.deadline = deadline_in(HOLDERS_MILLISECONDS);
	error = vfio_numbers_read(nodes, &walk.numbers);
	if (!error)
		error = sysdir_open(sysroot_dir(root), "proc", &walk.proc);
	if (!error)
		error = list_processes(&walk);
	if (!error)
		error = walk_processes(&walk, &holders);
	if (!error && !is_proc_complete(root, &walk.proc)) {
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
