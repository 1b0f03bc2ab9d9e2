/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/release.h"

#include <string.h>

#define KNOWS_2022_2 NOVA_DEVICE_SPEC
#define KNOWS_2023_1 (KNOWS_2022_2 | NOVA_PLACEMENT_ALIAS)
#define KNOWS_2025_1 (KNOWS_2023_1 | NOVA_MIGRATABLE | NOVA_ALIAS_CHECKS)
#define KNOWS_2025_2 (KNOWS_2025_1 | NOVA_ONE_TIME_USE)
#define KNOWS_2026_2 (KNOWS_2025_2 | NOVA_MIGRATABLE_TRAIT)

/* Compared with Nova's code by tests/conformance/test-nova-releases.py. */
const struct nova_release NOVA_RELEASES[] = {
	{"2022.1", "25", 0},
	{"2022.2", "26", KNOWS_2022_2},
	{"2023.1", "27", KNOWS_2023_1},
	{"2023.2", "28", KNOWS_2023_1},
	{"2024.1", "29", KNOWS_2023_1},
	{"2024.2", "30", KNOWS_2023_1},
	{"2025.1", "31", KNOWS_2025_1},
	{"2025.2", "32", KNOWS_2025_2},
	{"2026.1", "33", KNOWS_2025_2},
	{"2026.2", "34", KNOWS_2026_2},
};
const size_t NOVA_RELEASE_COUNT = sizeof(NOVA_RELEASES) / sizeof(*NOVA_RELEASES);

const struct nova_release *nova_release_newest(void)
{
	return &NOVA_RELEASES[NOVA_RELEASE_COUNT - 1];
}

const struct nova_release *nova_release_find(const char *name, const struct log *log)
{
	for (size_t i = 0; i < NOVA_RELEASE_COUNT; i++)
		if (strcmp(NOVA_RELEASES[i].name, name) == 0 ||
		    strcmp(NOVA_RELEASES[i].version, name) == 0)
			return &NOVA_RELEASES[i];
	log_error(log, "unknown release '%s' of Nova; '--release help' lists the releases", name);
	return NULL;
}

const struct nova_release *nova_release_first_like(const struct nova_release *release)
{
	while (release > NOVA_RELEASES && release[-1].knows == release->knows)
		release--;
	return release;
}

const struct nova_release *nova_release_last_like(const struct nova_release *release)
{
	while (release < nova_release_newest() && release[1].knows == release->knows)
		release++;
	return release;
}

const struct nova_release *nova_release_since(enum nova_feature feature)
{
	const struct nova_release *release = NOVA_RELEASES;

	while (release < nova_release_newest() && !(release->knows & feature))
		release++;
	return release;
}
