/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a driver's name tells. No I/O. */
#ifndef PCIPROBE_DRIVER_H
#define PCIPROBE_DRIVER_H

#include <stdbool.h>

/* It hands devices to VMs: vfio-pci, and the variants that makers have (mlx5_vfio_pci,
 * nvgrace-gpu-vfio-pci). */
bool driver_is_vfio(const char *driver);

/* It only keeps other drivers away. */
bool driver_is_stub(const char *driver);

#endif
