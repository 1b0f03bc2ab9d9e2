/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading after the other: values and changes go to dispatch.h. */
#ifndef PCIPROBE_COLLECTD_MONITOR_H
#define PCIPROBE_COLLECTD_MONITOR_H

#include "plugins/collectd/settings.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

struct monitor;

/* Reads the configuration. SETTINGS must outlive it. WITNESS sees all that is read below the root;
 * it may be NULL. Failures have been told through LOG. Free it with monitor_free. Returns 0 or a
 * negative errno. */
int monitor_new(const struct settings *settings, const struct log *log, sysroot_observer *observer,
		void *observer_data, struct monitor **ret);
void monitor_free(struct monitor *monitor);

/* Reads the devices and dispatches their values, and from the second time on what changed. A
 * reading that could not be made is told and dispatches nothing; the next one is compared with the
 * last that could. Who has the devices is looked for the first time, and when a driver changed or
 * anybody may have opened or closed a VFIO node. */
void monitor_read(struct monitor *monitor);

#endif
