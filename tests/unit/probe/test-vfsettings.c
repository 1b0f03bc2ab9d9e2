/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of vf-settings, and running it. Here it is a shell script; the queries of the real one
 * are tested with the binder's. */
#include "tests/unit/test.h"

#include "probe/details/vfsettings.h"
#include "probe/fields.h"
#include "tests/unit/fakesys.h"

#include <sys/stat.h>
#include <sys/wait.h>

static struct fakesys *fake;
static struct sysroot *root, *host;
static struct pci_device devices[4];
static struct inventory inventory;
static char logged[1024];

static void append_log(void *data, enum message_level level, const char *message)
{
	(void)data;
	if (level <= MESSAGE_WARNING)
		snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", message);
}
static const struct log capture = {.emit = append_log};

static void set_vf(struct pci_device *device, const char *address, unsigned index,
		   const char *interface)
{
	*device = (struct pci_device){.class = 0x0200, .selected = true};
	assert_int_equal(address_parse(address, &device->address), 0);
	assert_int_equal(address_parse("01:00.0", &device->sriov.pf), 0);
	device->sriov.vf_index = index;
	device->present = HAS_SRIOV | HAS_PF | HAS_VF_INDEX;
	device->pf_interface = interface ? strdup(interface) : NULL;
}

/* Two VFs of eth0, one of a PF without an interface, and one that is not a VF. */
static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(sysroot_new("/", &host), 0);
	set_vf(&devices[0], "01:10.0", 0, "eth0");
	set_vf(&devices[1], "01:10.2", 1, "eth0");
	set_vf(&devices[2], "02:10.0", 0, NULL);
	assert_int_equal(address_parse("02:00.0", &devices[2].sriov.pf), 0);
	devices[3] = (struct pci_device){.class = 0x0200, .selected = true};
	inventory = (struct inventory){.devices = devices, .count = 4, .selected = 4};
	logged[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(devices); i++)
		device_free_members(&devices[i]);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	sysroot_free(root);
	sysroot_free(host);
	fakesys_free(fake);
	return 0;
}

static int parse(const char *text)
{
	return vf_settings_parse(text, strlen(text), &inventory);
}

static uint64_t number(const struct pci_device *device, const char *name)
{
	struct field_value value = {0};

	assert_true(field_find(name)->get(device, &value));
	return value.number;
}

static bool has(const struct pci_device *device, const char *name, bool *ret_unknown)
{
	struct field_value value = {0};
	bool found = field_find(name)->get(device, &value);

	*ret_unknown = value.unknown;
	return found;
}

#define ALL                                                                               \
	"vf 0000:01:00.0 1 mac=52:54:00:00:00:03 vlan=100 priority=5 protocol=802.1ad "   \
	"spoof_check=on trust=off link=enable min_rate=10 max_rate=1000 rss_query=on "    \
	"rx_packets=1 tx_packets=2 rx_bytes=3 tx_bytes=18446744073709551615 broadcast=5 " \
	"multicast=6 rx_dropped=7 tx_dropped=8\n"

static void all_settings_are_parsed(void **state)
{
	(void)state;
	assert_int_equal(parse(ALL "end 1\n"), 0);
	assert_non_null(devices[1].vf);
	assert_string_equal(devices[1].vf->mac, "52:54:00:00:00:03");
	assert_string_equal(devices[1].vf->vlan_protocol, "802.1ad");
	assert_string_equal(devices[1].vf->link_state, "enable");
	assert_int_equal(number(&devices[1], "vf_vlan"), 100);
	assert_int_equal(number(&devices[1], "vf_vlan_priority"), 5);
	assert_int_equal(number(&devices[1], "vf_spoof_check"), 1);
	assert_int_equal(number(&devices[1], "vf_trust"), 0);
	assert_int_equal(number(&devices[1], "vf_rss_query"), 1);
	assert_int_equal(number(&devices[1], "vf_min_rate"), 10);
	assert_int_equal(number(&devices[1], "vf_max_rate"), 1000);
	assert_int_equal(number(&devices[1], "vf_rx_packets"), 1);
	assert_int_equal(number(&devices[1], "vf_tx_packets"), 2);
	assert_int_equal(number(&devices[1], "vf_rx_bytes"), 3);
	assert_true(number(&devices[1], "vf_tx_bytes") == UINT64_MAX);
	assert_int_equal(number(&devices[1], "vf_broadcast"), 5);
	assert_int_equal(number(&devices[1], "vf_multicast"), 6);
	assert_int_equal(number(&devices[1], "vf_rx_dropped"), 7);
	assert_int_equal(number(&devices[1], "vf_tx_dropped"), 8);
	assert_null(devices[0].vf);
}

static void what_the_driver_does_not_report_is_absent(void **state)
{
	static const char *const names[] = {"vf_mac",	      "vf_vlan_protocol", "vf_link_state",
					    "vf_spoof_check", "vf_trust",	  "vf_rss_query",
					    "vf_rx_bytes"};
	bool unknown;

	(void)state;
	assert_int_equal(parse("vf 0000:01:00.0 0 vlan=0 priority=0\nend 1\n"), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_false(has(&devices[0], names[i], &unknown));
		assert_false(unknown);
	}
	assert_int_equal(number(&devices[0], "vf_vlan"), 0);
}

static void a_pf_that_cannot_be_queried_makes_its_vfs_unknown(void **state)
{
	bool unknown;

	(void)state;
	assert_int_equal(parse("failed 0000:01:00.0 19\nend 1\n"), 0);
	assert_string_equal(devices[0].vf_unknown_reason, "eth0: No such device");
	assert_false(has(&devices[1], "vf_vlan", &unknown));
	assert_true(unknown);
	assert_null(devices[2].vf_unknown_reason);
}

static void other_vfs_are_skipped(void **state)
{
	(void)state;
	assert_int_equal(parse("vf 0000:01:00.0 2 vlan=1\nvf 0000:09:00.0 0 vlan=2\nend 2\n"), 0);
	for (size_t i = 0; i < COUNT(devices); i++)
		assert_null(devices[i].vf);
}

static void malformed_output_is_rejected(void **state)
{
	static const char *const texts[] = {
		"",
		"end",
		"end 0",
		"end 1\n",
		"end 0\nend 0\n",
		"vf\nend 1\n",
		"vf 0000:01:00.0\nend 1\n",
		"vf 01:00.0 0 vlan=1\nend 1\n",
		"vf 0000:01:00.0 -1 vlan=1\nend 1\n",
		"vf 0000:01:00.0 4294967296 vlan=1\nend 1\n",
		"vf 0000:01:00.0 0 vlan\nend 1\n",
		"vf 0000:01:00.0 0 vlan=\nend 1\n",
		"vf 0000:01:00.0 0 vlan= 1\nend 1\n",
		"vf 0000:01:00.0 0 vlan=0x1\nend 1\n",
		"vf 0000:01:00.0 0 max_rate=4294967296\nend 1\n",
		"vf 0000:01:00.0 0 rx_bytes=18446744073709551616\nend 1\n",
		"vf 0000:01:00.0 0 trust=maybe\nend 1\n",
		"vf 0000:01:00.0 0 link=up\nend 1\n",
		"vf 0000:01:00.0 0 protocol=802.1q\nend 1\n",
		"vf 0000:01:00.0 0 colour=red\nend 1\n",
		"vf 0000:01:00.0 0 mac=52:54:00:00:00\nend 1\n",
		"vf 0000:01:00.0 0 mac=52:54:00:00:00:0G\nend 1\n",
		"vf 0000:01:00.0 0 mac=52-54-00-00-00-03\nend 1\n",
		"vf 0000:01:00.0 0 mac=52:54:00:00:00:03:52:54:00:00:00:03:52\nend 1\n",
		"vf 0000:01:00.0 0  vlan=1\nend 1\n",
		"failed 0000:01:00.0\nend 1\n",
		"failed 0000:01:00.0 x\nend 1\n",
		"failed 0000:01:00.0 4096\nend 1\n",
		"other 0000:01:00.0 0\nend 1\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (parse(texts[i]) != -EBADMSG)
			fail_msg("accepted: %s", texts[i]);
	assert_int_equal(vf_settings_parse("end 0\n\0", 7, &inventory), -EBADMSG);
}

static void a_recording_has_the_settings(void **state)
{
	(void)state;
	fakesys_file(fake, VF_SETTINGS_FILE, ALL "end 1\n");
	assert_int_equal(vf_settings_read(root, &capture, NULL, &inventory), 0);
	assert_int_equal(devices[1].vf->vlan, 100);
	assert_string_equal(devices[0].vf_unknown_reason, "the driver reported no settings");
	assert_contains(devices[2].vf_unknown_reason, "no network interface of its PF");
	assert_null(devices[3].vf_unknown_reason);
	assert_string_equal(logged, "");
}

static void a_recording_without_settings_leaves_them_unknown(void **state)
{
	(void)state;
	assert_int_equal(vf_settings_read(root, &capture, NULL, &inventory), 0);
	assert_string_equal(devices[0].vf_unknown_reason, "not recorded");
}

static const char *write_helper(const char *body)
{
	static char path[512], text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
	fakesys_file(fake, "helper", text);
	snprintf(path, sizeof(path), "%s/helper", fake->path);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

static void each_pf_is_queried_once(void **state)
{
	(void)state;
	assert_int_equal(
		vf_settings_read(host, &capture,
				 write_helper("[ \"$1\" = '0000:01:00.0 eth0' ] || exit 1\n"
					      "echo 'vf 0000:01:00.0 0 vlan=7'\n"
					      "echo 'vf 0000:01:00.0 1 vlan=8'; echo end 2"),
				 &inventory),
		0);
	assert_string_equal(logged, "");
	assert_int_equal(devices[0].vf->vlan, 7);
	assert_int_equal(devices[1].vf->vlan, 8);
}

static void a_helper_that_fails_leaves_the_settings_unknown(void **state)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{"echo Bad luck >&2; exit 1", "Bad luck"},
		{"echo 'vf 0000:01:00.0 0 vlan=x'", "malformed answer"},
		{"exec sleep 60", "no answer in time"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (i) {
			teardown(state);
			setup(state);
		}
		assert_int_equal(vf_settings_read(host, &capture, write_helper(cases[i].body),
						  &inventory),
				 0);
		assert_string_equal(devices[0].vf_unknown_reason, cases[i].why);
		assert_string_equal(devices[1].vf_unknown_reason, cases[i].why);
		assert_contains(logged, cases[i].why);
	}
}

static void without_libmnl_the_settings_are_unknown(void **state)
{
	(void)state;
	assert_int_equal(vf_settings_read(host, &capture, NULL, &inventory), 0);
	assert_string_equal(devices[0].vf_unknown_reason, "built without libmnl");
	assert_string_equal(logged, "");
}

static void without_network_vfs_nothing_is_run(void **state)
{
	(void)state;
	devices[0].class = devices[1].class = 0x0108;
	assert_int_equal(vf_settings_read(host, &capture, write_helper("exit 1"), &inventory), 0);
	assert_string_equal(logged, "");
	assert_null(devices[0].vf_unknown_reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(all_settings_are_parsed),
		TEST(what_the_driver_does_not_report_is_absent),
		TEST(a_pf_that_cannot_be_queried_makes_its_vfs_unknown),
		TEST(other_vfs_are_skipped),
		TEST(malformed_output_is_rejected),
		TEST(a_recording_has_the_settings),
		TEST(a_recording_without_settings_leaves_them_unknown),
		TEST(each_pf_is_queried_once),
		TEST(a_helper_that_fails_leaves_the_settings_unknown),
		TEST(without_libmnl_the_settings_are_unknown),
		TEST(without_network_vfs_nothing_is_run),
	};

	return cmocka_run_group_tests_name("vfsettings", tests, NULL, NULL);
}
