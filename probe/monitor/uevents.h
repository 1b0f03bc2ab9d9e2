/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's messages about devices that are added or removed and drivers that are bound or
 * unbound (uevents, broadcast by netlink), through libudev. They come from the kernel, not from
 * udevd, which may be slow or absent; libudev drops messages of any other sender. */
#ifndef PCIPROBE_MONITOR_UEVENTS_H
#define PCIPROBE_MONITOR_UEVENTS_H

#include "probe/log.h"

#include <stdbool.h>

struct uevents;

/* Starts to listen. Free *ret with uevents_free. Returns 0 or a negative errno: -ENOTSUP if built
 * without libudev, -ELIBACC (logged) if that is not installed. */
int uevents_new(const struct log *log, struct uevents **ret);
void uevents_free(struct uevents *uevents);

/* Whether the kernel sends this process the messages of all devices: only to network namespaces of
 * the initial user namespace. In others there are none, which looks like a host at rest. */
bool uevents_are_complete(void);

/* A descriptor that is readable when there are messages. */
int uevents_fd(const struct uevents *uevents);

/* Reads all messages. Sets *RET_RELEVANT if any is about a PCI, VFIO or mediated device, and
 * *RET_LOST if the kernel dropped some because they came too fast. */
void uevents_read(struct uevents *uevents, bool *ret_relevant, bool *ret_lost);

#endif
