/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind config: prints a configuration file for devices. */
#include "binder/commands/commands.h"
#include "binder/devices/group.h"
#include "binder/devices/target.h"
#include "binder/hostfiles/hostfiles.h"
#include "common/grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DETAILS \
	(TARGET_DETAILS | DETAIL_NAMES | DETAIL_IOMMU_GROUP | DETAIL_MODALIAS | DETAIL_GROUP_PEERS)

/* The arguments after the kind are devices. */
static int find_targets(const struct bind_options *options, struct inventory *inventory,
			struct targets *targets)
{
	char address[ADDRESS_SIZE];
	int error = 0;

	for (char **argument = options->arguments + 1; *argument && !error; argument++) {
		if (target_is_alias(*argument) && bind_options_read_aliases(options, inventory) < 0)
			return BIND_FAILED;
		error = targets_add(targets, inventory, *argument, options->all, &options->log);
	}
	for (size_t i = 0; i < targets->count && !error; i++)
		if (device_is_bridge(targets->items[i])) {
			log_error(&options->log, "%s: bridges cannot be assigned to VMs",
				  address_format(&targets->items[i]->address, address));
			return BIND_REFUSED;
		}
	return bind_status_of_target(error);
}

static int choose_drivers(const struct bind_options *options, const struct targets *targets,
			  struct hostfile_job *job)
{
	job->targets = calloc(targets->count, sizeof(*job->targets));
	if (!job->targets) {
		log_error(&options->log, "out of memory");
		return BIND_FAILED;
	}
	for (; job->target_count < targets->count; job->target_count++) {
		struct hostfile_target *target = &job->targets[job->target_count];

		target->device = targets->items[job->target_count];
		if (driver_choose(job->root, job->log, target->device, options->driver,
				  &target->choice) < 0)
			return BIND_USAGE;
	}
	return BIND_DONE;
}

static int write_file(const struct bind_options *options, const struct hostfile *file,
		      struct hostfile_job *job)
{
	struct kernelinfo kernel;
	struct iommu iommu;
	int status = BIND_FAILED;

	if (kernelinfo_read(job->root, &kernel) < 0) {
		log_error(&options->log, "out of memory");
		return BIND_FAILED;
	}
	if (iommu_read(job->root, &iommu) < 0) {
		log_error(&options->log, "out of memory");
	} else {
		job->kernel = &kernel;
		job->iommu = &iommu;
		status = hostfile_write(file, job, stdout);
		iommu_free(&iommu);
	}
	kernelinfo_free(&kernel);
	return status;
}

static int list_files(void)
{
	struct grid grid = {0};
	int error = 0;

	for (size_t i = 0; i < HOSTFILE_COUNT && error == 0; i++) {
		error = grid_add_texts(&grid, HOSTFILES[i].name, HOSTFILES[i].help, NULL);
		if (error == 0)
			error = grid_add_texts(&grid, "", HOSTFILES[i].path, NULL);
	}
	grid_write_list(&grid, error, stdout);
	return BIND_DONE;
}

int run_config(struct bind_options *options)
{
	const struct hostfile *file = hostfile_find(options->arguments[0]);
	struct hostfile_job job = {.log = &options->log};
	struct inventory *inventory = NULL;
	struct targets targets = {0};
	struct probe *probe = NULL;
	int status = BIND_FAILED;

	if (strcmp(options->arguments[0], "help") == 0)
		return list_files();
	if (!file || options->argument_count < 2) {
		log_error(&options->log,
			  file ? "config %s: no devices specified"
			       : "unknown file kind '%s'; 'vfio-bind config help' lists them",
			  options->arguments[0]);
		return BIND_USAGE;
	}
	if (bind_options_probe(options, DETAILS, &probe) == 0 &&
	    probe_read(probe, &inventory) == 0) {
		job.root = probe_sysroot(probe);
		job.inventory = inventory;
		status = find_targets(options, inventory, &targets);
		if (status == BIND_DONE)
			status = choose_drivers(options, &targets, &job);
		if (status == BIND_DONE)
			status = write_file(options, file, &job);
	}
	free(job.targets);
	targets_free(&targets);
	inventory_free(inventory);
	probe_free(probe);
	return status;
}
