/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of a nova.conf that are about PCI devices, as oslo.config reads them
 * (oslo_config.iniparser, oslo_config.cfg). */
#ifndef PCIPROBE_STANDALONE_NOVA_NOVACONF_H
#define PCIPROBE_STANDALONE_NOVA_NOVACONF_H

#include "probe/log.h"

#include <stdbool.h>
#include <stddef.h>

/* No nova.conf is larger; one that is can't be read. */
#define NOVACONF_SIZE_MAX (1u << 20)

/* One value of device_spec or alias, or of the same by an older name. */
struct nova_option {
	bool is_alias;
	char *text;    /* of several lines, without what begins them */
	unsigned line; /* where it begins */
};

struct novaconf {
	const char *path; /* the caller's */
	struct nova_option *options;
	size_t count;
	unsigned faults; /* errors, reported or not: Nova would not start with the file */
};

/* Of a file that is something else altogether, the first errors say enough. */
#define NOVACONF_FAULTS_SHOWN 20

/* Counts an error and, unless NOVACONF_FAULTS_SHOWN have been logged already, logs it as
 * "PATH:LINE: TEXT". */
void novaconf_error(struct novaconf *conf, const struct log *log, unsigned line, const char *text);

/* Reads the file at PATH. Errors go through novaconf_error. Free it with novaconf_free in any case.
 * Returns 0, also for a file with faults, or the errno of reading it, which is told too. */
int novaconf_read(const char *path, const struct log *log, struct novaconf *ret);

/* The same for a text that has been read already and is followed by a byte of room; it is written
 * into. PATH is for messages. Returns 0 or -ENOMEM. */
int novaconf_parse(const char *path, char *text, size_t length, const struct log *log,
		   struct novaconf *ret);
void novaconf_free(struct novaconf *conf);

#endif
