/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells when it is worth a look who has the devices, so that processes need not be walked for every
 * reading.
 *
 * inotify on /dev/vfio sees who opens and closes a node there. A VM of libvirt has a /dev of its
 * own, in which nobody sees it, so the kernel's count of all that use VFIO is looked at as well:
 * /sys/module/vfio/refcnt grows with every open node, wherever that stands. What libvirt writes of
 * its VMs, running and defined, and Proxmox's notes are watched too. */
#ifndef PCIPROBE_MONITOR_WATCH_H
#define PCIPROBE_MONITOR_WATCH_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct watch;

/* Watches below ROOT, which must outlive it, as must LOG. Free it with watch_free. Returns 0 or a
 * negative errno. */
int watch_new(struct sysroot *root, const struct log *log, struct watch **ret);
void watch_free(struct watch *watch);

/* Whether anything happened since it was asked last, or the first time; also when that can't be
 * told. */
bool watch_happened(struct watch *watch);

#endif
