/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe request: checks whether devices can be assigned to a VM now, and prints which. */
#include "probe/select/request.h"
#include "common/text.h"
#include "common/textstream.h"

#include "plugins/standalone/aliasname.h"
#include "plugins/standalone/report.h"
#include "plugins/standalone/unavailable.h"
#include "probe/details/details.h"
#include "probe/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct requests {
	struct request *items;
	unsigned *served;
	size_t count;
};

static void free_requests(struct requests *requests)
{
	for (size_t i = 0; i < requests->count; i++)
		request_free(&requests->items[i]);
	free(requests->items);
	free(requests->served);
}

/* Returns an enum status. */
static int parse_requests(const struct options *options, struct requests *requests)
{
	size_t capacity = (size_t)options->argument_count;
	int error = 0;

	if (!capacity) {
		log_error(
			&options->log,
			"request: no devices specified (e.g. a1:2, vendor=8086,class=0200, address=07:00.0)");
		return STATUS_USAGE;
	}
	requests->items = calloc(capacity, sizeof(*requests->items));
	requests->served = calloc(capacity, sizeof(*requests->served));
	if (!requests->items || !requests->served) {
		log_error(&options->log, "out of memory");
		return STATUS_FAILED;
	}
	while (requests->count < capacity && !error) {
		error = request_parse(options->arguments[requests->count], &options->log,
				      &requests->items[requests->count]);
		requests->count += !error;
	}
	if (error == -ENOMEM)
		log_error(&options->log, "out of memory");
	return error == -ENOMEM ? STATUS_FAILED : error ? STATUS_USAGE : STATUS_OK;
}

static int check_aliases(const struct options *options, const struct config *config,
			 const struct requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		const char *alias = requests->items[i].alias;

		if (alias && !aliasname_check(alias, config, &options->log))
			return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* Writes why each matching device is unavailable; AVAILABLE ones are assigned to other requests. */
static void write_reasons(const struct request *request, const struct inventory *inventory,
			  size_t available)
{
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < inventory->count; i++) {
		const struct pci_device *device = &inventory->devices[i];

		if (!request_fits(request, device) ||
		    (device->selected && device_unavailable_reason(device) == UNAVAILABLE_NONE))
			continue;
		address_format(&device->address, address);
		fprintf(stderr, "  %s: ", address);
		if (device->selected)
			unavailable_write_brief(stderr, device);
		else
			fprintf(stderr, "not selected; 'pciprobe explain %s' says why", address);
		fputc('\n', stderr);
	}
	if (available)
		fprintf(stderr, "  %zu available %s assigned to the other requests\n", available,
			available == 1 ? "device is" : "devices are");
}

static void report_unserved(const struct options *options, const struct inventory *inventory,
			    const struct requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		const struct request *request = &requests->items[i];
		unsigned served = requests->served[i];
		size_t matching = 0, available = 0;
		char number[16] = "none";

		if (served == request->count)
			continue;
		for (size_t j = 0; j < inventory->count; j++) {
			const struct pci_device *device = &inventory->devices[j];

			if (!request_fits(request, device))
				continue;
			matching++;
			available += device->selected &&
				     device_unavailable_reason(device) == UNAVAILABLE_NONE;
		}
		if (!matching) {
			log_error(&options->log,
				  "%s: %u requested, but this host has no matching device",
				  options->arguments[i], request->count);
			continue;
		}
		if (served)
			snprintf(number, sizeof(number), "%u", served);
		log_error(&options->log, "%s: %u requested, %s available (%zu matching device%s)%s",
			  options->arguments[i], request->count, number, matching,
			  matching == 1 ? "" : "s",
			  options->quiet || matching == served ? "" : ":");
		if (!options->quiet)
			write_reasons(request, inventory, available - served);
	}
}

/* Without --format, prints addresses; else writes a report that has only the ASSIGNED devices. */
static int print_assigned(const struct options *options, struct report *report,
			  struct inventory *inventory, const struct pci_device **assigned,
			  size_t count)
{
	char address[ADDRESS_SIZE];

	if (!options->format_given) {
		for (size_t i = 0; i < count; i++)
			printf("%s\n", address_format(&assigned[i]->address, address));
		return STATUS_OK;
	}
	for (size_t i = 0; i < inventory->count; i++)
		inventory->devices[i].selected = false;
	for (size_t i = 0; i < count; i++)
		inventory_find(inventory, &assigned[i]->address)->selected = true;
	inventory->selected = count;
	return report_write(report, options);
}

/* Paths are read of all devices, since the reasons name unselected ones too. */
static int resolve_addresses(const struct options *options, struct probe *probe,
			     const struct requests *requests, struct inventory *inventory)
{
	int error = 0;

	for (size_t i = 0; i < requests->count && error == 0; i++) {
		const struct rule_list *addresses = &requests->items[i].addresses;

		if (rule_list_has_paths(addresses))
			error = details_read_paths(probe_sysroot(probe), &options->log, inventory);
		if (error == 0)
			error = rule_list_warn_moved(addresses, inventory, &options->log);
	}
	if (error == -ENOMEM)
		log_error(&options->log, "out of memory");
	return error;
}

static int serve_requests(const struct options *options, struct report *report,
			  struct requests *requests)
{
	const struct pci_device **assigned = NULL;
	struct inventory *inventory = NULL;
	size_t count = 0;
	int status = STATUS_FAILED, served;

	if (probe_read(report->probe, &inventory) < 0)
		return STATUS_FAILED;
	if (resolve_addresses(options, report->probe, requests, inventory) < 0) {
		inventory_free(inventory);
		return STATUS_FAILED;
	}
	report->inventory = inventory;
	served = requests_serve(requests->items, requests->count, inventory, requests->served,
				&assigned, &count);
	if (served > 0)
		status = print_assigned(options, report, inventory, assigned, count);
	else if (served == 0)
		report_unserved(options, inventory, requests);
	else
		log_error(&options->log, "out of memory");
	report_log_sources(options, inventory);
	report_empty_selection(options, false, report->probe, inventory);
	free(assigned);
	inventory_free(inventory);
	return status;
}

int run_request(struct options *options)
{
	struct requests requests = {0};
	struct report report = {0};
	int status = parse_requests(options, &requests);

	if (status == STATUS_OK)
		status = report_begin(&report, options);
	if (status == STATUS_OK) {
		status = STATUS_FAILED;
		if (options_probe(options, report_details(&report, options, DETAIL_POOLS),
				  &report.probe) == 0) {
			status = check_aliases(options, probe_config(report.probe), &requests);
			if (status == STATUS_OK)
				status = serve_requests(options, &report, &requests);
			probe_free(report.probe);
		}
	}
	free(report.columns);
	free_requests(&requests);
	return status;
}
