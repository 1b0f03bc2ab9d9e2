/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source nodes: processes that use a device through the nodes of its host driver. */
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Any user may open the nodes of a GPU, any number of times. */
#define HOST_PROCESSES_MAX 100

/* The VM that has a vDPA device holds it: the kernel lets its node be opened only once. */
static int claim_vdpa(const struct owner_search *search, const struct vfio_node *node,
		      struct pci_device *device)
{
	const struct holder *found = NULL;
	struct claim claim;

	for (size_t i = 0; i < search->holders->count; i++)
		if (holder_has_node(&search->holders->items[i], node))
			found = holders_choose(found, &search->holders->items[i]);
	if (!found)
		return 0;
	claim = holder_claim(found, OWNER_NODES);
	return device_claim(device, &claim);
}

/* What could not be inspected is the more important reason. */
static void set_truncated(struct source_report *report)
{
	if (report->state != SOURCE_OK)
		return;
	report->state = SOURCE_PARTLY;
	snprintf(report->why, sizeof(report->why), "more than %d processes use a device",
		 HOST_PROCESSES_MAX);
}

/* A VM monitor that renders on a GPU of the host does not assign it to its VM: the claim does not
 * name the VM. */
static int claim_host_processes(const struct owner_search *search, const struct vfio_node *node,
				struct pci_device *device, struct source_report *report)
{
	for (size_t i = 0; i < search->holders->count; i++) {
		const struct holder *holder = &search->holders->items[i];
		const struct claim claim = {
			.source = OWNER_NODES,
			.host_process = true,
			.pid = holder->pid,
			.started = holder->started,
			.program = holder->vmm.program,
		};
		int error;

		if (!holder_has_node(holder, node))
			continue;
		if (device->owner_count >= HOST_PROCESSES_MAX) {
			set_truncated(report);
			return 0;
		}
		error = device_claim(device, &claim);
		if (error < 0)
			return error;
	}
	return 0;
}

static void set_state(const struct owner_search *search, struct source_report *report)
{
	const struct holders *holders = search->holders;
	bool any = search->host_nodes_error;

	for (size_t i = 0; i < search->nodes->count; i++)
		any |= vfio_node_is_foreign(&search->nodes->items[i]);
	if (!any) {
		report->state = SOURCE_ABSENT;
	} else if (search->host_nodes_error) {
		report->state = SOURCE_FAILED;
		snprintf(report->why, sizeof(report->why), "nodes could not be listed: %s",
			 strerror(-search->host_nodes_error));
	} else if (search->processes.state == SOURCE_FAILED) {
		report->state = SOURCE_FAILED;
		snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	} else if (holders->unseen) {
		report->state = SOURCE_PARTLY;
		snprintf(report->why, sizeof(report->why),
			 "%zu processes could not be inspected: %s", holders->unseen,
			 strerror(-holders->error));
	}
}

int nodes_claim(const struct owner_search *search, struct source_report *report)
{
	int error = 0;

	set_state(search, report);
	for (size_t i = 0; i < search->nodes->count && !error; i++) {
		const struct vfio_node *node = &search->nodes->items[i];
		struct pci_device *device = vfio_node_is_foreign(node)
						    ? inventory_find(search->inventory,
								     &node->address)
						    : NULL;

		if (!device)
			continue;
		error = node->kind == VFIO_NODE_VDPA
				? claim_vdpa(search, node, device)
				: claim_host_processes(search, node, device, report);
	}
	return error;
}
