/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rtnetlink.h"

#include "common/rtmessage.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* of linux/if_link.h since Linux 5.14 */
#define ATTRIBUTE_PARENT 56
#define ATTRIBUTE_PARENT_BUS 57

int index_set_add(struct index_set *set, unsigned index)
{
	unsigned *grown;

	if (index_set_has(set, index))
		return 0;
	grown = realloc(set->items, (set->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->items = grown;
	grown[set->count++] = index;
	return 0;
}

bool index_set_has(const struct index_set *set, unsigned index)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i] == index)
			return true;
	return false;
}

void index_set_free(struct index_set *set)
{
	free(set->items);
	*set = (struct index_set){0};
}

/* ---- messages ---- */

/* A query for objects, and who receives them. */
struct object_query {
	struct rt_query query; /* first member, so that a pointer to it can be cast */
	union {
		rtnetlink_link_fn *link;
		rtnetlink_address_fn *address;
		rtnetlink_route_fn *route;
	} each;
	void *data;
	int family; /* of routes; others are skipped */
};

/* Stores a number of 32 bits; leaves *ret unchanged if it is absent. */
static int read_number(const struct rt_attributes *attributes, unsigned type, unsigned *ret)
{
	const struct nlattr *attribute = attributes->items[type];

	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) != sizeof(uint32_t))
		return -EBADMSG;
	*ret = mnl_attr_get_u32(attribute);
	return 0;
}

static int read_string(const struct rt_attributes *attributes, unsigned type, char *ret,
		       size_t size)
{
	const struct nlattr *attribute = attributes->items[type];

	*ret = '\0';
	if (!attribute)
		return 0;
	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0 ||
	    strlen(mnl_attr_get_str(attribute)) >= size)
		return -EBADMSG;
	strcpy(ret, mnl_attr_get_str(attribute));
	return 0;
}

static size_t address_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

static int read_address(const struct nlattr *attribute, int family, struct ip_address *ret)
{
	*ret = (struct ip_address){.family = family};
	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) != address_size(family))
		return -EBADMSG;
	memcpy(ret->bytes, mnl_attr_get_payload(attribute), address_size(family));
	return 0;
}

/* ---- links ---- */

static int read_kind(const struct rt_attributes *attributes, bool *ret_is_vrf)
{
	const struct nlattr *info = attributes->items[IFLA_LINKINFO];
	struct rt_attributes inner;
	char kind[64];
	int error;

	*ret_is_vrf = false;
	if (!info)
		return 0;
	error = rt_read_attributes(mnl_attr_get_payload(info), mnl_attr_get_payload_len(info),
				   &inner);
	if (!error)
		error = read_string(&inner, IFLA_INFO_KIND, kind, sizeof(kind));
	if (!error)
		*ret_is_vrf = strcmp(kind, "vrf") == 0;
	return error;
}

static int parse_link(struct rt_query *query, const void *header,
		      const struct rt_attributes *attributes)
{
	const struct object_query *objects = (const struct object_query *)query;
	const struct ifinfomsg *info = header;
	struct rtnetlink_link link = {.index = (unsigned)info->ifi_index,
				      .is_up = info->ifi_flags & IFF_UP};
	int error = read_number(attributes, IFLA_MASTER, &link.master);

	if (!error)
		error = read_string(attributes, IFLA_IFNAME, link.name, sizeof(link.name));
	if (!error)
		error = read_kind(attributes, &link.is_vrf);
	if (!error)
		error = read_string(attributes, ATTRIBUTE_PARENT, link.parent, sizeof(link.parent));
	if (!error)
		error = read_string(attributes, ATTRIBUTE_PARENT_BUS, link.parent_bus,
				    sizeof(link.parent_bus));
	if (!error && (!link.index || !*link.name))
		error = -EBADMSG;
	return error ? error : objects->each.link(objects->data, &link);
}

int rtnetlink_links(struct netlink *netlink, const char *namespace, rtnetlink_link_fn *each,
		    void *data)
{
	struct object_query query = {.query = {.parse = parse_link,
					       .type = RTM_NEWLINK,
					       .header_size = sizeof(struct ifinfomsg)},
				     .each.link = each,
				     .data = data};

	return rt_dump(netlink, namespace, RTM_GETLINK, AF_UNSPEC, &query.query);
}

/* ---- addresses ---- */

static int parse_address(struct rt_query *query, const void *header,
			 const struct rt_attributes *attributes)
{
	const struct object_query *objects = (const struct object_query *)query;
	const struct ifaddrmsg *info = header;
	/* IFA_ADDRESS of a point-to-point interface is that of the peer */
	const struct nlattr *attribute = attributes->items[IFA_LOCAL]
						 ? attributes->items[IFA_LOCAL]
						 : attributes->items[IFA_ADDRESS];
	struct ip_address address;
	int error;

	if ((info->ifa_family != AF_INET && info->ifa_family != AF_INET6) || !attribute)
		return 0;
	error = read_address(attribute, info->ifa_family, &address);
	return error ? error : objects->each.address(objects->data, info->ifa_index, &address);
}

int rtnetlink_addresses(struct netlink *netlink, rtnetlink_address_fn *each, void *data)
{
	struct object_query query = {.query = {.parse = parse_address,
					       .type = RTM_NEWADDR,
					       .header_size = sizeof(struct ifaddrmsg)},
				     .each.address = each,
				     .data = data};

	return rt_dump(netlink, NULL, RTM_GETADDR, AF_UNSPEC, &query.query);
}

/* ---- routes ---- */

/* The next hops of a route with several: an array of struct rtnexthop, each followed by its
 * attributes. */
static int read_hops(const struct nlattr *attribute, struct index_set *ret)
{
	const char *hop = mnl_attr_get_payload(attribute);
	size_t left = mnl_attr_get_payload_len(attribute);

	while (left) {
		const struct rtnexthop *head = (const void *)hop;
		size_t length;

		if (left < sizeof(*head) || head->rtnh_len < sizeof(*head) || head->rtnh_len > left)
			return -EBADMSG;
		if (index_set_add(ret, (unsigned)head->rtnh_ifindex) < 0)
			return -ENOMEM;
		length = (size_t)RTNH_ALIGN(head->rtnh_len);
		if (length > left)
			length = left;
		hop += length;
		left -= length;
	}
	return 0;
}

static int read_route(const struct rtmsg *info, const struct rt_attributes *attributes,
		      struct rtnetlink_route *route)
{
	const struct nlattr *hops = attributes->items[RTA_MULTIPATH];
	unsigned interface = 0;
	int error = read_address(attributes->items[RTA_DST], info->rtm_family, &route->destination);

	if (!error)
		error = read_number(attributes, RTA_TABLE, &route->table);
	if (!error)
		error = read_number(attributes, RTA_NH_ID, &route->nexthop);
	if (!error)
		error = read_number(attributes, RTA_OIF, &interface);
	if (!error && interface)
		error = index_set_add(&route->interfaces, interface);
	if (!error && hops)
		error = read_hops(hops, &route->interfaces);
	return !error && route->length > 8 * address_size(info->rtm_family) ? -EBADMSG : error;
}

static int parse_route(struct rt_query *query, const void *header,
		       const struct rt_attributes *attributes)
{
	const struct object_query *objects = (const struct object_query *)query;
	const struct rtmsg *info = header;
	struct rtnetlink_route route = {
		.length = info->rtm_dst_len, .table = info->rtm_table, .type = info->rtm_type};
	int error;

	/* a kernel without IPv6 answers with the routes of all families that it has */
	if (info->rtm_family != objects->family)
		return 0;
	error = read_route(info, attributes, &route);
	if (!error)
		error = objects->each.route(objects->data, &route);
	index_set_free(&route.interfaces);
	return error;
}

static bool is_unsupported(int error)
{
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT;
}

int rtnetlink_routes(struct netlink *netlink, int family, rtnetlink_route_fn *each, void *data)
{
	struct object_query query = {.query = {.parse = parse_route,
					       .type = RTM_NEWROUTE,
					       .header_size = sizeof(struct rtmsg)},
				     .each.route = each,
				     .data = data,
				     .family = family};
	int error = rt_dump(netlink, NULL, RTM_GETROUTE, family, &query.query);

	return is_unsupported(error) ? 0 : error;
}

/* EINVAL: a blackhole, a source address that is not of this host, or a link-local address without
 * its interface. EACCES: a route or rule that prohibits it. */
static bool is_no_route(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EINVAL ||
	       error == -EACCES || error == -ENODEV || error == -EADDRNOTAVAIL ||
	       is_unsupported(error);
}

int rtnetlink_route_to(struct netlink *netlink, const struct ip_address *to,
		       const struct ip_address *from, unsigned vrf, bool whole,
		       rtnetlink_route_fn *each, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct object_query query = {
		.query = {.request = rt_put_request(buffer, RTM_GETROUTE, NLM_F_ACK),
			  .parse = parse_route,
			  .type = RTM_NEWROUTE,
			  .header_size = sizeof(struct rtmsg)},
		.each.route = each,
		.data = data,
		.family = to->family};
	struct rtmsg *header = mnl_nlmsg_put_extra_header(query.query.request, sizeof(*header));
	size_t size = address_size(to->family);
	int error;

	header->rtm_family = (unsigned char)to->family;
	header->rtm_dst_len = (unsigned char)(8 * size);
	header->rtm_flags = whole ? RTM_F_FIB_MATCH : 0;
	mnl_attr_put(query.query.request, RTA_DST, size, to->bytes);
	if (from && from->family == to->family) {
		header->rtm_src_len = (unsigned char)(8 * size);
		mnl_attr_put(query.query.request, RTA_SRC, size, from->bytes);
	}
	if (vrf)
		mnl_attr_put_u32(query.query.request, RTA_OIF, vrf);
	error = rt_run(netlink, NULL, &query.query);
	return is_no_route(error) ? 0 : error;
}

/* ---- next hop objects ---- */

/* A next hop that goes through INTERFACE, or a group with the next hop MEMBER. */
struct nexthop {
	unsigned id, interface, member;
};

struct nexthops {
	struct nexthop *items;
	size_t count;
};

static int add_nexthop(struct nexthops *nexthops, struct nexthop nexthop)
{
	struct nexthop *grown = realloc(nexthops->items,
					(nexthops->count + 1) * sizeof(*nexthops->items));

	if (!grown)
		return -ENOMEM;
	nexthops->items = grown;
	grown[nexthops->count++] = nexthop;
	return 0;
}

static int parse_nexthop(struct rt_query *query, const void *header,
			 const struct rt_attributes *attributes)
{
	const struct object_query *objects = (const struct object_query *)query;
	const struct nlattr *group = attributes->items[NHA_GROUP];
	size_t length = group ? mnl_attr_get_payload_len(group) : 0;
	struct nexthop nexthop = {0};
	int error = read_number(attributes, NHA_ID, &nexthop.id);

	(void)header;
	if (!error)
		error = read_number(attributes, NHA_OIF, &nexthop.interface);
	if (!error && (!nexthop.id || length % sizeof(struct nexthop_grp)))
		error = -EBADMSG;
	if (!error && nexthop.interface)
		error = add_nexthop(objects->data, nexthop);
	for (size_t at = 0; !error && at < length; at += sizeof(struct nexthop_grp)) {
		struct nexthop_grp member;

		memcpy(&member, (const char *)mnl_attr_get_payload(group) + at, sizeof(member));
		error = add_nexthop(objects->data,
				    (struct nexthop){.id = nexthop.id, .member = member.id});
	}
	return error;
}

int rtnetlink_nexthops(struct netlink *netlink, const struct index_set *interfaces,
		       struct index_set *ret_ids)
{
	struct nexthops nexthops = {0};
	struct object_query query = {.query = {.parse = parse_nexthop,
					       .type = RTM_NEWNEXTHOP,
					       .header_size = sizeof(struct nhmsg)},
				     .data = &nexthops};
	struct index_set ids = {0};
	int error = rt_dump(netlink, NULL, RTM_GETNEXTHOP, AF_UNSPEC, &query.query);

	if (is_unsupported(error))
		error = 0;
	/* groups have no groups as members */
	for (size_t i = 0; !error && i < nexthops.count; i++)
		if (index_set_has(interfaces, nexthops.items[i].interface))
			error = index_set_add(&ids, nexthops.items[i].id);
	for (size_t i = 0; !error && i < nexthops.count; i++)
		if (nexthops.items[i].member && index_set_has(&ids, nexthops.items[i].member))
			error = index_set_add(&ids, nexthops.items[i].id);
	free(nexthops.items);
	if (error)
		index_set_free(&ids);
	else
		*ret_ids = ids;
	return error;
}
