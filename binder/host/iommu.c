/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/host/iommu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *table;
	enum iommu_maker maker;
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

/* With enable_unsafe_noiommu_mode vfio makes groups of its own where there is no IOMMU. */
static bool is_fake(const struct sysdir *groups, const char *group)
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
		/* a kernel without IOMMU support has no such directory, but a root without /sys
		 * hasn't either */
		if (error != -ENOENT || !sysdir_has(sysroot_dir(root), "sys/kernel"))
			iommu->groups_error = error;
		return;
	}
	while ((entry = sysdir_next(list)))
		if (is_fake(&groups, entry->d_name))
			iommu->fake_groups++;
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
		iommu->maker = TABLES[i].maker;
	}
}

static bool begins(const char *text, const char *part)
{
	return strncmp(text, part, strlen(part)) == 0;
}

static enum iommu_maker vendor_of_units(const struct strings *units)
{
	for (size_t i = 0; i < units->count; i++) {
		if (begins(units->items[i], "dmar"))
			return IOMMU_INTEL;
		if (begins(units->items[i], "ivhd"))
			return IOMMU_AMD;
	}
	return IOMMU_OTHER;
}

/* The first processor is enough of them. */
static void read_processor(struct sysroot *root, struct iommu *iommu)
{
	char text[8192];
	ssize_t length = sysdir_read(sysroot_dir(root), "proc/cpuinfo", text, sizeof(text));
	char *flags;

	if (length == -EFBIG)
		text[sizeof(text) - 1] = '\0';
	else if (length < 0)
		return;
	if (iommu->maker == IOMMU_OTHER && !iommu->table) {
		if (strstr(text, "GenuineIntel"))
			iommu->maker = IOMMU_INTEL;
		else if (strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine"))
			iommu->maker = IOMMU_AMD;
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
	enum iommu_maker maker;

	if (read_units(root, &iommu.units) < 0) {
		iommu_free(&iommu);
		return -ENOMEM;
	}
	count_groups(root, &iommu);
	find_table(root, &iommu);
	read_processor(root, &iommu);
	maker = vendor_of_units(&iommu.units);
	if (maker != IOMMU_OTHER)
		iommu.maker = maker;
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
