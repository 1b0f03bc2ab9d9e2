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

typedef int rtnetlink_link_fn(void *data, const struct rtnetlink_link *link);
typedef int rtnetlink_address_fn(void *data, unsigned interface, const struct ip_address *address);
typedef int rtnetlink_route_fn(void *data, const struct rtnetlink_route *route);

/* Lists the interfaces in the network namespace whose file is NAMESPACE; NULL: the caller's. */
int rtnetlink_links(struct netlink *netlink, const char *namespace, rtnetlink_link_fn *each,
		    void *data);

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
