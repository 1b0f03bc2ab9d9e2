/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in /etc that configure which modules are loaded, with which options, and what the initramfs
 * contains. Sources: modprobe.d(5), modules-load.d(5), initramfs-tools(7),
 * dracut.conf(5), mkinitcpio.conf(5), udev(7). */
#ifndef PCIPROBE_BINDER_HOST_BOOTFILES_H
#define PCIPROBE_BINDER_HOST_BOOTFILES_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

enum bootfile_kind {
	BOOTFILE_MODPROBE,  /* options and order of modules */
	BOOTFILE_LOAD,	    /* modules loaded at boot */
	BOOTFILE_INITRAMFS, /* contents of the initramfs */
	BOOTFILE_UDEV,	    /* udev rules */
};

/* A line that is neither empty nor a comment. A line that ends in a backslash is joined with the
 * next. */
struct bootline {
	enum bootfile_kind kind;
	const char *path; /* relative to the root: "etc/modprobe.d/vfio.conf" */
	unsigned number;  /* of the first line if several were joined, from 1 */
	char *text;	  /* without leading white space */
};

/* Called for each line. Returns 0, or a negative errno to stop. */
typedef int bootline_visitor(void *data, const struct bootline *line);

/* Calls VISITOR for every line of every file. Files and directories that cannot be read are logged
 * as warnings and counted in *ret_unreadable. Returns 0, -ENOMEM, or VISITOR's error. */
int bootfiles_read(struct sysroot *root, const struct log *log, bootline_visitor *visitor,
		   void *data, unsigned *ret_unreadable);

/* Whether LINE contains WORD, a module or parameter name, delimited by white space, quotes, commas,
 * '=', '+' or parentheses. '-' and '_' are equivalent. */
bool bootline_has_word(const char *line, const char *word);

#endif
