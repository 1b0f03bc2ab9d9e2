/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_known(const struct pool *pools, size_t count, const char *alias)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(pools[i].alias, alias) == 0)
			return true;
	return false;
}

static void count_cards(struct pool *pool, const struct inventory *inventory)
{
	inventory_foreach(inventory, device) {
		if (!strings_has(&device->aliases, pool->alias))
			continue;
		pool->total++;
		pool->states[device->ownership]++;
		pool->available += device_obstacle(device) == OBSTACLE_NONE;
	}
}

int pools_count(const struct config *config, const struct inventory *inventory, struct pool **ret, size_t *ret_count)
{
	struct pool *pools = NULL;
	size_t count = 0;

	if (config->alias_count && !(pools = calloc(config->alias_count, sizeof(*pools))))
		return -ENOMEM;
	for (size_t i = 0; i < config->alias_count; i++) {
		const char *alias = config->aliases[i].name;

		if (is_known(pools, count, alias))
			continue;
		pools[count].alias = alias;
		count_cards(&pools[count++], inventory);
	}
	*ret = pools;
	*ret_count = count;
	return 0;
}
