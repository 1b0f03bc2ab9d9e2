/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel: release, command line and available modules. Sources: the kernel's
 * Documentation/admin-guide/kernel-parameters.rst, modules.dep(5) and
 * Documentation/kbuild/kbuild.rst (modules.builtin). */
#ifndef PCIPROBE_BINDER_HOST_KERNELINFO_H
#define PCIPROBE_BINDER_HOST_KERNELINFO_H

#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct kernelinfo {
	struct sysroot *root;
	char release[65];	   /* "6.1.0-56-amd64"; "" if unknown */
	unsigned major, minor;	   /* of the release; 0 if unknown */
	bool has_parameters;	   /* the command line could be read */
	struct strings parameters; /* the command line, split and unquoted */
	char *builtin;		   /* content of modules.builtin, or NULL if not readable */
	char *dependencies;	   /* content of modules.dep, or NULL if not readable */
};

enum module_state {
	MODULE_UNKNOWN, /* not loaded, and modules.dep could not be read */
	MODULE_MISSING,
	MODULE_AVAILABLE, /* not loaded, but listed in modules.dep */
	MODULE_LOADED,
	MODULE_BUILTIN,
};

/* Reads the information into *ret, which the caller frees with kernelinfo_free; ROOT must outlive
 * it. Fields of missing or unreadable files are marked as unknown. Returns 0 or -ENOMEM. */
int kernelinfo_read(struct sysroot *root, struct kernelinfo *ret);
void kernelinfo_free(struct kernelinfo *kernel);

/* Returns false if the loaded module vfio has only devices with nodes of their own, used with
 * /dev/iommu (CONFIG_VFIO_GROUP=n); true if it has groups or is not loaded. */
bool kernelinfo_has_vfio_groups(struct sysroot *root);

/* Whether the kernel has at least this version. False if the version is unknown. */
bool kernelinfo_is_at_least(const struct kernelinfo *kernel, unsigned major, unsigned minor);

/* Returns the value of the last parameter NAME, "" if it has no value, or NULL if absent. '-' and
 * '_' are equivalent in names. KERNEL owns the string. */
const char *kernelinfo_parameter(const struct kernelinfo *kernel, const char *name);

/* Whether the comma-separated value of parameter NAME contains ITEM, as in intel_iommu=on,sm_on. */
bool kernelinfo_parameter_has(const struct kernelinfo *kernel, const char *name, const char *item);

/* Returns the state of module NAME, which must be spelled with '_', as in /sys/module. */
enum module_state kernelinfo_module_state(const struct kernelinfo *kernel, const char *name);

/* Adds the modules whose aliases match MODALIAS to RET, each once. Built-in drivers are not found:
 * modules.alias does not list them. Returns 0, or -ENOENT if modules.alias could not be read, or
 * -ENOMEM. */
int kernelinfo_modules_by_alias(const struct kernelinfo *kernel, const char *modalias,
				struct strings *ret);

/* Whether A and B name the same module: '-' and '_' are equivalent. */
bool module_name_equals(const char *a, const char *b);

#endif
