/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIPROBE_OWNERSHIP_LIBVIRT_H
#define PCIPROBE_OWNERSHIP_LIBVIRT_H

#include "probe/ownership/vmm.h"
#include "probe/sysroot.h"

#define LIBVIRT_WHY_SIZE 200

struct domain_card {
	bool runs;
	struct vmm_device device;
	char *name, *uuid;
	const char *frontend;
	char *frontend_id;
};

struct domain_cards {
	struct domain_card *items;
	size_t count;
};

int libvirt_read(struct sysroot *root, const char *helper, struct domain_cards *ret, char why[LIBVIRT_WHY_SIZE]);
void domain_cards_free(struct domain_cards *cards);

#endif
