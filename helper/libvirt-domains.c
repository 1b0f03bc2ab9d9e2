/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt-domains SOCKET: prints the devices that the domains of the libvirt daemon at SOCKET use
 * or are defined with.
 *
 * This is a separate program because linking libvirt adds 11 ms to the start time, and because a
 * hanging libvirt call can be killed. The connection is read-only. The output format is described
 * at domain_devices_parse (probe/ownership/libvirt.h), with a line for each domain whose devices
 * could not all be read. On failure it prints a line on standard error, and the output has no end
 * line. Sources: libvirt's formatdomain.html for the elements, the deployment files of OpenNebula,
 * Nova and KubeVirt for their metadata. */
#include "probe/address.h"

#include <ctype.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The caller's timeout is shorter. If the caller is killed first, this ends the helper when the
 * daemon hangs. */
#define SECONDS_MAX 10

#define ONE_NAMESPACE "http://opennebula.org/xmlns/libvirt/"
#define NOVA_NAMESPACE "http://openstack.org/xmlns/libvirt/nova/"
#define KUBEVIRT_NAMESPACE "http://kubevirt.io"

#define UUID_LENGTH 36

/* A device or mediated device in the XML. */
struct hostdev {
	bool is_mdev;
	char id[UUID_LENGTH + 1]; /* address or UUID */
	char guest[ADDRESS_SIZE]; /* "": unknown */
};

/* The live or the inactive XML of a domain. */
struct definition {
	const char *name; /* the domain's */
	xmlDoc *xml;
	bool runs;
	struct hostdev *hostdevs;
	size_t count;
	const char *unread; /* reason why hostdevs is incomplete; NULL: it is complete */
};

static void free_definition(struct definition *definition)
{
	free(definition->hostdevs);
	xmlFreeDoc(definition->xml);
	*definition = (struct definition){0};
}

/* Without an error function libvirt prints errors itself. */
static void ignore_error(void *data, virErrorPtr error)
{
	(void)data, (void)error;
}

/* WHAT may be a name of any length; it is truncated so that the reason still fits into the message
 * that the caller makes of this line. */
static int fail(const char *what, const char *why)
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

static void *checked_malloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

static void *checked_realloc(void *memory, size_t size)
{
	return checked(realloc(memory, size ? size : 1));
}

static char *checked_strdup(const char *string)
{
	return checked(strdup(string));
}

/* Must be called before any other function of libxml2. */
static void check_memory(void)
{
	xmlMemSetup(free, checked_malloc, checked_realloc, checked_strdup);
}

/* ---- XML ---- */

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *child_element(const xmlNode *parent, const char *name)
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

/* No network, no entities, and libxml2's own limits. */
static void parse_xml(const char *name, const char *text, struct definition *ret)
{
	struct definition definition = {.name = name};
	xmlNode *root, *devices;

	definition.xml = xmlReadMemory(text, (int)strlen(text), NULL, NULL,
				       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	root = definition.xml ? xmlDocGetRootElement(definition.xml) : NULL;
	if (!root || definition.xml->intSubset || !is_element(root, "domain")) {
		free_definition(&definition);
		ret->unread = "invalid XML";
		return;
	}
	definition.runs = xmlHasProp(root, (const xmlChar *)"id");
	devices = child_element(root, "devices");
	for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next)
		add_device(&definition, node);
	*ret = definition;
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
	xmlNode *metadata = child_element(xmlDocGetRootElement(definition->xml), "metadata");
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

static size_t printed; /* lines */

static void print_field(const char *string)
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

/* Prints the devices of DEFINITION, without those of EXCEPT, which may be NULL. */
static void print_devices(virDomainPtr domain, const struct definition *definition, bool runs,
			  const struct definition *except)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "", *id = NULL;
	const char *frontend;

	virDomainGetUUIDString(domain, uuid);
	frontend = definition->xml ? find_frontend(definition, uuid, &id) : NULL;
	for (size_t i = 0; i < definition->count; i++) {
		const struct hostdev *hostdev = &definition->hostdevs[i];

		if (except && has_hostdev(except, hostdev))
			continue;
		fputs(runs ? "runs" : "defined", stdout);
		print_field(hostdev->is_mdev ? "mdev" : "pci");
		print_field(hostdev->id);
		print_field(hostdev->guest);
		print_field(uuid);
		print_field(virDomainGetName(domain));
		print_field(frontend);
		print_field(id);
		putchar('\n');
		printed++;
	}
	free(id);
}

static void print_unread(virDomainPtr domain, const char *why)
{
	fputs("unread", stdout);
	print_field(virDomainGetName(domain));
	print_field(why && *why ? why : "unknown error");
	putchar('\n');
	printed++;
}

/* Returns false if the domain no longer exists. */
static bool read_definition(virDomainPtr domain, unsigned flags, struct definition *ret)
{
	char *text = virDomainGetXMLDesc(domain, flags);

	if (!text && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
		return false;
	if (text)
		parse_xml(virDomainGetName(domain), text, ret);
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
	char why[256];
	bool found = read_definition(domain, 0, &live);

	if (found && live.runs)
		found = read_definition(domain, VIR_DOMAIN_XML_INACTIVE, &defined);
	if (found) {
		unread = live.unread ? live.unread : defined.unread;
		snprintf(why, sizeof(why), "%s", unread ? unread : "");
		print_devices(domain, &live, live.runs, NULL);
		print_devices(domain, &defined, false, &live);
		if (unread)
			print_unread(domain, why);
	}
	free_definition(&live);
	free_definition(&defined);
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
		return fail("list of domains", virGetLastErrorMessage());
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
		return fail("libvirt", virGetLastErrorMessage()) < 0;
	error = print_domains(connection);
	virConnectClose(connection);
	if (error < 0)
		return 1;
	printf("end %zu\n", printed);
	return fflush(stdout) < 0 || ferror(stdout);
}
