/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the settings and counters of network VFs, as the drivers of their PFs report them. A helper
 * program, helper/vf-settings, queries rtnetlink(7), only if a selected VF has a PF with a network
 * interface; a hanging driver costs a timeout. */
#ifndef PCIPROBE_DETAILS_VFSETTINGS_H
#define PCIPROBE_DETAILS_VFSETTINGS_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stddef.h>

/* Time limit for the answers of all drivers. */
#define VF_SETTINGS_MILLISECONDS 2000

/* The helper's output in a recording, relative to the root. */
#define VF_SETTINGS_FILE "netlink/vf-settings"

/* Sets vf, or if the settings are unknown vf_unknown_reason, of the selected network VFs of
 * INVENTORY, which must have been read with DETAIL_SRIOV, DETAIL_VF_INDEX, DETAIL_DRIVER and
 * DETAIL_PF_INTERFACE. HELPER is the path of vf-settings; NULL: not built. A failed query is
 * logged, a missing HELPER is not; below a root other than "/" the recorded output is read instead.
 * Returns 0 or -ENOMEM. */
int vf_settings_read(struct sysroot *root, const struct log *log, const char *helper,
		     struct inventory *inventory);

/* Parses the LENGTH bytes of OUTPUT, as vf-settings prints it: a line for each VF, with the address
 * of its PF, its index, and what the driver supports; a line for each PF that could not be queried,
 * with an errno; and a last line "end" with the number of lines before it:
 *
 *   vf 0000:01:00.0 3 mac=52:54:00:00:00:03 vlan=100 priority=0 protocol=802.1Q spoof_check=on
 *      trust=off link=auto min_rate=0 max_rate=1000 rss_query=off rx_packets=1 tx_packets=0 ...
 *   failed 0000:01:00.1 16
 *   end 2
 *
 * (in one line). Sets vf or vf_unknown_reason of the selected devices that are such VFs; VFs that
 * are not in INVENTORY are skipped. Returns 0, -EBADMSG if OUTPUT is malformed or incomplete, which
 * leaves some VFs without either, or -ENOMEM. No I/O. */
int vf_settings_parse(const char *output, size_t length, struct inventory *inventory);

#endif
