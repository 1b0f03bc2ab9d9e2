/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/state.h"

#include "binder/engine/devicepath.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool change_is_present(struct sysroot *root, const struct change *change)
{
	char address[ADDRESS_SIZE], path[DEVICE_PATH_SIZE];
	uint64_t inode;

	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s",
		 address_format(&change->address, address));
	return sysdir_inode(sysroot_dir(root), path, &inode) == 0 && inode == change->inode;
}

/* Returns 0 with *ret NULL if there is no such link. */
static int read_link(const struct sysdir *device, const char *name, char **ret)
{
	char target[NAME_MAX + 1], *copy;
	int error = sysdir_link_name(device, name, target, sizeof(target));

	if (error < 0 && error != -ENOENT)
		return error;
	copy = error ? NULL : strdup(target);
	if (!error && !copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

/* Returns 0 or -ENOMEM: without a modalias, no module can be found by it. */
static int read_modalias(const struct sysdir *device, struct change *change)
{
	char value[ATTRIBUTE_SIZE], *copy;

	if (sysdir_read(device, "modalias", value, sizeof(value)) <= 0)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(change->modalias);
	change->modalias = copy;
	return 0;
}

static int read_override(struct kernel *kernel, struct change *change)
{
	char path[DEVICE_PATH_SIZE], value[ATTRIBUTE_SIZE], *copy = NULL;
	ssize_t length = kernel->read(kernel, &change->address,
				      device_path(&change->address, "driver_override", path),
				      value);

	if (length < 0)
		return (int)length;
	if (strlen(value) != (size_t)length)
		return -EBADMSG;
	/* "(null)" means not set; newer kernels print an empty line */
	if (*value && strcmp(value, "(null)") != 0 && !(copy = strdup(value)))
		return -ENOMEM;
	free(change->now.override);
	change->now.override = copy;
	return 0;
}

static enum bind_method find_method(struct sysroot *root, const char *driver)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	char path[sizeof("sys/bus/pci/drivers/") + NAME_MAX];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	if (sysdir_open(sysroot_dir(root), path, &dir) < 0)
		return BIND_METHOD_NONE;
	return sysdir_has(&dir, "bind") ? BIND_METHOD_BIND : BIND_METHOD_PROBE;
}

static int read_vfs(struct kernel *kernel, struct change *change)
{
	char path[DEVICE_PATH_SIZE], value[ATTRIBUTE_SIZE], *end;
	ssize_t length = kernel->read(kernel, &change->address,
				      device_path(&change->address, "sriov_numvfs", path), value);
	unsigned long number;
	int error;

	if (length < 0)
		return (int)length;
	number = strtoul(value, &end, 10);
	if (end == value || *end || number > UINT16_MAX)
		return -EBADMSG;
	change->vfs_now = (unsigned)number;
	error = sysdir_inode(sysroot_dir(kernel->root),
			     device_path(&change->address, "virtfn0", path), &change->vf_now);
	if (error < 0)
		change->vf_now = 0;
	return error == -ENOENT ? 0 : error;
}

static int read_present(struct kernel *kernel, struct change *change)
{
	_cleanup_sysdir_ struct sysdir device = {.fd = -1};
	char path[DEVICE_PATH_SIZE];
	int error = sysdir_open(sysroot_dir(kernel->root), device_path(&change->address, ".", path),
				&device);

	if (error < 0)
		return error;
	error = read_link(&device, "driver", &change->now.driver);
	if (error < 0)
		return error;
	error = read_link(&device, "driver/module", &change->now.module);
	if (error < 0)
		return error;
	error = read_link(&device, "iommu_group", &change->group);
	if (error < 0)
		return error;
	error = change->is_vfs ? read_vfs(kernel, change) : read_override(kernel, change);
	if (error < 0)
		return error;
	if (change->wanted.driver)
		change->method = find_method(kernel->root, change->wanted.driver);
	return change->wanted.autoprobe ? read_modalias(&device, change) : 0;
}

int change_read(struct kernel *kernel, struct change *change)
{
	int error;

	change->is_gone = !change_is_present(kernel->root, change);
	if (change->is_gone)
		return 0;
	error = read_present(kernel, change);
	change->is_read = !error;
	/* it may have been removed while it was read */
	if (error < 0 && error != -ETIMEDOUT && !change_is_present(kernel->root, change)) {
		change->is_gone = true;
		return 0;
	}
	return error;
}
