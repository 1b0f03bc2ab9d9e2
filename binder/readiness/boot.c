/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How files in /etc and kernel parameters configure vfio-pci at boot. */
#include "binder/readiness/checks.h"

#include "binder/host/bootfiles.h"
#include "common/textstream.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- parsing ---- */

static int set_location(const struct bootline *line, char **location)
{
	if (*location)
		return 0;
	return asprintf(location, "/%s:%u", line->path, line->number) < 0 ? -ENOMEM : 0;
}

static int add_ids(struct bootconfig *boot, const char *ids, const char *location)
{
	char *text = strndup(ids, strcspn(ids, " \t\r")), *rest = NULL;
	int error = text ? 0 : -ENOMEM;

	for (char *id = text ? strtok_r(text, ",\"'", &rest) : NULL; id && !error;
	     id = strtok_r(NULL, ",\"'", &rest)) {
		error = strings_add(&boot->ids, id);
		if (!error)
			error = strings_add(&boot->locations, location);
	}
	free(text);
	return error;
}

/* Returns the value of ids= in "options vfio-pci ids=..." (modprobe.d) or "vfio_pci ids=..." (a
 * list of modules), or NULL. */
static const char *find_ids_option(const struct bootline *line)
{
	const char *p = strstr(line->text, "ids=");

	if (!p || p == line->text || !isspace((unsigned char)p[-1]) ||
	    !bootline_has_word(line->text, "vfio_pci"))
		return NULL;
	return line->kind == BOOTFILE_MODPROBE &&
			       strncmp(line->text, "options", strlen("options")) != 0
		       ? NULL
		       : p + strlen("ids=");
}

static int parse_line(void *data, const struct bootline *line)
{
	struct bootconfig *boot = data;
	const char *ids = line->kind == BOOTFILE_UDEV ? NULL : find_ids_option(line);
	char *location = NULL;
	int error = 0;

	if (line->kind == BOOTFILE_INITRAMFS && !boot->vfio_pci &&
	    bootline_has_word(line->text, "vfio_pci")) {
		error = set_location(line, &boot->vfio_pci);
		boot->vfio_pci_path = strdup(line->path);
		if (!boot->vfio_pci_path)
			error = -ENOMEM;
	}
	if (!error && (line->kind == BOOTFILE_INITRAMFS || line->kind == BOOTFILE_LOAD) &&
	    bootline_has_word(line->text, "vfio_virqfd"))
		error = set_location(line, &boot->virqfd);
	if (!error && line->kind == BOOTFILE_MODPROBE &&
	    bootline_has_word(line->text, "allow_unsafe_interrupts"))
		error = set_location(line, &boot->unsafe_interrupts);
	if (!error && ids)
		error = set_location(line, &location);
	if (!error && ids)
		error = add_ids(boot, ids, location);
	free(location);
	return error;
}

int bootconfig_read(struct sysroot *root, const struct log *log, const struct kernelinfo *kernel,
		    struct bootconfig *ret)
{
	const char *ids = kernelinfo_parameter(kernel, "vfio_pci.ids");
	struct bootconfig boot = {0};
	int error = bootfiles_read(root, log, parse_line, &boot, &boot.unreadable);

	if (!error && ids)
		error = add_ids(&boot, ids, "/proc/cmdline");
	if (error < 0) {
		bootconfig_free(&boot);
		return error;
	}
	*ret = boot;
	return 0;
}

void bootconfig_free(struct bootconfig *boot)
{
	free(boot->vfio_pci);
	free(boot->vfio_pci_path);
	free(boot->virqfd);
	free(boot->unsafe_interrupts);
	strings_free(&boot->ids);
	strings_free(&boot->locations);
	*boot = (struct bootconfig){0};
}

/* ---- the initramfs ---- */

/* Finds the running kernel's image under the names that distributions use. */
static bool find_image(const struct host *host, char path[static 128], struct stat *ret)
{
	static const struct {
		const char *prefix, *suffix;
	} names[] = {{"initrd.img-", ""}, {"initramfs-", ".img"}, {"initrd-", ""}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && *host->kernel.release; i++) {
		snprintf(path, 128, "boot/%s%s%s", names[i].prefix, host->kernel.release,
			 names[i].suffix);
		if (sysdir_stat(sysroot_dir(host->root), path, ret) == 0)
			return true;
	}
	return false;
}

void readiness_check_initramfs(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "initramfs";
	const struct bootconfig *boot = &host->boot;
	struct stat image, file;
	char path[128];

	if (kernelinfo_module_state(&host->kernel, "vfio_pci") == MODULE_BUILTIN)
		readiness_add(readiness, name, FINDING_PASS, NULL,
			      "not needed: vfio_pci is built into the kernel");
	else if (!boot->vfio_pci && boot->unreadable)
		readiness_add(
			readiness, name, FINDING_UNKNOWN, geteuid() != 0 ? "run as root" : NULL,
			"some files in /etc could not be read; the others do not include vfio_pci");
	else if (!boot->vfio_pci)
		readiness_add(
			readiness, name, FINDING_PASS, NULL,
			"no file in /etc includes vfio_pci: devices are bound when vfio-bind runs");
	else if (find_image(host, path, &image) &&
		 sysdir_stat(sysroot_dir(host->root), boot->vfio_pci_path, &file) == 0 &&
		 (image.st_mtim.tv_sec < file.st_mtim.tv_sec))
		readiness_add(readiness, name, FINDING_WARN,
			      "regenerate it with update-initramfs -u, dracut -f or mkinitcpio -P",
			      "%s includes vfio_pci, but /%s is older than that file",
			      boot->vfio_pci, path);
	else
		readiness_add(readiness, name, FINDING_UNKNOWN,
			      "check with lsinitramfs or lsinitrd, and grep vfio",
			      "%s includes vfio_pci; the image itself is not inspected",
			      boot->vfio_pci);
}

/* ---- ids ---- */

/* Whether vfio-pci binds DEVICE because of ID, vendor:device[:subvendor[:subdevice]] in hex.
 * ffffffff (PCI_ANY_ID) matches any value. It does not bind bridges. */
static bool id_matches(const char *id, const struct pci_device *device)
{
	unsigned any = ~0u, vendor, device_id, subvendor = any, subdevice = any;

	if (sscanf(id, "%8x:%8x:%8x:%8x", &vendor, &device_id, &subvendor, &subdevice) < 2)
		return false;
	return !device_is_bridge(device) && (vendor == any || vendor == device->vendor) &&
	       (device_id == any || device_id == device->device) &&
	       (subvendor == any || subvendor == device->subsystem_vendor) &&
	       (subdevice == any || subdevice == device->subsystem_device);
}

/* Writes which devices ID matches to OUT. Returns their number. */
static size_t describe_id(const struct inventory *inventory, const char *id, const char *location,
			  FILE *out)
{
	char address[ADDRESS_SIZE];
	size_t count = 0;

	fprintf(out, "%s (%s) matches", id, location);
	for (size_t i = 0; i < inventory->count; i++)
		if (id_matches(id, &inventory->devices[i]))
			fprintf(out, "%s %s", count++ ? "," : "",
				address_format(&inventory->devices[i].address, address));
	if (!count)
		fputs(" no device", out);
	return count;
}

void readiness_check_ids(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "ids";
	const struct bootconfig *boot = &host->boot;
	bool is_ambiguous = false;
	char *text = NULL;
	FILE *out;

	if (!boot->ids.count) {
		readiness_add(
			readiness, name, boot->unreadable ? FINDING_UNKNOWN : FINDING_PASS,
			boot->unreadable && geteuid() != 0 ? "run as root" : NULL,
			boot->unreadable
				? "some files in /etc could not be read; the others set no ids= for vfio-pci"
				: "no ids= set for vfio-pci");
		return;
	}
	out = textstream_open(&text);
	for (size_t i = 0; out && i < boot->ids.count; i++) {
		fputs(i ? "; " : "", out);
		if (describe_id(host->inventory, boot->ids.items[i], boot->locations.items[i],
				out) > 1)
			is_ambiguous = true;
	}
	if (!out || !textstream_close(out, &text))
		readiness->no_memory = true;
	else
		readiness_add(
			readiness, name, is_ambiguous ? FINDING_WARN : FINDING_PASS,
			is_ambiguous
				? "several devices match; select by address with 'vfio-bind config udev DEV...'"
				: "an identical device added later would match too; consider 'vfio-bind config udev DEV...'",
			"%s", text);
	free(text);
}

/* ---- vfio_virqfd, which is part of vfio since Linux 6.2 ---- */

void readiness_check_virqfd(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "vfio_virqfd";
	const struct kernelinfo *kernel = &host->kernel;
	enum module_state state = kernelinfo_module_state(kernel, name);
	bool is_absent = state == MODULE_MISSING ||
			 (state == MODULE_UNKNOWN && kernelinfo_is_at_least(kernel, 6, 2));

	if (host->boot.virqfd && is_absent)
		readiness_add(readiness, name, FINDING_WARN,
			      "remove it from that file: it is part of vfio since Linux 6.2",
			      "%s loads it, but kernel %s has no such module", host->boot.virqfd,
			      kernel->release);
	else if (is_absent)
		readiness_add(readiness, name, FINDING_PASS, NULL, "not needed by kernel %s",
			      kernel->release);
	else if (state == MODULE_UNKNOWN)
		readiness_add(readiness, name, FINDING_UNKNOWN, NULL,
			      "cannot determine available modules");
	else
		readiness_add(readiness, name, FINDING_PASS, NULL, "available in kernel %s",
			      kernel->release);
}
