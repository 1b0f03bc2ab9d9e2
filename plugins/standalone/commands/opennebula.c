/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe opennebula: replaces OpenNebula's pci.rb. If a probe fails, OpenNebula puts the whole
 * host into ERROR; if it prints no devices, the frontend forgets them. So after a failure the last
 * successful output is printed again. */
#include "plugins/standalone/formats/ifname.h"
#include "plugins/standalone/report.h"
#include "plugins/standalone/state.h"
#include "probe/details/details.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_SIZE_MAX (16u << 20)

/* Where versions before 0.2.0 kept the state, beside that of OpenNebula's monitor. */
#define OLD_PARENT "var/tmp"
#define OLD_STATE "one_db"
#define OLD_INTERFACE_NAMES "pci_net_names"

/* Two hypervisors on one host have a probe each, so the name of the cache includes the directory of
 * the configuration. */
static void make_cache_name(const struct options *options, char name[static NAME_MAX + 1])
{
	char *copy = options->config ? strdup(options->config) : NULL;
	const char *directory = copy ? basename(dirname(copy)) : "";

	if (strlen(directory) > 100 || strchr(directory, '/') || *directory == '.')
		directory = "";
	snprintf(name, NAME_MAX + 1, "pciprobe.answer%s%s", *directory ? "." : "", directory);
	free(copy);
}

/* Copies a file of the old state, unless it is too long or not of this user. */
static void migrate_file(int from, int to, const char *name, size_t size_max)
{
	char *contents;
	struct stat status;
	ssize_t length;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || status.st_uid != geteuid())
		return;
	length = state_read(from, name, size_max, &contents, NULL);
	if (length >= 0)
		state_write(to, name, contents, (size_t)length);
	free(contents);
}

static void migrate_interface_names(int from, int to)
{
	_cleanup_closedir_ DIR *list = fdopendir(from);
	struct pci_address address;
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (address_parse_full(entry->d_name, &address) == 0)
			migrate_file(dirfd(list), to, entry->d_name, IF_NAMESIZE);
	if (!list)
		close(from);
}

/* Anyone can create the old directories, so only those of this user are read. */
static void migrate_state(const struct options *options, int state, int names, const char *output)
{
	char *parent = NULL;
	int top = -1, from = -1, from_names = -1;

	if (asprintf(&parent, "%s/" OLD_PARENT, options->sysroot ? options->sysroot : "") >= 0)
		top = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (top >= 0)
		from = state_open_at(top, OLD_STATE, false);
	if (from >= 0) {
		migrate_file(from, state, output, OUTPUT_SIZE_MAX);
		from_names = state_open_at(from, OLD_INTERFACE_NAMES, false);
		close(from);
	}
	if (from_names >= 0)
		migrate_interface_names(from_names, names);
	if (top >= 0)
		close(top);
}

/* Opens the directory of the interface names, and migrates the old state when it is created.
 * Returns a descriptor or a negative errno. */
static int open_interface_names(const struct options *options, int state, const char *output)
{
	int names = state_open_at(state, IFNAME_CACHE, false);

	if (names != -ENOENT)
		return names;
	names = state_open_at(state, IFNAME_CACHE, true);
	if (names >= 0)
		migrate_state(options, state, names, output);
	return names;
}

/* A device assigned to a VM has no interface on the host; its name is saved for then. */
static void save_interface_names(int names, const struct inventory *inventory)
{
	char address[ADDRESS_SIZE];
	const char *name;

	inventory_foreach(inventory, device) {
		name = device_uplink(device);
		address_format(&device->address, address);
		if (name && faccessat(names, address, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			state_write(names, address, name, strlen(name));
	}
}

/* Returns an enum status. */
static int make_output(struct options *options, int names, struct report_text *ret)
{
	const struct writer *writer = writer_find("opennebula");
	struct inventory *inventory = NULL;
	struct report report = {.format.usage = !options->no_usage};
	int status = STATUS_FAILED, error;

	if (options_probe(options, writer->details | (report.format.usage ? DETAIL_USAGE : 0),
			  &report.probe) < 0)
		return STATUS_FAILED;
	if (probe_read(report.probe, &inventory) == 0) {
		report.inventory = inventory;
		if (names >= 0)
			save_interface_names(names, inventory);
		error = report_make_text(writer, &report, ret);
		if (error < 0)
			log_error(&options->log, "%s: %s", writer->name, strerror(-error));
		else
			status = status_of(inventory);
		report_log_sources(options, inventory);
	}
	inventory_free(inventory);
	probe_free(report.probe);
	return status;
}

static int print_cached_output(const struct options *options, int state, const char *name)
{
	char *contents = NULL;
	time_t modified = 0;
	ssize_t length = state < 0 ? state
				   : state_read(state, name, OUTPUT_SIZE_MAX, &contents, &modified);

	if (length < 0) {
		log_error(&options->log, "no cached output available");
		return STATUS_FAILED;
	}
	fwrite(contents, 1, (size_t)length, stdout);
	log_error(&options->log, "printed the last good output, from %ld seconds ago",
		  (long)(time(NULL) - modified));
	free(contents);
	return STATUS_OK;
}

int run_opennebula(struct options *options)
{
	struct report_text output = {0};
	char name[NAME_MAX + 1], *path = NULL;
	int state, names, status, error;

	make_cache_name(options, name);
	state = state_open(options->sysroot ? options->sysroot : "", IFNAME_STATE, true, &path);
	names = state < 0 ? state : open_interface_names(options, state, name);
	status = make_output(options, names, &output);
	if (names >= 0)
		close(names);
	if (status == STATUS_FAILED) {
		status = print_cached_output(options, state, name);
	} else {
		if (output.size)
			fwrite(output.text, 1, output.size, stdout);
		error = state < 0 ? state : 0;
		/* an older complete output is better than an incomplete one */
		if (!error && status == STATUS_OK)
			error = state_write(state, name, output.text, output.size);
		if (error < 0)
			log_warning(
				&options->log,
				"%s: %s; cannot save the output as a fallback for later failures",
				path ? path : STATE_DIRECTORY, strerror(-error));
		status = STATUS_OK;
	}
	if (state >= 0)
		close(state);
	report_text_free(&output);
	free(path);
	return status;
}
