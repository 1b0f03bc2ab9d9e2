/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup_device_acl in libvirt's qemu.conf: the device nodes that a VM may open. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/writers.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QEMU_CONF "etc/libvirt/qemu.conf"

/* Default of libvirt 9, used if qemu.conf contains no list. */
static const char *const DEFAULT_NODES[] = {
	"/dev/null",	"/dev/full", "/dev/zero", "/dev/random",
	"/dev/urandom", "/dev/ptmx", "/dev/kvm",
};

static bool is_node(const char *path)
{
	return strncmp(path, "/dev/", strlen("/dev/")) == 0 &&
	       strspn(path, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(path);
}

/* Adds the nodes of the list at TEXT, "cgroup_device_acl = [...]", commented out or not, to RET.
 * Modifies TEXT. */
static int read_nodes(char *text, struct strings *ret)
{
	char *list = strchr(text, '['), *rest = NULL;
	int error = 0;
	bool quoted = false;

	if (!list || !strchr(list, ']'))
		return 0;
	*strchr(list, ']') = '\0';
	/* split at quotes: every second piece is a quoted string */
	for (char *p = list; p && !error; p = rest, quoted = !quoted) {
		rest = strchr(p, '"');
		if (rest)
			*rest++ = '\0';
		if (quoted && is_node(p))
			error = strings_add(ret, p);
	}
	return error;
}

static bool is_acl(const char *line)
{
	static const char name[] = "cgroup_device_acl";

	line += strspn(line, " \t");
	return strncmp(line, name, strlen(name)) == 0 && strchr(" \t=", line[strlen(name)]);
}

/* Returns the active list, else the commented out default, else NULL. */
static char *find_acl(char *text)
{
	char *found = NULL;

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (is_acl(line))
			return line;
		if (*line == '#' && is_acl(line + 1))
			found = line;
	}
	return found;
}

static int read_acl(const struct hostfile_job *job, struct strings *ret)
{
	char *text = NULL, *list;
	int error = textfile_read(job->root, QEMU_CONF, 1 << 20, &text);

	if (error == -ENOMEM)
		return error;
	if (error < 0 && error != -ENOENT)
		log_warning(job->log, "%s/" QEMU_CONF ": %s; its cgroup_device_acl is not included",
			    sysroot_path(job->root), strerror(-error));
	list = error < 0 ? NULL : find_acl(text);
	error = list ? read_nodes(list, ret) : 0;
	for (size_t i = 0; !error && !list && i < sizeof(DEFAULT_NODES) / sizeof(*DEFAULT_NODES);
	     i++)
		error = strings_add(ret, DEFAULT_NODES[i]);
	free(text);
	return error;
}

static int add_node(struct strings *nodes, const char *node)
{
	return strings_has(nodes, node) ? 0 : strings_add(nodes, node);
}

/* Adds the nodes that the targets need. Returns an enum status. */
static int add_groups(const struct hostfile_job *job, struct strings *nodes, FILE *out)
{
	char node[32], address[ADDRESS_SIZE];
	int status = BIND_DONE, error = add_node(nodes, "/dev/vfio/vfio");

	for (size_t i = 0; i < job->target_count && !error; i++) {
		const struct pci_device *device = job->targets[i].device;

		if (device->present & HAS_IOMMU_GROUP) {
			snprintf(node, sizeof(node), "/dev/vfio/%u", device->iommu_group);
			error = add_node(nodes, node);
			continue;
		}
		address_format(&device->address, address);
		fprintf(out,
			"# SKIPPED: %s is not in an IOMMU group; 'vfio-bind check' shows why.\n",
			address);
		log_warning(job->log,
			    "%s skipped: not in an IOMMU group; 'vfio-bind check' shows why",
			    address);
		status = BIND_UNAVAILABLE;
	}
	if (!error)
		return status;
	log_error(job->log, "out of memory");
	return BIND_FAILED;
}

int hostfile_write_qemu(const struct hostfile_job *job, FILE *out)
{
	struct strings nodes = {0};
	int status = BIND_FAILED;

	fputs("# Replace the list in the file above, then run 'systemctl restart libvirtd' (or virtqemud).\n"
	      "# Devices in <hostdev> don't need this: libvirt grants access to them itself. It is needed for devices\n"
	      "# that are passed to QEMU by other means. Like addresses, the numbers of IOMMU groups can change.\n",
	      out);
	if (read_acl(job, &nodes) < 0)
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
