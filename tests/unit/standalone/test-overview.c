/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format table, in builds with and without libsmartcols. */
#include "tests/unit/test.h"

#include "plugins/standalone/columns.h"
#include "probe/details/vfsettings.h"
#include "tests/unit/fakesys.h"
#include "tests/unit/standalone/output.h"

static struct fakesys *fake;
static struct log_capture captured;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	fakesys_process(fake, 1, "init"); /* without processes, owners are unknown */
	captured = (struct log_capture){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

/* Removes trailing spaces: libsmartcols pads an empty last column. */
static void trim(char *string)
{
	char *to = string;

	for (char *from = string; *from; from++) {
		size_t spaces = strspn(from, " ");

		if (from[spaces] == '\n')
			from += spaces;
		*to++ = *from;
	}
	*to = '\0';
}

/* LIST is an argument of -o, or NULL; WIDTH that of a terminal, or 0. */
static void assert_table(const char *list, unsigned width, const char *expected)
{
	struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.config_home = "/etc/pciprobe/pci.conf"}; /* in few of the tests there is one */
	struct report report = {.headings = true, .width = width, .columns_chosen = list};
	char *string;

	assert_int_equal(columns_parse(list, writer_find("table")->columns, &options.log,
				       &report.columns, &report.column_count),
			 0);
	for (size_t i = 0; i < report.column_count; i++)
		options.details |= report.columns[i]->details;
	string = output_of_format("table", options, report, NULL);
	trim(string);
	assert_string_equal(string, expected);
	free(string);
	free(report.columns);
}

#define UNKNOWN .vendor = 0xfff1, .device = 0xfff2, .class = 0xf0f300
#define UNKNOWN_NIC .vendor = 0xfff1, .device = 0xfff2, .class = 0x020000

static void empty_columns_are_hidden(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN, .driver = "igb", .group = "1");
	fakesys_pci(fake, "0000:02:00.0", UNKNOWN, .group = "12");
	assert_table(NULL, 0,
		     "ADDRESS ID        DRIVER GROUP STATE AVAIL NAME\n"
		     "01:00.0 fff1:fff2 igb        1 host        Class f0f3: Device fff1:fff2\n"
		     "02:00.0 fff1:fff2           12 free  yes   Class f0f3: Device fff1:fff2\n");
}

static void a_table_fits_the_terminal_and_ends_with_a_summary(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN, .driver = "igb", .group = "1");
	fakesys_pci(fake, "0000:02:00.0", UNKNOWN, .group = "12");
	assert_table(NULL, 40,
		     "ADDRESS STATE NAME\n"
		     "01:00.0 host  Class f0f3: Device fff1...\n"
		     "02:00.0 free  Class f0f3: Device fff1...\n"
		     "2 devices: 1 free, 1 host\n");
}

static void leftovers_on_a_free_vf_are_shown_and_counted(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN_NIC, .driver = "igb", .group = "1");
	fakesys_attribute(fake, "0000:01:00.0", "net/eth0/address", "52:54:00:00:00:ff\n");
	fakesys_pci(fake, "0000:01:10.0", UNKNOWN_NIC, .group = "2", .pf = "0000:01:00.0", .vf = 0);
	fakesys_pci(fake, "0000:01:10.2", UNKNOWN_NIC, .group = "3", .pf = "0000:01:00.0", .vf = 1);
	fakesys_file(fake, VF_SETTINGS_FILE,
		     "vf 0000:01:00.0 0 vlan=0 trust=off\n"
		     "vf 0000:01:00.0 1 vlan=100 trust=on\n"
		     "end 2\n");
	assert_table(
		NULL, 140,
		"ADDRESS ID        DRIVER GROUP STATE LEFTOVERS         AVAIL SRIOV NETDEV NAME\n"
		"01:00.0 fff1:fff2 igb        1 host                                eth0   Ethernet controller: Device fff1:fff2\n"
		"01:10.0 fff1:fff2            2 free                    yes   vf           Ethernet controller: Device fff1:fff2\n"
		"01:10.2 fff1:fff2            3 free  vlan 100,trust on yes   vf           Ethernet controller: Device fff1:fff2\n"
		"3 devices: 2 free, 1 host; 1 with leftovers\n");
}

static void findings_are_shown_and_counted(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN_NIC, .driver = "igb", .group = "1");
	fakesys_pci(fake, "0000:02:00.0", UNKNOWN, .group = "2");
	fakesys_file(fake, "etc/pciprobe/pci.conf",
		     ":filter: '*:*'\n"
		     ":expect:\n"
		     "- {filter: 'fff1:*', min_count: 3}\n"
		     "- {short_address: '01:00.0', driver: vfio-pci, numa_node: 0}\n"
		     "- {short_address: '02:00.0'}\n");
	assert_table(
		NULL, 140,
		"ADDRESS ID        DRIVER GROUP STATE FINDINGS AVAIL NAME\n"
		"01:00.0 fff1:fff2 igb        1 host  changed        Ethernet controller: Device fff1:fff2\n"
		"02:00.0 fff1:fff2            2 free           yes   Class f0f3: Device fff1:fff2\n"
		"2 devices: 1 free, 1 host; 3 findings\n");
}

static void the_reason_why_a_free_device_is_not_available_is_shown(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN);
	fakesys_pci(fake, "0000:02:00.0", UNKNOWN, .group = "1");
	assert_table(NULL, 0,
		     "ADDRESS ID        GROUP STATE AVAIL    NAME\n"
		     "01:00.0 fff1:fff2       free  no-iommu Class f0f3: Device fff1:fff2\n"
		     "02:00.0 fff1:fff2     1 free  yes      Class f0f3: Device fff1:fff2\n");
}

static void domains_are_shown_if_there_are_several(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN);
	fakesys_pci(fake, "10000:01:00.0", UNKNOWN);
	assert_table(NULL, 0,
		     "ADDRESS       ID        STATE AVAIL    NAME\n"
		     "0000:01:00.0  fff1:fff2 free  no-iommu Class f0f3: Device fff1:fff2\n"
		     "10000:01:00.0 fff1:fff2 free  no-iommu Class f0f3: Device fff1:fff2\n");
}

static void chosen_columns_are_shown_unchanged(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", UNKNOWN, .driver = "igb", .group = "1");
	assert_table("address,vendor,device,device_name,iommu_group,conflict,available", 0,
		     "ADDRESS      VENDOR DEVICE NAME GROUP CONFLICT AVAILABLE\n"
		     "0000:01:00.0 fff1   fff2            1 no       host\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty_columns_are_hidden),
		TEST(a_table_fits_the_terminal_and_ends_with_a_summary),
		TEST(leftovers_on_a_free_vf_are_shown_and_counted),
		TEST(findings_are_shown_and_counted),
		TEST(the_reason_why_a_free_device_is_not_available_is_shown),
		TEST(domains_are_shown_if_there_are_several),
		TEST(chosen_columns_are_shown_unchanged),
	};

	setenv("LC_ALL", "C", 1);
	return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}
