/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe verify: the systems whose configuration or records are compared with this host. */
#include "common/grid.h"
#include "plugins/standalone/commands/verify-nova.h"
#include "plugins/standalone/commands/verify-records.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/nearest.h"

#include <string.h>

/* The options of 'verify nova'. */
#define NOVA_OPTIONS "ES"
#define NOVA_HELP "a nova.conf: show which devices of this host each of its lines matches"

static int add_system(struct grid *grid, const char *name, const char *files, const char *help)
{
	char usage[40];

	snprintf(usage, sizeof(usage), "%s %s", name, files);
	return grid_add_texts(grid, usage, help, NULL);
}

static int list_systems(const struct log *log)
{
	struct grid grid = {.log = log};
	int error = add_system(&grid, "nova", "FILE", NOVA_HELP);

	for (size_t i = 0; i < FRONTEND_COUNT && !error; i++)
		error = add_system(&grid, FRONTENDS[i].name, FRONTENDS[i].files, FRONTENDS[i].help);
	return grid_write_list(&grid, error, stdout) < 0 ? STATUS_FAILED : STATUS_OK;
}

/* Returns -1 to continue, else an exit status. */
static int check_usage(const struct options *options, const char *system, const char *files,
		       size_t max_files, bool can_omit, const char *accepted)
{
	size_t count = (size_t)options->argument_count - 1;
	const char *rejected = commandline_rejected(OPTION_ROWS, options->used, COMMON_OPTIONS,
						    accepted);

	if (rejected)
		log_error(&options->log, "'verify %s' does not accept --%s", system, rejected);
	else if ((!count && !can_omit) || (max_files && count > max_files))
		log_error(&options->log, "verify: usage: verify %s %s", system, files);
	else if (options->config_is_stdin && count && strcmp(options->arguments[1], "-") == 0)
		log_error(&options->log, "verify: standard input cannot be both pci.conf and %s",
			  files);
	else if (options->format_given && strcmp(options->writer->name, "json") != 0)
		log_error(&options->log, "verify: the only other format is json");
	else
		return -1;
	return STATUS_USAGE;
}

static int unknown_system(const struct options *options, const char *name)
{
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE];

	nearest_try(&nearest, "nova");
	for (size_t i = 0; i < FRONTEND_COUNT; i++)
		nearest_try(&nearest, FRONTENDS[i].name);
	log_error(&options->log, "verify: unknown system '%s'%s; 'pciprobe verify help' lists them",
		  name, nearest_hint(&nearest, hint));
	return STATUS_USAGE;
}

int run_verify(struct options *options)
{
	const char *system = options->arguments[0];
	const struct frontend *frontend = system ? frontend_by_name(system) : NULL;
	char **files = options->arguments + 1;
	int status;

	if (!system) {
		log_error(
			&options->log,
			"verify: usage: verify SYSTEM [FILE...]; 'pciprobe verify help' lists the systems");
		return STATUS_USAGE;
	}
	if (strcmp(system, "help") == 0 && options->argument_count == 1)
		return list_systems(&options->log);
	if (strcmp(system, "nova") == 0) {
		status = check_usage(options, system, "FILE", 1, false, NOVA_OPTIONS);
		return status < 0 ? verify_nova_conf(options, *files) : status;
	}
	if (!frontend)
		return unknown_system(options, system);
	status = check_usage(options, system, frontend->files, frontend->max_files,
			     frontend->has_own_files, frontend->options);
	return status < 0 ? verify_records(options, frontend, files,
					   (size_t)options->argument_count - 1)
			  : status;
}
