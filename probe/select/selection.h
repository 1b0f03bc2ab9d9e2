/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Applies lists of rules to devices and records why a device was selected or not. A device is
 * selected if it passes all lists. Lists of names are applied last, since looking up a name is
 * expensive. */
#ifndef PCIPROBE_SELECT_SELECTION_H
#define PCIPROBE_SELECT_SELECTION_H

#include "probe/names/names.h"
#include "probe/select/rule.h"

/* Three lists of the configuration, three of the caller. */
#define SELECTION_LISTS_MAX 6

/* The lists belong to the caller. {0} selects all devices. */
struct selection {
	const struct rule_list *lists[SELECTION_LISTS_MAX];
	size_t count;
};

/* The decision on a device. */
struct verdict {
	/* The first list that rejected it; NULL: selected. */
	const struct rule_list *rejected_by;
	/* The exclusion in that list that matched; NULL: no rule of the list matched. */
	const struct rule *excluded_by;
	/* For each list before that, the rule that matched; NULL: the list does not restrict or has
	 * only exclusions. */
	const struct rule *matched[SELECTION_LISTS_MAX];
};

/* Appends a list; at most SELECTION_LISTS_MAX are allowed. */
void selection_add(struct selection *selection, const struct rule_list *list);

/* The string that names are matched against: the name of DEVICE, or "Device" if unknown, as printed
 * by lspci. */
const char *selection_subject(struct names *names, const struct pci_device *device);

/* Decides on DEVICE, whose ids and address must be known. Returns 0 and the verdict, or -ELOOP
 * (logged) if a rule failed. */
int selection_apply(const struct selection *selection, struct names *names,
		    const struct pci_device *device, const struct log *log, struct verdict *ret);

#endif
