/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format opennebula and its interface names. tests/conformance/test-opennebula.py compares
 * whole hosts with lspci. */
#include "tests/unit/test.h"

#include "plugins/standalone/formats/ifname.h"
#include "tests/unit/fakesys.h"
#include "tests/unit/standalone/output.h"

#define CACHE "var/lib/pciprobe/" IFNAME_STATE "/" IFNAME_CACHE

static struct fakesys *fake;
static struct log_capture captured;

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
	fakesys_free(fake);
	return 0;
}

/* The output for all devices; the caller frees it. EDIT, if not NULL, modifies the inventory. */
static char *output_of(void (*edit)(struct inventory *))
{
	const struct probe_options options = {.log = log_capture_add(&captured),
					      .sysroot = fake->path};

	return output_of_format("opennebula", options, (struct report){0}, edit);
}

static void a_device_is_written_byte_for_byte(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:81:00.2", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	fakesys_attribute(fake, "0000:81:00.2", "numa_node", "1\n");
	fakesys_attribute(fake, "0000:81:00.2", "sriov_totalvfs", "8\n");
	fakesys_attribute(fake, "0000:81:00.2", "sriov_numvfs", "0\n");
	fakesys_attribute(fake, "0000:81:00.2", "net/enp129s0/address", "52:54:00:00:00:01\n");
	fakesys_pci(fake, "0001:03:00.0", .vendor = 0xfffe, .device = 0x0001, .class = 0xfe0000);
	string = output_of(NULL);
	assert_string_equal(string, "PCI = [\n"
				    " TYPE = \"8086:10d3:0200\" ,\n"
				    " VENDOR = \"8086\" ,\n"
				    " VENDOR_NAME = \"Intel Corporation\" ,\n"
				    " DEVICE = \"10d3\" ,\n"
				    " CLASS = \"0200\" ,\n"
				    " CLASS_NAME = \"Ethernet controller\" ,\n"
				    " ADDRESS = \"0000:81:00:2\" ,\n"
				    " SHORT_ADDRESS = \"81:00.2\" ,\n"
				    " DOMAIN = \"0000\" ,\n"
				    " BUS = \"81\" ,\n"
				    " SLOT = \"00\" ,\n"
				    " FUNCTION = \"2\" ,\n"
				    " NUMA_NODE = \"1\" ,\n"
				    " IFNAME = \"enp129s0\" ,\n"
				    " SRIOV = \"pf\" ,\n"
				    " SRIOV_NUM = \"0\" ,\n"
				    " DEVICE_NAME = \"82574L Gigabit Network Connection\" \n"
				    "]\n"
				    "PCI = [\n"
				    " TYPE = \"fffe:0001:fe00\" ,\n"
				    " VENDOR = \"fffe\" ,\n"
				    " VENDOR_NAME = \"VMWare Inc (temporary ID)\" ,\n"
				    " DEVICE = \"0001\" ,\n"
				    " CLASS = \"fe00\" ,\n"
				    " CLASS_NAME = \"Class\" ,\n"
				    " ADDRESS = \"0001:03:00:0\" ,\n"
				    " SHORT_ADDRESS = \"0001:03:00.0\" ,\n"
				    " DOMAIN = \"0001\" ,\n"
				    " BUS = \"03\" ,\n"
				    " SLOT = \"00\" ,\n"
				    " FUNCTION = \"0\" ,\n"
				    " NUMA_NODE = \"-\" ,\n"
				    " IFNAME = \"-\" ,\n"
				    " SRIOV = \"no\" ,\n"
				    " DEVICE_NAME = \"Device\" \n"
				    "]\n");
	free(string);
}

static void pfs_with_vfs_are_omitted(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x8086, .device = 0x1520, .class = 0x020000);
	fakesys_attribute(fake, "0000:01:00.0", "sriov_numvfs", "1\n");
	fakesys_pci(fake, "0000:01:10.0", .vendor = 0x8086, .device = 0x1520, .class = 0x020000,
		    .pf = "0000:01:00.0");
	/* an NVIDIA PF: sriov_numvfs is 0, but a VF exists */
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200);
	fakesys_attribute(fake, "0000:02:00.0", "sriov_totalvfs", "16\n");
	fakesys_attribute(fake, "0000:02:00.0", "sriov_numvfs", "0\n");
	fakesys_pci(fake, "0000:02:00.4", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200,
		    .pf = "0000:02:00.0");
	string = output_of(NULL);
	assert_null(strstr(string, "\"01:00.0\""));
	assert_non_null(strstr(string, "\"01:10.0\""));
	assert_null(strstr(string, "\"02:00.0\""));
	assert_non_null(strstr(string, "\"02:00.4\""));
	free(string);
}

static void nvidia_vfs_have_vgpu_profiles(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:81:00.4", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200);
	fakesys_pci(fake, "0000:81:00.5", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200,
		    .pf = "0000:81:00.4");
	fakesys_attribute(fake, "0000:81:00.5", "nvidia/creatable_vgpu_types",
			  "ID : vGPU Name\n558 : NVIDIA A2-4Q\n559 : NVIDIA A2-8Q\n");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.4/virtfn0");
	string = output_of(NULL);
	assert_contains(string, " DEVICE_NAME = \"NVIDIA Corporation GA107GL [A2 / A16]\" \n]\n");
	/* uuidgen --sha1 --namespace @x500 --name 0000:81:00:5 */
	assert_contains(
		string,
		" SRIOV = \"vf\" ,\n DEVICE_NAME = \"NVIDIA vGPU device\" ,\n"
		" UUID = \"80d20f84-4c96-5aef-aff7-e9d27864cb1d\" ,\n"
		" PROFILES = \"558 (NVIDIA A2-4Q),559 (NVIDIA A2-8Q)\" ,\n MDEV_MODE = \"nvidia\" \n]\n");
	free(string);
	fakesys_directory(fake, "sys/class/mdev_bus/0000:81:00.5/mdev_supported_types/nvidia-63");
	string = output_of(NULL);
	assert_contains(string, " PROFILES = \"nvidia-63\" ,\n MDEV_MODE = \"legacy\" \n]\n");
	free(string);
}

static void set_hostile_names(struct inventory *inventory)
{
	inventory->devices[0].device_name =
		"a \"quoted\" name ]]> \x1b[2J\n\\\" \xff\xc3\xa9 end\\";
	inventory->devices[0].vendor_name = "]]]>";
}

static void hostile_names_do_not_break_the_message(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	string = output_of(set_hostile_names);
	assert_contains(
		string,
		" DEVICE_NAME = \"a \\\"quoted\\\" name ] ]>  [2J /\\\" ?\xc3\xa9 end/\" \n]\n");
	assert_contains(string, " VENDOR_NAME = \"]] ]>\" ,\n");
	free(string);
}

static void interface_names_have_three_sources(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x15b3, .device = 0x1016, .class = 0x020000);
	fakesys_attribute(fake, "0000:00:02.0", "net/eth0/phys_port_name", "p0\n");
	fakesys_attribute(fake, "0000:00:02.0", "net/eth0_0/phys_port_name", "pf0vf0\n");
	fakesys_attribute(fake, "0000:00:02.0", "net/eth0_1/phys_port_name", "pf0vf1\n");
	string = output_of(NULL);
	assert_contains(string, " IFNAME = \"eth0\" ");
	free(string);
	fakesys_file(fake, CACHE "/0000:00:02.0", "cached0\n");
	string = output_of(NULL);
	assert_contains(string, " IFNAME = \"cached0\" ");
	free(string);
	fakesys_file(fake, IFNAME_RULES,
		     "SUBSYSTEM==\"net\"\n# 0000:00:01.0 <- other\n# 0000:00:02.0 <- ruled0\nx\n");
	string = output_of(NULL);
	assert_contains(string, " IFNAME = \"ruled0\" ");
	free(string);
	fakesys_file(fake, IFNAME_RULES,
		     "# 0000:00:02.0 <- a\"b\n# 0000:00:02.0 <- waytoolongforaninterface\n");
	fakesys_file(fake, CACHE "/0000:00:02.0", "\x1b[2J\n");
	string = output_of(NULL);
	assert_contains(string, " IFNAME = \"eth0\" ");
	free(string);
}

static void without_an_uplink_several_interfaces_have_no_name(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x15b3, .device = 0x1016, .class = 0x020000);
	fakesys_attribute(fake, "0000:00:02.0", "net/eth0/phys_port_name", "pf0vf0\n");
	fakesys_attribute(fake, "0000:00:02.0", "net/eth1/address", "52:54:00:00:00:01\n");
	string = output_of(NULL);
	assert_contains(string, " IFNAME = \"-\" ");
	free(string);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_device_is_written_byte_for_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(pfs_with_vfs_are_omitted, setup, teardown),
		cmocka_unit_test_setup_teardown(nvidia_vfs_have_vgpu_profiles, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_names_do_not_break_the_message, setup,
						teardown),
		cmocka_unit_test_setup_teardown(interface_names_have_three_sources, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_an_uplink_several_interfaces_have_no_name,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("opennebula", tests, NULL, NULL);
}
