/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe request: whether this host can give these cards to a VM now, and which. */
#include "probe/request.h"

#include "plugins/standalone/obstacle.h"
#include "plugins/standalone/report.h"
#include "probe/details.h"
#include "probe/pool.h"

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
	size_t room = (size_t)options->argument_count;
	int error = 0;

	if (!room) {
		log_error(&options->log, "which cards? a1:2 (of an alias), vendor=8086,class=0200 or address=07:00.0");
		return STATUS_USAGE;
	}
	requests->items = calloc(room, sizeof(*requests->items));
	requests->served = calloc(room, sizeof(*requests->served));
	if (!requests->items || !requests->served) {
		log_error(&options->log, "out of memory");
		return STATUS_FAILED;
	}
	while (requests->count < room && !error) {
		error = request_parse(options->arguments[requests->count], &options->log,
				      &requests->items[requests->count]);
		requests->count += !error;
	}
	return error ? STATUS_USAGE : STATUS_OK;
}

/* A typing error is no "no". */
static int check_aliases(const struct options *options, const struct config *config, const struct requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		const char *alias = requests->items[i].alias;
		bool known = !alias;

		for (size_t j = 0; j < config->alias_count && !known; j++)
			known = strcmp(config->aliases[j].name, alias) == 0;
		if (!known) {
			log_error(&options->log, "nobody knows the alias '%s'; :alias: in %s names them", alias,
				  config->path ? config->path : "pci.conf");
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

/* Of every card that would have been right, why it can't be had. */
static void tell_why_not(const struct options *options, const struct inventory *inventory, const struct requests *requests)
{
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < requests->count; i++) {
		const struct request *request = &requests->items[i];
		size_t fitting = 0;

		if (requests->served[i] == request->count)
			continue;
		inventory_foreach(inventory, device)
			fitting += request_fits(request, device);
		log_error(&options->log, "%s: %u wanted, %u to be had, of %zu such cards that are on offer", options->arguments[i],
			  request->count, requests->served[i], fitting);
		inventory_foreach(inventory, device) {
			if (options->quiet || !request_fits(request, device) || device_obstacle(device) == OBSTACLE_NONE)
				continue;
			fprintf(stderr, "  %s\n", address_format(&device->address, address));
			obstacle_write(stderr, "    ", device);
		}
	}
}

/* What remains of the inventory are the cards that were taken. */
static int print_taken(const struct options *options, struct report *report, struct inventory *inventory,
		       const struct pci_device **taken, size_t count)
{
	char address[ADDRESS_SIZE];

	if (!options->format_given) {
		for (size_t i = 0; i < count; i++)
			printf("%s\n", address_format(&taken[i]->address, address));
		return STATUS_OK;
	}
	for (size_t i = 0; i < inventory->count; i++)
		inventory->devices[i].selected = false;
	for (size_t i = 0; i < count; i++)
		inventory_find(inventory, &taken[i]->address)->selected = true;
	inventory->selected = count;
	return report_write(report, options);
}

static int serve(const struct options *options, struct report *report, struct requests *requests)
{
	const struct pci_device **taken = NULL;
	struct inventory *inventory = NULL;
	size_t count = 0;
	int status = STATUS_FAILED, served;

	if (probe_read(report->probe, &inventory) < 0)
		return STATUS_FAILED;
	report->inventory = inventory;
	served = requests_serve(requests->items, requests->count, inventory, requests->served, &taken, &count);
	if (served > 0)
		status = print_taken(options, report, inventory, taken, count);
	else if (served == 0)
		tell_why_not(options, inventory, requests);
	else
		log_error(&options->log, "out of memory");
	report_tell_sources(options, inventory);
	free(taken);
	inventory_free(inventory);
	return status;
}

int run_request(struct options *options)
{
	struct requests requests = {0};
	struct report report;
	int status = parse_requests(options, &requests);

	if (status == STATUS_OK)
		status = report_begin(&report, options);
	if (status == STATUS_OK) {
		status = STATUS_FAILED;
		if (options_probe(options, report_details(&report, options, DETAIL_POOLS), &report.probe) == 0) {
			status = check_aliases(options, probe_config(report.probe), &requests);
			if (status == STATUS_OK)
				status = serve(options, &report, &requests);
			probe_free(report.probe);
		}
		free(report.columns);
	}
	free_requests(&requests);
	return status;
}
