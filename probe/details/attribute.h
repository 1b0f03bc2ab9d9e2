/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One device's directory while its details are read, and the one place that tells "not there" from
 * "could not be read". */
#ifndef PCIPROBE_DETAILS_ATTRIBUTE_H
#define PCIPROBE_DETAILS_ATTRIBUTE_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

struct details_reader {
	struct sysdir dir;
	struct pci_device *device;
	const struct log *log;
	struct sysdir mdev_bus; /* devices of which the kernel's mdev framework knows; fd -1: there
				   is none */
	unsigned next_vf_index; /* where the search for a VF's index begins: devices come in order,
				   so do VFs */
	struct pci_device pf;	/* the PF of the VF before, with its interfaces alone: VFs of one PF
				   stand together */
	bool no_memory;
};

/* The text of the attribute NAME. False when the device has none; also when it couldn't be read,
 * which has been told and the device is marked then. A text with a NUL inside counts as unreadable.
 */
bool attribute_text(struct details_reader *reader, const char *name,
		    char text[static ATTRIBUTE_SIZE]);

/* The same, as a copy to be freed, or NULL. An empty text counts as none. */
char *attribute_string(struct details_reader *reader, const char *name);

/* The same, as a number. Anything but a whole number, or one above MAX, counts as unreadable; below
 * 0 counts as none. */
bool attribute_number(struct details_reader *reader, const char *name, int base, unsigned long max,
		      unsigned long *ret);

/* The last part of where the link NAME points to, into NAME_SIZE bytes at BUFFER. False as above.
 */
bool attribute_link_name(struct details_reader *reader, const char *name, char *buffer,
			 size_t size);

/* Whether ERRNO, negative, means that the kernel has nothing of the kind for this device. */
bool is_absent(int error);

/* Tells that NAME of this device could not be read and marks the device. */
void attribute_failed(struct details_reader *reader, const char *name, const char *why);

/* strdup(3) that remembers when there was no memory. */
char *reader_strdup(struct details_reader *reader, const char *text);

/* The readers of each subject, all of the same form. */
void read_sriov(struct details_reader *reader);
void read_vf_index(struct details_reader *reader);
void read_interfaces(struct details_reader *reader);
void read_pf_interface(struct details_reader *reader);
void read_link(struct details_reader *reader);
void read_aer(struct details_reader *reader);
void read_vgpu(struct details_reader *reader);

#endif
