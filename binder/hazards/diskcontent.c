/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "binder/hazards/diskcontent.h"

#include "binder/host/deadline.h"
#include "probe/sysfs/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifdef HAVE_BLKID
#include <blkid.h>
#endif

struct disk_request {
	struct sysroot *root;
	const char *name, *number;
};

/* ---- the child ---- */

#ifdef HAVE_BLKID

static const char *value_of(blkid_probe probe, const char *name)
{
	const char *value;

	return blkid_probe_lookup_value(probe, name, &value, NULL) == 0 ? value : NULL;
}

static void describe(blkid_probe probe, struct disk_content *content)
{
	const char *type = value_of(probe, "TYPE"), *table = value_of(probe, "PTTYPE");
	const char *label = value_of(probe, "LABEL");

	if (type && label)
		snprintf(content->text, sizeof(content->text), "%s, label '%s'", type, label);
	else if (type)
		snprintf(content->text, sizeof(content->text), "%s", type);
	else if (table)
		snprintf(content->text, sizeof(content->text), "a partition table (%s)", table);
	else
		strcpy(content->text, "an unnamed signature");
}

static void find_signatures(int fd, struct disk_content *content)
{
	blkid_probe probe = blkid_new_probe();
	int found = -1;

	if (probe && blkid_probe_set_device(probe, fd, 0, 0) == 0 &&
	    blkid_probe_enable_superblocks(probe, true) == 0 &&
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL) == 0 &&
	    blkid_probe_enable_partitions(probe, true) == 0)
		found = blkid_do_safeprobe(probe);
	/* when an allocation fails, libblkid may find nothing, without an error */
	if (found == 1) {
		blkid_reset_probe(probe);
		found = blkid_do_safeprobe(probe);
	}
	if (found == 0)
		describe(probe, content);
	else if (found == -2)
		strcpy(content->text, "several signatures");
	else if (found < 0)
		content->read_error = -EIO;
	if (probe)
		blkid_free_probe(probe);
}

#else

static void find_signatures(int fd, struct disk_content *content)
{
	(void)fd, (void)content;
}

#endif

/* libblkid does not report all read errors. */
static void read_content(int fd, struct disk_content *content)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char sector[512];

	if (size == 0) /* no medium */
		return;
	if (size < 0 || pread(fd, sector, sizeof(sector), 0) < 0)
		content->read_error = -errno;
	else
		find_signatures(fd, content);
}

/* With O_EXCL this also detects users that do not show in sysfs: ZFS, mounts in namespaces without
 * processes, QEMU. Nothing is written, so that udev is not notified when the disk is closed.
 *
 * A device that is suspended is resumed by this, which the program does not do otherwise. But
 * unbinding its driver resumes it as well, and suspended disks can be mounted or contain data. */
static int open_disk(const struct disk_request *request)
{
	const int flags = O_RDONLY | O_EXCL | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char path[NAME_MAX + 8];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", request->name);
	for (char *p = path; *p; p++)
		if (*p == '!') /* how sysfs shows '/' */
			*p = '/';
	if (!sysroot_is_host(request->root))
		return inroot_open(sysroot_dir(request->root)->fd, path + 1, flags, 0);
	fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* Below a root other than "/" regular files take the place of disks. */
static bool is_disk(const struct disk_request *request, int fd)
{
	struct stat status;
	char number[32];

	if (fstat(fd, &status) < 0)
		return false;
	if (!sysroot_is_host(request->root))
		return S_ISREG(status.st_mode);
	snprintf(number, sizeof(number), "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	return S_ISBLK(status.st_mode) && strcmp(number, request->number) == 0;
}

static ssize_t read_disk(void *data, void *result, size_t size)
{
	const struct disk_request *request = data;
	struct disk_content *content = result;
	int fd = open_disk(request);

	(void)size;
	if (fd < 0)
		return fd;
	if (!is_disk(request, fd))
		return -ENOTBLK;
	read_content(fd, content);
	return sizeof(*content);
}

/* ---- the parent ---- */

int disk_content_read(struct sysroot *root, const char *name, const char *number, unsigned seconds,
		      struct disk_content *ret)
{
	struct disk_request request = {.root = root, .name = name, .number = number};
	const struct deadline_call call = {
		.run = read_disk, .data = &request, .timeout_ms = seconds * 1000};
	struct disk_content content = {0};
	ssize_t length = deadline_call(&call, &content, sizeof(content));

	if (length < 0)
		return (int)length;
	if (length != sizeof(content))
		return -EIO;
	*ret = content;
	return 0;
}
