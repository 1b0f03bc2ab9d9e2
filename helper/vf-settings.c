/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vf-settings "PF INTERFACE PF INTERFACE ...": prints the settings and counters of the network VFs
 * of physical functions, as the drivers report them, in the format of vf_settings_parse
 * (probe/details/vfsettings.h).
 *
 * This is a separate program because the kernel answers under its RTNL lock: a process that waits
 * for a hanging driver cannot be killed and is left behind. */
#include "common/rtnetlink-vf.h"
#include "probe/address.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MAX 10 /* the caller's timeout is shorter */

static size_t printed;

static void print_mac(const struct rtnetlink_vf *vf)
{
	static const unsigned char none[sizeof(vf->mac)];

	if (memcmp(vf->mac, none, sizeof(none)) == 0)
		return;
	fputs(" mac=", stdout);
	for (size_t i = 0; i < vf->mac_length; i++)
		printf("%s%02x", i ? ":" : "", vf->mac[i]);
}

static void print_switch(const char *name, enum rtnetlink_switch value)
{
	if (value != SWITCH_UNSUPPORTED)
		printf(" %s=%s", name, value == SWITCH_ON ? "on" : "off");
}

static void print_vlan(const struct rtnetlink_vf *vf)
{
	printf(" vlan=%u priority=%u", vf->vlan, vf->vlan_priority);
	if (vf->vlan_protocol == ETH_P_8021Q)
		fputs(" protocol=802.1Q", stdout);
	if (vf->vlan_protocol == ETH_P_8021AD)
		fputs(" protocol=802.1ad", stdout);
}

static void print_link_state(unsigned state)
{
	static const char *const names[] = {
		[IFLA_VF_LINK_STATE_AUTO] = "auto",
		[IFLA_VF_LINK_STATE_ENABLE] = "enable",
		[IFLA_VF_LINK_STATE_DISABLE] = "disable",
	};

	if (state < sizeof(names) / sizeof(*names))
		printf(" link=%s", names[state]);
}

static void print_counters(const struct rtnetlink_vf *vf)
{
	static const char *const names[RTNETLINK_COUNTERS] = {
		[VF_RX_PACKETS] = "rx_packets", [VF_TX_PACKETS] = "tx_packets",
		[VF_RX_BYTES] = "rx_bytes",	[VF_TX_BYTES] = "tx_bytes",
		[VF_BROADCAST] = "broadcast",	[VF_MULTICAST] = "multicast",
		[VF_RX_DROPPED] = "rx_dropped", [VF_TX_DROPPED] = "tx_dropped",
	};

	for (size_t i = 0; vf->has_counters && i < RTNETLINK_COUNTERS; i++)
		printf(" %s=%llu", names[i], (unsigned long long)vf->counters[i]);
}

static int print_vf(void *data, const struct rtnetlink_vf *vf)
{
	const char *pf = data;

	printf("vf %s %u", pf, vf->index);
	print_mac(vf);
	print_vlan(vf);
	print_switch("spoof_check", vf->spoof_check);
	print_switch("trust", vf->trust);
	print_link_state(vf->link_state);
	printf(" min_rate=%u max_rate=%u", vf->min_rate, vf->max_rate);
	print_switch("rss_query", vf->rss_query);
	print_counters(vf);
	putchar('\n');
	printed++;
	return 0;
}

/* A driver with very many VFs fits into one message only without the counters. */
static int print_vfs(struct netlink *netlink, char *pf, const char *name)
{
	unsigned interface = if_nametoindex(name);
	int error;

	if (!interface)
		return -errno;
	error = rtnetlink_vfs(netlink, interface, true, print_vf, pf);
	return error == -EMSGSIZE ? rtnetlink_vfs(netlink, interface, false, print_vf, pf) : error;
}

static int usage(void)
{
	fputs("usage: vf-settings \"PF INTERFACE ...\"\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct host_netlink host;
	struct pci_address address;
	char *list, *pf, *interface;
	int error;

	if (argc != 2)
		return usage();
	host_netlink_init(&host, SECONDS_MAX);
	for (list = argv[1]; (pf = strsep(&list, " "));) {
		interface = strsep(&list, " ");
		if (!interface || address_parse_full(pf, &address) < 0)
			return usage();
		error = print_vfs(&host.netlink, pf, interface);
		if (error < 0 && ++printed)
			printf("failed %s %d\n", pf, -error);
	}
	printf("end %zu\n", printed);
	return fflush(stdout) < 0 || ferror(stdout);
}
