/* SPDX-License-Identifier: GPL-2.0-or-later */
/* opennebula: what OpenNebula's monitor takes from its own PCI probe
 * (remotes/im/<hypervisor>-probes.d/host/system/pci.rb), attribute by attribute. The frontend's
 * grammar, src/parsers/template_parser.l in OpenNebula, has one escape, \" . */
#include "common/text.h"
#include "plugins/standalone/formats/ifname.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/ownership/ownership.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

/* The attributes of one device while they are written. */
struct attributes {
	FILE *out;
	const char *between;
};

/* How much of TEXT needs no second look: printable ASCII but for what is special. */
static size_t plain_length(const char *text)
{
	size_t length = 0;

	while (text[length] >= ' ' && text[length] < 0x7f && text[length] != '"' &&
	       text[length] != '\\' && text[length] != ']')
		length++;
	return length;
}

/* A value can end the message early with a quote, a backslash at its end or "]]>", and spoil the
 * database with control characters or what isn't UTF-8. */
static void write_value(FILE *out, const char *text)
{
	uint32_t character;
	size_t length;

	for (; *text; text += length ? length : 1) {
		length = plain_length(text);
		if (length) {
			fwrite(text, 1, length, out);
			continue;
		}
		length = text_decode(text, &character);
		if (!length)
			fputc('?', out);
		else if (text_is_control(character))
			fputc(' ', out);
		else if (*text == '"')
			fputs("\\\"", out);
		else if (*text == '\\')
			fputc('/', out);
		else if (strncmp(text, "]]>", 3) == 0)
			fputs("] ", out);
		else
			fwrite(text, 1, length, out);
	}
}

static void __attribute__((format(printf, 3, 4)))
attribute(struct attributes *attributes, const char *name, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fprintf(attributes->out, "%s %s = \"", attributes->between, name);
	write_value(attributes->out, text ? text : "");
	fputs("\" ", attributes->out);
	attributes->between = ",\n";
	free(text);
}

static bool is_nvidia(const struct config *config, const struct pci_device *device)
{
	for (size_t i = 0; i < config->nvidia_vendor_count; i++)
		if (config->nvidia_vendors[i] == device->vendor)
			return true;
	return false;
}

const char *opennebula_leaves_out(const struct config *config, const struct pci_device *device)
{
	if (device->sriov.vfs_enabled)
		return "a physical function with virtual functions";
	if ((device->present & HAS_VIRTFN) && is_nvidia(config, device))
		return "an NVIDIA card with virtual functions";
	return NULL;
}

static void write_sriov(struct attributes *attributes, const struct pci_device *device)
{
	static const char *const roles[] = {
		[SRIOV_NONE] = "no", [SRIOV_PF] = "pf", [SRIOV_VF] = "vf"};

	attribute(attributes, "SRIOV", "%s", roles[device->sriov.role]);
	if (device->sriov.role == SRIOV_PF)
		attribute(attributes, "SRIOV_NUM", "%u", device->sriov.vfs_enabled);
}

/* The UUID is made from the address, so that a VF keeps it: RFC 4122 version 5 in the namespace for
 * X.500 names. */
static void write_vgpu_uuid(struct attributes *attributes, const char *address)
{
	char text[UUID_STR_LEN];
	uuid_t uuid;

	uuid_generate_sha1(uuid, *uuid_get_template("x500"), address, strlen(address));
	uuid_unparse_lower(uuid, text);
	attribute(attributes, "UUID", "%s", text);
}

static void write_vgpu(struct attributes *attributes, const struct pci_device *device)
{
	char *profiles = NULL;
	size_t size = 0;
	FILE *list = open_memstream(&profiles, &size);

	if (list) {
		for (size_t i = 0; i < device->vgpu_type_count; i++) {
			const struct vgpu_type *type = &device->vgpu_types[i];

			fprintf(list, type->name ? "%s%s (%s)" : "%s%s", i ? "," : "", type->id,
				type->name);
		}
		fclose(list);
	}
	attribute(attributes, "PROFILES", "%s", profiles ? profiles : "");
	attribute(attributes, "MDEV_MODE", "%s", device->present & HAS_MDEV ? "legacy" : "nvidia");
	free(profiles);
}

static void write_device_name(struct attributes *attributes, const struct config *config,
			      const struct pci_device *device, const char *address)
{
	const char *vendor = device->vendor_name ? device->vendor_name : "Vendor";
	const char *name = device->device_name ? device->device_name : "Device";

	if (!is_nvidia(config, device)) {
		attribute(attributes, "DEVICE_NAME", "%s", name);
	} else if (device->sriov.role == SRIOV_VF) {
		attribute(attributes, "DEVICE_NAME", "NVIDIA vGPU device");
		write_vgpu_uuid(attributes, address);
		write_vgpu(attributes, device);
	} else {
		attribute(attributes, "DEVICE_NAME", "%s %s", vendor, name);
	}
}

static void write_device(FILE *out, const struct report *report, const struct pci_device *device,
			 const struct sysdir *cache, const char *rules)
{
	struct attributes attributes = {.out = out, .between = ""};
	const struct pci_address *a = &device->address;
	char short_address[ADDRESS_SIZE], address[ADDRESS_SIZE], interface[IF_NAMESIZE];

	snprintf(address, sizeof(address), "%04x:%02x:%02x:%x", a->domain, a->bus, a->slot,
		 a->function & 7u);
	address_format_short(a, short_address);
	fputs("PCI = [\n", out);
	attribute(&attributes, "TYPE", "%04x:%04x:%04x", device->vendor, device->device,
		  device->class);
	attribute(&attributes, "VENDOR", "%04x", device->vendor);
	attribute(&attributes, "VENDOR_NAME", "%s",
		  device->vendor_name ? device->vendor_name : "Vendor");
	attribute(&attributes, "DEVICE", "%04x", device->device);
	attribute(&attributes, "CLASS", "%04x", device->class);
	attribute(&attributes, "CLASS_NAME", "%s",
		  device->class_name ? device->class_name : "Class");
	attribute(&attributes, "ADDRESS", "%s", address);
	attribute(&attributes, "SHORT_ADDRESS", "%s", short_address);
	attribute(&attributes, "DOMAIN", "%04x", a->domain);
	attribute(&attributes, "BUS", "%02x", a->bus);
	attribute(&attributes, "SLOT", "%02x", a->slot);
	attribute(&attributes, "FUNCTION", "%x", a->function);
	if (device->present & HAS_NUMA_NODE)
		attribute(&attributes, "NUMA_NODE", "%u", device->numa_node);
	else
		attribute(&attributes, "NUMA_NODE", "-");
	attribute(&attributes, "IFNAME", "%s",
		  ifname_find(cache, rules, device, interface) ? interface : "-");
	write_sriov(&attributes, device);
	write_device_name(&attributes, probe_config(report->probe), device, address);
	fputs("\n]\n", out);
}

/* OpenNebula's own id of the VM; another's name is none of its business to count with. */
static const char *opennebula_id(const struct owner *owner)
{
	return owner->frontend && strcmp(owner->frontend, "opennebula") == 0 ? owner->frontend_id
									     : "";
}

static void write_owner(FILE *out, const struct pci_device *device, const struct owner *owner)
{
	struct attributes attributes = {.out = out, .between = ""};
	const struct pci_address *a = &device->address;

	fputs("PCI_USAGE = [\n", out);
	attribute(&attributes, "ADDRESS", "%04x:%02x:%02x:%x", a->domain, a->bus, a->slot,
		  a->function & 7u);
	attribute(&attributes, "STATE", "%s",
		  device_has_conflict(device) ? "conflict" : ownership_name(device->ownership));
	attribute(&attributes, "VM_ID", "%s", opennebula_id(owner));
	attribute(&attributes, "VM_NAME", "%s", owner->name ? owner->name : "");
	attribute(&attributes, "UUID", "%s", owner->uuid ? owner->uuid : "");
	attribute(&attributes, "SOURCE", "%s", owner->source);
	fputs("\n]\n", out);
}

/* An attribute of its own, beside PCI: a VMID inside of that the frontend would take for an
 * allocation. The empty one clears what the frontend has from the time before. */
static void write_usage(FILE *out, const struct inventory *inventory)
{
	bool any = false;

	inventory_foreach(inventory, device)
		for (size_t i = 0; i < device->owner_count; i++) {
			write_owner(out, device, &device->owners[i]);
			any = true;
		}
	if (!any)
		fputs("PCI_USAGE = []\n", out);
}

int write_onehost(const struct report *report, FILE *out)
{
	char address[ADDRESS_SIZE], vm[64];

	if (report->headings)
		fprintf(out, "%10s %-8s %-15s %s\n", "VM", "ADDR", "TYPE", "NAME");
	inventory_foreach(report->inventory, device) {
		const struct owner *owner = device->owner_count ? &device->owners[0] : NULL;

		/* a device that nobody could look for isn't free */
		snprintf(vm, sizeof(vm), "%s",
			 device_has_conflict(device)		  ? "conflict"
			 : device->ownership == OWNERSHIP_UNKNOWN ? "?"
			 : !owner				  ? ""
			 : owner->frontend_id			  ? owner->frontend_id
			 : owner->name				  ? owner->name
								  : owner->program);
		for (size_t length = strlen(vm); length < 10; length++)
			fputc(' ', out);
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
	_cleanup_sysdir_ struct sysdir cache = {.fd = -1};
	char *rules = ifname_read_rules(root);

	/* most hosts have none, and then it isn't looked for again for each device */
	sysdir_open(sysroot_dir(root), IFNAME_CACHE, &cache);
	inventory_foreach(report->inventory, device)
		if (!opennebula_leaves_out(probe_config(report->probe), device))
			write_device(out, report, device, &cache, rules);
	free(rules);
	if (report->usage)
		write_usage(out, report->inventory);
	return 0;
}
