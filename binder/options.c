/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/options.h"

#include "binder/verbs.h"
#include "common/commandline.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

static const struct option_row OPTIONS[] = {
	{"sysroot", 'S', "DIR", "look at DIR instead of /: a recording"},
	{"json", 'j', NULL, "write JSON"},
	{"quiet", 'q', NULL, "no warnings"},
	{"verbose", 'v', NULL, "say more"},
	{"help", 'h', NULL, "this help"},
	{"version", 'V', NULL, "the version"},
	{NULL, '\0', NULL, NULL},
};

/* What every verb takes. */
#define COMMON_OPTIONS "qvhV"

const struct verb VERBS[] = {
	{"status", "[DEV...]", 0, -1, "show who has the cards and what stands in the way (the default)", "S", run_status},
	{"check", "", 0, 0, "tell whether this host can give cards to VMs, and what is to be done", "jS", run_check},
	{"config", "KIND DEV...", 1, -1, "print the file that makes these cards a VM's at boot; 'config help' lists the kinds", "S", run_config},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
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
	char usage[40];

	printf("Usage: vfio-bind [VERB] [OPTION...] [DEV...]\n"
	       "Hands PCI cards to VFIO, and gives them back.\n\nVerbs:\n");
	for (const struct verb *verb = VERBS; verb->name; verb++) {
		snprintf(usage, sizeof(usage), "%s %s", verb->name, verb->arguments);
		printf("  %-26s %s\n", usage, verb->help);
	}
	printf("\nOptions:\n");
	commandline_print(OPTIONS);
}

static int usage_error(const struct options *options)
{
	log_error(&options->log, "'vfio-bind --help' tells what there is");
	return STATUS_USAGE;
}

/* Returns -1 to go on, else the status to end with. */
static int take_option(void *data, int letter, char *argument)
{
	struct options *options = data;

	switch (letter) {
	case 'S':
		options->sysroot = argument;
		return -1;
	case 'j':
		options->json = true;
		return -1;
	case 'q':
		options->quiet = true;
		return -1;
	case 'v':
		options->verbose = true;
		return -1;
	case 'h':
		print_help();
		return STATUS_DONE;
	case 'V':
		printf("vfio-bind %s\n", PACKAGE_VERSION);
		return STATUS_DONE;
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
	if (options->argument_count < verb->min_arguments) {
		log_error(&options->log, "'%s' wants more: 'vfio-bind %s %s'", verb->name, verb->name, verb->arguments);
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

	options->verb = &VERBS[0];
	*ret_status = commandline_parse(OPTIONS, argc, argv, take_option, options, used, &words);
	if (*ret_status < 0)
		*ret_status = take_verb(options, words);
	if (*ret_status < 0)
		*ret_status = check_verb(options, used);
	return *ret_status < 0 ? 0 : -1;
}

int options_probe(const struct options *options, unsigned details, struct probe **ret)
{
	struct probe_options probe = {
		.log = options->log,
		.sysroot = options->sysroot,
		.all = true,
		.details = details,
	};

	return probe_new(&probe, ret);
}
