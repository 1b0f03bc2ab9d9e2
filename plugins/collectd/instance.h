/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of plugin instances. */
#ifndef PCIPROBE_COLLECTD_INSTANCE_H
#define PCIPROBE_COLLECTD_INSTANCE_H

#include "plugins/collectd/dispatch.h"
#include "plugins/collectd/settings.h"
#include "probe/device.h"

/* The instance of values for the whole host. Not empty, because some of the daemon's write plugins
 * build different keys without an instance. */
#define INSTANCE_SUMMARY "summary"

/* Writes the device's instance into BUFFER and returns BUFFER: "0000:81:00.2", or with the prefix
 * of FORMAT, "one-42:0000:81:00.2", if the device has one. The address makes it unique. */
const char *instance_of(const struct pci_device *device, enum instance_format format,
			char buffer[static INSTANCE_SIZE]);

/* Writes the device's model, "15b3:1016", into BUFFER and returns BUFFER. */
const char *instance_of_model(const struct pci_device *device, char buffer[static INSTANCE_SIZE]);

#endif
