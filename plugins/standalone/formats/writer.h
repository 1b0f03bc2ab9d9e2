/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output formats. Writers iterate over fields instead of accessing single properties where
 * possible. Each format has a file and a row in WRITERS. */
#ifndef PCIPROBE_STANDALONE_FORMATS_WRITER_H
#define PCIPROBE_STANDALONE_FORMATS_WRITER_H

#include "probe/details/details.h"
#include "probe/fields.h"
#include "probe/probe.h"

#include <stdio.h>

struct nova_release;

/* What a single format uses. */
struct format_options {
	bool usage;				 /* opennebula: write the owners, too */
	bool teaming;				 /* libvirt: pair each VF with a virtio interface */
	bool iommufd;				 /* libvirt: use iommufd instead of VFIO groups */
	const struct nova_release *nova_release; /* nova: write no keys that it rejects */
	const char *collectd_host; /* the host name that collectd's exec plugin passes, or NULL */
	double collectd_interval;  /* in seconds, likewise; 0: none */
};

/* What to write, and how to display it. */
struct report {
	struct probe *probe;
	const struct inventory *inventory;
	const struct pci_device **devices; /* the selected devices in output order (rows_sort),
					      terminated by NULL; not used by formats with a
					      fixed layout */
	const struct field **columns;	   /* NULL if the format has a fixed layout */
	size_t column_count;
	bool columns_chosen; /* by the user; false with -o +LIST */
	unsigned details;    /* enum detail: what has been read */
	bool headings;
	unsigned width; /* of the terminal, in columns; 0: not a terminal */
	bool colors;
	struct format_options format;
	const struct log *log;
};

/* Iterates over report.devices. */
#define report_foreach(report, device)                                                   \
	for (const struct pci_device *const *device##_next = (report)->devices, *device; \
	     (device = *device##_next); device##_next++)

/* Details needed for format_options.usage. */
#define DETAIL_USAGE ((unsigned)(DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_OWNERSHIP))

/* Bits of writer.flags. */
enum writer_flag {
	WRITER_POLLED = 1 << 0,	    /* run periodically by another program: an empty selection
				       must not add a line to its log each time */
	WRITER_FOR_PEOPLE = 1 << 1, /* for people, without a column for the reason why an owner is
					  unknown: the reasons are logged */
};

struct writer {
	const char *name;
	const char *help;
	const char *columns;	/* default columns: a list, or "*" for all fields; NULL: the layout
				   is fixed */
	unsigned details;	/* enum detail: needed in addition to those of the columns */
	unsigned other_details; /* probe_options.other_details: for devices not selected */
	unsigned flags;		/* enum writer_flag */

	/* Returns 0 or a negative errno. Write errors are not returned: the caller checks OUT when
	 * it closes it. */
	int (*write)(const struct report *report, FILE *out);
};

extern const struct writer WRITERS[];
extern const size_t WRITER_COUNT;

/* Returns the format with this name, or NULL. */
const struct writer *writer_find(const char *name);

/* Formats a value as a string, with list items separated by commas. Returns NULL if out of memory;
 * the caller frees it. */
char *value_text(const struct field *field, const struct pci_device *device,
		 const struct field_value *value);

/* Writes VALUE: counts and errors as integers, others with up to 10 significant digits. */
void write_number(FILE *out, enum measure measure, double value);

/* Whether FIELD is a list with one item per owner. */
bool is_owner_column(const struct field *field);

/* Returns why the opennebula format omits a selected device, as OpenNebula's own probe does, or
 * NULL if it is written. */
const char *opennebula_omit_reason(const struct config *config, const struct pci_device *device);

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
int write_incus(const struct report *report, FILE *out);
int write_influx(const struct report *report, FILE *out);
int write_json(const struct report *report, FILE *out);
int write_zabbix_lld(const struct report *report, FILE *out);
int write_kubevirt(const struct report *report, FILE *out);
int write_libvirt(const struct report *report, FILE *out);
int write_nova(const struct report *report, FILE *out);
int write_prometheus(const struct report *report, FILE *out);
int write_openmetrics(const struct report *report, FILE *out);
int write_proxmox(const struct report *report, FILE *out);
int write_proxmox_mapping(const struct report *report, FILE *out);
int write_onehost(const struct report *report, FILE *out);
int write_opennebula(const struct report *report, FILE *out);

#endif
