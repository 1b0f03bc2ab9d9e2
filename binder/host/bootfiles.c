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

#define FILE_SIZE_MAX (1u << 20)

static const struct {
	enum bootfile_kind kind;
	const char *path;
	const char *suffix; /* of the files in the directory PATH; NULL if PATH is a file */
} LOCATIONS[] = {
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

struct bootfile_reader {
	struct sysroot *root;
	const struct log *log;
	bootline_visitor *visitor;
	void *data;
	unsigned unreadable;
};

static void log_unreadable(struct bootfile_reader *reader, const char *path, int error)
{
	log_warning(reader->log, "%s/%s: %s", sysroot_path(reader->root), path, strerror(-error));
	reader->unreadable++;
}

/* Terminates the line at TEXT, including its continuation lines, and adds the number of newlines to
 * *newlines. Returns the next line, or NULL. */
static char *split_line(char *text, unsigned *newlines)
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

static int read_file(struct bootfile_reader *reader, enum bootfile_kind kind, const char *path)
{
	struct bootline line = {.kind = kind, .path = path};
	char *text, *rest;
	unsigned newlines = 0;
	int error = textfile_read(reader->root, path, FILE_SIZE_MAX, &text);

	if (error == -ENOENT || error == -EISDIR)
		return 0;
	if (error == -ENOMEM)
		return error;
	if (error < 0) {
		log_unreadable(reader, path, error);
		return 0;
	}
	for (rest = text; rest && !error;) {
		line.number = newlines + 1;
		line.text = rest;
		rest = split_line(rest, &newlines);
		line.text += strspn(line.text, " \t");
		if (*line.text && *line.text != '#')
			error = reader->visitor(reader->data, &line);
	}
	free(text);
	return error;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), suffix_length = strlen(suffix);

	return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static int list_files(struct bootfile_reader *reader, const char *path, const char *suffix,
		      struct strings *files)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char file[512];
	int error = sysdir_list(sysroot_dir(reader->root), path, &list);

	if (error < 0) {
		if (error != -ENOENT)
			log_unreadable(reader, path, error);
		return 0;
	}
	while (!error && (entry = sysdir_next(list))) {
		if (!has_suffix(entry->d_name, suffix))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		error = strings_add(files, file);
	}
	strings_sort(files);
	return error;
}

int bootfiles_read(struct sysroot *root, const struct log *log, bootline_visitor *visitor,
		   void *data, unsigned *ret_unreadable)
{
	struct bootfile_reader reader = {
		.root = root, .log = log, .visitor = visitor, .data = data};
	int error = 0;

	for (size_t i = 0; i < sizeof(LOCATIONS) / sizeof(*LOCATIONS) && !error; i++) {
		struct strings files = {0};

		if (LOCATIONS[i].suffix)
			error = list_files(&reader, LOCATIONS[i].path, LOCATIONS[i].suffix, &files);
		else
			error = strings_add(&files, LOCATIONS[i].path);
		for (size_t j = 0; j < files.count && !error; j++)
			error = read_file(&reader, LOCATIONS[i].kind, files.items[j]);
		strings_free(&files);
	}
	*ret_unreadable = reader.unreadable;
	return error;
}

bool bootline_has_word(const char *line, const char *word)
{
	static const char delimiters[] = " \t\r\"'+=(),";
	char token[64];
	size_t length;

	for (; *line; line += length) {
		line += strspn(line, delimiters);
		length = strcspn(line, delimiters);
		if (length == 0 || length >= sizeof(token))
			continue;
		memcpy(token, line, length);
		token[length] = '\0';
		if (module_name_equals(token, word))
			return true;
	}
	return false;
}
