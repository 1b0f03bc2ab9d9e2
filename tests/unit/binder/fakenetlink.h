/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers queries of rtnetlink with messages that a test has made. */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_FAKENETLINK_H
#define PCIPROBE_TESTS_UNIT_BINDER_FAKENETLINK_H

#include "common/netlink.h"
#include "common/rtnetlink.h"

#include <stdbool.h>

#define FAKENETLINK_MESSAGES 64

/* A message of the answer to requests of type REQUEST in NAMESPACE. */
struct fakenetlink_message {
	unsigned short request;
	const char *namespace; /* NULL: the caller's own */
	_Alignas(struct nlmsghdr) char bytes[1024];
};

/* Initialize with {.netlink = {.query = fakenetlink_query}}. */
struct fakenetlink {
	struct netlink netlink; /* first member, so that a pointer to it can be cast */
	struct fakenetlink_message messages[FAKENETLINK_MESSAGES];
	size_t count;
	int error;		     /* of every query; 0: none */
	unsigned short error_of;     /* only of requests of this type; 0: of all */
	const char *error_namespace; /* only in this namespace; NULL: in all */
	unsigned interruptions;	     /* this many dumps change while they are read */
	unsigned queries;	     /* so far */
};

int fakenetlink_query(struct netlink *netlink, const char *namespace,
		      const struct nlmsghdr *request, netlink_receiver *receive, void *data);

struct fake_link {
	const char *namespace; /* NULL: the caller's own */
	unsigned index, master;
	const char *name, *kind;
	bool up;
	const char *parent, *bus; /* NULL: none */
};
#define fakenetlink_link(netlink, ...) \
	fakenetlink_add_link(netlink, (struct fake_link){__VA_ARGS__})
void fakenetlink_add_link(struct fakenetlink *netlink, struct fake_link link);

struct fake_vf {
	unsigned index;
	unsigned char mac[6];
	unsigned vlan, max_rate;
	unsigned short vlan_protocol; /* 0: not reported */
	bool is_trusted, is_unchecked, is_up;
	uint64_t counters[RTNETLINK_COUNTERS];
	size_t cut; /* leaves out so many bytes of the attribute with the MAC */
};

/* Adds the answer to a query for one interface: COUNT virtual functions. */
void fakenetlink_vfs(struct fakenetlink *netlink, const char *name, const struct fake_vf *vfs,
		     size_t count);

/* Adds ADDRESS to an interface. */
void fakenetlink_address(struct fakenetlink *netlink, unsigned interface, const char *address);

struct fake_route {
	const char *to; /* "10.0.0.0" */
	unsigned length;
	unsigned table;	    /* 0: main */
	unsigned char type; /* 0: RTN_UNICAST */
	unsigned interface; /* 0: none */
	unsigned hops[4];   /* of several next hops, ends with 0 */
	unsigned nexthop;   /* id; 0: none */
	bool is_answer;	    /* of the query for the route to this address, not of the dump */
	unsigned vrf;	    /* only if the query has this one */
};
#define fakenetlink_route(netlink, ...) \
	fakenetlink_add_route(netlink, (struct fake_route){__VA_ARGS__})
void fakenetlink_add_route(struct fakenetlink *netlink, struct fake_route route);

/* Adds a next hop object through INTERFACE, or if that is 0 a group with the next hop MEMBER. */
void fakenetlink_nexthop(struct fakenetlink *netlink, unsigned id, unsigned interface,
			 unsigned member);

#endif
