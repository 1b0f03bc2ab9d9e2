/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/ownership.h"

#include "probe/driver.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *ownership_name(enum ownership ownership)
{
	static const char *const names[OWNERSHIP_COUNT] = {
		[OWNERSHIP_UNKNOWN] = "unknown",   [OWNERSHIP_FREE] = "free", [OWNERSHIP_HOST] = "host",
		[OWNERSHIP_RESERVED] = "reserved", [OWNERSHIP_HELD] = "held",
	};

	return names[ownership];
}

const char *source_state_name(enum source_state state)
{
	static const char *const names[] = {
		[SOURCE_OFF] = "off",	    [SOURCE_ABSENT] = "absent", [SOURCE_OK] = "ok",
		[SOURCE_PARTLY] = "partly", [SOURCE_FAILED] = "failed",
	};

	return names[state];
}

/* Only such a card can be a process's. One that was pulled out while a VM has it loses its driver, but not yet its group, and a
 * maker's driver can hand out cards itself: then too the group has a node in NODES, which is /dev/vfio. */
static bool can_be_held(const struct sysdir *nodes, const struct pci_device *device)
{
	char name[16];

	if (device->driver && driver_is_vfio(device->driver))
		return true;
	if (nodes->fd < 0 || !(device->present & HAS_IOMMU_GROUP))
		return false;
	snprintf(name, sizeof(name), "%u", device->iommu_group);
	return sysdir_has(nodes, name);
}

static bool has_mdevs(struct sysroot *root)
{
	_cleanup_closedir_ DIR *list = NULL;

	return sysdir_list(sysroot_dir(root), "sys/bus/mdev/devices", &list) == 0 && sysdir_next(list);
}

/* A host that gives no card to a VM is spared the walk through its processes. */
static bool must_look(const struct search *search, const struct sysdir *nodes)
{
	inventory_foreach(search->inventory, device)
		if (can_be_held(nodes, device))
			return true;
	return has_mdevs(search->root);
}

/* A recording has no processes, which tells nothing of the machine's. */
static bool is_recording(struct sysroot *root)
{
	struct sysdir first;

	if (sysroot_is_host(root))
		return false;
	if (sysdir_open(sysroot_dir(root), "proc/1", &first) < 0)
		return true;
	sysdir_close(&first);
	return false;
}

/* Fills SEARCH in and returns 0 or -ENOMEM. */
static int look_at_processes(struct search *search, const struct sysdir *nodes, struct holders *holders)
{
	struct source_report *report = &search->processes;
	int error;

	report->state = SOURCE_OK;
	if (!(search->wanted & (OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV)) || !must_look(search, nodes))
		return 0;
	error = holders_read(search->root, holders);
	if (error < 0) {
		log_warning(search->log, "%s/proc: %s; whether a VM has a card is not known", sysroot_path(search->root),
			    strerror(-error));
		report->state = SOURCE_FAILED;
		snprintf(report->why, sizeof(report->why), "/proc: %s", strerror(-error));
		return error == -ENOMEM ? error : 0;
	}
	search->inventory->unseen = holders->unseen;
	if (holders->unseen) {
		report->state = SOURCE_PARTLY;
		snprintf(report->why, sizeof(report->why), "%zu processes could not be looked at", holders->unseen);
	}
	return 0;
}

static int ask_sources(const struct search *search)
{
	int error = 0;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT && !error; i++) {
		struct source_report *report = &search->inventory->sources[i];

		if (!(search->wanted & SOURCES[i].bit) || report->state == SOURCE_ABSENT)
			continue;
		report->state = SOURCE_OK;
		error = SOURCES[i].claim(search, report);
		if (report->state == SOURCE_OK || report->state == SOURCE_ABSENT)
			report->why[0] = '\0';
	}
	return error;
}

/* Whether nobody can have the card whom its source has not shown. */
static bool is_seen_free(const struct source_report *sources, const struct sysdir *nodes, const struct pci_device *device)
{
	bool processes_seen = false;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		/* what was switched off isn't missed, but for the processes: without these nothing is known to be free */
		if (SOURCES[i].bit == OWNER_VFIO)
			processes_seen = sources[i].state == SOURCE_OK;
		else if (SOURCES[i].bit == OWNER_LIBVIRT || SOURCES[i].bit == OWNER_PROXMOX)
			if (sources[i].state == SOURCE_FAILED)
				return false;
	}
	return processes_seen || !can_be_held(nodes, device);
}

static enum ownership weigh(const struct search *search, const struct sysdir *nodes, const struct pci_device *device,
			    bool recording)
{
	bool reserved = false;

	for (size_t i = 0; i < device->owner_count; i++) {
		if (!device->owners[i].reserves)
			return OWNERSHIP_HELD;
		reserved = true;
	}
	if (reserved)
		return OWNERSHIP_RESERVED;
	if (!device_is_givable(device))
		return OWNERSHIP_HOST;
	return !recording && is_seen_free(search->inventory->sources, nodes, device) ? OWNERSHIP_FREE : OWNERSHIP_UNKNOWN;
}

static void name_sources(struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		sources_format(device->owners[i].sources, device->owners[i].source, sizeof(device->owners[i].source));
}

int ownership_read(struct sysroot *root, const struct log *log, const struct ownership_options *options,
		   struct inventory *inventory)
{
	struct holders holders = {0};
	struct search search = {
		.root = root,
		.log = log,
		.inventory = inventory,
		.wanted = options->sources,
		.libvirt_helper = options->libvirt_helper,
		.holders = &holders,
	};
	_cleanup_sysdir_ struct sysdir nodes = {.fd = -1};
	bool recording = is_recording(root);
	int error = 0;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		inventory->sources[i] = (struct source_report){
			.name = SOURCES[i].name,
			.state = recording && (search.wanted & SOURCES[i].bit) ? SOURCE_ABSENT : SOURCE_OFF,
		};
	sysdir_open(sysroot_dir(root), "dev/vfio", &nodes);
	if (!recording)
		error = look_at_processes(&search, &nodes, &holders);
	if (!error)
		error = ask_sources(&search);
	holders_free(&holders);
	if (error < 0)
		return error;
	inventory_foreach(inventory, device) {
		device->present |= HAS_OWNERSHIP;
		device->ownership = weigh(&search, &nodes, device, recording);
		name_sources(device);
	}
	return 0;
}
