/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt: elements of a domain's XML (https://libvirt.org/formatdomain.html, "Host device
 * assignment" and "Network interfaces"), each of them what 'virsh attach-device' and
 * 'detach-device' take. Before each stands a comment, whose first line begins with "<!-- " and the
 * device's address: there the output can be split.
 *
 * Written by hand: half a page of XML isn't worth the milliseconds that libxml2 costs each start.
 */
#include "common/text.h"
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/unavailable.h"
#include "probe/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#define ETHERNET_CLASS 0x0200
#define MAC_SIZE 18

/* What libvirt calls a generic name, the only ones that it takes as a driver's model. */
#define GENERIC_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-"

/* XML has no control characters, and no other name would do in place of the real one. */
static bool is_writable(const char *text)
{
	uint32_t character;
	size_t length = 1;

	while (*text && (length = text_decode(text, &character)) && !text_is_control(character))
		text += length;
	return !*text;
}

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

/* In a comment XML has no "--". */
static void write_comment(FILE *out, const char *text)
{
	fputs("<!-- ", out);
	for (; *text; text++) {
		fputc(*text, out);
		if (text[0] == '-' && text[1] == '-')
			fputc(' ', out);
	}
	fputs(" -->\n", out);
}

/* The same at every call: detaching takes the XML that attaching took, and a VF's own address is
 * not to be seen while a VM has it, and another one after each start of many drivers. It is a local
 * one, outside of libvirt's 52:54:00. */
static void make_mac(const char *host, const char *address, char mac[static MAC_SIZE])
{
	char name[128];
	uuid_t hash;

	snprintf(name, sizeof(name), "%s/%s", host, address);
	uuid_generate_sha1(hash, *uuid_get_template("dns"), name, strlen(name));
	snprintf(mac, MAC_SIZE, "02:%02x:%02x:%02x:%02x:%02x", hash[11], hash[12], hash[13],
		 hash[14], hash[15]);
}

static void write_source(FILE *out, const char *type, const struct pci_address *address)
{
	fprintf(out,
		"  <source>\n    <address %sdomain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>\n  </source>\n",
		type, address->domain, address->bus, address->slot, address->function);
}

/* The model, a VFIO driver of the maker's own, is known to libvirt since 10.0.0. Older ones pass
 * over it, unless they are told to validate, and use vfio-pci. */
static void write_driver(FILE *out, const struct pci_device *device)
{
	const char *driver = device->driver ? device->driver : "";

	fputs("  <driver name='vfio'", out);
	if (driver_is_vfio(driver) && strcmp(driver, "vfio-pci") != 0 &&
	    !driver[strspn(driver, GENERIC_NAME)])
		fprintf(out, " model='%s'", driver);
	fputs("/>\n", out);
}

static void write_hostdev(FILE *out, const struct pci_device *device)
{
	fputs("<hostdev mode='subsystem' type='pci' managed='yes'>\n", out);
	write_source(out, "", &device->address);
	write_driver(out, device);
	fputs("</hostdev>\n", out);
}

/* TEAM is the alias of the virtio interface; NULL: there is none. */
static void write_interface(FILE *out, const struct pci_device *device, const char *mac,
			    const char *team)
{
	fprintf(out, "<interface type='hostdev' managed='yes'>\n  <mac address='%s'/>\n", mac);
	write_source(out, "type='pci' ", &device->address);
	write_driver(out, device);
	if (team)
		fprintf(out, "  <teaming type='transient' persistent='%s'/>\n", team);
	fputs("</interface>\n", out);
}

static void write_virtio(FILE *out, const struct pci_device *device, const char *mac,
			 const char *team)
{
	fprintf(out, "<interface type='direct'>\n  <mac address='%s'/>\n  <source dev='", mac);
	write_escaped(out, device->pf_interface);
	fprintf(out,
		"' mode='bridge'/>\n  <model type='virtio'/>\n  <teaming type='persistent'/>\n  <alias name='%s'/>\n"
		"</interface>\n",
		team);
}

/* libvirt sets a VF's MAC address through the interface of its PF. Other VFs, of InfiniBand too, it
 * can only hand over. */
static bool is_network_vf(const struct pci_device *device)
{
	return device->sriov.role == SRIOV_VF && device->class == ETHERNET_CLASS &&
	       device->pf_interface;
}

static bool is_paired(const struct report *report, const struct pci_device *device)
{
	return report->teaming && is_network_vf(device) && is_writable(device->pf_interface);
}

static void write_network_vf(FILE *out, const struct report *report,
			     const struct pci_device *device, const char *comment)
{
	char address[ADDRESS_SIZE], mac[MAC_SIZE], team[sizeof("ua-team-") + ADDRESS_SIZE];

	make_mac(report->inventory->host, address_format(&device->address, address), mac);
	snprintf(team, sizeof(team), "ua-team-%s", address);
	for (char *p = team; (p = strpbrk(p, ":."));)
		*p = '-';
	if (is_paired(report, device)) {
		write_comment(out, comment);
		write_virtio(out, device, mac, team);
	}
	write_comment(out, comment);
	write_interface(out, device, mac, is_paired(report, device) ? team : NULL);
}

/* Address, name, and in lines of their own what is to be known of it: *RET_OBSTACLE tells whether
 * anything is in the way for good. To be freed. */
static char *make_comment(const struct report *report, const struct pci_device *device,
			  bool *ret_reason)
{
	char address[ADDRESS_SIZE], *text = NULL;
	size_t size = 0;
	long head;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(address_format(&device->address, address), out);
	if (device->device_name) {
		fputc(' ', out);
		text_write_plain(out, device->device_name);
	}
	fputc('\n', out);
	head = ftell(out);
	unavailable_write_permanent(out, "     ", device);
	*ret_reason = ftell(out) > head;
	if (!device_is_assignable(device) && !*ret_reason)
		unavailable_write_driver(out, "     ", device);
	if (report->teaming && !*ret_reason && !is_paired(report, device))
		fputs("     by itself: only a VF of a network card with an interface can have a virtio interface beside it\n",
		      out);
	if (fclose(out) == 0) {
		text[size - 1] = '\0'; /* the last newline */
		return text;
	}
	free(text);
	return NULL;
}

int write_libvirt(const struct report *report, FILE *out)
{
	inventory_foreach(report->inventory, device) {
		bool reason = false;
		char *comment = make_comment(report, device, &reason);

		if (!comment)
			return -ENOMEM;
		if (!reason && is_network_vf(device)) {
			write_network_vf(out, report, device, comment);
		} else {
			write_comment(out, comment);
			if (!reason)
				write_hostdev(out, device);
		}
		free(comment);
	}
	return 0;
}
