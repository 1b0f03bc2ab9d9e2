/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Totals of Advanced Error Reporting. Source: the kernel's
 * Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats. */
#include "probe/details/attribute.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Lines "RxErr 0"; the last is the total, "TOTAL_ERR_COR 12". */
static bool read_total(struct details_reader *reader, const char *name, const char *total,
		       uint64_t *ret)
{
	char text[ATTRIBUTE_SIZE];
	unsigned long long number;
	const char *line;

	if (!attribute_text(reader, name, text))
		return false;
	line = strstr(text, total);
	line = line ? line + strlen(total) + strspn(line + strlen(total), " ") : "";
	if (!isdigit((unsigned char)*line) || sscanf(line, "%20llu", &number) != 1) {
		attribute_failed(reader, name, "no total");
		return false;
	}
	*ret = number;
	return true;
}

void read_aer(struct details_reader *reader)
{
	struct pci_device *device = reader->device;

	if (!read_total(reader, "aer_dev_correctable", "TOTAL_ERR_COR", &device->aer.correctable))
		return; /* the kernel provides all three or none */
	device->present |= HAS_AER_CORRECTABLE;
	if (read_total(reader, "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL", &device->aer.nonfatal))
		device->present |= HAS_AER_NONFATAL;
	if (read_total(reader, "aer_dev_fatal", "TOTAL_ERR_FATAL", &device->aer.fatal))
		device->present |= HAS_AER_FATAL;
}
