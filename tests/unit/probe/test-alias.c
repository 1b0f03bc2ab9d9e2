/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/pool.h"
#include "probe/probe.h"
#include "probe/select/request.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct probe *probe;
static struct inventory *inventory;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	fakesys_file(fake, "proc/sys/kernel/hostname", "host1");
	fakesys_process(fake, 1, "init");
	return 0;
}

static void reset(void)
{
	inventory_free(inventory);
	probe_free(probe);
	inventory = NULL;
	probe = NULL;
}

static int teardown(void **state)
{
	(void)state;
	reset();
	fakesys_free(fake);
	return 0;
}

/* Reads the machine with CONFIG as its installed configuration. */
static void read_with_config(const char *config)
{
	struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.config_home = "/etc/pciprobe/pci.conf",
		.details = DETAIL_POOLS,
	};

	reset();
	fakesys_file(fake, "etc/pciprobe/pci.conf", config);
	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
}

static struct pci_device *device_at(const char *text)
{
	struct pci_address address;
	struct pci_device *device;

	assert_int_equal(address_parse(text, &address), 0);
	device = inventory_find(inventory, &address);
	assert_non_null(device);
	return device;
}

/* The aliases of a device, space-separated. */
static const char *aliases_of(const char *address)
{
	const struct strings *aliases = &device_at(address)->aliases;
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < aliases->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 aliases->items[i]);
	return text;
}

#define NIC .vendor = 0x8086, .device = 0x1520, .class = 0x020000

/* Two free devices, one held by a VM, one used by the host, and one in a nonviable group. */
static void make_devices(void)
{
	fakesys_pci(fake, "0000:01:00.0", NIC, .driver = "vfio-pci", .group = "1");
	fakesys_pci(fake, "0000:02:00.0", NIC, .group = "2");
	fakesys_pci(fake, "0000:03:00.0", NIC, .driver = "vfio-pci", .group = "3");
	fakesys_pci(fake, "0000:04:00.0", NIC, .driver = "igbvf", .group = "4");
	fakesys_pci(fake, "0000:05:00.0", NIC, .driver = "vfio-pci", .group = "5");
	fakesys_pci(fake, "0000:05:00.1", .vendor = 0x8086, .device = 0x9999, .class = 0x040300,
		    .driver = "snd", .group = "5");
	fakesys_link(fake, "sys/kernel/iommu_groups/5/devices/0000:05:00.0", "../../x");
	fakesys_link(fake, "sys/kernel/iommu_groups/5/devices/0000:05:00.1", "../../x");
	fakesys_process(fake, 42, "qemu-kvm\0-name\0one-1");
	fakesys_descriptor(fake, 42, 3, "/dev/vfio/3");
}

/* A NIC and a GPU below two bridges. A device in the slot before them shifts their bus numbers. */
static void make_two_devices(bool shifted)
{
	if (shifted)
		fakesys_pci(fake, "0000:01:00.0", .vendor = 0x144d, .device = 0xa808,
			    .class = 0x010802, .below = "0000:00:1b.0");
	fakesys_pci(fake, shifted ? "0000:02:00.0" : "0000:01:00.0", NIC, .below = "0000:00:1c.0");
	fakesys_pci(fake, shifted ? "0000:03:00.0" : "0000:02:00.0", .vendor = 0x10de,
		    .device = 0x2204, .class = 0x030000, .below = "0000:00:1d.0");
}

/* The addresses of the selected devices, space-separated. */
static const char *selected(void)
{
	static char text[256];
	char address[ADDRESS_SIZE];

	text[0] = '\0';
	inventory_foreach(inventory, device)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? " " : "",
			 address_format_short(&device->address, address));
	return text;
}

static void a_path_matches_whatever_the_bus_numbers_are(void **state)
{
	static const char config[] =
		":filter:\n:short_address: [0000:00:1d.0/00.0]\n"
		":alias: [{name: gpu, short_address: '00:1d.0/00.0=10de:2204'}, "
		"{name: nic, short_address: 00:1c.0/00.0}]\n";

	(void)state;
	make_two_devices(false);
	read_with_config(config);
	assert_string_equal(selected(), "02:00.0");
	assert_string_equal(aliases_of("02:00.0"), "gpu");
	fakesys_free(fake);
	setup(state);
	make_two_devices(true);
	read_with_config(config);
	assert_string_equal(selected(), "03:00.0");
	assert_string_equal(aliases_of("03:00.0"), "gpu");
	assert_string_equal(captured.text, "");
}

static void an_address_with_ids_matches_no_other_device(void **state)
{
	static const char config[] = ":filter:\n:short_address:\n- 02:00.0=10de:2204\n"
				     "- 01:00.0=8086:1520\n- 03:00.0=8086:9999\n"
				     ":alias: [{name: gpu, short_address: '02:00.0=10de:2204'}]\n";

	(void)state;
	make_two_devices(false);
	read_with_config(config);
	assert_string_equal(selected(), "01:00.0 02:00.0");
	assert_string_equal(aliases_of("01:00.0"), "");
	assert_string_equal(aliases_of("02:00.0"), "gpu");
	assert_string_equal(captured.text, "");
	fakesys_free(fake);
	setup(state);
	make_two_devices(true);
	read_with_config(config);
	assert_string_equal(selected(), "");
	assert_contains(captured.text,
			"pci.conf:3:3: address changed: 0000:02:00.0 is 8086:1520, expected "
			"10de:2204; 10de:2204 is at 0000:03:00.0\n");
	assert_contains(captured.text,
			"pci.conf:4:3: address changed: 0000:01:00.0 is 144d:a808, expected "
			"8086:1520; 8086:1520 is at 0000:02:00.0\n");
	assert_contains(captured.text,
			"pci.conf:5:3: address changed: 0000:03:00.0 is 10de:2204, expected "
			"8086:9999; there is no other 8086:9999\n");
	assert_contains(captured.text, "pci.conf:6:37: address changed: 0000:02:00.0 is ");
	assert_int_equal(captured.warnings, 4);
	assert_int_equal(captured.errors, 0);
}

/* A configuration may be for many hosts: a missing device alone is no reason for a warning. */
static void a_missing_device_is_reported_only_if_its_ids_are_elsewhere(void **state)
{
	(void)state;
	make_two_devices(true);
	read_with_config(":filter:\n:short_address: [09:00.0=8086:9999, 03:00.0=10de:2204, "
			 "0a:00.0=10de:2204, 00:1a.0/00.0=10de:2204]\n");
	assert_string_equal(selected(), "03:00.0");
	assert_string_equal(captured.text, "");
	read_with_config(":filter:\n:short_address: [09:00.0=8086:1520]\n");
	assert_string_equal(selected(), "");
	assert_contains(captured.text, "pci.conf:2:18: address changed: no device at "
				       "0000:09:00.0; 8086:1520 is at 0000:02:00.0\n");
	captured = (struct log_capture){0};
	read_with_config(":filter:\n:short_address: [00:1a.0/00.0=8086:1520]\n");
	assert_contains(captured.text, "no device at path:0000:00:1a.0/00.0; 8086:1520 is at "
				       "path:0000:00:1c.0/00.0 (0000:02:00.0)\n");
}

static void a_device_has_an_alias_if_it_meets_all_conditions(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", NIC);
	fakesys_file(fake, "sys/bus/pci/devices/0000:01:00.0/numa_node", "0");
	fakesys_file(fake, "sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs", "4");
	fakesys_pci(fake, "0000:01:10.0", NIC, .pf = "0000:01:00.0");
	fakesys_file(fake, "sys/bus/pci/devices/0000:01:10.0/numa_node", "1");
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000);
	fakesys_file(fake, "sys/bus/pci/devices/0000:02:00.0/numa_node", "-1");
	read_with_config(":filter:\n"
			 ":alias:\n"
			 "  - {name: nic, filter: '8086:1520'}\n"
			 "  - {name: vf, filter: '8086:*', role: vf}\n"
			 "  - {name: pf, role: pf}\n"
			 "  - {name: plain, role: pci}\n"
			 "  - {name: near, numa_node: 0}\n"
			 "  - {name: this, short_address: '02:00.0'}\n"
			 "  - {name: gpu, device_name: geforce}\n"
			 "  - {name: both, filter: '8086:*', numa_node: 1}\n"
			 "  - {name: both, filter: '10de:*'}\n"
			 "  - {name: both, filter: '10de:2204'}\n"
			 "  - {name: nothing, filter: '0:0'}\n");
	assert_string_equal(aliases_of("01:00.0"), "nic pf near");
	assert_string_equal(aliases_of("01:10.0"), "nic vf both");
	assert_string_equal(aliases_of("02:00.0"), "plain this gpu both");
	assert_string_equal(captured.text, "");
}

static void an_unselected_device_has_no_aliases(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", NIC);
	read_with_config(":filter: '10de:*'\nalias: [{name: nic, filter: '8086:*'}]\n");
	assert_int_equal(device_at("01:00.0")->aliases.count, 0);
}

static void pools_count_devices_by_ownership(void **state)
{
	struct pool *pools;
	size_t count;

	(void)state;
	make_devices();
	read_with_config(
		":filter:\n:alias: [{name: a1, filter: '8086:1520'}, {name: none, role: vf}, {name: a1, role: vf}]\n");
	assert_int_equal(pools_count(probe_config(probe), inventory, &pools, &count), 0);
	assert_int_equal(count, 2);
	assert_string_equal(pools[0].alias, "a1");
	assert_int_equal(pools[0].total, 5);
	assert_int_equal(pools[0].states[OWNERSHIP_FREE], 3);
	assert_int_equal(pools[0].states[OWNERSHIP_HELD], 1);
	assert_int_equal(pools[0].states[OWNERSHIP_HOST], 1);
	assert_int_equal(pools[0].states[OWNERSHIP_UNKNOWN], 0);
	assert_int_equal(pools[0].available, 2);
	assert_int_equal(pools[1].total, 0);
	free(pools);
}

/* The devices chosen for the requests, space-separated; "no" if they cannot be served. */
static const char *serve(const char *first, const char *second)
{
	struct log log = log_capture_add(&captured);
	const struct pci_device **chosen;
	struct request requests[2] = {0};
	unsigned served[2];
	static char text[256];
	char address[ADDRESS_SIZE];
	size_t count, n = second ? 2 : 1;
	int result;

	captured = (struct log_capture){0};
	assert_int_equal(request_parse(first, &log, &requests[0]), 0);
	if (second)
		assert_int_equal(request_parse(second, &log, &requests[1]), 0);
	result = requests_serve(requests, n, inventory, served, &chosen, &count);
	snprintf(text, sizeof(text), "no");
	if (result > 0) {
		text[0] = '\0';
		for (size_t i = 0; i < count; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 i ? " " : "", address_format_short(&chosen[i]->address, address));
		free(chosen);
	}
	for (size_t i = 0; i < n; i++)
		request_free(&requests[i]);
	return text;
}

static void requests_are_served_with_available_devices(void **state)
{
	(void)state;
	make_devices();
	read_with_config(
		":filter:\n:alias: [{name: a1, filter: '8086:1520'}, {name: first, short_address: '01:00.0'}]\n");
	assert_string_equal(serve("a1", NULL), "01:00.0");
	assert_string_equal(serve("a1:2", NULL), "01:00.0 02:00.0");
	assert_string_equal(serve("a1:3", NULL), "no");
	assert_string_equal(serve("vendor=8086,class=0200", NULL), "01:00.0");
	assert_string_equal(serve("vendor=8086,device=1520,class=0200,count=2", NULL),
			    "01:00.0 02:00.0");
	assert_string_equal(serve("class=0300", NULL), "no");
	assert_string_equal(serve("address=02:00.0", NULL), "02:00.0");
	assert_string_equal(serve("address=0000:03:00.0", NULL), "no");
	assert_string_equal(serve("address=02:00.0,vendor=10de", NULL), "no");
	/* a1 switches to another device, whatever the order */
	assert_string_equal(serve("a1", "first"), "01:00.0 02:00.0");
	assert_string_equal(serve("first", "a1"), "01:00.0 02:00.0");
	assert_string_equal(serve("first", "address=01:00.0"), "no");
}

static void the_reason_why_a_device_is_unavailable_is_known(void **state)
{
	(void)state;
	make_devices();
	fakesys_pci(fake, "0000:06:00.0", NIC, .driver = "vfio-pci");
	fakesys_pci(fake, "0000:07:00.0", NIC, .driver = "vfio-pci", .group = "7");
	fakesys_pci(fake, "0000:07:00.1", NIC, .driver = "vfio-pci", .group = "7");
	fakesys_process(fake, 43, "qemu-kvm\0-device\0vfio-pci,host=07:00.1");
	fakesys_descriptor(fake, 43, 3, "/dev/vfio/7");
	read_with_config(":filter:\n");
	assert_int_equal(device_unavailable_reason(device_at("01:00.0")), UNAVAILABLE_NONE);
	assert_int_equal(device_unavailable_reason(device_at("02:00.0")), UNAVAILABLE_NONE);
	assert_int_equal(device_unavailable_reason(device_at("03:00.0")), UNAVAILABLE_HELD);
	assert_int_equal(device_unavailable_reason(device_at("04:00.0")), UNAVAILABLE_HOST);
	assert_int_equal(device_unavailable_reason(device_at("05:00.0")), UNAVAILABLE_NOT_VIABLE);
	assert_int_equal(device_unavailable_reason(device_at("06:00.0")), UNAVAILABLE_NO_IOMMU);
	assert_int_equal(device_unavailable_reason(device_at("07:00.0")), UNAVAILABLE_GROUP_HELD);
	assert_int_equal(device_unavailable_reason(device_at("07:00.1")), UNAVAILABLE_HELD);
	/* without ownership information a device is not known to be free */
	device_at("01:00.0")->present &= ~(unsigned)HAS_OWNERSHIP;
	device_at("01:00.0")->ownership = OWNERSHIP_UNKNOWN;
	assert_int_equal(device_unavailable_reason(device_at("01:00.0")), UNAVAILABLE_UNKNOWN);
}

static void an_invalid_request_is_one_error(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":2",
		"a1:",
		"a1:0",
		"a1:-1",
		"a1:x",
		"a1:2x",
		"a1:99999",
		"a 1",
		"a1:2:3",
		"=",
		"vendor=",
		"vendor=808",
		"vendor=808x",
		"vendor=8086,",
		"vendor=8086,vendor=8086",
		"nonsense=1",
		"address=",
		"address=zz",
		"address=01:00.0,address=02:00.0",
		"count=2",
		"vendor=8086,count=0",
		"-a",
		".",
		"a1\n",
		"address=../../etc",
		"vendor=8086;class=0200",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct log log = log_capture_add(&captured);
	struct request request = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		captured = (struct log_capture){0};
		if (request_parse(texts[i], &log, &request) != -EINVAL)
			fail_msg("'%s' was accepted", texts[i]);
		assert_null(request.alias);
		if (captured.errors != 1 || !strstr(captured.text, "request"))
			fail_msg("'%s'\nlogged: %s", texts[i], captured.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_path_matches_whatever_the_bus_numbers_are, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_address_with_ids_matches_no_other_device, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_missing_device_is_reported_only_if_its_ids_are_elsewhere, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_device_has_an_alias_if_it_meets_all_conditions,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_unselected_device_has_no_aliases, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pools_count_devices_by_ownership, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_are_served_with_available_devices, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_reason_why_a_device_is_unavailable_is_known,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_invalid_request_is_one_error, setup, teardown),
	};

	return cmocka_run_group_tests_name("alias", tests, NULL, NULL);
}
