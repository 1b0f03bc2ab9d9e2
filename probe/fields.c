/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/fields.h"

#include "probe/details/details.h"
#include "probe/expect/finding.h"
#include "probe/ownership/ownership.h"

#include <strings.h>

#define GET(name) static bool get_##name(const struct pci_device *d, struct field_value *v)

/* A string that is present if it is not NULL. */
#define GET_TEXT(name)                  \
	GET(name)                       \
	{                               \
		v->text = d->name;      \
		return v->text != NULL; \
	}

/* A member of kind KIND that is present if BIT is set; 0: always. */
#define GET_MEMBER(name, kind, member, bit)            \
	GET(name)                                      \
	{                                              \
		v->kind = d->member;                   \
		return !(bit) || (d->present & (bit)); \
	}

GET_MEMBER(address, address, address, 0)
GET_MEMBER(vendor, number, vendor, 0)
GET_MEMBER(device, number, device, 0)
GET_MEMBER(class, number, class, 0)
GET_MEMBER(prog_if, number, prog_if, 0)
GET_MEMBER(revision, number, revision, HAS_REVISION)
GET_MEMBER(subsystem_vendor, number, subsystem_vendor, HAS_SUBSYSTEM)
GET_MEMBER(subsystem_device, number, subsystem_device, HAS_SUBSYSTEM)
GET_TEXT(vendor_name)
GET_TEXT(device_name)
GET_TEXT(class_name)
GET_TEXT(subsystem_name)
GET_TEXT(unknown_reason)
GET_TEXT(modalias)
GET_TEXT(driver)
GET_MEMBER(iommu_group, number, iommu_group, HAS_IOMMU_GROUP)
GET_MEMBER(numa_node, number, numa_node, HAS_NUMA_NODE)
GET_MEMBER(pf, address, sriov.pf, HAS_PF)
GET_TEXT(pf_interface)
GET_MEMBER(vf_index, number, sriov.vf_index, HAS_VF_INDEX)
GET_MEMBER(vfs_total, number, sriov.vfs_total, HAS_VFS_TOTAL)
GET_MEMBER(vfs_enabled, number, sriov.vfs_enabled, HAS_VFS_ENABLED)
GET_TEXT(power_state)
GET_TEXT(runtime_status)
GET_MEMBER(link_speed, real, link.speed, HAS_LINK_SPEED)
GET_MEMBER(link_width, number, link.width, HAS_LINK_WIDTH)
GET_MEMBER(max_link_speed, real, link.max_speed, HAS_MAX_LINK_SPEED)
GET_MEMBER(max_link_width, number, link.max_width, HAS_MAX_LINK_WIDTH)
GET_MEMBER(aer_correctable, number, aer.correctable, HAS_AER_CORRECTABLE)
GET_MEMBER(aer_nonfatal, number, aer.nonfatal, HAS_AER_NONFATAL)
GET_MEMBER(aer_fatal, number, aer.fatal, HAS_AER_FATAL)
GET_TEXT(physical_slot)
GET_TEXT(label)

GET(link_degraded)
{
	v->number = device_has_degraded_link(d);
	return device_knows_link(d);
}

GET(sriov)
{
	static const char *const roles[] = {
		[SRIOV_NONE] = "no", [SRIOV_PF] = "pf", [SRIOV_VF] = "vf"};

	v->text = roles[d->sriov.role];
	return d->present & HAS_SRIOV;
}

/* A number of VFs of a PF. */
#define GET_VFS(name)                                                                 \
	GET(name)                                                                     \
	{                                                                             \
		v->number = d->sriov.name;                                            \
		v->unknown = (d->present & HAS_VF_OWNERSHIP) && d->sriov.vfs_unknown; \
		return (d->present & HAS_VF_OWNERSHIP) && !v->unknown;                \
	}

GET_VFS(vfs_in_use)
GET_VFS(vfs_free)

/* Absent for devices that are not network VFs. */
#define GET_LEFTOVERS(name)                                                                     \
	GET(name)                                                                               \
	{                                                                                       \
		v->number = d->leftovers.count > 0;                                             \
		v->list.count = d->leftovers.count;                                             \
		v->list.item = leftover_item;                                                   \
		v->unknown = (d->vf || d->vf_unknown_reason) && (d->present & HAS_OWNERSHIP) && \
			     !device_knows_leftovers(d);                                        \
		return device_knows_leftovers(d);                                               \
	}

static const char *leftover_item(const struct pci_device *d, size_t i)
{
	return d->leftovers.items[i];
}

GET_LEFTOVERS(leftovers)
GET_LEFTOVERS(has_leftovers)

/* The kind of the finding with this index. */
static const char *finding_item(const struct pci_device *d, size_t index)
{
	unsigned kind = 0;

	for (; kind < FINDING_KIND_COUNT - 1; kind++)
		if ((d->findings & (1u << kind)) && !index--)
			break;
	return finding_kind_name(kind);
}

/* Absent if nothing is expected of the device. */
GET(findings)
{
	v->list.count = 0;
	for (unsigned kind = 0; kind < FINDING_KIND_COUNT; kind++)
		v->list.count += (d->findings >> kind) & 1u;
	v->list.item = finding_item;
	return d->present & HAS_EXPECTATION;
}

GET(has_findings)
{
	v->number = (d->findings & ~(1u << FINDING_UNKNOWN)) != 0;
	v->unknown = d->findings == 1u << FINDING_UNKNOWN;
	return (d->present & HAS_EXPECTATION) && !v->unknown;
}

/* Absent if no VM states settings of the device. */
#define GET_DRIFT(name)                                                             \
	GET(name)                                                                   \
	{                                                                           \
		v->number = d->drift.count > 0;                                     \
		v->list.count = d->drift.count;                                     \
		v->list.item = drift_item;                                          \
		v->unknown = d->vf_unknown_reason && device_has_stated_settings(d); \
		return d->vf && device_has_stated_settings(d);                      \
	}

static const char *drift_item(const struct pci_device *d, size_t i)
{
	return d->drift.items[i];
}

GET_DRIFT(drift)
GET_DRIFT(has_drift)

static const char *interface_name(const struct pci_device *d, size_t i)
{
	return d->interfaces[i].name;
}

GET(interfaces)
{
	v->list.count = d->interface_count;
	v->list.item = interface_name;
	return d->interface_count;
}

/* An interface without an address is an empty item, so that the two lists correspond. */
static const char *interface_mac(const struct pci_device *d, size_t i)
{
	return d->interfaces[i].mac ? d->interfaces[i].mac : "";
}

GET(macs)
{
	v->list.count = d->interface_count;
	v->list.item = interface_mac;
	return d->interface_count;
}

/* A setting or counter of a VF, reported if BIT is set; 0: always. */
#define GET_VF(name, kind, bit)                                     \
	GET(vf_##name)                                              \
	{                                                           \
		v->unknown = d->vf_unknown_reason != NULL;          \
		if (!d->vf || ((bit) && !(d->vf->present & (bit)))) \
			return false;                               \
		v->kind = d->vf->name;                              \
		return true;                                        \
	}

GET_VF(vlan, number, 0)
GET_VF(vlan_priority, number, 0)
GET_VF(spoof_check, number, VF_HAS_SPOOF_CHECK)
GET_VF(trust, number, VF_HAS_TRUST)
GET_VF(rss_query, number, VF_HAS_RSS_QUERY)
GET_VF(min_rate, number, 0)
GET_VF(max_rate, number, 0)
GET_VF(rx_packets, number, VF_HAS_COUNTERS)
GET_VF(tx_packets, number, VF_HAS_COUNTERS)
GET_VF(rx_bytes, number, VF_HAS_COUNTERS)
GET_VF(tx_bytes, number, VF_HAS_COUNTERS)
GET_VF(broadcast, number, VF_HAS_COUNTERS)
GET_VF(multicast, number, VF_HAS_COUNTERS)
GET_VF(rx_dropped, number, VF_HAS_COUNTERS)
GET_VF(tx_dropped, number, VF_HAS_COUNTERS)
GET_TEXT(vf_unknown_reason)

GET(vf_mac)
{
	v->unknown = d->vf_unknown_reason != NULL;
	v->text = d->vf ? d->vf->mac : "";
	return *v->text;
}

GET(vf_vlan_protocol)
{
	v->unknown = d->vf_unknown_reason != NULL;
	v->text = d->vf ? d->vf->vlan_protocol : NULL;
	return v->text != NULL;
}

GET(vf_link_state)
{
	v->unknown = d->vf_unknown_reason != NULL;
	v->text = d->vf ? d->vf->link_state : NULL;
	return v->text != NULL;
}

#define GET_STRINGS(name, present_when)                                      \
	static const char *name##_item(const struct pci_device *d, size_t i) \
	{                                                                    \
		return d->name.items[i];                                     \
	}                                                                    \
	GET(name)                                                            \
	{                                                                    \
		v->list.count = d->name.count;                               \
		v->list.item = name##_item;                                  \
		return (present_when);                                       \
	}

GET_STRINGS(blocks, d->blocks.count)
GET_STRINGS(drm, d->drm.count)
GET_STRINGS(group_peers, d->group_peers.count)
GET_STRINGS(nonviable_peers, d->nonviable_peers.count)
GET_STRINGS(aliases, d->aliases.count)
/* an empty list: the device supports resets, but the administrator disabled all methods */
GET_STRINGS(reset_methods, d->present &HAS_RESET_METHODS)

static const char *vgpu_type_id(const struct pci_device *d, size_t i)
{
	return d->vgpu_types[i].id;
}

GET(vgpu_types)
{
	v->list.count = d->vgpu_type_count;
	v->list.item = vgpu_type_id;
	return d->vgpu_type_count;
}

GET(vgpu_type)
{
	return (v->text = d->vgpu_type);
}

static const char *mdev_uuid(const struct pci_device *d, size_t i)
{
	return d->mdevs[i].uuid;
}

GET(vgpu_instances)
{
	v->list.count = d->mdev_count;
	v->list.item = mdev_uuid;
	return d->mdev_count;
}

GET(ownership)
{
	v->text = ownership_name(d->ownership);
	return d->present & HAS_OWNERSHIP;
}

GET(available)
{
	static const char *const names[] = {
		[UNAVAILABLE_NONE] = "yes",
		[UNAVAILABLE_UNKNOWN] = "unknown",
		[UNAVAILABLE_HOST] = "host",
		[UNAVAILABLE_RESERVED] = "reserved",
		[UNAVAILABLE_HELD] = "held",
		[UNAVAILABLE_NO_IOMMU] = "no-iommu",
		[UNAVAILABLE_NOT_VIABLE] = "blocked-group",
		[UNAVAILABLE_GROUP_HELD] = "held-group",
	};

	v->text = names[device_unavailable_reason(d)];
	return d->present & HAS_OWNERSHIP;
}

/* Known if the ownership of the device is. */
#define GET_OWNED(name, is)                                                                     \
	GET(name)                                                                               \
	{                                                                                       \
		v->number = (is);                                                               \
		v->unknown = (d->present & HAS_OWNERSHIP) && d->ownership == OWNERSHIP_UNKNOWN; \
		return (d->present & HAS_OWNERSHIP) && !v->unknown;                             \
	}

GET_OWNED(in_use, d->ownership == OWNERSHIP_HELD)
GET_OWNED(conflict, device_has_conflict(d))

/* Missing values are empty items, so that all lists of owners correspond. */
#define GET_OWNERS(name, text)                                               \
	static const char *name##_item(const struct pci_device *d, size_t i) \
	{                                                                    \
		const struct owner *owner = &d->owners[i];                   \
		const char *item = (text);                                   \
		return item ? item : "";                                     \
	}                                                                    \
	GET(name)                                                            \
	{                                                                    \
		v->list.count = d->owner_count;                              \
		v->list.item = name##_item;                                  \
		return d->owner_count;                                       \
	}

GET_OWNERS(vm_ids, owner->frontend_id)
GET_OWNERS(owners, owner->name ? owner->name : owner->program)
GET_OWNERS(vm_names, owner->name)
GET_OWNERS(vm_uuids, owner->uuid)
GET_OWNERS(frontends, owner->frontend)
GET_OWNERS(programs, owner->program)
GET_OWNERS(owner_sources, owner->source)
GET_OWNERS(claims, owner->reserves ? "reserves" : owner->host_process ? "host-process" : "holds")
GET_OWNERS(guest_addresses, owner->guest_address)
GET_OWNERS(mdevs, owner->mdev)
GET_OWNERS(pods, owner->pod)

static uint64_t owner_pid(const struct pci_device *d, size_t i)
{
	return (uint64_t)d->owners[i].pid;
}

GET(pids)
{
	v->list.count = d->owner_count;
	v->list.number = owner_pid;
	return d->owner_count;
}

static uint64_t owner_started(const struct pci_device *d, size_t i)
{
	return d->owners[i].started;
}

GET(pid_starts)
{
	v->list.count = d->owner_count;
	v->list.number = owner_started;
	return d->owner_count;
}

GET(pci_path)
{
	return (v->text = d->path);
}

GET(parent)
{
	if (!d->ancestor_count)
		return false;
	v->address = d->ancestors[d->ancestor_count - 1];
	return true;
}

GET(root_port)
{
	if (!d->ancestor_count)
		return false;
	v->address = d->ancestors[0];
	return true;
}

/* name, heading, type, digits, unit, help, details */
#define FIELD(name, heading, type, digits, unit, help, details)                                   \
	{                                                                                         \
#name, heading, type, digits, unit, help, details, MEASURE_NONE, NULL, get_##name \
	}

/* A number that can be recorded as a time series: its measure and the name of the series. */
#define MEASURED(measure, series, name, heading, type, unit, help, details)               \
	{                                                                                 \
#name, heading, type, 0, unit, help, details, measure, series, get_##name \
	}

#define OWNERS (DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP)

/* A list with one item for each owner; LABEL names a single item. */
#define OWNER_FIELD_OF(label, name, heading, type, unit, help, details)                       \
	{                                                                                     \
#name, heading, type, 0, unit, help, details, MEASURE_NONE, label, get_##name \
	}

/* One about VMs only. */
#define OWNER_FIELD(label, name, heading, type, unit, help) \
	OWNER_FIELD_OF(label, name, heading, type, unit, help, OWNERS)

#define PROCESS_FIELD(label, name, heading, type, unit, help) \
	OWNER_FIELD_OF(label, name, heading, type, unit, help, OWNERS | DETAIL_HOST_PROCESSES)

/* A setting or counter of a network VF. */
#define VF_FIELD(name, heading, type, unit, help) \
	FIELD(name, heading, type, 0, unit, help, DETAIL_OF_VFS)

/* A counter of a network VF. */
#define VF_COUNTER(name, heading, unit, help) \
	MEASURED(MEASURE_TRAFFIC, NULL, name, heading, FIELD_NUMBER, unit, help, DETAIL_OF_VFS)

const struct field FIELDS[] = {
	FIELD(address, "ADDRESS", FIELD_ADDRESS, 0, NULL, "domain:bus:slot.function", 0),
	FIELD(vendor, "VENDOR", FIELD_HEX, 4, NULL, "vendor id", 0),
	FIELD(device, "DEVICE", FIELD_HEX, 4, NULL, "device id", 0),
	FIELD(class, "CLASS", FIELD_HEX, 4, NULL, "class and subclass", 0),
	FIELD(prog_if, "PROGIF", FIELD_HEX, 2, NULL, "programming interface of the class", 0),
	FIELD(revision, "REV", FIELD_HEX, 2, NULL, "revision", DETAIL_REVISION),
	FIELD(subsystem_vendor, "SUBVENDOR", FIELD_HEX, 4, NULL, "subsystem vendor id", 0),
	FIELD(subsystem_device, "SUBDEVICE", FIELD_HEX, 4, NULL, "subsystem device id", 0),
	FIELD(vendor_name, "VENDOR_NAME", FIELD_TEXT, 0, NULL, "vendor name", DETAIL_NAMES),
	FIELD(device_name, "NAME", FIELD_TEXT, 0, NULL, "device name", DETAIL_NAMES),
	FIELD(class_name, "CLASS_NAME", FIELD_TEXT, 0, NULL, "class name", DETAIL_NAMES),
	FIELD(subsystem_name, "SUBSYSTEM", FIELD_TEXT, 0, NULL, "subsystem name",
	      DETAIL_SUBSYSTEM_NAME),
	FIELD(modalias, "MODALIAS", FIELD_TEXT, 0, NULL,
	      "string that the kernel matches drivers with", DETAIL_MODALIAS),
	FIELD(driver, "DRIVER", FIELD_TEXT, 0, NULL, "bound driver", DETAIL_DRIVER),
	MEASURED(MEASURE_GAUGE, NULL, iommu_group, "GROUP", FIELD_NUMBER, NULL, "IOMMU group",
		 DETAIL_IOMMU_GROUP),
	FIELD(group_peers, "PEERS", FIELD_LIST, 0, NULL, "other devices in its IOMMU group",
	      DETAIL_GROUP_PEERS),
	FIELD(nonviable_peers, "BLOCKERS", FIELD_LIST, 0, NULL,
	      "those bound to a host driver, which make the group not viable", DETAIL_GROUP_PEERS),
	MEASURED(MEASURE_GAUGE, NULL, numa_node, "NUMA", FIELD_NUMBER, NULL, "NUMA node",
		 DETAIL_NUMA_NODE),
	FIELD(sriov, "SRIOV", FIELD_TEXT, 0, NULL,
	      "pf (can have virtual functions), vf (is one) or no", DETAIL_SRIOV),
	FIELD(pf, "PF", FIELD_ADDRESS, 0, NULL, "physical function of a VF", DETAIL_SRIOV),
	FIELD(pf_interface, "PF_NETDEV", FIELD_TEXT, 0, NULL,
	      "network interface of the physical function", DETAIL_SRIOV | DETAIL_PF_INTERFACE),
	FIELD(vf_index, "VF", FIELD_NUMBER, 0, NULL, "index of a VF within its PF, from 0",
	      DETAIL_SRIOV | DETAIL_VF_INDEX),
	MEASURED(MEASURE_COUNT, "vf_total", vfs_total, "VFS_TOTAL", FIELD_NUMBER, NULL,
		 "maximum number of VFs", DETAIL_SRIOV),
	MEASURED(MEASURE_COUNT, "vf_enabled", vfs_enabled, "VFS", FIELD_NUMBER, NULL,
		 "number of enabled VFs", DETAIL_SRIOV),
	MEASURED(MEASURE_COUNT, "vf_in_use", vfs_in_use, "VFS_USED", FIELD_NUMBER, NULL,
		 "VFs in use, if all VFs are selected", OWNERS | DETAIL_SRIOV),
	MEASURED(MEASURE_COUNT, "vf_free", vfs_free, "VFS_FREE", FIELD_NUMBER, NULL,
		 "free VFs, if all VFs are selected", OWNERS | DETAIL_SRIOV),
	VF_FIELD(vf_mac, "VF_MAC", FIELD_TEXT, NULL,
		 "MAC address of a VF that its PF sets; empty if none is set"),
	VF_FIELD(vf_vlan, "VF_VLAN", FIELD_NUMBER, NULL, "VLAN id of a VF, 0 for none"),
	VF_FIELD(vf_vlan_priority, "VF_QOS", FIELD_NUMBER, NULL, "VLAN priority of a VF"),
	VF_FIELD(vf_vlan_protocol, "VF_PROTO", FIELD_TEXT, NULL,
		 "VLAN protocol of a VF: 802.1Q or 802.1ad"),
	VF_FIELD(vf_spoof_check, "SPOOFCHK", FIELD_FLAG, NULL,
		 "whether the MAC addresses that a VF sends with are checked"),
	VF_FIELD(vf_trust, "TRUST", FIELD_FLAG, NULL,
		 "whether a VF may change its MAC address and become promiscuous"),
	VF_FIELD(vf_link_state, "VF_LINK", FIELD_TEXT, NULL,
		 "link state of a VF: auto (that of its PF), enable or disable"),
	VF_FIELD(vf_min_rate, "MIN_RATE", FIELD_NUMBER, "Mbit/s",
		 "minimum transmit rate of a VF, 0 for none"),
	VF_FIELD(vf_max_rate, "MAX_RATE", FIELD_NUMBER, "Mbit/s",
		 "maximum transmit rate of a VF, 0 for none"),
	VF_FIELD(vf_rss_query, "RSS_QUERY", FIELD_FLAG, NULL,
		 "whether a VF may read its RSS configuration"),
	VF_COUNTER(vf_rx_packets, "RX_PACKETS", NULL, "packets that a VF received"),
	VF_COUNTER(vf_tx_packets, "TX_PACKETS", NULL, "packets that a VF sent"),
	VF_COUNTER(vf_rx_bytes, "RX_BYTES", "bytes", "data that a VF received"),
	VF_COUNTER(vf_tx_bytes, "TX_BYTES", "bytes", "data that a VF sent"),
	VF_COUNTER(vf_broadcast, "BROADCAST", NULL, "broadcast packets that a VF received"),
	VF_COUNTER(vf_multicast, "MULTICAST", NULL, "multicast packets that a VF received"),
	VF_COUNTER(vf_rx_dropped, "RX_DROPPED", NULL, "packets to a VF that were dropped"),
	VF_COUNTER(vf_tx_dropped, "TX_DROPPED", NULL, "packets of a VF that were dropped"),
	VF_FIELD(vf_unknown_reason, "VF_UNKNOWN_REASON", FIELD_TEXT, NULL,
		 "why the settings of a network VF are unknown"),
	FIELD(leftovers, "LEFTOVERS", FIELD_LIST, 0, NULL,
	      "settings of a previous VM that a free network VF still has", OWNERS | DETAIL_OF_VFS),
	MEASURED(MEASURE_GAUGE, "vf_leftover", has_leftovers, "HAS_LEFTOVERS", FIELD_FLAG, NULL,
		 "whether a free network VF still has settings of a previous VM",
		 OWNERS | DETAIL_OF_VFS),
	FIELD(drift, "DRIFT", FIELD_LIST, 0, NULL,
	      "differences between a network VF and the libvirt definition of the VM that holds it",
	      OWNERS | DETAIL_OF_VFS),
	MEASURED(MEASURE_GAUGE, "vf_drift", has_drift, "HAS_DRIFT", FIELD_FLAG, NULL,
		 "whether a network VF differs from the libvirt definition of the VM that holds it",
		 OWNERS | DETAIL_OF_VFS),
	FIELD(findings, "FINDINGS", FIELD_LIST, 0, NULL,
	      "how it differs from what :expect: states: moved, degraded, changed, unexpected or unknown",
	      DETAIL_EXPECT),
	MEASURED(MEASURE_GAUGE, "finding", has_findings, "HAS_FINDINGS", FIELD_FLAG, NULL,
		 "whether it differs from what pci.conf expects of it", DETAIL_EXPECT),
	FIELD(interfaces, "NETDEV", FIELD_LIST, 0, NULL, "network interfaces", DETAIL_INTERFACES),
	FIELD(macs, "MACS", FIELD_LIST, 0, NULL,
	      "MAC addresses of the network interfaces, in the same order",
	      DETAIL_INTERFACES | DETAIL_MACS),
	FIELD(blocks, "DISKS", FIELD_LIST, 0, NULL, "disks below the device", DETAIL_BLOCKS),
	FIELD(drm, "DRM", FIELD_LIST, 0, NULL, "graphics nodes", DETAIL_DRM),
	FIELD(reset_methods, "RESET", FIELD_LIST, 0, NULL,
	      "reset methods, in the order in which the kernel tries them", DETAIL_RESET_METHODS),
	FIELD(power_state, "POWER", FIELD_TEXT, 0, NULL,
	      "power state: D0, D1, D2, D3hot, D3cold or unknown", DETAIL_POWER),
	FIELD(runtime_status, "RUNTIME", FIELD_TEXT, 0, NULL,
	      "runtime power management status: active, suspended, ...", DETAIL_POWER),
	MEASURED(MEASURE_GAUGE, "link_speed_gts", link_speed, "SPEED", FIELD_REAL, "GT/s",
		 "current link speed; empty while suspended", DETAIL_LINK),
	MEASURED(MEASURE_GAUGE, NULL, link_width, "WIDTH", FIELD_NUMBER, "lanes",
		 "current link width; empty while suspended", DETAIL_LINK),
	FIELD(max_link_speed, "MAX_SPEED", FIELD_REAL, 0, "GT/s",
	      "maximum link speed; empty while suspended", DETAIL_LINK),
	FIELD(max_link_width, "MAX_WIDTH", FIELD_NUMBER, 0, "lanes",
	      "maximum link width; empty while suspended", DETAIL_LINK),
	MEASURED(MEASURE_GAUGE, NULL, link_degraded, "DEGRADED", FIELD_FLAG, NULL,
		 "whether the link is slower or narrower than both device and port support",
		 DETAIL_LINK),
	MEASURED(MEASURE_ERRORS, NULL, aer_correctable, "AER_COR", FIELD_NUMBER, "errors",
		 "correctable errors since boot", DETAIL_AER),
	MEASURED(MEASURE_ERRORS, NULL, aer_nonfatal, "AER_NONFATAL", FIELD_NUMBER, "errors",
		 "uncorrectable, non-fatal errors since boot", DETAIL_AER),
	MEASURED(MEASURE_ERRORS, NULL, aer_fatal, "AER_FATAL", FIELD_NUMBER, "errors",
		 "fatal errors since boot", DETAIL_AER),
	FIELD(physical_slot, "SLOT", FIELD_TEXT, 0, NULL, "physical slot", DETAIL_SLOT),
	FIELD(label, "LABEL", FIELD_TEXT, 0, NULL, "label assigned by the firmware", DETAIL_LABEL),
	FIELD(vgpu_types, "VGPU_TYPES", FIELD_LIST, 0, NULL, "vGPU types that it supports",
	      DETAIL_VGPU | DETAIL_SRIOV),
	FIELD(vgpu_type, "VGPU_TYPE", FIELD_TEXT, 0, NULL, "vGPU type of a VF, 0 for none yet",
	      DETAIL_VGPU | DETAIL_SRIOV),
	FIELD(vgpu_instances, "VGPUS", FIELD_LIST, 0, NULL, "mediated devices created on it",
	      DETAIL_MDEVS),
	FIELD(aliases, "ALIAS", FIELD_LIST, 0, NULL,
	      "aliases from :alias: under which it can be requested", DETAIL_ALIASES),
	FIELD(ownership, "STATE", FIELD_TEXT, 0, NULL,
	      "held, reserved (for a VM that is not running), host (used by the host), free or unknown",
	      OWNERS),
	FIELD(unknown_reason, "UNKNOWN_REASON", FIELD_TEXT, 0, NULL,
	      "why the state is unknown: what could not be determined", OWNERS),
	FIELD(available, "AVAILABLE", FIELD_TEXT, 0, NULL,
	      "yes, or why not: held, reserved, host, unknown, no-iommu, blocked-group or held-group",
	      OWNERS | DETAIL_GROUP_PEERS),
	MEASURED(MEASURE_GAUGE, NULL, in_use, "USED", FIELD_FLAG, NULL,
		 "whether a VM or another process holds it", OWNERS),
	MEASURED(MEASURE_GAUGE, NULL, conflict, "CONFLICT", FIELD_FLAG, NULL,
		 "whether several VMs claim it, or a VM and the host", OWNERS),
	OWNER_FIELD("vm_id", vm_ids, "VM", FIELD_LIST, NULL,
		    "ids of the owning VMs in their frontend"),
	PROCESS_FIELD("owner", owners, "OWNER", FIELD_LIST, NULL,
		      "names of the owning VMs or programs"),
	OWNER_FIELD("vm", vm_names, "VM_NAME", FIELD_LIST, NULL, "names of the VMs that claim it"),
	OWNER_FIELD("vm_uuid", vm_uuids, "UUID", FIELD_LIST, NULL,
		    "UUIDs of the VMs; like all following owner columns in the order of owners"),
	OWNER_FIELD(
		"frontend", frontends, "FRONTEND", FIELD_LIST, NULL,
		"frontends of the VMs: opennebula, cloudstack, nova, proxmox, kubevirt, kata, incus or lxd"),
	PROCESS_FIELD(
		"claim", claims, "CLAIM", FIELD_LIST, NULL,
		"holds, reserves (the VM is not running) or host-process (uses it through its host driver)"),
	PROCESS_FIELD("program", programs, "PROGRAM", FIELD_LIST, NULL, "programs that hold it"),
	PROCESS_FIELD("pid", pids, "PID", FIELD_NUMBERS, NULL,
		      "process ids of the programs; empty if unknown"),
	PROCESS_FIELD("pid_start", pid_starts, "STARTED", FIELD_NUMBERS, "clock ticks",
		      "start times of the processes since boot"),
	PROCESS_FIELD(
		"source", owner_sources, "SOURCE", FIELD_LIST, NULL,
		"sources that show the owner, joined by +: vfio, cmdline, mdev, libvirt, proxmox, nodes"),
	OWNER_FIELD("guest_address", guest_addresses, "GUEST", FIELD_LIST, NULL,
		    "addresses inside the VMs, for devices on the root bus"),
	OWNER_FIELD("mdev", mdevs, "MDEV", FIELD_LIST, NULL,
		    "mediated devices, where an owner has only a part of the device"),
	OWNER_FIELD("pod", pods, "POD", FIELD_LIST, NULL,
		    "UIDs of the Kubernetes pods that the VMs run in"),
	FIELD(parent, "PARENT", FIELD_ADDRESS, 0, NULL, "next bridge or port upstream",
	      DETAIL_ANCESTORS),
	FIELD(root_port, "ROOT_PORT", FIELD_ADDRESS, 0, NULL, "root port", DETAIL_ANCESTORS),
	FIELD(pci_path, "PCI_PATH", FIELD_TEXT, 0, NULL,
	      "address of its bridge on the root bus, then slot.function below each bridge; independent of bus numbers",
	      DETAIL_PATH),
};
const size_t FIELD_COUNT = sizeof(FIELDS) / sizeof(*FIELDS);

const struct field *field_find(const char *name)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strcasecmp(name, FIELDS[i].name) == 0 ||
		    strcasecmp(name, FIELDS[i].heading) == 0)
			return &FIELDS[i];
	return NULL;
}
