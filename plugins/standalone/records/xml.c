/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of frontends that print XML: a helper program reads it, see helper/xml-records.c. */
#include "common/program.h"
#include "plugins/standalone/records/records.h"
#include "probe/ownership/helper.h"
#include "probe/ownership/libvirt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MILLISECONDS 8000

/* Returns a descriptor above 2 from which TEXT can be read, or a negative errno. */
static int make_input(const char *text, size_t length)
{
	int fd = memfd_create("records", MFD_CLOEXEC), high;
	size_t written = 0;

	if (fd < 0)
		return -errno;
	while (written < length) {
		ssize_t n = write(fd, text + written, length - written);

		if (n <= 0) {
			close(fd);
			return -EIO;
		}
		written += (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high < 0 ? -errno : high;
}

int xml_records_run(const struct record_file *file, const char *kind, char **ret,
		    size_t *ret_length)
{
	char path[PATH_MAX], why[HELPER_WHY_SIZE] = "";
	struct helper helper = {.path = program_helper(XML_HELPER, path),
				.argument = kind,
				.milliseconds = MILLISECONDS};
	int error;

	if (!helper.path) {
		log_error(&file->file.log, "verify %s: built without libxml2", kind);
		return -ENOSYS;
	}
	helper.directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	helper.input = make_input(file->text, file->length);
	if (helper.directory < 0 || helper.input < 0)
		error = helper.input < 0 ? helper.input : -errno;
	else
		error = helper_run(&helper, ret, ret_length, why);
	if (error < 0)
		log_error(&file->file.log, "%s: %s", file->file.path,
			  *why ? why : strerror(-error));
	if (helper.directory >= 0)
		close(helper.directory);
	if (helper.input >= 0)
		close(helper.input);
	return error;
}

/* ---- OpenNebula ---- */

enum { KIND, HOST_ID, HOST, ADDRESS, VMID, LISTED, FIELDS };

/* "0000:81:00:2", with colons only */
static bool read_address(const char *text, struct pci_address *ret)
{
	char address[ADDRESS_SIZE];
	size_t length = strlen(text);

	if (length >= sizeof(address))
		return false;
	strcpy(address, text);
	if (strrchr(address, ':') && !strchr(address, '.'))
		*strrchr(address, ':') = '.';
	return address_parse_full(address, ret) == 0;
}

static bool is_number(const char *text)
{
	size_t length = strspn(text, "0123456789");

	return length && length <= 10 && !text[length];
}

/* Returns 0, -EINVAL if the device is invalid, -EBADMSG if the line is, or another errno. */
static int add_opennebula(struct records *records, char *line)
{
	char *fields[FIELDS], host[256];
	struct record record = {.has_address = true};

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i] || !*fields[i])
			return -EBADMSG;
	}
	if (line || strcmp(fields[KIND], "pci") != 0)
		return -EBADMSG;
	if (!read_address(fields[ADDRESS], &record.address))
		return -EINVAL;
	if (strcmp(fields[VMID], "-") != 0) {
		if (!is_number(fields[VMID]))
			return -EINVAL;
		record.vm_id = fields[VMID];
		record.use = strcmp(fields[LISTED], "no") == 0 ? RECORD_ORPHANED : RECORD_ASSIGNED;
	}
	record.host_id = is_number(fields[HOST_ID]) ? fields[HOST_ID] : NULL;
	/* hosts are told apart by id: two can have the same name in different clusters */
	snprintf(host, sizeof(host), "%s", fields[HOST]);
	record.host = host;
	return records_add(records, &record);
}

struct opennebula_reader {
	struct records *records;
	const struct record_file *file;
	size_t devices; /* so far */
};

/* A line of xml-records. */
static int add_line(void *data, char *line)
{
	struct opennebula_reader *reader = data;
	int error = add_opennebula(reader->records, line);

	reader->devices++;
	if (error != -EINVAL)
		return error;
	reader->records->invalid++;
	log_warning(&reader->file->file.log, "%s: PCI device %zu has an invalid ADDRESS or VMID",
		    reader->file->file.path, reader->devices);
	return 0;
}

int opennebula_records_parse(struct records *records, const struct record_file *files, size_t count,
			     const char *host)
{
	(void)host;
	for (size_t i = 0; i < count; i++) {
		struct opennebula_reader reader = {.records = records, .file = &files[i]};
		char *text = NULL;
		size_t length = 0;
		int error = xml_records_run(&files[i], "opennebula", &text, &length);

		if (error < 0)
			return error;
		error = text ? helper_parse(text, length, add_line, &reader) : -EBADMSG;
		free(text);
		if (error < 0) {
			log_error(&files[i].file.log, "%s: %s", files[i].file.path,
				  error == -EBADMSG ? "malformed answer of xml-records"
						    : strerror(-error));
			return error;
		}
	}
	return 0;
}

/* ---- libvirt ---- */

static int add_domain_device(struct records *records, const struct domain_device *device)
{
	static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";
	struct record record = {
		.use = device->runs ? RECORD_RUNNING : RECORD_CONFIGURED,
		.vm_id = device->name,
		.vm_name = device->name,
		.vm_uuid = strcmp(device->uuid, no_uuid) == 0 ? NULL : device->uuid,
	};

	if (device->device.is_mdev) {
		record.mdev = device->device.mdev;
	} else {
		record.has_address = true;
		record.address = device->device.address;
	}
	return records_add(records, &record);
}

int libvirt_records_parse(struct records *records, const struct record_file *files, size_t count,
			  const char *host)
{
	(void)host;
	for (size_t i = 0; i < count; i++) {
		const struct log *log = &files[i].file.log;
		struct domain_devices devices = {0};
		char *text = NULL;
		size_t length = 0;
		int error = xml_records_run(&files[i], "libvirt", &text, &length);

		if (error < 0)
			return error;
		error = text ? domain_devices_parse(text, length, &devices) : -EBADMSG;
		free(text);
		for (size_t j = 0; j < devices.count && !error; j++)
			error = add_domain_device(records, &devices.items[j]);
		if (error == -EBADMSG)
			log_error(log, "%s: a domain has an invalid UUID", files[i].file.path);
		else if (error < 0)
			log_error(log, "%s: %s", files[i].file.path, strerror(-error));
		if (devices.unread) {
			records->invalid += devices.unread;
			log_warning(log, "%s: %zu domain(s) have an invalid device",
				    files[i].file.path, devices.unread);
		}
		domain_devices_free(&devices);
		if (error < 0)
			return error;
	}
	return 0;
}
