/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/binder/test-files.sh and the lab pass the files to the programs that read them. */
#include "tests/unit/test.h"

#include "binder/commands/commands.h"
#include "binder/devices/boot-devices.h"
#include "binder/hostfiles/hostfiles.h"
#include "probe/details/details.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

static struct fakesys *fake;
static struct log_capture captured;
static struct hazard_findings findings;
static unsigned allowed;
static char *output;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(output);
	output = NULL;
	hazard_findings_free(&findings);
	allowed = 0;
	fakesys_free(fake);
	return 0;
}

static void add_file(const char *path, const char *content)
{
	fakesys_file(fake, path, content);
}

/* Debian 12 on an Intel machine. */
static void add_kernel_6_1(void)
{
	add_file("proc/cmdline", "ro quiet\n");
	add_file("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	add_file("sys/firmware/acpi/tables/DMAR", "");
	add_file("lib/modules/6.1.0-56-amd64/modules.builtin", "kernel/drivers/ata/ahci.ko\n");
	add_file(
		"lib/modules/6.1.0-56-amd64/modules.dep",
		"kernel/vfio/vfio.ko:\nkernel/vfio/vfio_virqfd.ko:\nkernel/vfio/vfio_iommu_type1.ko:\nkernel/vfio/pci/vfio-pci.ko:\n");
	add_file("lib/modules/6.1.0-56-amd64/modules.alias",
		 "# Aliases extracted from modules themselves.\n"
		 "alias pci:v000010DEd*sv*sd*bc03sc00i00* nouveau\n"
		 "alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidia\n"
		 "alias pci:v000010DEd*sv*sd*bc03sc02i00* nouveau\n"
		 "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n"
		 "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n");
}

/* Ubuntu 24.04 on an AMD machine. */
static void add_kernel_6_8(void)
{
	add_file("proc/cmdline", "ro quiet\n");
	add_file("proc/sys/kernel/osrelease", "6.8.0-45-generic\n");
	add_file("sys/firmware/acpi/tables/IVRS", "");
	add_file("lib/modules/6.8.0-45-generic/modules.builtin",
		 "kernel/vfio/vfio.ko\nkernel/vfio/vfio_iommu_type1.ko\n");
	add_file("lib/modules/6.8.0-45-generic/modules.dep",
		 "kernel/vfio/pci/vfio-pci.ko.zst: kernel/vfio/pci/vfio-pci-core.ko.zst\n");
	add_file("lib/modules/6.8.0-45-generic/modules.alias",
		 "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n");
}

#define GPU .vendor = 0x10de, .device = 0x2204, .class = 0x030000
#define NIC .vendor = 0x8086, .device = 0x10d3, .class = 0x020000

/* Writes file KIND for the devices at addresses FIRST and SECOND to output. Returns the status. */
static int write_hostfile(const char *kind, const char *first, const char *second)
{
	struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.all = true,
		.details = DETAIL_NAMES | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_MODALIAS |
			   DETAIL_GROUP_PEERS | DETAIL_PATH,
	};
	const char *const addresses[] = {first, second};
	struct hostfile_target targets[2];
	struct hostfile_job job = {
		.log = &options.log, .targets = targets, .findings = &findings, .allowed = allowed};
	struct kernelinfo kernel;
	struct inventory *inventory;
	struct pci_address address;
	struct probe *probe;
	struct iommu iommu;
	size_t size;
	FILE *out;
	int status;

	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	job.root = probe_sysroot(probe);
	job.inventory = inventory;
	assert_int_equal(kernelinfo_read(job.root, &kernel), 0);
	assert_int_equal(iommu_read(job.root, &iommu), 0);
	job.kernel = &kernel;
	job.iommu = &iommu;
	while (job.target_count < 2 && addresses[job.target_count]) {
		assert_int_equal(address_parse(addresses[job.target_count], &address), 0);
		targets[job.target_count].device = inventory_find(inventory, &address);
		assert_non_null(targets[job.target_count].device);
		assert_int_equal(driver_choose(job.root, job.log, targets[job.target_count].device,
					       "auto", &targets[job.target_count].choice),
				 0);
		job.target_count++;
	}
	free(output);
	out = open_memstream(&output, &size);
	status = hostfile_write(hostfile_find(kind), &job, out);
	assert_int_equal(fclose(out), 0);
	iommu_free(&iommu);
	kernelinfo_free(&kernel);
	inventory_free(inventory);
	probe_free(probe);
	return status;
}

/* The output without comments. */
static const char *content(void)
{
	static char lines[4096];
	char *copy = strdup(output), *rest = NULL;

	lines[0] = '\0';
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (*line != '#')
			strcat(strcat(lines, line), "\n");
	free(copy);
	return lines;
}

static void every_file_begins_with_its_path_and_devices(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "nouveau", .group = "17");
	for (size_t i = 0; i < HOSTFILE_COUNT; i++) {
		assert_int_equal(write_hostfile(HOSTFILES[i].name, "0000:01:00.0", NULL),
				 BIND_DONE);
		assert_contains(output, HOSTFILES[i].path);
		assert_contains(output, "kernel 6.1.0-56-amd64 by: vfio-bind config ");
		assert_contains(output, "# 0000:01:00.0 10de:2204 ");
		assert_contains(output, ", driver nouveau, IOMMU group 17\n");
	}
	assert_null(hostfile_find("grub"));
	assert_string_equal(captured.text, "");
}

static void modprobe_loads_host_drivers_after_vfio(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .group = "18");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", "02:00.0"), BIND_DONE);
	assert_string_equal(
		content(),
		"options vfio-pci ids=10de:2204\nsoftdep nouveau pre: vfio_pci\nsoftdep nvidia pre: vfio_pci\n");
}

static void modprobe_skips_ids_that_match_other_devices(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:02:00.0", NIC, .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .group = "19");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", "02:00.0"), BIND_REFUSED);
	assert_string_equal(
		content(),
		"options vfio-pci ids=8086:10d3\nsoftdep e1000e pre: vfio_pci\nsoftdep nouveau pre: vfio_pci\n"
		"softdep nvidia pre: vfio_pci\n");
	assert_contains(output, "# SKIPPED: 10de:2204: ids= would also bind 0000:03:00.0");
	assert_contains(captured.text, "warning: 10de:2204 skipped");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", NULL), BIND_REFUSED);
	assert_null(strstr(content(), "ids="));
}

static void modprobe_warns_of_a_builtin_host_driver(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:00:1f.2", .vendor = 0x8086, .device = 0x2922, .class = 0x010601,
		    .driver = "ahci", .group = "7");
	assert_int_equal(write_hostfile("modprobe", "00:1f.2", NULL), BIND_DONE);
	assert_contains(output, "WARNING: ahci is built into the kernel");
	assert_string_equal(content(), "options vfio-pci ids=8086:2922\n");
}

static void modprobe_skips_ids_of_a_variant_driver(void **state)
{
	(void)state;
	add_kernel_6_1();
	add_file(
		"lib/modules/6.1.0-56-amd64/modules.alias",
		"alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\nalias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"
		"alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n");
	fakesys_pci(fake, "0000:01:00.2", .vendor = 0x15b3, .device = 0x101e, .class = 0x020000,
		    .group = "17");
	assert_int_equal(write_hostfile("modprobe", "01:00.2", NULL), BIND_REFUSED);
	assert_contains(captured.text, "only vfio-pci supports ids=");
	assert_string_equal(content(), "softdep mlx5_core pre: mlx5_vfio_pci\n");
	assert_int_equal(write_hostfile("udev", "01:00.2", NULL), BIND_DONE);
	assert_contains(output, "driver_override}=\"mlx5_vfio_pci\"");
	assert_contains(output, "ENV{VFIO_BIND}=\"mlx5_vfio_pci\"");
	assert_int_equal(write_hostfile("dracut", "01:00.2", NULL), BIND_DONE);
	assert_contains(output, "\" vfio vfio_iommu_type1 vfio_virqfd mlx5_vfio_pci \"");
}

static void modprobe_fails_without_modules_alias(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_remove(fake, "lib/modules/6.1.0-56-amd64/modules.alias");
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", NULL), BIND_FAILED);
	assert_contains(captured.text, "error: lib/modules/6.1.0-56-amd64/modules.alias");
}

static void udev_rules_match_address_and_ids(void **state)
{
	const char *last, *load;

	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "10000:02:00.1", NIC, .group = "18");
	assert_int_equal(write_hostfile("udev", "01:00.0", "10000:02:00.1"), BIND_DONE);
	assert_contains(
		output,
		"ATTR{[pci/0000:01:00.0]vendor}==\"0x10de\", ATTR{[pci/0000:01:00.0]device}==\"0x2204\", "
		"ATTR{[pci/0000:01:00.0]driver_override}=\"vfio-pci\"\n");
	/* neither a device with a driver nor one that vfio-bind is changing */
	assert_contains(output, "TEST!=\"/sys/bus/pci/devices/10000:02:00.1/driver\", "
				"TEST!=\"/run/vfio-bind/changing-10000:02:00.1\", "
				"TEST!=\"/sys/bus/pci/devices/10000:02:00.1/./driver\", ATTR");
	assert_contains(
		output,
		"KERNEL==\"10000:02:00.1\", ATTR{vendor}==\"0x8086\", ATTR{device}==\"0x10d3\", TEST!=\"driver\", "
		"TEST!=\"/run/vfio-bind/changing-10000:02:00.1\", TEST!=\"./driver\", ENV");
	assert_contains(
		output,
		"TEST!=\"driver\", TEST!=\"/run/vfio-bind/changing-$kernel\", TEST!=\"./driver\", "
		"ATTR{[subsystem/pci]drivers_probe}=\"$kernel\"\n");
	/* an event sets every override before it loads a driver */
	last = strstr(output, "ATTR{[pci/10000:02:00.1]driver_override}=");
	load = strstr(output, "kmod load");
	assert_non_null(last);
	assert_non_null(load);
	assert_true(last < load);
	assert_true(load < strstr(output, "drivers_probe"));
}

static void the_initramfs_includes_only_modules_of_this_kernel(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	assert_int_equal(write_hostfile("dracut", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(),
			    "force_drivers+=\" vfio vfio_iommu_type1 vfio_virqfd vfio_pci \"\n"
			    "install_items+=\" /etc/udev/rules.d/10-vfio-bind.rules \"\n");
	assert_int_equal(write_hostfile("initramfs", "01:00.0", NULL), BIND_DONE);
	assert_int_equal(strncmp(output, "#!/bin/sh\n", strlen("#!/bin/sh\n")), 0);
	assert_contains(output,
			"\nmanual_add_modules vfio vfio_iommu_type1 vfio_virqfd vfio_pci\n");
	add_kernel_6_8();
	assert_int_equal(write_hostfile("dracut", "01:00.0", NULL), BIND_DONE);
	assert_contains(output, "force_drivers+=\" vfio_pci \"\n");
	add_file(
		"lib/modules/6.8.0-45-generic/modules.builtin",
		"kernel/vfio/vfio.ko\nkernel/vfio/vfio_iommu_type1.ko\nkernel/vfio/pci/vfio-pci.ko\n");
	assert_int_equal(write_hostfile("initramfs", "01:00.0", NULL), BIND_DONE);
	assert_null(strstr(output, "manual_add_modules"));
	/* without modules.dep, whether vfio_virqfd exists depends on the version */
	fakesys_remove(fake, "lib/modules/6.8.0-45-generic");
	assert_int_equal(write_hostfile("dracut", "01:00.0", NULL), BIND_DONE);
	assert_contains(output, "force_drivers+=\" vfio vfio_iommu_type1 vfio_pci \"\n");
}

static void kernel_parameters_depend_on_the_iommu_vendor(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU);
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(),
			    "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX intel_iommu=on iommu=pt\"\n");
	assert_null(strstr(output, "already set for the running kernel"));
	add_file("proc/cmdline", "intel_iommu=on,sm_on iommu=pt");
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_contains(output, "already set for the running kernel");
	fakesys_remove(fake, "sys/firmware/acpi/tables/DMAR");
	add_kernel_6_8();
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(), "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu=pt\"\n");
	fakesys_remove(fake, "sys/firmware/acpi/tables/IVRS");
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(),
			    "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu.passthrough=1\"\n");
}

static void the_service_binds_by_path_and_ids(void **state)
{
	const struct log log = log_capture_add(&captured);
	struct strings devices = {0};

	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17", .below = "0000:00:1c.0");
	fakesys_pci(fake, "0000:00:02.0", NIC, .group = "18");
	assert_int_equal(write_hostfile("service", "01:00.0", "00:02.0"), BIND_DONE);
	assert_int_equal(boot_devices_parse("file", output, &log, &devices), BIND_DONE);
	assert_int_equal(devices.count, 2);
	assert_string_equal(devices.items[0], "path:0000:00:1c.0/00.0=10de:2204");
	assert_string_equal(devices.items[1], "0000:00:02.0=8086:10d3");
	strings_free(&devices);
}

static void qemu_keeps_the_existing_entries(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:01:00.1", NIC, .group = "17");
	assert_int_equal(write_hostfile("qemu", "01:00.0", "01:00.1"), BIND_DONE);
	assert_contains(content(),
			"\"/dev/kvm\",\n    \"/dev/vfio/vfio\",\n    \"/dev/vfio/17\"\n]\n");
	/* as shipped by libvirt */
	add_file(
		"etc/libvirt/qemu.conf",
		"#user = \"x\"\n#cgroup_device_acl = [\n#    \"/dev/null\", \"/dev/userfaultfd\",\n#    \"/dev/x;\"\n#]\n");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(
		content(),
		"cgroup_device_acl = [\n    \"/dev/null\",\n    \"/dev/userfaultfd\",\n    \"/dev/vfio/vfio\",\n"
		"    \"/dev/vfio/17\"\n]\n");
	/* modified by the administrator */
	add_file(
		"etc/libvirt/qemu.conf",
		"#cgroup_device_acl = [\n#    \"/dev/null\"\n#]\ncgroup_device_acl = [ \"/dev/mine\",\"/dev/vfio/17\" ]\n"
		"cgroup_device_acl_other = \"/dev/x\"\n");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(
		content(),
		"cgroup_device_acl = [\n    \"/dev/mine\",\n    \"/dev/vfio/17\",\n    \"/dev/vfio/vfio\"\n]\n");
	add_file("etc/libvirt/qemu.conf", "cgroup_device_acl = [ \"/dev/null\"\n");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
}

static void qemu_gets_the_nodes_of_devices(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:01:00.1", NIC, .group = "17");
	add_file("dev/iommu", "");
	add_file("dev/vfio/devices/vfio3", "");
	fakesys_directory(fake, "sys/bus/pci/devices/0000:01:00.0/vfio-dev/vfio3");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
	assert_contains(output, "\"/dev/vfio/vfio\"");
	assert_contains(output, "\"/dev/iommu\"");
	assert_contains(output, "\"/dev/vfio/devices/vfio3\"");
	assert_null(strstr(output, "no node for iommufd"));
	assert_int_equal(write_hostfile("qemu", "01:00.1", NULL), BIND_DONE);
	assert_contains(output, "\"/dev/vfio/17\"");
	assert_contains(output, "# 0000:01:00.1 has no node for iommufd before it is bound");
	fakesys_directory(fake, "sys/class/vfio-dev");
	assert_int_equal(write_hostfile("qemu", "01:00.0", "01:00.1"), BIND_UNAVAILABLE);
	assert_null(strstr(output, "\"/dev/vfio/vfio\""));
	assert_contains(output, "\"/dev/vfio/devices/vfio3\"");
	assert_contains(output, "# SKIPPED: 0000:01:00.1 has no node before it is bound to VFIO");
}

static void a_device_without_a_group_is_skipped(void **state)
{
	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU);
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_UNAVAILABLE);
	assert_contains(output, "# SKIPPED: 0000:01:00.0 is not in an IOMMU group");
	assert_contains(captured.text, "warning: 0000:01:00.0 skipped");
}

static void findings_are_comments_of_their_device(void **state)
{
	struct pci_device device = {.address = {.bus = 1}};

	(void)state;
	add_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:02:00.0", NIC, .group = "18");
	hazard_findings_add(&findings, HAZARD_MOUNTED, &device,
			    "/dev/sda is mounted on /srv\nreboot\\");
	hazard_findings_add(&findings, HAZARD_NO_RESET, &device, "no method");
	assert_int_equal(write_hostfile("udev", "01:00.0", "02:00.0"), BIND_DONE);
	assert_contains(
		output,
		", IOMMU group 17\n"
		"#   WARNING: 'vfio-bind bind' refuses this device: /dev/sda is mounted on /srv?reboot\\; "
		"unmount its file systems first (mounted)\n"
		"#   WARNING: no method; no reset method: state may leak from one VM to the next (no-reset)\n"
		"# 0000:02:00.0 ");
	allowed = 1u << HAZARD_MOUNTED;
	assert_int_equal(write_hostfile("udev", "01:00.0", "02:00.0"), BIND_DONE);
	assert_contains(output, "#   WARNING: /dev/sda is mounted");
	assert_null(strstr(output, "refuses"));
}

static void hostile_names_cannot_end_a_comment(void **state)
{
	(void)state;
	add_kernel_6_1();
	add_file("proc/sys/kernel/osrelease", "6.1.0\nreboot\n");
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "x\n\"; reboot \\", .group = "17");
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_contains(output, "driver x?\"; reboot \\, IOMMU group 17\n");
	assert_contains(output, "kernel (unknown version) by");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_file_begins_with_its_path_and_devices, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modprobe_loads_host_drivers_after_vfio, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modprobe_skips_ids_that_match_other_devices, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modprobe_warns_of_a_builtin_host_driver, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modprobe_skips_ids_of_a_variant_driver, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modprobe_fails_without_modules_alias, setup,
						teardown),
		cmocka_unit_test_setup_teardown(udev_rules_match_address_and_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(the_initramfs_includes_only_modules_of_this_kernel,
						setup, teardown),
		cmocka_unit_test_setup_teardown(kernel_parameters_depend_on_the_iommu_vendor, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_service_binds_by_path_and_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(qemu_keeps_the_existing_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(qemu_gets_the_nodes_of_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_without_a_group_is_skipped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(findings_are_comments_of_their_device, setup,
						teardown),
		cmocka_unit_test_setup_teardown(hostile_names_cannot_end_a_comment, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("binder-hostfiles", tests, NULL, NULL);
}
