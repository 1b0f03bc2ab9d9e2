/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces of a device that are up, have routes or carry the caller's SSH connection,
 * directly or as part of a bond, bridge or VRF. Source for SSH_CONNECTION: ssh(1). */
#include "binder/hazards/interfaces.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* A router has a million routes. */
#define ROUTES_REPORTED_MAX 16

/* ---- routes ---- */

struct routes {
	struct interfaces *interfaces;
	unsigned count; /* of those through the device */
};

/* Multicast and link-local routes of IPv6 are not counted: every interface that is up has them. */
static bool is_counted(const struct rtnetlink_route *route)
{
	const unsigned char *bytes = route->destination.bytes;

	if (route->type != RTN_UNICAST)
		return false;
	return route->destination.family != AF_INET6 ||
	       (bytes[0] != 0xff && !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80));
}

static int check_route(void *data, const struct rtnetlink_route *route)
{
	struct routes *routes = data;
	struct interfaces *interfaces = routes->interfaces;
	const char *interface = interfaces_of_route(interfaces, route);
	char address[INET6_ADDRSTRLEN], table[32] = "";
	bool is_default = route->length == 0;

	if (!interface || !is_counted(route) ||
	    (routes->count++ >= ROUTES_REPORTED_MAX && !is_default))
		return 0;
	inet_ntop(route->destination.family, route->destination.bytes, address, sizeof(address));
	if (route->table != RT_TABLE_MAIN)
		snprintf(table, sizeof(table), " in table %u", route->table);
	hazard_findings_add(interfaces->findings, is_default ? HAZARD_DEFAULT_ROUTE : HAZARD_ROUTE,
			    interfaces->device, "the %s%s/%u%s goes through %s",
			    is_default ? "default route " : "route to ", address, route->length,
			    table, interface);
	return 0;
}

/* A table that no rule refers to now may be used by the next: every table counts. */
static void check_routes(struct interfaces *interfaces)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct routes routes = {.interfaces = interfaces};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		int error = rtnetlink_routes(interfaces->view->netlink, families[i], check_route,
					     &routes);

		if (error < 0)
			interfaces_add_error(interfaces,
					     families[i] == AF_INET ? "the IPv4 routes"
								    : "the IPv6 routes",
					     error);
	}
	if (routes.count > ROUTES_REPORTED_MAX)
		hazard_findings_add(interfaces->findings, HAZARD_ROUTE, interfaces->device,
				    "%u routes go through it", routes.count);
}

/* ---- the caller's SSH connection ---- */

struct ssh {
	struct interfaces *interfaces;
	struct ip_address client, server;
	struct index_set server_interfaces; /* that have the server's address */
	struct index_set masters;	    /* of these, and they themselves */
	struct index_set vrfs;		    /* all */
	bool is_through;
};

static int check_server_address(void *data, unsigned interface, const struct ip_address *address)
{
	struct ssh *ssh = data;

	if (!ip_address_same(address, &ssh->server))
		return 0;
	ssh->is_through |= index_set_has(&ssh->interfaces->indexes, interface);
	return index_set_add(&ssh->server_interfaces, interface);
}

/* The VRF itself can have the address, too. */
static int add_vrf(void *data, const struct rtnetlink_link *link)
{
	struct ssh *ssh = data;
	int error = 0;

	if (link->is_vrf)
		error = index_set_add(&ssh->vrfs, link->index);
	if (!error && index_set_has(&ssh->server_interfaces, link->index))
		error = index_set_add(&ssh->masters, link->index);
	if (!error && index_set_has(&ssh->server_interfaces, link->index))
		error = index_set_add(&ssh->masters, link->master);
	return error;
}

static bool leads_to_client(struct ssh *ssh, unsigned vrf)
{
	return interfaces_lead_to(ssh->interfaces, &ssh->client, NULL, vrf) ||
	       interfaces_lead_to(ssh->interfaces, &ssh->client, &ssh->server, vrf);
}

/* A server in a VRF has its sockets bound to it, and so uses the VRF's table. */
static void check_addresses(struct ssh *ssh)
{
	struct netlink *netlink = ssh->interfaces->view->netlink;
	int error = rtnetlink_addresses(netlink, check_server_address, ssh);

	if (!error)
		error = rtnetlink_links(netlink, NULL, add_vrf, ssh);
	if (error < 0)
		interfaces_add_error(ssh->interfaces, "the addresses of its interfaces", error);
	ssh->is_through = ssh->is_through || leads_to_client(ssh, 0);
	for (size_t i = 0; i < ssh->vrfs.count && !ssh->is_through; i++)
		if (index_set_has(&ssh->masters, ssh->vrfs.items[i]))
			ssh->is_through = leads_to_client(ssh, ssh->vrfs.items[i]);
}

/* "client port server port" */
static void check_ssh(struct interfaces *interfaces)
{
	const char *connection = interfaces->view->ssh_connection;
	struct ssh ssh = {.interfaces = interfaces};
	char client[128], server[128], zone[IFNAMSIZ], server_zone[IFNAMSIZ];

	if (!connection || sscanf(connection, "%127s %*s %127s", client, server) != 2 ||
	    !ip_address_parse(client, &ssh.client, zone) ||
	    !ip_address_parse(server, &ssh.server, server_zone))
		return;
	ssh.is_through = strings_has(&interfaces->names, zone) ||
			 strings_has(&interfaces->names, server_zone);
	if (!*zone && !*server_zone)
		check_addresses(&ssh);
	if (ssh.is_through)
		hazard_findings_add(interfaces->findings, HAZARD_SSH, interfaces->device,
				    "your SSH connection (%s) goes through it", connection);
	index_set_free(&ssh.server_interfaces);
	index_set_free(&ssh.masters);
	index_set_free(&ssh.vrfs);
}

void hazard_find_network(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings)
{
	struct interfaces interfaces;

	interfaces_read(view, device, findings, &interfaces);
	if (interfaces.indexes.count) {
		check_routes(&interfaces);
		check_ssh(&interfaces);
		hazard_find_network_storage(&interfaces);
	}
	hazard_find_hidden_interfaces(&interfaces);
	interfaces_free(&interfaces);
}
