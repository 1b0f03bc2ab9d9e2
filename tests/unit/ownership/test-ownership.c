/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership as a whole: VMs and their names, and what is known without permissions or processes. */
#include "tests/unit/ownership/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

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
	add_descriptor(42, 5, "/dev/vfio/vfio");
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
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

#define POD "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1"
#define POD_CGROUP "0::/kubepods/besteffort/pod" POD "/x\n"
#define SANDBOX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void the_frontend_is_found_by_cgroup_or_path(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "vfio-pci", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .driver = "vfio-pci", .group = "20");
	PROCESS(42, "/usr/libexec/qemu-kvm\0-name\0guest=shop_web,debug-threads=on\0-device\0"
		    "{\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\"}");
	add_descriptor(42, 6, "/dev/vfio/17");
	fakesys_file(fake, "proc/42/cgroup", POD_CGROUP);
	fakesys_user(fake, 42, "107\t107\t107\t107"); /* untrusted, but it holds its device */
	PROCESS(43,
		"qemu-system-x86_64\0-S\0-name\0one-42\0-readconfig\0/run/incus/shop_one-42/qemu.conf");
	add_descriptor(43, 6, "/dev/vfio/18");
	PROCESS(44, "cloud-hypervisor\0--api-socket\0/run/vc/vm/" SANDBOX "/clh-api.sock");
	add_descriptor(44, 6, "/dev/vfio/19");
	fakesys_file(fake, "proc/44/cgroup", POD_CGROUP);
	PROCESS(45, "dpdk-testpmd\0-name\0guest=shop_web");
	add_descriptor(45, 6, "/dev/vfio/20");
	fakesys_file(fake, "proc/45/cgroup", POD_CGROUP);
	read_inventory();
	assert_string_equal(frontend_of("01:00.0"), "kubevirt shop/web");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "shop_web");
	assert_string_equal(device_at("01:00.0")->owners[0].pod, POD);
	assert_string_equal(frontend_of("02:00.0"), "incus shop/one-42");
	assert_null(device_at("02:00.0")->owners[0].pod);
	assert_string_equal(frontend_of("03:00.0"), "kata " SANDBOX);
	assert_string_equal(device_at("03:00.0")->owners[0].pod, POD);
	assert_string_equal(frontend_of("04:00.0"), "- -");
	assert_null(strstr(seen.text, "proc/45/cgroup")); /* only of VM monitors */
	assert_null(strstr(seen.text, "proc/1/cgroup"));
	/* without the cgroup */
	fakesys_remove(fake, "proc/42/cgroup");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(frontend_of("01:00.0"), "- -");
	/* without the descriptor */
	fakesys_remove(fake, "proc/43/fd/6");
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "free");
	assert_int_equal(device_at("02:00.0")->owner_count, 0);
}

static void processes_are_not_inspected_without_assignable_devices(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .group = "20");
	read_inventory();
	assert_null(strstr(seen.text, "proc/1"));
	assert_string_equal(state_of("04:00.0"), "free");
}

static void without_permissions_no_vfio_device_is_free(void **state)
{
	char path[128];

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_pci(fake, "0000:04:00.0", GPU, .group = "20");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	add_descriptor(42, 6, "/dev/vfio/17");
	assert_int_equal(chmod(fake->path, 0755), 0);
	for (unsigned pid = 1; pid <= 42; pid += pid == 1 ? 1 : 40) {
		snprintf(path, sizeof(path), "%s/proc/%u/fd", fake->path, pid);
		assert_int_equal(chmod(path, 0), 0);
	}
	assert_int_equal(seteuid(65534), 0);
	read_inventory();
	assert_int_equal(seteuid(0), 0);
	/* a trusted command line counts, but the other devices are unknown */
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "cmdline");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "host");
	assert_string_equal(state_of("04:00.0"), "free");
	assert_int_equal(inventory->unseen, 2);
}

static void with_hidepid_no_device_is_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_remove(fake, "proc/1/stat");
	fakesys_remove(fake, "proc/1/cmdline");
	PROCESS(99, "bash");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_remove(fake, "proc/1");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "unknown");
}

static void devices_of_a_recording_are_unknown(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_remove(fake, "proc");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("03:00.0"), "host");
	assert_string_equal(captured.text, "");
}

static void processes_that_end_during_the_walk_are_skipped(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	/* remains of ending processes: no stat, no command line; names that are no pid */
	fakesys_directory(fake, "proc/50");
	fakesys_directory(fake, "proc/51/fd");
	add_descriptor(52, 6, "/dev/vfio/17");
	fakesys_directory(fake, "proc/53x");
	fakesys_directory(fake, "proc/self");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_string_equal(captured.text, "");
}

static void all_devices_are_free_without_module_references(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_vfio_count(fake, 0);
	/* a process that can't be inspected */
	fakesys_remove(fake, "proc/1/fd/0");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_file(fake, "proc/1/fd", "");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_null(strstr(seen.text, "proc/1/fd/"));
	assert_int_equal(inventory->unseen, 0);
	assert_string_equal(captured.text, "");
	/* a VFIO file is open */
	fakesys_vfio_count(fake, 2);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "unknown");
}

/* QEMU opens it when the guest has negotiated it; until then it is only on the command line. */
static void a_failover_device_is_reserved_until_qemu_opens_it(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_vfio_count(fake, 0);
	PROCESS(42,
		"qemu-system-x86_64\0-name\0one\0-device\0vfio-pci,host=01:00.0,failover_pair_id=net0");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "reserved");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	/* the command line of an untrusted user doesn't count */
	fakesys_user(fake, 42, "65534\t65534\t65534\t65534");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	fakesys_user(fake, 42, "65534\t0\t0\t0");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
}

/* Like the source, the target of a migration opens the device only when the guest runs there. */
static void a_migration_target_reserves_its_failover_device(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	PROCESS(42,
		"qemu-system-x86_64\0-name\0web\0-incoming\0defer\0-object\0iommufd,id=iommufd0\0-device\0"
		"vfio-pci,host=0000:01:00.0,iommufd=iommufd0,failover_pair_id=net0\0-device\0vfio-pci,host=0000:02:00.0");
	add_descriptor(42, 7, "/dev/vfio/devices/vfio1");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "reserved");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_string_equal(state_of("02:00.0"), "held");
	add_descriptor(42, 8, "/dev/vfio/devices/vfio0");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vm_holds_its_device),
		TEST(the_frontend_is_found_by_cgroup_or_path),
		TEST(processes_are_not_inspected_without_assignable_devices),
		TEST(with_hidepid_no_device_is_free),
		TEST(devices_of_a_recording_are_unknown),
		TEST(processes_that_end_during_the_walk_are_skipped),
		TEST(all_devices_are_free_without_module_references),
		TEST(a_failover_device_is_reserved_until_qemu_opens_it),
		TEST(a_migration_target_reserves_its_failover_device),
		/* the last, since it needs root, to drop permissions */
		TEST(without_permissions_no_vfio_device_is_free),
	};

	return _cmocka_run_group_tests("ownership", tests, COUNT(tests) - (geteuid() != 0), NULL,
				       NULL);
}
