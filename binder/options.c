/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/options.h"

#include "binder/commands/commands.h"
#include "binder/devices/target.h"
#include "binder/hazards/hazard.h"
#include "common/commandline.h"
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row OPTIONS[] = {
	{"dry-run", 'n', NULL, "change nothing; show each write"},
	{"driver", 'D', "NAME", "bind to the driver NAME (default: auto)"},
	{"group", 'G', NULL, "include all devices of the IOMMU groups"},
	{"all", 'L', NULL, "operate on all matches of a DEV"},
	{"expect", 'E', "VENDOR:DEVICE", "refuse devices with other ids"},
	{"allow", 'A', "HAZARD,...", "override these safety checks; 'help' lists them"},
	{"owner", 'O', "USER:GROUP", "set the owner of the nodes in /dev/vfio"},
	{"timeout", 'T', "SECONDS", "time limit for each answer of the kernel (default: 30)"},
	{"sysroot", 'S', "DIR", "read DIR instead of /: a recording"},
	{"json", 'j', NULL, "write JSON"},
	{"quiet", 'q', NULL, "no warnings"},
	{"verbose", 'v', NULL, "more messages"},
	{"help", 'h', NULL, "this help"},
	{"version", 'V', NULL, "the version"},
	{NULL, '\0', NULL, NULL},
};

/* What every verb takes. */
#define COMMON_OPTIONS "qvhV"

const struct bind_subcommand BIND_SUBCOMMANDS[] = {
	{"status", "[DEV...]", 0, -1, "show drivers, owners and safety checks (the default)",
	 "LjST", run_status},
	{"check", "[DEV...]", 0, -1,
	 "check whether devices could be bound, or without DEV, this host", "DGLEAjST", run_check},
	{"bind", "DEV...", 1, -1, "bind devices to VFIO, all or none", "nDGLEAOTjS", run_bind},
	{"release", "DEV...", 1, -1, "return devices to their former drivers", "nGLETjS",
	 run_release},
	{"vfs", "PF NUMBER", 2, 2, "enable NUMBER virtual functions", "nEATjS", run_vfs},
	{"apply", "", 0, 0, "bind the devices listed in /etc/default/vfio-bind, at boot",
	 "nDGLEAOTjS", run_apply},
	{"config", "KIND DEV...", 1, -1,
	 "print a boot-time configuration file; 'config help' lists the kinds", "DLS", run_config},
	{"recover", "", 0, 0, "complete or roll back an interrupted run", "T", run_recover},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

/* 'vfio-bind ADDRESS...', as the script does that it takes the place of. */
static const struct bind_subcommand BIND_EACH = {"",	       "DEV...",     1, -1, NULL,
						 "nDGLEAOTjS", run_bind_each};

static const struct bind_subcommand *find_subcommand(const char *name)
{
	for (const struct bind_subcommand *subcommand = BIND_SUBCOMMANDS; subcommand->name;
	     subcommand++)
		if (strcmp(subcommand->name, name) == 0)
			return subcommand;
	return NULL;
}

static void print_help(void)
{
	char usage[40];

	printf("Usage: vfio-bind [SUBCOMMAND] [OPTION...] [DEV...]\n"
	       "Bind PCI devices to VFIO for use by virtual machines, and return them to the host.\n\nSubcommands:\n");
	for (const struct bind_subcommand *subcommand = BIND_SUBCOMMANDS; subcommand->name;
	     subcommand++) {
		snprintf(usage, sizeof(usage), "%s %s", subcommand->name, subcommand->arguments);
		printf("  %-26s %s\n", usage, subcommand->help);
	}
	printf("\nOptions:\n");
	commandline_print(OPTIONS, NULL);
	printf("\nDEV is 0000:01:00.0, 01:00.0, net:eth0, mac:52:54:00:12:34:56, block:nvme0n1, id:10de:2204 or alias:NAME.\n"
	       "Without a subcommand each DEV is bound independently.\n"
	       "\nExit status: 0 success, 1 failed and rolled back, 2 usage error, 3 refused, 4 no such device, 5 failed and not\n"
	       "completely rolled back, 69 no IOMMU or no driver, 75 another run is in progress, 77 permission denied, 124 the\n"
	       "kernel did not answer in time. See vfio-bind(8).\n");
}

static void print_hazards(void)
{
	static const char *const grades[] = {[GRADE_NEVER] = "never allowed",
					     [GRADE_REFUSED] = "can be allowed",
					     [GRADE_WARNING] = "only warned of"};

	for (size_t i = 0; i < HAZARD_COUNT; i++)
		printf("%-14s %-15s %s\n", HAZARDS[i].name, grades[HAZARDS[i].grade],
		       HAZARDS[i].help);
}

static int usage_error(const struct bind_options *options)
{
	log_error(&options->log, "Try 'vfio-bind --help' for more information.");
	return BIND_USAGE;
}

static int parse_timeout(struct bind_options *options, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || seconds < 1 || seconds > 3600) {
		log_error(&options->log, "--timeout %s: from 1 to 3600 seconds", text);
		return BIND_USAGE;
	}
	options->timeout = (unsigned)seconds;
	return -1;
}

/* A name, or a number. Returns false when there is nobody called so. */
static bool find_user(const char *name, uid_t *ret)
{
	const struct passwd *user = getpwnam(name);
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (!user && (*name < '0' || *name > '9' || *end || number >= (uid_t)-1))
		return false;
	*ret = user ? user->pw_uid : (uid_t)number;
	return true;
}

static bool find_group(const char *name, gid_t *ret)
{
	const struct group *group = getgrnam(name);
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (!group && (*name < '0' || *name > '9' || *end || number >= (gid_t)-1))
		return false;
	*ret = group ? group->gr_gid : (gid_t)number;
	return true;
}

static int parse_owner(struct bind_options *options, const char *text)
{
	size_t length = strcspn(text, ":");
	char user[256];

	if (text[length] && length < sizeof(user)) {
		memcpy(user, text, length);
		user[length] = '\0';
		if (find_user(user, &options->user) &&
		    find_group(text + length + 1, &options->user_group))
			return -1;
	}
	log_error(&options->log, "--owner %s: not USER:GROUP of this host", text);
	return BIND_USAGE;
}

static int parse_allow(struct bind_options *options, const char *text)
{
	unsigned allowed = 0;

	if (strcmp(text, "help") == 0) {
		print_hazards();
		return BIND_DONE;
	}
	if (hazards_parse(text, &options->log, &allowed) < 0)
		return BIND_USAGE;
	options->allowed |= allowed;
	return -1;
}

/* Returns -1 to go on, else the status to end with. */
static int parse_option(void *data, int letter, char *argument)
{
	struct bind_options *options = data;

	switch (letter) {
	case 'n':
		options->dry_run = true;
		return -1;
	case 'D':
		options->driver = argument;
		return -1;
	case 'G':
		options->group = true;
		return -1;
	case 'L':
		options->all = true;
		return -1;
	case 'E':
		options->expect = argument;
		return -1;
	case 'A':
		return parse_allow(options, argument);
	case 'O':
		return parse_owner(options, argument);
	case 'T':
		return parse_timeout(options, argument);
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
		return BIND_DONE;
	case 'V':
		printf("vfio-bind %s\n", PACKAGE_VERSION);
		return BIND_DONE;
	default: /* getopt has said why */
		return usage_error(options);
	}
}

static int check_arguments(const struct bind_options *options, const char *used)
{
	const struct bind_subcommand *subcommand = options->subcommand;
	const char *refused = commandline_refused(OPTIONS, used, COMMON_OPTIONS,
						  subcommand->options);

	if (refused) {
		log_error(&options->log, "'%s' takes no --%s",
			  *subcommand->name ? subcommand->name : "vfio-bind DEV", refused);
		return usage_error(options);
	}
	if (options->argument_count < subcommand->min_arguments) {
		log_error(&options->log, "'%s' wants more: 'vfio-bind %s %s'", subcommand->name,
			  subcommand->name, subcommand->arguments);
		return usage_error(options);
	}
	if (subcommand->max_arguments >= 0 && options->argument_count > subcommand->max_arguments) {
		log_error(&options->log, "'%s': what is '%s'?", subcommand->name,
			  options->arguments[subcommand->max_arguments]);
		return usage_error(options);
	}
	return -1;
}

/* The first word that is no option is the verb; without one, devices are bound. Returns -1 to go
 * on, else the status to end with. */
static int parse_subcommand(struct bind_options *options, char **words)
{
	if (*words && target_is_word(*words)) {
		options->subcommand = &BIND_EACH;
	} else if (*words) {
		options->subcommand = find_subcommand(*words);
		if (!options->subcommand) {
			log_error(&options->log, "unknown subcommand '%s'", *words);
			return usage_error(options);
		}
		words++;
	}
	options->arguments = words;
	while (words[options->argument_count])
		options->argument_count++;
	return -1;
}

int bind_options_parse(int argc, char **argv, struct bind_options *options, int *ret_status)
{
	char used[OPTION_ROWS_MAX + 1], **words;

	options->subcommand = &BIND_SUBCOMMANDS[0];
	options->driver = "auto";
	options->timeout = 30;
	options->user = (uid_t)-1;
	options->user_group = (gid_t)-1;
	*ret_status = commandline_parse(OPTIONS, argc, argv, parse_option, options, used, &words);
	if (*ret_status < 0)
		*ret_status = parse_subcommand(options, words);
	if (*ret_status < 0)
		*ret_status = check_arguments(options, used);
	return *ret_status < 0 ? 0 : -1;
}

int bind_options_probe(const struct bind_options *options, unsigned details, struct probe **ret)
{
	/* what processes have is what counts here. libvirt isn't asked: it may be libvirt's own
	 * hook that asks us */
	static const unsigned owners = OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV;
	struct probe_options probe = {
		.log = options->log,
		.sysroot = options->sysroot,
		.all = true,
		.details = details,
		.owners = &owners,
	};

	return probe_new(&probe, ret);
}

int bind_options_read_aliases(const struct bind_options *options, struct inventory *inventory)
{
	struct probe_options named = {.log = options->log,
				      .sysroot = options->sysroot,
				      .config_home = CONFIG_HOME,
				      .details = DETAIL_ALIASES};
	struct inventory *other = NULL;
	struct probe *probe = NULL;
	int error = probe_new(&named, &probe);

	if (!error)
		error = probe_read(probe, &other);
	for (size_t i = 0; !error && i < other->count; i++) {
		struct pci_device *device = inventory_find(inventory, &other->devices[i].address);

		if (device && !device->aliases.count)
			error = strings_add_all(&device->aliases, &other->devices[i].aliases);
	}
	inventory_free(other);
	probe_free(probe);
	return error;
}
