/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/sources.h"

#include "probe/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct source SOURCES[OWNER_SOURCE_COUNT] = {
	{"vfio", OWNER_VFIO, "processes that have VFIO descriptors open", vfio_claim},
	{"cmdline", OWNER_CMDLINE, "command lines of QEMU and cloud-hypervisor", cmdline_claim},
	{"mdev", OWNER_MDEV, "mediated devices", mdev_claim},
	{"libvirt", OWNER_LIBVIRT, "libvirt's domains, running and defined", libvirt_claim},
	{"proxmox", OWNER_PROXMOX, "Proxmox's reservations", proxmox_claim},
	{"nodes", OWNER_NODES,
	 "processes that have /dev/nvidia*, /dev/dri/* or /dev/vhost-vdpa-* open", nodes_claim},
};

struct claim holder_claim(const struct holder *holder, enum owner_source source)
{
	return (struct claim){
		.source = source,
		.pid = holder->pid,
		.started = holder->started,
		.program = holder->vmm.program,
		.name = holder->vmm.name,
		.uuid = holder->vmm.uuid,
		.vmid = holder->vmm.vmid,
		.frontend = holder->frontend,
		.frontend_id = holder->frontend_id,
		.pod = *holder->pod ? holder->pod : NULL,
	};
}

const struct holder *holders_find(const struct holders *holders, pid_t pid)
{
	for (size_t i = 0; i < holders->count; i++)
		if (holders->items[i].pid == pid)
			return &holders->items[i];
	return NULL;
}

static const struct source *find_source(const char *name)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if (strcmp(SOURCES[i].name, name) == 0)
			return &SOURCES[i];
	return NULL;
}

static void log_unknown(const char *name, const char *location, const struct log *log)
{
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE], valid[128] = "";

	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		nearest_try(&nearest, SOURCES[i].name);
		snprintf(valid + strlen(valid), sizeof(valid) - strlen(valid), "%s%s",
			 i ? ", " : "", SOURCES[i].name);
	}
	if (nearest.found)
		log_error(log, "%s: unknown source '%s'%s", location, name,
			  nearest_hint(&nearest, hint));
	else
		log_error(log,
			  "%s: unknown source '%s' (all, none, or a comma-separated list of %s)",
			  location, name, valid);
}

int sources_parse(const char *list, const char *location, const struct log *log, unsigned *sources)
{
	char *copy = strdup(list), *rest = copy, *name;
	int error = copy ? 0 : -ENOMEM;

	while (!error && (name = strsep(&rest, ", "))) {
		const struct source *source = find_source(name);
		bool all = strcmp(name, "all") == 0, none = strcmp(name, "none") == 0;

		if (!*name)
			continue;
		if (!source && !all && !none) {
			log_unknown(name, location, log);
			error = -EINVAL;
		} else if (*sources &&
			   (all || none || *sources == OWNER_ALL || *sources == OWNER_NONE)) {
			log_error(log, "%s: 'all' and 'none' cannot be combined with other sources",
				  location);
			*sources = 0; /* log this only once per list */
			error = -EINVAL;
		} else {
			*sources |= source ? source->bit
				    : all  ? (unsigned)OWNER_ALL
					   : (unsigned)OWNER_NONE;
		}
	}
	free(copy);
	return error;
}

const char *sources_format(unsigned sources, char *buffer, size_t size)
{
	size_t length = 0;

	*buffer = '\0';
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if (sources & SOURCES[i].bit && length < size)
			length += (size_t)snprintf(buffer + length, size - length, "%s%s",
						   length ? "+" : "", SOURCES[i].name);
	return buffer;
}
