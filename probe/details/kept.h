/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of attributes that change without a message of the kernel (link, errors, power), kept open
 * from one reading to the next, so that reading one takes one system call instead of three. The
 * kernel fails with ENODEV once the device is removed, even if another has its address by then, so
 * a file never shows another device's attribute. That holds for sysfs only: a recording may be
 * replaced file by file. */
#ifndef PCIPROBE_DETAILS_KEPT_H
#define PCIPROBE_DETAILS_KEPT_H

#include "probe/device.h"
#include "probe/sysfs/sysroot.h"

#define KEPT_FILES 8

struct kept_device {
	struct pci_address address;
	int files[KEPT_FILES]; /* descriptors, or what is known of the attribute */
};

struct kept {
	struct kept_device *devices; /* of the last reading, in its order; NULL: none yet */
	size_t count;
	size_t left; /* number of descriptors that may still be kept */
	int lowest;  /* the least of them */
	bool missed; /* an attribute could not be read, maybe because its device is removed */
};

/* Prepares for a reading of the devices of INVENTORY. Files of the last reading are closed unless
 * it had the same devices. At most half of the descriptors that this process may have open are
 * kept, and none of the lower ones, which select(2) in other code of the process may need. Returns
 * 0 or -ENOMEM. */
int kept_begin(struct kept *kept, const struct inventory *inventory);

/* Closes all files, because devices may have changed. */
void kept_close(struct kept *kept);

/* The index of the attribute NAME; -1 if it is not one of those that are kept. */
int kept_index(const char *name);

/* Like sysdir_read for the attribute INDEX of DEVICE, with a buffer of ATTRIBUTE_SIZE. It is opened
 * below DEVICES; of DIR, the device's directory, only the path is used. The file is kept if there
 * are descriptors left; that there is none is remembered, and is -ENOENT from then on. Any other
 * failure, and the first of these, sets missed. */
ssize_t kept_read(struct kept *kept, struct kept_device *device, int index,
		  const struct sysdir *devices, const struct sysdir *dir, char *text);

#endif
