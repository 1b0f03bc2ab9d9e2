/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callbacks of the plugin. LoadPlugin calls module_register, each <Plugin pciprobe> block calls
 * config, then follow init, one read per interval, and shutdown. The daemon never runs two of them
 * at the same time. */
#include "plugins/collectd/publish.h"
#include "plugins/collectd/sanitize.h"
#include "plugins/collectd/settings.h"

#include <collectd/core/daemon/collectd.h>
#include <collectd/core/daemon/plugin.h>

/* Static, because most callbacks have no user data. */
static struct plugin {
	struct settings settings;
	struct publisher *publisher;
} plugin;

static void log_to_daemon(void *data, enum message_level level, const char *message)
{
	static const int severities[] = {
		[MESSAGE_ERROR] = LOG_ERR,
		[MESSAGE_WARNING] = LOG_WARNING,
		[MESSAGE_DEBUG] = LOG_DEBUG,
	};
	char clean[1024];

	(void)data;
	plugin_log(severities[level], "pciprobe plugin: %s",
		   sanitize_copy(clean, sizeof(clean), message, "", '?'));
}

static const struct log LOG = {.emit = log_to_daemon};

/* An error here would stop the daemon; a failed init disables only the plugin. */
static int config(oconfig_item_t *block)
{
	settings_read(&plugin.settings, block, &LOG);
	return 0;
}

static int init(void)
{
	if (plugin.settings.errors) {
		plugin_log(LOG_ERR, "pciprobe plugin: disabled by errors in its configuration");
		return -1;
	}
	return publisher_new(&plugin.settings, &LOG, NULL, NULL, &plugin.publisher) < 0 ? -1 : 0;
}

/* Failures have been logged. Returned to the daemon, they would be logged again each time, and the
 * interval would grow. */
static int read_devices(void)
{
	publisher_read(plugin.publisher);
	return 0;
}

static int shutdown_plugin(void)
{
	publisher_free(plugin.publisher);
	settings_free(&plugin.settings);
	plugin.publisher = NULL;
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
