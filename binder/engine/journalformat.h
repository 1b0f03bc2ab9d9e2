/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The content of the journal.
 *
 *   vfio-bind 1
 *   boot 2f1a8c3e-5b7d-4e0f-9a6b-1c2d3e4f5a6b
 *   bound 0000:01:00.0 8086:10d3 4711 e1000e,-,e1000e vfio-pci,vfio-pci vfio-pci,vfio-pci
 *   doing 0000:02:00.0 1b36:0010 4712 nvme,- nvme,- vfio-pci,vfio-pci
 *   doing-vfs 0000:03:00.0 8086:1572 4713 2 4 4714 0000%3A03%3A10.0%20bound%20to%20vfio-pci
 *      3:eth0:0:525400123456:5:0:33024:0:0:0:2:1:0;3:eth0:1:...;
 *
 * Fields of a line: state (bound, doing: being applied, undo: being rolled back; with -vfs for a
 * number of VFs), address, vendor:device, inode of the device's entry in sysfs, and three times
 * driver,override or driver,override,module: before the first bind, before this change, and wanted;
 * or the number of VFs before and wanted, the inode of the first VF's entry, and what the VFs lose
 * when they are created again; then, in the same line and only if there are any, their settings:
 * index and name of the PF's interface, number of the VF, MAC, VLAN, its priority and protocol,
 * minimum and maximum rate, link state, spoof check, trust, RSS query (enum rtnetlink_switch). "-"
 * is none, "*" the driver that the kernel chooses; bytes other than letters, digits, "_", "." and
 * "-" are percent-encoded. */
#ifndef PCIPROBE_BINDER_ENGINE_JOURNALFORMAT_H
#define PCIPROBE_BINDER_ENGINE_JOURNALFORMAT_H

#include "binder/engine/change.h"

/* Parses CONTENT, which it modifies, into RET, which the caller frees with changes_free in any
 * case. *RET_BOOT is the boot id, in CONTENT, or NULL; *RET_LINE the number of the last line that
 * was read. Returns 0, -EBADMSG if that line is invalid, or -ENOMEM. */
int journalformat_parse(char *content, struct changes *ret, unsigned *ret_line, char **ret_boot);

/* Returns the content for CHANGES and the boot id BOOT, which may be NULL; the caller frees it.
 * NULL if memory is exhausted. */
char *journalformat_write(const struct changes *changes, const char *boot);

#endif
