/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces of a device: up, with routes, with the connection of whoever asks. Also when
 * they are a part of a bond or a bridge. Sources: the kernel's
 * Documentation/ABI/testing/sysfs-class-net, net/ipv4/fib_trie.c (fib_route_seq_show) and
 * net/ipv6/route.c (rt6_info_route), ssh(1) for SSH_CONNECTION. */
#include "binder/hazards/hazard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUTES_SIZE_MAX (64u << 20)
#define NAMES_MAX 256

/* of linux/route.h, ipv6_route.h and if.h, which don't go together with those of libc */
#define FLAG_IFF_UP 0x1u
#define FLAG_RTF_UP 0x1u
#define FLAG_RTF_REJECT 0x200u
#define FLAG_RTF_ANYCAST 0x100000u
#define FLAG_RTF_LOCAL 0x80000000u

/* A route as /proc/net has it; IPv4 as the end of IPv6, in ::ffff:0:0/96. */
struct route {
	unsigned char to[16];
	unsigned length; /* of the prefix, in bits */
	bool is_v4;
	char interface[64];
};

struct network {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	struct strings names;	  /* the device's interfaces, and all above them */
	unsigned char client[16]; /* who asks */
	bool has_client;
	int client_length; /* of the longest prefix that leads to him; -1: none does */
	bool client_is_ours;
};

/* ---- interfaces ---- */

static void add_name(struct network *network, const char *name)
{
	if (network->names.count < NAMES_MAX && !strings_has(&network->names, name) &&
	    strings_add(&network->names, name) < 0)
		network->findings->no_memory = true;
}

/* "upper_bond0" is a link to what this one is a part of. The names grow while they are walked
 * through. */
static void follow_uppers(struct network *network)
{
	char path[NAME_MAX + 32];
	struct dirent *entry;

	for (size_t i = 0; i < network->names.count; i++) {
		_cleanup_closedir_ DIR *list = NULL;

		snprintf(path, sizeof(path), "sys/class/net/%s", network->names.items[i]);
		if (sysdir_list(sysroot_dir(network->view->root), path, &list) < 0)
			continue;
		while ((entry = sysdir_next(list)))
			if (strncmp(entry->d_name, "upper_", 6) == 0)
				add_name(network, entry->d_name + 6);
	}
}

/* One that is up above the device's own is no hazard of its own: its routes are. */
static void check_up(struct network *network, const char *name)
{
	char path[NAME_MAX + 32], text[ATTRIBUTE_SIZE];
	ssize_t length;

	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	length = sysdir_read(sysroot_dir(network->view->root), path, text, sizeof(text));
	if (length < 0)
		hazard_findings_add(network->findings, HAZARD_UNKNOWN, network->device, "%s/%s: %s",
				    sysroot_path(network->view->root), path,
				    strerror((int)-length));
	else if (strtoul(text, NULL, 16) & FLAG_IFF_UP)
		hazard_findings_add(network->findings, HAZARD_NET_UP, network->device, "%s is up",
				    name);
}

/* ---- routes ---- */

static bool matches(const struct route *route, const unsigned char address[static 16])
{
	unsigned bytes = route->length / 8, bits = route->length % 8;

	if (memcmp(route->to, address, bytes) != 0)
		return false;
	return !bits || (route->to[bytes] ^ address[bytes]) >> (8 - bits) == 0;
}

static void format_route(const struct route *route, char text[static 80])
{
	char address[INET6_ADDRSTRLEN];

	if (route->is_v4)
		inet_ntop(AF_INET, route->to + 12, address, sizeof(address));
	else
		inet_ntop(AF_INET6, route->to, address, sizeof(address));
	snprintf(text, 80, "%s/%u", address, route->is_v4 ? route->length - 96 : route->length);
}

static void check_route(struct network *network, const struct route *route)
{
	bool ours = strings_has(&network->names, route->interface),
	     is_default = route->length == (route->is_v4 ? 96 : 0);
	char text[80];

	/* the longest prefix wins; that of a default route of IPv6 is for IPv6 only */
	if (network->has_client && (int)route->length >= network->client_length &&
	    matches(route, network->client) &&
	    route->is_v4 == (memcmp(network->client, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0)) {
		network->client_is_ours = ours || (network->client_is_ours &&
						   (int)route->length == network->client_length);
		network->client_length = (int)route->length;
	}
	if (!ours)
		return;
	format_route(route, text);
	hazard_findings_add(network->findings, is_default ? HAZARD_DEFAULT_ROUTE : HAZARD_ROUTE,
			    network->device, "%s%s goes through %s",
			    is_default ? "the default route " : "the route to ", text,
			    route->interface);
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask ...: numbers as they lie in memory,
 * written as one of the host's. */
static bool parse_v4(const char *line, struct route *route)
{
	unsigned to, mask, flags;

	if (sscanf(line, "%63s %8x %*8x %4x %*d %*d %*d %8x", route->interface, &to, &flags,
		   &mask) != 4 ||
	    !(flags & FLAG_RTF_UP))
		return false;
	memcpy(route->to, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	memcpy(route->to + 12, &to, 4);
	route->length = 96 + (unsigned)__builtin_popcount(mask);
	route->is_v4 = true;
	return !(flags & FLAG_RTF_REJECT);
}

/* destination prefix-length source prefix-length next-hop metric references use flags interface.
 * Multicast and link-local ones come and go with the interface, and lead nowhere. */
static bool parse_v6(const char *line, struct route *route)
{
	char to[33];
	unsigned flags, byte;

	if (sscanf(line, "%32s %2x %*32s %*2x %*32s %*8x %*8x %*8x %8x %63s", to, &route->length,
		   &flags, route->interface) != 4 ||
	    strlen(to) != 32 || route->length > 128)
		return false;
	for (size_t i = 0; i < 16; i++) {
		if (sscanf(to + 2 * i, "%2x", &byte) != 1)
			return false;
		route->to[i] = (unsigned char)byte;
	}
	route->is_v4 = false;
	if (route->to[0] == 0xff || (route->to[0] == 0xfe && (route->to[1] & 0xc0) == 0x80))
		return false;
	return (flags & FLAG_RTF_UP) &&
	       !(flags & (FLAG_RTF_REJECT | FLAG_RTF_ANYCAST | FLAG_RTF_LOCAL));
}

static void read_routes(struct network *network, const char *path,
			bool (*parse)(const char *line, struct route *route))
{
	char *text = malloc(ROUTES_SIZE_MAX), *rest = NULL;
	ssize_t length = text ? sysdir_read(sysroot_dir(network->view->root), path, text,
					    ROUTES_SIZE_MAX)
			      : -ENOMEM;
	struct route route = {.length = 0};

	if (length < 0) {
		/* a kernel without IPv6 has no such file */
		if (length != -ENOENT || parse == parse_v4)
			hazard_findings_add(network->findings, HAZARD_UNKNOWN, network->device,
					    "%s/%s: %s", sysroot_path(network->view->root), path,
					    strerror((int)-length));
		free(text);
		return;
	}
	network->client_length = -1;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (parse(line, &route))
			check_route(network, &route);
	free(text);
}

/* "client port server port"; a link-local address of IPv6 has its interface behind it:
 * "fe80::1%eth0". */
static void read_client(struct network *network)
{
	const char *connection = network->view->ssh_connection;
	char text[128], *zone;
	struct in_addr v4;

	if (!connection || sscanf(connection, "%127[^ ]", text) != 1)
		return;
	zone = strchr(text, '%');
	if (zone)
		*zone++ = '\0';
	memcpy(network->client, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	if (inet_pton(AF_INET, text, &v4) == 1) {
		memcpy(network->client + 12, &v4, 4);
		network->has_client = true;
	} else {
		network->has_client = inet_pton(AF_INET6, text, network->client) == 1;
	}
	network->client_is_ours = zone && strings_has(&network->names, zone);
}

void find_network(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings)
{
	struct network network = {.view = view, .device = device, .findings = findings};

	if (!device->interface_count) {
		if (device->class >> 8 == 0x02)
			hazard_findings_add(findings, HAZARD_NET_HIDDEN, device,
					    "no interface of it is in sight, although %s has it",
					    device->driver);
		return;
	}
	for (size_t i = 0; i < device->interface_count; i++)
		add_name(&network, device->interfaces[i].name);
	for (size_t i = 0; i < device->interface_count; i++)
		check_up(&network, device->interfaces[i].name);
	follow_uppers(&network);
	read_client(&network);
	read_routes(&network, "proc/net/route", parse_v4);
	read_routes(&network, "proc/net/ipv6_route", parse_v6);
	if (network.client_is_ours)
		hazard_findings_add(findings, HAZARD_SSH, device, "the answers to %s go through it",
				    view->ssh_connection);
	strings_free(&network.names);
}
