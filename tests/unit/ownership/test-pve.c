/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing Proxmox VE's VM configurations and resource mappings. */
#include "tests/unit/test.h"

#include "probe/ownership/pve.h"

static const char MAPPINGS[] =
	"gpu\n\tdescription two of them\n\tmap id=10de:2204,node=pve1,path=0000:81:00.0\n"
	"\tmap id=10de:2204,node=pve1,path=0000:82:00\n\tmap id=10de:2204,node=pve2,path=0000:83:00.0\n"
	"\nnic\n\tmap iommugroup=3,node=pve1,path=0000:01:00.0;0000:01:00.1,id=8086:1572\n"
	"away\n\tmap id=1:1,node=pve10,path=0000:05:00.0\n";

/* The devices in CONFIG: "0000:81:00.0", followed by * for all functions, ? for an alternative, and
 * "/mdev2" for a mediated device that is hostpci2 ("/nvidia2" if its type is NVIDIA's); then
 * "incomplete" if so. */
static const char *devices_of(const char *config)
{
	static char text[1024];
	char address[ADDRESS_SIZE];
	struct pve_vm vm;
	size_t length = 0;
	char part[16];

	*text = '\0';
	assert_int_equal(pve_parse(config, MAPPINGS, "pve1", &vm), 0);
	for (size_t i = 0; i < vm.device_count && length < sizeof(text); i++) {
		const struct pve_device *device = &vm.devices[i];

		snprintf(part, sizeof(part), "/%s%u", device->is_nvidia ? "nvidia" : "mdev",
			 device->index);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s%s%s ",
					   address_format(&device->address, address),
					   device->every_function ? "*" : "",
					   device->is_alternative ? "?" : "",
					   device->is_mdev ? part : "");
	}
	if (vm.incomplete)
		snprintf(text + length, sizeof(text) - length, "incomplete");
	pve_vm_free(&vm);
	return text;
}

static void hostpci_lines_are_parsed(void **state)
{
	static const char *const cases[][2] = {
		{"hostpci0: 0000:81:00.0\n", "0000:81:00.0 "},
		{"hostpci0: 81:00,pcie=1\n", "0000:81:00.0* "},
		{"hostpci15: pcie=1,host=0001:81:00.1;82:00\n", "0001:81:00.1 0000:82:00.0* "},
		{"hostpci0: mapping=gpu,mdev=nvidia-5",
		 "0000:81:00.0?/nvidia0 0000:82:00.0*?/nvidia0 "},
		{"hostpci2: 0000:81:00.0,mdev=i915-GVTg_V5_4\nhostpci3: 82:00.0\n",
		 "0000:81:00.0/mdev2 0000:82:00.0 "},
		{"hostpci0: 81:00.0,mdev=nvidia-5x\n", "0000:81:00.0/mdev0 "},
		{"hostpci0: mapping=nic\n", "0000:01:00.0 0000:01:00.1 "},
		{"hostpci0: mapping=away\n", ""},
		{"hostpci0: mapping=../../x\n", ""},
		{"hostpci0: rombar=0\n", "incomplete"},
		{"hostpci0: ../../etc/passwd\n", "incomplete"},
		{"#hostpci0: 81:00.0\nhostpci: 81:00.0\nhostpcix: 81:00.0\nxhostpci0: 81:00.0\n",
		 ""},
		{"cores: 4\n[before]\nhostpci0: 81:00.0\n", ""},
		{"cores: 4\n[PENDING]\nhostpci0: 81:00.0\n[before]\nhostpci0: 82:00.0\n",
		 "0000:81:00.0 "},
		{"[unterminated\nhostpci0: 81:00.0", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(devices_of(cases[i][0]), cases[i][1]);
}

static void name_and_uuid_are_those_of_the_current_configuration(void **state)
{
	struct pve_vm vm;

	(void)state;
	assert_int_equal(
		pve_parse(
			"name: web\nsmbios1: uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1,base64=1\n[old]\nname: x\n",
			"", "pve1", &vm),
		0);
	assert_string_equal(vm.name, "web");
	assert_string_equal(vm.uuid, "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1");
	pve_vm_free(&vm);
}

static void a_line_that_is_too_long_is_not_ignored(void **state)
{
	char *text = malloc(20001);

	(void)state;
	memset(text, 'x', 20000);
	memcpy(text, "hostpci0: ", 10);
	text[20000] = '\0';
	assert_string_equal(devices_of(text), "incomplete");
	free(text);
}

static void a_mediated_devices_uuid_contains_the_vm(void **state)
{
	static const char *const others[] = {
		"",
		"2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1",
		"00000002-0000-0000-0000-00000000010a",
		"00000002-0000-0000-0000-0000000001055",
		"0000000a-0000-0000-0000-000000000105",
		"00000002-0000-0000-0001-000000000105",
		"00000002-0000-0000-0000-000000000000",
		"00000002-0000-0000-0000-100000000000",
		"00000016-0000-0000-0000-000000000105",
	};
	char uuid[37], vmid[11];

	(void)state;
	assert_true(pve_mdev_uuid(2, "105", uuid));
	assert_string_equal(uuid, "00000002-0000-0000-0000-000000000105");
	assert_true(pve_mdev_vmid(uuid, vmid));
	assert_string_equal(vmid, "105");
	assert_false(pve_mdev_uuid(16, "105", uuid));
	assert_false(pve_mdev_uuid(0, "", uuid));
	assert_false(pve_mdev_uuid(0, "x", uuid));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(pve_mdev_vmid(others[i], vmid));
}

static void the_name_of_the_node_is_that_of_the_host_without_a_domain(void **state)
{
	static const char *const others[] = {"", ".org", "-a", "a-", "a b", "a,path=x", "a_b"};
	char node[PVE_NODE_SIZE] = "x", longest[PVE_NODE_SIZE + 1];

	(void)state;
	assert_true(pve_node_name("pve-1.example.org", node));
	assert_string_equal(node, "pve-1");
	memset(longest, 'a', PVE_NODE_SIZE);
	longest[PVE_NODE_SIZE] = '\0';
	assert_false(pve_node_name(longest, node));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(pve_node_name(others[i], node));
	assert_string_equal(node, "pve-1");
	assert_true(pve_node_name(longest + 1, node));
	assert_int_equal(strlen(node), PVE_NODE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostpci_lines_are_parsed),
		cmocka_unit_test(name_and_uuid_are_those_of_the_current_configuration),
		cmocka_unit_test(the_name_of_the_node_is_that_of_the_host_without_a_domain),
		cmocka_unit_test(a_mediated_devices_uuid_contains_the_vm),
		cmocka_unit_test(a_line_that_is_too_long_is_not_ignored),
	};

	return cmocka_run_group_tests_name("pve", tests, NULL, NULL);
}
