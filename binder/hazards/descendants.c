/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/descendants.h"

#include "probe/ownership/hostnodes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

void descendants_free(struct descendants *descendants)
{
	for (size_t i = 0; i < descendants->count; i++)
		free(descendants->items[i].path);
	free(descendants->items);
	*descendants = (struct descendants){0};
}

static int add(struct descendants *ret, enum descendant_kind kind, dev_t number, const char *path)
{
	struct descendant descendant = {.kind = kind, .number = number, .path = strdup(path)};
	struct descendant *grown = NULL;

	if (descendant.path)
		grown = realloc(ret->items, (ret->count + 1) * sizeof(*grown));
	if (!grown) {
		free(descendant.path);
		return -ENOMEM;
	}
	descendant.name = strrchr(descendant.path, '/') + 1;
	ret->items = grown;
	grown[ret->count++] = descendant;
	return 0;
}

/* The length of the "../" at the start of a link's TARGET. */
static size_t parents_length(const char *target)
{
	size_t length = 0;

	while (strncmp(target + length, "../", 3) == 0)
		length += 3;
	return length;
}

/* Adds DEVICE, at PATH in the NVMe subsystem NAME, below each controller of the subsystem, to which
 * that has links: "nvme0" -> "../../../pci0000:00/0000:00:04.0/nvme/nvme0". */
static int add_below_controllers(struct sysroot *root, const struct descendant *device,
				 const char *name, const char *path, struct descendants *ret)
{
	_cleanup_sysdir_ struct sysdir subsystem = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char target[PATH_MAX], buffer[2 * PATH_MAX];
	struct dirent *entry;
	int error;

	snprintf(buffer, sizeof(buffer), "sys/class/nvme-subsystem/%s", name);
	error = sysdir_open(sysroot_dir(root), buffer, &subsystem);
	if (!error)
		error = sysdir_list(&subsystem, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		if (strncmp(entry->d_name, "nvme", 4) != 0 ||
		    sysdir_readlink(&subsystem, entry->d_name, target, sizeof(target)) < 0)
			continue; /* the disks are directories */
		snprintf(buffer, sizeof(buffer), "devices/%s/%s", target + parents_length(target),
			 path);
		error = add(ret, device->kind, device->number, buffer);
		if (error < 0)
			return error;
	}
	return -errno;
}

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool descendant_is_lone_watchdog(const struct descendant *descendant)
{
	return begins_with(descendant->path, "devices/virtual/watchdog/") ||
	       strcmp(descendant->path, "devices/virtual/misc/watchdog") == 0;
}

bool descendant_is_lone_console(const struct descendant *descendant)
{
	return begins_with(descendant->path, "devices/virtual/tty/hvc");
}

/* Adds DEVICE if its path is below a PCI device, or could be. */
static int add_device(struct sysroot *root, const struct descendant *device,
		      struct descendants *ret)
{
	char subsystem[64];
	int end = 0;

	/* the root of a PCI domain can be below a platform device: ".../40000000.pcie/pci0000:00"
	 */
	if (strstr(device->path, "/pci") || descendant_is_lone_watchdog(device) ||
	    descendant_is_lone_console(device))
		return add(ret, device->kind, device->number, device->path);
	if (sscanf(device->path, "devices/virtual/nvme-subsystem/%63[^/]/%n", subsystem, &end) !=
		    1 ||
	    !end)
		return 0;
	return add_below_controllers(root, device, subsystem, device->path + end, ret);
}

static int read_entry(const struct sysdir *directory, enum descendant_kind kind, const char *name,
		      struct descendants *ret)
{
	struct descendant device = {.kind = kind};
	char target[PATH_MAX];
	unsigned major_number = 0, minor_number = 0;
	ssize_t length;

	if (kind != DESCENDANT_INTERFACE &&
	    sscanf(name, "%u:%u", &major_number, &minor_number) != 2)
		return 0;
	length = sysdir_readlink(directory, name, target, sizeof(target));
	/* -EINVAL: not a link, e.g. bonding_masters in /sys/class/net */
	if (length < 0)
		return length == -ENOENT || length == -EINVAL ? 0 : (int)length;
	device.number = makedev(major_number, minor_number);
	device.path = target + parents_length(target);
	return add_device(directory->root, &device, ret);
}

static int read_gpu(const struct sysdir *directory, enum descendant_kind kind, const char *address,
		    struct descendants *ret)
{
	char path[NAME_MAX + 32];
	dev_t number;
	int found = host_node_read_nvidia(directory->root, address, &number);

	if (found <= 0)
		return found;
	snprintf(path, sizeof(path), "nvidia/%s/nvidia%u", address, minor(number));
	return add(ret, kind, number, path);
}

static const struct source {
	enum descendant_kind kind;
	const char *directory;
	int (*read)(const struct sysdir *directory, enum descendant_kind kind, const char *name,
		    struct descendants *ret);
} SOURCES[] = {
	{DESCENDANT_CHAR, "sys/dev/char", read_entry},
	{DESCENDANT_BLOCK, "sys/dev/block", read_entry},
	{DESCENDANT_INTERFACE, "sys/class/net", read_entry},
	{DESCENDANT_CHAR, "proc/driver/nvidia/gpus", read_gpu},
};

static int read_source(struct sysroot *root, const struct source *source, struct descendants *ret)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error;

	error = sysdir_open(sysroot_dir(root), source->directory, &directory);
	if (!error)
		error = sysdir_list(&directory, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		error = source->read(&directory, source->kind, entry->d_name, ret);
		if (error < 0)
			return error;
	}
	return -errno;
}

static int compare(const void *a, const void *b)
{
	const struct descendant *one = a, *other = b;

	return strverscmp(one->path, other->path);
}

int descendants_read(struct sysroot *root, struct descendants *ret)
{
	*ret = (struct descendants){0};
	for (size_t i = 0; i < sizeof(SOURCES) / sizeof(*SOURCES); i++) {
		int error = read_source(root, &SOURCES[i], ret);

		if (error < 0)
			return error;
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return 0;
}

bool descendant_is_below(const struct descendant *descendant, const struct pci_address *address)
{
	char component[ADDRESS_SIZE + 2];

	component[0] = '/';
	address_format(address, component + 1);
	strcat(component, "/");
	return strstr(descendant->path, component);
}
