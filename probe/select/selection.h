/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules applied to devices, and why. A device is selected when each list of rules lets it pass:
 * those that look at ids and addresses first, those that want its name last. */
#ifndef PCIPROBE_SELECT_SELECTION_H
#define PCIPROBE_SELECT_SELECTION_H

#include "probe/names/names.h"
#include "probe/select/rule.h"

/* Three lists of the configuration, three of the caller. */
#define SELECTION_LISTS_MAX 6

/* The lists belong to whoever fills it in. {0} selects every device. */
struct selection {
	const struct rule_list *lists[SELECTION_LISTS_MAX];
	size_t count;
};

/* What was decided about a device. */
struct verdict {
	/* The first list that rejected it; NULL: selected. */
	const struct rule_list *refused_by;
	/* The rule of that list that excludes it; NULL: none of them matched. */
	const struct rule *excluded_by;
	/* Of each list before that, the rule that matched; NULL: it does not restrict, or only
	 * excludes others. */
	const struct rule *took[SELECTION_LISTS_MAX];
};

/* Adds a list behind the others; there must be room. */
void selection_add(struct selection *selection, const struct rule_list *list);

/* What the expressions for names are matched against: the name, or "Device" where nobody knows one,
 * as lspci prints. */
const char *selection_subject(struct names *names, const struct pci_device *device);

/* Decides about DEVICE, whose ids and address must be known. Returns 0 and the verdict, or -ELOOP
 * when a rule failed on it, which is told through LOG. */
int selection_apply(const struct selection *selection, struct names *names,
		    const struct pci_device *device, const struct log *log, struct verdict *ret);

#endif
