/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/binder/fakenetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define PORT 4711
/* queries for one route, which have the type of a dump of routes */
#define ROUTE_TO 0xffff
/* queries for one link, with its virtual functions */
#define LINK 0xfffe

/* Adds a message of TYPE with a header of HEADER_SIZE bytes, which the caller fills. */
static struct nlmsghdr *add(struct fakenetlink *netlink, unsigned short request,
			    const char *namespace, unsigned short type, const void *header,
			    size_t header_size)
{
	struct fakenetlink_message *message = &netlink->messages[netlink->count++];
	struct nlmsghdr *ret;

	if (netlink->count > FAKENETLINK_MESSAGES)
		abort();
	message->request = request;
	message->namespace = namespace;
	ret = mnl_nlmsg_put_header(message->bytes);
	ret->nlmsg_type = type;
	ret->nlmsg_flags = NLM_F_MULTI;
	memcpy(mnl_nlmsg_put_extra_header(ret, header_size), header, header_size);
	return ret;
}

void fakenetlink_add_link(struct fakenetlink *netlink, struct fake_link link)
{
	struct ifinfomsg header = {.ifi_index = (int)link.index, .ifi_flags = link.up ? IFF_UP : 0};
	struct nlmsghdr *message = add(netlink, RTM_GETLINK, link.namespace, RTM_NEWLINK, &header,
				       sizeof(header));
	struct nlattr *nest;

	mnl_attr_put_strz(message, IFLA_IFNAME, link.name);
	if (link.master)
		mnl_attr_put_u32(message, IFLA_MASTER, link.master);
	if (link.kind) {
		nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
		mnl_attr_put_strz(message, IFLA_INFO_KIND, link.kind);
		mnl_attr_nest_end(message, nest);
	}
	/* IFLA_PARENT_DEV_NAME and IFLA_PARENT_DEV_BUS_NAME, since Linux 5.14 */
	if (link.parent)
		mnl_attr_put_strz(message, 56, link.parent);
	if (link.bus)
		mnl_attr_put_strz(message, 57, link.bus);
}

static void put_vlan_list(struct nlmsghdr *message, const struct fake_vf *vf)
{
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_VF_VLAN_LIST);
	struct ifla_vf_vlan_info info = {
		.vf = vf->index, .vlan = vf->vlan, .vlan_proto = htons(vf->vlan_protocol)};

	mnl_attr_put(message, IFLA_VF_VLAN_INFO, sizeof(info), &info);
	mnl_attr_nest_end(message, nest);
}

/* Like the kernel, for drivers without counters too. */
static void put_counters(struct nlmsghdr *message, const struct fake_vf *vf)
{
	static const unsigned short types[] = {
		IFLA_VF_STATS_RX_PACKETS, IFLA_VF_STATS_TX_PACKETS, IFLA_VF_STATS_RX_BYTES,
		IFLA_VF_STATS_TX_BYTES,	  IFLA_VF_STATS_BROADCAST,  IFLA_VF_STATS_MULTICAST,
		IFLA_VF_STATS_RX_DROPPED, IFLA_VF_STATS_TX_DROPPED,
	};
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_VF_STATS);

	for (size_t i = 0; i < RTNETLINK_COUNTERS; i++)
		mnl_attr_put_u64(message, types[i], vf->counters[i]);
	mnl_attr_nest_end(message, nest);
}

void fakenetlink_vfs(struct fakenetlink *netlink, const char *name, const struct fake_vf *vfs,
		     size_t count)
{
	struct ifinfomsg header = {.ifi_type = ARPHRD_ETHER};
	struct nlmsghdr *message = add(netlink, LINK, NULL, RTM_NEWLINK, &header, sizeof(header));
	struct nlattr *list, *nest;

	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
	for (size_t i = 0; i < count; i++) {
		struct ifla_vf_mac mac = {.vf = vfs[i].index};
		struct ifla_vf_vlan vlan = {.vf = vfs[i].index, .vlan = vfs[i].vlan};
		struct ifla_vf_rate rate = {.vf = vfs[i].index, .max_tx_rate = vfs[i].max_rate};
		struct ifla_vf_spoofchk check = {vfs[i].index, !vfs[i].is_unchecked};
		struct ifla_vf_trust trust = {vfs[i].index, vfs[i].is_trusted ? 1 : ~0u};
		struct ifla_vf_link_state link = {vfs[i].index,
						  vfs[i].is_up ? IFLA_VF_LINK_STATE_ENABLE : 0};

		memcpy(mac.mac, vfs[i].mac, sizeof(vfs[i].mac));
		nest = mnl_attr_nest_start(message, IFLA_VF_INFO);
		mnl_attr_put(message, IFLA_VF_MAC, sizeof(mac) - vfs[i].cut, &mac);
		mnl_attr_put(message, IFLA_VF_VLAN, sizeof(vlan), &vlan);
		mnl_attr_put(message, IFLA_VF_RATE, sizeof(rate), &rate);
		mnl_attr_put(message, IFLA_VF_SPOOFCHK, sizeof(check), &check);
		mnl_attr_put(message, IFLA_VF_LINK_STATE, sizeof(link), &link);
		mnl_attr_put(message, IFLA_VF_TRUST, sizeof(trust), &trust);
		if (vfs[i].vlan_protocol)
			put_vlan_list(message, &vfs[i]);
		put_counters(message, &vfs[i]);
		mnl_attr_nest_end(message, nest);
	}
	mnl_attr_nest_end(message, list);
}

static size_t parse(const char *text, unsigned char bytes[static 16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	if (inet_pton(AF_INET6, text, bytes) != 1)
		abort();
	return 16;
}

void fakenetlink_address(struct fakenetlink *netlink, unsigned interface, const char *address)
{
	unsigned char bytes[16];
	size_t size = parse(address, bytes);
	struct ifaddrmsg header = {.ifa_family = size == 4 ? AF_INET : AF_INET6,
				   .ifa_index = interface};

	mnl_attr_put(add(netlink, RTM_GETADDR, NULL, RTM_NEWADDR, &header, sizeof(header)),
		     IFA_ADDRESS, size, bytes);
}

void fakenetlink_add_route(struct fakenetlink *netlink, struct fake_route route)
{
	unsigned char bytes[16];
	size_t size = parse(route.to, bytes);
	struct rtmsg header = {.rtm_family = size == 4 ? AF_INET : AF_INET6,
			       .rtm_dst_len = (unsigned char)route.length,
			       .rtm_type = route.type ? route.type : RTN_UNICAST};
	struct nlmsghdr *message = add(netlink, route.is_answer ? ROUTE_TO : RTM_GETROUTE, NULL,
				       RTM_NEWROUTE, &header, sizeof(header));
	struct nlattr *nest;

	mnl_attr_put_u32(message, RTA_TABLE, route.table ? route.table : RT_TABLE_MAIN);
	if (route.length || route.is_answer)
		mnl_attr_put(message, RTA_DST, size, bytes);
	if (route.interface)
		mnl_attr_put_u32(message, RTA_OIF, route.interface);
	if (route.nexthop)
		mnl_attr_put_u32(message, RTA_NH_ID, route.nexthop);
	if (route.vrf)
		mnl_attr_put_u32(message, RTA_IIF, route.vrf);
	if (!route.hops[0])
		return;
	nest = mnl_attr_nest_start(message, RTA_MULTIPATH);
	for (size_t i = 0; i < sizeof(route.hops) / sizeof(*route.hops) && route.hops[i]; i++) {
		struct rtnexthop hop = {.rtnh_len = sizeof(hop),
					.rtnh_ifindex = (int)route.hops[i]};

		memcpy(mnl_nlmsg_get_payload_tail(message), &hop, sizeof(hop));
		message->nlmsg_len += sizeof(hop);
	}
	mnl_attr_nest_end(message, nest);
}

void fakenetlink_nexthop(struct fakenetlink *netlink, unsigned id, unsigned interface,
			 unsigned member)
{
	struct nhmsg header = {.nh_family = AF_INET};
	struct nlmsghdr *message = add(netlink, RTM_GETNEXTHOP, NULL, RTM_NEWNEXTHOP, &header,
				       sizeof(header));
	struct nexthop_grp group = {.id = member};

	mnl_attr_put_u32(message, NHA_ID, id);
	if (interface)
		mnl_attr_put_u32(message, NHA_OIF, interface);
	else
		mnl_attr_put(message, NHA_GROUP, sizeof(group), &group);
}

/* ---- answers ---- */

static const struct nlattr *find_after(const struct nlmsghdr *message, size_t header_size,
				       unsigned type)
{
	const struct nlattr *attribute = mnl_nlmsg_get_payload_offset(message, header_size);
	const char *tail = mnl_nlmsg_get_payload_tail(message);

	for (; mnl_attr_ok(attribute, (int)(tail - (const char *)attribute));
	     attribute = mnl_attr_next(attribute))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static const struct nlattr *find(const struct nlmsghdr *message, unsigned type)
{
	return find_after(message, sizeof(struct rtmsg), type);
}

static bool same(const struct nlattr *a, const struct nlattr *b)
{
	return (!a && !b) || (a && b && a->nla_len == b->nla_len &&
			      memcmp(mnl_attr_get_payload(a), mnl_attr_get_payload(b),
				     mnl_attr_get_payload_len(a)) == 0);
}

/* The fake's answers have the VRF that they are for as RTA_IIF. */
static bool matches(const struct fakenetlink_message *message, const char *namespace,
		    const struct nlmsghdr *request, unsigned short type)
{
	const struct nlmsghdr *header = (const void *)message->bytes;

	if (message->request != type || (namespace == NULL) != (message->namespace == NULL) ||
	    (namespace && strcmp(namespace, message->namespace) != 0))
		return false;
	if (type == LINK)
		return same(find_after(header, sizeof(struct ifinfomsg), IFLA_IFNAME),
			    find_after(request, sizeof(struct ifinfomsg), IFLA_IFNAME));
	return type != ROUTE_TO || (same(find(header, RTA_DST), find(request, RTA_DST)) &&
				    same(find(header, RTA_IIF), find(request, RTA_OIF)));
}

/* Ends the answer with an error, or 0. */
static int end(const struct nlmsghdr *request, int error, netlink_receiver *receive, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlmsgerr header = {.error = error, .msg = *request};

	message->nlmsg_type = NLMSG_ERROR;
	message->nlmsg_seq = request->nlmsg_seq;
	message->nlmsg_pid = PORT;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(header)), &header, sizeof(header));
	if (!error && (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		message->nlmsg_type = NLMSG_DONE;
	return receive(data, buffer, message->nlmsg_len, PORT);
}

int fakenetlink_query(struct netlink *netlink, const char *namespace,
		      const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	struct fakenetlink *fake = (struct fakenetlink *)netlink;
	bool is_dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP, is_found = false;
	unsigned short type = request->nlmsg_type == RTM_GETROUTE && !is_dump ? ROUTE_TO
			      : request->nlmsg_type == RTM_GETLINK && !is_dump
				      ? LINK
				      : request->nlmsg_type;

	fake->queries++;
	if (fake->error && (!fake->error_of || fake->error_of == request->nlmsg_type) &&
	    (!fake->error_namespace ||
	     (namespace && strcmp(namespace, fake->error_namespace) == 0)))
		return fake->error;
	for (size_t i = 0; i < fake->count; i++) {
		struct nlmsghdr *message = (void *)fake->messages[i].bytes;
		int result;

		if (!matches(&fake->messages[i], namespace, request, type))
			continue;
		is_found = true;
		message->nlmsg_seq = request->nlmsg_seq;
		message->nlmsg_pid = PORT;
		message->nlmsg_flags = NLM_F_MULTI;
		if (fake->interruptions && is_dump) {
			fake->interruptions--;
			message->nlmsg_flags |= NLM_F_DUMP_INTR;
		}
		result = receive(data, message, message->nlmsg_len, PORT);
		if (result != 1)
			return result;
	}
	return end(request, type == ROUTE_TO && !is_found ? -ENETUNREACH : 0, receive, data);
}
