/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the VM configurations in etc/pve. That is a FUSE file system whose daemon may not answer, and a process that waits for it
 * cannot always be killed: a child reads, and is left alone when it does not end in time. */
#ifndef PCIPROBE_OWNERSHIP_PVEFILES_H
#define PCIPROBE_OWNERSHIP_PVEFILES_H

#include "probe/sysroot.h"

/* In which all files must have been read. */
#define PVE_MILLISECONDS 1000

struct pve_file {
	char name[16]; /* "105.conf", or "pci.cfg" */
	char *text;    /* NUL-terminated */
	size_t length; /* more than strlen(text): there is a NUL in it */
};

struct pve_files {
	struct pve_file *items;
	size_t count;
};

/* Reads pve/qemu-server/<vmid>.conf and pve/mapping/pci.cfg below ETC; one that vanishes meanwhile is not there. Free it with
 * pve_files_free. Returns 0; -ENOENT when there is no pve/qemu-server; -ETIMEDOUT; -EFBIG for too much text; or another
 * negative errno. */
int pve_files_read(const struct sysdir *etc, struct pve_files *ret);
void pve_files_free(struct pve_files *files);

#endif
