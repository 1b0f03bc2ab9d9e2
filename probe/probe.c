/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/probe.h"

#include "probe/details/details.h"
#include "probe/details/related.h"
#include "probe/details/vfsettings.h"
#include "probe/drift.h"
#include "probe/expect/finding.h"
#include "probe/leftover.h"
#include "probe/ownership/ownership.h"
#include "probe/ownership/vfs.h"
#include "probe/sysfs/scan.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
	struct log log;
	struct sysroot *root;
	struct config *config;
	struct names *names;
	struct selection selection;
	unsigned details, other_details;
	bool keep_files;
	struct kept kept;
	struct ownership_options ownership;
	char *vf_helper;
};

/* OOM is the only error not logged by callees. */
static void log_oom(const struct probe *probe, int error)
{
	if (error == -ENOMEM)
		log_error(&probe->log, "out of memory");
}

static void read_host(struct sysroot *root, char *host, size_t size)
{
	char text[ATTRIBUTE_SIZE];

	host[0] = '\0';
	if (sysdir_read(sysroot_dir(root), "proc/sys/kernel/hostname", text, sizeof(text)) >= 0 &&
	    strlen(text) < size)
		strcpy(host, text);
}

/* The installed file, if any, is below the root because a recording contains its own. */
static int load_installed(struct probe *probe, const char *path, const char *host)
{
	char *text, *full;
	size_t length;
	int error;

	error = textfile_read_bytes(probe->root, path + 1, CONFIG_SIZE_MAX, &text, &length);
	if (error == -ENOENT || error == -ENOTDIR)
		return config_new_empty(&probe->config);
	if (error == -ENOMEM)
		return error;
	if (error < 0) {
		log_error(&probe->log, "%s%s: %s", sysroot_path(probe->root), path,
			  strerror(-error));
		return error;
	}
	if (asprintf(&full, "%s%s", sysroot_path(probe->root), path) < 0) {
		free(text);
		return -ENOMEM;
	}
	error = config_parse(full, text, length, host, &probe->log, &probe->config);
	free(full);
	free(text);
	return error;
}

static int load_config(struct probe *probe, const struct probe_options *options)
{
	char host[65];

	if (options->all)
		return config_new_empty(&probe->config);
	read_host(probe->root, host, sizeof(host));
	if (options->config && options->config_fd)
		return config_load_fd(options->config, *options->config_fd, host, &probe->log,
				      &probe->config);
	if (options->config)
		return config_load(options->config, host, &probe->log, &probe->config);
	if (options->config_home)
		return load_installed(probe, options->config_home, host);
	return config_new_empty(&probe->config);
}

static void fill_selection(struct probe *probe, const struct probe_options *options)
{
	const struct rule_list *lists[SELECTION_LISTS_MAX] = {
		&probe->config->filters, &probe->config->addresses,
		&probe->config->names,	 options->filters,
		options->slots,		 options->names,
	};

	for (size_t i = 0; i < SELECTION_LISTS_MAX; i++)
		if (lists[i])
			selection_add(&probe->selection, lists[i]);
}

static int open_sources(struct probe *probe, const struct probe_options *options)
{
	const char *path = options->sysroot ? options->sysroot : "/";
	int error = sysroot_new(path, &probe->root);

	if (error < 0) {
		log_error(&probe->log, "%s: %s", path, strerror(-error));
		return error;
	}
	sysroot_watch(probe->root, options->observer, options->observer_data);
	error = load_config(probe, options);
	if (error < 0)
		return error;
	/* the hwdb of this machine is used only for its own devices */
	return names_new(NULL, sysroot_is_host(probe->root), &probe->log, &probe->names);
}

int probe_new(const struct probe_options *options, struct probe **ret)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int error;

	if (!probe) {
		log_error(&options->log, "out of memory");
		return -ENOMEM;
	}
	probe->log = options->log;
	probe->details = options->details;
	probe->other_details = options->other_details;
	probe->keep_files = options->keep_files;
	probe->ownership.libvirt_helper = options->libvirt_helper;
	probe->ownership.host_processes = options->details & DETAIL_HOST_PROCESSES;
	if (options->vf_helper)
		probe->vf_helper = strdup(options->vf_helper);
	error = options->vf_helper && !probe->vf_helper ? -ENOMEM : open_sources(probe, options);
	if (error < 0) {
		log_oom(probe, error);
		probe_free(probe);
		return error;
	}
	fill_selection(probe, options);
	probe->ownership.sources = options->owners ? *options->owners & OWNER_ALL
						   : probe->config->owners;
	if (probe->details & DETAIL_EXPECT)
		probe->details |= expectations_details(&probe->config->expectations,
						       probe->config->aliases,
						       probe->config->alias_count);
	if (probe->details & DETAIL_ALIASES)
		probe->details |= aliases_details(probe->config->aliases,
						  probe->config->alias_count);
	*ret = probe;
	return 0;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	names_free(probe->names);
	config_free(probe->config);
	kept_close(&probe->kept);
	sysroot_free(probe->root);
	free(probe->vf_helper);
	free(probe);
}

static int select_devices(struct probe *probe, struct inventory *inventory)
{
	int error;

	inventory->verdicts = calloc(inventory->count ? inventory->count : 1,
				     sizeof(*inventory->verdicts));
	if (!inventory->verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->count; i++) {
		struct pci_device *device = &inventory->devices[i];
		struct verdict *verdict = &inventory->verdicts[i];

		error = selection_apply(&probe->selection, probe->names, device, &probe->log,
					verdict);
		if (error < 0)
			return error;
		device->verdict = verdict;
		device->selected = !verdict->rejected_by;
		inventory->selected += device->selected;
	}
	return 0;
}

static void name_devices(struct probe *probe, struct inventory *inventory)
{
	struct names *names = probe->names;

	inventory_foreach(inventory, device) {
		device->vendor_name = names_vendor(names, device->vendor);
		device->device_name = names_device(names, device->vendor, device->device);
		device->class_name = names_class(names, device->class);
	}
}

static void name_subsystems(struct probe *probe, struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (device->present & HAS_SUBSYSTEM)
			device->subsystem_name =
				names_subsystem(probe->names, device->vendor, device->device,
						device->subsystem_vendor, device->subsystem_device);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Aliases that are not asked for are not read. */
static size_t alias_count(const struct probe *probe)
{
	return probe->details & DETAIL_ALIASES ? probe->config->alias_count : 0;
}

static bool has_path_rules(const struct probe *probe)
{
	if (rule_list_has_paths(&probe->config->addresses))
		return true;
	if ((probe->details & DETAIL_EXPECT) &&
	    expectations_have_paths(&probe->config->expectations))
		return true;
	for (size_t i = 0; i < alias_count(probe); i++)
		if (rule_list_has_paths(&probe->config->aliases[i].addresses))
			return true;
	return false;
}

static int warn_moved(const struct probe *probe, const struct inventory *inventory)
{
	int error = rule_list_warn_moved(&probe->config->addresses, inventory, &probe->log);

	for (size_t i = 0; i < alias_count(probe) && error == 0; i++)
		error = rule_list_warn_moved(&probe->config->aliases[i].addresses, inventory,
					     &probe->log);
	return error;
}

/* Reads all requested details of the devices except ownership. */
static int read_devices(struct probe *probe, struct inventory *inventory)
{
	int error;

	read_host(probe->root, inventory->host, sizeof(inventory->host));
	error = scan_read(probe->root, &probe->log, inventory);
	if (error < 0)
		return error;
	if (has_path_rules(probe))
		error = details_read_paths(probe->root, &probe->log, inventory);
	if (error == 0)
		error = warn_moved(probe, inventory);
	if (error < 0)
		return error;
	error = select_devices(probe, inventory);
	if (error == 0 && (probe->details & DETAIL_EXPECT))
		error = expectations_mark(&probe->config->expectations, probe->config->aliases,
					  probe->config->alias_count, probe->names, &probe->log,
					  inventory);
	if (error < 0)
		return error;
	error = details_read(probe->root, &probe->log, probe->details, probe->other_details,
			     DETAIL_ALL, inventory);
	if (error < 0)
		return error;
	if (probe->details & DETAIL_NAMES)
		name_devices(probe, inventory);
	if (probe->details & DETAIL_SUBSYSTEM_NAME)
		name_subsystems(probe, inventory);
	if (probe->details & DETAIL_ALIASES)
		error = aliases_read(probe->config->aliases, alias_count(probe), probe->names,
				     &probe->log, inventory);
	/* a missing name is shown, and rules for names would not match */
	return !error && names_no_memory(probe->names) ? -ENOMEM : error;
}

/* Static properties, reusable while the device stays in place. */
static struct pci_device copy_static(const struct pci_device *device)
{
	return (struct pci_device){
		.address = device->address,
		.inode = device->inode,
		.vendor = device->vendor,
		.device = device->device,
		.class = device->class,
		.subsystem_vendor = device->subsystem_vendor,
		.subsystem_device = device->subsystem_device,
		.prog_if = device->prog_if,
		.revision = device->revision,
		.present = device->present &
			   (HAS_SUBSYSTEM | HAS_REVISION | HAS_IOMMU_GROUP | HAS_NUMA_NODE |
			    HAS_SRIOV | HAS_PF | HAS_VF_INDEX | HAS_VFS_TOTAL | HAS_VFS_ENABLED |
			    HAS_VIRTFN | HAS_LINK_LIMITS),
		.selected = device->selected,
		.expected = device->expected,
		.vendor_name = device->vendor_name,
		.device_name = device->device_name,
		.class_name = device->class_name,
		.subsystem_name = device->subsystem_name,
		.iommu_group = device->iommu_group,
		.numa_node = device->numa_node,
		.sriov = device->sriov,
		.link = device->link,
	};
}

/* What changes with a driver. */
static int copy_drivers(struct pci_device *device, const struct pci_device *from)
{
	device->driver = from->driver ? strdup(from->driver) : NULL;
	if (from->driver && !device->driver)
		return -ENOMEM;
	return strings_add_all(&device->nonviable_peers, &from->nonviable_peers);
}

/* Reads only the volatile attributes of the devices of LAST and copies the others; those of
 * drivers, too, if SETTLED. */
static int reread_devices(struct probe *probe, const struct inventory *last, bool settled,
			  struct inventory *inventory)
{
	const unsigned copied = DETAIL_STATIC | (settled ? DETAIL_DRIVER : 0);
	size_t capacity = last->count ? last->count : 1;
	int error;

	inventory->devices = calloc(capacity, sizeof(*inventory->devices));
	inventory->verdicts = calloc(capacity, sizeof(*inventory->verdicts));
	if (!inventory->devices || !inventory->verdicts)
		return -ENOMEM;
	strcpy(inventory->host, last->host);
	inventory->fingerprint = last->fingerprint;
	inventory->count = last->count;
	inventory->selected = last->selected;
	for (size_t i = 0; i < last->count; i++) {
		const struct pci_device *from = &last->devices[i];
		struct pci_device *device = &inventory->devices[i];

		*device = copy_static(from);
		inventory->verdicts[i] = *from->verdict;
		device->verdict = &inventory->verdicts[i];
		error = strings_add_all(&device->aliases, &from->aliases);
		if (error < 0)
			return error;
		error = strings_add_all(&device->group_peers, &from->group_peers);
		if (error < 0)
			return error;
		/* paths were read for rules, of all devices */
		device->path = from->path ? strdup(from->path) : NULL;
		if (from->path && !device->path)
			return -ENOMEM;
		error = settled ? copy_drivers(device, from) : 0;
		if (error < 0)
			return error;
	}
	error = details_read_again(probe->root, &probe->log, probe->details & ~copied, ~copied,
				   probe->keep_files ? &probe->kept : NULL, settled, inventory);
	if (error < 0 || settled)
		return error;
	/* the members of a group are static, but not their drivers */
	return read_nonviable_peers(probe->root, inventory);
}

/* Whether A and B have the same devices with the same drivers. A device that was removed while it
 * was read is missing. */
static bool same_devices(const struct inventory *a, const struct inventory *b)
{
	if (a->count != b->count || a->fingerprint != b->fingerprint)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (address_compare(&a->devices[i].address, &b->devices[i].address) != 0 ||
		    !text_same(a->devices[i].driver, b->devices[i].driver))
			return false;
	return true;
}

/* Copies the owners from LAST if it is given and still valid; otherwise reads them. */
static int read_owners(struct probe *probe, const struct inventory *last,
		       struct inventory *inventory)
{
	int error = 0;

	if (!(probe->details & DETAIL_OWNERSHIP))
		return 0;
	if (!last || !same_devices(last, inventory))
		return ownership_read(probe->root, &probe->log, &probe->ownership, inventory);
	inventory->unseen = last->unseen;
	inventory->unlocated = last->unlocated;
	memcpy(inventory->sources, last->sources, sizeof(inventory->sources));
	for (size_t i = 0; i < last->count && !error; i++)
		error = device_copy_owners(&inventory->devices[i], &last->devices[i]);
	return error;
}

/* Sets the time, which sources of ownership depend on. */
static struct inventory *new_inventory(void)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	if (inventory)
		clock_gettime(CLOCK_REALTIME, &inventory->time);
	return inventory;
}

static bool same_list(const struct probe *probe, const struct inventory *last)
{
	uint64_t fingerprint;

	return scan_fingerprint(probe->root, &fingerprint) == 0 && fingerprint == last->fingerprint;
}

/* Whether INVENTORY, with what was read of the devices of LAST, is to be used. What is missing may
 * be so because the kernel is about to say that a device is removed. */
static bool is_valid(const struct probe *probe, const struct inventory *last, bool settled,
		     const struct inventory *inventory)
{
	if (settled && (!probe->keep_files || probe->kept.missed) && !same_list(probe, last))
		return false;
	return same_devices(last, inventory);
}

/* Reads only the volatile attributes if nothing else can have changed since LAST. Otherwise *ret
 * stays NULL: binding a driver can add an IOMMU group (it does without an IOMMU), and attributes
 * that were unreadable before may be readable now. */
static int try_partial_read(struct probe *probe, const struct inventory *last, bool settled,
			    struct inventory **ret)
{
	struct inventory *inventory;
	int error;

	if (last->incomplete || (!settled && !same_list(probe, last)))
		return 0;
	inventory = new_inventory();
	if (!inventory)
		return -ENOMEM;
	error = reread_devices(probe, last, settled, inventory);
	if (error < 0 || !is_valid(probe, last, settled, inventory))
		inventory_free(inventory);
	else
		*ret = inventory;
	return error;
}

static int read_all(struct probe *probe, struct inventory **ret)
{
	struct inventory *inventory = new_inventory();
	int error;

	kept_close(&probe->kept);
	if (!inventory)
		return -ENOMEM;
	error = read_devices(probe, inventory);
	if (error < 0)
		inventory_free(inventory);
	else
		*ret = inventory;
	return error;
}

/* LAST may be NULL. */
static int read_inventory(struct probe *probe, const struct inventory *last, bool settled,
			  struct inventory **ret)
{
	struct inventory *inventory = NULL;
	struct timespec start;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (last)
		error = try_partial_read(probe, last, settled, &inventory);
	if (error == 0 && !inventory)
		error = read_all(probe, &inventory);
	if (error == 0 && (probe->details & DETAIL_VF_SETTINGS))
		error = vf_settings_read(probe->root, &probe->log, probe->vf_helper, inventory);
	if (error == 0)
		error = read_owners(probe, last, inventory);
	if (error == 0)
		error = leftover_read(&probe->config->vf_defaults, inventory);
	if (error == 0)
		error = drift_read(inventory);
	if (error == 0 && (probe->details & DETAIL_EXPECT))
		error = findings_read(&probe->config->expectations, inventory);
	if (error < 0) {
		log_oom(probe, error);
		inventory_free(inventory);
		return error;
	}
	if (probe->details & DETAIL_OWNERSHIP)
		vfs_count(inventory);
	inventory->seconds = seconds_since(&start);
	*ret = inventory;
	return 0;
}

int probe_read(struct probe *probe, struct inventory **ret)
{
	return read_inventory(probe, NULL, false, ret);
}

int probe_read_again(struct probe *probe, const struct inventory *last, bool settled,
		     struct inventory **ret)
{
	return read_inventory(probe, last, settled, ret);
}

const struct config *probe_config(const struct probe *probe)
{
	return probe->config;
}

const struct selection *probe_selection(const struct probe *probe)
{
	return &probe->selection;
}

struct names *probe_names(struct probe *probe)
{
	return probe->names;
}

struct sysroot *probe_sysroot(struct probe *probe)
{
	return probe->root;
}
