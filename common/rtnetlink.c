/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEQUENCE 1 /* of the one request of a socket */
#define RETRIES 10 /* of a dump that changes while it is read */
#define ATTRIBUTES 64
#define ERRNO_MAX 4095 /* MAX_ERRNO of linux/err.h */

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

struct netlink_attributes {
	const struct nlattr *items[ATTRIBUTES]; /* by type */
};

/* A query, and who handles the messages of its answer. */
struct query {
	struct nlmsghdr *request;
	/* handles a message of type TYPE, whose header has HEADER_SIZE bytes */
	int (*parse)(struct query *query, const void *header,
		     const struct netlink_attributes *attributes);
	unsigned type;
	size_t header_size;
	union {
		rtnetlink_link_fn *link;
		rtnetlink_address_fn *address;
		rtnetlink_vf_fn *vf;
		rtnetlink_route_fn *route;
	} each;
	void *data;
	int family; /* of routes; others are skipped */
};

/* Unlike mnl_attr_parse, rejects attributes that are truncated. */
static int read_attributes(const void *bytes, size_t length, struct netlink_attributes *ret)
{
	const struct nlattr *attribute = bytes;
	int left = (int)length;

	*ret = (struct netlink_attributes){0};
	while (mnl_attr_ok(attribute, left)) {
		if (mnl_attr_get_type(attribute) < ATTRIBUTES)
			ret->items[mnl_attr_get_type(attribute)] = attribute;
		left -= MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
	return left > 0 ? -EBADMSG : 0;
}

/* Stores a number of 32 bits; leaves *ret unchanged if it is absent. */
static int read_number(const struct netlink_attributes *attributes, unsigned type, unsigned *ret)
{
	const struct nlattr *attribute = attributes->items[type];

	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) != sizeof(uint32_t))
		return -EBADMSG;
	*ret = mnl_attr_get_u32(attribute);
	return 0;
}

static int read_string(const struct netlink_attributes *attributes, unsigned type, char *ret,
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

/* For mnl_cb_run2: a callback returns MNL_CB_OK, or MNL_CB_ERROR with errno set. */
static int parse_message(const struct nlmsghdr *message, void *data)
{
	struct query *query = data;
	size_t length = mnl_nlmsg_get_payload_len(message);
	const char *payload = mnl_nlmsg_get_payload(message);
	size_t offset = query->header_size; /* all are multiples of 4 */
	struct netlink_attributes attributes;
	int error;

	if (message->nlmsg_type != query->type)
		return MNL_CB_OK;
	error = length < offset ? -EBADMSG
				: read_attributes(payload + offset, length - offset, &attributes);
	if (!error)
		error = query->parse(query, payload, &attributes);
	if (!error)
		return MNL_CB_OK;
	errno = -error;
	return MNL_CB_ERROR;
}

/* Ends an answer with ERROR, 0 or a negative errno. */
static int end(int error)
{
	if (error == 0)
		return MNL_CB_STOP;
	errno = error < 0 && error >= -ERRNO_MAX ? -error : EBADMSG;
	return MNL_CB_ERROR;
}

/* A dump that failed ends with the error, which libmnl ignores. */
static int parse_done(const struct nlmsghdr *message, void *data)
{
	int error = 0;

	(void)data;
	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return end(error);
}

/* An error, or with 0 the acknowledgement of the request. */
static int parse_error(const struct nlmsghdr *message, void *data)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	(void)data;
	return end(mnl_nlmsg_get_payload_len(message) < sizeof(*error) ? -EBADMSG : error->error);
}

/* Whether the datagram consists of whole messages that answer the request of the socket with PORT.
 * libmnl accepts lengths of 2^31 and more, and ignores what follows a malformed message. */
static bool is_valid(const char *bytes, size_t left, unsigned port)
{
	while (left) {
		const struct nlmsghdr *message = (const void *)bytes;
		size_t length;

		if (left < sizeof(*message) || message->nlmsg_len < sizeof(*message) ||
		    message->nlmsg_len > left || message->nlmsg_pid != port ||
		    message->nlmsg_seq != SEQUENCE)
			return false;
		length = NLMSG_ALIGN(message->nlmsg_len);
		length = length < left ? length : left;
		bytes += length;
		left -= length;
	}
	return true;
}

static int receive(void *data, const void *bytes, size_t length, unsigned port)
{
	static mnl_cb_t controls[] = {[NLMSG_ERROR] = parse_error, [NLMSG_DONE] = parse_done};
	int result;

	if (!is_valid(bytes, length, port))
		return -EBADMSG;
	result = mnl_cb_run2(bytes, length, SEQUENCE, port, parse_message, data, controls,
			     sizeof(controls) / sizeof(*controls));
	return result == MNL_CB_ERROR ? -errno : result;
}

static struct nlmsghdr *put_request(void *buffer, unsigned short type, unsigned short flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	request->nlmsg_seq = SEQUENCE;
	return request;
}

static int run(struct netlink *netlink, const char *namespace, struct query *query)
{
	int error = -EINTR;

	for (unsigned i = 0; i < RETRIES && error == -EINTR; i++)
		error = netlink->query(netlink, namespace, query->request, receive, query);
	return error;
}

/* Dumps objects: HEADER_SIZE bytes of zeros, except for the family, are the request's header. */
static int dump(struct netlink *netlink, const char *namespace, unsigned short type, int family,
		struct query *query)
{
	_Alignas(struct nlmsghdr) char buffer[256];

	query->request = put_request(buffer, type, NLM_F_DUMP);
	*(unsigned char *)mnl_nlmsg_put_extra_header(query->request,
						     query->header_size) = (unsigned char)family;
	return run(netlink, namespace, query);
}

/* ---- links ---- */

static int read_kind(const struct netlink_attributes *attributes, bool *ret_is_vrf)
{
	const struct nlattr *info = attributes->items[IFLA_LINKINFO];
	struct netlink_attributes inner;
	char kind[64];
	int error;

	*ret_is_vrf = false;
	if (!info)
		return 0;
	error = read_attributes(mnl_attr_get_payload(info), mnl_attr_get_payload_len(info), &inner);
	if (!error)
		error = read_string(&inner, IFLA_INFO_KIND, kind, sizeof(kind));
	if (!error)
		*ret_is_vrf = strcmp(kind, "vrf") == 0;
	return error;
}

static int parse_link(struct query *query, const void *header,
		      const struct netlink_attributes *attributes)
{
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
	return error ? error : query->each.link(query->data, &link);
}

int rtnetlink_links(struct netlink *netlink, const char *namespace, rtnetlink_link_fn *each,
		    void *data)
{
	struct query query = {.parse = parse_link,
			      .type = RTM_NEWLINK,
			      .header_size = sizeof(struct ifinfomsg),
			      .each.link = each,
			      .data = data};

	return dump(netlink, namespace, RTM_GETLINK, AF_UNSPEC, &query);
}

/* ---- virtual functions ---- */

/* Copies the attribute TYPE, a structure that begins with the number of the VF. Newer kernels may
 * append members. It stays zeros if it is absent. */
static int read_struct(const struct netlink_attributes *attributes, unsigned type, void *ret,
		       size_t size)
{
	const struct nlattr *attribute = attributes->items[type];

	memset(ret, 0, size);
	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) < size)
		return -EBADMSG;
	memcpy(ret, mnl_attr_get_payload(attribute), size);
	return 0;
}

/* Stores the second member of such a structure: 0 or 1, or ~0 if the driver does not support it. */
static int read_switch(const struct netlink_attributes *attributes, unsigned type,
		       enum rtnetlink_switch *ret)
{
	struct ifla_vf_trust value; /* the others have the same members */
	int error = read_struct(attributes, type, &value, sizeof(value));

	*ret = SWITCH_UNSUPPORTED;
	if (!error && attributes->items[type] && value.setting <= 1)
		*ret = value.setting ? SWITCH_ON : SWITCH_OFF;
	return error;
}

/* The protocol is only in the list of VLANs, which has one entry. */
static int read_vlan_protocol(const struct nlattr *list, unsigned *ret)
{
	struct netlink_attributes inner;
	struct ifla_vf_vlan_info info;
	int error;

	*ret = 0;
	if (!list)
		return 0;
	error = read_attributes(mnl_attr_get_payload(list), mnl_attr_get_payload_len(list), &inner);
	if (!error)
		error = read_struct(&inner, IFLA_VF_VLAN_INFO, &info, sizeof(info));
	if (!error && inner.items[IFLA_VF_VLAN_INFO])
		*ret = ntohs(info.vlan_proto);
	return error;
}

static int read_counters(const struct nlattr *list, struct rtnetlink_vf *vf)
{
	static const unsigned types[RTNETLINK_COUNTERS] = {
		[VF_RX_PACKETS] = IFLA_VF_STATS_RX_PACKETS,
		[VF_TX_PACKETS] = IFLA_VF_STATS_TX_PACKETS,
		[VF_RX_BYTES] = IFLA_VF_STATS_RX_BYTES,
		[VF_TX_BYTES] = IFLA_VF_STATS_TX_BYTES,
		[VF_BROADCAST] = IFLA_VF_STATS_BROADCAST,
		[VF_MULTICAST] = IFLA_VF_STATS_MULTICAST,
		[VF_RX_DROPPED] = IFLA_VF_STATS_RX_DROPPED,
		[VF_TX_DROPPED] = IFLA_VF_STATS_TX_DROPPED,
	};
	struct netlink_attributes inner;
	int error;

	if (!list)
		return 0;
	error = read_attributes(mnl_attr_get_payload(list), mnl_attr_get_payload_len(list), &inner);
	for (size_t i = 0; !error && i < RTNETLINK_COUNTERS; i++) {
		error = read_struct(&inner, types[i], &vf->counters[i], sizeof(vf->counters[i]));
		vf->has_counters = vf->has_counters || vf->counters[i];
	}
	return error;
}

static int read_vf(const struct nlattr *item, size_t mac_length, struct rtnetlink_vf *ret)
{
	struct netlink_attributes attributes;
	struct ifla_vf_mac mac;
	struct ifla_vf_vlan vlan;
	struct ifla_vf_rate rate;
	struct ifla_vf_link_state link;
	struct rtnetlink_vf vf = {.mac_length = mac_length};
	int error = read_attributes(mnl_attr_get_payload(item), mnl_attr_get_payload_len(item),
				    &attributes);

	if (!error && !attributes.items[IFLA_VF_MAC])
		error = -EBADMSG;
	if (!error)
		error = read_struct(&attributes, IFLA_VF_MAC, &mac, sizeof(mac));
	if (!error)
		error = read_struct(&attributes, IFLA_VF_VLAN, &vlan, sizeof(vlan));
	if (!error)
		error = read_struct(&attributes, IFLA_VF_RATE, &rate, sizeof(rate));
	if (!error)
		error = read_struct(&attributes, IFLA_VF_LINK_STATE, &link, sizeof(link));
	if (!error)
		error = read_vlan_protocol(attributes.items[IFLA_VF_VLAN_LIST], &vf.vlan_protocol);
	if (!error)
		error = read_switch(&attributes, IFLA_VF_SPOOFCHK, &vf.spoof_check);
	if (!error)
		error = read_switch(&attributes, IFLA_VF_TRUST, &vf.trust);
	if (!error)
		error = read_switch(&attributes, IFLA_VF_RSS_QUERY_EN, &vf.rss_query);
	if (!error)
		error = read_counters(attributes.items[IFLA_VF_STATS], &vf);
	if (error < 0)
		return error;
	vf.index = mac.vf;
	memcpy(vf.mac, mac.mac, mac_length);
	vf.vlan = vlan.vlan;
	vf.vlan_priority = vlan.qos;
	vf.min_rate = rate.min_tx_rate;
	vf.max_rate = rate.max_tx_rate;
	vf.link_state = link.link_state;
	*ret = vf;
	return 0;
}

static int parse_vfs(struct query *query, const void *header,
		     const struct netlink_attributes *attributes)
{
	const struct ifinfomsg *info = header;
	const struct nlattr *list = attributes->items[IFLA_VFINFO_LIST], *item;
	size_t mac_length = info->ifi_type == ARPHRD_INFINIBAND ? 20 : 6;
	int left = list ? mnl_attr_get_payload_len(list) : 0, error;
	struct rtnetlink_vf vf;

	for (item = list ? mnl_attr_get_payload(list) : NULL; left > 0;
	     left -= MNL_ALIGN(item->nla_len), item = mnl_attr_next(item)) {
		if (!mnl_attr_ok(item, left))
			return -EBADMSG;
		if (mnl_attr_get_type(item) != IFLA_VF_INFO)
			continue;
		error = read_vf(item, mac_length, &vf);
		if (!error)
			error = query->each.vf(query->data, &vf);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Of the interface NAME, or if that is NULL, of the one whose index is INTERFACE. */
static int list_vfs(struct netlink *netlink, const char *name, unsigned interface,
		    bool with_counters, rtnetlink_vf_fn *each, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct query query = {.request = put_request(buffer, RTM_GETLINK, NLM_F_ACK),
			      .parse = parse_vfs,
			      .type = RTM_NEWLINK,
			      .header_size = sizeof(struct ifinfomsg),
			      .each.vf = each,
			      .data = data};
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(query.request, sizeof(*header));

	header->ifi_index = (int)interface;
	if (name)
		mnl_attr_put_strz(query.request, IFLA_IFNAME, name);
	mnl_attr_put_u32(query.request, IFLA_EXT_MASK,
			 RTEXT_FILTER_VF | (with_counters ? 0 : RTEXT_FILTER_SKIP_STATS));
	return run(netlink, NULL, &query);
}

int rtnetlink_vfs(struct netlink *netlink, const char *name, bool with_counters,
		  rtnetlink_vf_fn *each, void *data)
{
	if (strlen(name) >= IFNAMSIZ)
		return -EINVAL;
	return list_vfs(netlink, name, 0, with_counters, each, data);
}

int rtnetlink_vfs_at(struct netlink *netlink, unsigned interface, rtnetlink_vf_fn *each, void *data)
{
	return list_vfs(netlink, NULL, interface, false, each, data);
}

/* Linux before 4.9 ignores the list, which is needed only for other protocols than 802.1Q. */
static void put_vlan(struct nlmsghdr *request, const struct rtnetlink_vf *vf)
{
	struct ifla_vf_vlan vlan = {.vf = vf->index, .vlan = vf->vlan, .qos = vf->vlan_priority};
	struct ifla_vf_vlan_info info = {.vf = vf->index,
					 .vlan = vf->vlan,
					 .qos = vf->vlan_priority,
					 .vlan_proto = htons((uint16_t)vf->vlan_protocol)};
	struct nlattr *list;

	if (!vf->vlan_protocol || vf->vlan_protocol == ETH_P_8021Q) {
		mnl_attr_put(request, IFLA_VF_VLAN, sizeof(vlan), &vlan);
		return;
	}
	list = mnl_attr_nest_start(request, IFLA_VF_VLAN_LIST);
	mnl_attr_put(request, IFLA_VF_VLAN_INFO, sizeof(info), &info);
	mnl_attr_nest_end(request, list);
}

static void put_switch(struct nlmsghdr *request, unsigned short type, unsigned index,
		       enum rtnetlink_switch value)
{
	struct ifla_vf_trust setting = {.vf = index, .setting = value == SWITCH_ON};

	mnl_attr_put(request, type, sizeof(setting), &setting);
}

static void put_setting(struct nlmsghdr *request, const struct rtnetlink_vf *vf,
			enum rtnetlink_setting setting)
{
	struct ifla_vf_mac mac = {.vf = vf->index};
	struct ifla_vf_link_state link = {.vf = vf->index, .link_state = vf->link_state};
	struct ifla_vf_rate rate = {
		.vf = vf->index, .min_tx_rate = vf->min_rate, .max_tx_rate = vf->max_rate};

	switch (setting) {
	case VF_MAC:
		memcpy(mac.mac, vf->mac, sizeof(vf->mac));
		mnl_attr_put(request, IFLA_VF_MAC, sizeof(mac), &mac);
		break;
	case VF_VLAN:
		put_vlan(request, vf);
		break;
	case VF_SPOOF_CHECK:
		put_switch(request, IFLA_VF_SPOOFCHK, vf->index, vf->spoof_check);
		break;
	case VF_TRUST:
		put_switch(request, IFLA_VF_TRUST, vf->index, vf->trust);
		break;
	case VF_LINK_STATE:
		mnl_attr_put(request, IFLA_VF_LINK_STATE, sizeof(link), &link);
		break;
	case VF_RATE:
		mnl_attr_put(request, IFLA_VF_RATE, sizeof(rate), &rate);
		break;
	case VF_RSS_QUERY:
		put_switch(request, IFLA_VF_RSS_QUERY_EN, vf->index, vf->rss_query);
		break;
	}
}

/* Not repeated like a query: the driver may have done a part of it. */
int rtnetlink_set_vf(struct netlink *netlink, unsigned interface, const struct rtnetlink_vf *vf,
		     enum rtnetlink_setting setting)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct query query = {.request = put_request(buffer, RTM_SETLINK, NLM_F_ACK)};
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(query.request, sizeof(*header));
	struct nlattr *list, *item;

	header->ifi_index = (int)interface;
	list = mnl_attr_nest_start(query.request, IFLA_VFINFO_LIST);
	item = mnl_attr_nest_start(query.request, IFLA_VF_INFO);
	put_setting(query.request, vf, setting);
	mnl_attr_nest_end(query.request, item);
	mnl_attr_nest_end(query.request, list);
	return netlink->query(netlink, NULL, query.request, receive, &query);
}

/* ---- addresses ---- */

static int parse_address(struct query *query, const void *header,
			 const struct netlink_attributes *attributes)
{
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
	return error ? error : query->each.address(query->data, info->ifa_index, &address);
}

int rtnetlink_addresses(struct netlink *netlink, rtnetlink_address_fn *each, void *data)
{
	struct query query = {.parse = parse_address,
			      .type = RTM_NEWADDR,
			      .header_size = sizeof(struct ifaddrmsg),
			      .each.address = each,
			      .data = data};

	return dump(netlink, NULL, RTM_GETADDR, AF_UNSPEC, &query);
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

static int read_route(const struct rtmsg *info, const struct netlink_attributes *attributes,
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

static int parse_route(struct query *query, const void *header,
		       const struct netlink_attributes *attributes)
{
	const struct rtmsg *info = header;
	struct rtnetlink_route route = {
		.length = info->rtm_dst_len, .table = info->rtm_table, .type = info->rtm_type};
	int error;

	/* a kernel without IPv6 answers with the routes of all families that it has */
	if (info->rtm_family != query->family)
		return 0;
	error = read_route(info, attributes, &route);
	if (!error)
		error = query->each.route(query->data, &route);
	index_set_free(&route.interfaces);
	return error;
}

static bool is_unsupported(int error)
{
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT;
}

int rtnetlink_routes(struct netlink *netlink, int family, rtnetlink_route_fn *each, void *data)
{
	struct query query = {.parse = parse_route,
			      .type = RTM_NEWROUTE,
			      .header_size = sizeof(struct rtmsg),
			      .each.route = each,
			      .data = data,
			      .family = family};
	int error = dump(netlink, NULL, RTM_GETROUTE, family, &query);

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
	struct query query = {.request = put_request(buffer, RTM_GETROUTE, NLM_F_ACK),
			      .parse = parse_route,
			      .type = RTM_NEWROUTE,
			      .header_size = sizeof(struct rtmsg),
			      .each.route = each,
			      .data = data,
			      .family = to->family};
	struct rtmsg *header = mnl_nlmsg_put_extra_header(query.request, sizeof(*header));
	size_t size = address_size(to->family);
	int error;

	header->rtm_family = (unsigned char)to->family;
	header->rtm_dst_len = (unsigned char)(8 * size);
	header->rtm_flags = whole ? RTM_F_FIB_MATCH : 0;
	mnl_attr_put(query.request, RTA_DST, size, to->bytes);
	if (from && from->family == to->family) {
		header->rtm_src_len = (unsigned char)(8 * size);
		mnl_attr_put(query.request, RTA_SRC, size, from->bytes);
	}
	if (vrf)
		mnl_attr_put_u32(query.request, RTA_OIF, vrf);
	error = run(netlink, NULL, &query);
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

static int parse_nexthop(struct query *query, const void *header,
			 const struct netlink_attributes *attributes)
{
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
		error = add_nexthop(query->data, nexthop);
	for (size_t at = 0; !error && at < length; at += sizeof(struct nexthop_grp)) {
		struct nexthop_grp member;

		memcpy(&member, (const char *)mnl_attr_get_payload(group) + at, sizeof(member));
		error = add_nexthop(query->data,
				    (struct nexthop){.id = nexthop.id, .member = member.id});
	}
	return error;
}

int rtnetlink_nexthops(struct netlink *netlink, const struct index_set *interfaces,
		       struct index_set *ret_ids)
{
	struct nexthops nexthops = {0};
	struct query query = {.parse = parse_nexthop,
			      .type = RTM_NEWNEXTHOP,
			      .header_size = sizeof(struct nhmsg),
			      .data = &nexthops};
	struct index_set ids = {0};
	int error = dump(netlink, NULL, RTM_GETNEXTHOP, AF_UNSPEC, &query);

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
