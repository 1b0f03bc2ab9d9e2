/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the power of an unused device is cut (D3cold). Since Linux 5.19 vfio-pci suspends an
 * unused device at run time (drivers/vfio/pci/vfio_pci_core.c, disable_idle_d3); then the firmware
 * can switch off the device, or the bridges above it, that have power resources for D3
 * (Documentation/ABI/testing/sysfs-devices-power_resources_D3hot, and d3cold_allowed in
 * sysfs-bus-pci). Some devices cannot be switched on again: VMs fail with "stuck in D3". */
#include "binder/engine/devicepath.h"
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Whether PATH contains VALUE. An absent file does not; one that cannot be read is a finding. */
static bool has_value(const struct hazard_view *view, const struct pci_device *device,
		      const char *path, const char *value, struct hazard_findings *findings)
{
	char text[ATTRIBUTE_SIZE];
	ssize_t length = sysdir_read(sysroot_dir(view->root), path, text, sizeof(text));

	if (length < 0 && length != -ENOENT && length != -ENOTDIR)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "/%s: %s", path,
				    strerror((int)-length));
	return length >= 0 && strcmp(text, value) == 0;
}

/* Whether the firmware can switch off DEVICE or the bridge at ADDRESS, which is above it. */
static bool can_be_cut(const struct hazard_view *view, const struct pci_device *device,
		       const struct pci_address *address, struct hazard_findings *findings)
{
	char path[DEVICE_PATH_SIZE];
	struct stat status;

	device_path(address, "firmware_node/power_resources_D3hot", path);
	if (sysdir_stat(sysroot_dir(view->root), path, &status) < 0)
		return false;
	return address_compare(address, &device->address) == 0 ||
	       has_value(view, device, device_path(address, "power/control", path), "auto",
			 findings);
}

void hazard_find_power(const struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	char path[DEVICE_PATH_SIZE], target[PATH_MAX], address[ADDRESS_SIZE], *rest = NULL;
	struct pci_address above;

	if (!has_value(view, device, device_path(&device->address, "d3cold_allowed", path), "1",
		       findings) ||
	    has_value(view, device, "sys/module/vfio_pci/parameters/disable_idle_d3", "Y",
		      findings))
		return;
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s",
		 address_format(&device->address, address));
	if (sysdir_readlink(sysroot_dir(view->root), path, target, sizeof(target)) < 0)
		return;
	/* "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0": the bridges, then the device */
	for (char *name = strtok_r(target, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		if (address_parse_full(name, &above) < 0 ||
		    !can_be_cut(view, device, &above, findings))
			continue;
		hazard_findings_add(
			findings, HAZARD_D3COLD, device,
			"its power can be cut at %s while it is unused; if a VM then cannot use it ('stuck in D3'), write 0 to %s/sys/bus/pci/devices/%s/d3cold_allowed, or load vfio-pci with disable_idle_d3=1",
			name, sysroot_path(view->root), address);
		return;
	}
}
