/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind vfs. */
#include "binder/commands/commands.h"
#include "binder/report.h"
#include "common/textstream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define LOST_SIZE 16384

/* Returns an enum bind_status. */
static int read_number(const struct job *job, const struct pci_device *pf, const char *argument,
		       unsigned *ret)
{
	char address[ADDRESS_SIZE], *end;
	unsigned long number = strtoul(argument, &end, 10);

	if (*argument < '0' || *argument > '9' || *end || number > UINT16_MAX) {
		log_error(job->log, "vfs: '%s' is not a number", argument);
		return BIND_USAGE;
	}
	address_format(&pf->address, address);
	if (!(pf->present & HAS_VFS_TOTAL)) {
		log_error(job->log, "%s: does not support virtual functions", address);
		return BIND_UNAVAILABLE;
	}
	if (number > pf->sriov.vfs_total) {
		log_error(job->log, "%s: supports at most %u virtual functions", address,
			  pf->sriov.vfs_total);
		return BIND_USAGE;
	}
	*ret = (unsigned)number;
	return BIND_DONE;
}

/* Finds what a rollback would not restore, and saves the settings of the VFs. */
static void save_settings(struct job *job, const struct pci_device *pf, struct change *change,
			  struct hazard_findings *lost)
{
	hazards_read_vf_settings(&job->view, pf, lost, &change->settings);
	for (size_t i = 0; i < lost->count; i++) /* that they cannot be read */
		hazard_findings_add(&job->findings, HAZARD_VF_SETTINGS, pf, "%s",
				    lost->items[i].text);
	hazards_find_vf_settings(&job->view, pf, &change->settings, UINT_MAX, lost);
}

/* A change of the number removes all existing VFs: programs that use one lose it, or block the
 * kernel. */
static int check_vfs(struct job *job, const struct pci_device *pf, const struct change *change)
{
	job->view.open_disks = true;
	inventory_foreach(job->inventory, device)
		if (hazard_is_vf_of(device, pf))
			hazards_find_removal(&job->view, device, &job->findings);
	hazards_find_vf_settings(&job->view, pf, &change->settings, change->vfs_wanted,
				 &job->findings);
	return job_report_findings(job, 0);
}

/* Describes for people what a rollback does not restore, at most LOST_SIZE bytes, since the journal
 * stores it. *ret is NULL if they lose nothing. Returns 0 or -ENOMEM. */
static int describe_lost(const struct hazard_findings *findings, char **ret)
{
	char address[ADDRESS_SIZE], *text = NULL;
	FILE *out;

	*ret = NULL;
	out = findings->no_memory ? NULL : textstream_open(&text);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < findings->count; i++) {
		const struct hazard_finding *finding = &findings->items[i];

		if (finding->hazard == HAZARD_VF_SETTINGS && ftell(out) < LOST_SIZE)
			fprintf(out, "%s%s %s", ftell(out) ? "; " : "",
				address_format(&finding->address, address), finding->text);
	}
	if (ftell(out) >= LOST_SIZE)
		fputs("; ...", out);
	if (!textstream_close(out, &text))
		return -ENOMEM;
	if (*text)
		*ret = text;
	else
		free(text);
	return 0;
}

/* For the report: what is set again, if it differs from the defaults. STATUS and the result are an
 * enum bind_status. */
static int plan_settings(struct job *job, const struct change *change, int status)
{
	struct vf_list defaults = {0};
	int error = vf_list_copy(&defaults, &change->settings);

	vf_list_set_defaults(&defaults);
	if (!error)
		error = plan_add_settings(&job->plan, &defaults, &change->settings,
					  change->vfs_wanted);
	vf_list_free(&defaults);
	if (!error)
		return status;
	log_error(job->log, "out of memory");
	return bind_status_worse(status, BIND_FAILED);
}

static int set_number(struct job *job, const struct pci_device *pf, struct changes *changes)
{
	struct hazard_findings lost = {0};
	struct change *change;
	int status = job_check_pending(job, pf), error;

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
	save_settings(job, pf, change, &lost);
	status = check_vfs(job, pf, change);
	error = describe_lost(&lost, &change->vfs_lost);
	hazard_findings_free(&lost);
	if (error < 0) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	if (status != BIND_DONE)
		return status;
	status = job_change(job, changes);
	return plan_settings(job, &changes->items[0], status);
}

static int vfs(struct job *job, struct bind_report *report)
{
	struct changes changes = {0};
	int status = job_add_targets(job, job->options->arguments, 1);

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
	return bind_report_run(options, true, vfs);
}
