/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "binder/commands/commands.h"
#include "binder/readiness/readiness.h"
#include "tests/unit/fakesys.h"

#include <sys/stat.h>
#include <utime.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct read_trace seen;
static struct readiness readiness;

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
	readiness_free(&readiness);
	fakesys_free(fake);
	return 0;
}

static void add_file(const char *path, const char *text)
{
	fakesys_file(fake, path, text);
}

#define DEP_OF(release, modules) add_file("lib/modules/" release "/modules.dep", modules)
#define NO_BUILTIN(release) \
	add_file("lib/modules/" release "/modules.builtin", "kernel/fs/ext4/ext4.ko\n")
#define VFIO "kernel/drivers/vfio/"
#define VFIO_6_1                                                                     \
	VFIO "vfio.ko:\n" VFIO "vfio_virqfd.ko:\n" VFIO "vfio_iommu_type1.ko: " VFIO \
	     "vfio.ko\n" VFIO "pci/vfio-pci-core.ko: " VFIO "vfio.ko\n" VFIO         \
	     "pci/vfio-pci.ko: " VFIO "pci/vfio-pci-core.ko\n"
#define VFIO_6_8                                                                         \
	VFIO "vfio.ko.zst:\n" VFIO "vfio_iommu_type1.ko.zst: " VFIO "vfio.ko.zst\n" VFIO \
	     "pci/vfio-pci.ko.zst: " VFIO "vfio.ko.zst\n"
#define LIMITS(bytes)                                                                      \
	"Limit                     Soft Limit           Hard Limit           Units     \n" \
	"Max locked memory         " bytes "              unlimited            bytes     \n"

/* A Debian 12 host with an Intel processor, whose kernel has PARAMETERS. */
static void add_intel_host(const char *parameters)
{
	add_file("proc/cmdline", parameters);
	add_file("proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	add_file("proc/cpuinfo",
		 "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme vmx\n\n");
	add_file("proc/interrupts", "   8:  0  IR-IO-APIC   8-edge  rtc0\n");
	add_file("proc/self/limits", LIMITS("unlimited"));
	add_file("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	add_file("proc/1/cmdline", "");
	fakesys_directory(fake, "proc/1/fd");
	add_file("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	add_file("sys/firmware/acpi/tables/DMAR", "");
	NO_BUILTIN("6.1.0-56-amd64");
	DEP_OF("6.1.0-56-amd64", VFIO_6_1);
}

static void add_iommu(const char *unit)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/class/iommu/%s/devices", unit);
	fakesys_directory(fake, path);
	fakesys_directory(fake, "sys/kernel/iommu_groups/0/devices");
	fakesys_directory(fake, "sys/kernel/iommu_groups/1/devices");
}

static void check_host(void)
{
	struct log log = log_capture_add(&captured);
	struct sysroot *root;

	readiness_free(&readiness);
	seen.text[0] = '\0';
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	sysroot_watch(root, trace_read, &seen);
	assert_int_equal(readiness_read(root, &log, &readiness), 0);
	sysroot_free(root);
	assert_null(strstr(seen.text, "\ndev/vfio/")); /* nodes must not be opened */
	assert_null(strstr(seen.text, "driver_override"));
}

static const struct readiness_finding *find(const char *name)
{
	for (size_t i = 0; i < readiness.count; i++)
		if (strcmp(readiness.items[i].name, name) == 0)
			return &readiness.items[i];
	fail_msg("no finding named %s", name);
	return NULL;
}

static const char *result(const char *name)
{
	return finding_result_name(find(name)->result);
}

static void a_ready_host_passes_all_checks(void **state)
{
	(void)state;
	add_intel_host("ro quiet intel_iommu=on iommu=pt\n");
	add_iommu("dmar0");
	check_host();
	for (size_t i = 0; i < readiness.count; i++)
		assert_string_equal(result(readiness.items[i].name), "PASS");
	assert_contains(find("iommu")->seen,
			"Intel VT-d enabled: 2 groups in /sys/kernel/iommu_groups, 1 unit (dmar0)");
	assert_string_equal(find("parameters")->seen, "/proc/cmdline: intel_iommu=on iommu=pt");
	assert_contains(find("vfio_pci")->seen, "/lib/modules/6.1.0-56-amd64/modules.dep");
	assert_int_equal(readiness_status(&readiness), BIND_DONE);
	assert_string_equal(captured.text, "");
}

static void intel_needs_a_kernel_parameter(void **state)
{
	(void)state;
	add_intel_host("ro quiet\n");
	fakesys_directory(fake, "sys/kernel/iommu_groups");
	check_host();
	assert_string_equal(result("iommu"), "FAIL");
	assert_string_equal(result("firmware"), "PASS");
	assert_string_equal(result("parameters"), "FAIL");
	assert_contains(find("parameters")->remedy, "intel_iommu=on");
	assert_int_equal(readiness_status(&readiness), BIND_UNAVAILABLE);
	/* unless the kernel enables the IOMMU by default */
	add_iommu("dmar0");
	check_host();
	assert_string_equal(result("iommu"), "PASS");
	assert_string_equal(result("parameters"), "PASS");
	assert_int_equal(readiness_status(&readiness), BIND_DONE);
}

static void firmware_without_an_iommu_fails(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	fakesys_remove(fake, "sys/firmware/acpi/tables/DMAR");
	fakesys_directory(fake, "sys/kernel/iommu_groups");
	check_host();
	assert_string_equal(result("firmware"), "FAIL");
	assert_contains(find("firmware")->remedy, "firmware setup");
	assert_string_equal(result("parameters"), "PASS");
	add_file("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor vmx\n");
	check_host();
	assert_contains(find("firmware")->remedy, "virtual IOMMU");
	fakesys_remove(fake, "sys/firmware/acpi/tables");
	check_host();
	assert_string_equal(result("firmware"), "UNKNOWN");
}

static void amd_needs_no_kernel_parameter(void **state)
{
	(void)state;
	add_intel_host("quiet\n");
	add_file("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n");
	fakesys_remove(fake, "sys/firmware/acpi/tables/DMAR");
	add_file("sys/firmware/acpi/tables/IVRS", "");
	add_iommu("ivhd0");
	check_host();
	assert_contains(find("iommu")->seen, "AMD-Vi enabled");
	assert_int_equal(readiness_status(&readiness), BIND_DONE);
	fakesys_remove(fake, "sys/kernel/iommu_groups");
	fakesys_remove(fake, "sys/class/iommu");
	add_file("proc/cmdline", "quiet amd_iommu=off");
	check_host();
	assert_string_equal(result("parameters"), "FAIL");
	assert_contains(find("parameters")->remedy, "turns the IOMMU off");
	/* parameters for another vendor are ignored */
	add_file("proc/cmdline", "quiet intel_iommu=off");
	check_host();
	assert_string_equal(result("parameters"), "PASS");
	assert_string_equal(result("iommu"), "FAIL");
}

static void the_firmware_table_decides_the_iommu_vendor(void **state)
{
	(void)state;
	add_intel_host("quiet\n");
	add_file("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor\n");
	fakesys_directory(fake, "sys/kernel/iommu_groups");
	check_host();
	assert_contains(find("parameters")->remedy, "intel_iommu=on");
}

static void noiommu_groups_do_not_count(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=off vfio.enable_unsafe_noiommu_mode=1\n");
	add_file("sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
	check_host();
	assert_string_equal(result("iommu"), "FAIL");
	assert_contains(find("iommu")->seen, "no-IOMMU mode");
	assert_int_equal(readiness_status(&readiness), BIND_UNAVAILABLE);
	/* alongside real groups */
	add_iommu("dmar0");
	fakesys_directory(fake, "sys/kernel/iommu_groups/2");
	check_host();
	assert_contains(find("iommu")->seen, "2 groups");
	assert_string_equal(result("parameters"), "WARN");
	assert_contains(find("parameters")->remedy, "enable_unsafe_noiommu_mode");
}

static void missing_files_are_unknown(void **state)
{
	(void)state;
	check_host();
	assert_string_equal(result("iommu"), "UNKNOWN");
	assert_string_equal(result("parameters"), "UNKNOWN");
	assert_string_equal(result("interrupts"), "UNKNOWN");
	assert_string_equal(result("vfio_pci"), "UNKNOWN");
	assert_string_equal(result("memlock"), "UNKNOWN");
	assert_string_equal(result("vms"), "UNKNOWN");
	assert_string_equal(result("lockdown"), "UNKNOWN");
	assert_string_equal(result("vfio_virqfd"), "UNKNOWN");
	assert_int_equal(readiness_status(&readiness), BIND_FAILED);
}

static void module_states_are_reported(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on module_blacklist=nouveau,vfio-pci\n");
	add_iommu("dmar0");
	check_host();
	assert_string_equal(result("vfio"), "PASS");
	assert_string_equal(result("vfio_pci"), "FAIL");
	assert_contains(find("vfio_pci")->seen, "module_blacklist");
	assert_int_equal(readiness_status(&readiness), BIND_UNAVAILABLE);
	add_file("proc/cmdline", "intel_iommu=on");
	fakesys_directory(fake, "sys/module/vfio_pci");
	check_host();
	assert_contains(find("vfio_pci")->seen, "loaded");
	fakesys_remove(fake, "sys/module/vfio_pci");
	add_file("lib/modules/6.1.0-56-amd64/modules.builtin",
		 "kernel/drivers/vfio/pci/vfio-pci.ko\n");
	check_host();
	assert_contains(find("vfio_pci")->seen, "built into kernel 6.1.0-56-amd64");
	assert_contains(find("initramfs")->seen, "built into");
	/* a kernel without them, with modules of similar names */
	NO_BUILTIN("6.1.0-56-amd64");
	DEP_OF("6.1.0-56-amd64", "kernel/vfio/vfio.ko:\nkernel/vfio/vfio-pci-core.ko:\nkernel/vfio/"
				 "xvfio_iommu_type1.ko: vfio_iommu_type1.ko\n");
	check_host();
	assert_string_equal(result("vfio"), "PASS");
	assert_string_equal(result("vfio_pci"), "FAIL");
	assert_string_equal(result("vfio_iommu_type1"), "FAIL");
	assert_int_equal(readiness_status(&readiness), BIND_UNAVAILABLE);
	DEP_OF("6.1.0-56-amd64", "a/vfio.ko:\na/vfio-pci.ko:\na/iommufd.ko:\n");
	check_host();
	assert_string_equal(result("vfio_iommu_type1"), "WARN");
	assert_int_equal(readiness_status(&readiness), BIND_DONE);
	/* the package of the running kernel was replaced */
	fakesys_remove(fake, "lib/modules/6.1.0-56-amd64");
	check_host();
	assert_string_equal(result("vfio_pci"), "UNKNOWN");
	assert_int_equal(readiness_status(&readiness), BIND_FAILED);
}

static void interrupt_remapping_is_checked(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	add_file("proc/interrupts",
		 "   8:  0  IO-APIC   8-edge  rtc0\n  24:  0  PCI-MSI 1-edge nvme0q0\n");
	check_host();
	assert_string_equal(result("interrupts"), "FAIL");
	assert_int_equal(readiness_status(&readiness), BIND_FAILED);
	add_file("etc/modprobe.d/x.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=1\n");
	check_host();
	assert_string_equal(result("interrupts"), "WARN");
	assert_int_equal(readiness_status(&readiness), BIND_DONE);
	fakesys_remove(fake, "etc/modprobe.d/x.conf");
	add_file("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	check_host();
	assert_string_equal(result("interrupts"), "WARN");
	add_file("proc/interrupts", " 12:  0  GICv3  30 Level  arch_timer\n");
	check_host();
	assert_string_equal(result("interrupts"), "UNKNOWN");
}

static void add_node(const char *path, mode_t mode)
{
	char full[128];

	add_file(path, "");
	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	assert_int_equal(chmod(full, mode), 0);
	/* the file's owner must not depend on the user who runs the test */
	add_file("etc/passwd", "daemon:x:1:1::/:/x\nroot:x:0:0::/:/x\n");
	add_file("etc/group", "root:x:0:\n");
}

static void node_permissions_are_checked(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	fakesys_directory(fake, "sys/module/vfio");
	check_host();
	assert_string_equal(result("/dev/vfio/vfio"), "FAIL");
	assert_int_equal(readiness_status(&readiness), BIND_FAILED);
	add_node("dev/vfio/vfio", 0666);
	add_node("dev/vfio/17", 0600);
	add_node("dev/vfio/9", 0600);
	add_node("dev/vfio/21", 0660);
	fakesys_directory(fake, "dev/vfio/devices");
	check_host();
	assert_string_equal(result("/dev/vfio/vfio"), "PASS");
	assert_string_equal(result("/dev/vfio groups"), "PASS");
	assert_contains(find("/dev/vfio groups")->seen, " 0600: 9 17; ");
	assert_contains(find("/dev/vfio groups")->seen, " 0660: 21");
	add_node("dev/vfio/17", 0666);
	check_host();
	assert_string_equal(result("/dev/vfio groups"), "WARN");
	assert_contains(find("/dev/vfio groups")->remedy, "every user");
}

static void a_kernel_without_groups_needs_iommufd(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	fakesys_directory(fake, "sys/module/vfio");
	fakesys_directory(fake, "sys/module/iommufd");
	fakesys_directory(fake, "sys/class/vfio-dev");
	check_host();
	assert_string_equal(result("/dev/iommu"), "FAIL");
	add_node("dev/iommu", 0660);
	add_node("dev/vfio/devices/vfio0", 0600);
	check_host();
	assert_string_equal(result("/dev/iommu"), "PASS");
	assert_contains(find("/dev/vfio groups")->seen, " 0600: devices/vfio0");
}

static void both_kinds_of_nodes_are_checked(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	fakesys_directory(fake, "sys/class/vfio");
	fakesys_directory(fake, "sys/class/vfio-dev");
	add_node("dev/vfio/vfio", 0666);
	add_node("dev/vfio/17", 0600);
	add_node("dev/vfio/devices/vfio0", 0600);
	add_node("dev/iommu", 0660);
	check_host();
	assert_contains(find("/dev/vfio/vfio")->seen, "a VM also needs its groups");
	assert_string_equal(result("/dev/iommu"), "PASS");
	assert_string_equal(find("/dev/iommu")->seen, "mode 0660, not accessible to all users");
	assert_contains(find("/dev/vfio groups")->seen, " 0600: 17 devices/vfio0");
}

static void the_memlock_limit_is_checked(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	add_file("proc/self/limits", LIMITS("8388608"));
	check_host();
	assert_string_equal(result("memlock"), "WARN");
	assert_contains(find("memlock")->seen, "8388608 bytes");
	add_file("proc/self/status", "Name:\tx\nCapEff:\t0000000000004000\n");
	check_host();
	assert_string_equal(result("memlock"), "PASS");
	add_file("proc/self/limits", "nonsense\n");
	check_host();
	assert_string_equal(result("memlock"), "UNKNOWN");
}

static void vms_are_listed_with_their_limits(void **state)
{
	static const char command_line[] =
		"/usr/bin/qemu-system-x86_64\0-name\0guest=one-7\0-device\0vfio-pci,host=01:00.0";

	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	fakesys_bytes(fake, "proc/42/cmdline", command_line, sizeof(command_line));
	add_file("proc/42/stat", "42 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1042 0 0");
	fakesys_descriptor(fake, 42, 6, "/dev/vfio/17");
	add_file("proc/42/limits", LIMITS("4294967296"));
	check_host();
	assert_string_equal(find("vms")->seen, "one-7 (pid 42): memlock limit 4294967296");
}

static void set_mtime(const char *path, time_t time)
{
	struct utimbuf times = {.actime = time, .modtime = time};
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	assert_int_equal(utime(full, &times), 0);
}

static void the_initramfs_configuration_is_checked(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	add_file("etc/initramfs-tools/modules", "# vfio_pci\n\nvfio_pci\n");
	add_file("boot/initrd.img-6.1.0-56-amd64", "");
	set_mtime("etc/initramfs-tools/modules", 1000);
	set_mtime("boot/initrd.img-6.1.0-56-amd64", 900);
	check_host();
	assert_string_equal(result("initramfs"), "WARN");
	assert_string_equal(find("initramfs")->seen,
			    "/etc/initramfs-tools/modules:3 includes vfio_pci, but "
			    "/boot/initrd.img-6.1.0-56-amd64 is older than that file");
	set_mtime("boot/initrd.img-6.1.0-56-amd64", 1100);
	check_host();
	assert_string_equal(result("initramfs"), "UNKNOWN"); /* the image is not read */
	fakesys_remove(fake, "etc/initramfs-tools/modules");
	add_file("etc/dracut.conf.d/a.conf", "force_drivers+=\" vfio_iommu_type1 vfio-pci \"\n");
	check_host();
	assert_contains(find("initramfs")->seen, "/etc/dracut.conf.d/a.conf:1 includes vfio_pci");
	fakesys_remove(fake, "etc/dracut.conf.d/a.conf");
	add_file("etc/dracut.conf.d/a.conf.bak", "force_drivers+=\" vfio-pci \"\n");
	add_file("etc/dracut.conf.d/b.conf", "force_drivers+=\" vfio-pci-core \"\n");
	check_host();
	assert_string_equal(result("initramfs"), "PASS");
	assert_string_equal(captured.text, "");
	/* an unreadable file may include it */
	fakesys_link(fake, "etc/dracut.conf.d/c.conf", "c.conf");
	check_host();
	assert_string_equal(result("initramfs"), "UNKNOWN");
	assert_string_equal(result("ids"), "UNKNOWN");
	assert_contains(captured.text, "etc/dracut.conf.d/c.conf");
}

static void ids_match_identical_devices(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on vfio-pci.ids=1b36:0010\n");
	add_iommu("dmar0");
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .subsystem_vendor = 0x10de, .subsystem_device = 1);
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .subsystem_vendor = 0x1043, .subsystem_device = 2);
	fakesys_pci(fake, "0000:03:00.0", .vendor = 0x1b36, .device = 0x0010, .class = 0x010802);
	check_host();
	assert_string_equal(result("ids"), "PASS");
	assert_string_equal(find("ids")->seen, "1b36:0010 (/proc/cmdline) matches 0000:03:00.0");
	assert_contains(find("ids")->remedy, "config udev");
	add_file(
		"etc/modprobe.d/v.conf",
		"options nouveau ids=8086:1\n# options vfio-pci ids=8086:2\nsoftdep nouveau pre: vfio-pci\n"
		"options vfio-pci disable_vga=1 \\\n  ids=10de:2204,8086:10d3\n");
	check_host();
	assert_string_equal(result("ids"), "WARN");
	assert_string_equal(
		find("ids")->seen,
		"10de:2204 (/etc/modprobe.d/v.conf:4) matches 0000:01:00.0, 0000:02:00.0; "
		"8086:10d3 (/etc/modprobe.d/v.conf:4) matches "
		"no device; 1b36:0010 (/proc/cmdline) matches 0000:03:00.0");
	add_file("etc/modprobe.d/v.conf", "options vfio_pci ids=10de:2204:1043\n");
	check_host();
	assert_string_equal(result("ids"), "PASS");
	assert_contains(find("ids")->seen, "matches 0000:02:00.0;");
}

static void vfio_virqfd_is_checked_by_version(void **state)
{
	(void)state;
	add_intel_host("intel_iommu=on\n");
	add_iommu("dmar0");
	add_file("etc/modules-load.d/vfio.conf", "vfio\nvfio_virqfd\n");
	check_host();
	assert_string_equal(result("vfio_virqfd"), "PASS");
	add_file("proc/sys/kernel/osrelease", "6.8.0-45-generic\n");
	NO_BUILTIN("6.8.0-45-generic");
	DEP_OF("6.8.0-45-generic", VFIO_6_8);
	check_host();
	assert_string_equal(result("vfio_pci"), "PASS");
	assert_string_equal(result("vfio_virqfd"), "WARN");
	assert_contains(
		find("vfio_virqfd")->seen,
		"/etc/modules-load.d/vfio.conf:2 loads it, but kernel 6.8.0-45-generic has no such module");
}

static void hostile_files_are_handled(void **state)
{
	char *line = malloc(70000);

	(void)state;
	memset(line, '"', 69999);
	line[69999] = '\0';
	add_intel_host(
		"x=\"a b intel_iommu=off\tiommu=off\" intel_iommu=\"on\" \033[2J -- amd_iommu=off iommu=off \"\n");
	fakesys_directory(fake, "sys/kernel/iommu_groups");
	add_file("proc/sys/kernel/osrelease", "../../../../etc\n");
	add_file("etc/modprobe.d/a.conf", line);
	add_file("etc/modprobe.d/b.conf",
		 "options vfio-pci ids=\noptions vfio-pci ids=,,:,zz:zz,1:,\"\\");
	fakesys_bytes(fake, "etc/modprobe.d/c.conf", "\0ids=1:1", 8);
	fakesys_bytes(fake, "etc/modules", "\\\n\\\n\\", 5);
	add_file("proc/interrupts", "\n");
	check_host();
	assert_string_equal(result("parameters"),
			    "PASS"); /* quoted text and what follows -- are not parameters */
	assert_string_equal(result("vfio_pci"), "UNKNOWN");
	assert_null(strstr(seen.text, "lib/modules"));
	add_file("proc/cmdline", line);
	check_host();
	assert_string_equal(result("parameters"), "UNKNOWN");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_ready_host_passes_all_checks, setup, teardown),
		cmocka_unit_test_setup_teardown(intel_needs_a_kernel_parameter, setup, teardown),
		cmocka_unit_test_setup_teardown(firmware_without_an_iommu_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(amd_needs_no_kernel_parameter, setup, teardown),
		cmocka_unit_test_setup_teardown(the_firmware_table_decides_the_iommu_vendor, setup,
						teardown),
		cmocka_unit_test_setup_teardown(noiommu_groups_do_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_files_are_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(module_states_are_reported, setup, teardown),
		cmocka_unit_test_setup_teardown(interrupt_remapping_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(node_permissions_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(both_kinds_of_nodes_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kernel_without_groups_needs_iommufd, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_memlock_limit_is_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(vms_are_listed_with_their_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(the_initramfs_configuration_is_checked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(ids_match_identical_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(vfio_virqfd_is_checked_by_version, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_files_are_handled, setup, teardown),
	};

	return cmocka_run_group_tests_name("binder-readiness", tests, NULL, NULL);
}
