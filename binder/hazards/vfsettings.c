/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What virtual functions lose when they are removed: their drivers, and the settings that were made
 * through the physical function, as by 'ip link set eth0 vf 0 mac ...'. */
#include "binder/hazards/hazard.h"
#include "common/textstream.h"
#include "probe/driver.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_NETWORK 0x02

bool hazard_is_vf_of(const struct pci_device *device, const struct pci_device *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0;
}

static bool has_vf(const struct hazard_view *view, const struct pci_device *pf)
{
	inventory_foreach(view->inventory, device)
		if (hazard_is_vf_of(device, pf))
			return true;
	return false;
}

void hazards_read_vf_settings(const struct hazard_view *view, const struct pci_device *pf,
			      struct hazard_findings *findings, struct vf_list *ret)
{
	char failed[IFNAMSIZ];
	int error;

	*ret = (struct vf_list){0};
	if (!view->netlink || !pf->driver || driver_is_for_vms(pf->driver) || !has_vf(view, pf))
		return;
	error = vf_list_read(view->netlink, view->root, &pf->address, failed, ret);
	if (error == -ENOMEM)
		findings->no_memory = true;
	else if (error == -ENODEV && !*failed && pf->class >> 8 == CLASS_NETWORK)
		hazard_findings_add(
			findings, HAZARD_VF_SETTINGS, pf,
			"settings of its virtual functions cannot be read: no network interface is visible");
	else if (error < 0 && (error != -ENODEV || *failed))
		hazard_findings_add(findings, HAZARD_VF_SETTINGS, pf,
				    "settings of its virtual functions%s%s cannot be read: %s",
				    *failed ? " through " : "", failed, strerror(-error));
}

static void write_mac(FILE *out, const struct rtnetlink_vf *vf)
{
	static const unsigned char none[sizeof(vf->mac)];

	if (memcmp(vf->mac, none, sizeof(none)) == 0)
		return;
	fputs(", MAC ", out);
	for (size_t i = 0; i < vf->mac_length; i++)
		fprintf(out, "%s%02x", i ? ":" : "", vf->mac[i]);
}

static void write_settings(FILE *out, const struct rtnetlink_vf *vf)
{
	write_mac(out, vf);
	if (vf->vlan || vf->vlan_priority)
		fprintf(out, ", VLAN %u priority %u", vf->vlan, vf->vlan_priority);
	if (vf->trust == SWITCH_ON)
		fputs(", trusted", out);
	if (vf->spoof_check == SWITCH_OFF)
		fputs(", spoof checking off", out);
	if (vf->min_rate || vf->max_rate)
		fprintf(out, ", rate %u to %u Mbit/s", vf->min_rate, vf->max_rate);
	if (vf->link_state == IFLA_VF_LINK_STATE_ENABLE)
		fputs(", link always up", out);
	if (vf->link_state == IFLA_VF_LINK_STATE_DISABLE)
		fputs(", link always down", out);
}

/* Each part begins with ", ". */
static void add_finding(const struct pci_device *vf, const struct vf_list *settings, unsigned kept,
			struct hazard_findings *findings)
{
	char *text = NULL;
	FILE *out = textstream_open(&text);

	if (!out) {
		findings->no_memory = true;
		return;
	}
	if (vf->driver && driver_is_for_vms(vf->driver))
		fprintf(out, ", bound to %s", vf->driver);
	for (size_t i = 0; i < settings->count && (vf->present & HAS_VF_INDEX); i++)
		if (settings->items[i].vf.index == vf->sriov.vf_index && vf->sriov.vf_index >= kept)
			write_settings(out, &settings->items[i].vf);
	if (!textstream_close(out, &text))
		findings->no_memory = true;
	else if (*text)
		hazard_findings_add(findings, HAZARD_VF_SETTINGS, vf, "%s", text + strlen(", "));
	free(text);
}

void hazards_find_vf_settings(const struct hazard_view *view, const struct pci_device *pf,
			      const struct vf_list *settings, unsigned kept,
			      struct hazard_findings *findings)
{
	inventory_foreach(view->inventory, vf)
		if (hazard_is_vf_of(vf, pf))
			add_finding(vf, settings, kept, findings);
}
