/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* The pid can't have been reused: it is not reaped before this. If it was reaped elsewhere, with
 * GROUP the pid stays allocated as the id of the process group while the group has members. */
int child_end(pid_t pid, bool group, int milliseconds, int *ret_status)
{
	const struct timespec millisecond = {.tv_nsec = 1000000};
	pid_t ended;

	*ret_status = 0;
	kill(group ? -pid : pid, SIGKILL);
	for (int i = 0; i < milliseconds; i++) {
		ended = waitpid(pid, ret_status, WNOHANG);
		if (ended == pid || (ended < 0 && errno != EINTR))
			return 0;
		nanosleep(&millisecond, NULL);
	}
	return -ETIMEDOUT;
}
