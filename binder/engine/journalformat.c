/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/journalformat.h"

#include "common/textstream.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "vfio-bind 1\n"
#define BOOT "boot "

/* On disk; do not change. */
static const char *const STATES[] = {
	[CHANGE_BOUND] = "bound", [CHANGE_APPLYING] = "doing", [CHANGE_ROLLING_BACK] = "undo"};

/* ---- reading ---- */

static int hex(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
					      : -1;
}

/* Decodes LENGTH bytes of FIELD. Returns 0 with *ret NULL for "-", -EBADMSG or -ENOMEM. */
static int decode(const char *field, size_t length, char **ret)
{
	char *name, *end;

	if (length == 0)
		return -EBADMSG;
	if (length == 1 && *field == '-') {
		*ret = NULL;
		return 0;
	}
	name = end = malloc(length + 1);
	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		if (field[i] != '%') {
			*end++ = field[i];
			continue;
		}
		if (i + 2 >= length || hex(field[i + 1]) < 0 || hex(field[i + 2]) < 0) {
			free(name);
			return -EBADMSG;
		}
		*end++ = (char)(hex(field[i + 1]) << 4 | hex(field[i + 2]));
		i += 2;
	}
	*end = '\0';
	*ret = name;
	return 0;
}

static int parse_binding(const char *field, struct binding *binding)
{
	size_t driver = strcspn(field, ","), override;
	const char *rest = field + driver;
	int error;

	if (*rest++ != ',')
		return -EBADMSG;
	binding->autoprobe = driver == 1 && *field == '*';
	error = binding->autoprobe ? 0 : decode(field, driver, &binding->driver);
	override = strcspn(rest, ",");
	if (!error)
		error = decode(rest, override, &binding->override);
	rest += override;
	if (error || !*rest)
		return error;
	return strchr(++rest, ',') ? -EBADMSG : decode(rest, strlen(rest), &binding->module);
}

static bool parse_state(const char *field, struct change *change)
{
	size_t length = strcspn(field, "-");

	for (size_t i = 0; i < sizeof(STATES) / sizeof(*STATES); i++)
		if (strlen(STATES[i]) == length && strncmp(field, STATES[i], length) == 0) {
			change->state = (enum change_state)i;
			change->is_vfs = strcmp(field + length, "-vfs") == 0;
			return change->is_vfs || !field[length];
		}
	return false;
}

static int parse_inode(const char *field, uint64_t *ret)
{
	unsigned long long inode;
	int end = 0;

	if (sscanf(field, "%20llu%n", &inode, &end) != 1 || field[end])
		return -EBADMSG;
	*ret = inode;
	return 0;
}

/* Parses the fields that every line has. */
static int parse_common(char **fields, struct change *change)
{
	unsigned vendor, device;
	int end = 0;

	if (!parse_state(fields[0], change) ||
	    address_parse_full(fields[1], &change->address) < 0 ||
	    sscanf(fields[2], "%4x:%4x%n", &vendor, &device, &end) != 2 || fields[2][end] ||
	    parse_inode(fields[3], &change->inode) < 0)
		return -EBADMSG;
	change->vendor = (uint16_t)vendor;
	change->device = (uint16_t)device;
	return 0;
}

static int parse_vfs(const char *field, unsigned *ret)
{
	int end = 0;

	return sscanf(field, "%5u%n", ret, &end) == 1 && !field[end] ? 0 : -EBADMSG;
}

/* Parses the next decimal field of *REST, up to MAX, and moves *REST behind it. */
static int parse_number(char **rest, unsigned max, unsigned *ret)
{
	char *field = strsep(rest, ":"), *end;
	unsigned long number;

	if (!field || *field < '0' || *field > '9')
		return -EBADMSG;
	number = strtoul(field, &end, 10);
	if (*end || number > max)
		return -EBADMSG;
	*ret = (unsigned)number;
	return 0;
}

static int parse_interface_name(char **rest, char name[static IFNAMSIZ])
{
	char *field = strsep(rest, ":"), *decoded = NULL;
	int error = field ? decode(field, strlen(field), &decoded) : -EBADMSG;

	if (!error && (!decoded || strlen(decoded) >= IFNAMSIZ))
		error = -EBADMSG;
	if (!error)
		strcpy(name, decoded);
	free(decoded);
	return error;
}

/* In hex, without colons. */
static int parse_mac(char **rest, struct rtnetlink_vf *vf)
{
	char *field = strsep(rest, ":");
	size_t length = field ? strlen(field) : 0;

	if (length == 0 || length % 2 || length / 2 > sizeof(vf->mac))
		return -EBADMSG;
	for (size_t i = 0; i < length; i++) {
		if (hex(field[i]) < 0)
			return -EBADMSG;
		vf->mac[i / 2] = (unsigned char)(vf->mac[i / 2] << 4 | hex(field[i]));
	}
	vf->mac_length = length / 2;
	return 0;
}

static int parse_switch(char **rest, enum rtnetlink_switch *ret)
{
	unsigned value;
	int error = parse_number(rest, SWITCH_ON, &value);

	if (!error)
		*ret = (enum rtnetlink_switch)value;
	return error;
}

static int parse_vf(char *rest, struct vf_entry *entry)
{
	struct rtnetlink_vf *vf = &entry->vf;
	unsigned *const numbers[] = {&vf->vlan,	    &vf->vlan_priority, &vf->vlan_protocol,
				     &vf->min_rate, &vf->max_rate,	&vf->link_state};
	enum rtnetlink_switch *const switches[] = {&vf->spoof_check, &vf->trust, &vf->rss_query};
	int error = parse_number(&rest, INT32_MAX, &entry->interface);

	if (!error)
		error = parse_interface_name(&rest, entry->name);
	if (!error)
		error = parse_number(&rest, UINT16_MAX, &vf->index);
	if (!error)
		error = parse_mac(&rest, vf);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !error; i++)
		error = parse_number(&rest, UINT32_MAX, numbers[i]);
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches) && !error; i++)
		error = parse_switch(&rest, switches[i]);
	return error || !rest ? error : -EBADMSG;
}

static int parse_settings(char *field, struct vf_list *ret)
{
	char *rest = NULL;
	int error = 0;

	for (char *item = strtok_r(field, ";", &rest); item && !error;
	     item = strtok_r(NULL, ";", &rest)) {
		struct vf_entry entry = {0};

		error = parse_vf(item, &entry);
		if (!error)
			error = vf_list_add(ret, &entry);
	}
	return error;
}

/* The settings are absent if there are none. */
static int parse_vfs_fields(char **fields, struct change *change)
{
	int error = parse_vfs(fields[0], &change->vfs_before);

	if (!error)
		error = parse_vfs(fields[1], &change->vfs_wanted);
	if (!error)
		error = parse_inode(fields[2], &change->vf_before);
	if (!error)
		error = decode(fields[3], strlen(fields[3]), &change->vfs_lost);
	return error || !fields[4] ? error : parse_settings(fields[4], &change->settings);
}

static int parse_line(char *line, struct change *change)
{
	char *fields[10] = {NULL}, *rest = NULL;
	size_t count = 0;
	int error;

	for (char *field = strtok_r(line, " ", &rest); field && count < 10;
	     field = strtok_r(NULL, " ", &rest))
		fields[count++] = field;
	if (count < 4)
		return -EBADMSG;
	error = parse_common(fields, change);
	if (error < 0)
		return error;
	if (change->is_vfs ? count != 8 && count != 9 : count != 7)
		return -EBADMSG;
	if (change->is_vfs)
		return parse_vfs_fields(fields + 4, change);
	error = parse_binding(fields[4], &change->origin);
	if (!error)
		error = parse_binding(fields[5], &change->before);
	return error ? error : parse_binding(fields[6], &change->wanted);
}

int journalformat_parse(char *content, struct changes *ret, unsigned *ret_line, char **ret_boot)
{
	char *rest = NULL;

	*ret_line = 1;
	*ret_boot = NULL;
	if (strncmp(content, HEADER, strlen(HEADER)) != 0)
		return -EBADMSG;
	for (char *line = strtok_r(content + strlen(HEADER), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct change *change;
		int error;

		if (++*ret_line == 2 && strncmp(line, BOOT, strlen(BOOT)) == 0) {
			*ret_boot = line + strlen(BOOT);
			continue;
		}
		change = changes_add(ret, &(struct pci_device){0});
		error = change ? parse_line(line, change) : -ENOMEM;
		if (error < 0)
			return error;
	}
	return 0;
}

/* ---- writing ---- */

static void encode(FILE *out, const char *name)
{
	if (!name) {
		fputc('-', out);
		return;
	}
	if (strcmp(name, "-") == 0) {
		fputs("%2D", out);
		return;
	}
	for (const char *p = name; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("_.-", *p))
			fputc(*p, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*p);
	}
}

static void write_binding(FILE *out, const struct binding *binding)
{
	fputc(' ', out);
	if (binding->autoprobe)
		fputc('*', out);
	else
		encode(out, binding->driver);
	fputc(',', out);
	encode(out, binding->override);
	if (!binding->module)
		return;
	fputc(',', out);
	encode(out, binding->module);
}

static void write_vf(FILE *out, const struct vf_entry *entry)
{
	const struct rtnetlink_vf *vf = &entry->vf;

	fprintf(out, "%u:", entry->interface);
	encode(out, entry->name);
	fprintf(out, ":%u:", vf->index);
	for (size_t i = 0; i < vf->mac_length; i++)
		fprintf(out, "%02X", vf->mac[i]);
	fprintf(out, ":%u:%u:%u:%u:%u:%u:%u:%u:%u;", vf->vlan, vf->vlan_priority, vf->vlan_protocol,
		vf->min_rate, vf->max_rate, vf->link_state, (unsigned)vf->spoof_check,
		(unsigned)vf->trust, (unsigned)vf->rss_query);
}

static void write_change(FILE *out, const struct change *change)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "%s%s %s %04x:%04x %llu", STATES[change->state], change->is_vfs ? "-vfs" : "",
		address_format(&change->address, address), change->vendor, change->device,
		(unsigned long long)change->inode);
	if (change->is_vfs) {
		fprintf(out, " %u %u %llu ", change->vfs_before, change->vfs_wanted,
			(unsigned long long)change->vf_before);
		encode(out, change->vfs_lost);
		if (change->settings.count)
			fputc(' ', out);
		for (size_t i = 0; i < change->settings.count; i++)
			write_vf(out, &change->settings.items[i]);
	} else {
		write_binding(out, &change->origin);
		write_binding(out, &change->before);
		write_binding(out, &change->wanted);
	}
	fputc('\n', out);
}

char *journalformat_write(const struct changes *changes, const char *boot)
{
	char *text;
	FILE *out = textstream_open(&text);

	if (!out)
		return NULL;
	fputs(HEADER, out);
	if (boot)
		fprintf(out, BOOT "%s\n", boot);
	for (size_t i = 0; i < changes->count; i++)
		write_change(out, &changes->items[i]);
	return textstream_close(out, &text);
}
