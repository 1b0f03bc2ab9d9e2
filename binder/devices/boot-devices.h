/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices to bind at boot: DEVICES="0000:04:00.0 net:eth2" in /etc/default/vfio-bind (Debian)
 * or /etc/sysconfig/vfio-bind (Red Hat, SUSE). The syntax is that of EnvironmentFile= in
 * systemd.exec(5); the script in OpenNebula's guide uses the same file. It is not executed. */
#ifndef PCIPROBE_BINDER_DEVICES_BOOT_DEVICES_H
#define PCIPROBE_BINDER_DEVICES_BOOT_DEVICES_H

#include "probe/log.h"
#include "probe/strings.h"

/* Reads the names in DEVICES into RET, which the caller frees. Without a file there are none.
 * Returns an enum bind_status: BIND_DONE, BIND_USAGE for a syntax error, BIND_FAILED if the file
 * cannot be read; errors are logged with file and line. */
int boot_devices_read(const char *root, const struct log *log, struct strings *ret);

/* The same for the CONTENT of a file, which is modified; PATH is for messages. */
int boot_devices_parse(const char *path, char *content, const struct log *log, struct strings *ret);

#endif
