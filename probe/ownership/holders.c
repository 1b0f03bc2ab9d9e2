/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holders.h"

#include "probe/ownership/deadline.h"

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

static bool may_read_cmdline(void *data, pid_t pid)
{
	const struct walker *walker = data;
	const struct blocked *blocked = &walker->walk->blocked;

	for (size_t i = 0; i < blocked->count; i++)
		if (blocked->pids[i] == pid)
			return false;
	return blocked->threads < THREADS_MAX;
}

static void set_known(void *data, const struct holder *holder)
{
	struct walker *walker = data;

	pthread_mutex_lock(&walker->walk->lock);
	walker->known = holder;
	pthread_mutex_unlock(&walker->walk->lock);
}

static int read_entry(struct walker *walker, char *buffer, struct holders *holders)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	const struct inspection inspection = {
		.depth = walker->walk->depth,
		.numbers = &walker->walk->numbers,
		.users = &walker->walk->users,
		.deadline = walker->walk->deadline,
		.may_read_cmdline = may_read_cmdline,
		.set_known = set_known,
		.data = walker,
	};
	struct holder holder = {.pid = walker->pid};
	char name[16];
	int error, found;

	/* an open /proc/<pid> stays this process's, even if the pid is reused */
	snprintf(name, sizeof(name), "%d", walker->pid);
	error = sysdir_open(&walker->walk->proc, name, &process);
	if (process_is_gone(error))
		return 0;
	if (error < 0) {
		holders_add_unseen(holders, 1, error);
		return 0;
	}
	found = inspect_process(&inspection, &process, buffer, &holder, holders);
	if (found > 0)
		found = holders_add(holders, &holder);
	holder_free(&holder);
	return found < 0 ? found : 0;
}

/* Hands over what was found in the last process. */
static void hand_over(struct walker *walker, struct holders *found, int error)
{
	struct walk *walk = walker->walk;

	walk->finished += walker->pid != 0;
	walker->pid = 0;
	if (!error)
		error = holders_merge(&walk->found, found);
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
		   deadline_left(walk->deadline) > 0;
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

/* A blocked walker may have found the files of the process already. */
static void abandon(struct walk *walk, struct walker *walker)
{
	char name[24];
	int error;

	if (walker->known) {
		error = holders_add_known(&walk->found, walker->known);
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
	holders_add_unseen(&holders, walk->count - walk->finished, -ETIMEDOUT);
	pthread_mutex_unlock(&walk->lock);
	if (error < 0) {
		holders_free(&holders);
		return error;
	}
	if (!is_complete)
		holders_add_unseen(&holders, 1, holders.error ? holders.error : -EACCES);
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
