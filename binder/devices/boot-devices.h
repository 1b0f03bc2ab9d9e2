/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices to be bound at boot: DEVICES="0000:04:00.0 net:eth2" in /etc/default/vfio-bind
 * (Debian) or /etc/sysconfig/vfio-bind (Red Hat, SUSE). The file is one of systemd's
 * EnvironmentFile=, see systemd.exec(5), for the unit of the script that this program takes the
 * place of; here it is read, never run. */
#ifndef PCIPROBE_BINDER_DEVICES_BOOT_DEVICES_H
#define PCIPROBE_BINDER_DEVICES_BOOT_DEVICES_H

#include "probe/log.h"
#include "probe/strings.h"

/* Reads the words of DEVICES into RET, which the caller frees. A host without the file has no
 * devices. Returns an enum status: BIND_DONE, BIND_USAGE for a file with faults, or BIND_FAILED
 * when it can't be read; both told with file and line. */
int boot_devices_read(const char *root, const struct log *log, struct strings *ret);

/* The same of a TEXT, which is taken apart; PATH is for messages. */
int boot_devices_parse(const char *path, char *text, const struct log *log, struct strings *ret);

#endif
