/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/report.h"

#include "common/program.h"
#include "plugins/standalone/columns.h"
#include "plugins/standalone/findingtext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool wants_colors(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

/* Returns collectd's interval in seconds, or 0 if collectd did not start this process or the value
 * is invalid. */
static double collectd_interval(void)
{
	const char *value = getenv("COLLECTD_INTERVAL");
	char *end = NULL;
	double interval = value ? strtod(value, &end) : 0;

	return end && end != value && !*end && interval > 0 && interval < 1e9 ? interval : 0;
}

int report_begin(struct report *report, const struct options *options)
{
	const struct writer *writer = options->writer;
	int error;

	*report = (struct report){
		.headings = !options->no_headings,
		.log = &options->log,
		.format.usage = options->usage,
		.format.teaming = options->teaming,
		.format.iommufd = options->iommufd,
		.format.nova_release = options->nova_release,
		.columns_chosen = options->columns && *options->columns != '+',
		.width = program_terminal_width(),
		.colors = wants_colors(),
		.format.collectd_host = getenv("COLLECTD_HOSTNAME"),
		.format.collectd_interval = collectd_interval(),
	};
	if (!writer->columns && options->columns) {
		log_error(&options->log, "the columns of the format '%s' are fixed; remove -o",
			  writer->name);
		return STATUS_USAGE;
	}
	if (!writer->columns && options->rows.sort_count) {
		log_error(&options->log, "the order of the format '%s' is fixed; remove --sort",
			  writer->name);
		return STATUS_USAGE;
	}
	if ((options->teaming || options->iommufd) && strcmp(writer->name, "libvirt") != 0) {
		log_error(&options->log, "--%s requires the format libvirt (-f libvirt)",
			  options->teaming ? "teaming" : "iommufd");
		return STATUS_USAGE;
	}
	if (options->release_given && strcmp(writer->name, "nova") != 0) {
		log_error(&options->log, "--release requires the format nova (-f nova)");
		return STATUS_USAGE;
	}
	if (!writer->columns)
		return STATUS_OK;
	error = columns_parse(options->columns, writer->columns, &options->log, &report->columns,
			      &report->column_count);
	return !error ? STATUS_OK : error == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
}

unsigned report_details(struct report *report, const struct options *options, unsigned extra)
{
	report->details = options->writer->details |
			  (options->writer->flags & WRITER_FOR_PEOPLE ? DETAIL_EXPECT : 0) |
			  (report->format.usage ? DETAIL_USAGE : 0) | rows_details(&options->rows) |
			  extra;
	for (size_t i = 0; i < report->column_count; i++)
		report->details |= report->columns[i]->details;
	/* every short-lived one would begin a new time series */
	if (options->writer->flags & WRITER_POLLED)
		report->details &= ~(unsigned)DETAIL_HOST_PROCESSES;
	return report->details;
}

/* Of the stream of a report: the default of a page costs a system call for each. */
#define BUFFER_SIZE 65536

int report_make_text(const struct writer *writer, const struct report *report,
		     struct report_text *ret)
{
	int fd = memfd_create("report", MFD_CLOEXEC), error;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	char buffer[BUFFER_SIZE];
	off_t size;

	*ret = (struct report_text){0};
	if (!out) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	setvbuf(out, buffer, _IOFBF, sizeof(buffer));
	error = writer->write(report, out);
	if (!error && names_no_memory(probe_names(report->probe)))
		error = -ENOMEM;
	if (!error && (fflush(out) != 0 || ferror(out)))
		error = -ENOMEM;
	size = error ? 0 : lseek(fd, 0, SEEK_END);
	if (size > 0) {
		ret->text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
		ret->size = (size_t)size;
	}
	if (ret->text == MAP_FAILED) {
		*ret = (struct report_text){0};
		error = -ENOMEM;
	}
	fclose(out);
	return error;
}

void report_text_free(struct report_text *text)
{
	if (text->text)
		munmap(text->text, text->size);
	*text = (struct report_text){0};
}

int report_write(const struct report *report, const struct options *options)
{
	struct report sorted = *report;
	struct report_text text = {0};
	int error = -ENOMEM;

	sorted.devices = rows_sort(&options->rows, report->inventory);
	if (sorted.devices)
		error = report_make_text(options->writer, &sorted, &text);
	if (text.size)
		fwrite(text.text, 1, text.size, stdout);
	report_text_free(&text);
	free(sorted.devices);
	if (!error)
		return status_of(report->inventory);
	log_error(&options->log, "%s: %s", options->writer->name, strerror(-error));
	return STATUS_FAILED;
}

/* Returns whether the configuration alone rejects every device. *ret_list is the list of rules that
 * rejects all of them, or NULL if several lists do. */
static bool config_selects_none(const struct config *config, const struct inventory *inventory,
				const struct rule_list **ret_list)
{
	const struct rule_list *lists[] = {&config->filters, &config->addresses, &config->names},
			       *common = NULL;
	bool several = false;

	for (size_t i = 0; i < inventory->count; i++) {
		const struct rule_list *list = inventory->devices[i].verdict->rejected_by;

		if (list != lists[0] && list != lists[1] && list != lists[2])
			return false;
		several = several || (common && common != list);
		common = list;
	}
	*ret_list = several ? NULL : common;
	return common != NULL;
}

void report_empty_selection(const struct options *options, bool polled, struct probe *probe,
			    const struct inventory *inventory)
{
	const struct config *config = probe_config(probe);
	const struct rule_list *list = NULL;
	bool terminal = isatty(STDERR_FILENO);
	char reason[256] = "";

	if (inventory->selected || (!terminal && polled))
		return;
	if (!config_selects_none(config, inventory, &list)) {
		if (terminal && !inventory->count)
			log_warning(&options->log, "this host has no PCI devices");
		else if (terminal)
			log_warning(&options->log,
				    "0 of %zu devices selected by %s%sthe command line",
				    inventory->count, config->path ? config->path : "",
				    config->path ? " and " : "");
		return;
	}
	if (config->is_empty)
		snprintf(reason, sizeof(reason), " (the file is empty)");
	else if (list && !list->count)
		snprintf(reason, sizeof(reason), " (%s is missing or empty)", list->key);
	else if (list && list->count == 1)
		snprintf(reason, sizeof(reason), " (%s '%.200s' matches none)", list->key,
			 rule_text(list->rules[0]));
	else if (list)
		snprintf(reason, sizeof(reason), " (no rule of %s matches)", list->key);
	log_warning(
		&options->log,
		"0 of %zu devices selected by %s%s: edit it; 'pciprobe -a' shows all devices, 'pciprobe explain' "
		"says why",
		inventory->count, config->path, reason);
}

static bool same_reason(const struct pci_device *a, const struct pci_device *b)
{
	return a->ownership == OWNERSHIP_UNKNOWN && a->unknown_reason &&
	       strcmp(a->unknown_reason, b->unknown_reason) == 0;
}

void report_unknown_owners(const struct options *options, const struct inventory *inventory)
{
	if (!(options->writer->flags & WRITER_FOR_PEOPLE))
		return;
	/* report_log_sources has logged these, which are the reason for all devices */
	if (inventory->unseen || inventory->sources[0].state == SOURCE_PARTLY)
		return;
	inventory_foreach(inventory, device) {
		bool first = true;
		size_t count = 0;

		if (!same_reason(device, device))
			continue;
		inventory_foreach(inventory, other) {
			if (!same_reason(other, device))
				continue;
			first = other >= device;
			if (!first)
				break;
			count++;
		}
		if (first)
			log_warning(&options->log, "owner unknown of %zu device%s: %s", count,
				    count == 1 ? "" : "s", device->unknown_reason);
	}
}

/* More would hide the others; 'explain' and the format json have all. */
#define FINDINGS_LOGGED_MAX 20

void report_findings(const struct options *options, const struct inventory *inventory)
{
	size_t total = inventory->finding_count + inventory->findings_omitted, count = 0;
	char text[FINDING_TEXT_SIZE];

	if (!(options->writer->flags & WRITER_FOR_PEOPLE))
		return;
	for (; count < inventory->finding_count && count < FINDINGS_LOGGED_MAX; count++)
		log_warning(&options->log, "%s: %s", inventory->findings[count].location,
			    finding_text(&inventory->findings[count], text));
	if (count < total)
		log_warning(&options->log, "%zu more findings; 'pciprobe explain' prints them",
			    total - count);
}

void report_log_sources(const struct options *options, const struct inventory *inventory)
{
	if (inventory->unseen)
		log_warning(
			&options->log,
			"could not inspect %zu processes; devices shown without an owner may be in use. Run as root",
			inventory->unseen);
	else if (inventory->sources[0].state == SOURCE_PARTLY)
		log_warning(&options->log, "%s: devices shown without an owner may be in use",
			    inventory->sources[0].why);
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		const struct source_report *source = &inventory->sources[i];

		/* the other sources inspect processes, which is logged above */
		if (!((1u << i) & (OWNER_LIBVIRT | OWNER_PROXMOX)))
			continue;
		if (source->state == SOURCE_PARTLY)
			log_warning(&options->log,
				    "%s: %s; devices without a known owner are shown as unknown",
				    source->name, source->why);
		if (source->state == SOURCE_FAILED)
			log_warning(
				&options->log,
				"no answer from %s (%s); devices shown without an owner may be in use or reserved. "
				"--owners selects the sources to query",
				source->name, source->why);
	}
}
