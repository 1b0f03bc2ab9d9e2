/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source: the kernel's Documentation/ABI/testing/sysfs-class-net. */
#include "binder/hazards/interfaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* udev may rename an interface during the checks. */
#define RENAMES_MAX 3

static bool parse_numeric(const char *text, struct ip_address *ret)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip_address address = {.family = AF_INET};

	if (inet_pton(AF_INET, text, address.bytes) == 1) {
		*ret = address;
		return true;
	}
	address.family = AF_INET6;
	if (inet_pton(AF_INET6, text, address.bytes) != 1)
		return false;
	*ret = address;
	if (memcmp(address.bytes, mapped, sizeof(mapped)) == 0) {
		*ret = (struct ip_address){.family = AF_INET};
		memcpy(ret->bytes, address.bytes + sizeof(mapped), 4);
	}
	return true;
}

bool ip_address_parse(const char *text, struct ip_address *ret, char zone[static IFNAMSIZ])
{
	char numeric[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "%");

	if (length >= sizeof(numeric))
		return false;
	snprintf(numeric, sizeof(numeric), "%.*s", (int)length, text);
	snprintf(zone, IFNAMSIZ, "%s", text[length] ? text + length + 1 : "");
	return parse_numeric(numeric, ret);
}

bool ip_address_same(const struct ip_address *a, const struct ip_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void interfaces_add_error(struct interfaces *interfaces, const char *what, int error)
{
	if (error == -ENOMEM)
		interfaces->findings->no_memory = true;
	else
		hazard_findings_add(interfaces->findings, HAZARD_UNKNOWN, interfaces->device,
				    "the kernel did not report %s: %s", what, strerror(-error));
}

static void add_name(struct interfaces *interfaces, const char *name)
{
	if (!strings_has(&interfaces->names, name) && strings_add(&interfaces->names, name) < 0)
		interfaces->findings->no_memory = true;
}

/* Adds the interfaces stacked on those in names, which have links "upper_NAME". names grows during
 * the loop. */
static void add_uppers(struct interfaces *interfaces)
{
	struct sysroot *root = interfaces->view->root;
	char path[NAME_MAX + 32];
	struct dirent *entry;

	for (size_t i = 0; i < interfaces->names.count; i++) {
		_cleanup_closedir_ DIR *list = NULL;
		int error;

		snprintf(path, sizeof(path), "sys/class/net/%s", interfaces->names.items[i]);
		error = sysdir_list(sysroot_dir(root), path, &list);
		if (error < 0 && error != -ENOENT)
			hazard_findings_add(interfaces->findings, HAZARD_UNKNOWN,
					    interfaces->device, "%s/%s: %s", sysroot_path(root),
					    path, strerror(-error));
		while (list && (entry = sysdir_next(list)))
			if (strncmp(entry->d_name, "upper_", 6) == 0)
				add_name(interfaces, entry->d_name + 6);
	}
}

/* ---- the kernel's view of them ---- */

static int add_index(void *data, const struct rtnetlink_link *link)
{
	struct interfaces *interfaces = data;

	if (!strings_has(&interfaces->names, link->name) ||
	    index_set_has(&interfaces->indexes, link->index))
		return 0;
	if (strings_add(&interfaces->labels, link->name) < 0)
		return -ENOMEM;
	return index_set_add(&interfaces->indexes, link->index);
}

/* Reads an attribute of an interface. Returns whether it could be read; if not, adds a finding,
 * unless the interface has vanished and MAY_RETRY. */
static bool read_own(struct interfaces *interfaces, const char *name, const char *attribute,
		     bool may_retry, char text[static ATTRIBUTE_SIZE])
{
	struct sysroot *root = interfaces->view->root;
	char path[NAME_MAX + 32];
	ssize_t length;

	snprintf(path, sizeof(path), "sys/class/net/%s/%s", name, attribute);
	length = sysdir_read(sysroot_dir(root), path, text, ATTRIBUTE_SIZE);
	if (length < 0 && !(length == -ENOENT && may_retry))
		hazard_findings_add(interfaces->findings, HAZARD_UNKNOWN, interfaces->device,
				    "%s/%s: %s", sysroot_path(root), path, strerror((int)-length));
	return length >= 0;
}

/* The caller may have entered a network namespace without mounting its sysfs: then interfaces of
 * the same name are others. Returns whether the interface has the same index in both. */
static bool check_index(struct interfaces *interfaces, const char *name, bool may_retry)
{
	char text[ATTRIBUTE_SIZE];
	unsigned index;

	if (read_own(interfaces, name, "ifindex", may_retry, text) &&
	    sscanf(text, "%u", &index) == 1 && index_set_has(&interfaces->indexes, index))
		return true;
	if (!may_retry)
		hazard_findings_add(
			interfaces->findings, HAZARD_UNKNOWN, interfaces->device,
			"/sys has %s, but the network namespace of this process does not", name);
	return false;
}

/* Checks the device's own interfaces: of those stacked on them only the routes matter. Returns
 * false if one has vanished; unless MAY_RETRY, that is a finding. */
static bool check_own(struct interfaces *interfaces, bool has_links, bool may_retry)
{
	bool complete = true;

	for (size_t i = 0; i < interfaces->own_count; i++) {
		const char *name = interfaces->names.items[i];
		char text[ATTRIBUTE_SIZE];

		if (!read_own(interfaces, name, "flags", may_retry, text))
			complete = false;
		else if (strtoul(text, NULL, 16) & IFF_UP)
			hazard_findings_add(interfaces->findings, HAZARD_NET_UP, interfaces->device,
					    "%s is up", name);
		if (has_links && !check_index(interfaces, name, may_retry))
			complete = false;
	}
	return complete;
}

/* Reads what /sys and the kernel have of the interfaces in names. Returns false if one of the
 * device's own has vanished; unless MAY_RETRY, that is a finding. */
static bool read_once(struct interfaces *interfaces, bool may_retry)
{
	struct netlink *netlink = interfaces->view->netlink;
	int error;

	interfaces->own_count = interfaces->names.count;
	if (!interfaces->own_count)
		return true;
	add_uppers(interfaces);
	if (!netlink) {
		hazard_findings_add(interfaces->findings, HAZARD_UNKNOWN, interfaces->device,
				    "the routes through %s are not part of a recording",
				    interfaces->names.items[0]);
		return check_own(interfaces, false, false);
	}
	error = rtnetlink_links(netlink, NULL, add_index, interfaces);
	if (error < 0)
		interfaces_add_error(interfaces, "its network interfaces", error);
	return check_own(interfaces, error == 0, may_retry);
}

/* Lists the device's own interfaces as they are now. */
static void list_again(struct interfaces *interfaces)
{
	struct descendants now;
	int error = descendants_read(interfaces->view->root, &now);

	interfaces_free(interfaces);
	interfaces->names = interfaces->labels = (struct strings){0};
	interfaces->indexes = (struct index_set){0};
	for (size_t i = 0; i < now.count; i++)
		if (now.items[i].kind == DESCENDANT_INTERFACE &&
		    descendant_is_below(&now.items[i], &interfaces->device->address))
			add_name(interfaces, now.items[i].name);
	descendants_free(&now);
	if (error == -ENOMEM)
		interfaces->findings->no_memory = true;
	else if (error < 0)
		hazard_findings_add(interfaces->findings, HAZARD_UNKNOWN, interfaces->device,
				    "its network interfaces could not be listed: %s",
				    strerror(-error));
}

void interfaces_read(struct hazard_view *view, const struct pci_device *device,
		     struct hazard_findings *findings, struct interfaces *ret)
{
	int error;

	*ret = (struct interfaces){.view = view, .device = device, .findings = findings};
	if (hazard_list_interfaces(view, device, &ret->names) < 0)
		findings->no_memory = true;
	for (unsigned retries = 0; !read_once(ret, retries < RENAMES_MAX); retries++) {
		if (retries == RENAMES_MAX)
			break;
		list_again(ret);
	}
	if (!ret->indexes.count)
		return;
	error = rtnetlink_nexthops(view->netlink, &ret->indexes, &ret->nexthops);
	if (error < 0)
		interfaces_add_error(ret, "its next hop objects", error);
}

void interfaces_free(struct interfaces *interfaces)
{
	strings_free(&interfaces->names);
	strings_free(&interfaces->labels);
	index_set_free(&interfaces->indexes);
	index_set_free(&interfaces->nexthops);
}

const char *interfaces_of_route(const struct interfaces *interfaces,
				const struct rtnetlink_route *route)
{
	for (size_t i = 0; i < interfaces->labels.count; i++)
		if (index_set_has(&route->interfaces, interfaces->indexes.items[i]))
			return interfaces->labels.items[i];
	if (route->nexthop && index_set_has(&interfaces->nexthops, route->nexthop))
		return interfaces->names.items[0];
	return NULL;
}

struct destination {
	const struct interfaces *interfaces;
	bool is_reached;
};

static int check_destination(void *data, const struct rtnetlink_route *route)
{
	struct destination *destination = data;

	destination->is_reached |= interfaces_of_route(destination->interfaces, route) != NULL;
	return 0;
}

/* Asks also for the entry of the routing table: which of its next hops the kernel chooses may
 * depend on ports. */
bool interfaces_lead_to(struct interfaces *interfaces, const struct ip_address *to,
			const struct ip_address *from, unsigned vrf)
{
	struct destination destination = {.interfaces = interfaces};
	int error;

	if (!interfaces->indexes.count)
		return false;
	for (unsigned whole = 0; whole <= 1 && !destination.is_reached; whole++) {
		error = rtnetlink_route_to(interfaces->view->netlink, to, from, vrf, whole,
					   check_destination, &destination);
		if (error < 0) {
			interfaces_add_error(interfaces, "a route", error);
			return false;
		}
	}
	return destination.is_reached;
}

/* Removes the port, and the brackets around an IPv6 address. */
static void cut_port(const char *server, char text[static INET6_ADDRSTRLEN + IFNAMSIZ])
{
	const char *colon = strchr(server, ':');
	size_t length = strlen(server);

	if (*server == '[')
		length = strcspn(++server, "]");
	else if (colon && !strchr(colon + 1, ':'))
		length = (size_t)(colon - server);
	snprintf(text, INET6_ADDRSTRLEN + IFNAMSIZ, "%.*s", (int)length, server);
}

bool interfaces_lead_to_server(struct interfaces *interfaces, const char *server)
{
	char text[INET6_ADDRSTRLEN + IFNAMSIZ], zone[IFNAMSIZ];
	struct ip_address address;

	cut_port(server, text);
	if (!ip_address_parse(text, &address, zone))
		return false;
	if (*zone)
		return strings_has(&interfaces->names, zone);
	if (!ip_address_same(&address, &interfaces->last)) {
		interfaces->last_is_reached = interfaces_lead_to(interfaces, &address, NULL, 0);
		interfaces->last = address;
	}
	return interfaces->last_is_reached;
}
