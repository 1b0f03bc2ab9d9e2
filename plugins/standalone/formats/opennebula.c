/* SPDX-License-Identifier: GPL-2.0-or-later */
/* opennebula: the same attributes as OpenNebula's own PCI probe
 * (remotes/im/<hypervisor>-probes.d/host/system/pci.rb). The only escape sequence in the frontend's
 * grammar (src/parsers/template_parser.l in OpenNebula) is \" . */
#include "common/text.h"
#include "common/textstream.h"
#include "plugins/standalone/formats/ifname.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

/* Of an attribute with a value of usual length. */
#define LINE_SIZE 512

struct attributes {
	FILE *out;
	bool no_memory;
	const char *separator;
};

/* Length of the prefix that needs no escaping: printable ASCII without special characters. */
static size_t plain_length(const char *string)
{
	size_t length = 0;

	while (string[length] >= ' ' && string[length] < 0x7f && string[length] != '"' &&
	       string[length] != '\\' && string[length] != ']')
		length++;
	return length;
}

/* Quotes, trailing backslashes and "]]>" would end the message early; control characters and
 * invalid UTF-8 would corrupt the frontend's database. */
static void write_value(FILE *out, const char *string)
{
	uint32_t character;
	size_t length;

	for (; *string; string += length ? length : 1) {
		length = plain_length(string);
		if (length) {
			fwrite_unlocked(string, 1, length, out);
			continue;
		}
		length = text_decode(string, &character);
		if (!length)
			fputc_unlocked('?', out);
		else if (text_is_control(character))
			fputc_unlocked(' ', out);
		else if (*string == '"')
			fputs("\\\"", out);
		else if (*string == '\\')
			fputc('/', out);
		else if (strncmp(string, "]]>", 3) == 0)
			fputs("] ", out);
		else
			fwrite_unlocked(string, 1, length, out);
	}
}

static void write_attribute(struct attributes *attributes, const char *name, const char *value)
{
	FILE *out = attributes->out;
	size_t length = plain_length(value);
	char line[LINE_SIZE], *end;

	/* names of attributes are short */
	end = stpcpy(stpcpy(stpcpy(stpcpy(line, attributes->separator), " "), name), " = \"");
	if (!value[length] && length + sizeof("\" ") <= (size_t)(line + sizeof(line) - end)) {
		/* one call: a host has many attributes */
		end = stpcpy(mempcpy(end, value, length), "\" ");
		fwrite_unlocked(line, 1, (size_t)(end - line), out);
	} else {
		fwrite_unlocked(line, 1, (size_t)(end - line), out);
		write_value(out, value);
		fputs_unlocked("\" ", out);
	}
	attributes->separator = ",\n";
}

static void write_hex(struct attributes *attributes, const char *name, uint32_t value, int digits)
{
	char text[9];

	hex_format(text, value, digits);
	write_attribute(attributes, name, text);
}

static void write_unsigned(struct attributes *attributes, const char *name, unsigned value)
{
	char text[12];

	snprintf(text, sizeof(text), "%u", value);
	write_attribute(attributes, name, text);
}

/* OpenNebula's form, with a colon before the function. */
static const char *format_address(const struct pci_address *address,
				  char buffer[static ADDRESS_SIZE])
{
	address_format(address, buffer);
	*strchr(buffer, '.') = ':';
	return buffer;
}

static bool is_nvidia(const struct config *config, const struct pci_device *device)
{
	for (size_t i = 0; i < config->nvidia_vendor_count; i++)
		if (config->nvidia_vendors[i] == device->vendor)
			return true;
	return false;
}

const char *opennebula_omit_reason(const struct config *config, const struct pci_device *device)
{
	if (device->sriov.vfs_enabled)
		return "a physical function with virtual functions";
	if ((device->present & HAS_VIRTFN) && is_nvidia(config, device))
		return "an NVIDIA device with virtual functions";
	return NULL;
}

static void write_sriov(struct attributes *attributes, const struct pci_device *device)
{
	static const char *const roles[] = {
		[SRIOV_NONE] = "no", [SRIOV_PF] = "pf", [SRIOV_VF] = "vf"};

	write_attribute(attributes, "SRIOV", roles[device->sriov.role]);
	if (device->sriov.role == SRIOV_PF)
		write_unsigned(attributes, "SRIOV_NUM", device->sriov.vfs_enabled);
}

/* The UUID is derived from the address and thus constant: RFC 4122 version 5 in the namespace for
 * X.500 names. */
static void write_vgpu_uuid(struct attributes *attributes, const char *address)
{
	char string[UUID_STR_LEN];
	uuid_t uuid;

	uuid_generate_sha1(uuid, *uuid_get_template("x500"), address, strlen(address));
	uuid_unparse_lower(uuid, string);
	write_attribute(attributes, "UUID", string);
}

static void write_vgpu(struct attributes *attributes, const struct pci_device *device)
{
	char *profiles = NULL;
	FILE *list = textstream_open(&profiles);

	if (!list) {
		attributes->no_memory = true;
		return;
	}
	for (size_t i = 0; i < device->vgpu_type_count; i++) {
		const struct vgpu_type *type = &device->vgpu_types[i];

		fprintf(list, type->name ? "%s%s (%s)" : "%s%s", i ? "," : "", type->id,
			type->name);
	}
	attributes->no_memory |= !textstream_close(list, &profiles);
	write_attribute(attributes, "PROFILES", profiles ? profiles : "");
	write_attribute(attributes, "MDEV_MODE", device->present & HAS_MDEV ? "legacy" : "nvidia");
	free(profiles);
}

static void write_device_name(struct attributes *attributes, const struct config *config,
			      const struct pci_device *device, const char *address)
{
	const char *vendor = device->vendor_name ? device->vendor_name : "Vendor";
	const char *name = device->device_name ? device->device_name : "Device";

	if (!is_nvidia(config, device)) {
		write_attribute(attributes, "DEVICE_NAME", name);
	} else if (device->sriov.role == SRIOV_VF) {
		write_attribute(attributes, "DEVICE_NAME", "NVIDIA vGPU device");
		write_vgpu_uuid(attributes, address);
		write_vgpu(attributes, device);
	} else {
		char *both = NULL;

		if (asprintf(&both, "%s %s", vendor, name) < 0) {
			attributes->no_memory = true;
			return;
		}
		write_attribute(attributes, "DEVICE_NAME", both);
		free(both);
	}
}

/* Returns 0 or -ENOMEM. */
static int write_device(FILE *out, const struct report *report, const struct pci_device *device,
			int cache, const char *rules)
{
	struct attributes attributes = {.out = out, .separator = ""};
	const struct pci_address *a = &device->address;
	char short_address[ADDRESS_SIZE], address[ADDRESS_SIZE], interface[IF_NAMESIZE], type[16],
		*end;

	format_address(a, address);
	address_format_short(a, short_address);
	end = hex_format(type, device->vendor, 4);
	*end++ = ':';
	end = hex_format(end, device->device, 4);
	*end++ = ':';
	hex_format(end, device->class, 4);
	fputs("PCI = [\n", out);
	write_attribute(&attributes, "TYPE", type);
	write_hex(&attributes, "VENDOR", device->vendor, 4);
	write_attribute(&attributes, "VENDOR_NAME",
			device->vendor_name ? device->vendor_name : "Vendor");
	write_hex(&attributes, "DEVICE", device->device, 4);
	write_hex(&attributes, "CLASS", device->class, 4);
	write_attribute(&attributes, "CLASS_NAME",
			device->class_name ? device->class_name : "Class");
	write_attribute(&attributes, "ADDRESS", address);
	write_attribute(&attributes, "SHORT_ADDRESS", short_address);
	write_hex(&attributes, "DOMAIN", a->domain, 4);
	write_hex(&attributes, "BUS", a->bus, 2);
	write_hex(&attributes, "SLOT", a->slot, 2);
	write_hex(&attributes, "FUNCTION", a->function, 1);
	if (device->present & HAS_NUMA_NODE)
		write_unsigned(&attributes, "NUMA_NODE", device->numa_node);
	else
		write_attribute(&attributes, "NUMA_NODE", "-");
	write_attribute(&attributes, "IFNAME",
			ifname_find(cache, rules, device, interface) ? interface : "-");
	write_sriov(&attributes, device);
	write_device_name(&attributes, probe_config(report->probe), device, address);
	fputs("\n]\n", out);
	return attributes.no_memory ? -ENOMEM : 0;
}

/* The VM's id, or "" for VMs that OpenNebula doesn't manage. */
static const char *opennebula_vm_id(const struct owner *owner)
{
	return owner->frontend && strcmp(owner->frontend, "opennebula") == 0 ? owner->frontend_id
									     : "";
}

static int write_owner(FILE *out, const struct pci_device *device, const struct owner *owner)
{
	struct attributes attributes = {.out = out, .separator = ""};
	char address[ADDRESS_SIZE];
	const char *id = opennebula_vm_id(owner);
	/* The monitor's message is one datagram, and random UUIDs would be most of it: where
	 * the VM's id is known, they add nothing. */
	const char *uuid = *id || !owner->uuid ? "" : owner->uuid;

	fputs("PCI_USAGE = [\n", out);
	write_attribute(&attributes, "ADDRESS", format_address(&device->address, address));
	write_attribute(&attributes, "STATE",
			device_has_conflict(device) ? "conflict"
						    : ownership_name(device->ownership));
	write_attribute(&attributes, "VM_ID", id);
	write_attribute(&attributes, "VM_NAME", owner->name ? owner->name : "");
	write_attribute(&attributes, "UUID", uuid);
	write_attribute(&attributes, "SOURCE", owner->source);
	fputs("\n]\n", out);
	return attributes.no_memory ? -ENOMEM : 0;
}

/* Separate from the attribute PCI, in which the frontend would treat a VMID as an allocation. The
 * empty attribute clears earlier values in the frontend. */
static int write_usage(FILE *out, const struct inventory *inventory)
{
	bool any = false;
	int error = 0;

	inventory_foreach(inventory, device)
		for (size_t i = 0; i < device->owner_count && !error; i++) {
			error = write_owner(out, device, &device->owners[i]);
			any = true;
		}
	if (!any)
		fputs("PCI_USAGE = []\n", out);
	return error;
}

int write_onehost(const struct report *report, FILE *out)
{
	char address[ADDRESS_SIZE], vm[64];

	if (report->headings)
		fprintf(out, "%10s %-8s %-15s %s\n", "VM", "ADDR", "TYPE", "NAME");
	inventory_foreach(report->inventory, device) {
		const struct owner *owner = device->owner_count ? &device->owners[0] : NULL;

		/* an unknown owner must not look like a free device */
		snprintf(vm, sizeof(vm), "%s",
			 device_has_conflict(device)		  ? "conflict"
			 : device->ownership == OWNERSHIP_UNKNOWN ? "?"
			 : !owner				  ? ""
			 : owner->frontend_id			  ? owner->frontend_id
			 : owner->name				  ? owner->name
								  : owner->program);
		for (size_t length = strlen(vm); length < 10; length++)
			fputc_unlocked(' ', out);
		text_write_plain(out, vm);
		fprintf(out, " %-8s %04x:%04x:%04x  ",
			address_format_short(&device->address, address), device->vendor,
			device->device, device->class);
		text_write_plain(out, device->device_name ? device->device_name : "");
		fputc('\n', out);
	}
	return 0;
}

int write_opennebula(const struct report *report, FILE *out)
{
	struct sysroot *root = probe_sysroot(report->probe);
	char *rules = ifname_read_rules(root);
	/* opened once: most hosts have none, which then needs no lookup per device */
	int cache = ifname_open_cache(root), error = 0;

	inventory_foreach(report->inventory, device)
		if (!error && !opennebula_omit_reason(probe_config(report->probe), device))
			error = write_device(out, report, device, cache, rules);
	free(rules);
	if (cache >= 0)
		close(cache);
	if (!error && report->format.usage)
		error = write_usage(out, report->inventory);
	return error;
}
