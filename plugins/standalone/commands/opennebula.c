/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe opennebula: replaces OpenNebula's pci.rb. If a probe fails, OpenNebula puts the whole
 * host into ERROR; if it prints no devices, the frontend forgets them. So after a failure the last
 * successful output is printed again. */
#include "plugins/standalone/formats/ifname.h"
#include "plugins/standalone/report.h"
#include "probe/details/details.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_HOME "/var/tmp/one_db" /* the directory of OpenNebula's monitor */
#define OUTPUT_SIZE_MAX (16u << 20)

/* Opens a directory, which is created if it does not exist. /var/tmp is world-writable, so a
 * directory that users other than this one and root can write to is rejected with -EPERM. Returns a
 * descriptor or a negative errno. */
static int open_private_directory(int at, const char *path)
{
	struct stat status;
	int fd, error = 0;

	if (mkdirat(at, path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if ((status.st_uid != geteuid() && status.st_uid != 0) ||
		 (status.st_mode & (S_IWGRP | S_IWOTH)))
		error = -EPERM;
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* Replaces a file atomically. */
static int replace_file(int directory, const char *name, const char *data, size_t length)
{
	char temporary[NAME_MAX + 1];
	size_t done = 0;
	ssize_t n;
	int fd, error = 0;

	if (snprintf(temporary, sizeof(temporary), ".%s.%d", name, (int)getpid()) >=
	    (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return -errno;
	while (done < length && !error) {
		n = write(fd, data + done, length - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			error = -errno;
	}
	if (!error && fsync(fd) < 0)
		error = -errno;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && renameat(directory, temporary, directory, name) < 0)
		error = -errno;
	if (error)
		unlinkat(directory, temporary, 0);
	return error;
}

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

/* A device assigned to a VM has no interface on the host; its name is saved for then. */
static void save_interface_names(int state, const struct inventory *inventory)
{
	char address[ADDRESS_SIZE];
	const char *name;
	int fd = open_private_directory(state, "pci_net_names");

	if (fd < 0)
		return;
	inventory_foreach(inventory, device) {
		name = device_uplink(device);
		address_format(&device->address, address);
		if (name && faccessat(fd, address, F_OK, 0) < 0)
			replace_file(fd, address, name, strlen(name));
	}
	close(fd);
}

/* Returns an enum status. The caller frees *ret in any case. */
static int make_output(const struct options *options, int state, char **ret, size_t *ret_size)
{
	const struct writer *writer = writer_find("opennebula");
	struct inventory *inventory = NULL;
	struct report report = {.format.usage = !options->no_usage};
	int status = STATUS_FAILED;
	FILE *out;

	if (options_probe(options, writer->details | (report.format.usage ? DETAIL_USAGE : 0),
			  &report.probe) < 0)
		return STATUS_FAILED;
	out = open_memstream(ret, ret_size);
	if (out && probe_read(report.probe, &inventory) == 0) {
		report.inventory = inventory;
		if (state >= 0)
			save_interface_names(state, inventory);
		if (writer->write(&report, out) == 0 && fflush(out) == 0)
			status = status_of(inventory);
		report_log_sources(options, inventory);
	}
	if (out && fclose(out) != 0)
		status = STATUS_FAILED;
	inventory_free(inventory);
	probe_free(report.probe);
	return status;
}

static int print_cached_output(const struct options *options, int state, const char *name)
{
	char *contents = malloc(OUTPUT_SIZE_MAX);
	struct stat status;
	ssize_t length = -1;
	int fd = -1;

	if (contents && state >= 0)
		fd = openat(state, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size < OUTPUT_SIZE_MAX)
		length = read(fd, contents, OUTPUT_SIZE_MAX);
	if (fd >= 0)
		close(fd);
	if (length >= 0 && length == status.st_size) {
		fwrite(contents, 1, (size_t)length, stdout);
		log_error(&options->log, "printed the last good output, from %ld seconds ago",
			  (long)(time(NULL) - status.st_mtime));
	} else {
		log_error(&options->log, "no cached output available");
		length = -1;
	}
	free(contents);
	return length >= 0 ? STATUS_OK : STATUS_FAILED;
}

int run_opennebula(struct options *options)
{
	char *output = NULL, name[NAME_MAX + 1], *path = NULL;
	size_t size = 0;
	int state = -1, status, error;

	if (asprintf(&path, "%s" STATE_HOME, options->sysroot ? options->sysroot : "") >= 0)
		state = open_private_directory(AT_FDCWD, path);
	make_cache_name(options, name);
	status = make_output(options, state, &output, &size);
	if (status == STATUS_FAILED) {
		status = print_cached_output(options, state, name);
	} else {
		fwrite(output, 1, size, stdout);
		error = state < 0 ? state : 0;
		/* an older complete output is better than an incomplete one */
		if (!error && status == STATUS_OK)
			error = replace_file(state, name, output, size);
		if (error < 0)
			log_warning(
				&options->log,
				"%s: %s; cannot save the output as a fallback for later failures",
				path, strerror(-error));
		status = STATUS_OK;
	}
	if (state >= 0)
		close(state);
	free(output);
	free(path);
	return status;
}
