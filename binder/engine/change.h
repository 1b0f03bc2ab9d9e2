/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One device that is to be changed, or was: what it had, has and shall have. Binding, giving back,
 * undoing and recovering are all the same: from what it has now to what it shall have. */
#ifndef PCIPROBE_BINDER_ENGINE_CHANGE_H
#define PCIPROBE_BINDER_ENGINE_CHANGE_H

#include "binder/engine/kernel.h"
#include "probe/device.h"

/* Which driver a device has and is meant to have. */
struct binding {
	char *driver;	/* NULL: none */
	char *override; /* its driver_override; NULL: not set */
	bool any; /* of a wanted one: the native driver that the kernel picks, if there is one;
		     driver is NULL */
};

/* How a driver can be given a device. */
enum bind_method {
	BIND_METHOD_NONE,  /* it isn't loaded */
	BIND_METHOD_BIND,  /* by its file bind, which tells how it went */
	BIND_METHOD_PROBE, /* it has no such file: by drivers_probe, which doesn't */
};

enum change_state {
	CHANGE_BOUND, /* nothing goes on: this says only what to give back */
	CHANGE_DOING, /* on the way from before to wanted */
	CHANGE_UNDO,  /* on the way back to before */
};

struct change {
	enum change_state state;
	struct pci_address address;
	uint16_t vendor, device;
	uint64_t inode;	       /* of the device's entry, see struct pci_device */
	bool is_vfs;	       /* it is the number of its VFs that changes, and not its driver */
	struct binding origin; /* what it had before it was first bound: release brings it there */
	struct binding before; /* what it had before this change: undoing brings it there */
	struct binding wanted;
	unsigned vfs_before, vfs_wanted;
	char *module; /* which has the driver that is wanted; NULL: it is called like that */

	/* what was read last: change_read */
	bool is_read;
	bool is_gone; /* the device isn't there any more, or another is in its place */
	struct binding now;
	unsigned vfs_now;
	enum bind_method method; /* of the driver that is wanted */
	char *group;		 /* its IOMMU group's number; NULL: none */
};

struct changes {
	struct change *items;
	size_t count;
};

/* A change of DEVICE that says nothing else yet. Returns it, which belongs to CHANGES, or NULL
 * without memory. */
struct change *changes_add(struct changes *changes, const struct pci_device *device);
void change_free_members(struct change *change);
void changes_free(struct changes *changes);

/* Takes item INDEX out and frees it. */
void changes_drop(struct changes *changes, size_t index);

void binding_free(struct binding *binding);
/* Sets both, of which either may be NULL; what BINDING held is freed. Returns 0 or -ENOMEM. */
int binding_set(struct binding *binding, const char *driver, const char *override);

/* Copies FROM over TO, what TO held is freed. Returns 0 or -ENOMEM. */
int binding_copy(struct binding *to, const struct binding *from);
bool binding_same(const struct binding *a, const struct binding *b);

/* Whether the device is there, and not another one in its place. */
bool change_is_there(struct sysroot *root, const struct change *change);

/* Reads what the device has now, its override with the kernel's deadline. Returns 0, -ETIMEDOUT
 * when the kernel doesn't answer, another negative errno when it can't be read, or -ENOMEM. */
int change_read(struct kernel *kernel, struct change *change);

/* Copies what a journal keeps of FROM over TO. Returns 0 or -ENOMEM. */
int change_copy(struct change *to, const struct change *from);

/* Whether the device has what it shall have: the driver, the override, or the number of VFs. */
bool change_is_applied(const struct change *change);

/* Whether DRIVER is one that hands devices to VMs, and not one that uses them. */
bool driver_is_for_vms(const char *driver);

/* Where a file of the device is, relative to the root. SIZE must do for the longest name. */
#define DEVICE_PATH_SIZE 128
const char *device_path(const struct pci_address *address, const char *name,
			char path[static DEVICE_PATH_SIZE]);

#endif
