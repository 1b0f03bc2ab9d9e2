/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What virtual functions lose when they are removed: their drivers, and the settings that were made
 * through the physical function, as by 'ip link set eth0 vf 0 mac ...'. */
#include "binder/hazards/hazard.h"
#include "common/rtnetlink.h"
#include "common/textstream.h"
#include "probe/driver.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_NETWORK 0x02

struct vf_list {
	struct rtnetlink_vf *items;
	size_t count;
};

bool hazard_is_vf_of(const struct pci_device *device, const struct pci_device *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0;
}

static int add_vf(void *data, const struct rtnetlink_vf *vf)
{
	struct vf_list *list = data;
	struct rtnetlink_vf *grown = realloc(list->items, (list->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->count++] = *vf;
	return 0;
}

/* A device has an interface for each of its ports. */
static void read_vfs(const struct hazard_view *view, const struct pci_device *pf,
		     struct hazard_findings *findings, struct vf_list *ret)
{
	if (!view->netlink || !pf->driver || driver_is_for_vms(pf->driver))
		return;
	if (!pf->interface_count && pf->class >> 8 == CLASS_NETWORK)
		hazard_findings_add(
			findings, HAZARD_VF_SETTINGS, pf,
			"settings of its virtual functions cannot be read: no network interface is visible");
	for (size_t i = 0; i < pf->interface_count; i++) {
		int error = rtnetlink_vfs(view->netlink, pf->interfaces[i].name, false, add_vf,
					  ret);

		if (error == -ENOMEM)
			findings->no_memory = true;
		else if (error < 0)
			hazard_findings_add(
				findings, HAZARD_VF_SETTINGS, pf,
				"settings of its virtual functions through %s cannot be read: %s",
				pf->interfaces[i].name, strerror(-error));
	}
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
static void add_finding(const struct pci_device *vf, const struct vf_list *list,
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
	for (size_t i = 0; i < list->count && (vf->present & HAS_VF_INDEX); i++)
		if (list->items[i].index == vf->sriov.vf_index)
			write_settings(out, &list->items[i]);
	if (!textstream_close(out, &text))
		findings->no_memory = true;
	else if (*text)
		hazard_findings_add(findings, HAZARD_VF_SETTINGS, vf, "%s", text + strlen(", "));
	free(text);
}

void hazards_find_vf_settings(struct hazard_view *view, const struct pci_device *pf,
			      struct hazard_findings *findings)
{
	struct vf_list list = {0};
	bool is_read = false;

	inventory_foreach(view->inventory, vf) {
		if (!hazard_is_vf_of(vf, pf))
			continue;
		if (!is_read)
			read_vfs(view, pf, findings, &list);
		is_read = true;
		add_finding(vf, &list, findings);
	}
	free(list.items);
}
