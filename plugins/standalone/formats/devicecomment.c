/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/devicecomment.h"

#include "common/text.h"
#include "plugins/standalone/unavailable.h"

bool devicecomment_write(FILE *out, const char *prefix, const struct pci_device *device)
{
	char address[ADDRESS_SIZE], indent[16];
	bool blocked = device_is_bridge(device) || !(device->present & HAS_IOMMU_GROUP) ||
		       device->nonviable_peers.count;

	fprintf(out, "%s%s", prefix, address_format(&device->address, address));
	if (device->device_name) {
		fputc(' ', out);
		text_write_plain(out, device->device_name);
	}
	fputc('\n', out);
	snprintf(indent, sizeof(indent), "%s     ", prefix);
	unavailable_write_permanent(out, indent, device);
	if (!device_is_assignable(device) && !blocked)
		unavailable_write_driver(out, indent, device);
	return blocked;
}
