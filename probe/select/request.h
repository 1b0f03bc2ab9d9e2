/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request for devices, as a VM's template has it, and whether a host can serve it now. No I/O.
 *
 *   a1:2                      two devices of alias a1, as Nova's flavours write it; a1 alone is one
 *   vendor=8086,class=0200    by ids, as OpenNebula's PCI = [...]: vendor, device, class, any left
 * out; count=2 for two address=07:00.0           this very device */
#ifndef PCIPROBE_SELECT_REQUEST_H
#define PCIPROBE_SELECT_REQUEST_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/select/rule.h"

/* More devices no VM can have. */
#define REQUEST_COUNT_MAX 1024

struct request {
	char *alias; /* NULL: by ids or address */
	struct rule_list filters, addresses;
	unsigned count;
};

/* Reads TEXT. An error is logged, once, with what is expected. Free it with request_free. Returns
 * 0, -EINVAL or -ENOMEM. */
int request_parse(const char *text, const struct log *log, struct request *ret);
void request_free(struct request *request);

/* Whether DEVICE is what is asked for, free or not. */
bool request_fits(const struct request *request, const struct pci_device *device);

/* Chooses devices of INVENTORY, read with DETAIL_POOLS, for COUNT requests together, each device
 * for one of them: of those that nothing is in the way of, and in order of address where there is a
 * choice. SERVED[i] is how many request i can have. Returns 1 when all can be served, and the taken
 * devices at *ret, in order of address (to be freed); 0 when not; or -ENOMEM. */
int requests_serve(const struct request *requests, size_t count, const struct inventory *inventory,
		   unsigned *served, const struct pci_device ***ret, size_t *ret_count);

#endif
