/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_alias(const struct pool *pools, size_t count, const char *alias)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(pools[i].alias, alias) == 0)
			return true;
	return false;
}

static void count_device(struct pool *pool, const struct pci_device *device)
{
	pool->total++;
	pool->states[device->ownership]++;
	pool->available += device_unavailable_reason(device) == UNAVAILABLE_NONE;
}

static void count_devices(struct pool *pool, const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (strings_has(&device->aliases, pool->alias))
			count_device(pool, device);
}

int pools_count(const struct config *config, const struct inventory *inventory, struct pool **ret,
		size_t *ret_count)
{
	struct pool *pools = NULL;
	size_t count = 0;

	if (config->alias_count && !(pools = calloc(config->alias_count, sizeof(*pools))))
		return -ENOMEM;
	for (size_t i = 0; i < config->alias_count; i++) {
		const char *alias = config->aliases[i].name;

		if (has_alias(pools, count, alias))
			continue;
		pools[count].alias = alias;
		count_devices(&pools[count++], inventory);
	}
	*ret = pools;
	*ret_count = count;
	return 0;
}

/* The index of the pool of DEVICE's model; COUNT if there is none. */
static size_t find_model(const struct pool *pools, size_t count, const struct pci_device *device)
{
	size_t i = 0;

	while (i < count &&
	       (pools[i].vendor != device->vendor || pools[i].device != device->device))
		i++;
	return i;
}

int pools_count_models(const struct inventory *inventory, struct pool **ret, size_t *ret_count)
{
	struct pool *pools = NULL, *tmp;
	size_t count = 0;

	inventory_foreach(inventory, device) {
		size_t i = find_model(pools, count, device);

		if (i == count) {
			tmp = realloc(pools, (count + 1) * sizeof(*tmp));
			if (!tmp) {
				free(pools);
				return -ENOMEM;
			}
			pools = tmp;
			pools[count++] = (struct pool){.vendor = device->vendor,
						       .device = device->device};
		}
		count_device(&pools[i], device);
	}
	*ret = pools;
	*ret_count = count;
	return 0;
}

const char *pool_name(const struct pool *pool, char buffer[static MODEL_SIZE])
{
	if (pool->alias)
		return pool->alias;
	snprintf(buffer, MODEL_SIZE, "%04x:%04x", pool->vendor, pool->device);
	return buffer;
}
