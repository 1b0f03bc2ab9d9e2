/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind vfs */
#include "binder/commands/commands.h"
#include "binder/report.h"

#include <stdlib.h>

/* Returns an enum status. */
static int read_number(const struct job *job, const struct pci_device *pf, const char *text,
		       unsigned *ret)
{
	char address[ADDRESS_SIZE], *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number > UINT16_MAX) {
		log_error(job->log, "vfs: '%s' is not a number", text);
		return BIND_USAGE;
	}
	address_format(&pf->address, address);
	if (!(pf->present & HAS_VFS_TOTAL)) {
		log_error(job->log, "%s: it has no virtual functions to make", address);
		return BIND_UNAVAILABLE;
	}
	if (number > pf->sriov.vfs_total) {
		log_error(job->log, "%s: it can have no more than %u virtual functions", address,
			  pf->sriov.vfs_total);
		return BIND_USAGE;
	}
	*ret = (unsigned)number;
	return BIND_DONE;
}

static bool is_vf_of(const struct pci_device *device, const struct pci_device *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0;
}

/* All VFs go when their number changes: the kernel makes new ones from none. Whoever uses one of
 * them loses it, or makes the kernel wait for him. */
static int judge(struct job *job, const struct pci_device *pf)
{
	inventory_foreach(job->inventory, device)
		if (is_vf_of(device, pf))
			hazards_find_removal(&job->view, device, &job->findings);
	return job_judge(job, 0);
}

static int set_number(struct job *job, const struct pci_device *pf, struct changes *changes)
{
	struct change *change;
	int status = job_check_pending(job, pf);

	if (status != BIND_DONE)
		return status;
	change = changes_add(changes, pf);
	if (!change) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	change->is_vfs = true;
	status = read_number(job, pf, job->options->arguments[1], &change->vfs_wanted);
	if (status != BIND_DONE)
		return status;
	status = job_read(job, change);
	if (status != BIND_DONE)
		return status;
	if (change_is_applied(change)) {
		changes_free(changes);
		return BIND_DONE;
	}
	status = judge(job, pf);
	return status == BIND_DONE ? job_change(job, changes) : status;
}

static int make_vfs(struct job *job, struct bind_report *report)
{
	struct changes changes = {0};
	int status = job_find(job, job->options->arguments, 1);

	if (status != BIND_DONE)
		return status;
	status = set_number(job, job->targets.items[0], &changes);
	bind_report_add(report, job->targets.items[0], changes.items,
			job_outcome(job, changes.items, status, OUTCOME_SET));
	changes_free(&changes);
	return status;
}

int run_vfs(struct bind_options *options)
{
	return bind_report_run(options, true, make_vfs);
}
