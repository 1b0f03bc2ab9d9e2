/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of events is complete; what events are found is tested by test-collectd-events.c. */
#include "tests/unit/test.h"

#include "probe/fields.h"
#include "probe/monitor/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void every_kind_has_its_own_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		assert_non_null(EVENT_TYPES[i].name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(EVENT_TYPES[i].name, EVENT_TYPES[j].name);
	}
}

static void events_are_about_existing_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		char *copy = strdup(EVENT_TYPES[i].fields ? EVENT_TYPES[i].fields : ""),
		     *rest = copy, *name;

		assert_non_null(copy);
		while ((name = strsep(&rest, " ")))
			if (*name && !field_find(name))
				fail_msg("%s: no field '%s'", EVENT_TYPES[i].name, name);
		free(copy);
	}
}

static void the_schema_has_every_event(void **state)
{
	static const char path[] = "/etc/pciprobe-event.schema.json";
	const char *sources = getenv("SOURCES");
	char *full, text[65536] = "", quoted[64];
	FILE *file;

	(void)state;
	assert_true(asprintf(&full, "%s%s", sources ? sources : ".", path) > 0);
	file = fopen(full, "r");
	free(full);
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (size_t i = 0; i < EVENT_COUNT; i++) {
		snprintf(quoted, sizeof(quoted), "\"%s\"", EVENT_TYPES[i].name);
		assert_contains(text, quoted);
	}
}

static void keep(void *data, const struct event *event)
{
	*(struct event *)data = *event;
}

static void a_device_that_is_removed_while_it_is_held_is_a_failure(void **state)
{
	struct pci_device device = {.selected = true, .ownership = OWNERSHIP_FREE};
	const struct inventory was = {.devices = &device, .count = 1}, is = {.count = 0};
	struct event event = {0};

	(void)state;
	events_find(&was, &is, false, keep, &event);
	assert_int_equal(event.kind, EVENT_REMOVED);
	assert_int_equal(event_severity(&event), SEVERITY_WARNING);
	assert_ptr_equal(event_device(&event), &device);
	device.ownership = OWNERSHIP_HELD;
	assert_int_equal(event_severity(&event), SEVERITY_FAILURE);
}

static void the_state_has_the_selected_devices(void **state)
{
	struct pci_device devices[] = {{.selected = false}, {.selected = true}};
	const struct inventory inventory = {.devices = devices, .count = 2};
	struct event event = {0};

	(void)state;
	events_of_state(&inventory, keep, &event);
	assert_int_equal(event.kind, EVENT_PRESENT);
	assert_ptr_equal(event.is, &devices[1]);
	assert_null(event.was);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_its_own_name),
		cmocka_unit_test(events_are_about_existing_fields),
		cmocka_unit_test(the_schema_has_every_event),
		cmocka_unit_test(a_device_that_is_removed_while_it_is_held_is_a_failure),
		cmocka_unit_test(the_state_has_the_selected_devices),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
