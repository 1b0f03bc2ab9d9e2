/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may open what stands in /dev/vfio, and lock a VM's memory. The nodes are only looked at:
 * opening a group can make a VM fail. */
#include "binder/readiness/host.h"
#include "probe/ownership/holders.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void find_nodes(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "/dev/vfio/vfio";
	struct stat node;
	int error = sysdir_stat(sysroot_dir(host->root), "dev/vfio/vfio", &node);
	bool in_use = kernelinfo_module(&host->kernel, "vfio") >= MODULE_LOADED;

	if (error == -ENOENT && !in_use)
		finding_add(readiness, name, FINDING_PASS, NULL,
			    "not there yet: it comes with the module vfio");
	else if (error == -ENOENT)
		finding_add(
			readiness, name, FINDING_FAIL,
			"is this a container? Else restart udev, which makes it: udevadm trigger /sys/class/misc/vfio",
			"not there, though the kernel has vfio");
	else if (error < 0)
		finding_add(readiness, name, FINDING_UNKNOWN, NULL, "%s", strerror(-error));
	else
		finding_add(readiness, name, FINDING_PASS, NULL, "mode %04o, %s",
			    node.st_mode & 07777u,
			    (node.st_mode & 0066u) == 0066u
				    ? "open to all; a VM needs a group beside it"
				    : "not open to all");
}

/* ---- groups ---- */

static bool is_group(const char *name)
{
	return strncmp(name, "noiommu-", strlen("noiommu-")) == 0 ||
	       strspn(name, "0123456789") == strlen(name);
}

/* The name that FILE, etc/passwd or etc/group, has for ID, else its number. */
static void name_account(struct sysroot *root, const char *file, unsigned id, char *buffer,
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

/* Tells of the groups' nodes, those with the same rights in one go. */
static void describe_groups(const struct host *host, const struct strings *names, FILE *out,
			    bool *ret_open, bool *ret_unseen)
{
	struct stat node, last = {0};
	char path[280], owner[64], group[64];
	bool any = false;

	for (size_t i = 0; i < names->count; i++) {
		snprintf(path, sizeof(path), "dev/vfio/%s", names->items[i]);
		if (sysdir_stat(sysroot_dir(host->root), path, &node) < 0) {
			*ret_unseen = true;
			continue;
		}
		*ret_open = *ret_open || node.st_mode & 06u;
		if (any && node.st_mode == last.st_mode && node.st_uid == last.st_uid &&
		    node.st_gid == last.st_gid) {
			fprintf(out, " %s", names->items[i]);
			continue;
		}
		name_account(host->root, "etc/passwd", node.st_uid, owner, sizeof(owner));
		name_account(host->root, "etc/group", node.st_gid, group, sizeof(group));
		fprintf(out, "%s%s:%s %04o: %s", any ? "; " : "", owner, group,
			node.st_mode & 07777u, names->items[i]);
		last = node;
		any = true;
	}
}

static int list_groups(struct sysroot *root, struct strings *ret)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(root), "dev/vfio", &list);

	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while (!error && (entry = sysdir_next(list)))
		if (is_group(entry->d_name))
			error = strings_add(ret, entry->d_name);
	strings_sort(ret);
	return error;
}

void find_groups(struct readiness *readiness, const struct host *host)
{
	static const char name[] = "/dev/vfio groups";
	struct strings names = {0};
	bool is_open = false, unseen = false;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int error = out ? list_groups(host->root, &names) : -ENOMEM;

	if (out && !error)
		describe_groups(host, &names, out, &is_open, &unseen);
	if (!out || fclose(out) != 0 || error == -ENOMEM)
		readiness->no_memory = true;
	else if (error < 0)
		finding_add(readiness, name, FINDING_UNKNOWN, NULL, "%s", strerror(-error));
	else if (names.count == 0)
		finding_add(readiness, name, FINDING_PASS, NULL,
			    "none yet: each comes when a device of it is bound");
	else
		finding_add(
			readiness, name,
			is_open	 ? FINDING_WARN
			: unseen ? FINDING_UNKNOWN
				 : FINDING_PASS,
			is_open ? "every user of this host can take these devices: look for a udev rule with "
				  "MODE=\"0666\""
				: NULL,
			"%s", text);
	strings_free(&names);
	free(text);
}

/* ---- memory that may be locked: a VM with a device has all of its memory locked ---- */

#define LIMIT_LINE "Max locked memory"
#define CAP_IPC_LOCK_BIT 14

/* The soft limit in DIRECTORY/limits: a number of bytes or "unlimited". Returns 0 or a negative
 * errno. */
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

static bool may_lock_anything(struct sysroot *root)
{
	char text[ATTRIBUTE_SIZE], *line;
	unsigned long long capabilities;

	return sysdir_read(sysroot_dir(root), "proc/self/status", text, sizeof(text)) > 0 &&
	       (line = strstr(text, "\nCapEff:")) &&
	       sscanf(line, "\nCapEff: %16llx", &capabilities) == 1 &&
	       (capabilities >> CAP_IPC_LOCK_BIT & 1);
}

void find_memlock(struct readiness *readiness, const struct host *host)
{
	char limit[24];
	int error = read_limit(host->root, "self", limit);

	if (error < 0)
		finding_add(readiness, "memlock", FINDING_UNKNOWN, NULL, "/proc/self/limits: %s",
			    strerror(-error));
	else if (strcmp(limit, "unlimited") == 0 || may_lock_anything(host->root))
		finding_add(readiness, "memlock", FINDING_PASS, NULL,
			    "who asks may lock any amount of memory (limit %s)", limit);
	else
		finding_add(
			readiness, "memlock", FINDING_WARN,
			"libvirt raises the limit of its VMs itself; for a QEMU that is started otherwise: memlock "
			"in /etc/security/limits.d, or "
			"LimitMEMLOCK= of its unit, as large as the VM's memory",
			"who asks may lock %s bytes: no VM of his with more memory can have a device",
			limit);
}

void find_vms(struct readiness *readiness, const struct host *host)
{
	struct vfio_nodes nodes = {0};
	struct holders holders;
	char *text = NULL, pid[16], limit[24];
	size_t size, vms = 0;
	FILE *out;

	if (vfio_nodes_read(host->root, &nodes) < 0 ||
	    holders_read(host->root, &nodes, HOLDERS_PROCESSES, &holders) < 0) {
		finding_add(readiness, "vms", FINDING_UNKNOWN, NULL,
			    "/proc or /sys/class/vfio can't be read");
		vfio_nodes_free(&nodes);
		return;
	}
	out = open_memstream(&text, &size);
	for (size_t i = 0; out && i < holders.count; i++) {
		const struct holder *holder = &holders.items[i];

		if (!holder->vmm.is_vmm || !holder->file_count)
			continue;
		snprintf(pid, sizeof(pid), "%d", (int)holder->pid);
		fprintf(out, "%s%s (pid %s) may lock %s", vms++ ? ", " : "",
			holder->vmm.name ? holder->vmm.name : holder->vmm.program, pid,
			read_limit(host->root, pid, limit) == 0 ? limit
								: "nobody could see how much");
	}
	if (!out || fclose(out) != 0)
		readiness->no_memory = true;
	else if (vms)
		finding_add(readiness, "vms", FINDING_PASS, NULL, "%s", text);
	else
		finding_add(
			readiness, "vms", holders.unseen ? FINDING_UNKNOWN : FINDING_PASS,
			holders.unseen ? "look as root" : NULL, "%s",
			holders.unseen
				? "not every process could be looked at; none was seen that has a device"
				: "no VM has a device");
	free(text);
	holders_free(&holders);
	vfio_nodes_free(&nodes);
}
