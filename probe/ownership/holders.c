/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/holders.h"

#include "probe/details/kin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* One more thread for so many processes. */
#define PROCESSES_A_WALKER 250
#define WALKERS_MAX 4

/* So many descriptors between two looks at the clock. */
#define DESCRIPTORS_A_CHECK 256

static void holder_free(struct holder *holder)
{
	vmm_free(&holder->vmm);
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
	const struct vfio_nodes *nodes;
	enum holders_depth depth;
	dev_t anonymous;        /* the file system of anonymous inodes */
	uid_t trusted[3];
	size_t trusted_count;
	struct timespec end;
	pid_t *pids;
	size_t count;
	atomic_size_t next; /* of pids: the next one that no thread has taken */
};

static bool is_over(const struct walk *walk)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > walk->end.tv_sec || (now.tv_sec == walk->end.tv_sec && now.tv_nsec >= walk->end.tv_nsec);
}

/* What a descriptor is open on. */
struct target {
	enum { TARGET_OTHER, TARGET_NODE, TARGET_DEVICE } kind;
	dev_t number; /* of a node */
};

static int read_anonymous(const struct sysdir *fds, const char *name, struct target *ret)
{
	static const char device[] = "anon_inode:[vfio-device]";
	char text[sizeof(device) + 1];
	ssize_t length = sysdir_readlink(fds, name, text, sizeof(text));

	if (length == -ENAMETOOLONG)
		return 0;
	if (length < 0)
		return (int)length;
	if (strcmp(text, device) == 0)
		ret->kind = TARGET_DEVICE;
	return 0;
}

/* A file system can refuse: a user's FUSE even refuses root. VFIO's nodes are on none that does. */
static int read_refused(const struct sysdir *fds, const char *name, int error)
{
	char text[256];
	ssize_t length = sysdir_readlink(fds, name, text, sizeof(text));

	return length < 0 || strstr(text, "vfio") ? error : 0;
}

/* A directory that looks like "/" has no device nodes: below it, numbers/PATH has the device number of PATH. */
static int read_made_up(const struct sysdir *fds, const char *name, struct target *ret)
{
	char link[256], path[300], text[ATTRIBUTE_SIZE];
	unsigned major_number, minor_number;
	ssize_t length = sysdir_readlink(fds, name, link, sizeof(link));

	if (length < 0)
		return (int)length;
	if (strncmp(link, "anon_inode:", strlen("anon_inode:")) == 0)
		return read_anonymous(fds, name, ret);
	snprintf(path, sizeof(path), "numbers/%s", link + (*link == '/'));
	length = sysdir_read(sysroot_dir(fds->root), path, text, sizeof(text));
	if (length < 0)
		return length == -ENOENT || length == -ENOTDIR || length == -EISDIR ? 0 : (int)length;
	if (sscanf(text, "%9u:%9u", &major_number, &minor_number) == 2)
		*ret = (struct target){TARGET_NODE, makedev(major_number, minor_number)};
	return 0;
}

/* The file system isn't asked (AT_STATX_DONT_SYNC): a user's FUSE or a dead NFS server would never answer. Returns 0 or a negative
 * errno. */
static int read_target(const struct walk *walk, const struct sysdir *fds, const char *name, struct target *ret)
{
	struct statx status;
	int error;

	*ret = (struct target){0};
	if (!sysroot_is_host(fds->root))
		return read_made_up(fds, name, ret);
	if (statx(fds->fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &status) < 0) {
		error = -errno;
		return error == -EACCES || error == -ENOTCONN || error == -ESTALE ? read_refused(fds, name, error) : error;
	}
	if (S_ISCHR(status.stx_mode))
		*ret = (struct target){TARGET_NODE, makedev(status.stx_rdev_major, status.stx_rdev_minor)};
	else if (makedev(status.stx_dev_major, status.stx_dev_minor) == walk->anonymous)
		return read_anonymous(fds, name, ret);
	return 0;
}

/* Reads of fdinfo/<fd> whether the file is really open, and for a device which one it is. Returns 1, 0 for one opened with
 * O_PATH, or a negative errno. */
static int read_fdinfo(const struct sysdir *task, const char *name, struct vfio_file *file)
{
	static const char syspath[] = "vfio-device-syspath:";
	char path[32], text[ATTRIBUTE_SIZE], *line;
	struct pci_address addresses[64];
	unsigned flags;
	ssize_t length;
	size_t count;

	snprintf(path, sizeof(path), "fdinfo/%.16s", name);
	length = sysdir_read(task, path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	line = strstr(text, "flags:");
	if (!line || sscanf(line, "flags: %o", &flags) != 1)
		return -EBADMSG;
	if (flags & O_PATH)
		return 0;
	line = strstr(text, syspath);
	if (line) {
		line[strcspn(line, "\n")] = '\0';
		count = path_addresses(line + strlen(syspath), addresses, 64);
		file->has_address = count && count <= 64;
		if (file->has_address)
			file->address = addresses[count - 1];
	}
	return 1;
}

static int add_file(struct holder *holder, const struct vfio_file *file)
{
	struct vfio_file *files = reallocarray(holder->files, holder->file_count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	holder->files = files;
	files[holder->file_count++] = *file;
	return 0;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH;
}

static int read_descriptor(const struct walk *walk, const struct sysdir *task, const struct sysdir *fds, const char *name,
			   pid_t thread, struct holder *holder)
{
	struct vfio_file file = {.thread = thread, .fd = (int)strtol(name, NULL, 10)};
	struct target target;
	int result = read_target(walk, fds, name, &target);

	if (result < 0 || target.kind == TARGET_OTHER)
		return result;
	if (target.kind == TARGET_NODE) {
		file.node = vfio_nodes_find(walk->nodes, target.number);
		if (!file.node)
			return 0;
	}
	result = read_fdinfo(task, name, &file);
	return result > 0 ? add_file(holder, &file) : result;
}

/* The table of one thread, TASK. Returns 0, or the first negative errno that kept a descriptor from being inspected; -ENOENT when
 * the thread has ended. */
static int read_table(const struct walk *walk, const struct sysdir *task, pid_t thread, struct holder *holder)
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
		if (error < 0 && !is_gone(error) && !first)
			first = error;
		if (i % DESCRIPTORS_A_CHECK == 0 && is_over(walk))
			return -ETIMEDOUT;
	}
	if (errno && errno != ENOENT && !first)
		first = -errno;
	return first;
}

static int read_threads(const struct walk *walk, const struct sysdir *process, struct holder *holder)
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
		if (error < 0 && !is_gone(error) && !first)
			first = error;
	}
	return first;
}

/* Returns 0, -ENOENT or -ESRCH when the process has ended, or another negative errno when not all could be inspected. */
static int read_descriptors(const struct walk *walk, const struct sysdir *process, struct holder *holder)
{
	int error, other;

	if (walk->depth == HOLDERS_COMMAND_LINES)
		return 0;
	error = read_table(walk, process, holder->pid, holder);
	if (walk->depth != HOLDERS_THREADS || (error < 0 && !is_gone(error)))
		return error;
	other = read_threads(walk, process, holder);
	return other < 0 && !is_gone(other) ? other : error;
}

/* The 22nd word of /proc/<pid>/stat; the second one is the program's name in parentheses and can hold anything. Returns 0 or a
 * negative errno. */
static int read_start(const struct sysdir *process, uint64_t *ret)
{
	char text[ATTRIBUTE_SIZE], *p;
	unsigned long long started;
	ssize_t length = sysdir_read(process, "stat", text, sizeof(text));

	if (length < 0)
		return (int)length;
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			 &started) != 1)
		return -EBADMSG;
	*ret = started;
	return 0;
}

/* A main thread that has ended no longer has the command line; the threads that are left do. Returns the length, 0 for a kernel
 * thread or a zombie, or a negative errno. TEXT has VMM_CMDLINE_MAX bytes. */
static ssize_t read_cmdline(const struct sysdir *process, const struct holder *holder, char *text)
{
	ssize_t length = sysdir_read(process, "cmdline", text, VMM_CMDLINE_MAX);
	char path[48];

	if (length == 0 && holder->file_count && holder->files[0].thread != holder->pid) {
		snprintf(path, sizeof(path), "task/%d/cmdline", holder->files[0].thread);
		length = sysdir_read(process, path, text, VMM_CMDLINE_MAX);
	}
	/* more than anybody gives a VM; what was read is still the beginning of it */
	return length == -EFBIG ? (ssize_t)VMM_CMDLINE_MAX - 1 : length;
}

/* "Uid:" has the real, effective, saved and file system's ids: a program that changes its user runs with words of the user who
 * started it. The owner of /proc/<pid> wouldn't do: it is root for every process that can't be dumped. */
static bool is_trusted(const struct walk *walk, const struct sysdir *process)
{
	char text[ATTRIBUTE_SIZE], *line;
	unsigned ids[4];

	if (sysdir_read(process, "status", text, sizeof(text)) < 0)
		return false;
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, " Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		size_t j = 0;

		while (j < walk->trusted_count && walk->trusted[j] != ids[i])
			j++;
		if (j == walk->trusted_count)
			return false;
	}
	return true;
}

/* Returns 1 when *holder has to do with devices, 0, or -ENOMEM. Counts in *holders what can't be inspected. */
static int read_process(const struct walk *walk, const struct sysdir *process, char *text, struct holder *holder,
			struct holders *holders)
{
	ssize_t length;
	int error;

	error = read_descriptors(walk, process, holder);
	if (error == -ENOMEM)
		return error;
	if (is_gone(error))
		return 0;
	holder->seen = error == 0;
	length = read_cmdline(process, holder, text);
	if (length == 0 && !holder->seen && !holder->file_count)
		return 0; /* a kernel thread, or a zombie: it has nothing open */
	if (length < 0 && is_gone((int)length))
		return 0;
	if (length >= 0 && vmm_parse(text, (size_t)length, &holder->vmm) < 0)
		return -ENOMEM;
	if (!holder->seen) {
		holders->unseen++;
		holders->error = error;
	}
	if (!holder->file_count && !(holder->vmm.is_vmm && holder->vmm.device_count))
		return 0;
	/* a file that it has open was seen, whatever keeps its start from being read; but not if it has ended meanwhile */
	error = read_start(process, &holder->started);
	if (is_gone(error) || (error < 0 && !holder->file_count))
		return 0;
	holder->trusted = is_trusted(walk, process);
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

	/* held open, the directory is that of this process for good: a later one with the same pid has another */
	snprintf(name, sizeof(name), "%d", pid);
	error = is_over(walk) ? -ETIMEDOUT : sysdir_open(&walk->proc, name, &process);
	if (is_gone(error))
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

/* Most of the walk is the kernel's time, a few microseconds a descriptor, which several threads can spend at once. */
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
		walkers[i].started = pthread_create(&walkers[i].thread, NULL, walker_thread, &walkers[i]) == 0;
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
			pid_t *pids = reallocarray(walk->pids, capacity = capacity ? capacity * 2 : 256, sizeof(*pids));

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

/* Anonymous inodes have a file system of their own, of which no mount is seen. */
static int find_anonymous(dev_t *ret)
{
	struct stat status;
	int fd = epoll_create1(EPOLL_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else
		*ret = status.st_dev;
	close(fd);
	return error;
}

/* Users whose command lines are believed of devices that the process doesn't hold. libvirt's for its VMs owns this directory. */
static void find_trusted(struct sysroot *root, struct walk *walk)
{
	struct stat status;

	walk->trusted[walk->trusted_count++] = 0;
	walk->trusted[walk->trusted_count++] = geteuid();
	if (sysdir_stat(sysroot_dir(root), "var/lib/libvirt/qemu", &status) == 0)
		walk->trusted[walk->trusted_count++] = status.st_uid;
}

static void start_clock(struct walk *walk)
{
	clock_gettime(CLOCK_MONOTONIC, &walk->end);
	walk->end.tv_sec += HOLDERS_MILLISECONDS / 1000;
	walk->end.tv_nsec += HOLDERS_MILLISECONDS % 1000 * 1000000L;
	if (walk->end.tv_nsec >= 1000000000L) {
		walk->end.tv_sec++;
		walk->end.tv_nsec -= 1000000000L;
	}
}

/* Processes may be hidden: by hidepid, or because this one is in a PID namespace of its own. The first namespace has this number:
 * Linux, include/linux/proc_ns.h, PROC_PID_INIT_INO. */
static bool are_all_listed(struct sysroot *root, const struct sysdir *proc)
{
	static const char first_namespace[] = "pid:[4026531836]";
	char text[64];
	struct sysdir first;

	if (sysdir_open(proc, "1", &first) < 0)
		return false;
	sysdir_close(&first);
	return !sysroot_is_host(root) || sysdir_readlink(proc, "self/ns/pid", text, sizeof(text)) < 0 ||
	       strcmp(text, first_namespace) == 0;
}

int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth, struct holders *ret)
{
	struct walk walk = {.proc = {.fd = -1}, .nodes = nodes, .depth = depth};
	struct holders holders = {0};
	int error;

	find_trusted(root, &walk);
	start_clock(&walk);
	error = find_anonymous(&walk.anonymous);
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

/* ---- references ---- */

/* Orders files so that those that are the same stand together. kcmp(2) gives an order of open files; where it doesn't answer, two
 * count as the same. */
static int compare_files(const void *a, const void *b, void *data)
{
	const struct vfio_file *one = a, *other = b;
	const bool *host = data;
	long order;

	if (one->node != other->node)
		return one->node < other->node ? -1 : 1;
	/* a group can be opened only once */
	if (one->node && one->node->kind == VFIO_NODE_GROUP)
		return 0;
	if (one->thread == other->thread && one->fd == other->fd)
		return 0;
	if (!*host) {
		long difference = one->thread != other->thread ? (long)one->thread - other->thread : (long)one->fd - other->fd;

		return difference < 0 ? -1 : 1;
	}
	order = syscall(SYS_kcmp, one->thread, other->thread, KCMP_FILE, (unsigned long)one->fd, (unsigned long)other->fd);
	if (order <= 0)
		return 0;
	return order == 1 ? -1 : 1;
}

unsigned holders_count_references(struct sysroot *root, const struct holders *holders)
{
	struct vfio_file *files;
	bool host = sysroot_is_host(root);
	size_t count = 0;
	unsigned references = 0;

	for (size_t i = 0; i < holders->count; i++)
		count += holders->items[i].file_count;
	if (!count)
		return 0;
	files = calloc(count, sizeof(*files));
	if (!files)
		return 0;
	count = 0;
	for (size_t i = 0; i < holders->count; i++) {
		const struct holder *holder = &holders->items[i];

		if (holder->file_count)
			memcpy(files + count, holder->files, holder->file_count * sizeof(*files));
		count += holder->file_count;
	}
	qsort_r(files, count, sizeof(*files), compare_files, &host);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || compare_files(&files[i - 1], &files[i], &host) != 0)
			references += vfio_file_references(root, files[i].node);
	free(files);
	return references;
}
