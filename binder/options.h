/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of vfio-bind. */
#ifndef PCIPROBE_BINDER_OPTIONS_H
#define PCIPROBE_BINDER_OPTIONS_H

#include "probe/log.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <sys/types.h>

struct kernel;
struct verb;

struct options {
	const struct verb *verb;
	const char *sysroot;
	const char *driver;         /* or "auto" */
	const char *expect;         /* the ids that every device must have: "10de:2204"; NULL: any */
	uid_t user;                 /* whom the nodes are given to; -1: nobody */
	gid_t user_group;
	unsigned allowed;           /* hazards, 1 << enum hazard */
	unsigned timeout;           /* seconds that the kernel has for each answer */
	bool all, group, dry_run, json, quiet, verbose;
	const char *ssh_connection; /* from the environment; NULL: none */
	struct kernel *kernel;      /* NULL: the host's own */
	char **arguments; /* behind the verb, closed by NULL; belong to main */
	int argument_count;
	struct log log;
};

/* What can be asked for. One row of VERBS each. */
struct verb {
	const char *name;
	const char *arguments; /* for the help: "DEV..." */
	int min_arguments, max_arguments; /* max -1: any number */
	const char *help;
	const char *options;   /* which of the options it takes: their letters in OPTIONS */
	int (*run)(struct options *options); /* returns an enum status, see verbs.h */
};

extern const struct verb VERBS[];

/* Reads the command line into OPTIONS, whose log must be set.
 * Returns 0, or -1 when *ret_status is what the process shall end with: help was printed, or a fault was told. */
int options_parse(int argc, char **argv, struct options *options, int *ret_status);

/* Adds the aliases of pci.conf to the devices of INVENTORY. Returns 0 or a negative errno that has been told. */
int options_read_aliases(const struct options *options, struct inventory *inventory);

/* Makes a probe of all devices below the options' root, reading DETAILS. Returns what probe_new does. */
int options_probe(const struct options *options, unsigned details, struct probe **ret);

#endif
