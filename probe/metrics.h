/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of an inventory of which a history can be kept: those of each device are the fields
 * that say how they are measured (fields.h), those of a pool of devices and of the host are here.
 */
#ifndef PCIPROBE_METRICS_H
#define PCIPROBE_METRICS_H

#include "probe/details/details.h"
#include "probe/fields.h"
#include "probe/pool.h"

/* What must have been read for all of them: enum detail. */
#define DETAIL_METRICS \
	((unsigned)(DETAIL_POOLS | DETAIL_NUMA_NODE | DETAIL_SRIOV | DETAIL_LINK | DETAIL_AER))

struct pool_metric {
	const char *name; /* "free" */
	const char *help;
	unsigned details; /* enum detail: what must have been read for it */
	size_t (*get)(const struct pool *pool);
};

extern const struct pool_metric POOL_METRICS[];
extern const size_t POOL_METRIC_COUNT;

struct host_metric {
	const char *name; /* "devices" */
	enum measure measure;
	const char *help;
	unsigned details;
	double (*get)(const struct inventory *inventory);
};

extern const struct host_metric HOST_METRICS[];
extern const size_t HOST_METRIC_COUNT;

/* What a series of FIELD's numbers is called, or a label with one of its texts. */
const char *field_series(const struct field *field);

/* The number that FIELD measures of DEVICE: NAN when there is one that nobody knows. False when the
 * device has none, or the field is no measurement. */
bool field_measure(const struct field *field, const struct pci_device *device, double *ret);

/* "gauge", "count", "errors" or "duration": these are also the stock types of collectd that fit. */
const char *measure_name(enum measure measure);

/* One number: of a device, of a pool, or, when both are NULL, of the host. */
struct metric {
	const struct pci_device *device;
	const struct pool *pool;
	const char *name; /* "link_width" */
	enum measure measure;
	double value; /* NAN: nobody knows it */
};
typedef void metrics_visitor(void *data, const struct metric *metric);

/* Hands VISIT the numbers of INVENTORY that come from DETAILS alone, which were read: device by
 * device, then alias by alias, model by model, and those of the host. What a device doesn't have is
 * left out. Returns 0, or -ENOMEM when pools had to be left out. */
int metrics_walk(const struct config *config, const struct inventory *inventory, unsigned details,
		 metrics_visitor *visit, void *data);

#endif
