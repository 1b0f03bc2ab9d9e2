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

/* The next word at *TEXT, cut off there and moved behind; a quoted part can hold blanks. NULL:
 * there is none. */
static char *next_word(char **text)
{
	char *p = *text, *word, *out;
	bool quoted = false;

	while (isspace((unsigned char)*p))
		p++;
	word = out = p;
	for (; *p && (quoted || !isspace((unsigned char)*p)); p++)
		if (*p == '"')
			quoted = !quoted;
		else
			*out++ = *p;
	*text = *p ? p + 1 : p;
	if (p == word)
		return NULL;
	*out = '\0';
	return word;
}

static int read_parameters(struct kernelinfo *kernel)
{
	char *text, *rest, *word;
	int error = textfile_read(kernel->root, "proc/cmdline", 64 << 10, &text);

	if (error < 0)
		return error == -ENOMEM ? error : 0;
	kernel->has_parameters = true;
	rest = text;
	while (!error && (word = next_word(&rest)) &&
	       strcmp(word, "--") != 0) /* what follows is for init */
		error = strings_add(&kernel->parameters, word);
	free(text);
	return error;
}

static char canonical(char character)
{
	return character == '-' ? '_' : character;
}

/* How far A and B agree, as names of modules and parameters. */
static size_t common_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] && canonical(a[length]) == canonical(b[length]))
		length++;
	return length;
}

static const char *value_of(const char *parameter, const char *name)
{
	size_t length = strlen(name);

	if (common_length(name, parameter) != length)
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

bool list_has(const char *list, const char *item)
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
		if ((value = value_of(kernel->parameters.items[i], name)) && list_has(value, item))
			return true;
	return false;
}

/* ---- the release ---- */

/* It becomes a part of paths. */
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

bool kernelinfo_is_at_least(const struct kernelinfo *kernel, unsigned major, unsigned minor)
{
	return kernel->major > major ||
	       (kernel->major == major && kernel->major && kernel->minor >= minor);
}

/* ---- modules ---- */

static int read_list(const struct kernelinfo *kernel, const char *name, char **ret)
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
		error = read_list(&kernel, "modules.builtin", &kernel.builtin);
	if (!error)
		error = read_list(&kernel, "modules.dep", &kernel.dependencies);
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
	size_t length = common_length(a, b);

	return !a[length] && !b[length];
}

/* Whether the line at LINE, "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ...", is of this module. */
static bool is_of_module(const char *line, const char *name)
{
	size_t path = strcspn(line, ":\n"), length = strlen(name);
	const char *last = memrchr(line, '/', path);

	last = last ? last + 1 : line;
	return common_length(name, last) == length &&
	       strncmp(last + length, ".ko", strlen(".ko")) == 0;
}

static bool has_module(const char *list, const char *name)
{
	for (const char *line = list; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (is_of_module(line, name))
			return true;
	}
	return false;
}

enum module_state kernelinfo_module(const struct kernelinfo *kernel, const char *name)
{
	char path[128];

	if (kernel->builtin && has_module(kernel->builtin, name))
		return MODULE_BUILTIN;
	snprintf(path, sizeof(path), "sys/module/%s", name);
	if (sysdir_has(sysroot_dir(kernel->root), path))
		return MODULE_LOADED;
	if (!kernel->dependencies)
		return MODULE_UNKNOWN;
	return has_module(kernel->dependencies, name) ? MODULE_AVAILABLE : MODULE_MISSING;
}

int kernelinfo_modules_for(const struct kernelinfo *kernel, const char *modalias,
			   struct strings *ret)
{
	char *text = NULL, *rest = NULL, pattern[256], module[64];
	int error = read_list(kernel, "modules.alias", &text);

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
