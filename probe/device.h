/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data model: a snapshot of the devices of a host. */
#ifndef PCIPROBE_DEVICE_H
#define PCIPROBE_DEVICE_H

#include "probe/address.h"
#include "probe/strings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct finding;
struct verdict;

/* Bits of pci_device.present: the member is valid. If a bit is not set, the kernel does not provide
 * the value, it could not be read (pci_device.incomplete is set then), or it was not requested. */
enum pci_present {
	HAS_SUBSYSTEM = 1u << 0,
	HAS_REVISION = 1u << 1,
	HAS_IOMMU_GROUP = 1u << 2,
	HAS_NUMA_NODE = 1u << 3,
	HAS_SRIOV = 1u << 4, /* was read: sriov.role is valid */
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
	HAS_VIRTFN = 1u << 17,	  /* has a virtfn<n> link in sysfs */
	HAS_OWNERSHIP = 1u << 18, /* was determined */
	HAS_MDEV = 1u << 19,	  /* is registered with the kernel's mdev framework */
	HAS_PORT_LINK = 1u << 20, /* link.port_speed and link.port_width */
	HAS_LINK_LIMITS = HAS_MAX_LINK_SPEED | HAS_MAX_LINK_WIDTH | HAS_PORT_LINK,
	HAS_VF_OWNERSHIP = 1u << 21, /* the ownership of each of its VFs was determined */
	HAS_EXPECTATION = 1u << 22,  /* was compared with :expect:: findings is valid */
};

enum sriov_role { SRIOV_NONE, SRIOV_PF, SRIOV_VF };

struct sriov {
	enum sriov_role role;
	struct pci_address pf; /* HAS_PF: physical function of a VF */
	unsigned vf_index;     /* HAS_VF_INDEX: n of virtfn<n> in the PF */
	unsigned vfs_total;    /* HAS_VFS_TOTAL: maximum number of VFs of a PF */
	unsigned vfs_enabled;  /* HAS_VFS_ENABLED: current number of VFs */
	unsigned vfs_seen;     /* its VFs among the selected devices, to count them */
	unsigned vfs_in_use;   /* HAS_VF_OWNERSHIP: VFs that are held */
	unsigned vfs_free;     /* HAS_VF_OWNERSHIP: VFs that are free */
	unsigned vfs_unknown;  /* HAS_VF_OWNERSHIP: VFs of unknown ownership */
};

/* A PCI Express link. Speeds in GT/s, widths in lanes. */
struct link {
	double speed, max_speed;
	unsigned width, max_width;
	double port_speed; /* maximum of the upstream port */
	unsigned port_width;
};

/* Errors since boot, counted by Advanced Error Reporting. */
struct aer {
	uint64_t correctable, nonfatal, fatal;
};

/* A network interface of a device. */
struct interface {
	char *name;
	char *mac;	      /* NULL: none */
	char *phys_port_name; /* NULL: none, as for most */
	bool direct;	      /* in the net/ of the PCI device, not of a virtio device below it */
};

/* Bits of vf_settings.present: the driver of the PF reports it. */
enum vf_present {
	VF_HAS_SPOOF_CHECK = 1u << 0,
	VF_HAS_TRUST = 1u << 1,
	VF_HAS_RSS_QUERY = 1u << 2,
	VF_HAS_COUNTERS = 1u << 3, /* not while all are 0, as for drivers without counters */
};

/* Size of the text of an InfiniBand address of 20 bytes. */
#define VF_MAC_SIZE 60

/* The settings of a network VF that are made through its PF, and its counters. */
struct vf_settings {
	unsigned present;	      /* enum vf_present */
	char mac[VF_MAC_SIZE];	      /* "": none is set, the VF chooses its own */
	uint64_t vlan, vlan_priority; /* 0: none */
	const char *vlan_protocol;    /* "802.1Q" or "802.1ad"; NULL: not reported */
	const char *link_state;	      /* "auto", "enable" or "disable"; NULL: not reported */
	bool spoof_check, trust;
	bool rss_query;		     /* the VM may read the RSS configuration */
	uint64_t min_rate, max_rate; /* of sending, in Mbit/s; 0: no limit */
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t broadcast, multicast, rx_dropped, tx_dropped; /* packets */
};

/* A vGPU type that a device supports. */
struct vgpu_type {
	char *id;   /* "nvidia-63", "558" */
	char *name; /* "NVIDIA A2-4Q"; NULL if only the id is available from the mdev framework */
};

/* A mediated device: a part of a device, created through the kernel's mdev framework. */
struct mdev {
	char *uuid;
	char *type;	   /* "nvidia-63"; NULL: the device is being removed */
	char *name;	   /* of the type: "GRID T4-4Q"; NULL: none */
	char *description; /* of the type, free text: "num_heads=4, ..."; NULL: none */
};

/* Who uses the device, as visible on the host. */
enum ownership {
	OWNERSHIP_UNKNOWN,  /* some required source could not be read */
	OWNERSHIP_FREE,	    /* no host driver and no process uses it */
	OWNERSHIP_HOST,	    /* bound to a host driver, or a bridge */
	OWNERSHIP_RESERVED, /* not in use, but assigned to a VM that is not running */
	OWNERSHIP_HELD,	    /* in use by a process or a running VM */
};
#define OWNERSHIP_COUNT 5

/* Sources of ownership: bits. */
enum owner_source {
	OWNER_VFIO = 1u << 0,	 /* processes with open VFIO descriptors */
	OWNER_CMDLINE = 1u << 1, /* command lines of virtual machine monitors */
	OWNER_MDEV = 1u << 2,	 /* users of mediated devices */
	OWNER_LIBVIRT = 1u << 3, /* libvirt domains */
	OWNER_PROXMOX = 1u << 4, /* Proxmox reservations */
	OWNER_NODES = 1u << 5,	 /* processes with open nodes of the device's host driver */
	OWNER_ALL = (1u << 6) - 1,
	OWNER_NONE = 1u << 6, /* explicitly none, see sources_parse */
};
#define OWNER_SOURCE_COUNT 6

/* Result of reading a source. */
enum source_state {
	SOURCE_OFF,    /* disabled */
	SOURCE_ABSENT, /* not present on this host */
	SOURCE_OK,
	SOURCE_PARTLY, /* some of it could not be read */
	SOURCE_FAILED, /* present, but could not be read */
};

struct source_report {
	const char *name; /* "vfio" */
	enum source_state state;
	char why[512]; /* of partly and failed; unsanitized */
};

/* Size of pci_device.unknown_reason. */
#define UNKNOWN_REASON_SIZE 600

/* A process or VM that uses a device, or a VM that it is assigned to. */
struct owner {
	unsigned sources;  /* enum owner_source: those that found it */
	char source[40];   /* the same as a string: "vfio+cmdline" */
	bool reserves;	   /* only assigned: the VM is not running, or not with this device */
	bool host_process; /* uses the device through its host driver: not a VM's, and does not
			      hold it */
	pid_t pid;	   /* 0: unknown, as is started then */
	uint64_t started;  /* start time in clock ticks since boot; identifies the process together
			      with the pid */
	char *program;	   /* "qemu-system-x86_64" */
	char *name, *uuid; /* of the VM, from the arguments of its VMM; NULL: none */
	const char *frontend; /* "opennebula", ... (probe/ownership/frontend.h); NULL: unknown */
	char *frontend_id;    /* id of the VM there: "42"; NULL if frontend is */
	char *pod;	      /* UID of the Kubernetes pod that the VMM runs in; NULL: none */
	char *guest_address;  /* address of the device in the VM; NULL: unknown */
	char *mdev; /* UUID of the mediated device that it uses; NULL: it uses the whole device */
	char *mac;  /* of a network VF, in the VM's libvirt definition; NULL: not stated */
	bool has_vlan;
	unsigned vlan; /* likewise */
};

/* A PCI function: what lspci prints a line for. Strings are unsanitized, may contain control
 * characters, and belong to the device, except for the names, which live as long as the probe. */
struct pci_device {
	struct pci_address address;
	uint64_t inode; /* of its sysfs entry; changes if the device is removed and added again */
	uint16_t vendor, device, class;
	uint8_t prog_if, revision;
	uint16_t subsystem_vendor, subsystem_device;
	unsigned present; /* enum pci_present */
	bool incomplete;  /* some attribute exists but could not be read */

	const struct verdict *verdict; /* why it is selected or not, see selection.h */
	bool selected;
	unsigned expected; /* enum detail: what must be read of it for :expect:, also if it is not
			      selected, see expect/expectation.h */
	unsigned findings; /* 1 << enum finding_kind of each finding about it, see
			      expect/finding.h */

	/* From here on only of selected devices, and only what was requested; NULL: none. */
	const char *vendor_name, *device_name, *class_name, *subsystem_name;
	char *modalias;
	char *driver;
	char *label; /* assigned by the firmware */
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
	char *pf_interface;	  /* of a VF: network interface of its PF */
	struct vf_settings *vf;	  /* of a network VF; NULL: unknown */
	char *vf_unknown_reason;  /* why vf is unknown; unsanitized */
	struct strings leftovers; /* of a free network VF, see leftover.h */
	struct strings drift;	  /* of a held network VF, see drift.h */
	struct vgpu_type *vgpu_types;
	size_t vgpu_type_count;
	char *vgpu_type;    /* of a VF in NVIDIA's own framework: id of its current type; "0": none
			       yet */
	struct mdev *mdevs; /* sorted by UUID */
	size_t mdev_count;
	struct strings group_peers; /* other devices of its IOMMU group, which can be assigned only
				       together with it */
	struct strings nonviable_peers; /* those bound to a host driver, which make the group not
					   viable for VFIO */
	bool group_held;		/* a process has the group open for another device */
	bool has_vdpa_node;	  /* a VM can hold it by vDPA, while bound to its host driver */
	enum ownership ownership; /* HAS_OWNERSHIP */
	char *unknown_reason;	  /* why ownership is unknown: what could not be determined, in one
				     line; unsanitized */
	struct owner *owners;	  /* several are allowed, see device_has_conflict */
	size_t owner_count;
	struct pci_address *ancestors; /* upstream bridges, from the root port down */
	size_t ancestor_count;
	char *path; /* independent of bus numbers, see identity.h; NULL also if its sysfs entry is
		       not below its bridges */
	struct strings aliases; /* names under which it can be requested, see alias.h */
};

/* All devices of a host, selected or not, sorted by address. */
struct inventory {
	struct pci_device *devices;
	size_t count;
	size_t selected;
	size_t incomplete;    /* devices that could not be read completely or not at all */
	struct timespec time; /* CLOCK_REALTIME, start of the reading */
	uint64_t fingerprint; /* of the device list, changes on hotplug; 0: not available */
	double seconds;	      /* duration of the reading */
	char host[65];	      /* the kernel's host name; "" if it could not be read */
	size_t unseen;	      /* processes that could not be inspected for open devices */
	bool unlocated;	      /* a process has an unidentified VFIO device open */
	struct source_report sources[OWNER_SOURCE_COUNT]; /* in the order of enum owner_source */
	struct pci_address *unread; /* devices that are not in this list, because their ids could
				       not be read */
	size_t unread_count;
	bool compared; /* with :expect:, which has at least one item: findings is valid */
	struct finding *findings; /* see expect/finding.h; the expectations in them belong to the
				     probe */
	size_t finding_count;
	size_t findings_omitted;  /* further ones */
	struct verdict *verdicts; /* storage of pci_device.verdict; the rules in them belong to the
				     probe */
};

#define inventory_foreach(inventory, device)                                                \
	for (struct pci_device *device = (inventory)->devices,                              \
			       *device##_end = device ? device + (inventory)->count : NULL; \
	     device < device##_end; device++)                                               \
		if ((device)->selected)

/* The device at ADDRESS, selected or not; NULL if there is none. Belongs to the inventory. */
struct pci_device *inventory_find(const struct inventory *inventory,
				  const struct pci_address *address);

/* Whether DEVICE has base class 06: bridges and ports, which cannot be assigned to a VM. */
bool device_is_bridge(const struct pci_device *device);

/* The name of the network interface of DEVICE: the only direct one, or the uplink of several
 * (phys_port_name p<digits>). NULL if there is none. Belongs to the device. */
const char *device_uplink(const struct pci_device *device);

/* Whether DEVICE can be assigned to a VM as it is: it is not a bridge and not bound to a host
 * driver. VFs whose vGPU type is set are assigned while bound to NVIDIA's driver. */
bool device_is_assignable(const struct pci_device *device);

/* Whether the whole device has several owners, or is used by a VM while bound to a host driver.
 * Mediated devices may have different owners. */
bool device_has_conflict(const struct pci_device *device);

/* Why a device cannot be assigned to a VM now. */
enum unavailable_reason {
	UNAVAILABLE_NONE,
	UNAVAILABLE_UNKNOWN, /* its ownership or its group members are unknown */
	UNAVAILABLE_HOST,    /* bound to a host driver, or a bridge */
	UNAVAILABLE_RESERVED,
	UNAVAILABLE_HELD,
	UNAVAILABLE_NO_IOMMU,	/* not in an IOMMU group */
	UNAVAILABLE_NOT_VIABLE, /* another device of its group is bound to a host driver */
	UNAVAILABLE_GROUP_HELD, /* a process has its group open for another device */
};

/* DEVICE must have been read with DETAIL_OWNERSHIP, _DRIVER, _IOMMU_GROUP and _GROUP_PEERS. */
enum unavailable_reason device_unavailable_reason(const struct pci_device *device);

/* Whether the link is slower or narrower than both device and port support. False if unknown, see
 * device_knows_link. */
bool device_has_degraded_link(const struct pci_device *device);

/* Whether the current and maximum speed and width of the link are known. They are for awake devices
 * below a port, except bridges, whose link attributes may be those of their downstream link. */
bool device_knows_link(const struct pci_device *device);

/* Whether leftovers of a network VF are known: its settings and its ownership are. */
bool device_knows_leftovers(const struct pci_device *device);

/* Whether a VM that holds DEVICE states settings of it, so that there could be drift. It is known
 * if vf is. */
bool device_has_stated_settings(const struct pci_device *device);

/* Whether it is suspended, or about to be. */
bool device_is_suspended(const struct pci_device *device);

/* Whether OWNER is a VM or process that has the device, not one that it is reserved for or that
 * uses it through its host driver. */
bool owner_holds(const struct owner *owner);

/* The owner whose traffic a VF carries: the first that holds it. NULL if there is none. Belongs to
 * the device. */
const struct owner *device_holder(const struct pci_device *device);

/* Copies ownership and owners from FROM to TO, which must have no owners. Returns 0 or -ENOMEM. */
int device_copy_owners(struct pci_device *to, const struct pci_device *from);

/* Frees the members, not the owner itself. */
void owner_free_members(struct owner *owner);

void device_free_members(struct pci_device *device);
void inventory_free(struct inventory *inventory);

#endif
