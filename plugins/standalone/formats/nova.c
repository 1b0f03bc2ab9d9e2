/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nova: the device_spec and alias lines of nova.conf's [pci] section for the selected devices.
 * Nothing needs escaping: the names and values of aliases are validated when they are read
 * (alias_is_name, alias_is_nova_value), the rest is numbers. */
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/nova/cover.h"
#include "plugins/standalone/nova/release.h"
#include "probe/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The releases that know the values of enum alias_nova; FEATURE 0: all. */
static const struct {
	unsigned spec, alias; /* enum nova_feature */
	bool in_alias;
} KEYS[ALIAS_NOVA_COUNT] = {
	[ALIAS_NOVA_PHYSICAL_NETWORK] = {0, 0, false},
	[ALIAS_NOVA_RESOURCE_CLASS] = {NOVA_DEVICE_SPEC, NOVA_PLACEMENT_ALIAS, true},
	[ALIAS_NOVA_TRAITS] = {NOVA_DEVICE_SPEC, NOVA_PLACEMENT_ALIAS, true},
	[ALIAS_NOVA_MANAGED] = {NOVA_MIGRATABLE, 0, false},
	[ALIAS_NOVA_LIVE_MIGRATABLE] = {NOVA_MIGRATABLE, NOVA_MIGRATABLE, true},
};

/* What to write, and the values of enum alias_nova of each device, by its index. */
struct nova_report {
	FILE *out;
	const struct config *config;
	const struct inventory *inventory;
	const struct nova_release *release;
	struct nova_values {
		const char *values[ALIAS_NOVA_COUNT]; /* belong to the configuration */
	} * devices;
};

static bool knows(const struct nova_report *report, unsigned feature)
{
	return (report->release->knows & feature) == feature;
}

static void write_field(FILE *out, const struct nova_spec *spec, enum nova_field field,
			const char *prefix, int digits)
{
	fputs(prefix, out);
	if (spec->fixed & 1u << field)
		fprintf(out, "%0*lx", digits, spec->values[field]);
	else
		fputc('*', out);
}

/* Nova matches a PF's plain address with its VFs, too. ALONE prevents this: one field is written as
 * a regular expression. */
static void write_address(FILE *out, const struct nova_spec *spec, bool alone)
{
	const long *values = spec->values;

	if (alone) {
		fprintf(out,
			"{\"domain\":\"%04lx\",\"bus\":\"%02lx\",\"slot\":\"%02lx\",\"function\":\"[%lx]\"}",
			values[NOVA_DOMAIN], values[NOVA_BUS], values[NOVA_SLOT],
			values[NOVA_FUNCTION]);
		return;
	}
	write_field(out, spec, NOVA_DOMAIN, "\"", 4);
	write_field(out, spec, NOVA_BUS, ":", 2);
	write_field(out, spec, NOVA_SLOT, ":", 2);
	write_field(out, spec, NOVA_FUNCTION, ".", 1);
	fputc('"', out);
}

static bool is_pf_alone(const struct inventory *inventory, const struct nova_spec *spec)
{
	if ((spec->fixed & NOVA_ADDRESS_FIELDS) != NOVA_ADDRESS_FIELDS || spec->with_vfs)
		return false;
	for (size_t i = 0; i < inventory->count; i++)
		if (nova_is_pf(&inventory->devices[i]) &&
		    nova_spec_matches(spec, &inventory->devices[i]))
			return true;
	return false;
}

static void write_spec(const struct nova_report *report, const struct nova_spec *spec,
		       const struct nova_values *values)
{
	const char *separator = "";
	FILE *out = report->out;

	fputs(knows(report, NOVA_DEVICE_SPEC) ? "device_spec = {" : "passthrough_whitelist = {",
	      out);
	if (spec->fixed & 1u << NOVA_VENDOR) {
		fprintf(out, "\"vendor_id\":\"%04lx\"", spec->values[NOVA_VENDOR]);
		separator = ",";
	}
	if (spec->fixed & 1u << NOVA_PRODUCT) {
		fprintf(out, "%s\"product_id\":\"%04lx\"", separator, spec->values[NOVA_PRODUCT]);
		separator = ",";
	}
	if ((spec->fixed & NOVA_ADDRESS_FIELDS) || !*separator) {
		fprintf(out, "%s\"address\":", separator);
		write_address(out, spec, is_pf_alone(report->inventory, spec));
	}
	for (size_t i = 0; i < ALIAS_NOVA_COUNT; i++)
		if (values->values[i] && knows(report, KEYS[i].spec))
			fprintf(out, ",\"%s\":\"%s\"", ALIAS_NOVA_KEYS[i], values->values[i]);
	fputs("}\n", out);
}

static bool has_same_values(const struct nova_values *a, const struct nova_values *b)
{
	for (size_t i = 0; i < ALIAS_NOVA_COUNT; i++)
		if (!text_same(a->values[i], b->values[i]))
			return false;
	return true;
}

/* Writes the specs of the devices that have the same values as the one at INDEX, unless an earlier
 * one has. */
static int write_group(const struct nova_report *report, size_t index, bool *members)
{
	const struct inventory *inventory = report->inventory;
	const struct nova_values *values = &report->devices[index];
	struct nova_spec *specs;
	size_t count;
	int error;

	for (size_t i = 0; i < inventory->count; i++) {
		members[i] = inventory->devices[i].selected &&
			     has_same_values(&report->devices[i], values);
		if (members[i] && i < index)
			return 0;
	}
	error = nova_cover(inventory, members, &specs, &count);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		write_spec(report, &specs[i], values);
	free(specs);
	return 0;
}

static int write_specs(const struct nova_report *report)
{
	const struct inventory *inventory = report->inventory;
	bool *members = calloc(inventory->count + 1, sizeof(*members));
	char address[ADDRESS_SIZE];
	int error = members ? 0 : -ENOMEM;

	for (size_t i = 0; i < inventory->count && !error; i++)
		if (inventory->devices[i].selected)
			error = write_group(report, i, members);
	free(members);
	if (error)
		return error;
	inventory_foreach(inventory, device)
		if (!nova_sees(device))
			fprintf(report->out,
				"# %s omitted: Nova does not support PCI domains above ffff\n",
				address_format(&device->address, address));
	return 0;
}

/* The devices of an alias. Nova matches them by ids and device type. */
struct alias_members {
	const struct pci_device **members; /* one per vendor and device id */
	size_t count;
	const char *type; /* NULL: unknown or mixed */
	bool mixed;
};

static bool has_ids_of(const struct alias_members *set, const struct pci_device *device)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->members[i]->vendor == device->vendor &&
		    set->members[i]->device == device->device)
			return true;
	return false;
}

static void find_members(struct alias_members *set, const struct inventory *inventory,
			 const char *alias)
{
	bool first = true;

	inventory_foreach(inventory, device) {
		const char *type = nova_device_type(device);

		if (!strings_has(&device->aliases, alias) || !nova_sees(device))
			continue;
		if (first)
			set->type = type;
		else if (!type || !set->type || strcmp(type, set->type) != 0)
			set->mixed = true;
		first = false;
		if (!has_ids_of(set, device))
			set->members[set->count++] = device;
	}
	if (set->mixed)
		set->type = NULL;
}

/* Whether the alias asks for another value of KEY than the device at INDEX has. */
static bool asks_for_other(const struct nova_report *report, const struct nova_values *wanted,
			   enum alias_nova key, size_t index)
{
	return wanted->values[key] && knows(report, KEYS[key].alias) &&
	       !text_same(wanted->values[key], report->devices[index].values[key]);
}

/* Nova's aliases cannot match addresses, so they may match other devices, too. */
static void write_other_matches(const struct nova_report *report, const struct alias_members *set,
				const char *alias, const struct nova_values *values)
{
	char address[ADDRESS_SIZE];

	inventory_foreach(report->inventory, device) {
		const char *type = nova_device_type(device);
		size_t index = (size_t)(device - report->inventory->devices);

		if (strings_has(&device->aliases, alias) || !nova_sees(device) ||
		    !has_ids_of(set, device) ||
		    asks_for_other(report, values, ALIAS_NOVA_LIVE_MIGRATABLE, index))
			continue;
		if (set->type ? type && strcmp(type, set->type) == 0
			      : !type || strcmp(type, "type-PF") != 0)
			fprintf(report->out, "# alias %s also matches %s: %s\n", alias,
				address_format(&device->address, address),
				asks_for_other(report, values, ALIAS_NOVA_RESOURCE_CLASS, index)
					? "only pci_in_placement excludes it"
					: "Nova's aliases cannot exclude it");
	}
}

static void write_alias(const struct nova_report *report, const struct alias_members *set,
			const char *alias, const struct nova_values *values)
{
	FILE *out = report->out;

	if (!set->count)
		fprintf(out, "# alias %s matches no device of this host\n", alias);
	if (set->mixed) {
		fprintf(out,
			"# alias %s matches devices of several types, which Nova does not support; define one alias per type\n",
			alias);
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		fprintf(out,
			"alias = {\"name\":\"%s\",\"vendor_id\":\"%04x\",\"product_id\":\"%04x\"",
			alias, set->members[i]->vendor, set->members[i]->device);
		if (set->type)
			fprintf(out, ",\"device_type\":\"%s\"", set->type);
		for (size_t key = 0; key < ALIAS_NOVA_COUNT; key++)
			if (values->values[key] && KEYS[key].in_alias &&
			    knows(report, KEYS[key].alias))
				fprintf(out, ",\"%s\":\"%s\"", ALIAS_NOVA_KEYS[key],
					values->values[key]);
		fputs("}\n", out);
	}
	write_other_matches(report, set, alias, values);
}

/* Items with the same name form one alias. */
static bool is_first(const struct config *config, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(config->aliases[i].name, config->aliases[index].name) == 0)
			return false;
	return true;
}

/* Adds the values of all items named NAME. */
static void add_values(const struct config *config, const char *name, struct nova_values *values)
{
	for (size_t i = 0; i < config->alias_count; i++)
		for (size_t key = 0; key < ALIAS_NOVA_COUNT; key++)
			if (config->aliases[i].nova[key] && !values->values[key] &&
			    strcmp(config->aliases[i].name, name) == 0)
				values->values[key] = config->aliases[i].nova[key];
}

static int write_alias_lines(const struct nova_report *report)
{
	const struct config *config = report->config;

	for (size_t i = 0; i < config->alias_count; i++) {
		const char *name = config->aliases[i].name;
		struct alias_members set = {
			.members = calloc(report->inventory->selected + 1, sizeof(*set.members))};
		struct nova_values values = {0};

		if (!set.members)
			return -ENOMEM;
		if (is_first(config, i)) {
			find_members(&set, report->inventory, name);
			add_values(config, name, &values);
			write_alias(report, &set, name, &values);
		}
		free(set.members);
	}
	return 0;
}

/* Keys that the release does not know, and that some device has. */
static void write_omitted(const struct nova_report *report)
{
	for (size_t key = 0; key < ALIAS_NOVA_COUNT; key++) {
		bool in_spec = knows(report, KEYS[key].spec),
		     in_alias = knows(report, KEYS[key].alias);

		for (size_t i = 0; i < report->config->alias_count && !(in_spec && in_alias); i++) {
			if (!report->config->aliases[i].nova[key])
				continue;
			fprintf(report->out, "# %s omitted%s: not known to Nova %s\n",
				ALIAS_NOVA_KEYS[key], in_spec ? " from aliases" : "",
				report->release->name);
			break;
		}
	}
}

/* Of two aliases with different values the first one counts. */
static void write_conflicts(const struct nova_report *report, const struct pci_device *device,
			    const struct nova_values *values)
{
	const struct config *config = report->config;
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < config->alias_count; i++)
		for (size_t key = 0; key < ALIAS_NOVA_COUNT; key++) {
			const char *value = config->aliases[i].nova[key];

			if (value && knows(report, KEYS[key].spec) &&
			    !text_same(value, values->values[key]) &&
			    strings_has(&device->aliases, config->aliases[i].name))
				fprintf(report->out,
					"# %s has %s %s, not %s as the alias %s: an earlier alias decides\n",
					address_format(&device->address, address),
					ALIAS_NOVA_KEYS[key], values->values[key], value,
					config->aliases[i].name);
		}
}

/* Sets the values of each device: those of its aliases that the release knows. */
static void find_values(struct nova_report *report)
{
	const struct config *config = report->config;

	inventory_foreach(report->inventory, device) {
		struct nova_values *values = &report->devices[device - report->inventory->devices];

		for (size_t i = 0; i < config->alias_count; i++)
			if (strings_has(&device->aliases, config->aliases[i].name))
				add_values(config, config->aliases[i].name, values);
		for (size_t key = 0; key < ALIAS_NOVA_COUNT; key++)
			if (!knows(report, KEYS[key].spec))
				values->values[key] = NULL;
		if (nova_sees(device))
			write_conflicts(report, device, values);
	}
}

int write_nova(const struct report *report, FILE *out)
{
	struct nova_report nova = {
		.out = out,
		.config = probe_config(report->probe),
		.inventory = report->inventory,
		.release = report->format.nova_release ? report->format.nova_release
						       : nova_release_newest(),
		.devices = calloc(report->inventory->count + 1, sizeof(*nova.devices)),
	};
	int error;

	if (!nova.devices)
		return -ENOMEM;
	if (report->headings)
		fputs("[pci]\n", out);
	find_values(&nova);
	error = write_specs(&nova);
	if (!error)
		error = write_alias_lines(&nova);
	write_omitted(&nova);
	free(nova.devices);
	return error;
}
