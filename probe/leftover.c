/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/leftover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int __attribute__((format(printf, 3, 4)))
add(struct strings *list, bool is_leftover, const char *format, ...)
{
	char text[VF_MAC_SIZE + 16];
	va_list args;

	if (!is_leftover)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return strings_add(list, text);
}

static int add_number(struct strings *list, const char *name, uint64_t number, uint64_t normal,
		      const char *unit)
{
	return add(list, number && number != normal, "%s %" PRIu64 "%s", name, number, unit);
}

static bool is_normal_link(const struct vf_settings *vf, const struct vf_defaults *normal)
{
	return !vf->link_state || strcmp(vf->link_state, "auto") == 0 ||
	       text_same(vf->link_state, normal->link_state);
}

int leftover_list(const struct vf_settings *vf, const struct vf_defaults *normal,
		  struct strings *ret)
{
	bool unchecked = (vf->present & VF_HAS_SPOOF_CHECK) && !vf->spoof_check;
	bool trusted = (vf->present & VF_HAS_TRUST) && vf->trust;
	bool queries = (vf->present & VF_HAS_RSS_QUERY) && vf->rss_query;

	if (add(ret, *vf->mac && !normal->any_mac, "mac %s", vf->mac) < 0 ||
	    add_number(ret, "vlan", vf->vlan, normal->vlan, "") < 0 ||
	    add_number(ret, "vlan priority", vf->vlan_priority, 0, "") < 0 ||
	    add(ret, unchecked && !normal->no_spoof_check, "spoof check off") < 0 ||
	    add(ret, trusted && !normal->trust, "trust on") < 0 ||
	    add(ret, queries && !normal->rss_query, "rss query on") < 0 ||
	    add(ret, !is_normal_link(vf, normal), "link state %s", vf->link_state) < 0 ||
	    add_number(ret, "min rate", vf->min_rate, normal->min_rate, " Mbit/s") < 0 ||
	    add_number(ret, "max rate", vf->max_rate, normal->max_rate, " Mbit/s") < 0)
		return -ENOMEM;
	return 0;
}

int leftover_read(const struct vf_defaults *normal, struct inventory *inventory)
{
	int error = 0;

	inventory_foreach(inventory, device)
		if (!error && device->vf && (device->present & HAS_OWNERSHIP) &&
		    device->ownership == OWNERSHIP_FREE)
			error = leftover_list(device->vf, normal, &device->leftovers);
	return error;
}
