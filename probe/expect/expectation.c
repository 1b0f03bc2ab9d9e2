/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/expect/expectation.h"

#include "probe/details/details.h"
#include "probe/select/selection.h"

#include <stdlib.h>
#include <string.h>

#define DETAIL_STATE (DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP)

static const struct {
	const char *name, *unit;
	unsigned details; /* enum detail */
} PROPERTIES[EXPECT_PROPERTY_COUNT] = {
	[EXPECT_SHORT_ADDRESS] = {"short_address", NULL, 0},
	[EXPECT_COUNT] = {"count", NULL, 0},
	[EXPECT_MIN_COUNT] = {"min_count", NULL, 0},
	[EXPECT_DRIVER] = {"driver", NULL, DETAIL_DRIVER},
	[EXPECT_LINK_SPEED] = {"link_speed", "GT/s", DETAIL_LINK},
	[EXPECT_LINK_WIDTH] = {"link_width", NULL, DETAIL_LINK},
	[EXPECT_NUMA_NODE] = {"numa_node", NULL, DETAIL_NUMA_NODE},
	[EXPECT_STATE] = {"state", NULL, DETAIL_STATE},
	[EXPECT_VFS] = {"vfs", NULL, DETAIL_SRIOV},
	[EXPECT_COMPLETE] = {"expect_complete", NULL, DETAIL_SRIOV},
};

const char *expect_property_name(enum expect_property property)
{
	return PROPERTIES[property].name;
}

const char *expect_property_unit(enum expect_property property)
{
	return PROPERTIES[property].unit;
}

static unsigned details_of(unsigned properties)
{
	unsigned details = 0;

	for (unsigned i = 0; i < EXPECT_PROPERTY_COUNT; i++)
		if (properties & (1u << i))
			details |= PROPERTIES[i].details;
	return details;
}

unsigned expectations_details(const struct expectations *expectations, const struct alias *aliases,
			      size_t alias_count)
{
	unsigned details = 0;

	if (expectations->complete)
		details |= PROPERTIES[EXPECT_COMPLETE].details;
	for (size_t i = 0; i < expectations->count; i++) {
		const struct expectation *item = &expectations->items[i];

		/* owners and aliases are read of all selected devices together */
		details |= details_of(item->stated & (1u << EXPECT_STATE));
		if (item->alias)
			details |= DETAIL_ALIASES | aliases_details(aliases, alias_count);
	}
	return details;
}

bool expectations_have_paths(const struct expectations *expectations)
{
	for (size_t i = 0; i < expectations->count; i++)
		if (expectations->items[i].short_address && expectations->items[i].identity.by_path)
			return true;
	return false;
}

bool expectation_filters_match(const struct expectation *expectation,
			       const struct pci_device *device)
{
	struct selection selection = {0};
	struct verdict verdict = {0};

	selection_add(&selection, &expectation->filters);
	/* filters need no names and cannot fail */
	return selection_apply(&selection, NULL, device, NULL, &verdict) == 0 &&
	       !verdict.rejected_by;
}

/* A device elsewhere with the same ids may have moved. By path, the path may be unknown. */
static bool may_have_identity(const struct identity *identity, const struct pci_device *device)
{
	return identity_has_place(identity, device) ||
	       (identity->has_ids && identity_has_ids(identity, device));
}

/* Sets *ret to the details that must be read for ITEM, 0 if DEVICE cannot match. Returns 0 or a
 * negative errno. */
static int item_details(const struct expectation *item, const struct alias *aliases,
			size_t alias_count, struct names *names, const struct log *log,
			const struct pci_device *device, unsigned *ret)
{
	int found = 1;

	*ret = 0;
	if (item->short_address)
		found = may_have_identity(&item->identity, device);
	else if (!expectation_filters_match(item, device))
		found = 0;
	else if (item->alias)
		found = aliases_may_match(aliases, alias_count, item->alias, names, device, log);
	if (found <= 0)
		return found;
	*ret = details_of(item->stated);
	if (item->alias)
		*ret |= DETAIL_ALIASES | aliases_details(aliases, alias_count);
	return 0;
}

int expectations_mark(const struct expectations *expectations, const struct alias *aliases,
		      size_t alias_count, struct names *names, const struct log *log,
		      struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->count; i++) {
		struct pci_device *device = &inventory->devices[i];

		for (size_t j = 0; j < expectations->count; j++) {
			unsigned details;
			int error = item_details(&expectations->items[j], aliases, alias_count,
						 names, log, device, &details);

			if (error < 0)
				return error;
			device->expected |= details;
		}
	}
	return 0;
}

void expectation_free_members(struct expectation *expectation)
{
	free(expectation->short_address);
	free(expectation->filter);
	rule_list_free(&expectation->filters);
	free(expectation->alias);
	strings_free(&expectation->drivers);
	*expectation = (struct expectation){0};
}

void expectations_free_members(struct expectations *expectations)
{
	for (size_t i = 0; i < expectations->count; i++)
		expectation_free_members(&expectations->items[i]);
	free(expectations->items);
	*expectations = (struct expectations){0};
}
