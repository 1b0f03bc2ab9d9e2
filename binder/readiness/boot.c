/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of /etc and the kernel's parameters make of vfio-pci at boot. */
#include "binder/readiness/host.h"

#include "binder/host/bootfiles.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static int note_place(const struct bootline *line, char **place)
{
	if (*place)
		return 0;
	return asprintf(place, "/%s:%u", line->path, line->number) < 0 ? -ENOMEM : 0;
}

static int note_ids(struct boot *boot, const char *ids, const char *place)
{
	char *text = strndup(ids, strcspn(ids, " \t\r")), *rest = NULL;
	int error = text ? 0 : -ENOMEM;

	for (char *id = text ? strtok_r(text, ",\"'", &rest) : NULL; id && !error;
	     id = strtok_r(NULL, ",\"'", &rest)) {
		error = strings_add(&boot->ids, id);
		if (!error)
			error = strings_add(&boot->places, place);
	}
	free(text);
	return error;
}

/* "options vfio-pci ids=..." of modprobe.d, "vfio_pci ids=..." of a list of modules. */
static const char *find_ids_option(const struct bootline *line)
{
	const char *p = strstr(line->text, "ids=");

	if (!p || p == line->text || !isspace((unsigned char)p[-1]) ||
	    !bootline_names(line->text, "vfio_pci"))
		return NULL;
	return line->kind == BOOTFILE_MODPROBE &&
			       strncmp(line->text, "options", strlen("options")) != 0
		       ? NULL
		       : p + strlen("ids=");
}

static int note_line(void *data, const struct bootline *line)
{
	struct boot *boot = data;
	const char *ids = line->kind == BOOTFILE_UDEV ? NULL : find_ids_option(line);
	char *place = NULL;
	int error = 0;

	if (line->kind == BOOTFILE_INITRAMFS && !boot->vfio_pci &&
	    bootline_names(line->text, "vfio_pci")) {
		error = note_place(line, &boot->vfio_pci);
		boot->vfio_pci_path = strdup(line->path);
		if (!boot->vfio_pci_path)
			error = -ENOMEM;
	}
	if (!error && (line->kind == BOOTFILE_INITRAMFS || line->kind == BOOTFILE_LOAD) &&
	    bootline_names(line->text, "vfio_virqfd"))
		error = note_place(line, &boot->virqfd);
	if (!error && line->kind == BOOTFILE_MODPROBE &&
	    bootline_names(line->text, "allow_unsafe_interrupts"))
		error = note_place(line, &boot->unsafe_interrupts);
	if (!error && ids)
		error = note_place(line, &place);
	if (!error && ids)
		error = note_ids(boot, ids, place);
	free(place);
	return error;
}

int boot_read(struct sysroot *root, const struct log *log, const struct kernelinfo *kernel,
	      struct boot *ret)
{
	const char *ids = kernelinfo_parameter(kernel, "vfio_pci.ids");
	struct boot boot = {0};
	int error = bootfiles_read(root, log, note_line, &boot, &boot.unseen);

	if (!error && ids)
		error = note_ids(&boot, ids, "/proc/cmdline");
	if (error < 0) {
		boot_free(&boot);
		return error;
	}
	*ret = boot;
	return 0;
}

void boot_free(struct boot *boot)
{
	free(boot->vfio_pci);
	free(boot->vfio_pci_path);
	free(boot->virqfd);
	free(boot->unsafe_interrupts);
	strings_free(&boot->ids);
	strings_free(&boot->places);
	*boot = (struct boot){0};
}

/* ---- the initramfs ---- */

/* Where the distributions put the running kernel's. Returns whether one is there. */
static bool find_image(const struct host *host, char path[static 128], struct stat *ret)
{
	static const struct {
		const char *before, *behind;
	} names[] = {{"initrd.img-", ""}, {"initramfs-", ".img"}, {"initrd-", ""}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && *host->kernel.release; i++) {
		snprintf(path, 128, "boot/%s%s%s", names[i].before, host->kernel.release,
			 names[i].behind);
		if (sysdir_stat(sysroot_dir(host->root), path, ret) == 0)
			return true;
	}
	return false;
}

void find_initramfs(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "initramfs";
	const struct boot *boot = &host->boot;
	struct stat image, file;
	char path[128];

	if (kernelinfo_module(&host->kernel, "vfio_pci") == MODULE_BUILTIN)
		finding_add(
			readiness, name, FINDING_PASS, NULL,
			"vfio_pci is built into the kernel, which has it earlier than any initramfs");
	else if (!boot->vfio_pci && boot->unseen)
		finding_add(readiness, name, FINDING_UNKNOWN, "look as root",
			    "not every file of /etc could be read; the others don't name vfio_pci");
	else if (!boot->vfio_pci)
		finding_add(
			readiness, name, FINDING_PASS, NULL,
			"no file of /etc asks for vfio_pci in it: devices change drivers when vfio-bind runs");
	else if (find_image(host, path, &image) &&
		 sysdir_stat(sysroot_dir(host->root), boot->vfio_pci_path, &file) == 0 &&
		 (image.st_mtim.tv_sec < file.st_mtim.tv_sec))
		finding_add(readiness, name, FINDING_WARN,
			    "make it anew: update-initramfs -u, dracut -f or mkinitcpio -P",
			    "%s asks for vfio_pci, but /%s is older than that file", boot->vfio_pci,
			    path);
	else
		finding_add(readiness, name, FINDING_UNKNOWN,
			    "lsinitramfs or lsinitrd, with grep vfio, tells",
			    "%s asks for vfio_pci; whether the image has it isn't looked at",
			    boot->vfio_pci);
}

/* ---- ids ---- */

/* vendor:device[:subvendor[:subdevice]], as vfio-pci reads it; all ones are any. */
static bool id_matches(const char *id, const struct pci_device *device)
{
	unsigned any = ~0u, vendor, model, subvendor = any, subdevice = any;

	if (sscanf(id, "%8x:%8x:%8x:%8x", &vendor, &model, &subvendor, &subdevice) < 2)
		return false;
	return device->class >> 8 != 0x06 && (vendor == any || vendor == device->vendor) &&
	       (model == any || model == device->device) &&
	       (subvendor == any || subvendor == device->subsystem_vendor) &&
	       (subdevice == any || subdevice == device->subsystem_device);
}

/* Returns how many devices the id takes, and says which. */
static size_t describe_id(const struct inventory *inventory, const char *id, const char *place,
			  FILE *out)
{
	char address[ADDRESS_SIZE];
	size_t count = 0;

	fprintf(out, "%s (%s) takes", id, place);
	for (size_t i = 0; i < inventory->count; i++)
		if (id_matches(id, &inventory->devices[i]))
			fprintf(out, "%s %s", count++ ? "," : "",
				address_format(&inventory->devices[i].address, address));
	if (!count)
		fputs(" no device", out);
	return count;
}

void find_ids(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "ids";
	const struct boot *boot = &host->boot;
	bool several = false;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!boot->ids.count) {
		finding_add(
			readiness, name, boot->unseen ? FINDING_UNKNOWN : FINDING_PASS,
			boot->unseen ? "look as root" : NULL,
			boot->unseen
				? "not every file of /etc could be read; the others give vfio-pci no ids="
				: "vfio-pci is given no ids=");
		return;
	}
	out = open_memstream(&text, &size);
	for (size_t i = 0; out && i < boot->ids.count; i++) {
		fputs(i ? "; " : "", out);
		if (describe_id(host->inventory, boot->ids.items[i], boot->places.items[i], out) >
		    1)
			several = true;
	}
	if (!out || fclose(out) != 0)
		readiness->no_memory = true;
	else
		finding_add(
			readiness, name, several ? FINDING_WARN : FINDING_PASS,
			several ? "name devices by address: vfio-bind config udev DEV..."
				: "a second device of the kind would be taken too: rather vfio-bind config udev DEV...",
			"%s", text);
	free(text);
}

/* ---- a module that is no more ---- */

void find_virqfd(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "vfio_virqfd";
	const struct kernelinfo *kernel = &host->kernel;
	enum module_state state = kernelinfo_module(kernel, name);
	bool gone = state == MODULE_MISSING ||
		    (state == MODULE_UNKNOWN && kernelinfo_is_at_least(kernel, 6, 2));

	if (host->boot.virqfd && gone)
		finding_add(readiness, name, FINDING_WARN,
			    "take it from that file: since Linux 6.2 it is a part of vfio",
			    "%s asks for it, but kernel %s has none", host->boot.virqfd,
			    kernel->release);
	else if (gone)
		finding_add(readiness, name, FINDING_PASS, NULL,
			    "kernel %s has none and needs none", kernel->release);
	else if (state == MODULE_UNKNOWN)
		finding_add(readiness, name, FINDING_UNKNOWN, NULL,
			    "nobody can see which modules this kernel has");
	else
		finding_add(readiness, name, FINDING_PASS, NULL, "kernel %s has it",
			    kernel->release);
}
