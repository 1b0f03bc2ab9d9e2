/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/journal.h"

#include "binder/engine/kernel.h"
#include "binder/engine/state.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "vfio-bind 1\n"
#define JOURNAL_SIZE_MAX (1u << 20)

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
	const char *comma = strchr(field, ',');
	int error;

	if (!comma)
		return -EBADMSG;
	binding->autoprobe = comma == field + 1 && *field == '*';
	error = binding->autoprobe ? 0 : decode(field, (size_t)(comma - field), &binding->driver);
	return error ? error : decode(comma + 1, strlen(comma + 1), &binding->override);
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

/* Parses the fields that every line has. */
static int parse_common(char **fields, struct change *change)
{
	unsigned vendor, device;
	unsigned long long inode;
	int end = 0;

	if (!parse_state(fields[0], change) ||
	    address_parse_full(fields[1], &change->address) < 0 ||
	    sscanf(fields[2], "%4x:%4x%n", &vendor, &device, &end) != 2 || fields[2][end] ||
	    sscanf(fields[3], "%20llu%n", &inode, &end) != 1 || fields[3][end])
		return -EBADMSG;
	change->vendor = (uint16_t)vendor;
	change->device = (uint16_t)device;
	change->inode = inode;
	return 0;
}

static int parse_vfs(const char *field, unsigned *ret)
{
	int end = 0;

	return sscanf(field, "%5u%n", ret, &end) == 1 && !field[end] ? 0 : -EBADMSG;
}

static int parse_line(char *line, struct change *change)
{
	char *fields[8] = {NULL}, *rest = NULL;
	size_t count = 0;
	int error;

	for (char *field = strtok_r(line, " ", &rest); field && count < 8;
	     field = strtok_r(NULL, " ", &rest))
		fields[count++] = field;
	if (count < 4)
		return -EBADMSG;
	error = parse_common(fields, change);
	if (error < 0)
		return error;
	if (count != (change->is_vfs ? 6 : 7))
		return -EBADMSG;
	if (change->is_vfs) {
		error = parse_vfs(fields[4], &change->vfs_before);
		return error ? error : parse_vfs(fields[5], &change->vfs_wanted);
	}
	error = parse_binding(fields[4], &change->origin);
	if (!error)
		error = parse_binding(fields[5], &change->before);
	return error ? error : parse_binding(fields[6], &change->wanted);
}

static int parse(char *content, const char *path, const struct log *log, struct changes *ret)
{
	struct changes changes = {0};
	char *rest = NULL;
	unsigned number = 1;
	int error = strncmp(content, HEADER, strlen(HEADER)) == 0 ? 0 : -EBADMSG;

	for (char *line = error ? NULL : strtok_r(content + strlen(HEADER), "\n", &rest);
	     line && !error; line = strtok_r(NULL, "\n", &rest)) {
		struct change *change = changes_add(&changes, &(struct pci_device){0});

		number++;
		error = change ? parse_line(line, change) : -ENOMEM;
	}
	if (error == -EBADMSG)
		log_error(
			log,
			"%s:%u: invalid journal; check by hand which devices have a driver_override set, then remove the file",
			path, number);
	if (error < 0) {
		changes_free(&changes);
		return error;
	}
	*ret = changes;
	return 0;
}

int journal_read(struct sysroot *root, const struct log *log, struct changes *ret)
{
	char *content = malloc(JOURNAL_SIZE_MAX + 1), path[512];
	ssize_t length;
	int error;

	if (!content)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/" JOURNAL_PATH, sysroot_path(root));
	length = sysdir_read(sysroot_dir(root), JOURNAL_PATH, content, JOURNAL_SIZE_MAX);
	if (length >= 0 && strlen(content) == (size_t)length) {
		strcat(content, "\n"); /* sysdir_read strips it */
		error = parse(content, path, log, ret);
	} else if (length == -ENOENT || length == -ENOTDIR) {
		*ret = (struct changes){0};
		error = 0;
	} else {
		error = length < 0 ? (int)length : -EBADMSG;
		log_error(log, "%s: %s", path,
			  length < 0 ? strerror(-error) : "contains NUL bytes");
	}
	free(content);
	return error;
}

struct change *journal_find(const struct changes *changes, const struct pci_address *address,
			    bool vfs)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].is_vfs == vfs &&
		    address_compare(&changes->items[i].address, address) == 0)
			return &changes->items[i];
	return NULL;
}

int journal_put(struct journal *journal, const struct change *change)
{
	struct change *found = journal_find(&journal->changes, &change->address, change->is_vfs);

	if (!found)
		found = changes_add(&journal->changes,
				    &(struct pci_device){.address = change->address});
	return found ? change_copy(found, change) : -ENOMEM;
}

void journal_remove(struct journal *journal, const struct change *change)
{
	const struct change *found = journal_find(&journal->changes, &change->address,
						  change->is_vfs);

	if (found)
		changes_drop(&journal->changes, (size_t)(found - journal->changes.items));
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
}

static void write_change(FILE *out, const struct change *change)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "%s%s %s %04x:%04x %llu", STATES[change->state], change->is_vfs ? "-vfs" : "",
		address_format(&change->address, address), change->vendor, change->device,
		(unsigned long long)change->inode);
	if (change->is_vfs) {
		fprintf(out, " %u %u", change->vfs_before, change->vfs_wanted);
	} else {
		write_binding(out, &change->origin);
		write_binding(out, &change->before);
		write_binding(out, &change->wanted);
	}
	fputc('\n', out);
}

static int write_new(const struct journal *journal)
{
	int fd = openat(journal->directory, "journal.new",
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int error = 0;

	if (!out) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	fputs(HEADER, out);
	for (size_t i = 0; i < journal->changes.count; i++)
		write_change(out, &journal->changes.items[i]);
	if (fflush(out) != 0 || fsync(fd) < 0)
		error = -errno;
	if (fclose(out) != 0 && !error)
		error = -errno;
	return error;
}

int journal_save(struct journal *journal)
{
	int error = write_new(journal);

	if (!error &&
	    (renameat(journal->directory, "journal.new", journal->directory, "journal") < 0 ||
	     fsync(journal->directory) < 0))
		error = -errno;
	if (error < 0)
		log_error(journal->log, "%s/" JOURNAL_PATH ": %s", sysroot_path(journal->root),
			  strerror(-error));
	return error;
}

/* ---- locking ---- */

/* The directory must not belong to, or be writable by, other users: they could redirect writes. */
static int open_directory(struct journal *journal)
{
	char run[512], path[sizeof(run) + 16];
	struct stat status;

	snprintf(run, sizeof(run), "%s/run", sysroot_path(journal->root));
	snprintf(path, sizeof(path), "%s/" JOURNAL_DIRECTORY, sysroot_path(journal->root));
	if ((mkdir(run, 0755) < 0 && errno != EEXIST) || (mkdir(path, 0755) < 0 && errno != EEXIST))
		return -errno;
	journal->directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (journal->directory < 0 || fstat(journal->directory, &status) < 0)
		return -errno;
	return status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) ? -EACCES : 0;
}

static int lock(struct journal *journal, unsigned seconds)
{
	/* mode 0600: a user who can open the file could hold the lock for ever */
	journal->lock = openat(journal->directory, "lock",
			       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->lock < 0)
		return -errno;
	for (unsigned waited = 0; flock(journal->lock, LOCK_EX | LOCK_NB) < 0; waited++) {
		if (errno == EWOULDBLOCK && waited == KERNEL_QUIET_SECONDS * 20 &&
		    waited < seconds * 20)
			kernel_report_wait(journal->log, NULL, "another vfio-bind to finish",
					   seconds - KERNEL_QUIET_SECONDS, "");
		if (errno != EWOULDBLOCK)
			return -errno;
		if (waited >= seconds * 20)
			return -EAGAIN;
		usleep(50000);
	}
	return 0;
}

/* Bound devices that were removed, or replaced, cannot be released any more. */
static void drop_removed(struct journal *journal)
{
	for (size_t i = journal->changes.count; i-- > 0;) {
		const struct change *change = &journal->changes.items[i];

		if (change->state == CHANGE_BOUND && !change_is_present(journal->root, change))
			changes_drop(&journal->changes, i);
	}
}

int journal_open(struct sysroot *root, const struct log *log, unsigned seconds, struct journal *ret)
{
	int error;

	*ret = (struct journal){.root = root, .log = log, .directory = -1, .lock = -1};
	error = open_directory(ret);
	if (!error)
		error = lock(ret, seconds);
	if (error == -EAGAIN)
		log_error(log, "another vfio-bind is running; try again");
	else if (error < 0)
		log_error(log, "%s/" JOURNAL_DIRECTORY ": %s", sysroot_path(root),
			  error != -EACCES && error != -EPERM ? strerror(-error)
			  : geteuid() != 0
				  ? "permission denied, or writable by other users; run as root"
				  : "permission denied, or owned or writable by other users");
	if (!error)
		error = journal_read(root, log, &ret->changes);
	if (!error)
		drop_removed(ret);
	return error;
}

void journal_close(struct journal *journal)
{
	changes_free(&journal->changes);
	if (journal->lock >= 0)
		close(journal->lock);
	if (journal->directory >= 0)
		close(journal->directory);
}
