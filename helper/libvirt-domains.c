/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt-domains SOCKET: which devices the domains of the libvirt daemon behind SOCKET have, or
 * are defined with.
 *
 * A program of its own, because linking libvirt costs a start 11 ms, and because what hangs in it
 * can be killed. It asks read-only. What it prints is described at domain_devices_parse
 * (probe/ownership/libvirt.h), with a line for each domain whose devices could not all be read;
 * when it fails altogether it says why in a line on standard error, and the closing line is
 * missing. Sources: libvirt's formatdomain.html for the elements, the deployment files of
 * OpenNebula, Nova and KubeVirt for their metadata. */
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

/* Whoever waits for the answer gives up sooner. When he is killed first, this doesn't stay behind
 * with a daemon that hangs. */
#define SECONDS_MAX 10

#define ONE_NAMESPACE "http://opennebula.org/xmlns/libvirt/"
#define NOVA_NAMESPACE "http://openstack.org/xmlns/libvirt/nova/"
#define KUBEVIRT_NAMESPACE "http://kubevirt.io"

/* A device, or a mediated device, as the XML names it. */
struct hostdev {
	bool is_mdev;
	char text[37];		  /* address or UUID */
	char guest[ADDRESS_SIZE]; /* "": not told */
};

/* One XML of a domain. */
struct definition {
	const char *name; /* the domain's */
	xmlDoc *xml;
	bool runs;
	struct hostdev *hostdevs;
	size_t count;
	const char *unread; /* why not all of its devices are among the devices; NULL: they are */
};

static void free_definition(struct definition *definition)
{
	free(definition->hostdevs);
	xmlFreeDoc(definition->xml);
	*definition = (struct definition){0};
}

/* libvirt prints its errors by itself unless it is given somebody else to tell. */
static void ignore_error(void *data, virErrorPtr error)
{
	(void)data, (void)error;
}

/* WHAT may be a name of any length: the reason must still fit on the line that comes of it. */
static int fail(const char *what, const char *why)
{
	fprintf(stderr, "%.100s: %s\n", what, why ? why : "libvirt doesn't say why");
	return -1;
}

/* ---- XML ---- */

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *child(const xmlNode *parent, const char *name)
{
	xmlNode *node = parent ? parent->children : NULL;

	while (node && !is_element(node, name))
		node = node->next;
	return node;
}

static bool attribute_is(xmlNode *node, const char *name, const char *wanted)
{
	xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
	bool is = value && strcmp((const char *)value, wanted) == 0;

	xmlFree(value);
	return is;
}

/* Reads "0x1f". */
static bool number(xmlNode *node, const char *name, unsigned long max, unsigned long *ret)
{
	xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *end = NULL;
	unsigned long value = text ? strtoul((const char *)text, &end, 0) : 0;
	bool good = text && isdigit(text[0]) && !*end && value <= max;

	xmlFree(text);
	if (good)
		*ret = value;
	return good;
}

/* <address domain='0x0000' bus='0x81' slot='0x00' function='0x2'/> */
static bool read_address(xmlNode *node, char ret[static ADDRESS_SIZE])
{
	unsigned long domain, bus, slot, function;
	struct pci_address address;

	if (!node || !number(node, "domain", UINT32_MAX, &domain) ||
	    !number(node, "bus", 0xff, &bus) || !number(node, "slot", 0x1f, &slot) ||
	    !number(node, "function", 7, &function))
		return false;
	address.domain = (uint32_t)domain;
	address.bus = (uint8_t)bus;
	address.slot = (uint8_t)slot;
	address.function = (uint8_t)function;
	address_format(&address, ret);
	return true;
}

static bool read_uuid(xmlNode *node, struct hostdev *hostdev)
{
	xmlChar *uuid = node ? xmlGetNoNsProp(node, (const xmlChar *)"uuid") : NULL;
	bool good = uuid && strlen((const char *)uuid) == sizeof(hostdev->text) - 1;

	if (good)
		memcpy(hostdev->text, uuid, sizeof(hostdev->text));
	xmlFree(uuid);
	return good;
}

static int add_hostdev(struct definition *definition, const struct hostdev *hostdev)
{
	struct hostdev *grown = realloc(definition->hostdevs,
					(definition->count + 1) * sizeof(*grown));

	if (!grown)
		return fail(definition->name, "out of memory");
	definition->hostdevs = grown;
	grown[definition->count++] = *hostdev;
	return 0;
}

/* DEVICE is a hostdev, an interface or a disk; SOURCE says which device it is. */
static int add_source(struct definition *definition, xmlNode *device, xmlNode *source)
{
	struct hostdev hostdev = {.is_mdev = attribute_is(device, "type", "mdev")};
	xmlNode *address = child(source, "address"), *guest = child(device, "address");

	if (hostdev.is_mdev ? !read_uuid(address, &hostdev) : !read_address(address, hostdev.text))
		return definition->unread = "its XML has a device without a valid host address", 0;
	/* what the guest has at a disk's address is no device, but a disk that is made of one */
	if (!is_element(device, "disk") && guest && attribute_is(guest, "type", "pci"))
		read_address(guest, hostdev.guest);
	return add_hostdev(definition, &hostdev);
}

/* NVMe devices stand in <source type='pci'>: of the disk, of what it is backed by, of what it is
 * copied to. */
static int add_nvme_sources(struct definition *definition, xmlNode *disk, xmlNode *below)
{
	int error = 0;

	for (xmlNode *node = below->children; node && !error; node = node->next) {
		if (is_element(node, "source") && attribute_is(node, "type", "pci"))
			error = add_source(definition, disk, node);
		else if (node->type == XML_ELEMENT_NODE)
			error = add_nvme_sources(definition, disk, node);
	}
	return error;
}

static int add_device(struct definition *definition, xmlNode *device)
{
	bool hostdev = is_element(device, "hostdev") && attribute_is(device, "mode", "subsystem") &&
		       (attribute_is(device, "type", "pci") ||
			attribute_is(device, "type", "mdev"));

	/* an interface of a network that hands out devices is of this type, too, while its domain
	 * runs */
	if (hostdev || (is_element(device, "interface") && attribute_is(device, "type", "hostdev")))
		return add_source(definition, device, child(device, "source"));
	return is_element(device, "disk") ? add_nvme_sources(definition, device, device) : 0;
}

/* No network, no entities, and libxml2's own limits. */
static int parse_xml(const char *name, const char *text, struct definition *ret)
{
	struct definition definition = {.name = name};
	xmlNode *root, *devices;
	int error = 0;

	definition.xml = xmlReadMemory(text, (int)strlen(text), NULL, NULL,
				       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	root = definition.xml ? xmlDocGetRootElement(definition.xml) : NULL;
	if (!root || definition.xml->intSubset || !is_element(root, "domain")) {
		free_definition(&definition);
		ret->unread = "its XML is invalid";
		return 0;
	}
	definition.runs = xmlHasProp(root, (const xmlChar *)"id");
	devices = child(root, "devices");
	for (xmlNode *node = devices ? devices->children : NULL; node && !error; node = node->next)
		error = add_device(&definition, node);
	if (error < 0)
		free_definition(&definition);
	else
		*ret = definition;
	return error;
}

/* ---- frontends ---- */

static bool in_namespace(const xmlNode *node, const char *namespace)
{
	return node->ns && node->ns->href &&
	       strncmp((const char *)node->ns->href, namespace, strlen(namespace)) == 0;
}

/* <one:system_datastore>/var/lib/one//datastores/0/42</one:system_datastore>: the last part is the
 * VM's id. To be freed. */
static char *opennebula_id(const xmlNode *vm)
{
	xmlChar *path = xmlNodeGetContent(child(vm, "system_datastore"));
	const char *slash = path ? strrchr((const char *)path, '/') : NULL;
	size_t length = slash ? strspn(slash + 1, "0123456789") : 0;
	char *id = length && !slash[1 + length] ? strdup(slash + 1) : NULL;

	xmlFree(path);
	return id;
}

/* KubeVirt names the domain <namespace>_<name>; neither has a _ of its own. To be freed. */
static char *kubevirt_id(const char *name)
{
	const char *separator = strchr(name, '_');
	char *id;

	if (!separator || separator == name || !separator[1] || strchr(separator + 1, '_'))
		return NULL;
	id = strdup(name);
	if (id)
		id[separator - name] = '/';
	return id;
}

/* Finds the frontend whose metadata are in the domain's XML, and at *ret_id what that calls the VM,
 * to be freed. Returns NULL when there are none, or the id is not among them. */
static const char *find_frontend(const struct definition *definition, const char *uuid,
				 char **ret_id)
{
	xmlNode *metadata = child(xmlDocGetRootElement(definition->xml), "metadata");
	const char *frontend = NULL;
	char *id = NULL;

	for (xmlNode *node = metadata ? metadata->children : NULL; node && !id; node = node->next) {
		if (is_element(node, "vm") && in_namespace(node, ONE_NAMESPACE))
			frontend = "opennebula", id = opennebula_id(node);
		else if (is_element(node, "instance") && in_namespace(node, NOVA_NAMESPACE))
			frontend = "nova", id = strdup(uuid);
		else if (is_element(node, "kubevirt") && in_namespace(node, KUBEVIRT_NAMESPACE))
			frontend = "kubevirt", id = kubevirt_id(definition->name);
	}
	*ret_id = id;
	return id ? frontend : NULL;
}

/* ---- the answer ---- */

static size_t printed;

static void print_text(const char *text)
{
	const char *p = text;

	putchar(' ');
	if (!p || !*p)
		putchar('-');
	for (; p && *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("_.:", *p) || (*p == '-' && p != text))
			putchar(*p);
		else
			printf("%%%02x", (unsigned)(unsigned char)*p);
	}
}

static bool has_hostdev(const struct definition *definition, const struct hostdev *hostdev)
{
	for (size_t i = 0; i < definition->count; i++)
		if (definition->hostdevs[i].is_mdev == hostdev->is_mdev &&
		    strcmp(definition->hostdevs[i].text, hostdev->text) == 0)
			return true;
	return false;
}

/* Prints the devices of DEFINITION that aren't among those of BUT (or NULL). */
static void print_devices(virDomainPtr domain, const struct definition *definition, bool runs,
			  const struct definition *but)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "", *id = NULL;
	const char *frontend;

	virDomainGetUUIDString(domain, uuid);
	frontend = definition->xml ? find_frontend(definition, uuid, &id) : NULL;
	for (size_t i = 0; i < definition->count; i++) {
		const struct hostdev *hostdev = &definition->hostdevs[i];

		if (but && has_hostdev(but, hostdev))
			continue;
		fputs(runs ? "runs" : "defined", stdout);
		print_text(hostdev->is_mdev ? "mdev" : "pci");
		print_text(hostdev->text);
		print_text(hostdev->guest);
		print_text(uuid);
		print_text(virDomainGetName(domain));
		print_text(frontend);
		print_text(id);
		putchar('\n');
		printed++;
	}
	free(id);
}

/* Devices of other domains are still printed. */
static void print_unread(virDomainPtr domain, const char *why)
{
	fputs("unread", stdout);
	print_text(virDomainGetName(domain));
	print_text(why && *why ? why : "libvirt reports no reason");
	putchar('\n');
	printed++;
}

/* Returns 1, 0 when the domain is no more, or -1. */
static int read_definition(virDomainPtr domain, unsigned flags, struct definition *ret)
{
	char *text = virDomainGetXMLDesc(domain, flags);
	int error;

	if (!text && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
		return 0;
	if (!text) {
		ret->unread = virGetLastErrorMessage();
		return 1;
	}
	error = parse_xml(virDomainGetName(domain), text, ret);
	free(text);
	return error < 0 ? error : 1;
}

/* What runs has a definition besides, for when it is started again: a device that only this names
 * is as good as a stopped domain's. Of a transient domain libvirt gives the live one once more,
 * which adds nothing. */
static int print_domain(virDomainPtr domain)
{
	struct definition live = {0}, defined = {0};
	const char *unread;
	char why[256];
	int found = read_definition(domain, 0, &live);

	if (found > 0 && live.runs)
		found = read_definition(domain, VIR_DOMAIN_XML_INACTIVE, &defined);
	if (found > 0) {
		unread = live.unread ? live.unread : defined.unread;
		snprintf(why, sizeof(why), "%s", unread ? unread : "");
		print_devices(domain, &live, live.runs, NULL);
		print_devices(domain, &defined, false, &live);
		if (unread)
			print_unread(domain, why);
	}
	free_definition(&live);
	free_definition(&defined);
	return found < 0 ? found : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(virDomainGetName(*(const virDomainPtr *)a),
		      virDomainGetName(*(const virDomainPtr *)b));
}

/* In the order of their names: libvirt's own changes, and two readings are to be compared. */
static int print_domains(virConnectPtr connection)
{
	virDomainPtr *domains;
	int count = virConnectListAllDomains(connection, &domains, 0), error = 0;

	if (count < 0)
		return fail("the list of domains", virGetLastErrorMessage());
	qsort(domains, (size_t)count, sizeof(virDomainPtr), compare_names);
	for (int i = 0; i < count; i++) {
		if (!error)
			error = print_domain(domains[i]);
		virDomainFree(domains[i]);
	}
	free(domains);
	return error;
}

/* A URI that leads to just this socket, whatever else there is. To be freed. */
static char *make_uri(const char *path)
{
	static const char start[] = "qemu+unix:///system?socket=";
	char *uri = malloc(sizeof(start) + 3 * strlen(path)), *p;

	if (!uri)
		return NULL;
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
	virSetErrorFunc(NULL, ignore_error);
	uri = make_uri(argv[1]);
	connection = uri ? virConnectOpenReadOnly(uri) : NULL;
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
