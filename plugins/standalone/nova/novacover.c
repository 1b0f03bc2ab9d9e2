/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/novacover.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* So many places of the search are looked at; the best that was found until then is taken. */
#define STEPS_MAX 20000

/* Sets of wanted devices are bits in an array of words. */
struct candidate {
	struct nova_spec spec;
	uint64_t *taken;
};

struct cover {
	const struct inventory *inventory;
	const struct pci_device **wanted;
	size_t wanted_count, words;
	struct candidate *candidates; /* none of them takes a device that isn't wanted, nor only
					 what another takes */
	size_t count;
	bool no_memory;

	/* the search */
	size_t *choices; /* of each wanted device: how many candidates take it */
	uint64_t *open;	 /* what is still to be taken: WORDS for each depth */
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

/* ---- which specs come into question ---- */

static bool matches_unwanted(const struct cover *cover, const struct nova_spec *spec)
{
	for (size_t i = 0; i < cover->inventory->count; i++)
		if (!cover->inventory->devices[i].selected &&
		    nova_spec_matches(spec, &cover->inventory->devices[i]))
			return true;
	return false;
}

/* Adds it unless another takes the same and more; those that it makes superfluous go. */
static void add_candidate(struct cover *cover, const struct nova_spec *spec)
{
	uint64_t *taken = calloc(cover->words, sizeof(*taken));
	struct candidate *more = realloc(cover->candidates, (cover->count + 1) * sizeof(*more));
	size_t kept = 0;

	if (more)
		cover->candidates = more;
	if (!more || !taken) {
		cover->no_memory = true;
		free(taken);
		return;
	}
	for (size_t i = 0; i < cover->wanted_count; i++)
		if (nova_spec_matches(spec, cover->wanted[i]))
			taken[i / 64] |= UINT64_C(1) << i % 64;
	for (size_t i = 0; i < cover->count; i++)
		if (is_subset(taken, more[i].taken, cover->words)) {
			free(taken);
			return;
		}
	for (size_t i = 0; i < cover->count; i++)
		if (is_subset(more[i].taken, taken, cover->words))
			free(more[i].taken);
		else
			more[kept++] = more[i];
	more[kept] = (struct candidate){*spec, taken};
	cover->count = kept + 1;
}

static struct nova_spec spec_of(const struct pci_device *device, unsigned fixed)
{
	struct nova_spec spec = {.fixed = fixed};

	for (unsigned field = 0; field < NOVA_FIELD_COUNT; field++)
		spec.values[field] = nova_value(device, field);
	return spec;
}

/* What a device has, with any of it left open: as much as possible without taking an unwanted
 * device. */
static void add_globs(struct cover *cover, const struct pci_device *device)
{
	unsigned good[1 << NOVA_FIELD_COUNT];
	size_t count = 0;

	for (int bits = 0; bits <= NOVA_FIELD_COUNT; bits++)
		for (unsigned fixed = 0; fixed < 1 << NOVA_FIELD_COUNT; fixed++) {
			struct nova_spec spec = spec_of(device, fixed);
			bool more_open = false;

			if (__builtin_popcount(fixed) != bits)
				continue;
			for (size_t i = 0; i < count && !more_open; i++)
				more_open = (good[i] & ~fixed) == 0;
			/* a PF's whole address takes its VFs too: add_function has that */
			if (more_open || ((fixed & NOVA_ADDRESS_FIELDS) == NOVA_ADDRESS_FIELDS &&
					  nova_is_pf(device)))
				continue;
			if (matches_unwanted(cover, &spec))
				continue;
			good[count++] = fixed;
			add_candidate(cover, &spec);
		}
}

/* A PF's address with the ids of MEMBER, which is itself or a VF of it, or with one of them, or
 * without. */
static void add_function(struct cover *cover, const struct pci_device *pf,
			 const struct pci_device *member)
{
	for (unsigned ids = 0; ids < 4; ids++) {
		struct nova_spec spec = spec_of(pf, NOVA_ADDRESS_FIELDS | ids);

		spec.with_vfs = true;
		spec.values[NOVA_VENDOR] = member->vendor;
		spec.values[NOVA_PRODUCT] = member->device;
		if (!matches_unwanted(cover, &spec))
			add_candidate(cover, &spec);
	}
}

static void add_candidates(struct cover *cover)
{
	const struct inventory *inventory = cover->inventory;

	for (size_t i = 0; i < cover->wanted_count && !cover->no_memory; i++) {
		const struct pci_device *device = cover->wanted[i];
		const struct pci_device *pf = device->present & HAS_PF
						      ? inventory_find(inventory, &device->sriov.pf)
						      : NULL;
		struct nova_spec alone = spec_of(device, NOVA_ADDRESS_FIELDS);

		add_globs(cover, device);
		if (nova_is_pf(device))
			add_function(cover, device, device);
		if (pf && nova_is_pf(pf) && nova_sees(pf))
			add_function(cover, pf, device);
		/* the last resort */
		if (nova_is_pf(device))
			add_candidate(cover, &alone);
	}
}

/* ---- the fewest of them ---- */

/* The device that the fewest take: one that only one takes leaves no choice. */
static size_t find_tightest(const struct cover *cover, const uint64_t *open)
{
	size_t tightest = SIZE_MAX;

	for (size_t i = 0; i < cover->wanted_count; i++)
		if (has(open, i) &&
		    (tightest == SIZE_MAX || cover->choices[i] < cover->choices[tightest]))
			tightest = i;
	return tightest;
}

/* No candidate takes more than this of what is open. */
static size_t find_most(const struct cover *cover, const uint64_t *open)
{
	size_t most = 1, common;

	for (size_t i = 0; i < cover->count; i++) {
		common = count_common(cover->candidates[i].taken, open, cover->words);
		most = common > most ? common : most;
	}
	return most;
}

/* Of those that take DEVICE, the one after LAST when they are ordered by how much of what is open
 * they take, the most first. SIZE_MAX: there is none. */
static size_t find_next(const struct cover *cover, const uint64_t *open, size_t device, size_t last)
{
	size_t before = last == SIZE_MAX
				? SIZE_MAX
				: count_common(cover->candidates[last].taken, open, cover->words);
	size_t next = SIZE_MAX, most = 0, common;

	for (size_t i = 0; i < cover->count; i++) {
		if (!has(cover->candidates[i].taken, device))
			continue;
		common = count_common(cover->candidates[i].taken, open, cover->words);
		if ((common < before || (common == before && i > last)) && common > most) {
			next = i;
			most = common;
		}
	}
	return next;
}

static void search(struct cover *cover, size_t depth);

static void choose(struct cover *cover, size_t depth, size_t candidate)
{
	const uint64_t *open = cover->open + depth * cover->words;
	uint64_t *next = cover->open + (depth + 1) * cover->words;

	for (size_t i = 0; i < cover->words; i++)
		next[i] = open[i] & ~cover->candidates[candidate].taken[i];
	cover->path[depth] = candidate;
	search(cover, depth + 1);
}

/* Branch and bound. The first way down, which takes the most it can of what is tightest, is always
 * gone to its end. */
static void search(struct cover *cover, size_t depth)
{
	const uint64_t *open = cover->open + depth * cover->words;
	size_t left = count_common(open, open, cover->words), tightest;

	if (!left) {
		memcpy(cover->best, cover->path, depth * sizeof(*cover->path));
		cover->best_count = depth;
		return;
	}
	if (cover->best_count != SIZE_MAX) {
		size_t most = find_most(cover, open);

		if (depth + (left + most - 1) / most >= cover->best_count)
			return;
	}
	tightest = find_tightest(cover, open);
	for (size_t i = find_next(cover, open, tightest, SIZE_MAX); i < cover->count;
	     i = find_next(cover, open, tightest, i)) {
		if (cover->best_count != SIZE_MAX && cover->steps++ >= STEPS_MAX)
			return;
		choose(cover, depth, i);
	}
}

static int find_fewest(struct cover *cover)
{
	size_t room = cover->wanted_count + 1;

	cover->choices = calloc(room, sizeof(*cover->choices));
	cover->path = calloc(room, sizeof(*cover->path));
	cover->best = calloc(room, sizeof(*cover->best));
	cover->open = calloc(room * cover->words, sizeof(*cover->open));
	if (!cover->choices || !cover->path || !cover->best || !cover->open)
		return -ENOMEM;
	for (size_t i = 0; i < cover->wanted_count; i++) {
		cover->open[i / 64] |= UINT64_C(1) << i % 64;
		for (size_t j = 0; j < cover->count; j++)
			cover->choices[i] += has(cover->candidates[j].taken, i);
	}
	cover->best_count = SIZE_MAX;
	search(cover, 0);
	return 0;
}

/* ---- as narrow as they can be ---- */

/* Adds to SPEC what the devices in TAKEN have in common; the address of one that takes VFs is their
 * PF's already. False when there is no such device. */
static bool narrow(const struct cover *cover, const uint64_t *taken, struct nova_spec *spec)
{
	const struct pci_device *first = NULL;
	unsigned common = spec->with_vfs ? 1u << NOVA_VENDOR | 1u << NOVA_PRODUCT
					 : (1u << NOVA_FIELD_COUNT) - 1;

	for (size_t i = 0; i < cover->wanted_count; i++) {
		if (!has(taken, i))
			continue;
		first = first ? first : cover->wanted[i];
		for (unsigned field = 0; field < NOVA_FIELD_COUNT; field++)
			if (nova_value(first, field) != nova_value(cover->wanted[i], field))
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
		spec->with_vfs = !matches_unwanted(cover, spec);
	}
	return true;
}

static int compare(const void *a, const void *b, void *data)
{
	const struct cover *cover = data;
	const uint64_t *x = cover->candidates[*(const size_t *)a].taken,
		       *y = cover->candidates[*(const size_t *)b].taken;

	for (size_t i = 0; i < cover->words; i++)
		if (x[i] != y[i])
			/* the lowest bit that one of them has alone */
			return (x[i] & ((x[i] ^ y[i]) & -(x[i] ^ y[i]))) ? -1 : 1;
	return 0;
}

static int list_best(struct cover *cover, struct nova_spec **ret, size_t *ret_count)
{
	struct nova_spec *specs = calloc(cover->best_count ? cover->best_count : 1, sizeof(*specs));
	size_t count = 0;

	if (!specs)
		return -ENOMEM;
	qsort_r(cover->best, cover->best_count, sizeof(*cover->best), compare, cover);
	for (size_t i = 0; i < cover->best_count; i++) {
		uint64_t *taken = cover->candidates[cover->best[i]].taken;

		/* what an earlier one has taken this one needn't */
		for (size_t word = 0; word < cover->words; word++)
			for (size_t j = 0; j < i; j++)
				taken[word] &= ~cover->candidates[cover->best[j]].taken[word];
		specs[count] = cover->candidates[cover->best[i]].spec;
		count += narrow(cover, taken, &specs[count]);
	}
	*ret = specs;
	*ret_count = count;
	return 0;
}

static void cover_free_members(struct cover *cover)
{
	for (size_t i = 0; i < cover->count; i++)
		free(cover->candidates[i].taken);
	free(cover->candidates);
	free(cover->wanted);
	free(cover->choices);
	free(cover->path);
	free(cover->best);
	free(cover->open);
}

int nova_cover(const struct inventory *inventory, struct nova_spec **ret, size_t *ret_count)
{
	struct cover cover = {.inventory = inventory,
			      .wanted = calloc(inventory->selected + 1, sizeof(*cover.wanted))};
	int error = cover.wanted ? 0 : -ENOMEM;

	if (!error) {
		inventory_foreach(inventory, device)
			if (nova_sees(device))
				cover.wanted[cover.wanted_count++] = device;
		cover.words = cover.wanted_count / 64 + 1;
		add_candidates(&cover);
		error = cover.no_memory ? -ENOMEM : find_fewest(&cover);
	}
	if (!error)
		error = list_best(&cover, ret, ret_count);
	cover_free_members(&cover);
	return error;
}
