# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of the series. Graphs and alerts depend on them, so they are repeated here on purpose."""
import math
import re

# Characters that only JSON keeps; invalid bytes are U+FFFD there.
UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffd-\uffff]")

# key in JSON: collectd's type and instance, Prometheus's name, InfluxDB's field
DEVICE = {
    "iommu_group": ("gauge-iommu_group", "pciprobe_device_iommu_group", "iommu_group"),
    "numa_node": ("gauge-numa_node", "pciprobe_device_numa_node", "numa_node"),
    "vfs_total": ("count-vf_total", "pciprobe_device_vf_capacity", "vf_total"),
    "vfs_enabled": ("count-vf_enabled", "pciprobe_device_vf_enabled", "vf_enabled"),
    "vfs_in_use": ("count-vf_in_use", "pciprobe_device_vf_in_use", "vf_in_use"),
    "vfs_free": ("count-vf_free", "pciprobe_device_vf_free", "vf_free"),
    "link_speed": ("gauge-link_speed_gts", "pciprobe_device_link_speed_gts", "link_speed_gts"),
    "link_width": ("gauge-link_width", "pciprobe_device_link_width", "link_width"),
    "link_degraded": ("gauge-link_degraded", "pciprobe_device_link_degraded", "link_degraded"),
    "aer_correctable": (
        "errors-aer_correctable",
        "pciprobe_device_aer_correctable_total",
        "aer_correctable",
    ),
    "aer_nonfatal": ("errors-aer_nonfatal", "pciprobe_device_aer_nonfatal_total", "aer_nonfatal"),
    "aer_fatal": ("errors-aer_fatal", "pciprobe_device_aer_fatal_total", "aer_fatal"),
    "in_use": ("gauge-in_use", "pciprobe_device_in_use", "in_use"),
    "conflict": ("gauge-conflict", "pciprobe_device_conflict", "conflict"),
    "has_leftovers": ("gauge-vf_leftover", "pciprobe_device_vf_leftover", "vf_leftover"),
    "has_drift": ("gauge-vf_drift", "pciprobe_device_vf_drift", "vf_drift"),
    "has_findings": ("gauge-finding", "pciprobe_device_finding", "finding"),
}
COLLECTD, PROMETHEUS, INFLUX = range(3)

# key of a counter of a VF in JSON: Prometheus's name; InfluxDB's field is the key
TRAFFIC = {
    "vf_rx_packets": "pciprobe_vf_rx_packets_total",
    "vf_tx_packets": "pciprobe_vf_tx_packets_total",
    "vf_rx_bytes": "pciprobe_vf_rx_bytes_total",
    "vf_tx_bytes": "pciprobe_vf_tx_bytes_total",
    "vf_broadcast": "pciprobe_vf_broadcast_total",
    "vf_multicast": "pciprobe_vf_multicast_total",
    "vf_rx_dropped": "pciprobe_vf_rx_dropped_total",
    "vf_tx_dropped": "pciprobe_vf_tx_dropped_total",
}
# collectd's type: keys of its data sources
INTERFACE = {
    "if_octets": ("vf_rx_bytes", "vf_tx_bytes"),
    "if_packets": ("vf_rx_packets", "vf_tx_packets"),
    "if_dropped": ("vf_rx_dropped", "vf_tx_dropped"),
}

# key of a list in JSON with one item per owner: label
OWNERS = {
    "vm_names": "vm",
    "vm_ids": "vm_id",
    "vm_uuids": "vm_uuid",
    "frontends": "frontend",
    "claims": "claim",
    "programs": "program",
    "pids": "pid",
    "owner_sources": "source",
    "guest_addresses": "guest_address",
    "mdevs": "mdev",
}

# labels of a device, with the same name in all formats
LABELS = (
    "vendor",
    "device",
    "class",
    "vendor_name",
    "device_name",
    "class_name",
    "driver",
    "sriov",
    "pf",
    "parent",
    "physical_slot",
    "label",
)


def plain(text):
    """Replaces unprintable characters except newlines, like all machine formats but JSON."""
    return UNPRINTABLE.sub("?", str(text))


def labels(device):
    """Returns the labels of a device."""
    return {name: plain(device[name]) for name in LABELS if name in device}


def measured(device, kind, devices):
    """Returns {series: value} of one of DEVICES in JSON; None for an unknown value."""
    values = {names[kind]: float(device[key]) for key, names in DEVICE.items() if key in device}
    if device["ownership"] == "unknown":
        values.update({DEVICE[key][kind]: None for key in ("in_use", "conflict")})
    is_network_vf = "vf_unknown_reason" in device or "vf_vlan" in device
    if is_network_vf and "has_leftovers" not in device:
        values[DEVICE["has_leftovers"][kind]] = None
    vfs = [other["ownership"] for other in devices if other.get("pf") == device["address"]]
    if device.get("vfs_enabled") == len(vfs) and "unknown" in vfs:
        values.update({DEVICE[key][kind]: None for key in ("vfs_in_use", "vfs_free")})
    return values


def known(values):
    return {name: value for name, value in values.items() if value is not None}


def host(devices):
    """Returns the host's totals, without collectd types."""
    states = [device["ownership"] for device in devices]
    return {
        "devices": len(devices),
        "in_use": states.count("held"),
        "free": states.count("free"),
        "reserved": states.count("reserved"),
        "unknown": states.count("unknown"),
        "conflict": sum(device.get("conflict", False) for device in devices),
    }


def pool(devices):
    """Returns the totals of a pool of equivalent devices."""
    return {
        "total": len(devices),
        "in_use": sum(device["ownership"] == "held" for device in devices),
        "free": sum(device["ownership"] == "free" for device in devices),
        "available": sum(device["available"] == "yes" for device in devices),
    }


def aliases(document):
    """Returns {alias: its totals}."""
    return {
        alias["name"]: pool(
            [device for device in document["devices"] if alias["name"] in device.get("aliases", [])]
        )
        for alias in document.get("aliases", [])
    }


def models(document):
    """Returns {(vendor, device): its totals}."""
    devices = document["devices"]
    return {
        (device["vendor"], device["device"]): pool(
            [
                other
                for other in devices
                if (other["vendor"], other["device"]) == (device["vendor"], device["device"])
            ]
        )
        for device in devices
    }


def collectd(document):
    """Returns {plugin instance: {type and type instance: value}} without the duration; NAN if
    unknown."""
    devices = document["devices"]
    values = {
        device["address"]: {
            series: math.nan if value is None else float(value)
            for series, value in measured(device, COLLECTD, devices).items()
        }
        for device in devices
    }
    for device in devices:
        values[device["address"]].update(
            {
                kind: tuple(float(device[key]) for key in keys)
                for kind, keys in INTERFACE.items()
                if keys[0] in device
            }
        )
    pools = dict(
        aliases(document), **{"%s:%s" % ids: numbers for ids, numbers in models(document).items()}
    )
    for name, numbers in dict(pools, summary=host(devices)).items():
        values[name] = {"count-" + number: float(value) for number, value in numbers.items()}
    return values


def holder(device):
    """Returns the labels of the VM whose traffic a VF carries."""
    for owner in owners(device):
        if owner["claim"] == "holds":
            return {name: owner[name] for name in ("vm", "vm_id") if name in owner}
    return {}


def owners(device):
    """Returns a dict of labels for each owner."""
    count = len(device.get("owner_sources", []))
    return [
        {
            label: plain(device[key][i])
            for key, label in OWNERS.items()
            if device[key][i] not in ("", None)
        }
        for i in range(count)
    ]
