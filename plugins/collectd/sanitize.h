/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts from outside, made fit for the daemon: its identifiers, its messages and its log go to
 * programs of every kind. */
#ifndef PCIPROBE_COLLECTD_SANITIZE_H
#define PCIPROBE_COLLECTD_SANITIZE_H

#include <stddef.h>

/* Copies TEXT, cut to SIZE - 1 bytes, into BUFFER and returns BUFFER: what isn't printable ASCII,
 * and each character of REFUSED, becomes INSTEAD. */
const char *sanitize_copy(char *buffer, size_t size, const char *text, const char *refused,
			  char instead);

#endif
