/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files named on the command line. pciprobe may have rights that its caller lacks, by sudo(8),
 * pkexec(1) or file capabilities, and messages about a file quote it: "not-a-filter root:$6$...".
 * Such a file is read, but its text does not appear in messages. */
#ifndef PCIPROBE_STANDALONE_CALLERFILE_H
#define PCIPROBE_STANDALONE_CALLERFILE_H

#include "probe/log.h"

#include <stdbool.h>

struct callerfile {
	const char *path;
	int fd;
	bool is_hidden; /* the caller may not read it */
	struct log log; /* for messages about its content: only their location, if it is hidden */
	const struct log *outer;
};

/* Opens PATH for reading. RET must not move until its log is no longer used, PATH and LOG must
 * outlive it. Returns 0 or a negative errno (logged); close RET->fd. */
int callerfile_open(const char *path, const struct log *log, struct callerfile *ret);

/* For a file that is opened by its path again and again, when the caller may have put another one
 * in its place: checks that it can be opened now, and if the caller lacks rights, hides it. */
int callerfile_follow(const char *path, const struct log *log, struct callerfile *ret);

#endif
