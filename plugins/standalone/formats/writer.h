/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats. A writer knows fields, not properties: it walks the columns that it is given. One file a
 * format, one row of WRITERS each. */
#ifndef PCIPROBE_STANDALONE_FORMATS_WRITER_H
#define PCIPROBE_STANDALONE_FORMATS_WRITER_H

#include "probe/details/details.h"
#include "probe/fields.h"
#include "probe/probe.h"

#include <stdio.h>

/* What is to be written, and how it may look. */
struct report {
	struct probe *probe;
	const struct inventory *inventory;
	const struct field **columns; /* absent in formats with a layout of their own */
	size_t column_count;
	bool columns_chosen;	   /* by the user, not only added to the format's own */
	unsigned details;	   /* enum detail: what was read */
	const char *collectd_host; /* collectd's name for this host, and how often it asks in
				      seconds: when it started us; */
	double collectd_interval;  /* else NULL and 0 */
	bool headings;
	bool usage;	/* opennebula: who has the devices, too */
	bool teaming;	/* libvirt: VFs with a virtio interface beside them */
	unsigned width; /* of the terminal to fit, in characters; 0: standard output is none */
	bool colors;
};

/* What must be read for report.usage. */
#define DETAIL_USAGE ((unsigned)(DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_OWNERSHIP))

/* Bits of writer.flags. */
enum writer_flag {
	WRITER_POLLED = 1 << 0,	      /* run periodically by another program: an empty selection
					 must not add a line to its log each time */
	WRITER_LOGS_UNKNOWN = 1 << 1, /* for people, without a column for the reason why an owner is
					  unknown: the reasons are logged */
};

struct writer {
	const char *name;
	const char *help;
	const char *columns;	/* when the user names none: a list, "*" for all fields, NULL for a
				   layout of its own */
	unsigned details;	/* enum detail: what it needs besides its columns' */
	unsigned other_details; /* the same of devices that aren't selected:
				   probe_options.other_details */
	unsigned flags;		/* enum writer_flag */

	/* Returns 0 or a negative errno for what went wrong before the writing itself; that is
	 * checked when OUT is closed. */
	int (*write)(const struct report *report, FILE *out);
};

extern const struct writer WRITERS[];
extern const size_t WRITER_COUNT;

/* The format called NAME, or NULL. */
const struct writer *writer_find(const char *name);

/* A value as one text, the items of a list joined with commas. Free it; NULL without memory. */
char *value_text(const struct field *field, const struct pci_device *device,
		 const struct field_value *value);

/* Writes a number as MEASURE wants it: nothing is rounded that is counted. */
void write_number(FILE *out, enum measure measure, double value);

/* Whether FIELD is one of the lists with an item for each owner. */
bool is_owner_column(const struct field *field);

/* Why the opennebula format leaves out a device that is selected, as OpenNebula's own probe does;
 * NULL: it doesn't. */
const char *opennebula_leaves_out(const struct config *config, const struct pci_device *device);

int write_table(const struct report *report, FILE *out);
int write_raw(const struct report *report, FILE *out);
int write_dot(const struct report *report, FILE *out);
int write_export(const struct report *report, FILE *out);
int write_tree(const struct report *report, FILE *out);
int write_aliases(const struct report *report, FILE *out);
int write_cloudstack(const struct report *report, FILE *out);
int write_cloudstack_devices(const struct report *report, FILE *out);
int write_cloudstack_table(const struct report *report, FILE *out);
int write_collectd(const struct report *report, FILE *out);
int write_influx(const struct report *report, FILE *out);
int write_json(const struct report *report, FILE *out);
int write_libvirt(const struct report *report, FILE *out);
int write_nova(const struct report *report, FILE *out);
int write_prometheus(const struct report *report, FILE *out);
int write_onehost(const struct report *report, FILE *out);
int write_opennebula(const struct report *report, FILE *out);

#endif
