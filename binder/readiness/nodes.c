/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Permissions of the nodes in /dev/vfio, and limits on locked memory. The nodes are never opened:
 * while a group is open, a VM fails to open it. */
#include "binder/readiness/checks.h"
#include "common/textstream.h"
#include "probe/ownership/holders.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NAME is the node of MODULE, through which VMs set up the IOMMU. */
static void check_node(struct readiness *readiness, const struct host *host, const char *name,
		       const char *module, const char *needed)
{
	struct stat node;
	int error = sysdir_stat(sysroot_dir(host->root), name + 1, &node);
	bool is_loaded = kernelinfo_module_state(&host->kernel, module) >= MODULE_LOADED;

	if (error == -ENOENT && !is_loaded)
		readiness_add(readiness, name, FINDING_PASS, NULL,
			      "not created yet: module %s creates it", module);
	else if (error == -ENOENT)
		readiness_add(
			readiness, name, FINDING_FAIL,
			"run outside of containers; if it is missing on the host, run 'udevadm trigger --subsystem-match=misc'",
			"missing, although %s is loaded or built in", module);
	else if (error < 0)
		readiness_add(readiness, name, FINDING_UNKNOWN, NULL, "%s", strerror(-error));
	else if ((node.st_mode & 0066u) != 0066u)
		readiness_add(readiness, name, FINDING_PASS, NULL,
			      "mode %04o, not accessible to all users", node.st_mode & 07777u);
	else
		readiness_add(readiness, name, FINDING_PASS, NULL,
			      "mode %04o, accessible to all users; a VM also needs its %s",
			      node.st_mode & 07777u, needed);
}

/* A kernel can have groups, nodes of devices, or both; the latter are used with /dev/iommu. */
void readiness_check_nodes(struct readiness *readiness, const struct host *host)
{
	bool has_groups = kernelinfo_has_vfio_groups(host->root);
	struct stat node;

	if (has_groups)
		check_node(readiness, host, "/dev/vfio/vfio", "vfio", "groups");
	if (!has_groups || sysdir_stat(sysroot_dir(host->root), "dev/iommu", &node) != -ENOENT)
		check_node(readiness, host, "/dev/iommu", "iommufd", "devices");
}

/* ---- groups ---- */

static bool is_group(const char *name)
{
	return strncmp(name, "noiommu-", strlen("noiommu-")) == 0 ||
	       strspn(name, "0123456789") == strlen(name);
}

/* Stores the name of ID in FILE (etc/passwd or etc/group), else the number, in BUFFER. */
static void format_account(struct sysroot *root, const char *file, unsigned id, char *buffer,
			   size_t size)
{
	char *text, *rest = NULL;
	unsigned found;

	snprintf(buffer, size, "%u", id);
	if (textfile_read(root, file, 4 << 20, &text) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length = strcspn(line, ":");

		if (sscanf(line + length, ":%*[^:]:%10u:", &found) == 1 && found == id) {
			snprintf(buffer, size, "%.*s", (int)length, line);
			break;
		}
	}
	free(text);
}

/* Writes owner, group and mode of the groups' nodes to OUT, consecutive nodes with the same ones
 * together. */
static void describe_groups(const struct host *host, const struct strings *names, FILE *out,
			    bool *ret_world_accessible, bool *ret_failed)
{
	struct stat node, last = {0};
	char path[280], owner[64], group[64];
	bool any = false;

	for (size_t i = 0; i < names->count; i++) {
		snprintf(path, sizeof(path), "dev/vfio/%s", names->items[i]);
		if (sysdir_stat(sysroot_dir(host->root), path, &node) < 0) {
			*ret_failed = true;
			continue;
		}
		*ret_world_accessible = *ret_world_accessible || node.st_mode & 06u;
		if (any && node.st_mode == last.st_mode && node.st_uid == last.st_uid &&
		    node.st_gid == last.st_gid) {
			fprintf(out, " %s", names->items[i]);
			continue;
		}
		format_account(host->root, "etc/passwd", node.st_uid, owner, sizeof(owner));
		format_account(host->root, "etc/group", node.st_gid, group, sizeof(group));
		fprintf(out, "%s%s:%s %04o: %s", any ? "; " : "", owner, group,
			node.st_mode & 07777u, names->items[i]);
		last = node;
		any = true;
	}
}

/* Adds the nodes of groups and those of devices, "devices/vfio0", to RET. */
static int list_nodes(struct sysroot *root, const char *directory, struct strings *ret)
{
	bool is_top = strcmp(directory, "dev/vfio") == 0;
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char name[300];
	int error = sysdir_list(sysroot_dir(root), directory, &list);

	if (error < 0)
		return error == -ENOENT || error == -ENOTDIR ? 0 : error;
	while (!error && (entry = sysdir_next(list))) {
		snprintf(name, sizeof(name), "%s%s", is_top ? "" : "devices/", entry->d_name);
		if (!is_top || is_group(entry->d_name))
			error = strings_add(ret, name);
	}
	return error;
}

static int list_groups(struct sysroot *root, struct strings *ret)
{
	int error = list_nodes(root, "dev/vfio", ret);

	if (error == 0)
		error = list_nodes(root, "dev/vfio/devices", ret);
	strings_sort(ret);
	return error;
}

void readiness_check_groups(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "/dev/vfio groups";
	struct strings names = {0};
	bool world_accessible = false, failed = false;
	char *text = NULL;
	FILE *out = textstream_open(&text);
	int error = out ? list_groups(host->root, &names) : -ENOMEM;

	if (out && !error)
		describe_groups(host, &names, out, &world_accessible, &failed);
	if (!out || !textstream_close(out, &text) || error == -ENOMEM)
		readiness->no_memory = true;
	else if (error < 0)
		readiness_add(readiness, name, FINDING_UNKNOWN, NULL, "%s", strerror(-error));
	else if (names.count == 0)
		readiness_add(readiness, name, FINDING_PASS, NULL,
			      "none yet: created when a device is bound to VFIO");
	else
		readiness_add(
			readiness, name,
			world_accessible ? FINDING_WARN
			: failed	 ? FINDING_UNKNOWN
					 : FINDING_PASS,
			world_accessible
				? "every user can open these devices; remove the udev rule with MODE=\"0666\""
				: NULL,
			"%s", text);
	strings_free(&names);
	free(text);
}

/* ---- locked memory: all memory of a VM with an assigned device is locked ---- */

#define LIMIT_LINE "Max locked memory"
#define CAP_IPC_LOCK_BIT 14

/* Reads the soft limit of PROCESS, "self" or a pid, in bytes or "unlimited". Returns 0 or a
 * negative errno. */
static int read_limit(struct sysroot *root, const char *process, char limit[static 24])
{
	char path[64], text[ATTRIBUTE_SIZE], *line;
	ssize_t length;

	snprintf(path, sizeof(path), "proc/%s/limits", process);
	length = sysdir_read(sysroot_dir(root), path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	line = strstr(text, LIMIT_LINE);
	return line && sscanf(line + strlen(LIMIT_LINE), " %23s", limit) == 1 ? 0 : -EBADMSG;
}

static bool has_cap_ipc_lock(struct sysroot *root)
{
	char text[ATTRIBUTE_SIZE], *line;
	unsigned long long capabilities;

	return sysdir_read(sysroot_dir(root), "proc/self/status", text, sizeof(text)) > 0 &&
	       (line = strstr(text, "\nCapEff:")) &&
	       sscanf(line, "\nCapEff: %16llx", &capabilities) == 1 &&
	       (capabilities >> CAP_IPC_LOCK_BIT & 1);
}

void readiness_check_memlock(struct readiness *readiness, const struct host *host)
{
	char limit[24];
	int error = read_limit(host->root, "self", limit);

	if (error < 0)
		readiness_add(readiness, "memlock", FINDING_UNKNOWN, NULL, "/proc/self/limits: %s",
			      strerror(-error));
	else if (strcmp(limit, "unlimited") == 0)
		readiness_add(readiness, "memlock", FINDING_PASS, NULL,
			      "you may lock unlimited memory");
	else if (has_cap_ipc_lock(host->root))
		readiness_add(
			readiness, "memlock", FINDING_PASS, NULL,
			"you may lock unlimited memory (CAP_IPC_LOCK); the limit of %s bytes does not apply",
			limit);
	else
		readiness_add(
			readiness, "memlock", FINDING_WARN,
			"not needed for VMs of libvirt, which sets their limits; otherwise set memlock in "
			"/etc/security/limits.d, or LimitMEMLOCK= of the unit, to at least the VM's memory",
			"you may lock %s bytes: a VM with more memory that you start cannot use a device",
			limit);
}

void readiness_check_vms(struct readiness *readiness, const struct host *host)
{
	struct vfio_nodes nodes = {0};
	struct holders holders;
	char *text = NULL, pid[16], limit[24];
	size_t vms = 0;
	FILE *out;
	int error = vfio_nodes_read(host->root, &nodes);

	if (!error)
		error = holders_read(host->root, &nodes, HOLDERS_PROCESSES, &holders);
	readiness->no_memory |= error == -ENOMEM;
	if (error < 0) {
		readiness_add(readiness, "vms", FINDING_UNKNOWN, NULL,
			      "cannot read /proc or /sys/class/vfio");
		vfio_nodes_free(&nodes);
		return;
	}
	out = textstream_open(&text);
	for (size_t i = 0; out && i < holders.count; i++) {
		const struct holder *holder = &holders.items[i];

		if (!holder->vmm.is_vmm || !holder->file_count)
			continue;
		snprintf(pid, sizeof(pid), "%d", (int)holder->pid);
		fprintf(out, "%s%s (pid %s): memlock limit %s", vms++ ? ", " : "",
			holder->vmm.name ? holder->vmm.name : holder->vmm.program, pid,
			read_limit(host->root, pid, limit) == 0 ? limit : "unknown");
	}
	if (!out || !textstream_close(out, &text))
		readiness->no_memory = true;
	else if (vms)
		readiness_add(readiness, "vms", FINDING_PASS, NULL, "%s", text);
	else if (holders.unseen)
		readiness_add(
			readiness, "vms", FINDING_UNKNOWN,
			geteuid() != 0 ? "run as root, outside of containers"
				       : "run outside of containers, with CAP_SYS_PTRACE",
			"no VM with a device was found, but %zu processes could not be inspected (/proc/PID/fd)",
			holders.unseen);
	else
		readiness_add(readiness, "vms", FINDING_PASS, NULL, "no VM has a device");
	free(text);
	holders_free(&holders);
	vfio_nodes_free(&nodes);
}
