/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/process.h"

#include "probe/ownership/vmm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool process_is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH;
}

/* Fields 3 and 22 of /proc/<pid>/stat. Field 2 is the program's name in parentheses, which can
 * contain any characters. */
int process_read_stat(const struct sysdir *process, struct process_stat *ret)
{
	char text[ATTRIBUTE_SIZE], *p, state;
	unsigned long long started;
	ssize_t length = sysdir_read(process, "stat", text, sizeof(text));

	if (length < 0)
		return (int)length;
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1,
			 " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
			 " %*d %*d %*d %*d %*d %*d %llu",
			 &state, &started) != 2)
		return -EBADMSG;
	*ret = (struct process_stat){.state = state, .started = started};
	return 0;
}

/* Reads the command line of the first thread that still has one. */
static ssize_t read_thread_cmdline(const struct sysdir *process, char *buffer)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char path[48];
	ssize_t length = 0;
	int error = sysdir_list(process, "task", &list);

	if (error < 0)
		return error;
	while (length == 0 && (entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "task/%.16s/cmdline", entry->d_name);
		length = sysdir_read(process, path, buffer, VMM_CMDLINE_MAX);
		if (process_is_gone((int)length))
			length = 0;
	}
	return length;
}

ssize_t process_read_cmdline(const struct sysdir *process, bool threads, char *buffer)
{
	ssize_t length = sysdir_read(process, "cmdline", buffer, VMM_CMDLINE_MAX);

	if (length == 0 && threads)
		length = read_thread_cmdline(process, buffer);
	if (length != -EFBIG)
		return length;
	buffer[VMM_CMDLINE_MAX - 1] = '\0';
	return VMM_CMDLINE_MAX - 1;
}

static bool contains(const struct process_users *users, uid_t user)
{
	for (size_t i = 0; i < users->count; i++)
		if (users->trusted[i] == user)
			return true;
	return false;
}

/* "Uid:" has the real, effective, saved and file system ids. All are checked, since a program that
 * changes its user has a command line chosen by the user who started it. The owner of /proc/<pid>
 * can't be used: it is root for every process that is not dumpable. */
int process_is_trusted(const struct sysdir *process, const struct process_users *users)
{
	char text[ATTRIBUTE_SIZE], *line;
	unsigned ids[4];
	ssize_t length = sysdir_read(process, "status", text, sizeof(text));

	if (length < 0)
		return (int)length;
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, " Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return -EBADMSG;
	for (size_t i = 0; i < 4; i++)
		if (!contains(users, ids[i]))
			return 0;
	return 1;
}

/* libvirt's user for VMs is the owner of /var/lib/libvirt/qemu. */
void process_users_read(struct sysroot *root, struct process_users *ret)
{
	struct process_users users = {.trusted = {0, geteuid()}, .count = 2};
	struct stat status;

	if (sysdir_stat(sysroot_dir(root), "var/lib/libvirt/qemu", &status) == 0)
		users.trusted[users.count++] = status.st_uid;
	*ret = users;
}
