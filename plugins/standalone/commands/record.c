/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe record: what the probe reads of this host, in a directory that --sysroot takes. It
 * watches the probe read, so it can't lack anything nor have too much. MAC addresses are replaced,
 * in names made from them too; no serial number is ever read. */
#include "plugins/standalone/commands/mask.h"
#include "plugins/standalone/options.h"
#include "probe/details/details.h"
#include "probe/sysfs/inroot.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One thing that was read. */
struct item {
	enum sysroot_thing thing;
	char *path, *text;
	size_t length;
};

struct recording {
	struct item *items;
	size_t count, room;
	struct strings macs;
	int directory;
	bool no_memory;
};

#define CONFIG_PATH (&CONFIG_HOME[1]) /* below a root */

static void observer(void *data, enum sysroot_thing thing, const char *path, const char *text,
		     size_t length)
{
	struct recording *recording = data;
	struct item *more, *item;
	const char *last = strrchr(path, '/');

	if (recording->count == recording->room) {
		recording->room = recording->room ? recording->room * 2 : 256;
		more = realloc(recording->items, recording->room * sizeof(*more));
		if (!more) {
			recording->no_memory = true;
			return;
		}
		recording->items = more;
	}
	item = &recording->items[recording->count];
	*item = (struct item){
		.thing = thing, .path = strdup(path), .text = malloc(length + 1), .length = length};
	if (!item->path || !item->text) {
		free(item->path);
		free(item->text);
		recording->no_memory = true;
		return;
	}
	memcpy(item->text, text, length);
	item->text[length] = '\0';
	recording->count++;
	if (last && strcmp(last, "/address") == 0 && strstr(path, "/net/") &&
	    mask_add(&recording->macs, item->text) < 0)
		recording->no_memory = true;
}

/* ---- writing: nothing gets out of the directory, whatever the links say ---- */

/* Opens the directory of PATH (not the last part), making what is missing. */
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

static int write_all(int fd, const char *text, size_t length)
{
	ssize_t n;

	for (size_t done = 0; done < length; done += (size_t)n) {
		n = write(fd, text + done, length - done);
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
		if (symlinkat(item->text, parent, name) < 0)
			error = -errno;
	} else {
		fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0644);
		error = fd < 0 ? -errno : write_all(fd, item->text, item->length);
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

/* A device's entry is a link into sys/devices; what it points to must be there before anything is
 * written through it. */
static int make_device_directory(const struct recording *recording, const struct item *item)
{
	const char *target = item->text;
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
		mask_text(&recording->macs, item->text, item->length);
	}
	for (int links = 1; links >= 0; links--)
		for (size_t i = 0; i < recording->count && !error; i++) {
			const struct item *item = &recording->items[i];

			if (is_device_link(item) != links)
				continue;
			error = links ? make_device_directory(recording, item) : 0;
			if (!error)
				error = write_item(recording, item);
			if (error == -EEXIST) /* read a second time */
				error = 0;
			if (error < 0)
				log_error(log, "%s/%s: %s", directory, item->path,
					  strerror(-error));
		}
	return error;
}

/* DIR must be new or empty: nothing of another recording may be in it, nor anything of the user's
 * be overwritten. */
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
		log_error(log, "%s: is not empty; name a directory that isn't there yet", path);
		close(fd);
		return -ENOTEMPTY;
	}
	return fd;
}

/* The configuration goes where the recording's own would be. */
static int read_config(const struct options *options, struct recording *recording,
		       struct sysroot *root)
{
	char *text = malloc(CONFIG_SIZE_MAX);
	size_t length;
	FILE *in;

	if (!text)
		return -ENOMEM;
	if (!options->config) {
		sysdir_read(sysroot_dir(root), CONFIG_PATH, text, CONFIG_SIZE_MAX);
	} else {
		in = options->config_is_stdin ? stdin : fopen(options->config, "re");
		length = in ? fread(text, 1, CONFIG_SIZE_MAX, in) : 0;
		if (!in || ferror(in)) {
			log_error(&options->log, "%s: %s", options->config, strerror(errno));
			free(text);
			return -EIO;
		}
		if (in != stdin)
			fclose(in);
		observer(recording, SYSROOT_FILE, CONFIG_PATH, text, length);
	}
	free(text);
	return 0;
}

/* Each format may read something of its own, so all are written, to nowhere. */
static int read_everything(const struct options *options, struct recording *recording,
			   size_t *ret_devices)
{
	struct probe_options probe_options = {
		.log = options->log,
		.sysroot = options->sysroot,
		.all = true,
		/* what other processes do is no stranger's business */
		.details = DETAIL_ALL & ~(unsigned)DETAIL_OWNERSHIP,
		.observer = observer,
		.observer_data = recording,
	};
	struct report report = {0};
	struct inventory *inventory = NULL;
	FILE *nowhere = fopen("/dev/null", "we");
	int status = STATUS_FAILED;

	if (nowhere && probe_new(&probe_options, &report.probe) == 0 &&
	    probe_read(report.probe, &inventory) == 0 &&
	    (report.devices = rows_sort(&(struct rows){0}, inventory))) {
		report.inventory = inventory;
		for (size_t i = 0; i < WRITER_COUNT; i++)
			WRITERS[i].write(&report, nowhere);
		*ret_devices = inventory->count;
		if (read_config(options, recording, probe_sysroot(report.probe)) == 0)
			status = status_of(inventory);
	}
	if (nowhere)
		fclose(nowhere);
	free(report.devices);
	inventory_free(inventory);
	probe_free(report.probe);
	return status;
}

static void free_recording(struct recording *recording)
{
	for (size_t i = 0; i < recording->count; i++) {
		free(recording->items[i].path);
		free(recording->items[i].text);
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
		log_error(&options->log, "record: where to? 'pciprobe record DIR'");
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
		printf("%zu devices recorded in %s. MAC addresses are masked; the host's name%s in it\n",
		       devices, path, has_config(&recording) ? " and " CONFIG_HOME " are" : " is");
	free_recording(&recording);
	return status;
}
