/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/drift.h"
#include "probe/fields.h"

#define VF(...) (&(struct vf_settings){__VA_ARGS__})
#define OWNER(...) (&(struct owner){__VA_ARGS__})
#define MAC "52:54:00:00:00:01"

/* The items of the field drift of a VF with one owner, "unknown" or "absent". has_drift must agree.
 * Without VF its settings are unknown. */
static void assert_drift(struct vf_settings *vf, struct owner *owner, const char *expected)
{
	struct pci_device device = {.selected = true,
				    .vf = vf,
				    .vf_unknown_reason = vf ? NULL : MUTABLE("eth0: timeout"),
				    .owners = owner,
				    .owner_count = 1};
	struct inventory inventory = {.devices = &device, .count = 1, .selected = 1};
	struct field_value list = {0}, flag = {0};
	char text[256] = "";
	bool present;

	assert_int_equal(drift_read(&inventory), 0);
	present = field_find("drift")->get(&device, &list);
	assert_int_equal(field_find("has_drift")->get(&device, &flag), present);
	assert_int_equal(flag.unknown, list.unknown);
	assert_int_equal(flag.number, device.drift.count > 0);
	for (size_t i = 0; present && i < list.list.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? ", " : "",
			 list.list.item(&device, i));
	strings_free(&device.drift);
	assert_string_equal(present ? text : list.unknown ? "unknown" : "absent", expected);
}

static void settings_as_stated_are_no_drift(void **state)
{
	(void)state;
	assert_drift(VF(.mac = MAC, .vlan = 100),
		     OWNER(.mac = MUTABLE(MAC), .has_vlan = true, .vlan = 100), "");
	/* what is not stated is not compared */
	assert_drift(VF(.mac = MAC, .vlan = 100), OWNER(.mac = MUTABLE(MAC)), "");
	assert_drift(VF(.mac = MAC), OWNER(.has_vlan = true), "");
}

static void other_settings_are_drift(void **state)
{
	(void)state;
	assert_drift(VF(.mac = "52:54:00:00:00:02", .vlan = 200),
		     OWNER(.mac = MUTABLE(MAC), .has_vlan = true, .vlan = 100),
		     "mac 52:54:00:00:00:02 instead of " MAC ", vlan 200 instead of 100");
	assert_drift(VF(.vlan = 100), OWNER(.mac = MUTABLE(MAC), .has_vlan = true),
		     "no mac instead of " MAC ", vlan 100 instead of 0");
}

static void without_a_running_vm_that_states_any_there_is_nothing_to_compare(void **state)
{
	(void)state;
	assert_drift(VF(.vlan = 100), OWNER(.pid = 1), "absent");
	assert_drift(VF(.vlan = 100), OWNER(.reserves = true, .has_vlan = true), "absent");
	assert_drift(NULL, OWNER(.pid = 1), "absent");
}

static void unknown_settings_are_unknown_drift(void **state)
{
	(void)state;
	assert_drift(NULL, OWNER(.has_vlan = true), "unknown");
	assert_drift(NULL, OWNER(.mac = MUTABLE(MAC)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_as_stated_are_no_drift),
		cmocka_unit_test(other_settings_are_drift),
		cmocka_unit_test(without_a_running_vm_that_states_any_there_is_nothing_to_compare),
		cmocka_unit_test(unknown_settings_are_unknown_drift),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
