/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that vfio-bind began and did not finish, from its journal, /run/vfio-bind/journal. */
#ifndef PCIPROBE_STANDALONE_CHECKS_UNFINISHED_H
#define PCIPROBE_STANDALONE_CHECKS_UNFINISHED_H

#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

#include <time.h>

#define UNFINISHED_PATH "run/vfio-bind/journal"

/* A run of vfio-bind that is still busy writes the journal again sooner than this, in seconds. */
#define UNFINISHED_AGE_MIN 60

/* Appends to RET a text for each unfinished change, "0000:01:00.0: driver", unless the journal was
 * written less than UNFINISHED_AGE_MIN before NOW, or before the last boot. Returns 0 or a negative
 * errno: -EBADMSG if it is not a journal. */
int unfinished_read(struct sysroot *root, time_t now, struct strings *ret);

#endif
