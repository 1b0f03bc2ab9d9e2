/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/host/kernelinfo.h"

#include "probe/sysfs/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

/* Terminates and returns the next parameter at *string, without quotes, and advances *string.
 * Returns NULL at the end. White space between double quotes does not separate parameters. */
static char *next_parameter(char **string)
{
	char *p = *string, *parameter, *out;
	bool quoted = false;

	while (isspace((unsigned char)*p))
		p++;
	parameter = out = p;
	for (; *p && (quoted || !isspace((unsigned char)*p)); p++)
		if (*p == '"')
			quoted = !quoted;
		else
			*out++ = *p;
	*string = *p ? p + 1 : p;
	if (p == parameter)
		return NULL;
	*out = '\0';
	return parameter;
}

static int read_parameters(struct kernelinfo *kernel)
{
	char *text, *rest, *parameter;
	int error = textfile_read(kernel->root, "proc/cmdline", 64 << 10, &text);

	if (error < 0)
		return error == -ENOMEM ? error : 0;
	kernel->has_parameters = true;
	rest = text;
	while (!error && (parameter = next_parameter(&rest)) &&
	       strcmp(parameter, "--") != 0) /* init's arguments follow */
		error = strings_add(&kernel->parameters, parameter);
	free(text);
	return error;
}

static char normalize(char character)
{
	return character == '-' ? '_' : character;
}

/* Length of the common prefix of two module or parameter names. */
static size_t common_prefix(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] && normalize(a[length]) == normalize(b[length]))
		length++;
	return length;
}

static const char *value_of(const char *parameter, const char *name)
{
	size_t length = strlen(name);

	if (common_prefix(name, parameter) != length)
		return NULL;
	return parameter[length] == '=' ? parameter + length + 1 : parameter[length] ? NULL : "";
}

const char *kernelinfo_parameter(const struct kernelinfo *kernel, const char *name)
{
	const char *value = NULL, *found;

	for (size_t i = 0; i < kernel->parameters.count; i++)
		if ((found = value_of(kernel->parameters.items[i], name)))
			value = found;
	return value;
}

/* Whether the comma-separated LIST contains ITEM. */
static bool has_list_item(const char *list, const char *item)
{
	size_t length = strlen(item);

	for (const char *p = list;; p++) {
		size_t size = strcspn(p, ",");

		if (size == length && strncmp(p, item, length) == 0)
			return true;
		p += size;
		if (!*p)
			return false;
	}
}

bool kernelinfo_parameter_has(const struct kernelinfo *kernel, const char *name, const char *item)
{
	const char *value;

	for (size_t i = 0; i < kernel->parameters.count; i++)
		if ((value = value_of(kernel->parameters.items[i], name)) &&
		    has_list_item(value, item))
			return true;
	return false;
}

/* ---- the release ---- */

/* The release becomes part of paths. */
static bool is_release(const char *text)
{
	return *text && *text != '.' &&
	       strspn(text,
		      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_+~") ==
		       strlen(text);
}

static void read_release(struct kernelinfo *kernel)
{
	char text[sizeof(kernel->release)];

	if (sysdir_read(sysroot_dir(kernel->root), "proc/sys/kernel/osrelease", text,
			sizeof(text)) < 0 ||
	    !is_release(text))
		return;
	strcpy(kernel->release, text);
	if (sscanf(text, "%3u.%4u", &kernel->major, &kernel->minor) != 2)
		kernel->major = kernel->minor = 0;
}

/* The class vfio is registered together with groups, vfio-dev with devices: drivers/vfio/group.c
 * and vfio_main.c. */
bool kernelinfo_has_vfio_groups(struct sysroot *root)
{
	const struct sysdir *top = sysroot_dir(root);
	struct stat status;

	return sysdir_stat(top, "sys/class/vfio", &status) != -ENOENT ||
	       sysdir_stat(top, "sys/class/vfio-dev", &status) < 0;
}

bool kernelinfo_is_at_least(const struct kernelinfo *kernel, unsigned major, unsigned minor)
{
	return kernel->major > major ||
	       (kernel->major == major && kernel->major && kernel->minor >= minor);
}

/* ---- modules ----
 *
 * The text files are parsed here rather than by libkmod, because kmod_new(dirname) opens plain
 * paths, so that a symbolic link below --sysroot could lead out of it, and because libkmod looks
 * names up only in the binary indexes (modules.*.bin), which a recording does not contain. */

static int read_module_list(const struct kernelinfo *kernel, const char *name, char **ret)
{
	char path[128];
	int error;

	if (!*kernel->release)
		return 0;
	snprintf(path, sizeof(path), "lib/modules/%s/%s", kernel->release, name);
	error = textfile_read(kernel->root, path, 16 << 20, ret);
	return error == -ENOMEM ? error : 0;
}

int kernelinfo_read(struct sysroot *root, struct kernelinfo *ret)
{
	struct kernelinfo kernel = {.root = root};
	int error;

	read_release(&kernel);
	error = read_parameters(&kernel);
	if (!error)
		error = read_module_list(&kernel, "modules.builtin", &kernel.builtin);
	if (!error)
		error = read_module_list(&kernel, "modules.dep", &kernel.dependencies);
	if (error < 0) {
		kernelinfo_free(&kernel);
		return error;
	}
	*ret = kernel;
	return 0;
}

void kernelinfo_free(struct kernelinfo *kernel)
{
	strings_free(&kernel->parameters);
	free(kernel->builtin);
	free(kernel->dependencies);
	*kernel = (struct kernelinfo){0};
}

bool module_name_equals(const char *a, const char *b)
{
	size_t length = common_prefix(a, b);

	return !a[length] && !b[length];
}

/* Whether LINE, "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ...", is about module NAME. */
static bool is_line_of(const char *line, const char *name)
{
	size_t path_length = strcspn(line, ":\n"), length = strlen(name);
	const char *file = memrchr(line, '/', path_length);

	file = file ? file + 1 : line;
	return common_prefix(name, file) == length &&
	       strncmp(file + length, ".ko", strlen(".ko")) == 0;
}

static bool lists_module(const char *list, const char *name)
{
	for (const char *line = list; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (is_line_of(line, name))
			return true;
	}
	return false;
}

enum module_state kernelinfo_module_state(const struct kernelinfo *kernel, const char *name)
{
	char path[128];

	if (kernel->builtin && lists_module(kernel->builtin, name))
		return MODULE_BUILTIN;
	snprintf(path, sizeof(path), "sys/module/%s", name);
	if (sysdir_has(sysroot_dir(kernel->root), path))
		return MODULE_LOADED;
	if (!kernel->dependencies)
		return MODULE_UNKNOWN;
	return lists_module(kernel->dependencies, name) ? MODULE_AVAILABLE : MODULE_MISSING;
}

int kernelinfo_modules_by_alias(const struct kernelinfo *kernel, const char *modalias,
				struct strings *ret)
{
	char *text = NULL, *rest = NULL, pattern[256], module[64];
	int error = read_module_list(kernel, "modules.alias", &text);

	if (error < 0 || !text)
		return error < 0 ? error : -ENOENT;
	for (char *line = strtok_r(text, "\n", &rest); line && !error;
	     line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, "alias %255s %63s", pattern, module) == 2 &&
		    fnmatch(pattern, modalias, 0) == 0 && !strings_has(ret, module))
			error = strings_add(ret, module);
	free(text);
	return error;
}
