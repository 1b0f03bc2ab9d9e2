/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/names.h"

#include "probe/names/libpci.h"
#include "probe/names/pciids.h"

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
	void *answers; /* tsearch tree of struct answer */
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
	tdestroy(names->answers, free);
	libpci_free(names->libpci);
	pciids_close(names->list);
	free(names->path);
	free(names);
}

/* libpci's own path ends in .gz when it was built with zlib; it tries the plain file when there is
 * no such one. */
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
	if (!error && !names->ask_libpci) {
		libpci_use_no_list(names->libpci);
		error = pciids_open(names->path, names->log, &names->list);
	}
	if (error < 0)
		log_warning(
			names->log,
			"%s: %s; devices are shown without names. On Debian the package pci.ids has them",
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

/* A question that libpci was asked, and its answer. */
struct answer {
	int kind; /* PCI_LOOKUP_VENDOR and the like */
	int ids[4];
	bool is_base; /* of a class: only its base class has a name */
	char name[];  /* empty: it has none */
};

static int compare_questions(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;

	return x->kind != y->kind ? x->kind - y->kind : memcmp(x->ids, y->ids, sizeof(x->ids));
}

struct question {
	int flags;
	const int *ids;
	char name[1024];
	const char *answer;
};

static void ask(struct pci_access *access, void *data)
{
	struct question *q = data;

	q->answer = pci_lookup_name(access, q->name, sizeof(q->name),
				    q->flags | PCI_LOOKUP_NO_NUMBERS, q->ids[0], q->ids[1],
				    q->ids[2], q->ids[3]);
}

/* libpci puts the number after the name where only the base class has one. */
static bool cut_number(char *name, int class)
{
	char number[16];
	size_t length = strlen(name),
	       cut = (size_t)snprintf(number, sizeof(number), " [%04x]", (unsigned)class);

	if (length < cut || strcmp(name + length - cut, number) != 0)
		return false;
	name[length - cut] = '\0';
	return true;
}

/* NULL: libpci failed, or without memory. */
static struct answer *new_answer(struct names *names, int kind, const int ids[4])
{
	struct question question = {.flags = kind | (names->hwdb ? 0 : PCI_LOOKUP_NO_HWDB),
				    .ids = ids};
	struct answer *answer;

	if (libpci_try(names->libpci, ask, &question) < 0) {
		names->libpci_failed = true;
		return NULL;
	}
	answer = calloc(1, sizeof(*answer) + sizeof(question.name));
	if (!answer)
		return NULL;
	answer->kind = kind;
	memcpy(answer->ids, ids, sizeof(answer->ids));
	if (question.answer)
		snprintf(answer->name, sizeof(question.name), "%s", question.answer);
	answer->is_base = kind == PCI_LOOKUP_CLASS && cut_number(answer->name, ids[0]);
	return answer;
}

/* Each question is asked once: the hwdb takes 30 us to say that it has no name. NULL where there is
 * no name. */
static const struct answer *ask_libpci(struct names *names, int kind, const int ids[4])
{
	struct answer question = {.kind = kind}, *answer, **found;

	/* the list that was given stands for all that is known */
	if (names->libpci_failed || (!names->ask_libpci && !names->hwdb))
		return NULL;
	memcpy(question.ids, ids, sizeof(question.ids));
	found = tfind(&question, &names->answers, compare_questions);
	if (!found) {
		answer = new_answer(names, kind, ids);
		found = answer ? tsearch(answer, &names->answers, compare_questions) : NULL;
		if (!found) {
			free(answer);
			return NULL;
		}
	}
	return (*found)->name[0] ? *found : NULL;
}

static const char *name_from_libpci(struct names *names, int kind, int id0, int id1, int id2,
				    int id3)
{
	const struct answer *answer = ask_libpci(names, kind, (int[]){id0, id1, id2, id3});

	return answer ? answer->name : NULL;
}

/* ---- the face ---- */

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

	if (list && vendor && device) /* libpci looks for none below a device 0000 */
		name = pciids_subsystem(list, vendor, device, subsystem_vendor, subsystem_device);
	if (name)
		return name;
	/* Where the ids are the device's own, libpci goes on to look for the device's name, which
	 * our list may have. A libpci before 3.12 doesn't come so far: it finds that name in the
	 * hwdb for a subsystem of any ids. */
	if (own && list &&
	    !name_from_libpci(names, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, vendor, device,
			      0xffff, 0xffff))
		return names_device(names, vendor, device);
	return name_from_libpci(names, PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE, vendor, device,
				subsystem_vendor, subsystem_device);
}

/* As in lspci a name of the class in the hwdb goes before one of its base class in the list. */
const char *names_class(struct names *names, uint16_t class)
{
	struct pciids *list = list_of(names);
	const char *name = list ? pciids_class(list, class) : NULL;
	const struct answer *answer;

	if (name)
		return name;
	answer = ask_libpci(names, PCI_LOOKUP_CLASS, (int[]){class, 0, 0, 0});
	if (list && (!answer || answer->is_base))
		name = pciids_base_class(list, (uint8_t)(class >> 8));
	return name || !answer ? name : answer->name;
}
