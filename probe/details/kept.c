/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors from here on do not fit into an fd_set. */
#define SELECT_MAX 1024

/* What is known of an attribute that has no descriptor. */
enum {
	FILE_UNKNOWN = -1,
	FILE_ABSENT = -2,
};

static const char *const NAMES[KEPT_FILES] = {
	"power/runtime_status", "current_link_speed", "current_link_width", "max_link_speed",
	"aer_dev_correctable",	"aer_dev_nonfatal",   "aer_dev_fatal",	    "power_state",
};

int kept_index(const char *name)
{
	for (int i = 0; i < KEPT_FILES; i++)
		if (strcmp(NAMES[i], name) == 0)
			return i;
	return -1;
}

static void set_limit(struct kept *kept)
{
	struct rlimit limit;
	int max = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		max = limit.rlim_cur < INT_MAX ? (int)limit.rlim_cur : INT_MAX;
	kept->left = (size_t)max / 2;
	kept->lowest = max / 2 < SELECT_MAX ? max / 2 : SELECT_MAX;
}

static bool same_devices(const struct kept *kept, const struct inventory *inventory)
{
	if (!kept->devices || kept->count != inventory->count)
		return false;
	for (size_t i = 0; i < kept->count; i++)
		if (address_compare(&kept->devices[i].address, &inventory->devices[i].address) != 0)
			return false;
	return true;
}

int kept_begin(struct kept *kept, const struct inventory *inventory)
{
	kept->missed = false;
	if (same_devices(kept, inventory))
		return 0;
	kept_close(kept);
	kept->devices = calloc(inventory->count ? inventory->count : 1, sizeof(*kept->devices));
	if (!kept->devices)
		return -ENOMEM;
	kept->count = inventory->count;
	for (size_t i = 0; i < kept->count; i++) {
		kept->devices[i].address = inventory->devices[i].address;
		for (size_t file = 0; file < KEPT_FILES; file++)
			kept->devices[i].files[file] = FILE_UNKNOWN;
	}
	set_limit(kept);
	return 0;
}

void kept_close(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		for (size_t file = 0; file < KEPT_FILES; file++)
			if (kept->devices[i].files[file] >= 0)
				close(kept->devices[i].files[file]);
	free(kept->devices);
	*kept = (struct kept){0};
}

/* Returns the number under which FD is kept, or FILE_UNKNOWN. */
static int keep(struct kept *kept, int fd)
{
	int number = kept->left ? fcntl(fd, F_DUPFD_CLOEXEC, kept->lowest) : -1;

	if (number < 0)
		return FILE_UNKNOWN;
	kept->left--;
	return number;
}

/* Opens, reads and keeps the attribute INDEX. */
static ssize_t read_new(struct kept *kept, struct kept_device *device, int index,
			const struct sysdir *devices, const struct sysdir *dir, char *text)
{
	char path[ADDRESS_SIZE + 32], address[ADDRESS_SIZE];
	int *file = &device->files[index], fd;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", address_format(&device->address, address),
		 NAMES[index]);
	length = fd = sysdir_open_file(devices, path);
	if (fd >= 0) {
		length = sysdir_read_file(dir, NAMES[index], fd, text, ATTRIBUTE_SIZE);
		if (length >= 0)
			*file = keep(kept, fd);
		close(fd);
	} else if (fd == -ENOENT) {
		*file = FILE_ABSENT;
	}
	kept->missed |= length < 0;
	return length;
}

ssize_t kept_read(struct kept *kept, struct kept_device *device, int index,
		  const struct sysdir *devices, const struct sysdir *dir, char *text)
{
	int *file = &device->files[index];
	ssize_t length;

	if (*file == FILE_ABSENT)
		return -ENOENT;
	if (*file >= 0) {
		length = sysdir_read_file(dir, NAMES[index], *file, text, ATTRIBUTE_SIZE);
		if (length >= 0)
			return length;
		/* ENODEV: the device is removed, and another may have its address */
		close(*file);
		kept->left++;
		*file = FILE_UNKNOWN;
	}
	return read_new(kept, device, index, devices, dir, text);
}
