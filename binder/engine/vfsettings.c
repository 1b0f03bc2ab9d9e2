/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/vfsettings.h"

#include "binder/engine/devicepath.h"
#include "binder/engine/kernel.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAC_LENGTH 6
#define PAUSE_MS 500
#define ROUNDS_MAX (5000 / PAUSE_MS)

/* ---- lists ---- */

int vf_list_add(struct vf_list *list, const struct vf_entry *entry)
{
	struct vf_entry *grown = realloc(list->items, (list->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->count++] = *entry;
	return 0;
}

void vf_list_free(struct vf_list *list)
{
	free(list->items);
	*list = (struct vf_list){0};
}

int vf_list_copy(struct vf_list *to, const struct vf_list *from)
{
	struct vf_list copy = {0};

	for (size_t i = 0; i < from->count; i++)
		if (vf_list_add(&copy, &from->items[i]) < 0) {
			vf_list_free(&copy);
			return -ENOMEM;
		}
	vf_list_free(to);
	*to = copy;
	return 0;
}

void vf_list_set_defaults(struct vf_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct rtnetlink_vf *vf = &list->items[i].vf;

		memset(vf->mac, 0, sizeof(vf->mac));
		vf->vlan = vf->vlan_priority = vf->vlan_protocol = 0;
		vf->min_rate = vf->max_rate = 0;
		vf->link_state = IFLA_VF_LINK_STATE_AUTO;
		if (vf->spoof_check)
			vf->spoof_check = SWITCH_ON;
		if (vf->trust)
			vf->trust = SWITCH_OFF;
		if (vf->rss_query)
			vf->rss_query = SWITCH_OFF;
	}
}

/* ---- reading ---- */

/* Appends the VFs that are reported through one interface. */
struct vf_reader {
	struct vf_list *list;
	struct vf_entry entry; /* with the interface */
};

static int add_reported(void *data, const struct rtnetlink_vf *vf)
{
	struct vf_reader *reader = data;

	reader->entry.vf = *vf;
	return vf_list_add(reader->list, &reader->entry);
}

static int read_index(struct sysroot *root, const struct pci_address *pf, const char *name,
		      unsigned *ret)
{
	char file[sizeof("net//ifindex") + IFNAMSIZ], path[DEVICE_PATH_SIZE];
	char value[ATTRIBUTE_SIZE], *end;
	unsigned long index;
	ssize_t length;

	snprintf(file, sizeof(file), "net/%.15s/ifindex", name);
	length = sysdir_read(sysroot_dir(root), device_path(pf, file, path), value, sizeof(value));
	if (length < 0)
		return (int)length;
	index = strtoul(value, &end, 10);
	if (end == value || *end || index == 0 || index > INT32_MAX)
		return -EBADMSG;
	*ret = (unsigned)index;
	return 0;
}

static int read_interface(struct netlink *netlink, struct sysroot *root,
			  const struct pci_address *pf, const char *name, struct vf_list *list)
{
	struct vf_reader reader = {.list = list};
	int error;

	if (strlen(name) >= sizeof(reader.entry.name))
		return -ENAMETOOLONG;
	strcpy(reader.entry.name, name);
	error = read_index(root, pf, name, &reader.entry.interface);
	return error ? error
		     : rtnetlink_vfs(netlink, reader.entry.interface, false, add_reported, &reader);
}

int vf_list_read(struct netlink *netlink, struct sysroot *root, const struct pci_address *pf,
		 char failed[static IFNAMSIZ], struct vf_list *ret)
{
	_cleanup_closedir_ DIR *directory = NULL;
	char path[DEVICE_PATH_SIZE];
	struct vf_list list = {0};
	struct dirent *entry;
	bool is_found = false;
	int error = sysdir_list(sysroot_dir(root), device_path(pf, "net", path), &directory);

	*failed = '\0';
	if (error < 0)
		return error == -ENOENT ? -ENODEV : error;
	while (!error && (entry = sysdir_next(directory))) {
		is_found = true;
		error = read_interface(netlink, root, pf, entry->d_name, &list);
		if (error < 0)
			snprintf(failed, IFNAMSIZ, "%.15s", entry->d_name);
	}
	if (!error && !is_found)
		error = -ENODEV;
	if (error < 0)
		vf_list_free(&list);
	else
		*ret = list;
	return error;
}

/* ---- single settings ---- */

/* MACs of other lengths are of InfiniBand, which has GUIDs instead. */
static bool is_reported(const struct rtnetlink_vf *vf, enum rtnetlink_setting setting)
{
	return setting == VF_MAC	   ? vf->mac_length == MAC_LENGTH
	       : setting == VF_SPOOF_CHECK ? vf->spoof_check != SWITCH_UNSUPPORTED
	       : setting == VF_TRUST	   ? vf->trust != SWITCH_UNSUPPORTED
	       : setting == VF_RSS_QUERY   ? vf->rss_query != SWITCH_UNSUPPORTED
					   : true;
}

static unsigned protocol(const struct rtnetlink_vf *vf)
{
	return vf->vlan_protocol ? vf->vlan_protocol : ETH_P_8021Q;
}

bool vf_setting_differs(const struct rtnetlink_vf *now, const struct rtnetlink_vf *wanted,
			enum rtnetlink_setting setting)
{
	if (!is_reported(wanted, setting))
		return false;
	switch (setting) {
	case VF_MAC:
		return memcmp(now->mac, wanted->mac, MAC_LENGTH) != 0;
	case VF_VLAN:
		return now->vlan != wanted->vlan || now->vlan_priority != wanted->vlan_priority ||
		       ((wanted->vlan || wanted->vlan_priority) &&
			protocol(now) != protocol(wanted));
	case VF_SPOOF_CHECK:
		return now->spoof_check != wanted->spoof_check;
	case VF_TRUST:
		return now->trust != wanted->trust;
	case VF_LINK_STATE:
		return now->link_state != wanted->link_state;
	case VF_RATE:
		return now->min_rate != wanted->min_rate || now->max_rate != wanted->max_rate;
	case VF_RSS_QUERY:
		return now->rss_query != wanted->rss_query;
	}
	return false;
}

static const char *on_off(enum rtnetlink_switch value)
{
	return value == SWITCH_ON ? "on" : "off";
}

const char *vf_setting_format(const struct rtnetlink_vf *vf, enum rtnetlink_setting setting,
			      char text[static VF_SETTING_SIZE])
{
	const unsigned char *mac = vf->mac;

	switch (setting) {
	case VF_MAC:
		snprintf(text, VF_SETTING_SIZE, "mac %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
		break;
	case VF_VLAN:
		snprintf(text, VF_SETTING_SIZE, "vlan %u qos %u%s", vf->vlan, vf->vlan_priority,
			 protocol(vf) == ETH_P_8021AD ? " proto 802.1ad" : "");
		break;
	case VF_SPOOF_CHECK:
		snprintf(text, VF_SETTING_SIZE, "spoofchk %s", on_off(vf->spoof_check));
		break;
	case VF_TRUST:
		snprintf(text, VF_SETTING_SIZE, "trust %s", on_off(vf->trust));
		break;
	case VF_LINK_STATE:
		snprintf(text, VF_SETTING_SIZE, "state %s",
			 vf->link_state == IFLA_VF_LINK_STATE_ENABLE	? "enable"
			 : vf->link_state == IFLA_VF_LINK_STATE_DISABLE ? "disable"
									: "auto");
		break;
	case VF_RATE:
		snprintf(text, VF_SETTING_SIZE, "max_tx_rate %u min_tx_rate %u", vf->max_rate,
			 vf->min_rate);
		break;
	case VF_RSS_QUERY:
		snprintf(text, VF_SETTING_SIZE, "query_rss %s", on_off(vf->rss_query));
		break;
	}
	return text;
}

/* ---- applying ---- */

/* A VF whose settings are set. */
struct vf_work {
	const struct vf_entry *wanted;
	struct rtnetlink_vf now;
	int read_error; /* NOW is unknown; -ENOENT: the driver does not report the VF */
	bool is_tried[RTNETLINK_SETTINGS];
	int errors[RTNETLINK_SETTINGS]; /* of the last request */
};

struct vf_works {
	struct vf_work *items;
	size_t count;
	unsigned interface; /* that is being read */
};

static int make_works(const struct vf_list *wanted, unsigned limit, struct vf_works *ret)
{
	*ret = (struct vf_works){
		.items = calloc(wanted->count ? wanted->count : 1, sizeof(*ret->items))};
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->items[i].vf.index < limit)
			ret->items[ret->count++].wanted = &wanted->items[i];
	return 0;
}

static int set_now(void *data, const struct rtnetlink_vf *vf)
{
	struct vf_works *works = data;

	for (size_t i = 0; i < works->count; i++) {
		struct vf_work *work = &works->items[i];

		if (work->wanted->interface != works->interface ||
		    work->wanted->vf.index != vf->index)
			continue;
		work->now = *vf;
		work->read_error = 0;
	}
	return 0;
}

static void set_read_error(struct vf_works *works, unsigned interface, int error)
{
	for (size_t i = 0; i < works->count; i++)
		if (works->items[i].wanted->interface == interface)
			works->items[i].read_error = error;
}

/* Reads each interface once. Returns 0 or -ETIMEDOUT. */
static int read_works(struct netlink *netlink, struct vf_works *works)
{
	works->interface = 0;
	for (size_t i = 0; i < works->count; i++) {
		int error;

		if (works->items[i].wanted->interface == works->interface)
			continue;
		works->interface = works->items[i].wanted->interface;
		set_read_error(works, works->interface, -ENOENT);
		error = rtnetlink_vfs(netlink, works->interface, false, set_now, works);
		if (error == -ETIMEDOUT)
			return error;
		if (error < 0)
			set_read_error(works, works->interface, error);
	}
	return 0;
}

/* An error that may pass: a driver resets a VF after it was created, and some set rates only while
 * the link is up. */
static bool is_temporary(enum rtnetlink_setting setting, int error)
{
	return error == -EAGAIN || error == -EBUSY || error == -ENETDOWN ||
	       (error == -EINVAL && setting == VF_RATE);
}

static bool is_wrong(const struct vf_work *work, enum rtnetlink_setting setting)
{
	return !work->read_error && vf_setting_differs(&work->now, &work->wanted->vf, setting);
}

static bool is_due(const struct vf_work *work, enum rtnetlink_setting setting)
{
	return is_wrong(work, setting) &&
	       (!work->is_tried[setting] || is_temporary(setting, work->errors[setting]));
}

static bool has_due(const struct vf_works *works)
{
	for (size_t i = 0; i < works->count; i++) {
		if (works->items[i].read_error == -ENOENT)
			return true;
		for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++)
			if (is_due(&works->items[i], s))
				return true;
	}
	return false;
}

/* Sends requests on behalf of a PF, which is busy until the kernel has finished them. */
struct device_netlink {
	struct netlink netlink; /* first member, so that a pointer to it can be cast */
	struct kernel *kernel;
	const struct pci_address *pf;
};

static int device_query(struct netlink *netlink, const char *namespace,
			const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	struct device_netlink *device = (struct device_netlink *)netlink;

	(void)namespace;
	return device->kernel->set_link(device->kernel, device->pf, request, receive, data);
}

/* Returns 0 or -ETIMEDOUT. */
static int set_works(struct kernel *kernel, const struct pci_address *pf, struct vf_works *works)
{
	struct device_netlink device = {
		.netlink = {.query = device_query}, .kernel = kernel, .pf = pf};

	for (size_t i = 0; i < works->count; i++) {
		struct vf_work *work = &works->items[i];

		for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++) {
			if (!is_due(work, s))
				continue;
			work->is_tried[s] = true;
			work->errors[s] = rtnetlink_set_vf(&device.netlink, work->wanted->interface,
							   &work->wanted->vf, s);
			if (work->errors[s] == -ETIMEDOUT)
				return -ETIMEDOUT;
		}
	}
	return 0;
}

static int apply_works(struct kernel *kernel, const struct pci_address *pf, struct vf_works *works)
{
	int error = read_works(kernel->netlink, works);

	for (unsigned round = 0; !error && round < ROUNDS_MAX && has_due(works); round++) {
		if (round)
			kernel->pause(kernel, PAUSE_MS);
		error = set_works(kernel, pf, works);
		if (!error)
			error = read_works(kernel->netlink, works);
	}
	return error;
}

/* ---- results ---- */

/* What an error of a driver means. */
static const char *find_meaning(enum rtnetlink_setting setting, int error)
{
	switch (-error) {
	case EOPNOTSUPP:
		return "the driver cannot set it";
	case EPERM:
		return "it needs CAP_NET_ADMIN in the network namespace of the interface";
	case EAGAIN:
	case EBUSY:
		return "the driver is resetting the virtual function";
	case EINVAL:
		return setting == VF_MAC    ? "some drivers refuse to remove a MAC address"
		       : setting == VF_RATE ? "some drivers refuse rates while the link is down"
					    : "the driver refuses this value";
	default:
		return NULL;
	}
}

static void log_failure(const struct kernel *kernel, const struct pci_address *pf,
			const struct vf_work *work, enum rtnetlink_setting setting)
{
	char address[ADDRESS_SIZE], wanted[VF_SETTING_SIZE], now[VF_SETTING_SIZE];
	const char *meaning = find_meaning(setting, work->errors[setting]);

	address_format(pf, address);
	vf_setting_format(&work->wanted->vf, setting, wanted);
	if (!work->errors[setting])
		log_error(
			kernel->log,
			"%s: virtual function %u: %s: accepted by the driver of %s, but it still reports %s; check with 'ip link show dev %s'",
			address, work->wanted->vf.index, wanted, work->wanted->name,
			vf_setting_format(&work->now, setting, now), work->wanted->name);
	else
		log_error(
			kernel->log,
			"%s: virtual function %u: not set: %s: %s%s%s; try 'ip link set dev %s vf %u %s'",
			address, work->wanted->vf.index, wanted, strerror(-work->errors[setting]),
			meaning ? ": " : "", meaning ? meaning : "", work->wanted->name,
			work->wanted->vf.index, wanted);
}

static void log_unreadable(const struct kernel *kernel, const struct pci_address *pf,
			   const struct vf_work *work)
{
	char address[ADDRESS_SIZE], text[VF_SETTING_SIZE];
	char all[RTNETLINK_SETTINGS * (VF_SETTING_SIZE + 1)] = "";

	for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++)
		if (is_reported(&work->wanted->vf, s)) {
			strcat(all, " ");
			strcat(all, vf_setting_format(&work->wanted->vf, s, text));
		}
	log_error(
		kernel->log,
		"%s: virtual function %u: settings not set: %s: %s; try 'ip link set dev %s vf %u%s'",
		address_format(pf, address), work->wanted->vf.index, work->wanted->name,
		work->read_error == -ENOENT ? "the driver does not report the virtual function"
					    : strerror(-work->read_error),
		work->wanted->name, work->wanted->vf.index, all);
}

static void add_failure(struct vf_outcome *outcome, int error)
{
	if (!outcome->failed++)
		outcome->error = error;
	outcome->is_denied |= error == -EPERM;
}

static void report_works(const struct kernel *kernel, const struct pci_address *pf,
			 const struct vf_works *works, struct vf_outcome *ret)
{
	*ret = (struct vf_outcome){0};
	for (size_t i = 0; i < works->count; i++) {
		const struct vf_work *work = &works->items[i];

		if (work->read_error) {
			log_unreadable(kernel, pf, work);
			add_failure(ret, work->read_error);
		}
		for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++) {
			if (is_wrong(work, s)) {
				log_failure(kernel, pf, work, s);
				add_failure(ret, work->errors[s]);
			} else if (!work->read_error && work->is_tried[s]) {
				ret->set++;
			}
		}
	}
}

int vf_list_apply(struct kernel *kernel, const struct pci_address *pf, const struct vf_list *wanted,
		  unsigned limit, struct vf_outcome *ret)
{
	char address[ADDRESS_SIZE];
	struct vf_works works;
	int error = make_works(wanted, limit, &works);

	if (error < 0)
		return error;
	error = apply_works(kernel, pf, &works);
	if (error < 0)
		log_error(
			kernel->log,
			"%s: timed out while setting its virtual functions; a driver may hold the kernel's RTNL lock",
			address_format(pf, address));
	else
		report_works(kernel, pf, &works, ret);
	free(works.items);
	return error;
}
