/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts of a host's directories through virtio devices, 9p and virtiofs, which have no block
 * device. Sources: the kernel's Documentation/filesystems/9p.rst and virtiofs.rst,
 * net/9p/trans_virtio.c (mount_tag), Documentation/ABI/testing/sysfs-fs-virtiofs (since Linux 6.9)
 * and the Virtual I/O Device specification for the number of the device type. */
#include "binder/engine/devicepath.h"
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <libmount.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TYPE_FILE_SYSTEM "0x001a"
#define VIRTIOFS "sys/fs/virtiofs"

/* The shared folders of one device. */
struct folders {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	struct strings tags_9p;
	bool has_virtiofs;
	struct strings other_tags; /* of virtiofs, known to be another device's */
};

static void add_unknown(struct folders *folders, const struct sysdir *directory, const char *name,
			int error)
{
	hazard_findings_add(folders->findings, HAZARD_UNKNOWN, folders->device, "%s/%s/%s: %s",
			    sysroot_path(folders->view->root), directory->path, name,
			    strerror(-error));
}

/* Returns false if the file does not exist or is empty, or after adding HAZARD_UNKNOWN. */
static bool read_text(struct folders *folders, const struct sysdir *directory, const char *name,
		      char text[static ATTRIBUTE_SIZE])
{
	ssize_t length = sysdir_read(directory, name, text, ATTRIBUTE_SIZE);

	if (length < 0 && length != -ENOENT)
		add_unknown(folders, directory, name, (int)length);
	return length > 0;
}

static void add_tag(struct folders *folders, struct strings *tags, const char *tag)
{
	if (strings_add(tags, tag) < 0)
		folders->findings->no_memory = true;
}

static void read_virtio(struct folders *folders, const struct sysdir *directory, const char *name)
{
	char path[NAME_MAX + 16], text[ATTRIBUTE_SIZE];

	snprintf(path, sizeof(path), "%s/mount_tag", name);
	if (read_text(folders, directory, path, text))
		add_tag(folders, &folders->tags_9p, text);
	snprintf(path, sizeof(path), "%s/device", name);
	if (read_text(folders, directory, path, text) && strcmp(text, TYPE_FILE_SYSTEM) == 0)
		folders->has_virtiofs = true;
}

/* Reads the virtio devices directly below the PCI device. */
static void read_device(struct folders *folders)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char path[DEVICE_PATH_SIZE];
	struct dirent *entry;
	int error;

	device_path(&folders->device->address, ".", path);
	error = sysdir_open(sysroot_dir(folders->view->root), path, &directory);
	if (!error)
		error = sysdir_list(&directory, ".", &list);
	if (error < 0 && error != -ENOENT)
		add_unknown(folders, sysroot_dir(folders->view->root), path, error);
	while (!error && (entry = sysdir_next(list)))
		if (strncmp(entry->d_name, "virtio", strlen("virtio")) == 0)
			read_virtio(folders, &directory, entry->d_name);
}

/* The link "device" of a virtiofs leads to its virtio device, the parent of which is the PCI
 * device. */
static bool is_of_device(const struct folders *folders, const char *target)
{
	char component[ADDRESS_SIZE + 2] = "/";

	address_format(&folders->device->address, component + 1);
	strcat(component, "/");
	return strstr(target, component);
}

/* Before Linux 6.9 the kernel does not show which device a tag belongs to. */
static void read_other_tags(struct folders *folders)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char path[NAME_MAX + 16], target[PATH_MAX], tag[ATTRIBUTE_SIZE];
	struct dirent *entry;

	if (sysdir_open(sysroot_dir(folders->view->root), VIRTIOFS, &directory) < 0 ||
	    sysdir_list(&directory, ".", &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "%s/device", entry->d_name);
		if (sysdir_readlink(&directory, path, target, sizeof(target)) < 0 ||
		    is_of_device(folders, target))
			continue;
		snprintf(path, sizeof(path), "%s/tag", entry->d_name);
		if (read_text(folders, &directory, path, tag))
			add_tag(folders, &folders->other_tags, tag);
	}
}

static bool is_mount_of_device(const void *data, struct libmnt_fs *fs)
{
	const struct folders *folders = data;
	const char *source = mnt_fs_get_source(fs), *type = mnt_fs_get_fstype(fs);

	if (!source || !type)
		return false;
	if (strcmp(type, "9p") == 0)
		return strings_has(&folders->tags_9p, source);
	return strcmp(type, "virtiofs") == 0 && folders->has_virtiofs &&
	       !strings_has(&folders->other_tags, source);
}

void hazard_find_shared_folders(struct hazard_view *view, const struct pci_device *device,
				struct hazard_findings *findings)
{
	struct folders folders = {.view = view, .device = device, .findings = findings};

	read_device(&folders);
	if (folders.has_virtiofs)
		read_other_tags(&folders);
	if (folders.tags_9p.count || folders.has_virtiofs)
		hazard_find_mounts(view, device, findings, is_mount_of_device, &folders);
	strings_free(&folders.tags_9p);
	strings_free(&folders.other_tags);
}
