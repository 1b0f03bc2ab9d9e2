/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/ownership/ownership.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

#include <sys/stat.h>
#include <unistd.h>

static struct fakesys *fake;
static const char *helper; /* asks libvirt */
static struct log_capture captured;
static struct probe *probe;
static struct inventory *inventory;
static struct seen seen;

#define PROCESS(pid, words) fakesys_process(fake, pid, words)
#define WORDS(words) (words), sizeof(words)

static void holds(unsigned pid, unsigned fd, const char *target)
{
	fakesys_descriptor(fake, pid, fd, target);
}

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	helper = NULL;
	captured = (struct log_capture){0};
	PROCESS(1, "/sbin/init");
	fakesys_add_process(fake, 2, "", 0); /* a kernel thread */
	return 0;
}

static void forget(void)
{
	inventory_free(inventory);
	probe_free(probe);
	inventory = NULL;
	probe = NULL;
}

static int teardown(void **state)
{
	(void)state;
	forget();
	fakesys_free(fake);
	return 0;
}

static unsigned sources = OWNER_ALL;
static struct rule_list slots = {.key = "-s", .kind = RULE_SLOT};

static void look(void)
{
	struct probe_options options = {
		.slots = &slots,
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.details = DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP,
		.owners = &sources,
		.libvirt_helper = helper,
		.observer = see,
		.observer_data = &seen,
	};

	forget();
	seen.text[0] = '\0';
	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
}

static const struct pci_device *device_at(const char *text)
{
	struct pci_address address;
	const struct pci_device *device;

	assert_int_equal(address_parse(text, &address), 0);
	device = inventory_find(inventory, &address);
	assert_non_null(device);
	return device;
}

static const char *state_of(const char *address)
{
	return ownership_name(device_at(address)->ownership);
}

#define GPU .vendor = 0x10de, .device = 0x2204, .class = 0x030000

static void a_vm_holds_its_device(void **state)
{
	const struct owner *owner;

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .group = "20");
	fakesys_pci(fake, "0000:00:00.0", .vendor = 0x8086, .device = 0x29c0, .class = 0x060000);
	PROCESS(42, "/usr/bin/qemu-system-x86_64\0-name\0guest=one-7\0-uuid\0u-u-i-d\0-device\0"
		    "vfio-pci,host=0000:01:00.0,bus=pcie.0,addr=0x3");
	holds(42, 5, "/dev/vfio/vfio");
	holds(42, 6, "/dev/vfio/17");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
	assert_string_equal(state_of("03:00.0"), "host");
	assert_string_equal(state_of("04:00.0"), "free");
	assert_string_equal(state_of("00:00.0"), "host");
	owner = &device_at("01:00.0")->owners[0];
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_int_equal(owner->pid, 42);
	assert_int_equal(owner->started, 1042);
	assert_string_equal(owner->name, "one-7");
	assert_string_equal(owner->uuid, "u-u-i-d");
	assert_string_equal(owner->program, "qemu-system-x86_64");
	assert_string_equal(owner->frontend, "opennebula");
	assert_string_equal(owner->frontend_id, "7");
	assert_string_equal(owner->guest_address, "0000:00:03.0");
	assert_string_equal(owner->source, "vfio+cmdline");
	assert_string_equal(captured.text, "");
}

/* What the frontend of DEVICE's only owner calls it: "kubevirt shop/web". */
static const char *frontend_of(const char *address)
{
	static char text[256];
	const struct owner *owner = &device_at(address)->owners[0];

	assert_int_equal(device_at(address)->owner_count, 1);
	snprintf(text, sizeof(text), "%s %s", owner->frontend ? owner->frontend : "-",
		 owner->frontend_id ? owner->frontend_id : "-");
	return text;
}

#define POD "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1"
#define POD_CGROUP "0::/kubepods/besteffort/pod" POD "/x\n"
#define SANDBOX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_process_shows_its_frontend(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "vfio-pci", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .driver = "vfio-pci", .group = "20");
	PROCESS(42, "/usr/libexec/qemu-kvm\0-name\0guest=shop_web,debug-threads=on\0-device\0"
		    "{\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\"}");
	holds(42, 6, "/dev/vfio/17");
	fakesys_file(fake, "proc/42/cgroup", POD_CGROUP);
	fakesys_user(fake, 42,
		     "107\t107\t107\t107"); /* it holds its device, so its name is believed */
	PROCESS(43,
		"qemu-system-x86_64\0-S\0-name\0one-42\0-readconfig\0/run/incus/shop_one-42/qemu.conf");
	holds(43, 6, "/dev/vfio/18");
	PROCESS(44, "cloud-hypervisor\0--api-socket\0/run/vc/vm/" SANDBOX "/clh-api.sock");
	holds(44, 6, "/dev/vfio/19");
	fakesys_file(fake, "proc/44/cgroup", POD_CGROUP);
	PROCESS(45, "dpdk-testpmd\0-name\0guest=shop_web");
	holds(45, 6, "/dev/vfio/20");
	fakesys_file(fake, "proc/45/cgroup", POD_CGROUP);
	look();
	assert_string_equal(frontend_of("01:00.0"), "kubevirt shop/web");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "shop_web");
	assert_string_equal(device_at("01:00.0")->owners[0].pod, POD);
	assert_string_equal(frontend_of("02:00.0"), "incus shop/one-42");
	assert_null(device_at("02:00.0")->owners[0].pod);
	assert_string_equal(frontend_of("03:00.0"), "kata " SANDBOX);
	assert_string_equal(device_at("03:00.0")->owners[0].pod, POD);
	assert_string_equal(frontend_of("04:00.0"), "- -");
	assert_null(strstr(seen.text, "proc/45/cgroup")); /* only VM monitors are asked */
	assert_null(strstr(seen.text, "proc/1/cgroup"));
	/* what can't be read tells nothing */
	fakesys_remove(fake, "proc/42/cgroup");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(frontend_of("01:00.0"), "- -");
	/* and what holds nothing is not asked */
	fakesys_remove(fake, "proc/43/fd/6");
	look();
	assert_string_equal(state_of("02:00.0"), "free");
	assert_int_equal(device_at("02:00.0")->owner_count, 0);
}

static void a_host_that_gives_none_away_is_not_walked(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .group = "20");
	look();
	assert_null(strstr(seen.text, "proc/1"));
	assert_string_equal(state_of("04:00.0"), "free");
}

static void in_a_shared_group_the_command_line_decides(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "qemu-system-x86_64\0-name\0a\0-device\0vfio-pci,host=01:00.1");
	holds(42, 6, "/dev/vfio/17");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_string_equal(state_of("01:00.1"), "held");
	/* whatever of it is asked for */
	rule_list_add(&slots, "01:00.0", "-s", NULL);
	look();
	rule_list_free(&slots);
	assert_int_equal(inventory->selected, 1);
	assert_string_equal(state_of("01:00.0"), "free");
}

static void what_no_command_line_names_is_held_all_the_same(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "mlx5_vfio_pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	/* pulled out while the VM has it: it has no driver any more */
	fakesys_pci(fake, "0000:03:00.0", GPU, .group = "19");
	fakesys_group_node(fake, "19");
	PROCESS(42, "qemu-system-x86_64\0-name\0plugged");
	holds(42, 6, "/dev/vfio/17");
	holds(42, 7, "/dev/vfio/19");
	PROCESS(43, "/usr/bin/dpdk-testpmd\0-a\0"
		    "0000:02:00.0");
	holds(43, 6, "/dev/vfio/18");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "plugged");
	assert_string_equal(state_of("02:00.0"), "held");
	assert_null(device_at("02:00.0")->owners[0].name);
	assert_string_equal(device_at("02:00.0")->owners[0].program, "dpdk-testpmd");
	assert_string_equal(state_of("03:00.0"), "held");
}

static void iommufd_nodes_are_single_devices(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:01:00.1");
	PROCESS(42, "qemu-system-x86_64\0-name\0a");
	holds(42, 6, "/dev/iommu");
	holds(42, 7, "/dev/vfio/devices/vfio1");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_true(device_at("01:00.0")->group_held);
	assert_string_equal(state_of("01:00.1"), "held");
	/* a vendor's driver assigns it, on a kernel without groups */
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "nvidia", .group = "18");
	fakesys_device_node(fake, 2, "0000:02:00.0");
	holds(42, 8, "/dev/vfio/devices/vfio2");
	look();
	assert_string_equal(state_of("02:00.0"), "held");
}

/* The IOMMU group of a mediated device of 0000:08:00.0, and its node. */
static void mdev_group(const char *uuid, const char *group)
{
	char path[128], target[64];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/0000:08:00.0/%s/iommu_group", uuid);
	snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s", group);
	fakesys_link(fake, path, target);
	fakesys_group_node(fake, group);
}

static void parts_of_a_device_can_have_many_owners(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_link(
		fake, "sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01",
		"../../../devices/pci0000:00/0000:08:00.0/4b20d080-1b54-4048-85b3-a6a62d165c01");
	fakesys_link(
		fake, "sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c02",
		"../../../devices/pci0000:00/0000:08:00.0/4b20d080-1b54-4048-85b3-a6a62d165c02");
	mdev_group("4b20d080-1b54-4048-85b3-a6a62d165c01", "90");
	mdev_group("4b20d080-1b54-4048-85b3-a6a62d165c02", "91");
	PROCESS(42,
		"qemu-kvm\0-name\0one\0-device\0vfio-pci,sysfsdev=/sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01");
	holds(42, 6, "/dev/vfio/90");
	PROCESS(43,
		"qemu-kvm\0-name\0two\0-device\0vfio-pci,sysfsdev=/sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c02");
	holds(43, 6, "/dev/vfio/91");
	look();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_int_equal(device_at("08:00.0")->owner_count, 2);
	assert_string_equal(device_at("08:00.0")->owners[0].mdev + 34,
			    device_at("08:00.0")->owners[0].pid == 42 ? "01" : "02");
	assert_false(device_has_conflict(device_at("08:00.0")));
	/* unplugged from its VM, whose command line still has it */
	fakesys_remove(fake, "proc/43/fd/6");
	look();
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
	assert_string_equal(device_at("08:00.0")->owners[0].name, "one");
}

static void a_mediated_device_has_a_node_of_its_own(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_link(
		fake, "sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01",
		"../../../devices/pci0000:00/0000:08:00.0/4b20d080-1b54-4048-85b3-a6a62d165c01");
	fakesys_device_node(fake, 0, "0000:08:00.0/4b20d080-1b54-4048-85b3-a6a62d165c01");
	PROCESS(42, "qemu-kvm\0-name\0one");
	holds(42, 6, "/dev/vfio/devices/vfio0");
	look();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(device_at("08:00.0")->owners[0].mdev,
			    "4b20d080-1b54-4048-85b3-a6a62d165c01");
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
}

#define MDEV "4b20d080-1b54-4048-85b3-a6a62d165c01"

static void mdev_of_a_native_driver(void)
{
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_link(fake, "sys/bus/mdev/devices/" MDEV,
		     "../../../devices/pci0000:00/0000:08:00.0/" MDEV);
	mdev_group(MDEV, "90");
	fakesys_device_node(fake, 0, "0000:08:00.0/" MDEV);
	fakesys_link(fake, "sys/kernel/iommu_groups/90/devices/" MDEV,
		     "../../../../devices/pci0000:00/0000:08:00.0/" MDEV);
}

static void the_kernel_tells_which_mediated_device_a_descriptor_is_of(void **state)
{
	(void)state;
	mdev_of_a_native_driver();
	PROCESS(42, "qemu-kvm\0-name\0one");
	holds(42, 6, "anon_inode:[vfio-device]");
	fakesys_file(fake, "proc/42/fdinfo/6",
		     "flags:\t02\nvfio-device-syspath: /sys/devices/pci0000:00/0000:08:00.0/" MDEV
		     "\n");
	look();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_int_equal(device_at("08:00.0")->owner_count, 1);
	assert_string_equal(device_at("08:00.0")->owners[0].mdev, MDEV);
	assert_false(inventory->unlocated);
}

static void who_has_a_mediated_device_may_be_unseen(void **state)
{
	(void)state;
	mdev_of_a_native_driver();
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_vfio_count(fake, 1);
	look();
	assert_string_equal(state_of("08:00.0"), "host");
	/* in flight in a socket */
	fakesys_vfio_count(fake, 4);
	look();
	assert_string_equal(state_of("08:00.0"), "unknown");
	assert_contains(device_at("08:00.0")->unknown_reason, "something that no process shows");
	assert_string_equal(state_of("03:00.0"), "host");
}

/* For a device of vfio-pci the attribute "enable" says whether it is open; for these nothing does.
 */
static void a_device_descriptor_may_be_of_a_device_that_nothing_tells_of(void **state)
{
	(void)state;
	mdev_of_a_native_driver();
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 1, "0000:01:00.0");
	fakesys_file(fake, "sys/bus/pci/devices/0000:01:00.0/enable", "0\n");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "nvidia", .group = "19");
	fakesys_device_node(fake, 2, "0000:02:00.0");
	fakesys_vfio_count(fake, 2);
	PROCESS(42, "my-vmm");
	holds(42, 6, "anon_inode:[vfio-device]");
	look();
	assert_string_equal(state_of("08:00.0"), "unknown");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_contains(device_at("02:00.0")->unknown_reason, "it is not known which one");
	assert_string_equal(state_of("01:00.0"), "free");
	/* it has a group open too, whose only device accounts for one descriptor, and not for two
	 */
	fakesys_vfio_count(fake, 4);
	holds(42, 7, "/dev/vfio/90");
	look();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "host");
	fakesys_vfio_count(fake, 5);
	holds(42, 8, "anon_inode:[vfio-device]");
	look();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_string_equal(state_of("01:00.0"), "free");
}

/* A group can be opened only once: they share it, by fork or because it was passed on. */
static void processes_that_share_a_group_are_one_owner(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(41, "descriptor-broker");
	holds(41, 6, "/dev/vfio/17");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	holds(42, 6, "/dev/vfio/17");
	PROCESS(43, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	holds(43, 6, "/dev/vfio/17");
	look();
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_false(device_has_conflict(device_at("01:00.0")));
}

static void a_device_that_was_given_back_is_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	/* unplugged from the VM, whose command line still has it */
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
}

static void without_rights_nothing_is_free(void **state)
{
	char path[128];

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .group = "20");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	holds(42, 6, "/dev/vfio/17");
	assert_int_equal(chmod(fake->path, 0755), 0);
	for (unsigned pid = 1; pid <= 42; pid += pid == 1 ? 1 : 40) {
		snprintf(path, sizeof(path), "%s/proc/%u/fd", fake->path, pid);
		assert_int_equal(chmod(path, 0), 0);
	}
	assert_int_equal(seteuid(65534), 0);
	look();
	assert_int_equal(seteuid(0), 0);
	/* what the command line says is known; what nobody could see is not */
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "cmdline");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "host");
	assert_string_equal(state_of("04:00.0"), "free");
	assert_int_equal(inventory->unseen, 2);
}

static void with_hidepid_nothing_is_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_remove(fake, "proc/1/stat");
	fakesys_remove(fake, "proc/1/cmdline");
	PROCESS(99, "bash");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_remove(fake, "proc/1");
	look();
	assert_string_equal(state_of("01:00.0"), "unknown");
}

static void a_recording_has_no_processes(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_remove(fake, "proc");
	look();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "host");
	assert_string_equal(captured.text, "");
}

static void processes_that_end_meanwhile_were_not_there(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	/* only what is left of them while they end: no stat, no command line, a number that is none
	 */
	fakesys_directory(fake, "proc/50");
	fakesys_directory(fake, "proc/51/fd");
	holds(52, 6, "/dev/vfio/17");
	fakesys_directory(fake, "proc/53x");
	fakesys_directory(fake, "proc/self");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_string_equal(captured.text, "");
}

/* How a source fared: "vfio ok". */
static const char *fared(unsigned source)
{
	static char text[1024];
	const struct source_report *report = &inventory->sources[__builtin_ctz(source)];

	snprintf(text, sizeof(text), "%s %s%s%s", report->name, source_state_name(report->state),
		 *report->why ? ": " : "", report->why);
	return text;
}

static void sources_can_be_switched_off(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .group = "19");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	holds(42, 6, "/dev/vfio/17");
	look();
	assert_string_equal(state_of("01:00.1"), "free");
	assert_true(device_at("01:00.1")->group_held);
	assert_string_equal(fared(OWNER_VFIO), "vfio ok");
	assert_string_equal(fared(OWNER_PROXMOX), "proxmox absent");
	/* nobody asks for names: the group is one */
	sources = OWNER_VFIO;
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio");
	assert_string_equal(state_of("01:00.1"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
	assert_string_equal(fared(OWNER_CMDLINE), "cmdline off");
	/* without the processes nothing that they could have is known to be free */
	sources = OWNER_CMDLINE;
	look();
	assert_string_equal(device_at("01:00.0")->owners[0].source, "cmdline");
	assert_string_equal(state_of("02:00.0"), "unknown");
	sources = 0;
	look();
	assert_null(strstr(seen.text, "proc/1"));
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "free");
	sources = OWNER_ALL;
}

static void proxmox_configurations_reserve(void **state)
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
	look();
	assert_string_equal(state_of("01:00.0"), "reserved");
	assert_string_equal(state_of("01:00.1"), "reserved");
	assert_string_equal(device_at("01:00.0")->owners[0].frontend_id, "105");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "web");
	assert_string_equal(state_of("04:00.0"), "free");
	assert_string_equal(fared(OWNER_PROXMOX), "proxmox ok");
	/* the VM has one of a mapping's devices, and needs no other */
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(inventory->host, "."), inventory->host);
	snprintf(text, sizeof(text),
		 "gpu\n\tmap node=%s,path=0000:02:00.0\n\tmap node=%s,path=0000:03:00.0\n", host,
		 host);
	fakesys_file(fake, "etc/pve/mapping/pci.cfg", text);
	fakesys_file(fake, "etc/pve/qemu-server/106.conf", "name: web\nhostpci0: mapping=gpu\n");
	look();
	assert_string_equal(state_of("02:00.0"), "reserved");
	assert_string_equal(state_of("03:00.0"), "reserved");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "106\0-name\0web\0-device\0vfio-pci,host=0000:02:00.0");
	holds(42, 6, "/dev/vfio/18");
	look();
	assert_string_equal(state_of("02:00.0"), "held");
	assert_int_equal(device_at("02:00.0")->owner_count, 1);
	assert_string_equal(state_of("03:00.0"), "free");
	/* what can't be made out may name any device */
	fakesys_file(fake, "etc/pve/qemu-server/107.conf", "hostpci0: ../../etc\n");
	look();
	assert_string_equal(state_of("03:00.0"), "unknown");
	assert_string_equal(state_of("01:00.0"), "reserved");
}

/* MDEV: of 0000:08:00.0, in group 90. */
static void make_mdev(const char *uuid)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/bus/mdev/devices/%s", uuid);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/0000:08:00.0/%s", uuid);
	fakesys_link(fake, path, target);
	mdev_group(uuid, "90");
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
	look();
	/* each of them needs a part of it, so nobody gets the whole */
	gpu = device_at("08:00.0");
	assert_string_equal(state_of("08:00.0"), "reserved");
	assert_int_equal(gpu->owner_count, 2);
	assert_false(device_has_conflict(gpu));
	assert_string_equal(gpu->owners[gpu->owners[0].frontend_id[2] == '5' ? 0 : 1].mdev,
			    PVE_MDEV);
	/* one of them runs */
	make_mdev(PVE_MDEV);
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "105\0-name\0web\0-device\0vfio-pci,sysfsdev=/sys/bus/mdev/devices/" PVE_MDEV);
	holds(42, 6, "/dev/vfio/90");
	look();
	gpu = device_at("08:00.0");
	assert_string_equal(state_of("08:00.0"), "held");
	assert_int_equal(gpu->owner_count, 2);
	assert_string_equal(gpu->owners[0].source, "cmdline+mdev+proxmox");
	assert_string_equal(gpu->owners[0].frontend_id, "105");
	assert_false(gpu->owners[0].reserves);
	assert_true(gpu->owners[1].reserves);
	assert_string_equal(gpu->owners[1].frontend_id, "106");
	assert_false(device_has_conflict(gpu));
	/* a VF that is of a type is assigned as a whole */
	fakesys_pci(fake, "0000:08:00.4", GPU, .driver = "nvidia", .group = "19");
	fakesys_device_node(fake, 0, "0000:08:00.4");
	fakesys_file(fake, "sys/bus/pci/devices/0000:08:00.4/nvidia/current_vgpu_type", "63\n");
	fakesys_file(fake, "etc/pve/qemu-server/107.conf",
		     "hostpci0: 0000:08:00.4,mdev=nvidia-63\n");
	look();
	assert_string_equal(state_of("08:00.4"), "reserved");
	assert_null(device_at("08:00.4")->owners[0].mdev);
}

static void a_mapping_reserves_a_mediated_device_where_it_is(void **state)
{
	char host[65], text[512];

	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_pci(fake, "0000:09:00.0", GPU, .driver = "nvidia", .group = "18");
	look();
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(inventory->host, "."), inventory->host);
	snprintf(text, sizeof(text),
		 "gpu\n\tmap node=%s,path=0000:08:00.0\n\tmap node=%s,path=0000:09:00.0\n", host,
		 host);
	fakesys_file(fake, "etc/pve/mapping/pci.cfg", text);
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "hostpci1: mapping=gpu,mdev=nvidia-63\n");
	look();
	assert_string_equal(state_of("08:00.0"), "reserved");
	assert_string_equal(state_of("09:00.0"), "reserved");
	/* made of one of them: the other isn't needed any more, whether that one is selected or not
	 */
	make_mdev(PVE_MDEV);
	look();
	assert_string_equal(state_of("08:00.0"), "reserved");
	assert_string_equal(state_of("09:00.0"), "host");
	rule_list_add(&slots, "09:00.0", "-s", NULL);
	look();
	rule_list_free(&slots);
	assert_string_equal(state_of("09:00.0"), "host");
}

static void a_mediated_device_of_proxmox_names_its_vm(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	make_mdev(PVE_MDEV);
	PROCESS(42, "my-wrapper");
	holds(42, 6, "/dev/vfio/90");
	/* anybody else could have made one with such a UUID */
	look();
	assert_string_equal(frontend_of("08:00.0"), "- -");
	fakesys_directory(fake, "run/qemu-server");
	look();
	assert_string_equal(frontend_of("08:00.0"), "proxmox 105");
	assert_string_equal(device_at("08:00.0")->owners[0].source, "mdev+proxmox");
	fakesys_file(fake, "etc/pve/qemu-server/105.conf",
		     "name: web\nhostpci1: 0000:08:00.0,mdev=nvidia-63\n");
	look();
	assert_string_equal(frontend_of("08:00.0"), "proxmox 105");
	assert_string_equal(device_at("08:00.0")->owners[0].name, "web");
	assert_string_equal(state_of("08:00.0"), "held");
	/* left behind by a VM that has ended */
	fakesys_remove(fake, "proc/42/fd/6");
	fakesys_remove(fake, "etc/pve/qemu-server/105.conf");
	look();
	assert_string_equal(state_of("08:00.0"), "host");
}

static void a_pid_of_another_process_is_no_vm(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "200\0-name\0other");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 105 pid:42\n");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 200 pid:42\n");
	look();
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
		      WORDS("/usr/bin/kvm\0-id\0"
			    "105"));
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].frontend_id, "105");
	/* all threads have ended */
	fakesys_file(fake, "proc/42/task/43/cmdline", "");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
}

static void a_users_process_is_no_proxmox_vm(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:01:00.0 105 pid:42\n");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "105");
	fakesys_user(fake, 42, "65534\t65534\t65534\t65534");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	/* started by the user, with root's rights */
	fakesys_user(fake, 42, "65534\t0\t0\t0");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	/* whose it is can't be read */
	fakesys_file(fake, "proc/42/status", "");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
}

static void what_proxmox_notes_is_believed_while_it_is_true(void **state)
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
	holds(42, 6, "/dev/vfio/17");
	snprintf(
		text, sizeof(text),
		"0000:01:00.0 105 pid:42\n"
		"0000:02:00.0 106 pid:4242\n" /* it has ended */
		"0000:03:00.0 107 time:%lld\n"
		"0000:04:00.0 108 time:%lld\n" /* that was then */
		"0000:05:00.0 109 time:99999999999x\n"
		"../../etc 1 pid:1\n0000:05:00.0 1e9 pid:42\n0000:05:00.0\n\n0000:05:00.0 110 pid:-42\n"
		"0000:09:00.0 110 pid:42\n",
		(long long)time(NULL) + 60, (long long)time(NULL) - 60);
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", text);
	look();
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
	assert_string_equal(fared(OWNER_PROXMOX), "proxmox ok");
	/* reserved for one, held by another */
	fakesys_file(fake, "run/qemu-server/pci-id-reservations",
		     "0000:01:00.0 200 time:99999999999\n");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_true(device_has_conflict(device_at("01:00.0")));
	/* it can't be read: who knows */
	fakesys_remove(fake, "run/qemu-server/pci-id-reservations");
	fakesys_directory(fake, "run/qemu-server/pci-id-reservations");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
}

/* A libvirt whose domains' devices are LINES, as helper/libvirt-domains prints them. */
static void domains(const char *lines)
{
	static char path[128];
	char script[2048];

	snprintf(path, sizeof(path), "%s/libvirt-domains", fake->path);
	snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", lines);
	fakesys_file(fake, "libvirt-domains", script);
	assert_int_equal(chmod(path, 0755), 0);
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	helper = path;
}

#define UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b"

static void domains_claim_devices(void **state)
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
	holds(42, 6, "/dev/vfio/1");
	PROCESS(43, "qemu-system-x86_64\0-name\0guest=by-hand");
	holds(43, 6, "/dev/vfio/5");
	domains("cat <<END\n"
		"runs pci 0000:01:00.0 0000:06:00.0 " UUID "1 one-1 - -\n"
		"defined pci 0000:02:00.0 - " UUID "2 one-2 - -\n"
		"defined pci 0000:03:00.0 - " UUID "2 one-2 - -\n"
		"defined pci 0000:04:00.0 - " UUID "2 one-2 - -\n"
		"defined pci 0000:04:00.0 - " UUID "3 one-3 - -\n"
		"defined pci 0000:05:00.0 - " UUID "2 one-2 - -\n"
		"defined pci 0000:01:00.0 - " UUID "1 one-1 - -\n"
		"runs pci 0000:08:00.0 - " UUID "1 one-1 - -\n"
		"runs pci 0000:99:00.0 - " UUID "1 one-1%0a%1b - -\n"
		"end 9\nEND");
	look();
	assert_string_equal(fared(OWNER_LIBVIRT), "libvirt ok");
	/* one VM, three witnesses; libvirt alone knows where the guest sees it */
	device = device_at("01:00.0");
	assert_int_equal(device->owner_count, 1);
	assert_string_equal(device->owners[0].source, "vfio+cmdline+libvirt");
	assert_false(device->owners[0].reserves);
	assert_string_equal(device->owners[0].guest_address, "0000:06:00.0");
	assert_string_equal(state_of("02:00.0"), "reserved");
	assert_string_equal(device_at("02:00.0")->owners[0].frontend_id, "2");
	assert_string_equal(
		state_of("03:00.0"),
		"reserved"); /* a managed one, which stays with the host until it starts */
	assert_false(device_has_conflict(device_at("03:00.0")));
	assert_string_equal(state_of("04:00.0"), "reserved");
	assert_true(device_has_conflict(device_at("04:00.0")));
	/* one has it, another wants it */
	assert_string_equal(state_of("05:00.0"), "held");
	assert_true(device_has_conflict(device_at("05:00.0")));
	assert_string_equal(state_of("06:00.0"), "free");
	assert_true(device_has_conflict(
		device_at("08:00.0"))); /* it can't run with a device that the host uses */
	assert_string_equal(
		captured.text,
		"warning: 0000:99:00.0: libvirt's domain 'one-1\n\033' runs with this device, which this host "
		"doesn't have (any more)\n");
}

static void a_libvirt_that_fails_leaves_devices_unknown(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	PROCESS(42, "qemu-kvm\0-name\0one");
	holds(42, 6, "/dev/vfio/17");
	domains("echo 'no rights' >&2; exit 1");
	look();
	assert_contains(fared(OWNER_LIBVIRT), "libvirt failed: ");
	assert_contains(fared(OWNER_LIBVIRT), "libvirt-sock-ro: no rights");
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "host");
	/* whoever doesn't want it asked doesn't miss it */
	sources = OWNER_ALL & ~(unsigned)OWNER_LIBVIRT;
	look();
	assert_string_equal(fared(OWNER_LIBVIRT), "libvirt off");
	assert_string_equal(state_of("02:00.0"), "free");
	sources = OWNER_ALL;
	/* nor does a build without it */
	helper = NULL;
	look();
	assert_string_equal(state_of("02:00.0"), "free");
	/* a socket and no program that could ask: it was not asked */
	helper = "/nonexistent/libvirt-domains";
	look();
	assert_string_equal(state_of("02:00.0"), "unknown");
}

static void a_domain_that_could_not_be_read_may_use_any_device(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:04:00.0", GPU, .driver = "vfio-pci", .group = "20");
	domains("echo unread db broken; echo 'defined pci 0000:02:00.0 - 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 web - -'; echo end 2");
	look();
	assert_contains(fared(OWNER_LIBVIRT), "libvirt partly: ");
	assert_contains(fared(OWNER_LIBVIRT), "domain 'db': broken");
	assert_string_equal(state_of("02:00.0"), "reserved");
	assert_string_equal(state_of("04:00.0"), "unknown");
}

/* A mediated device's own group tells, without any command line. */
static void parts_are_known_by_their_group(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", GPU, .driver = "nvidia", .group = "17");
	fakesys_link(
		fake, "sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01",
		"../../../devices/pci0000:00/0000:08:00.0/4b20d080-1b54-4048-85b3-a6a62d165c01");
	mdev_group("4b20d080-1b54-4048-85b3-a6a62d165c01", "90");
	PROCESS(42, "my-own-vmm");
	holds(42, 6, "/dev/vfio/90");
	look();
	assert_string_equal(state_of("08:00.0"), "held");
	assert_string_equal(device_at("08:00.0")->owners[0].mdev,
			    "4b20d080-1b54-4048-85b3-a6a62d165c01");
	assert_string_equal(device_at("08:00.0")->owners[0].source, "mdev");
	assert_string_equal(device_at("08:00.0")->owners[0].program, "my-own-vmm");
	assert_false(device_has_conflict(device_at("08:00.0")));
}

/* NVIDIA's vGPUs of SR-IOV devices: the maker's driver keeps the VF and hands it out itself. */
static void a_driver_may_hand_out_devices_itself(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.4", GPU, .driver = "nvidia", .group = "17");
	PROCESS(42,
		"qemu-kvm\0-name\0one\0-device\0vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:08:00.4");
	look();
	assert_string_equal(state_of("08:00.4"), "host");
	fakesys_group_node(fake, "17");
	holds(42, 6, "/dev/vfio/17");
	look();
	assert_string_equal(state_of("08:00.4"), "held");
	assert_false(device_has_conflict(device_at("08:00.4")));
}

static void odd_descriptors_are_nobodys(void **state)
{
	static const char *const targets[] = {
		"/dev/vfio/",	    "/dev/vfio/17x",
		"/dev/vfio/x",	    "/dev/vfio/devices/vfio",
		"/dev/vfio/../17",  "/dev/vfio/99999999999",
		"/tmp/dev/vfio/17", "anon_inode:[eventfd]",
		"socket:[17]",	    "/dev/vfio/17 (deleted)",
	};

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "qemu-kvm\0-name\0one");
	for (unsigned i = 0; i < COUNT(targets); i++)
		holds(42, 10 + i, targets[i]);
	look();
	assert_string_equal(state_of("01:00.0"), "free");
}

/* ---- in use, whatever the path says ---- */

static void enable(const char *address, const char *count)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/enable", address);
	fakesys_file(fake, path, count);
}

static void in_group(const char *group, const char *address)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%s/devices/%s", group, address);
	fakesys_link(fake, path, "../../../../devices/pci0000:00/nowhere");
}

/* Two devices, one of them held by PATH in process 42, which is open on group 17's number. */
static void held_by_path(const char *path)
{
	char node[128];

	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	snprintf(node, sizeof(node), "numbers%s", path);
	fakesys_file(fake, node, "246:17");
	PROCESS(42, "qemu-system-x86_64\0-name\0one");
	holds(42, 6, path);
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
}

static void a_node_that_was_unlinked_is_held(void **state)
{
	(void)state;
	held_by_path("/dev/vfio/17 (deleted)");
}

static void a_node_elsewhere_is_held(void **state)
{
	(void)state;
	held_by_path("/run/jail/dev/vfio/17");
}

static void a_node_of_any_name_is_held(void **state)
{
	(void)state;
	held_by_path("/tmp/null");
}

static void a_path_without_the_number_is_nobodys(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_file(fake, "home/dev/vfio/17", "just a file");
	PROCESS(42, "qemu-system-x86_64\0-name\0one-42\0-device\0vfio-pci,host=01:00.0");
	holds(42, 6, "/home/dev/vfio/17");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
}

/* Opening a node with O_PATH takes no rights, and holds nothing. */
static void a_path_descriptor_holds_nothing(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "qemu-system-x86_64\0-name\0one-42\0-device\0vfio-pci,host=01:00.0");
	fakesys_user(fake, 42, "65534\t65534\t65534\t65534");
	holds(42, 6, "/dev/vfio/17");
	fakesys_file(fake, "proc/42/fdinfo/6", "pos:\t0\nflags:\t012100000\n");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_int_equal(device_at("01:00.0")->owner_count, 0);
}

/* Of two in one group the VM has given one back. */
static void the_kernel_says_which_of_a_group_is_held(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	in_group("17", "0000:01:00.0");
	in_group("17", "0000:01:00.1");
	enable("0000:01:00.0", "0");
	enable("0000:01:00.1", "1");
	PROCESS(42,
		"qemu-system-x86_64\0-name\0one\0-device\0vfio-pci,host=01:00.0\0-device\0vfio-pci,host=01:00.1");
	holds(42, 6, "/dev/vfio/17");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_true(device_at("01:00.0")->group_held);
	assert_string_equal(state_of("01:00.1"), "held");
	/* the other one isn't selected */
	rule_list_add(&slots, "01:00.0", "-s", NULL);
	look();
	rule_list_free(&slots);
	assert_string_equal(state_of("01:00.0"), "free");
}

/* The group was closed, or the descriptor was passed on: the kernel doesn't tell which device it is
 * of. */
static void a_device_descriptor_is_of_the_device_that_is_open(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	fakesys_vfio_count(fake, 2);
	enable("0000:01:00.0", "1");
	enable("0000:02:00.0", "0");
	PROCESS(42, "my-vmm");
	holds(42, 6, "anon_inode:[vfio-device]");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_string_equal(state_of("02:00.0"), "free");
	/* it keeps its group open, which no process shows: that could be another one's */
	fakesys_vfio_count(fake, 3);
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	fakesys_vfio_count(fake, 2);
	/* two are open: which one it has is unknown, and neither is free */
	enable("0000:02:00.0", "1");
	look();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_contains(device_at("01:00.0")->unknown_reason, "the kernel has it open");
	/* two have one, and one device is open whose holder isn't known: it may be either's */
	enable("0000:02:00.0", "0");
	PROCESS(43, "my-vmm");
	holds(43, 6, "anon_inode:[vfio-device]");
	look();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("02:00.0"), "free");
	fakesys_remove(fake, "proc/43/fd/6");
	enable("0000:02:00.0", "1");
	/* unless the kernel tells */
	fakesys_file(fake, "proc/42/fdinfo/6",
		     "flags:\t02\nvfio-device-syspath: /sys/devices/pci0000:00/0000:02:00.0\n");
	look();
	assert_string_equal(state_of("02:00.0"), "held");
	assert_string_equal(state_of("01:00.0"), "unknown");
}

static void what_the_kernel_counts_and_nobody_has_makes_devices_unknown(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	fakesys_vfio_count(fake, 2);
	PROCESS(42, "qemu-system-x86_64\0-name\0one");
	holds(42, 6, "/dev/vfio/17");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
	/* in flight in a socket, in another PID namespace, registered with io_uring */
	fakesys_vfio_count(fake, 4);
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_contains(device_at("02:00.0")->unknown_reason,
			"VFIO is in use by something that no process shows (2 references");
	/* one is of VFIO's own file system */
	fakesys_vfio_count(fake, 3);
	look();
	assert_string_equal(state_of("02:00.0"), "free");
	assert_string_equal(state_of("03:00.0"), "host");
}

static void threads_have_tables_of_their_own(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_vfio_count(fake, 2);
	PROCESS(42, "my-vmm");
	fakesys_directory(fake, "proc/42/task/42/fd");
	fakesys_link(fake, "proc/42/task/43/fd/6", "/dev/vfio/17");
	fakesys_file(fake, "proc/42/task/43/fdinfo/6", "flags:\t02\n");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
}

static void a_vm_whose_main_thread_has_ended_keeps_its_name(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_vfio_count(fake, 2);
	fakesys_add_process(fake, 42, "", 0);
	fakesys_directory(fake, "proc/42/task/42/fd");
	fakesys_file(fake, "proc/42/task/42/cmdline", "");
	fakesys_link(fake, "proc/42/task/43/fd/6", "/dev/vfio/17");
	fakesys_file(fake, "proc/42/task/43/fdinfo/6", "flags:\t02\n");
	fakesys_bytes(fake, "proc/42/task/43/cmdline",
		      WORDS("qemu-kvm\0-name\0guest=one-7\0-device\0vfio-pci,host=01:00.0"));
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_string_equal(device_at("01:00.0")->owners[0].name, "one-7");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio+cmdline");
}

static void an_idle_kernel_proves_that_all_is_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_vfio_count(fake, 0);
	/* it can't be inspected, and need not be */
	fakesys_remove(fake, "proc/1/fd/0");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_file(fake, "proc/1/fd", "");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_null(strstr(seen.text, "proc/1/fd/"));
	assert_int_equal(inventory->unseen, 0);
	assert_string_equal(captured.text, "");
	/* one of its files is open: by whom? */
	fakesys_vfio_count(fake, 2);
	look();
	assert_string_equal(state_of("01:00.0"), "unknown");
}

/* QEMU opens it when the guest has agreed; until then only the command line says so. */
static void one_of_a_failover_pair_is_reserved(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_vfio_count(fake, 0);
	PROCESS(42,
		"qemu-system-x86_64\0-name\0one\0-device\0vfio-pci,host=01:00.0,failover_pair_id=net0");
	look();
	assert_string_equal(state_of("01:00.0"), "reserved");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	/* a stranger can say anything */
	fakesys_user(fake, 42, "65534\t65534\t65534\t65534");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_user(fake, 42, "65534\t0\t0\t0");
	look();
	assert_string_equal(state_of("01:00.0"), "free");
}

static void libvirt_knows_its_vms_better_than_their_command_lines(void **state)
{
	const struct owner *owner;

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "1");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "1");
	PROCESS(42, "qemu-system-x86_64\0-name\0guest=one-666\0-uuid\0" UUID "1\0-device\0"
		    "vfio-pci,host=0000:01:00.0,bus=pcie.0,addr=0x3");
	holds(42, 6, "/dev/vfio/1");
	domains("cat <<END\n"
		"runs pci 0000:01:00.0 0000:06:00.0 " UUID "1 one-7 - -\n"
		"end 1\nEND");
	look();
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	owner = &device_at("01:00.0")->owners[0];
	assert_string_equal(owner->name, "one-7");
	assert_string_equal(owner->frontend_id, "7");
	assert_string_equal(owner->guest_address, "0000:06:00.0");
	assert_true(device_at("01:00.1")->group_held);
	/* libvirt's word alone keeps the rest of the group from others too */
	sources = OWNER_LIBVIRT;
	look();
	sources = OWNER_ALL;
	assert_string_equal(state_of("01:00.0"), "held");
	assert_true(device_at("01:00.1")->group_held);
}

/* libvirt opens the node and passes it on: only its XML says where the guest has the device. */
static void libvirt_passes_descriptors_with_iommufd(void **state)
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
	holds(42, 23, "/dev/iommu");
	holds(42, 25, "/dev/vfio/devices/vfio0");
	holds(42, 26, "/dev/vfio/devices/vfio1");
	holds(40, 30, "/dev/vfio/devices/vfio1"); /* not closed yet */
	domains("cat <<END\n"
		"runs pci 0000:01:00.0 0000:06:00.0 " UUID "1 web - -\n"
		"runs pci 0000:01:00.1 0000:00:03.0 " UUID "1 web - -\n"
		"end 2\nEND");
	look();
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

/* Until QEMU has the descriptor, libvirt's daemon has it for the domain. */
static void libvirts_daemon_holds_for_a_domain_that_starts(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	PROCESS(40, "/usr/sbin/virtqemud\0--timeout\0"
		    "120");
	holds(40, 30, "/dev/vfio/devices/vfio0");
	domains("cat <<END\nruns pci 0000:01:00.0 0000:06:00.0 " UUID "1 web - -\nend 1\nEND");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 40);
	assert_string_equal(device_at("01:00.0")->owners[0].name, "web");
	assert_string_equal(device_at("01:00.0")->owners[0].guest_address, "0000:06:00.0");
	/* anybody can call himself so */
	fakesys_user(fake, 40, "65534\t65534\t65534\t65534");
	look();
	assert_int_equal(device_at("01:00.0")->owner_count, 2);
	assert_true(device_has_conflict(device_at("01:00.0")));
	/* another program that holds it is none that libvirt knows of */
	fakesys_file(fake, "proc/40/cmdline", "/usr/bin/dpdk-testpmd");
	fakesys_user(fake, 40, "0\t0\t0\t0");
	look();
	assert_int_equal(device_at("01:00.0")->owner_count, 2);
}

static void qemu_with_iommufd_holds_its_device(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	PROCESS(42, "qemu-system-x86_64\0-name\0web\0-object\0iommufd,id=iommufd0\0-device\0"
		    "vfio-pci,host=0000:01:00.0,iommufd=iommufd0,bus=pcie.0,addr=5");
	holds(42, 6, "/dev/iommu");
	holds(42, 7, "/dev/vfio/devices/vfio0");
	look();
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio+cmdline");
	assert_string_equal(device_at("01:00.0")->owners[0].guest_address, "0000:00:05.0");
	assert_string_equal(state_of("02:00.0"), "free");
	sources = OWNER_CMDLINE;
	look();
	sources = OWNER_ALL;
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "cmdline");
}

/* The target of a migration, too, opens one of a failover pair only when the guest runs there. */
static void a_migration_target_reserves_one_of_a_failover_pair(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	PROCESS(42,
		"qemu-system-x86_64\0-name\0web\0-incoming\0defer\0-object\0iommufd,id=iommufd0\0-device\0"
		"vfio-pci,host=0000:01:00.0,iommufd=iommufd0,failover_pair_id=net0\0-device\0vfio-pci,host=0000:02:00.0");
	holds(42, 7, "/dev/vfio/devices/vfio1");
	look();
	assert_string_equal(state_of("01:00.0"), "reserved");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_string_equal(state_of("02:00.0"), "held");
	holds(42, 8, "/dev/vfio/devices/vfio0");
	look();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
}

static void a_vf_that_nvidias_driver_assigns_can_be_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.4", GPU, .driver = "nvidia", .group = "17");
	fakesys_device_node(fake, 0, "0000:08:00.4");
	fakesys_file(fake, "sys/bus/pci/devices/0000:08:00.4/nvidia/current_vgpu_type", "0\n");
	look();
	assert_string_equal(state_of("08:00.4"), "host");
	fakesys_file(fake, "sys/bus/pci/devices/0000:08:00.4/nvidia/current_vgpu_type", "558\n");
	look();
	assert_string_equal(state_of("08:00.4"), "free");
	holds(42, 6, "/dev/vfio/devices/vfio0");
	PROCESS(42, "qemu-kvm\0-name\0one");
	look();
	assert_string_equal(state_of("08:00.4"), "held");
}

static void what_cannot_be_listed_is_unknown(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_remove(fake, "sys/class/vfio/17/dev");
	fakesys_remove(fake, "sys/class/vfio/17");
	fakesys_remove(fake, "sys/class/vfio");
	fakesys_file(fake, "sys/class/vfio", "no directory");
	look();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_contains(captured.text, "/sys/class/vfio: Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_vm_holds_its_device, setup, teardown),
		cmocka_unit_test_setup_teardown(a_process_shows_its_frontend, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_that_gives_none_away_is_not_walked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(in_a_shared_group_the_command_line_decides, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_no_command_line_names_is_held_all_the_same,
						setup, teardown),
		cmocka_unit_test_setup_teardown(iommufd_nodes_are_single_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_of_a_device_can_have_many_owners, setup,
						teardown),
		cmocka_unit_test_setup_teardown(processes_that_share_a_group_are_one_owner, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_device_that_was_given_back_is_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(with_hidepid_nothing_is_free, setup, teardown),
		cmocka_unit_test_setup_teardown(a_recording_has_no_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(processes_that_end_meanwhile_were_not_there, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sources_can_be_switched_off, setup, teardown),
		cmocka_unit_test_setup_teardown(proxmox_configurations_reserve, setup, teardown),
		cmocka_unit_test_setup_teardown(proxmox_reserves_mediated_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mapping_reserves_a_mediated_device_where_it_is,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_mediated_device_of_proxmox_names_its_vm, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_pid_of_another_process_is_no_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(what_proxmox_notes_is_believed_while_it_is_true,
						setup, teardown),
		cmocka_unit_test_setup_teardown(domains_claim_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(a_libvirt_that_fails_leaves_devices_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_domain_that_could_not_be_read_may_use_any_device,
						setup, teardown),
		cmocka_unit_test_setup_teardown(parts_are_known_by_their_group, setup, teardown),
		cmocka_unit_test_setup_teardown(a_driver_may_hand_out_devices_itself, setup,
						teardown),
		cmocka_unit_test_setup_teardown(odd_descriptors_are_nobodys, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mediated_device_has_a_node_of_its_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			the_kernel_tells_which_mediated_device_a_descriptor_is_of, setup, teardown),
		cmocka_unit_test_setup_teardown(who_has_a_mediated_device_may_be_unseen, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_device_descriptor_may_be_of_a_device_that_nothing_tells_of, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_node_that_was_unlinked_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_elsewhere_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_of_any_name_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_without_the_number_is_nobodys, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_path_descriptor_holds_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_kernel_says_which_of_a_group_is_held, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_device_descriptor_is_of_the_device_that_is_open,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_the_kernel_counts_and_nobody_has_makes_devices_unknown, setup,
			teardown),
		cmocka_unit_test_setup_teardown(threads_have_tables_of_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vm_whose_main_thread_has_ended_keeps_its_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_proxmox_vm_whose_main_thread_has_ended_still_runs,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_users_process_is_no_proxmox_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(an_idle_kernel_proves_that_all_is_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_of_a_failover_pair_is_reserved, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			libvirt_knows_its_vms_better_than_their_command_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(libvirt_passes_descriptors_with_iommufd, setup,
						teardown),
		cmocka_unit_test_setup_teardown(libvirts_daemon_holds_for_a_domain_that_starts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(qemu_with_iommufd_holds_its_device, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_migration_target_reserves_one_of_a_failover_pair,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_vf_that_nvidias_driver_assigns_can_be_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_listed_is_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(without_rights_nothing_is_free, setup,
						teardown), /* for root, who drops them */
	};

	return _cmocka_run_group_tests("ownership", tests, COUNT(tests) - (geteuid() != 0), NULL,
				       NULL);
}
