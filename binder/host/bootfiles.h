/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below /etc in which an operator says which modules are loaded, with which options, and what
 * goes into the initramfs. Sources: modprobe.d(5), modules-load.d(5), initramfs-tools(7),
 * dracut.conf(5), mkinitcpio.conf(5), udev(7). */
#ifndef PCIPROBE_BINDER_HOST_BOOTFILES_H
#define PCIPROBE_BINDER_HOST_BOOTFILES_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

enum bootfile_kind {
	BOOTFILE_MODPROBE,  /* options of modules */
	BOOTFILE_LOAD,	    /* modules that are loaded at boot */
	BOOTFILE_INITRAMFS, /* what goes into the initramfs */
	BOOTFILE_UDEV,	    /* rules of udev */
};

/* A line that isn't empty nor a comment; those that end in a backslash are one with the next. */
struct bootline {
	enum bootfile_kind kind;
	const char *path; /* "etc/modprobe.d/vfio.conf", below the root */
	unsigned number;
	char *text;
};

/* Sees one line after the other. Returns 0, or a negative errno that ends the reading. */
typedef int bootline_visitor(void *data, const struct bootline *line);

/* Shows every line to VISITOR. What can't be read is told and counted in *RET_UNSEEN. Returns 0 or
 * what VISITOR did. */
int bootfiles_read(struct sysroot *root, const struct log *log, bootline_visitor *visitor,
		   void *data, unsigned *ret_unseen);

/* Whether TEXT names the module NAME as a word, in quotes or a list. */
bool bootline_names(const char *text, const char *name);

#endif
