/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/plan.h"

#include "common/text.h"
#include "probe/driver.h"
#include "probe/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int plan_add(struct plan *plan, enum step_kind kind, size_t change, const char *path,
	     const char *bytes)
{
	struct step *grown = realloc(plan->steps, (plan->count + 1) * sizeof(*grown)), *step;

	if (!grown)
		return -ENOMEM;
	plan->steps = grown;
	step = &grown[plan->count];
	*step = (struct step){.kind = kind, .change = change, .bytes = strdup(bytes)};
	if (!step->bytes)
		return -ENOMEM;
	strcpy(step->path, path);
	plan->count++;
	return 0;
}

int plan_add_settings(struct plan *plan, const struct vf_list *now, const struct vf_list *wanted,
		      unsigned limit)
{
	char text[VF_SETTING_SIZE], bytes[sizeof("vf 4294967295 ") + sizeof(text)];
	int error = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct vf_entry *entry = &wanted->items[i];

		for (unsigned s = 0; s < RTNETLINK_SETTINGS && !error; s++) {
			if (entry->vf.index >= limit ||
			    !vf_setting_differs(&now->items[i].vf, &entry->vf, s))
				continue;
			snprintf(bytes, sizeof(bytes), "vf %u %s", entry->vf.index,
				 vf_setting_format(&entry->vf, s, text));
			error = plan_add(plan, STEP_VF_SETTING, 0, entry->name, bytes);
		}
	}
	return error;
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->steps[i].bytes);
	free(plan->steps);
	*plan = (struct plan){0};
}

int plan_append(struct plan *to, struct plan *from)
{
	size_t count = to->count + from->count;
	struct step *grown = realloc(to->steps, (count ? count : 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	to->steps = grown;
	if (from->count)
		memcpy(grown + to->count, from->steps, from->count * sizeof(*grown));
	to->count = count;
	free(from->steps);
	*from = (struct plan){0};
	return 0;
}

static bool must_unbind(const struct change *change)
{
	const char *now = change->now.driver;

	if (!now)
		return false;
	return change->wanted.autoprobe ? driver_is_for_vms(now)
					: !text_same(now, change->wanted.driver);
}

static bool must_bind(const struct change *change)
{
	if (change->wanted.autoprobe)
		return !change->now.driver || must_unbind(change);
	return change->wanted.driver && !text_same(change->now.driver, change->wanted.driver);
}

static int plan_load(struct plan *plan, const struct change *change, size_t index)
{
	const struct binding *wanted = &change->wanted;
	const char *module = wanted->autoprobe ? change->modalias
			     : wanted->module  ? wanted->module
					       : wanted->driver;

	if (change->method != BIND_METHOD_NONE || !must_bind(change) || !module)
		return 0;
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->steps[i].bytes, module) == 0)
			return 0;
	return plan_add(plan, wanted->autoprobe ? STEP_LOAD_ALIAS : STEP_LOAD, index, "", module);
}

static int plan_override(struct plan *plan, const struct change *change, size_t index)
{
	char path[DEVICE_PATH_SIZE];

	if (text_same(change->now.override, change->wanted.override))
		return 0;
	return plan_add(plan, STEP_OVERRIDE, index,
			device_path(&change->address, "driver_override", path),
			binding_override_bytes(&change->wanted));
}

static int plan_unbind(struct plan *plan, const struct change *change, size_t index)
{
	char path[DEVICE_PATH_SIZE], address[ADDRESS_SIZE];

	if (!must_unbind(change))
		return 0;
	return plan_add(plan, STEP_UNBIND, index,
			device_path(&change->address, "driver/unbind", path),
			address_format(&change->address, address));
}

static int plan_bind(struct plan *plan, const struct change *change, size_t index)
{
	char path[DEVICE_PATH_SIZE], address[ADDRESS_SIZE];

	if (!must_bind(change))
		return 0;
	address_format(&change->address, address);
	if (!change->wanted.driver || change->method == BIND_METHOD_PROBE)
		return plan_add(plan, STEP_PROBE, index, "sys/bus/pci/drivers_probe", address);
	if (snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/bind", change->wanted.driver) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return plan_add(plan, STEP_BIND, index, path, address);
}

/* The kernel returns EBUSY for a change from one nonzero number to another. */
static int plan_vfs(struct plan *plan, const struct change *change, size_t index)
{
	char path[DEVICE_PATH_SIZE], number[16];

	if (change->vfs_now == change->vfs_wanted)
		return 0;
	device_path(&change->address, "sriov_numvfs", path);
	if (change->vfs_now && plan_add(plan, STEP_VFS, index, path, "0") < 0)
		return -ENOMEM;
	if (!change->vfs_wanted)
		return 0;
	snprintf(number, sizeof(number), "%u", change->vfs_wanted);
	return plan_add(plan, STEP_VFS, index, path, number);
}

int plan_make(const struct changes *changes, struct plan *ret)
{
	static int (*const PHASES[])(struct plan *, const struct change *, size_t) = {
		plan_vfs, plan_load, plan_override, plan_unbind, plan_bind};
	struct plan plan = {0};
	int error = 0;

	for (size_t phase = 0; phase < sizeof(PHASES) / sizeof(*PHASES); phase++)
		for (size_t i = 0; i < changes->count && !error; i++) {
			const struct change *change = &changes->items[i];

			if (!change->is_gone && change->is_vfs == (PHASES[phase] == plan_vfs))
				error = PHASES[phase](&plan, change, i);
		}
	if (error < 0) {
		plan_free(&plan);
		return error;
	}
	*ret = plan;
	return 0;
}

void step_print(FILE *out, const char *root, const struct step *step)
{
	if (step->kind == STEP_LOAD || step->kind == STEP_LOAD_ALIAS) {
		fputs(step->kind == STEP_LOAD ? "load module " : "load the modules for ", out);
		text_write_plain(out, step->bytes);
		fputc('\n', out);
		return;
	}
	if (step->kind == STEP_CHOWN) {
		fprintf(out, "change owner of %s/%s to %s\n", root, step->path, step->bytes);
		return;
	}
	if (step->kind == STEP_VF_SETTING) {
		fprintf(out, "set \"%s\" of ", step->bytes);
		text_write_plain(out, step->path);
		fputc('\n', out);
		return;
	}
	fprintf(out, "write \"");
	if (strcmp(step->bytes, "\n") == 0)
		fputs("\\n", out);
	else
		text_write_plain(out, step->bytes);
	fprintf(out, "\" to %s/%s\n", root, step->path);
}
