/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that an operator would else write by hand so that devices are a VM's from the start: one
 * row of HOSTFILES each. */
#ifndef PCIPROBE_BINDER_HOSTFILES_HOSTFILES_H
#define PCIPROBE_BINDER_HOSTFILES_HOSTFILES_H

#include "binder/devices/driver-choice.h"
#include "binder/host/iommu.h"
#include "binder/host/kernelinfo.h"
#include "probe/device.h"
#include "probe/log.h"

#include <stdio.h>

struct hostfile_device {
	const struct pci_device *device;
	struct driver_choice choice; /* the driver that it shall have */
};

/* For which host and which devices. */
struct hostfile_job {
	struct sysroot *root;
	const struct log *log;
	const struct kernelinfo *kernel;
	const struct iommu *iommu;
	const struct inventory *inventory; /* all devices of the host, with driver, modalias, names,
					      IOMMU group and its peers */
	struct hostfile_device *devices;   /* those asked for */
	size_t count;
};

struct hostfile {
	const char *name;
	const char *path; /* where it belongs */
	const char *help;
	const char *first; /* what its first line must be, or "" */

	/* Writes it. Returns an enum status: BIND_DONE, or what another one says of a device that
	 * had to be left out; that has been told, and the file says so too. */
	int (*write)(const struct hostfile_job *job, FILE *out);
};

extern const struct hostfile HOSTFILES[];
extern const size_t HOSTFILE_COUNT;

/* The one called NAME, or NULL. */
const struct hostfile *hostfile_find(const char *name);

/* Writes FILE with the lines of comment that begin each. Returns as hostfile.write. */
int hostfile_write(const struct hostfile *file, const struct hostfile_job *job, FILE *out);

#endif
