/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes through which processes use a device while it is bound to its host driver:
 *
 *   /dev/vhost-vdpa-N           a VM has the device, by vDPA
 *   /dev/dri/card*, renderD*    graphics
 *   /dev/nvidiaN                NVIDIA's own driver
 *
 * Sources: Linux, drivers/vhost/vdpa.c and Documentation/gpu/drm-internals.rst; NVIDIA's
 * nv-procfs.c, which reads no register of a GPU for "information". */
#ifndef PCIPROBE_OWNERSHIP_HOSTNODES_H
#define PCIPROBE_OWNERSHIP_HOSTNODES_H

#include "probe/device.h"
#include "probe/ownership/vfiostate.h"
#include "probe/sysfs/sysroot.h"

/* Adds the nodes of the selected devices of INVENTORY to NODES, as VFIO_NODE_VDPA and, if
 * HOST_PROCESSES, VFIO_NODE_OTHER, and sets has_vdpa_node of the devices. Drivers must have been
 * read. What does not exist on this host adds none. Returns the number of nodes added, or a
 * negative errno. */
int host_nodes_read(struct sysroot *root, bool host_processes, struct inventory *inventory,
		    struct vfio_nodes *nodes);

/* Reads the number of NVIDIA's node of the GPU at ADDRESS, a name in /proc/driver/nvidia/gpus.
 * Returns 1, 0 if there is none, or a negative errno. */
int host_node_read_nvidia(struct sysroot *root, const char *address, dev_t *ret);

#endif
