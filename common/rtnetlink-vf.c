/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rtnetlink-vf.h"

#include "common/rtmessage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* ---- reading ---- */

struct vf_query {
	struct rt_query query; /* first member, so that a pointer to it can be cast */
	rtnetlink_vf_fn *each;
	void *data;
};

/* Copies the attribute TYPE, a structure that begins with the number of the VF. Newer kernels may
 * append members. It stays zeros if it is absent. */
static int read_struct(const struct rt_attributes *attributes, unsigned type, void *ret,
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
static int read_switch(const struct rt_attributes *attributes, unsigned type,
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
	struct rt_attributes inner;
	struct ifla_vf_vlan_info info;
	int error;

	*ret = 0;
	if (!list)
		return 0;
	error = rt_read_attributes(mnl_attr_get_payload(list), mnl_attr_get_payload_len(list),
				   &inner);
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
	struct rt_attributes inner;
	int error;

	if (!list)
		return 0;
	error = rt_read_attributes(mnl_attr_get_payload(list), mnl_attr_get_payload_len(list),
				   &inner);
	for (size_t i = 0; !error && i < RTNETLINK_COUNTERS; i++) {
		error = read_struct(&inner, types[i], &vf->counters[i], sizeof(vf->counters[i]));
		vf->has_counters = vf->has_counters || vf->counters[i];
	}
	return error;
}

static int read_vf(const struct nlattr *item, size_t mac_length, struct rtnetlink_vf *ret)
{
	struct rt_attributes attributes;
	struct ifla_vf_mac mac;
	struct ifla_vf_vlan vlan;
	struct ifla_vf_rate rate;
	struct ifla_vf_link_state link;
	struct rtnetlink_vf vf = {.mac_length = mac_length};
	int error = rt_read_attributes(mnl_attr_get_payload(item), mnl_attr_get_payload_len(item),
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

static int parse_vfs(struct rt_query *query, const void *header,
		     const struct rt_attributes *attributes)
{
	const struct vf_query *vfs = (const struct vf_query *)query;
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
			error = vfs->each(vfs->data, &vf);
		if (error < 0)
			return error;
	}
	return 0;
}

int rtnetlink_vfs(struct netlink *netlink, unsigned interface, bool with_counters,
		  rtnetlink_vf_fn *each, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct vf_query query = {
		.query = {.request = rt_put_request(buffer, RTM_GETLINK, NLM_F_ACK),
			  .parse = parse_vfs,
			  .type = RTM_NEWLINK,
			  .header_size = sizeof(struct ifinfomsg)},
		.each = each,
		.data = data};
	struct nlmsghdr *request = query.query.request;
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	header->ifi_index = (int)interface;
	mnl_attr_put_u32(request, IFLA_EXT_MASK,
			 RTEXT_FILTER_VF | (with_counters ? 0 : RTEXT_FILTER_SKIP_STATS));
	return rt_run(netlink, NULL, &query.query);
}

/* ---- setting ---- */

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
	struct rt_query query = {.request = rt_put_request(buffer, RTM_SETLINK, NLM_F_ACK)};
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(query.request, sizeof(*header));
	struct nlattr *list, *item;

	header->ifi_index = (int)interface;
	list = mnl_attr_nest_start(query.request, IFLA_VFINFO_LIST);
	item = mnl_attr_nest_start(query.request, IFLA_VF_INFO);
	put_setting(query.request, vf, setting);
	mnl_attr_nest_end(query.request, item);
	mnl_attr_nest_end(query.request, list);
	return rt_run_once(netlink, NULL, &query);
}
