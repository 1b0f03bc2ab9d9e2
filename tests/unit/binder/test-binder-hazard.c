/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Safety checks of displays, open nodes and related devices, and their names. */
#include "tests/unit/binder/hazardfixture.h"

#include "probe/probe.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

static void an_unused_device_has_no_findings(void **state)
{
	(void)state;
	add_device(0x010802, "nvme");
	add_disk("nvme0n1", "259:0\n");
	assert_string_equal(find(), "");
}

static void a_device_that_cannot_be_read_completely_is_unknown(void **state)
{
	(void)state;
	add_device(0x120000, "xdma");
	assert_string_equal(find(), "");
	fakesys_remove(fake, AT "reset_method");
	fakesys_directory(fake, AT "reset_method");
	assert_contains(find(), "unknown: not all of its attributes could be read\n");
	assert_contains(find_with_view(hazards_find_removal, (struct hazard_view){0}),
			"unknown: not all of its attributes could be read\n");
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
	host_netlink_init(&host, 10);
	assert_int_equal(rtnetlink_vfs(&host.netlink, if_nametoindex("lo"), true, count_vf, &count),
			 0);
	assert_int_equal(count, 0);
	assert_int_equal(rtnetlink_vfs(&host.netlink, INT32_MAX, true, count_vf, &count), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_unused_device_has_no_findings),
		TEST(a_device_that_cannot_be_read_completely_is_unknown),
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

	return cmocka_run_group_tests_name("binder-hazard", tests, NULL, report);
}
