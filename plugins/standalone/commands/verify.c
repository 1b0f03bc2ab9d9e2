/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe verify: what another system's configuration does with this host's devices. */
#include "common/text.h"
#include "plugins/standalone/nova/novaline.h"
#include "plugins/standalone/report.h"
#include "probe/details/details.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct check {
	const struct novaconf *conf;
	const struct novalines *lines;
	const struct inventory *inventory;
	bool *taken; /* of each line, each device: whether it takes it */
	bool wrong;
};

static void write_location(const struct check *check, const struct nova_line *line)
{
	text_write_plain(stdout, check->conf->path);
	printf(":%u", line->line);
	if (line->item)
		printf(" (item %zu)", line->item);
}

static bool takes(const struct check *check, size_t line, const struct pci_device *device)
{
	return check->taken[line * check->inventory->count +
			    (size_t)(device - check->inventory->devices)];
}

/* An alias chooses among what the specs take. */
static int find_matched(struct check *check)
{
	const struct novalines *lines = check->lines;
	const struct inventory *inventory = check->inventory;

	check->taken = calloc(lines->count * inventory->count + 1, sizeof(*check->taken));
	if (!check->taken)
		return -ENOMEM;
	for (size_t device = 0; device < inventory->count; device++) {
		bool offered = false;

		for (size_t i = 0; i < lines->count; i++)
			if (!lines->lines[i].alias.name &&
			    nova_spec_matches(&lines->lines[i].spec, &inventory->devices[device]))
				offered = check->taken[i * inventory->count + device] = true;
		for (size_t i = 0; i < lines->count && offered; i++)
			if (lines->lines[i].alias.name &&
			    nova_alias_matches(&lines->lines[i].alias, &inventory->devices[device]))
				check->taken[i * inventory->count + device] = true;
	}
	return 0;
}

static void write_line(struct check *check, size_t index)
{
	const struct nova_line *line = &check->lines->lines[index];
	char address[ADDRESS_SIZE];
	size_t count = 0;

	write_location(check, line);
	fputs(line->alias.name ? ": alias " : ": device_spec", stdout);
	text_write_plain(stdout, line->alias.name ? line->alias.name : "");
	fputs(" matches", stdout);
	inventory_foreach(check->inventory, device) {
		if (!takes(check, index, device))
			continue;
		printf("%s    %s %04x:%04x ", count++ ? "" : "\n",
		       address_format(&device->address, address), device->vendor, device->device);
		text_write_plain(stdout, device->device_name ? device->device_name : "");
		fputc('\n', stdout);
	}
	if (!count) {
		puts(" no device of this host");
		check->wrong = true;
	}
}

/* Lines of the same kind; different names for one device are what aliases are for. */
static bool find_double_matches(const struct nova_line *a, const struct nova_line *b)
{
	if (!a->alias.name || !b->alias.name)
		return !a->alias.name && !b->alias.name;
	return strcmp(a->alias.name, b->alias.name) == 0;
}

/* The first line says it of all that follow. */
static void write_double_match(struct check *check, size_t index, const struct pci_device *device)
{
	const struct nova_line *lines = check->lines->lines, *first = &lines[index];
	char address[ADDRESS_SIZE];
	bool twice = false;

	for (size_t i = 0; i < index; i++)
		if (takes(check, i, device) && find_double_matches(&lines[i], first))
			return;
	for (size_t i = index + 1; i < check->lines->count; i++) {
		if (!takes(check, i, device) || !find_double_matches(&lines[i], first))
			continue;
		if (!twice) {
			printf("%s is matched by ", address_format(&device->address, address));
			write_location(check, first);
		}
		fputs(" and ", stdout);
		write_location(check, &lines[i]);
		twice = true;
	}
	if (twice)
		putchar('\n');
	check->wrong = check->wrong || twice;
}

static int verify_nova(const struct options *options, struct novaconf *conf,
		       const struct inventory *inventory)
{
	struct novalines lines;
	struct check check = {.conf = conf, .lines = &lines, .inventory = inventory};
	int error = novalines_parse(conf, inventory, &options->log, &lines);

	if (!error)
		error = find_matched(&check);
	for (size_t i = 0; i < lines.count && !error; i++)
		write_line(&check, i);
	for (size_t i = 0; i < lines.count && !error; i++)
		inventory_foreach(inventory, device)
			if (takes(&check, i, device))
				write_double_match(&check, i, device);
	if (conf->faults > NOVACONF_FAULTS_SHOWN)
		log_error(&options->log, "%s: %u more error%s", conf->path,
			  conf->faults - NOVACONF_FAULTS_SHOWN,
			  conf->faults == NOVACONF_FAULTS_SHOWN + 1 ? "" : "s");
	if (!conf->count && !conf->faults)
		log_warning(&options->log, "%s: no device_spec and no alias in it", conf->path);
	if (error)
		log_error(&options->log, "out of memory");
	free(check.taken);
	novalines_free(&lines);
	return error || check.wrong || conf->faults ? STATUS_FAILED : STATUS_OK;
}

static int verify_host(struct options *options, struct novaconf *conf)
{
	struct inventory *inventory;
	struct probe *probe;
	int status = STATUS_FAILED;

	options->all = true; /* Nova sees every device */
	if (options_probe(options, DETAIL_NAMES | DETAIL_SRIOV | DETAIL_INTERFACES, &probe) < 0)
		return STATUS_FAILED;
	if (probe_read(probe, &inventory) == 0) {
		status = verify_nova(options, conf, inventory);
		inventory_free(inventory);
	}
	probe_free(probe);
	return status;
}

int run_verify(struct options *options)
{
	struct novaconf conf;
	int status = STATUS_FAILED;

	if (options->argument_count != 2 || strcmp(options->arguments[0], "nova") != 0) {
		log_error(&options->log, "verify: usage: verify nova FILE");
		return STATUS_USAGE;
	}
	if (novaconf_read(options->arguments[1], &options->log, &conf) == 0)
		status = verify_host(options, &conf);
	novaconf_free(&conf);
	return status;
}
