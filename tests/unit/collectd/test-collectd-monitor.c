/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readings one after the other, of a machine that changes between them. */
#include "tests/unit/test.h"

#include "plugins/collectd/monitor.h"
#include "tests/unit/collectd/fakedispatch.h"
#include "tests/unit/fakesys.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct log capture_log;
static struct settings settings;
static struct monitor *monitor;
static struct seen seen;

#define NIC .vendor = 0x15b3, .device = 0x1016, .class = 0x020000

/* A machine with a PF that the host has, two VFs, a port above them, and an init. */
static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	capture_log = log_capture_add(&captured);
	settings_init(&settings);
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400,
		    .driver = "pcieport");
	fakesys_pci(fake, "0000:81:00.0", NIC, .driver = "mlx5_core", .group = "17",
		    .below = "0000:00:01.0");
	fakesys_pci(fake, "0000:81:00.2", NIC, .driver = "vfio-pci", .group = "18",
		    .below = "0000:00:01.0", .pf = "0000:81:00.0", .vf = 0);
	fakesys_pci(fake, "0000:81:00.3", NIC, .driver = "vfio-pci", .group = "19",
		    .below = "0000:00:01.0", .pf = "0000:81:00.0", .vf = 1);
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/sriov_totalvfs", "8\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/sriov_numvfs", "2\n");
	fakesys_bytes(fake, "proc/1/cmdline", "init", 5);
	fakesys_link(fake, "proc/1/fd/0", "/dev/null");
	fakesys_file(fake, "proc/1/stat", "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0");
	fakesys_file(fake, "machine.conf", ":filter: 15b3:*\n:alias: [{name: a1, role: vf}]\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	monitor_free(monitor);
	monitor = NULL;
	settings_free(&settings);
	fakesys_free(fake);
	return 0;
}

static char *below(const char *path)
{
	char *full;

	assert_true(asprintf(&full, "%s/%s", fake->path, path) > 0);
	return full;
}

static int try_to_start(void)
{
	free(settings.sysroot);
	settings.sysroot = strdup(fake->path);
	if (!settings.config_file)
		settings.config_file = below("machine.conf");
	return monitor_new(&settings, &capture_log, see, &seen, &monitor);
}

static void start(void)
{
	assert_int_equal(try_to_start(), 0);
}

static void read_devices(void)
{
	dispatched_forget();
	seen.text[0] = '\0';
	monitor_read(monitor);
}

/* The VM NAME has the VF of GROUP: a process, and a node that somebody opened. */
static void start_vm(const char *name, unsigned pid, const char *group)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
	snprintf(text, sizeof(text), "qemu-kvm|-name|%s|", name);
	for (char *p = text; *p; p++)
		*p = *p == '|' ? '\0' : *p;
	fakesys_bytes(fake, path, text, strlen("qemu-kvm|-name|") + strlen(name) + 1);
	snprintf(path, sizeof(path), "proc/%u/stat", pid);
	snprintf(text, sizeof(text), "%u (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0", pid);
	fakesys_file(fake, path, text);
	snprintf(text, sizeof(text), "/dev/vfio/%s", group);
	fakesys_descriptor(fake, pid, 9, text);
}

static void touch(const char *path)
{
	char group[3];

	if (sscanf(path, "dev/vfio/%2[0-9]", group) == 1)
		fakesys_group_node(fake, group);
	else
		fakesys_file(fake, path, "");
}

static void has_value(const char *line)
{
	char text[160], padded[sizeof(dispatched.values) + 1];

	snprintf(text, sizeof(text), "\n%s\n", line);
	snprintf(padded, sizeof(padded), "\n%s", dispatched.values);
	if (!strstr(padded, text))
		fail_msg("no %s in\n%s", line, dispatched.values);
}

static void has_no_value(const char *start)
{
	if (strstr(dispatched.values, start))
		fail_msg("%s in\n%s", start, dispatched.values);
}

static void every_value_is_there(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.2/numa_node", "-1\n");
	for (unsigned i = 0; i < 2; i++) {
		const char *const names[] = {"0000:00:01.0", "0000:81:00.0"};
		char path[96];

		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/max_link_speed", names[i]);
		fakesys_file(fake, path, "8.0 GT/s PCIe\n");
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/max_link_width", names[i]);
		fakesys_file(fake, path, "8\n");
	}
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/current_link_speed",
		     "2.5 GT/s PCIe\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/current_link_width", "8\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_correctable",
		     "RxErr 1\nTOTAL_ERR_COR 12\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_nonfatal",
		     "TOTAL_ERR_NONFATAL 2\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_fatal", "TOTAL_ERR_FATAL 0\n");
	start_vm("one-7", 42, "18");
	start();
	read_devices();
	has_value("0000:81:00.0/gauge-in_use=0");
	has_value("0000:81:00.0/gauge-numa_node=1");
	has_value("0000:81:00.0/gauge-iommu_group=17");
	has_value("0000:81:00.0/gauge-link_width=8");
	has_value("0000:81:00.0/gauge-link_speed_gts=2.5");
	has_value("0000:81:00.0/gauge-link_degraded=1");
	has_value("0000:81:00.0/errors-aer_correctable=12");
	has_value("0000:81:00.0/errors-aer_nonfatal=2");
	has_value("0000:81:00.0/errors-aer_fatal=0");
	has_value("0000:81:00.0/count-vf_total=8");
	has_value("0000:81:00.0/count-vf_enabled=2");
	has_value("0000:81:00.0/count-vf_in_use=1");
	has_value("0000:81:00.0/count-vf_free=1");
	has_value("0000:81:00.2/gauge-in_use=1");
	has_value("0000:81:00.3/gauge-in_use=0");
	has_no_value("0000:81:00.2/gauge-numa_node");
	has_no_value("0000:81:00.2/gauge-link");
	has_no_value("0000:81:00.2/errors");
	has_no_value("0000:00:01.0");
	has_value("15b3:1016/count-total=3");
	has_value("15b3:1016/count-in_use=1");
	has_value("15b3:1016/count-free=1");
	has_value("a1/count-total=2");
	has_value("a1/count-in_use=1");
	has_value("a1/count-free=1");
	has_value("summary/count-devices=3");
	has_value("summary/count-in_use=1");
	has_value("summary/count-free=1");
	has_value("summary/count-unknown=0");
	has_value("summary/count-conflict=0");
	assert_contains(dispatched.values, "summary/duration-probe=");
	assert_string_equal(dispatched.notices, "");
}

static void what_is_unknown_is_no_number(void **state)
{
	(void)state;
	fakesys_remove(fake, "proc"); /* as in a recording */
	start();
	read_devices();
	has_value("0000:81:00.0/gauge-in_use=0");
	has_value("0000:81:00.2/gauge-in_use=nan");
	has_value("0000:81:00.0/count-vf_in_use=nan");
	has_value("0000:81:00.0/count-vf_free=nan");
	has_value("summary/count-unknown=2");
	has_value("summary/count-free=0");
	has_value("a1/count-free=0");
}

static void only_what_is_reported_is_read(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_correctable",
		     "TOTAL_ERR_COR 12\n");
	settings.report = REPORT_AER;
	start();
	read_devices();
	has_value("0000:81:00.0/errors-aer_correctable=12");
	has_value("0000:81:00.0/gauge-iommu_group=17");
	has_no_value("in_use");
	has_no_value("vf_");
	has_no_value("15b3:1016");
	assert_null(strstr(seen.text, "proc/1"));
	assert_null(strstr(seen.text, "link_speed"));
	assert_null(strstr(seen.text, "aliases"));
}

static void vfs_are_counted_where_all_are_seen(void **state)
{
	(void)state;
	rule_list_add(&settings.devices, "81:00.3", "Device", NULL);
	settings.devices.inverted = true;
	start();
	read_devices();
	has_value("0000:81:00.0/count-vf_enabled=2");
	has_no_value("vf_in_use");
	has_no_value("0000:81:00.3/");
	has_value("0000:81:00.2/gauge-in_use=0");
}

static void instances_can_have_names(void **state)
{
	(void)state;
	start_vm("one 7/x", 42, "18");
	settings.format = INSTANCE_VM;
	start();
	read_devices();
	has_value("one_7_x:0000:81:00.2/gauge-in_use=1");
	has_value("0000:81:00.3/gauge-in_use=0");
	monitor_free(monitor);
	settings.format = INSTANCE_ALIAS;
	start();
	read_devices();
	has_value("a1:0000:81:00.2/gauge-in_use=1");
	has_value("0000:81:00.0/gauge-in_use=0");
}

/* A quiet reading: no names, no configuration, no process, nothing that stays. */
static void expect_quiet(void)
{
	static const char *const not_read[] = {
		"pci.ids",     "pci.conf", "machine.conf", "proc/",  "numa_node",
		"iommu_group", "modalias", "sriov",	   "virtfn",
	};

	for (size_t i = 0; i < COUNT(not_read); i++)
		if (strstr(seen.text, not_read[i]))
			fail_msg("%s was read:\n%s", not_read[i], seen.text);
}

static void expect_look(void)
{
	assert_contains(seen.text, "proc/1/");
}

/* What happened is looked at twice. */
static void settle(void)
{
	for (unsigned i = 0; i < 3; i++)
		read_devices();
	expect_quiet();
	assert_string_equal(dispatched.notices, "");
}

static void a_quiet_reading_reads_what_moves(void **state)
{
	(void)state;
	touch("dev/vfio/18");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_correctable",
		     "TOTAL_ERR_COR 1\n");
	start_vm("one-7", 42, "18");
	start();
	read_devices();
	expect_look();
	settle();
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_correctable",
		     "TOTAL_ERR_COR 3\n");
	read_devices();
	expect_quiet();
	assert_contains(seen.text, "0000:81:00.2/driver\n");
	has_value("0000:81:00.0/errors-aer_correctable=3");
	has_value("0000:81:00.2/gauge-in_use=1");
	has_value("0000:81:00.0/gauge-iommu_group=17");
	has_value("0000:81:00.0/count-vf_in_use=1");
	has_value("a1/count-in_use=1");
	assert_string_equal(
		dispatched.notices,
		"WARNING 0000:81:00.0 aer_correctable: event=aer_correctable address=0000:81:00.0 "
		"model=15b3:1016 errors=2 total=3\n");
	read_devices();
	assert_string_equal(dispatched.notices, "");
}

static void whatever_happens_to_vfio_is_looked_at(void **state)
{
	static const char *const where[] = {
		"dev/vfio/18",
		"dev/vfio/devices/vfio0",
		"run/libvirt/qemu/a.xml",
		"etc/libvirt/qemu/a.xml",
		"run/qemu-server/1",
		"sys/module/vfio/refcnt",
	};

	(void)state;
	start();
	settle();
	for (size_t i = 0; i < COUNT(where); i++) {
		/* the place itself comes first */
		fakesys_file(fake, where[i], "1\n");
		read_devices();
		expect_look();
		settle();
		fakesys_file(fake, where[i], "2\n");
		read_devices();
		expect_look();
		settle();
	}
	/* an open and a close alone */
	close(open(where[0], O_RDONLY | O_CLOEXEC)); /* not that one: it is below the root */
	read_devices();
	expect_quiet();
	char *node = below(where[0]);

	close(open(node, O_RDONLY | O_CLOEXEC));
	free(node);
	read_devices();
	expect_look();
	settle();
	/* taken away as a whole, and there again */
	fakesys_remove(fake, "dev/vfio");
	read_devices();
	expect_look();
	settle();
	touch("dev/vfio/18");
	read_devices();
	expect_look();
	settle();
	touch("dev/vfio/18");
	read_devices();
	expect_look();
}

/* More than the kernel keeps for one reader. */
static void a_flood_is_looked_at(void **state)
{
	char *node;

	(void)state;
	touch("dev/vfio/18");
	touch("dev/vfio/19");
	start();
	settle();
	node = below("dev/vfio/18");
	for (unsigned i = 0; i < 40000; i++) {
		node[strlen(node) - 1] = i % 2 ? '8' : '9'; /* two alike in a row would be one */
		close(open(node, O_RDONLY | O_CLOEXEC));
	}
	free(node);
	read_devices();
	expect_look();
	settle();
}

static void vms_come_and_go(void **state)
{
	(void)state;
	touch("dev/vfio/18");
	start();
	read_devices();
	settle();
	start_vm("one-7", 42, "18");
	touch("dev/vfio/18");
	read_devices();
	assert_string_equal(
		dispatched.notices,
		"OKAY 0000:81:00.2 vm_attached: event=vm_attached address=0000:81:00.2 model=15b3:1016 "
		"alias=a1 vm=one-7 program=qemu-kvm pid=42 source=vfio frontend=opennebula id=7\n");
	has_value("0000:81:00.2/gauge-in_use=1");
	settle();
	/* its descriptor is closed before its process can't be seen any more */
	touch("dev/vfio/18");
	read_devices();
	assert_string_equal(dispatched.notices, "");
	fakesys_remove(fake, "proc/42");
	read_devices();
	assert_contains(dispatched.notices, "vm_detached");
	assert_contains(dispatched.notices, "vm=one-7");
	has_value("0000:81:00.2/gauge-in_use=0");
	settle();
}

static void a_driver_that_changed_is_looked_at(void **state)
{
	(void)state;
	start();
	settle();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.2/driver");
	fakesys_link(fake, "sys/bus/pci/devices/0000:81:00.2/driver",
		     "../../../bus/pci/drivers/mlx5_core");
	read_devices();
	expect_look();
	assert_contains(dispatched.notices, "driver_was=vfio-pci driver=mlx5_core state=host");
	has_value("15b3:1016/count-free=1");
	settle();
}

static void devices_come_and_go(void **state)
{
	(void)state;
	start();
	settle();
	fakesys_pci(fake, "0000:82:00.0", NIC, .driver = "vfio-pci", .group = "20");
	read_devices();
	assert_contains(dispatched.notices, "OKAY 0000:82:00.0 added:");
	has_value("15b3:1016/count-total=4");
	settle();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:82:00.0");
	read_devices();
	assert_contains(dispatched.notices, "WARNING 0000:82:00.0 removed:");
	has_no_value("0000:82:00.0");
	settle();
}

static void unknown_owners_are_looked_for_now_and_again(void **state)
{
	unsigned looks = 0;

	(void)state;
	start();
	settle();
	fakesys_remove(fake, "proc"); /* as in a recording */
	touch("dev/vfio/19");
	read_devices();
	assert_contains(dispatched.notices, "WARNING 0000:81:00.2 owner_unknown");
	has_value("0000:81:00.2/gauge-in_use=nan");
	read_devices();
	for (unsigned i = 0; i < 12; i++) {
		read_devices();
		looks += strstr(seen.text, "iommu_group") != NULL;
	}
	assert_int_equal(looks, 2);
	fakesys_directory(fake, "proc/1/fd");
	for (unsigned i = 0; i < 6; i++)
		read_devices();
	has_value("0000:81:00.2/gauge-in_use=0");
}

static void a_look_that_saw_only_a_part_is_repeated_at_the_next_reading(void **state)
{
	(void)state;
	start();
	settle();
	fakesys_process(fake, 50, "/usr/bin/program");
	fakesys_remove(fake, "proc/50/fd");
	fakesys_file(fake, "proc/50/fd", ""); /* no directory: it can't be inspected */
	touch("dev/vfio/19");
	read_devices();
	has_value("0000:81:00.2/gauge-in_use=nan");
	for (unsigned i = 0; i < 4; i++)
		read_devices();
	fakesys_remove(fake, "proc/50");
	read_devices();
	has_value("0000:81:00.2/gauge-in_use=0");
}

/* Starts the plugin with a reservation that it sees before it ends. Returns when that is: later on
 * a slow machine. */
static time_t start_with_a_reservation(void)
{
	char text[64];

	for (time_t seconds = 1;; seconds *= 2) {
		time_t end = time(NULL) + seconds;

		snprintf(text, sizeof(text), "0000:81:00.2 106 time:%lld\n", (long long)end);
		fakesys_file(fake, "run/qemu-server/pci-id-reservations", text);
		start();
		read_devices();
		if (time(NULL) < end)
			return end;
		monitor_free(monitor);
		monitor = NULL;
	}
}

static void a_reservation_runs_out(void **state)
{
	time_t end;

	(void)state;
	end = start_with_a_reservation();
	has_value("summary/count-reserved=1");
	while (time(NULL) <= end)
		usleep(100000);
	for (unsigned i = 0; i < 8; i++)
		read_devices();
	has_value("summary/count-reserved=0");
	has_value("0000:81:00.2/gauge-in_use=0");
	settle();
	settle();
	settle();
}

static void write_config(const char *text)
{
	fakesys_file(fake, "machine.conf", text);
}

static void a_changed_configuration_is_taken_up(void **state)
{
	(void)state;
	start();
	settle();
	write_config(":filter: 8086:*\n");
	read_devices();
	assert_contains(dispatched.notices, "OKAY summary config_taken: event=config_taken file=");
	assert_null(strstr(dispatched.notices, "removed"));
	has_value("0000:00:01.0/gauge-in_use=0");
	has_no_value("0000:81:00.0");
	settle();
}

static void a_broken_one_keeps_the_old_rules(void **state)
{
	(void)state;
	start();
	settle();
	write_config(":filter: nonsense\n");
	read_devices();
	assert_contains(dispatched.notices,
			"WARNING summary config_refused: event=config_refused file=");
	assert_contains(captured.text, "machine.conf:1:10: invalid filter 'nonsense'");
	assert_contains(captured.text, "the old rules hold on");
	has_value("0000:81:00.0/gauge-in_use=0");
	settle();
	fakesys_remove(fake, "machine.conf");
	read_devices();
	assert_contains(dispatched.notices, "config_refused");
	has_value("0000:81:00.0/gauge-in_use=0");
	settings.persistent = true;
	read_devices();
	assert_contains(dispatched.notices, "config_refused");
	settings.persistent = false;
	write_config(":filter: 15b3:*\n");
	read_devices();
	assert_contains(dispatched.notices, "config_taken");
	settle();
}

static void a_broken_one_at_the_start_is_an_error(void **state)
{
	(void)state;
	write_config(":filter: nonsense\n");
	assert_int_equal(try_to_start(), -EINVAL);
	assert_null(monitor);
	assert_contains(captured.text, "nonsense");
	free(settings.config_file);
	settings.config_file = strdup("/nowhere/pci.conf");
	assert_int_equal(try_to_start(), -ENOENT);
	fakesys_remove(fake, "sys");
}

static void what_fails_is_told_once(void **state)
{
	(void)state;
	start();
	read_devices();
	settle();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.0/driver");
	fakesys_file(fake, "sys/bus/pci/devices/0000:81:00.0/aer_dev_correctable", "nonsense\n");
	captured = (struct log_capture){0};
	for (unsigned i = 0; i < 5; i++)
		read_devices();
	assert_int_equal(captured.warnings, 1);
	assert_contains(captured.text, "aer_dev_correctable: no total");
	/* nothing can be read at all: nothing is sent, which is told once too */
	fakesys_remove(fake, "sys/bus/pci");
	captured = (struct log_capture){0};
	for (unsigned i = 0; i < 5; i++)
		read_devices();
	assert_int_equal(captured.errors, 1);
	assert_string_equal(dispatched.values, "");
	assert_string_equal(dispatched.notices, "");
	/* well again, and ill again */
	fakesys_directory(fake, "sys/bus/pci/devices");
	read_devices();
	has_value("summary/count-devices=0");
	fakesys_remove(fake, "sys/bus/pci");
	read_devices();
	assert_int_equal(captured.errors, 2);
}

static void a_configuration_waits_for_its_first_reading(void **state)
{
	(void)state;
	start();
	settle();
	fakesys_remove(fake, "sys/bus/pci/devices");
	write_config(":filter: 8086:*\n");
	read_devices();
	assert_contains(dispatched.notices, "config_taken");
	for (unsigned i = 0; i < 3; i++) {
		read_devices();
		assert_string_equal(dispatched.notices, "");
		assert_string_equal(dispatched.values, "");
	}
	fakesys_pci(fake, "0000:00:05.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		    .group = "2");
	fakesys_pci(fake, "0000:00:06.0", NIC, .group = "3");
	read_devices();
	has_value("summary/count-devices=1");
	has_value("0000:00:05.0/gauge-iommu_group=2");
	settle();
}

static void nothing_is_notified_unless_wanted(void **state)
{
	(void)state;
	settings.notify = false;
	start();
	settle();
	fakesys_pci(fake, "0000:82:00.0", NIC, .driver = "vfio-pci", .group = "20");
	write_config(":filter: 15b3:1016\n");
	read_devices();
	has_value("0000:82:00.0/gauge-in_use=0");
	assert_string_equal(dispatched.notices, "");
}

static void the_first_reading_is_silent(void **state)
{
	(void)state;
	settings.persistent = true;
	fakesys_remove(fake, "proc");
	start();
	read_devices();
	assert_string_equal(dispatched.notices, "");
	read_devices();
	assert_contains(dispatched.notices, "owner_unknown");
	read_devices();
	assert_contains(dispatched.notices, "owner_unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_value_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_unknown_is_no_number, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_is_reported_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(vfs_are_counted_where_all_are_seen, setup,
						teardown),
		cmocka_unit_test_setup_teardown(instances_can_have_names, setup, teardown),
		cmocka_unit_test_setup_teardown(a_quiet_reading_reads_what_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_happens_to_vfio_is_looked_at, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_flood_is_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(vms_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(a_driver_that_changed_is_looked_at, setup,
						teardown),
		cmocka_unit_test_setup_teardown(devices_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_owners_are_looked_for_now_and_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_look_that_saw_only_a_part_is_repeated_at_the_next_reading, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_reservation_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_configuration_is_taken_up, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_broken_one_keeps_the_old_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_one_at_the_start_is_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_fails_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_configuration_waits_for_its_first_reading, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nothing_is_notified_unless_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_reading_is_silent, setup, teardown),
	};

	return cmocka_run_group_tests_name("collectd-monitor", tests, NULL, NULL);
}
