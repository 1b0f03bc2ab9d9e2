/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule that matches devices, and lists of rules. Rules know where they were defined. */
#ifndef PCIPROBE_SELECT_RULE_H
#define PCIPROBE_SELECT_RULE_H

#include "probe/device.h"
#include "probe/log.h"

enum rule_kind {
	RULE_FILTER,  /* lspci -d: [vendor]:[device][:class[:prog-if]], by libpci; excludes after a
			 leading ! */
	RULE_SLOT,    /* lspci -s: [[[domain]:][bus]:][slot][.[function]], by libpci */
	RULE_ADDRESS, /* exactly this device: an address, or another identity (identity.h) */
	RULE_NAME,    /* regular expression on the name of the device */
};

struct rule;

/* A list of rules of one kind. A device passes if at least one rule matches and no exclusion does.
 * If all rules are exclusions, all other devices pass. The order of the rules does not matter. {0}
 * lets all devices pass. */
struct rule_list {
	const char *key;    /* what the user calls it: ":filter:", "-d" */
	char location[300]; /* where it was defined: "pci.conf:12:1"; "" if nowhere */
	enum rule_kind kind;
	bool restricts; /* false: all devices pass; true without rules: none do */
	bool inverted;	/* a device passes if it would not otherwise */
	struct rule **rules;
	size_t count;
};

/* Parses STRING as a rule of the list's kind and appends it. LOCATION is where it was defined, for
 * messages; it is copied. Returns 0, -EINVAL if STRING is invalid (logged, with the expected
 * format), -ELIBACC if libpci is needed and missing (logged), or -ENOMEM. */
int rule_list_add(struct rule_list *list, const char *string, const char *location,
		  const struct log *log);

/* Frees all rules and the location; the list lets all devices pass then. */
void rule_list_free(struct rule_list *list);

/* The string and the location of the rule, as passed to rule_list_add. */
const char *rule_text(const struct rule *rule);
const char *rule_location(const struct rule *rule);

/* Whether the rule is an exclusion. */
bool rule_excludes(const struct rule *rule);

/* Whether RULE matches DEVICE, as an exclusion or not. NAME is used by RULE_NAME only. Returns 1,
 * 0, or -ELOOP (logged) if a regular expression exceeds the match limit on NAME. */
int rule_matches(const struct rule *rule, const struct pci_device *device, const char *name,
		 const struct log *log);

/* Whether a rule of LIST is a path: the paths of all devices must then be read before matching. */
bool rule_list_has_paths(const struct rule_list *list);

/* Warns of each RULE_ADDRESS in LIST with ids that no device at its place has: another device is
 * there, or none, and devices with these ids that no other rule of LIST matches are elsewhere in
 * INVENTORY. Returns 0 or -ENOMEM. */
int rule_list_warn_moved(const struct rule_list *list, const struct inventory *inventory,
			 const struct log *log);

#endif
