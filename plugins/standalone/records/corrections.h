/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the frontends that correct their records. They are printed, never run. */
#ifndef PCIPROBE_STANDALONE_RECORDS_CORRECTIONS_H
#define PCIPROBE_STANDALONE_RECORDS_CORRECTIONS_H

#include "plugins/standalone/records/compare.h"

/* By enum difference_kind. In a command, {vm} is the VM whose record is stale, {holder} that which
 * has the device, {item}, {host} and {address} are those of the record, {node} is this host's name.
 * NULL: there is none. */
struct correction {
	const char *command; /* if the VM is one of the frontend: the holder of OTHER_VM and
				NOT_RECORDED, else that of the record */
	const char *other;   /* if it is not, or is gone */
};

extern const struct correction OPENNEBULA_CORRECTIONS[DIFFERENCE_COUNT],
	CLOUDSTACK_CORRECTIONS[DIFFERENCE_COUNT], NOVA_CORRECTIONS[DIFFERENCE_COUNT],
	PLACEMENT_CORRECTIONS[DIFFERENCE_COUNT], PROXMOX_CORRECTIONS[DIFFERENCE_COUNT],
	LIBVIRT_CORRECTIONS[DIFFERENCE_COUNT];

/* Returns the command that corrects DIFFERENCE, quoted for a shell, which the caller frees. Returns
 * NULL if there is none, or if a name in it cannot be printed; or without memory, with errno set to
 * ENOMEM. */
char *correction_format(const struct comparison *comparison, const struct difference *difference);

#endif
