/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generates configuration files that bind devices to VFIO at boot, before a host driver does: one
 * row of HOSTFILES each. */
#ifndef PCIPROBE_BINDER_HOSTFILES_HOSTFILES_H
#define PCIPROBE_BINDER_HOSTFILES_HOSTFILES_H

#include "binder/devices/driver-choice.h"
#include "binder/hazards/hazard.h"
#include "binder/host/iommu.h"
#include "binder/host/kernelinfo.h"
#include "probe/device.h"
#include "probe/log.h"

#include <stdio.h>

struct hostfile_target {
	const struct pci_device *device;
	struct driver_choice choice; /* the target driver */
};

/* The host and devices that a file is generated for. All pointers belong to the caller. */
struct hostfile_job {
	struct sysroot *root;
	const struct log *log;
	const struct kernelinfo *kernel;
	const struct iommu *iommu;
	const struct inventory *inventory; /* all devices of the host, with driver, modalias, names,
					      IOMMU group and peers */
	struct hostfile_target *targets;   /* the devices named on the command line */
	size_t target_count;
	const struct hazard_findings *findings; /* of the safety checks; NULL: none */
	unsigned allowed;			/* see hazard_is_blocking */

	/* of files of 'bind --persist', see persist.h; NULL: of files that 'config' prints */
	const char *path;	/* where the file is */
	const char *rules_path; /* where its udev rules are */
};

struct hostfile {
	const char *name;
	const char *path; /* where to install it */
	const char *help;
	const char *first_line; /* line that must come before the comments, or "" */
	bool binds; /* the devices are bound at boot, so they are checked as for a bind */

	/* Writes the content below the comments that all files begin with. Returns an enum status:
	 * BIND_DONE, or another one if devices were skipped, which is logged and noted in the
	 * file, or if writing failed (logged). */
	int (*write)(const struct hostfile_job *job, FILE *out);
};

extern const struct hostfile HOSTFILES[];
extern const size_t HOSTFILE_COUNT;

/* Returns the command that regenerates this host's initramfs. */
const char *hostfile_initramfs_command(struct sysroot *root);

/* Returns the file called NAME, or NULL. */
const struct hostfile *hostfile_find(const char *name);

/* Writes FILE, including the comments at its beginning. Returns the same as hostfile.write. */
int hostfile_write(const struct hostfile *file, const struct hostfile_job *job, FILE *out);

#endif
