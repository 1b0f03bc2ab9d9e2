/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/cover.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Limit of search steps; the best cover found by then is used. */
#define STEPS_MAX 20000

/* Sets of selected devices are bits in an array of words. */
struct candidate {
	struct nova_spec spec;
	uint64_t *matched;
};

struct cover {
	const struct inventory *inventory;
	const bool *members;
	const struct pci_device **selected; /* and members */
	size_t selected_count, words;
	struct candidate *candidates; /* none of them matches a device that is not selected, or only
					 devices that another one matches */
	size_t count;
	bool no_memory;

	/* the search */
	size_t *choices;     /* of each selected device: number of candidates that match it */
	uint64_t *uncovered; /* devices still to be covered: WORDS for each depth */
	size_t *path, *best;
	size_t best_count, steps;
};

static bool has(const uint64_t *set, size_t bit)
{
	return set[bit / 64] >> bit % 64 & 1;
}

static bool is_subset(const uint64_t *a, const uint64_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] & ~b[i])
			return false;
	return true;
}

static size_t count_common(const uint64_t *a, const uint64_t *b, size_t words)
{
	size_t count = 0;

	for (size_t i = 0; i < words; i++)
		count += (size_t)__builtin_popcountll(a[i] & b[i]);
	return count;
}

/* ---- candidates ---- */

static bool is_member(const struct cover *cover, size_t device)
{
	return cover->inventory->devices[device].selected &&
	       (!cover->members || cover->members[device]);
}

static bool matches_unselected(const struct cover *cover, const struct nova_spec *spec)
{
	for (size_t i = 0; i < cover->inventory->count; i++)
		if (!is_member(cover, i) && nova_spec_matches(spec, &cover->inventory->devices[i]))
			return true;
	return false;
}

/* Adds SPEC unless another candidate matches a superset, and removes those that match a subset. */
static void add_candidate(struct cover *cover, const struct nova_spec *spec)
{
	uint64_t *matched = calloc(cover->words, sizeof(*matched));
	struct candidate *grown = realloc(cover->candidates, (cover->count + 1) * sizeof(*grown));
	size_t kept = 0;

	if (grown)
		cover->candidates = grown;
	if (!grown || !matched) {
		cover->no_memory = true;
		free(matched);
		return;
	}
	for (size_t i = 0; i < cover->selected_count; i++)
		if (nova_spec_matches(spec, cover->selected[i]))
			matched[i / 64] |= UINT64_C(1) << i % 64;
	for (size_t i = 0; i < cover->count; i++)
		if (is_subset(matched, grown[i].matched, cover->words)) {
			free(matched);
			return;
		}
	for (size_t i = 0; i < cover->count; i++)
		if (is_subset(grown[i].matched, matched, cover->words))
			free(grown[i].matched);
		else
			grown[kept++] = grown[i];
	grown[kept] = (struct candidate){*spec, matched};
	cover->count = kept + 1;
}

static struct nova_spec spec_of(const struct pci_device *device, unsigned fixed)
{
	struct nova_spec spec = {.fixed = fixed};

	for (unsigned field = 0; field < NOVA_FIELD_COUNT; field++)
		spec.values[field] = nova_value(device, field);
	return spec;
}

/* Adds specs with the values of DEVICE in as few fields as possible without matching an unselected
 * device. */
static void add_globs(struct cover *cover, const struct pci_device *device)
{
	unsigned added[1 << NOVA_FIELD_COUNT];
	size_t count = 0;

	for (int bits = 0; bits <= NOVA_FIELD_COUNT; bits++)
		for (unsigned fixed = 0; fixed < 1 << NOVA_FIELD_COUNT; fixed++) {
			struct nova_spec spec = spec_of(device, fixed);
			bool is_redundant = false;

			if (__builtin_popcount(fixed) != bits)
				continue;
			for (size_t i = 0; i < count && !is_redundant; i++)
				is_redundant = (added[i] & ~fixed) == 0;
			/* the full address of a PF matches its VFs, too: see add_pf_address */
			if (is_redundant || ((fixed & NOVA_ADDRESS_FIELDS) == NOVA_ADDRESS_FIELDS &&
					     nova_is_pf(device)))
				continue;
			if (matches_unselected(cover, &spec))
				continue;
			added[count++] = fixed;
			add_candidate(cover, &spec);
		}
}

/* Adds specs with the address of PF, and both, one or none of the ids of MEMBER, which is the PF or
 * one of its VFs. */
static void add_pf_address(struct cover *cover, const struct pci_device *pf,
			   const struct pci_device *member)
{
	for (unsigned ids = 0; ids < 4; ids++) {
		struct nova_spec spec = spec_of(pf, NOVA_ADDRESS_FIELDS | ids);

		spec.with_vfs = true;
		spec.values[NOVA_VENDOR] = member->vendor;
		spec.values[NOVA_PRODUCT] = member->device;
		if (!matches_unselected(cover, &spec))
			add_candidate(cover, &spec);
	}
}

static void add_candidates(struct cover *cover)
{
	const struct inventory *inventory = cover->inventory;

	for (size_t i = 0; i < cover->selected_count && !cover->no_memory; i++) {
		const struct pci_device *device = cover->selected[i];
		const struct pci_device *pf = device->present & HAS_PF
						      ? inventory_find(inventory, &device->sriov.pf)
						      : NULL;
		struct nova_spec alone = spec_of(device, NOVA_ADDRESS_FIELDS);

		add_globs(cover, device);
		if (nova_is_pf(device))
			add_pf_address(cover, device, device);
		if (pf && nova_is_pf(pf) && nova_sees(pf))
			add_pf_address(cover, pf, device);
		/* always possible: the PF without its VFs */
		if (nova_is_pf(device))
			add_candidate(cover, &alone);
	}
}

/* ---- search for the smallest cover ---- */

/* Returns the uncovered device with the fewest candidates. */
static size_t find_most_constrained(const struct cover *cover, const uint64_t *uncovered)
{
	size_t device = SIZE_MAX;

	for (size_t i = 0; i < cover->selected_count; i++)
		if (has(uncovered, i) &&
		    (device == SIZE_MAX || cover->choices[i] < cover->choices[device]))
			device = i;
	return device;
}

/* Returns the most uncovered devices that a single candidate matches. */
static size_t max_newly_covered(const struct cover *cover, const uint64_t *uncovered)
{
	size_t most = 1, common;

	for (size_t i = 0; i < cover->count; i++) {
		common = count_common(cover->candidates[i].matched, uncovered, cover->words);
		most = common > most ? common : most;
	}
	return most;
}

/* Returns the candidate that matches DEVICE and follows LAST (SIZE_MAX: the first one), in
 * descending order of the number of uncovered devices it matches; SIZE_MAX if there is none. */
static size_t find_next_candidate(const struct cover *cover, const uint64_t *uncovered,
				  size_t device, size_t last)
{
	size_t previous = last == SIZE_MAX ? SIZE_MAX
					   : count_common(cover->candidates[last].matched,
							  uncovered, cover->words);
	size_t next = SIZE_MAX, most = 0, common;

	for (size_t i = 0; i < cover->count; i++) {
		if (!has(cover->candidates[i].matched, device))
			continue;
		common = count_common(cover->candidates[i].matched, uncovered, cover->words);
		if ((common < previous || (common == previous && i > last)) && common > most) {
			next = i;
			most = common;
		}
	}
	return next;
}

static void search(struct cover *cover, size_t depth);

static void search_with(struct cover *cover, size_t depth, size_t candidate)
{
	const uint64_t *uncovered = cover->uncovered + depth * cover->words;
	uint64_t *next = cover->uncovered + (depth + 1) * cover->words;

	for (size_t i = 0; i < cover->words; i++)
		next[i] = uncovered[i] & ~cover->candidates[candidate].matched[i];
	cover->path[depth] = candidate;
	search(cover, depth + 1);
}

/* Branch and bound. The first descent, which is greedy, completes regardless of STEPS_MAX. */
static void search(struct cover *cover, size_t depth)
{
	const uint64_t *uncovered = cover->uncovered + depth * cover->words;
	size_t left = count_common(uncovered, uncovered, cover->words), device;

	if (!left) {
		memcpy(cover->best, cover->path, depth * sizeof(*cover->path));
		cover->best_count = depth;
		return;
	}
	if (cover->best_count != SIZE_MAX) {
		size_t most = max_newly_covered(cover, uncovered);

		if (depth + (left + most - 1) / most >= cover->best_count)
			return;
	}
	device = find_most_constrained(cover, uncovered);
	for (size_t i = find_next_candidate(cover, uncovered, device, SIZE_MAX); i < cover->count;
	     i = find_next_candidate(cover, uncovered, device, i)) {
		if (cover->best_count != SIZE_MAX && cover->steps++ >= STEPS_MAX)
			return;
		search_with(cover, depth, i);
	}
}

static int find_smallest(struct cover *cover)
{
	size_t capacity = cover->selected_count + 1;

	cover->choices = calloc(capacity, sizeof(*cover->choices));
	cover->path = calloc(capacity, sizeof(*cover->path));
	cover->best = calloc(capacity, sizeof(*cover->best));
	cover->uncovered = calloc(capacity * cover->words, sizeof(*cover->uncovered));
	if (!cover->choices || !cover->path || !cover->best || !cover->uncovered)
		return -ENOMEM;
	for (size_t i = 0; i < cover->selected_count; i++) {
		cover->uncovered[i / 64] |= UINT64_C(1) << i % 64;
		for (size_t j = 0; j < cover->count; j++)
			cover->choices[i] += has(cover->candidates[j].matched, i);
	}
	cover->best_count = SIZE_MAX;
	search(cover, 0);
	return 0;
}

/* ---- restriction of the specs found ---- */

/* Adds the values to SPEC that the devices in MATCHED have in common; with_vfs, the address stays
 * that of the PF. Returns false if MATCHED is empty. */
static bool restrict_spec(const struct cover *cover, const uint64_t *matched,
			  struct nova_spec *spec)
{
	const struct pci_device *first = NULL;
	unsigned common = spec->with_vfs ? 1u << NOVA_VENDOR | 1u << NOVA_PRODUCT
					 : (1u << NOVA_FIELD_COUNT) - 1;

	for (size_t i = 0; i < cover->selected_count; i++) {
		if (!has(matched, i))
			continue;
		first = first ? first : cover->selected[i];
		for (unsigned field = 0; field < NOVA_FIELD_COUNT; field++)
			if (nova_value(first, field) != nova_value(cover->selected[i], field))
				common &= ~(1u << field);
	}
	if (!first)
		return false;
	for (unsigned field = 0; field < NOVA_FIELD_COUNT; field++)
		if (common & 1u << field)
			spec->values[field] = nova_value(first, field);
	spec->fixed |= common;
	if (nova_is_pf(first) && (spec->fixed & NOVA_ADDRESS_FIELDS) == NOVA_ADDRESS_FIELDS &&
	    !spec->with_vfs) {
		spec->with_vfs = true;
		spec->with_vfs = !matches_unselected(cover, spec);
	}
	return true;
}

static int compare_candidates(const void *a, const void *b, void *data)
{
	const struct cover *cover = data;
	const uint64_t *x = cover->candidates[*(const size_t *)a].matched,
		       *y = cover->candidates[*(const size_t *)b].matched;

	for (size_t i = 0; i < cover->words; i++)
		if (x[i] != y[i])
			/* the lowest bit in which they differ */
			return (x[i] & ((x[i] ^ y[i]) & -(x[i] ^ y[i]))) ? -1 : 1;
	return 0;
}

static int list_best(struct cover *cover, struct nova_spec **ret, size_t *ret_count)
{
	struct nova_spec *specs = calloc(cover->best_count ? cover->best_count : 1, sizeof(*specs));
	size_t count = 0;

	if (!specs)
		return -ENOMEM;
	qsort_r(cover->best, cover->best_count, sizeof(*cover->best), compare_candidates, cover);
	for (size_t i = 0; i < cover->best_count; i++) {
		uint64_t *matched = cover->candidates[cover->best[i]].matched;

		/* devices that an earlier spec matches do not count */
		for (size_t word = 0; word < cover->words; word++)
			for (size_t j = 0; j < i; j++)
				matched[word] &= ~cover->candidates[cover->best[j]].matched[word];
		specs[count] = cover->candidates[cover->best[i]].spec;
		count += restrict_spec(cover, matched, &specs[count]);
	}
	*ret = specs;
	*ret_count = count;
	return 0;
}

static void free_members(struct cover *cover)
{
	for (size_t i = 0; i < cover->count; i++)
		free(cover->candidates[i].matched);
	free(cover->candidates);
	free(cover->selected);
	free(cover->choices);
	free(cover->path);
	free(cover->best);
	free(cover->uncovered);
}

int nova_cover(const struct inventory *inventory, const bool *members, struct nova_spec **ret,
	       size_t *ret_count)
{
	__attribute__((cleanup(free_members))) struct cover cover = {
		.inventory = inventory,
		.members = members,
		.selected = calloc(inventory->selected + 1, sizeof(*cover.selected))};
	int error;

	if (!cover.selected)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->count; i++)
		if (is_member(&cover, i) && nova_sees(&inventory->devices[i]))
			cover.selected[cover.selected_count++] = &inventory->devices[i];
	cover.words = cover.selected_count / 64 + 1;
	add_candidates(&cover);
	if (cover.no_memory)
		return -ENOMEM;
	error = find_smallest(&cover);
	if (error < 0)
		return error;
	return list_best(&cover, ret, ret_count);
}
