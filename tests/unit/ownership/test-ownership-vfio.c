/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership by open VFIO files: nodes, groups, device descriptors and module references. */
#include "tests/unit/ownership/fixture.h"

static void the_command_line_decides_in_a_shared_group(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "qemu-system-x86_64\0-name\0a\0-device\0vfio-pci,host=01:00.1");
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_string_equal(state_of("01:00.1"), "held");
	/* also if the other device isn't selected */
	rule_list_add(&slots, "01:00.0", "-s", NULL);
	read_inventory();
	rule_list_free(&slots);
	assert_int_equal(inventory->selected, 1);
	assert_string_equal(state_of("01:00.0"), "free");
}

static void devices_of_an_open_group_are_held_without_a_command_line(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "mlx5_vfio_pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	/* removed while a VM holds it: it has no driver any more */
	fakesys_pci(fake, "0000:03:00.0", GPU, .group = "19");
	fakesys_group_node(fake, "19");
	PROCESS(42, "qemu-system-x86_64\0-name\0plugged");
	add_descriptor(42, 6, "/dev/vfio/17");
	add_descriptor(42, 7, "/dev/vfio/19");
	PROCESS(43, "/usr/bin/dpdk-testpmd\0-a\0"
		    "0000:02:00.0");
	add_descriptor(43, 6, "/dev/vfio/18");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "plugged");
	assert_string_equal(state_of("02:00.0"), "held");
	assert_null(device_at("02:00.0")->owners[0].name);
	assert_string_equal(device_at("02:00.0")->owners[0].program, "dpdk-testpmd");
	assert_string_equal(state_of("03:00.0"), "held");
}

static void a_device_node_holds_a_single_device(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:01:00.1");
	PROCESS(42, "qemu-system-x86_64\0-name\0a");
	add_descriptor(42, 6, "/dev/iommu");
	add_descriptor(42, 7, "/dev/vfio/devices/vfio1");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_true(device_at("01:00.0")->group_held);
	assert_string_equal(state_of("01:00.1"), "held");
	/* assigned by a vendor's driver, on a kernel without groups */
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "nvidia", .group = "18");
	fakesys_device_node(fake, 2, "0000:02:00.0");
	add_descriptor(42, 8, "/dev/vfio/devices/vfio2");
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "held");
}

/* A group can be opened only once, so processes share it by fork or over a socket. */
static void processes_that_share_a_group_are_one_owner(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(41, "descriptor-broker");
	add_descriptor(41, 6, "/dev/vfio/17");
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	add_descriptor(42, 6, "/dev/vfio/17");
	PROCESS(43, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	add_descriptor(43, 6, "/dev/vfio/17");
	read_inventory();
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_false(device_has_conflict(device_at("01:00.0")));
}

static void an_unplugged_device_is_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	/* it is still on the command line */
	PROCESS(42, "qemu-kvm\0-name\0one\0-device\0vfio-pci,host=01:00.0");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
}

/* NVIDIA's vGPUs on SR-IOV devices: the vendor's driver stays bound to the VF and assigns it
 * itself. */
static void a_vf_of_a_vendor_driver_is_held_by_its_group(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.4", GPU, .driver = "nvidia", .group = "17");
	PROCESS(42,
		"qemu-kvm\0-name\0one\0-device\0vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:08:00.4");
	read_inventory();
	assert_string_equal(state_of("08:00.4"), "host");
	fakesys_group_node(fake, "17");
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("08:00.4"), "held");
	assert_false(device_has_conflict(device_at("08:00.4")));
}

static void descriptors_of_other_files_are_ignored(void **state)
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
		add_descriptor(42, 10 + i, targets[i]);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
}

static void set_enable(const char *address, const char *count)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/enable", address);
	fakesys_file(fake, path, count);
}

static void add_to_group(const char *group, const char *address)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%s/devices/%s", group, address);
	fakesys_link(fake, path, "../../../../devices/pci0000:00/nowhere");
}

/* A descriptor of group 17's device number with PATH holds the device of this group only. */
static void check_held_by_path(const char *path)
{
	char node[128];

	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	snprintf(node, sizeof(node), "numbers%s", path);
	fakesys_file(fake, node, "246:17");
	PROCESS(42, "qemu-system-x86_64\0-name\0one");
	add_descriptor(42, 6, path);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
}

static void a_device_is_held_by_an_unlinked_node(void **state)
{
	(void)state;
	check_held_by_path("/dev/vfio/17 (deleted)");
}

static void a_device_is_held_by_a_node_at_another_path(void **state)
{
	(void)state;
	check_held_by_path("/run/jail/dev/vfio/17");
}

static void a_device_is_held_by_a_node_of_any_name(void **state)
{
	(void)state;
	check_held_by_path("/tmp/null");
}

static void a_vfio_path_without_the_device_number_is_ignored(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_file(fake, "home/dev/vfio/17", "just a file");
	PROCESS(42, "qemu-system-x86_64\0-name\0one-42\0-device\0vfio-pci,host=01:00.0");
	add_descriptor(42, 6, "/home/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
}

/* Opening a node with O_PATH needs no permissions. */
static void an_o_path_descriptor_is_ignored(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	PROCESS(42, "qemu-system-x86_64\0-name\0one-42\0-device\0vfio-pci,host=01:00.0");
	fakesys_user(fake, 42, "65534\t65534\t65534\t65534");
	add_descriptor(42, 6, "/dev/vfio/17");
	fakesys_file(fake, "proc/42/fdinfo/6", "pos:\t0\nflags:\t012100000\n");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_int_equal(device_at("01:00.0")->owner_count, 0);
}

/* One of two devices in a group was unplugged from the VM. */
static void the_attribute_enable_decides_in_a_shared_group(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:01:00.1", GPU, .driver = "vfio-pci", .group = "17");
	add_to_group("17", "0000:01:00.0");
	add_to_group("17", "0000:01:00.1");
	set_enable("0000:01:00.0", "0");
	set_enable("0000:01:00.1", "1");
	PROCESS(42,
		"qemu-system-x86_64\0-name\0one\0-device\0vfio-pci,host=01:00.0\0-device\0vfio-pci,host=01:00.1");
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_true(device_at("01:00.0")->group_held);
	assert_string_equal(state_of("01:00.1"), "held");
	/* also if the other one isn't selected */
	rule_list_add(&slots, "01:00.0", "-s", NULL);
	read_inventory();
	rule_list_free(&slots);
	assert_string_equal(state_of("01:00.0"), "free");
}

/* The group was closed, or the descriptor was passed to another process: nothing else identifies
 * the device. */
static void a_device_descriptor_belongs_to_the_only_open_device(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	fakesys_vfio_count(fake, 2);
	set_enable("0000:01:00.0", "1");
	set_enable("0000:02:00.0", "0");
	PROCESS(42, "my-vmm");
	add_descriptor(42, 6, "anon_inode:[vfio-device]");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_string_equal(state_of("02:00.0"), "free");
	/* its group is kept open, by no visible process: it could be another group */
	fakesys_vfio_count(fake, 3);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	fakesys_vfio_count(fake, 2);
	/* two devices are open: either could be the one */
	set_enable("0000:02:00.0", "1");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_contains(device_at("01:00.0")->unknown_reason, "open in the kernel");
	/* two processes have a device descriptor, and one device is open */
	set_enable("0000:02:00.0", "0");
	PROCESS(43, "my-vmm");
	add_descriptor(43, 6, "anon_inode:[vfio-device]");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_string_equal(state_of("02:00.0"), "free");
	fakesys_remove(fake, "proc/43/fd/6");
	set_enable("0000:02:00.0", "1");
	/* fdinfo identifies the device */
	fakesys_file(fake, "proc/42/fdinfo/6",
		     "flags:\t02\nvfio-device-syspath: /sys/devices/pci0000:00/0000:02:00.0\n");
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "held");
	assert_string_equal(state_of("01:00.0"), "unknown");
}

static void devices_are_unknown_if_module_references_are_unaccounted_for(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "nouveau", .group = "19");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_device_node(fake, 1, "0000:02:00.0");
	fakesys_vfio_count(fake, 2);
	PROCESS(42, "qemu-system-x86_64\0-name\0one");
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "free");
	/* e.g. in flight in a socket, in another PID namespace, registered with io_uring */
	fakesys_vfio_count(fake, 4);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "unknown");
	assert_contains(device_at("02:00.0")->unknown_reason,
			"VFIO is in use, but not by a visible process (2 module references");
	/* a single reference is that of VFIO's own file system */
	fakesys_vfio_count(fake, 3);
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "free");
	assert_string_equal(state_of("03:00.0"), "host");
}

static void a_thread_can_have_a_descriptor_table_of_its_own(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_vfio_count(fake, 2);
	PROCESS(42, "my-vmm");
	fakesys_directory(fake, "proc/42/task/42/fd");
	fakesys_link(fake, "proc/42/task/43/fd/6", "/dev/vfio/17");
	fakesys_file(fake, "proc/42/task/43/fdinfo/6", "flags:\t02\n");
	read_inventory();
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
		      ARGS("qemu-kvm\0-name\0guest=one-7\0-device\0vfio-pci,host=01:00.0"));
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_int_equal(device_at("01:00.0")->owners[0].pid, 42);
	assert_string_equal(device_at("01:00.0")->owners[0].name, "one-7");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio+cmdline");
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
	add_descriptor(42, 6, "/dev/iommu");
	add_descriptor(42, 7, "/dev/vfio/devices/vfio0");
	read_inventory();
	assert_int_equal(device_at("01:00.0")->owner_count, 1);
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio+cmdline");
	assert_string_equal(device_at("01:00.0")->owners[0].guest_address, "0000:00:05.0");
	assert_string_equal(state_of("02:00.0"), "free");
	sources = OWNER_CMDLINE;
	read_inventory();
	sources = OWNER_ALL;
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "cmdline");
}

static void a_vf_with_an_nvidia_vgpu_type_can_be_free(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.4", GPU, .driver = "nvidia", .group = "17");
	fakesys_device_node(fake, 0, "0000:08:00.4");
	fakesys_file(fake, "sys/bus/pci/devices/0000:08:00.4/nvidia/current_vgpu_type", "0\n");
	read_inventory();
	assert_string_equal(state_of("08:00.4"), "host");
	fakesys_file(fake, "sys/bus/pci/devices/0000:08:00.4/nvidia/current_vgpu_type", "558\n");
	read_inventory();
	assert_string_equal(state_of("08:00.4"), "free");
	add_descriptor(42, 6, "/dev/vfio/devices/vfio0");
	PROCESS(42, "qemu-kvm\0-name\0one");
	read_inventory();
	assert_string_equal(state_of("08:00.4"), "held");
}

static void devices_are_unknown_if_vfio_nodes_cannot_be_listed(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_remove(fake, "sys/class/vfio/17/dev");
	fakesys_remove(fake, "sys/class/vfio/17");
	fakesys_remove(fake, "sys/class/vfio");
	fakesys_file(fake, "sys/class/vfio", "no directory");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "unknown");
	assert_contains(captured.text, "/sys/class/vfio: Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_command_line_decides_in_a_shared_group),
		TEST(devices_of_an_open_group_are_held_without_a_command_line),
		TEST(a_device_node_holds_a_single_device),
		TEST(processes_that_share_a_group_are_one_owner),
		TEST(an_unplugged_device_is_free),
		TEST(a_vf_of_a_vendor_driver_is_held_by_its_group),
		TEST(descriptors_of_other_files_are_ignored),
		TEST(a_device_is_held_by_an_unlinked_node),
		TEST(a_device_is_held_by_a_node_at_another_path),
		TEST(a_device_is_held_by_a_node_of_any_name),
		TEST(a_vfio_path_without_the_device_number_is_ignored),
		TEST(an_o_path_descriptor_is_ignored),
		TEST(the_attribute_enable_decides_in_a_shared_group),
		TEST(a_device_descriptor_belongs_to_the_only_open_device),
		TEST(devices_are_unknown_if_module_references_are_unaccounted_for),
		TEST(a_thread_can_have_a_descriptor_table_of_its_own),
		TEST(a_vm_whose_main_thread_has_ended_keeps_its_name),
		TEST(qemu_with_iommufd_holds_its_device),
		TEST(a_vf_with_an_nvidia_vgpu_type_can_be_free),
		TEST(devices_are_unknown_if_vfio_nodes_cannot_be_listed),
	};

	return cmocka_run_group_tests_name("ownership-vfio", tests, NULL, NULL);
}
