/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel: its release, its command line, and which modules it has. Sources: the
 * kernel's Documentation/admin-guide/kernel-parameters.rst, modules.dep(5) and
 * Documentation/kbuild/kbuild.rst for modules.builtin. */
#ifndef PCIPROBE_BINDER_HOST_KERNELINFO_H
#define PCIPROBE_BINDER_HOST_KERNELINFO_H

#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct kernelinfo {
	struct sysroot *root;
	char release[65];	   /* "6.1.0-56-amd64"; "" when it could not be read */
	unsigned major, minor;	   /* of the release; 0 and 0 when it isn't known */
	bool has_parameters;	   /* the command line could be read */
	struct strings parameters; /* its words, quotes taken away */
	char *builtin; /* modules.builtin and modules.dep of this release; NULL: they could not be
			  read */
	char *dependencies;
};

enum module_state {
	MODULE_UNKNOWN, /* it isn't loaded, and nobody could see whether there is one */
	MODULE_MISSING,
	MODULE_AVAILABLE, /* there is one to load */
	MODULE_LOADED,
	MODULE_BUILTIN,
};

/* Reads what there is; what isn't there is marked so above. Free it with kernelinfo_free. Returns 0
 * or -ENOMEM. */
int kernelinfo_read(struct sysroot *root, struct kernelinfo *ret);
void kernelinfo_free(struct kernelinfo *kernel);

/* Whether it is of this version or later. False when nobody knows. */
bool kernelinfo_is_at_least(const struct kernelinfo *kernel, unsigned major, unsigned minor);

/* The value of the last parameter NAME, "" when it has none; NULL: it wasn't given. '-' and '_' are
 * the same in a name. Belongs to KERNEL. */
const char *kernelinfo_parameter(const struct kernelinfo *kernel, const char *name);

/* Whether the parameter NAME was given with ITEM in its list, as in intel_iommu=on,sm_on. */
bool kernelinfo_parameter_has(const struct kernelinfo *kernel, const char *name, const char *item);

/* NAME is written with '_', as the kernel does. */
enum module_state kernelinfo_module(const struct kernelinfo *kernel, const char *name);

/* Adds the modules that say they know a device or device of this MODALIAS to RET, each once. Those
 * built into the kernel say nothing. Returns 0 or a negative errno: modules.alias could not be
 * read. */
int kernelinfo_modules_for(const struct kernelinfo *kernel, const char *modalias,
			   struct strings *ret);

/* Whether A and B are the same name of a module, where '-' and '_' are the same. */
bool module_name_equals(const char *a, const char *b);

/* Whether LIST, words with commas between them, has ITEM. */
bool list_has(const char *list, const char *item);

#endif
