/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bind, release and virtual functions: what is changed, and what is refused. */
#include "tests/unit/binder/bindfixture.h"

#include "binder/hazards/hazard.h"

#include <sys/stat.h>

/* ---- bind and release ---- */

static void a_device_is_bound_and_released(void **state)
{
	(void)state;
	assert_int_equal(BIND("01:00.0"), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_string_equal(kernel.written,
			    "vfio-pci > sys/bus/pci/devices/" NIC "/driver_override\n" NIC
			    " > sys/bus/pci/devices/" NIC "/driver/unbind\n" NIC
			    " > sys/bus/pci/drivers/vfio-pci/bind\n");
	assert_int_equal(journal_size(), 1);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -");
	assert_string_equal(kernel.written,
			    "\\n > sys/bus/pci/devices/" NIC "/driver_override\n" NIC
			    " > sys/bus/pci/devices/" NIC "/driver/unbind\n" NIC
			    " > sys/bus/pci/drivers/e1000e/bind\n");
	assert_int_equal(journal_size(), 0);
	assert_int_equal(captured.errors, 0);
}

static void nothing_is_written_if_nothing_changes(void **state)
{
	(void)state;
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_int_equal(journal_size(), 1);
}

static void a_foreign_override_is_restored(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/driver_override", "e1000e\n");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e e1000e");
}

static void a_device_without_a_driver_has_none_after_release(void **state)
{
	(void)state;
	fakesys_remove(fake, "sys/bus/pci/devices/" NIC "/driver");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "- -");
}

static void a_dry_run_changes_nothing(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	options.dry_run = true;
	fakekernel_driver(&kernel, "vfio-pci");
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_state(NIC, "e1000e -");
	assert_int_equal(journal_size(), 0);
}

/* ---- groups ---- */

static void a_part_of_a_group_is_refused_and_its_peers_are_reported(void **state)
{
	(void)state;
	assert_int_equal(BIND(PAIR0), BIND_REFUSED);
	assert_contains(captured.text,
			PAIR1 " in the same IOMMU group (2) is bound to snd_hda_intel");
	assert_contains(captured.text, "--group");
	assert_state(PAIR0, "nouveau -");
	assert_string_equal(kernel.written, "");
}

static void a_whole_group_is_bound(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(PAIR0));

	(void)state;
	options.group = true;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_state(PAIR1, "vfio-pci vfio-pci");
	assert_state(BRIDGE, "pcieport -");
	assert_int_equal(RELEASE(PAIR1, PAIR0), BIND_DONE);
	assert_state(PAIR0, "nouveau -");
	assert_state(PAIR1, "snd_hda_intel -");
}

/* PAIR0 stays bound to VFIO, but no VM can use its group. */
static void a_bound_device_is_refused_while_its_group_is_not_viable(void **state)
{
	(void)state;
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	assert_int_equal(RELEASE(PAIR1), BIND_DONE);
	assert_int_equal(BIND(PAIR0), BIND_REFUSED);
	assert_contains(captured.text,
			PAIR1 " in the same IOMMU group (2) is bound to snd_hda_intel");
	assert_int_equal(run(run_check, ARGS(PAIR0)), BIND_REFUSED);
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	assert_int_equal(BIND(PAIR0), BIND_DONE);
}

static void every_override_is_written_before_a_device_is_unbound(void **state)
{
	const char *first_unbind;

	(void)state;
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	first_unbind = strstr(kernel.written, "unbind");
	assert_non_null(first_unbind);
	assert_null(strstr(first_unbind, "driver_override"));
}

static void a_peer_with_a_stub_or_without_a_driver_does_not_block(void **state)
{
	(void)state;
	fakesys_remove(fake, "sys/bus/pci/devices/" PAIR1 "/driver");
	assert_int_equal(BIND(PAIR0), BIND_DONE);
	assert_int_equal(RELEASE(PAIR0), BIND_DONE);
	fakesys_link(fake, "sys/bus/pci/devices/" PAIR1 "/driver",
		     "../../../bus/pci/drivers/pci-stub");
	assert_int_equal(BIND(PAIR0), BIND_DONE);
	assert_state(PAIR1, "pci-stub -");
}

/* ---- drivers ---- */

static void the_most_specific_variant_driver_is_chosen(void **state)
{
	(void)state;
	fakesys_file(fake, "proc/sys/kernel/osrelease", "6.1.0\n");
	fakesys_file(fake, "lib/modules/6.1.0/modules.alias",
		     "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
		     "alias vfio_pci:v000010DEd00002204sv*sd*bc*sc*i* nvgrace_vfio_pci\n"
		     "alias vfio_pci:v000010DEd*sv*sd*bc*sc*i* wide_vfio_pci\n"
		     "alias pci:v000010DEd00002204sv*sd*bc*sc*i* nouveau\n");
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	assert_state(PAIR0, "nvgrace_vfio_pci nvgrace_vfio_pci");
	assert_state(PAIR1, "wide_vfio_pci wide_vfio_pci");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
}

static void stubs_are_accepted_by_name(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	options.driver = "pci-stub";
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state(NIC, "pci-stub pci-stub");
	options.driver = "xen-pciback";
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state(NIC, "pciback pciback");
	/* the driver before both */
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -");
}

static void other_drivers_are_rejected(void **state)
{
	static const char *const names[] = {"nouveau", "../../vfio", "vfio-pci/..", "", "vfio pci"};
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		options.driver = names[i];
		assert_int_equal(run_bind(&options), BIND_USAGE);
	}
	assert_string_equal(kernel.written, "");
}

static void a_missing_module_changes_nothing(void **state)
{
	(void)state;
	fakesys_file(fake, "model/missing/vfio_pci", "");
	assert_int_equal(BIND(NIC), BIND_UNAVAILABLE);
	assert_state(NIC, "e1000e -");
	assert_string_equal(kernel.written, "");
	assert_contains(captured.text, "no such module");
	assert_int_equal(journal_size(), 0);
}

/* ---- refusals ---- */

static void impossible_targets_are_refused(void **state)
{
	(void)state;
	assert_int_equal(BIND(BRIDGE), BIND_REFUSED);
	assert_int_equal(BIND("07:00.0"), BIND_NO_DEVICE);
	assert_int_equal(BIND("nonsense"), BIND_USAGE);
	fakekernel_pci(&kernel, "0000:05:00.0", .vendor = 1, .device = 2, .class = 0x020000,
		       .driver = "e1000e");
	assert_int_equal(BIND("05:00.0"), BIND_UNAVAILABLE);
	assert_string_equal(kernel.written, "");
}

static void other_ids_than_expected_are_refused(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	options.expect = "10de:2204";
	assert_int_equal(run_bind(&options), BIND_REFUSED);
	assert_contains(captured.text,
			NIC " is 8086:10d3, expected 10de:2204; 10de:2204 is at " PAIR0);
	options.expect = "8086";
	assert_int_equal(run_bind(&options), BIND_USAGE);
	assert_contains(captured.text, "invalid ids '8086'; expected VENDOR:DEVICE");
	options.expect = "8086:10D3";
	assert_int_equal(run_bind(&options), BIND_DONE);
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

static void a_device_in_use_is_not_released(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	open_group("1");
	assert_int_equal(RELEASE(NIC), BIND_REFUSED);
	assert_contains(captured.text, "held by process 4711");
	options.driver = "pci-stub";
	assert_int_equal(run_bind(&options), BIND_REFUSED);
	options.allowed = ~0u;
	assert_int_equal(run_bind(&options), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* A host driver in a group that a VM uses would cause EBUSY or a kernel BUG. */
static void a_peer_of_a_device_in_use_is_not_released(void **state)
{
	(void)state;
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	open_group("2");
	assert_int_equal(RELEASE(PAIR1), BIND_REFUSED);
	assert_state(PAIR1, "vfio-pci vfio-pci");
}

/* A process that cannot be inspected may use the device. */
static void unknown_ownership_is_not_free(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "proc/1"); /* as with hidepid */
	fakesys_file(fake, "proc/77/comm", "x\n");
	fakesys_directory(fake, "proc/77/fd");
	assert_int_equal(RELEASE(NIC), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- errors of the kernel ---- */

static void every_errno_of_bind_is_explained_and_rolled_back(void **state)
{
	static const struct {
		int error;
		const char *message;
	} errors[] = {
		{ENODEV, "rejects the device"}, {EBUSY, "another driver"},
		{EINVAL, "no IOMMU group"},	{EAGAIN, "deferred its probe"},
		{EIO, "Input/output"},		{ENOMEM, "allocate memory"},
	};
	char path[64], number[16];

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		captured = (struct log_capture){0};
		snprintf(path, sizeof(path), "model/probe/vfio-pci");
		snprintf(number, sizeof(number), "%d\n", errors[i].error);
		fakesys_file(fake, path, number);
		assert_int_equal(BIND(NIC), BIND_FAILED);
		assert_state(NIC, "e1000e -");
		assert_contains(captured.text, errors[i].message);
		assert_contains(captured.text, "rolled back");
		assert_int_equal(journal_size(), 0);
	}
}

static void permission_denied_has_its_own_status(void **state)
{
	(void)state;
	kernel.fault = FAULT_ERROR;
	kernel.fault_at = 1;
	kernel.error = -EACCES;
	assert_int_equal(BIND(NIC), BIND_PERMISSION);
	assert_state(NIC, "e1000e -");
}

static void bind_waits_for_the_node(void **state)
{
	(void)state;
	kernel.node_late = 20;
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_true(kernel.pauses >= 20);
}

static void bind_fails_without_a_node(void **state)
{
	(void)state;
	kernel.no_nodes = true;
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_int_equal(kernel.pauses, 100);
	assert_contains(captured.text, "neither its IOMMU group (1) nor the device has a node");
	assert_state(NIC, "e1000e -");
}

static void an_address_can_have_ids(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC "=8086:1533"), BIND_REFUSED);
	assert_contains(captured.text, NIC " is 8086:10d3, expected 8086:1533");
	assert_state(NIC, "e1000e -");
	assert_int_equal(BIND("01:00.0=8086:10D3"), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_int_equal(BIND("0000:09:00.0=8086:10d3"), BIND_NO_DEVICE);
	assert_int_equal(BIND("0000:01:00.0000000000000000000=8086:10d3"), BIND_USAGE);
	assert_int_equal(BIND("0000:01:00.0="), BIND_USAGE);
}

static void a_mismatch_says_where_the_ids_are_now(void **state)
{
	(void)state;
	assert_int_equal(BIND(PAIR0 "=8086:10d3"), BIND_REFUSED);
	assert_contains(captured.text, ": " PAIR0 " is 10de:2204, expected 8086:10d3; 8086:10d3 is "
				       "at " NIC "\n");
	assert_int_equal(BIND("0000:07:00.0=8086:10d3"), BIND_NO_DEVICE);
	assert_contains(captured.text, "no device at 0000:07:00.0; 8086:10d3 is at " NIC "\n");
	assert_string_equal(kernel.written, "");
}

/* A device was added: the device that was 0000:09:00.0 has another bus number, but the same path.
 */
static void a_path_names_the_device_whatever_its_bus_number_is(void **state)
{
	(void)state;
	fakekernel_pci(&kernel, "0000:09:00.0", .vendor = 0x144d, .device = 0xa808,
		       .class = 0x010802, .group = "8", .below = "0000:00:1a.0");
	fakekernel_pci(&kernel, "0000:0a:00.0", .vendor = 0x8086, .device = 0x1521,
		       .class = 0x020000, .group = "9", .driver = "e1000e",
		       .below = "0000:00:1b.0");
	fakekernel_interface(&kernel, "0000:0a:00.0", "eth10");
	fakesys_file(fake, "etc/default/vfio-bind",
		     "DEVICES=\"path:0000:00:1b.0/00.0=8086:1521 0000:09:00.0=8086:1521\"\n");
	assert_int_equal(run(run_apply, ARGS(NULL)), BIND_REFUSED);
	assert_contains(captured.text,
			"0000:09:00.0 is 144d:a808, expected 8086:1521; 8086:1521 is "
			"at 0000:0a:00.0\n");
	assert_state("0000:0a:00.0", "vfio-pci vfio-pci");
	assert_state("0000:09:00.0", "- -");
	assert_int_equal(BIND("path:00:1a.0/00.0=8086:1521"), BIND_REFUSED);
	assert_contains(captured.text,
			"path:0000:00:1a.0/00.0 (0000:09:00.0) is 144d:a808, expected 8086:1521; "
			"8086:1521 is at path:0000:00:1b.0/00.0 (0000:0a:00.0)\n");
	assert_int_equal(BIND("0000:00:1c.7/00.0"), BIND_NO_DEVICE);
	assert_int_equal(BIND("path:" NIC "=8086:10d3"), BIND_DONE); /* on a root bus */
	assert_int_equal(BIND("path:00:1b.0/"), BIND_USAGE);
	assert_state("0000:09:00.0", "- -");
}

static void the_owner_of_the_node_is_changed(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	options.user = 9869;
	options.user_group = 36;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_string_equal(kernel.chowned, "dev/vfio/1 9869:36");
}

static void a_kernel_without_groups_has_nodes_of_devices(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	kernel.device_nodes = true;
	options.user = 9869;
	options.user_group = 36;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_int_equal(kernel.pauses, 0);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_string_equal(kernel.chowned, "dev/vfio/devices/vfio1 9869:36");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -");
}

/* A driver without a file bind is bound by drivers_probe, which does not return the probe's error.
 */
static void the_result_of_drivers_probe_is_verified(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	fakesys_remove(fake, "sys/bus/pci/drivers/vfio-pci/bind");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_contains(kernel.written, "> sys/bus/pci/drivers_probe");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	fakesys_file(fake, "model/probe/vfio-pci", "5\n");
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_contains(captured.text, "bound to no driver, expected vfio-pci");
	assert_state(NIC, "e1000e -");
}

/* ---- release without a journal ---- */

static void a_device_bound_by_another_program_is_released_to_the_default_driver(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "run/vfio-bind/journal");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_contains(kernel.written, NIC " > sys/bus/pci/drivers_probe");
	assert_state(NIC, "e1000e -");
}

static void release_fails_if_vfio_has_the_ids_of_the_device(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "run/vfio-bind/journal");
	fakesys_file(fake, "model/ids/" NIC, "vfio-pci");
	assert_int_equal(RELEASE(NIC), BIND_FAILED);
	assert_contains(captured.text, "new_id");
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- release after another program has changed the device ---- */

static void set_binding(const char *address, const char *driver, const char *override)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", address);
	fakesys_remove(fake, path);
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	fakekernel_driver(&kernel, driver);
	fakesys_link(fake, path, target);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver_override", address);
	fakesys_file(fake, path, override);
}

/* As 'driverctl set-override NIC pci-stub' does. */
static void a_device_moved_to_a_stub_is_released_to_the_default_driver(void **state)
{
	(void)state;
	fakesys_remove(fake, "sys/bus/pci/devices/" NIC "/driver");
	assert_int_equal(BIND(NIC), BIND_DONE);
	set_binding(NIC, "pci-stub", "pci-stub\n");
	captured = (struct log_capture){0};
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -"); /* not: no driver */
	assert_contains(
		captured.text, NIC
		": another program has changed its driver or driver_override since vfio-bind bound it to vfio-pci; "
		"it is returned to its default driver, not to no driver");
	assert_int_equal(journal_size(), 0);
}

static void a_device_moved_to_another_host_driver_keeps_it(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	set_binding(NIC, "uio_pci_generic", "uio_pci_generic\n");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_state(NIC, "uio_pci_generic uio_pci_generic");
	assert_contains(captured.text, "it is returned to uio_pci_generic, not to e1000e");
	assert_int_equal(journal_size(), 0);
	/* an override left behind would bind it to VFIO again */
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	set_binding(PAIR0, "nvidia", "vfio-pci\n");
	assert_int_equal(RELEASE(PAIR0), BIND_DONE);
	assert_state(PAIR0, "nvidia -");
	set_binding(PAIR1, "other", "pci-stub\n");
	assert_int_equal(RELEASE(PAIR1), BIND_DONE);
	assert_state(PAIR1, "other -");
}

static void a_device_moved_and_bound_again_is_released_to_its_last_driver(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));

	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	set_binding(NIC, "uio_pci_generic", "uio_pci_generic\n");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_contains(captured.text,
			"a release will return it to uio_pci_generic, not to e1000e");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "uio_pci_generic uio_pci_generic");

	assert_int_equal(BIND(NIC), BIND_DONE);
	set_binding(NIC, "vfio-pci", "(null)\n");
	options.driver = "pci-stub";
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -");
}

/* Only the VFIO driver was unbound, as when its module is unloaded. */
static void an_unbound_device_is_released_to_its_former_driver(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/driver_override", "e1000e\n");
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "sys/bus/pci/devices/" NIC "/driver");
	captured = (struct log_capture){0};
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e e1000e");
	assert_string_equal(captured.text, "");
}

/* ---- modules of host drivers ---- */

static void the_module_of_the_former_driver_is_loaded(void **state)
{
	static const char *const drivers[][2] = {{"xhci_hcd", "xhci_pci"},
						 {"i6300ESB timer", "i6300esb"}};

	(void)state;
	for (size_t i = 0; i < COUNT(drivers); i++) {
		char wanted[64];

		set_binding(NIC, drivers[i][0], "(null)\n");
		fakesys_file(fake, "model/native/" NIC, drivers[i][0]);
		fakekernel_module(&kernel, drivers[i][0], drivers[i][1]);
		assert_int_equal(BIND(NIC), BIND_DONE);
		fakekernel_unload(&kernel, drivers[i][0]);
		assert_int_equal(RELEASE(NIC), BIND_DONE);
		snprintf(wanted, sizeof(wanted), "%s\n", drivers[i][1]);
		assert_string_equal(kernel.loaded, wanted);
		snprintf(wanted, sizeof(wanted), "%s -", drivers[i][0]);
		assert_state(NIC, wanted);
	}
}

/* Without a journal only the modalias leads to the module. */
static void the_module_of_the_default_driver_is_loaded_by_the_modalias(void **state)
{
	static const char modalias[] = "pci:v00008086d000010D3sv00000000sd00000000bc02sc00i00";

	(void)state;
	fakekernel_module(&kernel, "e1000e", "e1000e_pci");
	fakesys_file(fake, "model/aliases/pci:v00008086d000010D3sv00000000sd00000000bc02sc00i00",
		     "e1000e_pci");
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "run/vfio-bind/journal");
	fakekernel_unload(&kernel, "e1000e");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_contains(kernel.loaded, modalias);
	assert_state(NIC, "e1000e -");
	/* a device is also released without its module */
	assert_int_equal(BIND(DISK), BIND_DONE);
	fakesys_remove(fake, "run/vfio-bind/journal");
	fakekernel_unload(&kernel, "nvme");
	captured = (struct log_capture){0};
	assert_int_equal(RELEASE(DISK), BIND_DONE);
	assert_state(DISK, "- -");
	assert_string_equal(captured.text, "");
}

/* ---- DEV arguments ---- */

static void every_kind_of_dev_argument_is_accepted(void **state)
{
	(void)state;
	fakekernel_interface(&kernel, NIC, "eth7");
	fakesys_link(fake, "sys/block/nvme3n1",
		     "../devices/pci0000:00/" DISK "/nvme/nvme3/nvme3n1");
	fakesys_file(fake, CONFIG_HOME,
		     ":filter: '10de:*'\n:alias:\n- name: fast\n  filter: 10de:2204\n");
	assert_int_equal(BIND("net:eth7"), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_int_equal(BIND("mac:52:54:00:AA:bb:cc", "block:nvme3n1", "alias:fast",
			      "id:10DE:1aef"),
			 BIND_DONE);
	assert_state(DISK, "vfio-pci vfio-pci");
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_int_equal(BIND("alias:slow"), BIND_NO_DEVICE);
	assert_int_equal(BIND("net:eth8"), BIND_NO_DEVICE);
}

static void several_matches_need_all(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS("id:8086:10d3"));

	(void)state;
	fakekernel_pci(&kernel, "0000:06:00.0", .vendor = 0x8086, .device = 0x10d3,
		       .class = 0x020000, .group = "6", .driver = "e1000e");
	fakekernel_interface(&kernel, "0000:06:00.0", "eth6");
	assert_int_equal(run_bind(&options), BIND_USAGE);
	assert_contains(captured.text, "matches " NIC " and 0000:06:00.0");
	assert_string_equal(kernel.written, "");
	options.all = true;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state("0000:06:00.0", "vfio-pci vfio-pci");
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- independent devices ---- */

static void at_boot_a_failure_does_not_affect_other_devices(void **state)
{
	(void)state;
	fakesys_file(fake, "etc/default/vfio-bind",
		     "# devices\nDEVICES=\"" NIC " 0000:07:00.0 " PAIR0 " " DISK "\"\n");
	assert_int_equal(run(run_apply, ARGS(NULL)), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_state(DISK, "vfio-pci vfio-pci");
	assert_state(PAIR0, "nouveau -"); /* PAIR1 is not listed */
	assert_contains(captured.text, "0000:07:00.0: no such device");
}

static void devices_of_one_group_are_bound_together(void **state)
{
	(void)state;
	assert_int_equal(run(run_bind_each, ARGS(PAIR0, NIC, PAIR1)), BIND_DONE);
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_state(PAIR1, "vfio-pci vfio-pci");
}

static void apply_without_a_file_binds_nothing(void **state)
{
	(void)state;
	assert_int_equal(run(run_apply, ARGS(NULL)), BIND_DONE);
	assert_string_equal(kernel.written, "");
}

/* ---- at every boot ---- */

#define RULES "etc/udev/rules.d/10-vfio-bind-0000_01_00.0.rules"
#define HOOK "etc/initramfs-tools/hooks/vfio-bind-0000_01_00.0"

static void prepare_etc(void)
{
	fakesys_directory(fake, "etc/udev/rules.d");
	fakesys_directory(fake, "etc/initramfs-tools/hooks");
}

static int bind_persistent(const char *address, char output[static OUTPUT_SIZE])
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(address));

	options.persist = true;
	return run_printing(&options, "bind", output);
}

static int release_forgetting(const char *address, char output[static OUTPUT_SIZE])
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(address));

	options.forget = true;
	return run_printing(&options, "release", output);
}

/* Returns the permissions of a file; 0 if it does not exist. */
static unsigned file_mode(const char *path)
{
	char full[256];
	struct stat status;

	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	return stat(full, &status) == 0 ? status.st_mode & 07777 : 0;
}

static const char *file_content(const char *path)
{
	static char content[8192];
	char full[256];
	FILE *file;
	size_t length;

	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	file = fopen(full, "r");
	assert_non_null(file);
	length = fread(content, 1, sizeof(content) - 1, file);
	fclose(file);
	content[length] = '\0';
	return content;
}

static void persist_writes_files_that_forget_removes(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	assert_int_equal(bind_persistent(NIC, output), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_contains(output, NIC ": bound to vfio-pci (was e1000e)\n");
	assert_contains(output, ")\n"
				"/" RULES ": written\n/" HOOK ": written\n"
				"The initramfs must be regenerated: update-initramfs -u\n");
	assert_int_equal(file_mode(RULES), 0644);
	assert_contains(file_content(RULES),
			"# /" RULES "\n# Written by 'vfio-bind bind --persist'");
	assert_contains(
		file_content(RULES),
		"KERNEL==\"" NIC
		"\", ATTR{vendor}==\"0x8086\", ATTR{device}==\"0x10d3\", TEST!=\"driver\", ");
	assert_contains(file_content(RULES), "ENV{VFIO_BIND}=\"vfio_pci\"\n");
	assert_int_equal(file_mode(HOOK), 0755);
	assert_int_equal(strncmp(file_content(HOOK), "#!/bin/sh\n", 10), 0);
	assert_contains(file_content(HOOK), "\ncp /" RULES " ");
	assert_int_equal(file_mode("etc/udev/rules.d/.vfio-bind.new"), 0);
	/* again, of a device that is bound already */
	assert_int_equal(bind_persistent(NIC, output), BIND_DONE);
	assert_contains(output, NIC ": already bound to vfio-pci\n/" RULES ": written\n");

	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_contains(captured.text,
			NIC ": will be bound to VFIO again at the next boot by /" RULES);
	assert_int_equal(file_mode(RULES), 0644);
	/* of a device that is released already */
	assert_int_equal(release_forgetting(NIC, output), BIND_DONE);
	assert_string_equal(output, NIC ": already bound to e1000e\n"
					"/" HOOK ": removed\n/" RULES ": removed\n"
					"The initramfs must be regenerated: update-initramfs -u\n");
	assert_int_equal(file_mode(RULES), 0);
	assert_int_equal(file_mode(HOOK), 0);
	assert_int_equal(bind_persistent(DISK, output), BIND_DONE);
	assert_int_equal(release_forgetting(DISK, output), BIND_DONE);
	assert_state(DISK, "nvme -");
	assert_contains(output, "rules: removed\n");
	assert_int_equal(captured.errors, 0);
}

static void a_dry_run_lists_the_files(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	fakekernel_driver(&kernel, "vfio-pci");
	options.persist = true;
	options.dry_run = true;
	assert_int_equal(run_printing(&options, "bind", output), BIND_DONE);
	assert_contains(output, "write the file /" RULES "\nwrite the file /" HOOK "\n" NIC);
	assert_int_equal(file_mode(RULES), 0);
	assert_int_equal(bind_persistent(NIC, output), BIND_DONE);
	options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	options.forget = true;
	options.dry_run = true;
	assert_int_equal(run_printing(&options, "release", output), BIND_DONE);
	assert_contains(output, "remove the file /" HOOK "\nremove the file /" RULES "\n" NIC);
	assert_int_equal(file_mode(RULES), 0644);
	assert_state(NIC, "vfio-pci vfio-pci");
}

static void files_of_others_are_neither_replaced_nor_removed(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	fakesys_file(fake, HOOK, "#!/bin/sh\n# mine\n");
	assert_int_equal(bind_persistent(NIC, output), BIND_REFUSED);
	assert_contains(captured.text,
			"/" HOOK
			": was not written by 'vfio-bind bind --persist'; rename or remove it");
	assert_state(NIC, "e1000e -");
	assert_string_equal(kernel.written, "");
	assert_int_equal(file_mode(RULES), 0);
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(release_forgetting(NIC, output), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_string_equal(file_content(HOOK), "#!/bin/sh\n# mine\n");
}

static void a_refused_bind_writes_no_files_and_a_refused_release_keeps_them(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	assert_int_equal(bind_persistent(PAIR0, output), BIND_REFUSED);
	assert_int_equal(file_mode("etc/udev/rules.d/10-vfio-bind-0000_02_00.0.rules"), 0);
	assert_int_equal(bind_persistent(NIC, output), BIND_DONE);
	open_group("1");
	assert_int_equal(release_forgetting(NIC, output), BIND_REFUSED);
	assert_contains(captured.text, NIC ": was not released, so /" RULES " is kept");
	assert_int_equal(file_mode(RULES), 0644);
}

static void a_device_stays_bound_if_its_files_cannot_be_written(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	fakesys_directory(fake, "etc/udev/rules.d/.vfio-bind.new");
	assert_int_equal(bind_persistent(NIC, output), BIND_INCOMPLETE);
	assert_contains(output, NIC ": bound to vfio-pci (was e1000e)\n");
	assert_null(strstr(output, "written"));
	assert_contains(captured.text, "/" RULES ": Is a directory");
	assert_contains(captured.text, NIC ": bound now, but the host driver may bind it");
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_int_equal(file_mode(HOOK), 0); /* it would include the rules */
	fakesys_remove(fake, "etc/udev/rules.d/.vfio-bind.new");
	fakesys_remove(fake, "etc/udev/rules.d");
	assert_int_equal(bind_persistent(NIC, output), BIND_INCOMPLETE);
	assert_contains(captured.text, "/etc/udev/rules.d: No such file or directory");
}

static void a_driver_that_is_built_in_is_not_persistent(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	fakesys_file(fake, "proc/sys/kernel/osrelease", "6.1.0\n");
	fakesys_file(fake, "lib/modules/6.1.0/modules.builtin",
		     "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko\n");
	assert_int_equal(bind_persistent(NIC, output), BIND_REFUSED);
	assert_contains(captured.text, "e1000e is built into the kernel");
	assert_state(NIC, "e1000e -");
	/* its host driver is in the journal */
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(bind_persistent(NIC, output), BIND_REFUSED);
	assert_int_equal(file_mode(RULES), 0);
	assert_int_equal(bind_persistent(DISK, output), BIND_DONE);
}

/* Not the driver that "auto" would choose. */
static void the_current_driver_is_persistent(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_file(fake, "proc/sys/kernel/osrelease", "6.1.0\n");
	fakesys_file(fake, "lib/modules/6.1.0/modules.alias",
		     "alias vfio_pci:v00008086d*sv*sd*bc*sc*i* new_vfio_pci\n");
	assert_int_equal(bind_persistent(NIC, output), BIND_DONE);
	assert_contains(file_content(RULES), "driver_override}=\"vfio-pci\"");
	options.persist = true;
	options.driver = "pci-stub";
	assert_int_equal(run_printing(&options, "bind", output), BIND_DONE);
	assert_contains(file_content(RULES), "driver_override}=\"pci-stub\"");
}

static void limits_of_the_rules_are_reported(void **state)
{
	char output[OUTPUT_SIZE];

	(void)state;
	fakesys_directory(fake, "etc/udev/rules.d");
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "1")), BIND_DONE);
	assert_int_equal(bind_persistent("0000:01:10.0", output), BIND_DONE);
	assert_contains(captured.text, "warning: 0000:01:10.0: is a virtual function");
	assert_contains(captured.text, "write 0 to /sys/bus/pci/devices/" NIC "/sriov_drivers");
	assert_contains(captured.text, "neither initramfs-tools nor dracut");
	assert_null(strstr(output, "initramfs"));
	captured = (struct log_capture){0};
	fakesys_directory(fake, "etc/dracut.conf.d");
	assert_int_equal(bind_persistent(DISK, output), BIND_DONE);
	assert_null(strstr(captured.text, "virtual function"));
	assert_null(strstr(captured.text, "dracut"));
	assert_contains(output, "/etc/dracut.conf.d/vfio-bind-0000_03_00.0.conf: written\n"
				"The initramfs must be regenerated: dracut -f\n");
}

static void status_and_json_show_what_is_persistent(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	char output[OUTPUT_SIZE];

	(void)state;
	prepare_etc();
	assert_int_equal(run_printing(&options, "status", output), BIND_DONE);
	assert_null(strstr(output, "PERSISTENT"));
	options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	options.persist = true;
	options.json = true;
	assert_int_equal(run_printing(&options, "bind", output), BIND_DONE);
	assert_contains(output, "\"persistent\": true,");
	assert_contains(output, "\"files_written\": [\n    \"/" RULES "\",\n    \"/" HOOK "\"\n");
	assert_contains(output, "\"initramfs_command\": \"update-initramfs -u\"");
	options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	assert_int_equal(run_printing(&options, "status", output), BIND_DONE);
	assert_contains(output, " PERSISTENT");
	options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	assert_int_equal(run_printing(&options, "status", output), BIND_DONE);
	assert_contains(output, "  persistent /" RULES "\n");
	/* another device has the address now */
	fakekernel_remove(&kernel, NIC);
	fakekernel_pci(&kernel, NIC, .vendor = 0x10de, .device = 1, .class = 0x030000, .group = "1",
		       .driver = "nouveau");
	options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	assert_int_equal(run_printing(&options, "status", output), BIND_DONE);
	assert_null(strstr(output, "persistent"));
}

/* ---- virtual functions ---- */

static void vfs_are_enabled_and_disabled(void **state)
{
	struct bind_options allowed = fakekernel_options(&kernel, &captured, ARGS(NIC, "0"));

	allowed.allowed = 1u << HAZARD_VF_SETTINGS;
	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
	assert_state("0000:01:10.1", "igbvf -");
	assert_int_equal(BIND(NIC), BIND_REFUSED);
	assert_contains(captured.text, "vfs: virtual functions are enabled: 2");
	assert_int_equal(run(run_vfs, ARGS(NIC, "3")), BIND_DONE);
	assert_string_equal(kernel.written, "0 > sys/bus/pci/devices/" NIC "/sriov_numvfs\n"
					    "3 > sys/bus/pci/devices/" NIC "/sriov_numvfs\n");
	assert_int_equal(BIND("0000:01:10.2"), BIND_DONE);
	assert_int_equal(journal_size(), 1);
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_REFUSED);
	assert_contains(captured.text,
			"0000:01:10.2: vf-settings: bound to vfio-pci; a change of the number");
	assert_int_equal(RELEASE("0000:01:10.2"), BIND_DONE);
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_DONE);
	assert_state("0000:01:10.0", "gone");
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
	assert_int_equal(BIND("0000:01:10.0"), BIND_DONE);
	assert_int_equal(run_vfs(&allowed), BIND_DONE);
	assert_state("0000:01:10.0", "gone");
	/* removed VFs are dropped from the journal */
	assert_int_equal(BIND(DISK), BIND_DONE);
	assert_int_equal(journal_size(), 1);
	assert_int_equal(run(run_vfs, ARGS(NIC, "5")), BIND_USAGE);
	assert_int_equal(run(run_vfs, ARGS(NIC, "x")), BIND_USAGE);
	assert_int_equal(run(run_vfs, ARGS(DISK, "1")), BIND_UNAVAILABLE);
}

static void settings_of_vfs_are_named_before_they_are_lost(void **state)
{
	static const struct fake_vf vfs[] = {
		{.index = 0,
		 .mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
		 .vlan = 5,
		 .is_trusted = true},
		{.index = 1},
		{.index = 2, .is_unchecked = true, .max_rate = 1000, .is_up = true},
	};
	struct bind_options allowed = fakekernel_options(&kernel, &captured, ARGS(NIC, "0"));

	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "3")), BIND_DONE);
	fakenetlink_vfs(&kernel.netlink, "eth0", vfs, COUNT(vfs));
	captured = (struct log_capture){0};
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_REFUSED);
	assert_contains(
		captured.text,
		"0000:01:10.0: vf-settings: MAC 52:54:00:12:34:56, VLAN 5 priority 0, trusted; ");
	assert_null(strstr(captured.text, "0000:01:10.1"));
	assert_contains(
		captured.text,
		"0000:01:10.2: vf-settings: spoof checking off, rate 0 to 1000 Mbit/s, link always up; ");
	assert_string_equal(kernel.written, "");

	allowed.allowed = 1u << HAZARD_VF_SETTINGS;
	assert_int_equal(run_vfs(&allowed), BIND_DONE);
	assert_state("0000:01:10.0", "gone");
}

static void unreadable_settings_of_vfs_are_not_none(void **state)
{
	static const struct fake_vf vf = {.cut = 4};

	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "1")), BIND_DONE);
	fakenetlink_vfs(&kernel.netlink, "eth0", &vf, 1);
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_REFUSED);
	assert_contains(
		captured.text,
		"vf-settings: settings of its virtual functions through eth0 cannot be read: Bad message");
	fakesys_remove(fake, "sys/bus/pci/devices/" NIC "/net");
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_REFUSED);
	assert_contains(captured.text, "cannot be read: no network interface is visible");
}

static void vfs_in_use_are_not_disabled(void **state)
{
	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
	assert_int_equal(BIND("0000:01:10.0"), BIND_DONE);
	open_group("10");
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_REFUSED);
	assert_state("0000:01:10.0", "vfio-pci vfio-pci");
}

/* A directory cannot be opened as a disk. */
static void disks_of_vfs_are_opened(void **state)
{
	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
	fakesys_link(fake, "sys/block/nvme3n1",
		     "../devices/pci0000:00/0000:01:10.0/nvme/nvme3/nvme3n1");
	fakesys_file(fake, "sys/class/block/nvme3n1/dev", "259:0\n");
	fakesys_directory(fake, "dev/nvme3n1");
	assert_int_equal(run(run_vfs, ARGS(NIC, "0")), BIND_REFUSED);
	assert_contains(captured.text, "unknown: /dev/nvme3n1: Block device required");
	assert_state("0000:01:10.0", "igbvf -");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_bound_and_released),
		TEST(nothing_is_written_if_nothing_changes),
		TEST(a_foreign_override_is_restored),
		TEST(a_device_without_a_driver_has_none_after_release),
		TEST(a_dry_run_changes_nothing),
		TEST(a_part_of_a_group_is_refused_and_its_peers_are_reported),
		TEST(a_whole_group_is_bound),
		TEST(a_bound_device_is_refused_while_its_group_is_not_viable),
		TEST(every_override_is_written_before_a_device_is_unbound),
		TEST(a_peer_with_a_stub_or_without_a_driver_does_not_block),
		TEST(the_most_specific_variant_driver_is_chosen),
		TEST(stubs_are_accepted_by_name),
		TEST(other_drivers_are_rejected),
		TEST(a_missing_module_changes_nothing),
		TEST(impossible_targets_are_refused),
		TEST(other_ids_than_expected_are_refused),
		TEST(a_device_in_use_is_not_released),
		TEST(a_peer_of_a_device_in_use_is_not_released),
		TEST(unknown_ownership_is_not_free),
		TEST(every_errno_of_bind_is_explained_and_rolled_back),
		TEST(permission_denied_has_its_own_status),
		TEST(bind_waits_for_the_node),
		TEST(bind_fails_without_a_node),
		TEST(an_address_can_have_ids),
		TEST(a_mismatch_says_where_the_ids_are_now),
		TEST(a_path_names_the_device_whatever_its_bus_number_is),
		TEST(the_owner_of_the_node_is_changed),
		TEST(a_kernel_without_groups_has_nodes_of_devices),
		TEST(the_result_of_drivers_probe_is_verified),
		TEST(a_device_bound_by_another_program_is_released_to_the_default_driver),
		TEST(release_fails_if_vfio_has_the_ids_of_the_device),
		TEST(a_device_moved_to_a_stub_is_released_to_the_default_driver),
		TEST(a_device_moved_to_another_host_driver_keeps_it),
		TEST(a_device_moved_and_bound_again_is_released_to_its_last_driver),
		TEST(an_unbound_device_is_released_to_its_former_driver),
		TEST(the_module_of_the_former_driver_is_loaded),
		TEST(the_module_of_the_default_driver_is_loaded_by_the_modalias),
		TEST(every_kind_of_dev_argument_is_accepted),
		TEST(several_matches_need_all),
		TEST(at_boot_a_failure_does_not_affect_other_devices),
		TEST(devices_of_one_group_are_bound_together),
		TEST(apply_without_a_file_binds_nothing),
		TEST(persist_writes_files_that_forget_removes),
		TEST(a_dry_run_lists_the_files),
		TEST(files_of_others_are_neither_replaced_nor_removed),
		TEST(a_refused_bind_writes_no_files_and_a_refused_release_keeps_them),
		TEST(a_device_stays_bound_if_its_files_cannot_be_written),
		TEST(a_driver_that_is_built_in_is_not_persistent),
		TEST(the_current_driver_is_persistent),
		TEST(limits_of_the_rules_are_reported),
		TEST(status_and_json_show_what_is_persistent),
		TEST(vfs_are_enabled_and_disabled),
		TEST(settings_of_vfs_are_named_before_they_are_lost),
		TEST(unreadable_settings_of_vfs_are_not_none),
		TEST(vfs_in_use_are_not_disabled),
		TEST(disks_of_vfs_are_opened),
	};

	return cmocka_run_group_tests_name("binder-bind", tests, NULL, NULL);
}
