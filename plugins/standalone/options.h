/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line options and subcommands. */
#ifndef PCIPROBE_STANDALONE_OPTIONS_H
#define PCIPROBE_STANDALONE_OPTIONS_H

#include "common/commandline.h"
#include "plugins/standalone/callerfile.h"
#include "plugins/standalone/checks/threshold.h"
#include "plugins/standalone/formats/eventformat.h"
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/nova/release.h"
#include "plugins/standalone/rows.h"
#include "probe/select/rule.h"

/* Exit statuses. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,  /* nothing could be listed, or the output could not be written */
	STATUS_USAGE = 2,   /* invalid command line */
	STATUS_PARTIAL = 3, /* listed, but some devices could not be read completely */
};

struct subcommand;

struct options {
	const struct subcommand *subcommand;
	const char *config; /* path; "stdin" if config_is_stdin; NULL: the default */
	bool config_is_stdin;
	struct callerfile *config_file; /* opened by options_probe */
	const char *sysroot;
	const struct writer *writer;
	const struct event_format *event_format; /* of watch; NULL: none was given, or it is none */
	const char *columns;
	bool help, all, quiet, verbose, no_headings, usage, no_usage, teaming, iommufd, no_initial;
	const struct nova_release *nova_release;
	bool format_of_events; /* the format that was given is only one of events */
	bool format_given, owners_given, release_given;
	unsigned owners; /* enum owner_source */
	bool is_plugin;	 /* the check subcommand: messages and exit statuses are those of a plugin
			    of Nagios, see options_rows for the options */
	bool checkmk;
	unsigned timeout; /* in seconds */
	struct thresholds thresholds;
	struct strings messages; /* of a plugin, instead of standard error */
	char **argv;
	struct rule_list filters, slots, names;
	struct rows rows;
	char used[OPTION_ROWS_MAX + 1]; /* letters of the options that were given */
	char **arguments;		/* after the subcommand, NULL-terminated, owned by main */
	int argument_count;
	struct log log;
};

/* One row of SUBCOMMANDS, which ends with a row without a name. */
struct subcommand {
	const char *name;
	const char *arguments; /* for the help, e.g. "[ADDRESS...]" */
	int max_arguments;     /* -1: any number */
	const char *help;      /* one sentence, lower case, without a full stop */
	const char *options;   /* letters of the rows of OPTION_ROWS that it accepts */
	int (*run)(struct options *options); /* returns an enum status */
};

extern const struct subcommand SUBCOMMANDS[];
extern const struct option_row OPTION_ROWS[];

/* The letter of --critical in OPTION_ROWS. */
#define CRITICAL_LETTER 'C'

/* Sets RET to OPTION_ROWS, or for the check subcommand (IS_PLUGIN) to the same with -c as the short
 * form of --critical, as in every plugin, instead of --config. */
void options_rows(bool is_plugin, struct option_row ret[static OPTION_ROWS_MAX + 1]);

/* Options that every subcommand accepts. */
#define COMMON_OPTIONS "qvhV"

/* Returns the subcommand NAME, or NULL (logged) if there is none. */
const struct subcommand *subcommand_find(const char *name, const struct log *log);

int run_service_check(struct options *options);
int run_list(struct options *options);
int run_baseline(struct options *options);
int run_explain(struct options *options);
int run_help(struct options *options);
int run_record(struct options *options);
int run_opennebula(struct options *options);
int run_request(struct options *options);
int run_verify(struct options *options);
int run_watch(struct options *options);

/* Parses the command line into OPTIONS, whose log must be set. Call options_free in any case.
 * Returns 0, or -1 if the process must exit with *ret_status: help was printed, or an error was
 * logged. */
int options_parse(int argc, char **argv, struct options *options, int *ret_status);
void options_free(struct options *options);

/* Fills in RET, for DETAILS (enum detail), except what is about an opened configuration. It refers
 * to OPTIONS and to VF_HELPER. */
void options_fill_probe(const struct options *options, unsigned details,
			char vf_helper[static PATH_MAX], struct probe_options *ret);

/* Creates the probe that OPTIONS describe, which reads DETAILS (enum detail). The caller frees *ret
 * with probe_free. Returns the result of probe_new. */
int options_probe(struct options *options, unsigned details, struct probe **ret);

/* Returns STATUS_OK, or STATUS_PARTIAL if INVENTORY is incomplete. */
int status_of(const struct inventory *inventory);

#endif
