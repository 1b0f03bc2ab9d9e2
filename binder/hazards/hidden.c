/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources: network_namespaces(7), namespaces(7), linux/if_link.h (IFLA_PARENT_DEV_NAME). */
#include "binder/hazards/hidden.h"

#include "binder/hazards/interfaces.h"
#include "probe/sysfs/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTINFO_SIZE_MAX (16u << 20)

/* The search: a namespace is known by the inode number of its file, "net:[4026531840]". */
struct search {
	struct sysroot *root;
	struct netlink *netlink;
	struct hidden_interfaces *hidden;
	struct strings known;  /* that were searched; the caller's own is the first */
	const char *namespace; /* that is searched now */
};

static void free_interface(struct hidden_interface *interface)
{
	free(interface->name);
	free(interface->path);
	free(interface->namespace);
}

void hidden_interfaces_free(struct hidden_interfaces *hidden)
{
	for (size_t i = 0; i < hidden->count; i++)
		free_interface(&hidden->items[i]);
	free(hidden->items);
	*hidden = (struct hidden_interfaces){0};
}

/* DEVICE: the path of the device that the interface belongs to. */
static int add(struct search *search, const struct rtnetlink_link *link, const char *device)
{
	struct hidden_interfaces *hidden = search->hidden;
	struct hidden_interface interface = {.name = strdup(link->name),
					     .namespace = strdup(search->namespace),
					     .is_up = link->is_up};
	struct hidden_interface *grown = NULL;

	if (asprintf(&interface.path, "%s/net/%s", device, link->name) < 0)
		interface.path = NULL;
	if (interface.name && interface.path && interface.namespace)
		grown = realloc(hidden->items, (hidden->count + 1) * sizeof(*grown));
	if (!grown) {
		free_interface(&interface);
		return -ENOMEM;
	}
	hidden->items = grown;
	grown[hidden->count++] = interface;
	return 0;
}

/* The device that an interface belongs to is known by its bus and its name there. */
static int check_link(void *data, const struct rtnetlink_link *link)
{
	struct search *search = data;
	char entry[128], target[PATH_MAX];
	ssize_t length;

	if (!*link->parent || !*link->parent_bus || strchr(link->parent, '/') ||
	    strchr(link->parent_bus, '/'))
		return 0;
	snprintf(entry, sizeof(entry), "sys/bus/%s/devices/%s", link->parent_bus, link->parent);
	length = sysdir_readlink(sysroot_dir(search->root), entry, target, sizeof(target));
	if (length < 0)
		return length == -ENOENT ? 0 : (int)length;
	return add(search, link, target);
}

/* Searches the namespace ID, whose file is PATH, unless it was. Returns 0 or -ENOMEM. */
static int search_namespace(struct search *search, const char *id, const char *path,
			    const char *label)
{
	int error;

	/* the kernel's lock is held: each further query would take as long */
	if (search->hidden->error == -ETIMEDOUT || strings_has(&search->known, id))
		return 0;
	search->namespace = label;
	error = rtnetlink_links(search->netlink, path, check_link, search);
	/* the process has exited, but another one may be in the same namespace */
	if (error == -ENOENT || error == -ESRCH)
		return 0;
	if (error == -EPERM || error == -EACCES)
		search->hidden->is_denied = true;
	else if (error < 0 && error != -ENOMEM)
		search->hidden->error = error;
	return error == -ENOMEM ? error : strings_add(&search->known, id);
}

static int search_process(struct search *search, const char *pid)
{
	char path[64], id[64], program[ATTRIBUTE_SIZE], label[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	length = sysdir_readlink(sysroot_dir(search->root), path + 1, id, sizeof(id));
	if (length == -EACCES || length == -EPERM)
		search->hidden->is_denied = true;
	else if (length < 0 && length != -ENOENT && length != -ESRCH)
		search->hidden->error = (int)length;
	if (length < 0 || strings_has(&search->known, id))
		return 0;
	snprintf(label, sizeof(label), "proc/%.20s/comm", pid);
	if (sysdir_read(sysroot_dir(search->root), label, program, sizeof(program)) < 0)
		*program = '\0';
	snprintf(label, sizeof(label), "process %.20s (%.16s)", pid, *program ? program : "?");
	return search_namespace(search, id, path, label);
}

static int search_processes(struct search *search)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(search->root), "proc", &list);

	if (error < 0) {
		search->hidden->error = error;
		return 0;
	}
	while ((entry = sysdir_next(list))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			error = search_process(search, entry->d_name);
		if (error < 0)
			return error;
	}
	if (errno)
		search->hidden->error = -errno;
	return 0;
}

/* "1052 25 0:4 net:[4026532264] /run/netns/blue rw shared:1 - nsfs nsfs rw": namespaces without
 * processes. A path with white space, which is escaped, does not occur in practice and fails. */
static int search_mounts(struct search *search)
{
	char *text, *rest = NULL;
	int error = textfile_read(search->root, "proc/self/mountinfo", MOUNTINFO_SIZE_MAX, &text);

	if (error < 0) {
		search->hidden->error = error;
		return 0;
	}
	for (char *line = strtok_r(text, "\n", &rest); line && !error;
	     line = strtok_r(NULL, "\n", &rest)) {
		char id[64], path[512];

		if (sscanf(line, "%*s %*s %*s %63s %511s", id, path) == 2 &&
		    strncmp(id, "net:[", strlen("net:[")) == 0)
			error = search_namespace(search, id, path, path);
	}
	free(text);
	return error;
}

int hidden_interfaces_read(struct sysroot *root, struct netlink *netlink,
			   struct hidden_interfaces *ret)
{
	struct search search = {.root = root, .netlink = netlink, .hidden = ret};
	char id[64];
	ssize_t length;
	int error;

	*ret = (struct hidden_interfaces){0};
	length = sysdir_readlink(sysroot_dir(root), "proc/self/ns/net", id, sizeof(id));
	if (length < 0) {
		ret->error = (int)length;
		return 0;
	}
	error = strings_add(&search.known, id);
	if (!error)
		error = search_processes(&search);
	if (!error)
		error = search_mounts(&search);
	strings_free(&search.known);
	return error;
}

/* ---- the check ---- */

/* Whether the device normally has an interface: an InfiniBand adapter may have none, and a driver
 * for user space never creates one. */
static bool should_have_interface(const struct pci_device *device)
{
	return device->class >> 8 == 0x02 && device->class != 0x0207 && device->driver &&
	       !strstr(device->driver, "uio");
}

/* Serial buses, such as USB, can have interfaces. */
static bool may_have_interface(const struct interfaces *interfaces)
{
	return interfaces->own_count || interfaces->device->class >> 8 == 0x02 ||
	       interfaces->device->class >> 8 == 0x0c;
}

static void read_hidden(struct interfaces *interfaces)
{
	struct hazard_view *view = interfaces->view;

	if (view->has_hidden || !view->netlink)
		return;
	if (hidden_interfaces_read(view->root, view->netlink, &view->hidden) < 0)
		interfaces->findings->no_memory = true;
	view->has_hidden = true;
}

static size_t add_found(struct interfaces *interfaces)
{
	const struct hidden_interfaces *hidden = &interfaces->view->hidden;
	size_t count = 0;

	for (size_t i = 0; i < hidden->count; i++) {
		const struct hidden_interface *interface = &hidden->items[i];
		struct descendant descendant = {.path = interface->path};

		if (!descendant_is_below(&descendant, &interfaces->device->address))
			continue;
		count++;
		hazard_findings_add(interfaces->findings,
				    interface->is_up ? HAZARD_NET_UP : HAZARD_NET_HIDDEN,
				    interfaces->device, "%s is %s in the network namespace of %s",
				    interface->name, interface->is_up ? "up" : "down",
				    interface->namespace);
	}
	return count;
}

void hazard_find_hidden_interfaces(struct interfaces *interfaces)
{
	const struct hidden_interfaces *hidden = &interfaces->view->hidden;
	const struct pci_device *device = interfaces->device;
	size_t found;

	read_hidden(interfaces);
	found = add_found(interfaces);
	if (hidden->error && may_have_interface(interfaces))
		hazard_findings_add(interfaces->findings, HAZARD_UNKNOWN, device,
				    "other network namespaces could not be searched: %s",
				    strerror(-hidden->error));
	if (!found && !interfaces->own_count && should_have_interface(device))
		hazard_findings_add(
			interfaces->findings, HAZARD_NET_HIDDEN, device,
			"no network interface is found, but it is bound to %s%s", device->driver,
			hidden->is_denied ? " (not all network namespaces could be searched)" : "");
}
