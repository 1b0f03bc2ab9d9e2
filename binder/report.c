/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/report.h"

#include "binder/engine/devicenodes.h"
#include "binder/hostfiles/persist.h"
#include "binder/reportjson.h"
#include "binder/status.h"
#include "common/grid.h"
#include "common/program.h"
#include "common/text.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy(struct bind_report *report, const char *name)
{
	char *result = name ? strdup(name) : NULL;

	report->no_memory |= name && !result;
	return result;
}

static const char *wanted_driver(const struct change *change)
{
	if (change->is_vfs)
		return NULL;
	if (change->wanted.autoprobe)
		return "its default driver";
	return change->wanted.driver ? change->wanted.driver : "no driver";
}

void bind_report_add(struct bind_report *report, const struct pci_device *device,
		     const struct change *change, enum outcome outcome)
{
	struct result *grown = realloc(report->items, (report->count + 1) * sizeof(*grown));
	const struct change *read = change && change->is_read ? change : NULL;
	const struct change *recorded = journal_find(&report->job->journal.changes,
						     &device->address, false);

	if (!grown) {
		report->no_memory = true;
		return;
	}
	report->items = grown;
	if (recorded && recorded->inode != device->inode)
		recorded = NULL;
	/* another program has changed the device: its former driver is not restored */
	if (recorded && read && !read->is_vfs && !change_is_intact(recorded, &read->now))
		recorded = NULL;
	grown[report->count++] = (struct result){
		.device = device,
		.outcome = outcome,
		.driver = copy(report, read ? read->now.driver : device->driver),
		.override = copy(report, read ? read->now.override : NULL),
		.override_known = read != NULL && !read->is_vfs,
		.before = copy(report, outcome && change ? change->before.driver
				       : recorded	 ? recorded->origin.driver
							 : NULL),
		.wanted = copy(report, change ? wanted_driver(change) : NULL),
		.in_journal = recorded != NULL,
		.state = recorded ? recorded->state : CHANGE_BOUND,
	};
}

void bind_report_free(struct bind_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->items[i].driver);
		free(report->items[i].before);
		free(report->items[i].wanted);
		free(report->items[i].override);
	}
	free(report->items);
	strings_free(&report->files_written);
	strings_free(&report->files_removed);
}

/* ---- results ---- */

static const struct {
	const char *name, *prefix, *suffix; /* the current driver is between prefix and suffix */
} OUTCOMES[] = {
	[OUTCOME_NONE] = {"unknown", "unknown (now ", ")"},
	[OUTCOME_ALREADY] = {"already", "already bound to ", ""},
	[OUTCOME_PLANNED] = {"planned", "number of virtual functions would be changed (", ")"},
	[OUTCOME_BOUND] = {"bound", "bound to ", ""},
	[OUTCOME_RELEASED] = {"released", "returned to ", ""},
	[OUTCOME_SET] = {"set", "number of virtual functions changed (", ")"},
	[OUTCOME_SET_PARTLY] =
		{"incomplete",
		 "number of virtual functions changed, but not all settings restored (", ")"},
	[OUTCOME_DEFAULT] = {"already", "already at its defaults (", ")"},
	[OUTCOME_TO_RESET] = {"planned", "would be returned to its defaults (", ")"},
	[OUTCOME_RESET] = {"reset", "returned to its defaults (", ")"},
	[OUTCOME_RESET_PARTLY] = {"incomplete", "not completely returned to its defaults (", ")"},
	[OUTCOME_POSSIBLE] = {"possible", "could be bound (now ", ")"},
	[OUTCOME_REFUSED] = {"refused", "cannot be bound (now ", ")"},
	[OUTCOME_UNCHANGED] = {"unchanged", "unchanged (", ")"},
	[OUTCOME_INCOMPLETE] = {"incomplete", "rolled back, but not completely restored (", ")"},
	[OUTCOME_UNFINISHED] = {"unfinished", "UNFINISHED (now ", ")"},
	[OUTCOME_COMPLETED] = {"completed", "completed (now ", ")"},
	[OUTCOME_ROLLED_BACK] = {"rolled-back", "rolled back (now ", ")"},
	[OUTCOME_REMOVED] = {"removed", "removed", ""},
};

const char *outcome_name(enum outcome outcome)
{
	return OUTCOMES[outcome].name;
}

static void print_result(const struct result *result)
{
	char address[ADDRESS_SIZE];

	printf("%s: ", address_format(&result->device->address, address));
	if (result->outcome == OUTCOME_REMOVED) {
		puts(OUTCOMES[result->outcome].prefix);
		return;
	}
	if (result->outcome == OUTCOME_PLANNED && result->wanted) {
		fputs("would be bound to ", stdout);
		text_write_plain(stdout, result->wanted);
		fputs(" (now ", stdout);
	} else {
		fputs(OUTCOMES[result->outcome].prefix, stdout);
	}
	text_write_plain(stdout, result->driver ? result->driver : "no driver");
	fputs(OUTCOMES[result->outcome].suffix, stdout);
	if (result->before &&
	    (result->outcome == OUTCOME_BOUND || result->outcome == OUTCOME_RELEASED)) {
		fputs(" (was ", stdout);
		text_write_plain(stdout, result->before);
		putchar(')');
	}
	putchar('\n');
}

static void print_files(const char *before, const struct strings *files, const char *after)
{
	for (size_t i = 0; i < files->count; i++)
		printf("%s%s%s\n", before, files->items[i], after);
}

static void print_results(const struct bind_report *report, int status)
{
	if (status == BIND_USAGE) /* nothing was attempted */
		return;
	for (size_t i = 0; report->job->options->dry_run && i < report->job->plan.count; i++)
		step_print(stdout, sysroot_path(report->job->root), &report->job->plan.steps[i]);
	if (report->job->options->dry_run) {
		print_files("write the file ", &report->files_written, "");
		print_files("remove the file ", &report->files_removed, "");
	}
	if (report->job->options->quiet)
		return;
	for (size_t i = 0; i < report->count; i++)
		print_result(&report->items[i]);
	if (report->job->options->dry_run)
		return;
	print_files("", &report->files_written, ": written");
	print_files("", &report->files_removed, ": removed");
	if (report->initramfs_command)
		printf("The initramfs must be regenerated: %s\n", report->initramfs_command);
}

/* ERROR is that of the report. */
static int report_status(const struct bind_report *report, int status, int error)
{
	if (!error)
		return status;
	log_error(report->job->log, "%s; the report is not complete",
		  error == -ENOMEM ? "out of memory" : strerror(-error));
	return status == BIND_DONE ? BIND_FAILED : status;
}

int bind_report_print(const struct bind_report *report, int status)
{
	int error = report->no_memory ? -ENOMEM : 0;

	if (report->job->options->json)
		error = reportjson_print(report, status);
	else if (!error)
		print_results(report, status);
	return report_status(report, status, error);
}

int bind_report_run(struct bind_options *options, bool changes,
		    int (*work)(struct job *job, struct bind_report *report))
{
	struct job job;
	struct bind_report report = {.job = &job};
	int status = job_begin(&job, options, changes);

	if (status == BIND_DONE)
		status = work(&job, &report);
	if (job.inventory)
		status = bind_report_print(&report, status);
	bind_report_free(&report);
	job_end(&job);
	return status;
}

/* ---- status ---- */

static const char *persistent_text(int persistent)
{
	return persistent < 0 ? "?" : persistent ? "yes" : "";
}

static int add_row(const struct bind_report *report, struct grid *grid, const struct result *result)
{
	const struct pci_device *device = result->device;
	char address[ADDRESS_SIZE], id[16], group[16] = "";
	int persistent = persist_is_set(report->job->root, device);

	address_format(&device->address, address);
	snprintf(id, sizeof(id), "%04x:%04x", device->vendor, device->device);
	if (device->present & HAS_IOMMU_GROUP)
		snprintf(group, sizeof(group), "%u", device->iommu_group);
	return grid_add_texts(grid, address, id, result->driver ? result->driver : "",
			      result->before		    ? result->before
			      : report->job->journal_status ? "?"
							    : "",
			      group, ownership_name(device->ownership), persistent_text(persistent),
			      device->device_name ? device->device_name : "", NULL);
}

static int print_table(const struct bind_report *report)
{
	static const struct {
		const char *heading;
		bool right, flexible, keep_empty;
		unsigned rank;
	} columns[] = {
		{"ADDRESS", .keep_empty = true},
		{"ID", .rank = 1},
		{"DRIVER", .keep_empty = true},
		{"FORMER", .keep_empty = true, .rank = 3},
		{"GROUP", .right = true, .keep_empty = true},
		{"STATE", .keep_empty = true},
		{"PERSISTENT", .rank = 4},
		{"NAME", .flexible = true, .rank = 2},
	};
	_cleanup_grid_ struct grid grid = {.log = report->job->log};
	int error = 0;

	setlocale(LC_CTYPE, ""); /* for the width of characters */
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		struct grid_column *column = grid_add_column(&grid, columns[i].heading);

		if (!column)
			return -ENOMEM;
		column->right = columns[i].right;
		column->flexible = columns[i].flexible;
		column->keep_empty = columns[i].keep_empty;
		column->rank = columns[i].rank;
	}
	for (size_t i = 0; i < report->count && error == 0; i++)
		error = add_row(report, &grid, &report->items[i]);
	if (error == 0)
		error = grid_fit(&grid, program_terminal_width());
	return error ? error : grid_write(&grid, GRID_HEADINGS, stdout);
}

static void print_field(const char *name, const char *value)
{
	printf("  %-10s ", name);
	text_write_plain(stdout, value);
	putchar('\n');
}

static void print_list(const char *name, const struct strings *list)
{
	if (!list->count)
		return;
	printf("  %-10s", name);
	for (size_t i = 0; i < list->count; i++) {
		putchar(' ');
		text_write_plain(stdout, list->items[i]);
	}
	putchar('\n');
}

static void print_binding(const struct bind_report *report, const struct result *result)
{
	static const char *const states[] = {
		[CHANGE_BOUND] = "bound by vfio-bind",
		[CHANGE_APPLYING] = "interrupted; run 'vfio-bind recover'",
		[CHANGE_ROLLING_BACK] = "not completely rolled back; run 'vfio-bind recover'",
	};

	char path[PERSIST_PATH_SIZE];
	int persistent;

	print_field("driver", result->driver ? result->driver : "-");
	if (result->override)
		print_field("override", result->override);
	else if (!result->override_known)
		print_field("override", "unknown (could not be read)");
	if (report->job->journal_status != BIND_DONE)
		print_field("journal", "unreadable; the former driver is unknown");
	if (result->in_journal)
		print_field("journal", report->job->kernel->is_busy(report->job->kernel,
								    &result->device->address)
					       ? "the kernel has not finished"
					       : states[result->state]);
	if (result->before)
		print_field("before", result->before);
	persistent = persist_is_set(report->job->root, result->device);
	if (persistent)
		print_field("persistent",
			    persistent < 0 ? strerror(-persistent)
					   : persist_rules_path(&result->device->address, path));
}

static void print_owners(const struct pci_device *device)
{
	print_field("ownership", ownership_name(device->ownership));
	for (size_t i = 0; i < device->owner_count; i++) {
		const struct owner *owner = &device->owners[i];

		printf("  %-10s process %d ", "held by", owner->pid);
		text_write_plain(stdout, owner->program ? owner->program : "?");
		putchar(' ');
		text_write_plain(stdout, owner->name ? owner->name : "");
		putchar('\n');
	}
}

/* Returns 0 or -ENOMEM. */
static int print_device(const struct bind_report *report, const struct result *result)
{
	const struct pci_device *device = result->device;
	struct strings nodes = {0};
	char address[ADDRESS_SIZE], group[16];
	int error;

	printf("%s  %04x:%04x ", address_format(&device->address, address), device->vendor,
	       device->device);
	text_write_plain(stdout, device->device_name ? device->device_name : "");
	putchar('\n');
	if (device->path)
		print_field("path", device->path);
	print_binding(report, result);
	snprintf(group, sizeof(group), "%u", device->iommu_group);
	print_field("group", device->present & HAS_IOMMU_GROUP ? group : "-");
	print_list("peers", &device->group_peers);
	print_owners(device);
	error = bind_report_nodes(report, device, &nodes);
	if (!error)
		print_list("nodes", &nodes);
	strings_free(&nodes);
	print_list("reset", &device->reset_methods);
	for (size_t i = 0; i < report->job->findings.count; i++) {
		const struct hazard_finding *finding = &report->job->findings.items[i];

		if (address_compare(&finding->address, &device->address) != 0)
			continue;
		printf("  %-10s %s: ", "hazard", HAZARDS[finding->hazard].name);
		text_write_plain(stdout, finding->text);
		putchar('\n');
	}
	return error;
}

int bind_report_print_status(const struct bind_report *report, bool long_form, int status)
{
	int error = report->no_memory ? -ENOMEM : 0;

	if (report->job->options->json)
		return report_status(report, status, reportjson_print(report, status));
	for (size_t i = 0; long_form && i < report->count && !error; i++)
		error = print_device(report, &report->items[i]);
	if (!long_form && report->count && !error)
		error = print_table(report);
	return report_status(report, status, error == -EIO ? 0 : error);
}

int bind_report_nodes(const struct bind_report *report, const struct pci_device *device,
		      struct strings *ret)
{
	struct strings nodes = {0};
	char group[16], path[320];
	int error;

	snprintf(group, sizeof(group), "%u", device->iommu_group);
	error = device_nodes_list(report->job->root, &device->address,
				  device->present & HAS_IOMMU_GROUP ? group : NULL, &nodes);
	for (size_t i = 0; i < nodes.count && error == 0; i++) {
		snprintf(path, sizeof(path), "/%s", nodes.items[i]);
		error = strings_add(ret, path);
	}
	strings_free(&nodes);
	return error == -ENOMEM ? error : 0;
}
