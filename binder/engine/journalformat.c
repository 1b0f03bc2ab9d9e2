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

static int parse_vfs_fields(char **fields, struct change *change)
{
	int error = parse_vfs(fields[0], &change->vfs_before);

	if (!error)
		error = parse_vfs(fields[1], &change->vfs_wanted);
	if (!error)
		error = parse_inode(fields[2], &change->vf_before);
	return error ? error : decode(fields[3], strlen(fields[3]), &change->vfs_lost);
}

static int parse_line(char *line, struct change *change)
{
	char *fields[9] = {NULL}, *rest = NULL;
	size_t count = 0;
	int error;

	for (char *field = strtok_r(line, " ", &rest); field && count < 9;
	     field = strtok_r(NULL, " ", &rest))
		fields[count++] = field;
	if (count < 4)
		return -EBADMSG;
	error = parse_common(fields, change);
	if (error < 0)
		return error;
	if (count != (change->is_vfs ? 8 : 7))
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
