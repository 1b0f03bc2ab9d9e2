/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One of Nova's device_spec: which devices it takes. The rules are those of nova.pci.devspec. */
#ifndef PCIPROBE_STANDALONE_NOVA_NOVASPEC_H
#define PCIPROBE_STANDALONE_NOVA_NOVASPEC_H

#include "probe/device.h"
#include "probe/select/regex.h"

/* What a spec can ask of a device. */
enum nova_field { NOVA_VENDOR, NOVA_PRODUCT, NOVA_DOMAIN, NOVA_BUS, NOVA_SLOT, NOVA_FUNCTION };
#define NOVA_FIELD_COUNT 6
#define NOVA_TEXT_SIZE 20

/* Bits of nova_spec.fixed: 1 << enum nova_field. */
#define NOVA_ADDRESS_FIELDS \
	(1u << NOVA_DOMAIN | 1u << NOVA_BUS | 1u << NOVA_SLOT | 1u << NOVA_FUNCTION)

struct nova_spec {
	unsigned fixed; /* fields that must have a value; {0} takes every device */
	long values[NOVA_FIELD_COUNT];
	struct regex *address[NOVA_FIELD_COUNT]; /* or must match, of the address's fields; NULL:
						    anything does */
	bool with_vfs; /* the address is one PF's, and takes the VFs of that PF too */
	bool nothing;  /* it takes none: it asks for an interface that isn't there */
};

/* Nova can't write a domain above ffff and passes such devices over. */
bool nova_sees(const struct pci_device *device);

/* What Nova holds for a PF when it stands in a spec: a device that says it could have VFs. */
bool nova_is_pf(const struct pci_device *device);

/* "type-PF", "type-VF" or "type-PCI"; NULL when it couldn't be read. */
const char *nova_device_type(const struct pci_device *device);

/* The value of a device's field, and how Nova writes one of an address. */
long nova_value(const struct pci_device *device, enum nova_field field);
const char *nova_address_text(enum nova_field field, long value,
			      char buffer[static NOVA_TEXT_SIZE]);

/* Whether SPEC takes DEVICE, which must have been read with DETAIL_SRIOV. */
bool nova_spec_matches(const struct nova_spec *spec, const struct pci_device *device);

#endif
