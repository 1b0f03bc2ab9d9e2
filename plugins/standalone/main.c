/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/options.h"
#include "plugins/standalone/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_message(void *data, enum message_level level, const char *text)
{
	const struct options *options = data;

	if ((level == MESSAGE_WARNING && options->quiet) || (level == MESSAGE_DEBUG && !options->verbose))
		return;
	fputs(level == MESSAGE_WARNING ? "pciprobe: warning: " : "pciprobe: ", stderr);
	text_write_plain(stderr, text);
	fputc('\n', stderr);
}

/* Whoever starts us with a standard descriptor closed would else have a file of ours in its place. For writing it must
 * stay an error, so what is opened can only be read. */
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

/* A full disk or a closed pipe shows only when the last bytes go out. */
static int close_output(const struct options *options, int status)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return status;
	log_error(&options->log, "standard output: %s", errno ? strerror(errno) : "not all could be written; a full disk, or a reader that has gone");
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct options options = {.log = {.emit = print_message, .data = &options}};
	int status = STATUS_USAGE;

	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN); /* EPIPE instead, which is told */
	if (options_parse(argc, argv, &options, &status) == 0)
		status = options.verb->run(&options);
	options_free(&options);
	return close_output(&options, status);
}
