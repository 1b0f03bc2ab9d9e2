/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of the initramfs: dracut.conf(5), and a hook for initramfs-tools(7). */
#include "binder/commands/commands.h"
#include "binder/hostfiles/writers.h"

#include <errno.h>

static int write_modules(const struct hostfile_job *job, const char *prefix, const char *separator,
			 const char *suffix, FILE *out)
{
	struct strings modules = {0};

	if (hostfile_modules(job, &modules) < 0) {
		strings_free(&modules);
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	if (modules.count == 0)
		fputs("# All required modules are built into this kernel.\n", out);
	else
		fputs(prefix, out);
	for (size_t i = 0; i < modules.count; i++)
		fprintf(out, "%s%s", i ? separator : "", modules.items[i]);
	if (modules.count)
		fputs(suffix, out);
	strings_free(&modules);
	return BIND_DONE;
}

/* How to install FILE, which a person does with the files that 'config' prints only. */
static void write_instructions(const struct hostfile_job *job, const char *install,
			       const char *command, FILE *out)
{
	if (!job->path)
		fprintf(out,
			"# 1. Install the output of 'vfio-bind config udev' as " UDEV_RULES ".\n"
			"# 2. Install this file under the path above%s.\n"
			"# 3. Run '%s' and reboot.\n",
			install, command);
	fputs("# Needed if the initramfs contains the host driver, as for disks and for graphics with a boot splash.\n",
	      out);
}

/* force_drivers are loaded before udev handles devices, so that ids= of modprobe.d takes effect. */
int hostfile_write_dracut(const struct hostfile_job *job, FILE *out)
{
	write_instructions(job, "", "dracut -f", out);
	if (write_modules(job, "force_drivers+=\" ", " ", " \"\n", out) != BIND_DONE)
		return BIND_FAILED;
	fprintf(out, "install_items+=\" %s \"\n", hostfile_rules(job));
	return BIND_DONE;
}

int hostfile_write_initramfs(const struct hostfile_job *job, FILE *out)
{
	write_instructions(job, " and run 'chmod +x' on it", "update-initramfs -u", out);
	fputs("[ \"$1\" != prereqs ] || exit 0\n", out);
	if (job->path) /* a failing hook would prevent every update of the initramfs */
		fprintf(out, "[ -e %s ] || exit 0\n", hostfile_rules(job));
	fputs(". /usr/share/initramfs-tools/hook-functions\n", out);
	if (write_modules(job, "manual_add_modules ", " ", "\n", out) != BIND_DONE)
		return BIND_FAILED;
	fprintf(out,
		"mkdir -p \"$DESTDIR/lib/udev/rules.d\"\n"
		"cp %s \"$DESTDIR/lib/udev/rules.d/\"\n",
		hostfile_rules(job));
	return BIND_DONE;
}
