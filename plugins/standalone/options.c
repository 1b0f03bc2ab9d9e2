/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/options.h"

#include "common/commandline.h"
#include "config.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row OPTIONS[] = {
	{"config", 'c', "FILE", "read the rules from FILE instead of " CONFIG_HOME},
	{"all", 'a', NULL, "every card, whatever the configuration says"},
	{"device", 'd', "FILTER", "only [vendor]:[device][:class[:prog-if]], as lspci -d"},
	{"slot", 's', "SLOT", "only [[[domain]:][bus]:][slot][.[func]], as lspci -s"},
	{"name", 'N', "REGEX", "only cards whose name REGEX matches"},
	{"format", 'f', "FORMAT", "write FORMAT; 'help' lists them"},
	{"columns", 'o', "LIST", "these columns, or +LIST in addition; 'help' lists them"},
	{"no-headings", 'H', NULL, "no line of headings"},
	{"owners", 'O', "LIST", "ask only these for who has a card; 'help' lists them"},
	{"usage", 'U', NULL, "opennebula format: who has the cards, as PCI_USAGE"},
	{"teaming", 'T', NULL, "libvirt format: VFs together with a virtio interface, for VMs that migrate"},
	{"no-usage", 'X', NULL, "answer OpenNebula's monitor without PCI_USAGE"},
	{"sysroot", 'S', "DIR", "read DIR instead of /: a recording"},
	{"quiet", 'q', NULL, "no warnings"},
	{"verbose", 'v', NULL, "say more"},
	{"help", 'h', NULL, "this help"},
	{"version", 'V', NULL, "the version"},
	{NULL, '\0', NULL, NULL},
};

/* What every verb takes. */
#define COMMON_OPTIONS "qvhV"

const struct verb VERBS[] = {
	{"list", "", 0, "list the cards that the configuration selects (the default)", "cadsNfoHUTOS", run_list},
	{"explain", "[ADDRESS...]", -1, "say of each card which rule took or refused it", "cadsNOS", run_explain},
	{"request", "CARDS...", -1, "can this host give a1:2 or vendor=8086,class=0200 to a VM now?", "cadsNfoHTOS", run_request},
	{"record", "DIR", 1, "copy what is read of this host to DIR, for --sysroot", "cS", run_record},
#ifdef HAVE_JSON_C
	{"verify", "nova FILE", 2, "which of this host's cards do the lines of a nova.conf take?", "S", run_verify},
#endif
	{"opennebula", "", 0, "answer OpenNebula's monitor in place of its pci.rb", "cXOS", run_opennebula},
	{NULL, NULL, 0, NULL, NULL, NULL},
};

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *verb = VERBS; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

static void print_help(void)
{
	char option[40];

	printf("Usage: pciprobe [VERB] [OPTION...]\n"
	       "Tells which PCI cards this host has, which of them are on offer, and all about them.\n\nVerbs:\n");
	for (const struct verb *verb = VERBS; verb->name; verb++) {
		snprintf(option, sizeof(option), "%s %s", verb->name, verb->arguments);
		printf("  %-26s %s\n", option, verb->help);
	}
	printf("\nOptions:\n");
	commandline_print(OPTIONS);
	printf("\nFormats:\n");
	for (size_t i = 0; i < WRITER_COUNT; i++)
		printf("  %-26s %s\n", WRITERS[i].name, WRITERS[i].help);
	printf("\nExit status: 0 all well, 1 nothing could be listed, 2 wrong usage, 3 listed, but some cards could not be\n"
	       "read whole. More in pciprobe(1) and pci.conf(5).\n");
}

static void print_formats(void)
{
	for (size_t i = 0; i < WRITER_COUNT; i++)
		printf("%-18s %s\n", WRITERS[i].name, WRITERS[i].help);
}

static void print_columns(void)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		printf("%-18s %s%s%s%s\n", FIELDS[i].name, FIELDS[i].help, FIELDS[i].unit ? " (" : "",
		       FIELDS[i].unit ? FIELDS[i].unit : "", FIELDS[i].unit ? ")" : "");
}

static void print_sources(void)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		printf("%-12s %s\n", SOURCES[i].name, SOURCES[i].help);
}

static int usage_error(const struct options *options)
{
	log_error(&options->log, "'pciprobe --help' tells what there is");
	return STATUS_USAGE;
}

/* Returns -1 to go on, else the status to end with. */
static int take_option(void *data, int letter, char *argument)
{
	struct options *options = data;

	switch (letter) {
	case 'c':
		options->config = argument;
		return -1;
	case 'a':
		options->all = true;
		return -1;
	case 'd':
		return rule_list_add(&options->filters, argument, "-d", &options->log) < 0 ? STATUS_USAGE : -1;
	case 's':
		return rule_list_add(&options->slots, argument, "-s", &options->log) < 0 ? STATUS_USAGE : -1;
	case 'N':
		return rule_list_add(&options->names, argument, "--name", &options->log) < 0 ? STATUS_USAGE : -1;
	case 'f':
		if (strcmp(argument, "help") == 0) {
			print_formats();
			return STATUS_OK;
		}
		options->format_given = true;
		options->writer = writer_find(argument);
		if (options->writer)
			return -1;
		log_error(&options->log, "nobody knows the format '%s'; 'pciprobe -f help' lists them", argument);
		return STATUS_USAGE;
	case 'o':
		if (strcmp(argument, "help") == 0) {
			print_columns();
			return STATUS_OK;
		}
		options->columns = argument;
		options->format_given = true;
		return -1;
	case 'H':
		options->no_headings = true;
		return -1;
	case 'O':
		if (strcmp(argument, "help") == 0) {
			print_sources();
			return STATUS_OK;
		}
		options->owners_given = true;
		return sources_parse(argument, "--owners", &options->log, &options->owners) < 0 ? STATUS_USAGE : -1;
	case 'U':
		options->usage = true;
		return -1;
	case 'T':
		options->teaming = true;
		return -1;
	case 'X':
		options->no_usage = true;
		return -1;
	case 'S':
		options->sysroot = argument;
		return -1;
	case 'q':
		options->quiet = true;
		return -1;
	case 'v':
		options->verbose = true;
		return -1;
	case 'h':
		print_help();
		return STATUS_OK;
	case 'V':
		printf("pciprobe %s\n", PACKAGE_VERSION);
		return STATUS_OK;
	default: /* getopt has said why */
		return usage_error(options);
	}
}

static int check_verb(const struct options *options, const char *used)
{
	const struct verb *verb = options->verb;
	const char *refused = commandline_refused(OPTIONS, used, COMMON_OPTIONS, verb->options);

	if (refused) {
		log_error(&options->log, "'%s' takes no --%s", verb->name, refused);
		return usage_error(options);
	}
	if (verb->max_arguments >= 0 && options->argument_count > verb->max_arguments) {
		log_error(&options->log, "'%s': what is '%s'?", verb->name, options->arguments[verb->max_arguments]);
		return usage_error(options);
	}
	return -1;
}

/* The first word that is no option is the verb. Returns -1 to go on, else the status to end with. */
static int take_verb(struct options *options, char **words)
{
	if (*words) {
		options->verb = find_verb(*words);
		if (!options->verb) {
			log_error(&options->log, "nobody knows the verb '%s'", *words);
			return usage_error(options);
		}
		words++;
	}
	options->arguments = words;
	while (words[options->argument_count])
		options->argument_count++;
	return -1;
}

int options_parse(int argc, char **argv, struct options *options, int *ret_status)
{
	char used[OPTION_ROWS_MAX + 1], **words;

	options->filters = (struct rule_list){.key = "-d", .place = "command line", .kind = RULE_FILTER};
	options->slots = (struct rule_list){.key = "-s", .place = "command line", .kind = RULE_SLOT};
	options->names = (struct rule_list){.key = "--name", .place = "command line", .kind = RULE_NAME};
	options->verb = &VERBS[0];
	options->writer = &WRITERS[0];
	*ret_status = commandline_parse(OPTIONS, argc, argv, take_option, options, used, &words);
	if (*ret_status < 0)
		*ret_status = take_verb(options, words);
	if (*ret_status < 0)
		*ret_status = check_verb(options, used);
	return *ret_status < 0 ? 0 : -1;
}

void options_free(struct options *options)
{
	rule_list_free(&options->filters);
	rule_list_free(&options->slots);
	rule_list_free(&options->names);
}

int options_probe(const struct options *options, unsigned details, struct probe **ret)
{
	struct probe_options probe = {
		.log = options->log,
		.sysroot = options->sysroot,
		.config = options->config,
		.config_home = CONFIG_HOME,
		.all = options->all,
		.details = details,
		.other_details = options->writer->other_details,
		.owners = options->owners_given ? &options->owners : NULL,
		.libvirt_helper = LIBVIRT_HELPER,
		.filters = &options->filters,
		.slots = &options->slots,
		.names = &options->names,
	};

	return probe_new(&probe, ret);
}

int status_of(const struct inventory *inventory)
{
	return inventory->incomplete ? STATUS_PARTIAL : STATUS_OK;
}
