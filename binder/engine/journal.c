/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/journal.h"

#include "binder/engine/journalformat.h"
#include "binder/engine/kernel.h"
#include "binder/engine/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_PATH "proc/sys/kernel/random/boot_id"
#define JOURNAL_SIZE_MAX (1u << 20)
#define JOURNAL_SIZE_USUAL 16384u
#define NEW "journal.new"
#define SPACE_UNIT 4096
#define READS_MAX 20

/* ---- reading ---- */

/* Reads the running kernel's boot id. Returns false if there is none. */
static bool read_boot(struct sysroot *root, char boot[static JOURNAL_BOOT_SIZE])
{
	char id[ATTRIBUTE_SIZE];

	if (sysdir_read(sysroot_dir(root), BOOT_PATH, id, sizeof(id)) != JOURNAL_BOOT_SIZE - 1 ||
	    strspn(id, "0123456789abcdef-") != JOURNAL_BOOT_SIZE - 1)
		return false;
	memcpy(boot, id, JOURNAL_BOOT_SIZE);
	return true;
}

/* The state of devices does not survive a reboot, which a journal does whose file system is not in
 * memory. *ret_old: it was from before the last one. */
static int parse(struct sysroot *root, const struct log *log, const char *path, char *content,
		 struct changes *ret, bool *ret_old)
{
	char boot[JOURNAL_BOOT_SIZE], *written;
	struct changes changes = {0};
	unsigned line;
	int error = journalformat_parse(content, &changes, &line, &written);

	if (error == -EBADMSG)
		log_error(
			log,
			"%s:%u: invalid journal; check by hand which devices have a driver_override set, then remove the file",
			path, line);
	else if (error < 0)
		log_error(log, "%s: %s", path, strerror(-error));
	*ret_old = !error && written && read_boot(root, boot) && strcmp(written, boot) != 0;
	if (*ret_old && changes.count)
		log_warning(log, "%s: from before the last boot; dropped %zu device%s", path,
			    changes.count, changes.count == 1 ? "" : "s");
	if (error < 0 || *ret_old)
		changes_free(&changes);
	if (!error)
		*ret = changes;
	return error;
}

/* A run that saves while an unlocked reader has the file open may overwrite it, see fill_new: it is
 * read until it is the same twice. The file must be shorter than SIZE. Returns as sysdir_read does;
 * the caller frees *RET. */
static ssize_t read_twice(struct sysroot *root, size_t size, char **ret)
{
	char *content = malloc(2 * (size + 1)), *again = content ? content + size + 1 : NULL;
	ssize_t length = -ENOMEM, length_again;

	for (int i = 0; content && i < READS_MAX; i++) {
		length = sysdir_read(sysroot_dir(root), JOURNAL_PATH, content, size);
		length_again = sysdir_read(sysroot_dir(root), JOURNAL_PATH, again, size);
		if (length == length_again &&
		    (length < 0 || memcmp(content, again, (size_t)length) == 0))
			break;
	}
	*ret = content;
	return length;
}

/* Nearly all journals are small. */
static ssize_t read_content(struct sysroot *root, char **ret)
{
	ssize_t length = read_twice(root, JOURNAL_SIZE_USUAL, ret);

	if (length != -EFBIG)
		return length;
	free(*ret);
	return read_twice(root, JOURNAL_SIZE_MAX, ret);
}

static int read_journal(struct sysroot *root, const struct log *log, struct changes *ret,
			bool *ret_old)
{
	char *content, path[512];
	ssize_t length = read_content(root, &content);
	int error = length < 0 ? (int)length : 0;

	*ret_old = false;
	snprintf(path, sizeof(path), "%s/" JOURNAL_PATH, sysroot_path(root));
	if (length >= 0 && strlen(content) == (size_t)length) {
		strcat(content, "\n"); /* sysdir_read strips it */
		error = parse(root, log, path, content, ret, ret_old);
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

int journal_read(struct sysroot *root, const struct log *log, struct changes *ret)
{
	bool is_old;

	return read_journal(root, log, ret, &is_old);
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

/* The content with CHANGES; the caller frees it. NULL if memory is exhausted. */
static char *format(const struct journal *journal, const struct changes *changes)
{
	char boot[JOURNAL_BOOT_SIZE];

	return journalformat_write(changes, read_boot(journal->root, boot) ? boot : NULL);
}

static int write_padded(int fd, const char *content, size_t length, size_t size)
{
	FILE *out = fdopen(fd, "w");
	int error = 0;

	if (!out) {
		error = -errno;
		close(fd);
		return error;
	}
	fwrite(content, 1, length, out);
	for (size_t i = length; i < size; i++)
		fputc(i + 1 == size ? '\n' : ' ', out);
	if (fflush(out) != 0 || fsync(fd) < 0)
		error = -errno;
	if (fclose(out) != 0 && !error)
		error = -errno;
	return error;
}

/* Returns the descriptor with the size of the file in *ret_size, or a negative errno. A file that
 * no run can have written is emptied. */
static int open_new(const struct journal *journal, size_t *ret_size)
{
	struct stat status;
	int fd = openat(journal->directory, NEW, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	int error = fd < 0 || fstat(fd, &status) < 0 ? -errno : 0;
	bool invalid = !error && status.st_size > JOURNAL_SIZE_MAX / 2;

	if (invalid && ftruncate(fd, 0) < 0)
		error = -errno;
	if (error < 0) {
		if (fd >= 0)
			close(fd);
		return error;
	}
	*ret_size = invalid ? 0 : (size_t)status.st_size;
	return fd;
}

/* Overwrites the file if it exists, and does not shorten it: that needs no space on the disk. After
 * the content there are spaces up to its SIZE at least. */
static int fill_new(const struct journal *journal, const char *content, size_t length, size_t size)
{
	size_t old_size;
	int fd = open_new(journal, &old_size);

	if (fd < 0)
		return fd;
	return write_padded(fd, content, length, size > old_size ? size : old_size);
}

/* Exchanges the two files, so that the old one and its space are there for the next save. There is
 * no old one yet, or the file system cannot exchange files: then it is replaced. */
static int publish(const struct journal *journal)
{
	int directory = journal->directory;

	if (renameat2(directory, NEW, directory, "journal", RENAME_EXCHANGE) < 0 &&
	    renameat(directory, NEW, directory, "journal") < 0)
		return -errno;
	return fsync(directory) < 0 ? -errno : 0;
}

/* SIZE is the least size of the file; *ret_length, of its content, may be NULL. */
static int save(const struct journal *journal, size_t size, size_t *ret_length)
{
	char *content = format(journal, &journal->changes);
	size_t length = content ? strlen(content) : 0;
	int error = content ? fill_new(journal, content, length, size) : -ENOMEM;

	if (!error)
		error = publish(journal);
	free(content);
	if (!error && ret_length)
		*ret_length = length;
	return error;
}

static int log_save_error(const struct journal *journal, int error)
{
	if (error < 0)
		log_error(journal->log, "%s/" JOURNAL_PATH ": %s", sysroot_path(journal->root),
			  strerror(-error));
	return error;
}

static bool has_pending(const struct journal *journal)
{
	for (size_t i = 0; i < journal->changes.count; i++)
		if (journal->changes.items[i].state != CHANGE_BOUND)
			return true;
	return false;
}

/* Shortens the journal to its content, of LENGTH bytes. */
static void release_space(const struct journal *journal, size_t length)
{
	int fd = openat(journal->directory, "journal", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	unlinkat(journal->directory, NEW, 0);
	if (fd < 0)
		return;
	if (ftruncate(fd, (off_t)length) < 0)
		log_debug(journal->log, "cannot shorten the journal: %s", strerror(errno));
	close(fd);
}

/* ---- markers ---- */

static bool is_changing(const struct journal *journal, const struct pci_address *address)
{
	const struct change *change = journal_find(&journal->changes, address, false);

	return change && change->state != CHANGE_BOUND;
}

static int create_marker(const struct journal *journal, const struct pci_address *address)
{
	char name[sizeof(JOURNAL_MARKER) + ADDRESS_SIZE] = JOURNAL_MARKER;
	int fd;

	address_format(address, name + strlen(JOURNAL_MARKER));
	fd = openat(journal->directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int create_markers(const struct journal *journal)
{
	const struct changes *changes = &journal->changes;
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		if (is_changing(journal, &changes->items[i].address))
			error = create_marker(journal, &changes->items[i].address);
	return error;
}

void journal_remove_markers(const struct journal *journal)
{
	int fd = openat(journal->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct pci_address address;
	struct dirent *entry;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(list)))
		if (strncmp(entry->d_name, JOURNAL_MARKER, strlen(JOURNAL_MARKER)) == 0 &&
		    address_parse_full(entry->d_name + strlen(JOURNAL_MARKER), &address) == 0 &&
		    !is_changing(journal, &address))
			unlinkat(journal->directory, entry->d_name, 0);
	closedir(list);
}

int journal_save(struct journal *journal)
{
	size_t length = 0;
	int error = create_markers(journal);

	if (!error)
		error = save(journal, 0, &length);
	if (!error && !has_pending(journal))
		release_space(journal, length);
	if (!error)
		journal_remove_markers(journal);
	return log_save_error(journal, error);
}

/* A change has at most twice the length of its line when it is recorded as bound: the wanted
 * binding is then there twice. */
static int space_needed(const struct journal *journal, const struct changes *changes, size_t *ret)
{
	char *recorded = format(journal, &journal->changes), *added = format(journal, changes);
	size_t size = 0;
	int error = recorded && added ? 0 : -ENOMEM;

	if (!error)
		size = ((strlen(recorded) + strlen(added)) * 2 / SPACE_UNIT + 1) * SPACE_UNIT;
	*ret = size < JOURNAL_SIZE_MAX / 2 ? size : JOURNAL_SIZE_MAX / 2;
	free(recorded);
	free(added);
	return error;
}

/* Each save exchanges the two files, so that both have the size after the second one. */
int journal_reserve(struct journal *journal, const struct changes *changes)
{
	size_t size;
	int error = space_needed(journal, changes, &size);

	for (int i = 0; i < 2 && !error; i++)
		error = save(journal, size, NULL);
	for (size_t i = 0; i < changes->count && !error; i++)
		if (!changes->items[i].is_vfs)
			error = create_marker(journal, &changes->items[i].address);
	if (error < 0)
		journal_remove_markers(journal);
	if (error < 0 && !has_pending(journal))
		unlinkat(journal->directory, NEW, 0);
	return log_save_error(journal, error);
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
	/* Unlike those of flock(2), such a lock is not inherited by child processes, which may
	 * outlive the run. Mode 0600: a user who can open the file could hold it for ever. */
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	journal->lock = openat(journal->directory, "lock",
			       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->lock < 0)
		return -errno;
	for (unsigned waited = 0; fcntl(journal->lock, F_SETLK, &whole) < 0; waited++) {
		bool is_locked = errno == EAGAIN || errno == EACCES;

		if (is_locked && waited == KERNEL_QUIET_SECONDS * 20 && waited < seconds * 20)
			kernel_report_wait(journal->log, NULL, "another vfio-bind to finish",
					   seconds - KERNEL_QUIET_SECONDS, "");
		if (!is_locked)
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
	bool is_old = false;
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
		error = read_journal(root, log, &ret->changes, &is_old);
	if (error < 0)
		return error;
	drop_removed(ret);
	journal_remove_markers(ret);
	return is_old ? journal_save(ret) : 0;
}

void journal_close(struct journal *journal)
{
	changes_free(&journal->changes);
	if (journal->lock >= 0)
		close(journal->lock);
	if (journal->directory >= 0)
		close(journal->directory);
}
