/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/helper.h"

#include "probe/ownership/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a killed process is waited for, in milliseconds. */
#define REAP_MAX 500

enum { OUTPUT, ERRORS, STREAMS };

/* What comes out of one end of a pipe; fd is -1 once it is closed. */
struct stream {
	int fd;
	char *text;
	size_t length, room;
};

struct child {
	pid_t pid;
	struct stream streams[STREAMS];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int reason(char *why, int error, const char *text)
{
	snprintf(why, HELPER_WHY_SIZE, "%s", text);
	return error;
}

/* A pipe whose ends are above 2: a daemon may run with those closed, and in the child they are
 * replaced one by one. */
static int make_pipe(int ends[2])
{
	int made[2], error = 0;

	if (pipe2(made, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(made[i], F_DUPFD_CLOEXEC, 3);
		if (ends[i] < 0)
			error = -errno;
	}
	close(made[0]);
	close(made[1]);
	if (error < 0) {
		close_fd(&ends[0]);
		close_fd(&ends[1]);
	}
	return error;
}

/* Returns 0 or an errno, as the functions of posix_spawn do. A daemon's threads may block
 * signals, and what it ignores its children would ignore as well. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!error)
		error = posix_spawnattr_setpgroup(attributes, 0);
	if (!error)
		error = posix_spawnattr_setsigmask(attributes, &none);
	return error ? error : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_files(posix_spawn_file_actions_t *actions, int directory, int output, int errors)
{
	int error = posix_spawn_file_actions_addfchdir_np(actions, directory);

	if (!error)
		error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
							 O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	return error ? error : posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
}

static int spawn(const struct helper *helper, int output, int errors, pid_t *ret)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char locale[] = "LC_ALL=C", home[] = "HOME=/";
	char *environment[] = {path, locale, home, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *arguments[] = {strdup(helper->path), strdup(helper->argument), NULL};
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	error = arguments[0] && arguments[1] ? set_signals(&attributes) : ENOMEM;
	if (!error)
		error = set_files(&actions, helper->directory, output, errors);
	if (!error)
		error = posix_spawn(ret, helper->path, &actions, &attributes, arguments,
				    environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(arguments[0]);
	free(arguments[1]);
	return -error;
}

static int start(const struct helper *helper, struct child *ret)
{
	int output[2] = {-1, -1}, errors[2] = {-1, -1}, error;
	struct child child = {.pid = -1};

	error = make_pipe(output);
	if (!error)
		error = make_pipe(errors);
	if (!error)
		error = spawn(helper, output[1], errors[1], &child.pid);
	close_fd(&output[1]);
	close_fd(&errors[1]);
	if (error < 0) {
		close_fd(&output[0]);
		close_fd(&errors[0]);
		return error;
	}
	child.streams[OUTPUT].fd = output[0];
	child.streams[ERRORS].fd = errors[0];
	*ret = child;
	return 0;
}

static int grow(struct stream *stream)
{
	size_t room = stream->room ? stream->room * 2 : 4096;
	char *more;

	if (stream->room >= HELPER_OUTPUT_MAX)
		return -EFBIG;
	more = realloc(stream->text, room);
	if (!more)
		return -ENOMEM;
	stream->text = more;
	stream->room = room;
	return 0;
}

/* There is something to read, or the end. A byte is kept for the NUL. */
static int read_some(struct stream *stream)
{
	int error = stream->length + 1 >= stream->room ? grow(stream) : 0;
	ssize_t n;

	if (error < 0)
		return error;
	n = read(stream->fd, stream->text + stream->length, stream->room - stream->length - 1);
	if (n < 0 && errno != EINTR)
		return -errno;
	if (n == 0)
		close_fd(&stream->fd);
	stream->length += n > 0 ? (size_t)n : 0;
	stream->text[stream->length] = '\0';
	return 0;
}

/* Until both streams have ended. */
static int read_streams(struct stream streams[STREAMS], int64_t end)
{
	struct pollfd polled[STREAMS];
	int64_t left;
	int error = 0;

	while (!error && (streams[OUTPUT].fd >= 0 || streams[ERRORS].fd >= 0)) {
		left = deadline_left(end);
		if (left <= 0)
			return -ETIMEDOUT;
		for (int i = 0; i < STREAMS; i++)
			polled[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
		if (poll(polled, STREAMS, (int)left) < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < STREAMS && !error; i++)
			if (polled[i].fd >= 0 && polled[i].revents)
				error = read_some(&streams[i]);
	}
	return error;
}

/* Kills what is left of it, and its children, and takes its status: *ret_status is 0 too when
 * somebody else has taken it. One that has closed its streams by exiting has its status already,
 * and the signal does it nothing. What even SIGKILL doesn't end in time, since the kernel holds
 * it, is left alone. Nobody reaps the child before this, so its pid is still its own; where
 * others do, it is that of the process group as long as anything is left of that. */
static int end_child(pid_t pid, int *ret_status)
{
	const struct timespec millisecond = {.tv_nsec = 1000000};
	pid_t ended;

	*ret_status = 0;
	kill(-pid, SIGKILL);
	for (int i = 0; i < REAP_MAX; i++) {
		ended = waitpid(pid, ret_status, WNOHANG);
		if (ended == pid || (ended < 0 && errno != EINTR))
			return 0;
		nanosleep(&millisecond, NULL);
	}
	return -ETIMEDOUT;
}

/* The last line that isn't empty, fit for a message. */
static void last_line(char *text, char *why)
{
	size_t length = strlen(text);
	char *line;

	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
	line = strrchr(text, '\n');
	snprintf(why, HELPER_WHY_SIZE, "%s", line ? line + 1 : text);
	for (char *p = why; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static int child_result(int error, int status, struct stream *errors, char *why)
{
	switch (error) {
	case 0:
		break;
	case -ETIMEDOUT:
		return reason(why, error, "no answer in time");
	case -EFBIG:
		return reason(why, error, "the answer is too long");
	default:
		return reason(why, error, strerror(-error));
	}
	if (WIFSIGNALED(status)) {
		snprintf(why, HELPER_WHY_SIZE, "signal %d ended it", WTERMSIG(status));
		return -EBADMSG;
	}
	if (WEXITSTATUS(status)) {
		last_line(errors->text, why);
		if (!*why)
			reason(why, -ECONNREFUSED, "it failed and doesn't say why");
		return -ECONNREFUSED;
	}
	return 0;
}

int helper_run(const struct helper *helper, char **ret_text, size_t *ret_length,
	       char why[HELPER_WHY_SIZE])
{
	int64_t end = deadline_in(helper->milliseconds);
	struct child child;
	int error, status, left;

	error = start(helper, &child);
	if (error < 0) {
		snprintf(why, HELPER_WHY_SIZE, "%s: %s", helper->path, strerror(-error));
		return error == -ENOENT ? -ENOSYS : error;
	}
	error = read_streams(child.streams, end);
	left = end_child(child.pid, &status);
	error = child_result(error ? error : left, status, &child.streams[ERRORS], why);
	if (!error) {
		*ret_text = child.streams[OUTPUT].text;
		*ret_length = child.streams[OUTPUT].length;
		child.streams[OUTPUT].text = NULL;
	}
	for (int i = 0; i < STREAMS; i++) {
		close_fd(&child.streams[i].fd);
		free(child.streams[i].text);
	}
	return error;
}
