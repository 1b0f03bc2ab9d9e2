/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that have a device's nodes open, and armed watchdogs. As with VFIO's nodes, an open
 * file is identified by its device number. Sources: the kernel's
 * Documentation/admin-guide/devices.txt, Documentation/ABI/testing/sysfs-class-watchdog and
 * drivers/usb/core/hub.c for the numbers of USB devices. */
#include "binder/engine/devicepath.h"
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define NODE_PATH_SIZE (NAME_MAX + 32)

/* ---- processes that have nodes open ---- */

/* A node of a disk with several paths is below several devices. Returns 0 or -ENOMEM. */
static int list_nodes(struct hazard_view *view)
{
	int error = 0;

	for (size_t i = 0; i < view->descendants.count && !error; i++) {
		const struct descendant *descendant = &view->descendants.items[i];
		const struct vfio_node node = {.kind = VFIO_NODE_OTHER,
					       .has_number = true,
					       .number = descendant->number,
					       .is_block = descendant->kind == DESCENDANT_BLOCK};

		if (descendant->kind != DESCENDANT_INTERFACE &&
		    !vfio_nodes_find(&view->nodes, node.is_block, node.number))
			error = vfio_nodes_add(&view->nodes, &node);
	}
	return error;
}

static void read_holders(struct hazard_view *view, struct hazard_findings *findings)
{
	if (view->has_holders)
		return;
	view->has_holders = true;
	view->holders_error = list_nodes(view);
	if (!view->holders_error)
		view->holders_error = holders_read(view->root, &view->nodes, HOLDERS_PROCESSES,
						   &view->holders);
	if (view->holders_error == -ENOMEM)
		findings->no_memory = true;
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

/* ---- nodes ---- */

/* Writes the path that udev gives the node to PATH, and returns it. */
static const char *node_path(const struct hazard_view *view, const struct descendant *node,
			     char path[static NODE_PATH_SIZE])
{
	static const struct {
		const char *subsystem, *directory;
	} DIRECTORIES[] = {
		{"accel", "accel/"},
		{"drm", "dri/"},
		{"infiniband_mad", "infiniband/"},
		{"infiniband_verbs", "infiniband/"},
		{"input", "input/"},
		{"sound", "snd/"},
	};
	char link[PATH_MAX + 16], subsystem[64] = "";
	const char *directory = "";

	snprintf(link, sizeof(link), "sys/%s/subsystem", node->path);
	sysdir_link_name(sysroot_dir(view->root), link, subsystem, sizeof(subsystem));
	if (strcmp(subsystem, "usb") == 0) {
		/* 128 numbers for each bus, and one for each address on it */
		snprintf(path, NODE_PATH_SIZE, "/dev/bus/usb/%03u/%03u",
			 minor(node->number) / 128 + 1, minor(node->number) % 128 + 1);
		return path;
	}
	for (size_t i = 0; i < sizeof(DIRECTORIES) / sizeof(*DIRECTORIES); i++)
		if (strcmp(subsystem, DIRECTORIES[i].subsystem) == 0)
			directory = DIRECTORIES[i].directory;
	snprintf(path, NODE_PATH_SIZE, "/dev/%s%.255s", directory, node->name);
	return path;
}

/* /dev/watchdog (10:130) is a second node of the first watchdog. */
static bool is_watchdog(const struct descendant *node)
{
	return strstr(node->path, "/watchdog/") || node->number == makedev(10, 130);
}

static enum hazard hazard_of(const struct descendant *node)
{
	if (is_watchdog(node))
		return HAZARD_WATCHDOG;
	/* a VM uses the device through it */
	if (strncmp(node->name, "vhost-vdpa", strlen("vhost-vdpa")) == 0)
		return HAZARD_HELD;
	return HAZARD_OPEN;
}

static void check_node(const struct hazard_view *view, const struct pci_device *device,
		       const struct descendant *descendant, struct hazard_findings *findings)
{
	const struct vfio_node *node = vfio_nodes_find(
		&view->nodes, descendant->kind == DESCENDANT_BLOCK, descendant->number);
	char path[NODE_PATH_SIZE];

	for (size_t i = 0; node && i < view->holders.count; i++) {
		const struct holder *holder = &view->holders.items[i];

		if (holder_has_node(holder, node))
			hazard_findings_add(findings, hazard_of(descendant), device,
					    "process %d (%s) has %s open", holder->pid,
					    holder->vmm.program ? holder->vmm.program : "?",
					    node_path(view, descendant, path));
	}
}

/* Whether DEVICE may be the one of a watchdog NAME that is below no device: its driver is one for
 * watchdogs. Those that do not use the kernel's core for watchdogs are known by name only. */
static bool has_watchdog_driver(const struct hazard_view *view, const struct pci_device *device,
				const char *name)
{
	char path[NAME_MAX + 64], text[ATTRIBUTE_SIZE];
	const struct sysdir *root = sysroot_dir(view->root);
	_cleanup_sysdir_ struct sysdir users = {.fd = -1};

	if (!device->driver)
		return false;
	if (strstr(device->driver, "wdt") || strstr(device->driver, "pcwd"))
		return true;
	snprintf(path, sizeof(path), "sys/class/watchdog/%.255s/identity", name);
	if (sysdir_read(root, path, text, sizeof(text)) > 0 && strcmp(text, device->driver) == 0)
		return true;
	device_path(&device->address, "driver/module", path);
	return sysdir_link_name(root, path, text, sizeof(text)) == 0 &&
	       sysdir_open(root, "sys/module/watchdog/holders", &users) == 0 &&
	       sysdir_has(&users, text);
}

/* Each port of a virtio console has a node such as vport1p0, also if it is a console. */
static bool has_virtio_console(const struct hazard_view *view, const struct pci_device *device)
{
	for (size_t i = 0; i < view->descendants.count; i++)
		if (strncmp(view->descendants.items[i].name, "vport", strlen("vport")) == 0 &&
		    descendant_is_below(&view->descendants.items[i], &device->address))
			return true;
	return false;
}

bool hazard_node_belongs_to(const struct hazard_view *view, const struct descendant *node,
			    const struct pci_device *device)
{
	if (node->kind == DESCENDANT_INTERFACE)
		return false;
	if (descendant_is_lone_watchdog(node))
		return has_watchdog_driver(view, device, node->name);
	if (descendant_is_lone_console(node))
		return has_virtio_console(view, device);
	return descendant_is_below(node, &device->address);
}

/* A watchdog stays armed if its program was killed. Without CONFIG_WATCHDOG_SYSFS there is no
 * "state". */
static void check_watchdog(const struct hazard_view *view, const struct pci_device *device,
			   const struct descendant *node, struct hazard_findings *findings)
{
	char path[NAME_MAX + 32], state[ATTRIBUTE_SIZE];
	ssize_t length;

	if (!strstr(node->path, "/watchdog/"))
		return;
	snprintf(path, sizeof(path), "sys/class/watchdog/%.255s/state", node->name);
	length = sysdir_read(sysroot_dir(view->root), path, state, sizeof(state));
	if (length < 0 && length != -ENOENT)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "%s/%s: %s",
				    sysroot_path(view->root), path, strerror((int)-length));
	else if (length > 0 && strcmp(state, "inactive") != 0)
		hazard_findings_add(findings, HAZARD_WATCHDOG, device, "%s is armed", node->name);
}

void hazard_find_open_nodes(struct hazard_view *view, const struct pci_device *device,
			    struct hazard_findings *findings)
{
	bool found = false;

	for (size_t i = 0; i < view->descendants.count; i++) {
		const struct descendant *node = &view->descendants.items[i];

		if (!hazard_node_belongs_to(view, node, device))
			continue;
		found = true;
		read_holders(view, findings);
		check_watchdog(view, device, node, findings);
		check_node(view, device, node, findings);
	}
	if (found)
		check_completeness(view, device, findings);
}
