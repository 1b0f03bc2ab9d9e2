/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule about devices, and lists of them. A rule knows where it was written, so that whatever it
 * does can be told. */
#ifndef PCIPROBE_SELECT_RULE_H
#define PCIPROBE_SELECT_RULE_H

#include "probe/device.h"
#include "probe/log.h"

enum rule_kind {
	RULE_FILTER,  /* lspci -d: [vendor]:[device][:class[:prog-if]], by libpci; excludes after !
		       */
	RULE_SLOT,    /* lspci -s: [[[domain]:][bus]:][slot][.[function]], by libpci */
	RULE_ADDRESS, /* exactly this device */
	RULE_NAME,    /* regular expression, searched in the device's name */
};

struct rule;

/* A list of rules of one kind, of which one must match for a device to pass, and none that
 * excludes. A list of exclusions alone lets all other devices pass. The order does not matter. {0}
 * lets everything pass. */
struct rule_list {
	const char *key; /* what its user calls it: ":filter:", "-d" */
	char place[300]; /* where it was written: "pci.conf:12:1"; "" when nowhere */
	enum rule_kind kind;
	bool restricts; /* false: everything passes. True without a rule: nothing passes */
	bool refuses;	/* turned round: a device passes when none of the rules matches */
	struct rule **rules;
	size_t count;
};

/* Adds the rule that TEXT says. PLACE is where that stands: it goes in front of messages and is
 * copied. Returns 0, -EINVAL for a text that isn't a rule of the list's kind (logged through LOG,
 * with what is expected), or -ENOMEM. */
int rule_list_add(struct rule_list *list, const char *text, const char *place,
		  const struct log *log);

/* Frees what the list holds and leaves it letting everything pass. */
void rule_list_free(struct rule_list *list);

/* The text of the rule and its place, as they were given. */
const char *rule_text(const struct rule *rule);
const char *rule_location(const struct rule *rule);

/* Whether the rule excludes what it matches. */
bool rule_excludes(const struct rule *rule);

/* Whether RULE matches the device, also if that excludes it. Only RULE_NAME uses NAME. Returns 1 or
 * 0, or -ELOOP if an expression exceeds the match limit on this name, which is logged. */
int rule_matches(const struct rule *rule, const struct pci_device *device, const char *name,
		 const struct log *log);

#endif
