/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of rtnetlink(7): requests, and answers that are checked before anything of them is used.
 * Only for the files that make queries. */
#ifndef PCIPROBE_COMMON_RTMESSAGE_H
#define PCIPROBE_COMMON_RTMESSAGE_H

#include "common/netlink.h"

#include <stdbool.h>

#define RT_ATTRIBUTES 64

struct rt_attributes {
	const struct nlattr *items[RT_ATTRIBUTES]; /* by type */
};

/* A request, and who handles the messages of its answer. */
struct rt_query {
	struct nlmsghdr *request;

	/* Handles a message of type TYPE, whose header has HEADER_SIZE bytes, a multiple of 4.
	 * Returns 0 or a negative errno, which ends the query. */
	int (*parse)(struct rt_query *query, const void *header,
		     const struct rt_attributes *attributes);
	unsigned type;
	size_t header_size;
};

/* Finds the attributes in LENGTH bytes. Returns 0, or -EBADMSG if one is truncated. */
int rt_read_attributes(const void *bytes, size_t length, struct rt_attributes *ret);

/* Begins a request in BUFFER, which has 256 bytes and is aligned for struct nlmsghdr. */
struct nlmsghdr *rt_put_request(void *buffer, unsigned short type, unsigned short flags);

/* Makes the query in the network namespace whose file is NAMESPACE; NULL: the caller's. Returns 0,
 * -EBADMSG for a malformed answer, or the errno of the query, of the kernel, or of parse. */
int rt_run_once(struct netlink *netlink, const char *namespace, struct rt_query *query);

/* The same, but a dump that changed while it was read is read again. */
int rt_run(struct netlink *netlink, const char *namespace, struct rt_query *query);

/* Dumps all objects: sets the request, whose header is zeros except for the family. */
int rt_dump(struct netlink *netlink, const char *namespace, unsigned short type, int family,
	    struct rt_query *query);

#endif
