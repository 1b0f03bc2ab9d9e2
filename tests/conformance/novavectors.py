#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the code of several releases of Nova over files and a made machine, and writes what they
answer as JSON: the files, the machine and the answers of novavectors.json, which
test-nova-releases.py compares with pciprobe's.

    novavectors.py NOVA.git >novavectors.json

NOVA.git is a clone of https://opendev.org/openstack/nova (or its mirror on GitHub) with the
revisions in SOURCES. Requires Debian 12's python3-nova, whose modules are used wherever MODULES does
not name one: those in MODULES come from the clone, unchanged, except that "/sys/" becomes the
directory of the machine. What Nova asks libvirt about the devices is made up from the machine, as
nova.virt.libvirt.host does it; a process for each release keeps their modules apart.
"""
import json
import logging
import os
import subprocess
import sys
import tempfile
import types

from tree import Tree, link

# The last version of each release on 2026-08-21; 2026.2 as it was developed that day.
SOURCES = {
    "2022.1": "25.3.0",
    "2022.2": "26.3.0",
    "2023.1": "27.5.1",
    "2023.2": "28.3.1",
    "2024.1": "29.4.0",
    "2024.2": "30.3.0",
    "2025.1": "31.3.1",
    "2025.2": "32.2.1",
    "2026.1": "33.0.2",
    "2026.2": "00a030403f672b975364c855b7d25b40ef83e757",
}

MODULES = (
    "nova.exception",
    "nova.conf.pci",
    "nova.pci.utils",
    "nova.pci.request",
    "nova.pci.devspec",
    "nova.pci.whitelist",
    "nova.pci.stats",
    "nova.compute.pci_placement_translator",
)


# ---- the machine ----


def vpd(serial, checksum=0):
    """Returns vital product data. CHECKSUM is added to the right one."""
    fields = b"PN\x03abc"
    if serial is not None:
        fields += b"SN" + bytes([len(serial)]) + serial.encode()
    start = b"\x82\x04\x00card\x90"
    fields += b"RV\x02"
    start += (len(fields) + 2).to_bytes(2, "little") + fields
    return start + bytes([(checksum - sum(start)) & 0xFF, 0]) + b"\x78"


# address, vendor, device, attributes: pf of a VF; vfs and vf_device of a PF; interface; vpd
DEVICES = (
    ("0000:03:00.0", "8086", "10d3", {"interface": "eth1", "vpd": vpd(None)}),
    # a PF with a serial number; one of its VFs has VPD of its own
    (
        "0000:81:00.0",
        "15b3",
        "101d",
        {"vfs": 8, "vf_device": "101e", "interface": "pf0", "vpd": vpd("MT2042X1")},
    ),
    ("0000:81:00.2", "15b3", "101e", {"pf": "0000:81:00.0", "vpd": vpd(None)}),
    ("0000:81:00.3", "15b3", "101e", {"pf": "0000:81:00.0", "vpd": vpd("VF3"), "interface": "vf3"}),
    # a PF without
    (
        "0000:82:00.0",
        "8086",
        "1521",
        {"vfs": 7, "vf_device": "1520", "interface": "pf1", "vpd": vpd(None)},
    ),
    ("0000:82:10.0", "8086", "1520", {"pf": "0000:82:00.0", "vpd": vpd(None)}),
    ("0000:82:10.4", "8086", "1520", {"pf": "0000:82:00.0", "vpd": vpd("")}),
    # VFs with the ids of their PF
    ("0000:83:00.0", "1b36", "0010", {"vfs": 4, "vf_device": "0010", "vpd": vpd("WRONG", 1)}),
    ("0000:83:00.1", "1b36", "0010", {"pf": "0000:83:00.0", "vpd": b"not VPD"}),
    ("0000:c1:00.0", "10de", "25b6", {"vpd": vpd("GPU7")}),
    ("0000:c2:00.0", "10de", "25b6", {"vpd": vpd(" ")}),
    ("10000:e1:00.0", "8086", "0a54", {}),
)
SERIALS = {"0000:81:00.0": "MT2042X1", "0000:81:00.3": "VF3", "0000:c1:00.0": "GPU7"}


def make_machine(root):
    tree = Tree(root)
    indexes = {}
    for address, vendor, device, more in DEVICES:
        files = {}
        if "vfs" in more:
            files = {"sriov_totalvfs": str(more["vfs"]), "sriov_vf_device": more["vf_device"]}
        if "vpd" in more:
            files["vpd"] = more["vpd"]
        ids = (int(vendor, 16), int(device, 16))
        if "pf" in more:
            index = indexes[more["pf"]] = indexes.get(more["pf"], -1) + 1
            tree.virtual_function(more["pf"], index, address, *ids, files=files)
        else:
            tree.device(address, *ids, files=files)
        if "interface" in more:
            tree.interface(address, more["interface"])
            directory = os.path.join(tree.directory(address), "net", more["interface"])
            os.symlink("../../../" + address, os.path.join(directory, "device"))
            link(tree.path("sys/class/net", more["interface"]), directory)
    return tree.machine


def device_type(more):
    return "type-VF" if "pf" in more else "type-PF" if "vfs" in more else "type-PCI"


def libvirt_devices():
    """Returns the devices like nova.virt.libvirt.host, by address."""
    devices = {}
    for address, vendor, device, more in DEVICES:
        found = {
            "address": address,
            "vendor_id": vendor,
            "product_id": device,
            "dev_type": device_type(more),
            "numa_node": None,
        }
        if "pf" in more:
            found["parent_addr"] = more["pf"]
        serial = SERIALS.get(address) or SERIALS.get(more.get("pf"))
        if serial:
            found["capabilities"] = {"vpd": {"card_serial_number": serial}}
        devices[address] = found
    return devices


# ---- the files ----

PLACEMENT = "report_in_placement = true\n"
IN_PLACEMENT = PLACEMENT + "[filter_scheduler]\npci_in_placement = yes\n[pci]\n"
VFS = '"vendor_id":"15b3","product_id":"101e"'
GPU = '"vendor_id":"10de","product_id":"25b6"'

SPECS = (
    # ids and addresses
    "{}",
    '{"vendor_id":"8086"}',
    '{"vendor_id":" 0x8086 ","product_id":"15_20"}',
    '{"vendor_id":8086}',
    '{"product_id":"g000"}',
    '{"product_id":"10000"}',
    '{"address":"0000:82:00.0"}',
    '{"address":"*:82:00.0"}',
    '{"address":"0000:83:00.0"}',
    '{"address":":82:.*"}',
    '{"address":"82:20.0"}',
    '{"address":{"domain":".*","bus":"8[12]","slot":"00","function":"[2-7]"}}',
    '{"address":{"domain":"0000","bus":"82","slot":"00","function":"0"}}',
    '{"address":{"domain":"0000","bus":"82","slot":"00","function":"[0]"}}',
    '{"address":{"bus":"("}}',
    '{"address":7}',
    '{"address":"0000:82:00.0","devname":"pf1"}',
    '{"devname":"pf1"}',
    '{"devname":"eth1","physical_network":"physnet1"}',
    '{"devname":"nobody0"}',
    '[{"vendor_id":"10de"},{"vendor_id":"15b3"}]',
    '[{"vendor_id":"10de"},7]',
    "7",
    # booleans
    '{%s,"managed":"no"}' % GPU,
    '{%s,"managed":" Yes "}' % GPU,
    '{%s,"managed":true}' % GPU,
    '{%s,"managed":0}' % GPU,
    '{%s,"managed":"T","live_migratable":"N"}' % GPU,
    '{%s,"managed":null}' % GPU,
    '{%s,"managed":""}' % GPU,
    '{%s,"managed":"maybe"}' % GPU,
    '{%s,"managed":2}' % GPU,
    '{%s,"managed":1.0}' % GPU,
    '{%s,"managed":["no"]}' % GPU,
    '{%s,"live_migratable":"ON"}' % GPU,
    '{%s,"live_migratable":"enabled"}' % GPU,
    '{%s,"live_migratable":{}}' % GPU,
    '{%s,"one_time_use":"no"}' % GPU,
    '{%s,"one_time_use":"yes"}' % GPU,
    '{%s,"one_time_use":"once"}' % GPU,
    # remote_managed
    '{%s,"remote_managed":"true"}' % VFS,
    '{%s,"remote_managed":"TRUE "}' % VFS,
    '{%s,"remote_managed":true,"physical_network":null}' % VFS,
    '{%s,"remote_managed":"perhaps"}' % VFS,
    '{"vendor_id":"8086","product_id":"1520","remote_managed":"true"}',
    '{"vendor_id":"8086","remote_managed":"yes"}',
    '{%s,"remote_managed":"1"}' % GPU,
    '{"address":"*:81:*.*","remote_managed":"true"}',
    '{"vendor_id":"15b3","product_id":"101d","address":"0000:81:00.0","remote_managed":"true"}',
    '{%s,"address":"0000:81:00.0","remote_managed":"true"}' % VFS,
    '{"address":"0000:81:00.0","remote_managed":"false"}',
    '{"address":"0000:81:00.2","remote_managed":"true"}',
    '{"address":"0000:82:10.4","remote_managed":"true"}',
    '{"address":{"domain":"0000","bus":"81","slot":"00","function":"0"},"remote_managed":"true"}',
    '{"address":{"domain":"0000","bus":"81","slot":"00","function":"[0]"},"remote_managed":"true"}',
    '{"devname":"pf0","product_id":"101e","vendor_id":"15b3","remote_managed":"true"}',
    '{"devname":"pf0","remote_managed":"true"}',
    '{"devname":"vf3","remote_managed":"true"}',
    '{"devname":"eth1","remote_managed":"true"}',
    '{"devname":"nobody0","remote_managed":"true"}',
    # other types than strings, and edges
    '{"devname":5}',
    '{"devname":5,"remote_managed":"yes"}',
    '{"devname":["eth1"]}',
    '{"devname":false,"vendor_id":"10de"}',
    '{"address":{},"vendor_id":"10de"}',
    '{"address":{"bus":5}}',
    '{"address":{"bus":null}}',
    '{"address":{"other":"x","bus":"c1"}}',
    '{"address":[]}',
    '{"address":["c1:00.0"]}',
    '{"address":"*"}',
    '{"address":"."}',
    '{"address":" c1 : 00 . 0 "}',
    '{"address":"0000:c1:00.0."}',
    '{"address":"0x0:c1:0.+0"}',
    '{"address":"0:81:0.0"}',
    '{"vendor_id":null}',
    '{"vendor_id":""}',
    '{"vendor_id":" * "}',
    '{"product_id":" * "}',
    '{"product_id":null}',
    '{"product_id":25}',
    '{"vendor_id":"10DE"}',
    '{"vendor_id":"10de","vendor_id":"15b3"}',
    '{"vendor_id":"10de","managed":-0}',
    '{"vendor_id":"10de","managed":"\\u0130"}',
    '{"vendor_id":"10de","managed":"yes\\u0000"}',
    "[]",
    "[[]]",
    '"text"',
    "null",
    "{",
    "",
    # tags that Nova ignores here
    '{%s,"trusted":"true","dev_class":"x","resource_class":"GPU","traits":"a,b"}' % GPU,
)

PLACEMENT_SPECS = (
    '{%s,"one_time_use":"yes"}' % GPU,
    '{%s,"one_time_use":false}' % GPU,
    '{%s,"one_time_use":null}' % GPU,
    '{%s,"one_time_use":"never"}' % GPU,
    '{%s,"one_time_use":"yes"}' % VFS,
    '{%s,"one_time_use":"no"}' % VFS,
    '{%s,"one_time_use":null}' % VFS,
    '{%s,"one_time_use":"yes","physical_network":"physnet1"}' % VFS,
    '{"vendor_id":"15b3","product_id":"101d","one_time_use":"yes"}',
    '{"devname":"eth1"}',
    '{"devname":"eth1","physical_network":"physnet1"}',
    '{"devname":"","vendor_id":"10de"}',
    '{"address":"*:81:*.*"}',
    '{"address":"0000:82:00.0"}',
    '{"address":"0000:83:00.0","physical_network":"physnet1"}',
    '[{"product_id":"101d","physical_network":"physnet1"},{"product_id":"101e"}]',
    '[{"address":"0000:81:00.2"},{"address":"0000:81:00.3"}]',
    '[{"address":"0000:81:00.2","resource_class":"a-b"},'
    '{"address":"0000:81:00.3","resource_class":"CUSTOM_A_B"}]',
    '[{"address":"0000:81:00.2","resource_class":"a"},'
    '{"address":"0000:81:00.3","resource_class":"b"}]',
    '[{"address":"0000:81:00.2","resource_class":"pgpu"},'
    '{"address":"0000:81:00.3","resource_class":"PGPU"}]',
    '[{"address":"0000:81:00.2","resource_class":"pgpu"},'
    '{"address":"0000:81:00.3","resource_class":"custom_pgpu"}]',
    '[{"address":"0000:81:00.2","resource_class":"a__b"},'
    '{"address":"0000:81:00.3","resource_class":"custom_a__b"}]',
    '[{"address":"0000:81:00.2","resource_class":"a"},'
    '{"address":"0000:81:00.3","resource_class":"b","physical_network":"p"}]',
    '[{"address":"0000:81:00.2","traits":"a,HW_GPU_API_VULKAN"},'
    '{"address":"0000:81:00.3","traits":"HW_GPU_API_VULKAN,custom_A"}]',
    '[{"address":"0000:81:00.2","traits":"hw_gpu_api_vulkan"},'
    '{"address":"0000:81:00.3","traits":"HW_GPU_API_VULKAN"}]',
    '[{"address":"0000:81:00.2","traits":"a, b"},{"address":"0000:81:00.3","traits":"a,b"}]',
    '[{"address":"0000:81:00.2","traits":"a"},{"address":"0000:81:00.3"}]',
    '[{"address":"0000:81:00.2","live_migratable":"yes"},'
    '{"address":"0000:81:00.3","live_migratable":"no"}]',
    '[{"address":"0000:81:00.2","live_migratable":"no"},{"address":"0000:81:00.3"}]',
    '[{"address":"0000:81:00.2","resource_class":"a"},'
    '{"address":"0000:82:10.0","resource_class":"b"}]',
    # the first spec that matches a device is the one that counts
    '[{"product_id":"101e","resource_class":"a"},{"address":"0000:81:00.3","resource_class":"b"}]',
)

ALIASES = (
    '{"name":"a",%s}' % GPU,
    '{"name":" a ",%s,"device_type":"type-PCI","numa_policy":"socket"}' % GPU,
    '{"name":"a",%s}' % VFS,
    '{"name":"a","vendor_id":"1b36","product_id":"0010"}',
    '{"name":"a","vendor_id":"1B36","product_id":"0010","device_type":"type-PF"}',
    '{"name":"a","vendor_id":"1b36","product_id":"0010","device_type":"type-VF"}',
    '{"name":"a","vendor_id":"8086"}',
    '{"name":"a","product_id":"25b6"}',
    '{"name":"a","device_type":"type-VF"}',
    '{"name":"a"}',
    '{"name":""}',
    '{"name":"a",%s,"unknown":"x"}' % GPU,
    '{"name":"a",%s,"device_type":"type-VDPA"}' % GPU,
    '{"name":"a",%s,"numa_policy":"never"}' % GPU,
    '{"name":"a",%s,"capability_type":"pci"}' % GPU,
    '{"name":"a","resource_class":"GPU"}',
    '{"name":"a",%s,"resource_class":"GPU"}' % GPU,
    '{"name":"a",%s,"traits":"x"}' % GPU,
    '{"name":"a","traits":"x"}',
    '{"name":"a",%s,"resource_class":7}' % GPU,
    '{"name":"a",%s,"live_migratable":"yes"}' % GPU,
    '{"name":"a",%s,"live_migratable":"no"}' % GPU,
    '{"name":"a",%s,"live_migratable":"True"}' % GPU,
    '{"name":"a",%s,"live_migratable":true}' % GPU,
    '{"name":"a",%s,"live_migratable":"maybe"}' % GPU,
    '{"name":"a",%s,"managed":"yes"}' % GPU,
    '{"name":"a",%s,"one_time_use":"yes"}' % GPU,
    '{"name":7}',
    '{"name":"a","vendor_id":"10d"}',
    '{"name":"a","vendor_id":"10de","product_id":"*"}',
    '{"name":"a",%s,"capability_type":"usb"}' % GPU,
    '{"name":"a",%s,"device_type":null}' % GPU,
    '{"name":"a",%s,"traits":""}' % GPU,
    '{"name":"  ",%s}' % GPU,
    '[{"name":"a",%s}]' % GPU,
    "7",
    '{"name":"a",%s}\nalias = {"name":"a",%s}' % (GPU, VFS),
    '{"name":"a",%s,"device_type":"type-PCI"}\nalias = {"name":"a",%s,"device_type":"type-VF"}'
    % (GPU, VFS),
    '{"name":"a",%s,"device_type":"type-VF"}\n'
    'alias = {"name":"a","vendor_id":"8086","product_id":"1520","device_type":"type-VF"}' % VFS,
)

ALIAS_SPECS = (
    '{"vendor_id":"*"}',
    '[{"address":"0000:c1:00.0","live_migratable":"yes","resource_class":"gpu","traits":"x,y"},'
    '{"vendor_id":"10de","live_migratable":"f"},{"product_id":"101e","remote_managed":"yes"},'
    '{"product_id":"1520","capability_type":"PCI"}]',
    '[{"vendor_id":"10de","dev_type":"type-VF"},{"vendor_id":"15b3","remote_managed":"1"}]',
    '[{"vendor_id":"10de","capability_type":7,"live_migratable":null},{"product_id":"101e"}]',
)

PLACEMENT_ALIASES = (
    '{"name":"a","resource_class":"gpu"}',
    '{"name":"a","resource_class":"CUSTOM_GPU"}',
    '{"name":"a","resource_class":"gpu","traits":"Y"}',
    '{"name":"a","resource_class":"gpu","traits":"z"}',
    '{"name":"a",%s}' % GPU,
    '{"name":"a",%s,"resource_class":"gpu"}' % GPU,
    '{"name":"a",%s,"traits":"x"}' % GPU,
    '{"name":"a",%s}' % VFS,
    '{"name":"a","resource_class":"","vendor_id":"10de"}',
    '{"name":"a","traits":"x"}',
    '{"name":"a","vendor_id":"10de"}',
    '{"name":"a","resource_class":"gpu","live_migratable":"yes"}',
    '{"name":"a","resource_class":"gpu","live_migratable":"no"}',
    '{"name":"a","traits":"HW_PCI_LIVE_MIGRATABLE","resource_class":"gpu"}',
    '{"name":"a","resource_class":"net","device_type":"type-VF"}',
    '{"name":"a",%s,"traits":" x"}' % GPU,
    '{"name":"a","resource_class":"gpu","traits":"COMPUTE_MANAGED_PCI_DEVICE"}',
    '{"name":"a","resource_class":"gpu","traits":"x,"}',
    '{"name":"a","resource_class":"g_pu"}',
    '{"name":"a",%s,"device_type":"type-PCI"}\n'
    'alias = {"name":"a","resource_class":"gpu","device_type":"type-PCI"}' % GPU,
)
PLACEMENT_ALIAS_SPEC = (
    '[{"address":"0000:c1:00.0","live_migratable":"yes","resource_class":"gpu","traits":"x,y"},'
    '{"vendor_id":"10de"},{"product_id":"101e","physical_network":"p"},'
    '{"product_id":"1520","resource_class":"Net"}]'
)

OTHERS = (
    "[pci]\ndevice_spec = {}\nreport_in_placement = perhaps\n",
    "[pci]\ndevice_spec = {}\n[filter_scheduler]\npci_in_placement = \n",
    '[pci]\npassthrough_whitelist = {"vendor_id":"10de"}\ndevice_spec = {"vendor_id":"15b3"}\n',
    '[DEFAULT]\npci_passthrough_whitelist = {"vendor_id":"10de","managed":"no"}\n',
)


# What "pciprobe -f nova" writes for this pci.conf: test-nova-releases.py compares it, and
# Nova judges it.
PCI_CONF = """:filter: ['15b3:101e', '10de:', '8086:1520']
:alias:
  - {name: vf, filter: '15b3:101e', nova: {physical_network: physnet2, live_migratable: yes}}
  - {name: gpu, short_address: 'c1:00.0', nova: {resource_class: gpu-a, traits: [big, HW_GPU_API_VULKAN], managed: no}}
  - {name: fixed, filter: '8086:1520', nova: {live_migratable: no}}
  - {name: any, filter: '10de:'}
"""
WRITTEN = {
    "2022.1": """\
[pci]
passthrough_whitelist = {"vendor_id":"15b3","product_id":"101e","address":"0000:81:00.*","physical_network":"physnet2"}
passthrough_whitelist = {"vendor_id":"8086","product_id":"1520","address":"0000:82:10.*"}
passthrough_whitelist = {"vendor_id":"10de","product_id":"25b6","address":"0000:*:00.0"}
alias = {"name":"vf","vendor_id":"15b3","product_id":"101e","device_type":"type-VF"}
alias = {"name":"gpu","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI"}
# alias gpu also matches 0000:c2:00.0: Nova's aliases cannot exclude it
alias = {"name":"fixed","vendor_id":"8086","product_id":"1520","device_type":"type-VF"}
alias = {"name":"any","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI"}
# resource_class omitted: not known to Nova 2022.1
# traits omitted: not known to Nova 2022.1
# managed omitted: not known to Nova 2022.1
# live_migratable omitted: not known to Nova 2022.1
""",
    "2022.2": """\
[pci]
device_spec = {"vendor_id":"15b3","product_id":"101e","address":"0000:81:00.*","physical_network":"physnet2"}
device_spec = {"vendor_id":"8086","product_id":"1520","address":"0000:82:10.*"}
device_spec = {"vendor_id":"10de","product_id":"25b6","address":"0000:c2:00.0"}
device_spec = {"vendor_id":"10de","product_id":"25b6","address":"0000:c1:00.0","resource_class":"gpu-a","traits":"big,HW_GPU_API_VULKAN"}
alias = {"name":"vf","vendor_id":"15b3","product_id":"101e","device_type":"type-VF"}
alias = {"name":"gpu","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI"}
# alias gpu also matches 0000:c2:00.0: Nova's aliases cannot exclude it
alias = {"name":"fixed","vendor_id":"8086","product_id":"1520","device_type":"type-VF"}
alias = {"name":"any","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI"}
# resource_class omitted from aliases: not known to Nova 2022.2
# traits omitted from aliases: not known to Nova 2022.2
# managed omitted: not known to Nova 2022.2
# live_migratable omitted: not known to Nova 2022.2
""",
    "2024.2": """\
[pci]
device_spec = {"vendor_id":"15b3","product_id":"101e","address":"0000:81:00.*","physical_network":"physnet2"}
device_spec = {"vendor_id":"8086","product_id":"1520","address":"0000:82:10.*"}
device_spec = {"vendor_id":"10de","product_id":"25b6","address":"0000:c2:00.0"}
device_spec = {"vendor_id":"10de","product_id":"25b6","address":"0000:c1:00.0","resource_class":"gpu-a","traits":"big,HW_GPU_API_VULKAN"}
alias = {"name":"vf","vendor_id":"15b3","product_id":"101e","device_type":"type-VF"}
alias = {"name":"gpu","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI","resource_class":"gpu-a","traits":"big,HW_GPU_API_VULKAN"}
# alias gpu also matches 0000:c2:00.0: only pci_in_placement excludes it
alias = {"name":"fixed","vendor_id":"8086","product_id":"1520","device_type":"type-VF"}
alias = {"name":"any","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI"}
# managed omitted: not known to Nova 2024.2
# live_migratable omitted: not known to Nova 2024.2
""",
    "2026.2": """\
[pci]
device_spec = {"vendor_id":"15b3","product_id":"101e","address":"0000:81:00.*","physical_network":"physnet2","live_migratable":"yes"}
device_spec = {"vendor_id":"8086","product_id":"1520","address":"0000:82:10.*","live_migratable":"no"}
device_spec = {"vendor_id":"10de","product_id":"25b6","address":"0000:c1:00.0","resource_class":"gpu-a","traits":"big,HW_GPU_API_VULKAN","managed":"no"}
device_spec = {"vendor_id":"10de","product_id":"25b6","address":"0000:c2:00.0"}
alias = {"name":"vf","vendor_id":"15b3","product_id":"101e","device_type":"type-VF","live_migratable":"yes"}
alias = {"name":"gpu","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI","resource_class":"gpu-a","traits":"big,HW_GPU_API_VULKAN"}
# alias gpu also matches 0000:c2:00.0: only pci_in_placement excludes it
alias = {"name":"fixed","vendor_id":"8086","product_id":"1520","device_type":"type-VF","live_migratable":"no"}
alias = {"name":"any","vendor_id":"10de","product_id":"25b6","device_type":"type-PCI"}
""",
}


def files():
    for index, spec in enumerate(SPECS):
        yield "[pci]\n%s = %s\n" % (("device_spec", "passthrough_whitelist")[index % 2], spec)
    for spec in PLACEMENT_SPECS:
        yield "[pci]\n%sdevice_spec = %s\n" % (PLACEMENT, spec)
    for spec in ALIAS_SPECS:
        for alias in ALIASES:
            yield "[pci]\ndevice_spec = %s\nalias = %s\n" % (spec, alias)
    for alias in PLACEMENT_ALIASES:
        yield "[pci]\n%sdevice_spec = %s\nalias = %s\n" % (
            IN_PLACEMENT,
            PLACEMENT_ALIAS_SPEC,
            alias,
        )
    yield from OTHERS
    yield from WRITTEN.values()


# ---- Nova ----


class Nova:
    """The modules of one release."""

    def __init__(self, repository, release, root):
        import os_traits
        import nova.conf  # pylint: disable=unused-import

        self.revision = SOURCES[release]
        self.repository = repository
        for name in ("HW_PCI_LIVE_MIGRATABLE", "HW_PCI_ONE_TIME_USE"):
            if not hasattr(os_traits, name):  # Debian 12's are older
                setattr(os_traits, name, name)
        self.modules = {}
        for name in MODULES:
            path = name.replace(".", "/") + ".py"
            if release == "2022.1" and name == MODULES[-1]:
                continue
            text = self.show(path).replace('"/sys/', '"%s/sys/' % root)
            parent, last = name.rsplit(".", 1)
            module = types.ModuleType(name)
            module.__file__ = path
            sys.modules[name] = module
            setattr(sys.modules.get(parent) or __import__(parent, fromlist=["x"]), last, module)
            exec(compile(text, path, "exec"), module.__dict__)
            self.modules[last] = module
        self.has_option = "pci_in_placement" in self.show("nova/conf/scheduler.py")

    def show(self, path):
        return subprocess.run(
            ["git", "-C", self.repository, "show", "%s:%s" % (self.revision, path)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def read_conf(self, path):
        from oslo_config import cfg

        conf = cfg.ConfigOpts()
        self.modules["pci"].register_opts(conf)
        if self.has_option:
            conf.register_opt(cfg.BoolOpt("pci_in_placement", default=False), "filter_scheduler")
        conf(["--config-file", path], project="nova", default_config_files=[path])
        for module in self.modules.values():
            if hasattr(module, "CONF"):
                module.CONF = conf
        return conf

    def verdict(self, path):
        """Returns the devices that each spec and each alias matches."""
        conf = self.read_conf(path)
        if self.has_option:  # read by nova-scheduler, whatever nova-compute does
            conf.filter_scheduler.pci_in_placement
        devices = libvirt_devices()
        request = self.modules["request"]
        option = "device_spec" if "device_spec" in conf.pci else "passthrough_whitelist"
        whitelist = self.modules["whitelist"].Whitelist(conf.pci[option])
        parse = getattr(request, "get_alias_from_config", None)
        aliases = parse.__wrapped__() if parse else request._get_alias_from_config()
        matched = [
            sorted(address for address, device in devices.items() if self.matches(spec, device))
            for spec in whitelist.specs
        ]
        offered = {}
        for address, device in sorted(devices.items()):
            if any(address in found for found in matched):
                offered[address] = types.SimpleNamespace(
                    address=address,
                    vendor_id=device["vendor_id"],
                    product_id=device["product_id"],
                    dev_type=device["dev_type"],
                    numa_node=None,
                    parent_addr=device.get("parent_addr"),
                    card_serial_number=device.get("capabilities", {})
                    .get("vpd", {})
                    .get("card_serial_number"),
                    extra_info={},
                    status="available",
                    instance_uuid=None,
                )
        providers = self.providers(conf, whitelist, offered)
        return {
            "specs": matched,
            "aliases": [
                self.matched_by_alias(conf, whitelist, offered, providers, item)
                for _, items in aliases.values()
                for item in items
            ],
        }

    @staticmethod
    def matches(spec, device):
        if len(device["address"]) > len("0000:00:00.0"):
            return False  # Nova's tracker skips devices in such domains
        return spec.match(device)

    def providers(self, conf, whitelist, offered):
        """Returns the resource provider in Placement of each device."""
        if "report_in_placement" not in conf.pci or not conf.pci.report_in_placement:
            return {}
        translator = self.modules["pci_placement_translator"]
        translator.ensure_no_dev_spec_with_devname(whitelist.specs)
        view = translator.PlacementView("host", [])
        for device in offered.values():
            view.process_dev(device, whitelist.get_devspec(device))
        return {
            device.address: provider for provider in view.rps.values() for device in provider.devs
        }

    def matched_by_alias(self, conf, whitelist, offered, providers, item):
        from nova.objects.instance_pci_requests import InstancePCIRequest

        stats = self.modules["stats"].PciDeviceStats.__new__(self.modules["stats"].PciDeviceStats)
        stats.dev_filter = whitelist
        pools = []
        for address, device in offered.items():
            pool = stats._create_pool_keys_from_dev(device)
            pools.append(dict(pool, count=1, devices=[device], made_for=address))
        wanted = InstancePCIRequest(spec=[item], count=1)
        arguments = [pools, wanted, None]
        if stats._filter_pools.__code__.co_argcount == 5:
            arguments.append([])  # no allocation in Placement: see below
        found = [pool["made_for"] for pool in stats._filter_pools(*arguments) or []]
        if not self.has_option or not conf.filter_scheduler.pci_in_placement:
            return sorted(found)
        translator = self.modules["pci_placement_translator"]
        ids = (item.get("vendor_id"), item.get("product_id"))
        resource_class = translator.get_resource_class(item.get("resource_class"), *ids)
        traits = translator.get_traits(item.get("traits", ""))
        return sorted(
            address
            for address in found
            if address in providers
            and providers[address].resource_class == resource_class
            and traits <= providers[address].traits
        )


def verdicts(repository, release):
    """Returns the verdict of RELEASE on each of the files, or the name of the exception."""
    logging.disable(logging.CRITICAL)
    answers = []
    with tempfile.TemporaryDirectory() as directory:
        root = os.path.join(directory, "machine")
        make_machine(root)
        nova = Nova(repository, release, root)
        path = os.path.join(directory, "nova.conf")
        for text in files():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            try:
                answers.append(nova.verdict(path))
            except Exception as error:  # pylint: disable=broad-except
                if os.environ.get("DEBUG"):
                    print(release, text, repr(error), file=sys.stderr)
                answers.append({"rejected": type(error).__name__})
    return answers


def main():
    repository = sys.argv[1]
    if len(sys.argv) > 2:
        json.dump(verdicts(repository, sys.argv[2]), sys.stdout)
        return
    answers = {}
    for release in SOURCES:
        answers[release] = json.loads(
            subprocess.run(
                [sys.executable, "-B", __file__, repository, release],
                check=True,
                stdout=subprocess.PIPE,
            ).stdout
        )
    vectors = []
    for index, text in enumerate(files()):
        groups = []
        for release in SOURCES:
            verdict = answers[release][index]
            if groups and groups[-1]["verdict"] == verdict:
                groups[-1]["releases"].append(release)
            else:
                groups.append({"releases": [release], "verdict": verdict})
        vectors.append({"conf": text, "verdicts": groups})
    print(
        "[\n" + ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors) + "\n]"
    )


if __name__ == "__main__":
    main()
