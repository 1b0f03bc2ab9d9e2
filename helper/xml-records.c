/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xml-records opennebula | libvirt: reads XML from standard input and prints the devices in it, for
 * 'pciprobe verify'.
 *
 * opennebula: the elements HOST that 'onehost show -x' and 'onehost list -x' print. A line for each
 * device: "pci HOST-ID HOST-NAME ADDRESS VMID LISTED"; LISTED is "yes" if the host has a VM with
 * this id, "no" if it has not, and "-" if the XML does not tell.
 *
 * libvirt: the XML of any number of domains, one after the other, as 'virsh dumpxml' prints it. The
 * lines are those of libvirt-domains.
 *
 * The last line is "end N" with the number of lines before it. This is a separate program because
 * linking libxml2 costs every run of pciprobe time, and because the XML may be hostile. Sources:
 * OpenNebula's host.xsd and HostSharePCI.cc. */
#include "helper/domainxml.h"

#include <libxml/xmlerror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The caller's timeout is shorter. */
#define SECONDS_MAX 10

/* Larger input is rejected. */
#define INPUT_SIZE_MAX (8u << 20)

/* Several documents are read as one. As a declaration of entities cannot follow an element, there
 * are none. */
#define START "<records>"
#define END "</records>"

#define NO_UUID "00000000-0000-0000-0000-000000000000"

typedef int print_element(xmlNode *element);

/* Returns the text of the element NAME in PARENT, which the caller frees, or NULL. */
static char *element_text(const xmlNode *parent, const char *name)
{
	xmlNode *node = child_element(parent, name);

	return node ? (char *)xmlNodeGetContent(node) : NULL;
}

/* ---- OpenNebula ---- */

/* Whether the VMs of HOST, <VMS><ID>42</ID>...</VMS>, include VMID. */
static const char *is_listed(const xmlNode *host, const char *vmid)
{
	const xmlNode *vms = child_element(host, "VMS");
	bool found = false;

	if (!vms)
		return "-";
	for (xmlNode *node = vms->children; node && !found; node = node->next) {
		char *id = is_element(node, "ID") ? (char *)xmlNodeGetContent(node) : NULL;

		found = id && vmid && strcmp(id, vmid) == 0;
		xmlFree(id);
	}
	return found ? "yes" : "no";
}

static void print_pci(const xmlNode *host, const xmlNode *pci)
{
	char *host_id = element_text(host, "ID"), *name = element_text(host, "NAME"),
	     *address = element_text(pci, "ADDRESS"), *vmid = element_text(pci, "VMID");

	fputs("pci", stdout);
	print_field(host_id);
	print_field(name);
	print_field(address);
	/* print_field escapes the minus of -1 */
	print_field(vmid && strcmp(vmid, "-1") != 0 ? vmid : NULL);
	print_field(is_listed(host, vmid));
	putchar('\n');
	printed++;
	xmlFree(host_id);
	xmlFree(name);
	xmlFree(address);
	xmlFree(vmid);
}

static int print_host(xmlNode *element)
{
	xmlNode *devices;

	if (is_element(element, "HOST_POOL")) {
		for (xmlNode *node = element->children; node; node = node->next)
			if (is_element(node, "HOST") && print_host(node) < 0)
				return -1;
		return 0;
	}
	if (!is_element(element, "HOST"))
		return fail_with("invalid XML", "expected the element HOST");
	devices = child_element(child_element(element, "HOST_SHARE"), "PCI_DEVICES");
	if (!devices)
		return fail_with("invalid XML", "HOST without HOST_SHARE/PCI_DEVICES");
	for (xmlNode *node = devices->children; node; node = node->next)
		if (is_element(node, "PCI"))
			print_pci(element, node);
	return 0;
}

/* ---- libvirt ---- */

static int print_domain(xmlNode *element)
{
	struct definition definition = {0};
	char *name = NULL, *uuid = NULL;
	int error = 0;

	if (!is_element(element, "domain"))
		return fail_with("invalid XML", "expected the element domain");
	name = element_text(element, "name");
	uuid = element_text(element, "uuid");
	if (!name || !*name) {
		error = fail_with("invalid XML", "domain without a name");
	} else {
		definition_read(name, element, &definition);
		print_devices(uuid ? uuid : NO_UUID, &definition, definition.runs, NULL);
		if (definition.unread)
			print_unread(name, definition.unread);
	}
	definition_free(&definition);
	xmlFree(name);
	xmlFree(uuid);
	return error;
}

/* ---- input ---- */

/* Returns the input between START and END, which the caller frees, or NULL after a message. */
static char *read_input(void)
{
	size_t length = strlen(START), size = length + INPUT_SIZE_MAX + sizeof(END), n = 1;
	char *text = checked_malloc(size);

	memcpy(text, START, length);
	while (n && length < size - sizeof(END)) {
		ssize_t got = read(STDIN_FILENO, text + length, size - sizeof(END) - length);

		n = got > 0 ? (size_t)got : 0;
		length += n;
		if (got < 0) {
			fail_with("input", "read error");
			free(text);
			return NULL;
		}
	}
	if (n) {
		fail_with("input", "too large");
		free(text);
		return NULL;
	}
	memcpy(text + length, END, sizeof(END));
	if (strlen(text) == length + strlen(END))
		return text;
	fail_with("invalid XML", "NUL byte");
	free(text);
	return NULL;
}

/* Overwrites a declaration, which is allowed at the start only, by spaces. */
static void remove_declaration(char *text)
{
	char *start = text + strlen(START), *end;

	if (strncmp(start, "<?xml ", 6) != 0)
		return;
	end = strstr(start, "?>");
	for (char *p = start; end && p < end + 2; p++)
		*p = *p == '\n' ? '\n' : ' ';
}

static int print_elements(const xmlNode *root, print_element *print)
{
	size_t count = 0;

	for (xmlNode *node = root->children; node; node = node->next) {
		if (node->type == XML_TEXT_NODE && !xmlIsBlankNode(node))
			return fail_with("invalid XML", "text outside of elements");
		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (print(node) < 0)
			return -1;
		count++;
	}
	return count ? 0 : fail_with("invalid XML", "no element");
}

static int print_records(char *text, print_element *print)
{
	xmlDoc *xml;
	int error;

	remove_declaration(text);
	xml = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_OPTIONS);
	if (!xml) {
		const xmlError *last = xmlGetLastError();

		fprintf(stderr, "line %d: not well-formed XML\n", last ? last->line : 0);
		return -1;
	}
	error = print_elements(xmlDocGetRootElement(xml), print);
	xmlFreeDoc(xml);
	return error;
}

int main(int argc, char **argv)
{
	bool is_opennebula = argc == 2 && strcmp(argv[1], "opennebula") == 0;
	char *text;
	int error;

	if (!is_opennebula && (argc != 2 || strcmp(argv[1], "libvirt") != 0)) {
		fputs("usage: xml-records opennebula | libvirt\n", stderr);
		return 2;
	}
	alarm(SECONDS_MAX);
	check_memory();
	text = read_input();
	if (!text)
		return 1;
	error = print_records(text, is_opennebula ? print_host : print_domain);
	free(text);
	if (error < 0)
		return 1;
	printf("end %zu\n", printed);
	return fflush(stdout) < 0 || ferror(stdout);
}
