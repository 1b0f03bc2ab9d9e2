/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/domainxml.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONE_NAMESPACE "http://opennebula.org/xmlns/libvirt/"
#define NOVA_NAMESPACE "http://openstack.org/xmlns/libvirt/nova/"
#define KUBEVIRT_NAMESPACE "http://kubevirt.io"

size_t printed;

void definition_free(struct definition *definition)
{
	free(definition->hostdevs);
	xmlFreeDoc(definition->xml);
	*definition = (struct definition){0};
}

int fail_with(const char *what, const char *why)
{
	fprintf(stderr, "%.100s: %s\n", what, why ? why : "unknown error");
	return -1;
}

/* ---- memory ---- */

/* libxml2 takes an attribute for absent when it cannot allocate its value, and crashes in other
 * places: without memory nothing that was read is certain. The caller rejects an output without an
 * end line. */
static void *checked(void *memory)
{
	if (memory)
		return memory;
	fputs("out of memory\n", stderr);
	_exit(1);
}

void *checked_malloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

static void *checked_realloc(void *memory, size_t size)
{
	return checked(realloc(memory, size ? size : 1));
}

char *checked_strdup(const char *string)
{
	return checked(strdup(string));
}

void check_memory(void)
{
	xmlMemSetup(free, checked_malloc, checked_realloc, checked_strdup);
}

/* ---- XML ---- */

bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

xmlNode *child_element(const xmlNode *parent, const char *name)
{
	xmlNode *node = parent ? parent->children : NULL;

	while (node && !is_element(node, name))
		node = node->next;
	return node;
}

static bool attribute_is(xmlNode *node, const char *name, const char *wanted)
{
	xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
	bool equal = value && strcmp((const char *)value, wanted) == 0;

	xmlFree(value);
	return equal;
}

/* Reads a number attribute, e.g. "0x1f". */
static bool read_number(xmlNode *node, const char *name, unsigned long max, unsigned long *ret)
{
	xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *end = NULL;
	unsigned long number = value ? strtoul((const char *)value, &end, 0) : 0;
	bool valid = value && isdigit(value[0]) && !*end && number <= max;

	xmlFree(value);
	if (valid)
		*ret = number;
	return valid;
}

/* <address domain='0x0000' bus='0x81' slot='0x00' function='0x2'/> */
static bool read_address(xmlNode *node, char ret[static ADDRESS_SIZE])
{
	unsigned long domain, bus, slot, function;
	struct pci_address address;

	if (!node || !read_number(node, "domain", UINT32_MAX, &domain) ||
	    !read_number(node, "bus", 0xff, &bus) || !read_number(node, "slot", 0x1f, &slot) ||
	    !read_number(node, "function", 7, &function))
		return false;
	address.domain = (uint32_t)domain;
	address.bus = (uint8_t)bus;
	address.slot = (uint8_t)slot;
	address.function = (uint8_t)function;
	address_format(&address, ret);
	return true;
}

static bool is_uuid(const char *string)
{
	for (size_t i = 0; i < UUID_LENGTH; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? string[i] != '-'
							    : !isxdigit((unsigned char)string[i]))
			return false;
	return !string[UUID_LENGTH];
}

static bool read_uuid(xmlNode *node, struct hostdev *hostdev)
{
	xmlChar *uuid = node ? xmlGetNoNsProp(node, (const xmlChar *)"uuid") : NULL;
	bool valid = uuid && is_uuid((const char *)uuid);

	if (valid)
		memcpy(hostdev->id, uuid, sizeof(hostdev->id));
	xmlFree(uuid);
	return valid;
}

/* <mac address='52:54:00:00:00:01'/> */
static void read_mac(xmlNode *node, struct hostdev *hostdev)
{
	xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)"address") : NULL;
	bool valid = value && strlen((const char *)value) == sizeof(hostdev->mac) - 1;

	for (size_t i = 0; valid && i < sizeof(hostdev->mac) - 1; i++) {
		valid = i % 3 == 2 ? value[i] == ':' : isxdigit(value[i]);
		hostdev->mac[i] = (char)tolower(value[i]);
	}
	if (!valid)
		hostdev->mac[0] = '\0';
	xmlFree(value);
}

/* <vlan><tag id='42'/></vlan>; a VF has one tag. */
static void read_vlan(xmlNode *vlan, struct hostdev *hostdev)
{
	xmlNode *tag = child_element(vlan, "tag");
	unsigned long id;

	if (tag && read_number(tag, "id", 4095, &id))
		snprintf(hostdev->vlan, sizeof(hostdev->vlan), "%lu", id);
}

static void add_hostdev(struct definition *definition, const struct hostdev *hostdev)
{
	struct hostdev *grown = checked_realloc(definition->hostdevs,
						(definition->count + 1) * sizeof(*grown));

	definition->hostdevs = grown;
	grown[definition->count++] = *hostdev;
}

/* DEVICE is a hostdev, an interface or a disk; SOURCE has the host device's address. */
static void add_source(struct definition *definition, xmlNode *device, xmlNode *source)
{
	struct hostdev hostdev = {.is_mdev = attribute_is(device, "type", "mdev")};
	xmlNode *address = child_element(source, "address"),
		*guest = child_element(device, "address");

	if (hostdev.is_mdev ? !read_uuid(address, &hostdev) : !read_address(address, hostdev.id)) {
		definition->unread = "invalid XML: device without a valid host address";
		return;
	}
	/* at a disk's guest address is an emulated disk, not the host device */
	if (!is_element(device, "disk") && guest && attribute_is(guest, "type", "pci"))
		read_address(guest, hostdev.guest);
	if (is_element(device, "interface")) {
		read_mac(child_element(device, "mac"), &hostdev);
		read_vlan(child_element(device, "vlan"), &hostdev);
	}
	add_hostdev(definition, &hostdev);
}

/* NVMe devices are in <source type='pci'> of the disk, its backing store or its mirror. */
static void add_nvme_sources(struct definition *definition, xmlNode *disk, xmlNode *parent)
{
	for (xmlNode *node = parent->children; node; node = node->next) {
		if (is_element(node, "source") && attribute_is(node, "type", "pci"))
			add_source(definition, disk, node);
		else if (node->type == XML_ELEMENT_NODE)
			add_nvme_sources(definition, disk, node);
	}
}

static void add_device(struct definition *definition, xmlNode *device)
{
	bool hostdev = is_element(device, "hostdev") && attribute_is(device, "mode", "subsystem") &&
		       (attribute_is(device, "type", "pci") ||
			attribute_is(device, "type", "mdev"));

	/* in the live XML, an interface of a hostdev network is of this type, too */
	if (hostdev || (is_element(device, "interface") && attribute_is(device, "type", "hostdev")))
		add_source(definition, device, child_element(device, "source"));
	else if (is_element(device, "disk"))
		add_nvme_sources(definition, device, device);
}

void definition_read(const char *name, xmlNode *root, struct definition *ret)
{
	struct definition definition = {.name = name, .root = root};
	xmlNode *devices = child_element(root, "devices");

	definition.runs = xmlHasProp(root, (const xmlChar *)"id");
	for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next)
		add_device(&definition, node);
	*ret = definition;
}

void definition_parse(const char *name, const char *text, struct definition *ret)
{
	xmlDoc *xml = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_OPTIONS);
	xmlNode *root = xml ? xmlDocGetRootElement(xml) : NULL;

	if (!root || xml->intSubset || !is_element(root, "domain")) {
		xmlFreeDoc(xml);
		ret->unread = "invalid XML";
		return;
	}
	definition_read(name, root, ret);
	ret->xml = xml;
}

/* ---- frontends ---- */

static bool in_namespace(const xmlNode *node, const char *namespace)
{
	return node->ns && node->ns->href &&
	       strncmp((const char *)node->ns->href, namespace, strlen(namespace)) == 0;
}

/* The VM's id is the last part of
 * <one:system_datastore>/var/lib/one//datastores/0/42</one:system_datastore>. The caller frees it.
 */
static char *opennebula_id(const xmlNode *vm)
{
	xmlChar *path = xmlNodeGetContent(child_element(vm, "system_datastore"));
	const char *slash = path ? strrchr((const char *)path, '/') : NULL;
	size_t length = slash ? strspn(slash + 1, "0123456789") : 0;
	char *id = length && !slash[1 + length] ? checked_strdup(slash + 1) : NULL;

	xmlFree(path);
	return id;
}

/* KubeVirt names the domain <namespace>_<name>; neither contains a "_". The caller frees the id. */
static char *kubevirt_id(const char *name)
{
	const char *separator = strchr(name, '_');
	char *id;

	if (!separator || separator == name || !separator[1] || strchr(separator + 1, '_'))
		return NULL;
	id = checked_strdup(name);
	id[separator - name] = '/';
	return id;
}

/* Finds the frontend by its metadata in the domain's XML, and sets *ret_id to its id of the VM,
 * which the caller frees. Returns NULL if there are no such metadata or they don't contain the id.
 */
static const char *find_frontend(const struct definition *definition, const char *uuid,
				 char **ret_id)
{
	xmlNode *metadata = child_element(definition->root, "metadata");
	const char *frontend = NULL;
	char *id = NULL;

	for (xmlNode *node = metadata ? metadata->children : NULL; node && !id; node = node->next) {
		if (is_element(node, "vm") && in_namespace(node, ONE_NAMESPACE))
			frontend = "opennebula", id = opennebula_id(node);
		else if (is_element(node, "instance") && in_namespace(node, NOVA_NAMESPACE))
			frontend = "nova", id = checked_strdup(uuid);
		else if (is_element(node, "kubevirt") && in_namespace(node, KUBEVIRT_NAMESPACE))
			frontend = "kubevirt", id = kubevirt_id(definition->name);
	}
	*ret_id = id;
	return id ? frontend : NULL;
}

/* ---- output ---- */

void print_field(const char *string)
{
	const char *p = string;

	putchar(' ');
	if (!p || !*p)
		putchar('-');
	for (; p && *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("_.:", *p) || (*p == '-' && p != string))
			putchar(*p);
		else
			printf("%%%02x", (unsigned)(unsigned char)*p);
	}
}

static bool has_hostdev(const struct definition *definition, const struct hostdev *hostdev)
{
	for (size_t i = 0; i < definition->count; i++)
		if (definition->hostdevs[i].is_mdev == hostdev->is_mdev &&
		    strcmp(definition->hostdevs[i].id, hostdev->id) == 0)
			return true;
	return false;
}

void print_devices(const char *uuid, const struct definition *definition, bool runs,
		   const struct definition *except)
{
	char *id = NULL;
	const char *frontend = definition->root ? find_frontend(definition, uuid, &id) : NULL;

	for (size_t i = 0; i < definition->count; i++) {
		const struct hostdev *hostdev = &definition->hostdevs[i];

		if (except && has_hostdev(except, hostdev))
			continue;
		fputs(runs ? "runs" : "defined", stdout);
		print_field(hostdev->is_mdev ? "mdev" : "pci");
		print_field(hostdev->id);
		print_field(hostdev->guest);
		print_field(uuid);
		print_field(definition->name);
		print_field(frontend);
		print_field(id);
		if (*hostdev->mac || *hostdev->vlan) {
			print_field(hostdev->mac);
			print_field(hostdev->vlan);
		}
		putchar('\n');
		printed++;
	}
	free(id);
}

void print_unread(const char *name, const char *why)
{
	fputs("unread", stdout);
	print_field(name);
	print_field(why && *why ? why : "unknown error");
	putchar('\n');
	printed++;
}
