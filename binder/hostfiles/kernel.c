/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel parameters; see the kernel's Documentation/admin-guide/kernel-parameters.rst. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/writers.h"

/* Only Intel's IOMMU has to be enabled; the others are enabled by default. */
static const char *parameters_for(const struct iommu *iommu)
{
	switch (iommu->vendor) {
	case IOMMU_INTEL:
		return "intel_iommu=on iommu=pt";
	case IOMMU_AMD:
		return "iommu=pt";
	case IOMMU_OTHER:
		break;
	}
	return "iommu.passthrough=1";
}

static bool are_active(const struct hostfile_job *job)
{
	if (job->iommu->vendor == IOMMU_OTHER)
		return kernelinfo_parameter_has(job->kernel, "iommu.passthrough", "1");
	return kernelinfo_parameter_has(job->kernel, "iommu", "pt") &&
	       (job->iommu->vendor != IOMMU_INTEL ||
		kernelinfo_parameter_has(job->kernel, "intel_iommu", "on"));
}

int hostfile_write_kernel(const struct hostfile_job *job, FILE *out)
{
	const char *parameters = parameters_for(job->iommu);

	fprintf(out,
		"# Install this file under the path above, then run 'update-grub' and reboot.\n"
		"# If GRUB has no such directory:\n"
		"#   Fedora, RHEL:  grubby --update-kernel=ALL --args=\"%s\"\n"
		"#   systemd-boot:  add the parameters to /etc/kernel/cmdline\n"
		"# iommu=pt and iommu.passthrough=1: the host's own devices bypass address translation, which costs performance.\n",
		parameters);
	if (are_active(job))
		fputs("# These parameters are already set for the running kernel.\n", out);
	fprintf(out, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s\"\n", parameters);
	return BIND_DONE;
}
