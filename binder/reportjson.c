/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/reportjson.h"

#include "binder/engine/devicepath.h"
#include "binder/hostfiles/persist.h"
#include "binder/status.h"
#include "common/jsonvalue.h"
#include "config.h"
#include "probe/ownership/ownership.h"

#include <errno.h>

static struct json_object *new_list(const struct strings *strings, int *error)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < strings->count; i++)
		jsonvalue_append(list, jsonvalue_string(strings->items[i]), error);
	return list;
}

static struct json_object *new_owners(const struct pci_device *device, int *error)
{
	struct json_object *list = json_object_new_array(), *owner;

	for (size_t i = 0; list && i < device->owner_count; i++) {
		owner = json_object_new_object();
		if (owner) {
			jsonvalue_add(owner, "pid", json_object_new_int(device->owners[i].pid),
				      error);
			jsonvalue_add_string(owner, "program", device->owners[i].program, error);
			jsonvalue_add_string(owner, "name", device->owners[i].name, error);
		}
		jsonvalue_append(list, owner, error);
	}
	return list;
}

static struct json_object *new_hazards(const struct bind_report *report,
				       const struct pci_device *device, int *error)
{
	static const char *const grades[] = {
		[GRADE_NEVER] = "never", [GRADE_REFUSED] = "refused", [GRADE_WARNING] = "warning"};
	struct json_object *list = json_object_new_array(), *hazard;

	for (size_t i = 0; list && i < report->job->findings.count; i++) {
		const struct hazard_finding *finding = &report->job->findings.items[i];

		if (address_compare(&finding->address, &device->address) != 0)
			continue;
		hazard = json_object_new_object();
		if (hazard) {
			jsonvalue_add_string(hazard, "name", HAZARDS[finding->hazard].name, error);
			jsonvalue_add_string(hazard, "grade",
					     grades[HAZARDS[finding->hazard].grade], error);
			jsonvalue_add(hazard, "blocking",
				      json_object_new_boolean(hazard_is_blocking(
					      finding, report->job->options->allowed)),
				      error);
			jsonvalue_add_string(hazard, "text", finding->text, error);
		}
		jsonvalue_append(list, hazard, error);
	}
	return list;
}

static void add_ids(struct json_object *object, const struct pci_device *device, int *error)
{
	char address[ADDRESS_SIZE], id[5];

	jsonvalue_add_string(object, "address", address_format(&device->address, address), error);
	snprintf(id, sizeof(id), "%04x", device->vendor);
	jsonvalue_add_string(object, "vendor", id, error);
	snprintf(id, sizeof(id), "%04x", device->device);
	jsonvalue_add_string(object, "device", id, error);
	jsonvalue_add_string(object, "device_name", device->device_name, error);
	jsonvalue_add_string(object, "pci_path", device->path, error);
}

static void add_binding(const struct bind_report *report, struct json_object *object,
			const struct result *result, int *error)
{
	static const char *const states[] = {[CHANGE_BOUND] = "bound",
					     [CHANGE_APPLYING] = "doing",
					     [CHANGE_ROLLING_BACK] = "undo"};

	int persistent = persist_is_set(report->job->root, result->device);

	if (result->outcome != OUTCOME_NONE)
		jsonvalue_add_string(object, "result", outcome_name(result->outcome), error);
	jsonvalue_add_string(object, "driver", result->driver, error);
	jsonvalue_add_string(object, "driver_before", result->before, error);
	if (result->override_known)
		jsonvalue_add_string(object, "driver_override", result->override, error);
	jsonvalue_add_string(object, "journal", result->in_journal ? states[result->state] : NULL,
			     error);
	if (persistent < 0)
		jsonvalue_add_string(object, "persistent", NULL, error); /* unknown */
	else
		jsonvalue_add(object, "persistent", json_object_new_boolean(persistent), error);
	jsonvalue_add(object, "busy",
		      json_object_new_boolean(report->job->kernel->is_busy(
			      report->job->kernel, &result->device->address)),
		      error);
}

static struct json_object *new_device(const struct bind_report *report, const struct result *result,
				      int *error)
{
	const struct pci_device *device = result->device;
	struct json_object *object = json_object_new_object();
	struct strings nodes = {0};

	if (!object)
		return NULL;
	add_ids(object, device, error);
	add_binding(report, object, result, error);
	if (device->present & HAS_IOMMU_GROUP)
		jsonvalue_add(object, "iommu_group", json_object_new_uint64(device->iommu_group),
			      error);
	jsonvalue_add(object, "group_peers", new_list(&device->group_peers, error), error);
	*error |= bind_report_nodes(report, device, &nodes);
	jsonvalue_add(object, "nodes", new_list(&nodes, error), error);
	strings_free(&nodes);
	jsonvalue_add_string(object, "ownership", ownership_name(device->ownership), error);
	jsonvalue_add(object, "owners", new_owners(device, error), error);
	jsonvalue_add(object, "reset_methods", new_list(&device->reset_methods, error), error);
	jsonvalue_add(object, "hazards", new_hazards(report, device, error), error);
	return object;
}

static struct json_object *new_devices(const struct bind_report *report, int *error)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < report->count; i++)
		jsonvalue_append(list, new_device(report, &report->items[i], error), error);
	return list;
}

static struct json_object *new_steps(const struct bind_report *report, int *error)
{
	const struct plan *plan = &report->job->plan;
	struct json_object *list = json_object_new_array(), *step;
	char path[DEVICE_PATH_SIZE + 512];

	for (size_t i = 0; list && i < plan->count; i++) {
		step = json_object_new_object();
		if (step && plan->steps[i].kind == STEP_LOAD) {
			jsonvalue_add_string(step, "load", plan->steps[i].bytes, error);
		} else if (step && plan->steps[i].kind == STEP_VF_SETTING) {
			jsonvalue_add_string(step, "set", plan->steps[i].bytes, error);
			jsonvalue_add_string(step, "interface", plan->steps[i].path, error);
		} else if (step) {
			snprintf(path, sizeof(path), "%s/%s", sysroot_path(report->job->root),
				 plan->steps[i].path);
			jsonvalue_add_string(step,
					     plan->steps[i].kind == STEP_CHOWN ? "chown" : "write",
					     plan->steps[i].bytes, error);
			jsonvalue_add_string(step, "to", path, error);
		}
		jsonvalue_append(list, step, error);
	}
	return list;
}

/* Only if there are any. */
static void add_files(struct json_object *object, const struct bind_report *report, int *error)
{
	if (report->files_written.count)
		jsonvalue_add(object, "files_written", new_list(&report->files_written, error),
			      error);
	if (report->files_removed.count)
		jsonvalue_add(object, "files_removed", new_list(&report->files_removed, error),
			      error);
	if (report->initramfs_command)
		jsonvalue_add_string(object, "initramfs_command", report->initramfs_command, error);
}

int reportjson_print(const struct bind_report *report, int status)
{
	const struct bind_options *options = report->job->options;
	struct json_object *object = json_object_new_object();
	int error = object && !report->no_memory ? 0 : -ENOMEM;

	if (!error) {
		jsonvalue_add_string(object, "version", PACKAGE_VERSION, &error);
		jsonvalue_add_string(
			object, "subcommand",
			*options->subcommand->name ? options->subcommand->name : "bind", &error);
		jsonvalue_add(object, "status", json_object_new_int(status), &error);
		jsonvalue_add(object, "dry_run", json_object_new_boolean(options->dry_run), &error);
		jsonvalue_add(object, "journal_readable",
			      json_object_new_boolean(report->job->journal_status == BIND_DONE),
			      &error);
		jsonvalue_add(object, "devices", new_devices(report, &error), &error);
		jsonvalue_add(object, "steps", new_steps(report, &error), &error);
		add_files(object, report, &error);
	}
	return jsonvalue_write_pretty(stdout, object, error);
}
