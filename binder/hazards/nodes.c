/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes of a device that processes have open: screens, sound, disks, InfiniBand. As with
 * VFIO's nodes, an open file is recognized by its device number. Sources: the kernel's
 * Documentation/admin-guide/devices.txt, and Documentation/filesystems/sysfs.rst for "dev". */
#include "binder/engine/change.h"
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Where a device's directory has its nodes, how deep below, and what precedes their names in
 * /dev. */
static const struct {
	const char *directory, *prefix;
	unsigned depth;
} PLACES[] = {
	{"nvme", "/dev/", 2}, /* controllers, and generic nodes of namespaces */
	{"drm", "/dev/dri/", 1},
	{"accel", "/dev/accel/", 1},
	{"video4linux", "/dev/", 1},
	{"infiniband_verbs", "/dev/infiniband/", 1},
	{"infiniband_mad", "/dev/infiniband/", 1},
	{"sound", "/dev/snd/", 2}, /* of each device: controlC0, pcmC0D0p, ... */
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

/* Adds NAME below AT when it is a node, and those in it down to DEPTH. Block devices are found in
 * their class. */
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
		if (entry->d_type != DT_DIR) /* links lead elsewhere */
			continue;
		found = add_entry(view, &directory, entry->d_name, prefix, depth - 1, node);
		if (found < 0)
			return found;
	}
	return -errno;
}

/* The disk or partition NAME. */
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
		/* a partition's name begins with its disk's */
		if (strncmp(entry->d_name, name, strlen(name)) != 0)
			continue;
		error = add_block(view, &class, entry->d_name, node);
		if (error < 0)
			return error;
	}
	return -errno;
}

/* Which node a device of NVIDIA's own driver has, only that tells: "Device Minor: 	 0". */
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

/* A node without a number says why some could not be listed. */
static int note_failure(struct hazard_view *view, const struct vfio_node *like, const char *where,
			int error)
{
	const struct vfio_node node = {
		.kind = like->kind, .has_address = true, .address = like->address};
	char text[128];

	snprintf(text, sizeof(text), "%.64s: %s", where, strerror(-error));
	return add_node(view, &node, text, "");
}

static int add_nodes(struct hazard_view *view, const struct pci_device *device)
{
	const struct vfio_node node = {
		.kind = VFIO_NODE_OTHER, .has_address = true, .address = device->address};
	struct vfio_node made;
	char path[DEVICE_PATH_SIZE];
	int error = 0;

	for (size_t i = 0; i < sizeof(PLACES) / sizeof(*PLACES) && error != -ENOMEM; i++) {
		made = node;
		device_path(&device->address, PLACES[i].directory, path);
		error = add_entry(view, sysroot_dir(view->root), path, PLACES[i].prefix,
				  PLACES[i].depth, &made);
		if (error < 0 && error != -ENOMEM)
			error = note_failure(view, &node, PLACES[i].directory, error);
	}
	for (size_t i = 0; i < device->blocks.count && error != -ENOMEM; i++) {
		made = node;
		error = add_disk(view, device->blocks.items[i], &made);
		if (error < 0 && error != -ENOMEM)
			error = note_failure(view, &node, device->blocks.items[i], error);
	}
	if (error == -ENOMEM)
		return error;
	made = node;
	error = add_nvidia(view, &made);
	return error < 0 && error != -ENOMEM ? note_failure(view, &node, "nvidia", error) : error;
}

/* ---- who has them open ---- */

static int find_open(struct hazard_view *view)
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

static void check_walk(const struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	if (view->holders_error)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "no process could be inspected, and some may have it open: %s",
				    strerror(-view->holders_error));
	else if (view->holders.unseen)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "%zu processes could not be inspected, which may have it open",
				    view->holders.unseen);
}

static bool is_of(const struct vfio_node *node, const struct pci_device *device)
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

void find_open_nodes(struct hazard_view *view, const struct pci_device *device,
		     struct hazard_findings *findings)
{
	bool found = false;

	if (!view->has_nodes && list_nodes(view) < 0)
		findings->no_memory = true;
	for (size_t i = 0; i < view->nodes.count; i++)
		found |= is_of(&view->nodes.items[i], device) && view->nodes.items[i].has_number;
	if (found && !view->has_holders && find_open(view) < 0)
		findings->no_memory = true;
	if (found)
		check_walk(view, device, findings);
	for (size_t i = 0; i < view->nodes.count; i++)
		if (is_of(&view->nodes.items[i], device))
			check_node(view, device, &view->nodes.items[i], findings);
}
