/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind config: prints a file for these cards. */
#include "binder/hostfiles.h"
#include "binder/verbs.h"
#include "probe/details.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DETAILS (DETAIL_NAMES | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_MODALIAS | DETAIL_GROUP_PEERS)

/* The cards that the words behind the kind mean. Returns an enum status. */
static int find_cards(const struct options *options, const struct inventory *inventory, const struct pci_device **cards, size_t *count)
{
	struct pci_address address;

	for (char **word = options->arguments + 1; *word; word++) {
		if (address_parse(*word, &address) < 0) {
			log_error(&options->log, "'%s' is not a PCI address. Right would be 0000:07:00.0", *word);
			return STATUS_USAGE;
		}
		cards[*count] = inventory_find(inventory, &address);
		if (!cards[*count]) {
			log_error(&options->log, "%s: this host has no such card", *word);
			return STATUS_NO_CARD;
		}
		if (cards[*count]->class >> 8 == 0x06) {
			log_error(&options->log, "%s: a bridge is never given to a VM", *word);
			return STATUS_REFUSED;
		}
		(*count)++;
	}
	return STATUS_DONE;
}

static int write_file(const struct options *options, const struct hostfile *file, struct hostfile_job *job)
{
	struct kernelinfo kernel;
	struct iommu iommu;
	int status = STATUS_FAILED;

	if (kernelinfo_read(job->root, &kernel) < 0) {
		log_error(&options->log, "out of memory");
		return STATUS_FAILED;
	}
	if (iommu_read(job->root, &iommu) < 0) {
		log_error(&options->log, "out of memory");
	} else {
		job->kernel = &kernel;
		job->iommu = &iommu;
		status = hostfile_write(file, job, stdout);
		iommu_free(&iommu);
	}
	kernelinfo_free(&kernel);
	return status;
}

static int list_files(void)
{
	for (size_t i = 0; i < HOSTFILE_COUNT; i++)
		printf("%-10s %s\n%-10s %s\n", HOSTFILES[i].name, HOSTFILES[i].help, "", HOSTFILES[i].path);
	return STATUS_DONE;
}

int run_config(struct options *options)
{
	const struct hostfile *file = hostfile_find(options->arguments[0]);
	struct hostfile_job job = {.log = &options->log};
	struct inventory *inventory = NULL;
	struct probe *probe = NULL;
	int status = STATUS_FAILED;

	if (strcmp(options->arguments[0], "help") == 0)
		return list_files();
	if (!file || options->argument_count < 2) {
		log_error(&options->log, file ? "config %s: for which cards?" : "nobody knows the file '%s'; 'vfio-bind config help' lists them",
			  options->arguments[0]);
		return STATUS_USAGE;
	}
	job.cards = calloc((size_t)options->argument_count, sizeof(*job.cards));
	if (job.cards && options_probe(options, DETAILS, &probe) == 0 && probe_read(probe, &inventory) == 0) {
		job.root = probe_sysroot(probe);
		job.inventory = inventory;
		status = find_cards(options, inventory, job.cards, &job.count);
		if (status == STATUS_DONE)
			status = write_file(options, file, &job);
	}
	free(job.cards);
	inventory_free(inventory);
	probe_free(probe);
	return status;
}
