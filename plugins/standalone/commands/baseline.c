/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe baseline: the section of this host for pci.conf, which expects of it what it is now. */
#include "common/text.h"
#include "plugins/standalone/report.h"
#include "probe/details/details.h"

#include <string.h>

#define DETAIL_BASELINE                                                                            \
	((unsigned)(DETAIL_NAMES | DETAIL_DRIVER | DETAIL_NUMA_NODE | DETAIL_SRIOV | DETAIL_LINK | \
		    DETAIL_PATH))

/* In single quotes YAML knows no escapes but that of the quote. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			putchar('\'');
		putchar(*text);
	}
	putchar('\'');
}

/* A host name is a pattern there. */
static void print_host(const char *host)
{
	char pattern[2 * sizeof(((struct inventory *)NULL)->host)], *end = pattern;

	for (; *host; host++) {
		if (strchr("*?[\\", *host))
			*end++ = '\\';
		*end++ = *host;
	}
	*end = '\0';
	print_quoted(pattern);
}

static void print_comment(const char *text)
{
	printf("      # ");
	text_write_plain(stdout, text);
}

/* Names of modules need no quotes. */
static void print_driver(const char *driver)
{
	if (!driver)
		return;
	printf(", driver: ");
	if (strspn(driver, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(driver) &&
	    strcmp(driver, "null") != 0 && *driver != '-')
		printf("%s", driver);
	else
		print_quoted(driver);
}

/* That of a bridge may be the link to the devices below it. */
static void print_link(const struct pci_device *device)
{
	if (device_is_bridge(device))
		return;
	if (device->present & HAS_LINK_SPEED)
		printf(", link_speed: %.1f", device->link.speed);
	if (device->present & HAS_LINK_WIDTH)
		printf(", link_width: %u", device->link.width);
}

static void print_device(const struct pci_device *device)
{
	char address[ADDRESS_SIZE];

	print_comment(address_format(&device->address, address));
	if (device->device_name) {
		putchar(' ');
		text_write_plain(stdout, device->device_name);
	}
	if (device_has_degraded_link(device))
		printf("; its link is slower or narrower than device and port support");
	if (device_is_suspended(device))
		printf("; suspended: its link was not read");
	printf("\n      - {short_address: '%s=%04x:%04x'",
	       device->path && strchr(device->path, '/') ? device->path : address, device->vendor,
	       device->device);
	print_driver(device->driver);
	print_link(device);
	if (device->present & HAS_NUMA_NODE)
		printf(", numa_node: %u", device->numa_node);
	if (device->present & HAS_VFS_ENABLED)
		printf(", vfs: %u", device->sriov.vfs_enabled);
	printf("}\n");
}

/* ---- VFs: an item for all with the same ids ---- */

static bool is_vf(const struct pci_device *device)
{
	return device->selected && (device->present & HAS_SRIOV) && device->sriov.role == SRIOV_VF;
}

static bool same_ids(const struct pci_device *a, const struct pci_device *b)
{
	return a->vendor == b->vendor && a->device == b->device;
}

static bool is_first(const struct inventory *inventory, const struct pci_device *vf)
{
	for (const struct pci_device *other = inventory->devices; other < vf; other++)
		if (is_vf(other) && same_ids(other, vf))
			return false;
	return true;
}

/* A filter matches all devices with the ids, selected or not, and PFs whose VFs have the same. */
static void print_vfs(const struct inventory *inventory, const struct pci_device *first)
{
	bool same_driver = true;
	size_t count = 0;

	for (size_t i = 0; i < inventory->count; i++) {
		const struct pci_device *other = &inventory->devices[i];

		if (!same_ids(other, first))
			continue;
		count++;
		same_driver = same_driver && other->selected &&
			      text_same(other->driver, first->driver);
	}
	print_comment(first->device_name ? first->device_name : "VFs");
	printf("\n      - {filter: '%04x:%04x', count: %zu", first->vendor, first->device, count);
	print_driver(same_driver ? first->driver : NULL);
	printf("}\n");
}

static void print_baseline(const struct inventory *inventory)
{
	printf("# The devices of this host as they are now, for pci.conf: see pci.conf(5)\n"
	       ":hosts:\n  ");
	print_host(*inventory->host ? inventory->host : "*");
	printf(":\n    :expect:\n");
	inventory_foreach(inventory, device)
		if (!is_vf(device))
			print_device(device);
	inventory_foreach(inventory, device)
		if (is_vf(device) && is_first(inventory, device))
			print_vfs(inventory, device);
	printf("    # :expect_complete: true    # selected devices that are not in the list are "
	       "unexpected\n");
}

int run_baseline(struct options *options)
{
	struct inventory *inventory = NULL;
	struct probe *probe;
	int status = STATUS_FAILED;

	if (options_probe(options, DETAIL_BASELINE, &probe) < 0)
		return STATUS_FAILED;
	if (probe_read(probe, &inventory) == 0) {
		report_empty_selection(options, false, probe, inventory);
		if (inventory->selected)
			print_baseline(inventory);
		status = status_of(inventory);
	}
	if (names_no_memory(probe_names(probe))) {
		log_error(&options->log, "out of memory");
		status = STATUS_FAILED;
	}
	inventory_free(inventory);
	probe_free(probe);
	return status;
}
