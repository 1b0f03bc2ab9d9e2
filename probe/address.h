/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PCI address: domain:bus:slot.function. No I/O. */
#ifndef PCIPROBE_ADDRESS_H
#define PCIPROBE_ADDRESS_H

#include <stdint.h>

struct pci_address {
	uint32_t domain; /* Intel VMD's domains begin at 0x10000 */
	uint8_t bus;
	uint8_t slot;	  /* 0 to 0x1f */
	uint8_t function; /* 0 to 7 */
};

/* Size of the longest address, ffffffff:ff:1f.7, with its NUL. */
#define ADDRESS_SIZE 17

/* Parses a full address (0000:81:00.2) or a short one (81:00.2, in domain 0). Trailing characters
 * are an error. Returns 0, or -EINVAL with *ret untouched. */
int address_parse(const char *string, struct pci_address *ret);

/* Like address_parse, but requires the domain, as in the names in /sys/bus/pci/devices. */
int address_parse_full(const char *string, struct pci_address *ret);

/* Writes VALUE as lower-case hex with at least DIGITS digits (up to 8), and a NUL, which is
 * returned. printf(3) takes ten times as long, and lists print many numbers. */
char *hex_format(char *text, uint32_t value, int digits);

/* Writes 0000:81:00.2, as sysfs and lspci -D do, into BUFFER and returns BUFFER. */
const char *address_format(const struct pci_address *address, char buffer[static ADDRESS_SIZE]);

/* Writes 81:00.2, or the full address if the domain is not 0, as lspci does, and returns BUFFER. */
const char *address_format_short(const struct pci_address *address,
				 char buffer[static ADDRESS_SIZE]);

/* Orders by domain, bus, slot and function, as lspci does. Returns a value less than, equal to or
 * greater than 0. */
int address_compare(const struct pci_address *a, const struct pci_address *b);

#endif
