/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's qemu.conf: which device nodes a VM may open. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/parts.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QEMU_CONF "etc/libvirt/qemu.conf"

/* What libvirt 9 lets every VM open; where its file can be read, what stands there is taken. */
static const char *const DEFAULTS[] = {
	"/dev/null",	"/dev/full", "/dev/zero", "/dev/random",
	"/dev/urandom", "/dev/ptmx", "/dev/kvm",
};

static bool is_node(const char *text)
{
	return strncmp(text, "/dev/", strlen("/dev/")) == 0 &&
	       strspn(text, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(text);
}

/* The nodes in the list at TEXT, "cgroup_device_acl = [...]", commented out as libvirt delivers it
 * or not. Cuts it. */
static int read_nodes(char *text, struct strings *ret)
{
	char *list = strchr(text, '['), *rest = NULL;
	int error = 0;
	bool quoted = false;

	if (!list || !strchr(list, ']'))
		return 0;
	*strchr(list, ']') = '\0';
	/* what stands between quotes is every second piece */
	for (char *p = list; p && !error; p = rest, quoted = !quoted) {
		rest = strchr(p, '"');
		if (rest)
			*rest++ = '\0';
		if (quoted && is_node(p))
			error = strings_add(ret, p);
	}
	return error;
}

static bool is_list(const char *line)
{
	static const char name[] = "cgroup_device_acl";

	line += strspn(line, " \t");
	return strncmp(line, name, strlen(name)) == 0 && strchr(" \t=", line[strlen(name)]);
}

/* The one that is in force, else the one that libvirt comes with. */
static char *find_list(char *text)
{
	char *found = NULL;

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (is_list(line))
			return line;
		if (*line == '#' && is_list(line + 1))
			found = line;
	}
	return found;
}

static int read_list(const struct hostfile_job *job, struct strings *ret)
{
	char *text = NULL, *list;
	int error = textfile_read(job->root, QEMU_CONF, 1 << 20, &text);

	if (error == -ENOMEM)
		return error;
	if (error < 0 && error != -ENOENT)
		log_warning(job->log, "%s/" QEMU_CONF ": %s: what it lists is not taken over",
			    sysroot_path(job->root), strerror(-error));
	list = error < 0 ? NULL : find_list(text);
	error = list ? read_nodes(list, ret) : 0;
	for (size_t i = 0; !error && !list && i < sizeof(DEFAULTS) / sizeof(*DEFAULTS); i++)
		error = strings_add(ret, DEFAULTS[i]);
	free(text);
	return error;
}

static int add_node(struct strings *nodes, const char *node)
{
	return strings_has(nodes, node) ? 0 : strings_add(nodes, node);
}

/* Adds what the devices need. Returns an enum status. */
static int add_groups(const struct hostfile_job *job, struct strings *nodes, FILE *out)
{
	char node[32], address[ADDRESS_SIZE];
	int status = BIND_DONE, error = add_node(nodes, "/dev/vfio/vfio");

	for (size_t i = 0; i < job->count && !error; i++) {
		const struct pci_device *device = job->devices[i].device;

		if (device->present & HAS_IOMMU_GROUP) {
			snprintf(node, sizeof(node), "/dev/vfio/%u", device->iommu_group);
			error = add_node(nodes, node);
			continue;
		}
		address_format(&device->address, address);
		fprintf(out, "# LEFT OUT: %s has no IOMMU group. vfio-bind check tells why.\n",
			address);
		log_warning(job->log,
			    "%s is left out: it has no IOMMU group; 'vfio-bind check' tells why",
			    address);
		status = BIND_UNAVAILABLE;
	}
	if (!error)
		return status;
	log_error(job->log, "out of memory");
	return BIND_FAILED;
}

int write_qemu(const struct hostfile_job *job, FILE *out)
{
	struct strings nodes = {0};
	int status = BIND_FAILED;

	fputs("# Put it in place of the list that stands there, then: systemctl restart libvirtd (or virtqemud).\n"
	      "# VMs whose <hostdev> names a device don't need it, libvirt lets them by itself. It is for devices that a\n"
	      "# frontend gives to QEMU by other means. Groups can be numbered anew at boot when hardware has changed.\n",
	      out);
	if (read_list(job, &nodes) < 0)
		log_error(job->log, "out of memory");
	else
		status = add_groups(job, &nodes, out);
	if (status != BIND_FAILED) {
		fputs("cgroup_device_acl = [\n", out);
		for (size_t i = 0; i < nodes.count; i++)
			fprintf(out, "    \"%s\"%s\n", nodes.items[i],
				i + 1 < nodes.count ? "," : "");
		fputs("]\n", out);
	}
	strings_free(&nodes);
	return status;
}
