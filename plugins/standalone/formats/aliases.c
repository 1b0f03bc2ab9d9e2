/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aliases: how many devices each alias has, in columns for people and awk. Names have no blanks:
 * alias_is_name. */
#include "plugins/standalone/formats/writer.h"
#include "probe/pool.h"

#include <stdlib.h>

int write_aliases(const struct report *report, FILE *out)
{
	struct pool *pools;
	size_t count;
	int error = pools_count(probe_config(report->probe), report->inventory, &pools, &count);

	if (error < 0)
		return error;
	if (report->headings)
		fprintf(out, "%-16s %5s %9s %4s %4s %8s %4s %7s\n", "ALIAS", "TOTAL", "AVAILABLE",
			"FREE", "HELD", "RESERVED", "HOST", "UNKNOWN");
	for (size_t i = 0; i < count; i++) {
		const size_t *states = pools[i].states;

		fprintf(out, "%-16s %5zu %9zu %4zu %4zu %8zu %4zu %7zu\n", pools[i].alias,
			pools[i].total, pools[i].available, states[OWNERSHIP_FREE],
			states[OWNERSHIP_HELD], states[OWNERSHIP_RESERVED], states[OWNERSHIP_HOST],
			states[OWNERSHIP_UNKNOWN]);
	}
	free(pools);
	return 0;
}
