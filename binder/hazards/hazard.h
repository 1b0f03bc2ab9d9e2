/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could go wrong when a device is taken from its driver. Each has a name, by which one who
 * knows what he does can allow it, if it can be allowed at all. */
#ifndef PCIPROBE_BINDER_HAZARDS_HAZARD_H
#define PCIPROBE_BINDER_HAZARDS_HAZARD_H

#include "binder/devices/target.h"
#include "probe/details/details.h"
#include "probe/ownership/holders.h"
#include "probe/sysfs/sysroot.h"

enum hazard {
	HAZARD_BRIDGE,
	HAZARD_NO_IOMMU,
	HAZARD_HELD,
	HAZARD_UNKNOWN,
	HAZARD_VFS,
	HAZARD_SYSTEM_DISK,
	HAZARD_GROUP,
	HAZARD_MOUNTED,
	HAZARD_SWAP,
	HAZARD_HOLDERS,
	HAZARD_NET_UP,
	HAZARD_ROUTE,
	HAZARD_DEFAULT_ROUTE,
	HAZARD_SSH,
	HAZARD_BOOT_VGA,
	HAZARD_CONSOLE,
	HAZARD_OPEN,
	HAZARD_CONSUMER,
	HAZARD_NET_HIDDEN,
	HAZARD_NO_RESET,
	HAZARD_COUNT,
};

enum hazard_grade {
	GRADE_NEVER,   /* can't be allowed */
	GRADE_REFUSED, /* unless it is allowed by name */
	GRADE_WARNING,
};

struct hazard_row {
	const char *name;
	enum hazard_grade grade;
	const char *help; /* what it is and what can be done about it */
};

/* By enum hazard. */
extern const struct hazard_row HAZARDS[HAZARD_COUNT];

/* One hazard of one device. */
struct hazard_finding {
	enum hazard hazard;
	struct pci_address address;
	char *text; /* what was found; may hold names from outside */
};

struct hazard_findings {
	struct hazard_finding *items;
	size_t count;
	bool no_memory;
};

void hazard_findings_free(struct hazard_findings *findings);

/* Adds one, unless it is there already. Where there is no memory for it concerns.no_memory is set.
 */
void hazard_findings_add(struct hazard_findings *findings, enum hazard hazard,
			 const struct pci_device *device, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What is looked at. Make it with {...}, free it with hazard_free_view. */
struct hazard_view {
	struct sysroot *root;
	const struct log *log;
	const struct inventory *inventory; /* with HAZARD_DETAILS */
	const struct targets *targets;	   /* the devices that go together */
	const char *ssh_connection;	   /* as sshd gives it in SSH_CONNECTION; NULL: none */
	bool ask_disks; /* whether disks may be opened, to have the kernel say whether anybody uses
			   them */

	/* read once, for all devices */
	bool has_nodes, has_holders;
	struct vfio_nodes nodes;   /* the device nodes of all selected devices, by address */
	struct strings node_paths; /* of the same, in the same order: "/dev/dri/card0" */
	struct holders holders;	   /* processes that have some of them open */
	int holders_error;	   /* a negative errno: no process could be inspected */
};

#define HAZARD_DETAILS                                                                          \
	(TARGET_DETAILS | DETAIL_IOMMU_GROUP | DETAIL_GROUP_PEERS | DETAIL_SRIOV | DETAIL_DRM | \
	 DETAIL_RESET_METHODS | DETAIL_OWNERSHIP)

void hazard_free_view(struct hazard_view *view);

/* Finds what could go wrong with DEVICE being taken from its driver and given to VFIO. */
void hazards_find(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings);

/* The same for its being taken from VFIO. */
void hazards_find_release(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings);

/* The same for its being taken away altogether, as VFs are. */
void hazards_find_loss(struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings);

/* Reads the list of names TEXT ("mounted,swap") into bits, 1 << enum hazard. Returns 0, or -EINVAL,
 * told through LOG, for a name that nobody knows or one that can't be allowed. */
int hazards_parse(const char *text, const struct log *log, unsigned *ret);

/* Whether the concern stands in the way when ALLOWED are allowed. */
bool hazard_is_blocking(const struct hazard_finding *finding, unsigned allowed);

/* One subject each: below hazards/. */
void find_disks(struct hazard_view *view, const struct pci_device *device,
		struct hazard_findings *findings);
void find_network(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings);
void find_display(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings);
void find_open_nodes(struct hazard_view *view, const struct pci_device *device,
		     struct hazard_findings *findings);

#endif
