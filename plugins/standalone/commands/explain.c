/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe explain: which rule matched or rejected each device, and which rules match no device of
 * this host. */
#include "common/text.h"
#include "plugins/standalone/findingtext.h"
#include "plugins/standalone/report.h"
#include "plugins/standalone/unavailable.h"
#include "probe/details/details.h"
#include "probe/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print_rule(const char *verdict, const struct rule_list *list, const struct rule *rule)
{
	printf("    %s %s '", verdict, list->key);
	text_write_plain(stdout, rule_text(rule));
	printf("' (");
	text_write_plain(stdout, strcmp(rule_location(rule), list->key) == 0 ? list->location
									     : rule_location(rule));
	printf(")\n");
}

static void print_rejection(const struct rule_list *list)
{
	printf("    not matched by %s (", list->key);
	text_write_plain(stdout, list->location);
	printf(")%s\n", list->count ? "" : ", which is missing or empty");
}

static void print_list(const char *heading, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		printf("%s%s", i ? ", " : heading, list->items[i]);
	printf("%s", list->count ? "\n" : "");
}

static void print_vf_settings(const struct pci_device *device)
{
	print_list("    leftover of a previous VM: ", &device->leftovers);
	print_list("    differs from the libvirt definition of its VM: ", &device->drift);
	if (!device->vf_unknown_reason)
		return;
	printf("    VF settings unknown: ");
	text_write_plain(stdout, device->vf_unknown_reason);
	printf("\n");
}

/* For a selected device: its aliases, VF settings and whether it is available. */
static void print_availability(const struct pci_device *device)
{
	for (size_t i = 0; i < device->aliases.count; i++)
		printf("    has the alias %s\n", device->aliases.items[i]);
	if (device->group_peers.count) {
		printf("    shares IOMMU group %u with", device->iommu_group);
		for (size_t i = 0; i < device->group_peers.count; i++)
			printf(" %s", device->group_peers.items[i]);
		printf("\n");
	}
	print_vf_settings(device);
	unavailable_write(stdout, "    ", device);
	unavailable_write_help(stdout, "    ", device);
	if (device_unavailable_reason(device) == UNAVAILABLE_NONE)
		printf("    available: can be assigned to a VM\n");
}

static void print_finding(const struct finding *finding)
{
	char text[FINDING_TEXT_SIZE];

	printf("    ");
	text_write_plain(stdout, finding_text(finding, text));
	printf(" (");
	text_write_plain(stdout, finding->location);
	printf(")\n");
}

/* The items of :expect: about the device, and how it differs from them. */
static void print_expectations(struct probe *probe, const struct inventory *inventory,
			       const struct pci_device *device)
{
	const struct expectations *expectations = &probe_config(probe)->expectations;

	for (size_t i = 0; i < expectations->count; i++)
		if (expectation_matches(&expectations->items[i], device)) {
			printf("    expected by :expect: (");
			text_write_plain(stdout, expectations->items[i].location);
			printf(")\n");
		}
	for (size_t i = 0; i < inventory->finding_count; i++) {
		const struct finding *finding = &inventory->findings[i];

		if (finding->has_address &&
		    address_compare(&finding->address, &device->address) == 0)
			print_finding(finding);
	}
}

/* Missing devices, and wrong numbers of devices. */
static void print_other_findings(const struct inventory *inventory)
{
	bool heading_printed = false;

	for (size_t i = 0; i < inventory->finding_count; i++) {
		if (inventory->findings[i].has_address)
			continue;
		if (!heading_printed)
			printf("expectations that this host does not meet:\n");
		heading_printed = true;
		print_finding(&inventory->findings[i]);
	}
	if (inventory->findings_omitted)
		printf("%zu more findings\n", inventory->findings_omitted);
}

static void print_device(struct probe *probe, const struct inventory *inventory,
			 const struct pci_device *device)
{
	const struct selection *selection = probe_selection(probe);
	const struct verdict *verdict = device->verdict;
	char address[ADDRESS_SIZE];
	const char *omitted_reason;
	bool restricted = false;

	printf("%s %04x:%04x:%04x ", address_format(&device->address, address), device->vendor,
	       device->device, device->class);
	text_write_plain(stdout, selection_subject(probe_names(probe), device));
	printf(": %s\n", device->selected ? "selected" : "not selected");
	for (size_t i = 0; i < selection->count; i++)
		if (verdict->matched[i]) {
			print_rule("matched by", selection->lists[i], verdict->matched[i]);
			restricted = true;
		}
	if (verdict->excluded_by)
		print_rule("rejected by", verdict->rejected_by, verdict->excluded_by);
	else if (verdict->rejected_by)
		print_rejection(verdict->rejected_by);
	else if (!restricted)
		printf("    selected: %s and no filter\n",
		       probe_config(probe)->path ? "no rule in pci.conf" : "no pci.conf");
	if (device->selected)
		print_availability(device);
	print_expectations(probe, inventory, device);
	omitted_reason = device->selected ? opennebula_omit_reason(probe_config(probe), device)
					  : NULL;
	if (omitted_reason)
		printf("    omitted by the opennebula format: it is %s, and those are published\n",
		       omitted_reason);
}

/* Returns 1 if RULE by itself matches a device of the host, 0 if none, or a negative errno. */
static int matches_any_device(struct probe *probe, const struct inventory *inventory,
			      const struct rule *rule, const struct log *log)
{
	int found = 0;

	for (size_t i = 0; i < inventory->count && !found; i++)
		found = rule_matches(rule, &inventory->devices[i],
				     selection_subject(probe_names(probe), &inventory->devices[i]),
				     log);
	return found;
}

static int print_unmatched_rules(struct probe *probe, const struct inventory *inventory,
				 const struct log *log)
{
	const struct selection *selection = probe_selection(probe);
	bool heading_printed = false;
	int found;

	for (size_t i = 0; i < selection->count; i++) {
		const struct rule_list *list = selection->lists[i];

		for (size_t j = 0; j < list->count; j++) {
			found = matches_any_device(probe, inventory, list->rules[j], log);
			if (found < 0)
				return found;
			if (found)
				continue;
			if (!heading_printed)
				printf("rules that match no device of this host:\n");
			heading_printed = true;
			printf("    %s '", list->key);
			text_write_plain(stdout, rule_text(list->rules[j]));
			printf("' (");
			text_write_plain(stdout, rule_location(list->rules[j]));
			printf(")\n");
		}
	}
	return 0;
}

static int explain_all(const struct options *options, struct probe *probe,
		       const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->count; i++)
		print_device(probe, inventory, &inventory->devices[i]);
	printf("%zu of %zu devices selected", inventory->selected, inventory->count);
	if (probe_config(probe)->path) {
		printf(" by ");
		text_write_plain(stdout, probe_config(probe)->path);
	}
	printf("\n");
	print_other_findings(inventory);
	return print_unmatched_rules(probe, inventory, &options->log) < 0 ? STATUS_FAILED
									  : status_of(inventory);
}

/* What is expected at an address without a device. */
static void print_missing(const struct inventory *inventory, const struct pci_address *address)
{
	for (size_t i = 0; i < inventory->finding_count; i++) {
		const struct finding *finding = &inventory->findings[i];
		const struct expectation *item = finding->expectation;

		if (item && item->short_address && !item->identity.by_path &&
		    address_compare(&item->identity.address, address) == 0)
			print_finding(finding);
	}
}

static int explain_arguments(const struct options *options, struct probe *probe,
			     const struct inventory *inventory)
{
	int status = status_of(inventory);

	for (char **arg = options->arguments; *arg; arg++) {
		struct pci_address address;
		const struct pci_device *device;

		address_parse(*arg, &address);
		device = inventory_find(inventory, &address);
		if (device) {
			print_device(probe, inventory, device);
			continue;
		}
		print_missing(inventory, &address);
		log_error(&options->log, "%s: this host has no such device", *arg);
		status = STATUS_FAILED;
	}
	return status;
}

int run_explain(struct options *options)
{
	struct inventory *inventory = NULL;
	struct pci_address address;
	struct probe *probe;
	int status = STATUS_FAILED;

	for (char **arg = options->arguments; *arg; arg++)
		if (address_parse(*arg, &address) < 0) {
			log_error(
				&options->log,
				"explain: invalid PCI address '%s': expected e.g. 07:00.0 or 0000:07:00.0",
				*arg);
			return STATUS_USAGE;
		}
	if (options_probe(options,
			  DETAIL_OF_VFS | DETAIL_POOLS | DETAIL_EXPECT | DETAIL_HOST_PROCESSES,
			  &probe) < 0)
		return STATUS_FAILED;
	if (probe_read(probe, &inventory) == 0)
		status = options->argument_count ? explain_arguments(options, probe, inventory)
						 : explain_all(options, probe, inventory);
	if (names_no_memory(probe_names(probe))) {
		log_error(&options->log, "out of memory");
		status = STATUS_FAILED;
	}
	if (inventory)
		report_log_sources(options, inventory);
	inventory_free(inventory);
	probe_free(probe);
	return status;
}
