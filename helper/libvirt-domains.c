/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt-domains SOCKET: prints the devices that the domains of the libvirt daemon at SOCKET use
 * or are defined with.
 *
 * This is a separate program because linking libvirt adds 11 ms to the start time, and because a
 * hanging libvirt call can be killed. The connection is read-only. The output format is described
 * at domain_devices_parse (probe/ownership/libvirt.h), with a line for each domain whose devices
 * could not all be read. On failure it prints a line on standard error, and the output has no end
 * line. */
#include "helper/domainxml.h"

#include <ctype.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The caller's timeout is shorter. If the caller is killed first, this ends the helper when the
 * daemon hangs. */
#define SECONDS_MAX 10

/* Without an error function libvirt prints errors itself. */
static void ignore_error(void *data, virErrorPtr error)
{
	(void)data, (void)error;
}

/* Returns false if the domain no longer exists. */
static bool read_definition(virDomainPtr domain, unsigned flags, struct definition *ret)
{
	char *text = virDomainGetXMLDesc(domain, flags);

	if (!text && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
		return false;
	if (text)
		definition_parse(virDomainGetName(domain), text, ret);
	else
		ret->unread = virGetLastErrorMessage();
	free(text);
	return true;
}

/* A running domain also has a definition for its next start; a device that is only in this is
 * treated like a stopped domain's. For a transient domain libvirt returns the live XML again, which
 * adds nothing. */
static void print_domain(virDomainPtr domain)
{
	struct definition live = {0}, defined = {0};
	const char *unread;
	char why[256], uuid[VIR_UUID_STRING_BUFLEN] = "";
	bool found = read_definition(domain, 0, &live);

	if (found && live.runs)
		found = read_definition(domain, VIR_DOMAIN_XML_INACTIVE, &defined);
	if (found) {
		unread = live.unread ? live.unread : defined.unread;
		snprintf(why, sizeof(why), "%s", unread ? unread : "");
		virDomainGetUUIDString(domain, uuid);
		print_devices(uuid, &live, live.runs, NULL);
		print_devices(uuid, &defined, false, &live);
		if (unread)
			print_unread(virDomainGetName(domain), why);
	}
	definition_free(&live);
	definition_free(&defined);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(virDomainGetName(*(const virDomainPtr *)a),
		      virDomainGetName(*(const virDomainPtr *)b));
}

/* Sorted by name: libvirt's own order varies, and the results of two runs must be comparable. */
static int print_domains(virConnectPtr connection)
{
	virDomainPtr *domains;
	int count = virConnectListAllDomains(connection, &domains, 0);

	if (count < 0)
		return fail_with("list of domains", virGetLastErrorMessage());
	qsort(domains, (size_t)count, sizeof(virDomainPtr), compare_names);
	for (int i = 0; i < count; i++) {
		print_domain(domains[i]);
		virDomainFree(domains[i]);
	}
	free(domains);
	return 0;
}

/* Returns a URI that connects to this socket only. The caller frees it. */
static char *make_uri(const char *path)
{
	static const char start[] = "qemu+unix:///system?socket=";
	char *uri = checked_malloc(sizeof(start) + 3 * strlen(path)), *p;

	p = stpcpy(uri, start);
	for (; *path; path++) {
		if (isalnum((unsigned char)*path) || strchr("/-_.", *path))
			*p++ = *path;
		else
			p += sprintf(p, "%%%02X", (unsigned)(unsigned char)*path);
	}
	*p = '\0';
	return uri;
}

int main(int argc, char **argv)
{
	virConnectPtr connection;
	char *uri;
	int error;

	if (argc != 2) {
		fputs("usage: libvirt-domains SOCKET\n", stderr);
		return 2;
	}
	alarm(SECONDS_MAX);
	check_memory();
	virSetErrorFunc(NULL, ignore_error);
	uri = make_uri(argv[1]);
	connection = virConnectOpenReadOnly(uri);
	free(uri);
	if (!connection)
		return fail_with("libvirt", virGetLastErrorMessage()) < 0;
	error = print_domains(connection);
	virConnectClose(connection);
	if (error < 0)
		return 1;
	printf("end %zu\n", printed);
	return fflush(stdout) < 0 || ferror(stdout);
}
