/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/inspect.h"

#include "probe/ownership/deadline.h"
#include "probe/ownership/frontend.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Number of descriptors between two checks of the deadline. */
#define DESCRIPTORS_PER_CHECK 256

static int read_descriptor(const struct inspection *inspection, const struct sysdir *task,
			   const struct sysdir *fds, const char *name, pid_t thread,
			   struct holder *holder)
{
	struct vfio_file file;
	int result = vfio_file_read(inspection->numbers, task, fds, name, &file);

	if (result <= 0)
		return result;
	/* any user may open another driver's node any number of times; VFIO's files are counted */
	if (file.node && vfio_node_is_foreign(file.node) && holder_has_node(holder, file.node))
		return 0;
	file.thread = thread;
	return holder_add_file(holder, &file);
}

/* Reads the descriptor table of the thread TASK. Returns 0, or the first error of a descriptor;
 * -ENOENT if the thread has ended. */
static int read_table(const struct inspection *inspection, const struct sysdir *task, pid_t thread,
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
		error = read_descriptor(inspection, task, &fds, entry->d_name, thread, holder);
		if (error == -ENOMEM)
			return error;
		if (error < 0 && !process_is_gone(error) && !first)
			first = error;
		if (i % DESCRIPTORS_PER_CHECK == 0 && deadline_left(inspection->deadline) <= 0)
			return -ETIMEDOUT;
	}
	if (errno && errno != ENOENT && !first)
		first = -errno;
	return first;
}

/* Whether the numbers in /proc are those of this process's PID namespace, which kcmp(2) takes:
 * another one's /proc may be mounted. */
static bool has_own_numbers(struct sysroot *root)
{
	char self[16];

	return sysroot_is_host(root) &&
	       sysdir_readlink(sysroot_dir(root), "proc/self", self, sizeof(self)) > 0 &&
	       strtol(self, NULL, 10) == getpid();
}

/* Whether THREAD has the same descriptor table as its process, which has been read, as nearly all
 * threads have: one call instead of one per descriptor. If it fails, the table is read. */
static bool shares_table(pid_t pid, pid_t thread)
{
	return syscall(SYS_kcmp, pid, thread, KCMP_FILES, 0, 0) == 0;
}

static int read_threads(const struct inspection *inspection, const struct sysdir *process,
			struct holder *holder)
{
	_cleanup_sysdir_ struct sysdir tasks = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	const bool own_numbers = has_own_numbers(process->root);
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

		if (thread == holder->pid || (own_numbers && shares_table(holder->pid, thread)))
			continue;
		error = sysdir_open(&tasks, entry->d_name, &task);
		if (!error)
			error = read_table(inspection, &task, thread, holder);
		if (error == -ENOMEM || error == -ETIMEDOUT)
			return error;
		if (error < 0 && !process_is_gone(error) && !first)
			first = error;
	}
	return first;
}

/* Returns 0, -ENOENT or -ESRCH if the process has ended, or another negative errno if not all
 * descriptors could be read. */
static int read_descriptors(const struct inspection *inspection, const struct sysdir *process,
			    struct holder *holder)
{
	int error, other;

	if (inspection->depth == HOLDERS_COMMAND_LINES)
		return 0;
	error = read_table(inspection, process, holder->pid, holder);
	if (inspection->depth != HOLDERS_THREADS || (error < 0 && !process_is_gone(error)))
		return error;
	other = read_threads(inspection, process, holder);
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
static int identify(const struct inspection *inspection, const struct sysdir *process,
		    struct holder *holder)
{
	struct process_stat stat = {0};
	int error = process_read_stat(process, &stat);

	holder->started = stat.started;
	holder->trusted = process_is_trusted(process, inspection->users) > 0;
	return error;
}

/* Like process_read_cmdline; -ETIMEDOUT if that would block. */
static ssize_t read_cmdline(const struct inspection *inspection, const struct sysdir *process,
			    char *buffer, struct holder *holder)
{
	ssize_t length;

	if (!inspection->may_read_cmdline(inspection->data, holder->pid))
		return -ETIMEDOUT;
	if (!holder->file_count)
		return process_read_cmdline(process, false, buffer);
	identify(inspection, process, holder);
	inspection->set_known(inspection->data, holder);
	length = process_read_cmdline(process, true, buffer);
	inspection->set_known(inspection->data, NULL);
	return length;
}

int inspect_process(const struct inspection *inspection, const struct sysdir *process, char *buffer,
		    struct holder *holder, struct holders *holders)
{
	ssize_t length;
	int error;

	error = read_descriptors(inspection, process, holder);
	if (error == -ENOMEM)
		return error;
	if (process_is_gone(error))
		return 0;
	holder->inspected = error == 0;
	length = read_cmdline(inspection, process, buffer, holder);
	if (length == 0 && !holder->inspected && !holder->file_count)
		return 0; /* kernel threads and zombies have no files open */
	if (length < 0 && process_is_gone((int)length))
		return 0;
	if (length >= 0 && vmm_parse(buffer, (size_t)length, &holder->vmm) < 0)
		return -ENOMEM;
	if (!error && length == -ETIMEDOUT)
		error = -ETIMEDOUT;
	holders_add_unseen(holders, error != 0, error);
	if (!holder->file_count && !(holder->vmm.is_vmm && holder->vmm.device_count))
		return 0;
	/* if the start time can't be read, a process with VFIO files still counts, unless it has
	 * ended */
	error = identify(inspection, process, holder);
	if (process_is_gone(error) || (error < 0 && !holder->file_count))
		return 0;
	error = find_frontend(process, buffer, holder);
	return error < 0 ? error : 1;
}
