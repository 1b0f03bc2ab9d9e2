/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe opennebula: in place of OpenNebula's pci.rb. A probe that fails puts the whole host into
 * ERROR, and one that prints no device makes the frontend forget the devices: after a failure the
 * only harmless answer is the last good one. */
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

#define STATE_HOME "/var/tmp/one_db" /* the monitor's own */
#define ANSWER_SIZE_MAX (16u << 20)

/* Opens, and when CREATE says so makes, a directory that nobody but this user or root can put
 * anything into: /var/tmp is everybody's. Returns a descriptor or a negative errno. */
static int open_own_directory(int at, const char *path, bool create)
{
	struct stat status;
	int fd, error = 0;

	if (create && mkdirat(at, path, 0755) < 0 && errno != EEXIST)
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

/* Writes a file whole or not at all: what was good stays until the new one is there. */
static int replace_file(int directory, const char *name, const char *text, size_t length)
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
		n = write(fd, text + done, length - done);
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

/* Two hypervisors on one host have a probe each: the answer is named for the folder of the
 * configuration. */
static void name_answer(const struct options *options, char name[static NAME_MAX + 1])
{
	char *copy = options->config ? strdup(options->config) : NULL;
	const char *folder = copy ? basename(dirname(copy)) : "";

	if (strlen(folder) > 100 || strchr(folder, '/') || *folder == '.')
		folder = "";
	snprintf(name, NAME_MAX + 1, "pciprobe.answer%s%s", *folder ? "." : "", folder);
	free(copy);
}

/* A device that goes to a VM takes its interface with it; its name is kept here for then. */
static void keep_interface_names(int state, const struct inventory *inventory)
{
	char address[ADDRESS_SIZE];
	const char *name;
	int fd = open_own_directory(state, "pci_net_names", true);

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

/* Returns an enum status; the answer is at *ret, to be freed. */
static int make_answer(const struct options *options, int state, char **ret, size_t *ret_size)
{
	const struct writer *writer = writer_find("opennebula");
	struct inventory *inventory = NULL;
	struct report report = {.usage = !options->no_usage};
	int status = STATUS_FAILED;
	FILE *out;

	if (options_probe(options, writer->details | (report.usage ? DETAIL_USAGE : 0),
			  &report.probe) < 0)
		return STATUS_FAILED;
	out = open_memstream(ret, ret_size);
	if (out && probe_read(report.probe, &inventory) == 0) {
		report.inventory = inventory;
		if (state >= 0)
			keep_interface_names(state, inventory);
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

static int print_last_answer(const struct options *options, int state, const char *name)
{
	char *text = malloc(ANSWER_SIZE_MAX);
	struct stat status;
	ssize_t length = -1;
	int fd = -1;

	if (text && state >= 0)
		fd = openat(state, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size < ANSWER_SIZE_MAX)
		length = read(fd, text, ANSWER_SIZE_MAX);
	if (fd >= 0)
		close(fd);
	if (length >= 0 && length == status.st_size) {
		fwrite(text, 1, (size_t)length, stdout);
		log_error(&options->log, "this is the last good answer, made %ld seconds ago",
			  (long)(time(NULL) - status.st_mtime));
	} else {
		log_error(&options->log, "and there is no last good answer to give instead");
		length = -1;
	}
	free(text);
	return length >= 0 ? STATUS_OK : STATUS_FAILED;
}

int run_opennebula(struct options *options)
{
	char *answer = NULL, name[NAME_MAX + 1], *path = NULL;
	size_t size = 0;
	int state = -1, status, error;

	if (asprintf(&path, "%s" STATE_HOME, options->sysroot ? options->sysroot : "") >= 0)
		state = open_own_directory(AT_FDCWD, path, true);
	name_answer(options, name);
	status = make_answer(options, state, &answer, &size);
	if (status == STATUS_FAILED) {
		status = print_last_answer(options, state, name);
	} else {
		fwrite(answer, 1, size, stdout);
		error = state < 0 ? state : 0;
		/* one that lacks something isn't worth more than an older whole one */
		if (!error && status == STATUS_OK)
			error = replace_file(state, name, answer, size);
		if (error < 0)
			log_warning(&options->log,
				    "%s: %s; this answer can't be kept for when one fails", path,
				    strerror(-error));
		status = STATUS_OK;
	}
	if (state >= 0)
		close(state);
	free(answer);
	free(path);
	return status;
}
