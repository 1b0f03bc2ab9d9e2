/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/vfsettings.h"

#include "probe/ownership/helper.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_NETWORK 0x02

/* ---- the helper's output ---- */

/* Only decimal digits, up to MAX. */
static bool read_number(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && *ret <= max;
}

static bool read_switch(const char *text, bool *ret)
{
	*ret = strcmp(text, "on") == 0;
	return *ret || strcmp(text, "off") == 0;
}

/* Six bytes, or the 20 of InfiniBand. */
static bool read_mac(const char *text, char ret[static VF_MAC_SIZE])
{
	size_t length = strlen(text);

	if (length != strlen("52:54:00:00:00:00") && length != VF_MAC_SIZE - 1)
		return false;
	for (size_t i = 0; i < length; i++)
		if (i % 3 == 2 ? text[i] != ':' : !strchr("0123456789abcdef", text[i]))
			return false;
	strcpy(ret, text);
	return true;
}

/* One of the strings of LIST, which ends with NULL. */
static bool read_word(const char *text, const char *const *list, const char **ret)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0) {
			*ret = *list;
			return true;
		}
	return false;
}

/* "vlan=100" */
static bool read_setting(char *item, struct vf_settings *vf)
{
	static const char *const protocols[] = {"802.1Q", "802.1ad", NULL};
	static const char *const links[] = {"auto", "enable", "disable", NULL};
	const struct {
		const char *name;
		uint64_t *number;
		uint64_t max;
		bool is_counter;
	} numbers[] = {
		{"vlan", &vf->vlan, UINT32_MAX, false},
		{"priority", &vf->vlan_priority, UINT32_MAX, false},
		{"min_rate", &vf->min_rate, UINT32_MAX, false},
		{"max_rate", &vf->max_rate, UINT32_MAX, false},
		{"rx_packets", &vf->rx_packets, UINT64_MAX, true},
		{"tx_packets", &vf->tx_packets, UINT64_MAX, true},
		{"rx_bytes", &vf->rx_bytes, UINT64_MAX, true},
		{"tx_bytes", &vf->tx_bytes, UINT64_MAX, true},
		{"broadcast", &vf->broadcast, UINT64_MAX, true},
		{"multicast", &vf->multicast, UINT64_MAX, true},
		{"rx_dropped", &vf->rx_dropped, UINT64_MAX, true},
		{"tx_dropped", &vf->tx_dropped, UINT64_MAX, true},
	};
	const struct {
		const char *name;
		bool *on;
		unsigned bit;
	} switches[] = {
		{"spoof_check", &vf->spoof_check, VF_HAS_SPOOF_CHECK},
		{"trust", &vf->trust, VF_HAS_TRUST},
		{"rss_query", &vf->rss_query, VF_HAS_RSS_QUERY},
	};
	char *value = strchr(item, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(item, "mac") == 0)
		return read_mac(value, vf->mac);
	if (strcmp(item, "protocol") == 0)
		return read_word(value, protocols, &vf->vlan_protocol);
	if (strcmp(item, "link") == 0)
		return read_word(value, links, &vf->link_state);
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
		if (strcmp(item, switches[i].name) == 0) {
			vf->present |= switches[i].bit;
			return read_switch(value, switches[i].on);
		}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strcmp(item, numbers[i].name) == 0) {
			vf->present |= numbers[i].is_counter ? VF_HAS_COUNTERS : 0;
			return read_number(value, numbers[i].max, numbers[i].number);
		}
	return false;
}

static bool is_vf_of(const struct pci_device *device, const struct pci_address *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, pf) == 0;
}

static struct pci_device *find_vf(struct inventory *inventory, const struct pci_address *pf,
				  uint64_t index)
{
	inventory_foreach(inventory, device)
		if (is_vf_of(device, pf) && (device->present & HAS_VF_INDEX) &&
		    device->sriov.vf_index == index)
			return device;
	return NULL;
}

static int set_vf(struct pci_device *device, const struct vf_settings *vf)
{
	struct vf_settings *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *vf;
	free(device->vf); /* a changed list is printed again */
	device->vf = copy;
	return 0;
}

static int add_vf(struct inventory *inventory, char *line)
{
	char *pf_text = strsep(&line, " "), *index_text = strsep(&line, " "), *item;
	struct vf_settings vf = {0};
	struct pci_address pf;
	struct pci_device *device;
	uint64_t index;

	if (!index_text || address_parse_full(pf_text, &pf) < 0 ||
	    !read_number(index_text, UINT_MAX, &index))
		return -EBADMSG;
	while ((item = strsep(&line, " ")))
		if (!read_setting(item, &vf))
			return -EBADMSG;
	device = find_vf(inventory, &pf, index);
	return device ? set_vf(device, &vf) : 0;
}

static int set_unknown(struct pci_device *device, const char *reason)
{
	free(device->vf);
	device->vf = NULL;
	free(device->vf_unknown_reason);
	device->vf_unknown_reason = strdup(reason);
	return device->vf_unknown_reason ? 0 : -ENOMEM;
}

static int set_failed(struct inventory *inventory, char *line)
{
	char *pf_text = strsep(&line, " "), reason[UNKNOWN_REASON_SIZE];
	struct pci_address pf;
	uint64_t number;
	int error = 0;

	if (!line || address_parse_full(pf_text, &pf) < 0 || !read_number(line, 4095, &number))
		return -EBADMSG;
	inventory_foreach(inventory, device) {
		if (error || !is_vf_of(device, &pf))
			continue;
		snprintf(reason, sizeof(reason), "%s: %s", device->pf_interface,
			 strerror((int)number));
		error = set_unknown(device, reason);
	}
	return error;
}

static int add_line(void *data, char *line)
{
	char *kind = strsep(&line, " ");

	if (!line)
		return -EBADMSG;
	return strcmp(kind, "vf") == 0	     ? add_vf(data, line)
	       : strcmp(kind, "failed") == 0 ? set_failed(data, line)
					     : -EBADMSG;
}

int vf_settings_parse(const char *output, size_t length, struct inventory *inventory)
{
	return helper_parse(output, length, add_line, inventory);
}

/* ---- the query ---- */

/* Appends "PF INTERFACE" for each PF; VFs of a PF are adjacent. */
static int list_pfs(struct inventory *inventory, char **ret)
{
	struct pci_address last = {0};
	char name[ADDRESS_SIZE], *list = NULL, *grown;
	bool has_last = false;

	inventory_foreach(inventory, device) {
		if (!device->pf_interface || !(device->present & HAS_PF))
			continue;
		if (has_last && address_compare(&last, &device->sriov.pf) == 0)
			continue;
		last = device->sriov.pf;
		has_last = true;
		if (asprintf(&grown, "%s%s%s %s", list ? list : "", list ? " " : "",
			     address_format(&last, name), device->pf_interface) < 0) {
			free(list);
			return -ENOMEM;
		}
		free(list);
		list = grown;
	}
	*ret = list;
	return 0;
}

static int run_helper(struct sysroot *root, const char *helper, struct inventory *inventory,
		      char **ret, size_t *ret_length, char why[HELPER_WHY_SIZE])
{
	char *pfs = NULL;
	int error = list_pfs(inventory, &pfs);
	struct helper run = {.path = helper,
			     .directory = sysroot_dir(root)->fd,
			     .milliseconds = VF_SETTINGS_MILLISECONDS};

	if (error < 0)
		return error;
	run.argument = pfs;
	error = helper_run(&run, ret, ret_length, why);
	free(pfs);
	if (error == 0)
		sysroot_notify(root, SYSROOT_FILE, VF_SETTINGS_FILE, *ret, *ret_length);
	return error;
}

/* The file was read without its last newline. */
static int read_recorded(struct sysroot *root, char **ret, size_t *ret_length,
			 char why[HELPER_WHY_SIZE])
{
	char *text = NULL;
	int error = textfile_read(root, VF_SETTINGS_FILE, HELPER_OUTPUT_MAX, &text), length;

	if (error < 0) {
		snprintf(why, HELPER_WHY_SIZE, "%s",
			 error == -ENOENT ? "not recorded" : strerror(-error));
		return error;
	}
	length = asprintf(ret, "%s\n", text);
	free(text);
	if (length < 0)
		return -ENOMEM;
	*ret_length = (size_t)length;
	return 0;
}

static int read_output(struct sysroot *root, const char *helper, struct inventory *inventory,
		       char why[HELPER_WHY_SIZE])
{
	char *output = NULL;
	size_t length = 0;
	int error;

	if (!sysroot_is_host(root)) {
		error = read_recorded(root, &output, &length, why);
	} else if (helper) {
		error = run_helper(root, helper, inventory, &output, &length, why);
	} else {
		strcpy(why, "built without libmnl");
		error = -ENOSYS;
	}
	if (error < 0)
		return error;
	error = vf_settings_parse(output, length, inventory);
	free(output);
	if (error == -EBADMSG)
		strcpy(why, "malformed answer");
	return error;
}

static bool is_network_vf(const struct pci_device *device)
{
	return (device->present & HAS_PF) && device->class >> 8 == CLASS_NETWORK;
}

int vf_settings_read(struct sysroot *root, const struct log *log, const char *helper,
		     struct inventory *inventory)
{
	char why[HELPER_WHY_SIZE] = "the driver reported no settings";
	bool wanted = false;
	int error = 0, failed = 0;

	inventory_foreach(inventory, device)
		wanted = wanted || (is_network_vf(device) && device->pf_interface);
	if (wanted)
		error = read_output(root, helper, inventory, why);
	if (error == -ENOMEM)
		return error;
	if (error < 0 && helper && sysroot_is_host(root))
		log_warning(log, "settings of network VFs are unknown: %s", why);
	inventory_foreach(inventory, device) {
		if (failed || !is_network_vf(device) || device->vf || device->vf_unknown_reason)
			continue;
		failed = set_unknown(
			device,
			device->pf_interface
				? why
				: "no network interface of its PF in this network namespace");
	}
	return failed;
}
