/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the VM configurations in etc/pve. That is a FUSE file system whose daemon may not
 * answer, and a process that waits for it cannot always be killed: a child reads, and is left
 * alone when it does not end in time. While one is left no other is started, neither by this
 * process nor by a later one. */
#ifndef PCIPROBE_OWNERSHIP_PVEFILES_H
#define PCIPROBE_OWNERSHIP_PVEFILES_H

#include "probe/sysfs/sysroot.h"

/* In which all files must have been read. */
#define PVE_MILLISECONDS 1000

/* The name of the child, in proc/<pid>/comm. */
#define PVE_CHILD "pciprobe-pve"

struct pve_file {
	char name[16]; /* "105.conf", or "pci.cfg" */
	char *text;    /* NUL-terminated */
	size_t length; /* more than strlen(text): there is a NUL in it */
};

struct pve_files {
	struct pve_file *items;
	size_t count;
};

/* Reads etc/pve/qemu-server/<vmid>.conf and etc/pve/mapping/pci.cfg; one that vanishes meanwhile
 * is not there. Free it with pve_files_free. Returns 0; -ENOENT when there is no
 * etc/pve/qemu-server; -ETIMEDOUT, also when a child that an earlier call started has not ended;
 * -EFBIG for too much text; or another negative errno. */
int pve_files_read(struct sysroot *root, struct pve_files *ret);
void pve_files_free(struct pve_files *files);

#endif
