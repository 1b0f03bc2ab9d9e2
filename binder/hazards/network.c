/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces of a device that are up, have routes or carry the caller's SSH connection,
 * directly or as part of a bond or bridge. Sources: the kernel's
 * Documentation/ABI/testing/sysfs-class-net, net/ipv4/fib_trie.c (fib_route_seq_show) and
 * net/ipv6/route.c (rt6_info_route), ssh(1) for SSH_CONNECTION. */
#include "binder/hazards/hazard.h"
#include "probe/sysfs/textfile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUTES_SIZE_MAX (64u << 20)
#define NAMES_MAX 256

/* from linux/route.h, ipv6_route.h and if.h, which conflict with libc's headers */
#define FLAG_IFF_UP 0x1u
#define FLAG_RTF_UP 0x1u
#define FLAG_RTF_REJECT 0x200u
#define FLAG_RTF_ANYCAST 0x100000u
#define FLAG_RTF_LOCAL 0x80000000u

/* A route of /proc/net; an IPv4 destination is mapped to IPv6, in ::ffff:0:0/96. */
struct route {
	unsigned char destination[16];
	unsigned length; /* of the prefix, in bits */
	bool is_v4;
	char interface[64];
};

struct network {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	struct strings names;	  /* the device's interfaces, and all stacked on them */
	unsigned char client[16]; /* address of the caller's SSH client */
	bool has_client;
	int client_length;  /* of the longest prefix that matches the client; -1: none */
	bool routes_client; /* the route to the client uses the device */
};

/* ---- interfaces ---- */

static void add_name(struct network *network, const char *name)
{
	if (network->names.count < NAMES_MAX && !strings_has(&network->names, name) &&
	    strings_add(&network->names, name) < 0)
		network->findings->no_memory = true;
}

/* Adds the interfaces stacked on those in network->names, which have links "upper_NAME".
 * network->names grows during the loop. */
static void add_uppers(struct network *network)
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

/* Only for the device's own interfaces: of those stacked on them only the routes matter. */
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

	if (memcmp(route->destination, address, bytes) != 0)
		return false;
	return !bits || (route->destination[bytes] ^ address[bytes]) >> (8 - bits) == 0;
}

static void format_route(const struct route *route, char text[static 80])
{
	char address[INET6_ADDRSTRLEN];

	if (route->is_v4)
		inet_ntop(AF_INET, route->destination + 12, address, sizeof(address));
	else
		inet_ntop(AF_INET6, route->destination, address, sizeof(address));
	snprintf(text, 80, "%s/%u", address, route->is_v4 ? route->length - 96 : route->length);
}

static void check_route(struct network *network, const struct route *route)
{
	bool is_own = strings_has(&network->names, route->interface),
	     is_default = route->length == (route->is_v4 ? 96 : 0);
	char text[80];

	/* the longest prefix wins; ::/0 does not match IPv4 */
	if (network->has_client && (int)route->length >= network->client_length &&
	    matches(route, network->client) &&
	    route->is_v4 == (memcmp(network->client, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0)) {
		network->routes_client = is_own || (network->routes_client &&
						    (int)route->length == network->client_length);
		network->client_length = (int)route->length;
	}
	if (!is_own)
		return;
	format_route(route, text);
	hazard_findings_add(network->findings, is_default ? HAZARD_DEFAULT_ROUTE : HAZARD_ROUTE,
			    network->device, "%s%s goes through %s",
			    is_default ? "the default route " : "the route to ", text,
			    route->interface);
}

/* "Iface Destination Gateway Flags RefCnt Use Metric Mask ..."; addresses are in network byte
 * order, printed as an integer of the host. */
static bool parse_v4(const char *line, struct route *route)
{
	unsigned destination, mask, flags;

	if (sscanf(line, "%63s %8x %*8x %4x %*d %*d %*d %8x", route->interface, &destination,
		   &flags, &mask) != 4 ||
	    !(flags & FLAG_RTF_UP))
		return false;
	memcpy(route->destination, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	memcpy(route->destination + 12, &destination, 4);
	route->length = 96 + (unsigned)__builtin_popcount(mask);
	route->is_v4 = true;
	return !(flags & FLAG_RTF_REJECT);
}

/* "destination prefix-length source prefix-length next-hop metric references use flags interface".
 * Multicast and link-local routes are skipped: every interface that is up has them. */
static bool parse_v6(const char *line, struct route *route)
{
	char destination[33];
	unsigned flags, byte;

	if (sscanf(line, "%32s %2x %*32s %*2x %*32s %*8x %*8x %*8x %8x %63s", destination,
		   &route->length, &flags, route->interface) != 4 ||
	    strlen(destination) != 32 || route->length > 128)
		return false;
	for (size_t i = 0; i < 16; i++) {
		if (sscanf(destination + 2 * i, "%2x", &byte) != 1)
			return false;
		route->destination[i] = (unsigned char)byte;
	}
	route->is_v4 = false;
	if (route->destination[0] == 0xff ||
	    (route->destination[0] == 0xfe && (route->destination[1] & 0xc0) == 0x80))
		return false;
	return (flags & FLAG_RTF_UP) &&
	       !(flags & (FLAG_RTF_REJECT | FLAG_RTF_ANYCAST | FLAG_RTF_LOCAL));
}

static void read_routes(struct network *network, const char *path,
			bool (*parse)(const char *line, struct route *route))
{
	char *text, *rest = NULL;
	int error = textfile_read(network->view->root, path, ROUTES_SIZE_MAX, &text);
	struct route route = {.length = 0};

	if (error < 0) {
		/* absent in a kernel without IPv6 */
		if (error != -ENOENT || parse == parse_v4)
			hazard_findings_add(network->findings, HAZARD_UNKNOWN, network->device,
					    "%s/%s: %s", sysroot_path(network->view->root), path,
					    strerror(-error));
		return;
	}
	network->client_length = -1;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (parse(line, &route))
			check_route(network, &route);
	free(text);
}

/* "client port server port"; a link-local IPv6 address ends in its interface, "fe80::1%eth0". */
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
	network->routes_client = zone && strings_has(&network->names, zone);
}

void hazard_find_network(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings)
{
	struct network network = {.view = view, .device = device, .findings = findings};

	if (!device->interface_count) {
		if (device->class >> 8 == 0x02)
			hazard_findings_add(
				findings, HAZARD_NET_HIDDEN, device,
				"no network interface is visible, but it is bound to %s",
				device->driver);
		return;
	}
	for (size_t i = 0; i < device->interface_count; i++)
		add_name(&network, device->interfaces[i].name);
	for (size_t i = 0; i < device->interface_count; i++)
		check_up(&network, device->interfaces[i].name);
	add_uppers(&network);
	read_client(&network);
	read_routes(&network, "proc/net/route", parse_v4);
	read_routes(&network, "proc/net/ipv6_route", parse_v6);
	if (network.routes_client)
		hazard_findings_add(findings, HAZARD_SSH, device,
				    "your SSH connection (%s) goes through it",
				    view->ssh_connection);
	strings_free(&network.names);
}
