/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/program.h"

#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* For writing, one that was closed must stay an error, so what is opened can only be read. */
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

void program_begin(void)
{
	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN); /* EPIPE instead, which is told */
}

void program_tell(const char *name, enum message_level level, const char *text, bool quiet, bool verbose)
{
	if ((level == MESSAGE_WARNING && quiet) || (level == MESSAGE_DEBUG && !verbose))
		return;
	fprintf(stderr, "%s: %s", name, level == MESSAGE_WARNING ? "warning: " : "");
	text_write_plain(stderr, text);
	fputc('\n', stderr);
}

/* A full disk or a closed pipe shows only when the last bytes go out. */
int program_end(const struct log *log, int status, int failed)
{
	bool lost = ferror(stdout);

	errno = 0;
	if (fclose(stdout) == 0 && !lost)
		return status;
	log_error(log, "standard output: %s",
		  errno ? strerror(errno) : "not all could be written; a full disk, or a reader that has gone");
	return failed;
}
