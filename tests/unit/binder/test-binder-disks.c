/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Safety checks of disks. */
#include "config.h"

#include "tests/unit/binder/hazardfixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

	findings->no_memory = hazard_list_interfaces(view, device, &names) < 0 ||
			      hazard_list_blocks(view, device, &names) < 0 ||
			      view->descendants_error;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("binder-disks", tests, NULL, report);
}
