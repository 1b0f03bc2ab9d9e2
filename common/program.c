/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/program.h"

#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Standard output is opened for reading only, so that writing to it still fails. */
static void open_standard_descriptors(void)
{
	int fd;

	for (int standard = 0; standard <= 2; standard++)
		if (fcntl(standard, F_GETFD) < 0) {
			fd = open("/dev/null", standard == 2 ? O_WRONLY : O_RDONLY);
			if (fd >= 0 && fd != standard) {
				dup2(fd, standard);
				close(fd);
			}
		}
}

bool program_begin(void)
{
	open_standard_descriptors();
	return signal(SIGPIPE, SIG_IGN) == SIG_IGN;
}

void program_log(const char *name, enum message_level level, const char *message, bool quiet,
		 bool verbose)
{
	if ((level == MESSAGE_WARNING && quiet) || (level == MESSAGE_DEBUG && !verbose))
		return;
	fprintf(stderr, "%s: %s", name, level == MESSAGE_WARNING ? "warning: " : "");
	text_write_plain(stderr, message);
	fputc('\n', stderr);
}

static bool pipe_is_broken(void)
{
	struct pollfd output = {.fd = STDOUT_FILENO};

	return errno == EPIPE || (poll(&output, 1, 0) > 0 && (output.revents & POLLERR));
}

/* A full disk or a closed pipe may be reported only by the last write. */
int program_end(const struct log *log, int status, int failed, bool pipe_ignored)
{
	bool broken_pipe, lost = ferror(stdout);

	errno = 0;
	lost = fflush(stdout) != 0 || lost;
	broken_pipe = lost && pipe_is_broken();
	if (broken_pipe && !pipe_ignored) {
		if (status)
			return status;
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	if (fclose(stdout) == 0 && !lost)
		return status;
	log_error(log, "standard output: %s",
		  broken_pipe ? strerror(EPIPE)
		  : errno     ? strerror(errno)
			      : "write error");
	return failed;
}

const char *program_helper(const char *installed, char buffer[static PATH_MAX])
{
	static const char folder[] = "/helper";
	const char *name;
	ssize_t length;
	char *slash;

	if (!installed || access(installed, X_OK) == 0)
		return installed;
	name = strrchr(installed, '/');
	length = readlink("/proc/self/exe", buffer, PATH_MAX - 1);
	if (length <= 0)
		return installed;
	buffer[length] = '\0';
	slash = strrchr(buffer, '/');
	if (!slash || !name || (size_t)(slash - buffer) + strlen(folder) + strlen(name) >= PATH_MAX)
		return installed;
	strcpy(stpcpy(slash, folder), name);
	return access(buffer, X_OK) == 0 ? buffer : installed;
}

unsigned program_terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}
