/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leftovers: settings of a VM that a free network VF still has. The next VM would be in the VLAN of
 * the previous one, or be trusted like it. */
#ifndef PCIPROBE_LEFTOVER_H
#define PCIPROBE_LEFTOVER_H

#include "probe/device.h"

/* What is normal for free VFs of a host, from :vf_defaults: of pci.conf. {0}: the settings of a new
 * VF, which are always normal: no MAC address, VLAN and rates, spoof checking, neither trust nor
 * RSS query, link state auto. */
struct vf_defaults {
	bool any_mac;
	uint64_t vlan;
	bool no_spoof_check, trust, rss_query;
	const char *link_state;	     /* "enable" or "disable"; NULL: auto; a constant */
	uint64_t min_rate, max_rate; /* Mbit/s */
};

/* Appends a short text for each setting of VF that is not normal to RET: "vlan 100", "trust on".
 * Settings that the driver does not report are skipped. Returns 0 or -ENOMEM. No I/O. */
int leftover_list(const struct vf_settings *vf, const struct vf_defaults *normal,
		  struct strings *ret);

/* Sets leftovers of the selected devices of INVENTORY, as far as
 * DETAIL_OWNERSHIP and DETAIL_VF_SETTINGS were read. Only free VFs have any: a VM, or the host,
 * needs the settings of the others. Returns 0 or -ENOMEM. No I/O. */
int leftover_read(const struct vf_defaults *normal, struct inventory *inventory);

#endif
