/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the real readers of these files make of them is tried in tests/binder/test-files.sh and in
 * the lab. */
#include "tests/unit/test.h"

#include "binder/commands/commands.h"
#include "binder/hostfiles/hostfiles.h"
#include "probe/details/details.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

static struct fakesys *fake;
static struct log_capture captured;
static char *text;

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
	free(text);
	text = NULL;
	fakesys_free(fake);
	return 0;
}

static void put(const char *path, const char *content)
{
	fakesys_file(fake, path, content);
}

/* Debian 12, with a processor of Intel. */
static void put_kernel_6_1(void)
{
	put("proc/cmdline", "ro quiet\n");
	put("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	put("sys/firmware/acpi/tables/DMAR", "");
	put("lib/modules/6.1.0-56-amd64/modules.builtin", "kernel/drivers/ata/ahci.ko\n");
	put("lib/modules/6.1.0-56-amd64/modules.dep",
	    "kernel/vfio/vfio.ko:\nkernel/vfio/vfio_virqfd.ko:\nkernel/vfio/vfio_iommu_type1.ko:\nkernel/vfio/pci/vfio-pci.ko:\n");
	put("lib/modules/6.1.0-56-amd64/modules.alias",
	    "# Aliases extracted from modules themselves.\n"
	    "alias pci:v000010DEd*sv*sd*bc03sc00i00* nouveau\n"
	    "alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidia\n"
	    "alias pci:v000010DEd*sv*sd*bc03sc02i00* nouveau\n"
	    "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n"
	    "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n");
}

/* Ubuntu 24.04. */
static void put_kernel_6_8(void)
{
	put("proc/cmdline", "ro quiet\n");
	put("proc/sys/kernel/osrelease", "6.8.0-45-generic\n");
	put("sys/firmware/acpi/tables/IVRS", "");
	put("lib/modules/6.8.0-45-generic/modules.builtin",
	    "kernel/vfio/vfio.ko\nkernel/vfio/vfio_iommu_type1.ko\n");
	put("lib/modules/6.8.0-45-generic/modules.dep",
	    "kernel/vfio/pci/vfio-pci.ko.zst: kernel/vfio/pci/vfio-pci-core.ko.zst\n");
	put("lib/modules/6.8.0-45-generic/modules.alias",
	    "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n");
}

#define GPU .vendor = 0x10de, .device = 0x2204, .class = 0x030000
#define NIC .vendor = 0x8086, .device = 0x10d3, .class = 0x020000

/* Writes the file KIND for the devices in WORDS into TEXT. Returns the status. */
static int write_hostfile(const char *kind, const char *first, const char *second)
{
	struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.all = true,
		.details = DETAIL_NAMES | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_MODALIAS |
			   DETAIL_GROUP_PEERS,
	};
	const char *const words[] = {first, second};
	struct hostfile_device devices[2];
	struct hostfile_job job = {.log = &options.log, .devices = devices};
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
	while (job.count < 2 && words[job.count]) {
		assert_int_equal(address_parse(words[job.count], &address), 0);
		devices[job.count].device = inventory_find(inventory, &address);
		assert_non_null(devices[job.count].device);
		assert_int_equal(driver_choose(job.root, job.log, devices[job.count].device, "auto",
					       &devices[job.count].choice),
				 0);
		job.count++;
	}
	free(text);
	out = open_memstream(&text, &size);
	status = hostfile_write(hostfile_find(kind), &job, out);
	assert_int_equal(fclose(out), 0);
	iommu_free(&iommu);
	kernelinfo_free(&kernel);
	inventory_free(inventory);
	probe_free(probe);
	return status;
}

/* What isn't a comment. */
static const char *content(void)
{
	static char lines[4096];
	char *copy = strdup(text), *rest = NULL;

	lines[0] = '\0';
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (*line != '#')
			strcat(strcat(lines, line), "\n");
	free(copy);
	return lines;
}

static void every_file_says_what_it_is(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "nouveau", .group = "17");
	for (size_t i = 0; i < HOSTFILE_COUNT; i++) {
		assert_int_equal(write_hostfile(HOSTFILES[i].name, "0000:01:00.0", NULL),
				 BIND_DONE);
		assert_contains(text, HOSTFILES[i].path);
		assert_contains(text, "kernel 6.1.0-56-amd64 by: vfio-bind config ");
		assert_contains(text, "# 0000:01:00.0 10de:2204 ");
		assert_contains(text, ", driver nouveau, IOMMU group 17\n");
	}
	assert_null(hostfile_find("grub"));
	assert_string_equal(captured.text, "");
}

static void modprobe_orders_the_native_drivers_behind(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .group = "18");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", "02:00.0"), BIND_DONE);
	assert_string_equal(
		content(),
		"options vfio-pci ids=10de:2204\nsoftdep nouveau pre: vfio_pci\nsoftdep nvidia pre: vfio_pci\n");
}

static void modprobe_takes_no_bystander(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:02:00.0", NIC, .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .group = "19");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", "02:00.0"), BIND_REFUSED);
	assert_string_equal(
		content(),
		"options vfio-pci ids=8086:10d3\nsoftdep e1000e pre: vfio_pci\nsoftdep nouveau pre: vfio_pci\n"
		"softdep nvidia pre: vfio_pci\n");
	assert_contains(text, "# LEFT OUT: 10de:2204, for ids= would take 0000:03:00.0 too");
	assert_contains(captured.text, "warning: 10de:2204 is left out");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", NULL), BIND_REFUSED);
	assert_null(strstr(content(), "ids="));
}

static void a_builtin_driver_comes_before_any_module(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:00:1f.2", .vendor = 0x8086, .device = 0x2922, .class = 0x010601,
		    .driver = "ahci", .group = "7");
	assert_int_equal(write_hostfile("modprobe", "00:1f.2", NULL), BIND_DONE);
	assert_contains(text, "HAZARD: ahci is built into the kernel");
	assert_string_equal(content(), "options vfio-pci ids=8086:2922\n");
}

static void a_variant_driver_takes_no_ids(void **state)
{
	(void)state;
	put_kernel_6_1();
	put("lib/modules/6.1.0-56-amd64/modules.alias",
	    "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\nalias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"
	    "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n");
	fakesys_pci(fake, "0000:01:00.2", .vendor = 0x15b3, .device = 0x101e, .class = 0x020000,
		    .group = "17");
	assert_int_equal(write_hostfile("modprobe", "01:00.2", NULL), BIND_REFUSED);
	assert_contains(captured.text, "only vfio-pci takes ids=");
	assert_string_equal(content(), "softdep mlx5_core pre: mlx5_vfio_pci\n");
	assert_int_equal(write_hostfile("udev", "01:00.2", NULL), BIND_DONE);
	assert_contains(text, "driver_override}=\"mlx5_vfio_pci\"");
	assert_contains(text, "ENV{VFIO_BIND}=\"mlx5_vfio_pci\"");
	assert_int_equal(write_hostfile("dracut", "01:00.2", NULL), BIND_DONE);
	assert_contains(text, "\" vfio vfio_iommu_type1 vfio_virqfd mlx5_vfio_pci \"");
}

static void without_a_list_of_aliases(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_remove(fake, "lib/modules/6.1.0-56-amd64/modules.alias");
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	assert_int_equal(write_hostfile("modprobe", "01:00.0", NULL), BIND_FAILED);
	assert_contains(captured.text, "error: lib/modules/6.1.0-56-amd64/modules.alias");
}

static void rules_go_by_address_and_ids(void **state)
{
	const char *last, *load;

	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "10000:02:00.1", NIC, .group = "18");
	assert_int_equal(write_hostfile("udev", "01:00.0", "10000:02:00.1"), BIND_DONE);
	assert_contains(
		text,
		"ATTR{[pci/0000:01:00.0]vendor}==\"0x10de\", ATTR{[pci/0000:01:00.0]device}==\"0x2204\", "
		"ATTR{[pci/0000:01:00.0]driver_override}=\"vfio-pci\"\n");
	assert_contains(text, "TEST!=\"/sys/bus/pci/devices/10000:02:00.1/driver\"");
	assert_contains(
		text,
		"KERNEL==\"10000:02:00.1\", ATTR{vendor}==\"0x8086\", ATTR{device}==\"0x10d3\", TEST!=\"driver\"");
	/* an event loads nothing before it has set every override */
	last = strstr(text, "ATTR{[pci/10000:02:00.1]driver_override}=");
	load = strstr(text, "kmod load");
	assert_non_null(last);
	assert_non_null(load);
	assert_true(last < load);
	assert_true(load < strstr(text, "drivers_probe"));
}

static void the_initramfs_gets_what_this_kernel_has(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	assert_int_equal(write_hostfile("dracut", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(),
			    "force_drivers+=\" vfio vfio_iommu_type1 vfio_virqfd vfio_pci \"\n"
			    "install_items+=\" /etc/udev/rules.d/10-vfio-bind.rules \"\n");
	assert_int_equal(write_hostfile("initramfs", "01:00.0", NULL), BIND_DONE);
	assert_int_equal(strncmp(text, "#!/bin/sh\n", strlen("#!/bin/sh\n")), 0);
	assert_contains(text, "\nmanual_add_modules vfio vfio_iommu_type1 vfio_virqfd vfio_pci\n");
	put_kernel_6_8();
	assert_int_equal(write_hostfile("dracut", "01:00.0", NULL), BIND_DONE);
	assert_contains(text, "force_drivers+=\" vfio_pci \"\n");
	put("lib/modules/6.8.0-45-generic/modules.builtin",
	    "kernel/vfio/vfio.ko\nkernel/vfio/vfio_iommu_type1.ko\nkernel/vfio/pci/vfio-pci.ko\n");
	assert_int_equal(write_hostfile("initramfs", "01:00.0", NULL), BIND_DONE);
	assert_null(strstr(text, "manual_add_modules"));
	/* nobody can see which modules there are: the version tells */
	fakesys_remove(fake, "lib/modules/6.8.0-45-generic");
	assert_int_equal(write_hostfile("dracut", "01:00.0", NULL), BIND_DONE);
	assert_contains(text, "force_drivers+=\" vfio vfio_iommu_type1 vfio_pci \"\n");
}

static void parameters_go_by_the_iommu(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU);
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(),
			    "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX intel_iommu=on iommu=pt\"\n");
	assert_null(strstr(text, "has them already"));
	put("proc/cmdline", "intel_iommu=on,sm_on iommu=pt");
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_contains(text, "has them already");
	fakesys_remove(fake, "sys/firmware/acpi/tables/DMAR");
	put_kernel_6_8();
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(), "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu=pt\"\n");
	fakesys_remove(fake, "sys/firmware/acpi/tables/IVRS");
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(content(),
			    "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu.passthrough=1\"\n");
}

static void qemu_keeps_what_stands_there(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:01:00.1", NIC, .group = "17");
	assert_int_equal(write_hostfile("qemu", "01:00.0", "01:00.1"), BIND_DONE);
	assert_contains(content(),
			"\"/dev/kvm\",\n    \"/dev/vfio/vfio\",\n    \"/dev/vfio/17\"\n]\n");
	/* as libvirt delivers it */
	put("etc/libvirt/qemu.conf",
	    "#user = \"x\"\n#cgroup_device_acl = [\n#    \"/dev/null\", \"/dev/userfaultfd\",\n#    \"/dev/x;\"\n#]\n");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(
		content(),
		"cgroup_device_acl = [\n    \"/dev/null\",\n    \"/dev/userfaultfd\",\n    \"/dev/vfio/vfio\",\n"
		"    \"/dev/vfio/17\"\n]\n");
	/* as somebody changed it */
	put("etc/libvirt/qemu.conf",
	    "#cgroup_device_acl = [\n#    \"/dev/null\"\n#]\ncgroup_device_acl = [ \"/dev/mine\",\"/dev/vfio/17\" ]\n"
	    "cgroup_device_acl_other = \"/dev/x\"\n");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
	assert_string_equal(
		content(),
		"cgroup_device_acl = [\n    \"/dev/mine\",\n    \"/dev/vfio/17\",\n    \"/dev/vfio/vfio\"\n]\n");
	put("etc/libvirt/qemu.conf", "cgroup_device_acl = [ \"/dev/null\"\n");
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_DONE);
}

static void a_device_without_a_group_is_left_out(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU);
	assert_int_equal(write_hostfile("qemu", "01:00.0", NULL), BIND_UNAVAILABLE);
	assert_contains(text, "# LEFT OUT: 0000:01:00.0 has no IOMMU group");
	assert_contains(captured.text, "warning: 0000:01:00.0 is left out");
}

static void neighbours_that_must_come_along_are_named(void **state)
{
	(void)state;
	put_kernel_6_1();
	fakesys_pci(fake, "0000:01:00.0", GPU, .group = "17");
	fakesys_pci(fake, "0000:01:00.1", NIC, .group = "17", .driver = "e1000e");
	fakesys_link(fake, "sys/kernel/iommu_groups/17/devices/0000:01:00.0",
		     "../../../../devices/pci0000:00/0000:01:00.0");
	fakesys_link(fake, "sys/kernel/iommu_groups/17/devices/0000:01:00.1",
		     "../../../../devices/pci0000:00/0000:01:00.1");
	assert_int_equal(write_hostfile("udev", "01:00.0", NULL), BIND_DONE);
	assert_contains(text, "HAZARD: 0000:01:00.1 is in the same group");
	assert_int_equal(write_hostfile("udev", "01:00.0", "01:00.1"), BIND_DONE);
	assert_null(strstr(text, "HAZARD"));
}

/* No name can break out of its comment. */
static void hostile_names(void **state)
{
	(void)state;
	put_kernel_6_1();
	put("proc/sys/kernel/osrelease", "6.1.0\nreboot\n");
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "x\n\"; reboot \\", .group = "17");
	assert_int_equal(write_hostfile("kernel", "01:00.0", NULL), BIND_DONE);
	assert_contains(text, "driver x?\"; reboot \\, IOMMU group 17\n");
	assert_contains(text, "kernel of unknown version by");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_file_says_what_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(modprobe_orders_the_native_drivers_behind, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modprobe_takes_no_bystander, setup, teardown),
		cmocka_unit_test_setup_teardown(a_builtin_driver_comes_before_any_module, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_variant_driver_takes_no_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_list_of_aliases, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_go_by_address_and_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(the_initramfs_gets_what_this_kernel_has, setup,
						teardown),
		cmocka_unit_test_setup_teardown(parameters_go_by_the_iommu, setup, teardown),
		cmocka_unit_test_setup_teardown(qemu_keeps_what_stands_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_without_a_group_is_left_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(neighbours_that_must_come_along_are_named, setup,
						teardown),
		cmocka_unit_test_setup_teardown(hostile_names, setup, teardown),
	};

	return cmocka_run_group_tests_name("binder-hostfiles", tests, NULL, NULL);
}
