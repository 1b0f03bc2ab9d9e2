/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe verify nova: which devices of this host the lines of a nova.conf match. */
#include "plugins/standalone/commands/verify-nova.h"

#include "common/text.h"
#include "plugins/standalone/nova/line.h"
#include "plugins/standalone/nova/placement.h"
#include "plugins/standalone/report.h"
#include "probe/details/details.h"
#include "probe/details/vpd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct check {
	struct nova_conf *conf;
	const struct nova_lines *lines;
	const struct inventory *inventory;
	struct sysroot *root;
	const struct log *log;
	bool *matches;			/* by line, then by device */
	const struct nova_line **first; /* by device: the first line whose spec matches it, which
					   Nova uses; NULL: none */
	bool failed, unknown;		/* unknown: whether some line matches some device */
};

static void write_location(const struct check *check, const struct nova_line *line)
{
	text_write_plain(stdout, check->conf->path);
	printf(":%u", line->line);
	if (line->item)
		printf(" (item %zu)", line->item);
}

static bool line_matches(const struct check *check, size_t line, const struct pci_device *device)
{
	return check->matches[line * check->inventory->count +
			      (size_t)(device - check->inventory->devices)];
}

/* Whether the VPD of DEVICE, or that of its PF if it is a VF, has a serial number. */
static enum vpd_serial read_serial(const struct check *check, const struct pci_device *device)
{
	enum vpd_serial serial = vpd_read_serial(check->root, device), of_pf;
	const struct pci_device *pf = device->present & HAS_PF
					      ? inventory_find(check->inventory, &device->sriov.pf)
					      : NULL;

	if (serial == VPD_SERIAL_PRESENT || !pf)
		return serial;
	of_pf = vpd_read_serial(check->root, pf);
	return of_pf == VPD_SERIAL_PRESENT || serial == VPD_SERIAL_NONE ? of_pf : serial;
}

static bool spec_matches(struct check *check, const struct nova_line *line,
			 const struct pci_device *device)
{
	char address[ADDRESS_SIZE];
	enum vpd_serial serial;

	if (!nova_spec_matches(&line->spec, device))
		return false;
	if (!line->tags.remote_managed)
		return true;
	serial = read_serial(check, device);
	if (serial == VPD_SERIAL_UNKNOWN && !check->unknown)
		log_warning(
			check->log,
			"%s:%u: remote_managed: the VPD of %s, which must have a serial number, cannot be read (only root can; a suspended device is not read)",
			check->conf->path, line->line, address_format(&device->address, address));
	check->unknown = check->unknown || serial == VPD_SERIAL_UNKNOWN;
	return serial != VPD_SERIAL_NONE;
}

/* An alias matches only devices that a spec matches. Returns 1, 0 or -ENOMEM. */
static int alias_matches(const struct check *check, const struct nova_alias *alias, size_t device)
{
	const struct nova_line *spec = check->first[device];
	const struct pci_device *devices = check->inventory->devices;

	if (!spec || !nova_alias_matches(alias, &spec->tags, &devices[device]))
		return 0;
	return check->conf->pci_in_placement
		       ? nova_placement_matches(check->conf->release, alias, spec, &devices[device])
		       : 1;
}

static int find_matched(struct check *check)
{
	const struct nova_lines *lines = check->lines;
	const struct inventory *inventory = check->inventory;
	int matches;

	check->matches = calloc(lines->count * inventory->count + 1, sizeof(*check->matches));
	check->first = calloc(inventory->count + 1, sizeof(*check->first));
	if (!check->matches || !check->first)
		return -ENOMEM;
	for (size_t device = 0; device < inventory->count; device++) {
		for (size_t i = 0; i < lines->count; i++) {
			if (lines->lines[i].alias.name ||
			    !spec_matches(check, &lines->lines[i], &inventory->devices[device]))
				continue;
			check->matches[i * inventory->count + device] = true;
			if (!check->first[device])
				check->first[device] = &lines->lines[i];
		}
		for (size_t i = 0; i < lines->count; i++) {
			if (!lines->lines[i].alias.name)
				continue;
			matches = alias_matches(check, &lines->lines[i].alias, device);
			if (matches < 0)
				return matches;
			check->matches[i * inventory->count + device] = matches;
		}
	}
	return 0;
}

/* Writes which releases have the rules that the file is checked by. */
static void write_releases(const struct nova_release *release)
{
	const struct nova_release *first = nova_release_first_like(release),
				  *last = nova_release_last_like(release);

	printf("Checked by the rules of Nova %s", first->name);
	if (last != first)
		printf(" to %s", last->name);
	printf(" (version%s %s", last != first ? "s" : "", first->version);
	if (last != first)
		printf(" to %s", last->version);
	puts(")");
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
		if (!line_matches(check, index, device))
			continue;
		printf("%s    %s %04x:%04x ", count++ ? "" : "\n",
		       address_format(&device->address, address), device->vendor, device->device);
		text_write_plain(stdout, device->device_name ? device->device_name : "");
		fputc('\n', stdout);
	}
	if (!count) {
		puts(" no device of this host");
		check->failed = true;
	}
}

/* Two specs, or two aliases of one name: a device may have aliases of several names. */
static bool is_same_kind(const struct nova_line *a, const struct nova_line *b)
{
	if (!a->alias.name || !b->alias.name)
		return !a->alias.name && !b->alias.name;
	return strcmp(a->alias.name, b->alias.name) == 0;
}

/* Writes nothing unless INDEX is the first such line. */
static void write_double_match(struct check *check, size_t index, const struct pci_device *device)
{
	const struct nova_line *lines = check->lines->lines, *first = &lines[index];
	char address[ADDRESS_SIZE];
	bool twice = false;

	for (size_t i = 0; i < index; i++)
		if (line_matches(check, i, device) && is_same_kind(&lines[i], first))
			return;
	for (size_t i = index + 1; i < check->lines->count; i++) {
		if (!line_matches(check, i, device) || !is_same_kind(&lines[i], first))
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
	check->failed = check->failed || twice;
}

static int verify_nova(const struct options *options, struct nova_conf *conf, struct sysroot *root,
		       const struct inventory *inventory)
{
	struct nova_lines lines;
	struct check check = {.conf = conf,
			      .lines = &lines,
			      .inventory = inventory,
			      .root = root,
			      .log = &options->log};
	int error = nova_lines_parse(conf, inventory, &options->log, &lines);

	write_releases(conf->release);
	if (!error)
		error = find_matched(&check);
	if (!error && conf->report_in_placement)
		error = nova_placement_check(conf, inventory, check.first, &options->log);
	for (size_t i = 0; i < lines.count && !error; i++)
		write_line(&check, i);
	for (size_t i = 0; i < lines.count && !error; i++)
		inventory_foreach(inventory, device)
			if (line_matches(&check, i, device))
				write_double_match(&check, i, device);
	if (conf->errors > NOVA_CONF_ERRORS_LOGGED)
		log_error(&options->log, "%s: %u more error%s", conf->path,
			  conf->errors - NOVA_CONF_ERRORS_LOGGED,
			  conf->errors == NOVA_CONF_ERRORS_LOGGED + 1 ? "" : "s");
	if (!conf->count && !conf->errors)
		log_warning(&options->log, "%s: contains no device_spec and no alias", conf->path);
	if (error)
		log_error(&options->log, "out of memory");
	free(check.matches);
	free(check.first);
	nova_lines_free(&lines);
	if (error || check.failed || conf->errors)
		return STATUS_FAILED;
	return check.unknown ? STATUS_PARTIAL : STATUS_OK;
}

static int verify_host(struct options *options, struct nova_conf *conf)
{
	struct inventory *inventory;
	struct probe *probe;
	int status = STATUS_FAILED;

	options->all = true; /* Nova does not apply pci.conf */
	if (options_probe(options, DETAIL_NAMES | DETAIL_SRIOV | DETAIL_INTERFACES, &probe) < 0)
		return STATUS_FAILED;
	if (probe_read(probe, &inventory) == 0) {
		status = verify_nova(options, conf, probe_sysroot(probe), inventory);
		inventory_free(inventory);
	}
	probe_free(probe);
	return status;
}

int verify_nova_conf(struct options *options, const char *path)
{
	const struct log log = options->log;
	struct callerfile file;
	struct nova_conf conf;
	int status = STATUS_FAILED;

	if (callerfile_open(path, &log, &file) < 0)
		return STATUS_FAILED;
	options->log = file.log;
	if (nova_conf_read(&file, options->nova_release, &conf) == 0)
		status = verify_host(options, &conf);
	options->log = log;
	nova_conf_free(&conf);
	close(file.fd);
	return status;
}
