/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/callerfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether the program has capabilities by setcap(8). */
static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, sets) == 0 &&
	       (sets[0].effective || sets[1].effective || sets[0].permitted || sets[1].permitted);
}

/* The user that started the program by sudo(8) or pkexec(1), or NULL. */
static const struct passwd *find_caller(void)
{
	const char *number = getenv("SUDO_UID");
	unsigned long uid;
	char *end;

	if (!number)
		number = getenv("PKEXEC_UID");
	if (geteuid() != 0 || !number || !isdigit((unsigned char)*number))
		return NULL;
	errno = 0;
	uid = strtoul(number, &end, 10);
	return *end || errno || uid == 0 || uid >= (uid_t)-1 ? NULL : getpwuid((uid_t)uid);
}

static int drop_rights(const struct passwd *caller)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (caller && (initgroups(caller->pw_name, caller->pw_gid) < 0 ||
		       setresgid(caller->pw_gid, caller->pw_gid, caller->pw_gid) < 0 ||
		       setresuid(caller->pw_uid, caller->pw_uid, caller->pw_uid) < 0))
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static void send_descriptor(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fd))];
	} control = {0};
	char byte = 0;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(sizeof(fd))};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sendmsg(socket, &message, 0);
}

/* Returns the descriptor, or -EACCES if none was sent. */
static int receive_descriptor(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || !message.msg_controllen ||
	    control.header.cmsg_type != SCM_RIGHTS)
		return -EACCES;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* Opens the file in a child process with the caller's rights only. Returns a descriptor, or a
 * negative errno if the caller cannot open it. */
static int open_as_caller(const char *path, const struct passwd *caller)
{
	int ends[2], fd;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		fd = drop_rights(caller) < 0 ? -1 : open_file(path);
		if (fd >= 0)
			send_descriptor(ends[1], fd);
		_exit(0);
	}
	close(ends[1]);
	fd = child < 0 ? -EACCES : receive_descriptor(ends[0]);
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return fd;
}

/* "PATH:LINE:COLUMN: MESSAGE": the message may quote the file. */
static void emit_location(void *data, enum message_level level, const char *text)
{
	const struct callerfile *file = data;
	size_t length = strlen(file->path), end;
	char *location;

	if (strncmp(text, file->path, length) != 0 || text[length] != ':' ||
	    !isdigit((unsigned char)text[length + 1])) {
		file->outer->emit(file->outer->data, level, text);
		return;
	}
	end = length + strspn(text + length, ":0123456789");
	location = strndup(text, end);
	log_error(file->outer, "%s invalid (not shown: only another user may read this file)",
		  location ? location : file->path);
	free(location);
}

/* Whether the program has rights that its caller lacks. */
static bool is_privileged(const struct passwd *caller)
{
	return caller || (geteuid() != 0 && has_capabilities());
}

static void hide(struct callerfile *file)
{
	file->is_hidden = true;
	file->log = (struct log){.emit = emit_location, .data = file};
}

int callerfile_open(const char *path, const struct log *log, struct callerfile *ret)
{
	const struct passwd *caller = find_caller();
	bool as_caller = is_privileged(caller);

	*ret = (struct callerfile){.path = path, .log = *log, .outer = log};
	ret->fd = as_caller ? open_as_caller(path, caller) : open_file(path);
	if (as_caller && ret->fd < 0) {
		hide(ret);
		ret->fd = open_file(path);
	}
	if (ret->fd < 0)
		log_error(log, "%s: %s", path, strerror(-ret->fd));
	return ret->fd < 0 ? ret->fd : 0;
}

int callerfile_follow(const char *path, const struct log *log, struct callerfile *ret)
{
	int error = callerfile_open(path, log, ret);

	if (error < 0)
		return error;
	close(ret->fd);
	ret->fd = -1;
	if (is_privileged(find_caller()))
		hide(ret);
	return 0;
}
