/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of vfio-bind. */
#ifndef PCIPROBE_BINDER_OPTIONS_H
#define PCIPROBE_BINDER_OPTIONS_H

#include "probe/log.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <sys/types.h>

struct kernel;
struct netlink;
struct bind_subcommand;

struct bind_options {
	const struct bind_subcommand *subcommand;
	const char *sysroot;
	const char *driver; /* or "auto" */
	const char *expect; /* required ids of every device, "10de:2204"; NULL: any */
	uid_t user;	    /* owner of the nodes in /dev/vfio; -1: unchanged */
	gid_t user_group;
	unsigned allowed; /* hazards to override, 1 << enum hazard */
	unsigned timeout; /* seconds, for each call of the kernel */
	bool all, group, dry_run, json, quiet, verbose;
	bool persist, forget, reset;
	const char *ssh_connection; /* from the environment; NULL: none */
	struct kernel *kernel;	    /* for tests; NULL: that of the host */
	struct netlink *netlink;    /* for tests; NULL: that of the host */
	char **arguments;	    /* after the subcommand, ends with NULL; owned by main */
	int argument_count;
	struct log log;
};

/* A row of BIND_SUBCOMMANDS. */
struct bind_subcommand {
	const char *name;
	const char *arguments;		  /* for the help: "DEV..." */
	int min_arguments, max_arguments; /* max -1: any number */
	const char *help;
	const char *options;			  /* accepted options: their letters in OPTIONS */
	int (*run)(struct bind_options *options); /* returns an enum bind_status */
};

extern const struct bind_subcommand BIND_SUBCOMMANDS[];

/* Parses the command line into OPTIONS, whose log must be set. Returns 0, or -1 if the process has
 * to exit with *ret_status: help was printed, or an error was logged. */
int bind_options_parse(int argc, char **argv, struct bind_options *options, int *ret_status);

/* Adds the aliases of pci.conf to the devices of INVENTORY. Returns 0 or a negative errno
 * (logged). */
int bind_options_read_aliases(const struct bind_options *options, struct inventory *inventory);

/* Creates a probe of all devices below the options' sysroot, with DETAILS. Returns what probe_new
 * does; the caller frees *ret with probe_free. */
int bind_options_probe(const struct bind_options *options, unsigned details, struct probe **ret);

#endif
