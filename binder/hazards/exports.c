/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that the kernel exports to other hosts. Sources: the kernel's
 * Documentation/nvme/nvme-pci-endpoint-target.rst and drivers/nvme/target/configfs.c for NVMe,
 * Documentation/target/tcmu-design.rst and drivers/target/target_core_configfs.c for SCSI (LIO). */
#include "binder/hazards/disk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct export_target {
	const char *name, *module;
	const char *directory; /* a directory per subsystem or backend */
	const char *middle;    /* from there to a directory per export */
	const char *attribute; /* of which this contains the path of the disk or file */
};

static const struct export_target NVMET = {"nvmet", "nvmet", "sys/kernel/config/nvmet/subsystems",
					   "/namespaces", "device_path"};
static const struct export_target LIO = {"LIO", "target_core_mod", "sys/kernel/config/target/core",
					 "", "udev_path"};

/* Adds HAZARD_UNKNOWN for an error that does not mean that there is nothing. */
static void check_error(struct disk_check *check, const char *path, int error)
{
	if (error && error != -ENOENT)
		hazard_findings_add(check->findings, HAZARD_UNKNOWN, check->device, "/%s: %s", path,
				    strerror(-error));
}

static ssize_t read_attribute(struct disk_check *check, const char *directory, const char *name,
			      char text[static ATTRIBUTE_SIZE])
{
	char path[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	length = sysdir_read(sysroot_dir(check->view->root), path, text, ATTRIBUTE_SIZE);
	if (length < 0)
		check_error(check, path, (int)length);
	return length;
}

static void check_export(struct disk_check *check, const struct export_target *target,
			 const char *directory)
{
	char enabled[ATTRIBUTE_SIZE], path[ATTRIBUTE_SIZE];

	if (read_attribute(check, directory, "enable", enabled) <= 0 || strcmp(enabled, "1") != 0 ||
	    read_attribute(check, directory, target->attribute, path) <= 0 ||
	    !block_stack_has_path(&check->stack, path))
		return;
	hazard_findings_add(check->findings, HAZARD_EXPORTED, check->device, "%s exports %s as %s",
			    target->name, path, directory + strlen(target->directory) + 1);
	check->in_use = true;
}

typedef void export_visit(struct disk_check *check, const struct export_target *target,
			  const char *directory);

/* Calls VISIT for each subdirectory of DIRECTORY. */
static void walk(struct disk_check *check, const struct export_target *target,
		 const char *directory, const char *middle, export_visit *visit)
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[PATH_MAX];
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(check->view->root), directory, &list);

	check_error(check, directory, error);
	while (!error && (entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, middle);
		if (entry->d_type != DT_REG)
			visit(check, target, path);
	}
}

static void check_exports(struct disk_check *check, const struct export_target *target,
			  const char *directory)
{
	walk(check, target, directory, "", check_export);
}

/* The path is that of the controller's character device: /dev/nvme0. */
static void check_controller(struct disk_check *check, const struct export_target *target,
			     const char *directory)
{
	char enabled[ATTRIBUTE_SIZE], path[ATTRIBUTE_SIZE], link[ATTRIBUTE_SIZE + 32];

	if (read_attribute(check, directory, "enable", enabled) <= 0 || strcmp(enabled, "1") != 0 ||
	    read_attribute(check, directory, target->attribute, path) <= 0)
		return;
	snprintf(link, sizeof(link), "sys/class/nvme/%s", basename(path));
	if (disk_link_is_below(sysroot_dir(check->view->root), link, check->device))
		hazard_findings_add(check->findings, HAZARD_EXPORTED, check->device,
				    "%s exports %s as %s", target->name, path,
				    directory + strlen(target->directory) + 1);
}

void hazard_find_exported_controller(struct hazard_view *view, const struct pci_device *device,
				     struct hazard_findings *findings)
{
	struct disk_check check = {.view = view, .device = device, .findings = findings};

	walk(&check, &NVMET, NVMET.directory, "/passthru", check_controller);
}

static bool exists(const struct disk_check *check, const char *path)
{
	struct stat status;

	return sysdir_stat(sysroot_dir(check->view->root), path, &status) == 0;
}

static void check_target(struct disk_check *check, const struct export_target *target)
{
	char module[64];

	snprintf(module, sizeof(module), "sys/module/%s", target->module);
	if (exists(check, module) && !exists(check, target->directory))
		hazard_findings_add(
			check->findings, HAZARD_UNKNOWN, check->device,
			"the module %s is loaded, but configfs is not mounted on /sys/kernel/config",
			target->module);
	walk(check, target, target->directory, target->middle, check_exports);
}

void hazard_find_exports(struct disk_check *check)
{
	check_target(check, &NVMET);
	check_target(check, &LIO);
}
