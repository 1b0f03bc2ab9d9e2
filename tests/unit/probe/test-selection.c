/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules and selections. The conformance tests compare hundreds of filters with lspci. */
#include "tests/unit/test.h"

#include "probe/select/selection.h"
#include "tests/unit/fakesys.h"

#include <time.h>

static struct log_capture captured;
static struct names *names;
static struct log the_log;

static const struct pci_device NIC = {
	.address = {.bus = 7},
	.vendor = 0x8086,
	.device = 0x10d3,
	.class = 0x0200,
};
static const struct pci_device XHCI = {
	.address = {.domain = 1, .bus = 3, .slot = 0x1f, .function = 3},
	.vendor = 0x8086,
	.device = 0x1e31,
	.class = 0x0c03,
	.prog_if = 0x30,
};
static const struct pci_device NAMELESS = {.vendor = 0xfffe, .device = 0x0001, .class = 0xff00};

static int setup(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	the_log = log_capture_add(&captured);
	return names_new(NULL, false, &the_log, &names);
}

static int teardown(void **state)
{
	(void)state;
	names_free(names);
	return 0;
}

static int matches(enum rule_kind kind, const char *text, const struct pci_device *device,
		   const char *name)
{
	struct rule_list list = {.key = "k", .kind = kind};
	int result = rule_list_add(&list, text, "p:1:1", &the_log);

	if (result == 0)
		result = rule_matches(list.rules[0], device, name, &the_log);
	rule_list_free(&list);
	return result;
}

static void filters_match_as_in_lspci(void **state)
{
	static const struct {
		const char *text;
		int nic, xhci;
	} cases[] = {
		{"*:*", 1, 1},		 {":", 1, 1},	      {"8086:", 1, 1},	{"8086:10d3", 1, 0},
		{":10D3", 1, 0},	 {"::0200", 1, 0},    {"::02xx", 1, 0}, {"::xx03", 0, 1},
		{"::0c03:30", 0, 1},	 {"::0c03:20", 0, 0}, {"0:0", 0, 0},	{"10de:*", 0, 0},
		{"8086:*:0c03:*", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(matches(RULE_FILTER, cases[i].text, &NIC, NULL), cases[i].nic);
		assert_int_equal(matches(RULE_FILTER, cases[i].text, &XHCI, NULL), cases[i].xhci);
	}
}

static void invalid_rules_are_logged(void **state)
{
	char longest[5000];

	(void)state;
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(matches(RULE_FILTER, "", &NIC, NULL), -EINVAL);
	assert_int_equal(matches(RULE_FILTER, longest, &NIC, NULL), -EINVAL);
	assert_int_equal(matches(RULE_SLOT, longest, &NIC, NULL), -EINVAL);
	assert_int_equal(matches(RULE_SLOT, "zz", &NIC, NULL), -EINVAL);
	assert_int_equal(matches(RULE_ADDRESS, "07:00", &NIC, NULL), -EINVAL);
	assert_int_equal(matches(RULE_NAME, longest, &NIC, NULL), -EINVAL);
	assert_int_equal(matches(RULE_NAME, "[", &NIC, NULL), -EINVAL);
	assert_int_equal(captured.errors, 7);
	assert_contains(captured.text, "error: p:1:1: ");
}

static void a_number_with_0x_is_rejected_with_every_libpci(void **state)
{
	static const struct {
		enum rule_kind kind;
		const char *text;
	} cases[] = {
		{RULE_FILTER, "0x8086:"}, {RULE_FILTER, "0X8086:*"}, {RULE_FILTER, "8086:0x10d3"},
		{RULE_FILTER, "0x:"},	  {RULE_FILTER, ":::0x30"},  {RULE_SLOT, "0x0"},
		{RULE_SLOT, "0:0x1f.0"},  {RULE_SLOT, "1f.0x3"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		captured = (struct log_capture){0};
		assert_int_equal(matches(cases[i].kind, cases[i].text, &NIC, NULL), -EINVAL);
		assert_contains(captured.text, "a number starts with 0x; expected ");
		assert_contains(captured.text, "each in hex without 0x");
	}
	/* in a class, x is a wildcard digit */
	assert_int_equal(matches(RULE_FILTER, "::0xxx", &XHCI, NULL), 1);
	assert_int_equal(matches(RULE_FILTER, "::0x05", &XHCI, NULL), 0);
}

/* Which of NIC, XHCI and NAMELESS the filters select: "100" is the first. */
static const char *selected_by(const char *const *texts)
{
	static const struct pci_device *const devices[] = {&NIC, &XHCI, &NAMELESS};
	static char selected[COUNT(devices) + 1];
	struct rule_list list = {.key = ":filter:", .kind = RULE_FILTER};
	struct selection selection = {0};
	struct verdict verdict;

	for (; *texts; texts++)
		assert_int_equal(rule_list_add(&list, *texts, "p:1:1", &the_log), 0);
	selection_add(&selection, &list);
	for (size_t i = 0; i < COUNT(devices); i++) {
		assert_int_equal(selection_apply(&selection, names, devices[i], &the_log, &verdict),
				 0);
		selected[i] = verdict.rejected_by ? '0' : '1';
		if (verdict.excluded_by) {
			assert_ptr_equal(verdict.rejected_by, &list);
			assert_null(verdict.matched[0]);
			assert_int_equal(rule_text(verdict.excluded_by)[0], '!');
		}
	}
	rule_list_free(&list);
	return selected;
}
#define SELECTED_BY(...) selected_by((const char *const[]){__VA_ARGS__, NULL})

static void an_exclusion_rejects_what_other_rules_match(void **state)
{
	(void)state;
	assert_string_equal(SELECTED_BY("8086:*"), "110");
	assert_string_equal(SELECTED_BY("8086:*", "!8086:10d3"), "010");
	assert_string_equal(SELECTED_BY("8086:*", "!::0c03"), "100");
	assert_string_equal(SELECTED_BY("8086:*", "!10de:*"), "110");
	assert_string_equal(SELECTED_BY("*:*", "!8086:10d3", "!fffe:*"), "010");
	assert_string_equal(SELECTED_BY("8086:10d3", "!8086:10d3"), "000");
}

static void the_order_of_exclusions_does_not_matter(void **state)
{
	(void)state;
	assert_string_equal(SELECTED_BY("!8086:10d3", "8086:*"), "010");
	assert_string_equal(SELECTED_BY("!8086:10d3", "8086:*", "8086:10d3"), "010");
	assert_string_equal(SELECTED_BY("8086:10d3", "!8086:10d3", "8086:*"), "010");
}

static void exclusions_alone_select_all_other_devices(void **state)
{
	(void)state;
	assert_string_equal(SELECTED_BY("!8086:10d3"), "011");
	assert_string_equal(SELECTED_BY("!8086:*", "!fffe:*"), "000");
}

static void slots_and_addresses_match(void **state)
{
	(void)state;
	assert_int_equal(matches(RULE_SLOT, "07:", &NIC, NULL), 1);
	assert_int_equal(matches(RULE_SLOT, "1f.3", &XHCI, NULL), 1);
	assert_int_equal(matches(RULE_SLOT, "0:3:1f.3", &XHCI, NULL), 0);
	assert_int_equal(matches(RULE_SLOT, "1:3:1f.3", &XHCI, NULL), 1);
	assert_int_equal(matches(RULE_ADDRESS, "07:00.0", &NIC, NULL), 1);
	assert_int_equal(matches(RULE_ADDRESS, "0000:07:00.0", &NIC, NULL), 1);
	assert_int_equal(matches(RULE_ADDRESS, "03:1f.3", &XHCI, NULL), 0);
	assert_int_equal(matches(RULE_ADDRESS, "0001:03:1f.3", &XHCI, NULL), 1);
	assert_int_equal(matches(RULE_ADDRESS, "07:00.0=8086:10D3", &NIC, NULL), 1);
	assert_int_equal(matches(RULE_ADDRESS, "07:00.0=8086:1533", &NIC, NULL), 0);
	assert_int_equal(matches(RULE_ADDRESS, "path:0000:07:00.0", &NIC, NULL), 0); /* not read */
}

static void regular_expressions_ignore_case(void **state)
{
	(void)state;
	assert_int_equal(matches(RULE_NAME, "gigabit network", &NIC,
				 "82574L Gigabit Network Connection"),
			 1);
	assert_int_equal(matches(RULE_NAME, "^Gigabit", &NIC, "82574L Gigabit Network Connection"),
			 0);
	assert_int_equal(matches(RULE_NAME, "^82574L.*Connection$", &NIC,
				 "82574L Gigabit Network Connection"),
			 1);
	assert_int_equal(matches(RULE_NAME, "GTO\xc2\xb2", &NIC, "Radeon X1800 GTO\xc2\xb2"), 1);
	assert_int_equal(matches(RULE_NAME, "Radeon", &NIC, "\xff\xfe Radeon \xff"), 1);
	assert_int_equal(matches(RULE_NAME, "", &NIC, "anything"), 1);
	assert_int_equal(
		matches(RULE_NAME, "^Device$", &NAMELESS, selection_subject(names, &NAMELESS)), 1);
}

/* Catastrophic backtracking for a matcher without limits. */
static void a_hostile_regular_expression_fails_quickly(void **state)
{
	struct timespec before, after;
	char name[200];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(matches(RULE_NAME, "^(a+)+$", &NIC, strcpy(name + 100, "!") - 100),
			 -ELOOP);
	memset(name, 'a', sizeof(name) - 1);
	assert_int_equal(matches(RULE_NAME, "(a|aa|a.)*[b-c]", &NIC, name), -ELOOP);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 5);
	assert_contains(captured.text, "match limit exceeded");
}

static void a_device_must_pass_all_lists(void **state)
{
	struct rule_list filters = {.key = ":filter:", .kind = RULE_FILTER};
	struct rule_list addresses = {.key = ":short_address:", .kind = RULE_ADDRESS};
	struct rule_list expressions = {.key = ":device_name:", .kind = RULE_NAME};
	struct selection selection = {0};
	struct verdict verdict;

	(void)state;
	assert_int_equal(selection_apply(&selection, names, &NIC, &the_log, &verdict), 0);
	assert_null(verdict.rejected_by);
	selection_add(&selection, &expressions);
	selection_add(&selection, &filters);
	selection_add(&selection, &addresses);
	rule_list_add(&filters, "10de:", "a", &the_log);
	rule_list_add(&filters, "8086:", "b", &the_log);
	assert_int_equal(selection_apply(&selection, names, &NIC, &the_log, &verdict), 0);
	assert_null(verdict.rejected_by);
	assert_null(verdict.matched[0]);
	assert_string_equal(rule_location(verdict.matched[1]), "b");
	rule_list_add(&expressions, "Gigabit", "c", &the_log);
	assert_int_equal(selection_apply(&selection, names, &XHCI, &the_log, &verdict), 0);
	assert_ptr_equal(verdict.rejected_by, &expressions);
	rule_list_add(&addresses, "06:00.0", "d", &the_log);
	assert_int_equal(selection_apply(&selection, names, &NIC, &the_log, &verdict), 0);
	/* addresses are applied before names, whatever the order of the lists */
	assert_ptr_equal(verdict.rejected_by, &addresses);
	rule_list_free(&filters);
	filters.restricts = true;
	assert_int_equal(selection_apply(&selection, names, &NIC, &the_log, &verdict), 0);
	assert_ptr_equal(verdict.rejected_by, &filters);
	rule_list_free(&filters);
	rule_list_free(&addresses);
	rule_list_free(&expressions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(filters_match_as_in_lspci, setup, teardown),
		cmocka_unit_test_setup_teardown(invalid_rules_are_logged, setup, teardown),
		cmocka_unit_test_setup_teardown(a_number_with_0x_is_rejected_with_every_libpci,
						setup, teardown),
		cmocka_unit_test_setup_teardown(slots_and_addresses_match, setup, teardown),
		cmocka_unit_test_setup_teardown(regular_expressions_ignore_case, setup, teardown),
		cmocka_unit_test_setup_teardown(an_exclusion_rejects_what_other_rules_match, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_order_of_exclusions_does_not_matter, setup,
						teardown),
		cmocka_unit_test_setup_teardown(exclusions_alone_select_all_other_devices, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_hostile_regular_expression_fails_quickly, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_device_must_pass_all_lists, setup, teardown),
	};

	return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
