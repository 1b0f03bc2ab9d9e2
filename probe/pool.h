/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many devices of each alias, and of each model, there are, and how many of them can be had. */
#ifndef PCIPROBE_POOL_H
#define PCIPROBE_POOL_H

#include "probe/config/config.h"
#include "probe/device.h"

/* What must have been read (enum detail) for pools_count. */
#define DETAIL_POOLS                                                                         \
	((unsigned)(DETAIL_ALIASES | DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | \
		    DETAIL_GROUP_PEERS))

struct pool {
	const char *alias;	 /* belongs to the configuration; NULL: the devices of a model */
	uint16_t vendor, device; /* that one's ids */
	size_t total;
	size_t states[OWNERSHIP_COUNT]; /* by enum ownership; together they are total */
	size_t available;		/* those free ones that nothing is in the way of:
					   device_unavailable_reason */
};

/* Gives one for each alias of CONFIG, in its order, also for one that no device has. The caller
 * frees *ret (NULL when there is no alias). Returns 0 or -ENOMEM. */
int pools_count(const struct config *config, const struct inventory *inventory, struct pool **ret,
		size_t *ret_count);

/* The same for each model of which there is a device, in the order of those. */
int pools_count_models(const struct inventory *inventory, struct pool **ret, size_t *ret_count);

/* Room for the ids of a model, "15b3:1016". */
#define MODEL_SIZE 10

/* What POOL is called: its alias, or the ids of its model, which are written into BUFFER. */
const char *pool_name(const struct pool *pool, char buffer[static MODEL_SIZE]);

#endif
