/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/pvefiles.h"

#include "probe/ownership/child.h"
#include "probe/ownership/deadline.h"
#include "probe/ownership/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX (8u << 20)
/* Time to wait for a killed child, in milliseconds: one that has answered only has to exit, the
 * other may be in uninterruptible sleep. */
#define REAP_ANSWERED_MAX 2000
#define REAP_HANGING_MAX 50

/* The child's messages: chunks of one file after the other; the last message has no name, and the
 * child's result. No larger than PIPE_BUF, so that write(2) is atomic. */
struct chunk {
	char name[16];
	int error;
	uint32_t length;
	char text[2048];
};

/* ---- the child: only async-signal-safe functions, since the process may have threads ---- */

static void send_chunk(int out, struct chunk *chunk)
{
	if (write(out, chunk, sizeof(*chunk)) != (ssize_t)sizeof(*chunk))
		_exit(1);
}

static void send_file(int out, int directory, const char *path, const char *name)
{
	struct chunk chunk = {0};
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0 && (errno == ENOENT || errno == ESRCH))
		return;
	strcpy(chunk.name, name);
	do {
		n = fd < 0 ? -1 : read(fd, chunk.text, sizeof(chunk.text));
		chunk.error = n < 0 ? -errno : 0;
		chunk.length = n > 0 ? (uint32_t)n : 0;
		if (chunk.error) /* fails the whole reading */
			chunk.name[0] = '\0';
		send_chunk(out, &chunk);
		if (chunk.error)
			_exit(1);
	} while (n > 0);
	close(fd);
}

/* "105.conf" */
static bool is_configuration(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && digits <= 10 && strcmp(name + digits, ".conf") == 0;
}

static int send_configurations(int out, int etc)
{
	struct {
		uint64_t inode, offset;
		uint16_t size;
		uint8_t type;
		char name[];
	} * entry;
	_Alignas(uint64_t) char entries[8192];
	int directory = openat(etc, "pve/qemu-server", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (directory < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, directory, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n; at += entry->size) {
			entry = (void *)(entries + at);
			if (is_configuration(entry->name))
				send_file(out, directory, entry->name, entry->name);
		}
	return n < 0 ? -errno : 0;
}

/* A hanging child would keep the process's files open, including a daemon's listening sockets. */
static void close_others(unsigned one, unsigned other)
{
	unsigned low = one < other ? one : other, high = one < other ? other : one;

	if (low > 0)
		syscall(SYS_close_range, 0U, low - 1, 0U);
	if (high - low > 1)
		syscall(SYS_close_range, low + 1, high - 1, 0U);
	syscall(SYS_close_range, high + 1, ~0U, 0U);
}

static void run_child(int out, int etc)
{
	struct chunk last = {0};

	prctl(PR_SET_NAME, PVE_CHILD);
	close_others((unsigned)out, (unsigned)etc);
	last.error = send_configurations(out, etc);
	if (!last.error)
		send_file(out, etc, "pve/mapping/pci.cfg", "pci.cfg");
	send_chunk(out, &last);
	_exit(0);
}

/* ---- the parent ---- */

static int add_chunk(struct pve_files *files, const struct chunk *chunk)
{
	struct pve_file *file = files->count ? &files->items[files->count - 1] : NULL;
	char *text;

	if (!file || strcmp(file->name, chunk->name) != 0) {
		file = realloc(files->items, (files->count + 1) * sizeof(*file));
		if (!file)
			return -ENOMEM;
		files->items = file;
		file += files->count++;
		*file = (struct pve_file){0};
		memcpy(file->name, chunk->name, sizeof(file->name));
	}
	text = realloc(file->text, file->length + chunk->length + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text + file->length, chunk->text, chunk->length);
	file->text = text;
	file->length += chunk->length;
	text[file->length] = '\0';
	return 0;
}

static int read_chunks(int in, int64_t deadline, struct pve_files *files)
{
	struct pollfd polled = {.fd = in, .events = POLLIN};
	struct chunk chunk;
	size_t total = 0;
	ssize_t n;
	int error;

	while (total <= TEXT_MAX) {
		error = deadline_poll(&polled, 1, deadline);
		if (error < 0)
			return error;
		n = read(in, &chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(chunk)) /* the child ended early */
			return n < 0 ? -errno : -EIO;
		if (!*chunk.name)
			return chunk.error;
		total += chunk.length;
		error = add_chunk(files, &chunk);
		if (error < 0)
			return error;
	}
	return -EFBIG;
}

/* Signals stay blocked in the child, so that it never runs the process's handlers. */
static pid_t start_child(int out, int etc)
{
	sigset_t all, before;
	pid_t pid;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_child(out, etc);
	error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -error : pid;
}

static int read_by_child(int etc, int64_t deadline, struct pve_files *files)
{
	int ends[2], error, status;
	pid_t pid;

	/* packet mode, so that each read(2) returns one message; end of file if the child dies */
	if (pipe2(ends, O_CLOEXEC | O_DIRECT) < 0)
		return -errno;
	pid = start_child(ends[1], etc);
	close(ends[1]);
	error = pid < 0 ? pid : read_chunks(ends[0], deadline, files);
	close(ends[0]);
	if (pid > 0)
		child_end(pid, false, error == -ETIMEDOUT ? REAP_HANGING_MAX : REAP_ANSWERED_MAX,
			  &status);
	return error;
}

/* Whether PID is a child of this kind that still runs. Any user can give a process this name, so
 * only trusted users' processes count. An own child that has ended meanwhile is reaped. */
static bool is_reader(const struct sysdir *proc, const char *pid, const struct process_users *users)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	char name[ATTRIBUTE_SIZE];
	struct process_stat stat;

	if (sysdir_open(proc, pid, &process) < 0)
		return false;
	if (sysdir_read(&process, "comm", name, sizeof(name)) < 0 || strcmp(name, PVE_CHILD) != 0)
		return false;
	if (process_is_trusted(&process, users) <= 0)
		return false;
	waitpid((pid_t)strtol(pid, NULL, 10), NULL, WNOHANG);
	return process_read_stat(&process, &stat) == 0 && stat.state != 'Z' && stat.state != 'X';
}

/* Waits for children of earlier calls and of other processes, which would pile up while the file
 * system doesn't answer. Returns 0 or a negative errno. */
static int wait_for_readers(struct sysroot *root, int64_t deadline)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	_cleanup_sysdir_ struct sysdir proc = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct process_users users;
	struct dirent *entry;
	int error = sysdir_open(sysroot_dir(root), "proc", &proc);

	if (!error)
		error = sysdir_list(&proc, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error; /* -ENOENT means: no configurations */
	process_users_read(root, &users);
	while ((entry = sysdir_next(list))) {
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
			continue;
		while (is_reader(&proc, entry->d_name, &users)) {
			if (deadline_left(deadline) <= 0)
				return -ETIMEDOUT;
			nanosleep(&pause, NULL);
		}
	}
	return errno ? -errno : 0;
}

int pve_files_read(struct sysroot *root, struct pve_files *ret)
{
	_cleanup_sysdir_ struct sysdir etc = {.fd = -1};
	int64_t deadline = deadline_in(PVE_MILLISECONDS);
	struct pve_files files = {0};
	int error = sysdir_open(sysroot_dir(root), "etc", &etc);

	if (error < 0)
		return error;
	if (!sysdir_has(&etc, "pve"))
		return -ENOENT;
	error = wait_for_readers(root, deadline);
	if (!error)
		error = read_by_child(etc.fd, deadline, &files);
	if (error < 0)
		pve_files_free(&files);
	else
		*ret = files;
	return error;
}

void pve_files_free(struct pve_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].text);
	free(files->items);
	*files = (struct pve_files){0};
}
