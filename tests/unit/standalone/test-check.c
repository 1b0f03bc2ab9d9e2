/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe check: ranges, thresholds, states, error counts and output. */
#include "tests/unit/test.h"

#include "plugins/standalone/checks/serviceoutput.h"
#include "plugins/standalone/checks/unfinished.h"
#include "probe/expect/finding.h"
#include "tests/unit/fakesys.h"

#include <math.h>
#include <sys/stat.h>

#define TEXT(text) ((char[]){text})

static char vfio_pci[] = "vfio-pci", unseen[] = "7 processes could not be inspected";

static struct log_capture captured;
static struct log test_log;
static struct thresholds thresholds;

static int setup(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	test_log = log_capture_add(&captured);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	thresholds_free(&thresholds);
	return 0;
}

/* ---- ranges ---- */

static void ranges_report_what_the_guidelines_say(void **state)
{
	static const struct {
		const char *text;
		double good[3], bad[3];
	} rows[] = {
		{"10", {0, 10, 9.5}, {-0.1, 10.1, INFINITY}},
		{":10", {0, 10, 9.5}, {-0.1, 10.1, INFINITY}},
		{"0", {0, 0, 0}, {1, 0.001, -1}},
		{"10:", {10, 11, INFINITY}, {9.9, 0, -1}},
		{"~:10", {10, -5, -INFINITY}, {10.1, 11, INFINITY}},
		{"~:", {10, -5, 0}, {NAN, NAN, NAN}},
		{"10:20", {10, 15, 20}, {9, 21, 0}},
		{"@10:20", {9, 21, 0}, {10, 15, 20}},
		{"@0", {1, 2, -1}, {0, 0, 0}},
		{"-5:-1.5", {-5, -2, -1.5}, {-1, 0, -5.1}},
		{"0.25:0.5", {0.25, 0.3, 0.5}, {0.24, 0.51, 0}},
		{"123456789012345", {0, 1, 123456789012345}, {123456789012346, -1, -2}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct range range;

		assert_null(range_parse(rows[i].text, &range));
		for (size_t j = 0; j < 3; j++) {
			assert_false(range_alerts(&range, rows[i].good[j]));
			if (!isnan(rows[i].bad[j]))
				assert_true(range_alerts(&range, rows[i].bad[j]));
		}
	}
}

static void other_ranges_are_errors(void **state)
{
	static const char *const texts[] = {
		"",
		"@",
		":",
		"@:",
		"~",
		"@~",
		"x",
		"1x",
		"1:x",
		"x:1",
		"2:1",
		"1::2",
		"1:2:",
		"1e3",
		"0x10",
		"inf",
		"nan",
		"+1",
		" 1",
		"1 ",
		"1,5",
		"1.",
		".5",
		"1.:2",
		"--1",
		"~1:2",
		"~~:1",
		"@@1",
		"1@",
		"1:@2",
		"-",
		"-:1",
		"1:~",
		"1;2",
		"1:-",
		"1234567890123456",
		"0.12345678901234567",
		"1|2",
		"1\n",
		"1:2222222222222222222222222222222222222222222",
	};
	struct range range = {.low = 7, .high = 8};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (!range_parse(texts[i], &range))
			fail_msg("accepted: '%s'", texts[i]);
	assert_true(range.low >= 7 && range.high <= 8);
}

/* ---- thresholds ---- */

static void thresholds_have_a_name_and_maybe_an_alias(void **state)
{
	const struct threshold *found;

	(void)state;
	assert_int_equal(thresholds_add(&thresholds, "degraded=~:2", SERVICE_WARNING, &test_log),
			 0);
	assert_int_equal(thresholds_add(&thresholds, "free:10GE=2:", SERVICE_CRITICAL, &test_log),
			 0);
	found = thresholds_find(&thresholds, service_check_find("degraded", NULL), NULL,
				SERVICE_WARNING);
	assert_non_null(found);
	assert_string_equal(found->text, "~:2");
	assert_null(thresholds_find(&thresholds, service_check_find("degraded", NULL), NULL,
				    SERVICE_CRITICAL));
	assert_non_null(thresholds_find(&thresholds, service_check_find("free", NULL), "10GE",
					SERVICE_CRITICAL));
	assert_null(thresholds_find(&thresholds, service_check_find("free", NULL), NULL,
				    SERVICE_CRITICAL));
	assert_string_equal(captured.text, "");
}

static void an_invalid_threshold_is_an_error_that_names_it(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"2", "-w: expected NAME=RANGE (for example degraded=2), not '2'"},
		{"degrade=2", "unknown check 'degrade' (did you mean 'degraded'?)"},
		{"degraded=2:1", "-w degraded: invalid range '2:1': the start is greater"},
		{"degraded=", "-w degraded: invalid range '': empty"},
		{"unfinished:a1=2", "-w unfinished:a1: 'unfinished' is a number of the host"},
		{"free:=2", "-w free: invalid alias name ''"},
		{"free:a b=2", "-w free: invalid alias name 'a b'"},
		{"free=1", "-w free: given twice"},
		{"free:a1=1", "-w free:a1: given twice"},
	};

	(void)state;
	thresholds_add(&thresholds, "free=1", SERVICE_WARNING, &test_log);
	thresholds_add(&thresholds, "free:a1=1", SERVICE_WARNING, &test_log);
	for (size_t i = 0; i < COUNT(rows); i++) {
		captured = (struct log_capture){0};
		assert_int_equal(thresholds_add(&thresholds, rows[i].text, SERVICE_WARNING,
						&test_log),
				 -EINVAL);
		assert_contains(captured.text, rows[i].message);
		assert_int_equal(captured.errors, 1);
	}
	assert_int_equal(thresholds.count, 2);
}

/* ---- states ---- */

static enum service_state state_of(double count, double more, const char *warning,
				   const char *critical)
{
	struct amount amount = {.count = count, .more = more};
	struct range ranges[2];

	if (warning)
		assert_null(range_parse(warning, &ranges[0]));
	if (critical)
		assert_null(range_parse(critical, &ranges[1]));
	return amount_state(&amount, warning ? &ranges[0] : NULL, critical ? &ranges[1] : NULL);
}

static void what_is_unknown_is_ok_only_if_it_cannot_matter(void **state)
{
	static const struct {
		double count, more;
		const char *warning, *critical;
		enum service_state state;
	} rows[] = {
		{0, 0, "0", NULL, SERVICE_OK},
		{1, 0, "0", NULL, SERVICE_WARNING},
		{1, 0, "0", "0", SERVICE_CRITICAL},
		{1, 0, "0", "1", SERVICE_WARNING},
		{0, 1, "0", NULL, SERVICE_UNKNOWN},
		{0, 1, NULL, "0", SERVICE_UNKNOWN},
		{1, 3, NULL, "0", SERVICE_CRITICAL}, /* whatever the three are */
		{1, 3, "0", "4", SERVICE_WARNING},
		{1, 4, "0", "4", SERVICE_UNKNOWN},
		{1, 3, "4", NULL, SERVICE_OK},
		{1, 4, "4", NULL, SERVICE_UNKNOWN},
		{2, 3, "2:", NULL, SERVICE_OK}, /* at least two are free */
		{1, 3, "2:", NULL, SERVICE_UNKNOWN},
		{0, 3, "@1", NULL, SERVICE_UNKNOWN}, /* only in between */
		{0, 4, "@2:3", NULL, SERVICE_UNKNOWN},
		{0, INFINITY, "0", NULL, SERVICE_UNKNOWN},
		{1, INFINITY, "0", NULL, SERVICE_WARNING},
		{0, INFINITY, NULL, NULL, SERVICE_OK},	      /* it is not judged */
		{0, INFINITY, "@3:5", NULL, SERVICE_UNKNOWN}, /* only in between */
		{6, INFINITY, "@3:5", NULL, SERVICE_OK},
		{1, INFINITY, "0", "@4:5", SERVICE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(state_of(rows[i].count, rows[i].more, rows[i].warning,
					  rows[i].critical),
				 rows[i].state);
}

static void the_worst_state_is_critical_then_unknown(void **state)
{
	static const enum service_state order[] = {SERVICE_OK, SERVICE_WARNING, SERVICE_UNKNOWN,
						   SERVICE_CRITICAL};

	(void)state;
	for (size_t i = 0; i < COUNT(order); i++)
		for (size_t j = 0; j < COUNT(order); j++)
			assert_int_equal(service_state_worse(order[i], order[j]),
					 order[i > j ? i : j]);
}

/* ---- error counts ---- */

static struct pci_device counted(unsigned bus, uint64_t nonfatal)
{
	return (struct pci_device){.address = {.bus = (uint8_t)bus},
				   .inode = 100 + bus,
				   .selected = true,
				   .present = HAS_AER_CORRECTABLE | HAS_AER_NONFATAL |
					      HAS_AER_FATAL | HAS_OWNERSHIP,
				   .ownership = OWNERSHIP_FREE,
				   .aer = {.correctable = 5, .nonfatal = nonfatal}};
}

static struct inventory inventory_of(struct pci_device *devices, size_t count, time_t now)
{
	return (struct inventory){
		.devices = devices, .count = count, .selected = count, .time = {.tv_sec = now}};
}

/* Reads the counters that TEXT has, updates them, and writes them to a string. */
static char *update(const char *text, struct inventory *inventory, struct error_counters *ret,
		    bool *ret_changed)
{
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);

	assert_int_equal(error_counters_parse(text, ret), 0);
	assert_int_equal(error_counters_update(ret, inventory, ret_changed), 0);
	error_counters_write(ret, out);
	fclose(out);
	return written;
}

/* The recent nonfatal errors, NOW and with these counts, after the last run wrote *text. */
static uint64_t recent_after(char **text, struct pci_device device, time_t now)
{
	struct inventory inventory = inventory_of(&device, 1, now);
	struct error_counters counters = {0};
	struct aer recent;
	bool changed;
	char *written = update(*text, &inventory, &counters, &changed);

	if (changed) {
		free(*text);
		*text = written;
	} else {
		free(written);
	}
	assert_true(error_counters_recent(&counters, &device, &recent));
	error_counters_free(&counters);
	return recent.nonfatal;
}

static void errors_are_recent_for_an_hour_or_two(void **state)
{
	static const struct {
		time_t now;
		uint64_t total, recent;
	} rows[] = {
		{1000, 3, 0},				      /* errors before the first run */
		{1060, 3, 0},	{1120, 4, 1},	{1180, 4, 1}, /* no run hides it from another */
		{4600, 4, 1},				      /* a new period begins */
		{4660, 6, 3},	{8190, 6, 3},	{8210, 6, 2},
		{11820, 6, 0},	{100000, 9, 3}, /* nobody looked for a day */
		{100060, 9, 3}, {103590, 9, 3}, {103600, 9, 0},
		{50000, 9, 0}, /* the clock was set back */
	};
	char *text = strdup("pciprobe-errors 1\n");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (recent_after(&text, counted(1, rows[i].total), rows[i].now) != rows[i].recent)
			fail_msg("at %ld: not %d", (long)rows[i].now, (int)rows[i].recent);
	free(text);
}

static void counts_that_restart_count_from_zero(void **state)
{
	char *text = strdup("pciprobe-errors 1\n");
	struct pci_device other = counted(1, 7);

	(void)state;
	assert_int_equal(recent_after(&text, counted(1, 5), 1000), 0);
	assert_int_equal(recent_after(&text, counted(1, 2), 1060), 2); /* after a reboot */
	assert_int_equal(recent_after(&text, counted(1, 2), 1120), 2);
	other.inode = 7; /* removed and added again */
	assert_int_equal(recent_after(&text, other, 1180), 7);
	free(text);
}

static void lines_are_kept_for_devices_that_are_not_selected(void **state)
{
	struct pci_device devices[] = {counted(1, 0), counted(2, 0), counted(4, 0)};
	struct inventory inventory = inventory_of(devices, COUNT(devices), 2000);
	struct error_counters counters = {0};
	bool changed;
	char *text;

	(void)state;
	devices[0].selected = false;
	devices[1].present &= ~(unsigned)HAS_AER_FATAL; /* could not be read this time */
	text = update("pciprobe-errors 1\n"
		      "0000:01:00.0 101 1000 5 0 0 5 0 0\n"
		      "0000:02:00.0 102 1000 5 0 9 5 0 9\n"
		      "0000:03:00.0 103 1000 5 0 0 5 0 0\n",
		      &inventory, &counters, &changed);
	assert_true(changed);
	assert_string_equal(text, "pciprobe-errors 1\n"
				  "0000:01:00.0 101 1000 5 0 0 5 0 0\n"
				  "0000:02:00.0 102 1000 5 0 9 5 0 9\n"
				  "0000:04:00.0 104 2000 5 0 0 5 0 0\n");
	free(text);
	error_counters_free(&counters);
}

static void an_invalid_file_of_counts_is_an_error(void **state)
{
	static const char *const texts[] = {
		"",
		"pciprobe-errors 2\n",
		"pciprobe-errors 1\n0000:01:00.0 101 1000 5 0 0 5 0\n",
		"pciprobe-errors 1\n0000:01:00.0 101 1000 5 0 0 5 0 0 1\n",
		"pciprobe-errors 1\n0000:01:00.0 101 1000 5 0 0 5 0 0",
		"pciprobe-errors 1\n01:00.0 101 1000 5 0 0 5 0 0\n",
		"pciprobe-errors 1\n0000:01:00.0 101 1000 5 0 0 5 0 -1\n",
		"pciprobe-errors 1\n0000:01:00.0 101 1000 6 0 0 5 0 0\n", /* less than before */
		"pciprobe-errors 1\n\n",
	};
	struct error_counters counters = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(error_counters_parse(texts[i], &counters), -EBADMSG);
	assert_null(counters.items);
}

/* ---- unfinished changes ---- */

static void only_old_changes_of_this_boot_are_unfinished(void **state)
{
	static const char journal[] =
		"vfio-bind 1\nboot 11111111-2222-3333-4444-555555555555\n"
		"bound 0000:01:00.0 8086:10d3 1 e1000e,- e1000e,- vfio-pci,-\n"
		"doing 0000:02:00.0 8086:10d3 2 nvme,- nvme,- vfio-pci,-\n"
		"undo-vfs 0000:03:00.0 8086:1572 3 2 4 4714 -\n       \n";
	struct fakesys *fake = fakesys_new();
	struct strings list = {0};
	struct sysroot *root;
	struct stat status;
	char path[128];

	(void)state;
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(unfinished_read(root, 1000, &list), 0);
	fakesys_file(fake, "proc/sys/kernel/random/boot_id",
		     "11111111-2222-3333-4444-555555555555\n");
	fakesys_file(fake, "run/vfio-bind/journal", journal);
	snprintf(path, sizeof(path), "%s/run/vfio-bind/journal", fake->path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(unfinished_read(root, status.st_mtime + 30, &list), 0);
	assert_int_equal(list.count, 0); /* vfio-bind may still run */
	assert_int_equal(unfinished_read(root, status.st_mtime + 90, &list), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0],
			    "0000:02:00.0: vfio-bind did not finish changing its driver");
	assert_string_equal(list.items[1],
			    "0000:03:00.0: vfio-bind did not finish changing its number of VFs");
	strings_free(&list);

	fakesys_file(fake, "proc/sys/kernel/random/boot_id",
		     "99999999-2222-3333-4444-555555555555\n");
	assert_int_equal(unfinished_read(root, status.st_mtime + 90, &list), 0);
	assert_int_equal(list.count, 0);
	fakesys_file(fake, "run/vfio-bind/journal", "something else\n");
	assert_int_equal(unfinished_read(root, status.st_mtime + 90, &list), -EBADMSG);
	fakesys_file(fake, "run/vfio-bind/journal", "vfio-bind 1\ndoing nothing\n");
	assert_int_equal(unfinished_read(root, status.st_mtime + 90, &list), -EBADMSG);
	strings_free(&list);
	sysroot_free(root);
	fakesys_free(fake);
}

/* ---- the output ---- */

static struct owner owners[] = {{.name = TEXT("a|b\n\\n\033[31m"), .source = "vfio"},
				{.name = TEXT("web"), .source = "libvirt"}};

/* Writes the service for DEVICES; returns the text and *ret_state. */
static char *output_of_devices(struct pci_device *devices, size_t count,
			       struct service_output output, struct check_input input,
			       enum service_state *ret_state)
{
	static char *const none[] = {NULL};
	struct inventory inventory = inventory_of(devices, count, 1000);
	struct config *config;
	struct service service;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(config_new_empty(&config), 0);
	input.config = config;
	input.inventory = &inventory;
	assert_int_equal(service_judge(&input, &thresholds, none, &service), 0);
	assert_int_equal(service_write(out, &output, &input, &service), 0);
	*ret_state = service.state;
	service_free(&service);
	config_free(config);
	fclose(out);
	return text;
}

static struct pci_device held(unsigned bus)
{
	return (struct pci_device){.address = {.bus = (uint8_t)bus},
				   .selected = true,
				   .present = HAS_OWNERSHIP,
				   .ownership = OWNERSHIP_HELD,
				   .driver = vfio_pci,
				   .owners = owners,
				   .owner_count = 1};
}

static void the_first_line_has_the_state_and_the_problems(void **state)
{
	struct pci_device devices[] = {held(1), held(2), counted(3, 0)};
	struct error_counters counters = {0};
	enum service_state result;
	char *text;

	(void)state;
	devices[1].owner_count = 2;
	devices[2].present = HAS_OWNERSHIP;
	text = output_of_devices(devices, 3, (struct service_output){0},
				 (struct check_input){.has_errors = true, .errors = counters},
				 &result);
	assert_int_equal(result, SERVICE_CRITICAL);
	assert_int_equal(
		strncmp(text, "PCI CRITICAL - 1 conflict (3 devices, 2 held, 1 free) | ",
			strlen("PCI CRITICAL - 1 conflict (3 devices, 2 held, 1 free) | ")),
		0);
	assert_contains(text, " 'conflicts'=1;;0;0 ");
	assert_contains(text, "\nCRITICAL conflicts: 0000:02:00.0: held by VM 'a?b");
	assert_contains(text, "; stop one of the owners; see 'pciprobe explain'\n");
	free(text);
}

static void hostile_names_neither_add_lines_nor_performance_data(void **state)
{
	struct pci_device device = held(1);
	struct error_counters counters = {0};
	enum service_state result;
	char *text, *second;

	(void)state;
	device.owner_count = 2;
	text = output_of_devices(&device, 1, (struct service_output){0},
				 (struct check_input){.has_errors = true, .errors = counters},
				 &result);
	second = strchr(text, '\n');
	assert_non_null(second);
	assert_null(strchr(second, '|'));
	assert_null(strchr(text, '\033'));
	assert_ptr_equal(strrchr(text, '\n'), strchr(second + 1, '\n')); /* two lines */
	free(text);

	text = output_of_devices(&device, 1, (struct service_output){.is_checkmk = true},
				 (struct check_input){.has_errors = true, .errors = counters},
				 &result);
	assert_int_equal(strncmp(text, "2 \"PCI devices\" devices=1;;;0|",
				 strlen("2 \"PCI devices\" devices=1;;;0|")),
			 0);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_contains(text, " 1 conflict (1 device, 1 held)\\nCRITICAL conflicts: ");
	assert_contains(text, "VM 'a?b??n?[31m'");
	free(text);
}

static void unknown_owners_are_listed_once_and_make_other_checks_unknown(void **state)
{
	struct pci_device devices[12];
	struct error_counters counters = {0};
	enum service_state result;
	char *text;

	(void)state;
	for (unsigned i = 0; i < COUNT(devices); i++) {
		devices[i] = counted(i, 0);
		devices[i].present = HAS_OWNERSHIP;
		devices[i].ownership = OWNERSHIP_UNKNOWN;
		devices[i].unknown_reason = unseen;
	}
	text = output_of_devices(devices, COUNT(devices), (struct service_output){0},
				 (struct check_input){.has_errors = true, .errors = counters},
				 &result);
	assert_int_equal(result, SERVICE_UNKNOWN);
	assert_contains(
		text,
		"PCI UNKNOWN - 12 unknown owners, unknown number of conflicts (12 devices, 12 "
		"unknown) | ");
	assert_null(strstr(text, "'conflicts'=")); /* an unknown number has no value */
	assert_contains(text, "\nUNKNOWN unknown: 0000:09:00.0: owner unknown: 7 processes could");
	assert_null(strstr(text, "0000:0a:00.0"));
	assert_contains(text, "\nUNKNOWN unknown: and 2 more; see 'pciprobe explain'\n");
	assert_contains(text, "\nUNKNOWN conflicts: 0 to 12, expected 0\n");
	free(text);

	/* whoever accepts unknown owners has to accept the possible conflicts */
	assert_int_equal(thresholds_add(&thresholds, "unknown=~:", SERVICE_WARNING, &test_log), 0);
	assert_int_equal(thresholds_add(&thresholds, "conflicts=~:", SERVICE_CRITICAL, &test_log),
			 0);
	text = output_of_devices(devices, COUNT(devices), (struct service_output){0},
				 (struct check_input){.has_errors = true, .errors = counters},
				 &result);
	assert_int_equal(result, SERVICE_OK);
	free(text);
}

static void a_device_that_could_not_be_read_is_never_ok(void **state)
{
	struct pci_device device = counted(1, 0);
	struct error_counters counters = {0};
	enum service_state result;
	char *text;

	(void)state;
	device.present = HAS_OWNERSHIP;
	device.incomplete = true;
	text = output_of_devices(&device, 1, (struct service_output){0},
				 (struct check_input){.has_errors = true, .errors = counters},
				 &result);
	assert_int_equal(result, SERVICE_UNKNOWN);
	for (const char *const *line =
		     (const char *const[]){
			     "\nUNKNOWN incomplete: 0000:01:00.0: an attribute could not be read\n",
			     "\nUNKNOWN fatal: 0000:01:00.0: the error counters could not be read;",
			     "\nUNKNOWN degraded: 0000:01:00.0: the link could not be read;", NULL};
	     *line; line++)
		assert_contains(text, *line);
	assert_null(strstr(text, "'fatal'="));
	free(text);
}

static void unreadable_files_of_the_host_are_unknown(void **state)
{
	char x_denied[] = "/x: denied", y_denied[] = "/y: denied", z_denied[] = "/z: denied";
	struct pci_device device = counted(1, 0);
	enum service_state result;
	char *text = output_of_devices(&device, 1, (struct service_output){0},
				       (struct check_input){
					       .errors_reason = x_denied,
					       .unfinished_reason = y_denied,
					       .answer_reason = z_denied,
				       },
				       &result);

	(void)state;
	assert_int_equal(result, SERVICE_UNKNOWN);
	assert_contains(text, "\nUNKNOWN fatal: unknown, expected 0 (/x: denied)\n");
	assert_contains(text, "\nUNKNOWN unfinished: unknown, expected 0 (/y: denied)\n");
	assert_contains(text, "\nUNKNOWN answer_age: unknown, expected 1800 (/z: denied)\n");
	free(text);
}

static void without_devices_the_state_is_unknown(void **state)
{
	struct error_counters counters = {0};
	enum service_state result;
	char *text = output_of_devices(NULL, 0, (struct service_output){0},
				       (struct check_input){.has_errors = true, .errors = counters},
				       &result);

	(void)state;
	assert_int_equal(result, SERVICE_UNKNOWN);
	assert_contains(text, "PCI UNKNOWN - 0 devices (0 devices) | ");
	assert_contains(text, "\nUNKNOWN devices: 0, expected 1:; no device is selected: edit");
	assert_null(strstr(text, "answer_age")); /* there is none */
	free(text);
}

/* Judges a free device with FINDING about it. */
static char *output_of_finding(struct finding finding, enum service_state *ret_state)
{
	char *const names[] = {TEXT("missing"), TEXT("changed"), NULL};
	struct pci_device device = counted(1, 0);
	struct inventory inventory = inventory_of(&device, 1, 1000);
	struct check_input input = {.inventory = &inventory};
	struct expectation item = {.short_address = TEXT("01:00.0")};
	struct config *config;
	struct service service;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	finding.expectation = &item;
	finding.location = "pci.conf:3:5";
	finding.expected = TEXT("16.0");
	finding.devices = 1;
	inventory.compared = true;
	inventory.findings = &finding;
	inventory.finding_count = 1;
	assert_int_equal(config_new_empty(&config), 0);
	input.config = config;
	assert_int_equal(service_judge(&input, &thresholds, names, &service), 0);
	assert_int_equal(service_write(out, &(struct service_output){0}, &input, &service), 0);
	*ret_state = service.state;
	service_free(&service);
	config_free(config);
	fclose(out);
	return text;
}

static void expectations_have_the_state_of_their_kind(void **state)
{
	const struct {
		struct finding finding;
		enum service_state state;
		const char *text;
	} rows[] = {
		{{.kind = FINDING_MISSING, .property = EXPECT_SHORT_ADDRESS},
		 SERVICE_CRITICAL,
		 "\nCRITICAL missing: 01:00.0: no such device (pci.conf:3:5); "},
		{{.kind = FINDING_DEGRADED, .property = EXPECT_LINK_SPEED, .seen = TEXT("8.0")},
		 SERVICE_WARNING,
		 "\nWARNING changed: 01:00.0: link_speed 8.0 GT/s, expected 16.0 GT/s (pci.conf:3:5)"},
		{{.kind = FINDING_UNKNOWN,
		  .property = EXPECT_LINK_SPEED,
		  .reason = FINDING_UNREADABLE},
		 SERVICE_UNKNOWN,
		 "PCI UNKNOWN - unknown number of unmet expectations (1 device, 1 free) | 'missing'=0;;0;0\n"},
		{{.kind = FINDING_UNKNOWN,
		  .property = EXPECT_SHORT_ADDRESS,
		  .reason = FINDING_UNREADABLE},
		 SERVICE_UNKNOWN,
		 "PCI UNKNOWN - unknown number of missing devices (1 device, 1 free) | 'changed'=0;0;;0\n"},
		{{.kind = FINDING_UNKNOWN,
		  .property = EXPECT_LINK_SPEED,
		  .reason = FINDING_SUSPENDED}, /* asleep, as it should be */
		 SERVICE_OK,
		 "PCI OK - 1 device, 1 free | 'missing'=0;;0;0 'changed'=0;0;;0\n"},
		{{.kind = FINDING_UNEXPECTED,
		  .property = EXPECT_COMPLETE,
		  .seen = TEXT("8086:10d3")},
		 SERVICE_OK, /* not among the checks */
		 "PCI OK - 1 device, 1 free | "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum service_state result;
		char *text = output_of_finding(rows[i].finding, &result);

		assert_contains(text, rows[i].text);
		assert_int_equal(result, rows[i].state);
		free(text);
	}
}

static void own_ranges_are_replaced_by_those_of_the_same_state(void **state)
{
	struct pci_device devices[] = {held(1), held(2)};
	struct error_counters counters = {0};
	enum service_state result;

	(void)state;
	for (size_t i = 0; i < COUNT(devices); i++) {
		devices[i].present |= HAS_LINK_SPEED | HAS_LINK_WIDTH | HAS_LINK_LIMITS;
		devices[i].link = (struct link){.speed = 8,
						.max_speed = 16,
						.width = 16,
						.max_width = 16,
						.port_speed = 16,
						.port_width = 16};
	}
	free(output_of_devices(devices, 2, (struct service_output){0},
			       (struct check_input){.has_errors = true, .errors = counters},
			       &result));
	assert_int_equal(result, SERVICE_WARNING);
	thresholds_add(&thresholds, "degraded=4", SERVICE_CRITICAL, &test_log);
	free(output_of_devices(devices, 2, (struct service_output){0},
			       (struct check_input){.has_errors = true, .errors = counters},
			       &result));
	assert_int_equal(result, SERVICE_WARNING);
	thresholds_add(&thresholds, "degraded=2", SERVICE_WARNING, &test_log);
	free(output_of_devices(devices, 2, (struct service_output){0},
			       (struct check_input){.has_errors = true, .errors = counters},
			       &result));
	assert_int_equal(result, SERVICE_OK);
	thresholds_free(&thresholds);
	devices[0].ownership = devices[1].ownership = OWNERSHIP_FREE;
	devices[0].owner_count = devices[1].owner_count = 0;
	free(output_of_devices(devices, 2, (struct service_output){0},
			       (struct check_input){.has_errors = true, .errors = counters},
			       &result));
	assert_int_equal(result, SERVICE_OK); /* it saves power */
	devices[0].link.width = 8;
	free(output_of_devices(devices, 2, (struct service_output){0},
			       (struct check_input){.has_errors = true, .errors = counters},
			       &result));
	assert_int_equal(result, SERVICE_WARNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_report_what_the_guidelines_say),
		cmocka_unit_test(other_ranges_are_errors),
		cmocka_unit_test_setup_teardown(thresholds_have_a_name_and_maybe_an_alias, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_invalid_threshold_is_an_error_that_names_it,
						setup, teardown),
		cmocka_unit_test(what_is_unknown_is_ok_only_if_it_cannot_matter),
		cmocka_unit_test(the_worst_state_is_critical_then_unknown),
		cmocka_unit_test(errors_are_recent_for_an_hour_or_two),
		cmocka_unit_test(counts_that_restart_count_from_zero),
		cmocka_unit_test(lines_are_kept_for_devices_that_are_not_selected),
		cmocka_unit_test(an_invalid_file_of_counts_is_an_error),
		cmocka_unit_test(only_old_changes_of_this_boot_are_unfinished),
		cmocka_unit_test_setup_teardown(the_first_line_has_the_state_and_the_problems,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			hostile_names_neither_add_lines_nor_performance_data, setup, teardown),
		cmocka_unit_test_setup_teardown(
			unknown_owners_are_listed_once_and_make_other_checks_unknown, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_device_that_could_not_be_read_is_never_ok, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unreadable_files_of_the_host_are_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_devices_the_state_is_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(expectations_have_the_state_of_their_kind, setup,
						teardown),
		cmocka_unit_test_setup_teardown(own_ranges_are_replaced_by_those_of_the_same_state,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
