/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/expect/finding.h"

#include "probe/details/details.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest text of a value: an identity, or a list of drivers. */
#define VALUE_SIZE (PCI_PATH_SIZE + 16)

struct expect_comparison {
	const struct expectations *expectations;
	struct inventory *inventory;
	bool *placed; /* by device: it is where an item by identity expects it, or was found for one
			 that has moved */
	bool *covered; /* by device: some item is about it, or may be */
	bool *has_vfs; /* by device: an item states how many VFs it has */
	size_t capacity;
	int error;
};

const char *finding_kind_name(enum finding_kind kind)
{
	static const char *const names[FINDING_KIND_COUNT] = {
		[FINDING_MISSING] = "missing",	     [FINDING_MOVED] = "moved",
		[FINDING_DEGRADED] = "degraded",     [FINDING_CHANGED] = "changed",
		[FINDING_UNEXPECTED] = "unexpected", [FINDING_UNKNOWN] = "unknown",
	};

	return names[kind];
}

const char *finding_reason_name(enum finding_reason reason)
{
	static const char *const names[FINDING_REASON_COUNT] = {
		[FINDING_UNREADABLE] = "unreadable",
		[FINDING_SUSPENDED] = "suspended",
		[FINDING_NOT_SELECTED] = "not-selected",
		[FINDING_OWNER] = "owner",
	};

	return names[reason];
}

static size_t index_of(const struct expect_comparison *comparison, const struct pci_device *device)
{
	return (size_t)(device - comparison->inventory->devices);
}

/* ---- adding findings ---- */

static char *copy_value(struct expect_comparison *comparison, const char *value)
{
	char *copy = value && *value ? strdup(value) : NULL;

	if (value && *value && !copy)
		comparison->error = -ENOMEM;
	return copy;
}

/* DEVICE may be NULL. EXPECTED and SEEN are copied; NULL or "" is none. */
static void add(struct expect_comparison *comparison, struct finding finding,
		struct pci_device *device, const char *expected, const char *seen)
{
	struct inventory *inventory = comparison->inventory;
	size_t capacity = comparison->capacity ? 2 * comparison->capacity : 16;
	struct finding *findings;

	if (device) {
		device->present |= HAS_EXPECTATION;
		device->findings |= 1u << finding.kind;
	}
	if (inventory->finding_count == FINDINGS_MAX) {
		inventory->findings_omitted++;
		return;
	}
	if (inventory->finding_count == comparison->capacity) {
		findings = realloc(inventory->findings, capacity * sizeof(*findings));
		if (!findings) {
			comparison->error = -ENOMEM;
			return;
		}
		inventory->findings = findings;
		comparison->capacity = capacity;
	}
	if (device) {
		finding.has_address = true;
		finding.address = device->address;
	}
	if (finding.expectation)
		finding.location = finding.expectation->location;
	if (!finding.devices)
		finding.devices = 1;
	finding.expected = copy_value(comparison, expected);
	finding.seen = copy_value(comparison, seen);
	inventory->findings[inventory->finding_count++] = finding;
}

static const char *number_text(unsigned number, char text[static VALUE_SIZE])
{
	snprintf(text, VALUE_SIZE, "%u", number);
	return text;
}

/* The decimal mark of printf's %f depends on the locale. */
static const char *speed_text(unsigned tenths, char text[static VALUE_SIZE])
{
	snprintf(text, VALUE_SIZE, "%u.%u", tenths / 10, tenths % 10);
	return text;
}

/* Appends a word to a list, which is cut off if it is too long. */
static void append(char text[static VALUE_SIZE], const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, VALUE_SIZE - length, "%s%s", length ? ", " : "", word);
}

/* ---- properties of a device ---- */

/* What was read of a property. */
struct seen {
	bool holds;
	enum finding_reason unknown; /* FINDING_NO_REASON: it is known */
	char text[VALUE_SIZE];	     /* "": the device does not have it */
	char expected[VALUE_SIZE];
};

/* What is absent may be what could not be read. */
static void set_absent(const struct pci_device *device, struct seen *seen)
{
	if (device->incomplete)
		seen->unknown = FINDING_UNREADABLE;
}

static void see_driver(const struct expectation *item, const struct pci_device *device,
		       struct seen *seen)
{
	for (size_t i = 0; i < item->drivers.count; i++)
		append(seen->expected, item->drivers.items[i]);
	if (!device->driver)
		set_absent(device, seen);
	append(seen->text, device->driver ? device->driver : EXPECT_NO_DRIVER);
	seen->holds = strings_has(&item->drivers, seen->text);
}

/* The link of a suspended device was not read. */
static void set_no_link(const struct pci_device *device, struct seen *seen)
{
	set_absent(device, seen);
	if (device_is_suspended(device))
		seen->unknown = FINDING_SUSPENDED;
}

static void see_link_speed(const struct expectation *item, const struct pci_device *device,
			   struct seen *seen)
{
	unsigned tenths = (unsigned)(device->link.speed * 10 + 0.5);

	speed_text(item->link_speed, seen->expected);
	if (!(device->present & HAS_LINK_SPEED)) {
		set_no_link(device, seen);
		return;
	}
	speed_text(tenths, seen->text);
	seen->holds = tenths >= item->link_speed;
}

static void see_link_width(const struct expectation *item, const struct pci_device *device,
			   struct seen *seen)
{
	number_text(item->link_width, seen->expected);
	if (!(device->present & HAS_LINK_WIDTH)) {
		set_no_link(device, seen);
		return;
	}
	number_text(device->link.width, seen->text);
	seen->holds = device->link.width >= item->link_width;
}

static void see_numa_node(const struct expectation *item, const struct pci_device *device,
			  struct seen *seen)
{
	number_text(item->numa_node, seen->expected);
	if (!(device->present & HAS_NUMA_NODE)) {
		set_absent(device, seen);
		return;
	}
	number_text(device->numa_node, seen->text);
	seen->holds = device->numa_node == item->numa_node;
}

static void see_state(const struct expectation *item, const struct pci_device *device,
		      struct seen *seen)
{
	for (unsigned i = 0; i < OWNERSHIP_COUNT; i++)
		if (item->states & (1u << i))
			append(seen->expected, ownership_name(i));
	if (!device->selected || !(device->present & HAS_OWNERSHIP)) {
		seen->unknown = FINDING_NOT_SELECTED;
		return;
	}
	if (device->ownership == OWNERSHIP_UNKNOWN)
		seen->unknown = FINDING_OWNER;
	append(seen->text, ownership_name(device->ownership));
	seen->holds = item->states & (1u << device->ownership);
}

static void see_vfs(const struct expectation *item, const struct pci_device *device,
		    struct seen *seen)
{
	unsigned vfs = device->present & HAS_VFS_ENABLED ? device->sriov.vfs_enabled : 0;

	number_text(item->vfs, seen->expected);
	number_text(vfs, seen->text);
	seen->holds = vfs == item->vfs;
	if (!seen->holds) /* they are counted until one cannot be read */
		set_absent(device, seen);
}

static const struct {
	enum expect_property property;
	enum finding_kind differs;
	void (*see)(const struct expectation *item, const struct pci_device *device,
		    struct seen *seen);
} COMPARED[] = {
	{EXPECT_DRIVER, FINDING_CHANGED, see_driver},
	{EXPECT_LINK_SPEED, FINDING_DEGRADED, see_link_speed},
	{EXPECT_LINK_WIDTH, FINDING_DEGRADED, see_link_width},
	{EXPECT_NUMA_NODE, FINDING_CHANGED, see_numa_node},
	{EXPECT_STATE, FINDING_CHANGED, see_state},
	{EXPECT_VFS, FINDING_CHANGED, see_vfs},
};

static void compare_device(struct expect_comparison *comparison, const struct expectation *item,
			   struct pci_device *device)
{
	device->present |= HAS_EXPECTATION;
	if (item->stated & (1u << EXPECT_VFS))
		comparison->has_vfs[index_of(comparison, device)] = true;
	for (size_t i = 0; i < sizeof(COMPARED) / sizeof(*COMPARED); i++) {
		struct finding finding = {.kind = COMPARED[i].differs,
					  .property = COMPARED[i].property,
					  .expectation = item};
		struct seen seen = {0};

		if (!(item->stated & (1u << finding.property)))
			continue;
		COMPARED[i].see(item, device, &seen);
		if (seen.holds)
			continue;
		if (seen.unknown) {
			finding.kind = FINDING_UNKNOWN;
			finding.reason = seen.unknown;
			seen.text[0] = '\0';
		}
		add(comparison, finding, device, seen.expected, seen.text);
	}
}

/* ---- items about one device ---- */

/* The device at the place of IDENTITY, whatever its ids; NULL: none. */
static struct pci_device *find_place(const struct expect_comparison *comparison,
				     const struct identity *identity)
{
	const struct inventory *inventory = comparison->inventory;

	if (!identity->by_path)
		return inventory_find(inventory, &identity->address);
	for (size_t i = 0; i < inventory->count; i++)
		if (identity_has_place(identity, &inventory->devices[i]))
			return &inventory->devices[i];
	return NULL;
}

/* A device with the ids of IDENTITY that no other item expects where it is; NULL: none. */
static struct pci_device *find_moved(const struct expect_comparison *comparison,
				     const struct identity *identity)
{
	const struct inventory *inventory = comparison->inventory;

	for (size_t i = 0; i < inventory->count && identity->has_ids; i++)
		if (identity_has_ids(identity, &inventory->devices[i]) && !comparison->placed[i])
			return &inventory->devices[i];
	return NULL;
}

/* Whether the device of IDENTITY may be one whose ids, or whose path, could not be read. */
static bool may_be_unread(const struct expect_comparison *comparison,
			  const struct identity *identity)
{
	const struct inventory *inventory = comparison->inventory;

	if (identity->by_path && inventory->unread_count)
		return true;
	for (size_t i = 0; i < inventory->unread_count; i++)
		if (address_compare(&inventory->unread[i], &identity->address) == 0)
			return true;
	for (size_t i = 0; i < inventory->count && identity->by_path; i++)
		if (!inventory->devices[i].path &&
		    identity_has_ids(identity, &inventory->devices[i]))
			return true;
	return false;
}

/* The identity of DEVICE in the way of IDENTITY: by path or address, with its ids if those are
 * stated. */
static const char *identity_text(const struct identity *identity, const struct pci_device *device,
				 char text[static VALUE_SIZE])
{
	char address[ADDRESS_SIZE];
	size_t length;

	snprintf(text, VALUE_SIZE, "%s",
		 identity->by_path && device->path ? device->path
						   : address_format(&device->address, address));
	length = strlen(text);
	if (identity->has_ids)
		snprintf(text + length, VALUE_SIZE - length, "=%04x:%04x", device->vendor,
			 device->device);
	return text;
}

static void mark_placed(struct expect_comparison *comparison)
{
	for (size_t i = 0; i < comparison->expectations->count; i++) {
		const struct expectation *item = &comparison->expectations->items[i];
		struct pci_device *device;

		if (!item->short_address)
			continue;
		device = find_place(comparison, &item->identity);
		if (device && identity_has_ids(&item->identity, device))
			comparison->placed[index_of(comparison, device)] = true;
	}
}

static void compare_identity(struct expect_comparison *comparison, const struct expectation *item)
{
	const struct identity *identity = &item->identity;
	struct finding finding = {.property = EXPECT_SHORT_ADDRESS, .expectation = item};
	struct pci_device *found = find_place(comparison, identity), *moved = NULL;
	bool unread = !found && may_be_unread(comparison, identity);
	char seen[VALUE_SIZE];

	if (found && identity_has_ids(identity, found)) {
		comparison->covered[index_of(comparison, found)] = true;
		compare_device(comparison, item, found);
		return;
	}
	if (!unread)
		moved = find_moved(comparison, identity);
	if (moved) {
		comparison->placed[index_of(comparison, moved)] = true;
		comparison->covered[index_of(comparison, moved)] = true;
		finding.kind = FINDING_MOVED;
		add(comparison, finding, moved, item->short_address,
		    identity_text(identity, moved, seen));
		compare_device(comparison, item, moved);
	} else if (found) {
		comparison->covered[index_of(comparison, found)] = true;
		finding.kind = FINDING_CHANGED;
		add(comparison, finding, found, item->short_address,
		    identity_text(identity, found, seen));
	} else if (unread || (identity->has_ids && comparison->inventory->unread_count)) {
		/* it is at its place, or has moved */
		finding.kind = FINDING_UNKNOWN;
		finding.reason = FINDING_UNREADABLE;
		add(comparison, finding, NULL, item->short_address, NULL);
	} else {
		finding.kind = FINDING_MISSING;
		add(comparison, finding, NULL, item->short_address, NULL);
	}
}

/* ---- items about several devices ---- */

enum match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

/* The role or NUMA node that an alias requires may be what could not be read. */
static enum match match_device(const struct expectation *item, const struct pci_device *device)
{
	if (!expectation_filters_match(item, device))
		return MATCH_NO;
	if (!item->alias || strings_has(&device->aliases, item->alias))
		return MATCH_YES;
	return device->incomplete && (device->expected & DETAIL_ALIASES) ? MATCH_UNKNOWN : MATCH_NO;
}

bool expectation_matches(const struct expectation *expectation, const struct pci_device *device)
{
	if (expectation->short_address)
		return identity_has_place(&expectation->identity, device) &&
		       identity_has_ids(&expectation->identity, device);
	return match_device(expectation, device) == MATCH_YES;
}

/* COUNT devices match, and UNKNOWN others may. */
static void compare_count(struct expect_comparison *comparison, const struct expectation *item,
			  unsigned count, unsigned unknown)
{
	bool exactly = item->stated & (1u << EXPECT_COUNT);
	struct finding finding = {.property = exactly ? EXPECT_COUNT : EXPECT_MIN_COUNT,
				  .expectation = item};
	char expected[VALUE_SIZE], seen[VALUE_SIZE];

	if (exactly && count > item->count) {
		finding.kind = FINDING_UNEXPECTED;
		finding.devices = count - item->count;
	} else if (count + unknown < item->count) {
		finding.kind = FINDING_MISSING;
		finding.devices = item->count - count;
	} else if (count < item->count || (exactly && count + unknown > item->count)) {
		finding.kind = FINDING_UNKNOWN;
		finding.reason = FINDING_UNREADABLE;
	} else {
		return;
	}
	add(comparison, finding, NULL, number_text(item->count, expected),
	    number_text(count, seen));
}

static void compare_group(struct expect_comparison *comparison, const struct expectation *item)
{
	struct inventory *inventory = comparison->inventory;
	unsigned count = 0, unknown = (unsigned)inventory->unread_count;

	for (size_t i = 0; i < inventory->count; i++) {
		enum match match = match_device(item, &inventory->devices[i]);

		count += match == MATCH_YES;
		unknown += match == MATCH_UNKNOWN;
		comparison->covered[i] |= match != MATCH_NO;
	}
	compare_count(comparison, item, count, unknown);
	for (size_t i = 0; i < inventory->count; i++)
		if (match_device(item, &inventory->devices[i]) == MATCH_YES)
			compare_device(comparison, item, &inventory->devices[i]);
}

/* ---- other devices ---- */

/* The VFs of a PF are counted by the item that states how many it has. */
static bool is_counted_vf(const struct expect_comparison *comparison,
			  const struct pci_device *device)
{
	const struct pci_device *pf;

	if (!(device->present & HAS_PF))
		return false;
	pf = inventory_find(comparison->inventory, &device->sriov.pf);
	return pf && comparison->has_vfs[index_of(comparison, pf)];
}

static void find_unexpected(struct expect_comparison *comparison)
{
	struct inventory *inventory = comparison->inventory;

	for (size_t i = 0; i < inventory->count; i++) {
		struct pci_device *device = &inventory->devices[i];
		struct finding finding = {
			.kind = FINDING_UNEXPECTED,
			.property = EXPECT_COMPLETE,
			.location = comparison->expectations->complete_location,
		};
		char ids[VALUE_SIZE];

		if (!device->selected || comparison->covered[i] ||
		    is_counted_vf(comparison, device))
			continue;
		if (device->incomplete && !(device->present & HAS_PF)) {
			/* it may be a VF */
			finding.kind = FINDING_UNKNOWN;
			finding.reason = FINDING_UNREADABLE;
		}
		snprintf(ids, sizeof(ids), "%04x:%04x", device->vendor, device->device);
		add(comparison, finding, device, NULL, ids);
	}
}

int findings_read(const struct expectations *expectations, struct inventory *inventory)
{
	struct expect_comparison comparison = {.expectations = expectations,
					       .inventory = inventory};

	inventory->compared = expectations->count || expectations->complete;
	if (!inventory->compared)
		return 0;
	comparison.placed = calloc(inventory->count + 1, sizeof(*comparison.placed));
	comparison.covered = calloc(inventory->count + 1, sizeof(*comparison.covered));
	comparison.has_vfs = calloc(inventory->count + 1, sizeof(*comparison.has_vfs));
	if (!comparison.placed || !comparison.covered || !comparison.has_vfs)
		comparison.error = -ENOMEM;
	if (!comparison.error)
		mark_placed(&comparison);
	for (size_t i = 0; i < expectations->count && !comparison.error; i++) {
		const struct expectation *item = &expectations->items[i];

		if (item->short_address)
			compare_identity(&comparison, item);
		else
			compare_group(&comparison, item);
	}
	if (expectations->complete && !comparison.error)
		find_unexpected(&comparison);
	free(comparison.placed);
	free(comparison.covered);
	free(comparison.has_vfs);
	return comparison.error;
}

/* ---- comparing and counting findings ---- */

/* Lines and columns change when the file is edited. */
static bool same_item(const struct expectation *a, const struct expectation *b)
{
	if (a == b || !a || !b)
		return a == b;
	return text_same(a->short_address, b->short_address) && text_same(a->filter, b->filter) &&
	       text_same(a->alias, b->alias);
}

bool finding_same_subject(const struct finding *a, const struct finding *b)
{
	if (a->property != b->property || !same_item(a->expectation, b->expectation))
		return false;
	if (a->expectation && a->expectation->short_address)
		return true; /* one device, wherever it is */
	return a->has_address == b->has_address &&
	       (!a->has_address || address_compare(&a->address, &b->address) == 0);
}

bool finding_same(const struct finding *a, const struct finding *b)
{
	return finding_same_subject(a, b) && a->kind == b->kind && a->reason == b->reason &&
	       text_same(a->expected, b->expected) && text_same(a->seen, b->seen);
}

size_t findings_count(const struct inventory *inventory, enum finding_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < inventory->finding_count; i++)
		if (inventory->findings[i].kind == kind)
			count += inventory->findings[i].devices;
	return count;
}

void findings_free(struct finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(findings[i].expected);
		free(findings[i].seen);
	}
	free(findings);
}
