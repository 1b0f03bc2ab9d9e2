/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of an inventory: per device, per physical function, per model and alias, and for the
 * whole host. */
#ifndef PCIPROBE_COLLECTD_VALUES_H
#define PCIPROBE_COLLECTD_VALUES_H

#include "plugins/collectd/settings.h"
#include "probe/config/config.h"
#include "probe/device.h"

/* Returns the details (enum detail) that the groups of REPORT (enum report_group) need. */
unsigned values_details(unsigned report);

/* Dispatches the values of INVENTORY, one by one. CONFIG defines the aliases. Without memory the
 * values of models and aliases are skipped. */
void values_dispatch(const struct inventory *inventory, const struct config *config,
		     const struct settings *settings);

#endif
