/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in <Plugin pciprobe>: collectd-pciprobe(5) has it all. */
#ifndef PCIPROBE_COLLECTD_SETTINGS_H
#define PCIPROBE_COLLECTD_SETTINGS_H

#include "probe/log.h"
#include "probe/select/rule.h"

#include <collectd/liboconfig/oconfig.h>
#include <stdbool.h>

/* Groups of values. What isn't reported isn't read either, and no change of it is notified. */
enum report_group {
	REPORT_LINK = 1u << 0,
	REPORT_AER = 1u << 1,
	REPORT_OWNER = 1u << 2,
	REPORT_SRIOV = 1u << 3,
	REPORT_POOLS = 1u << 4,
	REPORT_ALL = (1u << 5) - 1,
};

/* What stands before a device's address in its plugin instance. */
enum instance_format { INSTANCE_ADDRESS, INSTANCE_ALIAS, INSTANCE_VM };

struct settings {
	char *config_file; /* NULL: the installed one */
	char *sysroot;	   /* NULL: "/" */
	struct rule_list devices;
	unsigned owners; /* enum owner_source: those to ask */
	bool has_owners; /* false: as pci.conf says */
	unsigned report; /* enum report_group */
	bool has_report; /* false: everything */
	enum instance_format format;
	bool notify, persistent;
	unsigned faults; /* of what was read; nothing may be measured with any */
};

/* What holds when nothing is said. Free what it holds with settings_free. */
void settings_init(struct settings *settings);
void settings_free(struct settings *settings);

/* Reads a block; there may be several. Unknown options and values that won't do are told through
 * LOG and counted in faults. */
void settings_read(struct settings *settings, const oconfig_item_t *block, const struct log *log);

#endif
