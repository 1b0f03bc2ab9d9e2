/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/records/records.h"

#include "common/jsonvalue.h"
#include "probe/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int record_file_read(const char *path, const struct log *log, struct record_file *ret)
{
	ssize_t length;
	char *shrunk;
	int error;

	*ret = (struct record_file){.file = {.path = "stdin", .fd = STDIN_FILENO, .log = *log}};
	if (strcmp(path, "-") != 0) {
		error = callerfile_open(path, log, &ret->file);
		if (error < 0)
			return error;
	}
	ret->text = malloc(RECORDS_SIZE_MAX + 1);
	length = ret->text ? config_read(ret->file.fd, ret->text, RECORDS_SIZE_MAX) : -ENOMEM;
	if (length >= 0) {
		ret->text[length] = '\0';
		ret->length = (size_t)length;
		/* to the size that it needs, as there may be many files */
		shrunk = realloc(ret->text, ret->length + 1);
		ret->text = shrunk ? shrunk : ret->text;
		return 0;
	}
	if (length == -EFBIG)
		log_error(log, "%s: file too large (limit %u MiB)", ret->file.path,
			  RECORDS_SIZE_MAX >> 20);
	else
		log_error(log, "%s: %s", ret->file.path, strerror((int)-length));
	record_file_free(ret);
	return (int)length;
}

void record_file_free(struct record_file *file)
{
	free(file->text);
	if (file->file.fd > STDIN_FILENO)
		close(file->file.fd);
	*file = (struct record_file){.file.fd = -1};
}

int record_file_parse_json(const struct record_file *file, struct json_object **ret)
{
	struct jsonvalue_error syntax = {.reason = "NUL byte"};
	int error = strlen(file->text) == file->length ? jsonvalue_parse(file->text, ret, &syntax)
						       : -EBADMSG;

	if (error == -EBADMSG)
		log_error(&file->file.log, "%s:%zu: invalid JSON: %s", file->file.path,
			  syntax.lines + 1, syntax.reason);
	return error;
}

/* Replaces *string by a copy that belongs to RECORDS, or an empty one by NULL. */
static int copy_string(struct records *records, const char **string)
{
	int error;

	if (!*string || !**string) {
		*string = NULL;
		return 0;
	}
	error = strings_add(&records->strings, *string);
	if (!error)
		*string = records->strings.items[records->strings.count - 1];
	return error;
}

int records_add(struct records *records, const struct record *record)
{
	struct record copy = *record, *grown;
	const char **const members[] = {&copy.mdev, &copy.vm_id, &copy.vm_uuid, &copy.vm_name,
					&copy.item, &copy.host,	 &copy.host_id};
	int error = records->count == RECORDS_MAX ? -EFBIG : 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members) && !error; i++)
		error = copy_string(records, members[i]);
	if (error < 0)
		return error;
	/* twice as many whenever the number is a power of two */
	if (!(records->count & (records->count - 1))) {
		grown = realloc(records->items,
				(records->count ? 2 * records->count : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		records->items = grown;
	}
	records->items[records->count++] = copy;
	return 0;
}

static bool same_host(const char *a, const char *b)
{
	size_t length = strcspn(a, ".");

	return length == strcspn(b, ".") && strncasecmp(a, b, length) == 0;
}

static bool has_several_hosts(const struct records *records)
{
	const char *first = NULL;

	for (size_t i = 0; i < records->count; i++) {
		const char *host = records->items[i].host;

		if (host && first && strcmp(host, first) != 0)
			return true;
		first = host ? host : first;
	}
	return false;
}

int records_choose_host(struct records *records, const char *host, const struct log *log)
{
	size_t kept = 0;

	if (!has_several_hosts(records)) {
		const char *only = records->count ? records->items[0].host : NULL;

		/* a host may also be known by its IP address or number */
		if (only && isalpha((unsigned char)*only) && !same_host(only, host))
			log_warning(log, "the records are those of a host that is not named '%s'",
				    host);
		return 0;
	}
	for (size_t i = 0; i < records->count; i++) {
		struct record *record = &records->items[i];

		if (record->host && same_host(record->host, host))
			records->items[kept++] = *record;
	}
	records->count = kept;
	if (kept)
		return 0;
	log_error(log,
		  "the records are those of several hosts, and none of them is named '%s'; "
		  "print those of this host only",
		  host);
	return -ENOENT;
}

void records_free(struct records *records)
{
	strings_free(&records->strings);
	free(records->items);
	*records = (struct records){0};
}

bool record_has_vm(const struct record *record)
{
	return record->use != RECORD_FREE && record->use != RECORD_UNUSABLE;
}
