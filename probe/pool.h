/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the devices of each alias and of each model by ownership and availability. */
#ifndef PCIPROBE_POOL_H
#define PCIPROBE_POOL_H

#include "probe/config/config.h"
#include "probe/device.h"

/* What must be read (enum detail) before pools_count. */
#define DETAIL_POOLS                                                                         \
	((unsigned)(DETAIL_ALIASES | DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | \
		    DETAIL_GROUP_PEERS))

struct pool {
	const char *alias;	 /* belongs to the configuration; NULL: a pool of one model */
	uint16_t vendor, device; /* ids of the model */
	size_t total;
	size_t states[OWNERSHIP_COUNT]; /* by enum ownership; the sum is total */
	size_t available; /* free and assignable now: device_unavailable_reason is NONE */
};

/* Returns one pool for each alias of CONFIG, in its order, including aliases without devices. The
 * caller frees *ret (NULL if there are no aliases). Returns 0 or -ENOMEM. */
int pools_count(const struct config *config, const struct inventory *inventory, struct pool **ret,
		size_t *ret_count);

/* Like pools_count, with one pool for each model present, in the order of the devices. */
int pools_count_models(const struct inventory *inventory, struct pool **ret, size_t *ret_count);

/* Size of the ids of a model, "15b3:1016", with the NUL. */
#define MODEL_SIZE 10

/* The name of POOL: its alias, or the ids of its model, written into BUFFER. */
const char *pool_name(const struct pool *pool, char buffer[static MODEL_SIZE]);

#endif
