/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of libvirt-domains for domains' XML. The lab tests the program with a real libvirtd.
 */
#include "tests/unit/ownership/fakelibvirt.h"

#include "tests/memory/fail-allocation.h"
#include "tests/unit/test.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define MDEV "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define ADDRESS(bus) "<address domain='0x0000' bus='" bus "' slot='0x00' function='0x2'/>"
#define HOSTDEV(bus)                                           \
	"<hostdev mode='subsystem' type='pci' managed='no'>"   \
	"<driver name='vfio' iommufd='yes'/><source>" ADDRESS( \
		bus) "</source>"                               \
		     "<address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></hostdev>"
#define LIVE(devices) "<domain type='kvm' id='1'><devices>" devices "</devices></domain>"
#define DEFINED(devices) "<domain type='kvm'><devices>" devices "</devices></domain>"

/* ---- failed allocations ---- */

/* In a child process: prints the domains, as main does. */
static void __attribute__((noreturn)) print_with_failure(unsigned long failing, int out, int err)
{
	int error;

	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	printed = 0;
	check_memory();
	fail_allocation(failing);
	error = print_domains(NULL);
	printf("end %zu\n", printed);
	fflush(stdout);
	fail_allocation_end();
	_exit(error < 0);
}

/* Runs it. Returns the number of allocations. */
static unsigned long run_with_failure(unsigned long failing, const char *expected)
{
	int out = memfd_create("out", 0), err = memfd_create("err", 0), status;
	char text[4096] = "", message[256] = "";
	pid_t child;

	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		print_with_failure(failing, out, err);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(pread(out, text, sizeof(text) - 1, 0) >= 0);
	assert_true(pread(err, message, sizeof(message) - 1, 0) >= 0);
	close(out);
	close(err);
	if (WEXITSTATUS(status) == 0) {
		assert_string_equal(text, expected);
	} else {
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_string_equal(message, "out of memory\n");
		assert_null(strstr(text, "end "));
	}
	return fail_allocation_end();
}

/* Without memory it fails with a message and without an end line; or the output is complete. */
static void fail_each_allocation(const char *expected)
{
	unsigned long count = run_with_failure(0, expected), number = 0;

	while (fail_allocation_next(count, 25, &number))
		run_with_failure(number, expected);
}

static int report(void **state)
{
	(void)state;
	fail_allocation_report();
	return 0;
}

/* Returns the output for the domains, which the caller frees. */
static char *print(struct _virDomain *domains, int count)
{
	char *text = print_fakes(domains, count);

	if (fail_allocation_works())
		fail_each_allocation(text);
	return text;
}

static void check(const char *xml, const char *expected)
{
	struct _virDomain domain = {.name = "web", .xml = xml};
	char *text = print(&domain, 1);

	assert_string_equal(text, expected);
	free(text);
}

static void devices_are_printed(void **state)
{
	(void)state;
	check(LIVE(HOSTDEV("0x81")),
	      "runs pci 0000:81:00.2 0000:05:00.0 " UUID " web - -\nend 1\n");
	check(DEFINED(HOSTDEV("0x81")),
	      "defined pci 0000:81:00.2 0000:05:00.0 " UUID " web - -\nend 1\n");
	check(LIVE("<interface type='hostdev' managed='no'><mac address='52:54:00:00:00:01'/><driver name='vfio' iommufd='yes'/>"
		   "<source>"
		   "<address type='pci' domain='0x0000' bus='0x82' slot='0x00' function='0x2'/>"
		   "</source></interface>"),
	      "runs pci 0000:82:00.2 - " UUID " web - - 52:54:00:00:00:01 -\nend 1\n");
	check(LIVE("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='" MDEV
		   "'/></source></hostdev>"),
	      "runs mdev " MDEV " - " UUID " web - -\nend 1\n");
	check(LIVE("<hostdev mode='subsystem' type='usb'/><interface type='network'/><disk type='file'/>"),
	      "end 0\n");
}

static void settings_of_interfaces_are_printed(void **state)
{
#define INTERFACE(settings)                                                            \
	LIVE("<interface type='hostdev'><source>" ADDRESS("0x82") "</source>" settings \
								  "</interface>")
#define EXPECTED(settings) "runs pci 0000:82:00.2 - " UUID " web - -" settings "\nend 1\n"
	(void)state;
	check(INTERFACE(""), EXPECTED(""));
	check(INTERFACE("<mac address='52:54:00:AB:cd:01'/><vlan><tag id='42'/></vlan>"),
	      EXPECTED(" 52:54:00:ab:cd:01 42"));
	check(INTERFACE("<vlan trunk='yes'><tag id='0'/></vlan>"), EXPECTED(" - 0"));
	/* libvirt would not have accepted these */
	check(INTERFACE("<mac address='52:54:00'/><vlan><tag id='4096'/></vlan>"), EXPECTED(""));
	check(INTERFACE("<mac address='52:54:00:00:00:0g'/><vlan/>"), EXPECTED(""));
	check(INTERFACE("<mac/><vlan><tag/></vlan>"), EXPECTED(""));
	/* a hostdev has neither */
	check(LIVE("<hostdev mode='subsystem' type='pci'><source>" ADDRESS(
		      "0x82") "</source><mac address='52:54:00:00:00:01'/></hostdev>"),
	      EXPECTED(""));
}

static void the_frontend_is_found_in_metadata(void **state)
{
#define METADATA(xml)                              \
	"<domain type='kvm' id='1'><metadata>" xml \
	"</metadata><devices>" HOSTDEV("0x81") "</devices></domain>"
#define ANSWER(name, frontend) \
	"runs pci 0000:81:00.2 0000:05:00.0 " UUID " " name " " frontend "\nend 1\n"
	static const struct {
		const char *name, *xml, *expected;
	} cases[] = {
		{"shop_web",
		 METADATA("<kubevirt xmlns='http://kubevirt.io'><uid>1</uid></kubevirt>"),
		 ANSWER("shop_web", "kubevirt shop%2fweb")},
		{"shop_web", METADATA("<kubevirt xmlns='http://example.org'/>"),
		 ANSWER("shop_web", "- -")},
		{"web", METADATA("<kubevirt xmlns='http://kubevirt.io'/>"), ANSWER("web", "- -")},
		{"a_b_c", METADATA("<kubevirt xmlns='http://kubevirt.io'/>"),
		 ANSWER("a_b_c", "- -")},
		{"_web", METADATA("<kubevirt xmlns='http://kubevirt.io'/>"), ANSWER("_web", "- -")},
		{"shop_web", METADATA(""), ANSWER("shop_web", "- -")},
		{"x",
		 METADATA(
			 "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>"),
		 ANSWER("x", "nova " UUID)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct _virDomain domain = {.name = cases[i].name, .xml = cases[i].xml};
		char *text = print(&domain, 1);

		assert_string_equal(text, cases[i].expected);
		free(text);
	}
}

/* libvirt 12 accepts a descriptor of /dev/iommu from its client; the XML still has the host
 * address.
 */
static void iommufd_does_not_change_the_output(void **state)
{
	(void)state;
	check("<domain type='kvm' id='1'><iommufd enabled='yes' fdgroup='iommu'/><devices>" HOSTDEV(
		      "0x81") "</devices></domain>",
	      "runs pci 0000:81:00.2 0000:05:00.0 " UUID " web - -\nend 1\n");
	check(LIVE("<hostdev mode='subsystem' type='pci' managed='yes'><driver iommufd='no'/><source>" ADDRESS(
		      "0x81") "</source>"
			      "<alias name='hostdev0'/><address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></hostdev>"),
	      "runs pci 0000:81:00.2 0000:00:03.0 " UUID " web - -\nend 1\n");
}

static void an_unreadable_domain_does_not_hide_others(void **state)
{
	struct _virDomain domains[] = {
		{.name = "c", .xml = LIVE(HOSTDEV("0x83"))},
		{.name = "b", .error = VIR_ERR_INTERNAL_ERROR},
		{.name = "a",
		 .xml = LIVE(HOSTDEV("0x81")),
		 .error_inactive = VIR_ERR_INTERNAL_ERROR},
	};
	char *text;

	(void)state;
	text = print(domains, 3);
	assert_string_equal(text, "runs pci 0000:81:00.2 0000:05:00.0 " UUID " a - -\n"
				  "unread a internal%20error:%20no%0aXML\n"
				  "unread b internal%20error:%20no%0aXML\n"
				  "runs pci 0000:83:00.2 0000:05:00.0 " UUID " c - -\nend 4\n");
	free(text);
}

static void a_domain_that_no_longer_exists_is_skipped(void **state)
{
	struct _virDomain domains[] = {
		{.name = "a", .error = VIR_ERR_NO_DOMAIN},
		{.name = "b", .xml = LIVE(HOSTDEV("0x81")), .error_inactive = VIR_ERR_NO_DOMAIN},
		{.name = "c", .xml = DEFINED(HOSTDEV("0x82"))},
	};
	char *text;

	(void)state;
	text = print(domains, 3);
	assert_string_equal(text, "defined pci 0000:82:00.2 0000:05:00.0 " UUID " c - -\nend 1\n");
	free(text);
}

static void invalid_xml_is_reported(void **state)
{
	static const char *const broken[] = {
		"",
		"no XML",
		"<domain",
		"<network/>",
		"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>",
	};
	static const char *const devices[] = {
		LIVE("<hostdev mode='subsystem' type='pci'/>"),
		LIVE("<hostdev mode='subsystem' type='pci'><source/></hostdev>"),
		LIVE("<hostdev mode='subsystem' type='pci'><source>" ADDRESS(
			"0x100") "</source></hostdev>"),
		LIVE("<hostdev mode='subsystem' type='pci'><source>" ADDRESS(
			"-1") "</source></hostdev>"),
		LIVE("<hostdev mode='subsystem' type='pci'><source>" ADDRESS(
			"") "</source></hostdev>"),
		LIVE("<hostdev mode='subsystem' type='mdev'><source><address uuid='../../etc'/></source></hostdev>"),
		LIVE("<hostdev mode='subsystem' type='mdev'><source>"
		     "<address uuid='4b20d080-1b54-4048-85b3-a6a62d165*01'/></source></hostdev>"),
		LIVE("<hostdev mode='subsystem' type='mdev'><source>"
		     "<address uuid='4b20d080a1b54-4048-85b3-a6a62d165c01'/></source></hostdev>"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++)
		check(broken[i], "unread web invalid%20XML\nend 1\n");
	for (size_t i = 0; i < COUNT(devices); i++)
		check(devices[i],
		      "unread web invalid%20XML:%20device%20without%20a%20valid%20host%20address\nend 1\n");
	/* the domain's other devices are still printed */
	check(LIVE("<hostdev mode='subsystem' type='pci'/>" HOSTDEV("0x81")),
	      "runs pci 0000:81:00.2 0000:05:00.0 " UUID " web - -\n"
	      "unread web invalid%20XML:%20device%20without%20a%20valid%20host%20address\nend 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_printed),
		cmocka_unit_test(settings_of_interfaces_are_printed),
		cmocka_unit_test(the_frontend_is_found_in_metadata),
		cmocka_unit_test(iommufd_does_not_change_the_output),
		cmocka_unit_test(an_unreadable_domain_does_not_hide_others),
		cmocka_unit_test(a_domain_that_no_longer_exists_is_skipped),
		cmocka_unit_test(invalid_xml_is_reported),
	};

	return cmocka_run_group_tests_name("libvirt-domains", tests, NULL, report);
}
