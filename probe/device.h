/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data model: what is known of a host's devices at one moment. */
#ifndef PCIPROBE_DEVICE_H
#define PCIPROBE_DEVICE_H

#include "probe/address.h"
#include "probe/strings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct verdict;

/* Bits of pci_device.present: the member may be used. A bit that isn't set: the kernel has none of
 * it, or it couldn't be read (pci_device.incomplete is set then), or nobody asked for it. */
enum pci_present {
	HAS_SUBSYSTEM = 1u << 0,
	HAS_REVISION = 1u << 1,
	HAS_IOMMU_GROUP = 1u << 2,
	HAS_NUMA_NODE = 1u << 3,
	HAS_SRIOV = 1u << 4, /* it was looked at: sriov.role tells */
	HAS_PF = 1u << 5,
	HAS_VF_INDEX = 1u << 6,
	HAS_VFS_TOTAL = 1u << 7,
	HAS_VFS_ENABLED = 1u << 8,
	HAS_RESET_METHODS = 1u << 9,
	HAS_LINK_SPEED = 1u << 10,
	HAS_LINK_WIDTH = 1u << 11,
	HAS_MAX_LINK_SPEED = 1u << 12,
	HAS_MAX_LINK_WIDTH = 1u << 13,
	HAS_AER_CORRECTABLE = 1u << 14,
	HAS_AER_NONFATAL = 1u << 15,
	HAS_AER_FATAL = 1u << 16,
	HAS_VIRTFN = 1u << 17,	  /* a VF of it stands in sysfs */
	HAS_OWNERSHIP = 1u << 18, /* it was looked for */
	HAS_MDEV = 1u << 19,	  /* it is known to the kernel's mdev framework */
	HAS_PORT_LINK = 1u << 20, /* link.port_speed and link.port_width */
	HAS_LINK_LIMITS = HAS_MAX_LINK_SPEED | HAS_MAX_LINK_WIDTH | HAS_PORT_LINK,
	HAS_VF_OWNERSHIP = 1u << 21, /* each VF of it has been looked at */
};

enum sriov_role { SRIOV_NONE, SRIOV_PF, SRIOV_VF };

struct sriov {
	enum sriov_role role;
	struct pci_address pf; /* HAS_PF: the physical function of a VF */
	unsigned vf_index;     /* HAS_VF_INDEX: n of the PF's virtfn<n> */
	unsigned vfs_total;    /* HAS_VFS_TOTAL: how many VFs a PF can have */
	unsigned vfs_enabled;  /* HAS_VFS_ENABLED: how many it has */
	unsigned vfs_in_use;   /* HAS_VF_OWNERSHIP: how many of those are held */
	unsigned vfs_free;     /* HAS_VF_OWNERSHIP: how many are free */
	unsigned vfs_unknown;  /* HAS_VF_OWNERSHIP: of how many it isn't known */
};

/* A PCI Express link. Speeds in GT/s, widths in lanes. */
struct link {
	double speed, max_speed;
	unsigned width, max_width;
	double port_speed; /* what the port above can at most */
	unsigned port_width;
};

/* Errors since boot, as Advanced Error Reporting counted them. */
struct aer {
	uint64_t correctable, nonfatal, fatal;
};

/* A network interface behind a device. */
struct interface {
	char *name;
	char *mac;	      /* NULL: it has none */
	char *phys_port_name; /* NULL: it has none (most have none) */
	bool direct; /* stands in the device's own net/, not below a virtio device of the device */
};

/* A kind of virtual GPU that a device can be cut into. */
struct vgpu_type {
	char *id;   /* "nvidia-63", "558" */
	char *name; /* "NVIDIA A2-4Q"; NULL where the kernel's mdev framework has the id alone */
};

/* A mediated device: a part of a device that the kernel's mdev framework has made of it. */
struct mdev {
	char *uuid;
	char *type;	   /* "nvidia-63"; NULL: it is going */
	char *name;	   /* of the type: "GRID T4-4Q"; NULL: it has none */
	char *description; /* of the type, in its driver's own words: "num_heads=4, ..."; NULL: it
			      has none */
};

/* Whether a VM has the device, as the host itself shows it. */
enum ownership {
	OWNERSHIP_UNKNOWN,  /* not everything could be looked at that would have to be */
	OWNERSHIP_FREE,	    /* no native driver has it, and nobody else */
	OWNERSHIP_HOST,	    /* a native driver has it, or it is a bridge */
	OWNERSHIP_RESERVED, /* nobody has it, but a VM that isn't running is defined with it */
	OWNERSHIP_HELD,	    /* a process has it, or a VM that runs */
};
#define OWNERSHIP_COUNT 5

/* Where claims on devices are found: bits. */
enum owner_source {
	OWNER_VFIO = 1u << 0,	 /* processes that have VFIO descriptors open */
	OWNER_CMDLINE = 1u << 1, /* command lines of virtual machine monitors */
	OWNER_MDEV = 1u << 2,	 /* mediated devices, which are parts of a device */
	OWNER_LIBVIRT = 1u << 3, /* libvirt's domains */
	OWNER_PROXMOX = 1u << 4, /* Proxmox's reservations */
	OWNER_ALL = (1u << 5) - 1,
	OWNER_NONE = 1u << 5, /* no source: 'none' was named, see sources_parse */
};
#define OWNER_SOURCE_COUNT 5

/* How a source fared. */
enum source_state {
	SOURCE_OFF,    /* it was not to be asked */
	SOURCE_ABSENT, /* this host has none of it */
	SOURCE_OK,
	SOURCE_PARTLY, /* not all of it could be looked at */
	SOURCE_FAILED, /* it is there and gave no answer */
};

struct source_report {
	const char *name; /* "vfio" */
	enum source_state state;
	char why[512]; /* of partly and failed; may hold anything */
};

/* Room for a reason why an owner is unknown. */
#define UNKNOWN_REASON_SIZE 600

/* A process that has a device, or a VM that has it or is defined with it. */
struct owner {
	unsigned sources; /* enum owner_source: how it is known */
	char source[40];  /* the same as a text: "vfio+cmdline" */
	bool reserves; /* the VM isn't running, or not with this device: it is only defined with it
			*/
	pid_t pid;     /* 0: not known, as with started */
	uint64_t started; /* when, in clock ticks since boot: with the pid it is this process and no
			     later one */
	char *program;	  /* "qemu-system-x86_64" */
	char *name, *uuid;    /* of the VM, as its monitor was told them; NULL: none */
	const char *frontend; /* "opennebula", ... (probe/ownership/frontend.h); NULL: unknown */
	char *frontend_id;    /* what that calls the VM: "42"; NULL with frontend */
	char *pod;	      /* UID of the Kubernetes pod that a VM monitor runs in; NULL: none */
	char *guest_address;  /* the device's address in the VM; NULL: not known */
	char *mdev; /* the UUID of the mediated device that it has of the device; NULL: it has the
		       device itself */
};

/* One function of a device: what lspci prints a line for. Strings may hold whatever was found,
 * control characters included, and belong to the device, except for the names, which live as long
 * as the probe. */
struct pci_device {
	struct pci_address address;
	uint64_t inode; /* of its sysfs entry: another one means that the device was taken out and
			   put in again */
	uint16_t vendor, device, class;
	uint8_t prog_if, revision;
	uint16_t subsystem_vendor, subsystem_device;
	unsigned present; /* enum pci_present */
	bool incomplete;  /* something of it is there but could not be read */

	const struct verdict *verdict; /* why it is selected or not: selection.h */
	bool selected;

	/* from here on only of selected devices, and only what was asked for; NULL: there is none
	 */
	const char *vendor_name, *device_name, *class_name, *subsystem_name;
	char *modalias;
	char *driver;
	char *label; /* the firmware's name for it */
	char *physical_slot;
	char *power_state;    /* D0, D3hot, ... */
	char *runtime_status; /* active, suspended, ... */
	unsigned iommu_group, numa_node;
	struct sriov sriov;
	struct link link;
	struct aer aer;
	struct strings reset_methods;
	struct strings blocks; /* disks: nvme0n1, sda */
	struct strings drm;    /* card0, renderD128 */
	struct interface *interfaces;
	size_t interface_count;
	char *pf_interface; /* of a VF: its PF's network interface */
	struct vgpu_type *vgpu_types;
	size_t vgpu_type_count;
	char *vgpu_type;    /* of a VF in NVIDIA's own framework: the id of the one that it is, "0":
			       none yet */
	struct mdev *mdevs; /* in order of their UUIDs */
	size_t mdev_count;
	struct strings group_peers; /* the other devices of its IOMMU group, which go to a VM with
				       it or not at all */
	struct strings nonviable_peers; /* those among them that a native driver has, so that no VM
					   can have the group */
	bool group_held;		/* a process has the group open, for another device of it */
	enum ownership ownership;	/* HAS_OWNERSHIP */
	char *unknown_reason; /* of unknown ownership: what could not be found out, on one line; may
				 hold anything */
	struct owner *owners; /* who they are: see device_has_conflict */
	size_t owner_count;
	struct pci_address *ancestors; /* the bridges above it, from the root port down */
	size_t ancestor_count;
	struct strings aliases; /* what requests can call it: alias.h */
};

/* All devices of a host, selected or not, in order of address. */
struct inventory {
	struct pci_device *devices;
	size_t count;
	size_t selected;
	size_t incomplete;    /* devices that could not be read whole, those that could not even be
				 listed included */
	struct timespec time; /* CLOCK_REALTIME, when the reading began */
	uint64_t fingerprint; /* of the list of devices: another one means that devices came or
				 went; 0: can't be told */
	double seconds;	      /* how long the reading took */
	char host[65];	      /* the kernel's host name; "" when it could not be read */
	size_t unseen;	/* processes that would have had to be looked at for owners and could not */
	bool unlocated; /* a process has a VFIO device open, and it is not known which one */
	struct source_report sources[OWNER_SOURCE_COUNT]; /* in the order of enum owner_source */
	struct verdict *verdicts; /* what the devices' verdict points to; the rules in them belong
				     to the probe */
};

#define inventory_foreach(inventory, device)                                \
	for (struct pci_device *device = (inventory)->devices,              \
			       *device##_end = device + (inventory)->count; \
	     device < device##_end; device++)                               \
		if ((device)->selected)

/* The device at ADDRESS, selected or not; NULL when there is none. Belongs to the inventory. */
struct pci_device *inventory_find(const struct inventory *inventory,
				  const struct pci_address *address);

/* Bridges, ports and buses: no VM gets one. */
bool device_is_bridge(const struct pci_device *device);

/* The name of the device's network interface: its only one, or of several that are its own the
 * uplink (phys_port_name p<digits>). NULL when there is none; belongs to the device. */
const char *device_uplink(const struct pci_device *device);

/* It can be assigned to a VM as it is: it is not a bridge, and no host driver uses it. NVIDIA's
 * driver keeps the VFs that it assigns itself: those whose type of virtual GPU is set. */
bool device_is_assignable(const struct pci_device *device);

/* Whether more than one claims the device itself, or a VM runs with it while a native driver has
 * it: neither can go well. Parts of a device can be had by many. */
bool device_has_conflict(const struct pci_device *device);

/* What is in the way of giving a device to a VM now. */
enum unavailable_reason {
	UNAVAILABLE_NONE,
	UNAVAILABLE_UNKNOWN, /* it is not known whether it is free, or which devices its group has
			      */
	UNAVAILABLE_HOST,    /* a native driver has it, or it is a bridge */
	UNAVAILABLE_RESERVED,
	UNAVAILABLE_HELD,
	UNAVAILABLE_NO_IOMMU,	/* it is in no IOMMU group */
	UNAVAILABLE_NOT_VIABLE, /* a native driver has another device of its group */
	UNAVAILABLE_GROUP_HELD, /* a process has its group, for another device */
};

/* DEVICE must have been read with DETAIL_OWNERSHIP, _DRIVER, _IOMMU_GROUP and _GROUP_PEERS. */
enum unavailable_reason device_unavailable_reason(const struct pci_device *device);

/* Whether the link runs slower or narrower than device and port both can. False too when that isn't
 * known: see device_knows_link. */
bool device_has_degraded_link(const struct pci_device *device);

/* Whether it is known what the link runs at and what it could: of an awake device below a port,
 * bridges excepted, whose own link may be the one below them. */
bool device_knows_link(const struct pci_device *device);

/* Gives TO, which has none, copies of what FROM has of ownership and owners. Returns 0 or -ENOMEM.
 */
int device_copy_owners(struct pci_device *to, const struct pci_device *from);

/* Frees what the owner holds. */
void owner_free_members(struct owner *owner);

void device_free_members(struct pci_device *device);
void inventory_free(struct inventory *inventory);

#endif
