/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/dispatch.h"

#include <collectd/core/daemon/collectd.h>
#include <collectd/core/daemon/plugin.h>

_Static_assert(INSTANCE_SIZE <= DATA_MAX_NAME_LEN, "longer than the daemon's plugin instances");
_Static_assert(MESSAGE_SIZE <= NOTIF_MAX_MSG_LEN, "longer than the daemon's messages");

#define COPY(to, from) snprintf(to, sizeof(to), "%s", from)

/* The daemon fills in host, time and interval. */
void dispatch_value(const struct value *value)
{
	value_t numbers[2] = {{.gauge = value->gauge}};
	value_list_t list = VALUE_LIST_INIT;

	if (value->kind != VALUE_GAUGE)
		numbers[0].derive = value->derive;
	numbers[1].derive = value->tx;
	list.values = numbers;
	list.values_len = value->kind == VALUE_TRAFFIC ? 2 : 1;
	COPY(list.plugin, "pciprobe");
	COPY(list.plugin_instance, value->instance);
	COPY(list.type, value->type);
	COPY(list.type_instance, value->type_instance);
	plugin_dispatch_values(&list);
}

void dispatch_notice(const struct notice *notice)
{
	static const int severities[] = {
		[SEVERITY_FAILURE] = NOTIF_FAILURE,
		[SEVERITY_WARNING] = NOTIF_WARNING,
		[SEVERITY_OKAY] = NOTIF_OKAY,
	};
	notification_t notification = {.severity = severities[notice->severity], .time = cdtime()};

	COPY(notification.host, hostname_g);
	COPY(notification.plugin, "pciprobe");
	COPY(notification.plugin_instance, notice->instance);
	COPY(notification.type, "pci_device");
	COPY(notification.type_instance, notice->type_instance);
	COPY(notification.message, notice->message);
	plugin_dispatch_notification(&notification);
}
