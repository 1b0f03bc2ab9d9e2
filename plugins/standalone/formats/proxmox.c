/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proxmox and proxmox-mapping: hostpci lines of a VM of Proxmox VE, and mappings of the aliases for
 * /etc/pve/mapping/pci.cfg. Sources: qemu-server's PVE/QemuServer/PCI.pm, pve-guest-common's
 * PVE/Mapping/PCI.pm and pve-common's PVE/SectionConfig.pm. */
#include "plugins/standalone/formats/devicecomment.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/driver.h"
#include "probe/ownership/pve.h"
#include "probe/pool.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* Whether a VM can get the whole device without taking it, or a member of its group, from the host.
 */
static bool is_offered(const struct pci_device *device)
{
	return device_is_assignable(device) && (device->present & HAS_IOMMU_GROUP) &&
	       !device->nonviable_peers.count;
}

/* ---- hostpci lines ---- */

/* The type of the vGPU that an NVIDIA VF has; Proxmox VE sets it again when the VM starts. */
static bool has_vgpu_type(const struct pci_device *device)
{
	return device->vgpu_type && strcmp(device->vgpu_type, "0") != 0 &&
	       !device->vgpu_type[strspn(device->vgpu_type, DIGITS)];
}

/* Proxmox VE binds devices to vfio-pci, unless told to keep the driver, which qemu-server supports
 * since 9.0.25. */
static bool is_variant(const struct pci_device *device)
{
	return device->driver && driver_is_vfio(device->driver) &&
	       strcmp(device->driver, "vfio-pci") != 0;
}

int write_proxmox(const struct report *report, FILE *out)
{
	char address[ADDRESS_SIZE];
	unsigned index = 0;

	inventory_foreach(report->inventory, device) {
		if (!is_offered(device)) {
			devicecomment_write(out, "# ", device);
			continue;
		}
		address_format(&device->address, address);
		if (index == PVE_HOSTPCI_MAX) {
			fprintf(out, "# %s omitted: a VM can have %u devices\n", address,
				PVE_HOSTPCI_MAX);
			continue;
		}
		fprintf(out, "hostpci%u: %s", index++, address);
		if (has_vgpu_type(device))
			fprintf(out, ",mdev=nvidia-%s", device->vgpu_type);
		else if (is_variant(device))
			fputs(",driver=keep", out);
		fputc('\n', out);
	}
	return 0;
}

/* ---- mappings ---- */

#define ID_SIZE 80 /* longer than any alias with a prefix */

/* Makes the id of a mapping, which begins with a letter, has at least two characters, and no '.'
 * and
 * '+', as the names of aliases may. */
static void make_id(const char *alias, char id[static ID_SIZE])
{
	snprintf(id, ID_SIZE, "%s%s", isalpha((unsigned char)*alias) && alias[1] ? "" : "pci-",
		 alias);
	for (char *p = id; (p = strpbrk(p, ".+"));)
		*p = '_';
}

/* The earlier of POOLS, up to POOL, that has the same id; NULL if there is none. */
static const struct pool *find_same_id(const struct pool *pools, const struct pool *pool)
{
	char id[ID_SIZE], other[ID_SIZE];

	make_id(pool->alias, id);
	for (; pools < pool; pools++) {
		make_id(pools->alias, other);
		if (strcmp(id, other) == 0)
			return pools;
	}
	return NULL;
}

/* What Proxmox VE checks against the mapping's property mdev: whether the device has a directory of
 * the mdev framework, or of NVIDIA's own. */
static bool has_mdevs(const struct pci_device *device)
{
	return (device->present & HAS_MDEV) || device->vgpu_type || device->vgpu_type_count;
}

/* Whether DEVICE can be in a mapping; otherwise writes why not. Proxmox VE binds any device of a
 * mapping to vfio-pci, even one that the host works with. Those with mediated devices keep their
 * driver. */
static bool check_mappable(FILE *out, const struct pci_device *device, bool mdev)
{
	char address[ADDRESS_SIZE];

	if (has_mdevs(device) != mdev) {
		fprintf(out, "# %s omitted: %s mediated devices, unlike the first device\n",
			address_format(&device->address, address), mdev ? "without" : "with");
		return false;
	}
	if (mdev || is_offered(device))
		return true;
	devicecomment_write(out, "# ", device);
	return false;
}

/* The keys are sorted, as in files that Proxmox VE has written. */
static void write_map(FILE *out, const struct pci_device *device, const char *node)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "\tmap id=%04x:%04x", device->vendor, device->device);
	if (device->present & HAS_IOMMU_GROUP)
		fprintf(out, ",iommugroup=%u", device->iommu_group);
	fprintf(out, ",node=%s,path=%s", node, address_format(&device->address, address));
	/* required even if it is 0000:0000 */
	fprintf(out, ",subsystem-id=%04x:%04x\n", device->subsystem_vendor,
		device->subsystem_device);
}

static void write_mapping(FILE *out, const struct inventory *inventory, const char *alias,
			  const char *node)
{
	const struct pci_device *first = NULL;
	char id[ID_SIZE];

	make_id(alias, id);
	inventory_foreach(inventory, device) {
		bool mdev = has_mdevs(first ? first : device);

		if (!strings_has(&device->aliases, alias) || device_is_bridge(device) ||
		    !check_mappable(out, device, mdev))
			continue;
		if (!first)
			fprintf(out, "%s\n%s", id, mdev ? "\tmdev 1\n" : "");
		first = device;
		write_map(out, device, node);
	}
	fputs(first ? "\n" : "", out);
}

int write_proxmox_mapping(const struct report *report, FILE *out)
{
	char node[PVE_NODE_SIZE];
	struct pool *pools;
	size_t count;
	int error = pools_count(probe_config(report->probe), report->inventory, &pools, &count);

	if (error < 0)
		return error;
	if (!pve_node_name(report->inventory->host, node)) {
		fputs("# the host name is not valid as the name of a node\n", out);
		count = 0;
	} else if (!count) {
		fputs("# pci.conf defines no aliases (:alias:)\n", out);
	}
	for (size_t i = 0; i < count; i++) {
		const struct pool *same = find_same_id(pools, &pools[i]);

		if (same)
			fprintf(out, "# %s omitted: its id would be that of %s\n", pools[i].alias,
				same->alias);
		else if (!pools[i].total)
			fprintf(out, "# %s matches no selected device\n", pools[i].alias);
		else
			write_mapping(out, report->inventory, pools[i].alias, node);
	}
	free(pools);
	return 0;
}
