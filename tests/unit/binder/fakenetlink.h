/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers queries of rtnetlink with messages that a test has made. */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_FAKENETLINK_H
#define PCIPROBE_TESTS_UNIT_BINDER_FAKENETLINK_H

#include "common/netlink.h"
#include "common/rtnetlink-vf.h"
#include "common/rtnetlink.h"

#include <stdbool.h>

#define FAKENETLINK_MESSAGES 64

/* A message of the answer to requests of type REQUEST in NAMESPACE. */
struct fakenetlink_message {
	unsigned short request;
	const char *namespace; /* NULL: the caller's own */
	_Alignas(struct nlmsghdr) char bytes[1024];
};

struct fake_vf {
	unsigned index;
	unsigned char mac[6];
	unsigned vlan, max_rate;
	unsigned short vlan_protocol; /* 0: not reported */
	bool is_trusted, is_unchecked, is_up;
	uint64_t counters[RTNETLINK_COUNTERS];
	size_t cut; /* leaves out so many bytes of the attribute with the MAC */
	unsigned vlan_priority, min_rate;
	bool is_down;
	bool is_without_trust;		 /* the driver does not have it */
	enum rtnetlink_switch rss_query; /* SWITCH_UNSUPPORTED: it does not have it either */
};

/* The VFs of one interface, in memory that is shared with child processes, so that what one of them
 * has set remains when it is killed. */
#define FAKE_VFS 8
struct fake_vf_table {
	struct fake_vf vfs[FAKE_VFS];
	size_t count;
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

	struct fake_vf_table *table; /* NULL: no interface has VFs */
	char vf_interface[IFNAMSIZ]; /* that has them */
	unsigned vf_interface_index;
	int refused[RTNETLINK_SETTINGS]; /* negative errno for requests to set this; 0: none */
	unsigned refusals[RTNETLINK_SETTINGS]; /* only so many; 0: all */
	bool is_ignored;		       /* requests are accepted, and do nothing */
	void (*on_read)(void);		       /* called before the VFs are reported; may be NULL */
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

/* Gives the interface NAME, which must have been added, COUNT virtual functions. */
void fakenetlink_vfs(struct fakenetlink *netlink, const char *name, const struct fake_vf *vfs,
		     size_t count);

/* The same after the VFs were created: with the defaults. Does nothing if no interface has VFs. */
void fakenetlink_create_vfs(struct fakenetlink *netlink, size_t count);

/* Writes what REQUEST sets, "vf 0 mac 52:54:00:12:34:56", to TEXT. */
#define FAKE_SETTING_SIZE 80
void fakenetlink_describe(const struct nlmsghdr *request, char text[static FAKE_SETTING_SIZE]);

/* Handles a request to set a virtual function. Returns 0 or a negative errno, for the answer. */
int fakenetlink_set(struct fakenetlink *netlink, const struct nlmsghdr *request);

/* Ends an answer with ERROR, a negative errno or 0. Returns what RECEIVE returns. */
int fakenetlink_end(const struct nlmsghdr *request, int error, netlink_receiver *receive,
		    void *data);

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
