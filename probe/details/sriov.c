/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical and virtual functions. Source: the kernel's Documentation/ABI/testing/sysfs-bus-pci. */
#include "probe/details/attribute.h"

#include <errno.h>
#include <stdio.h>

/* Whether virtfn<INDEX> of the PF is this device: 1 or 0, or -1 if there is no such link. Errors
 * are not logged, since the attribute belongs to the PF. */
static int is_virtfn(struct details_reader *reader, unsigned index)
{
	char name[32], target[ADDRESS_SIZE];
	struct pci_address address;
	int error;

	snprintf(name, sizeof(name), "physfn/virtfn%u", index);
	error = sysdir_link_name(&reader->dir, name, target, sizeof(target));
	if (error < 0)
		return error == -EBADMSG ? 0 : -1;
	return address_parse_full(target, &address) == 0 &&
	       address_compare(&address, &reader->device->address) == 0;
}

void read_vf_index(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	unsigned index = reader->next_vf_index;
	int found;

	if (!(device->present & HAS_PF)) {
		reader->next_vf_index = 0;
		return;
	}
	found = is_virtfn(reader, index);
	/* VFs of two PFs may alternate */
	if (found <= 0 && index > 0)
		found = is_virtfn(reader, --index);
	if (found <= 0)
		for (index = 0; index < UINT16_MAX && (found = is_virtfn(reader, index)) == 0;
		     index++)
			;
	if (found <= 0)
		return;
	device->sriov.vf_index = index;
	device->present |= HAS_VF_INDEX;
	reader->next_vf_index = index + 1;
}

/* Counts the links virtfn<n>, which the kernel numbers from 0 without gaps. */
static unsigned count_virtfns(struct details_reader *reader)
{
	char name[32], target[ADDRESS_SIZE];
	unsigned count = 0;

	do
		snprintf(name, sizeof(name), "virtfn%u", count);
	while (attribute_link_name(reader, name, target, sizeof(target)) && ++count < UINT16_MAX);
	return count;
}

/* On a live machine the links are counted, because the kernel takes the device lock to read
 * sriov_numvfs. A process that removes VFs while a VM uses one holds that lock until the VM ends. A
 * recording may have only sriov_numvfs. */
static void read_enabled(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	unsigned long number;
	unsigned count = count_virtfns(reader);

	if (count)
		device->present |= HAS_VIRTFN;
	if (!sysroot_is_host(reader->dir.root) &&
	    attribute_number(reader, "sriov_numvfs", 10, UINT16_MAX, &number))
		device->sriov.vfs_enabled = (unsigned)number;
	else if (device->present & HAS_VFS_TOTAL)
		device->sriov.vfs_enabled = count;
	else
		return;
	device->present |= HAS_VFS_ENABLED;
}

void read_sriov(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	struct sriov *sriov = &device->sriov;
	char name[ADDRESS_SIZE];
	unsigned long number;

	device->present |= HAS_SRIOV;
	if (attribute_link_name(reader, "physfn", name, sizeof(name)) &&
	    address_parse_full(name, &sriov->pf) == 0) {
		sriov->role = SRIOV_VF;
		device->present |= HAS_PF;
		return;
	}
	if (attribute_number(reader, "sriov_totalvfs", 10, UINT16_MAX, &number)) {
		sriov->vfs_total = (unsigned)number;
		device->present |= HAS_VFS_TOTAL;
	}
	read_enabled(reader);
	if (device->present & (HAS_VFS_TOTAL | HAS_VFS_ENABLED))
		sriov->role = SRIOV_PF;
}
