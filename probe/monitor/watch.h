/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detects when the owners of devices may have changed, so that /proc need not be walked for each
 * reading; and wakes a caller that waits for changes.
 *
 * inotify on /dev/vfio reports nodes being opened and closed there. A libvirt VM has a private
 * /dev, which inotify does not see, so the kernel's count of VFIO users, /sys/module/vfio/refcnt,
 * is checked too: it counts every open node. Nodes of vDPA, /dev/vhost-vdpa-N, have inotify only:
 * in a private /dev, such as libvirt's, their being opened is not seen. The files in which libvirt
 * describes running and defined VMs and Proxmox records reservations are watched as well. */
#ifndef PCIPROBE_MONITOR_WATCH_H
#define PCIPROBE_MONITOR_WATCH_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct watch;

/* What happened: bits. */
enum watch_cause {
	WATCH_FILES = 1u << 0,	  /* nodes of VFIO or vDPA, or files of libvirt or Proxmox */
	WATCH_USERS = 1u << 1,	  /* the kernel's count of VFIO users changed */
	WATCH_UEVENT = 1u << 2,	  /* a device or its driver changed */
	WATCH_CONFIG = 1u << 3,	  /* the configuration file may have changed */
	WATCH_OVERFLOW = 1u << 4, /* more happened than the kernel queued */
	WATCH_UNABLE = 1u << 5,	  /* watching is not possible: anything may have happened */
};

/* Starts watching below ROOT. ROOT and LOG must outlive the watch. Free it with watch_free. Returns
 * 0 or a negative errno. */
int watch_new(struct sysroot *root, const struct log *log, struct watch **ret);
void watch_free(struct watch *watch);

/* Listens to uevents, too, if ROOT is the host's, and watches CONFIG (NULL: none), for callers that
 * wait instead of reading regularly. CONFIG must outlive the watch. Returns a descriptor that is
 * readable when anything but a change of the count happened; it belongs to the watch. Returns a
 * negative errno if there is none. Failures to listen are logged. */
int watch_listen(struct watch *watch, const char *config);

/* Whether watch_read notices every device that is added or removed and every driver that is bound
 * or unbound: it listens to uevents, and the kernel sends them all. */
bool watch_sees_devices(const struct watch *watch);

/* Returns what happened since the last call (enum watch_cause); WATCH_FILES in the first one. */
unsigned watch_read(struct watch *watch);

#endif
