/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values and notifications of successive readings, while the machine changes between them. */
#include "tests/unit/test.h"

#include "plugins/collectd/publish.h"
#include "probe/details/vfsettings.h"
#include "tests/unit/collectd/fakedispatch.h"
#include "tests/unit/fakesys.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct log capture_log;
static struct settings settings;
static struct publisher *publisher;
static struct read_trace trace;

#define NIC .vendor = 0x15b3, .device = 0x1016, .class = 0x020000

/* A PF with a host driver, two VFs on vfio-pci, the port above them, and process 1. */
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
	fakesys_attribute(fake, "0000:81:00.0", "sriov_totalvfs", "8\n");
	fakesys_attribute(fake, "0000:81:00.0", "sriov_numvfs", "2\n");
	fakesys_process(fake, 1, "init");
	fakesys_file(fake, "machine.conf", ":filter: 15b3:*\n:alias: [{name: a1, role: vf}]\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	publisher_free(publisher);
	publisher = NULL;
	settings_free(&settings);
	fakesys_free(fake);
	return 0;
}

static char *path_in_machine(const char *path)
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
		settings.config_file = path_in_machine("machine.conf");
	return publisher_new(&settings, &capture_log, trace_read, &trace, &publisher);
}

static void start(void)
{
	assert_int_equal(try_to_start(), 0);
}

static void read_devices(void)
{
	dispatched_clear();
	trace.text[0] = '\0';
	publisher_read(publisher);
}

/* Adds a VM's process that has the node of GROUP open. */
static void start_vm(const char *name, unsigned pid, const char *group)
{
	static const char program[] = "qemu-kvm\0-name";
	char cmdline[128], node[64];

	memcpy(cmdline, program, sizeof(program));
	snprintf(cmdline + sizeof(program), sizeof(cmdline) - sizeof(program), "%s", name);
	fakesys_add_process(fake, pid, cmdline, sizeof(program) + strlen(name) + 1);
	snprintf(node, sizeof(node), "/dev/vfio/%s", group);
	fakesys_descriptor(fake, pid, 9, node);
}

/* An event at a watched file: it is written. */
static void write_to(const char *path)
{
	char group[3];

	if (sscanf(path, "dev/vfio/%2[0-9]", group) == 1)
		fakesys_group_node(fake, group);
	else
		fakesys_file(fake, path, "");
}

static void assert_value(const char *line)
{
	char wanted[160], padded[sizeof(dispatched.values) + 1];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	snprintf(padded, sizeof(padded), "\n%s", dispatched.values);
	if (!strstr(padded, wanted))
		fail_msg("no %s in\n%s", line, dispatched.values);
}

static void assert_no_value(const char *part)
{
	if (strstr(dispatched.values, part))
		fail_msg("%s in\n%s", part, dispatched.values);
}

static void every_value_is_dispatched(void **state)
{
	(void)state;
	fakesys_attribute(fake, "0000:81:00.0", "numa_node", "1\n");
	fakesys_attribute(fake, "0000:81:00.2", "numa_node", "-1\n");
	for (unsigned i = 0; i < 2; i++) {
		const char *const names[] = {"0000:00:01.0", "0000:81:00.0"};

		fakesys_attribute(fake, names[i], "max_link_speed", "8.0 GT/s PCIe\n");
		fakesys_attribute(fake, names[i], "max_link_width", "8\n");
	}
	fakesys_attribute(fake, "0000:81:00.0", "current_link_speed", "2.5 GT/s PCIe\n");
	fakesys_attribute(fake, "0000:81:00.0", "current_link_width", "8\n");
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_correctable",
			  "RxErr 1\nTOTAL_ERR_COR 12\n");
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL 2\n");
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_fatal", "TOTAL_ERR_FATAL 0\n");
	start_vm("one-7", 42, "18");
	start();
	read_devices();
	assert_value("0000:81:00.0/gauge-in_use=0");
	assert_value("0000:81:00.0/gauge-numa_node=1");
	assert_value("0000:81:00.0/gauge-iommu_group=17");
	assert_value("0000:81:00.0/gauge-link_width=8");
	assert_value("0000:81:00.0/gauge-link_speed_gts=2.5");
	assert_value("0000:81:00.0/gauge-link_degraded=1");
	assert_value("0000:81:00.0/errors-aer_correctable=12");
	assert_value("0000:81:00.0/errors-aer_nonfatal=2");
	assert_value("0000:81:00.0/errors-aer_fatal=0");
	assert_value("0000:81:00.0/count-vf_total=8");
	assert_value("0000:81:00.0/count-vf_enabled=2");
	assert_value("0000:81:00.0/count-vf_in_use=1");
	assert_value("0000:81:00.0/count-vf_free=1");
	assert_value("0000:81:00.2/gauge-in_use=1");
	assert_value("0000:81:00.3/gauge-in_use=0");
	assert_no_value("0000:81:00.2/gauge-numa_node");
	assert_no_value("0000:81:00.2/gauge-link");
	assert_no_value("0000:81:00.2/errors");
	assert_no_value("0000:00:01.0");
	assert_value("15b3:1016/count-total=3");
	assert_value("15b3:1016/count-in_use=1");
	assert_value("15b3:1016/count-free=1");
	assert_value("a1/count-total=2");
	assert_value("a1/count-in_use=1");
	assert_value("a1/count-free=1");
	assert_value("summary/count-devices=3");
	assert_value("summary/count-in_use=1");
	assert_value("summary/count-free=1");
	assert_value("summary/count-unknown=0");
	assert_value("summary/count-conflict=0");
	assert_contains(dispatched.values, "summary/duration-probe=");
	assert_string_equal(dispatched.notices, "");
}

/* The first VF is held, the second free. */
static void add_vf_settings(void)
{
	fakesys_attribute(fake, "0000:81:00.0", "net/eth0/address", "52:54:00:00:00:ff\n");
	fakesys_file(
		fake, VF_SETTINGS_FILE,
		"vf 0000:81:00.0 0 vlan=100 rx_packets=11 tx_packets=12 rx_bytes=1300 "
		"tx_bytes=18446744073709551615 broadcast=1 multicast=2 rx_dropped=5 tx_dropped=0\n"
		"vf 0000:81:00.0 1 vlan=100\n"
		"end 2\n");
}

static void traffic_of_vfs_has_the_types_of_interfaces(void **state)
{
	(void)state;
	add_vf_settings();
	start_vm("one-7", 42, "18");
	settings.format = INSTANCE_VM;
	start();
	read_devices();
	assert_value("one-7:0000:81:00.2/if_packets=11:12");
	assert_value("one-7:0000:81:00.2/if_octets=1300:9223372036854775807");
	assert_value("one-7:0000:81:00.2/if_dropped=5:0");
	assert_value("one-7:0000:81:00.2/gauge-vf_leftover=0");
	assert_value("0000:81:00.3/gauge-vf_leftover=1");
	assert_no_value("0000:81:00.3/if_");
	assert_no_value("0000:81:00.0/if_");
	assert_no_value("0000:81:00.0/gauge-vf_leftover");
	assert_no_value("traffic");
}

static void without_their_group_vf_settings_are_not_read(void **state)
{
	(void)state;
	add_vf_settings();
	settings.report = REPORT_ALL & ~(unsigned)REPORT_VF;
	start();
	read_devices();
	assert_null(strstr(trace.text, VF_SETTINGS_FILE));
	assert_no_value("/if_");
	assert_no_value("leftover");
}

static void a_leftover_is_notified(void **state)
{
	(void)state;
	add_vf_settings();
	start_vm("one-7", 42, "18");
	start();
	read_devices();
	fakesys_remove(fake, "proc/42");
	write_to("dev/vfio/18");
	read_devices();
	assert_contains(dispatched.notices,
			"WARNING 0000:81:00.2 leftover: event=leftover address=0000:81:00.2 "
			"model=15b3:1016 alias=a1 leftover=vlan_100\n");
	assert_null(strstr(dispatched.notices, "0000:81:00.3"));
	/* the values are read again while nothing else changes */
	fakesys_file(fake, VF_SETTINGS_FILE,
		     "vf 0000:81:00.0 0 vlan=0\nvf 0000:81:00.0 1 vlan=100\nend 2\n");
	read_devices();
	assert_contains(dispatched.notices, "OKAY 0000:81:00.2 leftover_gone: ");
}

static void unknown_values_are_nan(void **state)
{
	(void)state;
	fakesys_remove(fake, "proc"); /* as in a recording */
	start();
	read_devices();
	assert_value("0000:81:00.0/gauge-in_use=0");
	assert_value("0000:81:00.2/gauge-in_use=nan");
	assert_value("0000:81:00.0/count-vf_in_use=nan");
	assert_value("0000:81:00.0/count-vf_free=nan");
	assert_value("summary/count-unknown=2");
	assert_value("summary/count-free=0");
	assert_value("a1/count-free=0");
}

static void groups_that_are_not_reported_are_not_read(void **state)
{
	(void)state;
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_correctable", "TOTAL_ERR_COR 12\n");
	settings.report = REPORT_AER;
	start();
	read_devices();
	assert_value("0000:81:00.0/errors-aer_correctable=12");
	assert_value("0000:81:00.0/gauge-iommu_group=17");
	assert_no_value("in_use");
	assert_no_value("vf_");
	assert_no_value("15b3:1016");
	assert_null(strstr(trace.text, "proc/1"));
	assert_null(strstr(trace.text, "link_speed"));
	assert_null(strstr(trace.text, "aliases"));
}

static void vfs_in_use_are_counted_only_if_all_are_selected(void **state)
{
	(void)state;
	rule_list_add(&settings.devices, "81:00.3", "Device", NULL);
	settings.devices.inverted = true;
	start();
	read_devices();
	assert_value("0000:81:00.0/count-vf_enabled=2");
	assert_no_value("vf_in_use");
	assert_no_value("0000:81:00.3/");
	assert_value("0000:81:00.2/gauge-in_use=0");
}

static void instances_can_have_a_prefix(void **state)
{
	(void)state;
	start_vm("one 7/x", 42, "18");
	settings.format = INSTANCE_VM;
	start();
	read_devices();
	assert_value("one_7_x:0000:81:00.2/gauge-in_use=1");
	assert_value("0000:81:00.3/gauge-in_use=0");
	publisher_free(publisher);
	settings.format = INSTANCE_ALIAS;
	start();
	read_devices();
	assert_value("a1:0000:81:00.2/gauge-in_use=1");
	assert_value("0000:81:00.0/gauge-in_use=0");
}

/* Names, configuration, processes and static attributes were not read. */
static void assert_short_reading(void)
{
	static const char *const not_read[] = {
		"pci.ids",     "pci.conf", "machine.conf", "proc/",  "numa_node",
		"iommu_group", "modalias", "sriov",	   "virtfn",
	};

	for (size_t i = 0; i < COUNT(not_read); i++)
		if (strstr(trace.text, not_read[i]))
			fail_msg("%s was read:\n%s", not_read[i], trace.text);
}

static void assert_full_reading(void)
{
	assert_contains(trace.text, "proc/1/");
}

/* Two full readings follow an event. */
static void read_until_short(void)
{
	for (unsigned i = 0; i < 3; i++)
		read_devices();
	assert_short_reading();
	assert_string_equal(dispatched.notices, "");
}

static void a_short_reading_reads_volatile_attributes(void **state)
{
	(void)state;
	write_to("dev/vfio/18");
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_correctable", "TOTAL_ERR_COR 1\n");
	start_vm("one-7", 42, "18");
	start();
	read_devices();
	assert_full_reading();
	read_until_short();
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_correctable", "TOTAL_ERR_COR 3\n");
	read_devices();
	assert_short_reading();
	assert_contains(trace.text, "0000:81:00.2/driver\n");
	assert_value("0000:81:00.0/errors-aer_correctable=3");
	assert_value("0000:81:00.2/gauge-in_use=1");
	assert_value("0000:81:00.0/gauge-iommu_group=17");
	assert_value("0000:81:00.0/count-vf_in_use=1");
	assert_value("a1/count-in_use=1");
	assert_string_equal(
		dispatched.notices,
		"WARNING 0000:81:00.0 aer_correctable: event=aer_correctable address=0000:81:00.0 "
		"model=15b3:1016 errors=2 total=3\n");
	read_devices();
	assert_string_equal(dispatched.notices, "");
}

static void events_cause_a_full_reading(void **state)
{
	static const char *const watched[] = {
		"dev/vfio/18",
		"dev/vfio/devices/vfio0",
		"run/libvirt/qemu/a.xml",
		"etc/libvirt/qemu/a.xml",
		"run/qemu-server/1",
		"sys/module/vfio/refcnt",
	};

	(void)state;
	start();
	read_until_short();
	for (size_t i = 0; i < COUNT(watched); i++) {
		/* its directory is new, too */
		fakesys_file(fake, watched[i], "1\n");
		read_devices();
		assert_full_reading();
		read_until_short();
		fakesys_file(fake, watched[i], "2\n");
		read_devices();
		assert_full_reading();
		read_until_short();
	}
	/* open and close without a write; outside the root nothing is watched */
	close(open(watched[0], O_RDONLY | O_CLOEXEC));
	read_devices();
	assert_short_reading();
	char *node = path_in_machine(watched[0]);

	close(open(node, O_RDONLY | O_CLOEXEC));
	free(node);
	read_devices();
	assert_full_reading();
	read_until_short();
	/* the directory is removed and comes back */
	fakesys_remove(fake, "dev/vfio");
	read_devices();
	assert_full_reading();
	read_until_short();
	write_to("dev/vfio/18");
	read_devices();
	assert_full_reading();
	read_until_short();
	write_to("dev/vfio/18");
	read_devices();
	assert_full_reading();
}

/* More events than the kernel queues. */
static void an_overflow_of_the_queue_causes_a_full_reading(void **state)
{
	char *node;

	(void)state;
	write_to("dev/vfio/18");
	write_to("dev/vfio/19");
	start();
	read_until_short();
	node = path_in_machine("dev/vfio/18");
	for (unsigned i = 0; i < 40000; i++) {
		node[strlen(node) - 1] = i % 2 ? '8' : '9'; /* equal events in a row are merged */
		close(open(node, O_RDONLY | O_CLOEXEC));
	}
	free(node);
	read_devices();
	assert_full_reading();
	read_until_short();
}

static void vms_are_attached_and_detached(void **state)
{
	(void)state;
	write_to("dev/vfio/18");
	start();
	read_devices();
	read_until_short();
	start_vm("one-7", 42, "18");
	write_to("dev/vfio/18");
	read_devices();
	assert_string_equal(
		dispatched.notices,
		"OKAY 0000:81:00.2 vm_attached: event=vm_attached address=0000:81:00.2 model=15b3:1016 "
		"alias=a1 vm=one-7 program=qemu-kvm pid=42 source=vfio frontend=opennebula id=7\n");
	assert_value("0000:81:00.2/gauge-in_use=1");
	read_until_short();
	/* its file is closed before its process is gone */
	write_to("dev/vfio/18");
	read_devices();
	assert_string_equal(dispatched.notices, "");
	fakesys_remove(fake, "proc/42");
	read_devices();
	assert_contains(dispatched.notices, "vm_detached");
	assert_contains(dispatched.notices, "vm=one-7");
	assert_value("0000:81:00.2/gauge-in_use=0");
	read_until_short();
}

static void a_changed_driver_causes_a_full_reading(void **state)
{
	(void)state;
	start();
	read_until_short();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.2/driver");
	fakesys_link(fake, "sys/bus/pci/devices/0000:81:00.2/driver",
		     "../../../bus/pci/drivers/mlx5_core");
	read_devices();
	assert_full_reading();
	assert_contains(dispatched.notices, "driver_was=vfio-pci driver=mlx5_core state=host");
	assert_value("15b3:1016/count-free=1");
	read_until_short();
}

static void devices_are_added_and_removed(void **state)
{
	(void)state;
	start();
	read_until_short();
	fakesys_pci(fake, "0000:82:00.0", NIC, .driver = "vfio-pci", .group = "20");
	read_devices();
	assert_contains(dispatched.notices, "OKAY 0000:82:00.0 added:");
	assert_value("15b3:1016/count-total=4");
	read_until_short();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:82:00.0");
	read_devices();
	assert_contains(dispatched.notices, "WARNING 0000:82:00.0 removed:");
	assert_no_value("0000:82:00.0");
	read_until_short();
}

static void unknown_owners_are_searched_for_periodically(void **state)
{
	unsigned full_readings = 0;

	(void)state;
	start();
	read_until_short();
	fakesys_remove(fake, "proc"); /* as in a recording */
	write_to("dev/vfio/19");
	read_devices();
	assert_contains(dispatched.notices, "WARNING 0000:81:00.2 owner_unknown");
	assert_value("0000:81:00.2/gauge-in_use=nan");
	read_devices();
	for (unsigned i = 0; i < 12; i++) {
		read_devices();
		full_readings += strstr(trace.text, "iommu_group") != NULL;
	}
	assert_int_equal(full_readings, 2);
	fakesys_directory(fake, "proc/1/fd");
	for (unsigned i = 0; i < 6; i++)
		read_devices();
	assert_value("0000:81:00.2/gauge-in_use=0");
}

static void a_partial_reading_is_repeated_by_the_next_one(void **state)
{
	(void)state;
	start();
	read_until_short();
	fakesys_process(fake, 50, "/usr/bin/program");
	fakesys_remove(fake, "proc/50/fd");
	fakesys_file(fake, "proc/50/fd", ""); /* not a directory: it can't be inspected */
	write_to("dev/vfio/19");
	read_devices();
	assert_value("0000:81:00.2/gauge-in_use=nan");
	for (unsigned i = 0; i < 4; i++)
		read_devices();
	fakesys_remove(fake, "proc/50");
	read_devices();
	assert_value("0000:81:00.2/gauge-in_use=0");
}

/* Starts the plugin with a reservation that it reads before it expires. Returns the time of expiry,
 * which is later on a slow machine. */
static time_t start_with_a_reservation(void)
{
	char reservation[64];

	for (time_t seconds = 1;; seconds *= 2) {
		time_t end = time(NULL) + seconds;

		snprintf(reservation, sizeof(reservation), "0000:81:00.2 106 time:%lld\n",
			 (long long)end);
		fakesys_file(fake, "run/qemu-server/pci-id-reservations", reservation);
		start();
		read_devices();
		if (time(NULL) < end)
			return end;
		publisher_free(publisher);
		publisher = NULL;
	}
}

static void a_reservation_expires(void **state)
{
	time_t end;

	(void)state;
	end = start_with_a_reservation();
	assert_value("summary/count-reserved=1");
	while (time(NULL) <= end)
		usleep(100000);
	for (unsigned i = 0; i < 8; i++)
		read_devices();
	assert_value("summary/count-reserved=0");
	assert_value("0000:81:00.2/gauge-in_use=0");
	read_until_short();
	read_until_short();
	read_until_short();
}

static void write_config(const char *config)
{
	fakesys_file(fake, "machine.conf", config);
}

static void a_changed_configuration_is_loaded(void **state)
{
	(void)state;
	start();
	read_until_short();
	write_config(":filter: 8086:*\n");
	read_devices();
	assert_contains(dispatched.notices,
			"OKAY summary config_loaded: event=config_loaded file=");
	assert_null(strstr(dispatched.notices, "removed"));
	assert_value("0000:00:01.0/gauge-in_use=0");
	assert_no_value("0000:81:00.0");
	read_until_short();
}

static void what_is_expected_is_compared_at_every_reading(void **state)
{
	(void)state;
	write_config(":filter: 15b3:*\n"
		     ":expect:\n"
		     "- {filter: '15b3:*', count: 4}\n"
		     "- {short_address: '00:01.0/00.0=15b3:1016', driver: mlx5_core}\n");
	settings.report = 0;
	start();
	read_devices();
	assert_value("summary/count-expect_missing=1");
	assert_value("summary/count-expect_changed=0");
	assert_value("0000:81:00.0/gauge-finding=0");
	assert_string_equal(dispatched.notices, "");
	read_until_short();
	/* a reading of the volatile attributes only */
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.0/driver");
	read_devices();
	assert_value("summary/count-expect_changed=1");
	assert_value("0000:81:00.0/gauge-finding=1");
	assert_contains(dispatched.notices, "WARNING 0000:81:00.0 expect_changed: ");
	read_until_short();
	fakesys_pci(fake, "0000:82:00.0", NIC);
	read_devices();
	assert_value("summary/count-expect_missing=0");
	assert_contains(dispatched.notices, "OKAY summary expect_met: event=expect_met "
					    "property=count filter=15b3:* expected=4 location=");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.0");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:82:00.0");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.2");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.3");
	read_devices();
	assert_value("summary/count-expect_missing=5");
	assert_contains(dispatched.notices, "FAILURE summary expect_missing: ");
	assert_null(strstr(dispatched.notices, "expect_met"));
	/* without expectations there is nothing to count */
	write_config(":filter: 15b3:*\n");
	read_devices();
	assert_no_value("expect");
	assert_contains(dispatched.notices, "expect_met");
}

static void an_invalid_configuration_keeps_the_previous_rules(void **state)
{
	(void)state;
	start();
	read_until_short();
	write_config(":filter: nonsense\n");
	read_devices();
	assert_contains(dispatched.notices,
			"WARNING summary config_rejected: event=config_rejected file=");
	assert_contains(captured.text, "machine.conf:1:10: invalid filter 'nonsense'");
	assert_contains(captured.text, "keeping the previous rules");
	assert_value("0000:81:00.0/gauge-in_use=0");
	read_until_short();
	fakesys_remove(fake, "machine.conf");
	read_devices();
	assert_contains(dispatched.notices, "config_rejected");
	assert_value("0000:81:00.0/gauge-in_use=0");
	settings.persistent = true;
	read_devices();
	assert_contains(dispatched.notices, "config_rejected");
	settings.persistent = false;
	write_config(":filter: 15b3:*\n");
	read_devices();
	assert_contains(dispatched.notices, "config_loaded");
	read_until_short();
}

static void an_invalid_configuration_at_the_start_is_an_error(void **state)
{
	(void)state;
	write_config(":filter: nonsense\n");
	assert_int_equal(try_to_start(), -EINVAL);
	assert_null(publisher);
	assert_contains(captured.text, "nonsense");
	free(settings.config_file);
	settings.config_file = strdup("/nowhere/pci.conf");
	assert_int_equal(try_to_start(), -ENOENT);
	fakesys_remove(fake, "sys");
}

static void a_persistent_error_is_logged_once(void **state)
{
	(void)state;
	start();
	read_devices();
	read_until_short();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.0/driver");
	fakesys_attribute(fake, "0000:81:00.0", "aer_dev_correctable", "nonsense\n");
	captured = (struct log_capture){0};
	for (unsigned i = 0; i < 5; i++)
		read_devices();
	assert_int_equal(captured.warnings, 1);
	assert_contains(captured.text, "aer_dev_correctable: no total");
	/* without devices to read nothing is dispatched, and the error is logged once, too */
	fakesys_remove(fake, "sys/bus/pci");
	captured = (struct log_capture){0};
	for (unsigned i = 0; i < 5; i++)
		read_devices();
	assert_int_equal(captured.errors, 1);
	assert_string_equal(dispatched.values, "");
	assert_string_equal(dispatched.notices, "");
	/* the error ends, and recurs */
	fakesys_directory(fake, "sys/bus/pci/devices");
	read_devices();
	assert_value("summary/count-devices=0");
	fakesys_remove(fake, "sys/bus/pci");
	read_devices();
	assert_int_equal(captured.errors, 2);
}

static void a_loaded_configuration_survives_failed_readings(void **state)
{
	(void)state;
	start();
	read_until_short();
	fakesys_remove(fake, "sys/bus/pci/devices");
	write_config(":filter: 8086:*\n");
	read_devices();
	assert_contains(dispatched.notices, "config_loaded");
	for (unsigned i = 0; i < 3; i++) {
		read_devices();
		assert_string_equal(dispatched.notices, "");
		assert_string_equal(dispatched.values, "");
	}
	fakesys_pci(fake, "0000:00:05.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		    .group = "2");
	fakesys_pci(fake, "0000:00:06.0", NIC, .group = "3");
	read_devices();
	assert_value("summary/count-devices=1");
	assert_value("0000:00:05.0/gauge-iommu_group=2");
	read_until_short();
}

static void without_notify_nothing_is_notified(void **state)
{
	(void)state;
	settings.notify = false;
	start();
	read_until_short();
	fakesys_pci(fake, "0000:82:00.0", NIC, .driver = "vfio-pci", .group = "20");
	write_config(":filter: 15b3:1016\n");
	read_devices();
	assert_value("0000:82:00.0/gauge-in_use=0");
	assert_string_equal(dispatched.notices, "");
}

static void the_first_reading_notifies_nothing(void **state)
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
		cmocka_unit_test_setup_teardown(every_value_is_dispatched, setup, teardown),
		cmocka_unit_test_setup_teardown(traffic_of_vfs_has_the_types_of_interfaces, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_their_group_vf_settings_are_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_leftover_is_notified, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_values_are_nan, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_that_are_not_reported_are_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(vfs_in_use_are_counted_only_if_all_are_selected,
						setup, teardown),
		cmocka_unit_test_setup_teardown(instances_can_have_a_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(a_short_reading_reads_volatile_attributes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(events_cause_a_full_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(an_overflow_of_the_queue_causes_a_full_reading,
						setup, teardown),
		cmocka_unit_test_setup_teardown(vms_are_attached_and_detached, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_driver_causes_a_full_reading, setup,
						teardown),
		cmocka_unit_test_setup_teardown(devices_are_added_and_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_owners_are_searched_for_periodically, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_partial_reading_is_repeated_by_the_next_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_reservation_expires, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_configuration_is_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_expected_is_compared_at_every_reading,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_invalid_configuration_keeps_the_previous_rules,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_invalid_configuration_at_the_start_is_an_error,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_persistent_error_is_logged_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_loaded_configuration_survives_failed_readings,
						setup, teardown),
		cmocka_unit_test_setup_teardown(without_notify_nothing_is_notified, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_first_reading_notifies_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("collectd-monitor", tests, NULL, NULL);
}
