/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices as Nova reports them to Placement if report_in_placement is on: by
 * nova.compute.pci_placement_translator. */
#ifndef PCIPROBE_STANDALONE_NOVA_PLACEMENT_H
#define PCIPROBE_STANDALONE_NOVA_PLACEMENT_H

#include "plugins/standalone/nova/line.h"

/* The first line whose spec matches each device of the inventory; NULL: none. */
typedef const struct nova_line *const nova_matches;

/* Reports combinations of devices with which nova-compute does not start: a PF and its VFs, or VFs
 * of a PF with different resource classes or traits. Errors are reported by nova_conf_error, at the
 * spec of one of the devices. Returns 0 or -ENOMEM. */
int nova_placement_check(struct nova_conf *conf, const struct inventory *inventory,
			 nova_matches *first, const struct log *log);

/* Whether Placement offers DEVICE, which the spec of LINE matches first, for ALIAS in RELEASE: the
 * resource class is the same, and the device has the traits. Returns 1, 0 or -ENOMEM. */
int nova_placement_matches(const struct nova_release *release, const struct nova_alias *alias,
			   const struct nova_line *line, const struct pci_device *device);

#endif
