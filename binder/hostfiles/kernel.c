/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the kernel: its Documentation/admin-guide/kernel-parameters.rst. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/parts.h"

/* AMD's IOMMU is on by itself; so are those of other processors. */
static const char *parameters_for(const struct iommu *iommu)
{
	switch (iommu->maker) {
	case IOMMU_INTEL:
		return "intel_iommu=on iommu=pt";
	case IOMMU_AMD:
		return "iommu=pt";
	case IOMMU_OTHER:
		break;
	}
	return "iommu.passthrough=1";
}

static bool are_given(const struct hostfile_job *job)
{
	if (job->iommu->maker == IOMMU_OTHER)
		return kernelinfo_parameter_has(job->kernel, "iommu.passthrough", "1");
	return kernelinfo_parameter_has(job->kernel, "iommu", "pt") &&
	       (job->iommu->maker != IOMMU_INTEL ||
		kernelinfo_parameter_has(job->kernel, "intel_iommu", "on"));
}

int write_kernel(const struct hostfile_job *job, FILE *out)
{
	const char *parameters = parameters_for(job->iommu);

	fprintf(out,
		"# Put it there, then: update-grub, and reboot. Where GRUB has no such directory:\n"
		"#   grubby --update-kernel=ALL --args=\"%s\"     (Fedora, RHEL)\n"
		"#   add them to /etc/kernel/cmdline                 (systemd-boot)\n"
		"# iommu=pt, or iommu.passthrough=1, leaves the host's own devices as fast as without an IOMMU.\n",
		parameters);
	if (are_given(job))
		fputs("# The running kernel has them already.\n", out);
	fprintf(out, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s\"\n", parameters);
	return BIND_DONE;
}
