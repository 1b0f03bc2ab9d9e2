/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repeated readings of one host. Each reads as little as the changes since the last one allow, and
 * follows changes of the configuration file. */
#ifndef PCIPROBE_MONITOR_MONITOR_H
#define PCIPROBE_MONITOR_MONITOR_H

#include "probe/monitor/watch.h"
#include "probe/probe.h"

#include <stdbool.h>

struct monitor;

/* What the configuration file did since the last reading. */
enum config_status {
	CONFIG_UNCHANGED,
	CONFIG_LOADED,	 /* changed; used from this reading on */
	CONFIG_REJECTED, /* invalid or removed (logged): the previous rules remain in use */
	CONFIG_STILL_REJECTED,
};

/* One reading. The pointers belong to the monitor; they are valid until the next reading. */
struct monitor_reading {
	enum config_status config_status;
	const char *config_path;
	struct probe *probe;		  /* that read CURRENT */
	const struct config *config;	  /* its rules */
	const struct inventory *current;  /* NULL: nothing could be read (logged) */
	const struct inventory *previous; /* the one before; NULL: none, or CURRENT is NULL */
	bool full; /* everything was read, so that every error that persists was logged again */
	unsigned causes; /* enum watch_cause: what happened since the last reading */
	bool unsettled;	 /* what happened may have further consequences: read again within a second
			    or two */
};

/* Loads the configuration of OPTIONS, which is copied; what it points to must outlive the monitor.
 * OPTIONS->config_fd must not be set. Failures are logged through OPTIONS->log. The caller
 * frees *ret with monitor_free. Returns 0 or a negative errno: -EINVAL for an invalid
 * configuration. */
int monitor_new(const struct probe_options *options, struct monitor **ret);
void monitor_free(struct monitor *monitor);

/* Returns a descriptor that is readable when it is time for monitor_read, for callers that wait
 * instead of reading regularly, and lets monitor_read read less while the kernel reports no change
 * of devices and drivers. Some changes (counters, links, VFIO nodes opened in a container) don't
 * make it readable, so these callers read from time to time nevertheless. The descriptor belongs to
 * the monitor. Returns a negative errno if there is none. */
int monitor_listen(struct monitor *monitor);

/* Makes the next reading search processes if a state may have ended without an event, as every
 * sixth one does: for callers that read seldom. */
void monitor_recheck(struct monitor *monitor);

/* Reads the devices and fills in RET, on failure too: the status of the configuration is reported
 * even if the devices can't be read. Processes are searched for owners in the first reading, after
 * a change of the driver, the devices or the configuration, when a VFIO node may have been opened
 * or closed (watch.h), and from time to time while an owner is unknown. Returns 0 or a negative
 * errno (logged); the next reading is then compared with the last one that succeeded. */
int monitor_read(struct monitor *monitor, struct monitor_reading *ret);

#endif
