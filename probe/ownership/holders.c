/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holders.h"

#include "probe/ownership/deadline.h"
#include "probe/ownership/frontend.h"
#include "probe/ownership/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define PROCESSES_PER_WALKER 250
#define WALKERS_MAX 4

/* Milliseconds after the deadline for walkers that have yet to notice it. */
#define GRACE_MILLISECONDS 100

/* The names of the walkers' threads: a blocked one that was abandoned has the pid appended. */
#define THREAD_NAME "pciwalk"

/* While a process has this many walkers, blocked or not, no command line is read. */
#define THREADS_MAX 32

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

static void add_unseen(struct holders *holders, size_t count, int error)
{
	holders->unseen += count;
	if (count && holders->error != -ETIMEDOUT)
		holders->error = error;
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

/* ---- walkers of earlier walks that are still blocked ---- */

struct blocked {
	size_t threads;
	pid_t pids[THREADS_MAX]; /* of the processes that block them */
	size_t count;
};

static void add_thread(struct blocked *blocked, const char *name)
{
	int pid;

	if (strncmp(name, THREAD_NAME, strlen(THREAD_NAME)) != 0)
		return;
	blocked->threads++;
	if (sscanf(name, THREAD_NAME "-%d", &pid) == 1 && blocked->count < THREADS_MAX)
		blocked->pids[blocked->count++] = pid;
}

static int list_threads(struct sysroot *host, struct blocked *blocked)
{
	_cleanup_sysdir_ struct sysdir tasks = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char path[32], name[ATTRIBUTE_SIZE];
	struct dirent *entry;
	ssize_t length;
	int error = sysdir_open(sysroot_dir(host), "proc/self/task", &tasks);

	if (!error)
		error = sysdir_list(&tasks, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error; /* a fake machine may be read without /proc */
	while ((entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "%.16s/comm", entry->d_name);
		length = sysdir_read(&tasks, path, name, sizeof(name));
		if (length >= 0)
			add_thread(blocked, name);
		else if (!process_is_gone((int)length))
			return (int)length;
	}
	return -errno;
}

/* Asking the kernel for this process's threads also finds those of walks of another probe. */
static int blocked_read(struct blocked *ret)
{
	struct sysroot *host;
	int error = sysroot_new("/", &host);

	if (error < 0)
		return error;
	error = list_threads(host, ret);
	sysroot_free(host);
	return error;
}

/* ---- the walk ---- */

/* Most of the time is spent in the kernel, a few microseconds per descriptor, so several threads
 * share the walk. The caller's is not among them: to read a command line, the kernel takes a lock
 * of the process that a page fault may hold for as long as a disk does not answer. A walker that is
 * blocked then is abandoned. */
struct walker {
	struct walk *walk;
	pthread_t thread;
	bool started, ended;
	pid_t pid;		    /* of the process that it inspects, or 0 */
	const struct holder *known; /* set while the command line of this holder is read, of which
				       the files are known already */
};

/* Freed by whoever leaves it last: a walker may end long after the caller has left. So it has
 * copies of all that belongs to the caller. */
struct walk {
	struct sysroot *root;
	struct sysroot *watched; /* the caller's root, for its observer; not if abandoned */
	struct sysdir proc;
	enum holders_depth depth;
	struct vfio_nodes nodes;
	struct vfio_numbers numbers;
	struct process_users users;
	struct blocked blocked;
	int64_t deadline;
	pid_t *pids;
	size_t count;

	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t ended;
	size_t next;	 /* index in pids of the next unassigned process */
	size_t finished; /* number of processes that walkers are done with */
	size_t running, references;
	bool abandoned; /* the caller has left */
	struct holders found;
	int error;
	struct walker walkers[WALKERS_MAX];
};

/* Reading a command line may block. */
static bool may_read_cmdline(const struct walk *walk, pid_t pid)
{
	for (size_t i = 0; i < walk->blocked.count; i++)
		if (walk->blocked.pids[i] == pid)
			return false;
	return walk->blocked.threads < THREADS_MAX;
}

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

/* Returns 0 or a negative errno. */
static int identify(const struct walk *walk, const struct sysdir *process, struct holder *holder)
{
	struct process_stat stat = {0};
	int error = process_read_stat(process, &stat);

	holder->started = stat.started;
	holder->trusted = process_is_trusted(process, &walk->users) > 0;
	return error;
}

static void set_known(struct walker *walker, const struct holder *holder)
{
	pthread_mutex_lock(&walker->walk->lock);
	walker->known = holder;
	pthread_mutex_unlock(&walker->walk->lock);
}

/* Like process_read_cmdline; -ETIMEDOUT if that would block. */
static ssize_t read_cmdline(struct walker *walker, const struct sysdir *process, char *buffer,
			    struct holder *holder)
{
	ssize_t length;

	if (!may_read_cmdline(walker->walk, holder->pid))
		return -ETIMEDOUT;
	if (!holder->file_count)
		return process_read_cmdline(process, false, buffer);
	identify(walker->walk, process, holder);
	set_known(walker, holder);
	length = process_read_cmdline(process, true, buffer);
	set_known(walker, NULL);
	return length;
}

/* Returns 1 if the process has VFIO files open or is a VM monitor with devices on its command line,
 * 0 if not, or -ENOMEM. Counts a process that can't be inspected in *holders. */
static int read_process(struct walker *walker, const struct sysdir *process, char *buffer,
			struct holder *holder, struct holders *holders)
{
	const struct walk *walk = walker->walk;
	ssize_t length;
	int error;

	error = read_descriptors(walk, process, holder);
	if (error == -ENOMEM)
		return error;
	if (process_is_gone(error))
		return 0;
	holder->inspected = error == 0;
	length = read_cmdline(walker, process, buffer, holder);
	if (length == 0 && !holder->inspected && !holder->file_count)
		return 0; /* kernel threads and zombies have no files open */
	if (length < 0 && process_is_gone((int)length))
		return 0;
	if (length >= 0 && vmm_parse(buffer, (size_t)length, &holder->vmm) < 0)
		return -ENOMEM;
	if (!error && length == -ETIMEDOUT)
		error = -ETIMEDOUT;
	add_unseen(holders, error != 0, error);
	if (!holder->file_count && !(holder->vmm.is_vmm && holder->vmm.device_count))
		return 0;
	/* if the start time can't be read, a process with VFIO files still counts, unless it has
	 * ended */
	error = identify(walk, process, holder);
	if (process_is_gone(error) || (error < 0 && !holder->file_count))
		return 0;
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

static int read_entry(struct walker *walker, char *buffer, struct holders *holders)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	struct holder holder = {.pid = walker->pid};
	char name[16];
	int error, found;

	/* an open /proc/<pid> stays this process's, even if the pid is reused */
	snprintf(name, sizeof(name), "%d", walker->pid);
	error = sysdir_open(&walker->walk->proc, name, &process);
	if (process_is_gone(error))
		return 0;
	if (error < 0) {
		add_unseen(holders, 1, error);
		return 0;
	}
	found = read_process(walker, &process, buffer, &holder, holders);
	if (found > 0)
		found = add_holder(holders, &holder);
	holder_free(&holder);
	return found < 0 ? found : 0;
}

static int merge(struct holders *to, struct holders *from)
{
	int error = 0;

	add_unseen(to, from->unseen, from->error);
	for (size_t i = 0; i < from->count && !error; i++)
		error = add_holder(to, &from->items[i]);
	holders_free(from);
	return error;
}

/* Hands over what was found in the last process. */
static void hand_over(struct walker *walker, struct holders *found, int error)
{
	struct walk *walk = walker->walk;

	walk->finished += walker->pid != 0;
	walker->pid = 0;
	if (!error)
		error = merge(&walk->found, found);
	if (error < 0)
		walk->error = error;
}

/* Goes to the next process. Returns false if there is none or the walk has ended. */
static bool go_on(struct walker *walker, struct holders *found, int error)
{
	struct walk *walk = walker->walk;
	bool has_next;

	pthread_mutex_lock(&walk->lock);
	if (!walk->abandoned)
		hand_over(walker, found, error);
	has_next = !walk->error && !walk->abandoned && walk->next < walk->count &&
		   !is_timed_out(walk);
	if (has_next)
		walker->pid = walk->pids[walk->next++];
	pthread_mutex_unlock(&walk->lock);
	return has_next;
}

static void walk_along(struct walker *walker)
{
	char *buffer = malloc(VMM_CMDLINE_MAX);
	struct holders found = {0};
	int error = buffer ? 0 : -ENOMEM;

	while (go_on(walker, &found, error))
		error = read_entry(walker, buffer, &found);
	holders_free(&found);
	free(buffer);
}

/* Called without the lock. */
static void walk_release(struct walk *walk)
{
	bool is_last;

	pthread_mutex_lock(&walk->lock);
	is_last = --walk->references == 0;
	pthread_mutex_unlock(&walk->lock);
	if (!is_last)
		return;
	pthread_cond_destroy(&walk->ended);
	pthread_mutex_destroy(&walk->lock);
	holders_free(&walk->found);
	vfio_nodes_free(&walk->nodes);
	sysdir_close(&walk->proc);
	sysroot_free(walk->root);
	free(walk->pids);
	free(walk);
}

static void *walker_thread(void *data)
{
	struct walker *walker = data;
	struct walk *walk = walker->walk;

	prctl(PR_SET_NAME, THREAD_NAME);
	walk_along(walker);
	pthread_mutex_lock(&walk->lock);
	walker->ended = true;
	walk->running--;
	pthread_cond_signal(&walk->ended);
	pthread_mutex_unlock(&walk->lock);
	walk_release(walk);
	return NULL;
}

static bool start_walker(struct walk *walk, struct walker *walker)
{
	pthread_mutex_lock(&walk->lock);
	walk->running++;
	walk->references++;
	walker->started = pthread_create(&walker->thread, NULL, walker_thread, walker) == 0;
	if (!walker->started) {
		walk->running--;
		walk->references--;
	}
	pthread_mutex_unlock(&walk->lock);
	return walker->started;
}

/* Signals stay blocked in the threads, so that they never run the host process's handlers. */
static void start_walkers(struct walk *walk)
{
	size_t count = walk->count / PROCESSES_PER_WALKER + 1, started = 0;
	sigset_t all, before;

	if (count > WALKERS_MAX)
		count = WALKERS_MAX;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < count; i++) {
		walk->walkers[i].walk = walk;
		started += start_walker(walk, &walk->walkers[i]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!started)
		walk_along(&walk->walkers[0]);
}

static int copy_holder(const struct holder *holder, struct holders *to)
{
	struct holder copy = {
		.pid = holder->pid,
		.started = holder->started,
		.trusted = holder->trusted,
		.inspected = holder->inspected,
	};
	int error = 0;

	for (size_t i = 0; i < holder->file_count && !error; i++)
		error = add_file(&copy, &holder->files[i]);
	if (!error)
		error = add_holder(to, &copy);
	holder_free(&copy);
	return error;
}

/* A blocked walker may have found the files of the process already. */
static void abandon(struct walk *walk, struct walker *walker)
{
	char name[24];
	int error;

	if (walker->known) {
		error = copy_holder(walker->known, &walk->found);
		if (error < 0)
			walk->error = error;
	}
	snprintf(name, sizeof(name), THREAD_NAME "-%d", walker->pid);
	pthread_setname_np(walker->thread, name);
}

static void wait_for_walkers(struct walk *walk)
{
	int64_t end = walk->deadline + GRACE_MILLISECONDS;
	struct timespec until = {.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000};
	bool ended[WALKERS_MAX];

	pthread_mutex_lock(&walk->lock);
	while (walk->running &&
	       pthread_cond_timedwait(&walk->ended, &walk->lock, &until) != ETIMEDOUT)
		;
	walk->abandoned = true;
	for (size_t i = 0; i < WALKERS_MAX; i++) {
		ended[i] = walk->walkers[i].ended;
		if (walk->walkers[i].started && !ended[i])
			abandon(walk, &walk->walkers[i]);
	}
	pthread_mutex_unlock(&walk->lock);
	for (size_t i = 0; i < WALKERS_MAX; i++) {
		if (!walk->walkers[i].started)
			continue;
		if (ended[i])
			pthread_join(walk->walkers[i].thread, NULL);
		else
			pthread_detach(walk->walkers[i].thread);
	}
}

static int compare_pids(const void *a, const void *b)
{
	const struct holder *one = a, *other = b;

	return (one->pid > other->pid) - (one->pid < other->pid);
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

/* For the walk's copy of the caller's root. */
static void pass_on(void *data, enum sysroot_kind kind, const char *path, const char *text,
		    size_t length)
{
	struct walk *walk = data;

	pthread_mutex_lock(&walk->lock);
	if (!walk->abandoned)
		sysroot_notify(walk->watched, kind, path, text, length);
	pthread_mutex_unlock(&walk->lock);
}

static struct walk *walk_new(void)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	pthread_condattr_t monotonic;

	if (!walk)
		return NULL;
	walk->proc.fd = -1;
	walk->references = 1;
	pthread_mutex_init(&walk->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&walk->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return walk;
}

static int copy_nodes(struct walk *walk, const struct vfio_nodes *nodes)
{
	int error = 0;

	for (size_t i = 0; i < nodes->count && !error; i++)
		error = vfio_nodes_add(&walk->nodes, &nodes->items[i]);
	return error;
}

static int prepare(struct walk *walk, struct sysroot *root, const struct vfio_nodes *nodes)
{
	int error = copy_nodes(walk, nodes);

	walk->watched = root;
	if (!error)
		error = sysroot_copy(root, pass_on, walk, &walk->root);
	if (!error)
		error = blocked_read(&walk->blocked);
	if (error < 0)
		return error;
	process_users_read(walk->root, &walk->users);
	walk->deadline = deadline_in(HOLDERS_MILLISECONDS);
	error = vfio_numbers_read(&walk->nodes, &walk->numbers);
	if (!error)
		error = sysdir_open(sysroot_dir(walk->root), "proc", &walk->proc);
	return error < 0 ? error : list_processes(walk);
}

/* The result refers to the caller's nodes. */
static void set_nodes(struct holders *holders, const struct vfio_nodes *from,
		      const struct vfio_nodes *to)
{
	for (size_t i = 0; i < holders->count; i++) {
		struct holder *holder = &holders->items[i];

		for (size_t j = 0; j < holder->file_count; j++)
			if (holder->files[j].node)
				holder->files[j].node =
					&to->items[holder->files[j].node - from->items];
	}
}

/* Walkers that are still blocked change nothing of the walk any more. */
static int collect(struct walk *walk, bool is_complete, struct holders *ret)
{
	struct holders holders;
	int error;

	pthread_mutex_lock(&walk->lock);
	holders = walk->found;
	walk->found = (struct holders){0};
	error = walk->error;
	add_unseen(&holders, walk->count - walk->finished, -ETIMEDOUT);
	pthread_mutex_unlock(&walk->lock);
	if (error < 0) {
		holders_free(&holders);
		return error;
	}
	if (!is_complete)
		add_unseen(&holders, 1, holders.error ? holders.error : -EACCES);
	if (holders.count > 1)
		qsort(holders.items, holders.count, sizeof(*holders.items), compare_pids);
	*ret = holders;
	return 0;
}

int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth,
		 struct holders *ret)
{
	struct walk *walk = walk_new();
	bool is_complete;
	int error;

	if (!walk)
		return -ENOMEM;
	walk->depth = depth;
	error = prepare(walk, root, nodes);
	if (!error) {
		is_complete = is_proc_complete(root, &walk->proc);
		start_walkers(walk);
		wait_for_walkers(walk);
		error = collect(walk, is_complete, ret);
		if (!error)
			set_nodes(ret, &walk->nodes, nodes);
	}
	walk_release(walk);
	return error;
}
