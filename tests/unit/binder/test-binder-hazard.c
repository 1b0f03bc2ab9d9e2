/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/test.h"

#include "binder/hazards/hazard.h"
#include "binder/hazards/ssh.h"
#include "probe/probe.h"
#include "tests/unit/binder/fakenetlink.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#define DEVICE "0000:01:00.0"
#define AT "sys/bus/pci/devices/" DEVICE "/"

static struct fakesys *fake;
static struct fakenetlink netlink;
static struct log_capture captured;
static char found[8192];
static bool open_disks;
static unsigned timeout;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	open_disks = false;
	timeout = 10;
	fakesys_file(fake, "proc/1/stat",
		     "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0\n");
	fakesys_directory(fake, "proc/1/fd");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	fakesys_file(fake, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_link(fake, "proc/self/ns/net", "net:[4026531840]");
	netlink = (struct fakenetlink){.netlink = {.query = fakenetlink_query}};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

typedef void check_type(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings);

/* Returns the findings of CHECK for DEVICE, "name: text" on each line. VIEW has what is known of
 * the SSH connection. */
static const char *find_with_view(check_type *check, struct hazard_view view)
{
	static const unsigned owners = OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV;
	struct probe_options options = {.log = log_capture_add(&captured),
					.sysroot = fake->path,
					.all = true,
					.details = HAZARD_DETAILS,
					.owners = &owners};
	struct hazard_findings findings = {0};
	struct inventory *inventory = NULL;
	struct probe *probe = NULL;
	struct pci_address address;
	size_t length = 0;

	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	view.log = &options.log;
	view.targets = &(struct targets){0};
	view.netlink = netlink.netlink.query ? &netlink.netlink : NULL;
	view.open_disks = open_disks;
	view.timeout = timeout;
	view.root = probe_sysroot(probe);
	view.inventory = inventory;
	address_parse(DEVICE, &address);
	check(&view, inventory_find(inventory, &address), &findings);
	assert_false(findings.no_memory);
	found[0] = '\0';
	for (size_t i = 0; i < findings.count; i++)
		length += (size_t)snprintf(found + length, sizeof(found) - length, "%s: %s\n",
					   HAZARDS[findings.items[i].hazard].name,
					   findings.items[i].text);
	hazard_findings_free(&findings);
	hazard_view_free(&view);
	inventory_free(inventory);
	probe_free(probe);
	return found;
}

static const char *find_with_ssh(const char *ssh)
{
	return find_with_view(hazards_find, (struct hazard_view){.ssh_connection = ssh});
}

static const char *find(void)
{
	return find_with_view(hazards_find, (struct hazard_view){0});
}

/* Adds DEVICE, bound to DRIVER, with nothing that a check would report. */
static void add_device(unsigned class, const char *driver)
{
	fakesys_pci(fake, DEVICE, .vendor = 0x1b36, .device = 0x10, .class = class,
		    .driver = driver, .group = "7");
	fakesys_link(fake, "sys/kernel/iommu_groups/7/devices/" DEVICE,
		     "../../../../bus/pci/devices/" DEVICE);
	fakesys_file(fake, AT "reset_method", "flr bus\n");
}

/* Adds the node NUMBER ("char/10:130", "block/259:0") below DEVICE at PATH, of SUBSYSTEM unless
 * NULL. */
static void add_node(const char *number, const char *path, const char *subsystem)
{
	char link[128], target[192];

	snprintf(link, sizeof(link), "sys/dev/%s", number);
	snprintf(target, sizeof(target), "../../devices/pci0000:00/" DEVICE "/%s", path);
	fakesys_link(fake, link, target);
	if (!subsystem)
		return;
	snprintf(link, sizeof(link), "sys/devices/pci0000:00/" DEVICE "/%s/subsystem", path);
	snprintf(target, sizeof(target), "../class/%s", subsystem);
	fakesys_link(fake, link, target);
}

static void add_disk(const char *name, const char *number)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/block/%s", name);
	snprintf(target, sizeof(target), "../devices/pci0000:00/" DEVICE "/nvme/nvme0/%s", name);
	fakesys_link(fake, path, target);
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	fakesys_file(fake, path, number);
}

static void add_partition(const char *disk, const char *name, const char *number)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/block/%s/%s/partition", disk, name);
	fakesys_file(fake, path, "1\n");
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	fakesys_file(fake, path, number);
}

static void an_unused_device_has_no_findings(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	assert_string_equal(find(), "");
}

/* ---- disks ---- */

static void a_mounted_partition_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_partition("nvme0n1", "nvme0n1p1", "259:1\n");
	fakesys_file(fake, "proc/self/mountinfo",
		     "22 1 259:1 / /srv/my\\040data rw - ext4 /dev/disk/by-label/x rw\n");
	assert_string_equal(find(), "mounted: /dev/disk/by-label/x is mounted on /srv/my data\n");
}

static void system_mounts_are_distinguished(void **state)
{
	static const char *const targets[] = {"/", "/boot", "/boot/efi", "/efi", "/usr"};
	char line[128];

	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	for (size_t i = 0; i < COUNT(targets); i++) {
		snprintf(line, sizeof(line), "22 1 259:0 / %s rw - ext4 /dev/nvme0n1 rw\n",
			 targets[i]);
		fakesys_file(fake, "proc/self/mountinfo", line);
		assert_contains(find(), "system-disk: ");
	}
	fakesys_file(fake, "proc/self/mountinfo",
		     "22 1 259:0 / /bootleg rw - ext4 /dev/nvme0n1 rw\n");
	assert_string_equal(find(), "mounted: /dev/nvme0n1 is mounted on /bootleg\n");
}

/* Root on a logical volume on a RAID of partitions. */
static void a_mounted_volume_on_a_raid_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_partition("nvme0n1", "nvme0n1p2", "259:2\n");
	fakesys_file(fake, "sys/class/block/nvme0n1p2/holders/md0/dev", "9:0\n");
	fakesys_file(fake, "sys/class/block/md0/dev", "9:0\n");
	fakesys_file(fake, "sys/class/block/md0/holders/dm-0/dev", "253:0\n");
	fakesys_file(fake, "sys/class/block/dm-0/dev", "253:0\n");
	fakesys_file(fake, "sys/class/block/dm-0/dm/name", "vg-root\n");
	fakesys_file(fake, "proc/self/mountinfo",
		     "22 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n");
	find();
	assert_contains(found, "holders: nvme0n1p2 is part of md0\n");
	assert_contains(found, "holders: md0 is part of dm-0 (vg-root)\n");
	assert_contains(found, "system-disk: /dev/mapper/vg-root is mounted on /\n");
}

/* mountinfo shows the file system's own device number, and only one of its disks. */
static void a_mounted_btrfs_of_several_disks_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_file(fake, "sys/fs/btrfs/8c3d/devices/nvme0n1/size", "1\n");
	fakesys_file(fake, "sys/fs/btrfs/8c3d/devices/sdx/size", "1\n");
	fakesys_file(fake, "proc/self/mountinfo", "22 1 0:33 / /srv rw - btrfs /dev/sdx rw\n");
	assert_contains(find(), "mounted: /dev/sdx is mounted on /srv\n");
}

static void used_swap_space_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_partition("nvme0n1", "nvme0n1p3", "259:3\n");
	fakesys_file(
		fake, "proc/swaps",
		"Filename\t\t\t\tType\n/dev/nvme0n1p3                          partition\t9\t0\t-2\n");
	assert_string_equal(find(), "swap: /dev/nvme0n1p3 is in use as swap\n");
}

static void unreadable_mounts_and_swaps_are_unknown(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_remove(fake, "proc/self/mountinfo");
	fakesys_remove(fake, "proc/swaps");
	find();
	assert_contains(found, "unknown: ");
	assert_contains(found, "proc/self/mountinfo: No such file");
	assert_contains(found, "proc/swaps: No such file");
	fakesys_file(fake, "proc/self/mountinfo", "nonsense\n");
	fakesys_file(fake, "proc/swaps", "Filename\n");
	assert_contains(find(), "unknown: cannot parse /proc/self/mountinfo");
}

static void add_virtio(const char *name, const char *type)
{
	char path[128];

	snprintf(path, sizeof(path), AT "%s/device", name);
	fakesys_file(fake, path, type);
}

static void a_mounted_9p_folder_is_found(void **state)
{
	(void)state;
	add_device(0x000200, "virtio-pci");
	add_virtio("virtio2", "0x0009\n");
	fakesys_bytes(fake, AT "virtio2/mount_tag", "share", sizeof("share"));
	fakesys_file(fake, "proc/self/mountinfo",
		     "22 1 0:21 / /srv rw - 9p share2 rw,trans=virtio\n"
		     "23 1 0:22 / /mnt rw - tmpfs share rw\n"
		     "24 1 0:23 / /opt rw - virtiofs share rw\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "proc/self/mountinfo",
		     "22 1 0:21 / /srv rw - 9p share rw,trans=virtio\n");
	assert_string_equal(find(), "mounted: share is mounted on /srv\n");
	fakesys_file(fake, "proc/self/mountinfo", "nonsense\n");
	assert_string_equal(find(), "unknown: cannot parse /proc/self/mountinfo\n");
	fakesys_remove(fake, AT "virtio2/mount_tag");
	fakesys_directory(fake, AT "virtio2/mount_tag");
	assert_contains(find(), "/virtio2/mount_tag: ");
}

/* Only newer kernels show the tag of a virtiofs device. */
static void a_mounted_virtiofs_is_found(void **state)
{
	(void)state;
	add_device(0x018000, "virtio-pci");
	add_virtio("virtio3", "0x001a\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "proc/self/mountinfo",
		     "22 1 0:21 / /usr rw - virtiofs theirs rw\n"
		     "23 1 0:22 / /srv rw - virtiofs mine rw\n");
	assert_string_equal(find(), "system-disk: theirs is mounted on /usr\n"
				    "mounted: mine is mounted on /srv\n");
	fakesys_file(fake, "sys/fs/virtiofs/1/tag", "mine\n");
	fakesys_link(fake, "sys/fs/virtiofs/1/device",
		     "../../../devices/pci0000:00/" DEVICE "/virtio3");
	fakesys_file(fake, "sys/fs/virtiofs/2/tag", "theirs\n");
	fakesys_link(fake, "sys/fs/virtiofs/2/device",
		     "../../../devices/pci0000:00/0000:02:00.0/virtio4");
	assert_string_equal(find(), "mounted: mine is mounted on /srv\n");
}

/* Collects what hazard_list_interfaces and hazard_list_blocks return. */
static void list_below(struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	struct strings names = {0};

	assert_int_equal(hazard_list_interfaces(view, device, &names), 0);
	assert_int_equal(hazard_list_blocks(view, device, &names), 0);
	strings_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		hazard_findings_add(findings, HAZARD_OPEN, device, "%s", names.items[i]);
	strings_free(&names);
}

static void interfaces_and_disks_far_below_a_device_are_listed(void **state)
{
	static const char *const links[][2] = {
		/* a USB NIC and a USB disk, an mlx5 sub-function, and a disk behind a VMD */
		{"class/net/usb0", DEVICE "/usb2/2-1/2-1:1.0/net/usb0"},
		{"class/net/p0sf8", DEVICE "/mlx5_core.sf.4/net/p0sf8"},
		{"dev/block/8:0", DEVICE "/usb2/2-2/2-2:1.0/host6/target6:0:0/6:0:0:0/block/sda"},
		{"dev/block/8:1",
		 DEVICE "/usb2/2-2/2-2:1.0/host6/target6:0:0/6:0:0:0/block/sda/sda1"},
		{"dev/block/259:3", DEVICE "/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme2/"
					   "nvme2n1"},
		/* also in the inventory */
		{"class/net/eth0", DEVICE "/net/eth0"},
		{"dev/block/259:0", DEVICE "/nvme/nvme0/nvme0n1"},
		/* of others */
		{"class/net/eth1", "0000:01:00.1/net/eth1"},
		{"class/net/eth2", "10000:01:00.0/net/eth2"},
		{"dev/block/8:16", "0000:02:00.0/ata1/host0/target0:0:0/0:0:0:0/block/sdb"},
	};
	char path[64], target[160];

	(void)state;
	add_device(0x010400, "vmd");
	add_disk("nvme0n1", "259:0\n");
	fakesys_file(fake, AT "net/eth0/address", "52:54:00:00:00:01\n");
	for (size_t i = 0; i < COUNT(links); i++) {
		snprintf(path, sizeof(path), "sys/%s", links[i][0]);
		snprintf(target, sizeof(target), "../../devices/pci0000:00/%s", links[i][1]);
		fakesys_link(fake, path, target);
	}
	fakesys_link(fake, "sys/class/net/lo", "../../devices/virtual/net/lo");
	fakesys_file(fake, "sys/class/net/bonding_masters", "\n");
	assert_string_equal(find_with_view(list_below, (struct hazard_view){0}),
			    "open: eth0\nopen: nvme0n1\nopen: nvme2n1\nopen: p0sf8\nopen: sda\n"
			    "open: sda1\nopen: usb0\n");
}

static void add_loop_device(const char *name, const char *number, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	fakesys_file(fake, path, number);
	snprintf(path, sizeof(path), "sys/class/block/%s/loop/backing_file", name);
	fakesys_file(fake, path, file);
}

static void add_node_number(const char *path, const char *number)
{
	char node[128];

	snprintf(node, sizeof(node), "numbers%s", path);
	fakesys_file(fake, node, number);
}

static void a_mounted_loop_device_on_a_disk_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_loop_device("loop0", "7:0\n", "/dev/nvme0n1\n");
	add_loop_device("loop1", "7:1\n", "/dev/vda1\n");
	fakesys_directory(fake, "sys/class/block/loop2"); /* not set up */
	fakesys_file(fake, "proc/self/mountinfo",
		     "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		     "22 21 7:0 / /srv rw - ext4 /dev/loop0 rw\n"
		     "23 21 7:1 / /opt rw - ext4 /dev/loop1 rw\n");
	assert_string_equal(find(), "holders: loop0 is set up on /dev/nvme0n1\n"
				    "mounted: /dev/loop0 is mounted on /srv\n");
}

/* The node can have any name; only its number counts. */
static void a_loop_device_on_a_renamed_node_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_loop_device("loop0", "7:0\n", "/root/disk\n");
	add_node_number("/root/disk", "b8:0\n");
	assert_string_equal(find(), "");
	add_node_number("/root/disk", "b259:0\n");
	assert_string_equal(find(), "holders: loop0 is set up on /root/disk\n");
}

/* /usr on a logical volume on a loop device whose file is on a partition; the order of the loop
 * devices does not matter. */
static void loop_devices_on_files_are_followed(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_partition("nvme0n1", "nvme0n1p1", "259:1\n");
	add_loop_device("loop1", "7:1\n", "/srv/a b/image (deleted)\n");
	fakesys_file(fake, "sys/class/block/loop1/holders/dm-0/dev", "253:0\n");
	fakesys_file(fake, "sys/class/block/dm-0/dev", "253:0\n");
	add_loop_device("loop0", "7:0\n", "/dev/dm-0\n");
	fakesys_file(fake, "proc/self/mountinfo",
		     "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		     "22 21 259:1 / /srv/a\\040b rw - ext4 /dev/nvme0n1p1 rw\n"
		     "23 21 7:0 / /usr rw - ext4 /dev/loop0 rw\n");
	assert_string_equal(find(), "holders: loop1 is set up on /srv/a b/image (deleted)\n"
				    "holders: loop1 is part of dm-0\n"
				    "holders: loop0 is set up on /dev/dm-0\n"
				    "mounted: /dev/nvme0n1p1 is mounted on /srv/a b\n"
				    "system-disk: /dev/loop0 is mounted on /usr\n");
}

static void a_disk_that_caches_another_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_link(fake, "sys/class/block/nvme0n1/bcache/set", "../../../../fs/bcache/12-34");
	fakesys_link(fake, "sys/fs/bcache/12-34/bdev0", "../../../class/block/sda/bcache");
	fakesys_link(fake, "sys/class/block/sda/bcache/dev", "../../bcache0");
	fakesys_file(fake, "sys/class/block/bcache0/dev", "252:0\n");
	fakesys_file(fake, "proc/self/mountinfo", "22 1 252:0 / / rw - ext4 /dev/bcache0 rw\n");
	assert_string_equal(find(), "holders: nvme0n1 is a cache of bcache\n"
				    "system-disk: /dev/bcache0 is mounted on /\n");
}

/* With native multipath the disk is below the subsystem, not below its controllers. */
static void a_multipath_disk_belongs_to_each_controller(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	fakesys_link(fake, "sys/class/nvme-subsystem/nvme-subsys3/nvme1",
		     "../../../../pci0000:00/0000:02:00.0/nvme/nvme1");
	fakesys_link(fake, "sys/dev/block/259:7",
		     "../../devices/virtual/nvme-subsystem/nvme-subsys3/nvme3n1");
	fakesys_file(fake, "sys/class/block/nvme3n1/dev", "259:7\n");
	fakesys_file(fake, "proc/self/mountinfo", "22 1 259:7 / /srv rw - ext4 /dev/root rw\n");
	assert_string_equal(find(), "");
	fakesys_link(fake, "sys/class/nvme-subsystem/nvme-subsys3/nvme0",
		     "../../../../pci0000:00/" DEVICE "/nvme/nvme0");
	assert_string_equal(find(), "mounted: /dev/root is mounted on /srv\n");
}

static void a_swap_file_on_a_disk_is_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_file(fake, "proc/self/mountinfo",
		     "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		     "22 21 259:0 / /srv rw - ext4 /dev/nvme0n1 rw\n");
	fakesys_file(
		fake, "proc/swaps",
		"Filename\t\t\t\tType\n/srv/the\\040file                          file\t9\t0\t-2\n"
		"/srv2                          file\t9\t0\t-2\n");
	assert_string_equal(find(), "mounted: /dev/nvme0n1 is mounted on /srv\n"
				    "swap: /srv/the file is in use as swap\n");
}

static void exported_disks_are_found(void **state)
{
	static const char namespace[] =
		"sys/kernel/config/nvmet/subsystems/nqn.2026-01.org:a/namespaces/1/";
	static const char backend[] = "sys/kernel/config/target/core/iblock_0/disk/";
	char path[128];

	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_directory(fake, "sys/kernel/config/target/core/alua/lu_gps");
	snprintf(path, sizeof(path), "%sdevice_path", namespace);
	fakesys_file(fake, path, "/dev/disk/by-id/x\n");
	add_node_number("/dev/disk/by-id/x", "b259:0\n");
	snprintf(path, sizeof(path), "%senable", namespace);
	fakesys_file(fake, path, "0\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, path, "1\n");
	assert_string_equal(
		find(),
		"exported: nvmet exports /dev/disk/by-id/x as nqn.2026-01.org:a/namespaces/1\n");
	fakesys_file(fake, path, "0\n");
	snprintf(path, sizeof(path), "%sudev_path", backend);
	fakesys_file(fake, path, "/dev/nvme0n1");
	snprintf(path, sizeof(path), "%senable", backend);
	fakesys_file(fake, path, "1\n");
	assert_string_equal(find(), "exported: LIO exports /dev/nvme0n1 as iblock_0/disk\n");
}

static void an_exported_controller_is_found(void **state)
{
	static const char at[] = "sys/kernel/config/nvmet/subsystems/a/passthru/";
	char path[128];

	(void)state;
	add_device(0x010802, "nvme");
	fakesys_link(fake, "sys/class/nvme/nvme0",
		     "../../devices/pci0000:00/" DEVICE "/nvme/nvme0");
	fakesys_link(fake, "sys/class/nvme/nvme1",
		     "../../devices/pci0000:00/0000:02:00.0/nvme/nvme1");
	snprintf(path, sizeof(path), "%senable", at);
	fakesys_file(fake, path, "1\n");
	snprintf(path, sizeof(path), "%sdevice_path", at);
	fakesys_file(fake, path, "/dev/nvme1\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, path, "/dev/nvme0\n");
	assert_string_equal(find(), "exported: nvmet exports /dev/nvme0 as a/passthru\n");
}

static void a_disk_whose_users_cannot_be_read_is_unknown(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_file(fake, "sys/class/block/nvme0n1/holders", "");
	assert_string_equal(find(), "unknown: /sys/class/block/nvme0n1/holders: Not a directory\n");
}

static void exports_that_cannot_be_listed_are_unknown(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_directory(fake, "sys/module/nvmet");
	assert_string_equal(
		find(),
		"unknown: the module nvmet is loaded, but configfs is not mounted on /sys/kernel/config\n");
	fakesys_file(fake, "sys/kernel/config/nvmet/subsystems", "");
	assert_string_equal(find(),
			    "unknown: /sys/kernel/config/nvmet/subsystems: Not a directory\n");
}

static void add_namespace(unsigned pid, const char *id, const char *mounts)
{
	char path[64];

	fakesys_process(fake, pid, "x");
	snprintf(path, sizeof(path), "proc/%u/ns/mnt", pid);
	fakesys_link(fake, path, id);
	snprintf(path, sizeof(path), "proc/%u/mountinfo", pid);
	fakesys_file(fake, path, mounts);
	snprintf(path, sizeof(path), "proc/%u/comm", pid);
	fakesys_file(fake, path, "nginx\n");
}

static void mounts_in_other_namespaces_are_found(void **state)
{
	static const char mounts[] = "40 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n";

	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_link(fake, "proc/self/ns/mnt", "mnt:[1]");
	add_namespace(50, "mnt:[1]", mounts); /* the same namespace: not read again */
	assert_string_equal(find(), "");
	/* "/" of a container is not that of the system */
	add_namespace(60, "mnt:[2]", mounts);
	add_namespace(61, "mnt:[3]", "40 1 8:0 / / rw - ext4 /dev/sda rw\n");
	assert_string_equal(find(), "mounted: /dev/nvme0n1 is mounted on / in the mount namespace "
				    "of process 60 (nginx)\n");
	add_namespace(1, "mnt:[4]", mounts);
	assert_string_equal(find(), "system-disk: /dev/nvme0n1 is mounted on /\n");
}

static void unreadable_namespaces_are_unknown_if_the_disk_is_not_opened(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_link(fake, "proc/self/ns/mnt", "mnt:[1]");
	add_namespace(60, "mnt:[2]", "nonsense\n");
	assert_string_equal(find(), "unknown: the mounts of other processes could not be read\n");
	open_disks = true;
	assert_string_equal(find(), "");
}

/* A swap area, as mkswap writes it. */
static void write_swap_area(char disk[static 65536], const char *label)
{
	memset(disk, 0, 65536);
	disk[1024] = 1;	 /* version */
	disk[1028] = 15; /* last page */
	disk[1036] = 1;	 /* a UUID that is not zero */
	strcpy(disk + 1052, label);
	memcpy(disk + 4086, "SWAPSPACE2", 10);
}

static void data_on_an_unused_disk_is_found(void **state)
{
	static char disk[65536];

	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	fakesys_bytes(fake, "dev/nvme0n1", disk, sizeof(disk));
	open_disks = true;
	assert_string_equal(find(), "");
	write_swap_area(disk, "a");
	fakesys_bytes(fake, "dev/nvme0n1", disk, sizeof(disk));
#ifdef HAVE_BLKID
	assert_string_equal(find(), "data: /dev/nvme0n1 contains swap, label 'a'\n");
	/* an empty partition table of DOS */
	memset(disk, 0, sizeof(disk));
	memcpy(disk + 440, "\1\2\3\4", 4);
	memcpy(disk + 510, "\x55\xaa", 2);
	fakesys_bytes(fake, "dev/nvme0n1", disk, sizeof(disk));
	assert_string_equal(find(), "data: /dev/nvme0n1 contains a partition table (dos)\n");
#else
	assert_string_equal(find(), "");
#endif
	add_partition("nvme0n1", "nvme0n1p2", "259:2\n");
	assert_string_equal(find(), "data: /dev/nvme0n1 has 1 partition\n");
}

static void a_disk_that_cannot_be_opened_is_unknown(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	open_disks = true;
	assert_string_equal(find(), ""); /* a recording has no nodes */
	fakesys_file(fake, "dev/nvme0n1", "");
	timeout = 0;
	assert_string_equal(find(), "unknown: /dev/nvme0n1 does not answer within 0 seconds\n");
	fakesys_remove(fake, "dev/nvme0n1");
	fakesys_directory(fake, "dev/nvme0n1");
	timeout = 10;
	assert_string_equal(find(), "unknown: /dev/nvme0n1: Block device required\n");
}

/* ---- network ---- */

/* Adds an interface of the device. */
static void add_interface(const char *name, unsigned index, const char *flags)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), AT "net/%s/address", name);
	fakesys_file(fake, path, "52:54:00:00:00:01\n");
	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	fakesys_file(fake, path, flags);
	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", name);
	snprintf(text, sizeof(text), "%u\n", index);
	fakesys_file(fake, path, text);
	fakenetlink_link(&netlink, .index = index, .name = name);
}

static void add_nic(void)
{
	add_device(0x020000, "e1000e");
	add_interface("eth0", 2, "0x1002\n");
}

/* Stacks the interface UPPER on LOWER. */
static void add_upper(const char *lower, unsigned index, const char *upper, const char *kind)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", upper);
	fakesys_file(fake, path, "0\n");
	snprintf(path, sizeof(path), "sys/class/net/%s/upper_%s", lower, upper);
	snprintf(target, sizeof(target), "../%s", upper);
	fakesys_link(fake, path, target);
	fakenetlink_link(&netlink, .index = index, .name = upper, .kind = kind);
}

static void an_interface_that_is_down_has_no_findings(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_address(&netlink, 1, "127.0.0.1");
	assert_string_equal(find_with_ssh("10.0.0.1 50000 10.0.0.2 22"), "");
}

static void routes_through_an_interface_are_found(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", 2, "0x1003\n");
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 2);
	fakenetlink_route(&netlink, .to = "10.0.0.0", .length = 16, .interface = 2);
	fakenetlink_route(&netlink, .to = "192.168.0.0", .length = 24, .interface = 3);
	fakenetlink_route(&netlink, .to = "10.0.0.2", .length = 32, .interface = 2,
			  .type = RTN_LOCAL, .table = RT_TABLE_LOCAL);
	fakenetlink_route(&netlink, .to = "10.0.255.255", .length = 32, .interface = 2,
			  .type = RTN_BROADCAST, .table = RT_TABLE_LOCAL);
	fakenetlink_route(&netlink, .to = "2001:db8::", .length = 64, .interface = 2);
	fakenetlink_route(&netlink, .to = "fe80::", .length = 64, .interface = 2);
	fakenetlink_route(&netlink, .to = "ff00::", .length = 8, .interface = 2,
			  .type = RTN_MULTICAST, .table = RT_TABLE_LOCAL);
	fakenetlink_route(&netlink, .to = "::", .interface = 2);
	fakenetlink_route(&netlink, .to = "2001:db8::", .length = 128, .interface = 2,
			  .type = RTN_ANYCAST, .table = RT_TABLE_LOCAL);
	assert_string_equal(find(), "net-up: eth0 is up\n"
				    "default-route: the default route 0.0.0.0/0 goes through eth0\n"
				    "route: the route to 10.0.0.0/16 goes through eth0\n"
				    "route: the route to 2001:db8::/64 goes through eth0\n"
				    "default-route: the default route ::/0 goes through eth0\n");
}

static void routes_of_all_tables_and_next_hops_are_found(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.1.0.0", .length = 16, .interface = 2, .table = 1000);
	fakenetlink_route(&netlink, .to = "10.2.0.0", .length = 16, .hops = {3, 2});
	fakenetlink_route(&netlink, .to = "10.3.0.0", .length = 16, .nexthop = 7);
	fakenetlink_route(&netlink, .to = "10.4.0.0", .length = 16, .nexthop = 8);
	fakenetlink_route(&netlink, .to = "10.5.0.0", .length = 16, .nexthop = 9);
	fakenetlink_nexthop(&netlink, 8, 0, 7); /* a group */
	fakenetlink_nexthop(&netlink, 7, 2, 0);
	fakenetlink_nexthop(&netlink, 9, 3, 0);
	assert_string_equal(find(),
			    "route: the route to 10.1.0.0/16 in table 1000 goes through eth0\n"
			    "route: the route to 10.2.0.0/16 goes through eth0\n"
			    "route: the route to 10.3.0.0/16 goes through eth0\n"
			    "route: the route to 10.4.0.0/16 goes through eth0\n");
}

static void many_routes_are_counted(void **state)
{
	char to[32];

	(void)state;
	add_nic();
	for (unsigned i = 0; i < 20; i++) {
		snprintf(to, sizeof(to), "10.%u.0.0", i);
		fakenetlink_route(&netlink, .to = to, .length = 16, .interface = 2);
	}
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 2);
	find();
	assert_contains(found, "route: the route to 10.15.0.0/16 goes through eth0\n");
	assert_null(strstr(found, "10.16.0.0"));
	assert_contains(found, "default-route: ");
	assert_contains(found, "route: 21 routes go through it\n");
}

static void routes_through_a_bridge_on_a_bond_are_found(void **state)
{
	(void)state;
	add_nic();
	add_upper("eth0", 4, "bond0", "bond");
	add_upper("bond0", 5, "br0", "bridge");
	fakesys_link(fake, "sys/class/net/br0/upper_eth0", "../eth0"); /* a cycle does no harm */
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 5);
	assert_string_equal(find(),
			    "default-route: the default route 0.0.0.0/0 goes through br0\n");
}

/* An interface of a USB device behind a controller. */
static void an_interface_far_below_a_device_is_found(void **state)
{
	static const char path[] = "sys/devices/pci0000:00/" DEVICE "/usb2/2-1/2-1:1.0/net/usb0";
	char file[160];

	(void)state;
	add_device(0x0c0330, "xhci_hcd");
	snprintf(file, sizeof(file), "%s/flags", path);
	fakesys_file(fake, file, "0x1003\n");
	snprintf(file, sizeof(file), "%s/ifindex", path);
	fakesys_file(fake, file, "2\n");
	snprintf(file, sizeof(file), "../../%s", path + strlen("sys/"));
	fakesys_link(fake, "sys/class/net/usb0", file);
	fakenetlink_link(&netlink, .index = 2, .name = "usb0");
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 2);
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	assert_string_equal(
		find_with_ssh("10.0.5.5 50000 10.0.0.2 22"),
		"net-up: usb0 is up\n"
		"default-route: the default route 0.0.0.0/0 goes through usb0\n"
		"ssh: your SSH connection (10.0.5.5 50000 10.0.0.2 22) goes through it\n");
}

static void the_route_to_the_ssh_client_is_found(void **state)
{
	static const struct {
		const char *connection;
		bool is_found;
	} cases[] = {
		{"10.0.5.5 50000 10.9.0.2 22", true},
		{"::ffff:10.0.5.5 50000 ::ffff:10.9.0.2 22", true},
		{"192.168.0.9 50000 192.168.0.2 22", false},
		{"8.8.8.8 1 2.2.2.2 22", false}, /* no route */
		{"8.8.8.8 1 10.0.0.2 22", true}, /* the server's address is on eth0 */
		{"2001:db8::9 1 2001:db8::1 22", true},
		{"2001:db9::9 1 2001:db8::1 22", false},
		{"2001:db9::9 1 2001:db8::2 22", true},
		{"10.7.7.7 1 10.6.0.1 22", true}, /* in the VRF of the server's address */
		{"10.7.7.7 1 10.9.0.2 22", false},
		{"10.8.8.8 1 10.9.0.2 22", true}, /* the second next hop */
		{"fe80::1%eth0 1 fe80::2%eth0 22", true},
		{"fe80::1%eth1 1 fe80::2%eth1 22", false},
		{"nonsense", false},
		{"UNKNOWN 65535 UNKNOWN 65535", false},
		{"", false},
	};

	(void)state;
	add_nic();
	fakenetlink_link(&netlink, .index = 6, .name = "blue", .kind = "vrf");
	fakenetlink_link(&netlink, .index = 7, .name = "eth7", .master = 6);
	fakenetlink_address(&netlink, 2, "10.0.0.2");
	fakenetlink_address(&netlink, 2, "2001:db8::2");
	fakenetlink_address(&netlink, 7, "10.6.0.1");
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "192.168.0.9", .interface = 3, .is_answer = true);
	fakenetlink_route(&netlink, .to = "2001:db8::9", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.7.7.7", .interface = 2, .vrf = 6, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.7.7.7", .interface = 3, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.8.8.8", .hops = {3, 2}, .is_answer = true);
	for (size_t i = 0; i < COUNT(cases); i++)
		if ((strstr(find_with_ssh(cases[i].connection), "ssh: ") != NULL) !=
		    cases[i].is_found)
			fail_msg("%s: %s", cases[i].connection, found);
}

/* sudo removes it from its environment; the shell that started sudo still has it. */
static void an_unknown_ssh_connection_may_go_through_any_interface(void **state)
{
	const struct hazard_view view = {.ssh_error = -ETIMEDOUT};

	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", 2, "0x1002\n");
	assert_contains(find_with_view(hazards_find, view),
			"unknown: cannot determine your SSH connection: Connection timed out\n");
}

static void the_ssh_connection_is_read_from_a_parent_of_sudo(void **state)
{
	static struct read_trace trace;
	struct sysroot *root;
	char *ssh = NULL;

	(void)state;
	fakesys_file(fake, "proc/30/stat", "30 (sudo (x) ) S 20 1 1 0\n");
	fakesys_bytes(fake, "proc/30/environ", "SUDO_USER=x\0HOME=/\0", 19);
	fakesys_file(fake, "proc/20/stat", "20 (bash) S 10 1 1 0\n");
	fakesys_bytes(fake, "proc/20/environ", "A=b\0SSH_CONNECTION=10.0.0.1 5 10.0.0.2 22\0X=y\0",
		      46);
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	sysroot_watch(root, trace_read, &trace);
	assert_int_equal(ssh_connection_find(root, 30, &ssh), 0);
	assert_string_equal(trace.text, ""); /* read by a child, which may block */
	assert_string_equal(ssh, "10.0.0.1 5 10.0.0.2 22");
	free(ssh);
	ssh = NULL;
	assert_int_equal(ssh_connection_find(root, 1, &ssh), 0);
	assert_null(ssh);
	sysroot_free(root);
}

/* ---- other network namespaces ---- */

/* Adds a process in a network namespace. */
static void add_process(unsigned pid, const char *program, const char *namespace)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%u/comm", pid);
	fakesys_file(fake, path, program);
	snprintf(path, sizeof(path), "proc/%u/fd", pid);
	fakesys_directory(fake, path);
	snprintf(path, sizeof(path), "proc/%u/ns/net", pid);
	fakesys_link(fake, path, namespace);
}

static void add_pci_path(void)
{
	fakesys_link(fake, "sys/bus/virtio/devices/virtio0",
		     "../../../devices/pci0000:00/" DEVICE "/virtio0");
}

static void an_interface_that_a_container_has_is_found(void **state)
{
	static const char *const files[] = {"/proc/50/ns/net", "/proc/51/ns/net"};

	(void)state;
	add_device(0x020000, "virtio-pci");
	add_pci_path();
	add_process(40, "bash\n", "net:[4026531840]");
	add_process(50, "nginx\n", "net:[4026532264]");
	add_process(51, "nginx\n", "net:[4026532264]");
	for (size_t i = 0; i < COUNT(files); i++) {
		fakenetlink_link(&netlink, .namespace = files[i], .index = 2, .name = "eth0",
				 .up = true, .parent = "virtio0", .bus = "virtio");
		fakenetlink_link(&netlink, .namespace = files[i], .index = 3, .name = "veth0",
				 .up = true);
	}
	assert_contains(find(), "net-up: eth0 is up in the network namespace of process 5");
	assert_contains(found, " (nginx)\n");
	assert_int_equal(netlink.queries, 1); /* of the container's namespace, once */
}

static void an_interface_in_a_mounted_namespace_is_found(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	fakesys_file(fake, "proc/self/mountinfo",
		     "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		     "90 25 0:4 net:[4026532264] /run/netns/blue rw shared:1 - nsfs nsfs rw\n");
	fakenetlink_link(&netlink, .namespace = "/run/netns/blue", .index = 2, .name = "eth0",
			 .parent = DEVICE, .bus = "pci");
	assert_string_equal(
		find(), "net-hidden: eth0 is down in the network namespace of /run/netns/blue\n");
}

static void an_interface_that_is_not_found_is_refused(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	assert_string_equal(
		find(), "net-hidden: no network interface is found, but it is bound to e1000e\n");
	assert_int_equal(HAZARDS[HAZARD_NET_HIDDEN].grade, GRADE_REFUSED);
	/* a driver for user space has none */
	fakesys_remove(fake, AT "driver");
	fakesys_link(fake, AT "driver", "../../../bus/pci/drivers/uio_pci_generic");
	assert_string_equal(find(), "");
}

static void namespaces_that_cannot_be_searched_are_reported(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_process(50, "nginx\n", "net:[4026532264]");
	netlink.error_namespace = "/proc/50/ns/net";
	netlink.error = -EPERM;
	assert_string_equal(find(),
			    "net-hidden: no network interface is found, but it is bound to e1000e "
			    "(not all network namespaces could be searched)\n");
	netlink.error = -ESRCH; /* exited meanwhile */
	assert_string_equal(
		find(), "net-hidden: no network interface is found, but it is bound to e1000e\n");
	netlink.error = -ETIMEDOUT;
	assert_contains(find(), "unknown: other network namespaces could not be searched: "
				"Connection timed out\n");
}

/* ---- failures to look ---- */

static void netlink_failures_are_unknown(void **state)
{
	static const struct {
		unsigned short request;
		const char *what;
	} cases[] = {
		{RTM_GETLINK, "its network interfaces"},
		{RTM_GETNEXTHOP, "its next hop objects"},
		{RTM_GETROUTE, "the IPv4 routes"},
		{RTM_GETROUTE, "the IPv6 routes"},
		{RTM_GETROUTE, "a route"},
		{RTM_GETADDR, "the addresses of its interfaces"},
	};
	char text[128];

	(void)state;
	add_nic();
	for (size_t i = 0; i < COUNT(cases); i++) {
		netlink.error = -ETIMEDOUT;
		netlink.error_of = cases[i].request;
		find_with_ssh("10.0.5.5 50000 10.0.0.2 22");
		snprintf(text, sizeof(text),
			 "unknown: the kernel did not report %s: Connection timed out\n",
			 cases[i].what);
		assert_contains(found, text);
	}
	/* Linux before 5.3 has no next hop objects, and IPv6 can be absent */
	netlink.error = -EOPNOTSUPP;
	netlink.error_of = RTM_GETNEXTHOP;
	assert_string_equal(find(), "");
}

static void a_dump_that_changes_is_read_again(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.1.0.0", .length = 16, .interface = 2);
	netlink.interruptions = 3;
	assert_string_equal(find(), "route: the route to 10.1.0.0/16 goes through eth0\n");
	netlink.interruptions = 1000;
	assert_contains(find(), "unknown: ");
}

/* nsenter(1) does not mount the sysfs of the namespace. */
static void an_interface_of_another_sysfs_is_unknown(void **state)
{
	(void)state;
	add_nic();
	fakesys_file(fake, "sys/class/net/eth0/ifindex", "9\n");
	assert_contains(find(), "unknown: /sys has eth0, but the network namespace of this process "
				"does not\n");
}

static void routes_are_not_part_of_a_recording(void **state)
{
	(void)state;
	add_nic();
	netlink.netlink.query = NULL;
	assert_string_equal(find(), "unknown: the routes through eth0 are not part of a "
				    "recording\n");
}

/* ---- file systems and disks on servers ---- */

static void file_systems_on_servers_are_found(void **state)
{
	static const struct {
		const char *mount, *finding;
	} cases[] = {
		{"0:50 / /srv rw - nfs4 nas:/srv rw,vers=4.2,addr=10.0.5.5",
		 "mounted: nas:/srv is mounted on /srv\n"},
		{"0:50 / / rw - nfs 10.0.5.5:/root rw,vers=3,addr=10.0.5.5",
		 "system-disk: 10.0.5.5:/root is mounted on /\n"},
		{"0:50 / /srv rw - cifs //nas/share rw,addr=10.0.5.5",
		 "mounted: //nas/share is mounted on /srv\n"},
		{"0:50 / /srv rw - ceph 10.0.9.9:6789,10.0.5.5:6789:/ rw,name=admin",
		 "mounted: 10.0.9.9:6789,10.0.5.5:6789:/ is mounted on /srv\n"},
		{"0:50 / /srv rw - ceph admin@1.fs=/ rw,mon_addr=10.0.9.9:3300/[2001:db8::9]:3300",
		 "mounted: admin@1.fs=/ is mounted on /srv\n"},
		{"0:50 / /srv rw - 9p 10.0.5.5 rw,trans=tcp",
		 "mounted: 10.0.5.5 is mounted on /srv\n"},
		{"0:50 / /srv rw - fuse.glusterfs 10.0.5.5:/vol rw",
		 "mounted: 10.0.5.5:/vol is mounted on /srv\n"},
		{"0:50 / /srv rw - nfs4 nas:/srv rw,addr=fe80::5%eth0",
		 "mounted: nas:/srv is mounted on /srv\n"},
		{"0:50 / /srv rw - nfs4 nas:/srv rw,addr=fe80::5%eth1", ""},
		{"0:50 / /srv rw - nfs4 nas:/srv rw,addr=10.0.9.9", ""},
		{"0:50 / /srv rw - fuse.glusterfs nas:/vol rw", ""},
		{"0:50 / /srv rw - tmpfs 10.0.5.5:/srv rw,addr=10.0.5.5", ""},
	};
	char text[256];

	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "2001:db8::9", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.0.9.9", .interface = 3, .is_answer = true);
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), "21 1 %s\n", cases[i].mount);
		fakesys_file(fake, "proc/self/mountinfo", text);
		assert_string_equal(find(), cases[i].finding);
	}
}

static void add_network_disk(const char *name, const char *number, const char *path)
{
	char text[256], target[256];

	snprintf(text, sizeof(text), "sys/devices/%s/dev", path);
	fakesys_file(fake, text, number);
	snprintf(text, sizeof(text), "sys/class/block/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s", path);
	fakesys_link(fake, text, target);
}

static void disks_on_servers_are_found(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakesys_file(fake, "sys/class/iscsi_connection/connection3:0/address", "10.0.5.5\n");
	fakesys_file(fake, "sys/class/iscsi_connection/connection4:0/address", "10.0.9.9\n");
	fakesys_file(fake, "sys/class/nvme/nvme1/transport", "tcp\n");
	fakesys_file(fake, "sys/class/nvme/nvme1/address", "traddr=10.0.5.5,trsvcid=4420\n");
	fakesys_file(fake, "sys/class/nvme/nvme2/transport", "pcie\n");
	fakesys_file(fake, "sys/class/nvme/nvme2/address", "0000:03:00.0\n");
	fakesys_file(fake, "sys/class/nvme/nvme3/transport", "tcp\n");
	fakesys_file(fake, "sys/class/nvme/nvme3/address",
		     "traddr=10.0.9.9,trsvcid=4420,host_iface=eth0\n");
	find();
	assert_contains(
		found, "net-disk: the iSCSI target at 10.0.5.5 (session3) is reached through it\n");
	assert_contains(
		found, "net-disk: the NVMe controller at 10.0.5.5 (nvme1) is reached through it\n");
	assert_contains(found, "net-disk: the NVMe controller at 10.0.9.9%eth0 (nvme3) is reached "
			       "through it\n");
	assert_null(strstr(found, "session4"));
	assert_null(strstr(found, "nvme2"));
}

static void the_system_on_a_disk_of_a_server_is_found(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakesys_file(fake, "sys/class/iscsi_connection/connection3:0/address", "10.0.5.5\n");
	add_network_disk("sda", "8:0\n", "platform/host3/session3/target3:0:0/3:0:0:0/block/sda");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 8:0 / / rw - ext4 /dev/sda rw\n");
	assert_contains(find(), "system-disk: /dev/sda is mounted on /\n");
	/* with multipath the disk belongs to the subsystem */
	fakesys_remove(fake, "sys/class/iscsi_connection/connection3:0/address");
	fakesys_file(fake, "sys/class/nvme/nvme1/transport", "tcp\n");
	fakesys_file(fake, "sys/class/nvme/nvme1/address", "traddr=10.0.5.5,trsvcid=4420\n");
	fakesys_directory(fake, "sys/class/nvme-subsystem/nvme-subsys1/nvme1");
	add_network_disk("nvme1n1", "259:7\n", "virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 259:7 / / rw - ext4 /dev/nvme1n1 rw\n");
	assert_contains(find(), "system-disk: /dev/nvme1n1 is mounted on /\n");
}

/* ---- displays, nodes, related devices ---- */

/* The kernel does not show the virtio device of hvc0. */
static void a_virtio_console_is_found(void **state)
{
	(void)state;
	add_device(0x078000, "virtio-pci");
	fakesys_link(fake, "sys/dev/char/229:0", "../../devices/virtual/tty/hvc0");
	fakesys_file(fake, "proc/consoles", "hvc0                 -W- (EC p  )  229:0\n");
	assert_string_equal(find(), "");
	add_node("char/240:1", "virtio1/virtio-ports/vport1p0", "virtio-ports");
	assert_string_equal(find(), "console: the kernel console is on hvc0\n");
}

/* Makes descriptor FD of process PID refer to PATH, a node with device number NUMBER. */
static void open_node(unsigned pid, unsigned fd, const char *path, const char *number)
{
	char node[128];

	snprintf(node, sizeof(node), "numbers%s", path);
	fakesys_file(fake, node, number);
	fakesys_descriptor(fake, pid, fd, path);
}

static void the_boot_display_and_its_console_are_found(void **state)
{
	(void)state;
	add_device(0x030000, "i915");
	fakesys_file(fake, AT "boot_vga", "1\n");
	add_node("char/29:0", "graphics/fb0", "graphics");
	fakesys_file(fake, "sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon0/bind", "1\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/bind", "0\n");
	assert_string_equal(find(), "boot-vga: boot_vga is 1\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/bind", "1\n");
	assert_contains(find(),
			"vtconsole: the virtual console uses a framebuffer, and fb0 is one");
}

/* efifb and simpledrm. Since Linux 6.9 the framebuffer's device is below the PCI device. */
static void the_firmwares_framebuffer_is_found(void **state)
{
	(void)state;
	add_device(0x038000, NULL);
	fakesys_file(fake, "proc/iomem",
		     "00001000-0009fbff : System RAM\n"
		     "c0000000-febfffff : PCI Bus 0000:00\n"
		     "  d0000000-d1ffffff : 0000:02:00.0\n"
		     "    d0000000-d02fffff : BOOTFB\n"
		     "  fe000000-fe1fffff : PCI Bus 0000:01\n"
		     "    fe000000-fe0fffff : " DEVICE "\n"
		     "    fe100000-fe1fffff : efifb\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "proc/iomem",
		     "00000000-00000000 : PCI Bus 0000:00\n"
		     "  00000000-00000000 : " DEVICE "\n"
		     "    00000000-00000000 : BOOTFB\n"
		     "      00000000-00000000 : simpledrm\n");
	assert_string_equal(find(), "boot-vga: it has the firmware's framebuffer (BOOTFB)\n");
	fakesys_remove(fake, "proc/iomem");
	add_node("char/29:0", "simple-framebuffer.0/graphics/fb0", "graphics");
	add_node("char/226:0", "simple-framebuffer.0/drm/card0", "drm");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/bind", "1\n");
	fakesys_process(fake, 50, "Xorg");
	open_node(50, 3, "/dev/dri/card0", "226:0");
	assert_string_equal(find(),
			    "vtconsole: the virtual console uses a framebuffer, and fb0 is one\n"
			    "open: process 50 (Xorg) has /dev/dri/card0 open\n");
	fakesys_directory(fake, "proc/iomem");
	assert_contains(find(), "unknown: ");
}

static void the_boot_display_needs_no_driver(void **state)
{
	(void)state;
	add_device(0x030000, NULL);
	fakesys_file(fake, AT "boot_vga", "1\n");
	assert_string_equal(find(), "boot-vga: boot_vga is 1\n");
	fakesys_remove(fake, AT "boot_vga");
	fakesys_directory(fake, AT "boot_vga");
	assert_contains(find(), "/boot_vga: Is a directory\n");
}

static void memory_of_the_firmware_is_found(void **state)
{
	static const char path[] = "sys/kernel/iommu_groups/7/reserved_regions";

	(void)state;
	add_device(0x020000, NULL);
	fakesys_file(fake, path,
		     "0x00000000fee00000 0x00000000feefffff msi\n"
		     "0x0000000000000000 0x0000000000ffffff direct-relaxable\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, path,
		     "0x000000007b800000 0x000000007fffffff direct\n"
		     "0x00000000fee00000 0x00000000feefffff msi\n");
	assert_string_equal(find(), "reserved-region: the firmware uses it for the memory "
				    "0x000000007b800000-0x000000007fffffff\n");
	fakesys_remove(fake, path);
	fakesys_directory(fake, path);
	assert_contains(find(), "unknown: /sys/kernel/iommu_groups/7/reserved_regions: ");
}

static void a_required_vf_token_is_found(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.1", .vendor = 0x8086, .device = 0x10ed, .class = 0x020000,
		    .driver = "igb", .group = "8");
	fakesys_pci(fake, DEVICE, .vendor = 0x8086, .device = 0x10ed, .class = 0x020000,
		    .group = "7", .pf = "0000:01:00.1", .vf = 0);
	fakesys_file(fake, AT "reset_method", "flr\n");
	assert_string_equal(find(), "");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:01:00.1/driver");
	fakesys_link(fake, "sys/bus/pci/devices/0000:01:00.1/driver",
		     "../../../bus/pci/drivers/vfio-pci");
	assert_string_equal(
		find(),
		"vf-token: its PF 0000:01:00.1 is bound to vfio-pci: a VM can use it only with the "
		"VF token that the program with the PF has set (QEMU: -device "
		"vfio-pci,host=0000:01:00.0,vf-token=UUID)\n");
}

/* Adds DEVICE behind a bridge that the firmware can switch off. */
static void add_device_with_power_switch(void)
{
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 1, .class = 0x060400);
	fakesys_attribute(fake, "0000:00:01.0", "power/control", "auto\n");
	fakesys_directory(fake,
			  "sys/bus/pci/devices/0000:00:01.0/firmware_node/power_resources_D3hot");
	fakesys_pci(fake, DEVICE, .vendor = 0x10de, .device = 0x2204, .class = 0x030200,
		    .group = "7", .below = "0000:00:01.0");
	fakesys_file(fake, AT "reset_method", "flr\n");
	fakesys_file(fake, AT "d3cold_allowed", "1\n");
}

static void a_power_switch_above_the_device_is_found(void **state)
{
	(void)state;
	add_device_with_power_switch();
	assert_contains(
		find(),
		"d3cold: its power can be cut at 0000:00:01.0 while it is unused; if a VM then "
		"cannot use it ('stuck in D3'), write 0 to ");
}

static void a_power_switch_that_is_not_used_is_no_finding(void **state)
{
	(void)state;
	add_device_with_power_switch();
	fakesys_file(fake, AT "d3cold_allowed", "0\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, AT "d3cold_allowed", "1\n");
	fakesys_file(fake, "sys/module/vfio_pci/parameters/disable_idle_d3", "Y\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "sys/module/vfio_pci/parameters/disable_idle_d3", "N\n");
	fakesys_attribute(fake, "0000:00:01.0", "power/control", "on\n");
	assert_string_equal(find(), "");
	fakesys_directory(fake, AT "firmware_node/power_resources_D3hot");
	assert_contains(find(), "d3cold: its power can be cut at " DEVICE " while");
}

static void power_settings_that_cannot_be_read_are_unknown(void **state)
{
	(void)state;
	add_device_with_power_switch();
	fakesys_remove(fake, AT "d3cold_allowed");
	fakesys_directory(fake, AT "d3cold_allowed");
	assert_contains(find(), "unknown: /" AT "d3cold_allowed: ");
}

/* The second port of a serial adapter; before and since Linux 6.6. */
static void a_serial_console_is_found(void **state)
{
	(void)state;
	add_device(0x070002, "serial");
	add_node("char/4:68", "tty/ttyS4", "tty");
	add_node("char/4:69", DEVICE ":0/" DEVICE ":0.1/tty/ttyS5", "tty");
	fakesys_file(fake, "proc/consoles",
		     "tty0                 -WU (EC  p  )    4:7\n"
		     "netcon0              -W- (E   p  )\n"
		     "ttyS40               -W- (E   p  )    4:104\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "proc/consoles", "ttyS5                -W- (EC p a)    4:69\n");
	assert_string_equal(find(), "console: the kernel console is on ttyS5\n");
	fakesys_file(fake, "proc/consoles", "ttyS4                -W- (EC p a)    4:68\n");
	assert_string_equal(find(), "console: the kernel console is on ttyS4\n");
	fakesys_remove(fake, "proc/consoles");
	fakesys_directory(fake, "proc/consoles");
	assert_contains(find(), "unknown: ");
}

static void open_nodes_are_found(void **state)
{
	(void)state;
	add_device(0x030000, "nvidia");
	add_node("char/226:128", "drm/renderD128", "drm");
	add_node("char/116:7", "sound/card2/controlC2", "sound");
	add_node("char/13:72", "sound/card2/input8/event8", "input");
	fakesys_file(fake, "proc/driver/nvidia/gpus/" DEVICE "/information",
		     "Model: \t X\nDevice Minor: \t 3\n");
	fakesys_file(fake, "proc/driver/nvidia/gpus/0000:02:00.0/information",
		     "Model: \t X\nDevice Minor: \t 31\n");
	fakesys_process(fake, 50, "/usr/lib/xorg/Xorg");
	open_node(50, 3, "/dev/dri/renderD128", "226:128");
	open_node(50, 4, "/dev/dri/renderD128", "226:128");
	open_node(50, 5, "/dev/nvidia3", "195:3");
	open_node(50, 6, "/dev/nvidia31", "195:31");
	open_node(50, 7, "/dev/dri/renderD129", "226:129");
	fakesys_process(fake, 51, "/usr/bin/pipewire");
	open_node(51, 9, "/dev/snd/controlC2", "116:7");
	fakesys_process(fake, 52, "acpid");
	open_node(52, 9, "/dev/input/event8", "13:72");
	assert_string_equal(find(), "open: process 50 (Xorg) has /dev/dri/renderD128 open\n"
				    "open: process 51 (pipewire) has /dev/snd/controlC2 open\n"
				    "open: process 52 (acpid) has /dev/input/event8 open\n"
				    "open: process 50 (Xorg) has /dev/nvidia3 open\n");
}

/* Of all subsystems, however deep below the device. */
static void all_kinds_of_open_nodes_are_found(void **state)
{
	static const struct {
		const char *number, *path, *subsystem, *node;
	} cases[] = {
		{"char/243:0", "uio/uio0", "uio", "/dev/uio0"},
		{"char/21:0", "ata1/host0/target0:0:0/0:0:0:0/scsi_generic/sg0", "scsi_generic",
		 "/dev/sg0"},
		{"char/239:0", "nvme/nvme0/ng0n1", "nvme-generic", "/dev/ng0n1"},
		{"char/189:129", "usb2/2-1", "usb", "/dev/bus/usb/002/002"},
		{"char/188:0", "usb2/2-1/2-1:1.0/ttyUSB0/tty/ttyUSB0", "tty", "/dev/ttyUSB0"},
		{"char/231:192", "infiniband_verbs/uverbs0", "infiniband_verbs",
		 "/dev/infiniband/uverbs0"},
		{"char/81:0", "video4linux/video0", "video4linux", "/dev/video0"},
		{"char/261:0", "accel/accel0", "accel", "/dev/accel/accel0"},
		{"char/245:0", "mei/mei0", "mei", "/dev/mei0"},
		{"char/247:0", "ptp/ptp0", "ptp", "/dev/ptp0"},
		{"char/10:224", "tpm/tpm0", "tpm", "/dev/tpm0"},
		{"block/8:1", "usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sda/sda1", "block",
		 "/dev/sda1"},
		/* without a link "subsystem" */
		{"char/238:0", "new0/new0", NULL, "/dev/new0"},
	};
	char expected[128], number[32];

	(void)state;
	add_device(0x0c0330, "some-driver");
	fakesys_process(fake, 50, "user");
	for (size_t i = 0; i < COUNT(cases); i++) {
		add_node(cases[i].number, cases[i].path, cases[i].subsystem);
		snprintf(number, sizeof(number), "%s%s", *cases[i].number == 'b' ? "b" : "",
			 strchr(cases[i].number, '/') + 1);
		open_node(50, 3, "/dev/any", number);
		snprintf(expected, sizeof(expected), "open: process 50 (user) has %s open\n",
			 cases[i].node);
		assert_string_equal(find(), expected);
		fakesys_remove(fake, "proc/50/fd/3");
	}
	assert_string_equal(find(), "");
}

/* Without a process too: it was killed, and the watchdog resets the host when its time is over. */
static void an_armed_watchdog_is_found(void **state)
{
	(void)state;
	add_device(0x088000, "i6300ESB timer");
	add_node("char/10:130", "misc/watchdog", "misc");
	add_node("char/248:0", "watchdog/watchdog0", "watchdog");
	assert_string_equal(find(), "");
	fakesys_file(fake, "sys/class/watchdog/watchdog0/state", "inactive\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "sys/class/watchdog/watchdog0/state", "active\n");
	assert_string_equal(find(), "watchdog: watchdog0 is armed\n");
	fakesys_remove(fake, "sys/class/watchdog/watchdog0/state");
	fakesys_process(fake, 50, "/usr/sbin/watchdog");
	open_node(50, 3, "/dev/watchdog", "10:130");
	assert_string_equal(find(), "watchdog: process 50 (watchdog) has /dev/watchdog open\n");
	fakesys_remove(fake, "proc/50/fd/3");
	open_node(50, 3, "/dev/watchdog0", "248:0");
	assert_string_equal(find(), "watchdog: process 50 (watchdog) has /dev/watchdog0 open\n");
	fakesys_directory(fake, "sys/class/watchdog/watchdog0/state");
	assert_contains(find(), "unknown: ");
}

/* Some drivers set no parent, so that the watchdog is below no device. */
static void an_armed_watchdog_without_a_device_is_found(void **state)
{
	(void)state;
	add_device(0x088000, "i6300ESB timer");
	fakesys_link(fake, "sys/dev/char/10:130", "../../devices/virtual/misc/watchdog");
	fakesys_link(fake, "sys/dev/char/248:0", "../../devices/virtual/watchdog/watchdog0");
	fakesys_file(fake, "sys/class/watchdog/watchdog0/state", "active\n");
	fakesys_file(fake, "sys/class/watchdog/watchdog0/identity", "Software Watchdog\n");
	fakesys_process(fake, 50, "/usr/sbin/watchdog");
	open_node(50, 3, "/dev/watchdog", "10:130");
	assert_string_equal(find(), "");
	fakesys_file(fake, "sys/class/watchdog/watchdog0/identity", "i6300ESB timer\n");
	assert_string_equal(find(), "watchdog: watchdog0 is armed\n");
	fakesys_remove(fake, "sys/class/watchdog");
	fakesys_link(fake, "sys/bus/pci/drivers/i6300ESB timer/module",
		     "../../../../module/i6300esb");
	fakesys_directory(fake, "sys/module/watchdog/holders/i6300esb");
	assert_string_equal(find(), "watchdog: process 50 (watchdog) has /dev/watchdog open\n");
}

static void a_vm_with_a_vdpa_device_is_found(void **state)
{
	(void)state;
	add_device(0x020000, "mlx5_core");
	add_node("char/237:0", "mlx5_core.vnet.0/vdpa0/vhost-vdpa-0", NULL);
	fakesys_process(fake, 50, "qemu-system-x86_64");
	open_node(50, 9, "/dev/vhost-vdpa-0", "237:0");
	assert_contains(find(),
			"held: process 50 (qemu-system-x86_64) has /dev/vhost-vdpa-0 open\n");
}

/* A container has its own /dev, and udev can recreate a node. */
static void nodes_are_matched_by_device_number(void **state)
{
	(void)state;
	add_device(0x030000, "nvidia");
	add_node("char/226:128", "drm/renderD128", "drm");
	fakesys_process(fake, 50, "gnome-shell");
	open_node(50, 3, "/dev/dri/renderD128 (deleted)", "226:128");
	fakesys_process(fake, 51, "/usr/bin/in-a-container");
	open_node(51, 3, "/my/gpu", "226:128");
	/* another device's node of this name, a disk with this number, a node opened with O_PATH */
	fakesys_process(fake, 52, "other");
	open_node(52, 3, "/jail/dev/dri/renderD128", "226:0");
	open_node(52, 4, "/dev/disk", "b226:128");
	fakesys_process(fake, 53, "path");
	open_node(53, 3, "/dev/dri/renderD128", "226:128");
	fakesys_file(fake, "proc/53/fdinfo/3", "pos:\t0\nflags:\t012100000\n");
	assert_string_equal(find(),
			    "open: process 50 (gnome-shell) has /dev/dri/renderD128 open\n"
			    "open: process 51 (in-a-container) has /dev/dri/renderD128 open\n");
}

static void processes_that_cannot_be_inspected_are_unknown(void **state)
{
	(void)state;
	add_device(0x030000, "nvidia");
	add_node("char/226:128", "drm/renderD128", "drm");
	fakesys_file(fake, "proc/50/cmdline", "a");
	fakesys_file(fake, "proc/50/fd", ""); /* ENOTDIR */
	fakesys_file(fake, "proc/51/cmdline", "b");
	fakesys_file(fake, "proc/51/fd/3", ""); /* not a link: EINVAL */
	fakesys_directory(fake, "proc/52");	/* has exited */
	assert_string_equal(find(),
			    "unknown: 2 processes that may have it open could not be inspected\n");
}

static void descendants_that_cannot_be_listed_are_unknown(void **state)
{
	static const char *const paths[] = {"sys/dev/char", "sys/dev/block", "sys/class/net",
					    "proc/driver/nvidia/gpus"};

	(void)state;
	add_device(0x030000, "nvidia");
	for (size_t i = 0; i < COUNT(paths); i++) {
		fakesys_file(fake, paths[i], "");
		assert_string_equal(find(), "unknown: what is below it could not be listed: "
					    "Not a directory\n");
		fakesys_remove(fake, paths[i]);
	}
	fakesys_directory(fake, "proc/driver/nvidia/gpus/" DEVICE "/information");
	assert_contains(find(), "unknown: what is below it could not be listed: Is a directory\n");
}

static void open_nodes_of_an_nvme_disk_are_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_node("block/259:0", "nvme/nvme0/nvme0n1", "block");
	add_node("block/259:2", "nvme/nvme0/nvme0n1/nvme0n1p2", "block");
	add_node("char/240:0", "nvme/nvme0", "nvme");
	add_node("char/239:0", "nvme/nvme0/ng0n1", "nvme-generic");
	fakesys_process(fake, 50, "qemu");
	open_node(50, 3, "/dev/nvme0n1", "b259:0");
	open_node(50, 4, "/dev/nvme01", "259:2");
	open_node(50, 5, "/dev/disk/by-id/x", "b259:2");
	open_node(50, 6, "/dev/ng0n1", "239:0");
	assert_string_equal(find(), "open: process 50 (qemu) has /dev/ng0n1 open\n"
				    "open: process 50 (qemu) has /dev/nvme0n1 open\n"
				    "open: process 50 (qemu) has /dev/nvme0n1p2 open\n");
}

/* The nodes of a disk with two controllers are below none of them. */
static void open_nodes_of_a_multipath_nvme_disk_are_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	fakesys_link(fake, "sys/dev/block/259:1",
		     "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	fakesys_link(fake, "sys/dev/char/239:1",
		     "../../devices/virtual/nvme-subsystem/nvme-subsys1/ng1n1");
	fakesys_link(fake, "sys/class/nvme-subsystem/nvme-subsys0/nvme1",
		     "../../../pci0000:00/0000:02:00.0/nvme/nvme1");
	fakesys_link(fake, "sys/class/nvme-subsystem/nvme-subsys0/nvme0",
		     "../../../pci0000:00/" DEVICE "/nvme/nvme0");
	fakesys_directory(fake, "sys/class/nvme-subsystem/nvme-subsys0/nvme0n1");
	fakesys_link(fake, "sys/class/nvme-subsystem/nvme-subsys1/nvme2",
		     "../../../pci0000:00/0000:02:00.0/nvme/nvme2");
	fakesys_process(fake, 50, "qemu");
	open_node(50, 3, "/dev/nvme0n1p1", "b259:1");
	open_node(50, 4, "/dev/ng1n1", "239:1");
	assert_string_equal(find(), "open: process 50 (qemu) has /dev/nvme0n1p1 open\n");
}

static void peers_consumers_and_vfs_are_found(void **state)
{
	(void)state;
	add_device(0x030000, NULL);
	fakesys_remove(fake, AT "reset_method");
	fakesys_pci(fake, "0000:01:00.1", .vendor = 1, .device = 2, .class = 0x040300,
		    .driver = "snd_hda_intel", .group = "7");
	fakesys_link(fake, "sys/kernel/iommu_groups/7/devices/0000:01:00.1",
		     "../../../../bus/pci/devices/0000:01:00.1");
	fakesys_directory(fake, AT "consumer:pci:0000:01:00.1");
	fakesys_file(fake, AT "sriov_totalvfs", "4\n");
	fakesys_link(fake, AT "virtfn0", "../0000:01:10.0");
	find();
	assert_contains(
		found,
		"group: 0000:01:00.1 in the same IOMMU group (7) is bound to snd_hda_intel\n");
	assert_contains(found, "consumer: 0000:01:00.1 (snd_hda_intel) depends on it\n");
	assert_contains(found, "vfs: virtual functions are enabled: 1\n");
	assert_contains(found, "no-reset: ");
	/* Linux before 5.15 has only the file "reset" */
	fakesys_file(fake, AT "reset", "");
	assert_null(strstr(find(), "no-reset"));
}

/* vfio-pci disables them, and waits for the VM that holds one. */
static void release_of_a_device_with_vfs_is_refused(void **state)
{
	(void)state;
	add_device(0x020000, "vfio-pci");
	assert_string_equal(find_with_view(hazards_find_release, (struct hazard_view){0}), "");
	fakesys_pci(fake, "0000:01:10.0", .vendor = 0x1b36, .device = 0x10, .class = 0x020000,
		    .driver = "vfio-pci", .group = "8", .pf = DEVICE);
	fakesys_file(fake, AT "sriov_totalvfs", "4\n");
	fakesys_file(fake, AT "sriov_numvfs", "1\n");
	assert_string_equal(find_with_view(hazards_find_release, (struct hazard_view){0}),
			    "vfs: virtual functions are enabled: 1\n");
	fakesys_process(fake, 60, "qemu-system-x86_64");
	fakesys_descriptor(fake, 60, 3, "/dev/vfio/8");
	assert_string_equal(find_with_view(hazards_find_release, (struct hazard_view){0}),
			    "vfs: virtual functions are enabled: 1\n"
			    "held: 0000:01:10.0 is held by process 60 (qemu-system-x86_64)\n");
	assert_contains(find(), "held: 0000:01:10.0 is held by process 60");
}

/* The VMD's driver removes the PCI domain behind it, and waits for the VM. */
static void a_held_device_behind_a_vmd_is_found(void **state)
{
	(void)state;
	add_device(0x010400, "vmd");
	fakesys_pci(fake, "10000:01:00.0", .vendor = 0x1b36, .device = 0x10, .class = 0x010802,
		    .driver = "vfio-pci", .group = "8",
		    .below = DEVICE "/pci10000:00/10000:00:02.0");
	assert_string_equal(find(), "");
	fakesys_process(fake, 60, "qemu-system-x86_64");
	fakesys_descriptor(fake, 60, 3, "/dev/vfio/8");
	assert_string_equal(find(),
			    "held: 10000:01:00.0 is held by process 60 (qemu-system-x86_64)\n");
}

/* ---- names ---- */

static void only_refused_hazards_can_be_allowed(void **state)
{
	struct log log = log_capture_add(&captured);
	unsigned allowed = 0;

	(void)state;
	assert_int_equal(hazards_parse("mounted,net-up", &log, &allowed), 0);
	assert_int_equal(allowed, 1u << HAZARD_MOUNTED | 1u << HAZARD_NET_UP);
	assert_int_equal(hazards_parse("held", &log, &allowed), -EINVAL);
	assert_int_equal(hazards_parse("vfs", &log, &allowed), -EINVAL);
	assert_int_equal(hazards_parse("system-disk", &log, &allowed), -EINVAL);
	assert_int_equal(hazards_parse("mount", &log, &allowed), -EINVAL);
	assert_int_equal(hazards_parse("mounted,", &log, &allowed), -EINVAL);
	assert_int_equal(hazards_parse("", &log, &allowed), -EINVAL);
	for (unsigned i = 0; i < HAZARD_COUNT; i++) {
		assert_non_null(HAZARDS[i].name);
		if (HAZARDS[i].grade == GRADE_NEVER)
			assert_true(hazard_is_blocking(&(struct hazard_finding){.hazard = i}, ~0u));
		else
			assert_false(
				hazard_is_blocking(&(struct hazard_finding){.hazard = i}, ~0u));
	}
}

static int count_vf(void *data, const struct rtnetlink_vf *vf)
{
	(void)vf;
	++*(unsigned *)data;
	return 0;
}

/* The kernel that runs this test. */
static void an_interface_without_vfs_has_no_settings(void **state)
{
	struct host_netlink host;
	unsigned count = 0;

	(void)state;
	host_netlink_init(&host, NULL, 10);
	assert_int_equal(rtnetlink_vfs(&host.netlink, "lo", count_vf, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rtnetlink_vfs(&host.netlink, "nosuch0", count_vf, &count), -ENODEV);
	assert_int_equal(rtnetlink_vfs(&host.netlink, "a-name-that-is-too-long", count_vf, &count),
			 -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_unused_device_has_no_findings),
		TEST(a_mounted_partition_is_found),
		TEST(system_mounts_are_distinguished),
		TEST(a_mounted_volume_on_a_raid_is_found),
		TEST(a_mounted_btrfs_of_several_disks_is_found),
		TEST(used_swap_space_is_found),
		TEST(unreadable_mounts_and_swaps_are_unknown),
		TEST(a_mounted_9p_folder_is_found),
		TEST(a_mounted_virtiofs_is_found),
		TEST(interfaces_and_disks_far_below_a_device_are_listed),
		TEST(a_mounted_loop_device_on_a_disk_is_found),
		TEST(a_loop_device_on_a_renamed_node_is_found),
		TEST(loop_devices_on_files_are_followed),
		TEST(a_disk_that_caches_another_is_found),
		TEST(a_multipath_disk_belongs_to_each_controller),
		TEST(a_swap_file_on_a_disk_is_found),
		TEST(exported_disks_are_found),
		TEST(an_exported_controller_is_found),
		TEST(a_disk_whose_users_cannot_be_read_is_unknown),
		TEST(exports_that_cannot_be_listed_are_unknown),
		TEST(mounts_in_other_namespaces_are_found),
		TEST(unreadable_namespaces_are_unknown_if_the_disk_is_not_opened),
		TEST(data_on_an_unused_disk_is_found),
		TEST(a_disk_that_cannot_be_opened_is_unknown),
		TEST(an_interface_that_is_down_has_no_findings),
		TEST(routes_through_an_interface_are_found),
		TEST(routes_of_all_tables_and_next_hops_are_found),
		TEST(many_routes_are_counted),
		TEST(routes_through_a_bridge_on_a_bond_are_found),
		TEST(an_interface_far_below_a_device_is_found),
		TEST(the_route_to_the_ssh_client_is_found),
		TEST(an_unknown_ssh_connection_may_go_through_any_interface),
		TEST(the_ssh_connection_is_read_from_a_parent_of_sudo),
		TEST(an_interface_that_a_container_has_is_found),
		TEST(an_interface_in_a_mounted_namespace_is_found),
		TEST(an_interface_that_is_not_found_is_refused),
		TEST(namespaces_that_cannot_be_searched_are_reported),
		TEST(netlink_failures_are_unknown),
		TEST(a_dump_that_changes_is_read_again),
		TEST(an_interface_of_another_sysfs_is_unknown),
		TEST(routes_are_not_part_of_a_recording),
		TEST(file_systems_on_servers_are_found),
		TEST(disks_on_servers_are_found),
		TEST(the_system_on_a_disk_of_a_server_is_found),
		TEST(the_boot_display_and_its_console_are_found),
		TEST(the_boot_display_needs_no_driver),
		TEST(the_firmwares_framebuffer_is_found),
		TEST(memory_of_the_firmware_is_found),
		TEST(a_required_vf_token_is_found),
		TEST(a_power_switch_above_the_device_is_found),
		TEST(a_power_switch_that_is_not_used_is_no_finding),
		TEST(power_settings_that_cannot_be_read_are_unknown),
		TEST(a_serial_console_is_found),
		TEST(a_virtio_console_is_found),
		TEST(open_nodes_are_found),
		TEST(all_kinds_of_open_nodes_are_found),
		TEST(an_armed_watchdog_is_found),
		TEST(an_armed_watchdog_without_a_device_is_found),
		TEST(a_vm_with_a_vdpa_device_is_found),
		TEST(nodes_are_matched_by_device_number),
		TEST(descendants_that_cannot_be_listed_are_unknown),
		TEST(processes_that_cannot_be_inspected_are_unknown),
		TEST(open_nodes_of_an_nvme_disk_are_found),
		TEST(open_nodes_of_a_multipath_nvme_disk_are_found),
		TEST(peers_consumers_and_vfs_are_found),
		TEST(release_of_a_device_with_vfs_is_refused),
		TEST(a_held_device_behind_a_vmd_is_found),
		TEST(only_refused_hazards_can_be_allowed),
		TEST(an_interface_without_vfs_has_no_settings),
	};

	return cmocka_run_group_tests_name("binder-hazard", tests, NULL, NULL);
}
