/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/commands/verify-records.h"

#include "common/textstream.h"
#include "plugins/standalone/records/compare.h"
#include "plugins/standalone/records/write.h"
#include "plugins/standalone/report.h"
#include "probe/details/details.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* More records of one host are not compared: the time grows with the square of their number. */
#define COMPARED_MAX 8192

#define DETAIL_VERIFY                                                                      \
	((unsigned)(DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_SRIOV | \
		    DETAIL_MDEVS))

/* Reads all files before any is parsed, because Proxmox's refer to each other. */
static int parse_files(const struct options *options, const struct frontend *frontend, char **paths,
		       size_t count, const char *host, struct records *records)
{
	struct record_file *files = calloc(count + 1, sizeof(*files));
	size_t opened = 0;
	int error = files ? 0 : -ENOMEM;

	if (error)
		log_error(&options->log, "out of memory");
	while (!error && opened < count) {
		error = record_file_read(paths[opened], &options->log, &files[opened]);
		opened += !error;
	}
	if (!error)
		error = frontend->parse(records, files, count, host);
	while (opened)
		record_file_free(&files[--opened]);
	free(files);
	return error;
}

static int read_records(const struct options *options, const struct frontend *frontend,
			struct probe *probe, char **paths, size_t count, const char *host,
			struct records *records)
{
	int error = count ? parse_files(options, frontend, paths, count, host, records)
			  : proxmox_records_read(records, probe_sysroot(probe), host,
						 &options->log);

	if (!error)
		error = records_choose_host(records, host, &options->log);
	if (error || records->count <= COMPARED_MAX)
		return error;
	log_error(&options->log, "too many records of one host (limit %u)", COMPARED_MAX);
	return -EFBIG;
}

/* Sets offered[i] if pci.conf selects device i. Returns 0 or a negative errno (logged); *ret_probe
 * owns the configuration. */
static int read_selection(struct options *options, const struct inventory *inventory, bool *offered,
			  struct probe **ret_probe)
{
	struct inventory *selected = NULL;
	int error = options_probe(options, 0, ret_probe);

	if (error < 0)
		return error;
	error = probe_read(*ret_probe, &selected);
	if (error < 0)
		return error;
	inventory_foreach(selected, device) {
		const struct pci_device *same = inventory_find(inventory, &device->address);

		if (same)
			offered[same - inventory->devices] = true;
	}
	if (!selected->selected)
		log_warning(&options->log,
			    "%s selects no device: name the frontend's pci.conf with -c, or use -a",
			    probe_config(*ret_probe)->path ? probe_config(*ret_probe)->path
							   : "the configuration");
	inventory_free(selected);
	return 0;
}

/* Nothing of an output that cannot be completed is written. */
static int write_differences(const struct options *options, const struct comparison *comparison)
{
	char *text = NULL;
	FILE *out = textstream_open(&text);
	int error;

	if (!out)
		return -ENOMEM;
	error = options->format_given ? differences_write_json(comparison, out)
				      : differences_write(comparison, out);
	if (!textstream_close(out, &text))
		error = -ENOMEM;
	if (!error)
		fputs(text, stdout);
	free(text);
	return error;
}

static int print_differences(const struct options *options, struct comparison *comparison)
{
	int error = records_compare(comparison);

	if (!error)
		error = write_differences(options, comparison);
	if (error < 0) {
		log_error(&options->log, "%s", strerror(-error));
		return STATUS_PARTIAL;
	}
	if (comparison->count > comparison->unknown)
		return STATUS_FAILED;
	return comparison->unknown || comparison->records->invalid ||
			       comparison->inventory->incomplete
		       ? STATUS_PARTIAL
		       : STATUS_OK;
}

static int compare(struct options *options, bool all, struct probe *probe,
		   const struct records *records, const struct inventory *inventory,
		   const struct frontend *frontend)
{
	struct comparison comparison = {.frontend = frontend,
					.records = records,
					.inventory = inventory,
					.config = probe_config(probe)};
	struct probe *selecting = NULL;
	bool *offered = calloc(inventory->count + 1, sizeof(*offered));
	int error = 0, status = STATUS_PARTIAL;

	if (!offered) {
		log_error(&options->log, "out of memory");
		return STATUS_PARTIAL;
	}
	if (all)
		memset(offered, true, inventory->count);
	else if (frontend->follows_config || options->config)
		error = read_selection(options, inventory, offered, &selecting);
	if (all || selecting)
		comparison.offered = offered;
	if (selecting)
		comparison.config = probe_config(selecting);
	if (!error)
		status = print_differences(options, &comparison);
	comparison_free(&comparison);
	probe_free(selecting);
	free(offered);
	return status;
}

int verify_records(struct options *options, const struct frontend *frontend, char **paths,
		   size_t count)
{
	struct inventory *inventory = NULL;
	struct records records = {0};
	struct probe *probe;
	bool all = options->all;
	int status = STATUS_PARTIAL;

	/* the owner of a device that pci.conf does not select matters, too */
	options->all = true;
	if (options_probe(options, DETAIL_VERIFY, &probe) < 0)
		return STATUS_PARTIAL;
	options->all = all;
	if (probe_read(probe, &inventory) == 0 &&
	    read_records(options, frontend, probe, paths, count, inventory->host, &records) == 0) {
		report_log_sources(options, inventory);
		status = compare(options, all, probe, &records, inventory, frontend);
	}
	records_free(&records);
	inventory_free(inventory);
	probe_free(probe);
	return status;
}
