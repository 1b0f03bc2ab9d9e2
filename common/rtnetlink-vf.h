/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings and counters of network VFs, as the driver of their PF has them. Sources:
 * rtnetlink(7), ip-link(8), linux/if_link.h and do_setvfinfo() in net/core/rtnetlink.c. Functions
 * return 0 or a negative errno, as those of rtnetlink.h do. */
#ifndef PCIPROBE_COMMON_RTNETLINK_VF_H
#define PCIPROBE_COMMON_RTNETLINK_VF_H

#include "common/netlink.h"

#include <stdbool.h>
#include <stdint.h>

/* What a driver reports of a setting that not all drivers have. */
enum rtnetlink_switch { SWITCH_UNSUPPORTED, SWITCH_OFF, SWITCH_ON };

/* Counters of a virtual function, in the order of their attributes in IFLA_VF_STATS. */
enum rtnetlink_counter {
	VF_RX_PACKETS,
	VF_TX_PACKETS,
	VF_RX_BYTES,
	VF_TX_BYTES,
	VF_BROADCAST,
	VF_MULTICAST,
	VF_RX_DROPPED,
	VF_TX_DROPPED,
};
#define RTNETLINK_COUNTERS 8

/* The settings of a virtual function that are made through its physical function. */
struct rtnetlink_vf {
	unsigned index;
	unsigned char mac[20]; /* only zeros: not set */
	size_t mac_length;
	unsigned vlan, vlan_priority; /* 0: none */
	unsigned vlan_protocol;	      /* ETH_P_8021Q, ...; 0: not reported */
	unsigned min_rate, max_rate;  /* Mbit/s; 0: none */
	unsigned link_state;	      /* IFLA_VF_LINK_STATE_AUTO, ... */
	enum rtnetlink_switch spoof_check, trust, rss_query;
	bool has_counters; /* false also while all are 0: the kernel reports zeros for drivers
			      without counters */
	uint64_t counters[RTNETLINK_COUNTERS];
};

typedef int rtnetlink_vf_fn(void *data, const struct rtnetlink_vf *vf);

/* Lists the virtual functions of the device with the interface whose index is INTERFACE, which no
 * renaming changes. None if its driver has no settings for them. -EMSGSIZE if they are too many for
 * one message; without counters several times as many fit. */
int rtnetlink_vfs(struct netlink *netlink, unsigned interface, bool with_counters,
		  rtnetlink_vf_fn *each, void *data);

/* A setting that is made by one request. */
enum rtnetlink_setting {
	VF_MAC,
	VF_VLAN, /* with priority and protocol */
	VF_SPOOF_CHECK,
	VF_TRUST,
	VF_LINK_STATE,
	VF_RATE, /* min_rate and max_rate */
	VF_RSS_QUERY,
};
#define RTNETLINK_SETTINGS 7

/* Sets SETTING of the virtual function vf->index to its value in VF. Returns what the kernel, or
 * the driver, answers: -EOPNOTSUPP if the driver does not have the setting. Whether it took effect
 * is only known by reading it. */
int rtnetlink_set_vf(struct netlink *netlink, unsigned interface, const struct rtnetlink_vf *vf,
		     enum rtnetlink_setting setting);

#endif
