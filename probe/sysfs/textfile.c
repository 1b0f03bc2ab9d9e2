/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdlib.h>

int textfile_read(struct sysroot *root, const char *path, size_t size, char **ret)
{
	char *text = malloc(size), *fitting;
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = sysdir_read(sysroot_dir(root), path, text, size);
	if (length < 0) {
		free(text);
		return (int)length;
	}
	fitting = realloc(text, (size_t)length + 1);
	*ret = fitting ? fitting : text;
	return 0;
}
