/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/errorcounters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "pciprobe-errors 1\n"

bool device_has_error_counters(const struct pci_device *device)
{
	const unsigned all = HAS_AER_CORRECTABLE | HAS_AER_NONFATAL | HAS_AER_FATAL;

	return (device->present & all) == all;
}

static int compare_lines(const void *a, const void *b)
{
	const struct error_line *first = a, *second = b;

	return address_compare(&first->address, &second->address);
}

static struct error_line *find(const struct error_counters *counters,
			       const struct pci_address *address)
{
	struct error_line key = {.address = *address};

	return counters->count
		       ? bsearch(&key, counters->items, counters->count, sizeof(key), compare_lines)
		       : NULL;
}

/* Appends LINE; the caller sorts. */
static int add(struct error_counters *counters, const struct error_line *line)
{
	struct error_line *grown = reallocarray(counters->items, counters->count + 1,
						sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	counters->items = grown;
	grown[counters->count++] = *line;
	return 0;
}

static void sort(struct error_counters *counters)
{
	if (counters->count)
		qsort(counters->items, counters->count, sizeof(*counters->items), compare_lines);
}

static bool is_lower(const struct aer *a, const struct aer *b)
{
	return a->correctable < b->correctable || a->nonfatal < b->nonfatal || a->fatal < b->fatal;
}

/* "0000:01:00.0 4711 1795000000 1 0 0 1 2 0": address, inode, start of the period, and correctable,
 * nonfatal and fatal errors before and now. */
static bool parse_line(const char *text, size_t length, struct error_line *ret)
{
	char line[256], address[ADDRESS_SIZE];
	int end = 0;

	if (length >= sizeof(line) || memchr(text, '-', length))
		return false;
	memcpy(line, text, length);
	line[length] = '\0';
	if (sscanf(line,
		   "%16s %" SCNu64 " %" SCNd64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 "%n",
		   address, &ret->inode, &ret->started, &ret->before.correctable,
		   &ret->before.nonfatal, &ret->before.fatal, &ret->now.correctable,
		   &ret->now.nonfatal, &ret->now.fatal, &end) != 9)
		return false;
	return (size_t)end == length && address_parse_full(address, &ret->address) == 0 &&
	       !is_lower(&ret->now, &ret->before);
}

int error_counters_parse(const char *text, struct error_counters *ret)
{
	struct error_counters counters = {0};
	int error = strncmp(text, HEADER, strlen(HEADER)) == 0 ? 0 : -EBADMSG;

	for (text += error ? 0 : strlen(HEADER); !error && *text;) {
		size_t length = strcspn(text, "\n");
		struct error_line line = {0};

		if (!text[length] || !parse_line(text, length, &line))
			error = -EBADMSG;
		else
			error = add(&counters, &line);
		text += length + !!text[length];
	}
	if (error < 0) {
		error_counters_free(&counters);
		return error;
	}
	sort(&counters);
	*ret = counters;
	return 0;
}

/* Returns whether LINE changed. */
static bool update(struct error_line *line, const struct pci_device *device, int64_t now)
{
	/* after a reboot, or when the device was removed and added, the kernel counts from 0 */
	if (line->inode != device->inode || is_lower(&device->aer, &line->now)) {
		*line = (struct error_line){
			.address = line->address, .inode = device->inode, .started = now};
		return true;
	}
	if (now >= line->started && now - line->started < ERROR_COUNTERS_PERIOD)
		return false;
	line->started = now;
	line->before = line->now;
	line->now = device->aer;
	return true;
}

static bool remove_gone(struct error_counters *counters, const struct inventory *inventory)
{
	size_t kept = 0, count = counters->count;

	for (size_t i = 0; i < count; i++)
		if (inventory_find(inventory, &counters->items[i].address))
			counters->items[kept++] = counters->items[i];
	counters->count = kept;
	return kept != count;
}

int error_counters_update(struct error_counters *counters, const struct inventory *inventory,
			  bool *ret_changed)
{
	bool changed = remove_gone(counters, inventory);
	size_t known = counters->count;
	int error = 0;

	inventory_foreach(inventory, device) {
		struct error_counters old = {counters->items, known};
		struct error_line *line = find(&old, &device->address);

		if (!device_has_error_counters(device))
			continue;
		if (line) {
			changed |= update(line, device, inventory->time.tv_sec);
			continue;
		}
		error = add(counters, &(struct error_line){.address = device->address,
							   .inode = device->inode,
							   .started = inventory->time.tv_sec,
							   .before = device->aer,
							   .now = device->aer});
		changed = true;
		if (error < 0)
			break;
	}
	sort(counters);
	*ret_changed = changed;
	return error;
}

bool error_counters_recent(const struct error_counters *counters, const struct pci_device *device,
			   struct aer *ret)
{
	const struct error_line *line = find(counters, &device->address);

	if (!line)
		return false;
	*ret = (struct aer){
		.correctable = device->aer.correctable - line->before.correctable,
		.nonfatal = device->aer.nonfatal - line->before.nonfatal,
		.fatal = device->aer.fatal - line->before.fatal,
	};
	return true;
}

void error_counters_write(const struct error_counters *counters, FILE *out)
{
	char address[ADDRESS_SIZE];

	fputs(HEADER, out);
	for (size_t i = 0; i < counters->count; i++) {
		const struct error_line *line = &counters->items[i];

		fprintf(out,
			"%s %" PRIu64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			" %" PRIu64 " %" PRIu64 "\n",
			address_format(&line->address, address), line->inode, line->started,
			line->before.correctable, line->before.nonfatal, line->before.fatal,
			line->now.correctable, line->now.nonfatal, line->now.fatal);
	}
}

void error_counters_free(struct error_counters *counters)
{
	free(counters->items);
	*counters = (struct error_counters){0};
}
