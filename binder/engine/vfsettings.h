/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of network VFs that are made through their PF, as by 'ip link set eth0 vf 0 mac
 * ...'. They are read and set by rtnetlink(7); the indexes of interfaces, unlike names, do not
 * change. */
#ifndef PCIPROBE_BINDER_ENGINE_VFSETTINGS_H
#define PCIPROBE_BINDER_ENGINE_VFSETTINGS_H

#include "common/rtnetlink-vf.h"
#include "probe/address.h"
#include "probe/sysfs/sysroot.h"

#include <net/if.h>

struct kernel;

/* A VF, as the driver reports it through one interface of the PF, which has one for each port. */
struct vf_entry {
	unsigned interface;  /* its index */
	char name[IFNAMSIZ]; /* that the interface had, for messages */
	struct rtnetlink_vf vf;
};

/* {0} is empty; free with vf_list_free. */
struct vf_list {
	struct vf_entry *items;
	size_t count;
};

/* Appends a copy of ENTRY. Returns 0 or -ENOMEM. */
int vf_list_add(struct vf_list *list, const struct vf_entry *entry);
void vf_list_free(struct vf_list *list);

/* Replaces TO by a copy of FROM. Returns 0, or -ENOMEM with TO unchanged. */
int vf_list_copy(struct vf_list *to, const struct vf_list *from);

/* Lists the VFs of PF through each of its interfaces. Returns 0; -ENODEV if no interface is
 * visible; or another negative errno, with the interface in FAILED, "" if there is none. */
int vf_list_read(struct netlink *netlink, struct sysroot *root, const struct pci_address *pf,
		 char failed[static IFNAMSIZ], struct vf_list *ret);

/* Sets everything in LIST to what most drivers begin with: no MAC, VLAN and rates, spoof checking,
 * no trust, the link as that of the PF, no RSS query. What a driver does not report stays so. */
void vf_list_set_defaults(struct vf_list *list);

/* Whether SETTING has another value in NOW than in WANTED, which has one. */
bool vf_setting_differs(const struct rtnetlink_vf *now, const struct rtnetlink_vf *wanted,
			enum rtnetlink_setting setting);

/* Writes SETTING in the words of ip-link(8): "mac 52:54:00:12:34:56". Returns TEXT. */
#define VF_SETTING_SIZE 64
const char *vf_setting_format(const struct rtnetlink_vf *vf, enum rtnetlink_setting setting,
			      char text[static VF_SETTING_SIZE]);

/* What vf_list_apply did. */
struct vf_outcome {
	unsigned set;	 /* settings that were changed */
	unsigned failed; /* settings, or VFs whose settings cannot be read (logged) */
	int error;	 /* of the first failure; 0 also if the driver ignored it */
	bool is_denied;	 /* one failed for lack of privileges, which another run may have */
};

/* Makes the settings of the VFs of PF whose index is below LIMIT those in WANTED: a request for
 * each one that differs, so that a driver that refuses one keeps none of the others from being set.
 * What can succeed later is repeated for up to five seconds: the link is down or the VF is reset
 * after it was created. Then reads them again: only what the driver reports is successful. Returns
 * 0 also if settings failed; -ENOMEM; or -ETIMEDOUT (logged) if the kernel has not finished. */
int vf_list_apply(struct kernel *kernel, const struct pci_address *pf, const struct vf_list *wanted,
		  unsigned limit, struct vf_outcome *ret);

#endif
