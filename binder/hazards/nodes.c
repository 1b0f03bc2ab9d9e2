/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes (graphics, sound, disks, InfiniBand, ...) that processes have open. As with VFIO's
 * nodes, an open file is identified by its device number. Sources: the kernel's
 * Documentation/admin-guide/devices.txt, and Documentation/filesystems/sysfs.rst for "dev". */
#include "binder/engine/devicepath.h"
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Subdirectories of a device that contain its nodes, how deep, and the prefix of the nodes' names
 * in /dev. */
static const struct {
	const char *directory, *prefix;
	unsigned depth;
} NODE_DIRECTORIES[] = {
	{"nvme", "/dev/", 2}, /* controllers, and generic nodes of namespaces */
	{"drm", "/dev/dri/", 1},
	{"accel", "/dev/accel/", 1},
	{"video4linux", "/dev/", 1},
	{"infiniband_verbs", "/dev/infiniband/", 1},
	{"infiniband_mad", "/dev/infiniband/", 1},
	{"sound", "/dev/snd/", 2}, /* controlC0, pcmC0D0p, ... of each sound device */
};

#define BLOCK_CLASS "sys/class/block"
#define NVIDIA_MAJOR 195

/* ---- the nodes ---- */

static int add_node(struct hazard_view *view, const struct vfio_node *node, const char *prefix,
		    const char *name)
{
	char path[NAME_MAX + 32];
	int error;

	snprintf(path, sizeof(path), "%s%s", prefix, name);
	error = strings_add(&view->node_paths, path);
	return error < 0 ? error : vfio_nodes_add(&view->nodes, node);
}

static bool is_block(const struct sysdir *at, const char *name)
{
	char path[NAME_MAX + sizeof(BLOCK_CLASS) + 1];
	struct stat status;

	snprintf(path, sizeof(path), BLOCK_CLASS "/%s", name);
	return sysdir_stat(sysroot_dir(at->root), path, &status) == 0;
}

/* Adds NAME in the directory AT if it is a node, and the nodes below it down to DEPTH. Block
 * devices are skipped here; add_disk adds them. Returns 0 or a negative errno. */
static int add_entry(struct hazard_view *view, const struct sysdir *at, const char *name,
		     const char *prefix, unsigned depth, struct vfio_node *node)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int found = vfio_node_read_number(at, name, node);

	if (found > 0 && !is_block(at, name))
		found = add_node(view, node, prefix, name);
	if (found < 0 || depth == 0)
		return found;
	found = sysdir_open(at, name, &directory);
	if (!found)
		found = sysdir_list(&directory, ".", &list);
	if (found < 0)
		return found == -ENOENT ? 0 : found;
	while ((entry = sysdir_next(list))) {
		if (entry->d_type != DT_DIR) /* symbolic links lead to other devices */
			continue;
		found = add_entry(view, &directory, entry->d_name, prefix, depth - 1, node);
		if (found < 0)
			return found;
	}
	return -errno;
}

/* Adds the disk or partition NAME. */
static int add_block(struct hazard_view *view, const struct sysdir *class, const char *name,
		     struct vfio_node *node)
{
	int found;

	node->is_block = true;
	found = vfio_node_read_number(class, name, node);
	return found > 0 ? add_node(view, node, "/dev/", name) : found;
}

static int add_disk(struct hazard_view *view, const char *name, struct vfio_node *node)
{
	_cleanup_sysdir_ struct sysdir class = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error;

	error = sysdir_open(sysroot_dir(view->root), BLOCK_CLASS, &class);
	if (!error)
		error = add_block(view, &class, name, node);
	if (!error)
		error = sysdir_list(&class, name, &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		/* the name of a partition begins with that of its disk */
		if (strncmp(entry->d_name, name, strlen(name)) != 0)
			continue;
		error = add_block(view, &class, entry->d_name, node);
		if (error < 0)
			return error;
	}
	return -errno;
}

/* Only NVIDIA's own driver shows the minor number of its node: "Device Minor: 	 0". */
static int add_nvidia(struct hazard_view *view, struct vfio_node *node)
{
	char path[96], address[ADDRESS_SIZE], text[ATTRIBUTE_SIZE], number[16], *line;
	unsigned minor_number;
	ssize_t length;

	snprintf(path, sizeof(path), "proc/driver/nvidia/gpus/%s/information",
		 address_format(&node->address, address));
	length = sysdir_read(sysroot_dir(view->root), path, text, sizeof(text));
	if (length < 0)
		return length == -ENOENT ? 0 : (int)length;
	line = strstr(text, "Device Minor:");
	if (!line || sscanf(line, "Device Minor: %5u", &minor_number) != 1)
		return 0;
	node->has_number = true;
	node->number = makedev(NVIDIA_MAJOR, minor_number);
	snprintf(number, sizeof(number), "%u", minor_number);
	return add_node(view, node, "/dev/nvidia", number);
}

/* Adds a node without a number, with the error as its path. */
static int add_failure(struct hazard_view *view, const struct vfio_node *template,
		       const char *location, int error)
{
	const struct vfio_node node = {
		.kind = template->kind, .has_address = true, .address = template->address};
	char message[128];

	snprintf(message, sizeof(message), "%.64s: %s", location, strerror(-error));
	return add_node(view, &node, message, "");
}

static int add_nodes(struct hazard_view *view, const struct pci_device *device)
{
	const struct vfio_node template = {
		.kind = VFIO_NODE_OTHER, .has_address = true, .address = device->address};
	struct vfio_node node;
	char path[DEVICE_PATH_SIZE];
	int error = 0;

	for (size_t i = 0;
	     i < sizeof(NODE_DIRECTORIES) / sizeof(*NODE_DIRECTORIES) && error != -ENOMEM; i++) {
		node = template;
		device_path(&device->address, NODE_DIRECTORIES[i].directory, path);
		error = add_entry(view, sysroot_dir(view->root), path, NODE_DIRECTORIES[i].prefix,
				  NODE_DIRECTORIES[i].depth, &node);
		if (error < 0 && error != -ENOMEM)
			error = add_failure(view, &template, NODE_DIRECTORIES[i].directory, error);
	}
	for (size_t i = 0; i < device->blocks.count && error != -ENOMEM; i++) {
		node = template;
		error = add_disk(view, device->blocks.items[i], &node);
		if (error < 0 && error != -ENOMEM)
			error = add_failure(view, &template, device->blocks.items[i], error);
	}
	if (error == -ENOMEM)
		return error;
	node = template;
	error = add_nvidia(view, &node);
	return error < 0 && error != -ENOMEM ? add_failure(view, &template, "nvidia", error)
					     : error;
}

/* ---- processes that have them open ---- */

static int find_holders(struct hazard_view *view)
{
	view->has_holders = true;
	view->holders_error = holders_read(view->root, &view->nodes, HOLDERS_PROCESSES,
					   &view->holders);
	return view->holders_error == -ENOMEM ? -ENOMEM : 0;
}

static void check_node(const struct hazard_view *view, const struct pci_device *device,
		       const struct vfio_node *node, struct hazard_findings *findings)
{
	const char *path = view->node_paths.items[node - view->nodes.items];

	if (!node->has_number)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "its device nodes could not be listed: %s", path);
	for (size_t i = 0; node->has_number && i < view->holders.count; i++) {
		const struct holder *holder = &view->holders.items[i];

		if (holder_has_node(holder, node))
			hazard_findings_add(findings, HAZARD_OPEN, device,
					    "process %d (%s) has %s open", holder->pid,
					    holder->vmm.program ? holder->vmm.program : "?", path);
	}
}

static void check_completeness(const struct hazard_view *view, const struct pci_device *device,
			       struct hazard_findings *findings)
{
	if (view->holders_error)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "processes that may have it open could not be inspected: %s",
				    strerror(-view->holders_error));
	else if (view->holders.unseen)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "%zu processes that may have it open could not be inspected",
				    view->holders.unseen);
}

static bool belongs_to(const struct vfio_node *node, const struct pci_device *device)
{
	return address_compare(&node->address, &device->address) == 0;
}

/* Returns 0 or -ENOMEM. */
static int list_nodes(struct hazard_view *view)
{
	int error = 0;

	view->has_nodes = true;
	inventory_foreach(view->inventory, device)
		if (!error)
			error = add_nodes(view, device);
	return error;
}

void hazard_find_open_nodes(struct hazard_view *view, const struct pci_device *device,
			    struct hazard_findings *findings)
{
	bool found = false;

	if (!view->has_nodes && list_nodes(view) < 0)
		findings->no_memory = true;
	for (size_t i = 0; i < view->nodes.count; i++)
		found |= belongs_to(&view->nodes.items[i], device) &&
			 view->nodes.items[i].has_number;
	if (found && !view->has_holders && find_holders(view) < 0)
		findings->no_memory = true;
	if (found)
		check_completeness(view, device, findings);
	for (size_t i = 0; i < view->nodes.count; i++)
		if (belongs_to(&view->nodes.items[i], device))
			check_node(view, device, &view->nodes.items[i], findings);
}
