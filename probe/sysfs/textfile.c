/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdlib.h>

/* Room for nearly all files; larger ones are read again. */
#define SIZE_USUAL 65536u

static int read_up_to(struct sysroot *root, const char *path, size_t size, char **ret,
		      size_t *ret_length)
{
	char *text = malloc(size), *shrunk;
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = sysdir_read(sysroot_dir(root), path, text, size);
	if (length < 0) {
		free(text);
		return (int)length;
	}
	shrunk = realloc(text, (size_t)length + 1);
	*ret = shrunk ? shrunk : text;
	*ret_length = (size_t)length;
	return 0;
}

int textfile_read_bytes(struct sysroot *root, const char *path, size_t size, char **ret,
			size_t *ret_length)
{
	int error = -EFBIG;

	if (size > SIZE_USUAL)
		error = read_up_to(root, path, SIZE_USUAL, ret, ret_length);
	return error == -EFBIG ? read_up_to(root, path, size, ret, ret_length) : error;
}

int textfile_read(struct sysroot *root, const char *path, size_t size, char **ret)
{
	size_t length;

	return textfile_read_bytes(root, path, size, ret, &length);
}
