/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries of rtnetlink(7), as a table of functions, so that tests can answer instead of the kernel.
 * On the host a child process makes each query with a time limit: the kernel answers under its RTNL
 * lock, which a hanging driver may hold for ever, and where no signal interrupts the wait. */
#ifndef PCIPROBE_COMMON_NETLINK_H
#define PCIPROBE_COMMON_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>

/* Handles one datagram of an answer to a socket with the netlink port PORT; BYTES are aligned for
 * struct nlmsghdr. Returns 1 if more belong to the answer, 0 if it is complete, or a negative
 * errno. */
typedef int netlink_receiver(void *data, const void *bytes, size_t length, unsigned port);

struct netlink {
	/* Sends REQUEST in the network namespace whose file is NAMESPACE, "/proc/1234/ns/net", or
	 * in the caller's if that is NULL, and calls RECEIVE with each datagram of the answer until
	 * it does not return 1. Returns what it returned last, or a negative errno: -ETIMEDOUT if
	 * the answer was not complete in time, that of open(2) or setns(2) for the namespace. */
	int (*query)(struct netlink *netlink, const char *namespace, const struct nlmsghdr *request,
		     netlink_receiver *receive, void *data);
};

/* The running kernel. */
struct host_netlink {
	struct netlink netlink; /* first member, so that a pointer to it can be cast */
	unsigned timeout;	/* seconds, for each query */

	/* Called if a query has no answer after QUIET seconds, with the seconds that are left; may
	 * be NULL. */
	void (*report)(const void *data, unsigned left);
	const void *data; /* for report */
	unsigned quiet;

	int kept; /* a descriptor that the child keeps open, as for a lock; -1: none */
};

/* Initializes NETLINK, without report and kept. Nothing has to be freed. */
void host_netlink_init(struct host_netlink *netlink, unsigned timeout);

#endif
