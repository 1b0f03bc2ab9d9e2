/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fakesys.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 1024

struct fakesys *fakesys_new(void)
{
	struct fakesys *fake = calloc(1, sizeof(*fake));

	if (!fake)
		err(1, "calloc");
	/* a tmpfs if there is one: its files are synced at once */
	strcpy(fake->path,
	       access("/dev/shm", W_OK) == 0 ? "/dev/shm/fakesys.XXXXXX" : "/tmp/fakesys.XXXXXX");
	if (!mkdtemp(fake->path))
		err(1, "%s", fake->path);
	fakesys_directory(fake, "sys/bus/pci/devices");
	return fake;
}

/* Removes PATH with all that is in it. Returns 0, or -1 with errno. */
static int remove_tree(char path[static PATH_SIZE])
{
	size_t length = strlen(path);
	struct dirent *entry;
	int error = 0;
	DIR *list;

	if (unlink(path) == 0)
		return 0;
	list = errno == EISDIR ? opendir(path) : NULL;
	if (!list)
		return -1;
	while (!error && (entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path + length, PATH_SIZE - length, "/%s", entry->d_name);
		error = remove_tree(path);
	}
	path[length] = '\0';
	closedir(list);
	return error < 0 ? error : rmdir(path);
}

void fakesys_free(struct fakesys *fake)
{
	char path[PATH_SIZE];

	strcpy(path, fake->path);
	if (remove_tree(path) < 0)
		err(1, "%s", path);
	free(fake);
}

static void full_path(const struct fakesys *fake, const char *path, char *full)
{
	if (snprintf(full, PATH_SIZE, "%s/%s", fake->path, path) >= PATH_SIZE)
		errx(1, "%s: too long", path);
}

static void make_directory(char *full)
{
	char *slash = strrchr(full, '/');

	if (mkdir(full, 0755) == 0 || errno == EEXIST)
		return;
	if (errno != ENOENT || slash == full)
		err(1, "%s", full);
	*slash = '\0';
	make_directory(full);
	*slash = '/';
	if (mkdir(full, 0755) < 0)
		err(1, "%s", full);
}

/* Creates the directories up to the last slash of FULL. */
static void make_parents(char *full)
{
	char *slash = strrchr(full, '/');

	*slash = '\0';
	make_directory(full);
	*slash = '/';
}

void fakesys_directory(struct fakesys *fake, const char *path)
{
	char full[PATH_SIZE];

	full_path(fake, path, full);
	make_directory(full);
}

/* Not with stdio, which is slow for files of a few bytes. */
void fakesys_bytes(struct fakesys *fake, const char *path, const void *bytes, size_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	char full[PATH_SIZE];
	int fd;

	full_path(fake, path, full);
	fd = open(full, flags, 0644);
	if (fd < 0 && errno == ENOENT) {
		make_parents(full);
		fd = open(full, flags, 0644);
	}
	if (fd < 0 || (size && write(fd, bytes, size) != (ssize_t)size) || close(fd) < 0)
		err(1, "%s", full);
}

void fakesys_file(struct fakesys *fake, const char *path, const char *text)
{
	fakesys_bytes(fake, path, text, strlen(text));
}

void fakesys_link(struct fakesys *fake, const char *path, const char *target)
{
	char full[PATH_SIZE];

	full_path(fake, path, full);
	if (symlink(target, full) == 0)
		return;
	make_parents(full);
	if (symlink(target, full) < 0)
		err(1, "%s", full);
}

void fakesys_socket(struct fakesys *fake, const char *path)
{
	char full[PATH_SIZE];

	full_path(fake, path, full);
	make_parents(full);
	if (mknod(full, S_IFSOCK | 0777, 0) < 0)
		err(1, "%s", full);
}

void fakesys_remove(struct fakesys *fake, const char *path)
{
	char full[PATH_SIZE];

	full_path(fake, path, full);
	if (remove_tree(full) < 0)
		err(1, "%s", full);
}

void fakesys_attribute(struct fakesys *fake, const char *address, const char *name,
		       const char *text)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", address, name);
	fakesys_file(fake, path, text);
}

static void __attribute__((format(printf, 4, 5)))
add_attribute(struct fakesys *fake, const char *address, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fakesys_attribute(fake, address, name, text);
}

static void link_device(struct fakesys *fake, const char *address, const char *name,
			const char *directory, const char *last)
{
	char path[PATH_SIZE], target[256];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", address, name);
	snprintf(target, sizeof(target), "%s/%s", directory, last);
	fakesys_link(fake, path, target);
}

static void add_uevent(struct fakesys *fake, const char *address,
		       const struct fakesys_device *device)
{
	add_attribute(
		fake, address, "uevent",
		"%s%s%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n"
		"MODALIAS=pci:v%08Xd%08X\n",
		device->driver ? "DRIVER=" : "", device->driver ? device->driver : "",
		device->driver ? "\n" : "", device->class, device->vendor, device->device,
		device->subsystem_vendor, device->subsystem_device, address, device->vendor,
		device->device);
}

void fakesys_add(struct fakesys *fake, const char *address, struct fakesys_device device)
{
	char path[PATH_SIZE], target[PATH_SIZE], name[32];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s%s%s",
		 device.below ? device.below : "", device.below ? "/" : "", address);
	fakesys_directory(fake, path);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s%s%s",
		 device.below ? device.below : "", device.below ? "/" : "", address);
	fakesys_link(fake, path, target);
	if (!device.no_modalias && !device.no_uevent)
		add_attribute(fake, address, "modalias",
			      "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", device.vendor,
			      device.device, device.subsystem_vendor, device.subsystem_device,
			      device.class >> 16, device.class >> 8 & 0xff, device.class & 0xff);
	if (!device.no_uevent)
		add_uevent(fake, address, &device);
	add_attribute(fake, address, "vendor", "0x%04x\n", device.vendor);
	add_attribute(fake, address, "device", "0x%04x\n", device.device);
	add_attribute(fake, address, "class", "0x%06x\n", device.class);
	add_attribute(fake, address, "subsystem_vendor", "0x%04x\n", device.subsystem_vendor);
	add_attribute(fake, address, "subsystem_device", "0x%04x\n", device.subsystem_device);
	if (device.driver)
		link_device(fake, address, "driver", "../../../bus/pci/drivers", device.driver);
	if (device.group)
		link_device(fake, address, "iommu_group", "../../../kernel/iommu_groups",
			    device.group);
	if (device.group && device.driver && strstr(device.driver, "vfio"))
		fakesys_group_node(fake, device.group);
	if (!device.pf)
		return;
	link_device(fake, address, "physfn", "..", device.pf);
	snprintf(name, sizeof(name), "virtfn%u", device.vf);
	link_device(fake, device.pf, name, "..", address);
}

static void capture(void *data, enum message_level level, const char *text)
{
	struct log_capture *captured = data;
	size_t length = strlen(captured->text);

	if (level == MESSAGE_DEBUG)
		return;
	captured->errors += level == MESSAGE_ERROR;
	captured->warnings += level == MESSAGE_WARNING;
	snprintf(captured->text + length, sizeof(captured->text) - length, "%s: %s\n",
		 level == MESSAGE_ERROR ? "error" : "warning", text);
}

struct log log_capture_add(struct log_capture *captured)
{
	return (struct log){.emit = capture, .data = captured};
}

void trace_read(void *data, enum sysroot_kind kind, const char *path, const char *text,
		size_t length)
{
	struct read_trace *trace = data;
	size_t used = strlen(trace->text);

	(void)text, (void)length;
	if (kind != SYSROOT_DIRECTORY)
		snprintf(trace->text + used, sizeof(trace->text) - used, "%s\n", path);
}

void fakesys_add_process(struct fakesys *fake, unsigned pid, const char *cmdline, size_t length)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
	fakesys_bytes(fake, path, cmdline, length);
	snprintf(path, sizeof(path), "proc/%u/stat", pid);
	snprintf(text, sizeof(text), "%u (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0",
		 pid, 1000 + pid);
	fakesys_file(fake, path, text);
	fakesys_user(fake, pid, "0\t0\t0\t0");
	fakesys_descriptor(fake, pid, 0, "/dev/null");
}

void fakesys_user(struct fakesys *fake, unsigned pid, const char *ids)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "proc/%u/status", pid);
	snprintf(text, sizeof(text), "Name:\ta\nUid:\t%s\nGid:\t0\t0\t0\t0\n", ids);
	fakesys_file(fake, path, text);
}

void fakesys_descriptor(struct fakesys *fake, unsigned pid, unsigned fd, const char *target)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%u/fd/%u", pid, fd);
	fakesys_link(fake, path, target);
	snprintf(path, sizeof(path), "proc/%u/fdinfo/%u", pid, fd);
	fakesys_file(fake, path, "pos:\t0\nflags:\t02100002\nmnt_id:\t15\n");
	if (strncmp(target, "/dev/vfio/", 10) == 0 && target[10] &&
	    strspn(target + 10, "0123456789") == strlen(target + 10))
		fakesys_group_node(fake, target + 10);
}

/* PATH has no leading slash. */
static void add_node(struct fakesys *fake, const char *path, const char *number)
{
	char numbered[PATH_SIZE];

	fakesys_file(fake, path, "");
	snprintf(numbered, sizeof(numbered), "numbers/%s", path);
	fakesys_file(fake, numbered, number);
}

void fakesys_group_node(struct fakesys *fake, const char *group)
{
	char path[64], number[32];

	snprintf(number, sizeof(number), "246:%s\n", group);
	snprintf(path, sizeof(path), "sys/class/vfio/%s/dev", group);
	fakesys_file(fake, path, number);
	snprintf(path, sizeof(path), "dev/vfio/%s", group);
	add_node(fake, path, number);
}

void fakesys_device_node(struct fakesys *fake, unsigned number, const char *device)
{
	char path[256], text[256];

	snprintf(path, sizeof(path), "sys/class/vfio-dev/vfio%u", number);
	snprintf(text, sizeof(text), "../../devices/pci0000:00/%s/vfio-dev/vfio%u", device, number);
	fakesys_link(fake, path, text);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/vfio-dev/vfio%u/dev", device,
		 number);
	snprintf(text, sizeof(text), "511:%u\n", number);
	fakesys_file(fake, path, text);
	snprintf(path, sizeof(path), "dev/vfio/devices/vfio%u", number);
	add_node(fake, path, text);
}

void fakesys_vfio_count(struct fakesys *fake, unsigned references)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", references + 2);
	fakesys_file(fake, "sys/module/vfio/refcnt", text);
	fakesys_directory(fake, "sys/module/vfio/holders/vfio_pci_core");
	fakesys_directory(fake, "sys/module/vfio/holders/vfio_iommu_type1");
}
