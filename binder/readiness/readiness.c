/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/readiness/readiness.h"

#include "binder/commands/commands.h"
#include "binder/readiness/checks.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* In the order of the output: each check may refer to later ones in its remedy. */
static void (*const CHECKS[])(struct readiness *readiness, const struct host *host) = {
	readiness_check_iommu,	    readiness_check_firmware,  readiness_check_parameters,
	readiness_check_interrupts, readiness_check_modules,   readiness_check_lockdown,
	readiness_check_nodes,	    readiness_check_groups,    readiness_check_memlock,
	readiness_check_vms,	    readiness_check_initramfs, readiness_check_ids,
	readiness_check_virqfd,
};

void readiness_add(struct readiness *readiness, const char *name, enum finding_result result,
		   const char *remedy, const char *format, ...)
{
	struct readiness_finding *grown = realloc(readiness->items,
						  (readiness->count + 1) * sizeof(*grown));
	char *seen = NULL;
	va_list args;

	va_start(args, format);
	if (!grown || vasprintf(&seen, format, args) < 0)
		readiness->no_memory = true;
	else
		grown[readiness->count++] = (struct readiness_finding){
			.name = name, .result = result, .seen = seen, .remedy = remedy};
	va_end(args);
	if (grown)
		readiness->items = grown;
}

void readiness_mark_essential(struct readiness *readiness)
{
	if (!readiness->no_memory)
		readiness->items[readiness->count - 1].essential = true;
}

static void free_host(struct host *host)
{
	kernelinfo_free(&host->kernel);
	iommu_free(&host->iommu);
	bootconfig_free(&host->boot);
	inventory_free(host->inventory);
}

static int read_host(struct sysroot *root, const struct log *log, struct host *host)
{
	int error;

	host->root = root;
	host->log = log;
	host->inventory = calloc(1, sizeof(*host->inventory));
	if (!host->inventory)
		return -ENOMEM;
	error = kernelinfo_read(root, &host->kernel);
	if (!error)
		error = iommu_read(root, &host->iommu);
	if (!error)
		error = bootconfig_read(root, log, &host->kernel, &host->boot);
	return error ? error : scan_read(root, log, host->inventory);
}

int readiness_read(struct sysroot *root, const struct log *log, struct readiness *ret)
{
	struct readiness readiness = {0};
	struct host host = {0};
	int error = read_host(root, log, &host);

	for (size_t i = 0; i < sizeof(CHECKS) / sizeof(*CHECKS) && !error; i++) {
		CHECKS[i](&readiness, &host);
		if (readiness.no_memory)
			error = -ENOMEM;
	}
	free_host(&host);
	if (error == -ENOMEM)
		log_error(log, "out of memory");
	if (error < 0)
		readiness_free(&readiness);
	else
		*ret = readiness;
	return error;
}

void readiness_free(struct readiness *readiness)
{
	for (size_t i = 0; i < readiness->count; i++)
		free(readiness->items[i].seen);
	free(readiness->items);
	*readiness = (struct readiness){0};
}

const char *finding_result_name(enum finding_result result)
{
	static const char *const names[] = {"PASS", "WARN", "FAIL", "UNKNOWN"};

	return names[result];
}

int readiness_status(const struct readiness *readiness)
{
	int status = BIND_DONE;

	for (size_t i = 0; i < readiness->count; i++) {
		const struct readiness_finding *finding = &readiness->items[i];

		if (finding->result == FINDING_FAIL && finding->essential)
			return BIND_UNAVAILABLE;
		if (finding->result == FINDING_FAIL ||
		    (finding->result == FINDING_UNKNOWN && finding->essential))
			status = BIND_FAILED;
	}
	return status;
}
