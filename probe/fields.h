/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of published device properties. All output formats iterate over it, so a new property
 * needs one new row. */
#ifndef PCIPROBE_FIELDS_H
#define PCIPROBE_FIELDS_H

#include "probe/device.h"

enum field_type {
	FIELD_TEXT,    /* value.text */
	FIELD_HEX,     /* value.number, written in hex with field.digits digits, as PCI ids are */
	FIELD_NUMBER,  /* value.number, in field.unit */
	FIELD_FLAG,    /* value.number, 0 or 1 */
	FIELD_REAL,    /* value.real, in field.unit */
	FIELD_ADDRESS, /* value.address */
	FIELD_LIST,    /* value.list, of strings */
	FIELD_NUMBERS, /* value.list, of numbers; 0 is unknown */
};

/* How a field is measured, if it can be recorded as a time series. */
enum measure {
	MEASURE_NONE,	  /* not a measurement: a property of the device */
	MEASURE_GAUGE,	  /* a current amount; a flag is 0 or 1 */
	MEASURE_COUNT,	  /* a current number of things */
	MEASURE_ERRORS,	  /* a total that only grows until reboot */
	MEASURE_DURATION, /* seconds */
	MEASURE_TRAFFIC,  /* a total of the packets or bytes of its VM, which only grows until the
			     driver resets it */
};

/* The value of a field. Strings belong to the device that it was read from. */
struct field_value {
	bool unknown; /* the device has a value, but it is unknown; get returned false */
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
	/* "iommu_group": in JSON and column lists, and in upper case as a shell variable */
	const char *name;
	const char *heading; /* "GROUP": column heading */
	enum field_type type;
	unsigned digits;  /* of FIELD_HEX */
	const char *unit; /* "GT/s", or NULL */
	const char *help;
	unsigned details; /* enum detail: what must be read for it */
	enum measure measure;
	/* Name of the time series, or of a label with one item; NULL: same as name. */
	const char *series;

	/* Returns false if the device has no value or it is unknown. */
	bool (*get)(const struct pci_device *device, struct field_value *ret);
};

/* All fields, in the order in which they are listed. */
extern const struct field FIELDS[];
extern const size_t FIELD_COUNT;

/* The field with this name or heading, ignoring case; NULL if there is none. */
const struct field *field_find(const char *name);

#endif
