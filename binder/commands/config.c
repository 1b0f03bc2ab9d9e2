/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind config: prints a configuration file for devices. */
#include "binder/commands/bind.h"
#include "binder/commands/commands.h"
#include "binder/hostfiles/hostfiles.h"
#include "common/grid.h"
#include "common/textstream.h"

#include <stdlib.h>
#include <string.h>

/* The arguments after the kind are devices. */
static int find_targets(struct job *job)
{
	const struct bind_options *options = job->options;
	char address[ADDRESS_SIZE];
	int status = job_add_targets(job, options->arguments + 1, options->argument_count - 1);

	for (size_t i = 0; i < job->targets.count && status == BIND_DONE; i++)
		if (device_is_bridge(job->targets.items[i])) {
			log_error(job->log, "%s: bridges cannot be assigned to VMs",
				  address_format(&job->targets.items[i]->address, address));
			status = BIND_REFUSED;
		}
	return status;
}

static int choose_drivers(struct job *job, struct hostfile_job *file_job)
{
	file_job->targets = calloc(job->targets.count, sizeof(*file_job->targets));
	if (!file_job->targets) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	for (; file_job->target_count < job->targets.count; file_job->target_count++) {
		struct hostfile_target *target = &file_job->targets[file_job->target_count];

		target->device = job->targets.items[file_job->target_count];
		if (driver_choose(job->root, job->log, target->device, job->options->driver,
				  &target->choice) < 0)
			return BIND_USAGE;
	}
	return BIND_DONE;
}

/* Checks what a bind would check. The file is printed in any case, with the findings in it. */
static int check_targets(struct job *job, const struct hostfile *file,
			 const struct hostfile_job *file_job)
{
	int status;

	job->view.open_disks = true;
	for (size_t i = 0; i < file_job->target_count; i++)
		bind_check_device(job, file_job->targets[i].device, &file_job->targets[i].choice);
	status = job_report_findings(job, 0);
	if (status != BIND_DONE && !job->findings.no_memory)
		log_error(
			job->log,
			"config %s: the file is printed nevertheless, with this as comments; do not install it as it is",
			file->name);
	return status;
}

/* A file that is not complete is not printed. */
static int write_complete(struct job *job, const struct hostfile *file,
			  const struct hostfile_job *file_job)
{
	char *text;
	FILE *out = textstream_open(&text);
	int status = out ? hostfile_write(file, file_job, out) : BIND_FAILED;

	if (!out || !textstream_close(out, &text)) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	if (status != BIND_FAILED)
		fputs(text, stdout);
	free(text);
	return status;
}

static int write_file(struct job *job, const struct hostfile *file, struct hostfile_job *file_job)
{
	struct kernelinfo kernel;
	struct iommu iommu;
	int status = BIND_FAILED;

	if (kernelinfo_read(job->root, &kernel) < 0) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	if (iommu_read(job->root, &iommu) < 0) {
		log_error(job->log, "out of memory");
	} else {
		file_job->kernel = &kernel;
		file_job->iommu = &iommu;
		status = write_complete(job, file, file_job);
		iommu_free(&iommu);
	}
	kernelinfo_free(&kernel);
	return status;
}

static int print_file(struct job *job, const struct hostfile *file)
{
	struct hostfile_job file_job = {
		.root = job->root,
		.log = job->log,
		.inventory = job->inventory,
		.findings = &job->findings,
		.allowed = job->options->allowed,
	};
	int status = find_targets(job), checks = BIND_DONE;

	if (status == BIND_DONE)
		status = choose_drivers(job, &file_job);
	if (status == BIND_DONE && file->binds)
		checks = check_targets(job, file, &file_job);
	if (status == BIND_DONE && !job->findings.no_memory)
		status = write_file(job, file, &file_job);
	free(file_job.targets);
	return bind_status_worse(status, checks);
}

static int list_files(const struct log *log)
{
	struct grid grid = {.log = log};
	int error = 0;

	for (size_t i = 0; i < HOSTFILE_COUNT && error == 0; i++) {
		error = grid_add_texts(&grid, HOSTFILES[i].name, HOSTFILES[i].help, NULL);
		if (error == 0)
			error = grid_add_texts(&grid, "", HOSTFILES[i].path, NULL);
	}
	return grid_write_list(&grid, error, stdout) < 0 ? BIND_FAILED : BIND_DONE;
}

int run_config(struct bind_options *options)
{
	const struct hostfile *file = hostfile_find(options->arguments[0]);
	struct job job;
	int status;

	if (strcmp(options->arguments[0], "help") == 0)
		return list_files(&options->log);
	if (!file || options->argument_count < 2) {
		log_error(&options->log,
			  file ? "config %s: no devices specified"
			       : "unknown file kind '%s'; 'vfio-bind config help' lists them",
			  options->arguments[0]);
		return BIND_USAGE;
	}
	status = job_begin(&job, options, false);
	if (status == BIND_DONE)
		status = print_file(&job, file);
	job_end(&job);
	return status;
}
