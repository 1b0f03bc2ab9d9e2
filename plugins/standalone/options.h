/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#ifndef PCIPROBE_STANDALONE_OPTIONS_H
#define PCIPROBE_STANDALONE_OPTIONS_H

#include "common/commandline.h"
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/rows.h"
#include "probe/select/rule.h"

/* What the programs' exit statuses tell. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,  /* nothing could be listed, or not everything could be written */
	STATUS_USAGE = 2,   /* the command line is wrong */
	STATUS_PARTIAL = 3, /* listed, but some devices could not be read whole */
};

struct subcommand;

struct options {
	const struct subcommand *subcommand;
	const char *config; /* "stdin" when it is read from there */
	bool config_is_stdin;
	const char *sysroot;
	const struct writer *writer;
	const char *columns;
	bool help, all, quiet, verbose, no_headings, usage, no_usage, teaming;
	bool format_given, owners_given;
	unsigned owners; /* enum owner_source */
	struct rule_list filters, slots, names;
	struct rows rows;
	char **arguments; /* behind the verb, closed by NULL; belong to main */
	int argument_count;
	struct log log;
};

/* What can be asked for. One row of SUBCOMMANDS each. */
struct subcommand {
	const char *name;
	const char *arguments; /* for the help: "[ADDRESS...]" */
	int max_arguments;     /* -1: any number */
	const char *help;      /* a sentence without capital and full stop */
	const char *options;   /* which of the options it accepts: their letters in OPTION_ROWS */
	int (*run)(struct options *options); /* returns an enum status */
};

extern const struct subcommand SUBCOMMANDS[];
extern const struct option_row OPTION_ROWS[];

/* What every subcommand accepts. */
#define COMMON_OPTIONS "qvhV"

/* The subcommand NAME. NULL when there is none, which is logged. */
const struct subcommand *subcommand_find(const char *name, const struct log *log);

int run_list(struct options *options);
int run_explain(struct options *options);
int run_help(struct options *options);
int run_record(struct options *options);
int run_opennebula(struct options *options);
int run_request(struct options *options);
int run_verify(struct options *options);

/* Reads the command line into OPTIONS, whose log must be set; free it with options_free in any
 * case. Returns 0, or -1 when *ret_status is what the process shall end with: help was printed, or
 * a fault was told. */
int options_parse(int argc, char **argv, struct options *options, int *ret_status);
void options_free(struct options *options);

/* Makes the probe that the options describe, reading DETAILS. Returns what probe_new does. */
int options_probe(const struct options *options, unsigned details, struct probe **ret);

/* STATUS_OK, or STATUS_PARTIAL for an inventory in which something is missing. */
int status_of(const struct inventory *inventory);

#endif
