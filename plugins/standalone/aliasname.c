/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/aliasname.h"

#include "common/textstream.h"

#include <stdlib.h>
#include <string.h>

static bool has_alias(const struct config *config, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(config->aliases[i].name, name) == 0)
			return true;
	return false;
}

/* Returns the comma-separated names of the defined aliases, or NULL. The caller frees it. */
static char *join_alias_names(const struct config *config)
{
	char *names = NULL;
	FILE *out = textstream_open(&names);

	if (!out)
		return NULL;
	for (size_t i = 0; i < config->alias_count; i++)
		if (!has_alias(config, i, config->aliases[i].name))
			fprintf(out, "%s%s", i ? ", " : "", config->aliases[i].name);
	return textstream_close(out, &names);
}

bool aliasname_check(const char *name, const struct config *config, const struct log *log)
{
	char *defined;

	if (has_alias(config, config->alias_count, name))
		return true;
	defined = join_alias_names(config);
	log_error(log, "no alias '%s' in %s (%s%s)", name, config->path ? config->path : "pci.conf",
		  config->alias_count ? "defined: " : "none defined", defined ? defined : "");
	free(defined);
	return false;
}
