/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin as collectd sees it: LoadPlugin calls module_register, each block config, then come
 * init, read for every interval, and shutdown. The daemon calls one of them at a time. */
#include "plugins/collectd/monitor.h"
#include "plugins/collectd/sanitize.h"
#include "plugins/collectd/settings.h"

#include <collectd/core/daemon/collectd.h>
#include <collectd/core/daemon/plugin.h>

/* Most of the daemon's callbacks are given nothing that could lead to it. */
static struct plugin {
	struct settings settings;
	struct monitor *monitor;
} plugin;

static void log_to_daemon(void *data, enum message_level level, const char *text)
{
	static const int severities[] = {
		[MESSAGE_ERROR] = LOG_ERR,
		[MESSAGE_WARNING] = LOG_WARNING,
		[MESSAGE_DEBUG] = LOG_DEBUG,
	};
	char plain[1024];

	(void)data;
	plugin_log(severities[level], "pciprobe plugin: %s",
		   sanitize_copy(plain, sizeof(plain), text, "", '?'));
}

static const struct log LOG = {.emit = log_to_daemon};

/* A failure here would end the daemon; init can fail alone. */
static int config(oconfig_item_t *block)
{
	settings_read(&plugin.settings, block, &LOG);
	return 0;
}

static int init(void)
{
	if (plugin.settings.faults) {
		plugin_log(
			LOG_ERR,
			"pciprobe plugin: nothing is measured until its configuration is put right");
		return -1;
	}
	return monitor_new(&plugin.settings, &LOG, NULL, NULL, &plugin.monitor) < 0 ? -1 : 0;
}

/* Failures have been told. The daemon would tell them every time, and wait longer and longer before
 * the next. */
static int read_devices(void)
{
	monitor_read(plugin.monitor);
	return 0;
}

static int shutdown_plugin(void)
{
	monitor_free(plugin.monitor);
	settings_free(&plugin.settings);
	plugin.monitor = NULL;
	settings_init(&plugin.settings);
	return 0;
}

void module_register(void)
{
	settings_init(&plugin.settings);
	plugin_register_complex_config("pciprobe", config);
	plugin_register_init("pciprobe", init);
	plugin_register_read("pciprobe", read_devices);
	plugin_register_shutdown("pciprobe", shutdown_plugin);
}
