/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DEVICES for vfio-bind.service: see binder/devices/boot-devices.h. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/writers.h"

int hostfile_write_service(const struct hostfile_job *job, FILE *out)
{
	char address[ADDRESS_SIZE];

	fputs("# On Fedora, RHEL and SUSE the file is /etc/sysconfig/vfio-bind. Enable the service with\n"
	      "# 'systemctl enable vfio-bind'. A device with other ids at an address is not bound.\n"
	      "DEVICES=\"",
	      out);
	for (size_t i = 0; i < job->target_count; i++) {
		const struct pci_device *device = job->targets[i].device;

		fprintf(out, "%s%s=%04x:%04x", i ? " " : "",
			address_format(&device->address, address), device->vendor, device->device);
	}
	fputs("\"\n", out);
	return BIND_DONE;
}
