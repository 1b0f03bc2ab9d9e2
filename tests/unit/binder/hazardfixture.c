/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/binder/hazardfixture.h"

#include "probe/probe.h"
#include "tests/memory/fail-allocation.h"

#include <stdio.h>

struct fakesys *fake;
struct fakenetlink netlink;
struct log_capture captured;
char found[8192];
bool open_disks;
unsigned timeout;
static unsigned long failed_allocations;

int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	open_disks = false;
	timeout = 10;
	fakesys_file(fake, "proc/1/stat",
		     "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0\n");
	fakesys_directory(fake, "proc/1/fd");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n");
	fakesys_file(fake, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_link(fake, "proc/self/ns/net", "net:[4026531840]");
	netlink = (struct fakenetlink){.netlink = {.query = fakenetlink_query}};
	return 0;
}

int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

int report(void **state)
{
	(void)state;
	print_message("# %lu allocations failed, one in a run\n", failed_allocations);
	return 0;
}

/* ---- failed allocations ---- */

/* The text of HAZARD_DATA may also be that the content could not be read. */
static bool has_finding(const struct hazard_findings *findings, const struct hazard_finding *wanted)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].hazard == HAZARD_UNKNOWN ||
		    (findings->items[i].hazard == wanted->hazard &&
		     (wanted->hazard == HAZARD_DATA ||
		      strcmp(findings->items[i].text, wanted->text) == 0)))
			return true;
	return false;
}

/* Returns the number of allocations. */
static unsigned long check_with_failure(check_type *check, const struct hazard_view *view,
					const struct pci_device *device, unsigned long failing,
					struct hazard_findings *ret)
{
	struct hazard_view copy = *view;
	unsigned long count;

	*ret = (struct hazard_findings){0};
	fail_allocation(failing);
	check(&copy, device, ret);
	count = fail_allocation_end();
	hazard_view_free(&copy);
	return count;
}

/* When an allocation fails, the findings are the same, or the check says that it is incomplete. */
static void fail_each_allocation(check_type *check, const struct hazard_view *view,
				 const struct pci_device *device)
{
	const struct log_capture log = captured;
	const unsigned queries = netlink.queries, interruptions = netlink.interruptions;
	struct hazard_findings all, findings;
	unsigned long count = check_with_failure(check, view, device, 0, &all), missing = 0;

	for (unsigned long number = 1; number <= count; number++) {
		netlink.interruptions = interruptions;
		check_with_failure(check, view, device, number, &findings);
		for (size_t i = 0; i < all.count && !findings.no_memory; i++)
			if (!has_finding(&findings, &all.items[i])) {
				print_error("allocation %lu of %lu: not found: %s: %s\n", number,
					    count, HAZARDS[all.items[i].hazard].name,
					    all.items[i].text);
				missing++;
			}
		hazard_findings_free(&findings);
	}
	failed_allocations += count;
	assert_int_equal(missing, 0);
	hazard_findings_free(&all);
	captured = log;
	netlink.queries = queries;
	netlink.interruptions = interruptions;
}

const char *find_with_view(check_type *check, struct hazard_view view)
{
	static const unsigned owners = OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV;
	struct probe_options options = {.log = log_capture_add(&captured),
					.sysroot = fake->path,
					.all = true,
					.details = HAZARD_DETAILS,
					.owners = &owners};
	struct hazard_findings findings = {0};
	struct inventory *inventory = NULL;
	struct probe *probe = NULL;
	struct pci_address address;
	size_t length = 0;

	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	view.log = &options.log;
	view.targets = &(struct targets){0};
	view.netlink = netlink.netlink.query ? &netlink.netlink : NULL;
	view.open_disks = open_disks;
	view.timeout = timeout;
	view.root = probe_sysroot(probe);
	view.inventory = inventory;
	address_parse(DEVICE, &address);
	if (fail_allocation_works())
		fail_each_allocation(check, &view, inventory_find(inventory, &address));
	check(&view, inventory_find(inventory, &address), &findings);
	assert_false(findings.no_memory);
	found[0] = '\0';
	for (size_t i = 0; i < findings.count; i++)
		length += (size_t)snprintf(found + length, sizeof(found) - length, "%s: %s\n",
					   HAZARDS[findings.items[i].hazard].name,
					   findings.items[i].text);
	hazard_findings_free(&findings);
	hazard_view_free(&view);
	inventory_free(inventory);
	probe_free(probe);
	return found;
}

const char *find_with_ssh(const char *ssh)
{
	return find_with_view(hazards_find, (struct hazard_view){.ssh_connection = ssh});
}

const char *find(void)
{
	return find_with_view(hazards_find, (struct hazard_view){0});
}

void add_device(unsigned class, const char *driver)
{
	fakesys_pci(fake, DEVICE, .vendor = 0x1b36, .device = 0x10, .class = class,
		    .driver = driver, .group = "7");
	fakesys_link(fake, "sys/kernel/iommu_groups/7/devices/" DEVICE,
		     "../../../../bus/pci/devices/" DEVICE);
	fakesys_file(fake, AT "reset_method", "flr bus\n");
}

void add_node(const char *number, const char *path, const char *subsystem)
{
	char link[128], target[192];

	snprintf(link, sizeof(link), "sys/dev/%s", number);
	snprintf(target, sizeof(target), "../../devices/pci0000:00/" DEVICE "/%s", path);
	fakesys_link(fake, link, target);
	if (!subsystem)
		return;
	snprintf(link, sizeof(link), "sys/devices/pci0000:00/" DEVICE "/%s/subsystem", path);
	snprintf(target, sizeof(target), "../class/%s", subsystem);
	fakesys_link(fake, link, target);
}

void add_disk(const char *name, const char *number)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/block/%s", name);
	snprintf(target, sizeof(target), "../devices/pci0000:00/" DEVICE "/nvme/nvme0/%s", name);
	fakesys_link(fake, path, target);
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	fakesys_file(fake, path, number);
}

void add_partition(const char *disk, const char *name, const char *number)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/block/%s/%s/partition", disk, name);
	fakesys_file(fake, path, "1\n");
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	fakesys_file(fake, path, number);
}
