/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/helper.h"

#include "probe/ownership/child.h"
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
#include <unistd.h>

/* Time to wait for a killed helper, in milliseconds. */
#define REAP_MAX 500

enum { OUTPUT, ERRORS, STREAMS };

/* The read end of a pipe, and what was read from it; fd is -1 at end of file. */
struct stream {
	int fd;
	char *text;
	size_t length, capacity;
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

static int set_reason(char *why, int error, const char *string)
{
	snprintf(why, HELPER_WHY_SIZE, "%s", string);
	return error;
}

/* Makes a pipe with descriptors above 2: a daemon may run with 0 to 2 closed, and the child's
 * standard streams are replaced one by one. */
static int make_pipe(int ends[2])
{
	int low[2], error = 0;

	if (pipe2(low, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		if (ends[i] < 0)
			error = -errno;
	}
	close(low[0]);
	close(low[1]);
	if (error < 0) {
		close_fd(&ends[0]);
		close_fd(&ends[1]);
	}
	return error;
}

/* Resets signals, since blocked and ignored ones are inherited from the daemon. Returns 0 or a
 * positive errno, like posix_spawn(3). */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (error)
		return error;
	error = posix_spawnattr_setpgroup(attributes, 0);
	if (error)
		return error;
	error = posix_spawnattr_setsigmask(attributes, &none);
	if (error)
		return error;
	return posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_files(posix_spawn_file_actions_t *actions, const struct helper *helper, int output,
		     int errors)
{
	int error = posix_spawn_file_actions_addfchdir_np(actions, helper->directory);

	if (error)
		return error;
	if (helper->input)
		error = posix_spawn_file_actions_adddup2(actions, helper->input, STDIN_FILENO);
	else
		error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
							 O_RDONLY, 0);
	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (error)
		return error;
	return posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
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
		error = set_files(&actions, helper, output, errors);
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
	size_t capacity = stream->capacity ? stream->capacity * 2 : 4096;
	char *grown;

	if (stream->capacity >= HELPER_OUTPUT_MAX)
		return -EFBIG;
	grown = realloc(stream->text, capacity);
	if (!grown)
		return -ENOMEM;
	stream->text = grown;
	stream->capacity = capacity;
	return 0;
}

/* Reads once from a stream that is readable or at end of file. */
static int read_some(struct stream *stream)
{
	int error = stream->length + 1 >= stream->capacity ? grow(stream) : 0;
	ssize_t n;

	if (error < 0)
		return error;
	n = read(stream->fd, stream->text + stream->length, stream->capacity - stream->length - 1);
	if (n < 0 && errno != EINTR)
		return -errno;
	if (n == 0)
		close_fd(&stream->fd);
	stream->length += n > 0 ? (size_t)n : 0;
	stream->text[stream->length] = '\0';
	return 0;
}

/* Reads both streams to their end. */
static int read_streams(struct stream streams[STREAMS], int64_t deadline)
{
	struct pollfd polled[STREAMS];
	int error;

	while (streams[OUTPUT].fd >= 0 || streams[ERRORS].fd >= 0) {
		for (int i = 0; i < STREAMS; i++)
			polled[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
		error = deadline_poll(polled, STREAMS, deadline);
		if (error < 0)
			return error;
		for (int i = 0; i < STREAMS; i++) {
			if (polled[i].fd < 0 || !polled[i].revents)
				continue;
			error = read_some(&streams[i]);
			if (error < 0)
				return error;
		}
	}
	return 0;
}

/* Copies the last line that isn't empty, without control characters. */
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
	if (error == -ETIMEDOUT)
		return set_reason(why, error, "no answer in time");
	if (error == -EFBIG)
		return set_reason(why, error, "answer too long");
	if (error < 0)
		return set_reason(why, error, strerror(-error));
	if (WIFSIGNALED(status)) {
		snprintf(why, HELPER_WHY_SIZE, "killed by signal %d", WTERMSIG(status));
		return -EBADMSG;
	}
	if (WEXITSTATUS(status)) {
		last_line(errors->text, why);
		if (!*why)
			snprintf(why, HELPER_WHY_SIZE, "exited with status %d, no error message",
				 WEXITSTATUS(status));
		return -ECONNREFUSED;
	}
	return 0;
}

int helper_run(const struct helper *helper, char **ret_text, size_t *ret_length,
	       char why[HELPER_WHY_SIZE])
{
	int64_t deadline = deadline_in(helper->milliseconds);
	struct child child;
	int error, status, ended;

	error = start(helper, &child);
	if (error < 0) {
		snprintf(why, HELPER_WHY_SIZE, "%s: %s", helper->path, strerror(-error));
		return error == -ENOENT ? -ENOSYS : error;
	}
	error = read_streams(child.streams, deadline);
	ended = child_end(child.pid, true, REAP_MAX, &status);
	error = child_result(error ? error : ended, status, &child.streams[ERRORS], why);
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

static int parse_lines(char *output, helper_line *parse, void *data)
{
	char *line, end[32];
	size_t count = 0;
	int error;

	while ((line = strsep(&output, "\n")) && output) {
		snprintf(end, sizeof(end), "end %zu", count++);
		if (strcmp(line, end) == 0)
			return *output ? -EBADMSG : 0;
		error = parse(data, line);
		if (error < 0)
			return error;
	}
	return -EBADMSG;
}

int helper_parse(const char *output, size_t length, helper_line *parse, void *data)
{
	char *copy = malloc(length + 1);
	int error;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, output, length);
	copy[length] = '\0';
	error = strlen(copy) == length ? parse_lines(copy, parse, data) : -EBADMSG;
	free(copy);
	return error;
}
