/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of an inventory that can be recorded as time series. Those of a device are the fields
 * with a measure (fields.h); those of a pool of devices and of the host are defined here. */
#ifndef PCIPROBE_METRICS_H
#define PCIPROBE_METRICS_H

#include "probe/details/details.h"
#include "probe/fields.h"
#include "probe/pool.h"

/* What must be read for all metrics. */
#define DETAIL_METRICS                                                                          \
	((unsigned)(DETAIL_POOLS | DETAIL_NUMA_NODE | DETAIL_SRIOV | DETAIL_LINK | DETAIL_AER | \
		    DETAIL_OF_VFS | DETAIL_EXPECT))

struct pool_metric {
	const char *name; /* "free" */
	const char *help;
	unsigned details; /* enum detail: what must be read for it */
	size_t (*get)(const struct pool *pool);
};

extern const struct pool_metric POOL_METRICS[];
extern const size_t POOL_METRIC_COUNT;

struct host_metric {
	const char *name; /* "devices" */
	enum measure measure;
	const char *help;
	unsigned details;
	double (*get)(const struct inventory *inventory); /* NAN: there is none on this host */
};

extern const struct host_metric HOST_METRICS[];
extern const size_t HOST_METRIC_COUNT;

/* Name of the time series of FIELD, or of a label with one of its items. */
const char *field_series(const struct field *field);

/* The measured value of FIELD for DEVICE, NAN if unknown. Returns false if the device has no value
 * or the field is not a measurement. */
bool field_measure(const struct field *field, const struct pci_device *device, double *ret);

/* "gauge", "count", "errors", "duration" or "traffic"; collectd has types of the same names, except
 * for traffic, see metric.name. */
const char *measure_name(enum measure measure);

/* One number of a device or a pool, or of the host if both are NULL. */
struct metric {
	const struct pci_device *device;
	const struct pool *pool;
	const char *name; /* "link_width"; of MEASURE_TRAFFIC collectd's type: "if_octets" */
	enum measure measure;
	double value;	 /* NAN: unknown; not of MEASURE_TRAFFIC */
	uint64_t rx, tx; /* of MEASURE_TRAFFIC */
};
typedef void metrics_visitor(void *data, const struct metric *metric);

/* Calls VISIT for each number of INVENTORY that needs no other details than DETAILS, which must
 * have been read: by device, with received and sent traffic as one metric, then by alias, then by
 * model, then for the host. Values that a device does not have are skipped. Returns 0, or -ENOMEM
 * if pools were skipped. */
int metrics_walk(const struct config *config, const struct inventory *inventory, unsigned details,
		 metrics_visitor *visit, void *data);

#endif
