/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot display and the kernel's consoles. Sources: the kernel's
 * Documentation/ABI/testing/sysfs-bus-pci (boot_vga), Documentation/driver-api/console.rst,
 * Documentation/filesystems/proc.rst (consoles, iomem) and drivers/firmware/sysfb_simplefb.c. */
#include "binder/engine/devicepath.h"
#include "binder/hazards/hazard.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define CONSOLES "proc/consoles"
#define IOMEM "proc/iomem"
#define IOMEM_SIZE_MAX (4u << 20)
#define DISPLAY_CLASS 0x03
#define FRAMEBUFFER_MAJOR 29

static bool read_file(struct hazard_view *view, const char *path, char text[static ATTRIBUTE_SIZE])
{
	return sysdir_read(sysroot_dir(view->root), path, text, ATTRIBUTE_SIZE) > 0;
}

/* Whether virtual consoles are drawn on a framebuffer. The kernel does not show on which one. */
static bool has_framebuffer_console(struct hazard_view *view)
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[300], text[ATTRIBUTE_SIZE];
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(view->root), "sys/class/vtconsole", &list) < 0)
		return false;
	while ((entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "sys/class/vtconsole/%s/name", entry->d_name);
		if (!read_file(view, path, text) || !strstr(text, "frame buffer"))
			continue;
		snprintf(path, sizeof(path), "sys/class/vtconsole/%s/bind", entry->d_name);
		if (read_file(view, path, text) && strcmp(text, "1") == 0)
			return true;
	}
	return false;
}

static void check_vtconsole(struct hazard_view *view, const struct pci_device *device,
			    const struct descendant *node, struct hazard_findings *findings)
{
	if (major(node->number) == FRAMEBUFFER_MAJOR && has_framebuffer_console(view))
		hazard_findings_add(findings, HAZARD_VTCONSOLE, device,
				    "the virtual console uses a framebuffer, and %s is one",
				    node->name);
}

/* CONSOLES is /proc/consoles, with lines "ttyS0                -W- (EC p a)    4:64". The number is
 * missing for consoles without a node, such as netconsole. */
static bool is_console(const char *consoles, dev_t number)
{
	for (const char *line = consoles; *line; line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		const char *last = memrchr(line, ' ', length);
		unsigned major_number, minor_number;

		if (last && sscanf(last, " %u:%u", &major_number, &minor_number) == 2 &&
		    makedev(major_number, minor_number) == number)
			return true;
		line += length;
	}
	return false;
}

static void check_consoles(struct hazard_view *view, const struct pci_device *device,
			   struct hazard_findings *findings)
{
	char consoles[ATTRIBUTE_SIZE] = "";
	ssize_t length = sysdir_read(sysroot_dir(view->root), CONSOLES, consoles, sizeof(consoles));

	if (length < 0 && length != -ENOENT)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "%s/" CONSOLES ": %s",
				    sysroot_path(view->root), strerror((int)-length));
	for (size_t i = 0; i < view->descendants.count; i++) {
		const struct descendant *node = &view->descendants.items[i];

		if (node->kind != DESCENDANT_CHAR || !hazard_node_belongs_to(view, node, device))
			continue;
		if (length > 0 && is_console(consoles, node->number))
			hazard_findings_add(findings, HAZARD_CONSOLE, device,
					    "the kernel console is on %s", node->name);
		check_vtconsole(view, device, node, findings);
	}
}

/* Memory that the firmware's framebuffer has in /proc/iomem, as named by efifb, vesafb, simpledrm
 * and the kernel's sysfb, which makes the device that they use. */
static bool is_firmware_framebuffer(const char *name)
{
	static const char *const NAMES[] = {"BOOTFB", "efifb", "simpledrm", "simplefb", "vesafb"};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++)
		if (strcmp(name, NAMES[i]) == 0)
			return true;
	return false;
}

/* Lines of /proc/iomem are indented by the depth in the tree: "  e0000000-e02fffff : BOOTFB". Only
 * root sees the addresses, which are not needed. Returns the framebuffer within the memory of the
 * device ADDRESS, or NULL. */
static const char *find_firmware_framebuffer(char *iomem, const char *address)
{
	size_t device_depth = SIZE_MAX;
	char *rest = NULL;

	for (char *line = strtok_r(iomem, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t depth = strspn(line, " ");
		const char *name = strstr(line, " : ");

		if (!name)
			continue;
		name += strlen(" : ");
		if (depth <= device_depth)
			device_depth = strcmp(name, address) == 0 ? depth : SIZE_MAX;
		else if (is_firmware_framebuffer(name))
			return name;
	}
	return NULL;
}

/* The framebuffer of the firmware, in use until a driver of the device replaces it. In sysfs before
 * Linux 6.9 it is not below the device. */
static void check_firmware_framebuffer(struct hazard_view *view, const struct pci_device *device,
				       struct hazard_findings *findings)
{
	char address[ADDRESS_SIZE], *iomem;
	const char *name;
	int error;

	if (device->class >> 8 != DISPLAY_CLASS)
		return;
	error = textfile_read(view->root, IOMEM, IOMEM_SIZE_MAX, &iomem);
	if (error < 0) {
		if (error != -ENOENT)
			hazard_findings_add(findings, HAZARD_UNKNOWN, device, "%s/" IOMEM ": %s",
					    sysroot_path(view->root), strerror(-error));
		return;
	}
	name = find_firmware_framebuffer(iomem, address_format(&device->address, address));
	if (name)
		hazard_findings_add(findings, HAZARD_BOOT_VGA, device,
				    "it has the firmware's framebuffer (%s)", name);
	free(iomem);
}

void hazard_find_display(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings)
{
	char path[DEVICE_PATH_SIZE], text[ATTRIBUTE_SIZE];

	if (read_file(view, device_path(&device->address, "boot_vga", path), text) &&
	    strcmp(text, "1") == 0)
		hazard_findings_add(findings, HAZARD_BOOT_VGA, device, "boot_vga is 1");
	check_firmware_framebuffer(view, device, findings);
	check_consoles(view, device, findings);
}
