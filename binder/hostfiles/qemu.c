/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup_device_acl in libvirt's qemu.conf: the device nodes that a VM may open. */
#include "binder/commands/commands.h"
#include "binder/engine/devicenodes.h"
#include "binder/host/kernelinfo.h"
#include "binder/hostfiles/writers.h"
#include "probe/driver.h"
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

/* Writes why DEVICE is left out, and logs it. */
static void skip(const struct hostfile_job *job, const struct pci_device *device,
		 const char *reason, FILE *out)
{
	char address[ADDRESS_SIZE];

	address_format(&device->address, address);
	fprintf(out, "# SKIPPED: %s %s.\n", address, reason);
	log_warning(job->log, "%s skipped: %s", address, reason);
}

/* Adds the node of the device itself, which it has only while it is bound to VFIO. */
static int add_device_nodes(const struct hostfile_job *job, const struct pci_device *device,
			    struct strings *nodes, size_t *ret_count)
{
	struct strings found = {0};
	char path[320];
	int error = device_nodes_list(job->root, &device->address, NULL, &found);

	for (size_t i = 0; i < found.count && error == 0; i++) {
		snprintf(path, sizeof(path), "/%s", found.items[i]);
		error = add_node(nodes, path);
	}
	*ret_count = found.count;
	strings_free(&found);
	return error;
}

/* Adds the nodes that the targets need: of their groups with /dev/vfio/vfio, and of the devices
 * with /dev/iommu where the kernel has these. Returns an enum status. */
static int add_targets(const struct hostfile_job *job, struct strings *nodes, FILE *out)
{
	bool has_groups = kernelinfo_has_vfio_groups(job->root);
	struct stat status;
	bool has_iommufd = sysdir_stat(sysroot_dir(job->root), "dev/iommu", &status) == 0;
	int result = BIND_DONE, error = has_groups ? add_node(nodes, "/dev/vfio/vfio") : 0;
	char node[32], address[ADDRESS_SIZE];

	if (!error && (has_iommufd || !has_groups))
		error = add_node(nodes, "/dev/iommu");
	for (size_t i = 0; i < job->target_count && !error; i++) {
		const struct pci_device *device = job->targets[i].device;
		size_t count;

		if (!(device->present & HAS_IOMMU_GROUP)) {
			skip(job, device, "is not in an IOMMU group; 'vfio-bind check' shows why",
			     out);
			result = BIND_UNAVAILABLE;
			continue;
		}
		snprintf(node, sizeof(node), "/dev/vfio/%u", device->iommu_group);
		if (has_groups)
			error = add_node(nodes, node);
		if (!error)
			error = add_device_nodes(job, device, nodes, &count);
		if (!error && has_groups && has_iommufd && !count &&
		    !(device->driver && driver_is_vfio(device->driver)))
			fprintf(out,
				"# %s has no node for iommufd before it is bound to VFIO: if QEMU uses that, bind it first.\n",
				address_format(&device->address, address));
		if (!error && !has_groups && !count) {
			skip(job, device, "has no node before it is bound to VFIO; bind it first",
			     out);
			result = BIND_UNAVAILABLE;
		}
	}
	if (!error)
		return result;
	log_error(job->log, "/dev/vfio: %s", strerror(-error));
	return BIND_FAILED;
}

int hostfile_write_qemu(const struct hostfile_job *job, FILE *out)
{
	struct strings nodes = {0};
	int status = BIND_FAILED;

	fputs("# Replace the list in the file above, then run 'systemctl restart libvirtd' (or virtqemud).\n"
	      "# Devices in <hostdev> don't need this: libvirt grants access to them itself. It is needed for devices\n"
	      "# that are passed to QEMU by other means. Like addresses, the numbers of IOMMU groups and devices can change.\n",
	      out);
	if (read_acl(job, &nodes) < 0)
		log_error(job->log, "out of memory");
	else
		status = add_targets(job, &nodes, out);
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
