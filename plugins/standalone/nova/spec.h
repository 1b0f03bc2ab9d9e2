/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device_spec of Nova, and which devices it matches, by the rules of nova.pci.devspec. */
#ifndef PCIPROBE_STANDALONE_NOVA_SPEC_H
#define PCIPROBE_STANDALONE_NOVA_SPEC_H

#include "probe/device.h"
#include "probe/select/regex.h"

/* The fields of a spec. */
enum nova_field { NOVA_VENDOR, NOVA_PRODUCT, NOVA_DOMAIN, NOVA_BUS, NOVA_SLOT, NOVA_FUNCTION };
#define NOVA_FIELD_COUNT 6
#define NOVA_FIELD_SIZE 20

/* Bits of nova_spec.fixed: 1 << enum nova_field. */
#define NOVA_ADDRESS_FIELDS \
	(1u << NOVA_DOMAIN | 1u << NOVA_BUS | 1u << NOVA_SLOT | 1u << NOVA_FUNCTION)

struct nova_spec {
	unsigned fixed; /* fields that must equal VALUES; {0} matches every device */
	long values[NOVA_FIELD_COUNT];
	struct regex *address[NOVA_FIELD_COUNT]; /* regular expressions that the fields of the
						    address must match; NULL: any value */
	bool with_vfs;	   /* the address of a PF, which matches the VFs of that PF, too */
	bool matches_none; /* names an interface that does not exist */
};

/* Nova ignores devices in PCI domains above ffff. */
bool nova_sees(const struct pci_device *device);

/* Returns whether Nova treats the address of DEVICE in a spec as that of a PF: sriov_totalvfs is
 * greater than 0. */
bool nova_is_pf(const struct pci_device *device);

/* Returns "type-PF", "type-VF" or "type-PCI"; NULL if the SR-IOV attributes could not be read. */
const char *nova_device_type(const struct pci_device *device);

/* Returns the value of FIELD of a device. */
long nova_value(const struct pci_device *device, enum nova_field field);

/* Formats VALUE of FIELD, which is one of the address, as Nova does. Returns BUFFER. */
const char *nova_format_field(enum nova_field field, long value,
			      char buffer[static NOVA_FIELD_SIZE]);

/* Returns whether SPEC matches DEVICE, which must have been read with DETAIL_SRIOV. */
bool nova_spec_matches(const struct nova_spec *spec, const struct pci_device *device);

#endif
