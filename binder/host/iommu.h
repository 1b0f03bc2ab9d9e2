/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's IOMMU: whether the kernel uses one, whether the firmware has told of one, and whose
 * it is. Sources: the kernel's Documentation/ABI/testing/sysfs-class-iommu and
 * sysfs-kernel-iommu_groups, drivers/iommu/{intel,amd}; the names of the ACPI tables are those of
 * Intel's VT-d and AMD's IOMMU specifications. */
#ifndef PCIPROBE_BINDER_HOST_IOMMU_H
#define PCIPROBE_BINDER_HOST_IOMMU_H

#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

enum iommu_maker {
	IOMMU_OTHER, /* neither of those, or nobody knows */
	IOMMU_INTEL,
	IOMMU_AMD,
};

struct iommu {
	enum iommu_maker maker; /* by the unit in use, the firmware's table or the processor, the
				   first that tells */
	struct strings units;	/* "dmar0", "ivhd0", "smmu3.0x...": those the kernel uses */
	unsigned groups;	/* how many it has made; none: it uses no IOMMU */
	unsigned fake_groups;	/* those of vfio's no-IOMMU mode, which isolate nothing */
	int groups_error;	/* a negative errno when that could not be seen */
	bool has_tables;	/* the firmware's tables could be listed */
	const char *table; /* which of them tells of an IOMMU: "DMAR", "IVRS", ...; NULL: none */
	bool is_guest;	   /* the processor says that this machine is itself a VM */
};

/* Free it with iommu_free. Returns 0 or -ENOMEM. */
int iommu_read(struct sysroot *root, struct iommu *ret);
void iommu_free(struct iommu *iommu);

/* Whether devices have groups. False too when that could not be seen. */
bool iommu_is_on(const struct iommu *iommu);

#endif
