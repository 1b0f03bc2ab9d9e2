/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/host/bootfiles.h"

#include "binder/host/kernelinfo.h"
#include "probe/strings.h"
#include "probe/sysfs/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20)

static const struct {
	enum bootfile_kind kind;
	const char *path;
	const char *suffix; /* of the files in a directory; NULL: it is a file itself */
} PLACES[] = {
	{BOOTFILE_MODPROBE, "etc/modprobe.d", ".conf"},
	{BOOTFILE_LOAD, "etc/modules", NULL},
	{BOOTFILE_LOAD, "etc/modules-load.d", ".conf"},
	{BOOTFILE_INITRAMFS, "etc/initramfs-tools/modules", NULL},
	{BOOTFILE_INITRAMFS, "etc/initramfs-tools/hooks", ""},
	{BOOTFILE_INITRAMFS, "etc/dracut.conf", NULL},
	{BOOTFILE_INITRAMFS, "etc/dracut.conf.d", ".conf"},
	{BOOTFILE_INITRAMFS, "etc/mkinitcpio.conf", NULL},
	{BOOTFILE_INITRAMFS, "etc/mkinitcpio.conf.d", ".conf"},
	{BOOTFILE_UDEV, "etc/udev/rules.d", ".rules"},
};

struct reading {
	struct sysroot *root;
	const struct log *log;
	bootline_visitor *visitor;
	void *data;
	unsigned unseen;
};

static void log_unreadable(struct reading *reading, const char *path, int error)
{
	log_warning(reading->log, "%s/%s: %s", sysroot_path(reading->root), path, strerror(-error));
	reading->unseen++;
}

/* Cuts the line at TEXT off, with those that it goes on in. Returns where the next one begins, or
 * NULL, and counts newlines. */
static char *cut_line(char *text, unsigned *newlines)
{
	char *end;

	while ((end = strchr(text, '\n'))) {
		(*newlines)++;
		if (end == text || end[-1] != '\\') {
			*end = '\0';
			return end + 1;
		}
		end[-1] = *end = ' ';
	}
	return NULL;
}

static int read_file(struct reading *reading, enum bootfile_kind kind, const char *path)
{
	struct bootline line = {.kind = kind, .path = path};
	char *text, *rest;
	unsigned newlines = 0;
	int error = textfile_read(reading->root, path, FILE_MAX, &text);

	if (error == -ENOENT || error == -EISDIR)
		return 0;
	if (error == -ENOMEM)
		return error;
	if (error < 0) {
		log_unreadable(reading, path, error);
		return 0;
	}
	for (rest = text; rest && !error;) {
		line.number = newlines + 1;
		line.text = rest;
		rest = cut_line(rest, &newlines);
		line.text += strspn(line.text, " \t");
		if (*line.text && *line.text != '#')
			error = reading->visitor(reading->data, &line);
	}
	free(text);
	return error;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && strcmp(name + length - end, suffix) == 0;
}

static int list_files(struct reading *reading, const char *path, const char *suffix,
		      struct strings *files)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char file[512];
	int error = sysdir_list(sysroot_dir(reading->root), path, &list);

	if (error < 0) {
		if (error != -ENOENT)
			log_unreadable(reading, path, error);
		return 0;
	}
	while (!error && (entry = sysdir_next(list))) {
		if (!ends_in(entry->d_name, suffix))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		error = strings_add(files, file);
	}
	strings_sort(files);
	return error;
}

int bootfiles_read(struct sysroot *root, const struct log *log, bootline_visitor *visitor,
		   void *data, unsigned *ret_unseen)
{
	struct reading reading = {.root = root, .log = log, .visitor = visitor, .data = data};
	int error = 0;

	for (size_t i = 0; i < sizeof(PLACES) / sizeof(*PLACES) && !error; i++) {
		struct strings files = {0};

		if (PLACES[i].suffix)
			error = list_files(&reading, PLACES[i].path, PLACES[i].suffix, &files);
		else
			error = strings_add(&files, PLACES[i].path);
		for (size_t j = 0; j < files.count && !error; j++)
			error = read_file(&reading, PLACES[i].kind, files.items[j]);
		strings_free(&files);
	}
	*ret_unseen = reading.unseen;
	return error;
}

bool bootline_names(const char *text, const char *name)
{
	static const char between[] = " \t\r\"'+=(),";
	char word[64];
	size_t length;

	for (; *text; text += length) {
		text += strspn(text, between);
		length = strcspn(text, between);
		if (length == 0 || length >= sizeof(word))
			continue;
		memcpy(word, text, length);
		word[length] = '\0';
		if (module_name_equals(word, name))
			return true;
	}
	return false;
}
