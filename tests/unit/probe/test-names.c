/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/names/names.h"
#include "probe/strings.h"
#include "tests/unit/fakesys.h"

#include <pci/pci.h>
#include <unistd.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct log the_log;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	the_log = log_capture_add(&captured);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

static struct names *names_of(const char *text, size_t size)
{
	struct names *names;
	char path[128];

	fakesys_bytes(fake, "pci.ids", text, size);
	snprintf(path, sizeof(path), "%s/pci.ids", fake->path);
	assert_int_equal(names_new(path, false, &the_log, &names), 0);
	return names;
}

static void expect_same(const char *ours, const char *theirs, const char *what, unsigned a,
			unsigned b)
{
	if (!text_same(ours, theirs))
		fail_msg("%s %04x %04x: '%s', libpci has '%s'", what, a, b, ours ? ours : "(none)",
			 theirs ? theirs : "(none)");
}

/* The name returned by libpci, without the number that it appends if only the base class has a
 * name.
 */
static const char *lookup(struct pci_access *access, char *buffer, int flags, int a, int b, int c,
			  int d)
{
	char *name = pci_lookup_name(access, buffer, 512,
				     flags | PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB, a, b, c,
				     d);
	char *number = name && (flags & PCI_LOOKUP_CLASS) ? strstr(name, " [") : NULL;

	if (number)
		*number = '\0';
	return name;
}

static void ignore(char *format, ...)
{
	(void)format;
}

static void all_names_equal_those_of_libpci(void **state)
{
	struct pci_access *access = pci_alloc();
	unsigned vendor = 0, device = 0, subvendor, subdevice, vendors = 0, devices = 0,
		 subsystems = 0;
	char line[1024], buffer[512], path[256];
	bool in_vendors = true;
	struct names *names;
	FILE *list;

	(void)state;
	access->warning = access->debug = ignore;
	access->id_lookup_mode = 0; /* libpci 3.13 leaks the path of its cache */
	snprintf(path, sizeof(path), "%s", access->id_file_name);
	list = fopen(path, "r");
	if (!list &&
	    strlen(path) > 3) { /* libpci defaults to a compressed list, which does not exist */
		path[strlen(path) - 3] = '\0';
		list = fopen(path, "r");
	}
	assert_non_null(list);
	assert_int_equal(names_new(NULL, false, &the_log, &names), 0);
	while (fgets(line, sizeof(line), list)) {
		if (line[0] == 'C' && line[1] == ' ')
			in_vendors = false;
		if (!in_vendors || line[0] == '#')
			continue;
		if (sscanf(line, "\t\t%4x %4x ", &subvendor, &subdevice) == 2 && line[0] == '\t' &&
		    line[1] == '\t') {
			expect_same(names_subsystem(names, (uint16_t)vendor, (uint16_t)device,
						    (uint16_t)subvendor, (uint16_t)subdevice),
				    lookup(access, buffer, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE,
					   (int)vendor, (int)device, (int)subvendor,
					   (int)subdevice),
				    "subsystem", subvendor, subdevice);
			subsystems++;
		} else if (line[0] == '\t' && sscanf(line, "\t%4x ", &device) == 1) {
			expect_same(names_device(names, (uint16_t)vendor, (uint16_t)device),
				    lookup(access, buffer, PCI_LOOKUP_DEVICE, (int)vendor,
					   (int)device, 0, 0),
				    "device", vendor, device);
			devices++;
		} else if (line[0] != '\t' && sscanf(line, "%4x ", &vendor) == 1) {
			expect_same(names_vendor(names, (uint16_t)vendor),
				    lookup(access, buffer, PCI_LOOKUP_VENDOR, (int)vendor, 0, 0, 0),
				    "vendor", vendor, 0);
			vendors++;
		}
	}
	assert_true(vendors > 1000 && devices > 10000 && subsystems > 10000);
	/* every vendor and every class that there can be, known or not; unknown devices of a known
	 * vendor */
	for (unsigned id = 0; id < 0x10000; id++) {
		expect_same(names_vendor(names, (uint16_t)id),
			    lookup(access, buffer, PCI_LOOKUP_VENDOR, (int)id, 0, 0, 0), "vendor",
			    id, 0);
		expect_same(names_class(names, (uint16_t)id),
			    lookup(access, buffer, PCI_LOOKUP_CLASS, (int)id, 0, 0, 0), "class", id,
			    0);
		expect_same(names_device(names, 0x8086, (uint16_t)id),
			    lookup(access, buffer, PCI_LOOKUP_DEVICE, 0x8086, (int)id, 0, 0),
			    "device", 0x8086, id);
		expect_same(names_subsystem(names, 0x8086, 0x10d3, 0x8086, (uint16_t)id),
			    lookup(access, buffer, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, 0x8086,
				   0x10d3, 0x8086, (int)id),
			    "subsystem of 10d3", 0x8086, id);
	}
	assert_string_equal(captured.text, "");
	fclose(list);
	names_free(names);
	pci_cleanup(access);
}

static bool hwdb_is_there(void)
{
	return access("/etc/udev/hwdb.bin", R_OK) == 0 ||
	       access("/usr/lib/udev/hwdb.bin", R_OK) == 0 ||
	       access("/lib/udev/hwdb.bin", R_OK) == 0;
}

static bool hwdb_is_open(void)
{
	char line[1024];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		found = found || strstr(line, "hwdb.bin");
	fclose(maps);
	return found;
}

static void expect_same_with_hwdb(struct names *names, struct pci_access *access, int vendor,
				  int device, int subvendor, int subdevice)
{
	const int flags = PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS;
	char buffer[1024];

	expect_same(names_subsystem(names, (uint16_t)vendor, (uint16_t)device, (uint16_t)subvendor,
				    (uint16_t)subdevice),
		    pci_lookup_name(access, buffer, sizeof(buffer), flags, vendor, device,
				    subvendor, subdevice),
		    "subsystem", (unsigned)vendor, (unsigned)device);
	expect_same(names_device(names, (uint16_t)vendor, (uint16_t)device),
		    pci_lookup_name(access, buffer, sizeof(buffer),
				    PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS, vendor, device),
		    "device", (unsigned)vendor, (unsigned)device);
}

/* A short list, so that nearly all names in the hwdb are missing from it. */
static void missing_names_are_looked_up_in_the_hwdb_as_by_libpci(void **state)
{
	static const char text[] =
		"8086  Intel of the list\n\t10d3  Device of the list\n\t\t8086 a01f  Sub of the list\n\t1533  Own\n"
		"C 02  Network of the list\n\t00  Ethernet of the list\nC 77  Class of the list\n"
		"\t01  Of [7701]\n";
	struct names *names = names_of(text, sizeof(text) - 1);
	struct pci_access *access = pci_alloc();
	char path[128], buffer[1024], *name, *number;

	(void)state;
	names_free(names);
	snprintf(path, sizeof(path), "%s/pci.ids", fake->path);
	assert_int_equal(names_new(path, true, &the_log, &names), 0);
	assert_string_equal(names_vendor(names, 0x8086), "Intel of the list");
	assert_string_equal(names_subsystem(names, 0x8086, 0x10d3, 0x8086, 0xa01f),
			    "Sub of the list");
	assert_string_equal(names_class(names, 0x0200), "Ethernet of the list");
	assert_false(hwdb_is_open());

	access->warning = access->debug = ignore;
	access->id_lookup_mode = 0;
	pci_set_name_list_path(access, path, 0);
	for (int device = 0; device < 0x10000; device += device < 0x2000 ? 1 : 0x333) {
		expect_same_with_hwdb(names, access, 0x8086, device, 0x8086, device);
		expect_same_with_hwdb(names, access, 0x8086, device, 0x1028, 0x0001);
	}
	for (int vendor = 0; vendor < 0x10000; vendor += vendor < 0x2000 ? 1 : 0x33)
		expect_same(names_vendor(names, (uint16_t)vendor),
			    pci_lookup_name(access, buffer, sizeof(buffer),
					    PCI_LOOKUP_VENDOR | PCI_LOOKUP_NO_NUMBERS, vendor),
			    "vendor", (unsigned)vendor, 0);
	for (int class = 0; class < 0x10000; class += class < 0x1400 ? 1 : 0x101) {
		name = pci_lookup_name(access, buffer, sizeof(buffer),
				       PCI_LOOKUP_CLASS | PCI_LOOKUP_NO_NUMBERS, class);
		number = name && class != 0x7701 ? strstr(name, " [") : NULL;
		if (number)
			*number = '\0';
		expect_same(names_class(names, (uint16_t) class), name, "class", (unsigned)class,
			    0);
	}
	if (hwdb_is_there()) {
		assert_true(hwdb_is_open());
		assert_string_equal(names_vendor(names, 0x10de), "NVIDIA Corporation");
		assert_string_equal(names_class(names, 0x0280), "Network controller");
		assert_string_equal(names_class(names, 0x0277), "Network of the list");
		assert_string_equal(names_device(names, 0x8086, 0x1521),
				    "I350 Gigabit Network Connection");
	}
	names_free(names);
	pci_cleanup(access);
	assert_string_equal(captured.text, "");
}

static void append(void *data, enum message_level level, const char *text)
{
	(void)level;
	snprintf((char *)data + strlen(data), 2048 - strlen(data), "[%s]", text);
}

/* By default libpci looks for a cache in the user's home, and its messages end in a newline. */
static void libpci_does_not_read_the_home_and_its_messages_are_single_lines(void **state)
{
	static char messages[2048];
	const struct log log = {.emit = append, .data = messages};
	struct names *names = names_of("8086  Intel\n", strlen("8086  Intel\n"));
	char path[128];

	(void)state;
	names_free(names);
	snprintf(path, sizeof(path), "%s/pci.ids", fake->path);
	assert_int_equal(names_new(path, true, &log, &names), 0);
	assert_null(names_vendor(names, 0x0bad));
	assert_null(strstr(messages, "cache"));
	assert_null(strchr(messages, '\n'));
	if (hwdb_is_there())
		assert_contains(messages, "[libpci: Initializing UDEV HWDB]");
	names_free(names);
}

static void order_and_duplicates_do_not_matter(void **state)
{
	static const char text[] =
		"# comment\n\n8086  Intel\n\t2000  Second\n\t1000  First \n\t\t8086 0001  Sub\n"
		"\t1000  Again\n10de  NVIDIA\n8086  Other Intel\nC 02  Network\n\t00  Ethernet\n"
		"ffff  After the classes";
	struct names *names = names_of(text, strlen(text));

	(void)state;
	assert_string_equal(names_vendor(names, 0x8086), "Intel");
	assert_string_equal(names_vendor(names, 0x10de), "NVIDIA");
	assert_string_equal(names_vendor(names, 0xffff), "After the classes");
	assert_string_equal(names_device(names, 0x8086, 0x1000), "First");
	assert_string_equal(names_device(names, 0x8086, 0x2000), "Second");
	assert_string_equal(names_subsystem(names, 0x8086, 0x1000, 0x8086, 1), "Sub");
	assert_string_equal(names_class(names, 0x0200), "Ethernet");
	assert_string_equal(names_class(names, 0x0299), "Network");
	assert_null(names_class(names, 0x0300));
	assert_null(names_device(names, 0x8086, 0x3000));
	assert_null(names_device(names, 0x1234, 0x1000));
	names_free(names);
}

static void an_invalid_line_is_logged_and_ignored(void **state)
{
	static const char text[] =
		"8086  Intel\n\t1000  First\n<<<<<<< HEAD\n=======\n10de  NVIDIA\n\t2204  Device\n";
	struct names *names = names_of(text, strlen(text));

	(void)state;
	assert_string_equal(names_device(names, 0x8086, 0x1000), "First");
	assert_string_equal(names_device(names, 0x10de, 0x2204), "Device");
	assert_int_equal(captured.warnings, 1);
	assert_contains(captured.text, "pci.ids:3: ");
	names_free(names);
}

static void without_a_list_there_are_no_names(void **state)
{
	struct names *names;

	(void)state;
	assert_int_equal(names_new("/nowhere/pci.ids", false, &the_log, &names), 0);
	assert_null(names_vendor(names, 0x8086));
	assert_null(names_class(names, 0x0200));
	assert_null(names_device(names, 0x8086, 0x10d3));
	assert_null(names_subsystem(names, 0x8086, 0x10d3, 0x8086, 1));
	assert_int_equal(captured.warnings, 1);
	assert_contains(captured.text, "/nowhere/pci.ids: No such file");
	names_free(names);
}

static void a_file_of_garbage_is_rejected(void **state)
{
	static char garbage[5000];
	struct names *names;

	(void)state;
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * 7 % 251);
	names = names_of(garbage, sizeof(garbage));
	assert_null(names_vendor(names, 0x8086));
	assert_contains(captured.text, "not a list of PCI ids");
	names_free(names);
	names = names_of("", 0);
	assert_null(names_vendor(names, 0x8086));
	names_free(names);
	/* the last line without a newline, and without a name */
	names = names_of("8086  Intel\n\t1000", strlen("8086  Intel\n\t1000"));
	assert_null(names_device(names, 0x8086, 0x1000));
	assert_string_equal(names_vendor(names, 0x8086), "Intel");
	names_free(names);
}

/* ---- lists that are too long to be read at once, and therefore searched ---- */

#define LONG_BLOCK 0x0700 /* a vendor with many devices */
#define VENDORS 0x1000

/* Every vendor has two devices. */
static void write_vendors(FILE *out, unsigned first, unsigned count)
{
	for (unsigned vendor = first; vendor < first + count; vendor++) {
		fprintf(out, "%04x  Vendor %u\n\t0001  First of %u\n\t\t%04x 0002  Sub\n", vendor,
			vendor, vendor, vendor);
		for (unsigned i = 2; vendor == LONG_BLOCK && i < 5000; i++)
			fprintf(out, "\t%04x  Long name of a device %u\n# comment\n", i, i);
		fprintf(out, "\tffff  Last of %u\n", vendor);
	}
}

static void write_classes(FILE *out)
{
	for (unsigned class = 0; class < 0x14; class ++)
		fprintf(out, "C %02x  Class %u\n\t00  Subclass %u\n", class, class, class);
}

static void expect_vendor(struct names *names, unsigned vendor)
{
	char text[64];

	snprintf(text, sizeof(text), "Vendor %u", vendor);
	assert_string_equal(names_vendor(names, (uint16_t)vendor), text);
	snprintf(text, sizeof(text), "First of %u", vendor);
	assert_string_equal(names_device(names, (uint16_t)vendor, 1), text);
	assert_string_equal(names_subsystem(names, (uint16_t)vendor, 1, (uint16_t)vendor, 2),
			    "Sub");
	snprintf(text, sizeof(text), "Last of %u", vendor);
	assert_string_equal(names_device(names, (uint16_t)vendor, 0xffff), text);
}

/* A list with the vendors from FIRST on in front. */
static struct names *names_of_long_list(unsigned first, const char *end)
{
	char *text = NULL;
	struct names *names;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	write_vendors(out, first, VENDORS - first);
	write_vendors(out, 1, first - 1);
	write_classes(out);
	fputs(end, out);
	fclose(out);
	names = names_of(text, size);
	free(text);
	return names;
}

static void all_names_of_a_long_list_are_found(void **state)
{
	static const unsigned firsts[] = {1, 2, LONG_BLOCK, LONG_BLOCK + 1, VENDORS / 2};

	(void)state;
	for (size_t i = 0; i < COUNT(firsts); i++) {
		struct names *names = names_of_long_list(firsts[i], "ffff  End\n\t1000  Device");

		for (unsigned vendor = 1; vendor < VENDORS; vendor += 7)
			expect_vendor(names, vendor);
		expect_vendor(names, LONG_BLOCK);
		expect_vendor(names, VENDORS - 1);
		assert_string_equal(names_device(names, LONG_BLOCK, 4999),
				    "Long name of a device 4999");
		assert_string_equal(names_class(names, 0x1300), "Subclass 19");
		assert_string_equal(names_class(names, 0x13ff), "Class 19");
		assert_string_equal(names_vendor(names, 0xffff), "End");
		assert_string_equal(names_device(names, 0xffff, 0x1000), "Device");
		assert_null(names_vendor(names, 0xfffe));
		assert_null(names_vendor(names, 0));
		assert_null(names_device(names, LONG_BLOCK, 0x8000));
		assert_null(names_class(names, 0x2000));
		assert_string_equal(captured.text, "");
		names_free(names);
	}
}

static void the_first_of_equal_vendors_in_a_row_counts_in_a_long_list(void **state)
{
	char *text = NULL;
	struct names *names;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	write_vendors(out, 1, 0x900);
	for (unsigned i = 0; i < 1000; i++)
		fprintf(out, "0901  Vendor again %u\n\t0001  Device again %u\n", i, i);
	write_vendors(out, 0x902, 0x900);
	fclose(out);
	names = names_of(text, size);
	free(text);
	assert_string_equal(names_vendor(names, 0x0901), "Vendor again 0");
	assert_string_equal(names_device(names, 0x0901, 1), "Device again 0");
	names_free(names);
}

static void a_long_list_is_read_up_to_where_it_was_truncated(void **state)
{
	struct names *names;
	char path[128];
	off_t size;

	(void)state;
	for (off_t cut = 0; cut < 40; cut++) {
		names = names_of_long_list(1, "");
		names_free(names);
		snprintf(path, sizeof(path), "%s/pci.ids", fake->path);
		size = cut % 2 ? 100000 : 300000;
		assert_int_equal(truncate(path, size + cut), 0);
		assert_int_equal(names_new(path, false, &the_log, &names), 0);
		expect_vendor(names, 1);
		expect_vendor(names, 0x200);
		assert_null(names_vendor(names, VENDORS - 1));
		/* while it is open */
		assert_int_equal(truncate(path, 70000 + cut), 0);
		expect_vendor(names, 1);
		assert_null(names_vendor(names, 0x6ff));
		names_free(names);
	}
}

static void an_invalid_line_of_a_long_list_is_logged_when_the_list_is_read(void **state)
{
	struct names *names = names_of_long_list(VENDORS / 2, "<<<<<<< HEAD\n=======\n");
	char line[32];

	(void)state;
	assert_null(names_vendor(names, 0xabcd));
	assert_null(names_vendor(names, 0xabce));
	assert_int_equal(captured.warnings, 1);
	/* the vendors, the devices of one with comments, the classes */
	snprintf(line, sizeof(line), "pci.ids:%d: ", (VENDORS - 1) * 4 + 4998 * 2 + 0x14 * 2 + 1);
	assert_contains(captured.text, line);
	names_free(names);
}

static void a_line_that_is_too_long_costs_only_names_that_are_searched_in_vain(void **state)
{
	static char line[100000];
	struct names *names;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[0] = '#';
	names = names_of_long_list(1, line);
	expect_vendor(names, 0x800);
	assert_string_equal(captured.text, "");
	assert_null(names_vendor(names, 0xabcd));
	assert_null(names_vendor(names, 0xabce));
	assert_int_equal(captured.warnings, 1);
	assert_contains(captured.text, "pci.ids: a line is too long");
	expect_vendor(names, 0x801);
	names_free(names);
}

static void devices_of_a_vendor_may_be_in_any_order(void **state)
{
	char *text = NULL, name[32];
	struct names *names;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fputs("8086  Intel\n", out);
	for (unsigned i = 0; i < 500; i++)
		fprintf(out, "\t%04x  Device %u\n", i * 397 % 500, i * 397 % 500);
	fclose(out);
	names = names_of(text, size);
	free(text);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "Device %u", i);
		assert_string_equal(names_device(names, 0x8086, (uint16_t)i), name);
	}
	assert_null(names_device(names, 0x8086, 500));
	names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_names_equal_those_of_libpci, setup, teardown),
		cmocka_unit_test_setup_teardown(
			missing_names_are_looked_up_in_the_hwdb_as_by_libpci, setup, teardown),
		cmocka_unit_test_setup_teardown(
			libpci_does_not_read_the_home_and_its_messages_are_single_lines, setup,
			teardown),
		cmocka_unit_test_setup_teardown(order_and_duplicates_do_not_matter, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_invalid_line_is_logged_and_ignored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_a_list_there_are_no_names, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_of_garbage_is_rejected, setup, teardown),
		cmocka_unit_test_setup_teardown(all_names_of_a_long_list_are_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			the_first_of_equal_vendors_in_a_row_counts_in_a_long_list, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_list_is_read_up_to_where_it_was_truncated,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_invalid_line_of_a_long_list_is_logged_when_the_list_is_read, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_line_that_is_too_long_costs_only_names_that_are_searched_in_vain, setup,
			teardown),
		cmocka_unit_test_setup_teardown(devices_of_a_vendor_may_be_in_any_order, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
