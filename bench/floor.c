/* SPDX-License-Identifier: GPL-2.0-or-later */
/* floor DIRECTORY: the minimum cost of reading every device. Lists DIRECTORY (sys/bus/pci/devices)
 * and opens, reads and closes the uevent of each device, without parsing, sorting or output, and
 * linked only to libc. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int read_uevent(int directory, const char *name)
{
	char path[300], text[4096];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/uevent", name);
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = read(fd, text, sizeof(text));
	close(fd);
	return length > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	DIR *list = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;

	if (!list) {
		fprintf(stderr, "Usage: floor DIRECTORY, e.g. /sys/bus/pci/devices\n");
		return 2;
	}
	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.' && read_uevent(dirfd(list), entry->d_name) < 0) {
			perror(entry->d_name);
			return 1;
		}
	closedir(list);
	return 0;
}
