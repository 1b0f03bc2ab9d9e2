/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe record: copies the files that the probe reads into a directory for --sysroot. The probe
 * reports each read to an observer, so the recording holds exactly what was read. MAC addresses are
 * masked, also in names derived from them; serial numbers are never read. */
#include "common/program.h"
#include "plugins/standalone/commands/mask.h"
#include "plugins/standalone/options.h"
#include "probe/details/details.h"
#include "probe/details/vfsettings.h"
#include "probe/sysfs/inroot.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file, link or directory that was read. */
struct item {
	enum sysroot_kind thing;
	char *path, *contents;
	size_t length;
};

struct recording {
	struct item *items;
	size_t count, capacity;
	struct strings macs;
	int directory;
	bool no_memory;
};

#define CONFIG_PATH (&CONFIG_HOME[1]) /* relative to the root */

/* The MAC addresses that PFs set for their VFs. */
static int mask_add_vfs(struct strings *macs, const char *text)
{
	static const char name[] = " mac=";
	char mac[VF_MAC_SIZE];
	int error = 0;

	while (!error && (text = strstr(text, name))) {
		text += strlen(name);
		snprintf(mac, sizeof(mac), "%.*s", (int)strcspn(text, " \n"), text);
		error = mask_add(macs, mac);
	}
	return error;
}

static void record_item(void *data, enum sysroot_kind thing, const char *path, const char *contents,
			size_t length)
{
	struct recording *recording = data;
	struct item *grown, *item;
	const char *last = strrchr(path, '/');

	if (recording->count == recording->capacity) {
		recording->capacity = recording->capacity ? recording->capacity * 2 : 256;
		grown = realloc(recording->items, recording->capacity * sizeof(*grown));
		if (!grown) {
			recording->no_memory = true;
			return;
		}
		recording->items = grown;
	}
	item = &recording->items[recording->count];
	*item = (struct item){.thing = thing,
			      .path = strdup(path),
			      .contents = malloc(length + 1),
			      .length = length};
	if (!item->path || !item->contents) {
		free(item->path);
		free(item->contents);
		recording->no_memory = true;
		return;
	}
	memcpy(item->contents, contents, length);
	item->contents[length] = '\0';
	recording->count++;
	if (last && strcmp(last, "/address") == 0 && strstr(path, "/net/") &&
	    mask_add(&recording->macs, item->contents) < 0)
		recording->no_memory = true;
	if (strcmp(path, VF_SETTINGS_FILE) == 0 &&
	    mask_add_vfs(&recording->macs, item->contents) < 0)
		recording->no_memory = true;
}

/* ---- writing, always below the directory: links in it are untrusted ---- */

/* Opens the parent directory of PATH, creating missing directories. */
static int open_parent(const struct recording *recording, const char *path)
{
	char *copy = strdup(path), *slash = copy;
	int parent, fd, error = 0;

	if (!copy)
		return -ENOMEM;
	fd = inroot_open(recording->directory, ".", O_PATH | O_DIRECTORY, 0);
	while (fd >= 0 && !error && (slash = strchr(slash, '/'))) {
		*slash = '\0';
		parent = fd;
		fd = inroot_open(recording->directory, copy, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT) {
			if (mkdirat(parent, strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy,
				    0755) < 0)
				error = -errno;
			else
				fd = inroot_open(recording->directory, copy, O_PATH | O_DIRECTORY,
						 0);
		}
		close(parent);
		*slash++ = '/';
	}
	free(copy);
	return error ? error : fd;
}

static int write_all(int fd, const char *data, size_t length)
{
	ssize_t n;

	for (size_t done = 0; done < length; done += (size_t)n) {
		n = write(fd, data + done, length - done);
		if (n < 0)
			return -errno;
	}
	return 0;
}

static int write_item(const struct recording *recording, const struct item *item)
{
	int parent = open_parent(recording, item->path), fd, error = 0;
	const char *name = strrchr(item->path, '/') ? strrchr(item->path, '/') + 1 : item->path;

	if (parent < 0)
		return parent;
	if (item->thing == SYSROOT_DIRECTORY) {
		if (mkdirat(parent, name, 0755) < 0)
			error = -errno;
	} else if (item->thing == SYSROOT_LINK) {
		if (symlinkat(item->contents, parent, name) < 0)
			error = -errno;
	} else {
		fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0644);
		error = fd < 0 ? -errno : write_all(fd, item->contents, item->length);
		if (fd >= 0 && close(fd) < 0 && !error)
			error = -errno;
	}
	close(parent);
	return error;
}

static bool is_device_link(const struct item *item)
{
	return item->thing == SYSROOT_LINK &&
	       strncmp(item->path, SCAN_DIRECTORY "/", strlen(SCAN_DIRECTORY "/")) == 0 &&
	       !strchr(item->path + strlen(SCAN_DIRECTORY "/"), '/');
}

/* The entry of a device is a link into sys/devices. Its target must exist before files are written
 * through it. */
static int make_device_directory(const struct recording *recording, const struct item *item)
{
	const char *target = item->contents;
	char *path;
	int fd, error;

	if (strncmp(target, "../../../", strlen("../../../")) != 0)
		return -EINVAL;
	if (asprintf(&path, "sys/%s/", target + strlen("../../../")) < 0)
		return -ENOMEM;
	fd = open_parent(recording, path);
	error = fd < 0 ? fd : 0;
	if (fd >= 0)
		close(fd);
	free(path);
	return error;
}

static int write_recording(struct recording *recording, const struct log *log,
			   const char *directory)
{
	int error = 0;

	for (size_t i = 0; i < recording->count; i++) {
		struct item *item = &recording->items[i];

		mask_text(&recording->macs, item->path, strlen(item->path));
		mask_text(&recording->macs, item->contents, item->length);
	}
	for (int links = 1; links >= 0; links--)
		for (size_t i = 0; i < recording->count && !error; i++) {
			const struct item *item = &recording->items[i];

			if (is_device_link(item) != links)
				continue;
			error = links ? make_device_directory(recording, item) : 0;
			if (!error)
				error = write_item(recording, item);
			if (error == -EEXIST) /* read twice */
				error = 0;
			if (error < 0)
				log_error(log, "%s/%s: %s", directory, item->path,
					  strerror(-error));
		}
	return error;
}

/* The directory must be new or empty: recordings are not mixed, and files of the user are not
 * overwritten. */
static int open_directory(const char *path, const struct log *log)
{
	_cleanup_closedir_ DIR *list = NULL;
	int fd;

	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		log_error(log, "%s: %s", path, strerror(errno));
		return -errno;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		list = opendir(path);
	if (fd < 0 || !list) {
		log_error(log, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (sysdir_next(list)) {
		log_error(log, "%s: directory is not empty; use a new or empty one", path);
		close(fd);
		return -ENOTEMPTY;
	}
	return fd;
}

/* Returns its length or a negative errno (logged). A copy of a file that the caller may not read is
 * not made. */
static ssize_t read_named_config(const struct options *options, char *contents, size_t size)
{
	struct callerfile file = {.fd = STDIN_FILENO};
	ssize_t length;
	int error;

	if (!options->config_is_stdin) {
		error = callerfile_open(options->config, &options->log, &file);
		if (error < 0)
			return error;
	}
	length = file.is_hidden ? -EACCES : config_read(file.fd, contents, size);
	if (length < 0)
		log_error(&options->log, "%s: %s", options->config, strerror((int)-length));
	if (!options->config_is_stdin)
		close(file.fd);
	return length;
}

/* The configuration is recorded at its default path. */
static int read_config(const struct options *options, struct recording *recording,
		       struct sysroot *root)
{
	char *contents = malloc(CONFIG_SIZE_MAX);
	ssize_t length = 0;

	if (!contents)
		return -ENOMEM;
	if (!options->config)
		sysdir_read(sysroot_dir(root), CONFIG_PATH, contents, CONFIG_SIZE_MAX);
	else
		length = read_named_config(options, contents, CONFIG_SIZE_MAX);
	if (options->config && length >= 0)
		record_item(recording, SYSROOT_FILE, CONFIG_PATH, contents, (size_t)length);
	free(contents);
	return length < 0 ? (int)length : 0;
}

/* Writes all formats to /dev/null, because each may read files of its own. */
static int read_everything(const struct options *options, struct recording *recording,
			   size_t *ret_devices)
{
	char vf_helper[PATH_MAX];
	struct probe_options probe_options = {
		.log = options->log,
		.sysroot = options->sysroot,
		.all = true,
		/* information about processes is private */
		.details = DETAIL_ALL & ~(unsigned)DETAIL_OWNERSHIP,
		.vf_helper = program_helper(VF_HELPER, vf_helper),
		.observer = record_item,
		.observer_data = recording,
	};
	struct report report = {0};
	struct inventory *inventory = NULL;
	FILE *null = fopen("/dev/null", "we");
	int status = STATUS_FAILED;

	if (null && probe_new(&probe_options, &report.probe) == 0 &&
	    probe_read(report.probe, &inventory) == 0 &&
	    (report.devices = rows_sort(&(struct rows){0}, inventory))) {
		report.inventory = inventory;
		for (size_t i = 0; i < WRITER_COUNT; i++)
			WRITERS[i].write(&report, null);
		*ret_devices = inventory->count;
		if (read_config(options, recording, probe_sysroot(report.probe)) == 0)
			status = status_of(inventory);
	}
	if (null)
		fclose(null);
	free(report.devices);
	inventory_free(inventory);
	probe_free(report.probe);
	return status;
}

static void free_recording(struct recording *recording)
{
	for (size_t i = 0; i < recording->count; i++) {
		free(recording->items[i].path);
		free(recording->items[i].contents);
	}
	free(recording->items);
	strings_free(&recording->macs);
	if (recording->directory >= 0)
		close(recording->directory);
}

static bool has_config(const struct recording *recording)
{
	for (size_t i = 0; i < recording->count; i++)
		if (strcmp(recording->items[i].path, CONFIG_PATH) == 0)
			return true;
	return false;
}

int run_record(struct options *options)
{
	struct recording recording = {.directory = -1};
	const char *path = options->arguments[0];
	size_t devices = 0;
	int status;

	if (!path) {
		log_error(&options->log, "record: missing DIR argument");
		return STATUS_USAGE;
	}
	recording.directory = open_directory(path, &options->log);
	if (recording.directory < 0)
		return STATUS_FAILED;
	status = read_everything(options, &recording, &devices);
	if (recording.no_memory) {
		log_error(&options->log, "out of memory");
		status = STATUS_FAILED;
	}
	if (status != STATUS_FAILED && write_recording(&recording, &options->log, path) < 0)
		status = STATUS_FAILED;
	if (status != STATUS_FAILED && !options->quiet)
		printf("%zu device%s recorded in %s. MAC addresses are masked; the host name%s not\n",
		       devices, devices == 1 ? "" : "s", path,
		       has_config(&recording) ? " and " CONFIG_HOME " are" : " is");
	free_recording(&recording);
	return status;
}
