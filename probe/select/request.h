/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request for devices, as in the template of a VM, and whether a host can serve it now. No I/O.
 *
 *   a1:2                      two devices of alias a1, as in Nova flavors; a1 alone is one
 *   vendor=8086,class=0200    by ids, as in OpenNebula's PCI = [...]: vendor, device and class, all
 *                             optional; add count=2 for two devices
 *   address=07:00.0           this device; also with ids or by path, see identity.h
 */
#ifndef PCIPROBE_SELECT_REQUEST_H
#define PCIPROBE_SELECT_REQUEST_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/select/rule.h"

/* More than any VM can have. */
#define REQUEST_COUNT_MAX 1024

struct request {
	char *alias; /* NULL: by ids or address */
	struct rule_list filters, addresses;
	unsigned count;
};

/* Parses STRING. Free the result with request_free. Returns 0, -EINVAL (logged once, with the
 * expected format) or -ENOMEM. */
int request_parse(const char *string, const struct log *log, struct request *ret);
void request_free(struct request *request);

/* Whether DEVICE matches the request, free or not. */
bool request_fits(const struct request *request, const struct pci_device *device);

/* Chooses devices of INVENTORY, which must have been read with DETAIL_POOLS, to serve COUNT
 * requests together. Only available devices are chosen, each for one request, preferring lower
 * addresses. SERVED[i] is set to the number of devices for request i. Returns 1 if all requests can
 * be served, with the chosen devices, sorted by address, in *ret (the caller frees it); 0 if not;
 * or -ENOMEM. */
int requests_serve(const struct request *requests, size_t count, const struct inventory *inventory,
		   unsigned *served, const struct pci_device ***ret, size_t *ret_count);

#endif
