/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/binder/fakekernel.h"

#include "probe/driver.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512
#define DEVICES "sys/bus/pci/devices/"
#define DRIVERS "sys/bus/pci/drivers/"

/* ---- the machine's files ---- */

static const char *full_path(const struct fakekernel *kernel, char path[static PATH_SIZE],
			     const char *format, ...) __attribute__((format(printf, 3, 4)));

static const char *full_path(const struct fakekernel *kernel, char path[static PATH_SIZE],
			     const char *format, ...)
{
	va_list args;
	int length = snprintf(path, PATH_SIZE, "%s/", kernel->fake->path);

	va_start(args, format);
	vsnprintf(path + length, PATH_SIZE - (size_t)length, format, args);
	va_end(args);
	return path;
}

static bool exists(const struct fakekernel *kernel, const char *directory, const char *name)
{
	char path[PATH_SIZE];
	struct stat status;

	return lstat(full_path(kernel, path, "%s/%s", directory, name), &status) == 0;
}

/* Returns the first line, or "" if there is no such file. */
static const char *read_line(const struct fakekernel *kernel, const char *directory,
			     const char *name, char line[static 256])
{
	char path[PATH_SIZE];
	int fd = open(full_path(kernel, path, "%s/%s", directory, name), O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, line, 255) : 0;

	line[length > 0 ? length : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
	return line;
}

/* Returns the last component of the target of a device's link, or "". */
static const char *read_link(const struct fakekernel *kernel, const char *address, const char *name,
			     char ret[static 256])
{
	char path[PATH_SIZE], target[256];
	ssize_t length = readlink(full_path(kernel, path, DEVICES "%s/%s", address, name), target,
				  sizeof(target) - 1);

	ret[0] = '\0';
	if (length > 0) {
		target[length] = '\0';
		snprintf(ret, 256, "%.255s",
			 strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	}
	return ret;
}

static void set_driver(struct fakekernel *kernel, const char *address, const char *driver)
{
	char path[PATH_SIZE], target[256];

	unlink(full_path(kernel, path, DEVICES "%s/driver", address));
	if (!*driver)
		return;
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	if (symlink(target, path) < 0)
		err(1, "%s", path);
}

static void set_override(struct fakekernel *kernel, const char *address, const char *override)
{
	char path[PATH_SIZE], line[512];

	snprintf(path, sizeof(path), DEVICES "%s/driver_override", address);
	snprintf(line, sizeof(line), "%s\n", override);
	fakesys_file(kernel->fake, path, line);
}

/* A device in a group. */
struct member {
	char address[32], group[32];
	bool has_node; /* what the kernel has made for it */
};

/* A kernel without CONFIG_VFIO_GROUP: each device bound to a VFIO driver has a node. Its number is
 * here that of the group. */
static void update_device_node(struct fakekernel *kernel, const struct member *member)
{
	char entry[PATH_SIZE], node[PATH_SIZE];

	snprintf(entry, sizeof(entry), DEVICES "%.31s/vfio-dev/vfio%.31s", member->address,
		 member->group);
	snprintf(node, sizeof(node), "dev/vfio/devices/vfio%.31s", member->group);
	if (member->has_node) {
		fakesys_directory(kernel->fake, entry);
		fakesys_file(kernel->fake, node, "");
	} else if (exists(kernel, "dev/vfio/devices", strrchr(node, '/') + 1)) {
		fakesys_remove(kernel->fake, node);
		fakesys_remove(kernel->fake, entry);
	}
}

/* A group has a node while one of its devices is bound to a VFIO driver. */
static void update_group_node(struct fakekernel *kernel, const struct member *member)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "dev/vfio/%.31s", member->group);
	if (member->has_node)
		fakesys_file(kernel->fake, path, "");
	else if (exists(kernel, "dev/vfio", member->group))
		fakesys_remove(kernel->fake, path);
}

static size_t list_members(struct fakekernel *kernel, struct member *members, size_t size)
{
	bool nodes = kernel->device_nodes ||
		     (!kernel->no_nodes && kernel->pauses >= kernel->node_late);
	char path[PATH_SIZE], group[256], driver[256];
	DIR *list = opendir(full_path(kernel, path, DEVICES));
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.' ||
		    !*read_link(kernel, entry->d_name, "iommu_group", group))
			continue;
		if (count == size)
			errx(1, "too many devices");
		read_link(kernel, entry->d_name, "driver", driver);
		members[count].has_node = nodes && driver_is_vfio(driver);
		snprintf(members[count].address, sizeof(members->address), "%.31s", entry->d_name);
		snprintf(members[count++].group, sizeof(members->group), "%.31s", group);
	}
	closedir(list);
	return count;
}

static void update_nodes(struct fakekernel *kernel)
{
	struct member members[64];
	size_t count = list_members(kernel, members, sizeof(members) / sizeof(*members));

	fakesys_directory(kernel->fake, "dev/vfio");
	/* others in the group may have made a node that one does not */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < count; i++) {
			if (members[i].has_node != (pass == 1))
				continue;
			if (kernel->device_nodes)
				update_device_node(kernel, &members[i]);
			else
				update_group_node(kernel, &members[i]);
		}
}

void fakekernel_interface(struct fakekernel *kernel, const char *address, const char *name)
{
	unsigned index = (unsigned)kernel->netlink.count + 2;
	char path[PATH_SIZE], text[16];

	snprintf(path, sizeof(path), "net/%s/address", name);
	fakesys_attribute(kernel->fake, address, path, "52:54:00:aa:bb:cc\n");
	snprintf(path, sizeof(path), "net/%s/ifindex", name);
	snprintf(text, sizeof(text), "%u\n", index);
	fakesys_attribute(kernel->fake, address, path, text);
	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	fakesys_file(kernel->fake, path, "0x1002\n");
	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", name);
	fakesys_file(kernel->fake, path, text);
	fakenetlink_link(&kernel->netlink, .index = index, .name = name);
}

void fakekernel_driver(struct fakekernel *kernel, const char *driver)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), DRIVERS "%s/bind", driver);
	fakesys_file(kernel->fake, path, "");
	snprintf(path, sizeof(path), DRIVERS "%s/unbind", driver);
	fakesys_file(kernel->fake, path, "");
}

void fakekernel_module(struct fakekernel *kernel, const char *driver, const char *module)
{
	char path[PATH_SIZE], target[PATH_SIZE];

	snprintf(path, sizeof(path), "model/modules/%s", module);
	fakesys_file(kernel->fake, path, driver);
	snprintf(path, sizeof(path), "sys/module/%s", module);
	fakesys_directory(kernel->fake, path);
	snprintf(path, sizeof(path), DRIVERS "%s/module", driver);
	snprintf(target, sizeof(target), "../../../../module/%s", module);
	fakesys_link(kernel->fake, path, target);
}

void fakekernel_unload(struct fakekernel *kernel, const char *driver)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), DRIVERS "%s", driver);
	fakesys_remove(kernel->fake, path);
}

void fakekernel_add(struct fakekernel *kernel, const char *address, struct fakesys_device device)
{
	char path[PATH_SIZE], target[PATH_SIZE];

	fakesys_add(kernel->fake, address, device);
	set_override(kernel, address, "(null)");
	if (device.driver) {
		fakekernel_driver(kernel, device.driver);
		snprintf(path, sizeof(path), "model/native/%s", address);
		fakesys_file(kernel->fake, path, device.driver);
	}
	if (!device.group)
		return;
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%s/devices/%s", device.group,
		 address);
	snprintf(target, sizeof(target), "../../../../bus/pci/devices/%s", address);
	fakesys_link(kernel->fake, path, target);
}

void fakekernel_remove(struct fakekernel *kernel, const char *address)
{
	char path[PATH_SIZE], group[256];

	if (!exists(kernel, DEVICES, address))
		return;
	if (*read_link(kernel, address, "iommu_group", group)) {
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%.100s/devices/%s", group,
			 address);
		fakesys_remove(kernel->fake, path);
	}
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s", address);
	if (exists(kernel, "sys/devices/pci0000:00", address))
		fakesys_remove(kernel->fake, path);
	snprintf(path, sizeof(path), DEVICES "%s", address);
	fakesys_remove(kernel->fake, path);
	update_nodes(kernel);
}

const char *fakekernel_state(struct fakekernel *kernel, const char *address, char state[static 256])
{
	char driver[256], override[256], directory[PATH_SIZE];

	if (!exists(kernel, DEVICES, address))
		return strcpy(state, "gone");
	snprintf(directory, sizeof(directory), DEVICES "%s", address);
	read_line(kernel, directory, "driver_override", override);
	read_link(kernel, address, "driver", driver);
	snprintf(state, 256, "%.100s %.100s", *driver ? driver : "-",
		 strcmp(override, "(null)") == 0 ? "-" : override);
	return state;
}

/* LATER is what is still to be written: "PATH\nBYTES", or "". */
static void set_busy(struct fakekernel *kernel, const char *address, const char *later)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "model/busy/%s", address);
	fakesys_file(kernel->fake, path, later);
}

/* ---- writes ---- */

static int write_override(struct fakekernel *kernel, const char *address, const char *bytes)
{
	char value[256];

	if (strcmp(bytes, "\n") == 0) {
		set_override(kernel, address, "(null)");
		return 0;
	}
	snprintf(value, sizeof(value), "%s", bytes);
	value[strcspn(value, "\n")] = '\0';
	if (kernel->fault == FAULT_TRUNCATE && kernel->writes >= kernel->fault_at)
		value[strlen(value) / 2] = '\0';
	set_override(kernel, address, value);
	return 0;
}

static int write_unbind(struct fakekernel *kernel, const char *address, const char *bytes)
{
	char driver[256];

	if (!*read_link(kernel, address, "driver", driver))
		return -ENOENT;
	if (strcmp(bytes, address) != 0)
		return -ENODEV;
	if (exists(kernel, "model/held", address)) {
		set_busy(kernel, address, "");
		return -ETIMEDOUT;
	}
	set_driver(kernel, address, "");
	update_nodes(kernel);
	return 0;
}

static bool group_in_use(const struct fakekernel *kernel, const char *address)
{
	char path[PATH_SIZE], group[256];
	struct dirent *entry;
	bool in_use = false;
	DIR *list;

	read_link(kernel, address, "iommu_group", group);
	list = opendir(full_path(kernel, path, "sys/kernel/iommu_groups/%.100s/devices", group));
	while (list && (entry = readdir(list)))
		in_use = in_use ||
			 (entry->d_name[0] != '.' && exists(kernel, "model/held", entry->d_name));
	if (list)
		closedir(list);
	return in_use;
}

static bool driver_matches(const struct fakekernel *kernel, const char *driver, const char *address)
{
	char value[256], directory[PATH_SIZE];

	snprintf(directory, sizeof(directory), DEVICES "%s", address);
	read_line(kernel, directory, "driver_override", value);
	if (strcmp(value, "(null)") != 0)
		return strcmp(value, driver) == 0;
	return strcmp(read_line(kernel, "model/native", address, value), driver) == 0 ||
	       strcmp(read_line(kernel, "model/ids", address, value), driver) == 0;
}

static int probe(struct fakekernel *kernel, const char *driver, const char *address)
{
	char value[256], directory[PATH_SIZE];
	bool vfio = driver_is_vfio(driver);

	snprintf(directory, sizeof(directory), DEVICES "%s", address);
	if (vfio && !exists(kernel, directory, "iommu_group"))
		return -EINVAL;
	if (vfio && strncmp(read_line(kernel, directory, "class", value), "0x06", 4) == 0)
		return -EINVAL;
	if (vfio && exists(kernel, directory, "virtfn0"))
		return -EBUSY;
	if (!vfio && !driver_is_stub(driver) && group_in_use(kernel, address))
		return -EBUSY;
	if (exists(kernel, "model/probe", driver))
		return -atoi(read_line(kernel, "model/probe", driver, value));
	set_driver(kernel, address, driver);
	update_nodes(kernel);
	return 0;
}

static int write_bind(struct fakekernel *kernel, const char *driver, const char *address)
{
	char now[256];

	if (!exists(kernel, DRIVERS, driver))
		return -ENOENT;
	if (!exists(kernel, DEVICES, address) || !driver_matches(kernel, driver, address))
		return -ENODEV;
	if (*read_link(kernel, address, "driver", now))
		return -EBUSY;
	return probe(kernel, driver, address);
}

/* Does not return the error of the probe. */
static int write_probe(struct fakekernel *kernel, const char *address)
{
	char now[256], winner[256], native[256], override[256], directory[PATH_SIZE];

	if (!exists(kernel, DEVICES, address))
		return -ENODEV;
	if (*read_link(kernel, address, "driver", now))
		return 0;
	snprintf(directory, sizeof(directory), DEVICES "%s", address);
	read_line(kernel, directory, "driver_override", override);
	read_line(kernel, "model/ids", address, winner);
	read_line(kernel, "model/native", address, native);
	if (strcmp(override, "(null)") != 0)
		snprintf(winner, sizeof(winner), "%.200s", override);
	else if (!*winner)
		snprintf(winner, sizeof(winner), "%.200s", native);
	if (*winner && exists(kernel, DRIVERS, winner))
		probe(kernel, winner, address);
	return 0;
}

/* The kernel does not use the number of an inode again soon, but the file system of the test may:
 * the link is kept elsewhere. */
static void retire_link(struct fakekernel *kernel, const char *pf, int index)
{
	char from[PATH_SIZE], to[PATH_SIZE], name[64];
	int number = 0;

	do
		snprintf(name, sizeof(name), "virtfn%d-%d", index, number++);
	while (exists(kernel, "model/old", name));
	fakesys_directory(kernel->fake, "model/old");
	full_path(kernel, from, DEVICES "%s/virtfn%d", pf, index);
	if (rename(from, full_path(kernel, to, "model/old/%s", name)) < 0)
		err(1, "%s", from);
}

/* The VFs of 0000:01:00.0 are 0000:01:10.0, 0000:01:10.1, ... */
static int write_vfs(struct fakekernel *kernel, const char *address, const char *bytes)
{
	char directory[PATH_SIZE], path[PATH_SIZE], value[256], vf[64], group[32];
	int wanted = atoi(bytes), now, total;

	snprintf(directory, sizeof(directory), DEVICES "%s", address);
	if (!exists(kernel, directory, "sriov_totalvfs"))
		return -ENOENT;
	now = atoi(read_line(kernel, directory, "sriov_numvfs", value));
	total = atoi(read_line(kernel, directory, "sriov_totalvfs", value));
	if (wanted == now)
		return 0;
	if (wanted && now)
		return -EBUSY;
	if (wanted > total)
		return -ERANGE;
	for (int i = 0; i < (wanted ? wanted : now); i++) {
		snprintf(vf, sizeof(vf), "%.7s:10.%d", address, i);
		snprintf(group, sizeof(group), "1%d", i);
		if (wanted) {
			/* a class without network interfaces, for the checks */
			fakekernel_pci(kernel, vf, .vendor = 0x8086, .device = 0x10ca,
				       .class = 0x0b4000, .group = group, .pf = address,
				       .vf = (unsigned)i, .driver = "igbvf");
		} else {
			fakekernel_remove(kernel, vf);
			retire_link(kernel, address, i);
		}
	}
	snprintf(path, sizeof(path), DEVICES "%s/sriov_numvfs", address);
	snprintf(value, sizeof(value), "%d\n", wanted);
	fakesys_file(kernel->fake, path, value);
	fakenetlink_create_vfs(&kernel->netlink, (size_t)wanted);
	return 0;
}

/* A request for netlink, in hex. */
#define NETLINK_PATH "netlink"
#define REQUEST_MAX 128

static void encode_request(const struct nlmsghdr *request, char hex[static 2 * REQUEST_MAX + 1])
{
	const unsigned char *bytes = (const void *)request;

	if (request->nlmsg_len > REQUEST_MAX)
		errx(1, "request of %u bytes", request->nlmsg_len);
	for (size_t i = 0; i < request->nlmsg_len; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}

static int write_request(struct fakekernel *kernel, const char *hex)
{
	_Alignas(struct nlmsghdr) unsigned char request[REQUEST_MAX] = {0};

	for (size_t i = 0; hex[2 * i]; i++)
		sscanf(hex + 2 * i, "%2hhx", &request[i]);
	return fakenetlink_set(&kernel->netlink, (const void *)request);
}

static int handle_write(struct fakekernel *kernel, const char *path, const char *bytes)
{
	char driver[256], address[64];
	int end = 0;

	if (strcmp(path, NETLINK_PATH) == 0)
		return write_request(kernel, bytes);
	if (strcmp(path, "sys/bus/pci/drivers_probe") == 0)
		return write_probe(kernel, bytes);
	if (sscanf(path, DRIVERS "%255[^/]/bind%n", driver, &end) == 1 && end && !path[end])
		return write_bind(kernel, driver, bytes);
	end = 0;
	if (sscanf(path, DEVICES "%63[^/]/%n", address, &end) != 1 || !end)
		return -EACCES;
	if (!exists(kernel, DEVICES, address))
		return -ENOENT;
	if (strcmp(path + end, "driver_override") == 0)
		return write_override(kernel, address, bytes);
	if (strcmp(path + end, "driver/unbind") == 0)
		return write_unbind(kernel, address, bytes);
	if (strcmp(path + end, "sriov_numvfs") == 0)
		return write_vfs(kernel, address, bytes);
	return -EACCES;
}

/* ---- struct kernel ---- */

static void record_write(struct fakekernel *kernel, const char *path, const char *bytes)
{
	size_t length = strlen(kernel->written);

	snprintf(kernel->written + length, sizeof(kernel->written) - length, "%s > %s\n",
		 strcmp(bytes, "\n") == 0 ? "\\n" : bytes, path);
}

static int load(struct fakekernel *kernel, const char *module);

/* A write, or the load of a module: then PATH is "". */
static int handle_call(struct fakekernel *kernel, const char *path, const char *bytes)
{
	return *path ? handle_write(kernel, path, bytes) : load(kernel, bytes);
}

void fakekernel_unblock(struct fakekernel *kernel, const char *address)
{
	char path[PATH_SIZE], later[1024] = "", *bytes;
	FILE *in = fopen(full_path(kernel, path, "model/busy/%s", address), "re");

	if (!in)
		return;
	later[fread(later, 1, sizeof(later) - 1, in)] = '\0';
	fclose(in);
	bytes = strchr(later, '\n');
	if (bytes) {
		*bytes = '\0';
		handle_call(kernel, later, bytes + 1);
	}
	unlink(path);
}

static void unblock_all(struct fakekernel *kernel)
{
	char path[PATH_SIZE];
	DIR *list = opendir(full_path(kernel, path, "model/busy"));
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			fakekernel_unblock(kernel, entry->d_name);
	if (list)
		closedir(list);
}

static void fault_before(struct fakekernel *kernel, enum fault fault, const char *address,
			 const char *path, const char *bytes)
{
	char later[1024];

	snprintf(later, sizeof(later), "%s\n%s", path, bytes);
	if (fault == FAULT_KILL_LATER || fault == FAULT_HANG_LATER)
		set_busy(kernel, address, later);
	if (fault == FAULT_KILL_BEFORE || fault == FAULT_KILL_LATER)
		raise(SIGKILL);
	if (fault == FAULT_TERM)
		raise(SIGTERM);
	if (fault == FAULT_REMOVE)
		fakekernel_remove(kernel, address);
	if (fault == FAULT_OTHER_OVERRIDE_BEFORE && exists(kernel, DEVICES, address))
		set_override(kernel, address, "other-driver");
	if (fault == FAULT_NO_JOURNAL) {
		fakesys_remove(kernel->fake, "run/vfio-bind/journal.new");
		fakesys_directory(kernel->fake, "run/vfio-bind/journal.new");
	}
	if (fault == FAULT_FULL)
		kernel->full_disk();
}

static void fault_after(struct fakekernel *kernel, enum fault fault, const char *address)
{
	char now[256], native[64];

	if (fault == FAULT_KILL_AFTER)
		raise(SIGKILL);
	if (fault == FAULT_HANG || fault == FAULT_HANG_DONE)
		set_busy(kernel, address, "");
	if (!exists(kernel, DEVICES, address))
		return;
	if (fault == FAULT_OTHER_DRIVER && !*read_link(kernel, address, "driver", now)) {
		set_driver(kernel, address, "other-driver");
		/* it has added its id */
		snprintf(native, sizeof(native), "model/native/%.40s", address);
		if (!exists(kernel, "model/native", address))
			fakesys_file(kernel->fake, native, "other-driver");
	}
	if (fault == FAULT_OTHER_UNBIND)
		set_driver(kernel, address, "");
	if (fault == FAULT_OTHER_VFS)
		write_vfs(kernel, address, "0");
	if (fault == FAULT_OTHER_OVERRIDE)
		set_override(kernel, address, "other-driver");
	if (fault == FAULT_NO_OVERRIDE)
		set_override(kernel, address, "(null)");
	update_nodes(kernel);
}

/* See JOURNAL_MARKER. */
static bool has_marker(const struct fakekernel *kernel, const char *address)
{
	char name[64];

	snprintf(name, sizeof(name), "changing-%.40s", address);
	return exists(kernel, "run/vfio-bind", name);
}

static int fake_call(struct fakekernel *kernel, const struct pci_address *device, const char *path,
		     const char *bytes)
{
	char address[ADDRESS_SIZE];
	enum fault fault;
	int error = 0;

	address_format(device, address);
	kernel->writes++;
	fault = kernel->writes == kernel->fault_at    ? kernel->fault
		: kernel->writes == kernel->second_at ? kernel->second
						      : FAULT_NONE;
	if (exists(kernel, "model/busy", address))
		errx(1, "%s: written while a call is blocked", address);
	if (*path && !strstr(path, "sriov_numvfs") && strcmp(path, NETLINK_PATH) != 0 &&
	    !has_marker(kernel, address))
		errx(1, "%s: written without a marker for udev's rules", address);
	if (fault)
		kernel->hit_alias = !*path && strchr(bytes, ':');
	fault_before(kernel, fault, address, path, bytes);
	if (fault == FAULT_ERROR)
		return kernel->error;
	if (fault != FAULT_HANG && fault != FAULT_HANG_LATER)
		error = handle_call(kernel, path, bytes);
	fault_after(kernel, fault, address);
	if (fault == FAULT_ERROR_DONE)
		return kernel->error;
	return exists(kernel, "model/busy", address) ? -ETIMEDOUT : error;
}

static int fake_write(struct kernel *base, const struct pci_address *device, const char *path,
		      const char *bytes)
{
	struct fakekernel *kernel = (struct fakekernel *)base;

	record_write(kernel, path, bytes);
	return fake_call(kernel, device, path, bytes);
}

static int fake_set_link(struct kernel *base, const struct pci_address *device,
			 const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	struct fakekernel *kernel = (struct fakekernel *)base;
	char hex[2 * REQUEST_MAX + 1], text[FAKE_SETTING_SIZE], address[ADDRESS_SIZE];
	int error;

	if (exists(kernel, "model/busy", address_format(device, address)))
		return -ETIMEDOUT;
	fakenetlink_describe(request, text);
	record_write(kernel, NETLINK_PATH, text);
	encode_request(request, hex);
	error = fake_call(kernel, device, NETLINK_PATH, hex);
	return error == -ETIMEDOUT ? error : fakenetlink_end(request, error, receive, data);
}

static ssize_t fake_read(struct kernel *base, const struct pci_address *device, const char *path,
			 char buffer[static ATTRIBUTE_SIZE])
{
	struct fakekernel *kernel = (struct fakekernel *)base;
	char address[ADDRESS_SIZE];

	if (exists(kernel, "model/busy", address_format(device, address)))
		return -ETIMEDOUT;
	return sysdir_read(sysroot_dir(base->root), path, buffer, ATTRIBUTE_SIZE);
}

static bool fake_is_busy(struct kernel *base, const struct pci_address *device)
{
	char address[ADDRESS_SIZE];

	return exists((struct fakekernel *)base, "model/busy", address_format(device, address));
}

/* The driver of xen-pciback has another name than its module. */
static int load(struct fakekernel *kernel, const char *module)
{
	size_t length = strlen(kernel->loaded);
	char driver[256], name[256];

	snprintf(kernel->loaded + length, sizeof(kernel->loaded) - length, "%s\n", module);
	if (strchr(module, ':')) {
		if (!*read_line(kernel, "model/aliases", module, name))
			return -ENOENT;
		module = name;
	}
	if (exists(kernel, "model/missing", module))
		return -ENOENT;
	if (*read_line(kernel, "model/modules", module, driver)) {
		fakekernel_driver(kernel, driver);
		return 0;
	}
	if (strcmp(module, "xen-pciback") == 0) {
		fakekernel_driver(kernel, "pciback");
		fakesys_directory(kernel->fake, "sys/module/xen_pciback/drivers/pci:pciback");
		return 0;
	}
	snprintf(driver, sizeof(driver), "%s", module);
	if (strcmp(driver, "vfio_pci") == 0)
		driver[4] = '-';
	fakekernel_driver(kernel, driver);
	return 0;
}

static int fake_load(struct kernel *base, const struct pci_address *device, const char *module)
{
	return fake_call((struct fakekernel *)base, device, "", module);
}

static int fake_chown(struct kernel *base, const char *path, uid_t user, gid_t group)
{
	struct fakekernel *kernel = (struct fakekernel *)base;

	snprintf(kernel->chowned, sizeof(kernel->chowned), "%s %u:%u", path, user, group);
	return exists(kernel, "", path) ? 0 : -ENOENT;
}

static void fake_pause(struct kernel *base, unsigned milliseconds)
{
	struct fakekernel *kernel = (struct fakekernel *)base;

	(void)milliseconds;
	kernel->pauses++;
	if (kernel->pauses == kernel->unblock_at)
		unblock_all(kernel);
	if (kernel->pauses <= kernel->node_late)
		update_nodes(kernel);
}

void fakekernel_init(struct fakekernel *kernel, struct fakesys *fake)
{
	*kernel = (struct fakekernel){
		.kernel = {.write = fake_write,
			   .read = fake_read,
			   .set_link = fake_set_link,
			   .is_busy = fake_is_busy,
			   .load = fake_load,
			   .chown = fake_chown,
			   .pause = fake_pause,
			   .timeout = 1},
		.netlink = {.netlink = {.query = fakenetlink_query}},
		.fake = fake,
	};
	fakesys_file(fake, "sys/bus/pci/drivers_probe", "");
	fakesys_file(fake, "proc/1/stat",
		     "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0\n");
	fakesys_directory(fake, "proc/1/fd");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	fakesys_file(fake, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_link(fake, "proc/self/ns/net", "net:[4026531840]");
	fakesys_directory(fake, "dev/vfio");
}

struct bind_options fakekernel_options(struct fakekernel *kernel, struct log_capture *captured,
				       const char *const *arguments)
{
	struct bind_options options = {
		.sysroot = kernel->fake->path,
		.driver = "auto",
		.timeout = 1,
		.user = (uid_t)-1,
		.user_group = (gid_t)-1,
		.quiet = true,
		.ssh_connection = "",
		.kernel = &kernel->kernel,
		.netlink = &kernel->netlink.netlink,
		.log = log_capture_add(captured),
	};

	/* drops const: the program does not modify its arguments */
	memcpy(&options.arguments, &arguments, sizeof(arguments));
	while (arguments && arguments[options.argument_count])
		options.argument_count++;
	return options;
}
