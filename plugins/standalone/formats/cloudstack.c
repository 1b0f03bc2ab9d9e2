/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cloudstack: the output of CloudStack's script scripts/vm/hypervisor/kvm/gpudiscovery.sh (4.21 and
 * 4.22), which its agent reads. One line per device. VFs are listed in their PF, mediated devices
 * in their parent device or, if that is a VF, in its PF. */
#include "common/jsonvalue.h"
#include "plugins/standalone/formats/cloudstack-user.h"
#include "plugins/standalone/formats/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Parses the number after KEY in an mdev type's description, e.g. NVIDIA's "num_heads=4,
 * frl_config=45, framebuffer=4096M, max_resolution=4096x2160, max_instance=4". Sets *end to the
 * first character after it. */
static bool find_number(const char *description, const char *key, unsigned long *ret,
			const char **end)
{
	const char *found = description ? strstr(description, key) : NULL;
	char *tail;

	if (!found)
		return false;
	found += strlen(key);
	if (*found < '0' || *found > '9')
		return false;
	errno = 0;
	*ret = strtoul(found, &tail, 10);
	*end = tail;
	return !errno && *ret <= INT32_MAX;
}

static int add_optional(struct json_object *object, const char *key, bool known,
			unsigned long number)
{
	if (!known)
		return jsonvalue_add_null(object, key);
	return jsonvalue_add(object, key, json_object_new_uint64(number));
}

static int add_number(struct json_object *object, const char *key, const char *description,
		      const char *name)
{
	unsigned long number = 0;
	const char *end;
	bool known = find_number(description, name, &number, &end);

	return add_optional(object, key, known, number);
}

/* DESCRIPTION is NULL for a whole device. */
static int add_vgpu_limits(struct json_object *object, const char *description)
{
	unsigned long x = 0, y = 0;
	const char *end;
	bool known = find_number(description, "max_resolution=", &x, &end) &&
		     find_number(end, "x", &y, &end);
	int error = add_number(object, "max_instances", description, "max_instance=");

	if (!error)
		error = add_number(object, "video_ram", description, "framebuffer=");
	if (!error)
		error = add_number(object, "max_heads", description, "num_heads=");
	if (!error)
		error = add_optional(object, "max_resolution_x", known, x);
	return error ? error : add_optional(object, "max_resolution_y", known, y);
}

static int __attribute__((format(printf, 3, 4)))
add_format(struct json_object *object, const char *key, const char *format, ...)
{
	struct json_object *value;
	char *string;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&string, format, args);
	va_end(args);
	if (length < 0)
		return -ENOMEM;
	value = jsonvalue_string(string);
	free(string);
	return jsonvalue_add(object, key, value);
}

static int add_libvirt_address(struct json_object *object, const struct pci_address *address)
{
	struct json_object *value = json_object_new_object();
	int error = jsonvalue_add(object, "libvirt_address", value);

	if (!error)
		error = add_format(value, "domain", "0x%04x", address->domain);
	if (!error)
		error = add_format(value, "bus", "0x%02x", address->bus);
	if (!error)
		error = add_format(value, "slot", "0x%02x", address->slot);
	return error ? error : add_format(value, "function", "0x%x", address->function & 7u);
}

/* The owners of a device that is not selected have not been read. */
static int add_user(struct json_object *object, const struct report *report,
		    const struct pci_device *device, const char *mdev)
{
	char *user = NULL;
	int error = device->selected ? cloudstack_user(report->inventory, device, mdev, &user) : 0;

	if (!error)
		error = user ? jsonvalue_add(object, "used_by_vm", jsonvalue_string(user))
			     : jsonvalue_add_null(object, "used_by_vm");
	free(user);
	return error;
}

static int add_mdev(struct json_object *list, const struct report *report,
		    const struct pci_device *device, const struct mdev *mdev)
{
	const char *profile = mdev->name ? mdev->name : mdev->type ? mdev->type : "";
	struct json_object *object = json_object_new_object();
	int error = jsonvalue_append(list, object);

	if (!error)
		error = jsonvalue_add(object, "mdev_uuid", jsonvalue_string(mdev->uuid));
	if (!error)
		error = jsonvalue_add(object, "profile_name", jsonvalue_string(profile));
	if (!error)
		error = add_vgpu_limits(object, mdev->description);
	if (!error)
		error = add_libvirt_address(object, &device->address);
	return error ? error : add_user(object, report, device, mdev->uuid);
}

static bool is_vf_of(const struct pci_device *device, const struct pci_device *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0;
}

/* The name of a vGPU type. A VF that has one no longer lists it; the lists of the PF's other VFs
 * may. */
static const char *find_type_name(const struct inventory *inventory, const struct pci_device *pf,
				  const char *id)
{
	inventory_foreach(inventory, device) {
		if (!is_vf_of(device, pf))
			continue;
		for (size_t i = 0; i < device->vgpu_type_count; i++)
			if (device->vgpu_types[i].name && strcmp(device->vgpu_types[i].id, id) == 0)
				return device->vgpu_types[i].name;
	}
	return id;
}

/* In NVIDIA's vendor-specific framework, type 0 is a VF without a vGPU. */
static const char *find_profile(const struct inventory *inventory, const struct pci_device *pf,
				const struct pci_device *vf)
{
	if (vf->vgpu_type)
		return strcmp(vf->vgpu_type, "0") == 0
			       ? ""
			       : find_type_name(inventory, pf, vf->vgpu_type);
	return vf->device_name ? vf->device_name : "Device";
}

static int add_vf(struct json_object *list, const struct report *report,
		  const struct pci_device *pf, const struct pci_device *vf)
{
	struct json_object *object = json_object_new_object();
	char address[ADDRESS_SIZE];
	int error = jsonvalue_append(list, object);

	if (!error)
		error = jsonvalue_add(
			object, "vf_pci_address",
			jsonvalue_string(address_format_short(&vf->address, address)));
	if (!error)
		error = jsonvalue_add(object, "vf_profile",
				      jsonvalue_string(find_profile(report->inventory, pf, vf)));
	if (!error)
		error = add_vgpu_limits(object, NULL);
	if (!error)
		error = add_libvirt_address(object, &vf->address);
	return error ? error : add_user(object, report, vf, NULL);
}

/* A VF with mediated devices cannot be assigned as a whole: only those are listed. */
static int add_instances(struct json_object *object, const struct report *report,
			 const struct pci_device *device)
{
	struct json_object *mdevs = json_object_new_array(), *vfs = json_object_new_array();
	int error = jsonvalue_add(object, "vgpu_instances", mdevs);
	int vf_error = jsonvalue_add(object, "vf_instances", vfs); /* which frees VFS on failure */

	error = error ? error : vf_error;
	for (size_t i = 0; i < device->mdev_count && !error; i++)
		error = add_mdev(mdevs, report, device, &device->mdevs[i]);
	inventory_foreach(report->inventory, vf) {
		if (error || !is_vf_of(vf, device))
			continue;
		for (size_t i = 0; i < vf->mdev_count && !error; i++)
			error = add_mdev(mdevs, report, vf, &vf->mdevs[i]);
		if (!error && !vf->mdev_count)
			error = add_vf(vfs, report, device, vf);
	}
	return error;
}

/* Disabled for a device with VFs or mediated devices, which are assigned instead, and for a PF that
 * is not selected. */
static int add_passthrough(struct json_object *object, const struct report *report,
			   const struct pci_device *device)
{
	struct json_object *passthrough = json_object_new_object(), *mdevs = NULL;
	bool whole = device->selected && !device->sriov.vfs_enabled &&
		     !(device->present & HAS_VIRTFN);
	int error = jsonvalue_add(object, "full_passthrough", passthrough);

	json_object_object_get_ex(object, "vgpu_instances", &mdevs);
	whole = whole && json_object_array_length(mdevs) == 0;
	if (!error)
		error = jsonvalue_add(passthrough, "enabled", json_object_new_int(whole));
	if (!error)
		error = add_libvirt_address(passthrough, &device->address);
	return error ? error : add_user(passthrough, report, device, NULL);
}

/* Ancestors and NUMA node are read only for selected devices: a PF that is not selected has those
 * of its VFs. */
static const struct pci_device *topology_device(const struct inventory *inventory,
						const struct pci_device *device)
{
	if (device->selected)
		return device;
	inventory_foreach(inventory, vf)
		if (is_vf_of(vf, device))
			return vf;
	return device;
}

static int add_ids(struct json_object *object, const struct report *report,
		   const struct pci_device *device)
{
	struct names *names = probe_names(report->probe);
	const char *vendor = names_vendor(names, device->vendor),
		   *class = names_class(names, device->class);
	const char *name = names_device(names, device->vendor, device->device);
	char address[ADDRESS_SIZE];
	int error;

	error = jsonvalue_add(object, "pci_address",
			      jsonvalue_string(address_format_short(&device->address, address)));
	if (!error)
		error = add_format(object, "vendor_id", "%04x", device->vendor);
	if (!error)
		error = add_format(object, "device_id", "%04x", device->device);
	if (!error)
		error = jsonvalue_add(object, "vendor",
				      jsonvalue_string(vendor ? vendor : "Vendor"));
	if (!error)
		error = jsonvalue_add(object, "device", jsonvalue_string(name ? name : "Device"));
	if (!error)
		error = jsonvalue_add(object, "driver",
				      jsonvalue_string(device->driver ? device->driver
								      : "unknown"));
	return error ? error
		     : add_format(object, "pci_class", "%s [%04x]", class ? class : "Class",
				  device->class);
}

static int add_topology(struct json_object *object, const struct pci_device *device,
			const struct pci_device *topology)
{
	char root[ADDRESS_SIZE];
	int error;

	if (device->present & HAS_IOMMU_GROUP)
		error = add_format(object, "iommu_group", "%u", device->iommu_group);
	else
		error = add_format(object, "iommu_group", "null");
	address_format(topology->ancestor_count ? &topology->ancestors[0] : &device->address, root);
	if (!error)
		error = add_format(object, "pci_root", "%s", root);
	if (!error)
		error = jsonvalue_add(object, "numa_node",
				      json_object_new_int64(topology->present & HAS_NUMA_NODE
								    ? (int64_t)topology->numa_node
								    : -1));
	if (!error)
		error = jsonvalue_add(object, "sriov_totalvfs",
				      json_object_new_uint64(device->sriov.vfs_total));
	return error ? error
		     : jsonvalue_add(object, "sriov_numvfs",
				     json_object_new_uint64(device->sriov.vfs_enabled));
}

static int write_device(FILE *out, const struct report *report, const struct pci_device *device)
{
	struct json_object *object = json_object_new_object();
	int error = object ? add_ids(object, report, device) : -ENOMEM;

	if (!error)
		error = add_topology(object, device, topology_device(report->inventory, device));
	if (!error)
		error = add_vgpu_limits(object, NULL);
	if (!error)
		error = add_instances(object, report, device);
	if (!error)
		error = add_passthrough(object, report, device);
	return jsonvalue_write(out, object, error);
}

/* Bridges are omitted, and VFs are listed in their PF even if that is not selected. */
static bool has_own_line(const struct inventory *inventory, const struct pci_device *device)
{
	if (device_is_bridge(device))
		return false;
	if (device->selected)
		return !(device->present & HAS_PF) || !inventory_find(inventory, &device->sriov.pf);
	return topology_device(inventory, device) != device;
}

int write_cloudstack(const struct report *report, FILE *out)
{
	const struct inventory *inventory = report->inventory;
	const char *separator = "\n";

	fputs("{ \"gpus\": [", out);
	for (size_t i = 0; i < inventory->count; i++) {
		int error;

		if (!has_own_line(inventory, &inventory->devices[i]))
			continue;
		fputs(separator, out);
		error = write_device(out, report, &inventory->devices[i]);
		if (error)
			return error;
		separator = ",\n";
	}
	fputs("\n] }\n", out);
	return 0;
}
