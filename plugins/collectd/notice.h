/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a change. The message is facts as key=value, blanks between them, in the order:
 * event, address, model, alias, then what the event has. No value holds a blank, a quote or '='; a
 * fact that doesn't fit any more is left out. No I/O. */
#ifndef PCIPROBE_COLLECTD_NOTICE_H
#define PCIPROBE_COLLECTD_NOTICE_H

#include "plugins/collectd/dispatch.h"
#include "probe/monitor/events.h"

void notice_of_event(const struct event *event, struct notice *ret);

/* Of the configuration, changed on disk, at PATH: taken up, or refused, in which case the old rules
 * hold. */
void notice_of_config(const char *path, bool taken, struct notice *ret);

#endif
