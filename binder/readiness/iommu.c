/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IOMMU, the firmware tables and kernel parameters that enable it, and interrupt remapping. */
#include "binder/readiness/checks.h"
#include "common/textstream.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REMEDY_GUEST "this machine is a VM: add a virtual IOMMU to it on its host"
#define REMEDY_FIRMWARE \
	"enable VT-d, AMD-Vi or IOMMU in the firmware setup; if there is no such option, the board does not support it"

static const char *vendor_name(enum iommu_vendor vendor)
{
	return vendor == IOMMU_INTEL ? "Intel VT-d" : vendor == IOMMU_AMD ? "AMD-Vi" : "IOMMU";
}

void readiness_check_iommu(struct readiness *readiness, const struct host *host)
{
	const struct iommu *iommu = &host->iommu;
	const char *first = iommu->units.count ? iommu->units.items[0] : "none in /sys/class/iommu";

	if (iommu_is_on(iommu))
		readiness_add(
			readiness, "iommu", FINDING_PASS, NULL,
			"%s enabled: %u groups in /sys/kernel/iommu_groups, %zu unit%s (%s%s)",
			vendor_name(iommu->vendor), iommu->groups, iommu->units.count,
			iommu->units.count == 1 ? "" : "s", first,
			iommu->units.count > 1 ? ", ..." : "");
	else if (iommu->groups_error)
		readiness_add(readiness, "iommu", FINDING_UNKNOWN,
			      geteuid() != 0 ? "run as root, with /sys mounted"
					     : "mount /sys, or run outside of containers",
			      "/sys/kernel/iommu_groups: %s", strerror(-iommu->groups_error));
	else if (iommu->noiommu_groups)
		readiness_add(
			readiness, "iommu", FINDING_FAIL, "see 'firmware' and 'parameters' below",
			"disabled: the groups in /sys/kernel/iommu_groups belong to VFIO's no-IOMMU mode, without isolation");
	else
		readiness_add(readiness, "iommu", FINDING_FAIL,
			      "see 'firmware' and 'parameters' below",
			      "disabled: no group in /sys/kernel/iommu_groups");
	readiness_mark_essential(readiness);
}

void readiness_check_firmware(struct readiness *readiness, const struct host *host)
{
	const struct iommu *iommu = &host->iommu;

	if (iommu->table)
		readiness_add(readiness, "firmware", FINDING_PASS, NULL,
			      "ACPI table %s declares an IOMMU", iommu->table);
	else if (iommu_is_on(iommu))
		readiness_add(readiness, "firmware", FINDING_PASS, NULL,
			      "no ACPI table declares an IOMMU, but the kernel uses one");
	else if (!iommu->has_tables)
		readiness_add(readiness, "firmware", FINDING_UNKNOWN, NULL,
			      "no /sys/firmware/acpi/tables (DMAR, IVRS, IORT)");
	else
		readiness_add(
			readiness, "firmware", FINDING_FAIL,
			iommu->is_guest ? REMEDY_GUEST : REMEDY_FIRMWARE,
			"no IOMMU declared: no DMAR, IVRS or IORT in /sys/firmware/acpi/tables");
}

/* ---- kernel parameters ---- */

/* Returns the relevant parameters as given, separated by spaces; the caller frees the string. NULL
 * if out of memory. */
static char *join_parameters(const struct kernelinfo *kernel)
{
	static const char *const names[] = {"intel_iommu", "amd_iommu",		"iommu",
					    "vfio",	   "pcie_acs_override", "rd.driver.pre"};
	char *text = NULL;
	FILE *out = textstream_open(&text);

	if (!out)
		return NULL;
	for (size_t i = 0; i < kernel->parameters.count; i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			const char *parameter = kernel->parameters.items[i];
			size_t length = strlen(names[j]);

			if (strncmp(parameter, names[j], length) != 0 ||
			    (strchr("=.", parameter[length]) == NULL &&
			     strcmp(names[j], "vfio") != 0))
				continue;
			fprintf(out, "%s%s", ftell(out) ? " " : "", parameter);
			break;
		}
	if (ftell(out) == 0)
		fputs("no parameter concerns the IOMMU", out);
	textstream_close(out, &text);
	return text;
}

static bool is_enabled(const struct host *host, const char *path)
{
	char text[16];

	return sysdir_read(sysroot_dir(host->root), path, text, sizeof(text)) > 0 &&
	       (*text == 'Y' || *text == '1');
}

/* Returns how to change the kernel parameters so that the IOMMU is enabled, or NULL if they are
 * right. */
static const char *enable_remedy(const struct host *host)
{
	const struct kernelinfo *kernel = &host->kernel;

	if (kernelinfo_parameter_has(kernel, "iommu", "off") ||
	    (host->iommu.vendor == IOMMU_INTEL &&
	     kernelinfo_parameter_has(kernel, "intel_iommu", "off")) ||
	    (host->iommu.vendor == IOMMU_AMD &&
	     kernelinfo_parameter_has(kernel, "amd_iommu", "off")))
		return "remove the parameter that turns the IOMMU off, and reboot";
	if (host->iommu.vendor == IOMMU_INTEL &&
	    !kernelinfo_parameter_has(kernel, "intel_iommu", "on"))
		return "add intel_iommu=on and reboot (see 'vfio-bind config kernel')";
	return NULL;
}

static const char *isolation_remedy(const struct host *host)
{
	if (kernelinfo_parameter(&host->kernel, "pcie_acs_override"))
		return "remove pcie_acs_override: it splits groups that the hardware does not isolate";
	if (kernelinfo_parameter(&host->kernel, "vfio.enable_unsafe_noiommu_mode") ||
	    is_enabled(host, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"))
		return "remove enable_unsafe_noiommu_mode: without an IOMMU a device can access all memory";
	return NULL;
}

void readiness_check_parameters(struct readiness *readiness, const struct host *host)
{
	const char *remedy = iommu_is_on(&host->iommu) ? NULL : enable_remedy(host),
		   *warning = isolation_remedy(host);
	char *text = join_parameters(&host->kernel);

	if (!text)
		readiness->no_memory = true;
	else if (!host->kernel.has_parameters)
		readiness_add(readiness, "parameters", FINDING_UNKNOWN, NULL,
			      "cannot read /proc/cmdline");
	else
		readiness_add(readiness, "parameters",
			      remedy	? FINDING_FAIL
			      : warning ? FINDING_WARN
					: FINDING_PASS,
			      remedy ? remedy : warning, "/proc/cmdline: %s", text);
	free(text);
}

/* ---- interrupts ---- */

/* Without interrupt remapping a VM can forge interrupts; VFIO then refuses devices unless
 * allow_unsafe_interrupts is set. */
void readiness_check_interrupts(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "interrupts";
	bool allowed =
		host->boot.unsafe_interrupts ||
		is_enabled(host,
			   "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts") ||
		kernelinfo_parameter(&host->kernel, "vfio_iommu_type1.allow_unsafe_interrupts");
	char *text;
	int error = textfile_read(host->root, "proc/interrupts", 16 << 20, &text);

	if (error < 0) {
		readiness_add(readiness, name, FINDING_UNKNOWN, NULL, "/proc/interrupts: %s",
			      strerror(-error));
		return;
	}
	if (strstr(text, " IR-"))
		readiness_add(readiness, name, FINDING_PASS, NULL,
			      "remapped (IR- in /proc/interrupts)");
	else if (!strstr(text, "IO-APIC") && !strstr(text, "PCI-MSI"))
		readiness_add(
			readiness, name, FINDING_UNKNOWN, NULL,
			"no x86 interrupt controller in /proc/interrupts; cannot check other architectures");
	else if (allowed)
		readiness_add(
			readiness, name, FINDING_WARN,
			"enable interrupt remapping in the firmware setup, then remove allow_unsafe_interrupts",
			"not remapped, but allow_unsafe_interrupts is set: a VM can forge interrupts");
	else if (!iommu_is_on(&host->iommu))
		readiness_add(readiness, name, FINDING_WARN, "see 'iommu' first",
			      "not remapped (no IR- in /proc/interrupts)");
	else
		readiness_add(
			readiness, name, FINDING_FAIL,
			"enable interrupt remapping in the firmware setup, and remove intremap=off and nointremap from the kernel parameters",
			"not remapped (no IR- in /proc/interrupts): VFIO refuses to assign devices");
	free(text);
}
