/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cloudstack: the output of CloudStack's script scripts/vm/hypervisor/kvm/gpudiscovery.sh (4.21 and
 * 4.22), which its agent reads. One line per device. VFs are listed in their PF, mediated devices
 * in their parent device or, if that is a VF, in its PF. */
#include "common/jsonvalue.h"
#include "plugins/standalone/formats/cloudstack-user.h"
#include "plugins/standalone/formats/vgpuprofile.h"
#include "plugins/standalone/formats/writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Parses the number after KEY in an mdev type's description, e.g. NVIDIA's "num_heads=4,
 * frl_config=45, framebuffer=4096M, max_resolution=4096x2160, max_instance=4". Returns the first
 * character after it, or NULL if it is not there. */
static const char *read_number(const char *description, const char *key, struct vgpu_limit *ret)
{
	const char *found = description ? strstr(description, key) : NULL;
	char *tail;

	if (!found)
		return NULL;
	found += strlen(key);
	if (*found < '0' || *found > '9')
		return NULL;
	errno = 0;
	ret->number = strtoul(found, &tail, 10);
	ret->known = !errno;
	return ret->known ? tail : NULL;
}

/* The agent reads integers of 32 bits. */
static void add_limit(struct json_object *object, const char *key, const struct vgpu_limit *limit,
		      int *error)
{
	if (limit->known && limit->number <= INT32_MAX)
		jsonvalue_add(object, key, json_object_new_uint64(limit->number), error);
	else
		jsonvalue_add_string(object, key, NULL, error);
}

static void add_limits(struct json_object *object, const struct vgpu_limits *limits, int *error)
{
	add_limit(object, "max_instances", &limits->max_instances, error);
	add_limit(object, "video_ram", &limits->video_ram, error);
	add_limit(object, "max_heads", &limits->max_heads, error);
	add_limit(object, "max_resolution_x", &limits->max_resolution_x, error);
	add_limit(object, "max_resolution_y", &limits->max_resolution_y, error);
}

/* Adds the limits in an mdev type's DESCRIPTION. */
static void add_described_limits(struct json_object *object, const char *description, int *error)
{
	struct vgpu_limits limits = {0};
	const char *end;

	read_number(description, "max_instance=", &limits.max_instances);
	read_number(description, "framebuffer=", &limits.video_ram);
	read_number(description, "num_heads=", &limits.max_heads);
	end = read_number(description, "max_resolution=", &limits.max_resolution_x);
	if (!end || *end != 'x' || !read_number(end, "x", &limits.max_resolution_y))
		limits.max_resolution_x.known = limits.max_resolution_y.known = false;
	add_limits(object, &limits, error);
}

static void __attribute__((format(printf, 4, 5)))
add_format(struct json_object *object, const char *key, int *error, const char *format, ...)
{
	char *string;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&string, format, args);
	va_end(args);
	if (length < 0) {
		*error = -ENOMEM;
		return;
	}
	jsonvalue_add_string(object, key, string, error);
	free(string);
}

static void add_libvirt_address(struct json_object *object, const struct pci_address *address,
				int *error)
{
	struct json_object *value = json_object_new_object();

	add_format(value, "domain", error, "0x%04x", address->domain);
	add_format(value, "bus", error, "0x%02x", address->bus);
	add_format(value, "slot", error, "0x%02x", address->slot);
	add_format(value, "function", error, "0x%x", address->function & 7u);
	jsonvalue_add(object, "libvirt_address", value, error);
}

/* The owners of a device that is not selected have not been read. */
static void add_user(struct json_object *object, const struct report *report,
		     const struct pci_device *device, const char *mdev, int *error)
{
	char *user = NULL;

	if (device->selected && cloudstack_user(report->inventory, device, mdev, &user) < 0)
		*error = -ENOMEM;
	jsonvalue_add_string(object, "used_by_vm", user, error);
	free(user);
}

static void add_mdev(struct json_object *list, const struct report *report,
		     const struct pci_device *device, const struct mdev *mdev, int *error)
{
	const char *profile = mdev->name ? mdev->name : mdev->type ? mdev->type : "";
	struct json_object *object = json_object_new_object();

	jsonvalue_add_string(object, "mdev_uuid", mdev->uuid, error);
	jsonvalue_add_string(object, "profile_name", profile, error);
	add_described_limits(object, mdev->description, error);
	add_libvirt_address(object, &device->address, error);
	add_user(object, report, device, mdev->uuid, error);
	jsonvalue_append(list, object, error);
}

static bool is_vf_of(const struct pci_device *device, const struct pci_device *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0;
}

/* Adds the profile of a VF: the name of its vGPU type, or else that of the device. In NVIDIA's
 * vendor-specific framework, type 0 is a VF without a vGPU. The profile of a type whose name is not
 * known is empty, too: the management server would look it up by its number. */
static void add_profile(struct json_object *object, const struct vgpu_profiles *profiles,
			const struct pci_device *pf, const struct pci_device *vf, int *error)
{
	const char *name = vf->device_name ? vf->device_name : "Device";
	struct vgpu_limits limits = {0};
	char *found = NULL;

	if (vf->vgpu_type) {
		found = vgpu_profiles_find(profiles, pf, vf->vgpu_type, &limits);
		if (!found && errno == ENOMEM)
			*error = -ENOMEM;
		name = found ? found : "";
	}
	jsonvalue_add_string(object, "vf_profile", name, error);
	add_limits(object, &limits, error);
	free(found);
}

static void add_vf(struct json_object *list, const struct report *report,
		   const struct vgpu_profiles *profiles, const struct pci_device *pf,
		   const struct pci_device *vf, int *error)
{
	struct json_object *object = json_object_new_object();
	char address[ADDRESS_SIZE];

	jsonvalue_add_string(object, "vf_pci_address", address_format_short(&vf->address, address),
			     error);
	add_profile(object, profiles, pf, vf, error);
	add_libvirt_address(object, &vf->address, error);
	add_user(object, report, vf, NULL, error);
	jsonvalue_append(list, object, error);
}

/* Sets *ret_mdevs to whether there are mediated devices. A VF with some cannot be assigned as a
 * whole: only those are listed. */
static void add_instances(struct json_object *object, const struct report *report,
			  const struct vgpu_profiles *profiles, const struct pci_device *device,
			  bool *ret_mdevs, int *error)
{
	struct json_object *mdevs = json_object_new_array(), *vfs = json_object_new_array();

	for (size_t i = 0; i < device->mdev_count; i++)
		add_mdev(mdevs, report, device, &device->mdevs[i], error);
	inventory_foreach(report->inventory, vf) {
		if (!is_vf_of(vf, device))
			continue;
		for (size_t i = 0; i < vf->mdev_count; i++)
			add_mdev(mdevs, report, vf, &vf->mdevs[i], error);
		if (!vf->mdev_count)
			add_vf(vfs, report, profiles, device, vf, error);
	}
	*ret_mdevs = mdevs && json_object_array_length(mdevs) > 0;
	jsonvalue_add(object, "vgpu_instances", mdevs, error);
	jsonvalue_add(object, "vf_instances", vfs, error);
}

/* Disabled for a device with VFs or mediated devices, which are assigned instead, and for a PF that
 * is not selected. */
static void add_passthrough(struct json_object *object, const struct report *report,
			    const struct pci_device *device, bool has_mdevs, int *error)
{
	struct json_object *passthrough = json_object_new_object();
	bool whole = device->selected && !device->sriov.vfs_enabled &&
		     !(device->present & HAS_VIRTFN) && !has_mdevs;

	jsonvalue_add(passthrough, "enabled", json_object_new_int(whole), error);
	add_libvirt_address(passthrough, &device->address, error);
	add_user(passthrough, report, device, NULL, error);
	jsonvalue_add(object, "full_passthrough", passthrough, error);
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

static void add_ids(struct json_object *object, const struct report *report,
		    const struct pci_device *device, int *error)
{
	struct names *names = probe_names(report->probe);
	const char *vendor = names_vendor(names, device->vendor),
		   *class = names_class(names, device->class),
		   *name = names_device(names, device->vendor, device->device);
	char address[ADDRESS_SIZE];

	jsonvalue_add_string(object, "pci_address", address_format_short(&device->address, address),
			     error);
	add_format(object, "vendor_id", error, "%04x", device->vendor);
	add_format(object, "device_id", error, "%04x", device->device);
	jsonvalue_add_string(object, "vendor", vendor ? vendor : "Vendor", error);
	jsonvalue_add_string(object, "device", name ? name : "Device", error);
	jsonvalue_add_string(object, "driver", device->driver ? device->driver : "unknown", error);
	add_format(object, "pci_class", error, "%s [%04x]", class ? class : "Class", device->class);
}

static void add_topology(struct json_object *object, const struct pci_device *device,
			 const struct pci_device *topology, int *error)
{
	int64_t numa_node = topology->present & HAS_NUMA_NODE ? (int64_t)topology->numa_node : -1;
	char root[ADDRESS_SIZE];

	if (device->present & HAS_IOMMU_GROUP)
		add_format(object, "iommu_group", error, "%u", device->iommu_group);
	else
		add_format(object, "iommu_group", error, "null");
	address_format(topology->ancestor_count ? &topology->ancestors[0] : &device->address, root);
	jsonvalue_add_string(object, "pci_root", root, error);
	jsonvalue_add(object, "numa_node", json_object_new_int64(numa_node), error);
	jsonvalue_add(object, "sriov_totalvfs", json_object_new_uint64(device->sriov.vfs_total),
		      error);
	jsonvalue_add(object, "sriov_numvfs", json_object_new_uint64(device->sriov.vfs_enabled),
		      error);
}

static int write_device(FILE *out, const struct report *report,
			const struct vgpu_profiles *profiles, const struct pci_device *device)
{
	struct json_object *object = json_object_new_object();
	bool has_mdevs;
	int error = 0;

	add_ids(object, report, device, &error);
	add_topology(object, device, topology_device(report->inventory, device), &error);
	add_limits(object, &(struct vgpu_limits){0}, &error);
	add_instances(object, report, profiles, device, &has_mdevs, &error);
	add_passthrough(object, report, device, has_mdevs, &error);
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
	struct vgpu_profiles profiles;
	const char *separator = "\n";
	int error = vgpu_profiles_read(probe_sysroot(report->probe), inventory, &profiles);

	fputs("{ \"gpus\": [", out);
	for (size_t i = 0; i < inventory->count && !error; i++) {
		if (!has_own_line(inventory, &inventory->devices[i]))
			continue;
		fputs(separator, out);
		error = write_device(out, report, &profiles, &inventory->devices[i]);
		separator = ",\n";
	}
	fputs("\n] }\n", out);
	vgpu_profiles_free(&profiles);
	return error;
}
