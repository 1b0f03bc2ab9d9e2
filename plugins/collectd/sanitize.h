/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings from outside, made safe for the daemon, whose identifiers, notifications and log are read
 * by other programs. */
#ifndef PCIPROBE_COLLECTD_SANITIZE_H
#define PCIPROBE_COLLECTD_SANITIZE_H

#include <stddef.h>

/* Copies STRING, truncated to SIZE - 1 bytes, into BUFFER and returns BUFFER. Bytes that are not
 * printable ASCII, and the characters in FORBIDDEN, become REPLACEMENT. */
const char *sanitize_copy(char *buffer, size_t size, const char *string, const char *forbidden,
			  char replacement);

#endif
