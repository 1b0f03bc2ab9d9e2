/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications. The message is a list of key=value pairs, separated by spaces, in the order event,
 * address, model, alias, then those of the event. No value contains a space, a quote or '='. Pairs
 * that exceed MESSAGE_SIZE are omitted. No I/O. */
#ifndef PCIPROBE_COLLECTD_NOTICE_H
#define PCIPROBE_COLLECTD_NOTICE_H

#include "plugins/collectd/dispatch.h"

void notice_of_event(const struct event *event, struct notice *ret);

/* The configuration file PATH changed: it was LOADED, or rejected and the previous rules remain in
 * use. */
void notice_of_config(const char *path, bool loaded, struct notice *ret);

#endif
