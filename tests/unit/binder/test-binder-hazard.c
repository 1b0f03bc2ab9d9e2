/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "binder/hazards/hazard.h"
#include "binder/hazards/ssh.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

#include <errno.h>

#define DEVICE "0000:01:00.0"
#define AT "sys/bus/pci/devices/" DEVICE "/"

static struct fakesys *fake;
static struct log_capture captured;
static char found[8192];

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	fakesys_file(fake, "proc/1/stat",
		     "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0\n");
	fakesys_directory(fake, "proc/1/fd");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	fakesys_file(fake, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_file(fake, "proc/net/route",
		     "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

/* Returns the findings for DEVICE, "name: text" on each line. VIEW has what is known of
 * the SSH connection. */
static const char *find_with_view(struct hazard_view view)
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
	view.root = probe_sysroot(probe);
	view.inventory = inventory;
	address_parse(DEVICE, &address);
	hazards_find(&view, inventory_find(inventory, &address), &findings);
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
	return find_with_view((struct hazard_view){.ssh_connection = ssh});
}

static const char *find(void)
{
	return find_with_ssh(NULL);
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

/* ---- network ---- */

static void add_interface(const char *name, const char *flags)
{
	char path[128];

	snprintf(path, sizeof(path), AT "net/%s/address", name);
	fakesys_file(fake, path, "52:54:00:00:00:01\n");
	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	fakesys_file(fake, path, flags);
}

static void an_interface_that_is_down_has_no_findings(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", "0x1002\n");
	assert_string_equal(find_with_ssh("10.0.0.1 50000 10.0.0.2 22"), "");
}

static void routes_through_an_interface_are_found(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", "0x1003\n");
	fakesys_file(
		fake, "proc/net/route",
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
		"eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
		"eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
		"eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	fakesys_file(
		fake, "proc/net/ipv6_route",
		"20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 "
		"00000100 00000001 00000000 00000001     eth0\n"
		"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 "
		"00000100 00000001 00000000 00000001     eth0\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 "
		"00000400 00000001 00000000 00000003     eth0\n"
		"20010db8000000000000000000000005 80 00000000000000000000000000000000 00 00000000000000000000000000000000 "
		"00000000 00000001 00000000 80200001     eth0\n");
	assert_string_equal(find(), "net-up: eth0 is up\n"
				    "default-route: the default route 0.0.0.0/0 goes through eth0\n"
				    "route: the route to 10.0.0.0/16 goes through eth0\n"
				    "route: the route to 2001:db8::/64 goes through eth0\n"
				    "default-route: the default route ::/0 goes through eth0\n");
}

static void routes_through_a_bridge_on_a_bond_are_found(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", "0x1002\n");
	fakesys_directory(fake, "sys/class/net/bond0");
	fakesys_directory(fake, "sys/class/net/br0");
	fakesys_link(fake, "sys/class/net/eth0/upper_bond0", "../bond0");
	fakesys_link(fake, "sys/class/net/bond0/upper_br0", "../br0");
	fakesys_link(fake, "sys/class/net/br0/upper_eth0", "../eth0"); /* a cycle does no harm */
	fakesys_file(fake, "proc/net/route",
		     "Iface\nbr0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	assert_string_equal(find(),
			    "default-route: the default route 0.0.0.0/0 goes through br0\n");
}

static void the_route_to_the_ssh_client_is_found(void **state)
{
	static const struct {
		const char *connection;
		bool is_found;
	} cases[] = {
		{"10.0.5.5 50000 10.0.0.2 22", true},
		{"192.168.0.9 50000 192.168.0.2 22", false},
		{"8.8.8.8 1 2.2.2.2 22", false},
		{"2001:db8::9 1 2001:db8::1 22", true},
		{"2001:db9::9 1 2001:db8::1 22", false},
		{"fe80::1%eth0 1 fe80::2%eth0 22", true},
		{"fe80::1%eth1 1 fe80::2%eth1 22", false},
		{"nonsense", false},
		{"", false},
	};

	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", "0x1002\n");
	fakesys_file(fake, "proc/net/route",
		     "Iface\n"
		     "eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
		     "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
	fakesys_file(
		fake, "proc/net/ipv6_route",
		"20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 "
		"00000100 00000001 00000000 00000001     eth0\n");
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(strstr(find_with_ssh(cases[i].connection), "ssh: ") != NULL,
				 cases[i].is_found);
}

/* sudo removes it from its environment; the shell that started sudo still has it. */
static void an_unknown_ssh_connection_may_go_through_any_interface(void **state)
{
	const struct hazard_view view = {.ssh_error = -ETIMEDOUT};

	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", "0x1002\n");
	assert_contains(find_with_view(view),
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

static void an_interface_in_another_namespace_is_reported(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	assert_string_equal(
		find(), "net-hidden: no network interface is visible, but it is bound to e1000e\n");
}

/* ---- displays, nodes, related devices ---- */

static void the_boot_display_and_its_console_are_found(void **state)
{
	(void)state;
	add_device(0x030000, "i915");
	fakesys_file(fake, AT "boot_vga", "1\n");
	fakesys_directory(fake, AT "graphics/fb0");
	fakesys_file(fake, "sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon0/bind", "1\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/bind", "0\n");
	assert_string_equal(find(), "boot-vga: boot_vga is 1\n");
	fakesys_file(fake, "sys/class/vtconsole/vtcon1/bind", "1\n");
	assert_contains(find(), "console: the virtual console uses a framebuffer, and fb0 is one");
}

static void the_boot_display_needs_no_driver(void **state)
{
	(void)state;
	add_device(0x030000, NULL);
	fakesys_file(fake, AT "boot_vga", "1\n");
	assert_string_equal(find(), "boot-vga: boot_vga is 1\n");
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

static void a_serial_console_is_found(void **state)
{
	(void)state;
	add_device(0x070002, "serial");
	fakesys_directory(fake, AT "tty/ttyS4");
	fakesys_file(fake, "proc/consoles",
		     "tty0                 -WU (EC  p  )    4:7\nttyS40 -W-\n");
	assert_string_equal(find(), "");
	fakesys_file(fake, "proc/consoles", "ttyS4                -W- (EC  p a)    4:68\n");
	assert_contains(find(), "console: the kernel console is on ttyS4");
}

/* Makes descriptor FD of process PID refer to PATH, a node with device number NUMBER. */
static void open_node(unsigned pid, unsigned fd, const char *path, const char *number)
{
	char node[128];

	snprintf(node, sizeof(node), "numbers%s", path);
	fakesys_file(fake, node, number);
	fakesys_descriptor(fake, pid, fd, path);
}

static void open_nodes_are_found(void **state)
{
	(void)state;
	add_device(0x030000, "nvidia");
	fakesys_file(fake, AT "drm/renderD128/dev", "226:128\n");
	fakesys_file(fake, AT "sound/card2/controlC2/dev", "116:7\n");
	fakesys_file(fake, AT "sound/card2/id", "NVidia\n");
	fakesys_file(fake, "proc/driver/nvidia/gpus/" DEVICE "/information",
		     "Model: \t X\nDevice Minor: \t 3\n");
	fakesys_process(fake, 50, "/usr/lib/xorg/Xorg");
	open_node(50, 3, "/dev/dri/renderD128", "226:128");
	open_node(50, 4, "/dev/dri/renderD128", "226:128");
	open_node(50, 5, "/dev/nvidia3", "195:3");
	open_node(50, 6, "/dev/nvidia31", "195:31");
	open_node(50, 7, "/dev/dri/renderD129", "226:129");
	fakesys_process(fake, 51, "/usr/bin/pipewire");
	open_node(51, 9, "/dev/snd/controlC2", "116:7");
	assert_string_equal(find(), "open: process 50 (Xorg) has /dev/dri/renderD128 open\n"
				    "open: process 51 (pipewire) has /dev/snd/controlC2 open\n"
				    "open: process 50 (Xorg) has /dev/nvidia3 open\n");
}

/* A container has its own /dev, and udev can recreate a node. */
static void nodes_are_matched_by_device_number(void **state)
{
	(void)state;
	add_device(0x030000, "nvidia");
	fakesys_file(fake, AT "drm/renderD128/dev", "226:128\n");
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
	fakesys_file(fake, AT "drm/renderD128/dev", "226:128\n");
	fakesys_file(fake, "proc/50/cmdline", "a");
	fakesys_file(fake, "proc/50/fd", ""); /* ENOTDIR */
	fakesys_file(fake, "proc/51/cmdline", "b");
	fakesys_file(fake, "proc/51/fd/3", ""); /* not a link: EINVAL */
	fakesys_directory(fake, "proc/52");	/* has exited */
	assert_string_equal(find(),
			    "unknown: 2 processes that may have it open could not be inspected\n");
}

static void nodes_that_cannot_be_listed_are_unknown(void **state)
{
	(void)state;
	add_device(0x030000, "nvidia");
	fakesys_directory(fake, AT "drm/card0/dev");
	assert_string_equal(find(), "unknown: its device nodes could not be listed: "
				    "drm: Is a directory\n");
	fakesys_remove(fake, AT "drm/card0/dev");
	fakesys_file(fake, AT "drm/card0/dev", "226\n");
	assert_contains(find(), "unknown: its device nodes could not be listed: drm: ");
}

static void open_nodes_of_an_nvme_disk_are_found(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	add_partition("nvme0n1", "nvme0n1p2", "259:2\n");
	fakesys_file(fake, AT "nvme/nvme0/dev", "240:0\n");
	fakesys_file(fake, AT "nvme/nvme0/ng0n1/dev", "239:0\n");
	fakesys_process(fake, 50, "qemu");
	open_node(50, 3, "/dev/nvme0n1", "b259:0");
	open_node(50, 4, "/dev/nvme01", "259:2");
	open_node(50, 5, "/dev/disk/by-id/x", "b259:2");
	open_node(50, 6, "/dev/ng0n1", "239:0");
	assert_string_equal(find(), "open: process 50 (qemu) has /dev/ng0n1 open\n"
				    "open: process 50 (qemu) has /dev/nvme0n1 open\n"
				    "open: process 50 (qemu) has /dev/nvme0n1p2 open\n");
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
		TEST(an_interface_that_is_down_has_no_findings),
		TEST(routes_through_an_interface_are_found),
		TEST(routes_through_a_bridge_on_a_bond_are_found),
		TEST(the_route_to_the_ssh_client_is_found),
		TEST(an_unknown_ssh_connection_may_go_through_any_interface),
		TEST(the_ssh_connection_is_read_from_a_parent_of_sudo),
		TEST(an_interface_in_another_namespace_is_reported),
		TEST(the_boot_display_and_its_console_are_found),
		TEST(the_boot_display_needs_no_driver),
		TEST(memory_of_the_firmware_is_found),
		TEST(a_serial_console_is_found),
		TEST(open_nodes_are_found),
		TEST(nodes_are_matched_by_device_number),
		TEST(nodes_that_cannot_be_listed_are_unknown),
		TEST(processes_that_cannot_be_inspected_are_unknown),
		TEST(open_nodes_of_an_nvme_disk_are_found),
		TEST(peers_consumers_and_vfs_are_found),
		TEST(only_refused_hazards_can_be_allowed),
	};

	return cmocka_run_group_tests_name("binder-hazard", tests, NULL, NULL);
}
