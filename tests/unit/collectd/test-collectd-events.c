/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/collectd/notice.h"
#include "probe/expect/finding.h"
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
#define SELECTED .inode = 1, .device = 0x1016, .selected = true
#define VFIO SELECTED, .driver = MUTABLE("vfio-pci")
#define OWNED(...) .present = HAS_OWNERSHIP, __VA_ARGS__
#define ONE_42                                                                                 \
	{                                                                                      \
		.source = "vfio+cmdline", .pid = 42, .started = 7, .program = MUTABLE("qemu"), \
		.name = MUTABLE("one-42")                                                      \
	}
#define OWNERS(...)                                                           \
	.ownership = OWNERSHIP_HELD, .owners = (struct owner[]){__VA_ARGS__}, \
	.owner_count = sizeof((struct owner[]){__VA_ARGS__}) / sizeof(struct owner)

static void notify(void *data, const struct event *event)
{
	struct notice notice;

	(void)data;
	notice_of_event(event, &notice);
	dispatch_notice(&notice);
}

static bool persistent;

static void expect(const struct inventory *was, const struct inventory *is, const char *expected)
{
	dispatched_clear();
	events_find(was, is, persistent, notify, NULL);
	assert_string_equal(dispatched.notices, expected);
}

static void without_a_change_there_is_no_event(void **state)
{
	(void)state;
	expect(NONE, NONE, "");
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))), "");
}

static void devices_are_added_and_removed(void **state)
{
	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO), DEVICE(3, SELECTED)),
	       INVENTORY(DEVICE(1, VFIO), DEVICE(2, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	       "OKAY 0000:02:00.0 added: event=added address=0000:02:00.0 model=15b3:1016 driver=vfio-pci state=free\n"
	       "WARNING 0000:03:00.0 removed: event=removed address=0000:03:00.0 model=15b3:1016\n");
	/* a VM used it */
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))), NONE,
	       "FAILURE 0000:01:00.0 removed: event=removed address=0000:01:00.0 model=15b3:1016 driver=vfio-pci state=held vm=one-42 "
	       "program=qemu pid=42 source=vfio+cmdline\n");
}

static void a_changed_selection_is_not_an_event(void **state)
{
	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO), DEVICE(2, .inode = 1, .device = 0x1016)),
	       INVENTORY(DEVICE(1, .inode = 1, .device = 0x1016), DEVICE(2, VFIO)), "");
	expect(INVENTORY(DEVICE(1, .inode = 1, .device = 0x1016)),
	       INVENTORY(DEVICE(2, .inode = 1, .device = 0x1016)), "");
}

static void a_different_device_at_the_address_is_a_replacement(void **state)
{
	(void)state;
	expect(INVENTORY(
		       DEVICE(1, VFIO, .aer = {.correctable = 1}, .present = HAS_AER_CORRECTABLE)),
	       INVENTORY(DEVICE(1, .inode = 9, .device = 0x1017, .selected = true,
				.aer = {.correctable = 5}, .present = HAS_AER_CORRECTABLE)),
	       "WARNING 0000:01:00.0 replaced: event=replaced address=0000:01:00.0 model=15b3:1017 model_was=15b3:1016 "
	       "driver_was=vfio-pci driver=none\n");
	/* the same one, unplugged and plugged in again */
	expect(INVENTORY(DEVICE(1, VFIO)),
	       INVENTORY(DEVICE(1, .inode = 9, .device = 0x1016, .selected = true,
				.driver = MUTABLE("vfio-pci"))),
	       "WARNING 0000:01:00.0 replaced: event=replaced address=0000:01:00.0 model=15b3:1016 model_was=15b3:1016 "
	       "driver_was=vfio-pci driver=vfio-pci\n");
}

static void a_changed_driver_is_an_event(void **state)
{
	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO), DEVICE(2, VFIO)),
	       INVENTORY(DEVICE(1, SELECTED), DEVICE(2, SELECTED, .driver = MUTABLE("mlx5_core"))),
	       "OKAY 0000:01:00.0 driver_changed: event=driver_changed address=0000:01:00.0 model=15b3:1016 driver_was=vfio-pci driver=none\n"
	       "OKAY 0000:02:00.0 driver_changed: event=driver_changed address=0000:02:00.0 model=15b3:1016 driver_was=vfio-pci "
	       "driver=mlx5_core\n");
}

static void vms_attach_and_detach(void **state)
{
	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	       "source=vfio+cmdline\n");
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	       "OKAY 0000:01:00.0 vm_detached: event=vm_detached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	       "source=vfio+cmdline state=free\n");
	/* between two readings, with the pid reused */
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       INVENTORY(DEVICE(1, VFIO,
				OWNED(OWNERS({.pid = 42, .started = 8, .name = MUTABLE("b")})))),
	       "OKAY 0000:01:00.0 vm_detached: event=vm_detached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	       "source=vfio+cmdline state=held\n"
	       "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=b pid=42\n");
	/* fewer sources report it */
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS({.name = MUTABLE("one-42")})))), "");
	/* a VM that is only defined with the device is neither attached nor detached */
	expect(INVENTORY(
		       DEVICE(1, VFIO, OWNED(OWNERS({.name = MUTABLE("off"), .reserves = true})))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	       "source=vfio+cmdline\n");
	/* mediated devices are attached one by one */
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS({.pid = 1, .mdev = MUTABLE("u1")})))),
	       INVENTORY(DEVICE(1, VFIO,
				OWNED(OWNERS({.pid = 1, .mdev = MUTABLE("u1")},
					     {.pid = 1, .mdev = MUTABLE("u2")})))),
	       "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 pid=1 mdev=u2\n");
}

static void an_unknown_owner_is_not_a_detached_one(void **state)
{
	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42)))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_UNKNOWN))),
	       "WARNING 0000:01:00.0 owner_unknown: event=owner_unknown address=0000:01:00.0 model=15b3:1016 driver_was=vfio-pci "
	       "driver=vfio-pci\n");
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_UNKNOWN))),
	       INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	       "OKAY 0000:01:00.0 owner_known: event=owner_known address=0000:01:00.0 model=15b3:1016 state=free\n");
	/* owners that were not read are not unknown */
	expect(INVENTORY(DEVICE(1, VFIO)), INVENTORY(DEVICE(1, VFIO)), "");
}

static void two_owners_are_a_conflict(void **state)
{
	const struct inventory *one = INVENTORY(DEVICE(1, VFIO, OWNED(OWNERS(ONE_42))));
	const struct inventory *two = INVENTORY(
		DEVICE(1, VFIO, OWNED(OWNERS(ONE_42, {.name = MUTABLE("b"), .reserves = true}))));

	(void)state;
	expect(one, two,
	       "FAILURE 0000:01:00.0 conflict: event=conflict address=0000:01:00.0 model=15b3:1016 vm=one-42 program=qemu pid=42 "
	       "source=vfio+cmdline reserved_for=b\n");
	expect(two, one,
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
		INVENTORY(DEVICE(1, VFIO, .runtime_status = MUTABLE("suspended")));
	const char *const degraded =
		"WARNING 0000:01:00.0 link_degraded: event=link_degraded address=0000:01:00.0 model=15b3:1016 "
		"speed_gts=2.5 width=8 device_speed_gts=8.0 device_width=8 port_speed_gts=16.0 port_width=16\n";

	(void)state;
	expect(good, good, "");
	expect(good, bad, degraded);
	expect(bad, worse, "");
	expect(bad, good,
	       "OKAY 0000:01:00.0 link_recovered: event=link_recovered address=0000:01:00.0 model=15b3:1016 speed_gts=8.0 width=8 "
	       "device_speed_gts=8.0 device_width=8 port_speed_gts=16.0 port_width=16\n");
	/* suspended it has no link; resumed it is reported again */
	expect(good, asleep, "");
	expect(bad, asleep,
	       "OKAY 0000:01:00.0 link_unknown: event=link_unknown address=0000:01:00.0 model=15b3:1016 runtime=suspended\n");
	expect(asleep, good, "");
	expect(asleep, bad, degraded);
	persistent = true;
	expect(bad, bad, degraded);
	expect(good, good, "");
	persistent = false;
}

#define AER(c, n, f)                                                       \
	.present = HAS_AER_CORRECTABLE | HAS_AER_NONFATAL | HAS_AER_FATAL, \
	.aer = {.correctable = c, .nonfatal = n, .fatal = f}

static void leftovers_of_a_vm_appear_and_are_gone(void **state)
{
	char *vlan_and_trust[] = {MUTABLE("vlan 100"), MUTABLE("trust on")};
	struct vf_settings vf = {0};
	const struct strings leftovers = {vlan_and_trust, 2};

	(void)state;
#define FREE OWNED(.ownership = OWNERSHIP_FREE)
	expect(INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf)),
	       INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)),
	       "WARNING 0000:01:00.0 leftover: event=leftover address=0000:01:00.0 model=15b3:1016 leftover=vlan_100 leftover=trust_on\n");
	expect(INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)),
	       INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)), "");
	expect(INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)),
	       INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf)),
	       "OKAY 0000:01:00.0 leftover_gone: event=leftover_gone address=0000:01:00.0 model=15b3:1016 state=free\n");
	/* the settings cannot be read any more */
	expect(INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)),
	       INVENTORY(DEVICE(1, VFIO, FREE)),
	       "OKAY 0000:01:00.0 leftover_unknown: event=leftover_unknown address=0000:01:00.0 model=15b3:1016 state=free\n");
	persistent = true;
	expect(INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)),
	       INVENTORY(DEVICE(1, VFIO, FREE, .vf = &vf, .leftovers = leftovers)),
	       "WARNING 0000:01:00.0 leftover: event=leftover address=0000:01:00.0 model=15b3:1016 leftover=vlan_100 leftover=trust_on\n");
	persistent = false;
#undef FREE
}

static void drift_begins_and_is_over(void **state)
{
	char *vlan[] = {MUTABLE("vlan 0 instead of 100")};
	struct vf_settings vf = {0};
	const struct strings drift = {vlan, 1};

	(void)state;
#define HOLDS OWNED(OWNERS({.pid = 42, .name = MUTABLE("a"), .has_vlan = true, .vlan = 100}))
	expect(INVENTORY(DEVICE(1, VFIO, HOLDS, .vf = &vf)),
	       INVENTORY(DEVICE(1, VFIO, HOLDS, .vf = &vf, .drift = drift)),
	       "WARNING 0000:01:00.0 drift: event=drift address=0000:01:00.0 model=15b3:1016 "
	       "drift=vlan_0_instead_of_100 vm=a pid=42\n");
	expect(INVENTORY(DEVICE(1, VFIO, HOLDS, .vf = &vf, .drift = drift)),
	       INVENTORY(DEVICE(1, VFIO, HOLDS, .vf = &vf)),
	       "OKAY 0000:01:00.0 drift_over: event=drift_over address=0000:01:00.0 model=15b3:1016 "
	       "state=held vm=a pid=42\n");
	expect(INVENTORY(DEVICE(1, VFIO, HOLDS, .vf = &vf, .drift = drift)),
	       INVENTORY(DEVICE(1, VFIO, HOLDS)),
	       "OKAY 0000:01:00.0 drift_unknown: event=drift_unknown address=0000:01:00.0 "
	       "model=15b3:1016 state=held vm=a pid=42\n");
#undef HOLDS
}

static void errors_are_reported_with_their_number(void **state)
{
	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))),
	       "");
	expect(INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), INVENTORY(DEVICE(1, VFIO, AER(11, 3, 5))),
	       "WARNING 0000:01:00.0 aer_correctable: event=aer_correctable address=0000:01:00.0 model=15b3:1016 errors=10 total=11\n"
	       "WARNING 0000:01:00.0 aer_nonfatal: event=aer_nonfatal address=0000:01:00.0 model=15b3:1016 errors=1 total=3\n"
	       "FAILURE 0000:01:00.0 aer_fatal: event=aer_fatal address=0000:01:00.0 model=15b3:1016 errors=2 total=5\n");
	/* the counter was absent before, or was reset */
	expect(INVENTORY(DEVICE(1, VFIO)), INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), "");
	expect(INVENTORY(DEVICE(1, VFIO, AER(1, 2, 3))), INVENTORY(DEVICE(1, VFIO, AER(0, 0, 0))),
	       "");
}

/* A VM's name cannot forge a pair, break a line or displace the first pairs. */
static void hostile_names_are_sanitized(void **state)
{
	char name[5000];

	(void)state;
	expect(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
	       INVENTORY(DEVICE(1, VFIO,
				OWNED(OWNERS({.name = MUTABLE("a b=c\n\"d'\\\x1b[31m\xc3\xa9"),
					      .pid = 1})))),
	       "OKAY 0000:01:00.0 vm_attached: event=vm_attached address=0000:01:00.0 model=15b3:1016 vm=a?b?c??d???[31m?? pid=1\n");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	dispatched_clear();
	events_find(INVENTORY(DEVICE(1, VFIO, OWNED(.ownership = OWNERSHIP_FREE))),
		    INVENTORY(DEVICE(1, VFIO,
				     OWNED(OWNERS({.name = name,
						   .uuid = name,
						   .program = name,
						   .mdev = name,
						   .pid = 7})))),
		    false, notify, NULL);
	assert_contains(dispatched.notices, "vm=xxx");
	assert_contains(dispatched.notices, "pid=7");
	assert_null(strstr(dispatched.notices, "mdev="));
	assert_true(strlen(strstr(dispatched.notices, "event=")) - 1 < MESSAGE_SIZE);
}

static void a_changed_configuration_is_reported(void **state)
{
	struct notice notice;

	(void)state;
	notice_of_config("/etc/a b/pci.conf", false, &notice);
	assert_string_equal(notice.message, "event=config_rejected file=/etc/a?b/pci.conf");
	assert_string_equal(notice.instance, "summary");
	assert_int_equal(notice.severity, SEVERITY_WARNING);
	notice_of_config("/etc/pci.conf", true, &notice);
	assert_string_equal(notice.message, "event=config_loaded file=/etc/pci.conf");
	assert_int_equal(notice.severity, SEVERITY_OKAY);
}

/* ---- findings of :expect: ---- */

static struct expectation gpus = {.alias = MUTABLE("gpu")},
			  one = {.short_address = MUTABLE("01:00.0=15b3:1016")};

static const struct finding TOO_FEW = {.kind = FINDING_MISSING,
				       .property = EXPECT_COUNT,
				       .expectation = &gpus,
				       .location = "pci.conf:2:3",
				       .devices = 1,
				       .expected = MUTABLE("4"),
				       .seen = MUTABLE("3")},
			    GONE = {.kind = FINDING_MISSING,
				    .property = EXPECT_SHORT_ADDRESS,
				    .expectation = &one,
				    .location = "pci.conf:3:3",
				    .devices = 1,
				    .expected = MUTABLE("01:00.0=15b3:1016")},
			    SLOW = {.kind = FINDING_DEGRADED,
				    .property = EXPECT_LINK_SPEED,
				    .expectation = &one,
				    .location = "pci.conf:3:3",
				    .has_address = true,
				    .address.bus = 1,
				    .expected = MUTABLE("16.0"),
				    .seen = MUTABLE("2.5")};

/* Like expect, with one finding before and one now; NULL: none. */
static void expect_findings(struct inventory *was, const struct finding *before,
			    struct inventory *is, const struct finding *now, const char *expected)
{
	struct finding old = {0}, new = {0};

	if (before)
		old = *before;
	if (now)
		new = *now;
	was->findings = &old;
	was->finding_count = before != NULL;
	is->findings = &new;
	is->finding_count = now != NULL;
	expect(was, is, expected);
}

static void findings_are_events_when_they_begin_change_and_end(void **state)
{
	struct inventory *is = INVENTORY(DEVICE(1, VFIO)), *was = INVENTORY(DEVICE(1, VFIO));
	struct finding fewer = TOO_FEW, moved = SLOW;

	(void)state;
	fewer.seen = MUTABLE("2");
	moved.property = EXPECT_SHORT_ADDRESS;
	moved.kind = FINDING_MOVED;
	moved.seen = MUTABLE("05:00.0=15b3:1016");
	expect_findings(was, NULL, is, &TOO_FEW,
			"FAILURE summary expect_missing: event=expect_missing property=count "
			"expect_alias=gpu expected=4 seen=3 location=pci.conf:2:3\n");
	expect_findings(was, &TOO_FEW, is, &TOO_FEW, "");
	expect_findings(was, &TOO_FEW, is, &fewer,
			"FAILURE summary expect_missing: event=expect_missing property=count "
			"expect_alias=gpu expected=4 seen=2 location=pci.conf:2:3\n");
	expect_findings(was, &fewer, is, NULL,
			"OKAY summary expect_met: event=expect_met property=count "
			"expect_alias=gpu expected=4 location=pci.conf:2:3\n");
	expect_findings(
		was, NULL, is, &SLOW,
		"WARNING 0000:01:00.0 expect_degraded: event=expect_degraded "
		"address=0000:01:00.0 model=15b3:1016 property=link_speed "
		"short_address=01:00.0?15b3:1016 expected=16.0 seen=2.5 location=pci.conf:3:3\n");
	/* one that was missing is elsewhere now */
	expect_findings(was, &GONE, is, &moved,
			"WARNING 0000:01:00.0 expect_moved: event=expect_moved "
			"address=0000:01:00.0 model=15b3:1016 property=short_address "
			"short_address=01:00.0?15b3:1016 expected=16.0 seen=05:00.0?15b3:1016 "
			"location=pci.conf:3:3\n");
	persistent = true;
	expect_findings(was, &TOO_FEW, is, &TOO_FEW,
			"FAILURE summary expect_missing: event=expect_missing property=count "
			"expect_alias=gpu expected=4 seen=3 location=pci.conf:2:3\n");
	persistent = false;
}

static void what_a_missing_device_does_not_have_is_not_met(void **state)
{
	struct inventory *is = INVENTORY(DEVICE(2, VFIO)),
			 *was = INVENTORY(DEVICE(1, VFIO), DEVICE(2, VFIO));

	(void)state;
	expect_findings(was, &SLOW, is, &GONE,
			"WARNING 0000:01:00.0 removed: event=removed address=0000:01:00.0 "
			"model=15b3:1016 driver=vfio-pci\n"
			"FAILURE summary expect_missing: event=expect_missing "
			"property=short_address short_address=01:00.0?15b3:1016 "
			"expected=01:00.0?15b3:1016 location=pci.conf:3:3\n");
}

static void a_device_that_sleeps_is_an_event_only_if_it_had_a_finding(void **state)
{
	struct inventory *is = INVENTORY(DEVICE(1, VFIO)), *was = INVENTORY(DEVICE(1, VFIO));
	struct finding asleep = SLOW;

	(void)state;
	asleep.kind = FINDING_UNKNOWN;
	asleep.reason = FINDING_SUSPENDED;
	asleep.seen = NULL;
	expect_findings(was, NULL, is, &asleep, "");
	expect_findings(was, &asleep, is, &asleep, "");
	expect_findings(was, &asleep, is, NULL, "");
	expect_findings(was, &SLOW, is, &asleep,
			"OKAY 0000:01:00.0 expect_unknown: event=expect_unknown "
			"address=0000:01:00.0 model=15b3:1016 property=link_speed "
			"short_address=01:00.0?15b3:1016 expected=16.0 reason=suspended "
			"location=pci.conf:3:3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_events_when_they_begin_change_and_end),
		cmocka_unit_test(what_a_missing_device_does_not_have_is_not_met),
		cmocka_unit_test(a_device_that_sleeps_is_an_event_only_if_it_had_a_finding),
		cmocka_unit_test(without_a_change_there_is_no_event),
		cmocka_unit_test(devices_are_added_and_removed),
		cmocka_unit_test(a_changed_selection_is_not_an_event),
		cmocka_unit_test(a_different_device_at_the_address_is_a_replacement),
		cmocka_unit_test(a_changed_driver_is_an_event),
		cmocka_unit_test(vms_attach_and_detach),
		cmocka_unit_test(an_unknown_owner_is_not_a_detached_one),
		cmocka_unit_test(two_owners_are_a_conflict),
		cmocka_unit_test(links_degrade_and_recover),
		cmocka_unit_test(leftovers_of_a_vm_appear_and_are_gone),
		cmocka_unit_test(drift_begins_and_is_over),
		cmocka_unit_test(errors_are_reported_with_their_number),
		cmocka_unit_test(hostile_names_are_sanitized),
		cmocka_unit_test(a_changed_configuration_is_reported),
	};

	return cmocka_run_group_tests_name("collectd-events", tests, NULL, NULL);
}
