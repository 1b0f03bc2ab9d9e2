/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems and disks of the host on servers that are reached through a device. Sources: nfs(5),
 * mount.cifs(8), mount.ceph(8), the kernel's Documentation/filesystems/9p.rst,
 * drivers/scsi/scsi_transport_iscsi.c and drivers/nvme/host/fabrics.c (nvmf_get_address). */
#include "binder/hazards/interfaces.h"

#include <errno.h>
#include <libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- file systems ---- */

static const char *const NETWORK_FILESYSTEMS[] = {"nfs",  "nfs4", "cifs",	   "smb3",
						  "ceph", "9p",	  "fuse.glusterfs"};

static bool is_network_filesystem(struct libmnt_fs *fs)
{
	const char *type = mnt_fs_get_fstype(fs);

	for (size_t i = 0; type && i < sizeof(NETWORK_FILESYSTEMS) / sizeof(*NETWORK_FILESYSTEMS);
	     i++)
		if (strcmp(type, NETWORK_FILESYSTEMS[i]) == 0)
			return true;
	return false;
}

/* LIST: servers between any of SEPARATORS. */
static bool lead_to_any(struct interfaces *interfaces, const char *list, size_t length,
			const char *separators)
{
	char *copy = strndup(list, length), *rest = NULL;
	bool found = false;

	if (!copy)
		interfaces->findings->no_memory = true;
	for (char *server = copy ? strtok_r(copy, separators, &rest) : NULL; server && !found;
	     server = strtok_r(NULL, separators, &rest))
		found = interfaces_lead_to_server(interfaces, server);
	free(copy);
	return found;
}

/* The kernel adds the server's address as option: addr= for NFS and SMB, mon_addr= for Ceph, with
 * "/" between several. Otherwise the source has it: "10.0.0.5:/volume" or "10.0.0.5:6789,...:/". A
 * server that is only known by name is not found: to resolve it could take long. */
static bool is_through(const void *data, struct libmnt_fs *fs)
{
	struct interfaces *const *interfaces = data;
	const char *options = mnt_fs_get_fs_options(fs), *source = mnt_fs_get_source(fs), *end;
	char *value;
	size_t length;

	if (!is_network_filesystem(fs))
		return false;
	if (options && (mnt_optstr_get_option(options, "addr", &value, &length) == 0 ||
			mnt_optstr_get_option(options, "mon_addr", &value, &length) == 0))
		return lead_to_any(*interfaces, value, length, "/");
	if (!source)
		return false;
	end = strstr(source, ":/");
	return lead_to_any(*interfaces, source, end ? (size_t)(end - source) : strlen(source), ",");
}

/* ---- disks ---- */

/* A connection to a server with disks. */
struct connection {
	char name[NAME_MAX + 1]; /* of the session or controller, "session1" or "nvme1" */
	char server[128];
	const char *kind;
};

struct connections {
	struct connection *items;
	size_t count;
};

static bool read_text(struct sysroot *root, const char *class, const char *name,
		      const char *attribute, char text[static ATTRIBUTE_SIZE])
{
	char path[NAME_MAX + 96];

	snprintf(path, sizeof(path), "sys/class/%s/%s/%s", class, name, attribute);
	return sysdir_read(sysroot_dir(root), path, text, ATTRIBUTE_SIZE) > 0;
}

/* "connection1:0" belongs to "session1". Without a connection the kernel has no address. */
static bool read_iscsi(struct sysroot *root, const char *name, struct connection *ret)
{
	char text[ATTRIBUTE_SIZE];
	unsigned session;

	if (sscanf(name, "connection%u:", &session) != 1 ||
	    (!read_text(root, "iscsi_connection", name, "address", text) &&
	     !read_text(root, "iscsi_connection", name, "persistent_address", text)))
		return false;
	*ret = (struct connection){.kind = "iSCSI target"};
	snprintf(ret->name, sizeof(ret->name), "session%u", session);
	snprintf(ret->server, sizeof(ret->server), "%.120s", text);
	return true;
}

/* "traddr=10.0.0.5,trsvcid=4420,host_iface=eth0"; that of a PCI device has another transport. */
static bool read_nvme(struct sysroot *root, const char *name, struct connection *ret)
{
	char text[ATTRIBUTE_SIZE], transport[ATTRIBUTE_SIZE], *address, *interface;
	size_t address_length, interface_length;

	if (!read_text(root, "nvme", name, "transport", transport) ||
	    (strcmp(transport, "tcp") != 0 && strcmp(transport, "rdma") != 0) ||
	    !read_text(root, "nvme", name, "address", text) ||
	    mnt_optstr_get_option(text, "traddr", &address, &address_length) != 0)
		return false;
	if (mnt_optstr_get_option(text, "host_iface", &interface, &interface_length) != 0)
		interface_length = 0;
	*ret = (struct connection){.kind = "NVMe controller"};
	snprintf(ret->name, sizeof(ret->name), "%.64s", name);
	snprintf(ret->server, sizeof(ret->server), "%.*s%s%.*s",
		 (int)(address_length < 64 ? address_length : 64), address,
		 interface_length ? "%" : "",
		 (int)(interface_length < IFNAMSIZ ? interface_length : IFNAMSIZ),
		 interface_length ? interface : "");
	return true;
}

static const struct {
	const char *directory;
	bool (*read)(struct sysroot *root, const char *name, struct connection *ret);
} CONNECTIONS[] = {
	{"sys/class/iscsi_connection", read_iscsi},
	{"sys/class/nvme", read_nvme},
};

static int add_connection(struct connections *connections, const struct connection *connection)
{
	struct connection *grown = realloc(connections->items,
					   (connections->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	connections->items = grown;
	grown[connections->count++] = *connection;
	return 0;
}

/* Lists the connections of the host, whatever interface they use. */
static void read_connections(struct hazard_view *view, const struct pci_device *device,
			     struct hazard_findings *findings, struct connections *ret)
{
	*ret = (struct connections){0};
	for (size_t i = 0; i < sizeof(CONNECTIONS) / sizeof(*CONNECTIONS); i++) {
		_cleanup_closedir_ DIR *list = NULL;
		struct connection connection;
		struct dirent *entry;
		int error = sysdir_list(sysroot_dir(view->root), CONNECTIONS[i].directory, &list);

		if (error == -ENOMEM)
			findings->no_memory = true;
		else if (error < 0 && error != -ENOENT)
			hazard_findings_add(findings, HAZARD_UNKNOWN, device, "%s/%s: %s",
					    sysroot_path(view->root), CONNECTIONS[i].directory,
					    strerror(-error));
		while (list && (entry = sysdir_next(list)))
			if (CONNECTIONS[i].read(view->root, entry->d_name, &connection) &&
			    add_connection(ret, &connection) < 0)
				findings->no_memory = true;
	}
}

void hazard_find_network_storage(struct interfaces *interfaces)
{
	struct connections connections;

	hazard_find_mounts(interfaces->view, interfaces->device, interfaces->findings, is_through,
			   &interfaces);
	read_connections(interfaces->view, interfaces->device, interfaces->findings, &connections);
	for (size_t i = 0; i < connections.count; i++) {
		const struct connection *connection = &connections.items[i];

		if (interfaces_lead_to_server(interfaces, connection->server))
			hazard_findings_add(interfaces->findings, HAZARD_NET_DISK,
					    interfaces->device,
					    "the %s at %s (%s) is reached through it",
					    connection->kind, connection->server, connection->name);
	}
	free(connections.items);
}

/* ---- their names ---- */

/* Adds the disks whose path in /sys runs through COMPONENT. */
static int add_blocks(struct sysroot *root, const char *component, struct strings *ret)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char target[PATH_MAX], inner[NAME_MAX + 3];
	struct dirent *entry;
	int error;

	snprintf(inner, sizeof(inner), "/%s/", component);
	error = sysdir_open(sysroot_dir(root), "sys/class/block", &directory);
	if (!error)
		error = sysdir_list(&directory, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while (!error && (entry = sysdir_next(list)))
		if (sysdir_readlink(&directory, entry->d_name, target, sizeof(target)) > 0 &&
		    strstr(target, inner) && !strings_has(ret, entry->d_name))
			error = strings_add(ret, entry->d_name);
	return error;
}

/* With multipath the disks of an NVMe controller belong to its subsystem. */
static int add_subsystem_blocks(struct sysroot *root, const char *controller, struct strings *ret)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error;

	error = sysdir_list(sysroot_dir(root), "sys/class/nvme-subsystem", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while (!error && (entry = sysdir_next(list))) {
		_cleanup_sysdir_ struct sysdir subsystem = {.fd = -1};
		char path[NAME_MAX + 32];

		snprintf(path, sizeof(path), "sys/class/nvme-subsystem/%s", entry->d_name);
		if (sysdir_open(sysroot_dir(root), path, &subsystem) == 0 &&
		    sysdir_has(&subsystem, controller))
			error = add_blocks(root, entry->d_name, ret);
	}
	return error;
}

/* Most hosts have no such connection: then the kernel is not asked about the interfaces. */
int hazard_list_network_blocks(struct hazard_view *view, const struct pci_device *device,
			       struct strings *ret)
{
	struct hazard_findings ignored = {0}; /* hazard_find_network adds the same */
	struct interfaces interfaces;
	struct connections connections;
	int error = 0;

	read_connections(view, device, &ignored, &connections);
	if (connections.count)
		interfaces_read(view, device, &ignored, &interfaces);
	for (size_t i = 0; i < connections.count && !error; i++) {
		const struct connection *connection = &connections.items[i];

		if (!interfaces_lead_to_server(&interfaces, connection->server))
			continue;
		error = add_blocks(view->root, connection->name, ret);
		if (!error)
			error = add_subsystem_blocks(view->root, connection->name, ret);
	}
	if (connections.count)
		interfaces_free(&interfaces);
	if (ignored.no_memory)
		error = -ENOMEM;
	free(connections.items);
	hazard_findings_free(&ignored);
	return error;
}
