/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/details/vfsettings.h"
#include "probe/fields.h"
#include "probe/leftover.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

static const struct vf_defaults NEW_VF;
#define NORMAL(...) (&(struct vf_defaults){__VA_ARGS__})
#define VF(...) (&(struct vf_settings){__VA_ARGS__})
#define ALL_REPORTED (VF_HAS_SPOOF_CHECK | VF_HAS_TRUST | VF_HAS_RSS_QUERY)

static void join(const struct strings *list, char *buffer, size_t size)
{
	buffer[0] = '\0';
	for (size_t i = 0; i < list->count; i++)
		snprintf(buffer + strlen(buffer), size - strlen(buffer), "%s%s", i ? ", " : "",
			 list->items[i]);
}

static void assert_leftovers(const struct vf_settings *vf, const struct vf_defaults *normal,
			     const char *expected)
{
	struct strings list = {0};
	char text[512];

	assert_int_equal(leftover_list(vf, normal, &list), 0);
	join(&list, text, sizeof(text));
	strings_free(&list);
	assert_string_equal(text, expected);
}

static void a_new_vf_has_no_leftovers(void **state)
{
	(void)state;
	assert_leftovers(VF(.present = ALL_REPORTED, .spoof_check = true, .link_state = "auto",
			    .vlan_protocol = "802.1Q"),
			 &NEW_VF, "");
	/* not reported is not off */
	assert_leftovers(VF(.present = VF_HAS_COUNTERS, .rx_bytes = 7), &NEW_VF, "");
}

static void each_setting_of_a_tenant_is_a_leftover(void **state)
{
	(void)state;
	assert_leftovers(VF(.present = ALL_REPORTED, .spoof_check = true,
			    .mac = "52:54:00:00:00:01"),
			 &NEW_VF, "mac 52:54:00:00:00:01");
	assert_leftovers(VF(.vlan = 100), &NEW_VF, "vlan 100");
	assert_leftovers(VF(.vlan_priority = 3), &NEW_VF, "vlan priority 3");
	assert_leftovers(VF(.present = VF_HAS_SPOOF_CHECK), &NEW_VF, "spoof check off");
	assert_leftovers(VF(.present = VF_HAS_TRUST, .trust = true), &NEW_VF, "trust on");
	assert_leftovers(VF(.present = VF_HAS_RSS_QUERY, .rss_query = true), &NEW_VF,
			 "rss query on");
	assert_leftovers(VF(.link_state = "enable"), &NEW_VF, "link state enable");
	assert_leftovers(VF(.link_state = "disable"), &NEW_VF, "link state disable");
	assert_leftovers(VF(.min_rate = 10), &NEW_VF, "min rate 10 Mbit/s");
	assert_leftovers(VF(.max_rate = UINT32_MAX), &NEW_VF, "max rate 4294967295 Mbit/s");
	assert_leftovers(
		VF(.present = ALL_REPORTED, .trust = true, .vlan = 4095,
		   .mac = "00:00:00:00:fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:01"),
		&NEW_VF,
		"mac 00:00:00:00:fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:01, vlan 4095, "
		"spoof check off, trust on");
}

static void what_is_normal_on_the_host_is_not_a_leftover(void **state)
{
	const struct vf_settings tenant = {.present = ALL_REPORTED,
					   .mac = "52:54:00:00:00:01",
					   .vlan = 100,
					   .trust = true,
					   .rss_query = true,
					   .link_state = "enable",
					   .min_rate = 10,
					   .max_rate = 1000};
	const struct vf_settings new_vf = {
		.present = ALL_REPORTED, .spoof_check = true, .link_state = "auto"};
	const struct vf_defaults stated = {.any_mac = true,
					   .vlan = 100,
					   .no_spoof_check = true,
					   .trust = true,
					   .rss_query = true,
					   .link_state = "enable",
					   .min_rate = 10,
					   .max_rate = 1000};

	(void)state;
	assert_leftovers(&tenant, &stated, "");
	/* neither is what a new VF has */
	assert_leftovers(&new_vf, &stated, "");
	/* other values still are */
	assert_leftovers(VF(.vlan = 200, .max_rate = 1001, .link_state = "disable"), &stated,
			 "vlan 200, link state disable, max rate 1001 Mbit/s");
	assert_leftovers(&tenant, NORMAL(.vlan = 100, .trust = true, .any_mac = true),
			 "spoof check off, rss query on, link state enable, min rate 10 Mbit/s, "
			 "max rate 1000 Mbit/s");
}

/* ---- the inventory ---- */

static struct fakesys *fake;
static struct log_capture captured;
static struct probe *probe;
static struct inventory *inventory;

#define NIC .vendor = 0x8086, .device = 0x10c9, .class = 0x020000

/* A PF with two VFs that have a VLAN, the second of them held by a VM, and a GPU. */
static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	fakesys_pci(fake, "0000:01:00.0", NIC, .driver = "igb", .group = "1");
	fakesys_attribute(fake, "0000:01:00.0", "net/eth0/address", "52:54:00:00:00:ff\n");
	fakesys_pci(fake, "0000:01:10.0", NIC, .driver = "vfio-pci", .group = "2",
		    .pf = "0000:01:00.0", .vf = 0);
	fakesys_pci(fake, "0000:01:10.2", NIC, .driver = "vfio-pci", .group = "3",
		    .pf = "0000:01:00.0", .vf = 1);
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .driver = "vfio-pci", .group = "4");
	fakesys_file(fake, VF_SETTINGS_FILE,
		     "vf 0000:01:00.0 0 vlan=100 trust=on spoof_check=on\n"
		     "vf 0000:01:00.0 1 vlan=200\n"
		     "end 2\n");
	fakesys_process(fake, 1, "init");
	fakesys_process(fake, 7, "qemu-kvm\0-name\0one-42");
	fakesys_descriptor(fake, 7, 9, "/dev/vfio/3");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	inventory_free(inventory);
	probe_free(probe);
	inventory = NULL;
	probe = NULL;
	fakesys_free(fake);
	return 0;
}

static void read_machine(unsigned details)
{
	const struct probe_options options = {.log = log_capture_add(&captured),
					      .sysroot = fake->path,
					      .config_home = "/etc/pciprobe/pci.conf",
					      .details = details};

	inventory_free(inventory);
	probe_free(probe);
	inventory = NULL;
	probe = NULL;
	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
}

/* "unknown", "absent", or the items of the field leftovers. has_leftovers must agree. */
static void assert_field(const char *address, const char *expected)
{
	struct field_value list = {0}, flag = {0};
	struct pci_address parsed;
	const struct pci_device *device;
	char text[512];
	bool present;

	assert_int_equal(address_parse(address, &parsed), 0);
	device = inventory_find(inventory, &parsed);
	assert_non_null(device);
	present = field_find("leftovers")->get(device, &list);
	assert_int_equal(field_find("has_leftovers")->get(device, &flag), present);
	assert_int_equal(flag.unknown, list.unknown);
	if (present)
		assert_int_equal(flag.number, device->leftovers.count > 0);
	join(&device->leftovers, text, sizeof(text));
	assert_string_equal(present ? text : list.unknown ? "unknown" : "absent", expected);
}

static void only_free_vfs_have_leftovers(void **state)
{
	(void)state;
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.0", "vlan 100, trust on");
	assert_field("0000:01:10.2", "");
	assert_field("0000:01:00.0", "absent");
	assert_field("0000:02:00.0", "absent");
	/* the VM is gone */
	fakesys_remove(fake, "proc/7");
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.2", "vlan 200");
}

static void what_could_not_be_read_is_unknown(void **state)
{
	(void)state;
	/* the settings */
	fakesys_file(fake, VF_SETTINGS_FILE,
		     "failed 0000:01:00.0 16\n"
		     "end 1\n");
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.0", "unknown");
	assert_field("0000:01:10.2", "unknown");
	assert_field("0000:02:00.0", "absent");
	fakesys_remove(fake, VF_SETTINGS_FILE);
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.0", "unknown");
	/* the owner */
	fakesys_file(fake, VF_SETTINGS_FILE,
		     "vf 0000:01:00.0 0 vlan=100\n"
		     "end 1\n");
	fakesys_remove(fake, "proc");
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.0", "unknown");
	/* was not asked for */
	read_machine(DETAIL_ALL & ~(unsigned)DETAIL_OWNERSHIP);
	assert_field("0000:01:10.0", "absent");
}

static void the_configuration_states_what_is_normal(void **state)
{
	(void)state;
	fakesys_file(fake, "etc/pciprobe/pci.conf", ":filter:\n:vf_defaults: {vlan: 100}\n");
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.0", "trust on");
	fakesys_file(fake, "etc/pciprobe/pci.conf",
		     ":filter:\n:vf_defaults: {vlan: 100, trust: yes}\n");
	read_machine(DETAIL_ALL);
	assert_field("0000:01:10.0", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_vf_has_no_leftovers),
		cmocka_unit_test(each_setting_of_a_tenant_is_a_leftover),
		cmocka_unit_test(what_is_normal_on_the_host_is_not_a_leftover),
		cmocka_unit_test_setup_teardown(only_free_vfs_have_leftovers, setup, teardown),
		cmocka_unit_test_setup_teardown(what_could_not_be_read_is_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(the_configuration_states_what_is_normal, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("leftover", tests, NULL, NULL);
}
