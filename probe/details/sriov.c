/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical and virtual functions. Source: the kernel's Documentation/ABI/testing/sysfs-bus-pci. */
#include "probe/details/attribute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void free_pfs(struct details_reader *reader)
{
	for (size_t i = 0; i < reader->pf_count; i++)
		free(reader->pfs[i].vfs);
	free(reader->pfs);
}

/* Returns a list for the VFs of the device that is read, or NULL without memory. */
static struct pf_vfs *add_pf(struct details_reader *reader)
{
	struct pf_vfs *tmp = reallocarray(reader->pfs, reader->pf_count + 1, sizeof(*tmp));

	if (!tmp) {
		reader->no_memory = true;
		return NULL;
	}
	reader->pfs = tmp;
	tmp += reader->pf_count++;
	*tmp = (struct pf_vfs){.pf = reader->device->address};
	return tmp;
}

static bool add_vf(struct pf_vfs *list, const char *address)
{
	struct pci_address *tmp;

	/* a power of 2: the capacity is used up */
	if (!(list->count & (list->count - 1))) {
		tmp = reallocarray(list->vfs, list->count ? list->count * 2 : 1, sizeof(*tmp));
		if (!tmp)
			return false;
		list->vfs = tmp;
	}
	list->vfs[list->count] = (struct pci_address){0};
	address_parse_full(address, &list->vfs[list->count++]);
	return true;
}

/* Returns NULL if the PF was not read. */
static struct pf_vfs *find_pf(struct details_reader *reader, const struct pci_address *pf)
{
	for (size_t i = 0; i < reader->pf_count; i++) {
		/* VFs of a PF are mostly adjacent */
		size_t at = (reader->last_pf + i) % reader->pf_count;

		if (address_compare(&reader->pfs[at].pf, pf) == 0) {
			reader->last_pf = at;
			return &reader->pfs[at];
		}
	}
	return NULL;
}

/* Finds the index without a system call. */
static bool known_vf_index(struct details_reader *reader, unsigned *ret)
{
	const struct pci_device *device = reader->device;
	struct pf_vfs *list = find_pf(reader, &device->sriov.pf);

	for (unsigned i = 0; list && i < list->count; i++) {
		unsigned index = (list->next + i) % list->count;

		if (address_compare(&list->vfs[index], &device->address) == 0) {
			list->next = index + 1;
			*ret = index;
			return true;
		}
	}
	return false;
}

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
	if (known_vf_index(reader, &device->sriov.vf_index)) {
		device->present |= HAS_VF_INDEX;
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
	struct pf_vfs *list = add_pf(reader);
	char name[32], target[ADDRESS_SIZE];

	while (list && list->count < UINT16_MAX) {
		snprintf(name, sizeof(name), "virtfn%u", list->count);
		if (!attribute_link_name(reader, name, target, sizeof(target)))
			break;
		if (!add_vf(list, target)) {
			reader->no_memory = true;
			break;
		}
	}
	return list ? list->count : 0;
}

/* On a live machine the links are counted, because the kernel takes the device lock to read
 * sriov_numvfs. A process that removes VFs while a VM uses one holds that lock until the VM ends. A
 * recording may have only sriov_numvfs, or only links. */
static void read_enabled(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	unsigned long number;
	unsigned count;
	bool is_host = sysroot_is_host(reader->dir.root), is_pf = device->present & HAS_VFS_TOTAL;
	bool recorded = !is_host &&
			attribute_number(reader, "sriov_numvfs", 10, UINT16_MAX, &number);

	if (is_host && !is_pf)
		return;
	count = count_virtfns(reader);
	if (count)
		device->present |= HAS_VIRTFN;
	if (!recorded && !is_pf)
		return;
	device->sriov.vfs_enabled = recorded ? (unsigned)number : count;
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
