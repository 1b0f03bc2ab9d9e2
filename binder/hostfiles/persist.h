/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in /etc that bind one device at every boot, which 'bind --persist' writes and 'release
 * --forget' removes: udev rules, and what adds them to the initramfs where the host has
 * initramfs-tools or dracut. The content of the initramfs is not known, but on most hosts its udev
 * loads host drivers, which then bind the device before any rule of the root file system. Files of
 * these names without PERSIST_MARK belong to someone else and are never changed. */
#ifndef PCIPROBE_BINDER_HOSTFILES_PERSIST_H
#define PCIPROBE_BINDER_HOSTFILES_PERSIST_H

#include "binder/hostfiles/hostfiles.h"
#include "probe/strings.h"

/* The second comment of the files. On disk; do not change. */
#define PERSIST_MARK \
	"# Written by 'vfio-bind bind --persist'; 'vfio-bind release --forget' removes it."

#define PERSIST_PATH_SIZE 80

/* Writes the path of the udev rules of the device at ADDRESS to PATH and returns it. */
const char *persist_rules_path(const struct pci_address *address,
			       char path[static PERSIST_PATH_SIZE]);

/* Returns whether DEVICE has rules, and not another device that had its address: 0, 1, or a
 * negative errno (not logged) if that is unknown. */
int persist_is_set(struct sysroot *root, const struct pci_device *device);

/* Returns 0 if the files of ADDRESS do not exist or can be replaced and removed; -EEXIST if one
 * belongs to someone else, or the negative errno of reading one. Errors are logged. */
int persist_check(struct sysroot *root, const struct log *log, const struct pci_address *address);

/* Writes the files for the one target of JOB, each by replacing the old one, and adds their paths
 * to RET; with DRY_RUN it only adds the paths. Stops at the first that cannot be written. Returns
 * 0 or a negative errno (logged). */
int persist_write(const struct hostfile_job *job, bool dry_run, struct strings *ret);

/* Removes the files of ADDRESS and adds their paths to RET; with DRY_RUN it only adds the paths.
 * Returns 0 or a negative errno (logged). */
int persist_remove(struct sysroot *root, const struct log *log, const struct pci_address *address,
		   bool dry_run, struct strings *ret);

/* Whether the initramfs has to be regenerated after FILES, paths as above, were changed. */
bool persist_concerns_initramfs(const struct strings *files);

#endif
