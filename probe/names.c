/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names.h"

#include "probe/libpci.h"
#include "probe/pciids.h"

#include <errno.h>
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
	struct pciids *list; /* NULL: there is none that we can read */
	bool ask_libpci;     /* for everything: the list is one that only libpci can read */
	struct libpci *libpci;
	bool libpci_failed;
	void *kept; /* tsearch tree of the names that libpci gave */
};

int names_new(const char *list, bool hwdb, const struct log *log, struct names **ret)
{
	struct names *names = calloc(1, sizeof(*names));
	int error = names ? 0 : -ENOMEM;

	if (!error) {
		names->log = log;
		names->hwdb = hwdb;
		error = libpci_new(log, &names->libpci);
	}
	if (!error && list && !(names->path = strdup(list)))
		error = -ENOMEM;
	if (error < 0) {
		names_free(names);
		return error;
	}
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	tdestroy(names->kept, free);
	libpci_free(names->libpci);
	pciids_close(names->list);
	free(names->path);
	free(names);
}

/* libpci's own path ends in .gz when it was built with zlib; it tries the plain file when there is no such one. */
static int find_list(struct names *names)
{
	const char *path = libpci_names_path(names->libpci);
	size_t length = strlen(path);

	if (names->path)
		return 0;
	if (length > 3 && strcmp(path + length - 3, ".gz") == 0) {
		names->ask_libpci = access(path, R_OK) == 0;
		length -= 3;
	}
	names->path = strndup(path, length);
	return names->path ? 0 : -ENOMEM;
}

static void load(struct names *names)
{
	int error;

	names->loaded = true;
	error = find_list(names);
	if (!error && !names->ask_libpci)
		error = pciids_open(names->path, names->log, &names->list);
	if (error < 0)
		log_warning(names->log, "%s: %s; cards are shown without names. On Debian the package pci.ids has them",
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

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The same text for the same name, however often libpci is asked. */
static const char *keep(struct names *names, const char *text)
{
	char *copy, **found = tfind(text, &names->kept, compare_text);

	if (found)
		return *found;
	copy = strdup(text);
	if (!copy || !tsearch(copy, &names->kept, compare_text)) {
		free(copy);
		return NULL;
	}
	return copy;
}

struct question {
	int flags;
	int ids[4];
	char answer[1024];
	bool answered;
};

static void ask(struct pci_access *access, void *data)
{
	struct question *q = data;
	const char *name;

	name = pci_lookup_name(access, q->answer, sizeof(q->answer), q->flags | PCI_LOOKUP_NO_NUMBERS, q->ids[0],
			       q->ids[1], q->ids[2], q->ids[3]);
	q->answered = name;
	if (name && name != q->answer)
		snprintf(q->answer, sizeof(q->answer), "%s", name);
}

static const char *ask_libpci(struct names *names, struct question question)
{
	char *number;

	/* the list that was given stands for all that is known */
	if (names->libpci_failed || (!names->ask_libpci && !names->hwdb))
		return NULL;
	question.flags |= names->ask_libpci ? 0 : PCI_LOOKUP_SKIP_LOCAL;
	question.flags |= names->hwdb ? 0 : PCI_LOOKUP_NO_HWDB;
	if (libpci_try(names->libpci, ask, &question) < 0) {
		names->libpci_failed = true;
		return NULL;
	}
	if (!question.answered)
		return NULL;
	/* where only the base class has a name libpci puts the number behind it */
	if ((question.flags & PCI_LOOKUP_CLASS) && (number = strstr(question.answer, " [")))
		*number = '\0';
	return keep(names, question.answer);
}

/* ---- the face ---- */

const char *names_vendor(struct names *names, uint16_t vendor)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_vendor(list, vendor) : NULL;

	return name ? name : ask_libpci(names, (struct question){PCI_LOOKUP_VENDOR, {vendor}, "", false});
}

const char *names_device(struct names *names, uint16_t vendor, uint16_t device)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_device(list, vendor, device) : NULL;

	return name ? name : ask_libpci(names, (struct question){PCI_LOOKUP_DEVICE, {vendor, device}, "", false});
}

const char *names_subsystem(struct names *names, uint16_t vendor, uint16_t device, uint16_t subsystem_vendor,
			    uint16_t subsystem_device)
{
	struct question question = {PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE,
				    {vendor, device, subsystem_vendor, subsystem_device}, "", false};
	struct pciids *list = list_of(names);
	const char *name = NULL;

	if (list && vendor && device) /* libpci looks for none below a device 0000 */
		name = pciids_subsystem(list, vendor, device, subsystem_vendor, subsystem_device);
	if (!name)
		name = ask_libpci(names, question);
	/* cards that carry their own ids as subsystem: lspci gives the device's name */
	if (!name && vendor == subsystem_vendor && device == subsystem_device)
		name = names_device(names, vendor, device);
	return name;
}

const char *names_class(struct names *names, uint16_t class)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_class(list, class) : NULL;

	return name ? name : ask_libpci(names, (struct question){PCI_LOOKUP_CLASS, {class}, "", false});
}
