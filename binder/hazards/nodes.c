/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes of a card that processes have open: screens, sound, disks, InfiniBand. */
#include "binder/change.h"
#include "binder/hazard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a card's directory has the names of its nodes, and what stands before them in /dev. */
static const struct {
	const char *directory, *prefix;
} PLACES[] = {
	{"nvme", "/dev/"},
	{"drm", "/dev/dri/"},
	{"accel", "/dev/accel/"},
	{"video4linux", "/dev/"},
	{"infiniband_verbs", "/dev/infiniband/"},
	{"infiniband_mad", "/dev/infiniband/"},
};

static void add(struct strings *nodes, struct concerns *concerns, const char *prefix, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s%.255s", prefix, name);
	if (strings_add(nodes, path) < 0)
		concerns->no_memory = true;
}

static void add_directory(struct hazard_view *view, const char *path, const char *prefix, struct strings *nodes,
			  struct concerns *concerns)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(view->root), path, &list) < 0)
		return;
	while ((entry = sysdir_next(list)))
		add(nodes, concerns, prefix, entry->d_name);
}

/* sound/card0 has controlC0, pcmC0D0p, ...: each is a node. */
static void add_sound(struct hazard_view *view, const struct pci_device *device, struct strings *nodes, struct concerns *concerns)
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[CARD_PATH_SIZE], name[64];
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(view->root), card_path(&device->address, "sound", path), &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		if (strncmp(entry->d_name, "card", 4) != 0)
			continue;
		snprintf(name, sizeof(name), "sound/%.32s", entry->d_name);
		add_directory(view, card_path(&device->address, name, path), "/dev/snd/", nodes, concerns);
	}
}

/* Which node a card is of NVIDIA's own driver only that tells: "Device Minor: 	 0". */
static void add_nvidia(struct hazard_view *view, const struct pci_device *device, struct strings *nodes, struct concerns *concerns)
{
	char path[96], address[ADDRESS_SIZE], text[ATTRIBUTE_SIZE], number[16], *line;
	unsigned minor;

	snprintf(path, sizeof(path), "proc/driver/nvidia/gpus/%s/information", address_format(&device->address, address));
	if (sysdir_read(sysroot_dir(view->root), path, text, sizeof(text)) <= 0 || !(line = strstr(text, "Device Minor:")) ||
	    sscanf(line, "Device Minor: %5u", &minor) != 1)
		return;
	snprintf(number, sizeof(number), "%u", minor);
	add(nodes, concerns, "/dev/nvidia", number);
}

static void find_nodes(struct hazard_view *view, const struct pci_device *device, struct strings *nodes, struct concerns *concerns)
{
	char path[CARD_PATH_SIZE];

	for (size_t i = 0; i < sizeof(PLACES) / sizeof(*PLACES); i++)
		add_directory(view, card_path(&device->address, PLACES[i].directory, path), PLACES[i].prefix, nodes, concerns);
	for (size_t i = 0; i < device->blocks.count; i++)
		add(nodes, concerns, "/dev/", device->blocks.items[i]);
	add_sound(view, device, nodes, concerns);
	add_nvidia(view, device, nodes, concerns);
}

/* ---- what is open ---- */

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH;
}

static void note_process(struct hazard_view *view, const struct sysdir *proc, const char *pid, struct concerns *concerns)
{
	_cleanup_sysdir_ struct sysdir fds = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char name[300], target[256], text[600];
	struct dirent *entry;
	int error;

	snprintf(name, sizeof(name), "%s/fd", pid);
	error = sysdir_open(proc, name, &fds);
	if (!error)
		error = sysdir_list(&fds, ".", &list);
	if (error < 0) {
		view->unseen += !is_gone(error);
		return;
	}
	while ((entry = sysdir_next(list))) {
		ssize_t length = sysdir_readlink(&fds, entry->d_name, target, sizeof(target));

		/* a path that is too long is no node's */
		if (length < 0 && length != -ENAMETOOLONG && !is_gone((int)length))
			error = (int)length;
		if (length < 0 || strncmp(target, "/dev/", 5) != 0 ||
		    strncmp(target, "/dev/pts/", 9) == 0 || strcmp(target, "/dev/null") == 0)
			continue;
		snprintf(text, sizeof(text), "%s %s", pid, target);
		if (strings_add(&view->opened, text) < 0)
			concerns->no_memory = true;
	}
	view->unseen += error < 0 || (errno && !is_gone(-errno));
}

/* Without /proc nothing is seen at all. */
static void note_opened(struct hazard_view *view, struct concerns *concerns)
{
	_cleanup_sysdir_ struct sysdir proc = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;

	if (sysdir_open(sysroot_dir(view->root), "proc", &proc) < 0 || sysdir_list(&proc, ".", &list) < 0) {
		view->unseen++;
		return;
	}
	while ((entry = sysdir_next(list)))
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name))
			note_process(view, &proc, entry->d_name, concerns);
	view->unseen += errno != 0;
}

/* Whether PATH is NODE itself, or a part of it: /dev/nvme0n1p2 is of /dev/nvme0. */
static bool is_of(const char *path, const char *node)
{
	size_t length = strlen(node);

	if (strncmp(path, node, length) != 0)
		return false;
	return !path[length] || (strncmp(node, "/dev/nvme", 9) == 0 && (path[length] == 'n' || path[length] == 'p'));
}

static const char *program_of(struct hazard_view *view, const char *pid, char text[static ATTRIBUTE_SIZE])
{
	char path[300];

	snprintf(path, sizeof(path), "proc/%s/comm", pid);
	return sysdir_read(sysroot_dir(view->root), path, text, ATTRIBUTE_SIZE) > 0 ? text : "?";
}

static void check_node(struct hazard_view *view, const struct pci_device *device, const char *node, struct concerns *concerns)
{
	char pid[32], text[ATTRIBUTE_SIZE];
	int end;

	for (size_t i = 0; i < view->opened.count; i++) {
		const char *opened = view->opened.items[i];

		end = 0;
		if (sscanf(opened, "%31s %n", pid, &end) == 1 && end && is_of(opened + end, node))
			concerns_add(concerns, HAZARD_OPEN, device, "process %s (%s) has %s open", pid, program_of(view, pid, text),
				     opened + end);
	}
}

void find_open_nodes(struct hazard_view *view, const struct pci_device *device, struct concerns *concerns)
{
	struct strings nodes = {0};

	find_nodes(view, device, &nodes, concerns);
	if (nodes.count && !view->has_opened) {
		note_opened(view, concerns);
		view->has_opened = true;
	}
	if (nodes.count && view->unseen)
		concerns_add(concerns, HAZARD_UNKNOWN, device, "%zu processes could not be looked at, which may have it open", view->unseen);
	for (size_t i = 0; i < nodes.count; i++)
		check_node(view, device, nodes.items[i], concerns);
	strings_free(&nodes);
}
