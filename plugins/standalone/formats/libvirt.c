/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt: elements of the domain XML (https://libvirt.org/formatdomain.html, "Host device
 * assignment" and "Network interfaces"), each suitable for 'virsh attach-device' and
 * 'detach-device'. Each is preceded by a comment that starts with "<!-- " and the device's address,
 * where the output can be split.
 *
 * libxml2 is not used: loading it would add milliseconds to each start for little XML. */
#include "common/text.h"
#include "common/textstream.h"
#include "plugins/standalone/formats/devicecomment.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#define ETHERNET_CLASS 0x0200
#define MAC_SIZE 18

/* libvirt's schema type genericName, which a driver's model must match. */
#define GENERIC_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-"

/* XML cannot represent control characters, and a replacement would name another interface. */
static bool is_writable(const char *string)
{
	uint32_t character;
	size_t length = 1;

	while (*string && (length = text_decode(string, &character)) && !text_is_control(character))
		string += length;
	return !*string;
}

static void write_escaped(FILE *out, const char *string)
{
	for (; *string; string++) {
		switch (*string) {
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
			fputc(*string, out);
		}
	}
}

/* XML comments must not contain "--". */
static void write_comment(FILE *out, const char *string)
{
	fputs("<!-- ", out);
	for (; *string; string++) {
		fputc(*string, out);
		if (string[0] == '-' && string[1] == '-')
			fputc(' ', out);
	}
	fputs(" -->\n", out);
}

/* Derives a MAC address from host and PCI address, so that the XML for attaching and detaching is
 * the same: the VF's own address is not visible while it is assigned to a VM, and many drivers
 * randomize it. It is locally administered and outside of libvirt's prefix 52:54:00. */
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

/* NVIDIA's own driver assigns its VFs, and must stay bound to them. */
static const char *managed(const struct pci_device *device)
{
	return device->vgpu_type ? "no" : "yes";
}

/* The model, a vendor-specific VFIO driver, is supported since libvirt 10.0.0, iommufd
 * since 12.1.0. Older versions ignore both, unless they validate the XML, and use vfio-pci and VFIO
 * groups. */
static void write_driver(FILE *out, const struct report *report, const struct pci_device *device)
{
	const char *driver = device->driver ? device->driver : "";

	fputs("  <driver name='vfio'", out);
	if (driver_is_vfio(driver) && strcmp(driver, "vfio-pci") != 0 &&
	    !driver[strspn(driver, GENERIC_NAME)])
		fprintf(out, " model='%s'", driver);
	fputs(report->format.iommufd ? " iommufd='yes'/>\n" : "/>\n", out);
}

static void write_hostdev(FILE *out, const struct report *report, const struct pci_device *device)
{
	fprintf(out, "<hostdev mode='subsystem' type='pci' managed='%s'>\n", managed(device));
	write_source(out, "", &device->address);
	write_driver(out, report, device);
	fputs("</hostdev>\n", out);
}

/* When the VM starts, libvirt removes a VLAN that its XML does not have. */
static void write_vlan(FILE *out, const struct pci_device *device)
{
	if (device->vf && device->vf->vlan)
		fprintf(out, "  <vlan>\n    <tag id='%" PRIu64 "'/>\n  </vlan>\n",
			device->vf->vlan);
}

/* What of the VF's VLAN the XML cannot have. */
static void write_vlan_comment(FILE *out, const struct report *report,
			       const struct pci_device *device)
{
	const struct vf_settings *vf = device->vf;

	if (device->vf_unknown_reason) {
		fputs("     VLAN unknown: ", out);
		text_write_plain(out, device->vf_unknown_reason);
		fputs("; libvirt removes a VLAN that is not in the XML\n", out);
	}
	if (!vf || !vf->vlan)
		return;
	if (vf->vlan_priority || text_same(vf->vlan_protocol, "802.1ad"))
		fprintf(out,
			"     libvirt sets the VLAN without its priority %" PRIu64
			", and with protocol 802.1Q\n",
			vf->vlan_priority);
	if (report->format.teaming)
		fputs("     the virtio interface is not in the VLAN: macvtap devices have none\n",
		      out);
}

/* TEAM is the alias of the virtio interface, or NULL. */
static void write_interface(FILE *out, const struct report *report, const struct pci_device *device,
			    const char *mac, const char *team)
{
	fprintf(out, "<interface type='hostdev' managed='yes'>\n  <mac address='%s'/>\n", mac);
	write_source(out, "type='pci' ", &device->address);
	write_driver(out, report, device);
	write_vlan(out, device);
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

/* libvirt sets the MAC address of such a VF through its PF's interface. All other VFs, including
 * InfiniBand, are plain hostdevs. */
static bool is_network_vf(const struct pci_device *device)
{
	return device->sriov.role == SRIOV_VF && device->class == ETHERNET_CLASS &&
	       device->pf_interface;
}

static bool is_paired(const struct report *report, const struct pci_device *device)
{
	return report->format.teaming && is_network_vf(device) && is_writable(device->pf_interface);
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
	write_interface(out, report, device, mac, is_paired(report, device) ? team : NULL);
}

/* Returns the text of DEVICE's comment; NULL if out of memory. The caller frees it. Sets
 * *ret_blocked if the device cannot be assigned at all. */
static char *make_comment(const struct report *report, const struct pci_device *device,
			  bool *ret_blocked)
{
	char *string = NULL;
	FILE *out = textstream_open(&string);

	if (!out)
		return NULL;
	*ret_blocked = devicecomment_write(out, "", device);
	if (device->vgpu_type && strcmp(device->vgpu_type, "0") == 0)
		fputs("     without a vGPU: write the id of a type to nvidia/current_vgpu_type in its directory below /sys/bus/pci/devices\n",
		      out);
	if (!*ret_blocked && is_network_vf(device))
		write_vlan_comment(out, report, device);
	if (report->format.teaming && !*ret_blocked && !is_paired(report, device))
		fputs("     not teamed: only an Ethernet VF whose PF has a network interface can be paired with a virtio interface\n",
		      out);
	if (textstream_close(out, &string))
		string[strlen(string) - 1] = '\0'; /* the last newline */
	return string;
}

int write_libvirt(const struct report *report, FILE *out)
{
	inventory_foreach(report->inventory, device) {
		bool blocked = false;
		char *comment = make_comment(report, device, &blocked);

		if (!comment)
			return -ENOMEM;
		if (!blocked && is_network_vf(device)) {
			write_network_vf(out, report, device, comment);
		} else {
			write_comment(out, comment);
			if (!blocked)
				write_hostdev(out, report, device);
		}
		free(comment);
	}
	return 0;
}
