/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which values a reading has: of each device, of each physical function, of each model, and of the
 * host as a whole. */
#ifndef PCIPROBE_COLLECTD_VALUES_H
#define PCIPROBE_COLLECTD_VALUES_H

#include "plugins/collectd/settings.h"
#include "probe/config/config.h"
#include "probe/device.h"

/* What must have been read for what is reported: enum detail. */
unsigned values_details(unsigned report);

/* Gives the values of INVENTORY to dispatch_value, one by one. CONFIG has the aliases. */
void values_dispatch(const struct inventory *inventory, const struct config *config,
		     const struct settings *settings);

#endif
