/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of published properties. Whoever publishes walks it; a new property is one row here. */
#ifndef PCIPROBE_FIELDS_H
#define PCIPROBE_FIELDS_H

#include "probe/device.h"

enum field_type {
	FIELD_TEXT, /* value.text */
	FIELD_HEX, /* value.number, written in hex with field.digits digits, as the PCI world writes
		      ids */
	FIELD_NUMBER,  /* value.number, in field.unit */
	FIELD_FLAG,    /* value.number, 0 or 1 */
	FIELD_REAL,    /* value.real, in field.unit */
	FIELD_ADDRESS, /* value.address */
	FIELD_LIST,    /* value.list, of texts */
	FIELD_NUMBERS, /* value.list, of numbers; 0 stands for one that isn't known */
};

/* How a field is a measurement, of which a history can be kept and a graph drawn. */
enum measure {
	MEASURE_NONE,	/* it is none: a property of the device */
	MEASURE_GAUGE,	/* an amount now; a flag is 0 or 1 */
	MEASURE_COUNT,	/* how many there are now */
	MEASURE_ERRORS, /* how many there have been: it only grows, until the machine starts anew */
	MEASURE_DURATION, /* seconds */
};

/* Belongs to the device that it was taken from, texts included. */
struct field_value {
	bool unknown; /* there is one, but nobody knows which; get says false then */
	uint64_t number;
	double real;
	const char *text;
	struct pci_address address;
	struct {
		size_t count;
		const char *(*item)(const struct pci_device *device, size_t index);
		uint64_t (*number)(const struct pci_device *device, size_t index);
	} list;
};

struct field {
	const char
		*name; /* "iommu_group": in JSON, in a list of columns, and in capitals as a key */
	const char *heading; /* "GROUP": above a column */
	enum field_type type;
	unsigned digits;  /* of FIELD_HEX */
	const char *unit; /* "GT/s", or NULL */
	const char *help;
	unsigned details; /* enum detail: what must have been read for it */
	enum measure measure;
	const char *
		series; /* what a series of measurements, or a label of one, calls it; NULL: name */

	/* False when the device has none, or it isn't known. */
	bool (*get)(const struct pci_device *device, struct field_value *ret);
};

/* All fields, in the order in which they are listed. */
extern const struct field FIELDS[];
extern const size_t FIELD_COUNT;

/* The field called NAME (or headed so), in capitals or not; NULL: nobody knows it. */
const struct field *field_find(const char *name);

#endif
