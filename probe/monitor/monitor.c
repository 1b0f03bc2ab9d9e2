/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A full reading after an event is repeated once: the process of a killed VM ends a little later
 * than it closes its devices. Some states end without an event: a process that could not be
 * inspected exits, a reservation of Proxmox expires, a VM closes a vDPA node in a private /dev. So
 * does a driver that fails to bind, which may have been read while it tried. They are checked every
 * few readings. */
#define FULL_READINGS_AFTER_EVENT 2
#define READINGS_PER_RECHECK 6

/* The configuration file on disk. All zeroes: it doesn't exist. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct monitor {
	struct probe_options options;
	struct sysroot *root;
	struct watch *watch;
	char *config_path; /* NULL: none is used */
	struct stamp stamp;
	bool config_rejected; /* the file on disk is not in use */
	struct probe *probe;  /* that read CURRENT */
	struct probe *next;   /* of a changed configuration, before its first reading; or NULL */
	struct probe *previous_probe; /* that read PREVIOUS, if it is not PROBE */
	struct inventory *current, *previous;
	unsigned full_readings; /* still to come, whatever happens */
	unsigned skipped;	/* readings since the last full one while a state may end without an
				   event */
	unsigned unlisted;	/* readings since the devices and their drivers were last read */
};

static struct stamp read_stamp(const char *path)
{
	struct stat status;

	if (!path || stat(path, &status) < 0)
		return (struct stamp){0};
	return (struct stamp){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int open_root(struct monitor *monitor)
{
	const struct probe_options *options = &monitor->options;
	const char *path = options->sysroot ? options->sysroot : "/";
	int error = sysroot_new(path, &monitor->root);

	if (error < 0) {
		log_error(&options->log, "%s: %s", path, strerror(-error));
		return error;
	}
	sysroot_watch(monitor->root, options->observer, options->observer_data);
	if (options->all)
		return 0;
	if (options->config)
		monitor->config_path = strdup(options->config);
	else if (asprintf(&monitor->config_path, "%s%s", sysroot_path(monitor->root),
			  options->config_home) < 0)
		monitor->config_path = NULL;
	return monitor->config_path ? 0 : -ENOMEM;
}

static int start(struct monitor *monitor)
{
	int error = open_root(monitor);

	if (error < 0)
		return error;
	error = watch_new(monitor->root, &monitor->options.log, &monitor->watch);
	if (error < 0)
		return error;
	monitor->stamp = read_stamp(monitor->config_path);
	monitor->options.keep_files = sysroot_is_host(monitor->root);
	return probe_new(&monitor->options, &monitor->probe);
}

int monitor_new(const struct probe_options *options, struct monitor **ret)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int error;

	if (!monitor)
		return -ENOMEM;
	monitor->options = *options;
	error = start(monitor);
	if (error < 0) {
		monitor_free(monitor);
		return error;
	}
	*ret = monitor;
	return 0;
}

/* An inventory refers to the probe that read it, so that it is freed first. */
static void free_previous(struct monitor *monitor)
{
	inventory_free(monitor->previous);
	monitor->previous = NULL;
	probe_free(monitor->previous_probe);
	monitor->previous_probe = NULL;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	free_previous(monitor);
	inventory_free(monitor->current);
	probe_free(monitor->probe);
	probe_free(monitor->next);
	watch_free(monitor->watch);
	sysroot_free(monitor->root);
	free(monitor->config_path);
	free(monitor);
}

/* A removed configuration counts as invalid: without rules every device would be selected. */
static enum config_status check_config(struct monitor *monitor)
{
	const struct log *log = &monitor->options.log;
	struct stamp stamp = read_stamp(monitor->config_path);

	if (same_stamp(&stamp, &monitor->stamp))
		return monitor->config_rejected ? CONFIG_STILL_REJECTED : CONFIG_UNCHANGED;
	monitor->stamp = stamp;
	probe_free(monitor->next);
	monitor->next = NULL;
	if (!stamp.inode)
		log_warning(log, "%s: removed; keeping the previous rules", monitor->config_path);
	else if (probe_new(&monitor->options, &monitor->next) < 0)
		log_warning(log, "%s: cannot be used; keeping the previous rules",
			    monitor->config_path);
	monitor->config_rejected = !monitor->next;
	return monitor->config_rejected ? CONFIG_REJECTED : CONFIG_LOADED;
}

/* Whether a state of the device may end without an event that watch.h sees. */
static bool may_change_silently(const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (device->owners[i].reserves && (device->owners[i].sources & OWNER_PROXMOX))
			return true;
	return device->has_vdpa_node ||
	       ((device->present & HAS_OWNERSHIP) && device->ownership == OWNERSHIP_UNKNOWN);
}

static bool any_may_change_silently(const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (may_change_silently(device))
			return true;
	return false;
}

static bool needs_full_reading(struct monitor *monitor, unsigned causes)
{
	/* the configuration is checked by itself */
	if (causes & ~(unsigned)WATCH_CONFIG)
		monitor->full_readings = FULL_READINGS_AFTER_EVENT;
	if (!monitor->full_readings && monitor->current &&
	    any_may_change_silently(monitor->current)) {
		if (++monitor->skipped < READINGS_PER_RECHECK)
			return false;
		monitor->full_readings = 1;
	}
	monitor->skipped = 0;
	if (!monitor->full_readings)
		return false;
	monitor->full_readings--;
	return true;
}

/* Whether the devices and their drivers are the same as in the last reading. Events cause a full
 * reading. */
static bool is_settled(struct monitor *monitor, bool full)
{
	if (full || !watch_sees_devices(monitor->watch) ||
	    ++monitor->unlisted >= READINGS_PER_RECHECK)
		monitor->unlisted = 0;
	return monitor->unlisted;
}

static bool is_partial(const struct inventory *inventory)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if (inventory->sources[i].state == SOURCE_FAILED ||
		    inventory->sources[i].state == SOURCE_PARTLY)
			return true;
	return false;
}

static void set_current(struct monitor *monitor, struct inventory *inventory)
{
	monitor->previous = monitor->current;
	monitor->current = inventory;
	if (!monitor->next)
		return;
	monitor->previous_probe = monitor->probe;
	monitor->probe = monitor->next;
	monitor->next = NULL;
}

int monitor_listen(struct monitor *monitor)
{
	return watch_listen(monitor->watch, monitor->config_path);
}

void monitor_recheck(struct monitor *monitor)
{
	monitor->skipped = READINGS_PER_RECHECK;
}

int monitor_read(struct monitor *monitor, struct monitor_reading *ret)
{
	struct inventory *inventory;
	bool settled;
	int error;

	free_previous(monitor);
	/* what happens from here on wakes the caller again */
	*ret = (struct monitor_reading){.causes = watch_read(monitor->watch),
					.config_path = monitor->config_path};
	ret->config_status = check_config(monitor);
	ret->full = needs_full_reading(monitor, ret->causes) || monitor->next || !monitor->current;
	settled = is_settled(monitor, ret->full);
	if (ret->full)
		error = probe_read(monitor->next ? monitor->next : monitor->probe, &inventory);
	else
		error = probe_read_again(monitor->probe, monitor->current, settled, &inventory);
	if (error < 0) {
		/* the events before this reading are still to be followed up */
		monitor->full_readings = FULL_READINGS_AFTER_EVENT;
		return error;
	}
	ret->unsettled = monitor->full_readings;
	/* what could not be inspected may change without an event */
	if (ret->full && !monitor->full_readings && is_partial(inventory))
		monitor->full_readings = 1;
	set_current(monitor, inventory);
	ret->current = monitor->current;
	ret->previous = monitor->previous;
	ret->probe = monitor->probe;
	ret->config = probe_config(monitor->probe);
	return 0;
}
