/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/standalone/columns.h"
#include "plugins/standalone/rows.h"
#include "probe/details/details.h"
#include "tests/unit/fakesys.h"

static struct log_capture captured;
static struct log test_log;
static struct rows rows;

#define TEXT(text) ((char[]){text})

/* In use by a VM, in use by a program, free, unknown, bound to a host driver, a bridge, and one
 * that is not selected. */
static struct owner vm = {.name = TEXT("web"),
			  .uuid = TEXT("2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1"),
			  .frontend_id = TEXT("42"),
			  .program = TEXT("qemu")};
static struct owner process = {.program = TEXT("dpdk-testpmd")};
static const struct pci_device DEVICES[] = {
	{.address = {.bus = 1},
	 .selected = true,
	 .ownership = OWNERSHIP_HELD,
	 .present = HAS_OWNERSHIP | HAS_NUMA_NODE,
	 .numa_node = 10,
	 .driver = TEXT("vfio-pci"),
	 .owners = &vm,
	 .owner_count = 1,
	 .label = TEXT("eth10")},
	{.address = {.bus = 2},
	 .selected = true,
	 .ownership = OWNERSHIP_HELD,
	 .present = HAS_OWNERSHIP | HAS_NUMA_NODE,
	 .numa_node = 9,
	 .driver = TEXT("vfio-pci"),
	 .owners = &process,
	 .owner_count = 1,
	 .label = TEXT("eth9")},
	{.address = {.bus = 3},
	 .selected = true,
	 .ownership = OWNERSHIP_FREE,
	 .present = HAS_OWNERSHIP},
	{.address = {.bus = 4},
	 .selected = true,
	 .ownership = OWNERSHIP_UNKNOWN,
	 .present = HAS_OWNERSHIP,
	 .driver = TEXT("mlx5_vfio_pci")},
	{.address = {.bus = 5},
	 .selected = true,
	 .ownership = OWNERSHIP_HOST,
	 .present = HAS_OWNERSHIP | HAS_NUMA_NODE,
	 .numa_node = 9,
	 .driver = TEXT("nvme"),
	 .label = TEXT("eth9")},
	{.address = {.bus = 6},
	 .selected = true,
	 .ownership = OWNERSHIP_HOST,
	 .present = HAS_OWNERSHIP,
	 .class = 0x0604},
	{.address = {.bus = 7}, .present = HAS_OWNERSHIP | HAS_NUMA_NODE, .numa_node = 1},
};

static int setup(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	test_log = log_capture_add(&captured);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rows_free(&rows);
	return 0;
}

/* Returns the buses of the listed devices. */
static const char *listed(void)
{
	static char text[COUNT(DEVICES) + 1];
	struct pci_device devices[COUNT(DEVICES)];
	struct inventory inventory = {
		.devices = devices, .count = COUNT(DEVICES), .selected = COUNT(DEVICES) - 1};
	const struct pci_device **order;
	size_t length = 0;

	memcpy(devices, DEVICES, sizeof(devices));
	rows_filter(&rows, &inventory);
	order = rows_sort(&rows, &inventory);
	assert_non_null(order);
	for (size_t i = 0; order[i]; i++)
		text[length++] = (char)('0' + order[i]->address.bus);
	text[length] = '\0';
	assert_int_equal(inventory.selected, length);
	free(order);
	rows_free(&rows);
	return text;
}

static const char *sorted(const char *columns)
{
	assert_int_equal(columns_parse(columns, "", &test_log, &rows.sort, &rows.sort_count), 0);
	return listed();
}

static const char *owned_by(const char *name)
{
	strings_add(&rows.owners, name);
	assert_int_equal(rows_details(&rows) & DETAIL_OWNERSHIP, DETAIL_OWNERSHIP);
	return listed();
}

static void without_a_filter_all_selected_devices_are_listed(void **state)
{
	(void)state;
	assert_false(rows_are_filtered(&rows));
	assert_int_equal(rows_details(&rows), 0);
	assert_string_equal(listed(), "123456");
}

static void devices_are_filtered_by_state(void **state)
{
	(void)state;
	assert_int_equal(rows_add_states(&rows, "held,unknown", &test_log), 0);
	assert_true(rows_are_filtered(&rows));
	assert_int_equal(rows_details(&rows) & DETAIL_OWNERSHIP, DETAIL_OWNERSHIP);
	assert_string_equal(listed(), "124");
	assert_int_equal(rows_add_states(&rows, "host", &test_log), 0);
	rows.no_bridges = true;
	assert_string_equal(listed(), "5");
}

static void an_unknown_state_is_rejected_with_the_valid_ones(void **state)
{
	static const char *const wrong[] = {"fre", "", "held,", "held, free", "HELD", "all"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		captured = (struct log_capture){0};
		assert_int_equal(rows_add_states(&rows, wrong[i], &test_log), -EINVAL);
		assert_contains(captured.text, "valid states: unknown, free, host, reserved, held");
	}
	assert_int_equal(rows_add_states(&rows, "fre", &test_log), -EINVAL);
	assert_contains(captured.text, "unknown state 'fre' (did you mean 'free'?)");
}

static void an_owner_is_a_vm_by_name_uuid_or_id_or_a_program(void **state)
{
	(void)state;
	assert_string_equal(owned_by("web"), "1");
	assert_string_equal(owned_by("42"), "1");
	assert_string_equal(owned_by("2C4E0B0C-7b1a-4f53-8d5a-0d4e33c0e1b1"), "1");
	assert_string_equal(owned_by("dpdk-testpmd"), "2");
	assert_string_equal(owned_by("qemu"), "");
	assert_string_equal(owned_by("WEB"), "");
	assert_string_equal(owned_by(""), "");
	strings_add(&rows.owners, "web");
	assert_string_equal(owned_by("dpdk-testpmd"), "12");
}

static void drivers_match_by_full_name(void **state)
{
	(void)state;
	rows_add_drivers(&rows, "vfio-pci,nvme");
	assert_int_equal(rows_details(&rows), DETAIL_DRIVER);
	assert_string_equal(listed(), "125");
	rows_add_drivers(&rows, "vfio");
	assert_string_equal(listed(), "");
}

static void rows_are_sorted_by_value_then_by_address(void **state)
{
	(void)state;
	assert_string_equal(sorted("numa_node"), "251346");
	assert_string_equal(sorted("label"), "251346");
	assert_string_equal(sorted("numa_node,driver"), "521436");
	assert_string_equal(sorted("address"), "123456");
	assert_string_equal(sorted("owners"), "213456");
	assert_string_equal(sorted("class"), "123456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_filter_all_selected_devices_are_listed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(devices_are_filtered_by_state, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unknown_state_is_rejected_with_the_valid_ones,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_owner_is_a_vm_by_name_uuid_or_id_or_a_program,
						setup, teardown),
		cmocka_unit_test_setup_teardown(drivers_match_by_full_name, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_are_sorted_by_value_then_by_address, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
