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

#define VTCONSOLES "sys/class/vtconsole"
#define IOMEM "proc/iomem"
#define IOMEM_SIZE_MAX (4u << 20)
#define DISPLAY_CLASS 0x03
#define FRAMEBUFFER_MAJOR 29

/* The device that is checked. */
struct display {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
};

static void add_unknown(struct display *display, const char *path, int error)
{
	hazard_findings_add(display->findings, HAZARD_UNKNOWN, display->device, "%s/%s: %s",
			    sysroot_path(display->view->root), path, strerror(-error));
}

/* Returns false if the file does not exist or is empty, or after adding HAZARD_UNKNOWN. */
static bool read_file(struct display *display, const char *path, char text[static ATTRIBUTE_SIZE])
{
	ssize_t length = sysdir_read(sysroot_dir(display->view->root), path, text, ATTRIBUTE_SIZE);

	if (length < 0 && length != -ENOENT)
		add_unknown(display, path, (int)length);
	return length > 0;
}

/* Whether virtual consoles are drawn on a framebuffer. The kernel does not show on which one. */
static bool has_framebuffer_console(struct display *display)
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[300], text[ATTRIBUTE_SIZE];
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(display->view->root), VTCONSOLES, &list);

	if (error < 0) {
		if (error != -ENOENT)
			add_unknown(display, VTCONSOLES, error);
		return false;
	}
	while ((entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), VTCONSOLES "/%s/name", entry->d_name);
		if (!read_file(display, path, text) || !strstr(text, "frame buffer"))
			continue;
		snprintf(path, sizeof(path), VTCONSOLES "/%s/bind", entry->d_name);
		if (read_file(display, path, text) && strcmp(text, "1") == 0)
			return true;
	}
	return false;
}

static void check_vtconsole(struct display *display, const struct descendant *node)
{
	if (major(node->number) == FRAMEBUFFER_MAJOR && has_framebuffer_console(display))
		hazard_findings_add(display->findings, HAZARD_VTCONSOLE, display->device,
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

static void check_consoles(struct display *display)
{
	const struct descendants *descendants = &display->view->descendants;
	char consoles[ATTRIBUTE_SIZE];
	bool has_consoles = read_file(display, "proc/consoles", consoles);

	for (size_t i = 0; i < descendants->count; i++) {
		const struct descendant *node = &descendants->items[i];

		if (node->kind != DESCENDANT_CHAR ||
		    !hazard_node_belongs_to(display->view, node, display->device))
			continue;
		if (has_consoles && is_console(consoles, node->number))
			hazard_findings_add(display->findings, HAZARD_CONSOLE, display->device,
					    "the kernel console is on %s", node->name);
		check_vtconsole(display, node);
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
static void check_firmware_framebuffer(struct display *display)
{
	char address[ADDRESS_SIZE], *iomem;
	const char *name;
	int error;

	if (display->device->class >> 8 != DISPLAY_CLASS)
		return;
	error = textfile_read(display->view->root, IOMEM, IOMEM_SIZE_MAX, &iomem);
	if (error < 0) {
		if (error != -ENOENT)
			add_unknown(display, IOMEM, error);
		return;
	}
	name = find_firmware_framebuffer(iomem, address_format(&display->device->address, address));
	if (name)
		hazard_findings_add(display->findings, HAZARD_BOOT_VGA, display->device,
				    "it has the firmware's framebuffer (%s)", name);
	free(iomem);
}

void hazard_find_display(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings)
{
	struct display display = {.view = view, .device = device, .findings = findings};
	char path[DEVICE_PATH_SIZE], text[ATTRIBUTE_SIZE];

	if (read_file(&display, device_path(&device->address, "boot_vga", path), text) &&
	    strcmp(text, "1") == 0)
		hazard_findings_add(findings, HAZARD_BOOT_VGA, device, "boot_vga is 1");
	check_firmware_framebuffer(&display);
	check_consoles(&display);
}
