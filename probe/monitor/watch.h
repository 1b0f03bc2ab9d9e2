/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detects when the owners of devices may have changed, so that /proc need not be walked for each
 * reading.
 *
 * inotify on /dev/vfio reports nodes being opened and closed there. A libvirt VM has a private
 * /dev, which inotify does not see, so the kernel's count of VFIO users, /sys/module/vfio/refcnt,
 * is checked too: it counts every open node. The files in which libvirt describes running and
 * defined VMs and Proxmox records reservations are watched as well. */
#ifndef PCIPROBE_MONITOR_WATCH_H
#define PCIPROBE_MONITOR_WATCH_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct watch;

/* Starts watching below ROOT. ROOT and LOG must outlive the watch. Free it with watch_free. Returns
 * 0 or a negative errno. */
int watch_new(struct sysroot *root, const struct log *log, struct watch **ret);
void watch_free(struct watch *watch);

/* Whether anything happened since the last call. True on the first call and if watching is not
 * possible. */
bool watch_happened(struct watch *watch);

#endif
