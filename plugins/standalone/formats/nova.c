/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nova: the lines of [pci] in nova.conf that offer the selected devices. No text from outside is in
 * them: names of aliases are checked where they are read (alias_is_name), all else are numbers. */
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/nova/cover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void write_field(FILE *out, const struct nova_spec *spec, enum nova_field field,
			const char *before, int digits)
{
	fputs(before, out);
	if (spec->fixed & 1u << field)
		fprintf(out, "%0*lx", digits, spec->values[field]);
	else
		fputc('*', out);
}

/* The address alone of a device that could be a PF: one whose every part is nothing but hex digits
 * is looked up as a PF, and takes its VFs; an expression isn't. */
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
	const char *between = "";

	fputs("device_spec = {", out);
	if (spec->fixed & 1u << NOVA_VENDOR) {
		fprintf(out, "\"vendor_id\":\"%04lx\"", spec->values[NOVA_VENDOR]);
		between = ",";
	}
	if (spec->fixed & 1u << NOVA_PRODUCT) {
		fprintf(out, "%s\"product_id\":\"%04lx\"", between, spec->values[NOVA_PRODUCT]);
		between = ",";
	}
	if ((spec->fixed & NOVA_ADDRESS_FIELDS) || !*between) {
		fprintf(out, "%s\"address\":", between);
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
			fprintf(out, "# Nova can't take %s: it knows no PCI domain above ffff\n",
				address_format(&device->address, address));
	return 0;
}

/* The devices of one alias, as Nova can ask for them: by ids and one type. */
struct alias_members {
	const struct pci_device **members; /* one for each pair of ids */
	size_t count;
	const char *type; /* NULL: it isn't known, or they are of several */
	bool mixed;
};

static bool is_known(const struct alias_members *kind, const struct pci_device *device)
{
	for (size_t i = 0; i < kind->count; i++)
		if (kind->members[i]->vendor == device->vendor &&
		    kind->members[i]->device == device->device)
			return true;
	return false;
}

static void read_kind(struct alias_members *kind, const struct inventory *inventory,
		      const char *alias)
{
	bool first = true;

	inventory_foreach(inventory, device) {
		const char *type = nova_device_type(device);

		if (!strings_has(&device->aliases, alias) || !nova_sees(device))
			continue;
		if (first)
			kind->type = type;
		else if (!type || !kind->type || strcmp(type, kind->type) != 0)
			kind->mixed = true;
		first = false;
		if (!is_known(kind, device))
			kind->members[kind->count++] = device;
	}
	if (kind->mixed)
		kind->type = NULL;
}

/* Aliases know no addresses. */
static void log_others(FILE *out, const struct inventory *inventory,
		       const struct alias_members *kind, const char *alias)
{
	char address[ADDRESS_SIZE];

	inventory_foreach(inventory, device) {
		const char *type = nova_device_type(device);

		if (strings_has(&device->aliases, alias) || !nova_sees(device) ||
		    !is_known(kind, device))
			continue;
		if (kind->type ? type && strcmp(type, kind->type) == 0
			       : !type || strcmp(type, "type-PF") != 0)
			fprintf(out, "# %s takes %s too: an alias of Nova's can't leave it out\n",
				alias, address_format(&device->address, address));
	}
}

static void write_alias(FILE *out, const struct inventory *inventory,
			const struct alias_members *kind, const char *alias)
{
	if (!kind->count)
		fprintf(out, "# no device of this host has the alias %s\n", alias);
	if (kind->mixed) {
		fprintf(out,
			"# the devices of the alias %s are of several device types; give each its own name: Nova's aliases have one\n",
			alias);
		return;
	}
	for (size_t i = 0; i < kind->count; i++) {
		fprintf(out,
			"alias = {\"name\":\"%s\",\"vendor_id\":\"%04x\",\"product_id\":\"%04x\"",
			alias, kind->members[i]->vendor, kind->members[i]->device);
		if (kind->type)
			fprintf(out, ",\"device_type\":\"%s\"", kind->type);
		fputs("}\n", out);
	}
	log_others(out, inventory, kind, alias);
}

/* Items of one name are one alias. */
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
		struct alias_members kind = {
			.members = calloc(inventory->selected + 1, sizeof(*kind.members))};

		if (!kind.members)
			return -ENOMEM;
		if (is_first(config, i)) {
			read_kind(&kind, inventory, config->aliases[i].name);
			write_alias(out, inventory, &kind, config->aliases[i].name);
		}
		free(kind.members);
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
