/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/address.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Parses 1 to DIGITS hex digits up to END, at most MAX, and moves *string past END. */
static bool parse_hex(const char **string, int digits, char end, uint32_t max, uint32_t *ret)
{
	const char *p = *string;
	uint32_t value = 0;
	int count = 0;

	for (; hex_digit(*p) >= 0 && count < digits; p++, count++)
		value = value << 4 | (uint32_t)hex_digit(*p);
	if (!count || *p != end || value > max)
		return false;
	*string = *p ? p + 1 : p;
	*ret = value;
	return true;
}

int address_parse_full(const char *string, struct pci_address *ret)
{
	uint32_t domain, bus, slot, function;

	if (!parse_hex(&string, 8, ':', UINT32_MAX, &domain) ||
	    !parse_hex(&string, 2, ':', 0xff, &bus) || !parse_hex(&string, 2, '.', 0x1f, &slot) ||
	    !parse_hex(&string, 1, '\0', 7, &function))
		return -EINVAL;
	*ret = (struct pci_address){
		.domain = domain,
		.bus = (uint8_t)bus,
		.slot = (uint8_t)slot,
		.function = (uint8_t)function,
	};
	return 0;
}

int address_parse(const char *string, struct pci_address *ret)
{
	char full[ADDRESS_SIZE + 4];

	if (address_parse_full(string, ret) == 0)
		return 0;
	if (snprintf(full, sizeof(full), "0:%s", string) >= (int)sizeof(full))
		return -EINVAL;
	return address_parse_full(full, ret);
}

char *hex_format(char *text, uint32_t value, int digits)
{
	while (digits < 8 && value >> 4 * digits)
		digits++;
	text[digits] = '\0';
	for (int i = digits; i--; value >>= 4)
		text[i] = "0123456789abcdef"[value & 0xf];
	return text + digits;
}

static void format_in_domain(const struct pci_address *address, char *text)
{
	text = hex_format(text, address->bus, 2);
	*text++ = ':';
	text = hex_format(text, address->slot, 2);
	*text++ = '.';
	hex_format(text, address->function & 7u, 1);
}

const char *address_format(const struct pci_address *address, char buffer[static ADDRESS_SIZE])
{
	char *end = hex_format(buffer, address->domain, 4);

	*end++ = ':';
	format_in_domain(address, end);
	return buffer;
}

const char *address_format_short(const struct pci_address *address,
				 char buffer[static ADDRESS_SIZE])
{
	if (address->domain)
		return address_format(address, buffer);
	format_in_domain(address, buffer);
	return buffer;
}

static uint64_t sort_key(const struct pci_address *a)
{
	return (uint64_t)a->domain << 32 | (uint64_t)a->bus << 16 | (uint64_t)a->slot << 8 |
	       a->function;
}

int address_compare(const struct pci_address *a, const struct pci_address *b)
{
	uint64_t x = sort_key(a), y = sort_key(b);

	return (x > y) - (x < y);
}
