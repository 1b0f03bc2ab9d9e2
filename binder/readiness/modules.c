/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VFIO's kernel modules, and lockdown. */
#include "binder/readiness/checks.h"

#include <stdio.h>
#include <string.h>

static bool is_blocked(const struct kernelinfo *kernel, const char *module)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", module);
	for (char *p = name; *p; p++)
		if (*p == '_')
			*p = '-';
	return kernelinfo_parameter_has(kernel, "module_blacklist", module) ||
	       kernelinfo_parameter_has(kernel, "module_blacklist", name);
}

static void check_module(struct readiness *readiness, const struct kernelinfo *kernel,
			 const char *name)
{
	switch (kernelinfo_module_state(kernel, name)) {
	case MODULE_BUILTIN:
		readiness_add(readiness, name, FINDING_PASS, NULL, "built into kernel %s",
			      kernel->release);
		break;
	case MODULE_LOADED:
		readiness_add(readiness, name, FINDING_PASS, NULL, "loaded (/sys/module/%s)", name);
		break;
	case MODULE_AVAILABLE:
		if (is_blocked(kernel, name))
			readiness_add(readiness, name, FINDING_FAIL,
				      "remove it from module_blacklist= and reboot",
				      "disabled by the kernel parameter module_blacklist=");
		else
			readiness_add(readiness, name, FINDING_PASS, NULL,
				      "available (/lib/modules/%s/modules.dep)", kernel->release);
		break;
	case MODULE_MISSING:
		if (strcmp(name, "vfio_iommu_type1") == 0 &&
		    kernelinfo_module_state(kernel, "iommufd") >= MODULE_AVAILABLE)
			readiness_add(readiness, name, FINDING_WARN,
				      "use a VMM that supports iommufd",
				      "not in kernel %s, which has iommufd instead",
				      kernel->release);
		else
			readiness_add(
				readiness, name, FINDING_FAIL,
				"install the package with the kernel's additional modules, or a kernel with VFIO",
				"not in /lib/modules/%s/modules.dep", kernel->release);
		break;
	case MODULE_UNKNOWN:
		readiness_add(
			readiness, name, FINDING_UNKNOWN,
			"reboot if the package of the running kernel was replaced, otherwise run depmod",
			"not loaded, and /lib/modules/%s/modules.dep could not be read",
			*kernel->release ? kernel->release : "<release>");
		break;
	}
	readiness_mark_essential(readiness);
}

void readiness_check_modules(struct readiness *readiness, const struct host *host)
{
	check_module(readiness, &host->kernel, "vfio");
	check_module(readiness, &host->kernel, "vfio_iommu_type1");
	check_module(readiness, &host->kernel, "vfio_pci");
}

/* "none [integrity] confidentiality" */
void readiness_check_lockdown(struct readiness *readiness, const struct host *host)
{
	char text[128], *begin, *end;

	if (sysdir_read(sysroot_dir(host->root), "sys/kernel/security/lockdown", text,
			sizeof(text)) < 0) {
		readiness_add(
			readiness, "lockdown", FINDING_UNKNOWN, NULL,
			"no /sys/kernel/security/lockdown: not supported by the kernel, or securityfs is not mounted");
		return;
	}
	begin = strchr(text, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (!end) {
		readiness_add(readiness, "lockdown", FINDING_UNKNOWN, NULL,
			      "cannot parse /sys/kernel/security/lockdown: %s", text);
		return;
	}
	*end = '\0';
	readiness_add(readiness, "lockdown", FINDING_PASS, NULL, "%s%s", begin + 1,
		      strcmp(begin + 1, "none") == 0
			      ? ""
			      : ": VFIO works, but only signed modules can be loaded");
}
