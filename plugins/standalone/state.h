/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a later run reads again. They are kept in /var/lib/pciprobe/NAME, or for users who
 * cannot write there in ~/.local/state/pciprobe/NAME. A directory that users other than the caller
 * and root can write to is used neither for reading nor for writing. */
#ifndef PCIPROBE_STANDALONE_STATE_H
#define PCIPROBE_STANDALONE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define STATE_DIRECTORY "/var/lib/pciprobe"

/* Opens the directory NAME below SYSROOT ("" is the host), which no link leads out of. CREATE:
 * creates it if it does not exist. Returns a descriptor or a negative errno: -EPERM if others could
 * write to it. *RET_PATH is its path, for messages, even on failure; NULL if out of memory; the
 * caller frees it. */
int state_open(const char *sysroot, const char *name, bool create, char **ret_path);

/* Opens the directory NAME in AT; as state_open otherwise. */
int state_open_at(int at, const char *name, bool create);

/* Replaces a file atomically. Returns 0 or a negative errno. */
int state_write(int directory, const char *name, const char *data, size_t length);

/* Reads a regular file of at most SIZE_MAX bytes; *RET_MODIFIED, if not NULL, is the time of its
 * last change. The content is NUL-terminated; the caller frees it. Returns its length or a negative
 * errno: -EFBIG if it is longer. */
ssize_t state_read(int directory, const char *name, size_t size_max, char **ret,
		   time_t *ret_modified);

#endif
