/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/references.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULE "sys/module/vfio"

/* ---- the kernel's count ---- */

/* Each module that depends on vfio has a reference. Returns their number or a negative errno. */
static int count_dependants(const struct sysdir *module)
{
	_cleanup_closedir_ DIR *list = NULL;
	int count = 0, error = sysdir_list(module, "holders", &list);

	if (error < 0)
		return error;
	while (sysdir_next(list))
		count++;
	return errno ? -errno : count;
}

static bool is_loaded(struct sysroot *root)
{
	struct stat status;

	return sysdir_stat(sysroot_dir(root), "sys/class/vfio", &status) != -ENOENT ||
	       sysdir_stat(sysroot_dir(root), "sys/class/vfio-dev", &status) != -ENOENT;
}

int references_read(struct sysroot *root, unsigned *ret)
{
	_cleanup_sysdir_ struct sysdir module = {.fd = -1};
	char text[ATTRIBUTE_SIZE];
	unsigned references;
	ssize_t length;
	int dependants, error = sysdir_open(sysroot_dir(root), MODULE, &module);

	if (error == -ENOENT && !is_loaded(root)) {
		*ret = 0;
		return 0;
	}
	if (error < 0)
		return error;
	length = sysdir_read(&module, "refcnt", text, sizeof(text));
	if (length < 0)
		return (int)length;
	dependants = count_dependants(&module);
	if (dependants < 0)
		return dependants;
	if (sscanf(text, "%9u", &references) != 1)
		return -EBADMSG;
	*ret = references > (unsigned)dependants ? references - (unsigned)dependants : 0;
	return 0;
}

/* ---- open files ---- */

static bool is_vfio(const struct vfio_file *file)
{
	return !file->node || !vfio_node_is_foreign(file->node);
}

/* Returns the number of references of an open file; NODE is NULL for a device opened through its
 * group. A node with a cdev of its own has two: that of the cdev and that of its file operations
 * (Linux, fs/char_dev.c, chrdev_open(); in kernels since 5.16, which list VFIO's devices). Without
 * VFIO's IOMMU driver, a container is iommufd's, not VFIO's. */
static unsigned references_of_file(struct sysroot *root, const struct vfio_node *node)
{
	struct stat status;

	if (!node)
		return 1;
	if (node->kind != VFIO_NODE_CONTAINER)
		return 2;
	return sysdir_stat(sysroot_dir(root), MODULE "_iommu_type1", &status) == 0;
}

/* Returns 0 for the same open file; 1 or 2 if A is before or after B in some order; -1 if kcmp(2)
 * fails. */
static long order_files(bool host, const struct vfio_file *a, const struct vfio_file *b)
{
	if (a->thread == b->thread && a->fd == b->fd)
		return 0;
	if (!host && a->thread != b->thread)
		return a->thread < b->thread ? 1 : 2;
	if (!host)
		return a->fd < b->fd ? 1 : 2;
	return syscall(SYS_kcmp, a->thread, b->thread, KCMP_FILE, (unsigned long)a->fd,
		       (unsigned long)b->fd);
}

int references_compare_files(struct sysroot *root, const struct vfio_file *a,
			     const struct vfio_file *b)
{
	long order = order_files(sysroot_is_host(root), a, b);

	return order < 0 ? -errno : order == 0;
}

struct order {
	bool host;
	bool failed; /* kcmp(2) failed, so the files are not sorted by it */
};

/* Orders files by kcmp(2), so that descriptors of the same file are adjacent. */
static int compare_files(const void *a, const void *b, void *data)
{
	const struct vfio_file *one = a, *other = b;
	struct order *order = data;
	long result;

	if (one->node != other->node)
		return one->node < other->node ? -1 : 1;
	/* a group can be opened only once, so these are the same file */
	if (one->node && one->node->kind == VFIO_NODE_GROUP)
		return 0;
	result = order_files(order->host, one, other);
	if (result < 0)
		order->failed = true;
	if (result <= 0)
		return 0;
	return result == 1 ? -1 : 1;
}

/* If kcmp(2) failed, all files of a node may be the same. */
static bool may_be_same(const struct vfio_file *one, const struct vfio_file *other,
			struct order *order)
{
	if (order->failed)
		return one->node == other->node;
	return compare_files(one, other, order) == 0;
}

int references_count_found(struct sysroot *root, const struct holders *holders, unsigned *ret)
{
	struct vfio_file *files;
	struct order order = {.host = sysroot_is_host(root)};
	size_t count = 0;
	unsigned references = 0;

	for (size_t i = 0; i < holders->count; i++)
		count += holders->items[i].file_count;
	*ret = 0;
	if (!count)
		return 0;
	files = calloc(count, sizeof(*files));
	if (!files)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < holders->count; i++) {
		const struct holder *holder = &holders->items[i];

		for (size_t j = 0; j < holder->file_count; j++)
			if (is_vfio(&holder->files[j]))
				files[count++] = holder->files[j];
	}
	qsort_r(files, count, sizeof(*files), compare_files, &order);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !may_be_same(&files[i - 1], &files[i], &order))
			references += references_of_file(root, files[i].node);
	free(files);
	*ret = references;
	return 0;
}
