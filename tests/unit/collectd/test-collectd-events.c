/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/collectd/notice.h"
#include "probe/monitor/events.h"
#include "tests/unit/collectd/fakedispatch.h"

#define DEVICES_MAX 4

/* An inventory of these devices. */
#define INVENTORY(...)                                                                           \
	(&(struct inventory){                                                                    \
		.devices = (struct pci_device[DEVICES_MAX]){__VA_ARGS__},                        \
		.count = sizeof((struct pci_device[]){__VA_ARGS__}) / sizeof(struct pci_device), \
	})
#define NONE (&(struct inventory){.devices = NULL})

/* The device at 0000:0N:00.0. */
#define DEVICE(n, ...)                                                                \
	{                                                                             \
		.address = {.bus = n}, .vendor = 0x15b3, .class = 0x0200, __VA_ARGS__ \
	}
#define MINE .inode = 1, .device = 0x1016, .selected = true
#define VFIO MINE, .driver = TEXT("vfio-pci")
#define TEXT(text) (char *)(uintptr_t)text
#define OWNED(...) .present = HAS_OWNERSHIP, __VA_ARGS__
#define ONE_42                                                                              \
	{                                                                                   \
		.source = "vfio+cmdline", .pid = 42, .started = 7, .program = TEXT("qemu"), \
		.name = TEXT("one-42")                                                      \
	}
#define OWNERS(...)                                                           \
	.ownership = OWNERSHIP_HELD, .owners = (struct owner[]){__VA_ARGS__}, \
	.owner_count = sizeof((struct owner[]){__VA_ARGS__}) / sizeof(struct owner)

static void take(void *data, const struct event *event)
{
	struct notice notice;

	(void)data;
	notice_of_event(event, &notice);
	dispatch_notice(&notice);
}

static bool persistent;

static void find(const struct inventory *was, const struct inventory *is, const char *expected)
{
	dispatched_forget();
	events_find(was, is, persistent, take, NULL);
	assert_string_equal(dispatched.notices, expected);
}

static void what_stays_is_no_event(void **state)
{
	(void)state;
	find(NONE, NONE, "");
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))), "");
}

static void devices_come_and_go(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO), DEVICE(3, MINE)),
	     INVENTORY(DEVICE(1, VFIO), DEVICE(2, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	     "OKAY 0000:02:00.0 added: event=added address=0000:02:00.0 model=15b3:1016 driver=vfio-pci state=free\n"
	     "WARNING 0000:03:00.0 removed: event=removed address=0000:03:00.0 model=15b3:1016\n");
	/* with a VM on it that is no small matter */
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))), NONE,
	     "FAILURE 0000:01:00.0 removed: event=removed address=0000:01:00.0 model=15b3:1016 driver=vfio-pci state=held vm=one-42 "
	     "program=qemu pid=42 source=vfio+cmdline\n");
}

static void rules_that_change_are_no_event(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO), DEVICE(2, .inode = 1, .device = 0x1016)),
	     INVENTORY(DEVICE(1, .inode = 1, .device = 0x1016), DEVICE(2, VFIO)), "");
	find(INVENTORY(DEVICE(1, .inode = 1, .device = 0x1016)),
	     INVENTORY(DEVICE(2, .inode = 1, .device = 0x1016)), "");
}

static void another_device_in_its_place_replaces_it(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO, .aer = {.correctable = 1}, .present = HAS_AER_CORRECTABLE)),
	     INVENTORY(DEVICE(1, .inode = 9, .device = 0x1017, .selected = true,
			      .aer = {.correctable = 5}, .present = HAS_AER_CORRECTABLE)),
	     "WARNING 0000:01:00.0 replaced: event=replaced address=0000:01:00.0 model=15b3:1017 model_was=15b3:1016 "
	     "driver_was=vfio-pci driver=none\n");
	/* the same one, taken out and put in again */
	find(INVENTORY(DEVICE(1, VFIO)),
	     INVENTORY(DEVICE(1, .inode = 9, .device = 0x1016, .selected = true,
			      .driver = TEXT("vfio-pci"))),
	     "WARNING 0000:01:00.0 replaced: event=replaced address=0000:01:00.0 model=15b3:1016 model_was=15b3:1016 "
	     "driver_was=vfio-pci driver=vfio-pci\n");
}

static void drivers_change(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO), DEVICE(2, VFIO)),
	     INVENTORY(DEVICE(1, MINE), DEVICE(2, MINE, .driver = TEXT("mlx5_core"))),
	     "OKAY 0000:01:00.0 driver_changed: event=driver_changed address=0000:01:00.0 model=15b3:1016 driver_was=vfio-pci driver=none\n"
	     "OKAY 0000:02:00.0 driver_changed: event=driver_changed address=0000:02:00.0 model=15b3:1016 driver_was=vfio-pci "
	     "driver=mlx5_core\n");
}

static void vms_attach_and_detach(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	     "source=vfio+cmdline\n");
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	     "OKAY 0000:01:00.0 vm_detached: event=vm_detached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	     "source=vfio+cmdline state=free\n");
	/* between two readings, with the pid used again */
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     INVENTORY(
		     DEVICE(1, VFIO, OWNED(OWNERS({.pid = 42, .started = 8, .name = TEXT("b")})))),
	     "OKAY 0000:01:00.0 vm_detached: event=vm_detached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	     "source=vfio+cmdline state=held\n"
	     "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=b pid=42\n");
	/* one source less knows of it */
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS({.name = TEXT("one-42")})))), "");
	/* who is only defined with it neither gets nor loses it */
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS({.name = TEXT("off"), .reserves = true})))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	     "source=vfio+cmdline\n");
	/* parts of a device come and go one by one */
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS({.pid = 1, .mdev = TEXT("u1")})))),
	     INVENTORY(DEVICE(1, VFIO,
			      OWNED(OWNERS({.pid = 1, .mdev = TEXT("u1")},
					   {.pid = 1, .mdev = TEXT("u2")})))),
	     "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 pid=1 mdev=u2\n");
}

static void nobody_lost_a_device_of_which_nobody_knows(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_UNKNOWN))),
	     "WARNING 0000:01:00.0 owner_unknown: event=owner_unknown address=0000:01:00.0 model=15b3:1016 driver_was=vfio-pci "
	     "driver=vfio-pci\n");
	find(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_UNKNOWN))),
	     INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	     "OKAY 0000:01:00.0 owner_known: event=owner_known address=0000:01:00.0 model=15b3:1016 state=free\n");
	/* not looked for is not unknown */
	find(INVENTORY(DEVICE(1, VFIO)), INVENTORY(DEVICE(1, VFIO)), "");
}

static void two_owners_are_a_conflict(void **state)
{
	const struct inventory *one = INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42))));
	const struct inventory *two = INVENTORY(
		DEVICE(1, VFIO, OWNED(OWNERS(ONE_42, {.name = TEXT("b"), .reserves = true}))));

	(void)state;
	find(one, two,
	     "FAILURE 0000:01:00.0 conflict: event=conflict address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	     "source=vfio+cmdline reserved_for=b\n");
	find(two, one,
	     "OKAY 0000:01:00.0 conflict_over: event=conflict_over address=0000:01:00.0 model=15b3:1016 state=held vm=one-42 program=qemu "
	     "pid=42 source=vfio+cmdline\n");
}

#define LINK_BITS (HAS_LINK_SPEED | HAS_LINK_WIDTH | HAS_LINK_LIMITS)
#define LINK(now_speed, now_width)                         \
	.present = LINK_BITS, .link = {.speed = now_speed, \
				       .width = now_width, \
				       .max_speed = 8,     \
				       .max_width = 8,     \
				       .port_speed = 16,   \
				       .port_width = 16}

static void links_degrade_and_recover(void **state)
{
	const struct inventory *good = INVENTORY(DEVICE(1, VFIO, LINK(8, 8))),
			       *bad = INVENTORY(DEVICE(1, VFIO, LINK(2.5, 8)));
	const struct inventory *worse = INVENTORY(DEVICE(1, VFIO, LINK(2.5, 4)));
	const struct inventory *asleep =
		INVENTORY(DEVICE(1, VFIO, .runtime_status = TEXT("suspended")));
	const char *const degraded =
		"WARNING 0000:01:00.0 link_degraded: event=link_degraded address=0000:01:00.0 model=15b3:1016 "
		"speed_gts=2.5 width=8 device_speed_gts=8.0 device_width=8 port_speed_gts=16.0 port_width=16\n";

	(void)state;
	find(good, good, "");
	find(good, bad, degraded);
	find(bad, worse, "");
	find(bad, good,
	     "OKAY 0000:01:00.0 link_recovered: event=link_recovered address=0000:01:00.0 model=15b3:1016 speed_gts=8.0 width=8 "
	     "device_speed_gts=8.0 device_width=8 port_speed_gts=16.0 port_width=16\n");
	/* asleep it has none; awake again it is told again */
	find(good, asleep, "");
	find(bad, asleep,
	     "OKAY 0000:01:00.0 link_unknown: event=link_unknown address=0000:01:00.0 model=15b3:1016 runtime=suspended\n");
	find(asleep, good, "");
	find(asleep, bad, degraded);
	persistent = true;
	find(bad, bad, degraded);
	find(good, good, "");
	persistent = false;
}

#define AER(c, n, f)                                                       \
	.present = HAS_AER_CORRECTABLE | HAS_AER_NONFATAL | HAS_AER_FATAL, \
	.aer = {.correctable = c, .nonfatal = n, .fatal = f}

static void errors_are_told_by_their_number(void **state)
{
	(void)state;
	find(INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))),
	     "");
	find(INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), INVENTORY(DEVICE(1, VFIO, AER(11, 3, 5))),
	     "WARNING 0000:01:00.0 aer_correctable: event=aer_correctable address=0000:01:00.0 model=15b3:1016 errors=10 total=11\n"
	     "WARNING 0000:01:00.0 aer_nonfatal: event=aer_nonfatal address=0000:01:00.0 model=15b3:1016 errors=1 total=3\n"
	     "FAILURE 0000:01:00.0 aer_fatal: event=aer_fatal address=0000:01:00.0 model=15b3:1016 errors=2 total=5\n");
	/* since when they are counted nobody knows, or they are counted anew */
	find(INVENTORY(DEVICE(1, VFIO)), INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), "");
	find(INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), INVENTORY(DEVICE(1, VFIO, AER(0, 0, 0))),
	     "");
}

/* No name of a VM can forge a fact, break a line or push out what comes first. */
static void hostile_names_are_told_harmlessly(void **state)
{
	char name[5000];

	(void)state;
	find(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	     INVENTORY(DEVICE(
		     1, VFIO,
		     OWNED(OWNERS({.name = TEXT("a b=c\n\"d'\\\x1b[31m\xc3\xa9"), .pid = 1})))),
	     "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=a?b?c??d???[31m?? pid=1\n");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	dispatched_forget();
	events_find(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
		    INVENTORY(DEVICE(1, VFIO,
				     OWNED(OWNERS({.name = name,
						   .uuid = name,
						   .program = name,
						   .mdev = name,
						   .pid = 7})))),
		    false, take, NULL);
	assert_contains(dispatched.notices, "vm=xxx");
	assert_contains(dispatched.notices, "pid=7");
	assert_null(strstr(dispatched.notices, "mdev="));
	assert_true(strlen(strstr(dispatched.notices, "event=")) - 1 < MESSAGE_SIZE);
}

static void the_configuration_is_told_of(void **state)
{
	struct notice notice;

	(void)state;
	notice_of_config("/etc/a b/pci.conf", false, &notice);
	assert_string_equal(notice.message, "event=config_refused file=/etc/a?b/pci.conf");
	assert_string_equal(notice.instance, "summary");
	assert_int_equal(notice.severity, SEVERITY_WARNING);
	notice_of_config("/etc/pci.conf", true, &notice);
	assert_string_equal(notice.message, "event=config_taken file=/etc/pci.conf");
	assert_int_equal(notice.severity, SEVERITY_OKAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stays_is_no_event),
		cmocka_unit_test(devices_come_and_go),
		cmocka_unit_test(rules_that_change_are_no_event),
		cmocka_unit_test(another_device_in_its_place_replaces_it),
		cmocka_unit_test(drivers_change),
		cmocka_unit_test(vms_attach_and_detach),
		cmocka_unit_test(nobody_lost_a_device_of_which_nobody_knows),
		cmocka_unit_test(two_owners_are_a_conflict),
		cmocka_unit_test(links_degrade_and_recover),
		cmocka_unit_test(errors_are_told_by_their_number),
		cmocka_unit_test(hostile_names_are_told_harmlessly),
		cmocka_unit_test(the_configuration_is_told_of),
	};

	return cmocka_run_group_tests_name("collectd-events", tests, NULL, NULL);
}
