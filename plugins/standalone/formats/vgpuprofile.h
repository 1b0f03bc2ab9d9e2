/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVIDIA's vGPU types by number, as in nvidia/current_vgpu_type. A VF lists the types that it could
 * still get, with their names: none if the framebuffer of the GPU is used up. Then the name is in
 * vgpuConfig.xml, which NVIDIA's host driver comes with, or was seen by an earlier run. */
#ifndef PCIPROBE_STANDALONE_FORMATS_VGPUPROFILE_H
#define PCIPROBE_STANDALONE_FORMATS_VGPUPROFILE_H

#include "probe/device.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

#define VGPUPROFILE_STATE "cloudstack"
#define VGPUPROFILE_NAMES "vgpu-names" /* lines "558 NVIDIA A10-2Q" */

struct vgpu_limit {
	bool known;
	unsigned long number;
};

struct vgpu_limits {
	struct vgpu_limit max_instances; /* on one GPU */
	struct vgpu_limit video_ram;	 /* in MiB */
	struct vgpu_limit max_heads, max_resolution_x, max_resolution_y;
};

/* What the types are found in; NULL: there is no such file. */
struct vgpu_profiles {
	const struct inventory *inventory;
	char *config; /* vgpuConfig.xml */
	char *names;  /* remembered */
};

/* Reads the files below ROOT if a VF of INVENTORY has a vGPU, and remembers the names that its VFs
 * list. A file that cannot be read or written is treated as if it were absent. Returns 0 or
 * -ENOMEM; call vgpu_profiles_free in any case. */
int vgpu_profiles_read(struct sysroot *root, const struct inventory *inventory,
		       struct vgpu_profiles *ret);
void vgpu_profiles_free(struct vgpu_profiles *profiles);

/* Finds type ID of GPU. Returns a copy of its name, which the caller frees, or NULL if it
 * is not known (errno 0) or out of memory (errno ENOMEM). *RET_LIMITS has what vgpuConfig.xml says
 * about it. */
char *vgpu_profiles_find(const struct vgpu_profiles *profiles, const struct pci_device *gpu,
			 const char *id, struct vgpu_limits *ret_limits);

#endif
