/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/writer.h"
#include "common/text.h"

#include "common/textstream.h"
#include "config.h"
#include "plugins/standalone/formats/cloudstack-user.h"
#include "plugins/standalone/formats/devicecomment.h"
#include "probe/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE_COLUMNS                                                                          \
	"address,vendor,device,driver,iommu_group,ownership,conflict,leftovers,drift,findings," \
	"available,vm_ids,owners,sriov,interfaces,device_name"
#define SCRIPT_COLUMNS \
	"address,vendor,device,driver,iommu_group,ownership,vm_ids,owners,sriov,interfaces,device_name"

/* Labels that describe a device and its owners. Volatile values would create many short series. */
#define LABELS \
	"address,vendor,device,class,vendor_name,device_name,class_name,driver,sriov,pf,parent,physical_slot,label," OWNER_LABELS
#define OWNER_LABELS \
	"vm_names,vm_ids,vm_uuids,frontends,claims,programs,pids,owner_sources,guest_addresses,mdevs"

/* What Zabbix names a device by; it must not change while VMs start and end. */
#define MACROS                                                                                   \
	"address,vendor,device,class,vendor_name,device_name,class_name,sriov,pf,physical_slot," \
	"label,aliases,pci_path"

const struct writer WRITERS[] = {
	{"table", "columns for people", PEOPLE_COLUMNS, DETAIL_NAMES, 0, WRITER_FOR_PEOPLE,
	 write_table},
#ifdef HAVE_SMARTCOLS
	{"tree", "tree of ports, bridges and devices",
	 "address,driver,iommu_group,ownership,conflict,findings,owners,class_name,device_name",
	 DETAIL_ANCESTORS | DETAIL_NAMES, DETAIL_DRIVER | DETAIL_IOMMU_GROUP, WRITER_FOR_PEOPLE,
	 write_tree},
	{"raw", "space-separated columns for scripts, '-' for empty values", SCRIPT_COLUMNS, 0, 0,
	 0, write_raw},
	{"export", "KEY=\"value\" pairs, one line for each device", "*", 0, 0, 0, write_export},
#endif
	{"dot", "the topology, for Graphviz's dot", NULL,
	 DETAIL_ANCESTORS | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_OWNERSHIP, 0, 0, write_dot},
	{"aliases", "number of devices of each alias, by state and available", NULL, DETAIL_POOLS,
	 0, 0, write_aliases},
#ifdef HAVE_JSON_C
	{"json", "one JSON object, described by pciprobe.schema.json", "*", 0, 0, 0, write_json},
#endif
	{"prometheus", "metrics for node_exporter's textfile collector", LABELS, DETAIL_METRICS, 0,
	 WRITER_POLLED, write_prometheus},
	{"openmetrics", "the same metrics in OpenMetrics' text format", LABELS, DETAIL_METRICS, 0,
	 WRITER_POLLED, write_openmetrics},
	{"influx", "InfluxDB's line protocol", LABELS, DETAIL_METRICS, 0, WRITER_POLLED,
	 write_influx},
	{"collectd", "for collectd's exec plugin, with the values of the plugin", NULL,
	 DETAIL_METRICS, 0, WRITER_POLLED, write_collectd},
#ifdef HAVE_JSON_C
	{"zabbix-lld", "JSON of Zabbix's low-level discovery", MACROS, 0, 0, WRITER_POLLED,
	 write_zabbix_lld},
#endif
	{"libvirt", "domain XML for 'virsh attach-device'", NULL, DETAIL_COMMENT | DETAIL_OF_VFS, 0,
	 0, write_libvirt},
	{"proxmox", "hostpci lines of a VM of Proxmox VE", NULL, DETAIL_COMMENT, 0, 0,
	 write_proxmox},
	{"proxmox-mapping", "mappings of the aliases for Proxmox VE's mapping/pci.cfg", NULL,
	 DETAIL_ALIASES | DETAIL_COMMENT, 0, 0, write_proxmox_mapping},
	{"kubevirt", "permittedHostDevices of the aliases for KubeVirt", NULL,
	 DETAIL_ALIASES | DETAIL_DRIVER | DETAIL_SRIOV | DETAIL_VGPU, 0, 0, write_kubevirt},
	{"incus", "pci devices of a VM or profile of Incus", NULL, DETAIL_ALIASES | DETAIL_COMMENT,
	 0, 0, write_incus},
#ifdef HAVE_JSON_C
	{"cloudstack", "JSON of CloudStack's gpudiscovery.sh", NULL,
	 DETAIL_CLOUDSTACK_USER | DETAIL_NAMES | DETAIL_NUMA_NODE | DETAIL_SRIOV |
		 DETAIL_ANCESTORS | DETAIL_VGPU | DETAIL_MDEVS,
	 0, WRITER_POLLED, write_cloudstack},
#endif
	{"cloudstack-devices", "the line pci.devices=... of CloudStack's agent.properties", NULL,
	 DETAIL_ALIASES, 0, 0, write_cloudstack_devices},
	{"cloudstack-table", "rows of CloudStack's PCI device table", NULL,
	 DETAIL_ALIASES | DETAIL_CLOUDSTACK_USER, 0, 0, write_cloudstack_table},
	{"nova", "device_spec and alias lines for nova.conf", NULL, DETAIL_ALIASES | DETAIL_SRIOV,
	 DETAIL_SRIOV, 0, write_nova},
	{"onehost", "the PCI device table of 'onehost show'", NULL, DETAIL_NAMES | DETAIL_USAGE, 0,
	 WRITER_FOR_PEOPLE, write_onehost},
	{"opennebula", "PCI attributes for OpenNebula's monitor", NULL,
	 DETAIL_NAMES | DETAIL_NUMA_NODE | DETAIL_SRIOV | DETAIL_INTERFACES | DETAIL_VGPU, 0,
	 WRITER_POLLED, write_opennebula},
};
const size_t WRITER_COUNT = sizeof(WRITERS) / sizeof(*WRITERS);

const struct writer *writer_find(const char *name)
{
	for (size_t i = 0; i < WRITER_COUNT; i++)
		if (strcmp(WRITERS[i].name, name) == 0)
			return &WRITERS[i];
	return NULL;
}

void write_number(FILE *out, enum measure measure, double value)
{
	bool is_whole = measure == MEASURE_COUNT || measure == MEASURE_ERRORS ||
			measure == MEASURE_TRAFFIC;

	fprintf(out, is_whole ? "%.0f" : "%.10g", value);
}

bool is_owner_column(const struct field *field)
{
	return (field->details & DETAIL_OWNERSHIP) && field->measure == MEASURE_NONE &&
	       field->series;
}

static char *join(enum field_type type, const struct pci_device *device,
		  const struct field_value *value)
{
	char *string = NULL;
	FILE *out = textstream_open(&string);

	if (!out)
		return NULL;
	for (size_t i = 0; i < value->list.count; i++) {
		fputs(i ? "," : "", out);
		if (type == FIELD_LIST)
			fputs(value->list.item(device, i), out);
		else if (value->list.number(device, i))
			fprintf(out, "%" PRIu64, value->list.number(device, i));
	}
	return textstream_close(out, &string);
}

char *value_text(const struct field *field, const struct pci_device *device,
		 const struct field_value *value)
{
	char string[64];

	switch (field->type) {
	case FIELD_TEXT:
		return strdup(value->text);
	case FIELD_HEX:
		snprintf(string, sizeof(string), "%0*" PRIx64, (int)field->digits, value->number);
		return strdup(string);
	case FIELD_NUMBER:
		snprintf(string, sizeof(string), "%" PRIu64, value->number);
		return strdup(string);
	case FIELD_FLAG:
		return strdup(value->number ? "yes" : "no");
	case FIELD_REAL:
		snprintf(string, sizeof(string), "%.1f", value->real);
		return strdup(string);
	case FIELD_ADDRESS:
		return strdup(address_format(&value->address, string));
	case FIELD_LIST:
	case FIELD_NUMBERS:
		return join(field->type, device, value);
	}
	return NULL;
}
