/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Masking of MAC addresses in recordings, which are passed on to other people. */
#ifndef PCIPROBE_STANDALONE_COMMANDS_MASK_H
#define PCIPROBE_STANDALONE_COMMANDS_MASK_H

#include "probe/strings.h"

/* Adds the Ethernet or InfiniBand address LINE, e.g. "52:54:00:12:34:56\n", to MACS. Anything else,
 * and an address of zeroes, is ignored. Returns 0 or -ENOMEM. */
int mask_add(struct strings *macs, const char *line);

/* Replaces each occurrence of an address of MACS in the LENGTH bytes at TEXT, with or without
 * colons (as in enx525400123456), by 02:00:00:00:00:01 and so on. The length is unchanged, and
 * equal addresses get equal masks. */
void mask_text(const struct strings *macs, char *text, size_t length);

#endif
