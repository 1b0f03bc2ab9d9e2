/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/placement.h"

#include "probe/strings.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CUSTOM "CUSTOM_"

static void free_text(char **text)
{
	free(*text);
}

#define _cleanup_text_ __attribute__((cleanup(free_text)))

/* Resource classes of os_resource_classes; all others are custom. */
static const char *const RESOURCE_CLASSES[] = {
	"VCPU",
	"MEMORY_MB",
	"DISK_GB",
	"PCI_DEVICE",
	"SRIOV_NET_VF",
	"NUMA_SOCKET",
	"NUMA_CORE",
	"NUMA_THREAD",
	"NUMA_MEMORY_MB",
	"IPV4_ADDRESS",
	"VGPU",
	"VGPU_DISPLAY_HEAD",
	"NET_BW_EGR_KILOBIT_PER_SEC",
	"NET_BW_IGR_KILOBIT_PER_SEC",
	"PCPU",
	"MEM_ENCRYPTION_CONTEXT",
	"FPGA",
	"PGPU",
	"NET_PACKET_RATE_KILOPACKET_PER_SEC",
	"NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
	"NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
	NULL,
};

/* Namespaces of os_traits. A name in one of them that is in upper case is taken for a standard
 * trait; which of these exist depends on the version of os_traits. */
static const char *const TRAIT_NAMESPACES[] = {"COMPUTE_", "HW_",      "MISC_",
					       "OWNER_",   "STORAGE_", NULL};

static bool is_listed(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static bool is_standard_trait(const char *name)
{
	for (const char *const *namespace = TRAIT_NAMESPACES; *namespace; namespace ++)
		if (strncmp(name, *namespace, strlen(*namespace)) == 0)
			return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
			       strlen(name);
	return false;
}

/* Returns the name of a custom class or trait, which the caller frees: upper case, CUSTOM_ in
 * front, and one '_' in place of other characters. A name that has CUSTOM_ already is kept. NULL:
 * no memory. */
static char *custom_name(const char *name)
{
	bool is_custom = strncasecmp(name, CUSTOM, strlen(CUSTOM)) == 0;
	char *copy = malloc(strlen(CUSTOM) + strlen(name) + 1), *out = copy;

	if (!copy)
		return NULL;
	if (!is_custom)
		out = stpcpy(out, CUSTOM);
	for (const char *in = name; *in; in++) {
		bool keep = is_custom || isalnum((unsigned char)*in);

		if (keep)
			*out++ = (char)toupper((unsigned char)*in);
		else if (in == name || isalnum((unsigned char)in[-1]))
			*out++ = '_';
	}
	*out = '\0';
	return copy;
}

/* Returns the name of the resource class REQUESTED, or if it is NULL the one that is made from the
 * ids. The caller frees it. NULL: no memory. */
static char *class_name(const char *requested, long vendor, long product)
{
	char upper[64], *name;

	if (!requested || !*requested)
		return asprintf(&name, CUSTOM "PCI_%04lX_%04lX", vendor, product) < 0 ? NULL : name;
	snprintf(upper, sizeof(upper), "%s", requested);
	for (char *at = upper; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return strlen(requested) < sizeof(upper) && is_listed(upper, RESOURCE_CLASSES)
		       ? strdup(upper)
		       : custom_name(requested);
}

static int add_trait(struct strings *traits, const char *name)
{
	return strings_has(traits, name) ? 0 : strings_add(traits, name);
}

/* Adds the names of the traits in a comma-separated LIST, or nothing if it is NULL. */
static int add_traits(struct strings *traits, const char *list)
{
	_cleanup_text_ char *copy = list && *list ? strdup(list) : NULL;
	char *rest = copy, *item;
	int error = list && *list && !copy ? -ENOMEM : 0;

	while (error == 0 && (item = strsep(&rest, ","))) {
		_cleanup_text_ char *custom = is_standard_trait(item) ? NULL : custom_name(item);

		if (!custom && !is_standard_trait(item))
			return -ENOMEM;
		error = add_trait(traits, custom ? custom : item);
	}
	return error;
}

/* What Placement has of a device. */
struct placement_resource {
	char *class;
	struct strings traits;
};

static void resource_free(struct placement_resource *resource)
{
	free(resource->class);
	strings_free(&resource->traits);
}

#define _cleanup_resource_ __attribute__((cleanup(resource_free)))

/* Free RET in any case. Returns 0 or -ENOMEM. */
static int resource_read(const struct nova_release *release, const struct nova_line *line,
			 const struct pci_device *device, struct placement_resource *ret)
{
	const struct nova_tags *tags = &line->tags;
	int error;

	*ret = (struct placement_resource){
		.class = class_name(tags->resource_class, device->vendor, device->device)};
	error = ret->class ? add_traits(&ret->traits, tags->traits) : -ENOMEM;
	if (error == 0)
		error = add_trait(&ret->traits, "COMPUTE_MANAGED_PCI_DEVICE");
	if (error == 0 && tags->live_migratable == NOVA_TRUE &&
	    (release->knows & NOVA_MIGRATABLE_TRAIT))
		error = add_trait(&ret->traits, "HW_PCI_LIVE_MIGRATABLE");
	return error;
}

static bool includes(const struct strings *traits, const struct strings *others)
{
	for (size_t i = 0; i < others->count; i++)
		if (!strings_has(traits, others->items[i]))
			return false;
	return true;
}

int nova_placement_matches(const struct nova_release *release, const struct nova_alias *alias,
			   const struct nova_line *line, const struct pci_device *device)
{
	_cleanup_resource_ struct placement_resource offered, asked = {0};
	int error = resource_read(release, line, device, &offered);

	if (error == 0)
		error = add_traits(&asked.traits, alias->traits);
	asked.class = class_name(alias->resource_class, alias->ids[NOVA_VENDOR],
				 alias->ids[NOVA_PRODUCT]);
	if (error < 0 || !asked.class)
		return -ENOMEM;
	return !line->tags.has_network && strcmp(asked.class, offered.class) == 0 &&
	       includes(&offered.traits, &asked.traits);
}

/* ---- devices that cannot be reported together ---- */

static bool is_reported(const struct nova_line *line)
{
	return line && !line->tags.has_network;
}

static bool is_vf_of(const struct pci_device *device, const struct pci_address *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, pf) == 0;
}

struct placement_check {
	struct nova_conf *conf;
	const struct inventory *inventory;
	nova_matches *first;
	const struct log *log;
};

static void __attribute__((format(printf, 3, 4)))
log_conflict(const struct placement_check *check, const struct nova_line *line, const char *format,
	     ...)
{
	va_list args;

	va_start(args, format);
	nova_conf_error(check->conf, check->log, line->line, line->item, format, args);
	va_end(args);
}

/* Compares the devices at the indexes A and B, VFs of one PF. Returns 1 if they are compatible, 0
 * if not (logged), or -ENOMEM. */
static int compare_vfs(const struct placement_check *check, size_t a, size_t b)
{
	const struct pci_device *devices = check->inventory->devices;
	_cleanup_resource_ struct placement_resource one, other = {0};
	char address[ADDRESS_SIZE], previous[ADDRESS_SIZE];
	int error = resource_read(check->conf->release, check->first[a], &devices[a], &one);

	if (error == 0)
		error = resource_read(check->conf->release, check->first[b], &devices[b], &other);
	if (error < 0)
		return error;
	if (strcmp(one.class, other.class) != 0) {
		log_conflict(check, check->first[b],
			     "%s has resource class %.64s, but %s, of the same PF, %.64s",
			     address_format(&devices[b].address, address), other.class,
			     address_format(&devices[a].address, previous), one.class);
		return 0;
	}
	if (includes(&one.traits, &other.traits) && includes(&other.traits, &one.traits))
		return 1;
	log_conflict(check, check->first[b], "%s has other traits than %s, of the same PF",
		     address_format(&devices[b].address, address),
		     address_format(&devices[a].address, previous));
	return 0;
}

/* Checks the VFs of PF, of which the one at INDEX is the first that is reported. */
static int check_vfs(const struct placement_check *check, size_t index)
{
	const struct inventory *inventory = check->inventory;
	const struct pci_device *vf = &inventory->devices[index];
	const struct pci_device *pf = inventory_find(inventory, &vf->sriov.pf);
	char address[ADDRESS_SIZE], pf_address[ADDRESS_SIZE];
	int same;

	if (pf && is_reported(check->first[pf - inventory->devices])) {
		log_conflict(check, check->first[index],
			     "%s and its PF %s cannot both be reported to Placement",
			     address_format(&vf->address, address),
			     address_format(&pf->address, pf_address));
		return 0;
	}
	for (size_t i = index; i < inventory->count; i++) {
		if (!is_vf_of(&inventory->devices[i], &vf->sriov.pf) ||
		    !is_reported(check->first[i]))
			continue;
		if (check->first[i]->tags.has_one_time_use) {
			log_conflict(check, check->first[i],
				     "one_time_use is not allowed for the VF %s",
				     address_format(&inventory->devices[i].address, address));
			return 0;
		}
		same = compare_vfs(check, index, i);
		if (same <= 0)
			return same;
	}
	return 0;
}

static bool is_first_vf(const struct placement_check *check, size_t index)
{
	const struct pci_device *devices = check->inventory->devices;

	if (!(devices[index].present & HAS_PF) || !is_reported(check->first[index]))
		return false;
	for (size_t i = 0; i < index; i++)
		if (is_vf_of(&devices[i], &devices[index].sriov.pf) && is_reported(check->first[i]))
			return false;
	return true;
}

int nova_placement_check(struct nova_conf *conf, const struct inventory *inventory,
			 nova_matches *first, const struct log *log)
{
	const struct placement_check check = {
		.conf = conf, .inventory = inventory, .first = first, .log = log};
	int error = 0;

	for (size_t i = 0; i < inventory->count && error == 0; i++)
		if (is_first_vf(&check, i))
			error = check_vfs(&check, i);
	return error;
}
