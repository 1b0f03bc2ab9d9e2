/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hostfiles/persist.h"

#include "binder/status.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX 65536

/* None of the programs that read these directories reads a hidden file. */
#define TEMPORARY ".vfio-bind.new"

/* Written in this order and removed in reverse, because the others include the first. */
static const struct persist_file {
	const char *kind; /* of hostfile */
	const char *directory;
	const char *prefix, *suffix;
	mode_t mode;
	bool optional; /* only if the directory exists */
} FILES[] = {
	{"udev", "etc/udev/rules.d", "10-vfio-bind-", ".rules", 0644, false},
	{"initramfs", "etc/initramfs-tools/hooks", "vfio-bind-", "", 0755, true},
	{"dracut", "etc/dracut.conf.d", "vfio-bind-", ".conf", 0644, true},
};

/* initramfs-tools ignores files with a colon in their names. */
static const char *file_name(const struct persist_file *file, const struct pci_address *address,
			     char name[static PERSIST_PATH_SIZE])
{
	char text[ADDRESS_SIZE];

	address_format(address, text);
	for (char *colon = strchr(text, ':'); colon; colon = strchr(colon, ':'))
		*colon = '_';
	snprintf(name, PERSIST_PATH_SIZE, "%s%s%s", file->prefix, text, file->suffix);
	return name;
}

/* The absolute path. */
static const char *file_path(const struct persist_file *file, const struct pci_address *address,
			     char path[static PERSIST_PATH_SIZE])
{
	char name[PERSIST_PATH_SIZE];

	snprintf(path, PERSIST_PATH_SIZE, "/%s/%.48s", file->directory,
		 file_name(file, address, name));
	return path;
}

const char *persist_rules_path(const struct pci_address *address,
			       char path[static PERSIST_PATH_SIZE])
{
	return file_path(&FILES[0], address, path);
}

/* write_device of hostfiles.c writes a comment with the ids. */
int persist_is_set(struct sysroot *root, const struct pci_device *device)
{
	char path[PERSIST_PATH_SIZE], address[ADDRESS_SIZE], ids[ADDRESS_SIZE + 16], *text;
	int error = textfile_read(root, persist_rules_path(&device->address, path) + 1,
				  FILE_SIZE_MAX, &text);
	bool found;

	if (error < 0)
		return error == -ENOENT ? 0 : error;
	snprintf(ids, sizeof(ids), "\n# %s %04x:%04x ", address_format(&device->address, address),
		 device->vendor, device->device);
	found = strstr(text, "\n" PERSIST_MARK "\n") && strstr(text, ids);
	free(text);
	return found;
}

/* Returns whether there is a file at PATH with the mark: 0 if there is none, 1, or a negative errno
 * (logged). */
static int check_mark(struct sysroot *root, const struct log *log, const char *path)
{
	char *text;
	int error = textfile_read(root, path + 1, FILE_SIZE_MAX, &text);
	bool marked;

	if (error == -ENOENT)
		return 0;
	if (error < 0) {
		log_error(log, "%s%s: %s", sysroot_path(root), path, strerror(-error));
		return error;
	}
	marked = strstr(text, "\n" PERSIST_MARK "\n") != NULL;
	free(text);
	if (marked)
		return 1;
	log_error(log, "%s%s: was not written by 'vfio-bind bind --persist'; rename or remove it",
		  sysroot_path(root), path);
	return -EEXIST;
}

bool persist_concerns_initramfs(const struct strings *files)
{
	const char *rules = FILES[0].directory;

	for (size_t i = 0; i < files->count; i++)
		if (strncmp(files->items[i] + 1, rules, strlen(rules)) != 0)
			return true;
	return false;
}

int persist_check(struct sysroot *root, const struct log *log, const struct pci_address *address)
{
	char path[PERSIST_PATH_SIZE];
	int error = 0;

	for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES) && error >= 0; i++)
		error = check_mark(root, log, file_path(&FILES[i], address, path));
	return error < 0 ? error : 0;
}

/* Returns a descriptor or a negative errno. */
static int open_directory(struct sysroot *root, const char *path)
{
	char full[512];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", sysroot_path(root), path);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- writing ---- */

static int write_temporary(int directory, const struct persist_file *file,
			   const struct hostfile_job *job)
{
	int fd = openat(directory, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int error = 0;

	if (!out) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	if (hostfile_write(hostfile_find(file->kind), job, out) != BIND_DONE)
		error = -ENOMEM;
	if (!error && (fflush(out) != 0 || fchmod(fd, file->mode) < 0 || fsync(fd) < 0))
		error = -errno;
	if (fclose(out) != 0 && !error)
		error = -errno;
	return error;
}

/* Replaces the file at once, so that a boot after a crash finds the old one or the new one. */
static int replace_file(int directory, const struct persist_file *file,
			const struct hostfile_job *job)
{
	char name[PERSIST_PATH_SIZE];
	int error = write_temporary(directory, file, job);

	file_name(file, &job->targets->device->address, name);
	if (!error && renameat(directory, TEMPORARY, directory, name) < 0)
		error = -errno;
	if (error < 0)
		unlinkat(directory, TEMPORARY, 0);
	else if (fsync(directory) < 0)
		error = -errno;
	return error;
}

static int write_file(const struct persist_file *file, const struct hostfile_job *job, bool dry_run,
		      struct strings *ret)
{
	int directory = open_directory(job->root, file->directory), error;

	if (directory == -ENOENT && file->optional)
		return 0;
	if (directory < 0) {
		log_error(job->log, "%s/%s: %s", sysroot_path(job->root), file->directory,
			  strerror(-directory));
		return directory;
	}
	error = check_mark(job->root, job->log, job->path);
	if (error >= 0 && !dry_run) {
		error = replace_file(directory, file, job);
		if (error < 0)
			log_error(job->log, "%s%s: %s", sysroot_path(job->root), job->path,
				  strerror(-error));
	}
	close(directory);
	return error < 0 ? error : strings_add(ret, job->path);
}

int persist_write(const struct hostfile_job *job, bool dry_run, struct strings *ret)
{
	const struct pci_address *address = &job->targets->device->address;
	struct hostfile_job file_job = *job;
	char path[PERSIST_PATH_SIZE], rules[PERSIST_PATH_SIZE];
	int error = 0;

	file_job.rules_path = persist_rules_path(address, rules);
	for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES) && !error; i++) {
		file_job.path = file_path(&FILES[i], address, path);
		error = write_file(&FILES[i], &file_job, dry_run, ret);
	}
	return error;
}

/* ---- removing ---- */

static int remove_file(struct sysroot *root, const struct persist_file *file,
		       const struct pci_address *address)
{
	char name[PERSIST_PATH_SIZE];
	int directory = open_directory(root, file->directory), error = 0;

	if (directory < 0)
		return directory;
	if (unlinkat(directory, file_name(file, address, name), 0) < 0 || fsync(directory) < 0)
		error = -errno;
	close(directory);
	return error;
}

int persist_remove(struct sysroot *root, const struct log *log, const struct pci_address *address,
		   bool dry_run, struct strings *ret)
{
	char path[PERSIST_PATH_SIZE];
	int error = 0;

	for (size_t i = sizeof(FILES) / sizeof(*FILES); i-- > 0 && error >= 0;) {
		error = check_mark(root, log, file_path(&FILES[i], address, path));
		if (error <= 0)
			continue;
		error = dry_run ? 0 : remove_file(root, &FILES[i], address);
		if (error < 0)
			log_error(log, "%s%s: %s", sysroot_path(root), path, strerror(-error));
		else
			error = strings_add(ret, path);
	}
	return error;
}
