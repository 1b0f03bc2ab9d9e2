/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the VM configurations in etc/pve, a FUSE file system whose daemon may not answer. A process
 * that waits for it cannot always be killed, so a child process reads, and is left behind if it
 * does not end in time. While it exists no other child is started, neither by this process nor
 * by a later one. */
#ifndef PCIPROBE_OWNERSHIP_PVEFILES_H
#define PCIPROBE_OWNERSHIP_PVEFILES_H

#include "probe/sysfs/sysroot.h"

/* Time limit for reading all files. */
#define PVE_MILLISECONDS 1000

/* The child's name, in proc/<pid>/comm. */
#define PVE_CHILD "pciprobe-pve"

struct pve_file {
	char name[16]; /* "105.conf", or "pci.cfg" */
	char *text;    /* NUL-terminated */
	size_t length; /* more than strlen(text) if it contains a NUL */
};

struct pve_files {
	struct pve_file *items;
	size_t count;
};

/* Reads etc/pve/qemu-server/<vmid>.conf and etc/pve/mapping/pci.cfg; files that are removed
 * meanwhile are skipped. The caller frees *ret with pve_files_free. Returns 0; -ENOENT if there is
 * no etc/pve/qemu-server; -ETIMEDOUT, also if a child of an earlier call has not ended; -EFBIG if
 * the files are too large; or another negative errno. */
int pve_files_read(struct sysroot *root, struct pve_files *ret);
void pve_files_free(struct pve_files *files);

#endif
