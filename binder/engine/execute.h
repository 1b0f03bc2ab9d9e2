/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out a plan, and finding out whether it came true. */
#ifndef PCIPROBE_BINDER_ENGINE_EXECUTE_H
#define PCIPROBE_BINDER_ENGINE_EXECUTE_H

#include "binder/engine/plan.h"

/* Does one step of CHANGE, and looks whether the kernel took it. Returns 0, or a negative errno
 * that has been told: -ETIMEDOUT when the kernel gave no answer in time. */
int execute_step(struct kernel *kernel, const struct change *change, const struct step *step);

/* Reads CHANGE again and waits up to five seconds for what is to come of it: the driver, the
 * group's node in /dev/vfio, the VFs. Returns 0, or a negative errno that has been told. */
int execute_verify(struct kernel *kernel, struct change *change);

#endif
