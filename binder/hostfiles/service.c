/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DEVICES for vfio-bind.service: see binder/devices/boot-devices.h. */
#include "binder/commands/commands.h"
#include "binder/devices/target.h"
#include "binder/hostfiles/writers.h"

int hostfile_write_service(const struct hostfile_job *job, FILE *out)
{
	char argument[TARGET_ARGUMENT_SIZE];

	fputs("# On Fedora, RHEL and SUSE the file is /etc/sysconfig/vfio-bind. Enable the service with\n"
	      "# 'systemctl enable vfio-bind'. A device is found by its path, the slots of the bridges above it and\n"
	      "# its own, because addresses can change when a device is added. A device with other ids is not bound.\n"
	      "DEVICES=\"",
	      out);
	for (size_t i = 0; i < job->target_count; i++)
		fprintf(out, "%s%s", i ? " " : "", target_format(job->targets[i].device, argument));
	fputs("\"\n", out);
	return BIND_DONE;
}
