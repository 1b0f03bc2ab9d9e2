/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/publish.h"

#include "plugins/collectd/notice.h"
#include "plugins/collectd/values.h"
#include "probe/details/details.h"
#include "probe/monitor/events.h"
#include "probe/monitor/log-dedup.h"
#include "probe/monitor/monitor.h"

#include <errno.h>
#include <stdlib.h>

struct publisher {
	const struct settings *settings;
	struct log_dedup dedup;
	struct monitor *monitor;
};

int publisher_new(const struct settings *settings, const struct log *log,
		  sysroot_observer *observer, void *observer_data, struct publisher **ret)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	struct probe_options options = {
		.sysroot = settings->sysroot,
		.config = settings->config_file,
		.config_home = CONFIG_HOME,
		.details = values_details(settings->report) | DETAIL_DRIVER | DETAIL_ALIASES,
		.owners = settings->has_owners ? &settings->owners : NULL,
		.libvirt_helper = LIBVIRT_HELPER,
		.vf_helper = VF_HELPER,
		.slots = &settings->devices,
		.observer = observer,
		.observer_data = observer_data,
	};
	int error;

	if (!publisher)
		return -ENOMEM;
	publisher->settings = settings;
	publisher->dedup.out = *log;
	options.log = log_dedup_log(&publisher->dedup);
	error = monitor_new(&options, &publisher->monitor);
	if (error < 0) {
		publisher_free(publisher);
		return error;
	}
	/* not to wait, but because then less is read while the kernel reports no change; without
	 * it, which was logged, everything is */
	monitor_listen(publisher->monitor);
	*ret = publisher;
	return 0;
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	monitor_free(publisher->monitor);
	log_dedup_free(&publisher->dedup);
	free(publisher);
}

static void notify_config(const struct settings *settings, const struct monitor_reading *reading)
{
	struct notice notice;

	if (reading->config_status == CONFIG_UNCHANGED ||
	    (reading->config_status == CONFIG_STILL_REJECTED && !settings->persistent))
		return;
	notice_of_config(reading->config_path, reading->config_status == CONFIG_LOADED, &notice);
	dispatch_notice(&notice);
}

static void notify_event(void *data, const struct event *event)
{
	struct notice notice;

	(void)data;
	notice_of_event(event, &notice);
	dispatch_notice(&notice);
}

void publisher_read(struct publisher *publisher)
{
	const struct settings *settings = publisher->settings;
	struct monitor_reading reading;
	int error = monitor_read(publisher->monitor, &reading);

	if (settings->notify) {
		notify_config(settings, &reading);
		if (reading.previous)
			events_find(reading.previous, reading.current, settings->persistent,
				    notify_event, NULL);
	}
	if (!error)
		values_dispatch(reading.current, reading.config, settings);
	log_dedup_next(&publisher->dedup, reading.full);
}
