/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind DEV... and vfio-bind apply: bind each IOMMU group independently, so that a failure does
 * not affect the others. */
#include "binder/commands/bind.h"
#include "binder/commands/commands.h"
#include "binder/devices/boot-devices.h"

static bool same_group(const struct pci_device *a, const struct pci_device *b)
{
	return a == b || ((a->present & HAS_IOMMU_GROUP) && (b->present & HAS_IOMMU_GROUP) &&
			  a->iommu_group == b->iommu_group);
}

/* Adds the target at index FIRST and the later ones of the same group. */
static int add_group_members(const struct job *job, size_t first, struct targets *ret)
{
	int error = 0;

	for (size_t i = first; i < job->targets.count && !error; i++)
		if (same_group(job->targets.items[first], job->targets.items[i]))
			error = targets_add_device(ret, job->targets.items[i]);
	return error;
}

static bool is_first_of_group(const struct job *job, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_group(job->targets.items[i], job->targets.items[index]))
			return false;
	return true;
}

static int bind_groups(struct job *job, struct bind_report *report)
{
	int status = BIND_DONE;

	for (size_t i = 0; i < job->targets.count; i++) {
		struct targets group = {0};

		if (!is_first_of_group(job, i))
			continue;
		if (add_group_members(job, i, &group) < 0) {
			log_error(job->log, "out of memory");
			status = bind_status_worse(status, BIND_FAILED);
		} else {
			status = bind_status_worse(status, bind_targets(job, &group, report));
		}
		targets_free(&group);
	}
	return status;
}

static int bind_each(struct job *job, struct bind_report *report)
{
	const struct bind_options *options = job->options;
	int status = BIND_DONE;

	for (int i = 0; i < options->argument_count; i++)
		status = bind_status_worse(status, job_add_target(job, options->arguments[i]));
	status = bind_status_worse(status, job_complete_groups(job));
	return bind_status_worse(status, bind_groups(job, report));
}

int run_bind_each(struct bind_options *options)
{
	return bind_report_run(options, true, bind_each);
}

int run_apply(struct bind_options *options)
{
	struct strings arguments = {0};
	int status = boot_devices_read(options->sysroot ? options->sysroot : "/", &options->log,
				       &arguments);

	options->arguments = arguments.items;
	options->argument_count = (int)arguments.count;
	if (status == BIND_DONE)
		status = bind_report_run(options, true, bind_each);
	strings_free(&arguments);
	return status;
}
