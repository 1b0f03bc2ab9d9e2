/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classifies drivers by name. No I/O. */
#ifndef PCIPROBE_DRIVER_H
#define PCIPROBE_DRIVER_H

#include <stdbool.h>

/* Whether DRIVER passes devices through to VMs: vfio-pci or a vendor's variant of it
 * (mlx5_vfio_pci, nvgrace-gpu-vfio-pci). */
bool driver_is_vfio(const char *driver);

/* Whether DRIVER only keeps other drivers from binding. */
bool driver_is_stub(const char *driver);

/* Whether a device that is bound to DRIVER is reserved for VMs: VFIO drivers and stubs. */
bool driver_is_for_vms(const char *driver);

#endif
