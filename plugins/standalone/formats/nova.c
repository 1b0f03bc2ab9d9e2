/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nova: the device_spec and alias lines of nova.conf's [pci] section for the selected devices.
 * Nothing needs escaping: alias names are validated when they are read (alias_is_name), the rest is
 * numbers. */
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/nova/cover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void write_spec(FILE *out, const struct inventory *inventory, const struct nova_spec *spec)
{
	const char *separator = "";

	fputs("device_spec = {", out);
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
		write_address(out, spec, is_pf_alone(inventory, spec));
	}
	fputs("}\n", out);
}

static int write_specs(FILE *out, const struct inventory *inventory)
{
	char address[ADDRESS_SIZE];
	struct nova_spec *specs;
	size_t count;
	int error = nova_cover(inventory, &specs, &count);

	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		write_spec(out, inventory, &specs[i]);
	free(specs);
	inventory_foreach(inventory, device)
		if (!nova_sees(device))
			fprintf(out, "# %s omitted: Nova does not support PCI domains above ffff\n",
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

/* Nova's aliases cannot match addresses, so they may match other devices, too. */
static void write_other_matches(FILE *out, const struct inventory *inventory,
				const struct alias_members *set, const char *alias)
{
	char address[ADDRESS_SIZE];

	inventory_foreach(inventory, device) {
		const char *type = nova_device_type(device);

		if (strings_has(&device->aliases, alias) || !nova_sees(device) ||
		    !has_ids_of(set, device))
			continue;
		if (set->type ? type && strcmp(type, set->type) == 0
			      : !type || strcmp(type, "type-PF") != 0)
			fprintf(out,
				"# alias %s also matches %s: Nova's aliases cannot exclude it\n",
				alias, address_format(&device->address, address));
	}
}

static void write_alias(FILE *out, const struct inventory *inventory,
			const struct alias_members *set, const char *alias)
{
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
		fputs("}\n", out);
	}
	write_other_matches(out, inventory, set, alias);
}

/* Items with the same name form one alias. */
static bool is_first(const struct config *config, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(config->aliases[i].name, config->aliases[index].name) == 0)
			return false;
	return true;
}

static int write_alias_lines(FILE *out, const struct config *config,
			     const struct inventory *inventory)
{
	for (size_t i = 0; i < config->alias_count; i++) {
		struct alias_members set = {
			.members = calloc(inventory->selected + 1, sizeof(*set.members))};

		if (!set.members)
			return -ENOMEM;
		if (is_first(config, i)) {
			find_members(&set, inventory, config->aliases[i].name);
			write_alias(out, inventory, &set, config->aliases[i].name);
		}
		free(set.members);
	}
	return 0;
}

int write_nova(const struct report *report, FILE *out)
{
	int error;

	if (report->headings)
		fputs("[pci]\n", out);
	error = write_specs(out, report->inventory);
	return error ? error
		     : write_alias_lines(out, probe_config(report->probe), report->inventory);
}
