/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/deadline.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

int64_t deadline_in(int64_t milliseconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
}

int64_t deadline_left(int64_t deadline)
{
	return deadline - deadline_in(0);
}

int deadline_poll(struct pollfd *fds, nfds_t count, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline_left(deadline);
		int ready;

		if (left <= 0)
			return -ETIMEDOUT;
		ready = poll(fds, count, left < INT_MAX ? (int)left : INT_MAX);
		if (ready > 0)
			return ready;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}
