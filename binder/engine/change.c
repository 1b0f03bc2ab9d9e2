/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/change.h"

#include "probe/driver.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct change *changes_add(struct changes *changes, const struct pci_device *device)
{
	struct change *more = realloc(changes->items, (changes->count + 1) * sizeof(*more)),
		      *change;

	if (!more)
		return NULL;
	changes->items = more;
	change = &more[changes->count++];
	*change = (struct change){.address = device->address,
				  .vendor = device->vendor,
				  .device = device->device,
				  .inode = device->inode};
	return change;
}

void binding_free(struct binding *binding)
{
	free(binding->driver);
	free(binding->override);
	*binding = (struct binding){0};
}

void change_free_members(struct change *change)
{
	binding_free(&change->origin);
	binding_free(&change->before);
	binding_free(&change->wanted);
	binding_free(&change->now);
	free(change->module);
	free(change->group);
}

void changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		change_free_members(&changes->items[i]);
	free(changes->items);
	*changes = (struct changes){0};
}

void changes_drop(struct changes *changes, size_t index)
{
	struct change *change = &changes->items[index];

	change_free_members(change);
	memmove(change, change + 1, (changes->count - index - 1) * sizeof(*change));
	changes->count--;
}

int binding_set(struct binding *binding, const char *driver, const char *override)
{
	struct binding copy = {
		.driver = driver ? strdup(driver) : NULL,
		.override = override ? strdup(override) : NULL,
	};

	if ((driver && !copy.driver) || (override && !copy.override)) {
		binding_free(&copy);
		return -ENOMEM;
	}
	binding_free(binding);
	*binding = copy;
	return 0;
}

int binding_copy(struct binding *to, const struct binding *from)
{
	bool any = from->any;
	int error = binding_set(to, from->driver, from->override);

	if (!error)
		to->any = any;
	return error;
}

int change_copy(struct change *to, const struct change *from)
{
	struct change copy = {
		.state = from->state,
		.address = from->address,
		.vendor = from->vendor,
		.device = from->device,
		.inode = from->inode,
		.is_vfs = from->is_vfs,
		.vfs_before = from->vfs_before,
		.vfs_wanted = from->vfs_wanted,
	};

	if (binding_copy(&copy.origin, &from->origin) < 0 ||
	    binding_copy(&copy.before, &from->before) < 0 ||
	    binding_copy(&copy.wanted, &from->wanted) < 0) {
		change_free_members(&copy);
		return -ENOMEM;
	}
	change_free_members(to);
	*to = copy;
	return 0;
}

bool binding_same(const struct binding *a, const struct binding *b)
{
	return a->any == b->any && text_same(a->driver, b->driver) &&
	       text_same(a->override, b->override);
}

bool driver_is_for_vms(const char *driver)
{
	return driver_is_vfio(driver) || driver_is_stub(driver);
}

const char *device_path(const struct pci_address *address, const char *name,
			char path[static DEVICE_PATH_SIZE])
{
	char text[ADDRESS_SIZE];

	snprintf(path, DEVICE_PATH_SIZE, SCAN_DIRECTORY "/%s/%s", address_format(address, text),
		 name);
	return path;
}

bool change_is_there(struct sysroot *root, const struct change *change)
{
	char text[ADDRESS_SIZE], path[DEVICE_PATH_SIZE];
	uint64_t inode;

	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s", address_format(&change->address, text));
	return sysdir_inode(sysroot_dir(root), path, &inode) == 0 && inode == change->inode;
}

/* Returns 0 with *ret NULL where the link isn't there. */
static int read_link(const struct sysdir *device, const char *name, char **ret)
{
	char text[NAME_MAX + 1], *copy;
	int error = sysdir_link_name(device, name, text, sizeof(text));

	if (error < 0 && error != -ENOENT)
		return error;
	copy = error ? NULL : strdup(text);
	if (!error && !copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

static int read_override(struct kernel *kernel, struct change *change)
{
	char path[DEVICE_PATH_SIZE], text[ATTRIBUTE_SIZE], *copy = NULL;
	ssize_t length = kernel->read(kernel, &change->address,
				      device_path(&change->address, "driver_override", path), text);

	if (length < 0)
		return (int)length;
	if (strlen(text) != (size_t)length)
		return -EBADMSG;
	/* how the kernel says that none is set; newer ones leave the line empty */
	if (*text && strcmp(text, "(null)") != 0 && !(copy = strdup(text)))
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
	char path[DEVICE_PATH_SIZE], text[ATTRIBUTE_SIZE], *end;
	ssize_t length = kernel->read(kernel, &change->address,
				      device_path(&change->address, "sriov_numvfs", path), text);
	unsigned long number;

	if (length < 0)
		return (int)length;
	number = strtoul(text, &end, 10);
	if (end == text || *end || number > UINT16_MAX)
		return -EBADMSG;
	change->vfs_now = (unsigned)number;
	return 0;
}

int change_read(struct kernel *kernel, struct change *change)
{
	_cleanup_sysdir_ struct sysdir device = {.fd = -1};
	char path[DEVICE_PATH_SIZE];
	int error;

	change->is_gone = !change_is_there(kernel->root, change);
	if (change->is_gone)
		return 0;
	error = sysdir_open(sysroot_dir(kernel->root), device_path(&change->address, ".", path),
			    &device);
	if (!error)
		error = read_link(&device, "driver", &change->now.driver);
	if (!error)
		error = read_link(&device, "iommu_group", &change->group);
	if (!error)
		error = change->is_vfs ? read_vfs(kernel, change) : read_override(kernel, change);
	if (!error && change->wanted.driver)
		change->method = find_method(kernel->root, change->wanted.driver);
	change->is_read = !error;
	if (error < 0 && error != -ETIMEDOUT &&
	    !change_is_there(kernel->root, change)) { /* just now */
		change->is_gone = true;
		return 0;
	}
	return error;
}

bool change_is_applied(const struct change *change)
{
	const struct binding *now = &change->now, *wanted = &change->wanted;

	if (change->is_gone)
		return false;
	if (change->is_vfs)
		return change->vfs_now == change->vfs_wanted;
	if (!text_same(now->override, wanted->override))
		return false;
	if (wanted->any)
		return !now->driver || !driver_is_for_vms(now->driver);
	return text_same(now->driver, wanted->driver);
}
