/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/check.h"

#include "plugins/standalone/findingtext.h"
#include "plugins/standalone/unavailable.h"
#include "probe/details/details.h"
#include "probe/expect/finding.h"
#include "probe/nearest.h"
#include "probe/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the numbers ---- */

static void add_if(bool condition, struct amount *ret)
{
	ret->count += condition;
}

static bool is_unknown(const struct pci_device *device)
{
	return device->ownership == OWNERSHIP_UNKNOWN;
}

static void count_devices(const struct check_input *input, const struct pci_device *device,
			  struct amount *ret)
{
	(void)input;
	(void)device;
	ret->count++;
}

static void count_state(const struct pci_device *device, enum ownership state, struct amount *ret)
{
	add_if(device->ownership == state, ret);
	ret->more += is_unknown(device);
}

static void count_held(const struct check_input *input, const struct pci_device *device,
		       struct amount *ret)
{
	(void)input;
	count_state(device, OWNERSHIP_HELD, ret);
}

static void count_free(const struct check_input *input, const struct pci_device *device,
		       struct amount *ret)
{
	(void)input;
	count_state(device, OWNERSHIP_FREE, ret);
}

static void count_available(const struct check_input *input, const struct pci_device *device,
			    struct amount *ret)
{
	enum unavailable_reason reason = device_unavailable_reason(device);

	(void)input;
	add_if(reason == UNAVAILABLE_NONE, ret);
	ret->more += reason == UNAVAILABLE_UNKNOWN;
}

static void count_unknown(const struct check_input *input, const struct pci_device *device,
			  struct amount *ret)
{
	(void)input;
	add_if(is_unknown(device), ret);
}

static void count_conflict(const struct check_input *input, const struct pci_device *device,
			   struct amount *ret)
{
	bool conflict = device_has_conflict(device);

	(void)input;
	add_if(conflict, ret);
	ret->more += !conflict && is_unknown(device);
}

/* Adds the recent errors of one kind. */
static void count_errors(const struct check_input *input, const struct pci_device *device,
			 uint64_t (*of)(const struct aer *), struct amount *ret)
{
	struct aer recent;

	if (!device_has_error_counters(device)) {
		if (device->incomplete)
			ret->more = INFINITY;
	} else if (input->has_errors && error_counters_recent(&input->errors, device, &recent)) {
		ret->count += (double)of(&recent);
	} else {
		ret->more = INFINITY;
		ret->reason = input->errors_reason;
	}
}

static uint64_t fatal_of(const struct aer *aer)
{
	return aer->fatal;
}

static uint64_t nonfatal_of(const struct aer *aer)
{
	return aer->nonfatal;
}

static uint64_t correctable_of(const struct aer *aer)
{
	return aer->correctable;
}

static void count_fatal(const struct check_input *input, const struct pci_device *device,
			struct amount *ret)
{
	count_errors(input, device, fatal_of, ret);
}

static void count_nonfatal(const struct check_input *input, const struct pci_device *device,
			   struct amount *ret)
{
	count_errors(input, device, nonfatal_of, ret);
}

static void count_correctable(const struct check_input *input, const struct pci_device *device,
			      struct amount *ret)
{
	count_errors(input, device, correctable_of, ret);
}

/* A device that is not in use may slow down its link to save power; fewer lanes are always wrong.
 */
static void count_degraded(const struct check_input *input, const struct pci_device *device,
			   struct amount *ret)
{
	const struct link *link = &device->link;
	bool degraded = device_has_degraded_link(device);
	bool narrow = degraded && link->width < link->max_width && link->width < link->port_width;

	(void)input;
	add_if(degraded && (narrow || device->ownership == OWNERSHIP_HELD), ret);
	ret->more += degraded ? !narrow && is_unknown(device)
			      : device->incomplete && !device_knows_link(device) &&
					!device_is_bridge(device);
}

static bool has_vf_settings(const struct pci_device *device)
{
	return device->vf || device->vf_unknown_reason;
}

static void count_leftovers(const struct check_input *input, const struct pci_device *device,
			    struct amount *ret)
{
	(void)input;
	add_if(device->leftovers.count, ret);
	ret->more += has_vf_settings(device) && !device_knows_leftovers(device);
}

static void count_drift(const struct check_input *input, const struct pci_device *device,
			struct amount *ret)
{
	(void)input;
	add_if(device->drift.count, ret);
	ret->more += has_vf_settings(device) &&
		     (is_unknown(device) || (device_has_stated_settings(device) && !device->vf));
}

static void count_incomplete(const struct check_input *input, const struct pci_device *device,
			     struct amount *ret)
{
	(void)input;
	add_if(device->incomplete, ret);
}

static void measure_unfinished(const struct check_input *input, struct amount *ret)
{
	ret->count = (double)input->unfinished.count;
	if (input->unfinished_reason)
		*ret = (struct amount){.more = INFINITY, .reason = input->unfinished_reason};
}

static void measure_answer_age(const struct check_input *input, struct amount *ret)
{
	ret->count = input->answer_age;
	ret->is_absent = !input->has_answer && !input->answer_reason;
	if (input->answer_reason)
		*ret = (struct amount){.more = INFINITY, .reason = input->answer_reason};
}

static void measure_time(const struct check_input *input, struct amount *ret)
{
	ret->count = (double)(long)(input->inventory->seconds * 1000 + 0.5) / 1000;
}

static void count_total(const struct pci_device *device, uint64_t (*of)(const struct aer *),
			struct amount *ret)
{
	if (device_has_error_counters(device))
		ret->count += (double)of(&device->aer);
	else if (device->incomplete)
		ret->more = INFINITY;
}

static void count_fatal_total(const struct check_input *input, const struct pci_device *device,
			      struct amount *ret)
{
	(void)input;
	count_total(device, fatal_of, ret);
}

static void count_nonfatal_total(const struct check_input *input, const struct pci_device *device,
				 struct amount *ret)
{
	(void)input;
	count_total(device, nonfatal_of, ret);
}

static void count_correctable_total(const struct check_input *input,
				    const struct pci_device *device, struct amount *ret)
{
	(void)input;
	count_total(device, correctable_of, ret);
}

/* ---- what is wrong ---- */

static void explain_owners(FILE *out, const struct check_input *input,
			   const struct pci_device *device)
{
	(void)input;
	if (device->owner_count)
		unavailable_write_owners(out, "; ", device);
	if (!device_is_assignable(device) && device->driver)
		fprintf(out, "%sbound to host driver %s", device->owner_count ? "; " : "",
			device->driver);
	if (is_unknown(device))
		fprintf(out, "%sowner unknown: %s", device->owner_count ? "; " : "",
			device->unknown_reason ? device->unknown_reason : "not read");
}

static void explain_errors(FILE *out, const struct check_input *input,
			   const struct pci_device *device)
{
	struct aer recent;

	if (!device_has_error_counters(device))
		fputs("the error counters could not be read", out);
	else if (input->has_errors && error_counters_recent(&input->errors, device, &recent))
		fprintf(out,
			"%" PRIu64 " fatal, %" PRIu64 " nonfatal, %" PRIu64
			" correctable errors in the last two hours",
			recent.fatal, recent.nonfatal, recent.correctable);
}

static void explain_link(FILE *out, const struct check_input *input,
			 const struct pci_device *device)
{
	const struct link *link = &device->link;

	(void)input;
	if (!device_knows_link(device))
		fputs("the link could not be read", out);
	else
		fprintf(out, "link %g GT/s x%u instead of %g GT/s x%u", link->speed, link->width,
			link->max_speed < link->port_speed ? link->max_speed : link->port_speed,
			link->max_width < link->port_width ? link->max_width : link->port_width);
}

static void write_list(FILE *out, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "%s%s", i ? ", " : "", list->items[i]);
}

/* Why the settings of a VF could not be judged. */
static void explain_unknown_vf(FILE *out, const struct pci_device *device)
{
	fprintf(out, "unknown: %s",
		device->vf_unknown_reason ? device->vf_unknown_reason
		: device->unknown_reason  ? device->unknown_reason
					  : "not read");
}

static void explain_leftovers(FILE *out, const struct check_input *input,
			      const struct pci_device *device)
{
	(void)input;
	if (device->leftovers.count)
		write_list(out, &device->leftovers);
	else
		explain_unknown_vf(out, device);
}

static void explain_drift(FILE *out, const struct check_input *input,
			  const struct pci_device *device)
{
	const struct owner *holder = device_holder(device);

	(void)input;
	if (!device->drift.count) {
		explain_unknown_vf(out, device);
		return;
	}
	write_list(out, &device->drift);
	if (holder && holder->name)
		fprintf(out, ", VM '%s'", holder->name);
}

static void explain_incomplete(FILE *out, const struct check_input *input,
			       const struct pci_device *device)
{
	(void)input;
	(void)device;
	fputs("an attribute could not be read", out);
}

static int list_unfinished(const struct check_input *input, struct strings *ret)
{
	return strings_add_all(ret, &input->unfinished);
}

/* ---- expectations ---- */

/* Whether a finding about PROPERTY is one about which devices there are. */
static bool is_about_presence(enum expect_property property)
{
	return property == EXPECT_SHORT_ADDRESS || property == EXPECT_COUNT ||
	       property == EXPECT_MIN_COUNT || property == EXPECT_COMPLETE;
}

/* The link of a device that is asleep is unknown on purpose, and is no problem. */
static bool is_unchecked(const struct finding *finding)
{
	return finding->kind == FINDING_UNKNOWN && finding->reason != FINDING_SUSPENDED;
}

/* Whether FINDING is one of KIND, or may be. */
static bool is_of_kind(const struct finding *finding, enum finding_kind kind)
{
	if (kind == FINDING_CHANGED)
		return finding->kind == FINDING_CHANGED || finding->kind == FINDING_DEGRADED ||
		       (is_unchecked(finding) && !is_about_presence(finding->property));
	return finding->kind == kind ||
	       (is_unchecked(finding) && is_about_presence(finding->property));
}

static void measure_findings(const struct check_input *input, enum finding_kind kind,
			     struct amount *ret)
{
	const struct inventory *inventory = input->inventory;

	ret->is_absent = !inventory->compared;
	for (size_t i = 0; i < inventory->finding_count; i++) {
		const struct finding *finding = &inventory->findings[i];

		if (!is_of_kind(finding, kind))
			continue;
		if (finding->kind == FINDING_UNKNOWN)
			ret->more++;
		else
			ret->count += finding->devices;
	}
	if (inventory->findings_omitted)
		ret->more = INFINITY;
}

static int list_finding(const struct finding *finding, struct strings *ret)
{
	char text[FINDING_TEXT_SIZE], *line;
	/* the name of the check is said already */
	const char *words = finding_text(finding, text) + strlen(finding_kind_name(finding->kind)) +
			    strlen(": ");
	int error;

	if (asprintf(&line, "%s (%s)", words, finding->location) < 0)
		return -ENOMEM;
	error = strings_add(ret, line);
	free(line);
	return error;
}

static int list_findings(const struct check_input *input, enum finding_kind kind,
			 struct strings *ret)
{
	const struct inventory *inventory = input->inventory;
	int error = 0;

	for (size_t i = 0; i < inventory->finding_count && !error; i++)
		if (is_of_kind(&inventory->findings[i], kind))
			error = list_finding(&inventory->findings[i], ret);
	return error;
}

#define FINDINGS(name, kind)                                                            \
	static void measure_##name(const struct check_input *input, struct amount *ret) \
	{                                                                               \
		measure_findings(input, (kind), ret);                                   \
	}                                                                               \
	static int list_##name(const struct check_input *input, struct strings *ret)    \
	{                                                                               \
		return list_findings(input, (kind), ret);                               \
	}

FINDINGS(missing, FINDING_MISSING)
FINDINGS(moved, FINDING_MOVED)
FINDINGS(changed, FINDING_CHANGED)
FINDINGS(unexpected, FINDING_UNEXPECTED)

/* ---- the table ---- */

#define DETAIL_OF_LINKS (DETAIL_LINK | DETAIL_POWER | DETAIL_POOLS)
#define DETAIL_OF_SETTINGS (DETAIL_OF_VFS | DETAIL_POOLS)

const struct service_check SERVICE_CHECKS[] = {
	{.name = "devices",
	 .help = "selected devices",
	 .one = "device",
	 .many = "devices",
	 .unit = "",
	 .range = "1:",
	 .state = SERVICE_UNKNOWN,
	 .advice = "no device is selected: edit pci.conf, or use -a for all devices",
	 .count = count_devices},
	{.name = "missing",
	 .help = "devices that pci.conf expects and that are missing",
	 .one = "missing device",
	 .many = "missing devices",
	 .unit = "",
	 .details = DETAIL_EXPECT,
	 .range = "0",
	 .state = SERVICE_CRITICAL,
	 .advice = "see the kernel's log (dmesg)",
	 .measure = measure_missing,
	 .list = list_missing},
	{.name = "moved",
	 .help = "expected devices that are elsewhere",
	 .one = "moved device",
	 .many = "moved devices",
	 .unit = "",
	 .details = DETAIL_EXPECT,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .measure = measure_moved,
	 .list = list_moved},
	{.name = "changed",
	 .help = "expected devices with another link, driver, NUMA node, number of VFs or state",
	 .one = "unmet expectation",
	 .many = "unmet expectations",
	 .unit = "",
	 .details = DETAIL_EXPECT,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .measure = measure_changed,
	 .list = list_changed},
	{.name = "unexpected",
	 .help = "devices that pci.conf does not expect",
	 .one = "unexpected device",
	 .many = "unexpected devices",
	 .unit = "",
	 .details = DETAIL_EXPECT,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .measure = measure_unexpected,
	 .list = list_unexpected},
	{.name = "held",
	 .help = "devices that VMs or other processes hold",
	 .one = "held device",
	 .many = "held devices",
	 .unit = "",
	 .details = DETAIL_POOLS,
	 .count = count_held},
	{.name = "free",
	 .help = "free devices",
	 .one = "free device",
	 .many = "free devices",
	 .unit = "",
	 .details = DETAIL_POOLS,
	 .count = count_free},
	{.name = "available",
	 .help = "devices that can be assigned to a VM now",
	 .one = "available device",
	 .many = "available devices",
	 .unit = "",
	 .details = DETAIL_POOLS,
	 .count = count_available},
	{.name = "unknown",
	 .help = "devices whose owner is unknown",
	 .one = "unknown owner",
	 .many = "unknown owners",
	 .unit = "",
	 .details = DETAIL_POOLS,
	 .range = "0",
	 .state = SERVICE_UNKNOWN,
	 .count = count_unknown,
	 .explain = explain_owners},
	{.name = "conflicts",
	 .help = "devices claimed by several VMs, or by a VM and the host",
	 .one = "conflict",
	 .many = "conflicts",
	 .unit = "",
	 .details = DETAIL_POOLS,
	 .range = "0",
	 .state = SERVICE_CRITICAL,
	 .advice = "stop one of the owners; see 'pciprobe explain'",
	 .count = count_conflict,
	 .explain = explain_owners},
	{.name = "fatal",
	 .help = "fatal errors in the last hour or two",
	 .one = "fatal error",
	 .many = "fatal errors",
	 .unit = "",
	 .details = DETAIL_AER,
	 .range = "0",
	 .state = SERVICE_CRITICAL,
	 .advice = "see the kernel's log (dmesg)",
	 .count = count_fatal,
	 .explain = explain_errors},
	{.name = "nonfatal",
	 .help = "uncorrectable, non-fatal errors in the last hour or two",
	 .one = "uncorrectable error",
	 .many = "uncorrectable errors",
	 .unit = "",
	 .details = DETAIL_AER,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .advice = "see the kernel's log (dmesg)",
	 .count = count_nonfatal,
	 .explain = explain_errors},
	{.name = "correctable",
	 .help = "correctable errors in the last hour or two",
	 .one = "correctable error",
	 .many = "correctable errors",
	 .unit = "",
	 .details = DETAIL_AER,
	 .advice = "see the kernel's log (dmesg)",
	 .count = count_correctable,
	 .explain = explain_errors},
	{.name = "degraded",
	 .help = "devices whose link is narrower, or in use and slower, than possible",
	 .one = "degraded link",
	 .many = "degraded links",
	 .unit = "",
	 .details = DETAIL_OF_LINKS,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .advice = "check the device, its slot and the riser",
	 .count = count_degraded,
	 .explain = explain_link},
	{.name = "leftovers",
	 .help = "free network VFs with settings of a previous VM",
	 .one = "VF with leftovers",
	 .many = "VFs with leftovers",
	 .unit = "",
	 .details = DETAIL_OF_SETTINGS,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .advice = "reset it with 'vfio-bind vf PF INDEX --reset'",
	 .count = count_leftovers,
	 .explain = explain_leftovers},
	{.name = "drift",
	 .help = "network VFs with other settings than their VM is defined with",
	 .one = "VF with drift",
	 .many = "VFs with drift",
	 .unit = "",
	 .details = DETAIL_OF_SETTINGS,
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .advice = "compare with 'virsh dumpxml'",
	 .count = count_drift,
	 .explain = explain_drift},
	{.name = "incomplete",
	 .help = "devices that could not be read completely",
	 .one = "incomplete device",
	 .many = "incomplete devices",
	 .unit = "",
	 .range = "0",
	 .state = SERVICE_UNKNOWN,
	 .count = count_incomplete,
	 .explain = explain_incomplete},
	{.name = "unfinished",
	 .help = "changes that vfio-bind began and did not finish",
	 .one = "unfinished change",
	 .many = "unfinished changes",
	 .unit = "",
	 .range = "0",
	 .state = SERVICE_WARNING,
	 .advice = "run 'vfio-bind recover'",
	 .measure = measure_unfinished,
	 .list = list_unfinished},
	{.name = "answer_age",
	 .help = "age of the last good answer to OpenNebula's monitor",
	 .one = "second since the last good answer to OpenNebula",
	 .many = "seconds since the last good answer to OpenNebula",
	 .unit = "s",
	 .range = "1800",
	 .state = SERVICE_WARNING,
	 .advice = "run 'pciprobe opennebula' to see the error",
	 .measure = measure_answer_age},
	{.name = "fatal_total",
	 .help = "fatal errors since boot",
	 .one = "fatal error since boot",
	 .many = "fatal errors since boot",
	 .unit = "c",
	 .details = DETAIL_AER,
	 .count = count_fatal_total,
	 .explain = explain_errors},
	{.name = "nonfatal_total",
	 .help = "uncorrectable, non-fatal errors since boot",
	 .one = "uncorrectable error since boot",
	 .many = "uncorrectable errors since boot",
	 .unit = "c",
	 .details = DETAIL_AER,
	 .count = count_nonfatal_total,
	 .explain = explain_errors},
	{.name = "correctable_total",
	 .help = "correctable errors since boot",
	 .one = "correctable error since boot",
	 .many = "correctable errors since boot",
	 .unit = "c",
	 .details = DETAIL_AER,
	 .count = count_correctable_total,
	 .explain = explain_errors},
	{.name = "time",
	 .help = "duration of reading the devices",
	 .one = "second",
	 .many = "seconds",
	 .unit = "s",
	 .measure = measure_time},
};
const size_t SERVICE_CHECK_COUNT = sizeof(SERVICE_CHECKS) / sizeof(*SERVICE_CHECKS);

const struct service_check *service_check_find(const char *name, const struct log *log)
{
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE];

	for (size_t i = 0; i < SERVICE_CHECK_COUNT; i++) {
		if (strcmp(SERVICE_CHECKS[i].name, name) == 0)
			return &SERVICE_CHECKS[i];
		nearest_try(&nearest, SERVICE_CHECKS[i].name);
	}
	log_error(log, "unknown check '%s'%s; 'pciprobe check help' lists them", name,
		  nearest_hint(&nearest, hint));
	return NULL;
}

struct amount service_check_amount(const struct service_check *check,
				   const struct check_input *input, const char *alias)
{
	struct amount amount = {0};

	if (check->measure) {
		check->measure(input, &amount);
		return amount;
	}
	inventory_foreach(input->inventory, device)
		if (!alias || strings_has(&device->aliases, alias))
			check->count(input, device, &amount);
	return amount;
}

/* ---- states ---- */

static enum service_state state_of_value(double value, const struct range *warning,
					 const struct range *critical)
{
	if (critical && range_alerts(critical, value))
		return SERVICE_CRITICAL;
	return warning && range_alerts(warning, value) ? SERVICE_WARNING : SERVICE_OK;
}

/* The numbers of a range have at most 15 digits, or are infinite. Not ceil(3), for which
 * another library would be loaded. */
static double round_up(double number)
{
	double whole = isfinite(number) ? (double)(int64_t)number : number;

	return whole < number ? whole + 1 : whole;
}

/* Sets ret[] to the smallest whole numbers in RANGE and above it. */
static void list_limits(const struct range *range, double ret[2])
{
	ret[0] = range ? round_up(range->low) : INFINITY;
	ret[1] = range ? round_up(range->high) : INFINITY;
	ret[1] += range && ret[1] <= range->high;
}

enum service_state amount_state(const struct amount *amount, const struct range *warning,
				const struct range *critical)
{
	enum service_state state = state_of_value(amount->count, warning, critical);
	double most = amount->count + amount->more, values[5] = {most};

	/* between these values the state is the same */
	list_limits(warning, values + 1);
	list_limits(critical, values + 3);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (values[i] > amount->count && values[i] <= most &&
		    state_of_value(values[i], warning, critical) != state)
			return SERVICE_UNKNOWN;
	return state;
}

enum service_state service_state_worse(enum service_state a, enum service_state b)
{
	static const int severities[] = {[SERVICE_OK] = 0,
					 [SERVICE_WARNING] = 1,
					 [SERVICE_UNKNOWN] = 2,
					 [SERVICE_CRITICAL] = 3};

	return severities[a] >= severities[b] ? a : b;
}

const char *service_state_name(enum service_state state)
{
	static const char *const names[] = {[SERVICE_OK] = "OK",
					    [SERVICE_WARNING] = "WARNING",
					    [SERVICE_CRITICAL] = "CRITICAL",
					    [SERVICE_UNKNOWN] = "UNKNOWN"};

	return names[state];
}
