/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source nodes: processes that use a device through the nodes of its host driver, and VMs that
 * have one by vDPA. */
#include "tests/unit/ownership/fixture.h"

#include "probe/details/details.h"

#include <sys/stat.h>
#include <unistd.h>

#define NIC .vendor = 0x15b3, .device = 0x101e, .class = 0x020000, .driver = "mlx5_core"

/* A process that opens many nodes: its descriptors begin here. */
#define FIRST_FD 10

static int setup_host_processes(void **state)
{
	more_details = DETAIL_HOST_PROCESSES;
	return setup(state);
}

static int teardown_host_processes(void **state)
{
	more_details = 0;
	return teardown(state);
}

#define TEST_HOST_PROCESSES(function) \
	cmocka_unit_test_setup_teardown(function, setup_host_processes, teardown_host_processes)

/* Adds the vDPA device NAME below PARENT, a path on the root bus, and its node /dev/vhost-vdpa-0.
 */
static void add_vdpa(const char *name, const char *parent)
{
	char path[192], target[192];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/%s/vhost-vdpa-0/dev", parent, name);
	fakesys_file(fake, path, "234:0\n");
	snprintf(path, sizeof(path), "sys/bus/vdpa/devices/%s", name);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s/%s", parent, name);
	fakesys_link(fake, path, target);
	fakesys_file(fake, "numbers/dev/vhost-vdpa-0", "234:0\n");
}

/* Adds the DRM node NAME of the device at ADDRESS. */
static void add_drm(const char *address, const char *name, const char *number)
{
	char path[192], target[192];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/drm/%s/dev", address, name);
	fakesys_file(fake, path, number);
	snprintf(path, sizeof(path), "sys/class/drm/%s", name);
	snprintf(target, sizeof(target), "../../devices/pci0000:00/%s/drm/%s", address, name);
	fakesys_link(fake, path, target);
	snprintf(path, sizeof(path), "numbers/dev/dri/%s", name);
	fakesys_file(fake, path, number);
}

static void add_qemu(void)
{
	PROCESS(42, "/usr/bin/qemu-system-x86_64\0-name\0guest=one-9\0-uuid\0u-u-i-d");
}

static const struct source_report *report(void)
{
	return &inventory->sources[__builtin_ctz(OWNER_NODES)];
}

static void a_vm_holds_its_vdpa_device(void **state)
{
	const struct owner *owner;

	(void)state;
	fakesys_pci(fake, "0000:00:05.0", NIC);
	fakesys_pci(fake, "0000:00:06.0", NIC);
	add_vdpa("vdpa0", "0000:00:05.0");
	add_qemu();
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "host");
	assert_int_equal(device_at("00:05.0")->owner_count, 0);
	assert_int_equal(report()->state, SOURCE_OK);

	add_descriptor(42, 6, "/dev/vhost-vdpa-0");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "held");
	assert_string_equal(state_of("00:06.0"), "host");
	assert_int_equal(device_at("00:05.0")->owner_count, 1);
	owner = &device_at("00:05.0")->owners[0];
	assert_int_equal(owner->pid, 42);
	assert_string_equal(owner->name, "one-9");
	assert_string_equal(owner->frontend_id, "9");
	assert_string_equal(owner->source, "nodes");
	assert_true(owner_holds(owner));
	assert_false(device_has_conflict(device_at("00:05.0")));
	assert_string_equal(captured.text, "");

	sources = OWNER_ALL & ~(unsigned)OWNER_NODES;
	read_inventory();
	sources = OWNER_ALL;
	assert_string_equal(state_of("00:05.0"), "host");
}

static void a_vdpa_node_is_recognized_by_its_number(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:05.0", NIC);
	add_vdpa("vdpa0", "0000:00:05.0");
	add_qemu();
	/* a file with the node's path, which a process can make anywhere */
	fakesys_file(fake, "numbers/dev/vhost-vdpa-0", "1:3\n");
	add_descriptor(42, 6, "/dev/vhost-vdpa-0");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "host");
	/* the node in a chroot, opened by number only (O_PATH), then really */
	fakesys_file(fake, "numbers/jail/vdpa", "234:0\n");
	add_descriptor(42, 7, "/jail/vdpa");
	fakesys_file(fake, "proc/42/fdinfo/7", "flags:\t010000002\n");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "host");
	fakesys_file(fake, "proc/42/fdinfo/7", "flags:\t02\n");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "held");
}

/* libvirt's daemon opens the node and passes it to QEMU. */
static void a_vm_monitor_is_the_owner_of_a_shared_vdpa_node(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:05.0", NIC);
	add_vdpa("vdpa0", "0000:00:05.0");
	PROCESS(40, "/usr/sbin/virtqemud");
	add_descriptor(40, 6, "/dev/vhost-vdpa-0");
	add_qemu();
	add_descriptor(42, 6, "/dev/vhost-vdpa-0");
	read_inventory();
	assert_int_equal(device_at("00:05.0")->owner_count, 1);
	assert_string_equal(device_at("00:05.0")->owners[0].name, "one-9");
}

static void a_vdpa_device_is_unknown_if_processes_cannot_be_inspected(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:05.0", NIC);
	fakesys_pci(fake, "0000:00:06.0", NIC);
	add_vdpa("vdpa0", "0000:00:05.0");
	fakesys_remove(fake, "proc/1/fd/0");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_file(fake, "proc/1/fd", "");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "unknown");
	assert_non_null(strstr(device_at("00:05.0")->unknown_reason, "could not be inspected"));
	assert_string_equal(state_of("00:06.0"), "host");
	assert_int_equal(report()->state, SOURCE_PARTLY);
}

static void any_device_may_be_held_if_vdpa_devices_cannot_be_listed(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:05.0", NIC);
	fakesys_file(fake, "sys/bus/vdpa/devices", "");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "unknown");
	assert_non_null(strstr(captured.text, "nodes of host drivers could not be listed"));
}

/* The PF of subfunctions stays the host's, whatever VMs have these. */
static void a_subfunction_of_vdpa_does_not_hold_its_device(void **state)
{
	const struct owner *owner;

	(void)state;
	fakesys_pci(fake, "0000:00:05.0", NIC);
	add_vdpa("vdpa0", "0000:00:05.0/mlx5_core.sf.4");
	add_qemu();
	add_descriptor(42, 6, "/dev/vhost-vdpa-0");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "host");
	owner = &device_at("00:05.0")->owners[0];
	assert_true(owner->host_process);
	assert_int_equal(owner->pid, 42);
	assert_string_equal(owner->program, "qemu-system-x86_64");
	assert_null(owner->name);
}

static void add_gpus(void)
{
	fakesys_pci(fake, "0000:00:02.0", GPU, .driver = "amdgpu");
	add_drm("0000:00:02.0", "card0", "226:0\n");
	add_drm("0000:00:02.0", "renderD128", "226:128\n");
	fakesys_directory(fake, "sys/class/drm/card0-VGA-1");
	fakesys_pci(fake, "0000:00:03.0", GPU, .driver = "nvidia");
	fakesys_file(fake, "proc/driver/nvidia/gpus/0000:00:03.0/information",
		     "Model: \t\t Tesla T4\nIRQ:   \t\t 40\nDevice Minor: \t 1\n");
	fakesys_file(fake, "numbers/dev/nvidia1", "195:1\n");
	fakesys_file(fake, "numbers/dev/nvidiactl", "195:255\n");
	PROCESS(50, "/usr/lib/xorg/Xorg\0-nolisten");
	add_descriptor(50, 7, "/dev/dri/card0");
	add_descriptor(50, 8, "/dev/dri/card0");
	add_descriptor(50, 9, "/dev/dri/renderD128");
	PROCESS(51, "python3\0train.py");
	add_descriptor(51, 7, "/dev/nvidiactl");
	add_descriptor(51, 8, "/dev/nvidia1");
	/* a VM that renders on the host's GPU does not have it */
	add_qemu();
	add_descriptor(42, 7, "/dev/dri/renderD128");
	PROCESS(52, "nvidia-smi");
	add_descriptor(52, 7, "/dev/nvidiactl");
}

static void processes_use_devices_through_their_host_driver(void **state)
{
	const struct pci_device *device;

	(void)state;
	add_gpus();
	read_inventory();
	device = device_at("00:02.0");
	assert_string_equal(state_of("00:02.0"), "host");
	assert_int_equal(device->owner_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(device->owners[i].host_process);
		assert_string_equal(device->owners[i].source, "nodes");
		assert_null(device->owners[i].name);
		assert_null(device->owners[i].frontend);
		assert_int_equal(device->owners[i].started, 1000 + device->owners[i].pid);
	}
	assert_int_not_equal(device->owners[0].pid, device->owners[1].pid);
	assert_false(device_has_conflict(device));
	assert_null(device_holder(device));
	device = device_at("00:03.0");
	assert_string_equal(state_of("00:03.0"), "host");
	assert_int_equal(device->owner_count, 1);
	assert_int_equal(device->owners[0].pid, 51);
	assert_string_equal(device->owners[0].program, "python3");
	assert_string_equal(captured.text, "");
}

static void host_processes_are_read_only_on_request(void **state)
{
	(void)state;
	add_gpus();
	read_inventory();
	assert_int_equal(device_at("00:02.0")->owner_count, 0);
	assert_int_equal(device_at("00:03.0")->owner_count, 0);
	assert_null(strstr(seen.text, "proc/"));
	assert_null(strstr(seen.text, "class/drm"));
	assert_int_equal(report()->state, SOURCE_ABSENT);
}

/* A device on its host driver is the host's, whatever could be found out about its processes. */
static void a_gpu_of_the_host_is_not_unknown(void **state)
{
	(void)state;
	add_gpus();
	fakesys_remove(fake, "proc/1/fd/0");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_file(fake, "proc/1/fd", "");
	read_inventory();
	assert_string_equal(state_of("00:02.0"), "host");
	assert_int_equal(device_at("00:02.0")->owner_count, 2);
	assert_int_equal(report()->state, SOURCE_PARTLY);
}

/* Another driver's open nodes have no references to VFIO's module. */
static void vfio_references_are_not_those_of_other_nodes(void **state)
{
	(void)state;
	add_gpus();
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_device_node(fake, 0, "0000:01:00.0");
	fakesys_vfio_count(fake, 2);
	add_descriptor(42, 6, "/dev/vfio/17");
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].source, "vfio");
	assert_string_equal(state_of("02:00.0"), "free");
	assert_int_equal(device_at("02:00.0")->owner_count, 0);
	/* a file of a hidden process; the visible ones of GPUs do not account for it */
	fakesys_vfio_count(fake, 4);
	read_inventory();
	assert_string_equal(state_of("02:00.0"), "unknown");
	/* while no VFIO file is open, the walk is for the GPUs alone */
	fakesys_remove(fake, "proc/42/fd/6");
	fakesys_vfio_count(fake, 0);
	read_inventory();
	assert_string_equal(state_of("01:00.0"), "free");
	assert_int_equal(device_at("00:02.0")->owner_count, 2);
}

static void a_limited_number_of_host_processes_is_listed(void **state)
{
	(void)state;
	add_gpus();
	fakesys_pci(fake, "0000:00:05.0", NIC);
	add_vdpa("vdpa0", "0000:00:05.0");
	for (unsigned pid = 100; pid < 250; pid++) {
		PROCESS(pid, "bash");
		add_descriptor(pid, FIRST_FD, "/dev/dri/renderD128");
	}
	read_inventory();
	assert_int_equal(device_at("00:02.0")->owner_count, 100);
	assert_int_equal(report()->state, SOURCE_PARTLY);
	assert_string_equal(report()->why, "more than 100 processes use a device");
	assert_string_equal(state_of("00:05.0"), "host");
	/* the reason why the NIC is unknown is not the number of processes of the GPU */
	fakesys_remove(fake, "proc/1/fd/0");
	fakesys_remove(fake, "proc/1/fd");
	fakesys_file(fake, "proc/1/fd", "");
	read_inventory();
	assert_string_equal(state_of("00:05.0"), "unknown");
	assert_non_null(strstr(device_at("00:05.0")->unknown_reason, "could not be inspected"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vm_holds_its_vdpa_device),
		TEST(a_vdpa_node_is_recognized_by_its_number),
		TEST(a_vm_monitor_is_the_owner_of_a_shared_vdpa_node),
		TEST(a_vdpa_device_is_unknown_if_processes_cannot_be_inspected),
		TEST(any_device_may_be_held_if_vdpa_devices_cannot_be_listed),
		TEST_HOST_PROCESSES(a_subfunction_of_vdpa_does_not_hold_its_device),
		TEST_HOST_PROCESSES(processes_use_devices_through_their_host_driver),
		TEST(host_processes_are_read_only_on_request),
		TEST_HOST_PROCESSES(a_gpu_of_the_host_is_not_unknown),
		TEST_HOST_PROCESSES(vfio_references_are_not_those_of_other_nodes),
		TEST_HOST_PROCESSES(a_limited_number_of_host_processes_is_listed),
	};

	return cmocka_run_group_tests_name("ownership-nodes", tests, NULL, NULL);
}
