/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dot: the topology in the DOT language, https://graphviz.org/doc/info/lang.html. Bridges and
 * devices form a tree below the host; each IOMMU group is a cluster. The bridges above a selected
 * device are drawn even if they are not selected. */
#include "common/text.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <stdlib.h>

/* Longer names are truncated: the longest sets the width of all boxes. */
#define NAME_CHARACTERS 40

/* The node id is the address of the device. */
struct node {
	const struct pci_device *device; /* NULL: not drawn */
	const struct pci_device *parent; /* the nearest known bridge above; NULL: none */
};

/* Writes up to LIMIT characters of STRING inside a quoted string. In labels, a backslash starts an
 * escape sequence and an ampersand an HTML entity. */
static void write_text(FILE *out, const char *string, size_t limit)
{
	uint32_t character;
	size_t length;

	for (; *string && limit; string += length ? length : 1, limit--) {
		length = text_decode(string, &character);
		if (!length || text_is_control(character)) {
			fputc('?', out);
			continue;
		}
		if (*string == '"' || *string == '\\')
			fputc('\\', out);
		fwrite(string, 1, length, out);
		if (*string == '&')
			fputs("amp;", out);
	}
	if (*string)
		fputs("\u2026", out);
}

static void write_name(FILE *out, const struct report *report, const struct pci_device *device)
{
	struct names *names = probe_names(report->probe);
	const char *name = names_device(names, device->vendor, device->device);
	const char *class = names_class(names, device->class);

	if (name) {
		write_text(out, name, NAME_CHARACTERS);
		return;
	}
	write_text(out, class ? class : "Device", NAME_CHARACTERS);
	fprintf(out, " %04x:%04x", device->vendor, device->device);
}

static void write_owner(FILE *out, const struct owner *owner)
{
	fputs(owner->reserves ? "\\nreserved for " : "\\nheld by ", out);
	if (owner->name || owner->program) {
		write_text(out, owner->name ? owner->name : owner->program, NAME_CHARACTERS);
		return;
	}
	fputs(owner->frontend ? owner->frontend : "an unknown owner", out);
	if (owner->frontend_id) {
		fputc(' ', out);
		write_text(out, owner->frontend_id, NAME_CHARACTERS);
	}
}

static void write_state(FILE *out, const struct pci_device *device)
{
	if (device_has_conflict(device))
		fputs("\\nconflict", out);
	else if (!device->owner_count)
		fprintf(out, "\\n%s", ownership_name(device->ownership));
	for (size_t i = 0; i < device->owner_count; i++)
		write_owner(out, &device->owners[i]);
}

static const char *fill_color(const struct pci_device *device)
{
	static const char *const colors[OWNERSHIP_COUNT] = {
		[OWNERSHIP_UNKNOWN] = "plum",	   [OWNERSHIP_FREE] = "palegreen",
		[OWNERSHIP_HOST] = "lightgrey",	   [OWNERSHIP_RESERVED] = "khaki",
		[OWNERSHIP_HELD] = "lightskyblue",
	};

	return device_has_conflict(device) ? "salmon" : colors[device->ownership];
}

static void write_node(FILE *out, const struct report *report, const struct pci_device *device)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "%s\"%s\" [label=\"", device->present & HAS_IOMMU_GROUP ? "    " : "  ",
		address_format(&device->address, address));
	fputs(address_format_short(&device->address, address), out);
	if (device->driver) {
		fputc(' ', out);
		write_text(out, device->driver, NAME_CHARACTERS);
	}
	fputs("\\n", out);
	write_name(out, report, device);
	/* only ids, driver and group were read of bridges that are not selected */
	if (!device->selected || (device_is_bridge(device) && !device->owner_count)) {
		fprintf(out, "\"%s];\n", device->selected ? "" : ", style=dashed");
		return;
	}
	write_state(out, device);
	fprintf(out, "\", fillcolor=%s", fill_color(device));
	if (device->unknown_reason) {
		fputs(", tooltip=\"", out);
		write_text(out, device->unknown_reason, SIZE_MAX);
		fputc('"', out);
	}
	fputs("];\n", out);
}

static bool is_grouped(const struct node *node)
{
	return node->device->present & HAS_IOMMU_GROUP;
}

static bool is_same_group(const struct node *a, const struct node *b)
{
	return is_grouped(a) && is_grouped(b) && a->device->iommu_group == b->device->iommu_group;
}

/* Sorts nodes without a group first, then by group and address; nodes that are not drawn last. */
static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (!x->device || !y->device)
		return !x->device - !y->device;
	if (is_grouped(x) != is_grouped(y))
		return is_grouped(x) - is_grouped(y);
	if (is_grouped(x) && x->device->iommu_group != y->device->iommu_group)
		return x->device->iommu_group < y->device->iommu_group ? -1 : 1;
	return address_compare(&x->device->address, &y->device->address);
}

/* Returns the sorted nodes, terminated by one without a device, or NULL if out of memory. */
static struct node *find_nodes(const struct inventory *inventory)
{
	struct node *nodes = calloc(inventory->count + 1, sizeof(*nodes));

	if (!nodes)
		return NULL;
	inventory_foreach(inventory, device) {
		const struct pci_device *parent = NULL;

		for (size_t i = 0; i <= device->ancestor_count; i++) {
			const struct pci_device *step = device;

			if (i < device->ancestor_count)
				step = inventory_find(inventory, &device->ancestors[i]);
			if (!step)
				continue;
			nodes[step - inventory->devices] = (struct node){step, parent};
			parent = step;
		}
	}
	qsort(nodes, inventory->count, sizeof(*nodes), compare_nodes);
	return nodes;
}

static void write_nodes(FILE *out, const struct report *report, const struct node *nodes)
{
	for (const struct node *node = nodes; node->device; node++) {
		if (is_grouped(node) && (node == nodes || !is_same_group(node - 1, node)))
			fprintf(out, "  subgraph cluster_group_%u {\n    label=\"group %u\";\n",
				node->device->iommu_group, node->device->iommu_group);
		write_node(out, report, node->device);
		if (is_grouped(node) && !(node[1].device && is_same_group(node, node + 1)))
			fputs("  }\n", out);
	}
}

static void write_edges(FILE *out, const struct node *nodes)
{
	char address[ADDRESS_SIZE];

	for (const struct node *node = nodes; node->device; node++) {
		if (node->parent)
			fprintf(out, "  \"%s\"", address_format(&node->parent->address, address));
		else
			fputs("  host", out);
		fprintf(out, " -- \"%s\";\n", address_format(&node->device->address, address));
	}
}

int write_dot(const struct report *report, FILE *out)
{
	const char *host = report->inventory->host;
	struct node *nodes = find_nodes(report->inventory);

	if (!nodes)
		return -ENOMEM;
	fputs("graph pciprobe {\n"
	      "  rankdir=LR; ranksep=0.3; nodesep=0.1;\n"
	      "  color=grey; fontname=Helvetica; fontsize=9;\n"
	      "  node [shape=box, style=filled, fillcolor=white];\n"
	      "  node [fontname=Helvetica, fontsize=10];\n"
	      "  host [label=\"",
	      out);
	write_text(out, *host ? host : "host", NAME_CHARACTERS);
	fputs("\"];\n", out);
	write_nodes(out, report, nodes);
	write_edges(out, nodes);
	fputs("}\n", out);
	free(nodes);
	return 0;
}
