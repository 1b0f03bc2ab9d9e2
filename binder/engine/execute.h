/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Executes the steps of a plan and verifies their result. */
#ifndef PCIPROBE_BINDER_ENGINE_EXECUTE_H
#define PCIPROBE_BINDER_ENGINE_EXECUTE_H

#include "binder/engine/kernel.h"
#include "binder/engine/plan.h"

/* Executes one step of CHANGE and checks that it took effect. Returns 0 or a negative errno
 * (logged): -ETIMEDOUT if the kernel did not answer in time. */
int execute_step(struct kernel *kernel, const struct change *change, const struct step *step);

/* Reads CHANGE again, checks that it is applied, and waits up to five seconds for what appears
 * later: the group's node in /dev/vfio, the VFs. Returns 0 or a negative errno (logged): -ENODEV if
 * the device was removed, -EIO if the change is not applied. */
int execute_verify(struct kernel *kernel, struct change *change);

#endif
