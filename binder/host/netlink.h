/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries of rtnetlink(7), as a table of functions, so that tests can answer instead of the kernel.
 * On the host a child process makes each query with a time limit: the kernel answers under its RTNL
 * lock, which a hanging driver may hold for ever, and where no signal interrupts the wait. */
#ifndef PCIPROBE_BINDER_HOST_NETLINK_H
#define PCIPROBE_BINDER_HOST_NETLINK_H

#include "probe/log.h"

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
	const struct log *log;	/* for waits of more than KERNEL_QUIET_SECONDS */
	unsigned timeout;	/* seconds, for each query */
};

/* Initializes NETLINK. Nothing has to be freed. */
void host_netlink_init(struct host_netlink *netlink, const struct log *log, unsigned timeout);

#endif
