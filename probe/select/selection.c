/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/select/selection.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

void selection_add(struct selection *selection, const struct rule_list *list)
{
	assert(selection->count < SELECTION_LISTS_MAX);
	selection->lists[selection->count++] = list;
}

const char *selection_subject(struct names *names, const struct pci_device *device)
{
	const char *name = names_device(names, device->vendor, device->device);

	return name ? name : "Device";
}

/* Finds the first rule of LIST that matches the device, among exclusions or among other rules.
 * Returns 1, 0 for none, or a negative errno. */
static int find_rule(const struct rule_list *list, bool excludes, const struct pci_device *device,
		     const char *name, const struct log *log, const struct rule **ret)
{
	int found = 0;

	for (size_t i = 0; i < list->count && !found; i++) {
		if (rule_excludes(list->rules[i]) != excludes)
			continue;
		found = rule_matches(list->rules[i], device, name, log);
		if (found > 0)
			*ret = list->rules[i];
	}
	return found;
}

static bool has_only_exclusions(const struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!rule_excludes(list->rules[i]))
			return false;
	return list->count;
}

/* Whether the device passes LIST, if not inverted. Returns 1 with the rule that matched, 0 with the
 * exclusion that did, or a negative errno. */
static int apply_list(const struct rule_list *list, const struct pci_device *device,
		      const char *name, const struct log *log, const struct rule **ret_match,
		      const struct rule **ret_exclusion)
{
	const struct rule *match = NULL;
	int found = 1, excluded;

	if (!has_only_exclusions(list))
		found = find_rule(list, false, device, name, log, &match);
	if (found <= 0)
		return found;
	excluded = find_rule(list, true, device, name, log, ret_exclusion);
	if (excluded)
		return excluded < 0 ? excluded : 0;
	*ret_match = match;
	return 1;
}

int selection_apply(const struct selection *selection, struct names *names,
		    const struct pci_device *device, const struct log *log, struct verdict *ret)
{
	struct verdict verdict = {0};
	const char *name = NULL;
	int found;

	for (int by_name = 0; by_name <= 1; by_name++) {
		for (size_t i = 0; i < selection->count; i++) {
			const struct rule_list *list = selection->lists[i];

			if (!list->restricts || (list->kind == RULE_NAME) != by_name)
				continue;
			if (by_name && !name)
				name = selection_subject(names, device);
			found = apply_list(list, device, name, log, &verdict.matched[i],
					   &verdict.excluded_by);
			if (found < 0)
				return found;
			if (!found != list->inverted) {
				verdict.rejected_by = list;
				*ret = verdict;
				return 0;
			}
		}
	}
	*ret = verdict;
	return 0;
}
