/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many errors (AER) each device had lately. The kernel counts them since boot, so that earlier
 * counts must be kept in a file: those of the first run after each hour, of two hours. The errors
 * since the older of them are the recent ones: each is reported for one to two hours, so that it
 * outlives the retries of a monitoring system, and any number of services and users can share a
 * file. */
#ifndef PCIPROBE_STANDALONE_CHECKS_ERRORCOUNTERS_H
#define PCIPROBE_STANDALONE_CHECKS_ERRORCOUNTERS_H

#include "probe/device.h"

#include <stdio.h>

#define ERROR_COUNTERS_PERIOD 3600 /* seconds */

/* The counts of a device at the start of the last period and of this one. */
struct error_line {
	struct pci_address address;
	uint64_t inode;	 /* of the device's entry in sysfs: another device counts from 0 */
	int64_t started; /* of this period, seconds since 1970 */
	struct aer before, now;
};

struct error_counters {
	struct error_line *items; /* sorted by address */
	size_t count;
};

/* Whether all error counters of DEVICE were read. */
bool device_has_error_counters(const struct pci_device *device);

/* Parses the content of a file. Returns 0, -EBADMSG if it is invalid, or -ENOMEM. */
int error_counters_parse(const char *text, struct error_counters *ret);

/* Updates COUNTERS to the selected devices of INVENTORY that have error counters: begins a period
 * where the last one is over, and adds devices, whose errors until now are not recent. Lines of
 * devices that the host no longer has are removed. *ret_changed: the file must be written. Returns
 * 0 or -ENOMEM. */
int error_counters_update(struct error_counters *counters, const struct inventory *inventory,
			  bool *ret_changed);

/* The recent errors of DEVICE. Returns false if there is no line for it. */
bool error_counters_recent(const struct error_counters *counters, const struct pci_device *device,
			   struct aer *ret);

void error_counters_write(const struct error_counters *counters, FILE *out);
void error_counters_free(struct error_counters *counters);

#endif
