/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of virtual functions that are made through their PF: 'vfio-bind vf' returns them to
 * defaults, 'vfio-bind vfs' keeps them. */
#include "tests/unit/binder/bindfixture.h"

#include "binder/engine/journal.h"
#include "binder/engine/vfsettings.h"
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.1"
#define VF2 "0000:01:10.2"
#define NUMVFS "sys/bus/pci/devices/" NIC "/sriov_numvfs"

static const struct fake_vf TENANTS[] = {
	{.index = 0, .vlan_protocol = 0x8100, .rss_query = SWITCH_OFF},
	{.index = 1,
	 .mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
	 .vlan = 5,
	 .vlan_priority = 3,
	 .vlan_protocol = 0x88a8,
	 .min_rate = 10,
	 .max_rate = 1000,
	 .is_trusted = true,
	 .is_unchecked = true,
	 .is_up = true,
	 .rss_query = SWITCH_ON},
	{.index = 2, .vlan = 7, .vlan_protocol = 0x8100, .is_down = true, .rss_query = SWITCH_OFF},
};

/* All that TENANTS[1] has. */
#define RESET_1                                                                          \
	"vf 1 mac 00:00:00:00:00:00 > netlink\nvf 1 vlan 0 qos 0 proto 8100 > netlink\n" \
	"vf 1 spoofchk 1 > netlink\nvf 1 trust 0 > netlink\nvf 1 state auto > netlink\n" \
	"vf 1 rate 0 to 0 > netlink\nvf 1 rss 0 > netlink\n"
#define RESTORE_1                                                                        \
	"vf 1 mac 52:54:00:12:34:56 > netlink\nvf 1 vlan 5 qos 3 proto 88a8 > netlink\n" \
	"vf 1 spoofchk 0 > netlink\nvf 1 trust 1 > netlink\nvf 1 state up > netlink\n"   \
	"vf 1 rate 10 to 1000 > netlink\nvf 1 rss 1 > netlink\n"

static void prepare_tenants(void)
{
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "3")), BIND_DONE);
	fakenetlink_vfs(&kernel.netlink, "eth0", TENANTS, COUNT(TENANTS));
	captured = (struct log_capture){0};
	kernel.writes = 0;
}

/* Whether the first COUNT virtual functions have the settings of TENANTS, and no others exist. */
static bool has_tenants(size_t count)
{
	const struct fake_vf_table *table = kernel.netlink.table;

	return table->count >= count && memcmp(table->vfs, TENANTS, count * sizeof(*TENANTS)) == 0;
}

static int reset(const char *const *arguments)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, arguments);

	options.reset = true;
	kernel.written[0] = '\0';
	return run_vf(&options);
}

#define RESET(...) reset(ARGS(__VA_ARGS__))

static int reset_printing(bool dry_run, bool json, char output[static OUTPUT_SIZE])
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, "1"));

	options.reset = true;
	options.dry_run = dry_run;
	options.json = json;
	kernel.written[0] = '\0';
	return run_printing(&options, "vf", output);
}

/* ---- vf ---- */

static void a_vf_is_returned_to_its_defaults(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_tenants();
	assert_int_equal(reset_printing(false, false, output), BIND_DONE);
	assert_string_equal(kernel.written, RESET_1);
	assert_string_equal(output, VF1 ": returned to its defaults (igbvf)\n");
	assert_memory_equal(&kernel.netlink.table->vfs[0], &TENANTS[0], sizeof(*TENANTS));
	assert_memory_equal(&kernel.netlink.table->vfs[2], &TENANTS[2], sizeof(*TENANTS));
	assert_int_equal(reset_printing(false, false, output), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_string_equal(output, VF1 ": already at its defaults (igbvf)\n");
	assert_int_equal(RESET(NIC, "2"), BIND_DONE);
	assert_string_equal(kernel.written, "vf 2 vlan 0 qos 0 proto 8100 > netlink\n"
					    "vf 2 state auto > netlink\n");
	assert_int_equal(RESET("net:eth0", "0"), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_string_equal(captured.text, "");
}

static void a_dry_run_shows_what_would_be_set(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_tenants();
	assert_int_equal(reset_printing(true, false, output), BIND_DONE);
	assert_string_equal(output, "set \"vf 1 mac 00:00:00:00:00:00\" of eth0\n"
				    "set \"vf 1 vlan 0 qos 0\" of eth0\n"
				    "set \"vf 1 spoofchk on\" of eth0\n"
				    "set \"vf 1 trust off\" of eth0\n"
				    "set \"vf 1 state auto\" of eth0\n"
				    "set \"vf 1 max_tx_rate 0 min_tx_rate 0\" of eth0\n"
				    "set \"vf 1 query_rss off\" of eth0\n" VF1
				    ": would be returned to its defaults (igbvf)\n");
	assert_int_equal(reset_printing(true, true, output), BIND_DONE);
	assert_contains(output, "\"result\": \"planned\"");
	assert_contains(output, "\"set\": \"vf 1 trust off\",\n      \"interface\": \"eth0\"\n");
	assert_string_equal(kernel.written, "");
	assert_true(has_tenants(3));
	assert_int_equal(reset_printing(false, true, output), BIND_DONE);
	assert_contains(output, "\"subcommand\": \"vf\"");
	assert_contains(output, "\"address\": \"" VF1 "\"");
	assert_contains(output, "\"result\": \"reset\"");
}

/* What the driver does not report is not set: it could only fail. */
static void settings_that_the_driver_lacks_are_not_set(void **state)
{
	static const struct fake_vf vf = {.is_without_trust = true, .is_unchecked = true};

	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "1")), BIND_DONE);
	fakenetlink_vfs(&kernel.netlink, "eth0", &vf, 1);
	assert_int_equal(RESET(NIC, "0"), BIND_DONE);
	assert_string_equal(kernel.written, "vf 0 spoofchk 1 > netlink\n");
}

static void a_refused_setting_does_not_keep_the_others(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_tenants();
	kernel.netlink.refused[VF_MAC] = -EINVAL;
	kernel.netlink.refused[VF_TRUST] = -EOPNOTSUPP;
	assert_int_equal(reset_printing(false, false, output), BIND_INCOMPLETE);
	assert_string_equal(kernel.written, RESET_1);
	assert_string_equal(output, VF1 ": not completely returned to its defaults (igbvf)\n");
	assert_contains(
		captured.text, NIC
		": virtual function 1: not set: mac 00:00:00:00:00:00: Invalid argument: some drivers refuse to remove a MAC address; try 'ip link set dev eth0 vf 1 mac 00:00:00:00:00:00'\n");
	assert_contains(captured.text, "not set: trust off: Operation not supported: ");
	assert_int_equal(kernel.netlink.table->vfs[1].vlan, 0);
	assert_true(kernel.netlink.table->vfs[1].is_trusted);

	/* now nothing can be set any more */
	captured = (struct log_capture){0};
	assert_int_equal(reset_printing(false, false, output), BIND_FAILED);
	assert_string_equal(output, VF1 ": unchanged (igbvf)\n");
	kernel.netlink.refused[VF_MAC] = kernel.netlink.refused[VF_TRUST] = -EPERM;
	assert_int_equal(RESET(NIC, "1"), BIND_PERMISSION);
	assert_contains(captured.text, "needs CAP_NET_ADMIN");
	kernel.netlink.refused[VF_MAC] = kernel.netlink.refused[VF_TRUST] = 0;
	assert_int_equal(RESET(NIC, "1"), BIND_DONE);
}

static void a_driver_that_ignores_requests_is_no_success(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.netlink.is_ignored = true;
	assert_int_equal(RESET(NIC, "1"), BIND_FAILED);
	assert_string_equal(kernel.written, RESET_1); /* each once */
	assert_contains(
		captured.text, NIC
		": virtual function 1: trust off: accepted by the driver of eth0, but it still reports trust on; check with 'ip link show dev eth0'\n");
	assert_true(has_tenants(3));
}

/* igb refuses rates while the link is down, i40e everything while it resets the VF. */
static void what_is_refused_for_a_moment_is_repeated(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.pauses = 0;
	kernel.netlink.refused[VF_RATE] = -EINVAL;
	kernel.netlink.refusals[VF_RATE] = 2;
	kernel.netlink.refused[VF_TRUST] = -EAGAIN;
	kernel.netlink.refusals[VF_TRUST] = 3;
	assert_int_equal(RESET(NIC, "1"), BIND_DONE);
	assert_int_equal(kernel.pauses, 3);
	assert_string_equal(captured.text, "");
	kernel.netlink.table->vfs[1].is_trusted = true;
	kernel.netlink.refused[VF_TRUST] = -EAGAIN;
	kernel.netlink.refusals[VF_TRUST] = 0;
	assert_int_equal(RESET(NIC, "1"), BIND_FAILED);
	assert_contains(captured.text, "the driver is resetting the virtual function");
}

static void open_group(const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	fakesys_descriptor(fake, 4711, 7, path);
	fakesys_file(fake, "proc/4711/cmdline", "qemu-system-x86_64");
	fakesys_file(fake, "proc/4711/stat",
		     "4711 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n");
}

/* Also if everything is allowed, and in a dry run. */
static void check_refused(const char *text)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, "1"));

	captured = (struct log_capture){0};
	options.reset = true;
	options.allowed = ~0u;
	kernel.written[0] = '\0';
	assert_int_equal(run_vf(&options), BIND_REFUSED);
	options.dry_run = true;
	assert_int_equal(run_vf(&options), BIND_REFUSED);
	assert_contains(captured.text, text);
	assert_string_equal(kernel.written, "");
	assert_true(has_tenants(3));
}

static void a_vf_in_use_is_not_reset(void **state)
{
	(void)state;
	prepare_tenants();
	assert_int_equal(BIND(VF1), BIND_DONE);
	open_group("11");
	check_refused(VF1 ": held: " VF1 " is held by process 4711");
	assert_int_equal(RESET(NIC, "2"), BIND_DONE);
}

static void a_vf_with_unknown_owner_is_not_reset(void **state)
{
	(void)state;
	prepare_tenants();
	assert_int_equal(BIND(VF1), BIND_DONE);
	fakesys_remove(fake, "proc/1"); /* as with hidepid */
	fakesys_file(fake, "proc/77/comm", "x\n");
	fakesys_directory(fake, "proc/77/fd");
	check_refused(VF1 ": unknown: cannot determine whether " VF1 " is in use");
}

/* The primary of a failover pair, which the VM does not have yet. */
static void a_reserved_vf_is_not_reset(void **state)
{
	(void)state;
	prepare_tenants();
	assert_int_equal(BIND(VF1), BIND_DONE);
	fakesys_process(fake, 4712,
			"qemu-system-x86_64\0-name\0guest=web1\0-device\0"
			"vfio-pci,host=0000:01:10.1,id=h0,failover_pair_id=ua-net0");
	check_refused(VF1 ": held: " VF1 " is assigned to the VM 'web1'");
}

/* The host's own use can be overridden. */
static void a_vf_that_the_host_uses_is_refused(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, "1"));

	(void)state;
	prepare_tenants();
	fakekernel_interface(&kernel, VF1, "eth1");
	fakesys_file(fake, "sys/class/net/eth1/flags", "0x1003\n");
	assert_int_equal(RESET(NIC, "1"), BIND_REFUSED);
	assert_contains(captured.text, VF1 ": net-up: ");
	assert_true(has_tenants(3));
	options.reset = true;
	options.allowed = 1u << HAZARD_NET_UP;
	assert_int_equal(run_vf(&options), BIND_DONE);
}

static void rename_interface(void)
{
	static unsigned count;
	char name[32];

	snprintf(name, sizeof(name), "lan%u", ++count);
	strcpy(kernel.netlink.vf_interface, name);
}

/* Each query finds another name; the index remains. */
static void a_renamed_interface_is_the_same(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.netlink.on_read = rename_interface;
	assert_int_equal(RESET(NIC, "1"), BIND_DONE);
	assert_string_equal(kernel.written, RESET_1);
}

static void wrong_arguments_are_rejected(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, "1"));

	(void)state;
	assert_int_equal(RESET(NIC, "0"), BIND_NO_DEVICE);
	prepare_tenants();
	assert_int_equal(run_vf(&options), BIND_USAGE); /* without --reset */
	assert_int_equal(RESET(NIC, "x"), BIND_USAGE);
	assert_int_equal(RESET(NIC, "-1"), BIND_USAGE);
	assert_int_equal(RESET(NIC, "3"), BIND_NO_DEVICE);
	assert_contains(captured.text, NIC ": no virtual function 3; 3 are enabled");
	assert_int_equal(RESET(NIC, "4294967297"), BIND_NO_DEVICE);
	assert_int_equal(RESET(VF1, "0"), BIND_NO_DEVICE);
	assert_int_equal(RESET("0000:09:00.0", "0"), BIND_NO_DEVICE);
	assert_true(has_tenants(3));
}

static void settings_that_cannot_be_read_are_not_set(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.netlink.error = -EPROTO;
	kernel.netlink.error_of = RTM_GETLINK;
	assert_int_equal(RESET(NIC, "1"), BIND_FAILED);
	assert_contains(captured.text,
			"settings of its virtual functions through eth0: Protocol error");
	kernel.netlink.error = 0;
	kernel.netlink.table->count = 1; /* the driver reports one */
	assert_int_equal(RESET(NIC, "1"), BIND_UNAVAILABLE);
	assert_contains(captured.text, "does not report settings of virtual function 1");
	fakesys_remove(fake, "sys/bus/pci/devices/" NIC "/net");
	assert_int_equal(RESET(NIC, "1"), BIND_UNAVAILABLE);
	assert_contains(captured.text, NIC ": no network interface is visible");
	assert_string_equal(kernel.written, "");
}

static void a_hanging_driver_costs_one_pf(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.fault = FAULT_HANG_LATER;
	kernel.fault_at = kernel.writes + 2;
	assert_int_equal(RESET(NIC, "1"), BIND_TIMEOUT);
	assert_contains(captured.text, NIC ": timed out while setting its virtual functions; ");
	kernel.fault = FAULT_NONE;
	assert_int_equal(RESET(NIC, "2"), BIND_TIMEOUT); /* its lock is not free */
	assert_int_equal(kernel.netlink.table->vfs[2].vlan, 7);
	fakekernel_unblock(&kernel, NIC);
	assert_int_equal(kernel.netlink.table->vfs[1].vlan, 0);
	assert_int_equal(RESET(NIC, "1"), BIND_DONE);
}

/* ---- vfs ---- */

static int set_vfs(const char *number, unsigned allowed)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, number));

	options.allowed = allowed;
	kernel.written[0] = '\0';
	return run_vfs(&options);
}

static void settings_are_kept_when_the_number_changes(void **state)
{
	(void)state;
	prepare_tenants();
	assert_int_equal(set_vfs("4", 0), BIND_DONE);
	assert_string_equal(kernel.written, "0 > " NUMVFS "\n4 > " NUMVFS "\n" RESTORE_1
					    "vf 2 vlan 7 qos 0 proto 8100 > netlink\n"
					    "vf 2 state down > netlink\n");
	assert_true(has_tenants(3));
	assert_int_equal(kernel.netlink.table->count, 4);
	assert_int_equal(journal_size(), 0);
	assert_string_equal(captured.text, "");
}

static void settings_of_vfs_that_disappear_are_named(void **state)
{
	(void)state;
	prepare_tenants();
	assert_int_equal(set_vfs("2", 0), BIND_REFUSED);
	assert_contains(captured.text, VF2 ": vf-settings: VLAN 7 priority 0, link always down; ");
	assert_null(strstr(captured.text, VF1));
	assert_string_equal(kernel.written, "");
	assert_int_equal(set_vfs("2", 1u << HAZARD_VF_SETTINGS), BIND_DONE);
	assert_string_equal(kernel.written, "0 > " NUMVFS "\n2 > " NUMVFS "\n" RESTORE_1);
	assert_true(has_tenants(2));
	assert_int_equal(set_vfs("0", 0), BIND_REFUSED);
	assert_contains(captured.text, VF1 ": vf-settings: MAC 52:54:00:12:34:56, VLAN 5 ");
}

static void a_dry_run_shows_what_is_set_again(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, "4"));
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_tenants();
	options.dry_run = true;
	assert_int_equal(run_printing(&options, "vfs", output), BIND_DONE);
	assert_contains(output, "write \"4\" to ");
	assert_contains(output, "set \"vf 1 vlan 5 qos 3 proto 802.1ad\" of eth0\n"
				"set \"vf 1 spoofchk off\" of eth0\n");
	assert_null(strstr(output, "vf 0"));
	assert_true(has_tenants(3));
}

static void what_could_not_be_set_again_is_named(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC, "4"));
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_tenants();
	kernel.netlink.refused[VF_VLAN] = -EOPNOTSUPP;
	assert_int_equal(run_printing(&options, "vfs", output), BIND_INCOMPLETE);
	assert_string_equal(
		output, NIC
		": number of virtual functions changed, but not all settings restored (e1000e)\n");
	assert_contains(
		captured.text,
		"virtual function 1: not set: vlan 5 qos 3 proto 802.1ad: Operation not supported: the driver cannot set it; try 'ip link set dev eth0 vf 1 vlan 5 qos 3 proto 802.1ad'\n");
	assert_contains(captured.text, "virtual function 2: not set: vlan 7 qos 0: ");
	assert_true(kernel.netlink.table->vfs[1].is_trusted);
	assert_int_equal(kernel.netlink.table->count, 4);
	assert_int_equal(journal_size(), 0);
}

static void a_rollback_sets_them_again(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.fault = FAULT_ERROR;
	kernel.fault_at = kernel.writes + 2;
	kernel.error = -ENOMEM;
	assert_int_equal(set_vfs("4", 0), BIND_FAILED);
	assert_true(has_tenants(3));
	assert_int_equal(kernel.netlink.table->count, 3);
	assert_contains(captured.text, "rolled back\n");
	assert_int_equal(journal_size(), 0);

	/* also those of VFs that were to disappear */
	kernel.fault_at = kernel.writes + 2;
	assert_int_equal(set_vfs("1", 1u << HAZARD_VF_SETTINGS), BIND_FAILED);
	assert_true(has_tenants(3));

	kernel.fault_at = kernel.writes + 2;
	kernel.netlink.is_ignored = true;
	assert_int_equal(set_vfs("4", 0), BIND_INCOMPLETE);
	assert_contains(captured.text, "but it still reports trust off");
}

/* The number of VFs that has been reported. */
static unsigned numvfs(void)
{
	return (unsigned)kernel.netlink.table->count;
}

static void check_recovered(enum fault fault, unsigned at)
{
	if ((numvfs() == 2 && has_tenants(2)) || (numvfs() == 3 && has_tenants(3)))
		return;
	print_error("fault %d at step %u: %u VFs, written:\n%s", fault, at, numvfs(),
		    kernel.written);
	fail();
}

/* Returns the number of steps that the run makes. */
static unsigned count_steps(void)
{
	teardown(NULL);
	setup(NULL);
	prepare_tenants();
	assert_int_equal(set_vfs("2", 1u << HAZARD_VF_SETTINGS), BIND_DONE);
	return kernel.writes;
}

static void run_and_be_killed(enum fault fault, unsigned at)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		kernel.fault = fault;
		kernel.fault_at = at;
		_exit(set_vfs("2", 1u << HAZARD_VF_SETTINGS));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), BIND_TIMEOUT);
}

/* Whenever a run is killed, or the kernel does not answer in time, the settings are those before:
 * of the VFs that were to remain, or of all of them. */
static void a_killed_run_is_recovered_with_its_settings(void **state)
{
	static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_KILL_LATER,
					    FAULT_HANG,	       FAULT_HANG_DONE,	 FAULT_HANG_LATER};
	unsigned steps = count_steps();

	(void)state;
	assert_int_equal(steps, 9);
	for (size_t f = 0; f < COUNT(faults); f++)
		for (unsigned at = 1; at <= steps; at++) {
			teardown(NULL);
			setup(NULL);
			prepare_tenants();
			run_and_be_killed(faults[f], at);
			assert_true(journal_size() == 1);
			if (faults[f] == FAULT_KILL_LATER || faults[f] == FAULT_HANG_LATER)
				assert_int_equal(RECOVER(), BIND_TIMEOUT);
			fakekernel_unblock(&kernel, NIC);
			assert_int_equal(RECOVER(), BIND_DONE);
			check_recovered(faults[f], at);
			assert_int_equal(journal_size(), 0);
		}
	print_message("# %zu faults at %u steps\n", COUNT(faults), steps);
}

/* The recovery is killed as well. */
static void a_killed_recovery_is_recovered(void **state)
{
	unsigned steps = count_steps();

	(void)state;
	for (unsigned at = 1; at < steps; at++)
		for (unsigned second = 1; second <= 3; second++) {
			pid_t child;
			int status;

			teardown(NULL);
			setup(NULL);
			prepare_tenants();
			run_and_be_killed(FAULT_KILL_AFTER, at);
			child = fork();
			assert_true(child >= 0);
			if (child == 0) {
				kernel.fault = FAULT_KILL_AFTER;
				kernel.fault_at = kernel.writes + second;
				_exit(RECOVER());
			}
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_int_equal(RECOVER(), BIND_DONE);
			check_recovered(FAULT_KILL_AFTER, at);
		}
}

/* The VFs were not removed: what another program has set meanwhile stays. */
static void a_run_killed_before_its_first_change_sets_nothing(void **state)
{
	(void)state;
	prepare_tenants();
	run_and_be_killed(FAULT_KILL_BEFORE, 1);
	kernel.netlink.table->vfs[0].vlan = 9;
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_int_equal(kernel.netlink.table->vfs[0].vlan, 9);
	assert_int_equal(journal_size(), 0);
}

static unsigned reads, hidden_until;

/* The driver has not initialized the VFs. */
static void hide_vfs(void)
{
	reads++;
	if (reads > 1)
		kernel.netlink.table->count = reads < hidden_until ? 1 : 4;
}

static void vfs_that_are_reported_later_are_waited_for(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.netlink.on_read = hide_vfs;
	reads = 0;
	hidden_until = 6;
	assert_int_equal(set_vfs("4", 0), BIND_DONE);
	assert_true(has_tenants(3));
	assert_string_equal(captured.text, "");

	kernel.netlink.table->count = 4;
	reads = 0;
	hidden_until = UINT32_MAX;
	assert_int_equal(set_vfs("3", 0), BIND_INCOMPLETE);
	assert_contains(
		captured.text, NIC
		": virtual function 2: settings not set: eth0: the driver does not report the virtual function; try 'ip link set dev eth0 vf 2 mac 00:00:00:00:00:00 vlan 7 qos 0 spoofchk on trust off state disable max_tx_rate 0 min_tx_rate 0 query_rss off'\n");
}

/* InfiniBand has GUIDs instead of MACs; what a driver did not report has no value to restore. */
static void settings_without_a_value_are_not_set(void **state)
{
	const struct rtnetlink_vf now = {.mac = {1},
					 .mac_length = 20,
					 .trust = SWITCH_ON,
					 .spoof_check = SWITCH_ON,
					 .rss_query = SWITCH_ON},
				  wanted = {.mac_length = 20};

	(void)state;
	for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++)
		assert_false(vf_setting_differs(&now, &wanted, s));
}

static unsigned reads_until_hang;

static void hang_at_read(void)
{
	if (reads_until_hang && --reads_until_hang == 0) {
		kernel.netlink.error = -ETIMEDOUT;
		kernel.netlink.error_of = RTM_GETLINK;
	}
}

/* The lock of network interfaces is held: nothing is known about the settings. */
static void settings_that_cannot_be_read_in_time_are_restored_later(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.netlink.on_read = hang_at_read;
	reads_until_hang = 2;
	assert_int_equal(set_vfs("4", 0), BIND_TIMEOUT);
	assert_int_equal(journal_size(), 1);
	kernel.netlink.error = 0;
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_true(has_tenants(3));
	assert_int_equal(numvfs(), 4);
	assert_int_equal(journal_size(), 0);
}

/* As in a sandbox without CAP_NET_ADMIN: a run that has it can still set them. */
static void settings_that_may_not_be_set_are_restored_later(void **state)
{
	(void)state;
	prepare_tenants();
	kernel.netlink.refused[VF_VLAN] = -EPERM;
	assert_int_equal(set_vfs("4", 0), BIND_INCOMPLETE);
	assert_contains(captured.text, "not set: vlan 7 qos 0: Operation not permitted: ");
	assert_contains(captured.text, "then run 'vfio-bind recover'");
	assert_int_equal(journal_size(), 1);
	assert_int_equal(RECOVER(), BIND_INCOMPLETE);
	kernel.netlink.refused[VF_VLAN] = 0;
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_true(has_tenants(3));
	assert_int_equal(numvfs(), 4);
	assert_int_equal(journal_size(), 0);

	kernel.netlink.refused[VF_TRUST] = -EPERM;
	kernel.fault = FAULT_ERROR;
	kernel.fault_at = kernel.writes + 2;
	kernel.error = -ENOMEM;
	assert_int_equal(set_vfs("3", 0), BIND_INCOMPLETE);
	assert_int_equal(journal_size(), 1);
	kernel.netlink.refused[VF_TRUST] = 0;
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_true(has_tenants(3));
	assert_int_equal(numvfs(), 4);
}

/* A run that could not restore the settings; then the third VF is bound to vfio-pci. */
static void leave_pending(const char *enable)
{
	prepare_tenants();
	kernel.netlink.refused[VF_VLAN] = -EPERM;
	assert_int_equal(set_vfs("4", 0), BIND_INCOMPLETE);
	kernel.netlink.refused[VF_VLAN] = 0;
	fakesys_remove(kernel.fake, "sys/bus/pci/devices/0000:01:10.2/driver");
	fakesys_link(kernel.fake, "sys/bus/pci/devices/0000:01:10.2/driver",
		     "../../../bus/pci/drivers/vfio-pci");
	fakesys_attribute(kernel.fake, "0000:01:10.2", "enable", enable);
}

static void a_vf_that_no_vm_has_open_is_restored(void **state)
{
	(void)state;
	leave_pending("0");
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_true(has_tenants(3));
	assert_int_equal(journal_size(), 0);
}

/* A VM was assigned the VF meanwhile, with a VLAN of its own. */
static void a_vf_that_a_vm_has_open_is_not_restored(void **state)
{
	(void)state;
	leave_pending("1");
	kernel.netlink.table->vfs[2].vlan = 9;
	assert_int_equal(RECOVER(), BIND_INCOMPLETE);
	assert_contains(captured.text, "virtual function 2: settings not restored");
	assert_int_equal(kernel.netlink.table->vfs[2].vlan, 9);
	assert_true(has_tenants(2));
	assert_int_equal(journal_size(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vf_is_returned_to_its_defaults),
		TEST(a_dry_run_shows_what_would_be_set),
		TEST(settings_that_the_driver_lacks_are_not_set),
		TEST(a_refused_setting_does_not_keep_the_others),
		TEST(a_driver_that_ignores_requests_is_no_success),
		TEST(what_is_refused_for_a_moment_is_repeated),
		TEST(a_vf_in_use_is_not_reset),
		TEST(a_vf_with_unknown_owner_is_not_reset),
		TEST(a_reserved_vf_is_not_reset),
		TEST(a_vf_that_the_host_uses_is_refused),
		TEST(a_renamed_interface_is_the_same),
		TEST(wrong_arguments_are_rejected),
		TEST(settings_that_cannot_be_read_are_not_set),
		TEST(a_hanging_driver_costs_one_pf),
		TEST(settings_are_kept_when_the_number_changes),
		TEST(settings_of_vfs_that_disappear_are_named),
		TEST(a_dry_run_shows_what_is_set_again),
		TEST(what_could_not_be_set_again_is_named),
		TEST(a_rollback_sets_them_again),
		TEST(a_killed_run_is_recovered_with_its_settings),
		TEST(a_killed_recovery_is_recovered),
		TEST(a_run_killed_before_its_first_change_sets_nothing),
		TEST(a_vf_that_no_vm_has_open_is_restored),
		TEST(a_vf_that_a_vm_has_open_is_not_restored),
		TEST(vfs_that_are_reported_later_are_waited_for),
		TEST(settings_without_a_value_are_not_set),
		TEST(settings_that_cannot_be_read_in_time_are_restored_later),
		TEST(settings_that_may_not_be_set_are_restored_later),
	};

	return cmocka_run_group_tests_name("binder-vf", tests, NULL, NULL);
}
