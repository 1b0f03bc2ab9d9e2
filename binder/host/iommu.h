/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's IOMMU: whether the kernel uses it, whether the firmware declares it, and its vendor.
 * Sources: the kernel's Documentation/ABI/testing/sysfs-class-iommu and
 * sysfs-kernel-iommu_groups, and drivers/iommu/{intel,amd}; for the ACPI tables Intel's VT-d and
 * AMD's IOMMU specifications. */
#ifndef PCIPROBE_BINDER_HOST_IOMMU_H
#define PCIPROBE_BINDER_HOST_IOMMU_H

#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

enum iommu_vendor {
	IOMMU_OTHER, /* another vendor, or unknown */
	IOMMU_INTEL,
	IOMMU_AMD,
};

struct iommu {
	enum iommu_vendor vendor; /* of the unit in use, else by ACPI table, else by CPU */
	struct strings units;	  /* units in use: "dmar0", "ivhd0", "smmu3.0x..." */
	unsigned groups;	  /* number of IOMMU groups; 0 if the kernel uses no IOMMU */
	unsigned noiommu_groups;  /* groups of VFIO's no-IOMMU mode, which provide no isolation */
	int groups_error;	  /* negative errno if the groups could not be listed, else 0 */
	bool has_tables;	  /* the firmware's ACPI tables are visible */
	const char *table;	  /* the one that declares an IOMMU: "DMAR", "IVRS", ...; or NULL */
	bool is_guest;		  /* this machine is a VM, according to the CPU flags */
};

/* Reads the state into *ret, which the caller frees with iommu_free. Missing or unreadable files
 * are reflected in its fields. Returns 0 or -ENOMEM. */
int iommu_read(struct sysroot *root, struct iommu *ret);
void iommu_free(struct iommu *iommu);

/* Whether the kernel uses an IOMMU. False if that could not be determined (groups_error). */
bool iommu_is_on(const struct iommu *iommu);

#endif
