/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds host devices and the frontend in the XML of libvirt's domains, and prints them. For helper
 * programs only: it uses libxml2. Sources: libvirt's formatdomain.html for the elements, the
 * deployment files of OpenNebula, Nova and KubeVirt for their metadata. */
#ifndef PCIPROBE_HELPER_DOMAINXML_H
#define PCIPROBE_HELPER_DOMAINXML_H

#include "probe/address.h"

#include <libxml/parser.h>
#include <stdbool.h>
#include <stddef.h>

/* No network, no entities, and libxml2's own limits. */
#define XML_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

#define UUID_LENGTH 36

/* A device or mediated device in the XML. */
struct hostdev {
	bool is_mdev;
	char id[UUID_LENGTH + 1];	       /* address or UUID */
	char guest[ADDRESS_SIZE];	       /* "": unknown */
	char mac[sizeof("52:54:00:00:00:01")]; /* of an interface; "": not stated */
	char vlan[sizeof("4094")];	       /* likewise */
};

/* The live or the inactive XML of a domain. */
struct definition {
	const char *name; /* the domain's */
	xmlDoc *xml;	  /* NULL: belongs to the caller, or there is none */
	xmlNode *root;	  /* NULL: there is none */
	bool runs;
	struct hostdev *hostdevs;
	size_t count;
	const char *unread; /* reason why hostdevs is incomplete; NULL: it is complete */
};

/* Makes all allocations of libxml2 end the program if there is no memory. Must be called before any
 * other function of libxml2. */
void check_memory(void);

/* The same for a single one. */
void *checked_malloc(size_t size);
char *checked_strdup(const char *string);

/* Parses TEXT, the XML of the domain NAME, into RET, which must be empty. For invalid XML
 * ret->unread is set. Free RET with definition_free. */
void definition_parse(const char *name, const char *text, struct definition *ret);

/* Like definition_parse, for the element ROOT, which must outlive RET. */
void definition_read(const char *name, xmlNode *root, struct definition *ret);
void definition_free(struct definition *definition);

/* Lines printed so far, by the functions below and by their callers. */
extern size_t printed;

/* Prints the devices of DEFINITION, without those of EXCEPT, which may be NULL, in the format of
 * domain_devices_parse (probe/ownership/libvirt.h). */
void print_devices(const char *uuid, const struct definition *definition, bool runs,
		   const struct definition *except);

/* Prints the line of a domain whose devices could not all be read. */
void print_unread(const char *name, const char *why);

/* Prints a space and a field of a line, escaped as described there. */
void print_field(const char *string);

/* Prints an error message and returns -1. WHAT may be a name of any length; it is truncated so that
 * the reason still fits into the message that the caller makes of this line. */
int fail_with(const char *what, const char *why);

xmlNode *child_element(const xmlNode *parent, const char *name);
bool is_element(const xmlNode *node, const char *name);

#endif
