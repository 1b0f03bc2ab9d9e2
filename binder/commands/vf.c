/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind vf. */
#include "binder/commands/commands.h"
#include "binder/engine/vfsettings.h"
#include "binder/report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Returns an enum bind_status. */
static int find_vf(const struct job *job, const struct pci_device *pf, const char *argument,
		   const struct pci_device **ret)
{
	unsigned enabled = pf->present & HAS_VFS_ENABLED ? pf->sriov.vfs_enabled : 0;
	char address[ADDRESS_SIZE], *end;
	unsigned long index = strtoul(argument, &end, 10);

	if (*argument < '0' || *argument > '9' || *end) {
		log_error(job->log, "vf: '%s' is not the number of a virtual function", argument);
		return BIND_USAGE;
	}
	address_format(&pf->address, address);
	inventory_foreach(job->inventory, device)
		if (hazard_is_vf_of(device, pf) && (device->present & HAS_VF_INDEX) &&
		    device->sriov.vf_index == index) {
			*ret = device;
			return BIND_DONE;
		}
	log_error(job->log, "%s: no virtual function %s; %u are enabled, numbered from 0", address,
		  argument, enabled);
	return BIND_NO_DEVICE;
}

static int check_vf(struct job *job, const struct pci_device *pf, const struct pci_device *vf)
{
	int status = job_check_pending(job, pf);

	if (status == BIND_DONE)
		status = job_check_pending(job, vf);
	if (status != BIND_DONE)
		return status;
	job->view.open_disks = true;
	hazards_find_reset(&job->view, vf, &job->findings);
	return job_report_findings(job, 0);
}

static void log_no_interface(const struct job *job, const struct pci_device *pf)
{
	char address[ADDRESS_SIZE];

	log_error(
		job->log,
		"%s: no network interface is visible, so its virtual functions cannot be reset; its driver is %s; if the interface is in another network namespace, move it back first",
		address_format(&pf->address, address), pf->driver ? pf->driver : "none");
}

/* Reads the settings of one VF into *RET, which the caller frees. */
static int read_settings(const struct job *job, const struct pci_device *pf, unsigned index,
			 struct vf_list *ret)
{
	char address[ADDRESS_SIZE], failed[IFNAMSIZ] = "";
	struct vf_list all = {0};
	int error = job->view.netlink
			    ? vf_list_read(job->view.netlink, job->root, &pf->address, failed, &all)
			    : -ENODEV;

	if (error == -ENODEV && !*failed) {
		log_no_interface(job, pf);
		return BIND_UNAVAILABLE;
	}
	for (size_t i = 0; i < all.count && !error; i++)
		if (all.items[i].vf.index == index)
			error = vf_list_add(ret, &all.items[i]);
	vf_list_free(&all);
	address_format(&pf->address, address);
	if (error < 0) {
		log_error(job->log, "%s: settings of its virtual functions%s%s: %s", address,
			  *failed ? " through " : "", failed, strerror(-error));
		return bind_status_of_errno(error);
	}
	if (ret->count)
		return BIND_DONE;
	log_error(job->log, "%s: its driver %s does not report settings of virtual function %u",
		  address, pf->driver ? pf->driver : "", index);
	return BIND_UNAVAILABLE;
}

static int apply(struct job *job, const struct pci_device *pf, const struct vf_list *wanted,
		 enum outcome *ret)
{
	struct vf_outcome outcome;
	int error = vf_list_apply(job->kernel, &pf->address, wanted, UINT_MAX, &outcome);

	*ret = OUTCOME_RESET_PARTLY; /* unknown how far */
	if (error == -ENOMEM)
		log_error(job->log, "out of memory");
	if (error < 0)
		return bind_status_of_errno(error);
	if (!outcome.failed) {
		*ret = OUTCOME_RESET;
		return BIND_DONE;
	}
	if (outcome.set)
		return BIND_INCOMPLETE;
	*ret = OUTCOME_UNCHANGED;
	return outcome.error ? bind_status_of_errno(outcome.error) : BIND_FAILED;
}

static int reset(struct job *job, const struct pci_device *pf, const struct vf_list *now,
		 enum outcome *ret)
{
	struct vf_list wanted = {0};
	int error = vf_list_copy(&wanted, now), status = BIND_DONE;

	vf_list_set_defaults(&wanted);
	if (!error)
		error = plan_add_settings(&job->plan, now, &wanted, UINT_MAX);
	if (error < 0) {
		log_error(job->log, "out of memory");
		status = BIND_FAILED;
	} else if (!job->plan.count) {
		*ret = OUTCOME_DEFAULT;
	} else if (job->options->dry_run) {
		*ret = OUTCOME_TO_RESET;
	} else {
		status = apply(job, pf, &wanted, ret);
	}
	vf_list_free(&wanted);
	return status;
}

static int reset_vf(struct job *job, const struct pci_device *pf, const struct pci_device *vf,
		    enum outcome *ret)
{
	struct vf_list now = {0};
	int status = check_vf(job, pf, vf);

	if (status == BIND_DONE)
		status = read_settings(job, pf, vf->sriov.vf_index, &now);
	if (status == BIND_DONE)
		status = reset(job, pf, &now, ret);
	vf_list_free(&now);
	return status;
}

static int vf(struct job *job, struct bind_report *report)
{
	const struct pci_device *pf, *device;
	enum outcome outcome = OUTCOME_UNCHANGED;
	int status = job_add_targets(job, job->options->arguments, 1);

	if (status != BIND_DONE)
		return status;
	pf = job->targets.items[0];
	status = find_vf(job, pf, job->options->arguments[1], &device);
	if (status != BIND_DONE)
		return status;
	status = reset_vf(job, pf, device, &outcome);
	bind_report_add(report, device, NULL, outcome);
	return status;
}

int run_vf(struct bind_options *options)
{
	if (!options->reset) {
		log_error(&options->log, "vf: nothing to do; use --reset");
		return BIND_USAGE;
	}
	return bind_report_run(options, true, vf);
}
