/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Safety checks: what would be disrupted when a device is unbound from its driver. Each has a name
 * by which --allow overrides it, unless it cannot be overridden. */
#ifndef PCIPROBE_BINDER_HAZARDS_HAZARD_H
#define PCIPROBE_BINDER_HAZARDS_HAZARD_H

#include "binder/devices/target.h"
#include "binder/engine/vfsettings.h"
#include "binder/hazards/descendants.h"
#include "binder/hazards/hidden.h"
#include "binder/hazards/mounttables.h"
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
	HAZARD_WATCHDOG,
	HAZARD_CONSOLE,
	HAZARD_MOUNTED,
	HAZARD_SWAP,
	HAZARD_HOLDERS,
	HAZARD_EXPORTED,
	HAZARD_DATA,
	HAZARD_NET_UP,
	HAZARD_ROUTE,
	HAZARD_DEFAULT_ROUTE,
	HAZARD_SSH,
	HAZARD_NET_DISK,
	HAZARD_BOOT_VGA,
	HAZARD_VTCONSOLE,
	HAZARD_OPEN,
	HAZARD_CONSUMER,
	HAZARD_VF_SETTINGS,
	HAZARD_RESERVED_REGION,
	HAZARD_NET_HIDDEN,
	HAZARD_NO_RESET,
	HAZARD_VF_TOKEN,
	HAZARD_D3COLD,
	HAZARD_COUNT,
};

enum hazard_grade {
	GRADE_NEVER,   /* cannot be overridden */
	GRADE_REFUSED, /* refused unless overridden by name */
	GRADE_WARNING, /* logged only */
};

struct hazard_row {
	const char *name;
	enum hazard_grade grade;
	const char *help; /* the consequence or the remedy, starting with a lower-case letter */
};

/* Indexed by enum hazard. */
extern const struct hazard_row HAZARDS[HAZARD_COUNT];

/* A hazard found for one device. */
struct hazard_finding {
	enum hazard hazard;
	struct pci_address address;
	char *text; /* what was found; may contain unsanitized names */
};

struct hazard_findings {
	struct hazard_finding *items;
	size_t count;
	bool no_memory;
};

void hazard_findings_free(struct hazard_findings *findings);

/* Adds a finding, unless the same one exists. Sets findings->no_memory if out of memory. */
void hazard_findings_add(struct hazard_findings *findings, enum hazard hazard,
			 const struct pci_device *device, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Input of the checks, and what they have read so far. Initialize with {...}, free with
 * hazard_view_free. */
struct hazard_view {
	struct sysroot *root;
	const struct log *log;
	const struct inventory *inventory; /* read with HAZARD_DETAILS */
	const struct targets *targets;	   /* devices that are changed together */
	const char *ssh_connection;	   /* value of SSH_CONNECTION (see ssh(1)), or NULL */
	int ssh_error;			   /* negative errno if it could not be determined */
	struct netlink *netlink;	   /* NULL: a recording, which has no routes */
	unsigned timeout;		   /* seconds, for opening and reading a disk */
	bool open_disks;		   /* open unused disks: O_EXCL, signatures */

	/* read once, for all devices */
	bool has_descendants, has_hidden, has_mounts, has_holders;
	struct descendants descendants;
	int descendants_error; /* negative errno if they could not be listed */
	struct hidden_interfaces hidden;
	struct mounts mounts;
	struct vfio_nodes nodes; /* the nodes among the descendants */
	struct holders holders;	 /* processes that have any of them open */
	int holders_error;	 /* negative errno if no process could be inspected */
};

#define HAZARD_DETAILS                                                                \
	(TARGET_DETAILS | DETAIL_VF_INDEX | DETAIL_IOMMU_GROUP | DETAIL_GROUP_PEERS | \
	 DETAIL_SRIOV | DETAIL_DRM | DETAIL_RESET_METHODS | DETAIL_ANCESTORS | DETAIL_OWNERSHIP)

void hazard_view_free(struct hazard_view *view);

/* Adds the names of all network interfaces of DEVICE to *ret: those in the inventory and those
 * further below it, e.g. of USB devices and mlx5 sub-functions, without duplicates and without
 * those already in *ret. Those in other network namespaces are missing. If the descendants cannot
 * be listed, only those in the inventory are added; hazards_find has added HAZARD_UNKNOWN then.
 * Returns 0 or -ENOMEM. */
int hazard_list_interfaces(struct hazard_view *view, const struct pci_device *device,
			   struct strings *ret);

/* Like hazard_list_interfaces, but the names of disks and partitions as in /sys/class/block, e.g.
 * also of USB disks and of disks behind a VMD, and of iSCSI and NVMe disks on servers that are
 * reached through it. Devices stacked on them (holders) are missing. Returns 0 or a negative errno.
 */
int hazard_list_blocks(struct hazard_view *view, const struct pci_device *device,
		       struct strings *ret);

/* Like hazard_list_blocks, but only the disks on servers. Returns 0 or a negative errno. */
int hazard_list_network_blocks(struct hazard_view *view, const struct pci_device *device,
			       struct strings *ret);

/* Checks whether DEVICE can be unbound from its driver and bound to VFIO. */
void hazards_find(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings);

/* Finds only what matters for a device that is bound to VFIO already: devices of its IOMMU group
 * that are bound to host drivers, because then no VM can use DEVICE, and a VF token that VMs need.
 */
void hazards_find_group(const struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings);

/* Checks whether DEVICE can be unbound from VFIO and returned to the host. */
void hazards_find_release(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings);

/* Checks whether DEVICE can be removed, as VFs are when they are disabled. */
void hazards_find_removal(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings);

/* Whether DEVICE is a virtual function of PF. */
bool hazard_is_vf_of(const struct pci_device *device, const struct pci_device *pf);

/* Checks whether the settings of the VF DEVICE can be returned to their defaults. */
void hazards_find_reset(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings);

/* Lists the settings of the VFs of PF, if it has any; none if its driver is not one of the host.
 * Adds HAZARD_VF_SETTINGS if they cannot be read. The caller frees *ret with vf_list_free. */
void hazards_read_vf_settings(const struct hazard_view *view, const struct pci_device *pf,
			      struct hazard_findings *findings, struct vf_list *ret);

/* Finds what the VFs of PF, with SETTINGS, lose when they are removed and then KEPT of them are
 * created again with their settings: one finding of HAZARD_VF_SETTINGS for each VF that loses its
 * driver or settings. */
void hazards_find_vf_settings(const struct hazard_view *view, const struct pci_device *pf,
			      const struct vf_list *settings, unsigned kept,
			      struct hazard_findings *findings);

/* Parses LIST ("mounted,swap") into a bit mask of 1 << enum hazard. Returns 0, or -EINVAL (logged)
 * for an unknown name or a check that cannot be overridden. */
int hazards_parse(const char *list, const struct log *log, unsigned *ret);

/* Whether FINDING prevents the change. ALLOWED is a mask of hazards that are overridden. */
bool hazard_is_blocking(const struct hazard_finding *finding, unsigned allowed);

/* Whether NODE, one of view->descendants, is a node that is below DEVICE, or one below no device
 * that DEVICE most likely has. */
bool hazard_node_belongs_to(const struct hazard_view *view, const struct descendant *node,
			    const struct pci_device *device);

/* The mounts of all namespaces. Adds HAZARD_UNKNOWN if the caller's own cannot be read. */
const struct mounts *hazard_read_mounts(struct hazard_view *view, const struct pci_device *device,
					struct hazard_findings *findings);

/* Adds HAZARD_SYSTEM_DISK or HAZARD_MOUNTED, depending on the mount point, for each mount that
 * MATCHES, or HAZARD_UNKNOWN if the mounts cannot be read. Other mount namespaces than the caller's
 * and the system's count only if none of these has such a mount. The file system has a target and
 * an id; its source may be NULL. Returns whether there is one. */
typedef bool hazard_mount_matches(const void *data, struct libmnt_fs *fs);
bool hazard_find_mounts(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings, hazard_mount_matches *matches,
			const void *data);

/* Checks of one subject each, called by the functions above. They add to FINDINGS. */
void hazard_find_disks(struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings);
void hazard_find_shared_folders(struct hazard_view *view, const struct pci_device *device,
				struct hazard_findings *findings);
void hazard_find_network(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings);
void hazard_find_display(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings);
void hazard_find_power(const struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings);
void hazard_find_open_nodes(struct hazard_view *view, const struct pci_device *device,
			    struct hazard_findings *findings);

#endif
