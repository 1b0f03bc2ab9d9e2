/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/monitor.h"

#include "plugins/collectd/log-dedup.h"
#include "plugins/collectd/notice.h"
#include "plugins/collectd/values.h"
#include "probe/details/details.h"
#include "probe/monitor/events.h"
#include "probe/monitor/watch.h"
#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A look when something happened is followed by another one in the next reading: the process of a
 * killed VM ends a little later than it lets go of its devices. Some states end without a sign: a
 * process that could not be looked at goes away, a reservation of Proxmox's runs out. While there
 * is one it is looked at now and again. */
#define LOOKS_AFTER_EVENT 2
#define READINGS_UNSETTLED 6

/* The configuration file as it stands on disk. All zeroes: it isn't there. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct monitor {
	const struct settings *settings;
	sysroot_observer *observer;
	void *observer_data;
	struct log_dedup dedup;
	struct log log;
	struct sysroot *root;
	struct watch *watch;
	char *config_path;
	struct stamp stamp;
	bool refused; /* what is on disk now */
	struct probe *probe;
	struct probe *next;	/* of a configuration that changed, before its first reading; NULL:
				   there is none */
	struct inventory *last; /* NULL: before the first reading */
	unsigned looks;		/* readings that look for owners whatever happens */
	unsigned unsettled;	/* readings since the last look, while there is a state that ends
				   without a sign */
};

static struct stamp read_stamp(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return (struct stamp){0};
	return (struct stamp){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int make_probe(struct monitor *monitor, struct probe **ret)
{
	const struct settings *settings = monitor->settings;
	const struct probe_options options = {
		.log = monitor->log,
		.sysroot = settings->sysroot,
		.config = settings->config_file,
		.config_home = CONFIG_HOME,
		.details = values_details(settings->report) | DETAIL_DRIVER | DETAIL_ALIASES,
		.owners = settings->has_owners ? &settings->owners : NULL,
		.libvirt_helper = LIBVIRT_HELPER,
		.slots = &settings->devices,
		.observer = monitor->observer,
		.observer_data = monitor->observer_data,
	};

	return probe_new(&options, ret);
}

static int open_root(struct monitor *monitor)
{
	const char *path = monitor->settings->sysroot ? monitor->settings->sysroot : "/";
	int error = sysroot_new(path, &monitor->root);

	if (error < 0) {
		log_error(&monitor->log, "%s: %s", path, strerror(-error));
		return error;
	}
	sysroot_watch(monitor->root, monitor->observer, monitor->observer_data);
	if (monitor->settings->config_file)
		monitor->config_path = strdup(monitor->settings->config_file);
	else if (asprintf(&monitor->config_path, "%s%s", sysroot_path(monitor->root), CONFIG_HOME) <
		 0)
		monitor->config_path = NULL;
	return monitor->config_path ? 0 : -ENOMEM;
}

int monitor_new(const struct settings *settings, const struct log *log, sysroot_observer *observer,
		void *observer_data, struct monitor **ret)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int error;

	if (!monitor)
		return -ENOMEM;
	monitor->settings = settings;
	monitor->observer = observer;
	monitor->observer_data = observer_data;
	monitor->dedup.out = *log;
	monitor->log = log_dedup_log(&monitor->dedup);
	error = open_root(monitor);
	if (!error)
		error = watch_new(monitor->root, &monitor->log, &monitor->watch);
	if (!error) {
		monitor->stamp = read_stamp(monitor->config_path);
		error = make_probe(monitor, &monitor->probe);
	}
	if (error < 0) {
		monitor_free(monitor);
		return error;
	}
	*ret = monitor;
	return 0;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	inventory_free(monitor->last);
	probe_free(monitor->probe);
	probe_free(monitor->next);
	watch_free(monitor->watch);
	sysroot_free(monitor->root);
	log_dedup_free(&monitor->dedup);
	free(monitor->config_path);
	free(monitor);
}

static void notify_config(const struct monitor *monitor, bool taken)
{
	struct notice notice;

	if (!monitor->settings->notify)
		return;
	notice_of_config(monitor->config_path, taken, &notice);
	dispatch_notice(&notice);
}

/* Takes up a configuration that changed on disk. One that was taken away counts as broken: without
 * rules every device would be published. */
static void read_config(struct monitor *monitor)
{
	struct stamp stamp = read_stamp(monitor->config_path);

	if (same_stamp(&stamp, &monitor->stamp)) {
		if (monitor->refused && monitor->settings->persistent)
			notify_config(monitor, false);
		return;
	}
	monitor->stamp = stamp;
	probe_free(monitor->next);
	monitor->next = NULL;
	if (!stamp.inode)
		log_warning(&monitor->log, "%s: is gone; the rules that it had hold on",
			    monitor->config_path);
	else if (make_probe(monitor, &monitor->next) < 0)
		log_warning(&monitor->log, "%s: can't be used; the old rules hold on",
			    monitor->config_path);
	monitor->refused = !monitor->next;
	notify_config(monitor, !monitor->refused);
}

static bool is_unsettled(const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (device->owners[i].reserves && (device->owners[i].sources & OWNER_PROXMOX))
			return true;
	return (device->present & HAS_OWNERSHIP) && device->ownership == OWNERSHIP_UNKNOWN;
}

static bool has_unsettled(const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (is_unsettled(device))
			return true;
	return false;
}

static bool must_read_owners(struct monitor *monitor)
{
	if (watch_happened(monitor->watch))
		monitor->looks = LOOKS_AFTER_EVENT;
	if (!monitor->looks && monitor->last && has_unsettled(monitor->last)) {
		if (++monitor->unsettled < READINGS_UNSETTLED)
			return false;
		monitor->looks = 1;
	}
	monitor->unsettled = 0;
	if (!monitor->looks)
		return false;
	monitor->looks--;
	return true;
}

static void notify_event(void *data, const struct event *event)
{
	struct notice notice;

	(void)data;
	notice_of_event(event, &notice);
	dispatch_notice(&notice);
}

/* The last inventory still belongs to the probe that read it. */
static void publish(struct monitor *monitor, struct inventory *inventory)
{
	if (monitor->last && monitor->settings->notify)
		events_find(monitor->last, inventory, monitor->settings->persistent, notify_event,
			    NULL);
	inventory_free(monitor->last);
	monitor->last = inventory;
	if (monitor->next) {
		probe_free(monitor->probe);
		monitor->probe = monitor->next;
		monitor->next = NULL;
	}
	values_dispatch(inventory, probe_config(monitor->probe), monitor->settings);
}

static bool is_partial(const struct inventory *inventory)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if (inventory->sources[i].state == SOURCE_FAILED ||
		    inventory->sources[i].state == SOURCE_PARTLY)
			return true;
	return false;
}

void monitor_read(struct monitor *monitor)
{
	struct inventory *inventory;
	bool whole;
	int error;

	read_config(monitor);
	whole = must_read_owners(monitor) || monitor->next || !monitor->last;
	if (whole)
		error = probe_read(monitor->next ? monitor->next : monitor->probe, &inventory);
	else
		error = probe_read_again(monitor->probe, monitor->last, &inventory);
	if (error < 0)
		monitor->looks =
			LOOKS_AFTER_EVENT; /* what happened meanwhile has not been looked at */
	else
		publish(monitor, inventory);
	if (!error && whole && !monitor->looks && is_partial(inventory))
		monitor->looks = 1; /* what could not be seen may have changed without a sign */
	log_dedup_next(&monitor->dedup, whole);
}
