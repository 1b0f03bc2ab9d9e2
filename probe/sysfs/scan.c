/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/sysfs/scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads modalias, which has all ids in one file. libpci's scan fails on a single malformed name and
 * opens three files per device. uevent has the driver too, but some kernels (e.g.
 * Debian's 6.1.0-56) take the device lock to read it. A process that unbinds a device in use by a
 * VM holds that lock until the VM ends; a listing would hang in the kernel, immune to kill -9. */

struct entry {
	struct pci_address address;
	uint64_t inode;
};

static int compare_entries(const void *a, const void *b)
{
	return address_compare(&((const struct entry *)a)->address,
			       &((const struct entry *)b)->address);
}

static int add_entry(struct entry **entries, size_t *count, size_t *capacity, struct entry entry)
{
	struct entry *tmp;

	if (*count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		tmp = realloc(*entries, *capacity * sizeof(**entries));
		if (!tmp)
			return -ENOMEM;
		*entries = tmp;
	}
	(*entries)[(*count)++] = entry;
	return 0;
}

static int list_entries(const struct sysdir *dir, const struct log *log, struct entry **entries,
			size_t *count, size_t *invalid)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *found;
	struct entry entry;
	size_t capacity = 0;
	int error;

	error = sysdir_list(dir, ".", &list);
	if (error < 0)
		return error;
	while ((found = sysdir_next(list))) {
		if (address_parse_full(found->d_name, &entry.address) < 0) {
			log_warning(log, "%s/%s/%s: not a PCI address, ignored",
				    sysroot_path(dir->root), dir->path, found->d_name);
			(*invalid)++;
			continue;
		}
		entry.inode = found->d_ino;
		error = add_entry(entries, count, &capacity, entry);
		if (error < 0)
			return error;
	}
	return -errno;
}

/* FNV-1a over addresses and inodes. The order of the entries does not change while the directory
 * does not. */
static uint64_t fingerprint(const struct entry *entries, size_t count)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < count; i++) {
		const struct pci_address *a = &entries[i].address;
		const uint64_t parts[] = {
			a->domain, (uint64_t)a->bus << 16 | (uint64_t)a->slot << 8 | a->function,
			entries[i].inode};

		for (size_t part = 0; part < 3; part++)
			for (unsigned shift = 0; shift < 64; shift += 8)
				hash = (hash ^ (parts[part] >> shift & 0xff)) * 0x100000001b3;
	}
	return hash;
}

int scan_fingerprint(struct sysroot *root, uint64_t *ret)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	struct entry *entries = NULL;
	size_t count = 0, invalid = 0;
	int error;

	error = sysdir_open(sysroot_dir(root), SCAN_DIRECTORY, &dir);
	if (error < 0)
		return error;
	error = list_entries(&dir, NULL, &entries, &count, &invalid);
	if (error == 0)
		*ret = fingerprint(entries, count);
	free(entries);
	return error;
}

/* The value of KEY= at the start of LINE, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t length = strlen(key);

	return strncmp(line, key, length) == 0 && line[length] == '=' ? line + length + 1 : NULL;
}

static bool parse_hex(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	if (!isxdigit((unsigned char)*text)) /* strtoul(3) accepts spaces and signs */
		return false;
	errno = 0;
	*ret = strtoul(text, &end, 16);
	return end != text && !*end && !errno && *ret <= max;
}

static bool parse_pair(const char *text, uint16_t *first, uint16_t *second)
{
	unsigned a, b;
	int end = 0;

	if (strspn(text, "0123456789abcdefABCDEF:") != strlen(text) ||
	    sscanf(text, "%4x:%4x%n", &a, &b, &end) != 2 || text[end])
		return false;
	*first = (uint16_t)a;
	*second = (uint16_t)b;
	return true;
}

/* As in lspci, a subsystem vendor of all zeroes or all ones means none. */
static void set_subsystem(struct pci_device *device, uint16_t vendor, uint16_t id)
{
	if (vendor == 0 || vendor == 0xffff)
		return;
	device->subsystem_vendor = vendor;
	device->subsystem_device = id;
	device->present |= HAS_SUBSYSTEM;
}

static void set_class(struct pci_device *device, unsigned long value)
{
	device->class = (uint16_t)(value >> 8);
	device->prog_if = (uint8_t)value;
}

static const char HEX_DIGITS[] = "0123456789ABCDEF";

/* Parses PREFIX and DIGITS hex digits, and moves *text past them. */
static bool parse_number(const char **text, const char *prefix, size_t digits, unsigned long max,
			 unsigned long *ret)
{
	size_t length = strlen(prefix);
	unsigned long value = 0;
	const char *digit;

	if (strncmp(*text, prefix, length) != 0)
		return false;
	*text += length;
	for (; digits; digits--, (*text)++) {
		digit = **text ? strchr(HEX_DIGITS, toupper((unsigned char)**text)) : NULL;
		if (!digit)
			return false;
		value = value << 4 | (unsigned long)(digit - HEX_DIGITS);
	}
	*ret = value;
	return value <= max;
}

/* "pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00": the kernel's pci_uevent() and
 * modalias_show(). */
static bool parse_modalias(const char *text, struct pci_device *device)
{
	unsigned long vendor, id, subsystem_vendor, subsystem_device, base, sub, interface;
	const char *rest = text;

	if (!parse_number(&rest, "pci:v", 8, 0xffff, &vendor) ||
	    !parse_number(&rest, "d", 8, 0xffff, &id) ||
	    !parse_number(&rest, "sv", 8, 0xffff, &subsystem_vendor) ||
	    !parse_number(&rest, "sd", 8, 0xffff, &subsystem_device) ||
	    !parse_number(&rest, "bc", 2, 0xff, &base) ||
	    !parse_number(&rest, "sc", 2, 0xff, &sub) ||
	    !parse_number(&rest, "i", 2, 0xff, &interface) || *rest)
		return false;
	device->modalias = strdup(text);
	device->vendor = (uint16_t)vendor;
	device->device = (uint16_t)id;
	set_class(device, base << 16 | sub << 8 | interface);
	set_subsystem(device, (uint16_t)subsystem_vendor, (uint16_t)subsystem_device);
	return true;
}

/* Returns whether ids and class were present. Modifies TEXT. */
static bool parse_uevent(char *text, struct pci_device *device)
{
	bool has_ids = false, has_class = false;
	uint16_t subsystem_vendor, subsystem_device;
	unsigned long class;
	const char *value;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if ((value = value_of(line, "PCI_ID")))
			has_ids = parse_pair(value, &device->vendor, &device->device);
		else if ((value = value_of(line, "PCI_CLASS")) &&
			 parse_hex(value, 0xffffff, &class))
			set_class(device, class), has_class = true;
		else if ((value = value_of(line, "PCI_SUBSYS_ID")) &&
			 parse_pair(value, &subsystem_vendor, &subsystem_device))
			set_subsystem(device, subsystem_vendor, subsystem_device);
		else if ((value = value_of(line, "MODALIAS")) && *value && !device->modalias)
			device->modalias = strdup(value);
		else if ((value = value_of(line, "DRIVER")) && *value && !device->driver)
			device->driver = strdup(value);
	}
	return has_ids && has_class;
}

static int read_hex(const struct sysdir *dir, const char *name, unsigned long max,
		    unsigned long *ret)
{
	char text[ATTRIBUTE_SIZE];
	ssize_t length = sysdir_read(dir, name, text, sizeof(text));

	if (length < 0)
		return (int)length;
	return parse_hex(text, max, ret) ? 0 : -EBADMSG;
}

/* For trees with neither modalias nor a complete uevent: recordings made by other tools. */
static int read_single_files(const struct sysdir *devices, const char *name,
			     struct pci_device *device, const char **ret_file)
{
	unsigned long vendor, id, class, subsystem_vendor, subsystem_device;
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	int error;

	*ret_file = "";
	error = sysdir_open(devices, name, &dir);
	if (error < 0)
		return error;
	if ((error = read_hex(&dir, *ret_file = "vendor", 0xffff, &vendor)) < 0 ||
	    (error = read_hex(&dir, *ret_file = "device", 0xffff, &id)) < 0 ||
	    (error = read_hex(&dir, *ret_file = "class", 0xffffff, &class)) < 0)
		return error;
	device->vendor = (uint16_t)vendor;
	device->device = (uint16_t)id;
	set_class(device, class);
	if (read_hex(&dir, "subsystem_vendor", 0xffff, &subsystem_vendor) == 0 &&
	    read_hex(&dir, "subsystem_device", 0xffff, &subsystem_device) == 0)
		set_subsystem(device, (uint16_t)subsystem_vendor, (uint16_t)subsystem_device);
	return 0;
}

static bool was_removed(const struct sysdir *devices, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = sysdir_readlink(devices, name, target, sizeof(target));

	/* -EINVAL: an entry that is not a link, in a fake tree */
	return length == -ENOENT;
}

/* Returns 1 if the device was read, 0 if it was removed meanwhile, or a negative errno (logged
 * unless it is -ENOMEM). */
static int read_device(const struct sysdir *devices, const struct log *log,
		       struct pci_device *device)
{
	char name[ADDRESS_SIZE], file[ADDRESS_SIZE + 10], text[ATTRIBUTE_SIZE];
	const char *failed;
	ssize_t length;
	int error;

	address_format(&device->address, name);
	snprintf(file, sizeof(file), "%s/modalias", name);
	length = sysdir_read(devices, file, text, sizeof(text));
	if (length >= 0 && parse_modalias(text, device))
		return device->modalias ? 1 : -ENOMEM;
	snprintf(file, sizeof(file), "%s/uevent", name);
	length = sysdir_read(devices, file, text, sizeof(text));
	if (length >= 0 && parse_uevent(text, device))
		return 1;
	error = read_single_files(devices, name, device, &failed);
	if (error == 0)
		return 1;
	if (was_removed(devices, name)) {
		log_debug(log, "%s: removed during the scan", name);
		return 0;
	}
	log_warning(log, "%s/%s/%s/%s: %s; device %s is ignored", sysroot_path(devices->root),
		    devices->path, name, failed,
		    error == -EBADMSG ? "not a hex number" : strerror(-error), name);
	return error;
}

static int add_unread(struct inventory *inventory, const struct pci_address *address)
{
	struct pci_address *unread = realloc(inventory->unread,
					     (inventory->unread_count + 1) * sizeof(*unread));

	if (!unread)
		return -ENOMEM;
	inventory->unread = unread;
	inventory->unread[inventory->unread_count++] = *address;
	inventory->incomplete++;
	return 0;
}

static int read_devices(const struct sysdir *dir, const struct log *log,
			const struct entry *entries, size_t count, struct inventory *inventory)
{
	struct pci_device *device;
	int found;

	inventory->devices = calloc(count ? count : 1, sizeof(*inventory->devices));
	if (!inventory->devices)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		device = &inventory->devices[inventory->count];
		device->address = entries[i].address;
		device->inode = entries[i].inode;
		found = read_device(dir, log, device);
		if (found > 0) {
			inventory->count++;
			/* a driver known only from uevent would not be re-read */
			if (device->driver)
				inventory->fingerprint = 0;
			continue;
		}
		if (found == -ENOMEM)
			return found;
		if (found < 0 && add_unread(inventory, &device->address) < 0)
			return -ENOMEM;
		device_free_members(device);
		memset(device, 0, sizeof(*device));
	}
	return 0;
}

int scan_read(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	struct entry *entries = NULL;
	size_t count = 0;
	int error;

	error = sysdir_open(sysroot_dir(root), SCAN_DIRECTORY, &dir);
	if (error == 0)
		error = list_entries(&dir, log, &entries, &count, &inventory->incomplete);
	if (error < 0) {
		log_error(log, "%s/" SCAN_DIRECTORY ": %s%s", sysroot_path(root), strerror(-error),
			  error == -ENOENT ? "; is this a Linux host with PCI, and is /sys mounted?"
					   : "");
	} else {
		inventory->fingerprint = fingerprint(entries, count);
		if (count > 1)
			qsort(entries, count, sizeof(*entries), compare_entries);
		error = read_devices(&dir, log, entries, count, inventory);
	}
	free(entries);
	return error;
}
