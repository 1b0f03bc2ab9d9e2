/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other sources of ownership: mediated devices, Proxmox VE and libvirt. */
#include "tests/unit/ownership/fixture.h"

#include <sys/stat.h>

#define MDEV "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define OTHER_MDEV "4b20d080-1b54-4048-85b3-a6a62d165c02"

/* Adds the kernel's link to a mediated device of 0000:08:00.0. */
static void link_mdev(const char *uuid)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/bus/mdev/devices/%s", uuid);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/0000:08:00.0/%s", uuid);
	fakesys_link(fake, path, target);
}

/* Adds the IOMMU group of a mediated device of 0000:08:00.0, and the group's node. */
static void add_mdev_group(const char *uuid, const char *group)
{
	char path[128], target[64];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/0000:08:00.0/%s/iommu_group", uuid);
	snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s", group);
	fakesys_link(fake, path, target);
	fakesys_group_node(fake, group);
}

static void mediated_devices_of_one_parent_can_have_different_owners(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	link_mdev(MDEV);
	link_mdev(OTHER_MDEV);
	add_mdev_group(MDEV, "90");
	add_mdev_group(OTHER_MDEV, "91");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,sysfsdev=/sys/bus/mdev/devices/" MDEV);
	add_descriptor(42, 6, "/dev/vfio/90");
	PROCESS(43,
		"qemu-kvm\0-name\0two\0-device\0vfio-pci,sysfsdev=/sys/bus/mdev/devices/" OTHER_MDEV);
	add_descriptor(43, 6, "/dev/vfio/91");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_int_equal(device_at("08:00.0")->owner_count, 2);
	assert_string_equal(device_at("08:00.0")->owners[0].mdev + 34,
			    device_at("08:00.0")->owners[0].pid == 42 ? "01" : "02");
	assert_false(device_has_conflict(device_at("08:00.0")));
	/* unplugged from its VM; it is still on the command line */
	fakesys_remove(fake, "proc/43/fd/6");
	read_inventory();
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
	assert_string_equal(device_at("08:00.0")->owners[0].name, "one");
}

static void a_mediated_device_is_held_by_its_own_node(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	link_mdev(MDEV);
	fakesys_device_node(fake, 0, "0000:08:00.0/" MDEV);
	PROCESS(42, "qemu-kvm\0-name\0one");
	add_descriptor(42, 6, "/dev/vfio/devices/vfio0");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(device_at("08:00.0")->owners[0].mdev, MDEV);
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
}

static void a_mediated_device_is_held_by_its_group(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	link_mdev(MDEV);
	add_mdev_group(MDEV, "90");
	PROCESS(42, "my-own-vmm");
	add_descriptor(42, 6, "/dev/vfio/90");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(device_at("08:00.0")->owners[0].mdev, MDEV);
	assert_string_equal(device_at("08:00.0")->owners[0].source, "mdev");
	assert_string_equal(device_at("08:00.0")->owners[0].program, "my-own-vmm");
	assert_false(device_has_conflict(device_at("08:00.0")));
}

static void add_mdev_of_host_driver(void)
{
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	link_mdev(MDEV);
	add_mdev_group(MDEV, "90");
	fakesys_device_node(fake, 0, "0000:08:00.0/" MDEV);
	fakesys_link(fake, "sys/kernel/iommu_groups/90/devices/" MDEV,
		     "../../../../devices/pci0000:00/0000:08:00.0/" MDEV);
}

static void fdinfo_identifies_a_mediated_device(void **state)
{
	(void)state;
	add_mdev_of_host_driver();
	PROCESS(42, "qemu-kvm\0-name\0one");
	add_descriptor(42, 6, "anon_inode:[vfio-device]");
	fakesys_file(fake, "proc/42/fdinfo/6",
		     "flags:\t02\nvfio-device-syspath: /sys/devices/pci0000:00/0000:08:00.0/" MDEV
		     "\n");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
	assert_string_equal(device_at("08:00.0")->owners[0].mdev, MDEV);
	assert_false(inventory->unlocated);
}

static void a_parent_is_unknown_if_module_references_are_unaccounted_for(void **state)
{
	(void)state;
	add_mdev_of_host_driver();
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_vfio_count(fake, 1);
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "host");
	/* e.g. a descriptor in flight in a socket */
	fakesys_vfio_count(fake, 4);
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "unknown");
	assert_contains(device_at("08:00.0")->unknown_reason, "not by a visible process");
	assert_string_equal(state_of("03:00.0"), "host");
}

/* The attribute "enable" shows whether a device is open only for vfio-pci. */
static void an_unidentified_descriptor_may_be_of_any_device_without_open_state(void **state)
{
	(void)state;
	add_mdev_of_host_driver();
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 1, "0000:01:00.0");
	fakesys_file(fake, "sys/bus/pci/devices/0000:01:00.0/enable", "0\n");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "nvidia", .group = "19");
	fakesys_device_node(fake, 2, "0000:02:00.0");
	fakesys_vfio_count(fake, 2);
	PROCESS(42, "my-vmm");
	add_descriptor(42, 6, "anon_inode:[vfio-device]");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "unknown");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_contains(device_at("02:00.0")->unknown_reason, "could not be identified");
	assert_string_equal(state_of("01:00.0"), "free");
	/* an open group with one device accounts for one device descriptor, not for two */
	fakesys_vfio_count(fake, 4);
	add_descriptor(42, 7, "/dev/vfio/90");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "host");
	fakesys_vfio_count(fake, 5);
	add_descriptor(42, 8, "anon_inode:[vfio-device]");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_string_equal(state_of("01:00.0"), "free");
}

/* A source's state and the reason: "vfio ok". */
static const char *source_state(unsigned source)
{
	static char text[1024];
	const struct source_report *report = &inventory->sources[__builtin_ctz(source)];

	snprintf(text, sizeof(text), "%s %s%s%s", report->name, source_state_name(report->state),
		 *report->why ? ": " : "", report->why);
	return text;
}

static void sources_can_be_disabled(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .group = "19");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("01:00.1"), "free");
	assert_true(device_at("01:00.1")->group_held);
	assert_string_equal(source_state(OWNER_VFIO), "vfio ok");
	assert_string_equal(source_state(OWNER_PROXMOX), "proxmox absent");
	/* without command lines, all devices of the group are held */
	sources = OWNER_VFIO;
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio");
	assert_string_equal(state_of("01:00.1"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
	assert_string_equal(source_state(OWNER_CMDLINE), "cmdline off");
	/* without the source vfio, no VFIO device is known to be free */
	sources = OWNER_CMDLINE;
	read_inventory();
	assert_string_equal(device_at("01:00.0")->owners[0].source, "cmdline");
	assert_string_equal(state_of("02:00.0"), "unknown");
	sources = 0;
	read_inventory();
	assert_null(strstr(seen.text, "proc/1"));
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "free");
	sources = OWNER_ALL;
}

static void proxmox_configurations_reserve_devices(void **state)
{
	char host[65], text[512];

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "vfio-pci", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .driver = "vfio-pci", .group = "20");
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "name: web\nhostpci0: 0000:01:00,pcie=1\n[old]\nhostpci1: 04:00.0\n");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "reserved");
	assert_string_equal(state_of("01:00.1"), "reserved");
	assert_string_equal(device_at("01:00.0")->owners[0].frontend_id, "105");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "web");
	assert_string_equal(state_of("04:00.0"), "free");
	assert_string_equal(source_state(OWNER_PROXMOX), "proxmox ok");
	/* a mapping reserves all its devices until the VM has one of them */
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(inventory->host, "."), inventory->host);
	snprintf(text, sizeof(text),
		 "gpu\n\tmap node=%s,path=0000:02:00.0\n\tmap node=%s,path=0000:03:00.0\n", host,
		 host);
	fakesys_file(fake, "etc/pve/mapping/pci.cfg", text);
	fakesys_file(fake, "etc/pve/qemu-server/106.conf", "name: web\nhostpci0: mapping=gpu\n");
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "reserved");
	assert_string_equal(state_of("03:00.0"), "reserved");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "106\0-name\0web\0-device\0vfio-pci,host=0000:02:00.0");
	add_descriptor(42, 6, "/dev/vfio/18");
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "held");
	assert_int_equal(device_at("02:00.0")->owner_count, 1);
	assert_string_equal(state_of("03:00.0"), "free");
	/* an invalid configuration may name any device */
	fakesys_file(fake, "etc/pve/qemu-server/107.conf", "hostpci0: ../../etc\n");
	read_inventory();
	assert_string_equal(state_of("03:00.0"), "unknown");
	assert_string_equal(state_of("01:00.0"), "reserved");
}

/* Adds a mediated device of 0000:08:00.0, in group 90. */
static void add_mdev(const char *uuid)
{
	link_mdev(uuid);
	add_mdev_group(uuid, "90");
}

#define PVE_MDEV "00000001-0000-0000-0000-000000000105"

static void proxmox_reserves_mediated_devices(void **state)
{
	const struct pci_device *gpu;

	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_pci(fake, "0000:09:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "name: web\nhostpci1: 0000:08:00.0,mdev=nvidia-63\n");
	fakesys_file(fake, "etc/pve/qemu-server/106.conf",
		     "name: db\nhostpci0: 0000:08:00,mdev=nvidia-63\n");
	read_inventory();
	/* both VMs need a mediated device of it, so the parent itself is not available */
	gpu = device_at("08:00.0");
	assert_string_equal(state_of("08:00.0"), "reserved");
	assert_int_equal(gpu->owner_count, 2);
	assert_false(device_has_conflict(gpu));
	assert_string_equal(gpu->owners[gpu->owners[0].frontend_id[2] == '5' ? 0 : 1].mdev,
			    PVE_MDEV);
	/* one of the VMs is running */
	add_mdev(PVE_MDEV);
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "105\0-name\0web\0-device\0vfio-pci,sysfsdev=/sys/bus/mdev/devices/" PVE_MDEV);
	add_descriptor(42, 6, "/dev/vfio/90");
	read_inventory();
	gpu = device_at("08:00.0");
	assert_string_equal(state_of("08:00.0"), "held");
	assert_int_equal(gpu->owner_count, 2);
	assert_string_equal(gpu->owners[0].source, "cmdline+mdev+proxmox");
	assert_string_equal(gpu->owners[0].frontend_id, "105");
	assert_false(gpu->owners[0].reserves);
	assert_true(gpu->owners[1].reserves);
	assert_string_equal(gpu->owners[1].frontend_id, "106");
	assert_false(device_has_conflict(gpu));
	/* a VF with a vGPU type is assigned as a whole */
	fakesys_pci(fake, "0000:08:00.4", GPU, .driver = "nvidia", .group = "19");
	fakesys_device_node(fake, 0, "0000:08:00.4");
	fakesys_file(fake, "sys/bus/pci/devices/0000:08:00.4/nvidia/current_vgpu_type", "63\n");
	fakesys_file(fake, "etc/pve/qemu-server/107.conf",
		     "hostpci0: 0000:08:00.4,mdev=nvidia-63\n");
	read_inventory();
	assert_string_equal(state_of("08:00.4"), "reserved");
	assert_null(device_at("08:00.4")->owners[0].mdev);
}

static void a_mapping_reserves_only_the_parent_of_an_existing_mediated_device(void **state)
{
	char host[65], text[512];

	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_pci(fake, "0000:09:00.0", GPU, .driver = "nvidia", .group = "18");
	read_inventory();
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(inventory->host, "."), inventory->host);
	snprintf(text, sizeof(text),
		 "gpu\n\tmap node=%s,path=0000:08:00.0\n\tmap node=%s,path=0000:09:00.0\n", host,
		 host);
	fakesys_file(fake, "etc/pve/mapping/pci.cfg", text);
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "hostpci1: mapping=gpu,mdev=nvidia-63\n");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "reserved");
	assert_string_equal(state_of("09:00.0"), "reserved");
	/* its mediated device exists: the other parent is not reserved, whether the first is
	   selected or not */
	add_mdev(PVE_MDEV);
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "reserved");
	assert_string_equal(state_of("09:00.0"), "host");
	rule_list_add(&slots, "09:00.0", "-s", NULL);
	read_inventory();
	rule_list_free(&slots);
	assert_string_equal(state_of("09:00.0"), "host");
}

static void the_uuid_of_a_proxmox_mediated_device_identifies_its_vm(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	add_mdev(PVE_MDEV);
	PROCESS(42, "my-wrapper");
	add_descriptor(42, 6, "/dev/vfio/90");
	/* on other hosts the UUID has no meaning */
	read_inventory();
	assert_string_equal(frontend_of("08:00.0"), "- -");
	fakesys_directory(fake, "run/qemu-server");
	read_inventory();
	assert_string_equal(frontend_of("08:00.0"), "proxmox 105");
	assert_string_equal(device_at("08:00.0")->owners[0].source, "mdev+proxmox");
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "name: web\nhostpci1: 0000:08:00.0,mdev=nvidia-63\n");
	read_inventory();
	assert_string_equal(frontend_of("08:00.0"), "proxmox 105");
	assert_string_equal(device_at("08:00.0")->owners[0].name, "web");
	assert_string_equal(state_of("08:00.0"), "held");
	/* the VM has ended, the mediated device still exists */
	fakesys_remove(fake, "proc/42/fd/6");
	fakesys_remove(fake, "etc/pve/qemu-server/105.conf");
	read_inventory();
	assert_string_equal(state_of("08:00.0"), "host");
}

static void the_uuid_of_a_proxmox_mediated_device_outranks_a_command_line(void **state)
{
	const struct owner *owner;

	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	add_mdev(PVE_MDEV);
	fakesys_directory(fake, "run/qemu-server");
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "name: web\nhostpci1: 0000:08:00.0,mdev=nvidia-63\n");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "999\0-name\0other");
	add_descriptor(42, 6, "/dev/vfio/90");
	read_inventory();
	assert_string_equal(frontend_of("08:00.0"), "proxmox 105");
	owner = &device_at("08:00.0")->owners[0];
	assert_string_equal(owner->name, "web");
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
	fakesys_bytes(fake, "proc/42/cmdline", ARGS("/usr/bin/kvm\0-name\0guest=one-42"));
	read_inventory();
	assert_string_equal(frontend_of("08:00.0"), "proxmox 105");
	/* the cgroup is the kernel's word */
	fakesys_remove(fake, "etc/pve/qemu-server/105.conf");
	fakesys_file(
		fake, "proc/42/cgroup",
		"0::/kubepods.slice/kubepods-pod2c4e0b0c_7b1a_4f53_8d5a_0d4e33c0e1b1.slice/x\n");
	fakesys_bytes(fake, "proc/42/cmdline", ARGS("/usr/bin/kvm\0-name\0guest=ns_vm"));
	read_inventory();
	assert_string_equal(frontend_of("08:00.0"), "kubevirt ns/vm");
}

static void a_reservation_with_a_reused_pid_is_ignored(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "200\0-name\0other");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 105 pid:42\n");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 200 pid:42\n");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
}

static void a_proxmox_vm_whose_main_thread_has_ended_still_runs(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 105 pid:42\n");
	fakesys_add_process(fake, 42, "", 0);
	fakesys_file(fake, "proc/42/task/42/cmdline", "");
	fakesys_bytes(fake, "proc/42/task/43/cmdline",
		      ARGS("/usr/bin/kvm\0-id\0"
			   "105"));
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].frontend_id, "105");
	/* all threads have ended */
	fakesys_file(fake, "proc/42/task/43/cmdline", "");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
}

static void a_reservation_with_an_untrusted_process_is_ignored(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 105 pid:42\n");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "105");
	fakesys_user(fake, 42, "65534\t65534\t65534\t65534");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	/* started by the user, with root's rights */
	fakesys_user(fake, 42, "65534\t0\t0\t0");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	/* user ids that can't be read */
	fakesys_file(fake, "proc/42/status", "");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
}

static void proxmox_reservations_count_while_they_are_valid(void **state)
{
	char text[512];

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "vfio-pci", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .driver = "vfio-pci", .group = "20");
	fakesys_pci(fake, "0000:05:00.0", GPU, .driver = "vfio-pci", .group = "21");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "105\0-name\0web,debug-threads=on\0-device\0vfio-pci,host=0000:01:00.0");
	add_descriptor(42, 6, "/dev/vfio/17");
	snprintf(
		text, sizeof(text),
		"0000:01:00.0 105 pid:42\n"
		"0000:02:00.0 106 pid:4242\n" /* ended */
		"0000:03:00.0 107 time:%lld\n"
		"0000:04:00.0 108 time:%lld\n" /* expired */
		"0000:05:00.0 109 time:99999999999x\n"
		"../../etc 1 pid:1\n0000:05:00.0 1e9 pid:42\n0000:05:00.0\n\n0000:05:00.0 110 pid:-42\n"
		"0000:09:00.0 110 pid:42\n",
		(long long)time(NULL) + 60, (long long)time(NULL) - 60);
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", text);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio+cmdline+proxmox");
	assert_string_equal(device_at("01:00.0")->owners[0].frontend, "proxmox");
	assert_string_equal(device_at("01:00.0")->owners[0].frontend_id, "105");
	assert_string_equal(state_of("02:00.0"), "free");
	assert_string_equal(state_of("03:00.0"), "reserved");
	assert_true(device_at("03:00.0")->owners[0].reserves);
	assert_string_equal(device_at("03:00.0")->owners[0].frontend_id, "107");
	assert_int_equal(device_at("03:00.0")->owners[0].pid, 0);
	assert_string_equal(state_of("04:00.0"), "free");
	assert_string_equal(state_of("05:00.0"), "free");
	assert_string_equal(source_state(OWNER_PROXMOX), "proxmox ok");
	/* reserved for one VM, held by another */
	fakesys_file(fake, "run/qemu-server/pci-id-reservations",
		     "0000:01:00.0 200 time:99999999999\n");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_true(device_has_conflict(device_at("01:00.0")));
	/* the file can't be read */
	fakesys_remove(fake, "run/qemu-server/pci-id-reservations");
	fakesys_directory(fake, "run/qemu-server/pci-id-reservations");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
}

/* Adds libvirt, with a shell script LINES as libvirt-domains. */
static void add_libvirt(const char *lines)
{
	static char path[128];
	char script[2048];

	snprintf(path, sizeof(path), "%s/libvirt-domains", fake->path);
	snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", lines);
	fakesys_file(fake, "libvirt-domains", script);
	assert_int_equal(chmod(path, 0755), 0);
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	libvirt_helper = path;
}

#define UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b"

static void libvirt_domains_claim_devices(void **state)
{
	const struct pci_device *device;

	(void)state;
	for (unsigned i = 1; i <= 8; i++) {
		char address[16], group[4];

		snprintf(address, sizeof(address), "0000:%02x:00.0", i);
		snprintf(group, sizeof(group), "%u", i);
		fakesys_add(fake, address,
			    (struct fakesys_device){GPU, .group = group,
						    .driver = i == 3 || i == 8 ? "nouveau"
									       : "vfio-pci"});
	}
	PROCESS(42, "qemu-system-x86_64\0-name\0guest=one-1,debug-threads=on\0-uuid\0" UUID
		    "1\0-device\0"
		    "vfio-pci,host=0000:01:00.0");
	add_descriptor(42, 6, "/dev/vfio/1");
	PROCESS(43, "qemu-system-x86_64\0-name\0guest=by-hand");
	add_descriptor(43, 6, "/dev/vfio/5");
	add_libvirt("cat <<END\n"
		    "runs pci 0000:01:00.0 0000:06:00.0 " UUID "1 one-1 - - 52:54:00:00:00:01 100\n"
		    "defined pci 0000:02:00.0 - " UUID "2 one-2 - - 52:54:00:00:00:02 200\n"
		    "defined pci 0000:03:00.0 - " UUID "2 one-2 - -\n"
		    "defined pci 0000:04:00.0 - " UUID "2 one-2 - -\n"
		    "defined pci 0000:04:00.0 - " UUID "3 one-3 - -\n"
		    "defined pci 0000:05:00.0 - " UUID "2 one-2 - -\n"
		    "defined pci 0000:01:00.0 - " UUID "1 one-1 - -\n"
		    "runs pci 0000:08:00.0 - " UUID "1 one-1 - -\n"
		    "runs pci 0000:99:00.0 - " UUID "1 one-1%0a%1b - -\n"
		    "end 9\nEND");
	read_inventory();
	assert_string_equal(source_state(OWNER_LIBVIRT), "libvirt ok");
	/* three sources for one VM; only libvirt knows the guest address */
	device = device_at("01:00.0");
	assert_int_equal(device->owner_count, 1);
	assert_string_equal(device->owners[0].source, "vfio+cmdline+libvirt");
	assert_false(device->owners[0].reserves);
	assert_string_equal(device->owners[0].guest_address, "0000:06:00.0");
	assert_string_equal(device->owners[0].mac, "52:54:00:00:00:01");
	assert_true(device->owners[0].has_vlan);
	assert_int_equal(device->owners[0].vlan, 100);
	assert_true(device_has_stated_settings(device));
	assert_string_equal(state_of("02:00.0"), "reserved");
	assert_string_equal(device_at("02:00.0")->owners[0].frontend_id, "2");
	assert_false(device_has_stated_settings(device_at("02:00.0")));
	assert_string_equal(
		state_of("03:00.0"),
		"reserved"); /* managed: bound to the host driver until the domain starts */
	assert_false(device_has_conflict(device_at("03:00.0")));
	assert_string_equal(state_of("04:00.0"), "reserved");
	assert_true(device_has_conflict(device_at("04:00.0")));
	/* held by one VM, reserved for another */
	assert_string_equal(state_of("05:00.0"), "held");
	assert_true(device_has_conflict(device_at("05:00.0")));
	assert_string_equal(state_of("06:00.0"), "free");
	assert_true(device_has_conflict(
		device_at("08:00.0"))); /* a running domain, but bound to a host driver */
	assert_string_equal(
		captured.text,
		"warning: 0000:99:00.0: no such device (in use by the running libvirt domain 'one-1\n\033')\n");
}

static void devices_are_unknown_if_libvirt_fails(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	PROCESS(42, "qemu-kvm\0-name\0one");
	add_descriptor(42, 6, "/dev/vfio/17");
	add_libvirt("echo 'no rights' >&2; exit 1");
	read_inventory();
	assert_contains(source_state(OWNER_LIBVIRT), "libvirt failed: ");
	assert_contains(source_state(OWNER_LIBVIRT), "libvirt-sock-ro: no rights");
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "host");
	/* with libvirt disabled */
	sources = OWNER_ALL & ~(unsigned)OWNER_LIBVIRT;
	read_inventory();
	assert_string_equal(source_state(OWNER_LIBVIRT), "libvirt off");
	assert_string_equal(state_of("02:00.0"), "free");
	sources = OWNER_ALL;
	/* built without libvirt */
	libvirt_helper = NULL;
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "free");
	/* without the helper program */
	libvirt_helper = "/nonexistent/libvirt-domains";
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "unknown");
}

static void devices_are_unknown_if_a_domain_could_not_be_read(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:04:00.0", GPU, .driver = "vfio-pci", .group = "20");
	add_libvirt(
		"echo unread db broken; echo 'defined pci 0000:02:00.0 - 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 web - -'; echo end 2");
	read_inventory();
	assert_contains(source_state(OWNER_LIBVIRT), "libvirt partly: ");
	assert_contains(source_state(OWNER_LIBVIRT), "domain 'db': broken");
	assert_string_equal(state_of("02:00.0"), "reserved");
	assert_string_equal(state_of("04:00.0"), "unknown");
}

static void libvirt_outranks_the_command_line(void **state)
{
	const struct owner *owner;

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "1");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "1");
	PROCESS(42, "qemu-system-x86_64\0-name\0guest=one-666\0-uuid\0" UUID "1\0-device\0"
		    "vfio-pci,host=0000:01:00.0,bus=pcie.0,addr=0x3");
	add_descriptor(42, 6, "/dev/vfio/1");
	add_libvirt("cat <<END\n"
		    "runs pci 0000:01:00.0 0000:06:00.0 " UUID "1 one-7 - -\n"
		    "end 1\nEND");
	read_inventory();
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	owner = &device_at("01:00.0")->owners[0];
	assert_string_equal(owner->name, "one-7");
	assert_string_equal(owner->frontend_id, "7");
	assert_string_equal(owner->guest_address, "0000:06:00.0");
	assert_true(device_at("01:00.1")->group_held);
	/* also without other sources the rest of the group is unavailable */
	sources = OWNER_LIBVIRT;
	read_inventory();
	sources = OWNER_ALL;
	assert_string_equal(state_of("01:00.0"), "held");
	assert_true(device_at("01:00.1")->group_held);
}

/* libvirt opens the node and passes the descriptor: only its XML has the guest address. */
static void libvirt_can_pass_iommufd_descriptors_to_qemu(void **state)
{
	static const char *const guests[] = {"0000:06:00.0", "0000:00:03.0"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char address[16];

		snprintf(address, sizeof(address), "0000:01:00.%u", i);
		fakesys_add(fake, address,
			    (struct fakesys_device){GPU, .driver = "vfio-pci", .group = "17"});
		fakesys_device_node(fake, i, address);
	}
	fakesys_vfio_count(fake, 4);
	PROCESS(40, "/usr/sbin/virtqemud\0--timeout\0"
		    "120");
	PROCESS(42,
		"/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-uuid\0" UUID
		"1\0-object\0"
		"{\"qom-type\":\"iommufd\",\"id\":\"iommufd0\",\"fd\":\"23\"}\0-device\0"
		"{\"driver\":\"vfio-pci\",\"id\":\"hostdev0\",\"iommufd\":\"iommufd0\",\"fd\":\"25\"}\0-device\0"
		"{\"driver\":\"vfio-pci\",\"id\":\"hostdev1\",\"iommufd\":\"iommufd0\",\"fd\":\"26\"}");
	add_descriptor(42, 23, "/dev/iommu");
	add_descriptor(42, 25, "/dev/vfio/devices/vfio0");
	add_descriptor(42, 26, "/dev/vfio/devices/vfio1");
	add_descriptor(40, 30, "/dev/vfio/devices/vfio1"); /* the daemon has not closed it yet */
	add_libvirt("cat <<END\n"
		    "runs pci 0000:01:00.0 0000:06:00.0 " UUID "1 web - -\n"
		    "runs pci 0000:01:00.1 0000:00:03.0 " UUID "1 web - -\n"
		    "end 2\nEND");
	read_inventory();
	for (unsigned i = 0; i < 2; i++) {
		const struct pci_device *device = device_at(i ? "01:00.1" : "01:00.0");

		assert_string_equal(ownership_name(device->ownership), "held");
		assert_int_equal(device->owner_count, 1);
		assert_int_equal(device->owners[0].pid, 42);
		assert_string_equal(device->owners[0].source, "vfio+libvirt");
		assert_string_equal(device->owners[0].guest_address, guests[i]);
		assert_false(device_has_conflict(device));
	}
}

static void libvirts_daemon_holds_the_devices_of_a_starting_domain(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	PROCESS(40, "/usr/sbin/virtqemud\0--timeout\0"
		    "120");
	add_descriptor(40, 30, "/dev/vfio/devices/vfio0");
	add_libvirt("cat <<END\nruns pci 0000:01:00.0 0000:06:00.0 " UUID "1 web - -\nend 1\nEND");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 40);
	assert_string_equal(device_at("01:00.0")->owners[0].name, "web");
	assert_string_equal(device_at("01:00.0")->owners[0].guest_address, "0000:06:00.0");
	/* any user's program can have this name */
	fakesys_user(fake, 40, "65534\t65534\t65534\t65534");
	read_inventory();
	assert_int_equal(device_at("01:00.0")->owner_count, 2);
	assert_true(device_has_conflict(device_at("01:00.0")));
	/* a holder other than libvirt's daemon is another owner */
	fakesys_file(fake, "proc/40/cmdline", "/usr/bin/dpdk-testpmd");
	fakesys_user(fake, 40, "0\t0\t0\t0");
	read_inventory();
	assert_int_equal(device_at("01:00.0")->owner_count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mediated_devices_of_one_parent_can_have_different_owners),
		TEST(a_mediated_device_is_held_by_its_own_node),
		TEST(a_mediated_device_is_held_by_its_group),
		TEST(fdinfo_identifies_a_mediated_device),
		TEST(a_parent_is_unknown_if_module_references_are_unaccounted_for),
		TEST(an_unidentified_descriptor_may_be_of_any_device_without_open_state),
		TEST(sources_can_be_disabled),
		TEST(proxmox_configurations_reserve_devices),
		TEST(proxmox_reserves_mediated_devices),
		TEST(a_mapping_reserves_only_the_parent_of_an_existing_mediated_device),
		TEST(the_uuid_of_a_proxmox_mediated_device_identifies_its_vm),
		TEST(the_uuid_of_a_proxmox_mediated_device_outranks_a_command_line),
		TEST(a_reservation_with_a_reused_pid_is_ignored),
		TEST(a_proxmox_vm_whose_main_thread_has_ended_still_runs),
		TEST(a_reservation_with_an_untrusted_process_is_ignored),
		TEST(proxmox_reservations_count_while_they_are_valid),
		TEST(libvirt_domains_claim_devices),
		TEST(devices_are_unknown_if_libvirt_fails),
		TEST(devices_are_unknown_if_a_domain_could_not_be_read),
		TEST(libvirt_outranks_the_command_line),
		TEST(libvirt_can_pass_iommufd_descriptors_to_qemu),
		TEST(libvirts_daemon_holds_the_devices_of_a_starting_domain),
	};

	return cmocka_run_group_tests_name("ownership-sources", tests, NULL, NULL);
}
