/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input of the readiness checks, and the checks. */
#ifndef PCIPROBE_BINDER_READINESS_CHECKS_H
#define PCIPROBE_BINDER_READINESS_CHECKS_H

#include "binder/host/iommu.h"
#include "binder/host/kernelinfo.h"
#include "binder/readiness/readiness.h"
#include "probe/device.h"

/* What the files in /etc and the kernel parameters configure. A location is
 * "/etc/modprobe.d/vfio.conf:3", or NULL if there is none. */
struct bootconfig {
	char *vfio_pci;		  /* location of vfio_pci in the initramfs configuration */
	char *vfio_pci_path;	  /* that file, relative to the root */
	char *virqfd;		  /* location of vfio_virqfd in a list of modules */
	char *unsafe_interrupts;  /* location of allow_unsafe_interrupts */
	struct strings ids;	  /* ids= of vfio-pci, one each, unchecked */
	struct strings locations; /* of each of ids */
	unsigned unreadable;	  /* number of files that could not be read */
};

/* The state of the host, read once. */
struct host {
	struct sysroot *root;
	const struct log *log;
	struct kernelinfo kernel;
	struct iommu iommu;
	struct bootconfig boot;
	struct inventory *inventory;
};

/* Adds a finding. REMEDY must be static. Sets readiness->no_memory if out of memory. */
void readiness_add(struct readiness *readiness, const char *name, enum finding_result result,
		   const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Marks the last finding as essential. */
void readiness_mark_essential(struct readiness *readiness);

/* Reads the configuration into *ret, which the caller frees with bootconfig_free. Returns 0 or
 * -ENOMEM. */
int bootconfig_read(struct sysroot *root, const struct log *log, const struct kernelinfo *kernel,
		    struct bootconfig *ret);
void bootconfig_free(struct bootconfig *boot);

/* Each check adds one or more findings, with or without a remedy. */
void readiness_check_iommu(struct readiness *readiness, const struct host *host);
void readiness_check_firmware(struct readiness *readiness, const struct host *host);
void readiness_check_parameters(struct readiness *readiness, const struct host *host);
void readiness_check_interrupts(struct readiness *readiness, const struct host *host);
void readiness_check_modules(struct readiness *readiness, const struct host *host);
void readiness_check_lockdown(struct readiness *readiness, const struct host *host);
void readiness_check_nodes(struct readiness *readiness, const struct host *host);
void readiness_check_groups(struct readiness *readiness, const struct host *host);
void readiness_check_memlock(struct readiness *readiness, const struct host *host);
void readiness_check_vms(struct readiness *readiness, const struct host *host);
void readiness_check_initramfs(struct readiness *readiness, const struct host *host);
void readiness_check_ids(struct readiness *readiness, const struct host *host);
void readiness_check_virqfd(struct readiness *readiness, const struct host *host);

#endif
