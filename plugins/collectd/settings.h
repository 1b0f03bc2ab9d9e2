/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of <Plugin pciprobe>, which collectd-pciprobe(5) documents. */
#ifndef PCIPROBE_COLLECTD_SETTINGS_H
#define PCIPROBE_COLLECTD_SETTINGS_H

#include "probe/log.h"
#include "probe/select/rule.h"

#include <collectd/liboconfig/oconfig.h>
#include <stdbool.h>

/* Groups of values. Groups that are not reported are not read, and their changes not notified. */
enum report_group {
	REPORT_LINK = 1u << 0,
	REPORT_AER = 1u << 1,
	REPORT_OWNER = 1u << 2,
	REPORT_SRIOV = 1u << 3,
	REPORT_POOLS = 1u << 4,
	REPORT_VF = 1u << 5,
	REPORT_ALL = (1u << 6) - 1,
};

/* The prefix of the device's address in its plugin instance. */
enum instance_format { INSTANCE_ADDRESS, INSTANCE_ALIAS, INSTANCE_VM };

struct settings {
	char *config_file; /* NULL: the installed pci.conf */
	char *sysroot;	   /* NULL: "/" */
	struct rule_list devices;
	unsigned owners; /* enum owner_source: those to use */
	bool has_owners; /* false: those of pci.conf */
	unsigned report; /* enum report_group */
	bool has_report; /* false: everything */
	enum instance_format format;
	bool notify, persistent;
	unsigned errors; /* in the blocks that were read; with any, the plugin must not run */
};

/* Sets the defaults. The caller frees the contents with settings_free. */
void settings_init(struct settings *settings);
void settings_free(struct settings *settings);

/* Reads a block; there may be several. Unknown options and invalid values are logged through LOG
 * and counted in errors. */
void settings_read(struct settings *settings, const oconfig_item_t *block, const struct log *log);

#endif
