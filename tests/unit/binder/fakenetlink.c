/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/binder/fakenetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

static void put_vlan_list(struct nlmsghdr *message, const struct fake_vf *vf)
{
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_VF_VLAN_LIST);
	struct ifla_vf_vlan_info info = {.vf = vf->index,
					 .vlan = vf->vlan,
					 .qos = vf->vlan_priority,
					 .vlan_proto = htons(vf->vlan_protocol)};

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

static void put_vf(struct nlmsghdr *message, const struct fake_vf *vf)
{
	struct ifla_vf_mac mac = {.vf = vf->index};
	struct ifla_vf_vlan vlan = {.vf = vf->index, .vlan = vf->vlan, .qos = vf->vlan_priority};
	struct ifla_vf_rate rate = {
		.vf = vf->index, .min_tx_rate = vf->min_rate, .max_tx_rate = vf->max_rate};
	struct ifla_vf_spoofchk check = {vf->index, !vf->is_unchecked};
	struct ifla_vf_trust trust = {vf->index, vf->is_without_trust ? ~0u
						 : vf->is_trusted     ? 1
								      : 0};
	struct ifla_vf_rss_query_en rss = {
		vf->index, vf->rss_query == SWITCH_UNSUPPORTED ? ~0u : vf->rss_query == SWITCH_ON};
	struct ifla_vf_link_state link = {vf->index, vf->is_up	   ? IFLA_VF_LINK_STATE_ENABLE
						     : vf->is_down ? IFLA_VF_LINK_STATE_DISABLE
								   : IFLA_VF_LINK_STATE_AUTO};
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_VF_INFO);

	memcpy(mac.mac, vf->mac, sizeof(vf->mac));
	mnl_attr_put(message, IFLA_VF_MAC, sizeof(mac) - vf->cut, &mac);
	mnl_attr_put(message, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	mnl_attr_put(message, IFLA_VF_RATE, sizeof(rate), &rate);
	mnl_attr_put(message, IFLA_VF_SPOOFCHK, sizeof(check), &check);
	mnl_attr_put(message, IFLA_VF_LINK_STATE, sizeof(link), &link);
	mnl_attr_put(message, IFLA_VF_TRUST, sizeof(trust), &trust);
	mnl_attr_put(message, IFLA_VF_RSS_QUERY_EN, sizeof(rss), &rss);
	if (vf->vlan_protocol)
		put_vlan_list(message, vf);
	put_counters(message, vf);
	mnl_attr_nest_end(message, nest);
}

static unsigned find_index(const struct fakenetlink *netlink, const char *name)
{
	for (size_t i = 0; i < netlink->count; i++) {
		const struct nlmsghdr *message = (const void *)netlink->messages[i].bytes;
		const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
		const struct nlattr *attribute;

		if (netlink->messages[i].request != RTM_GETLINK)
			continue;
		attribute = find_after(message, sizeof(*header), IFLA_IFNAME);
		if (attribute && strcmp(mnl_attr_get_str(attribute), name) == 0)
			return (unsigned)header->ifi_index;
	}
	abort();
}

void fakenetlink_vfs(struct fakenetlink *netlink, const char *name, const struct fake_vf *vfs,
		     size_t count)
{
	static struct fake_vf_table *table;

	if (!table)
		table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED || count > FAKE_VFS || strlen(name) >= IFNAMSIZ)
		abort();
	netlink->table = table;
	table->count = count;
	if (count)
		memcpy(table->vfs, vfs, count * sizeof(*vfs));
	strcpy(netlink->vf_interface, name);
	netlink->vf_interface_index = find_index(netlink, name);
}

void fakenetlink_create_vfs(struct fakenetlink *netlink, size_t count)
{
	struct fake_vf_table *table = netlink->table;

	if (!table)
		return;
	if (count > FAKE_VFS)
		abort();
	for (size_t i = 0; i < count; i++)
		table->vfs[i] = (struct fake_vf){.index = (unsigned)i,
						 .vlan_protocol = ETH_P_8021Q,
						 .rss_query = table->vfs[i].rss_query ? SWITCH_OFF
										      : 0};
	table->count = count;
}

/* ---- requests to set a virtual function ---- */

/* The attribute of the setting, which begins with the number of the VF. */
static const struct nlattr *find_setting(const struct nlmsghdr *request)
{
	const struct nlattr *list = find_after(request, sizeof(struct ifinfomsg), IFLA_VFINFO_LIST);
	const struct nlattr *item = list ? mnl_attr_get_payload(list) : NULL, *setting;

	if (!item || mnl_attr_get_type(item) != IFLA_VF_INFO ||
	    item->nla_len != mnl_attr_get_payload_len(list))
		abort(); /* one VF in a request */
	setting = mnl_attr_get_payload(item);
	if (mnl_attr_get_payload_len(item) != setting->nla_len)
		abort(); /* and one setting */
	return mnl_attr_get_type(setting) == IFLA_VF_VLAN_LIST ? mnl_attr_get_payload(setting)
							       : setting;
}

/* As the kernel's policy demands it. */
static const void *read_payload(const struct nlattr *attribute, size_t size)
{
	if (mnl_attr_get_payload_len(attribute) != size)
		abort();
	return mnl_attr_get_payload(attribute);
}

/* The VF after REQUEST, of which the members that it does not set are those before. */
static enum rtnetlink_setting apply(const struct nlmsghdr *request, struct fake_vf *vf)
{
	const struct nlattr *attribute = find_setting(request);
	bool is_list = mnl_attr_get_type(attribute) == IFLA_VF_VLAN_INFO &&
		       mnl_attr_get_payload_len(attribute) == sizeof(struct ifla_vf_vlan_info);
	const struct ifla_vf_vlan_info *info;
	const struct ifla_vf_mac *mac;
	const struct ifla_vf_vlan *vlan;
	const struct ifla_vf_rate *rate;
	const struct ifla_vf_trust *value; /* the others have the same members */

	if (is_list) {
		info = read_payload(attribute, sizeof(*info));
		vf->vlan = info->vlan;
		vf->vlan_priority = info->qos;
		vf->vlan_protocol = ntohs(info->vlan_proto);
		return VF_VLAN;
	}
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_VF_MAC:
		mac = read_payload(attribute, sizeof(*mac));
		memcpy(vf->mac, mac->mac, sizeof(vf->mac));
		return VF_MAC;
	case IFLA_VF_VLAN:
		vlan = read_payload(attribute, sizeof(*vlan));
		vf->vlan = vlan->vlan;
		vf->vlan_priority = vlan->qos;
		vf->vlan_protocol = ETH_P_8021Q;
		return VF_VLAN;
	case IFLA_VF_RATE:
		rate = read_payload(attribute, sizeof(*rate));
		vf->min_rate = rate->min_tx_rate;
		vf->max_rate = rate->max_tx_rate;
		return VF_RATE;
	default:
		break;
	}
	value = read_payload(attribute, sizeof(*value));
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_VF_SPOOFCHK:
		vf->is_unchecked = !value->setting;
		return VF_SPOOF_CHECK;
	case IFLA_VF_TRUST:
		vf->is_trusted = value->setting;
		return VF_TRUST;
	case IFLA_VF_LINK_STATE:
		vf->is_up = value->setting == IFLA_VF_LINK_STATE_ENABLE;
		vf->is_down = value->setting == IFLA_VF_LINK_STATE_DISABLE;
		return VF_LINK_STATE;
	case IFLA_VF_RSS_QUERY_EN:
		vf->rss_query = value->setting ? SWITCH_ON : SWITCH_OFF;
		return VF_RSS_QUERY;
	default:
		abort();
	}
}

static unsigned find_number(const struct nlmsghdr *request)
{
	unsigned number;

	memcpy(&number, mnl_attr_get_payload(find_setting(request)), sizeof(number));
	return number;
}

void fakenetlink_describe(const struct nlmsghdr *request, char text[static FAKE_SETTING_SIZE])
{
	struct fake_vf vf = {0};
	enum rtnetlink_setting setting = apply(request, &vf);
	int length = snprintf(text, FAKE_SETTING_SIZE, "vf %u ", find_number(request));
	size_t size = FAKE_SETTING_SIZE - (size_t)length;

	text += length;
	if (setting == VF_MAC)
		snprintf(text, size, "mac %02x:%02x:%02x:%02x:%02x:%02x", vf.mac[0], vf.mac[1],
			 vf.mac[2], vf.mac[3], vf.mac[4], vf.mac[5]);
	if (setting == VF_VLAN)
		snprintf(text, size, "vlan %u qos %u proto %04x", vf.vlan, vf.vlan_priority,
			 vf.vlan_protocol);
	if (setting == VF_SPOOF_CHECK)
		snprintf(text, size, "spoofchk %d", !vf.is_unchecked);
	if (setting == VF_TRUST)
		snprintf(text, size, "trust %d", vf.is_trusted);
	if (setting == VF_LINK_STATE)
		snprintf(text, size, "state %s", vf.is_up ? "up" : vf.is_down ? "down" : "auto");
	if (setting == VF_RATE)
		snprintf(text, size, "rate %u to %u", vf.min_rate, vf.max_rate);
	if (setting == VF_RSS_QUERY)
		snprintf(text, size, "rss %d", vf.rss_query == SWITCH_ON);
}

int fakenetlink_set(struct fakenetlink *netlink, const struct nlmsghdr *request)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(request);
	struct fake_vf_table *table = netlink->table;
	enum rtnetlink_setting setting;
	unsigned number = find_number(request);
	struct fake_vf changed;

	if (!table || (unsigned)header->ifi_index != netlink->vf_interface_index)
		return -ENODEV;
	if (number >= table->count)
		return -EINVAL;
	changed = table->vfs[number];
	setting = apply(request, &changed);
	if (netlink->refused[setting]) {
		int error = netlink->refused[setting];

		if (netlink->refusals[setting] && --netlink->refusals[setting] == 0)
			netlink->refused[setting] = 0;
		return error;
	}
	if (!netlink->is_ignored)
		table->vfs[number] = changed;
	return 0;
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
	return type != ROUTE_TO || (same(find(header, RTA_DST), find(request, RTA_DST)) &&
				    same(find(header, RTA_IIF), find(request, RTA_OIF)));
}

int fakenetlink_end(const struct nlmsghdr *request, int error, netlink_receiver *receive,
		    void *data)
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

/* Whether a query for one link, by name or index, is for the one with the VFs. */
static bool is_for_vfs(const struct fakenetlink *netlink, const struct nlmsghdr *request)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(request);
	const struct nlattr *name = find_after(request, sizeof(*header), IFLA_IFNAME);

	if (!netlink->table)
		return false;
	return name ? strcmp(mnl_attr_get_str(name), netlink->vf_interface) == 0
		    : (unsigned)header->ifi_index == netlink->vf_interface_index;
}

static int report_vfs(const struct fakenetlink *netlink, const struct nlmsghdr *request,
		      netlink_receiver *receive, void *data)
{
	static _Alignas(struct nlmsghdr) char buffer[16384];
	struct ifinfomsg header = {.ifi_type = ARPHRD_ETHER,
				   .ifi_index = (int)netlink->vf_interface_index};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlattr *list;
	int result;

	if (netlink->on_read)
		netlink->on_read();
	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_flags = NLM_F_MULTI;
	message->nlmsg_seq = request->nlmsg_seq;
	message->nlmsg_pid = PORT;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(header)), &header, sizeof(header));
	mnl_attr_put_strz(message, IFLA_IFNAME, netlink->vf_interface);
	list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
	for (size_t i = 0; i < netlink->table->count; i++)
		put_vf(message, &netlink->table->vfs[i]);
	mnl_attr_nest_end(message, list);
	result = receive(data, message, message->nlmsg_len, PORT);
	return result == 1 ? fakenetlink_end(request, 0, receive, data) : result;
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
	if (type == LINK && is_for_vfs(fake, request))
		return report_vfs(fake, request, receive, data);
	if (type == RTM_SETLINK)
		return fakenetlink_end(request, fakenetlink_set(fake, request), receive, data);
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
	return fakenetlink_end(request, type == ROUTE_TO && !is_found ? -ENETUNREACH : 0, receive,
			       data);
}
