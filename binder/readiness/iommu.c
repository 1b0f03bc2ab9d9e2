/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IOMMU, what switches it on, and whether interrupts go through it. */
#include "binder/readiness/host.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEDY_GUEST "this machine is a VM: its own host must give it an IOMMU"
#define REMEDY_FIRMWARE \
	"switch on VT-d, AMD-Vi or IOMMU in the firmware's setup; if it isn't offered there, this board can't"

static const char *vendor_name(enum iommu_maker maker)
{
	return maker == IOMMU_INTEL ? "Intel VT-d" : maker == IOMMU_AMD ? "AMD-Vi" : "an IOMMU";
}

void find_iommu(struct readiness *readiness, const struct host *host)
{
	const struct iommu *iommu = &host->iommu;
	const char *first = iommu->units.count ? iommu->units.items[0] : "none in /sys/class/iommu";

	if (iommu_is_on(iommu))
		finding_add(readiness, "iommu", FINDING_PASS, NULL,
			    "%s is on: %u groups in /sys/kernel/iommu_groups, %zu units (%s%s)",
			    vendor_name(iommu->maker), iommu->groups, iommu->units.count, first,
			    iommu->units.count > 1 ? ", ..." : "");
	else if (iommu->groups_error)
		finding_add(readiness, "iommu", FINDING_UNKNOWN, "look as root, with /sys mounted",
			    "/sys/kernel/iommu_groups: %s", strerror(-iommu->groups_error));
	else if (iommu->fake_groups)
		finding_add(
			readiness, "iommu", FINDING_FAIL, "see firmware and parameters below",
			"off: the groups in /sys/kernel/iommu_groups are those of vfio's no-IOMMU mode and isolate nothing");
	else
		finding_add(readiness, "iommu", FINDING_FAIL, "see firmware and parameters below",
			    "off: no group in /sys/kernel/iommu_groups");
	finding_is_essential(readiness);
}

void find_firmware(struct readiness *readiness, const struct host *host)
{
	const struct iommu *iommu = &host->iommu;

	if (iommu->table)
		finding_add(readiness, "firmware", FINDING_PASS, NULL,
			    "it tells of an IOMMU: ACPI table %s", iommu->table);
	else if (iommu_is_on(iommu))
		finding_add(
			readiness, "firmware", FINDING_PASS, NULL,
			"no ACPI table tells of the IOMMU; the kernel has found it all the same");
	else if (!iommu->has_tables)
		finding_add(readiness, "firmware", FINDING_UNKNOWN, NULL,
			    "no /sys/firmware/acpi/tables to look for DMAR or IVRS in");
	else
		finding_add(
			readiness, "firmware", FINDING_FAIL,
			iommu->is_guest ? REMEDY_GUEST : REMEDY_FIRMWARE,
			"it tells of no IOMMU: neither DMAR nor IVRS nor IORT in /sys/firmware/acpi/tables");
}

/* ---- kernel parameters ---- */

/* The parameters that have to do with it, as they were given. */
static char *join_parameters(const struct kernelinfo *kernel)
{
	static const char *const names[] = {"intel_iommu", "amd_iommu",		"iommu",
					    "vfio",	   "pcie_acs_override", "rd.driver.pre"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < kernel->parameters.count; i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			const char *word = kernel->parameters.items[i];
			size_t length = strlen(names[j]);

			if (strncmp(word, names[j], length) != 0 ||
			    (strchr("=.", word[length]) == NULL && strcmp(names[j], "vfio") != 0))
				continue;
			fprintf(out, "%s%s", ftell(out) ? " " : "", word);
			break;
		}
	if (ftell(out) == 0)
		fputs("nothing about an IOMMU", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool is_yes(const struct host *host, const char *path)
{
	char text[16];

	return sysdir_read(sysroot_dir(host->root), path, text, sizeof(text)) > 0 &&
	       (*text == 'Y' || *text == '1');
}

/* What keeps the IOMMU off, or NULL when it isn't the kernel's parameters. */
static const char *off_remedy(const struct host *host)
{
	const struct kernelinfo *kernel = &host->kernel;

	if (kernelinfo_parameter_has(kernel, "iommu", "off") ||
	    (host->iommu.maker == IOMMU_INTEL &&
	     kernelinfo_parameter_has(kernel, "intel_iommu", "off")) ||
	    (host->iommu.maker == IOMMU_AMD &&
	     kernelinfo_parameter_has(kernel, "amd_iommu", "off")))
		return "take the parameter that says off away, and reboot";
	if (host->iommu.maker == IOMMU_INTEL &&
	    !kernelinfo_parameter_has(kernel, "intel_iommu", "on"))
		return "add intel_iommu=on and reboot: vfio-bind config kernel";
	return NULL;
}

static const char *isolation_remedy(const struct host *host)
{
	if (kernelinfo_parameter(&host->kernel, "pcie_acs_override"))
		return "take pcie_acs_override away: it makes groups look smaller than what the hardware keeps apart";
	if (kernelinfo_parameter(&host->kernel, "vfio.enable_unsafe_noiommu_mode") ||
	    is_yes(host, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"))
		return "take vfio's enable_unsafe_noiommu_mode away: a device without IOMMU can write into all memory";
	return NULL;
}

void find_parameters(struct readiness *readiness, const struct host *host)
{
	const char *remedy = iommu_is_on(&host->iommu) ? NULL : off_remedy(host),
		   *weak = isolation_remedy(host);
	char *text = join_parameters(&host->kernel);

	if (!text)
		readiness->no_memory = true;
	else if (!host->kernel.has_parameters)
		finding_add(readiness, "parameters", FINDING_UNKNOWN, NULL,
			    "/proc/cmdline can't be read");
	else
		finding_add(readiness, "parameters",
			    remedy ? FINDING_FAIL
			    : weak ? FINDING_WARN
				   : FINDING_PASS,
			    remedy ? remedy : weak, "/proc/cmdline: %s", text);
	free(text);
}

/* ---- interrupts ---- */

/* Without remapping the kernel refuses VMs, unless it was told to let a VM forge interrupts. */
void find_interrupts(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "interrupts";
	bool allowed =
		host->boot.unsafe_interrupts ||
		is_yes(host, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts") ||
		kernelinfo_parameter(&host->kernel, "vfio_iommu_type1.allow_unsafe_interrupts");
	char *text;
	int error = textfile_read(host->root, "proc/interrupts", 16 << 20, &text);

	if (error < 0) {
		finding_add(readiness, name, FINDING_UNKNOWN, NULL, "/proc/interrupts: %s",
			    strerror(-error));
		return;
	}
	if (strstr(text, " IR-"))
		finding_add(readiness, name, FINDING_PASS, NULL,
			    "they are remapped (IR- in /proc/interrupts)");
	else if (!strstr(text, "IO-APIC") && !strstr(text, "PCI-MSI"))
		finding_add(
			readiness, name, FINDING_UNKNOWN, NULL,
			"/proc/interrupts names none of x86's; other processors remap them in their own way");
	else if (allowed)
		finding_add(
			readiness, name, FINDING_WARN,
			"take allow_unsafe_interrupts away once the firmware remaps interrupts",
			"not remapped, and allow_unsafe_interrupts lets VMs have devices all the same: a VM can "
			"forge interrupts");
	else if (!iommu_is_on(&host->iommu))
		finding_add(readiness, name, FINDING_WARN, "see iommu first",
			    "not remapped (no IR- in /proc/interrupts)");
	else
		finding_add(
			readiness, name, FINDING_FAIL,
			"switch on interrupt remapping in the firmware's setup, and take intremap=off "
			"and nointremap from the kernel's parameters",
			"not remapped (no IR- in /proc/interrupts): the kernel lets no VM have a device");
	free(text);
}
