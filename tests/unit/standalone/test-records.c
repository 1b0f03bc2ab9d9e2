/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of frontends: parsers with hostile input, and comparisons that need a libvirt which
 * has answered. tests/standalone/test-verify.py tests each kind of difference with each frontend.
 */
#include "tests/unit/test.h"

#include "plugins/standalone/records/compare.h"
#include "plugins/standalone/records/corrections.h"
#include "probe/config/config.h"
#include "tests/unit/fakesys.h"

#include <stdio.h>
#include <string.h>

#define UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1"
#define OTHER_UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b2"
#define HEADER "id\tdeleted\tcompute_node_id\taddress\tstatus\tinstance_uuid\thypervisor_hostname\n"

static struct log_capture captured;
static struct records records;

static int setup(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	records = (struct records){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	records_free(&records);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* Parses LENGTH bytes in a buffer of exactly their size and a NUL. */
static int parse_bytes(records_parse *parse, const char *path, const char *text, size_t length)
{
	struct record_file file = {.file = {.path = path, .log = log_capture_add(&captured)},
				   .text = malloc(length + 1),
				   .length = length};
	int error;

	assert_non_null(file.text);
	memcpy(file.text, text, length);
	file.text[length] = '\0';
	error = parse(&records, &file, 1, "host1");
	free(file.text);
	return error;
}

static int parse(records_parse *parser, const char *text)
{
	return parse_bytes(parser, "x", text, strlen(text));
}

/* ---- parsers ---- */

static void columns_are_found_by_name(void **state)
{
	(void)state;
	assert_int_equal(parse(nova_records_parse,
			       HEADER "1\t0\t7\t0000:81:00.2\tallocated\t" UUID "\thost1\r\n"
				      "2\t2\t7\t0000:81:00.3\tallocated\t" UUID "\thost1\n"
				      "3\t0\t7\t0000:81:00.4\tavailable\tNULL\tNULL\n\n"),
			 0);
	assert_int_equal(records.count, 2);
	assert_int_equal(records.invalid, 0);
	assert_int_equal(records.items[0].use, RECORD_DEFINED);
	assert_string_equal(records.items[0].vm_uuid, UUID);
	assert_string_equal(records.items[0].host, "host1");
	assert_int_equal(records.items[1].use, RECORD_FREE);
	assert_null(records.items[1].vm_uuid);
	assert_string_equal(records.items[1].host, "7");
}

static void invalid_rows_are_counted_and_not_quoted(void **state)
{
	(void)state;
	assert_int_equal(parse(nova_records_parse,
			       HEADER "1\t0\t7\tsecret\tallocated\t" UUID "\n"
				      "2\t0\t7\t0000:81:00.2\tsecret\t" UUID "\n"
				      "3\t0\t7\t0000:81:00.2\tallocated\tsecret\n"
				      "secret\n\t\t\t\t\t\t\t\t\t\t\n"),
			 0);
	assert_int_equal(records.count, 0);
	assert_int_equal(records.invalid, 5);
	assert_null(strstr(captured.text, "secret"));
	assert_non_null(strstr(captured.text, "x:6: invalid address"));
}

static void names_of_providers_have_a_host_and_an_address(void **state)
{
	(void)state;
	assert_int_equal(parse(nova_records_parse,
			       "[{\"name\":\"my_host_0000:AB:00.1\",\"allocations\":{\"" UUID
			       "\":{},\"" OTHER_UUID "\":{}}},{\"name\":\"my_host\"},"
			       "{\"name\":\"my_host_0000:AB:00.2\",\"allocations\":{}},"
			       "{\"name\":\"my_host_0000:AB:00.3\"},{\"name\":1},[],null,\"x\"]"),
			 0);
	assert_int_equal(records.count, 3);
	assert_int_equal(records.invalid, 5);
	assert_string_equal(records.items[0].host, "my_host");
	assert_int_equal(records.items[0].address.bus, 0xab);
	assert_int_equal(records.items[2].use, RECORD_FREE);
}

static void members_of_other_types_are_ignored(void **state)
{
	(void)state;
	assert_int_equal(
		parse(cloudstack_records_parse,
		      "{\"gpudevice\":[{\"busaddress\":\"" UUID "\",\"state\":\"Free\","
		      "\"virtualmachineid\":7,\"hostname\":null,\"id\":{}},"
		      "{\"busaddress\":[],\"state\":\"Free\"},{\"busaddress\":\"81:00.0\"},1,null,"
		      "{\"busaddress\":\"0001:81:00.0\",\"state\":\"x\\u0000y\"}]}"),
		0);
	assert_int_equal(records.count, 2);
	assert_int_equal(records.invalid, 4);
	assert_string_equal(records.items[0].mdev, UUID);
	assert_int_equal(records.items[0].use, RECORD_FREE);
	assert_int_equal(records.items[1].use, RECORD_UNUSABLE);
	assert_int_equal(records.items[1].address.domain, 1);
}

static void a_device_with_vgpus_is_not_assigned_itself(void **state)
{
	(void)state;
	assert_int_equal(parse(cloudstack_records_parse,
			       "{\"gpudevice\":[{\"id\":\"p\",\"busaddress\":\"81:00.0\","
			       "\"state\":\"Allocated\"},{\"id\":\"c\",\"busaddress\":\"" UUID
			       "\",\"state\":\"Allocated\",\"parentgpudeviceid\":\"p\"}]}"),
			 0);
	assert_int_equal(records.items[0].use, RECORD_UNUSABLE);
	assert_int_equal(records.items[1].use, RECORD_ORPHANED);
}

static void answers_without_devices_are_valid(void **state)
{
	(void)state;
	assert_int_equal(parse(cloudstack_records_parse, "{}"), 0);
	assert_int_equal(parse(cloudstack_records_parse, "{\"listgpudevicesresponse\":{}}"), 0);
	assert_int_equal(parse(cloudstack_records_parse, "{\"gpudevice\":{}}"), -EBADMSG);
	assert_int_equal(parse(cloudstack_records_parse, "null"), -EBADMSG);
	assert_int_equal(parse(cloudstack_records_parse, "[]"), -EBADMSG);
	assert_int_equal(parse(cloudstack_records_parse, "{\"listgpudevicesresponse\":null}"),
			 -EBADMSG);
	assert_int_equal(records.count, 0);
}

static void proxmox_devices_have_the_key_of_their_line(void **state)
{
	static const char text[] = "name: a\nhostpci3: 0000:81:00,mdev=nvidia-63\n"
				   "hostpci1: 82:00.1;82:00.2\n[s]\nhostpci0: 83:00.0\n";

	(void)state;
	assert_int_equal(parse_bytes(proxmox_records_parse, "/a/b/105.conf", text, strlen(text)),
			 0);
	assert_int_equal(records.count, 3);
	assert_string_equal(records.items[0].item, "hostpci3");
	assert_string_equal(records.items[0].mdev, "00000003-0000-0000-0000-000000000105");
	assert_string_equal(records.items[2].item, "hostpci1");
	assert_string_equal(records.items[2].vm_id, "105");
	assert_int_equal(parse_bytes(proxmox_records_parse, "web.conf", text, strlen(text)),
			 -EINVAL);
}

/* Every part of a file, and every file with one byte changed, is parsed or rejected. */
static void broken_files_do_no_harm(void **state)
{
	static const char table[] = HEADER "1\t0\t7\t0000:81:00.2\tallocated\t" UUID "\thost1\n",
			  providers[] =
				  "[{\"uuid\":\"u\",\"name\":\"h_0000:81:00.1\",\"allocations\":"
				  "{\"" UUID "\":{}}}]",
			  devices[] = "{\"count\":1,\"gpudevice\":[{\"busaddress\":\"81:00.0\","
				      "\"state\":\"Allocated\",\"virtualmachineid\":\"" UUID
				      "\"}]}",
			  config[] = "name: a\nhostpci0: 0000:81:00,mdev=x\n";
	static const struct {
		records_parse *parse;
		const char *text;
	} files[] = {
		{nova_records_parse, table},
		{nova_records_parse, providers},
		{cloudstack_records_parse, devices},
		{proxmox_records_parse, config},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		size_t length = strlen(files[i].text);
		char copy[512];

		assert_true(length < sizeof(copy));
		for (size_t end = 0; end < length; end++)
			parse_bytes(files[i].parse, "105.conf", files[i].text, end);
		for (size_t at = 0; at < length; at++)
			for (const char *byte = "\t\n\"{}[],:\\\xff.-9";; byte++) {
				memcpy(copy, files[i].text, length);
				copy[at] = *byte; /* the last one is NUL */
				parse_bytes(files[i].parse, "105.conf", copy, length);
				records_free(&records);
				captured = (struct log_capture){0};
				if (!*byte)
					break;
			}
	}
}

static void too_many_records_are_rejected(void **state)
{
	const struct record record = {.has_address = true};

	(void)state;
	for (size_t i = 0; i < RECORDS_MAX; i++)
		assert_int_equal(records_add(&records, &record), 0);
	assert_int_equal(records_add(&records, &record), -EFBIG);
}

static void hosts_are_chosen_by_their_short_names(void **state)
{
	const struct log log = log_capture_add(&captured);
	const char *names[] = {"HOST1.example", "host2", "host10"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct record record = {.host = names[i]};

		assert_int_equal(records_add(&records, &record), 0);
	}
	assert_int_equal(records_choose_host(&records, "host1", &log), 0);
	assert_int_equal(records.count, 1);
	assert_string_equal(records.items[0].host, "HOST1.example");
	assert_int_equal(captured.warnings, 0);
	assert_int_equal(records_choose_host(&records, "host2", &log), 0);
	assert_int_equal(records.count, 1); /* of one host only */
	assert_int_equal(captured.warnings, 1);
}

/* ---- comparisons ---- */

/* A device and its owner. */
struct machine {
	struct inventory inventory;
	struct pci_device devices[2];
	struct owner owner;
	struct config *config;
};

static char vm_name[] = "instance-0000000a", vm_uuid[] = UUID, vm_id[] = UUID;

/* 0000:01:00.0 and 0000:02:00.0, bound to vfio-pci and free. */
static void make_machine(struct machine *machine, enum source_state libvirt)
{
	static char driver[] = "vfio-pci";

	*machine = (struct machine){.inventory = {.count = 2, .selected = 2, .host = "host1"}};
	machine->inventory.devices = machine->devices;
	machine->inventory.sources[3].state = libvirt;
	for (size_t i = 0; i < 2; i++)
		machine->devices[i] = (struct pci_device){
			.address.bus = (uint8_t)(i + 1),
			.selected = true,
			.present = HAS_OWNERSHIP,
			.ownership = OWNERSHIP_FREE,
			.driver = driver,
		};
	machine->owner = (struct owner){
		.name = vm_name, .uuid = vm_uuid, .frontend = "nova", .frontend_id = vm_id};
	assert_int_equal(config_new_empty(&machine->config), 0);
}

static void give(struct machine *machine, size_t device, bool reserves)
{
	machine->owner.reserves = reserves;
	machine->devices[device].owners = &machine->owner;
	machine->devices[device].owner_count = 1;
	machine->devices[device].ownership = reserves ? OWNERSHIP_RESERVED : OWNERSHIP_HELD;
}

/* "0000:01:00.0 vm-gone COMMAND" of each difference, separated by "; ". */
static const char *compare(const char *frontend, struct machine *machine)
{
	static char text[512];
	struct comparison comparison = {.frontend = frontend_by_name(frontend),
					.records = &records,
					.inventory = &machine->inventory,
					.config = machine->config};

	assert_int_equal(records_compare(&comparison), 0);
	*text = '\0';
	for (size_t i = 0; i < comparison.count; i++) {
		const struct difference *difference = &comparison.differences[i];
		char address[ADDRESS_SIZE], *command = correction_format(&comparison, difference);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s %s",
			 i ? "; " : "",
			 difference->device ? address_format(&difference->device->address, address)
					    : "gone",
			 difference_name(difference->kind), command ? command : "-");
		free(command);
	}
	comparison_free(&comparison);
	config_free(machine->config);
	return text;
}

#define ALLOCATED HEADER "1\t0\t7\t0000:01:00.0\tallocated\t" UUID "\thost1\n"

static void a_stopped_instance_is_defined_in_libvirt(void **state)
{
	struct machine machine;

	(void)state;
	assert_int_equal(parse(nova_records_parse, ALLOCATED), 0);
	make_machine(&machine, SOURCE_OK);
	give(&machine, 0, true);
	assert_string_equal(compare("nova-db", &machine), "");
	make_machine(&machine, SOURCE_OK);
	assert_string_equal(compare("nova-db", &machine),
			    "0000:01:00.0 vm-gone openstack server reboot --hard " UUID);
}

static void without_an_answer_of_libvirt_a_free_device_is_unknown(void **state)
{
	static const enum source_state states[] = {SOURCE_OFF, SOURCE_ABSENT, SOURCE_PARTLY,
						   SOURCE_FAILED};
	struct machine machine;

	(void)state;
	assert_int_equal(parse(nova_records_parse, ALLOCATED), 0);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		make_machine(&machine, states[i]);
		assert_string_equal(compare("nova-db", &machine), "0000:01:00.0 unknown -");
	}
}

static void a_stopped_instance_may_have_another_device(void **state)
{
	struct machine machine;

	(void)state;
	assert_int_equal(parse(nova_records_parse,
			       HEADER "1\t0\t7\t0000:01:00.0\tavailable\tNULL\thost1\n"),
			 0);
	make_machine(&machine, SOURCE_OK);
	give(&machine, 0, true);
	assert_string_equal(compare("nova-db", &machine),
			    "0000:01:00.0 not-recorded openstack server reboot --hard " UUID);
}

static void another_instance_may_reserve_the_device(void **state)
{
	struct machine machine;

	(void)state;
	assert_int_equal(parse(nova_records_parse,
			       HEADER "1\t0\t7\t0000:01:00.0\tallocated\t" OTHER_UUID "\thost1\n"),
			 0);
	make_machine(&machine, SOURCE_OK);
	give(&machine, 0, true);
	assert_string_equal(compare("nova-db", &machine),
			    "0000:01:00.0 other-vm openstack server reboot --hard " UUID);
}

static void devices_that_could_not_be_read_are_not_gone(void **state)
{
	struct machine machine;

	(void)state;
	assert_int_equal(parse(nova_records_parse,
			       HEADER "1\t0\t7\t0000:03:00.0\tavailable\tNULL\thost1\n"),
			 0);
	make_machine(&machine, SOURCE_OK);
	machine.inventory.incomplete = 1;
	assert_string_equal(compare("nova-db", &machine), "gone unknown -");
	make_machine(&machine, SOURCE_OK);
	assert_string_equal(compare("nova-db", &machine),
			    "gone device-gone systemctl restart nova-compute");
}

static void the_id_of_a_frontend_outranks_a_name(void **state)
{
	static char proxmox_id[] = "106", name[] = "web";
	static const char text[] = "name: web\nhostpci0: 01:00.0\n";
	struct machine machine;

	(void)state;
	assert_int_equal(parse_bytes(proxmox_records_parse, "105.conf", text, strlen(text)), 0);
	make_machine(&machine, SOURCE_OK);
	machine.owner =
		(struct owner){.name = name, .frontend = "proxmox", .frontend_id = proxmox_id};
	give(&machine, 0, false);
	assert_string_equal(compare("proxmox", &machine),
			    "0000:01:00.0 other-vm qm set 105 --delete hostpci0");
}

static void a_vgpu_of_nvidias_driver_is_the_whole_vf(void **state)
{
	static char proxmox_id[] = "105", type[] = "558";
	static const char text[] = "hostpci0: 01:00.0,mdev=nvidia-558\n";
	struct machine machine;

	(void)state;
	assert_int_equal(parse_bytes(proxmox_records_parse, "105.conf", text, strlen(text)), 0);
	make_machine(&machine, SOURCE_OK);
	machine.devices[0].vgpu_type = type;
	machine.owner = (struct owner){.frontend = "proxmox", .frontend_id = proxmox_id};
	give(&machine, 0, false);
	assert_string_equal(compare("proxmox", &machine), "");
}

static void clones_with_one_uuid_are_two_vms(void **state)
{
	static const char text[] = "smbios1: uuid=" UUID "\nhostpci0: 01:00.0\n";
	struct machine machine;

	(void)state;
	assert_int_equal(parse_bytes(proxmox_records_parse, "105.conf", text, strlen(text)), 0);
	assert_int_equal(parse_bytes(proxmox_records_parse, "106.conf", text, strlen(text)), 0);
	make_machine(&machine, SOURCE_OK);
	assert_string_equal(compare("proxmox", &machine), "0000:01:00.0 two-vms -");
}

static void a_mediated_device_is_compared_by_its_uuid(void **state)
{
	static char mdev[] = OTHER_UUID;
	struct machine machine;

	(void)state;
	assert_int_equal(parse(cloudstack_records_parse,
			       "{\"gpudevice\":[{\"busaddress\":\"" OTHER_UUID
			       "\",\"state\":\"Free\",\"hostid\":\"h\",\"type\":\"MDEV\"}]}"),
			 0);
	make_machine(&machine, SOURCE_OK);
	machine.owner.mdev = mdev;
	give(&machine, 1, false);
	assert_string_equal(compare("cloudstack", &machine),
			    "0000:02:00.0 not-recorded cmk discover gpudevices id=h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(columns_are_found_by_name),
		TEST(invalid_rows_are_counted_and_not_quoted),
		TEST(names_of_providers_have_a_host_and_an_address),
		TEST(members_of_other_types_are_ignored),
		TEST(a_device_with_vgpus_is_not_assigned_itself),
		TEST(answers_without_devices_are_valid),
		TEST(proxmox_devices_have_the_key_of_their_line),
		TEST(broken_files_do_no_harm),
		TEST(too_many_records_are_rejected),
		TEST(hosts_are_chosen_by_their_short_names),
		TEST(a_stopped_instance_is_defined_in_libvirt),
		TEST(without_an_answer_of_libvirt_a_free_device_is_unknown),
		TEST(a_stopped_instance_may_have_another_device),
		TEST(another_instance_may_reserve_the_device),
		TEST(devices_that_could_not_be_read_are_not_gone),
		TEST(the_id_of_a_frontend_outranks_a_name),
		TEST(a_vgpu_of_nvidias_driver_is_the_whole_vf),
		TEST(clones_with_one_uuid_are_two_vms),
		TEST(a_mediated_device_is_compared_by_its_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
