#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The output of -f json matches etc/pciprobe.schema.json, in both directions, and is valid JSON
with any names of drivers, interfaces and disks."""
import copy
import json
import os
import re
import sys
import tempfile

from machines import Tap, all_machines, same, unique
from tree import Tree, make_machine

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(0)

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../etc/pciprobe.schema.json")
CHECKER = jsonschema.Draft202012Validator

# arguments, and whether each device must have the required properties
ARGUMENTS = [
    (["-a"], True),
    (["-a", "-d", "fffe:fffe"], True),
    (["-a", "-d", "8086:*", "-d", "10de:*", "-s", ".0", "--name", "e", "--name", "o"], True),
    (["-a", "-o", "address,vendor,device,class,prog_if,driver"], True),
    (["-a", "-o", "CLASS, DEVICE VENDOR,address,NAME progif"], True),
    (["-a", "-o", "+driver"], True),
    (["-a", "-o", "driver"], False),
    (["-a", "-o", "interfaces,macs"], False),
]
ALWAYS = ["address", "vendor", "device", "class", "prog_if"]
CONFIGS = [
    ":filter:\n",
    ":filter: '0:0'\n",
    "",
    "filter: ['8086:*', '::03xx']\nshort_address: ['03:00.0']\ndevice_name: [e]\n",
]

HOSTILE = [
    b'quote"',
    b"back\\slash",
    b"\\",
    b"\x1b]0;title\x07",
    b"\x1b[31mred",
    b"tab\there",
    b"cr\rhere",
    b"\x01\x02\x1f\x7f",
    b"\xff\xfe",
    b"\xc3",
    b"\xc3(",
    b"\xc0\xaf",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    "é \u2028 \u0085 \U0001f600".encode(),
    b'","incomplete":true,"x":"',
    b"\\u0022",
    b"</script>",
    b"%s%n",
]


def load_schema():
    with open(SCHEMA, encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=unique)


def with_required(schema):
    """Adds the properties that are only required without -o, which the schema itself permits."""
    schema = copy.deepcopy(schema)
    schema["$defs"]["device"]["required"] = ALWAYS
    schema["$defs"]["device"]["dependentRequired"] = {
        "subsystem_vendor": ["subsystem_device"],
        "subsystem_device": ["subsystem_vendor"],
    }
    return schema


def schema_errors(schema, document):
    for error in CHECKER(schema).iter_errors(document):
        yield "%s: %s" % ("/".join(str(part) for part in error.absolute_path), error.message[:300])


# ---- the schema itself ----


def objects_in(schema, path=""):
    """Yields each schema with properties, and its path."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield path or "top level", schema
        for key, value in schema.items():
            yield from objects_in(value, "%s/%s" % (path, key))


def check_schema(schema):
    CHECKER.check_schema(schema)
    yield from same(CHECKER.META_SCHEMA["$id"], schema["$schema"], "$schema")
    for path, value in objects_in(schema):
        yield from same(False, value.get("additionalProperties"), path + ": additionalProperties")
        for name, described in value["properties"].items():
            if not described.get("description") and not described.get("$ref", "").startswith(
                "#/$defs/" + name
            ):
                yield "%s: %s has no description" % (path, name)
    for name in set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema))) ^ set(schema["$defs"]):
        yield "$defs/%s is used but undefined, or unused" % name


def check_fields(schema, machine):
    """All fields are described, and all described fields exist."""
    fields = [line.split()[0] for line in machine.pciprobe("-o", "help").splitlines()]
    described = [name for name in schema["$defs"]["device"]["properties"] if name != "incomplete"]
    return same(fields, described, "order of '-o help' and the schema")


# ---- documents ----


def check_document(schema, machine, arguments, whole):
    document = machine.json(*arguments)
    yield from schema_errors(with_required(schema) if whole else schema, document)
    selection, devices = document["selection"], document["devices"]
    yield from same(len(machine.addresses()), selection["total"], "selection.total")
    yield from same(len(devices), selection["selected"], "selection.selected")
    yield from same(
        len([arg for arg in arguments if arg in ("-d", "-s", "--name")]),
        len(selection["rules"]),
        "number of rules",
    )
    yield from same(0, document["incomplete"], "incomplete")


def check_config(schema, machine, folder, text):
    path = os.path.join(folder, "pci.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    document = machine.json("-c", path)
    yield from schema_errors(with_required(schema), document)
    yield from same(path, document["selection"].get("config"), "selection.config")
    yield from same(
        len(document["devices"]), document["selection"]["selected"], "selection.selected"
    )
    for rule in document["selection"]["rules"]:
        if (
            rule["key"].strip(":") not in text
            or rule["text"] not in text
            or not rule["location"].startswith(path + ":")
        ):
            yield "unexpected rule: %r" % rule


def check_machine(tap, schema, machine, folder):
    for arguments, whole in ARGUMENTS:
        tap.check(
            "%s: %s" % (machine.name, " ".join(arguments)),
            check_document,
            schema,
            machine,
            arguments,
            whole,
        )
    for text in CONFIGS:
        tap.check(
            "%s: configured by %a" % (machine.name, text),
            check_config,
            schema,
            machine,
            folder,
            text,
        )


def check_all_fields_seen(schema, made, folder):
    """The made machine has all described properties, so all are checked, except those that need
    libvirt. Aliases need a configuration."""
    path = os.path.join(folder, "alias.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            ":filter:\n:alias: [{name: all, filter: '*:*'}, {name: none, numa_node: 7}]\n"
            ":expect:\n"
            "  - {alias: all, driver: [vfio-pci, none], link_speed: 64, vfs: 3, state: free}\n"
            "  - {alias: none, count: 2}\n"
            "  - {filter: '*:*,!8086:*', count: 1}\n"
            "  - {short_address: 'ff:1f.7'}\n"
            ":expect_complete: true\n"
        )
    document = made.json("-c", path)
    yield from schema_errors(schema, document)
    yield from same(
        [len(document["devices"]), 0],
        [alias["total"] for alias in document["aliases"]],
        "devices of the aliases",
    )
    yield from same(
        {"missing", "degraded", "changed", "unexpected", "unknown"},
        {finding["kind"] for finding in document["findings"]},
        "kinds of findings",
    )
    seen = {name for device in document["devices"] for name in device} | {
        "incomplete",
        "unknown_reason",
        "drift",
        "has_drift",
    }
    for name in schema["$defs"]["device"]["properties"]:
        if name not in seen:
            yield "%s: missing in all devices of the made machine" % name


# ---- invalid documents ----


def change(document, path, value):
    """Returns a copy with VALUE at PATH, or without PATH if VALUE is None."""
    document = copy.deepcopy(document)
    *steps, last = path
    parent = document
    for step in steps:
        parent = parent[step]
    if value is None:
        del parent[last]
    else:
        parent[last] = value[0]
    return document


def check_wrong_documents(tap, schema, machine):
    schema = with_required(schema)
    good = machine.json("-a", "-d", "8086:10d3")
    tap.result("schema accepts a valid document", schema_errors(schema, good))
    device = ("devices", 0)
    wrong = [((name,), None) for name in schema["required"]]
    wrong += [
        (device + (name,), None)
        for name in schema["$defs"]["device"]["required"] + ["subsystem_vendor"]
    ]
    wrong += [(("selection", name), None) for name in ("total", "selected", "rules")]
    wrong += [(("selection", "rules", 0, name), None) for name in ("key", "text", "location")]
    wrong += [
        (path, [value])
        for path, value in [
            (("more",), 1),
            (device + ("more",), "x"),
            (("selection", "more"), 1),
            (("selection", "rules", 0, "more"), 1),
            (("schema",), 2),
            (("schema",), "1"),
            (("host",), ""),
            (("host",), 5),
            (("time",), "yesterday"),
            (("time",), 0),
            (("incomplete",), -1),
            (("devices",), {}),
            (("devices",), None),
            (device, []),
            (("selection", "total"), 1.5),
            (("selection", "rules", 0, "key"), "filter"),
            (device + ("address",), "03:00.0"),
            (device + ("address",), "0000:03:00.8"),
            (device + ("address",), "0000:03:20.0"),
            (device + ("address",), "0000:03:00:0"),
            (device + ("address",), "0000:0A:00.0"),
            (device + ("address",), "00000:03:00.0"),
            (device + ("vendor",), 0x8086),
            (device + ("vendor",), "0x8086"),
            (device + ("vendor",), "808"),
            (device + ("class",), "020000"),
            (device + ("revision",), "012"),
            (device + ("prog_if",), ""),
            (device + ("driver",), ""),
            (device + ("driver",), None),
            (device + ("numa_node",), -1),
            (device + ("iommu_group",), "3"),
            (device + ("sriov",), "PF"),
            (device + ("interfaces",), "eth0"),
            (device + ("interfaces",), []),
            (device + ("macs",), [None]),
            (device + ("link_width",), 255),
            (device + ("link_speed",), "8.0"),
            (device + ("link_speed",), 0),
            (device + ("aer_fatal",), 2**64),
            (device + ("incomplete",), False),
            (device + ("vf_index",), 0.5),
        ]
    ]
    for path, value in wrong:
        what = "%s %s" % (
            "/".join(str(step) for step in path),
            "missing" if value is None else "= %a" % value[0],
        )
        accepted = not list(schema_errors(schema, change(good, path, value)))
        tap.result("schema rejects: " + what, ["the schema accepts it"] if accepted else [])


# ---- hostile names ----


def name_of(raw):
    """Returns a valid file name: without slash, limited length."""
    return raw.replace(b"/", b"|")[:60]


def readable(raw):
    """Returns the expected string in JSON, with any number of U+FFFD for an invalid sequence as
    one."""
    return re.sub("\ufffd+", "\ufffd", raw.decode("utf-8", "replace"))


def collapse(text):
    return re.sub("\ufffd+", "\ufffd", text)


def make_hostile(root):
    tree = Tree(root, "hostile")
    tree.file("proc/sys/kernel/hostname", b'h"\x1b\xff\n')
    for i, raw in enumerate(HOSTILE):
        address = "0000:%02x:00.0" % i
        uevent = b"DRIVER=" + raw + b"\nMODALIAS=" + raw + b"\nEND=1\n"
        files = {
            "label": raw + b".\n",
            "reset_method": b"flr\n",
            "power/runtime_status": raw + b".\n",
        }
        directory = os.fsencode(tree.device(address, 0x8086, 0x10D3, uevent=uevent, files=files))
        os.makedirs(directory + b"/net/" + name_of(raw))
        block = os.fsencode(tree.path("sys/block"))
        os.makedirs(block, exist_ok=True)
        os.symlink(
            b"../devices/pci0000:%02x/0000:%02x:00.0/x" % (i, i), block + b"/" + name_of(raw)
        )
        slot = os.fsencode(tree.path("sys/bus/pci/slots")) + b"/" + name_of(raw)
        os.makedirs(slot)
        with open(slot + b"/address", "wb") as file:
            file.write(b"0000:%02x:00\n" % i)
    return tree


def strings_in(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings_in(key)
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
    elif isinstance(value, str):
        yield value


def check_hostile_text(machine):
    text = machine.pciprobe("-f", "json", "-a")
    for character in sorted(set(re.findall("[\x00-\x09\x0b-\x1f]", text))):
        yield "unescaped control character %r" % character
    for string in strings_in(machine.json("-a")):
        try:
            string.encode()
        except UnicodeEncodeError:
            yield "%r has half a surrogate pair" % string


def check_hostile_values(machine):
    devices = machine.json("-a")["devices"]
    yield from same(len(HOSTILE), len(devices), "number of devices")
    for raw, device in zip(HOSTILE, devices):
        expected = {
            "driver": readable(raw),
            "modalias": readable(raw),
            "label": readable(raw + b"."),
            "runtime_status": readable(raw + b"."),
            "interfaces": [readable(name_of(raw))],
            "blocks": [readable(name_of(raw))],
            "physical_slot": readable(name_of(raw)),
        }
        for name, value in expected.items():
            found = device.get(name)
            found = (
                [collapse(item) for item in found]
                if isinstance(found, list)
                else found and collapse(found)
            )
            yield from same(value, found, "%s %s" % (device["address"], name))


def check_hostile_rules(schema, machine, folder):
    """Strings of rules and the path of the configuration are printed, too."""
    path = os.fsencode(folder) + b'/p"\x1b\xff.conf'
    with open(path, "wb") as file:
        file.write("filter:\ndevice_name: ['\"|.', '\\\\|.', \"\\e|.\", 'é|.']\n".encode())
    document = machine.json(
        "-c", os.fsdecode(path), "--name", '"|.', "--name", "\x1b|.", "--name", "\\\\|."
    )
    yield from schema_errors(schema, document)
    yield from same(
        ['"|.', "\\\\|.", "\x1b|.", "é|.", '"|.', "\x1b|.", "\\\\|."],
        [rule["text"] for rule in document["selection"]["rules"]],
        "rules",
    )
    yield from same(readable(path), collapse(document["selection"]["config"]), "selection.config")


def check_incomplete(schema, folder):
    """An incomplete device is marked, in the document and in the exit status, too."""
    tree = make_machine(folder, "incomplete")
    tree.file("sys/bus/pci/devices/0000:03:00.0/numa_node", "many")
    done = tree.machine.run_pciprobe("-a", "-f", "json")
    document = json.loads(done.stdout, object_pairs_hook=unique)
    yield from same(3, done.returncode, "exit status")
    yield from same(1, document["incomplete"], "incomplete")
    yield from same(
        ["0000:03:00.0"],
        [device["address"] for device in document["devices"] if device.get("incomplete")],
        "devices",
    )
    yield from schema_errors(schema, document)


def main():
    tap = Tap()
    schema = load_schema()
    tap.check("the schema is valid and complete", check_schema, schema)
    with tempfile.TemporaryDirectory(prefix="pciprobe-schema-") as folder:
        made = make_machine(os.path.join(folder, "made")).machine
        tap.check("the schema describes exactly the fields", check_fields, schema, made)
        tap.check(
            "the made machine has all properties", check_all_fields_seen, schema, made, folder
        )
        for machine in all_machines() + [made]:
            check_machine(tap, schema, machine, folder)
        check_wrong_documents(tap, schema, made)
        hostile = make_hostile(os.path.join(folder, "hostile")).machine
        tap.check(
            "hostile names: output matches the schema",
            check_document,
            schema,
            hostile,
            ["-a"],
            True,
        )
        tap.check("hostile names: output is UTF-8 and JSON", check_hostile_text, hostile)
        tap.check("hostile names: values are unchanged", check_hostile_values, hostile)
        tap.check(
            "hostile rules: output matches the schema", check_hostile_rules, schema, made, folder
        )
        tap.check(
            "incomplete devices are marked",
            check_incomplete,
            schema,
            os.path.join(folder, "incomplete"),
        )
    tap.done()


if __name__ == "__main__":
    main()
