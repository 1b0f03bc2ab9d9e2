/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot display and the kernel's consoles. Sources: the kernel's
 * Documentation/ABI/testing/sysfs-bus-pci (boot_vga), Documentation/driver-api/console.rst and
 * Documentation/filesystems/proc.rst (consoles). */
#include "binder/engine/devicepath.h"
#include "binder/hazards/hazard.h"

#include <stdio.h>
#include <string.h>

static bool read_file(struct hazard_view *view, const char *path, char text[static ATTRIBUTE_SIZE])
{
	return sysdir_read(sysroot_dir(view->root), path, text, ATTRIBUTE_SIZE) > 0;
}

/* Stores the name of the first entry in the device's DIRECTORY that begins with PREFIX in NAME.
 * Returns false if there is none. */
static bool first_entry(struct hazard_view *view, const struct pci_device *device,
			const char *directory, const char *prefix, char name[static 64])
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[DEVICE_PATH_SIZE];
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(view->root), device_path(&device->address, directory, path),
			&list) < 0)
		return false;
	while ((entry = sysdir_next(list)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    strlen(entry->d_name) < 64) {
			strcpy(name, entry->d_name);
			return true;
		}
	return false;
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

/* /proc/consoles: "ttyS0                -W- (EC p a)    4:64". */
static bool is_console(struct hazard_view *view, const char *tty)
{
	char text[ATTRIBUTE_SIZE], *rest = NULL;

	if (!read_file(view, "proc/consoles", text))
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, tty, strlen(tty)) == 0 && line[strlen(tty)] == ' ')
			return true;
	return false;
}

void hazard_find_display(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings)
{
	char path[DEVICE_PATH_SIZE], text[ATTRIBUTE_SIZE], name[64];

	if (read_file(view, device_path(&device->address, "boot_vga", path), text) &&
	    strcmp(text, "1") == 0)
		hazard_findings_add(findings, HAZARD_BOOT_VGA, device, "boot_vga is 1");
	if (first_entry(view, device, "graphics", "fb", name) && has_framebuffer_console(view))
		hazard_findings_add(findings, HAZARD_CONSOLE, device,
				    "the virtual console uses a framebuffer, and %s is one", name);
	if (first_entry(view, device, "tty", "tty", name) && is_console(view, name))
		hazard_findings_add(findings, HAZARD_CONSOLE, device, "the kernel console is on %s",
				    name);
}
