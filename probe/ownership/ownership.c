/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/ownership.h"

#include "probe/driver.h"
#include "probe/ownership/hostnodes.h"
#include "probe/ownership/references.h"
#include "probe/ownership/sources.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ownership_name(enum ownership ownership)
{
	static const char *const names[OWNERSHIP_COUNT] = {
		[OWNERSHIP_UNKNOWN] = "unknown", [OWNERSHIP_FREE] = "free",
		[OWNERSHIP_HOST] = "host",	 [OWNERSHIP_RESERVED] = "reserved",
		[OWNERSHIP_HELD] = "held",
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

/* What a device's ownership is decided by, besides the claims. */
struct evidence {
	struct owner_search search;
	struct vfio_nodes nodes;
	struct holders holders;
	int nodes_error;    /* a negative errno: VFIO's nodes could not be listed */
	bool has_mdevs;	    /* mediated devices exist, or could not be listed */
	bool *mdev_parents; /* for each device: whether it has, or may have, mediated devices; NULL:
			       none has */
	bool idle;	    /* the kernel has no VFIO file open */
	bool host_processes; /* see struct ownership_options */
	bool has_host_nodes;
	bool recording;
};

/* A process can hold a device that is bound to a VFIO driver; one that the kernel lists as a VFIO
 * device, whatever its driver (a vendor's driver can assign VFs itself); and one that was removed
 * while a VM held it: it has lost its driver, but not yet its group. */
static bool can_be_held(const struct evidence *evidence, const struct pci_device *device)
{
	if (device->driver && driver_is_vfio(device->driver))
		return true;
	if (evidence->nodes_error || (device->incomplete && !device->driver))
		return true;
	if (vfio_nodes_have_device(&evidence->nodes, &device->address))
		return true;
	return (!device->driver || !evidence->nodes.lists_devices) &&
	       (device->present & HAS_IOMMU_GROUP) &&
	       vfio_nodes_have_group(&evidence->nodes, device->iommu_group);
}

static bool has_mdevs(struct sysroot *root)
{
	_cleanup_closedir_ DIR *list = NULL;
	int error = sysdir_list(sysroot_dir(root), MDEV_DIRECTORY, &list);

	return error < 0 ? error != -ENOENT : sysdir_next(list) || errno;
}

/* Whether VFIO can use the device, or mediated devices of it, while it is bound to a driver other
 * than VFIO's. */
static bool is_shared_with_vfio(const struct evidence *evidence, const struct pci_device *device)
{
	if (vfio_nodes_have_device(&evidence->nodes, &device->address))
		return true;
	return evidence->mdev_parents &&
	       evidence->mdev_parents[device - evidence->search.inventory->devices];
}

/* A host without assignable devices needs no walk through its processes. */
static bool needs_walk(const struct evidence *evidence)
{
	inventory_foreach(evidence->search.inventory, device)
		if (can_be_held(evidence, device))
			return true;
	return evidence->has_mdevs;
}

/* The absence of processes in a recording is not evidence. */
static bool is_recording(struct sysroot *root)
{
	struct sysdir first;
	int error;

	if (sysroot_is_host(root))
		return false;
	error = sysdir_open(sysroot_dir(root), "proc/1", &first);
	if (!error)
		sysdir_close(&first);
	return error == -ENOENT;
}

/* An open group or device node has two references to the module. A single one is VFIO's own: that
 * of its file system, since Linux 6.10 (vfio_fs_inode_new()), while it has devices. Two hidden
 * containers, with one reference each, cannot be distinguished from a hidden group without an open
 * device: neither leaves any other trace. */
#define HIDDEN_REFERENCES 2

/* The kernel's reference count, before or after a walk. */
struct counts {
	int error; /* -ENOENT: VFIO is built in and has no count */
	unsigned references;
};

static struct counts read_counts(struct sysroot *root)
{
	struct counts counts = {0};

	counts.error = references_read(root, &counts.references);
	return counts;
}

/* The number of references per open file is known only for kernels that list VFIO's devices. */
static bool are_comparable(const struct evidence *evidence, const struct counts *before,
			   const struct counts *after)
{
	return evidence->nodes.lists_devices && !before->error && !after->error;
}

/* Returns the number of references that the found files don't account for: of a hidden process, or
 * of a file in no process's table. If the number per file is unknown, references are hidden only if
 * no file at all was found. */
static int count_hidden(const struct evidence *evidence, const struct counts *before,
			const struct counts *after, unsigned *ret)
{
	unsigned found, references = before->references;
	int error = references_count_found(evidence->search.root, &evidence->holders, &found);

	*ret = 0;
	if (error < 0)
		return error;
	if (after->references > references)
		references = after->references;
	if (before->error || after->error || references < found + HIDDEN_REFERENCES)
		return 0;
	if (are_comparable(evidence, before, after) || !found)
		*ret = references - found;
	return 0;
}

static void report_unseen(struct evidence *evidence)
{
	struct owner_search *search = &evidence->search;
	const struct holders *holders = &evidence->holders;
	struct source_report *report = &search->processes;

	search->inventory->unseen = holders->unseen;
	report->state = SOURCE_PARTLY;
	snprintf(report->why, sizeof(report->why), "%zu processes could not be inspected: %s",
		 holders->unseen, strerror(-holders->error));
	/* missing permissions are reported by the caller, with the number of processes; of other
	 * errors the cause is logged */
	if (holders->error != -EACCES && holders->error != -EPERM)
		log_warning(search->log, "%s/proc: %s", sysroot_path(search->root), report->why);
}

/* The kernel's count outranks the walk: if it matches the files that were found, processes that
 * could not be inspected hold none. */
static void check_walk_result(struct evidence *evidence, const struct counts *before,
			      const struct counts *after, unsigned hidden)
{
	struct source_report *report = &evidence->search.processes;
	int error = before->error && before->error != -ENOENT ? before->error : after->error;

	report->state = SOURCE_OK;
	if (are_comparable(evidence, before, after) && !hidden)
		return;
	if (evidence->holders.unseen) {
		report_unseen(evidence);
	} else if (error && error != -ENOENT) {
		report->state = SOURCE_PARTLY;
		snprintf(report->why, sizeof(report->why), "/sys/module/vfio: %s",
			 strerror(-error));
		log_warning(evidence->search.log, "%s%s; device owners are unknown",
			    sysroot_path(evidence->search.root), report->why);
	} else if (hidden) {
		report->state = SOURCE_PARTLY;
		snprintf(report->why, sizeof(report->why),
			 "VFIO is in use, but not by a visible process "
			 "(%u module references unaccounted for)",
			 hidden);
	}
}

/* Returns 0 or -ENOMEM; other errors are reported in search.processes. */
static int walk(struct evidence *evidence, enum holders_depth depth)
{
	struct owner_search *search = &evidence->search;
	int error = holders_read(search->root, &evidence->nodes, depth, &evidence->holders);

	if (error == 0 || error == -ENOMEM)
		return error;
	log_warning(search->log, "%s/proc: %s; device owners are unknown",
		    sysroot_path(search->root), strerror(-error));
	search->processes.state = SOURCE_FAILED;
	snprintf(search->processes.why, sizeof(search->processes.why), "/proc: %s",
		 strerror(-error));
	return 0;
}

/* No process can have a VFIO file open. */
static int walk_idle(struct evidence *evidence)
{
	int error;

	if (!evidence->has_host_nodes)
		return evidence->search.wanted & OWNER_CMDLINE
			       ? walk(evidence, HOLDERS_COMMAND_LINES)
			       : 0;
	error = walk(evidence, HOLDERS_PROCESSES);
	for (size_t i = 0; i < evidence->holders.count; i++)
		evidence->holders.items[i].inspected = true;
	return error;
}

/* Threads are inspected, which takes longer, only in the rare case that the kernel counts more
 * references than the processes' main threads account for. */
static int find_holders(struct evidence *evidence)
{
	struct owner_search *search = &evidence->search;
	struct counts before, after;
	unsigned hidden;
	int error;

	search->processes.state = SOURCE_OK;
	if (!(search->wanted & (OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV)) || !needs_walk(evidence))
		return evidence->has_host_nodes ? walk(evidence, HOLDERS_PROCESSES) : 0;
	if (evidence->nodes_error) {
		search->processes.state = SOURCE_FAILED;
		snprintf(search->processes.why, sizeof(search->processes.why),
			 "/sys/class/vfio: %s", strerror(-evidence->nodes_error));
		log_warning(search->log, "%s%s; device owners are unknown",
			    sysroot_path(search->root), search->processes.why);
		return 0;
	}
	before = read_counts(search->root);
	evidence->idle = !before.error && before.references < HIDDEN_REFERENCES;
	if (evidence->idle)
		return walk_idle(evidence);
	error = walk(evidence, HOLDERS_PROCESSES);
	if (error < 0 || search->processes.state == SOURCE_FAILED)
		return error;
	after = read_counts(search->root);
	error = count_hidden(evidence, &before, &after, &hidden);
	if (error < 0)
		return error;
	if (hidden) {
		holders_free(&evidence->holders);
		before = read_counts(search->root);
		error = walk(evidence, HOLDERS_THREADS);
		if (error < 0 || search->processes.state == SOURCE_FAILED)
			return error;
		after = read_counts(search->root);
		error = count_hidden(evidence, &before, &after, &hidden);
		if (error < 0)
			return error;
	}
	check_walk_result(evidence, &before, &after, hidden);
	return 0;
}

static int read_sources(const struct owner_search *search)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		struct source_report *report = &search->inventory->sources[i];
		int error;

		if (!(search->wanted & SOURCES[i].bit) || report->state == SOURCE_ABSENT)
			continue;
		report->state = SOURCE_OK;
		error = SOURCES[i].claim(search, report);
		if (report->state == SOURCE_OK || report->state == SOURCE_ABSENT)
			report->why[0] = '\0';
		if (error < 0)
			return error;
	}
	return 0;
}

static const struct source_report *find_failed(const struct source_report *sources)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if ((SOURCES[i].bit == OWNER_LIBVIRT || SOURCES[i].bit == OWNER_PROXMOX) &&
		    (sources[i].state == SOURCE_FAILED || sources[i].state == SOURCE_PARTLY))
			return &sources[i];
	return NULL;
}

/* Whether the device may have an owner that no source has found; sets WHY then. */
static bool may_have_owner(const struct evidence *evidence, const struct pci_device *device,
			   char why[UNKNOWN_REASON_SIZE])
{
	const struct source_report *sources = evidence->search.inventory->sources;
	const struct source_report *failed = find_failed(sources);
	const struct source_report *processes = &sources[__builtin_ctz(OWNER_VFIO)];
	enum vfio_use use = evidence->idle || evidence->recording
				    ? VFIO_USE_CLOSED
				    : vfio_device_use(evidence->search.root, &device->address,
						      device->driver);

	if (evidence->recording)
		snprintf(why, UNKNOWN_REASON_SIZE, "a recording has no processes");
	else if (failed)
		snprintf(why, UNKNOWN_REASON_SIZE, "%s: %s", failed->name, failed->why);
	else if (device->incomplete && !device->driver)
		snprintf(why, UNKNOWN_REASON_SIZE, "driver could not be read");
	else if (!can_be_held(evidence, device) && !is_shared_with_vfio(evidence, device))
		return false;
	else if (processes->state == SOURCE_OFF)
		snprintf(why, UNKNOWN_REASON_SIZE, "the source vfio is disabled");
	else if (processes->state != SOURCE_OK)
		snprintf(why, UNKNOWN_REASON_SIZE, "%s", processes->why);
	else if (use == VFIO_USE_UNKNOWN && evidence->search.inventory->unlocated)
		snprintf(why, UNKNOWN_REASON_SIZE,
			 "a process has a VFIO device open that could not be identified");
	else if (use == VFIO_USE_FAILED)
		snprintf(why, UNKNOWN_REASON_SIZE,
			 "could not read from the kernel whether it is open");
	else if (use == VFIO_USE_OPEN)
		snprintf(why, UNKNOWN_REASON_SIZE,
			 "open in the kernel, but not by a visible process");
	else
		return false;
	return true;
}

/* Whether a VM may have the vDPA node of the device open; sets WHY then. */
static bool may_be_held_by_vdpa(const struct evidence *evidence, const struct pci_device *device,
				char why[UNKNOWN_REASON_SIZE])
{
	const struct owner_search *search = &evidence->search;
	const struct source_report *nodes = &search->inventory->sources[__builtin_ctz(OWNER_NODES)];

	/* any user can have many processes that use a GPU: that must not hide who has a NIC */
	if (!device->has_vdpa_node || nodes->state == SOURCE_OK ||
	    (nodes->state == SOURCE_PARTLY && !evidence->holders.unseen))
		return false;
	snprintf(why, UNKNOWN_REASON_SIZE, "%s", nodes->why);
	return true;
}

static enum ownership resolve_ownership(const struct evidence *evidence,
					const struct pci_device *device,
					char why[UNKNOWN_REASON_SIZE])
{
	bool reserved = false;

	for (size_t i = 0; i < device->owner_count; i++) {
		if (owner_holds(&device->owners[i]))
			return OWNERSHIP_HELD;
		reserved |= device->owners[i].reserves;
	}
	if (reserved)
		return OWNERSHIP_RESERVED;
	if (!device_is_assignable(device))
		return !device_is_bridge(device) && !evidence->recording &&
				       (may_be_held_by_vdpa(evidence, device, why) ||
					(is_shared_with_vfio(evidence, device) &&
					 may_have_owner(evidence, device, why)))
			       ? OWNERSHIP_UNKNOWN
			       : OWNERSHIP_HOST;
	return may_have_owner(evidence, device, why) ? OWNERSHIP_UNKNOWN : OWNERSHIP_FREE;
}

static void format_sources(struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++) {
		struct owner *owner = &device->owners[i];

		sources_format(owner->sources, owner->source, sizeof(owner->source));
	}
}

/* While a VM holds a device of a group, no other VM can use the rest of the group. */
static void mark_held_groups(struct inventory *inventory)
{
	inventory_foreach(inventory, device) {
		if (device->ownership != OWNERSHIP_HELD || !(device->present & HAS_IOMMU_GROUP))
			continue;
		inventory_foreach(inventory, peer)
			if (peer != device && (peer->present & HAS_IOMMU_GROUP) &&
			    peer->iommu_group == device->iommu_group &&
			    peer->ownership != OWNERSHIP_HELD)
				peer->group_held = true;
	}
}

/* NVIDIA's driver stays bound to a VF that it assigns to VMs itself, which a vGPU type shows. */
static void read_vgpu_type(struct sysroot *root, struct pci_device *device)
{
	char path[96], address[ADDRESS_SIZE], text[ATTRIBUTE_SIZE];

	if (device->vgpu_type || !device->driver || strcmp(device->driver, "nvidia") != 0)
		return;
	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/nvidia/current_vgpu_type",
		 address_format(&device->address, address));
	if (sysdir_read(sysroot_dir(root), path, text, sizeof(text)) > 0)
		device->vgpu_type = strdup(text);
}

static int set_ownership(const struct evidence *evidence, struct pci_device *device)
{
	char why[UNKNOWN_REASON_SIZE];

	device->present |= HAS_OWNERSHIP;
	device->ownership = resolve_ownership(evidence, device, why);
	format_sources(device);
	if (device->ownership != OWNERSHIP_UNKNOWN)
		return 0;
	device->unknown_reason = strdup(why);
	return device->unknown_reason ? 0 : -ENOMEM;
}

/* If mediated devices cannot be listed, every device may have some. */
static int find_mdev_parents(struct evidence *evidence)
{
	struct inventory *inventory = evidence->search.inventory;

	evidence->mdev_parents = calloc(inventory->count + 1, sizeof(*evidence->mdev_parents));
	if (!evidence->mdev_parents)
		return -ENOMEM;
	if (mdev_mark_parents(evidence->search.root, inventory, evidence->mdev_parents) < 0)
		memset(evidence->mdev_parents, true, inventory->count);
	return 0;
}

/* Returns 0 or -ENOMEM. */
static int find_host_nodes(struct evidence *evidence)
{
	struct owner_search *search = &evidence->search;
	int count;

	if (!(search->wanted & OWNER_NODES))
		return 0;
	count = host_nodes_read(search->root, evidence->host_processes, search->inventory,
				&evidence->nodes);
	evidence->has_host_nodes = count > 0;
	search->host_nodes_error = count < 0 ? count : 0;
	if (count < 0)
		log_warning(search->log, "%s: the nodes of host drivers could not be listed: %s",
			    sysroot_path(search->root), strerror(-count));
	return count == -ENOMEM ? count : 0;
}

static int find_owners(struct evidence *evidence)
{
	struct inventory *inventory = evidence->search.inventory;
	int error;

	inventory_foreach(inventory, device)
		read_vgpu_type(evidence->search.root, device);
	error = evidence->recording ? 0 : find_host_nodes(evidence);
	if (!error && !evidence->recording)
		error = find_holders(evidence);
	if (error < 0)
		return error;
	error = read_sources(&evidence->search);
	if (error < 0)
		return error;
	error = evidence->has_mdevs ? find_mdev_parents(evidence) : 0;
	if (error < 0)
		return error;
	inventory_foreach(inventory, device) {
		error = set_ownership(evidence, device);
		if (error < 0)
			return error;
	}
	mark_held_groups(inventory);
	return 0;
}

int ownership_read(struct sysroot *root, const struct log *log,
		   const struct ownership_options *options, struct inventory *inventory)
{
	struct evidence evidence = {
		.search =
			{
				.root = root,
				.log = log,
				.inventory = inventory,
				.wanted = options->sources,
				.libvirt_helper = options->libvirt_helper,
				.nodes = &evidence.nodes,
				.holders = &evidence.holders,
			},
		.host_processes = options->host_processes,
		.recording = is_recording(root),
	};
	int error;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		bool is_absent = evidence.recording && (options->sources & SOURCES[i].bit);

		inventory->sources[i] = (struct source_report){
			.name = SOURCES[i].name,
			.state = is_absent ? SOURCE_ABSENT : SOURCE_OFF,
		};
	}
	evidence.nodes_error = vfio_nodes_read(root, &evidence.nodes);
	evidence.has_mdevs = has_mdevs(root);
	error = evidence.nodes_error == -ENOMEM ? -ENOMEM : find_owners(&evidence);
	free(evidence.mdev_parents);
	holders_free(&evidence.holders);
	vfio_nodes_free(&evidence.nodes);
	return error;
}
