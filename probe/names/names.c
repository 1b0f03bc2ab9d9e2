/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/names.h"

#include "probe/names/libpci.h"
#include "probe/names/pciids.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct names {
	const struct log *log;
	char *path;
	bool hwdb;
	bool loaded;
	struct pciids *list; /* NULL: none, or not readable without libpci */
	bool compressed;     /* the list: only libpci can read it */
	struct libpci *libpci;
	bool libpci_failed;
	void *lookups; /* tsearch tree of struct lookup */
	bool no_memory;
};

int names_new(const char *list, bool hwdb, const struct log *log, struct names **ret)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->log = log;
	names->hwdb = hwdb;
	if (list && !(names->path = strdup(list))) {
		names_free(names);
		return -ENOMEM;
	}
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	tdestroy(names->lookups, free);
	libpci_free(names->libpci);
	pciids_close(names->list);
	free(names->path);
	free(names);
}

/* A compressed list of libpci is preferred to the plain one, as by libpci. */
static int find_list(struct names *names)
{
	const char *path = libpci_list_path();
	char compressed[PATH_MAX];

	if (names->path)
		return 0;
	snprintf(compressed, sizeof(compressed), "%s.gz", path);
	names->compressed = access(compressed, R_OK) == 0;
	names->path = strdup(path);
	return names->path ? 0 : -ENOMEM;
}

static void load(struct names *names)
{
	int error;

	names->loaded = true;
	error = find_list(names);
	if (!error && !names->compressed)
		error = pciids_open(names->path, names->log, &names->list);
	if (error == -ENOMEM) {
		names->no_memory = true;
		names->loaded = false;
		return;
	}
	if (error < 0)
		log_warning(
			names->log,
			"%s: %s; devices are shown without names. On Debian, install the package pci.ids",
			names->path ? names->path : "pci.ids",
			error == -EBADMSG ? "not a list of PCI ids" : strerror(-error));
}

static struct pciids *list_of(struct names *names)
{
	if (!names->loaded)
		load(names);
	return names->list;
}

/* ---- libpci, for a compressed list and for the hwdb ---- */

/* A lookup by libpci and its result. */
struct lookup {
	int kind; /* PCI_LOOKUP_VENDOR and the like */
	int ids[4];
	bool is_base; /* of a class: the name is that of its base class */
	char name[];  /* empty: not found */
};

static int compare_lookups(const void *a, const void *b)
{
	const struct lookup *x = a, *y = b;

	return x->kind != y->kind ? x->kind - y->kind : memcmp(x->ids, y->ids, sizeof(x->ids));
}

/* libpci appends the number of the class if only its base class has a name. */
static bool strip_number(char *name, int class)
{
	char number[16];
	size_t length = strlen(name),
	       suffix = (size_t)snprintf(number, sizeof(number), " [%04x]", (unsigned)class);

	if (length < suffix || strcmp(name + length - suffix, number) != 0)
		return false;
	name[length - suffix] = '\0';
	return true;
}

/* Loaded at the first lookup. Returns NULL if it failed, now or before. */
static struct libpci *libpci_of(struct names *names)
{
	int error = 0;

	if (!names->libpci && !names->libpci_failed)
		error = libpci_new(!names->compressed, names->log, &names->libpci);
	names->no_memory |= error == -ENOMEM;
	names->libpci_failed |= error < 0 && error != -ENOMEM;
	return names->libpci_failed ? NULL : names->libpci;
}

/* Returns NULL if libpci failed or there is no memory. */
static struct lookup *lookup_new(struct names *names, int kind, const int ids[4])
{
	int flags = kind | (names->hwdb ? 0 : PCI_LOOKUP_NO_HWDB);
	struct libpci *libpci = libpci_of(names);
	const char *name = NULL;
	struct lookup *lookup;
	char buffer[1024];

	if (!libpci)
		return NULL;
	if (libpci_lookup(libpci, buffer, sizeof(buffer), flags, ids, &name) < 0) {
		names->libpci_failed = true;
		return NULL;
	}
	lookup = calloc(1, sizeof(*lookup) + sizeof(buffer));
	names->no_memory |= !lookup;
	if (!lookup)
		return NULL;
	lookup->kind = kind;
	memcpy(lookup->ids, ids, sizeof(lookup->ids));
	if (name)
		snprintf(lookup->name, sizeof(buffer), "%s", name);
	lookup->is_base = kind == PCI_LOOKUP_CLASS && strip_number(lookup->name, ids[0]);
	return lookup;
}

/* Caches all results, since an unsuccessful lookup in the hwdb takes 30 us. Returns NULL if there
 * is no name. */
static const struct lookup *lookup_find(struct names *names, int kind, const int ids[4])
{
	struct lookup key = {.kind = kind}, *lookup, **found;

	/* without the hwdb, a list that we can read is complete */
	if (names->libpci_failed || (!names->compressed && !names->hwdb))
		return NULL;
	memcpy(key.ids, ids, sizeof(key.ids));
	found = tfind(&key, &names->lookups, compare_lookups);
	if (!found) {
		lookup = lookup_new(names, kind, ids);
		found = lookup ? tsearch(lookup, &names->lookups, compare_lookups) : NULL;
		if (!found) {
			names->no_memory |= lookup != NULL;
			free(lookup);
			return NULL;
		}
	}
	return (*found)->name[0] ? *found : NULL;
}

static const char *name_from_libpci(struct names *names, int kind, int id0, int id1, int id2,
				    int id3)
{
	const struct lookup *lookup = lookup_find(names, kind, (int[]){id0, id1, id2, id3});

	return lookup ? lookup->name : NULL;
}

/* ---- public functions ---- */

bool names_no_memory(struct names *names)
{
	bool no_memory = names->no_memory;

	names->no_memory = false;
	return (names->list && pciids_no_memory(names->list)) || no_memory;
}

const char *names_vendor(struct names *names, uint16_t vendor)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_vendor(list, vendor) : NULL;

	return name ? name : name_from_libpci(names, PCI_LOOKUP_VENDOR, vendor, 0, 0, 0);
}

const char *names_device(struct names *names, uint16_t vendor, uint16_t device)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_device(list, vendor, device) : NULL;

	return name ? name : name_from_libpci(names, PCI_LOOKUP_DEVICE, vendor, device, 0, 0);
}

const char *names_subsystem(struct names *names, uint16_t vendor, uint16_t device,
			    uint16_t subsystem_vendor, uint16_t subsystem_device)
{
	struct pciids *list = list_of(names);
	bool own = vendor == subsystem_vendor && device == subsystem_device;
	const char *name = NULL;

	if (list && vendor && device) /* like libpci, which ignores ids of 0000 */
		name = pciids_subsystem(list, vendor, device, subsystem_vendor, subsystem_device);
	if (name)
		return name;
	/* If the ids are those of the device, libpci falls back to the name of the device, which
	 * our list may have. libpci before 3.12 does not get that far: it finds that name in the
	 * hwdb for any subsystem. */
	if (own && list &&
	    !name_from_libpci(names, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, vendor, device,
			      0xffff, 0xffff))
		return names_device(names, vendor, device);
	return name_from_libpci(names, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, vendor, device,
				subsystem_vendor, subsystem_device);
}

/* As in lspci, a class name from the hwdb is preferred over a base class name from the list. */
const char *names_class(struct names *names, uint16_t class)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_class(list, class) : NULL;
	const struct lookup *lookup;

	if (name)
		return name;
	lookup = lookup_find(names, PCI_LOOKUP_CLASS, (int[]){class, 0, 0, 0});
	if (list && (!lookup || lookup->is_base))
		name = pciids_base_class(list, (uint8_t)(class >> 8));
	return name || !lookup ? name : lookup->name;
}
