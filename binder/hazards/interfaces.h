/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network interfaces of one device, and whether the kernel sends through them. */
#ifndef PCIPROBE_BINDER_HAZARDS_INTERFACES_H
#define PCIPROBE_BINDER_HAZARDS_INTERFACES_H

#include "binder/hazards/hazard.h"
#include "common/rtnetlink.h"

struct interfaces {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	size_t own_count;	   /* the first of NAMES are the device's own, */
	struct strings names;	   /* the others are stacked on them: bonds, bridges, VLANs, VRFs */
	struct index_set indexes;  /* of all of them; empty without netlink */
	struct strings labels;	   /* their names, in the order of indexes */
	struct index_set nexthops; /* ids of the next hop objects that go through them */
	struct ip_address last;	   /* the server asked for last: many mounts have the same */
	bool last_is_reached;
};

/* Reads the interfaces of DEVICE in the caller's network namespace; those that are up are findings,
 * and so is what cannot be read. Free with interfaces_free. */
void interfaces_read(struct hazard_view *view, const struct pci_device *device,
		     struct hazard_findings *findings, struct interfaces *ret);
void interfaces_free(struct interfaces *interfaces);

/* The name of the interface that ROUTE, or one of its next hops, goes through; NULL: none of
 * these. */
const char *interfaces_of_route(const struct interfaces *interfaces,
				const struct rtnetlink_route *route);

/* Whether the kernel sends, or with another flow might send, through the interfaces to TO; FROM and
 * VRF as in rtnetlink_route_to. A failure is a finding. */
bool interfaces_lead_to(struct interfaces *interfaces, const struct ip_address *to,
			const struct ip_address *from, unsigned vrf);

/* The same for the string SERVER: "10.0.0.5", "10.0.0.5:6789", "[2001:db8::5]:6789" or
 * "fe80::5%eth0". A name is not resolved: no. */
bool interfaces_lead_to_server(struct interfaces *interfaces, const char *server);

/* Adds HAZARD_UNKNOWN: the kernel did not answer a query for WHAT. */
void interfaces_add_error(struct interfaces *interfaces, const char *what, int error);

/* Parses an address; ZONE, of IFNAMSIZ bytes, gets the interface at the end of a link-local one,
 * "fe80::1%eth0", else "". An IPv4 address that is mapped to IPv6 becomes IPv4. Returns
 * whether TEXT is one. */
bool ip_address_parse(const char *text, struct ip_address *ret, char zone[static IFNAMSIZ]);

/* Whether A and B are the same address. */
bool ip_address_same(const struct ip_address *a, const struct ip_address *b);

/* Finds interfaces of the device that are in other network namespaces, and adds findings for them,
 * or if the device should have interfaces and none is found. */
void hazard_find_hidden_interfaces(struct interfaces *interfaces);

/* Finds file systems that are mounted, and disks that are connected, through the interfaces. */
void hazard_find_network_storage(struct interfaces *interfaces);

#endif
