/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAC addresses, made unknowable in what is recorded: a recording goes to strangers. */
#ifndef PCIPROBE_STANDALONE_COMMANDS_MASK_H
#define PCIPROBE_STANDALONE_COMMANDS_MASK_H

#include "probe/strings.h"

/* Remembers the MAC address that TEXT is, or InfiniBand's, in MACS; anything else, and all zeroes,
 * is left alone. Returns 0 or -ENOMEM. */
int mask_add(struct strings *macs, const char *text);

/* Replaces each of MACS wherever it stands in the LENGTH bytes at TEXT, with colons or, as in
 * enx525400123456, without, by 02:00:00:00:00:01 and so on: as long as before, and the same for the
 * same address. */
void mask_text(const struct strings *macs, char *text, size_t length);

#endif
