/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/options.h"

#include "common/program.h"
#include "config.h"
#include "plugins/standalone/columns.h"
#include "plugins/standalone/help.h"
#include "probe/nearest.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct option_row OPTION_ROWS[] = {
	{"config", 'c', "FILE",
	 "read the rules from FILE (- for standard input) instead of " CONFIG_HOME},
	{"all", 'a', NULL, "all devices, ignoring the configuration"},
	{"device", 'd', "FILTER",
	 "only [vendor]:[device][:class[:prog-if]], as lspci -d; '!FILTER' excludes"},
	{"slot", 's', "SLOT", "only [[[domain]:][bus]:][slot][.[func]], as lspci -s"},
	{"name", 'N', "REGEX", "only devices whose name matches REGEX"},
	{"state", 'A', "STATE,...", "only devices in one of these states; 'help' lists them"},
	{"owner", 'W', "NAME",
	 "only devices in use by the VM with this name, UUID or id, or by this program"},
	{"driver", 'D', "NAME,...", "only devices bound to one of these drivers"},
	{"no-bridges", 'B', NULL, "omit bridges and ports"},
	{"sort", 'R', "LIST", "sort by these columns; 'help' lists them"},
	{"format", 'f', "FORMAT", "output format; 'help' lists them"},
	{"json", 'J', NULL, "the same as --format json"},
	{"columns", 'o', "LIST",
	 "output columns, +LIST to add to the default ones, or all; 'help' lists them"},
	{"no-headings", 'H', NULL, "omit the line of headings"},
	{"owners", 'O', "LIST", "query only these sources for owners; 'help' lists them"},
	{"usage", 'U', NULL, "opennebula format: add the owners of the devices as PCI_USAGE"},
	{"teaming", 'T', NULL,
	 "libvirt format: pair each VF with a virtio interface, for VMs that migrate"},
	{"iommufd", 'I', NULL, "libvirt format: have VMs use iommufd instead of VFIO groups"},
	{"release", 'E', "RELEASE",
	 "nova format and verify nova: for this release, not the newest; 'help' lists them"},
	{"warning", 'w', "NAME=RANGE",
	 "check subcommand: WARNING if the number is outside of RANGE; 'help' lists them"},
	{"critical", CRITICAL_LETTER, "NAME=RANGE",
	 "check subcommand: CRITICAL if it is (-c); 'help' lists them"},
	{"timeout", 't', "SECONDS", "check subcommand: UNKNOWN after this time (10)"},
	{"checkmk", 'K', NULL, "check subcommand: print a line for Checkmk's local checks"},
	{"no-usage", 'X', NULL, "opennebula subcommand: omit PCI_USAGE"},
	{"no-initial", 'L', NULL, "watch subcommand: only changes, not the current state first"},
	{"sysroot", 'S', "DIR", "read a recording in DIR instead of /"},
	{"quiet", 'q', NULL, "suppress warnings"},
	{"verbose", 'v', NULL, "print debug messages"},
	{"help", 'h', NULL, "show this help, or that of a subcommand"},
	{"version", 'V', NULL, "print the version"},
	{NULL, '\0', NULL, NULL},
};

const struct subcommand SUBCOMMANDS[] = {
	{"list", "", 0, "list the devices selected by the configuration (the default)",
	 "cadsNAWDBRfJoHUTIEOS", run_list},
	{"explain", "[ADDRESS...]", -1, "show for each device which rule matched or rejected it",
	 "cadsNOS", run_explain},
	{"baseline", "", 0, "print what this host has now, to be expected of it by pci.conf",
	 "cadsNS", run_baseline},
	{"request", "DEVICES...", -1,
	 "check whether devices (e.g. a1:2 or vendor=8086,class=0200) can be assigned to a VM now",
	 "cadsNfJoHTIEOS", run_request},
	{"check", "[NAME...]", -1,
	 "check the devices, as a plugin of Nagios and Icinga; 'check help' lists what is checked",
	 "wCtKcadsNOS", run_service_check},
	{"record", "DIR", 1, "copy the files that are read from this host to DIR, for --sysroot",
	 "cS", run_record},
#ifdef HAVE_JSON_C
	{"verify", "SYSTEM [FILE...]", -1,
	 "compare a system's records or configuration with this host; 'verify help' lists the systems",
	 "caJEOS", run_verify},
#endif
	{"watch", "", 0, "print changes as they happen, a line for each event, until it is ended",
	 "cadsNfJOLS", run_watch},
	{"opennebula", "", 0, "print the devices for OpenNebula's monitor, instead of its pci.rb",
	 "cXOS", run_opennebula},
	{"help", "[SUBCOMMAND]", 1, "show this help, or that of a subcommand", "", run_help},
	{NULL, NULL, 0, NULL, NULL, NULL},
};

const struct subcommand *subcommand_find(const char *name, const struct log *log)
{
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE];

	for (const struct subcommand *subcommand = SUBCOMMANDS; subcommand->name; subcommand++) {
		if (strcmp(subcommand->name, name) == 0)
			return subcommand;
		nearest_try(&nearest, subcommand->name);
	}
	log_error(log, "unknown subcommand '%s'%s", name, nearest_hint(&nearest, hint));
	return NULL;
}

static int usage_error(const struct options *options)
{
	log_error(&options->log, "try 'pciprobe --help' for more information");
	return STATUS_USAGE;
}

/* -EINVAL has been logged already. Returns -1 to continue, else an exit status. */
static int status_of_error(const struct options *options, int error)
{
	if (error == -ENOMEM)
		log_error(&options->log, "out of memory");
	return !error ? -1 : error == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
}

static int parse_format(struct options *options, const char *name)
{
	const struct writer *writer = writer_find(name);
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE];

	options->format_given = true;
	options->event_format = event_format_find(name);
	options->format_of_events = !writer;
	if (writer)
		options->writer = writer;
	if (writer || options->event_format)
		return -1;
	for (size_t i = 0; i < WRITER_COUNT; i++)
		nearest_try(&nearest, WRITERS[i].name);
	for (size_t i = 0; i < EVENT_FORMAT_COUNT; i++)
		nearest_try(&nearest, EVENT_FORMATS[i].name);
	log_error(&options->log, "unknown format '%s'%s; 'pciprobe -f help' lists the formats",
		  name, nearest_hint(&nearest, hint));
	return STATUS_USAGE;
}

static void parse_config(struct options *options, const char *path)
{
	options->config_is_stdin = strcmp(path, "-") == 0;
	options->config = options->config_is_stdin ? "stdin" : path;
}

static int parse_sort(struct options *options, const char *list)
{
	struct rows *rows = &options->rows;

	free(rows->sort);
	rows->sort = NULL;
	rows->sort_count = 0;
	return status_of_error(options, columns_parse(list, "", &options->log, &rows->sort,
						      &rows->sort_count));
}

static int parse_timeout(struct options *options, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	options->timeout = digits <= 4 ? (unsigned)atoi(text) : 0;
	if (digits && !text[digits] && options->timeout)
		return -1;
	log_error(&options->log, "-t: expected seconds, from 1 to 9999, not '%s'", text);
	return STATUS_USAGE;
}

static int add_rule(struct options *options, struct rule_list *list, const char *rule)
{
	return status_of_error(options, rule_list_add(list, rule, list->key, &options->log));
}

/* Returns -1 to continue, else an exit status. */
static int parse_option(void *data, int letter, char *argument)
{
	struct options *options = data;
	struct rows *rows = &options->rows;
	int status = -1;

	if (argument && strcmp(argument, "help") == 0)
		status = help_print_values(letter, &options->log);
	if (status >= 0)
		return status;
	switch (letter) {
	case 'c':
		parse_config(options, argument);
		return -1;
	case 'a':
		options->all = true;
		return -1;
	case 'd':
		return add_rule(options, &options->filters, argument);
	case 's':
		return add_rule(options, &options->slots, argument);
	case 'N':
		return add_rule(options, &options->names, argument);
	case 'A':
		return status_of_error(options, rows_add_states(rows, argument, &options->log));
	case 'W':
		return status_of_error(options, strings_add(&rows->owners, argument));
	case 'D':
		return status_of_error(options, rows_add_drivers(rows, argument));
	case 'B':
		rows->no_bridges = true;
		return -1;
	case 'R':
		return parse_sort(options, argument);
	case 'f':
		return parse_format(options, argument);
	case 'J':
		return parse_format(options, "json");
	case 'o':
		options->columns = argument;
		options->format_given = true;
		return -1;
	case 'H':
		options->no_headings = true;
		return -1;
	case 'O':
		options->owners_given = true;
		return status_of_error(options, sources_parse(argument, "--owners", &options->log,
							      &options->owners));
	case 'U':
		options->usage = true;
		return -1;
	case 'T':
		options->teaming = true;
		return -1;
	case 'I':
		options->iommufd = true;
		return -1;
	case 'E':
		options->release_given = true;
		options->nova_release = nova_release_find(argument, &options->log);
		return options->nova_release ? -1 : STATUS_USAGE;
	case 'w':
		return status_of_error(options, thresholds_add(&options->thresholds, argument,
							       SERVICE_WARNING, &options->log));
	case CRITICAL_LETTER:
		return status_of_error(options, thresholds_add(&options->thresholds, argument,
							       SERVICE_CRITICAL, &options->log));
	case 't':
		return parse_timeout(options, argument);
	case 'K':
		options->checkmk = true;
		return -1;
	case 'X':
		options->no_usage = true;
		return -1;
	case 'S':
		options->sysroot = argument;
		return -1;
	case 'L':
		options->no_initial = true;
		return -1;
	case 'q':
		options->quiet = true;
		return -1;
	case 'v':
		options->verbose = true;
		return -1;
	case 'h':
		options->help = true;
		return -1;
	case 'V':
		printf("pciprobe %s\n", PACKAGE_VERSION);
		return STATUS_OK;
	default: /* logged by getopt */
		return usage_error(options);
	}
}

/* The same for the check subcommand, see options_rows. */
static int parse_check_option(void *data, int letter, char *argument)
{
	struct options *options = data;

	if (letter == '?') {
		log_error(
			&options->log,
			"check: invalid option, or no argument: '%s'; see 'pciprobe check --help'",
			options->argv[optind - 1]);
		return STATUS_USAGE;
	}
	return parse_option(data,
			    letter == 'c'		? CRITICAL_LETTER
			    : letter == CRITICAL_LETTER ? 'c'
							: letter,
			    argument);
}

static int check_arguments(const struct options *options)
{
	const struct subcommand *subcommand = options->subcommand;
	const char *rejected = commandline_rejected(OPTION_ROWS, options->used, COMMON_OPTIONS,
						    subcommand->options);

	if (rejected) {
		log_error(&options->log, "'%s' does not accept --%s", subcommand->name, rejected);
		return usage_error(options);
	}
	if (subcommand->max_arguments >= 0 && options->argument_count > subcommand->max_arguments) {
		log_error(&options->log, "%s: unexpected argument '%s'", subcommand->name,
			  options->arguments[subcommand->max_arguments]);
		return usage_error(options);
	}
	if (options->format_given && subcommand->run == run_watch && !options->event_format) {
		log_error(&options->log, "watch: the formats are json and telegraf");
		return usage_error(options);
	}
	if (options->format_of_events && subcommand->run != run_watch) {
		log_error(&options->log, "the format telegraf requires 'pciprobe watch'");
		return usage_error(options);
	}
	return -1;
}

/* Returns -1 to continue, else an exit status. */
static int parse_subcommand(struct options *options, char **arguments)
{
	if (*arguments) {
		options->subcommand = subcommand_find(*arguments, &options->log);
		if (!options->subcommand)
			return usage_error(options);
		arguments++;
	} else if (options->help) {
		help_print();
		return STATUS_OK;
	}
	if (options->subcommand->run == run_service_check && !options->is_plugin) {
		log_error(&options->log, "'check' must come first, before its options");
		return usage_error(options);
	}
	if (options->help) {
		help_print_subcommand(options->subcommand);
		return STATUS_OK;
	}
	options->arguments = arguments;
	while (arguments[options->argument_count])
		options->argument_count++;
	return -1;
}

void options_rows(bool is_plugin, struct option_row ret[static OPTION_ROWS_MAX + 1])
{
	size_t i = 0;

	for (; OPTION_ROWS[i].name; i++) {
		ret[i] = OPTION_ROWS[i];
		if (is_plugin && ret[i].letter == 'c')
			ret[i].letter = CRITICAL_LETTER;
		else if (is_plugin && ret[i].letter == CRITICAL_LETTER)
			ret[i].letter = 'c';
	}
	ret[i] = (struct option_row){0};
}

int options_parse(int argc, char **argv, struct options *options, int *ret_status)
{
	struct option_row rows[OPTION_ROWS_MAX + 1];
	char **arguments;

	options->filters =
		(struct rule_list){.key = "-d", .location = "command line", .kind = RULE_FILTER};
	options->slots =
		(struct rule_list){.key = "-s", .location = "command line", .kind = RULE_SLOT};
	options->names =
		(struct rule_list){.key = "--name", .location = "command line", .kind = RULE_NAME};
	options->subcommand = &SUBCOMMANDS[0];
	options->writer = &WRITERS[0];
	options->nova_release = nova_release_newest();
	options->timeout = 10;
	options->argv = argv;
	options->is_plugin = argc > 1 && strcmp(argv[1], "check") == 0;
	options_rows(options->is_plugin, rows);
	opterr = !options->is_plugin;
	*ret_status = commandline_parse(rows, argc, argv,
					options->is_plugin ? parse_check_option : parse_option,
					options, options->used, &arguments);
	if (*ret_status < 0)
		*ret_status = parse_subcommand(options, arguments);
	if (*ret_status < 0)
		*ret_status = check_arguments(options);
	return *ret_status < 0 ? 0 : -1;
}

void options_free(struct options *options)
{
	rule_list_free(&options->filters);
	rule_list_free(&options->slots);
	rule_list_free(&options->names);
	rows_free(&options->rows);
	thresholds_free(&options->thresholds);
	strings_free(&options->messages);
	if (options->config_file && options->config_file->fd >= 0)
		close(options->config_file->fd);
	free(options->config_file);
}

/* Opens the configuration, and stores the descriptor and the log for messages about it. */
static int open_config(struct options *options, struct probe_options *probe)
{
	static const int standard_input = STDIN_FILENO;
	int error;

	if (options->config_is_stdin)
		probe->config_fd = &standard_input;
	if (!options->config || options->config_is_stdin || options->all)
		return 0;
	options->config_file = calloc(1, sizeof(*options->config_file));
	if (!options->config_file) {
		log_error(&options->log, "out of memory");
		return -ENOMEM;
	}
	error = callerfile_open(options->config, &options->log, options->config_file);
	probe->config_fd = &options->config_file->fd;
	probe->log = options->config_file->log;
	return error;
}

void options_fill_probe(const struct options *options, unsigned details,
			char vf_helper[static PATH_MAX], struct probe_options *ret)
{
	*ret = (struct probe_options){
		.log = options->log,
		.sysroot = options->sysroot,
		.config = options->config,
		.config_home = CONFIG_HOME,
		.all = options->all,
		.details = details,
		.other_details = options->writer->other_details,
		.owners = options->owners_given ? &options->owners : NULL,
		.libvirt_helper = LIBVIRT_HELPER,
		.vf_helper = program_helper(VF_HELPER, vf_helper),
		.filters = &options->filters,
		.slots = &options->slots,
		.names = &options->names,
	};
}

int options_probe(struct options *options, unsigned details, struct probe **ret)
{
	char vf_helper[PATH_MAX];
	struct probe_options probe;
	int error;

	options_fill_probe(options, details, vf_helper, &probe);
	error = open_config(options, &probe);
	return error ? error : probe_new(&probe, ret);
}

int status_of(const struct inventory *inventory)
{
	return inventory->incomplete ? STATUS_PARTIAL : STATUS_OK;
}
