/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nova's table pci_devices as 'mysql -B' prints it, tab-separated with a header:
 *
 *   mysql -B nova -e 'SELECT p.*, n.hypervisor_hostname FROM pci_devices p
 *                     JOIN compute_nodes n ON n.id = p.compute_node_id WHERE p.deleted = 0'
 *
 * or a resource provider of placement as 'openstack resource provider show --allocations -f json'
 * prints it, or a list of several:
 *
 *   {"uuid": "...", "name": "host1_0000:81:00.0",
 *    "allocations": {"<instance uuid>": {"resources": {"CUSTOM_PCI_10DE_2204": 1}}}}
 *
 * The provider of a physical function stands for its virtual functions, too. Sources: Nova's
 * db/main/models.py, objects/fields.py and compute/pci_placement_translator.py. */
#include "common/jsonvalue.h"
#include "plugins/standalone/records/corrections.h"
#include "plugins/standalone/records/records.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uuid.h>

/* ---- the table ---- */

enum column { ADDRESS, STATUS, INSTANCE, DELETED, NODE, HOST, COLUMNS };

static const char *const NAMES[COLUMNS] = {
	[ADDRESS] = "address", [STATUS] = "status",	   [INSTANCE] = "instance_uuid",
	[DELETED] = "deleted", [NODE] = "compute_node_id", [HOST] = "hypervisor_hostname",
};

struct table {
	const struct record_file *file;
	size_t index[COLUMNS]; /* of each column, from 1; 0: it is not in the table */
	size_t line;
};

/* Splits LINE, without its end, by column. Missing cells and NULL become NULL. */
static void split(const struct table *table, char *line, char *cells[COLUMNS])
{
	char *cell;

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = NULL;
	line[strcspn(line, "\r")] = '\0';
	for (size_t i = 1; (cell = strsep(&line, "\t")); i++)
		for (size_t column = 0; column < COLUMNS; column++)
			if (table->index[column] == i && *cell && strcmp(cell, "NULL") != 0)
				cells[column] = cell;
}

static int read_header(struct table *table, char *line)
{
	char *cell;

	line[strcspn(line, "\r")] = '\0';
	for (size_t i = 1; (cell = strsep(&line, "\t")); i++)
		for (size_t column = 0; column < COLUMNS; column++)
			if (strcmp(cell, NAMES[column]) == 0)
				table->index[column] = i;
	for (size_t column = ADDRESS; column <= INSTANCE; column++)
		if (!table->index[column]) {
			log_error(&table->file->file.log,
				  "%s:1: the header has no column '%s'; print the table with "
				  "'mysql -B'",
				  table->file->file.path, NAMES[column]);
			return -EBADMSG;
		}
	return 0;
}

/* Returns whether the device counts; sets *ret. An unknown status is invalid. */
static bool read_status(const char *status, enum record_use *ret, bool *ret_valid)
{
	static const struct {
		const char *name;
		bool counts;
		enum record_use use;
	} known[] = {
		{"available", true, RECORD_FREE},
		{"claimed", true, RECORD_ASSIGNED}, /* a VM is being started or migrated */
		{"allocated", true, RECORD_DEFINED},
		{"unavailable", true, RECORD_UNUSABLE}, /* a VM has its PF or one of its VFs */
		{"unclaimable", true, RECORD_UNUSABLE},
		{"removed", false, RECORD_FREE},
		{"deleted", false, RECORD_FREE},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(status, known[i].name) == 0) {
			*ret = known[i].use;
			return known[i].counts;
		}
	*ret_valid = false;
	return false;
}

static int add_row(struct records *records, const struct table *table, char *line)
{
	char *cells[COLUMNS];
	struct record record = {.has_address = true};
	bool counts, valid = true;
	uuid_t uuid;

	split(table, line, cells);
	if (cells[DELETED] && strcmp(cells[DELETED], "0") != 0)
		return 0;
	valid = cells[ADDRESS] && cells[STATUS] &&
		address_parse_full(cells[ADDRESS], &record.address) == 0 &&
		(!cells[INSTANCE] || uuid_parse(cells[INSTANCE], uuid) == 0);
	counts = valid && read_status(cells[STATUS], &record.use, &valid);
	if (!valid) {
		records->invalid++;
		log_warning(&table->file->file.log,
			    "%s:%zu: invalid address, status or instance_uuid",
			    table->file->file.path, table->line);
	}
	if (!counts)
		return 0;
	record.vm_id = record.vm_uuid = cells[INSTANCE];
	if (record_has_vm(&record) && !cells[INSTANCE])
		record.use = RECORD_ORPHANED;
	record.host = cells[HOST] ? cells[HOST] : cells[NODE];
	return records_add(records, &record);
}

static int parse_table(struct records *records, const struct record_file *file)
{
	struct table table = {.file = file};
	char *rest = file->text, *line;
	int error = 0;

	if (strlen(file->text) != file->length) {
		log_error(&file->file.log, "%s: invalid table: NUL byte", file->file.path);
		return -EBADMSG;
	}
	while (!error && (line = strsep(&rest, "\n"))) {
		if (++table.line == 1)
			error = read_header(&table, line);
		else if (*line)
			error = add_row(records, &table, line);
	}
	return error;
}

/* ---- placement ---- */

/* Splits NAME, "<host>_<address>", in place. Returns NULL if it is not the name of a PCI device. */
static char *split_name(char *name, struct pci_address *ret)
{
	char *separator = strrchr(name, '_');

	if (!separator || address_parse_full(separator + 1, ret) < 0)
		return NULL;
	*separator = '\0';
	return name;
}

static int add_allocations(struct records *records, const struct record *provider,
			   struct json_object *allocations)
{
	struct json_object_iterator i = json_object_iter_begin(allocations),
				    end = json_object_iter_end(allocations);
	struct record record = *provider;
	int error = 0;

	if (json_object_iter_equal(&i, &end))
		return records_add(records, &record);
	record.use = RECORD_DEFINED;
	for (; !error && !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		record.vm_id = record.vm_uuid = json_object_iter_peek_name(&i);
		error = records_add(records, &record);
	}
	return error;
}

/* Returns 0, -EINVAL, -ENOMEM or -EFBIG. */
static int add_provider(struct records *records, struct json_object *provider)
{
	struct json_object *name = NULL, *allocations = NULL, *uuid = NULL;
	struct record record = {.has_address = true, .with_vfs = true};
	char *copy;
	int error;

	if (!json_object_is_type(provider, json_type_object) ||
	    !json_object_object_get_ex(provider, "name", &name) ||
	    !json_object_is_type(name, json_type_string))
		return -EINVAL;
	copy = strdup(json_object_get_string(name));
	if (!copy)
		return -ENOMEM;
	record.host = split_name(copy, &record.address);
	if (json_object_object_get_ex(provider, "uuid", &uuid) &&
	    json_object_is_type(uuid, json_type_string))
		record.item = json_object_get_string(uuid);
	if (!record.host)
		error = 0; /* of the compute node itself, or of another resource */
	else if (!json_object_object_get_ex(provider, "allocations", &allocations) ||
		 !json_object_is_type(allocations, json_type_object))
		error = -EINVAL;
	else
		error = add_allocations(records, &record, allocations);
	free(copy);
	return error;
}

static int add_providers(struct records *records, const struct record_file *file,
			 struct json_object *value)
{
	bool is_list = json_object_is_type(value, json_type_array);
	size_t count = is_list ? json_object_array_length(value) : 1;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = is_list ? json_object_array_get_idx(value, i) : value;
		int error = add_provider(records, item);

		if (error == -EINVAL) {
			records->invalid++;
			log_warning(&file->file.log,
				    "%s: resource provider %zu has no name or allocations; print "
				    "it with 'openstack resource provider show --allocations'",
				    file->file.path, i + 1);
		} else if (error < 0) {
			return error;
		}
	}
	return 0;
}

static int parse_placement(struct records *records, const struct record_file *file)
{
	struct json_object *value = NULL;
	int error = record_file_parse_json(file, &value);

	if (error < 0)
		return error;
	records->corrections = PLACEMENT_CORRECTIONS;
	error = add_providers(records, file, value);
	json_object_put(value);
	return error;
}

int nova_records_parse(struct records *records, const struct record_file *files, size_t count,
		       const char *host)
{
	(void)host;
	for (size_t i = 0; i < count; i++) {
		const struct record_file *file = &files[i];
		const char *start = file->text + strspn(file->text, " \t\r\n");
		int error = *start == '{' || *start == '[' ? parse_placement(records, file)
							   : parse_table(records, file);

		if (error == -ENOMEM || error == -EFBIG)
			log_error(&file->file.log, "%s: %s", file->file.path, strerror(-error));
		if (error < 0)
			return error;
	}
	return 0;
}
