/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules, and what the kernel refuses. */
#include "binder/readiness/host.h"

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

static void find_module(struct readiness *readiness, const struct kernelinfo *kernel,
			const char *name)
{
	switch (kernelinfo_module(kernel, name)) {
	case MODULE_BUILTIN:
		finding_add(readiness, name, FINDING_PASS, NULL, "built into kernel %s",
			    kernel->release);
		break;
	case MODULE_LOADED:
		finding_add(readiness, name, FINDING_PASS, NULL, "loaded (/sys/module/%s)", name);
		break;
	case MODULE_AVAILABLE:
		if (is_blocked(kernel, name))
			finding_add(readiness, name, FINDING_FAIL,
				    "take it from module_blacklist= and reboot",
				    "the kernel's parameter module_blacklist forbids it");
		else
			finding_add(readiness, name, FINDING_PASS, NULL,
				    "can be loaded (/lib/modules/%s/modules.dep)", kernel->release);
		break;
	case MODULE_MISSING:
		if (strcmp(name, "vfio_iommu_type1") == 0 &&
		    kernelinfo_module(kernel, "iommufd") >= MODULE_AVAILABLE)
			finding_add(readiness, name, FINDING_WARN, "use a VMM that knows iommufd",
				    "this kernel has none, but it has iommufd");
		else
			finding_add(
				readiness, name, FINDING_FAIL,
				"install the rest of the kernel's modules (on some distributions a package of its "
				"own), or a kernel with VFIO",
				"not in /lib/modules/%s/modules.dep", kernel->release);
		break;
	case MODULE_UNKNOWN:
		finding_add(
			readiness, name, FINDING_UNKNOWN,
			"reboot if the running kernel's package was replaced; depmod makes the list where only "
			"that is missing",
			"not loaded, and there is no /lib/modules/%s/modules.dep to look in",
			*kernel->release ? kernel->release : "<release>");
		break;
	}
	finding_is_essential(readiness);
}

void find_modules(struct readiness *readiness, const struct host *host)
{
	find_module(readiness, &host->kernel, "vfio");
	find_module(readiness, &host->kernel, "vfio_iommu_type1");
	find_module(readiness, &host->kernel, "vfio_pci");
}

/* "none [integrity] confidentiality" */
void find_lockdown(struct readiness *readiness, const struct host *host)
{
	char text[128], *begin, *end;

	if (sysdir_read(sysroot_dir(host->root), "sys/kernel/security/lockdown", text,
			sizeof(text)) < 0) {
		finding_add(
			readiness, "lockdown", FINDING_UNKNOWN, NULL,
			"no /sys/kernel/security/lockdown: the kernel has none, or securityfs isn't mounted");
		return;
	}
	begin = strchr(text, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (!end) {
		finding_add(readiness, "lockdown", FINDING_UNKNOWN, NULL,
			    "/sys/kernel/security/lockdown makes no sense: %s", text);
		return;
	}
	*end = '\0';
	finding_add(readiness, "lockdown", FINDING_PASS, NULL, "%s%s", begin + 1,
		    strcmp(begin + 1, "none") == 0
			    ? ""
			    : ": VFIO works, but only signed modules can be loaded");
}
