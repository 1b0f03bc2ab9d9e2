/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses and routes of the kernel. Sources: rtnetlink(7), linux/rtnetlink.h,
 * linux/nexthop.h and linux/if_link.h. All functions return 0 or a negative errno: -EBADMSG for a
 * malformed answer, else that of the query, of the kernel, or of a callback. A dump that changed
 * while it was read is read again, so callbacks may be called for the same object twice. */
#ifndef PCIPROBE_COMMON_RTNETLINK_H
#define PCIPROBE_COMMON_RTNETLINK_H

#include "common/netlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/* An IPv4 or IPv6 address. */
struct ip_address {
	int family; /* AF_INET, AF_INET6; 0: none */
	unsigned char bytes[16];
};

/* A list of indexes of interfaces, or of ids of next hops. {0} is empty; free with index_set_free.
 */
struct index_set {
	unsigned *items;
	size_t count;
};

int index_set_add(struct index_set *set, unsigned index);
bool index_set_has(const struct index_set *set, unsigned index);
void index_set_free(struct index_set *set);

/* A network interface. Strings may contain any character. */
struct rtnetlink_link {
	unsigned index;
	unsigned master; /* 0: none */
	bool is_up, is_vrf;
	char name[IFNAMSIZ];
	char parent[64], parent_bus[32]; /* "0000:01:00.0" on "pci"; "" before Linux 5.14 */
};

struct rtnetlink_route {
	struct ip_address destination;
	unsigned length; /* of the prefix, in bits */
	unsigned table;
	unsigned char type;	     /* RTN_UNICAST, ... */
	unsigned nexthop;	     /* id of a next hop object; 0: none */
	struct index_set interfaces; /* of all next hops; the ids of next hop objects instead are
					not resolved */
};

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

typedef int rtnetlink_link_fn(void *data, const struct rtnetlink_link *link);
typedef int rtnetlink_address_fn(void *data, unsigned interface, const struct ip_address *address);
typedef int rtnetlink_route_fn(void *data, const struct rtnetlink_route *route);

/* Lists the interfaces in the network namespace whose file is NAMESPACE; NULL: the caller's. */
int rtnetlink_links(struct netlink *netlink, const char *namespace, rtnetlink_link_fn *each,
		    void *data);

typedef int rtnetlink_vf_fn(void *data, const struct rtnetlink_vf *vf);

/* Lists the virtual functions of the device with the interface NAME. None if its driver has no
 * settings for them. -EMSGSIZE if they are too many for one message; without counters several times
 * as many fit. */
int rtnetlink_vfs(struct netlink *netlink, const char *name, bool with_counters,
		  rtnetlink_vf_fn *each, void *data);

/* The same for the device with the interface whose index is INTERFACE, which no renaming changes;
 * without counters. */
int rtnetlink_vfs_at(struct netlink *netlink, unsigned interface, rtnetlink_vf_fn *each,
		     void *data);

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

/* Lists the addresses of all interfaces. */
int rtnetlink_addresses(struct netlink *netlink, rtnetlink_address_fn *each, void *data);

/* Lists the routes of FAMILY in all tables. None if the kernel lacks the family. */
int rtnetlink_routes(struct netlink *netlink, int family, rtnetlink_route_fn *each, void *data);

/* Finds the next hop objects and groups of them that go through INTERFACES. None if the kernel
 * lacks them. */
int rtnetlink_nexthops(struct netlink *netlink, const struct index_set *interfaces,
		       struct index_set *ret_ids);

/* Asks for the route to TO. FROM: the source address, or NULL. VRF: the index of the interface that
 * the socket is bound to, or 0. With WHOLE calls EACH with the entry of the routing table, with all
 * its next hops, otherwise with the one next hop that the kernel chooses. Does not call it if there
 * is no route. */
int rtnetlink_route_to(struct netlink *netlink, const struct ip_address *to,
		       const struct ip_address *from, unsigned vrf, bool whole,
		       rtnetlink_route_fn *each, void *data);

#endif
