/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of plugin instances. */
#ifndef PCIPROBE_COLLECTD_INSTANCE_H
#define PCIPROBE_COLLECTD_INSTANCE_H

#include "plugins/collectd/dispatch.h"
#include "plugins/collectd/settings.h"
#include "probe/device.h"

/* Of what is told of the host as a whole. An empty one would make other keys of the values in some
 * of the daemon's writers. */
#define INSTANCE_SUMMARY "summary"

/* Writes the device's instance into BUFFER and returns BUFFER: "0000:81:00.2", or with what FORMAT
 * wants before it, "one-42:0000:81:00.2", where the device has that. The address makes it the only
 * one of the name. */
const char *instance_of(const struct pci_device *device, enum instance_format format,
			char buffer[static INSTANCE_SIZE]);

/* Writes the device's model, "15b3:1016", into BUFFER and returns BUFFER. */
const char *instance_of_model(const struct pci_device *device, char buffer[static INSTANCE_SIZE]);

#endif
