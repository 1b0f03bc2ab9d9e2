/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/devices/driver-choice.h"

#include "probe/driver.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_SIZE_MAX (16u << 20)

static size_t count_wildcards(const char *alias)
{
	size_t count = 0;

	for (; *alias; alias++)
		count += *alias == '*';
	return count;
}

/* Finds the module whose alias matches SUBJECT with the fewest wildcards. Modifies CONTENT, that of
 * modules.alias. */
static const char *best_alias(char *content, const char *subject)
{
	static const char prefix[] = "alias vfio_pci:";
	const char *best = NULL;
	size_t least = SIZE_MAX;
	char *rest = NULL;

	for (char *line = strtok_r(content, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *alias, *module;

		if (strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		alias = line + strlen("alias ");
		module = strchr(alias, ' ');
		if (!module || strlen(module + 1) >= DRIVER_NAME_SIZE)
			continue;
		*module++ = '\0';
		if (fnmatch(alias, subject, 0) != 0 || count_wildcards(alias) >= least)
			continue;
		least = count_wildcards(alias);
		best = module;
	}
	return best;
}

/* Leaves MODULE unchanged if no alias matches. */
static void find_variant(struct sysroot *root, const struct pci_device *device,
			 char module[static DRIVER_NAME_SIZE])
{
	char release[ATTRIBUTE_SIZE], path[ATTRIBUTE_SIZE + 32], subject[ATTRIBUTE_SIZE + 8],
		*content;
	const char *best;

	if (!device->modalias || strncmp(device->modalias, "pci:", 4) != 0 ||
	    sysdir_read(sysroot_dir(root), "proc/sys/kernel/osrelease", release, sizeof(release)) <=
		    0 ||
	    strchr(release, '/'))
		return;
	snprintf(subject, sizeof(subject), "vfio_%s", device->modalias);
	snprintf(path, sizeof(path), "lib/modules/%s/modules.alias", release);
	if (textfile_read(root, path, ALIASES_SIZE_MAX, &content) < 0)
		return;
	best = best_alias(content, subject);
	if (best)
		strcpy(module, best);
	free(content);
}

static bool has_driver(struct sysroot *root, const char *driver)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	char path[32 + DRIVER_NAME_SIZE];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	return sysdir_open(sysroot_dir(root), path, &dir) == 0;
}

static void replace_char(char *name, char from, char to)
{
	for (; *name; name++)
		if (*name == from)
			*name = to;
}

/* Finds the PCI driver of a loaded module in /sys/module. */
static bool find_driver_of_module(struct sysroot *root, const char *module,
				  char driver[static DRIVER_NAME_SIZE])
{
	_cleanup_closedir_ DIR *list = NULL;
	char name[DRIVER_NAME_SIZE], path[32 + DRIVER_NAME_SIZE];
	struct dirent *entry;

	strcpy(name, module);
	replace_char(name, '-', '_');
	snprintf(path, sizeof(path), "sys/module/%s/drivers", name);
	if (sysdir_list(sysroot_dir(root), path, &list) < 0)
		return false;
	while ((entry = sysdir_next(list)))
		if (strncmp(entry->d_name, "pci:", 4) == 0 &&
		    strlen(entry->d_name + 4) < DRIVER_NAME_SIZE) {
			strcpy(driver, entry->d_name + 4);
			return true;
		}
	return false;
}

/* The driver of a module that isn't loaded: the module's name with '_', except for the oldest
 * modules. */
static void guess_driver(char driver[static DRIVER_NAME_SIZE])
{
	static const struct {
		const char *module, *driver;
	} others[] = {
		{"vfio_pci", "vfio-pci"}, {"pci_stub", "pci-stub"}, {"xen_pciback", "pciback"}};

	replace_char(driver, '-', '_');
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(driver, others[i].module) == 0)
			strcpy(driver, others[i].driver);
}

/* Whether a driver's name has '_' or '-' follows no rule. */
static void find_driver(struct sysroot *root, struct driver_choice *choice)
{
	strcpy(choice->driver, choice->module);
	if (has_driver(root, choice->driver))
		return;
	replace_char(choice->driver, '_', '-');
	if (has_driver(root, choice->driver))
		return;
	replace_char(choice->driver, '-', '_');
	if (has_driver(root, choice->driver) ||
	    find_driver_of_module(root, choice->module, choice->driver))
		return;
	guess_driver(choice->driver);
}

static bool is_name(const char *name)
{
	return *name && strlen(name) < DRIVER_NAME_SIZE &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       strlen(name);
}

int driver_choose(struct sysroot *root, const struct log *log, const struct pci_device *device,
		  const char *name, struct driver_choice *ret)
{
	struct driver_choice choice = {.module = "vfio_pci"};

	if (strcmp(name, "auto") == 0) {
		find_variant(root, device, choice.module);
	} else if (is_name(name) && driver_is_for_vms(name)) {
		strcpy(choice.module, strcmp(name, "pciback") == 0 ? "xen-pciback" : name);
	} else {
		log_error(
			log,
			"--driver: '%s' is not a VFIO driver or stub; 'vfio-bind release' returns a device to its host driver",
			name);
		return -EINVAL;
	}
	find_driver(root, &choice);
	*ret = choice;
	return 0;
}
