/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of vfio-bind. */
#ifndef PCIPROBE_BINDER_OPTIONS_H
#define PCIPROBE_BINDER_OPTIONS_H

#include "probe/log.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <sys/types.h>

struct kernel;
struct bind_subcommand;

struct bind_options {
	const struct bind_subcommand *subcommand;
	const char *sysroot;
	const char *driver; /* or "auto" */
	const char *expect; /* the ids that every device must have: "10de:2204"; NULL: any */
	uid_t user;	    /* whom the nodes are given to; -1: nobody */
	gid_t user_group;
	unsigned allowed; /* hazards, 1 << enum hazard */
	unsigned timeout; /* seconds that the kernel has for each answer */
	bool all, group, dry_run, json, quiet, verbose;
	const char *ssh_connection; /* from the environment; NULL: none */
	struct kernel *kernel;	    /* NULL: the host's own */
	char **arguments;	    /* behind the verb, closed by NULL; belong to main */
	int argument_count;
	struct log log;
};

/* What can be asked for. One row of BIND_SUBCOMMANDS each. */
struct bind_subcommand {
	const char *name;
	const char *arguments;		  /* for the help: "DEV..." */
	int min_arguments, max_arguments; /* max -1: any number */
	const char *help;
	const char *options; /* which of the options it takes: their letters in OPTIONS */
	int (*run)(struct bind_options *options); /* returns an enum status, see verbs.h */
};

extern const struct bind_subcommand BIND_SUBCOMMANDS[];

/* Reads the command line into OPTIONS, whose log must be set.
 * Returns 0, or -1 when *ret_status is what the process shall end with: help was printed, or a
 * fault was told. */
int bind_options_parse(int argc, char **argv, struct bind_options *options, int *ret_status);

/* Adds the aliases of pci.conf to the devices of INVENTORY. Returns 0 or a negative errno that has
 * been told. */
int bind_options_read_aliases(const struct bind_options *options, struct inventory *inventory);

/* Makes a probe of all devices below the options' root, reading DETAILS. Returns what probe_new
 * does. */
int bind_options_probe(const struct bind_options *options, unsigned details, struct probe **ret);

#endif
