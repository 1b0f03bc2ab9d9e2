/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publishes each reading: values and notifications go to dispatch.h. */
#ifndef PCIPROBE_COLLECTD_PUBLISH_H
#define PCIPROBE_COLLECTD_PUBLISH_H

#include "plugins/collectd/settings.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

struct publisher;

/* Loads the configuration. SETTINGS must outlive the publisher. OBSERVER is called for everything
 * that is read below the root; it may be NULL. Failures are logged through LOG. The caller frees
 * *ret with publisher_free. Returns 0 or a negative errno. */
int publisher_new(const struct settings *settings, const struct log *log,
		  sysroot_observer *observer, void *observer_data, struct publisher **ret);
void publisher_free(struct publisher *publisher);

/* Reads the devices and dispatches their values and, from the second reading on, what changed. A
 * reading that fails is logged and dispatches no values; see monitor_read. */
void publisher_read(struct publisher *publisher);

#endif
