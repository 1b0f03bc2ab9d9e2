/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the checks need besides the inventory: earlier error counts, the journal of vfio-bind
 * and the age of the last good answers. */
#ifndef PCIPROBE_STANDALONE_CHECKS_INPUT_H
#define PCIPROBE_STANDALONE_CHECKS_INPUT_H

#include "plugins/standalone/checks/check.h"
#include "probe/probe.h"

/* The directory of the error counts, see state.h. */
#define CHECK_STATE "check"

/* Reads them for INVENTORY, and the errors only if WITH_ERRORS; then their counts are saved below
 * SYSROOT ("" is the host). What cannot be read is unknown in RET, with the reason. Returns 0 or
 * -ENOMEM. */
int check_input_read(struct probe *probe, const char *sysroot, const struct inventory *inventory,
		     bool with_errors, struct check_input *ret);
void check_input_free(struct check_input *input);

#endif
