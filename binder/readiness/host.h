/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the findings are made from, and the functions that make them, by subject. */
#ifndef PCIPROBE_BINDER_READINESS_HOST_H
#define PCIPROBE_BINDER_READINESS_HOST_H

#include "binder/host/iommu.h"
#include "binder/host/kernelinfo.h"
#include "binder/readiness/readiness.h"
#include "probe/device.h"

/* Where in the files of /etc something stands: "/etc/modprobe.d/vfio.conf:3"; NULL: nowhere. */
struct boot {
	char *vfio_pci;		 /* vfio_pci, to be in the initramfs */
	char *vfio_pci_path;	 /* the file of that, below the root */
	char *virqfd;		 /* vfio_virqfd, wherever */
	char *unsafe_interrupts; /* allow_unsafe_interrupts */
	struct strings ids;	 /* ids that vfio-pci is told, as they stand */
	struct strings places;	 /* where each of them does */
	unsigned unseen;	 /* files that could not be read */
};

struct host {
	struct sysroot *root;
	const struct log *log;
	struct kernelinfo kernel;
	struct iommu iommu;
	struct boot boot;
	struct inventory *inventory;
};

/* Adds a finding; REMEDY stays the caller's. Without memory readiness.no_memory is set. */
void finding_add(struct readiness *readiness, const char *name, enum finding_result result,
		 const char *remedy, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Marks the last one as essential. */
void finding_is_essential(struct readiness *readiness);

int boot_read(struct sysroot *root, const struct log *log, const struct kernelinfo *kernel,
	      struct boot *ret);
void boot_free(struct boot *boot);

void find_iommu(struct readiness *readiness, const struct host *host);
void find_firmware(struct readiness *readiness, const struct host *host);
void find_parameters(struct readiness *readiness, const struct host *host);
void find_interrupts(struct readiness *readiness, const struct host *host);
void find_modules(struct readiness *readiness, const struct host *host);
void find_lockdown(struct readiness *readiness, const struct host *host);
void find_nodes(struct readiness *readiness, const struct host *host);
void find_groups(struct readiness *readiness, const struct host *host);
void find_memlock(struct readiness *readiness, const struct host *host);
void find_vms(struct readiness *readiness, const struct host *host);
void find_initramfs(struct readiness *readiness, const struct host *host);
void find_ids(struct readiness *readiness, const struct host *host);
void find_virqfd(struct readiness *readiness, const struct host *host);

#endif
