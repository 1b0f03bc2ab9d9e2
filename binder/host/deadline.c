/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/host/deadline.h"

#include "probe/ownership/child.h"
#include "probe/ownership/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* Time to wait for a killed child, in milliseconds. One that is blocked in the kernel does not end
 * and is left behind. */
#define REAP_MAX 200

static void write_pipe(int pipe_fd, const void *bytes, size_t size)
{
	ssize_t n;

	for (size_t done = 0; done<size; done += n> 0 ? (size_t)n : 0) {
		n = write(pipe_fd, (const char *)bytes + done, size - done);
		if (n < 0 && errno != EINTR)
			_exit(1);
	}
}

/* A child that is left behind must not keep the pipes open that this process's caller reads. */
static void close_standard_streams(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int stream = STDIN_FILENO; fd >= 0 && stream <= STDERR_FILENO; stream++)
		dup2(fd, stream);
}

static void __attribute__((noreturn))
run_child(const struct deadline_call *call, int pipe_fd, void *result, size_t size)
{
	ssize_t length;

	close_standard_streams();
	length = call->run(call->data, result, size);
	write_pipe(pipe_fd, &length, sizeof(length));
	if (length > 0)
		write_pipe(pipe_fd, result, (size_t)length);
	_exit(0);
}

/* Returns 0, -ETIMEDOUT, or -EIO if the child has exited before it has written SIZE bytes. */
static int read_pipe(int pipe_fd, void *buffer, size_t size, int64_t deadline)
{
	struct pollfd wait = {.fd = pipe_fd, .events = POLLIN};
	ssize_t n;

	for (size_t done = 0; done<size; done += n> 0 ? (size_t)n : 0) {
		int ready = deadline_poll(&wait, 1, deadline);

		if (ready < 0)
			return ready;
		n = read(pipe_fd, (char *)buffer + done, size - done);
		if (n == 0)
			return -EIO;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Returns 0 with what the child's function has returned in *RET, or a negative errno. */
static int read_result(const struct deadline_call *call, int pipe_fd, pid_t child, void *result,
		       size_t size, ssize_t *ret)
{
	struct pollfd wait = {.fd = pipe_fd, .events = POLLIN};
	int64_t deadline = deadline_in(call->timeout_ms);
	int error;

	if (call->report && call->quiet_ms < call->timeout_ms &&
	    deadline_poll(&wait, 1, deadline_in(call->quiet_ms)) == -ETIMEDOUT)
		call->report(call->data, child);
	error = read_pipe(pipe_fd, ret, sizeof(*ret), deadline);
	if (error < 0 || *ret <= 0)
		return error;
	return (size_t)*ret <= size ? read_pipe(pipe_fd, result, (size_t)*ret, deadline) : -EIO;
}

ssize_t deadline_call(const struct deadline_call *call, void *result, size_t size)
{
	int ends[2], status, error;
	ssize_t length;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		run_child(call, ends[1], result, size);
	}
	error = child < 0 ? -errno : 0;
	close(ends[1]);
	if (!error) {
		error = read_result(call, ends[0], child, result, size, &length);
		if (error < 0)
			child_end(child, false, REAP_MAX, &status);
		else
			waitpid(child, NULL, 0);
	}
	close(ends[0]);
	return error < 0 ? error : length;
}
