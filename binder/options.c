/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/options.h"

#include "binder/commands/commands.h"
#include "binder/devices/target.h"
#include "binder/hazards/hazard.h"
#include "common/commandline.h"
#include "common/grid.h"
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row OPTIONS[] = {
	{"dry-run", 'n', NULL, "make no changes, show each write"},
	{"driver", 'D', "NAME", "bind to the driver NAME (default: auto)"},
	{"group", 'G', NULL, "include all devices of the IOMMU groups"},
	{"all", 'L', NULL, "operate on all matches of a DEV"},
	{"expect", 'E', "VENDOR:DEVICE", "refuse devices with other ids"},
	{"allow", 'A', "HAZARD,...", "override these safety checks; 'help' lists them"},
	{"owner", 'O', "USER:GROUP", "set the owner of the nodes in /dev/vfio"},
	{"persist", 'P', NULL, "bind: also at every boot, by files in /etc"},
	{"forget", 'F', NULL, "release: remove the files of --persist"},
	{"reset", 'R', NULL, "vf: return its settings to their defaults"},
	{"timeout", 'T', "SECONDS", "time limit for each answer of the kernel (default: 30)"},
	{"sysroot", 'S', "DIR", "read DIR, e.g. a recording, instead of /"},
	{"json", 'j', NULL, "write JSON"},
	{"quiet", 'q', NULL, "print neither warnings nor results"},
	{"verbose", 'v', NULL, "more messages"},
	{"help", 'h', NULL, "show this help"},
	{"version", 'V', NULL, "show the version"},
	{NULL, '\0', NULL, NULL},
};

/* Accepted by every subcommand. */
#define COMMON_OPTIONS "qvhV"

const struct bind_subcommand BIND_SUBCOMMANDS[] = {
	{"status", "[DEV...]", 0, -1, "show drivers, owners and safety checks (the default)",
	 "LjST", run_status},
	{"check", "[DEV...]", 0, -1,
	 "check whether devices could be bound, or without DEV, this host", "DGLEAjST", run_check},
	{"bind", "DEV...", 1, -1, "bind devices to VFIO, all or none", "nDGLEAOPTjS", run_bind},
	{"release", "DEV...", 1, -1, "return devices to their former drivers", "nGLEFTjS",
	 run_release},
	{"vfs", "PF NUMBER", 2, 2, "enable NUMBER virtual functions (0: disable)", "nEATjS",
	 run_vfs},
	{"vf", "PF INDEX --reset", 2, 2,
	 "return the settings of a virtual function to their defaults", "nREATjS", run_vf},
	{"apply", "", 0, 0, "bind the devices listed in /etc/default/vfio-bind, at boot",
	 "nDGLEAOTjS", run_apply},
	{"config", "KIND DEV...", 1, -1,
	 "print a boot-time configuration file; 'config help' lists the kinds", "DLAS", run_config},
	{"recover", "", 0, 0, "complete or roll back an interrupted run", "Tj", run_recover},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

/* 'vfio-bind ADDRESS...', compatible with the script of OpenNebula's guide. */
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
	printf("\nDEV is 0000:01:00.0, 01:00.0, path:0000:00:1c.0/00.0, each also with =VENDOR:DEVICE, net:eth0,\n"
	       "mac:52:54:00:12:34:56, block:nvme0n1, id:10de:2204 or alias:NAME.\n"
	       "Without a subcommand each DEV is bound independently.\n"
	       "\nExit status: 0 success, 1 failed and rolled back, 2 usage error, 3 refused, 4 no such device, 5 failed and not\n"
	       "completely rolled back, 69 no IOMMU or no driver, 75 another run is in progress, 77 permission denied, 124 the\n"
	       "kernel did not answer in time; 129, 130, 143 terminated by SIGHUP, SIGINT, SIGTERM after a rollback. See\n"
	       "vfio-bind(8).\n");
}

static int print_hazards(const struct log *log)
{
	static const char *const grades[] = {[GRADE_NEVER] = "always refused",
					     [GRADE_REFUSED] = "refused",
					     [GRADE_WARNING] = "warning only"};

	struct grid grid = {.log = log};
	int error = 0;

	for (size_t i = 0; i < HAZARD_COUNT && error == 0; i++)
		error = grid_add_texts(&grid, HAZARDS[i].name, grades[HAZARDS[i].grade],
				       HAZARDS[i].help, NULL);
	return grid_write_list(&grid, error, stdout) < 0 ? BIND_FAILED : BIND_DONE;
}

static int usage_error(const struct bind_options *options)
{
	log_error(&options->log, "Try 'vfio-bind --help' for more information.");
	return BIND_USAGE;
}

static int parse_timeout(struct bind_options *options, const char *argument)
{
	char *end;
	unsigned long seconds = strtoul(argument, &end, 10);

	if (*argument < '0' || *argument > '9' || *end || seconds < 1 || seconds > 3600) {
		log_error(&options->log,
			  "--timeout: invalid value '%s', expected 1 to 3600 seconds", argument);
		return BIND_USAGE;
	}
	options->timeout = (unsigned)seconds;
	return -1;
}

/* NAME may be a number. Returns false if there is no such user. */
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

static int parse_owner(struct bind_options *options, const char *argument)
{
	size_t length = strcspn(argument, ":");
	char user[256];

	if (argument[length] && length < sizeof(user)) {
		memcpy(user, argument, length);
		user[length] = '\0';
		if (find_user(user, &options->user) &&
		    find_group(argument + length + 1, &options->user_group))
			return -1;
	}
	log_error(&options->log, "--owner: '%s' is not a USER:GROUP of this host", argument);
	return BIND_USAGE;
}

static int parse_allow(struct bind_options *options, const char *argument)
{
	unsigned allowed = 0;

	if (strcmp(argument, "help") == 0)
		return print_hazards(&options->log);
	if (hazards_parse(argument, &options->log, &allowed) < 0)
		return BIND_USAGE;
	options->allowed |= allowed;
	return -1;
}

/* Returns -1 to continue, or the exit status. */
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
	case 'P':
		options->persist = true;
		return -1;
	case 'F':
		options->forget = true;
		return -1;
	case 'R':
		options->reset = true;
		return -1;
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
	default: /* logged by getopt_long */
		return usage_error(options);
	}
}

static int check_arguments(const struct bind_options *options, const char *used)
{
	const struct bind_subcommand *subcommand = options->subcommand;
	const char *refused = commandline_rejected(OPTIONS, used, COMMON_OPTIONS,
						   subcommand->options);

	if (refused) {
		log_error(&options->log, "'%s' does not accept --%s",
			  *subcommand->name ? subcommand->name : "vfio-bind DEV", refused);
		return usage_error(options);
	}
	if (options->argument_count < subcommand->min_arguments) {
		log_error(&options->log, "%s: missing argument: 'vfio-bind %s %s'",
			  subcommand->name, subcommand->name, subcommand->arguments);
		return usage_error(options);
	}
	if (subcommand->max_arguments >= 0 && options->argument_count > subcommand->max_arguments) {
		log_error(&options->log, "%s: unexpected argument '%s'", subcommand->name,
			  options->arguments[subcommand->max_arguments]);
		return usage_error(options);
	}
	return -1;
}

/* The first argument is the subcommand or, without one, a device. Returns -1 to continue, or the
 * exit status. */
static int parse_subcommand(struct bind_options *options, char **arguments)
{
	if (*arguments && target_is_argument(*arguments)) {
		options->subcommand = &BIND_EACH;
	} else if (*arguments) {
		options->subcommand = find_subcommand(*arguments);
		if (!options->subcommand) {
			log_error(&options->log, "unknown subcommand '%s'", *arguments);
			return usage_error(options);
		}
		arguments++;
	}
	options->arguments = arguments;
	while (arguments[options->argument_count])
		options->argument_count++;
	return -1;
}

int bind_options_parse(int argc, char **argv, struct bind_options *options, int *ret_status)
{
	char used[OPTION_ROWS_MAX + 1], **arguments;

	options->subcommand = &BIND_SUBCOMMANDS[0];
	options->driver = "auto";
	options->timeout = 30;
	options->user = (uid_t)-1;
	options->user_group = (gid_t)-1;
	*ret_status = commandline_parse(OPTIONS, argc, argv, parse_option, options, used,
					&arguments);
	if (*ret_status < 0)
		*ret_status = parse_subcommand(options, arguments);
	if (*ret_status < 0)
		*ret_status = check_arguments(options, used);
	return *ret_status < 0 ? 0 : -1;
}

int bind_options_probe(const struct bind_options *options, unsigned details, struct probe **ret)
{
	/* only owners that are processes; libvirt is not queried, because this program may run in a
	 * hook of libvirt */
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

static int copy_aliases(const struct inventory *from, struct inventory *to)
{
	int error = 0;

	for (size_t i = 0; i < from->count && !error; i++) {
		struct pci_device *device = inventory_find(to, &from->devices[i].address);

		if (device && !device->aliases.count)
			error = strings_add_all(&device->aliases, &from->devices[i].aliases);
	}
	return error;
}

int bind_options_read_aliases(const struct bind_options *options, struct inventory *inventory)
{
	struct probe_options probe_options = {.log = options->log,
					      .sysroot = options->sysroot,
					      .config_home = CONFIG_HOME,
					      .details = DETAIL_ALIASES};
	struct inventory *aliased = NULL;
	struct probe *probe = NULL;
	int error = probe_new(&probe_options, &probe);

	if (error < 0)
		return error;
	error = probe_read(probe, &aliased);
	if (!error)
		error = copy_aliases(aliased, inventory);
	inventory_free(aliased);
	probe_free(probe);
	return error;
}
