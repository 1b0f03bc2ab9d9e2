/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Includes helper/libvirt-domains.c, to be tested without libvirt: the functions of libvirt that it
 * calls are replaced by those below. */
#ifndef PCIPROBE_TESTS_UNIT_OWNERSHIP_FAKELIBVIRT_H
#define PCIPROBE_TESTS_UNIT_OWNERSHIP_FAKELIBVIRT_H

int helper_main(int argc, char **argv);
#define main helper_main
#include "helper/libvirt-domains.c"
#undef main

#include "tests/memory/fail-allocation.h"

/* The UUID of every domain. */
#define UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1"

/* A fake domain; with ERROR or ERROR_INACTIVE, reading its live or inactive XML fails. */
struct _virDomain {
	const char *name, *xml, *inactive;
	int error, error_inactive;
};

static struct _virDomain *fakes;
static int fake_count, last_error;

int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **domains, unsigned flags)
{
	(void)connection, (void)flags;
	fail_allocation_pause(true);
	*domains = calloc((size_t)fake_count + 1, sizeof(**domains));
	fail_allocation_pause(false);
	for (int i = 0; i < fake_count; i++)
		(*domains)[i] = &fakes[i];
	return fake_count;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned flags)
{
	bool inactive = flags & VIR_DOMAIN_XML_INACTIVE;
	char *xml;

	last_error = inactive ? domain->error_inactive : domain->error;
	if (last_error)
		return NULL;
	fail_allocation_pause(true);
	xml = strdup(inactive && domain->inactive ? domain->inactive : domain->xml);
	fail_allocation_pause(false);
	return xml;
}

const char *virDomainGetName(virDomainPtr domain)
{
	return domain->name;
}

int virDomainGetUUIDString(virDomainPtr domain, char *uuid)
{
	(void)domain;
	last_error = 0; /* as libvirt's calls do */
	strcpy(uuid, UUID);
	return 0;
}

int virDomainFree(virDomainPtr domain)
{
	(void)domain;
	return 0;
}

int virGetLastErrorCode(void)
{
	return last_error;
}

const char *virGetLastErrorMessage(void)
{
	return last_error ? "internal error: no\nXML" : "no error";
}

/* Returns the output for the domains, which the caller frees. */
static char *print_fakes(struct _virDomain *domains, int count)
{
	FILE *original_stdout = stdout;
	char *text = NULL;
	size_t size;

	fakes = domains;
	fake_count = count;
	printed = 0;
	stdout = open_memstream(&text, &size);
	if (!stdout)
		abort();
	if (print_domains(NULL) < 0)
		abort();
	printf("end %zu\n", printed);
	fclose(stdout);
	stdout = original_stdout;
	return text;
}

#endif
