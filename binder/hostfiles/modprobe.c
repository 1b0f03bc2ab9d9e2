/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modprobe.d(5): ids for vfio-pci, and that it comes before the cards' own drivers. */
#include "binder/hostfiles/parts.h"
#include "binder/verbs.h"
#include "probe/driver.h"

#include <errno.h>
#include <string.h>

static bool is_identical(const struct pci_device *a, const struct pci_device *b)
{
	return a->vendor == b->vendor && a->device == b->device;
}

/* A card that ids= would take along though nobody asked for it, or NULL. */
static const struct pci_device *find_bystander(const struct hostfile_job *job, const struct pci_device *card)
{
	inventory_foreach(job->inventory, other) {
		bool asked_for = false;

		for (size_t i = 0; i < job->count; i++)
			asked_for = asked_for || job->cards[i] == other;
		if (!asked_for && is_identical(card, other))
			return other;
	}
	return NULL;
}

static bool stood_before(const struct hostfile_job *job, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (is_identical(job->cards[i], job->cards[index]))
			return true;
	return false;
}

static int write_ids(const struct hostfile_job *job, FILE *out)
{
	char address[ADDRESS_SIZE];
	const struct pci_device *bystander;
	int status = STATUS_DONE;
	bool any = false;

	for (size_t i = 0; i < job->count; i++) {
		const struct pci_device *card = job->cards[i];

		if (stood_before(job, i) || !(bystander = find_bystander(job, card)))
			continue;
		address_format(&bystander->address, address);
		fprintf(out, "# LEFT OUT: %04x:%04x, for %s has these ids too. Use vfio-bind config udev for it.\n", card->vendor,
			card->device, address);
		log_warning(job->log, "%04x:%04x is left out: ids= would take %s too, which wasn't named; 'vfio-bind config udev' names cards by "
			    "address", card->vendor, card->device, address);
		status = STATUS_REFUSED;
	}
	for (size_t i = 0; i < job->count; i++) {
		if (stood_before(job, i) || find_bystander(job, job->cards[i]))
			continue;
		fprintf(out, "%s%04x:%04x", any ? "," : "options vfio-pci ids=", job->cards[i]->vendor, job->cards[i]->device);
		any = true;
	}
	if (any)
		fputc('\n', out);
	return status;
}

/* The modules that could take the cards, and the drivers that have them. */
static int find_natives(const struct hostfile_job *job, struct strings *ret)
{
	int error = 0;

	for (size_t i = 0; i < job->count && error != -ENOMEM; i++)
		if (job->cards[i]->modalias)
			error = kernelinfo_modules_for(job->kernel, job->cards[i]->modalias, ret);
	return error;
}

static void write_drivers(const struct hostfile_job *job, FILE *out)
{
	for (size_t i = 0; i < job->count; i++) {
		const char *driver = job->cards[i]->driver;

		if (driver && !driver_is_vfio(driver) && !driver_is_stub(driver) &&
		    kernelinfo_module(job->kernel, driver) == MODULE_BUILTIN)
			fprintf(out, "# HAZARD: %s is built into the kernel and comes before any module: only vfio-bind apply moves that card.\n", driver);
	}
}

int write_modprobe(const struct hostfile_job *job, FILE *out)
{
	struct strings natives = {0};
	int status, error;

	fprintf(out, "# Put it there, then: %s, and reboot.\n"
		"# HAZARD: ids= takes every card of these ids, those that are plugged in later too. By address: vfio-bind config udev.\n",
		initramfs_command(job->root));
	status = write_ids(job, out);
	error = find_natives(job, &natives);
	strings_sort(&natives);
	for (size_t i = 0; i < natives.count; i++)
		fprintf(out, "softdep %s pre: vfio-pci\n", natives.items[i]);
	strings_free(&natives);
	write_drivers(job, out);
	if (error < 0) {
		log_error(job->log, "lib/modules/%s/modules.alias: %s: nobody can see which drivers could take the cards", job->kernel->release,
			  strerror(-error));
		return STATUS_FAILED;
	}
	return status;
}
