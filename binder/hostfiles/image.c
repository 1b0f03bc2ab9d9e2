/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into the initramfs: dracut.conf(5), and a hook of initramfs-tools(7). */
#include "binder/commands/commands.h"
#include "binder/hostfiles/parts.h"

#include <errno.h>

static int write_modules(const struct hostfile_job *job, const char *before, const char *between,
			 const char *behind, FILE *out)
{
	struct strings modules = {0};

	if (hostfile_modules(job, &modules) < 0) {
		strings_free(&modules);
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	if (modules.count == 0)
		fputs("# This kernel has all that it takes built in: no module is missing.\n", out);
	else
		fputs(before, out);
	for (size_t i = 0; i < modules.count; i++)
		fprintf(out, "%s%s", i ? between : "", modules.items[i]);
	if (modules.count)
		fputs(behind, out);
	strings_free(&modules);
	return BIND_DONE;
}

/* force_drivers are loaded before udev sees any device, so that ids= of modprobe.d count too. */
int write_dracut(const struct hostfile_job *job, FILE *out)
{
	fputs("# First vfio-bind config udev, to " UDEV_RULES
	      ". Put this one there, then: dracut -f, and reboot.\n"
	      "# It matters when the native driver is in the initramfs too: disks, and graphics with a boot screen.\n",
	      out);
	if (write_modules(job, "force_drivers+=\" ", " ", " \"\n", out) != BIND_DONE)
		return BIND_FAILED;
	fputs("install_items+=\" " UDEV_RULES " \"\n", out);
	return BIND_DONE;
}

int write_initramfs(const struct hostfile_job *job, FILE *out)
{
	fputs("# First vfio-bind config udev, to " UDEV_RULES
	      ". Put this one there, then: chmod +x on it,\n"
	      "# update-initramfs -u, and reboot.\n"
	      "# It matters when the native driver is in the initramfs too: disks, and graphics with a boot screen.\n"
	      "[ \"$1\" != prereqs ] || exit 0\n"
	      ". /usr/share/initramfs-tools/hook-functions\n",
	      out);
	if (write_modules(job, "manual_add_modules ", " ", "\n", out) != BIND_DONE)
		return BIND_FAILED;
	fputs("mkdir -p \"$DESTDIR/lib/udev/rules.d\"\n"
	      "cp " UDEV_RULES " \"$DESTDIR/lib/udev/rules.d/\"\n",
	      out);
	return BIND_DONE;
}
