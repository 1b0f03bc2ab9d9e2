/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/host/iommu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *table;
	enum iommu_vendor vendor;
} TABLES[] = {
	{"DMAR", IOMMU_INTEL}, {"IVRS", IOMMU_AMD}, {"IORT", IOMMU_OTHER}, /* Arm */
	{"VIOT", IOMMU_OTHER},						   /* virtio-iommu */
	{"RIMT", IOMMU_OTHER},						   /* RISC-V */
};

#define TABLES_DIRECTORY "sys/firmware/acpi/tables"

static int read_units(struct sysroot *root, struct strings *units)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = 0;

	if (sysdir_list(sysroot_dir(root), "sys/class/iommu", &list) < 0)
		return 0;
	while (!error && (entry = sysdir_next(list)))
		error = strings_add(units, entry->d_name);
	strings_sort(units);
	return error;
}

/* With enable_unsafe_noiommu_mode VFIO creates groups of its own if there is no IOMMU. */
static bool is_noiommu_group(const struct sysdir *groups, const char *group)
{
	char path[280], name[64];

	snprintf(path, sizeof(path), "%s/name", group);
	return sysdir_read(groups, path, name, sizeof(name)) > 0 &&
	       strcmp(name, "vfio-noiommu") == 0;
}

static void count_groups(struct sysroot *root, struct iommu *iommu)
{
	_cleanup_sysdir_ struct sysdir groups = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_open(sysroot_dir(root), "sys/kernel/iommu_groups", &groups);

	if (error == 0)
		error = sysdir_list(&groups, ".", &list);
	if (error < 0) {
		/* absent in a kernel without IOMMU support, but also if /sys is not mounted */
		if (error != -ENOENT || !sysdir_has(sysroot_dir(root), "sys/kernel"))
			iommu->groups_error = error;
		return;
	}
	while ((entry = sysdir_next(list)))
		if (is_noiommu_group(&groups, entry->d_name))
			iommu->noiommu_groups++;
		else
			iommu->groups++;
	iommu->groups_error = -errno;
}

static void find_table(struct sysroot *root, struct iommu *iommu)
{
	char path[64];

	iommu->has_tables = sysdir_has(sysroot_dir(root), TABLES_DIRECTORY);
	for (size_t i = 0; i < sizeof(TABLES) / sizeof(*TABLES) && !iommu->table; i++) {
		snprintf(path, sizeof(path), TABLES_DIRECTORY "/%s", TABLES[i].table);
		if (!sysdir_has(sysroot_dir(root), path))
			continue;
		iommu->table = TABLES[i].table;
		iommu->vendor = TABLES[i].vendor;
	}
}

static bool has_prefix(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

static enum iommu_vendor vendor_of_units(const struct strings *units)
{
	for (size_t i = 0; i < units->count; i++) {
		if (has_prefix(units->items[i], "dmar"))
			return IOMMU_INTEL;
		if (has_prefix(units->items[i], "ivhd"))
			return IOMMU_AMD;
	}
	return IOMMU_OTHER;
}

/* A file that exceeds the buffer is cut off: the first processor suffices. */
static void read_processor(struct sysroot *root, struct iommu *iommu)
{
	char text[8192];
	ssize_t length = sysdir_read(sysroot_dir(root), "proc/cpuinfo", text, sizeof(text));
	char *flags;

	if (length == -EFBIG)
		text[sizeof(text) - 1] = '\0';
	else if (length < 0)
		return;
	if (iommu->vendor == IOMMU_OTHER && !iommu->table) {
		if (strstr(text, "GenuineIntel"))
			iommu->vendor = IOMMU_INTEL;
		else if (strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine"))
			iommu->vendor = IOMMU_AMD;
	}
	flags = strstr(text, "\nflags");
	if (flags) {
		flags[1 + strcspn(flags + 1, "\n")] = '\0';
		iommu->is_guest = strstr(flags, " hypervisor") != NULL;
	}
}

int iommu_read(struct sysroot *root, struct iommu *ret)
{
	struct iommu iommu = {0};
	enum iommu_vendor vendor;

	if (read_units(root, &iommu.units) < 0) {
		iommu_free(&iommu);
		return -ENOMEM;
	}
	count_groups(root, &iommu);
	find_table(root, &iommu);
	read_processor(root, &iommu);
	vendor = vendor_of_units(&iommu.units);
	if (vendor != IOMMU_OTHER)
		iommu.vendor = vendor;
	*ret = iommu;
	return 0;
}

void iommu_free(struct iommu *iommu)
{
	strings_free(&iommu->units);
	*iommu = (struct iommu){0};
}

bool iommu_is_on(const struct iommu *iommu)
{
	return iommu->groups > 0;
}
