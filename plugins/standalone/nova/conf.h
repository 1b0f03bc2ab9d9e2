/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of a nova.conf about PCI devices, parsed as oslo.config does (oslo_config.iniparser,
 * oslo_config.cfg). */
#ifndef PCIPROBE_STANDALONE_NOVA_CONF_H
#define PCIPROBE_STANDALONE_NOVA_CONF_H

#include "plugins/standalone/callerfile.h"
#include "plugins/standalone/nova/release.h"
#include "probe/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Size limit of a nova.conf, in bytes. */
#define NOVA_CONF_SIZE_MAX (1u << 20)

/* One value of device_spec or alias, or of their older names. */
struct nova_option {
	bool is_alias;
	char *value;   /* continuation lines are joined by newlines, without their indentation */
	unsigned line; /* first line */
};

struct nova_conf {
	const char *path; /* owned by the caller */
	const struct nova_release *release;
	struct nova_option *options;
	size_t count;
	bool report_in_placement, pci_in_placement; /* off by default */
	unsigned errors; /* logged or not; with any of them Nova would not start */
};

/* Further errors of a file are counted, but not logged: it may not be a nova.conf at all. */
#define NOVA_CONF_ERRORS_LOGGED 20

/* Counts an error and, unless NOVA_CONF_ERRORS_LOGGED have been logged, logs it as
 * "PATH:LINE: MESSAGE", or "PATH:LINE: item ITEM: MESSAGE" if ITEM is not 0. */
void nova_conf_error(struct nova_conf *conf, const struct log *log, unsigned line, size_t item,
		     const char *format, va_list args) __attribute__((format(printf, 5, 0)));

/* Reads FILE as RELEASE does: options that it does not know are ignored with a warning. Syntax
 * errors are reported by nova_conf_error. Call nova_conf_free in any case. Returns 0, also for a
 * file with errors, or the negative errno (logged) of reading it. */
int nova_conf_read(const struct callerfile *file, const struct nova_release *release,
		   struct nova_conf *ret);

/* Same for the LENGTH bytes at TEXT, which are modified and must be followed by one writable byte.
 * PATH is used in messages. Returns 0 or -ENOMEM (logged). */
int nova_conf_parse(const char *path, char *text, size_t length, const struct nova_release *release,
		    const struct log *log, struct nova_conf *ret);
void nova_conf_free(struct nova_conf *conf);

#endif
