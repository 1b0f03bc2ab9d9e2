/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The change of one device from its current state to a target state. Bind, release, rollback and
 * recovery differ only in the target. */
#ifndef PCIPROBE_BINDER_ENGINE_CHANGE_H
#define PCIPROBE_BINDER_ENGINE_CHANGE_H

#include "binder/engine/binding.h"
#include "binder/engine/vfsettings.h"
#include "probe/device.h"

/* How a device can be bound to a driver. */
enum bind_method {
	BIND_METHOD_NONE,  /* not possible: the driver isn't loaded */
	BIND_METHOD_BIND,  /* the driver's file bind, which returns the result of the probe */
	BIND_METHOD_PROBE, /* drivers_probe, which doesn't; for drivers without a file bind */
};

enum change_state {
	CHANGE_BOUND,	     /* complete; recorded for a later release */
	CHANGE_APPLYING,     /* from before to wanted */
	CHANGE_ROLLING_BACK, /* back to before */
};

struct change {
	enum change_state state;
	struct pci_address address;
	uint16_t vendor, device;
	uint64_t inode;	       /* of the device's entry, see struct pci_device */
	bool is_vfs;	       /* changes the number of VFs instead of the driver */
	struct binding origin; /* before the first bind: the target of a release */
	struct binding before; /* before this change: the target of a rollback */
	struct binding wanted; /* the target */
	unsigned vfs_before, vfs_wanted;
	uint64_t vf_before; /* inode of the entry of the first VF; 0: there was none */
	char *vfs_lost;	    /* what a rollback does not restore when it creates the VFs again, for
			       people: drivers, and settings that cannot be read; NULL: nothing */
	struct vf_list settings; /* of the VFs before; set again when they were created again */

	/* the current state, see change_read */
	bool is_read;
	bool is_gone; /* removed, or replaced by another device */
	struct binding now;
	unsigned vfs_now;
	uint64_t vf_now;
	bool has_lost; /* it was applied or rolled back, but not all settings were set again, or
			  what vfs_lost says was not restored */
	enum bind_method method; /* of the wanted driver */
	char *group;		 /* number of the IOMMU group; NULL: none */
	char *modalias;		 /* only if the kernel is to choose the driver; NULL: none */
};

struct changes {
	struct change *items;
	size_t count;
};

/* Appends a change of DEVICE without a target. Returns the change, which CHANGES owns and which is
 * valid until the next changes_add, or NULL if out of memory. */
struct change *changes_add(struct changes *changes, const struct pci_device *device);
void change_free_members(struct change *change);
void changes_free(struct changes *changes);

/* Removes and frees the change at INDEX. */
void changes_drop(struct changes *changes, size_t index);

/* Replaces TO by a copy of the members of FROM that the journal stores. Returns 0, or -ENOMEM with
 * TO unchanged. */
int change_copy(struct change *to, const struct change *from);

/* Whether a device with the binding NOW is still as a run left it that RECORDED in the journal.
 * Without a driver it is: only the VFIO driver was unloaded or unbound. */
bool change_is_intact(const struct change *recorded, const struct binding *now);

/* Sets the origin of CHANGE, which must have been read: that of RECORDED, the device's entry in the
 * journal or NULL, or, if another program has changed the device since, its current binding, if
 * that is one of the host, or else the driver that the kernel chooses. Returns 0 or -ENOMEM. */
int change_set_origin(struct change *change, const struct change *recorded);

/* Whether the current state, which must have been read, is the target: the driver and override, or
 * the number of VFs. */
bool change_is_applied(const struct change *change);

#endif
