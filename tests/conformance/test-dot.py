#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format dot: Graphviz accepts it and draws the same as in JSON, with any VM names.
docs/topology.svg shows the machine in examples/."""
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree as xml

import metrics
from machines import SOURCES, TIMEOUT, Failed, Machine, Tap, all_machines, same, unpacked_recordings
from tree import HOSTILE_NAMES, make_machine, make_owned

DOT = shutil.which("dot")
SVG = "{http://www.w3.org/2000/svg}"
NAME_CHARACTERS = 40


def run_dot(kind, text):
    done = subprocess.run(
        [DOT, "-T" + kind],
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise Failed("dot: exit status %d: %s" % (done.returncode, done.stderr.decode()))
    return done.stdout.decode()


def pictured(svg, kind):
    """Returns the nodes, edges or clusters of an SVG: {title: lines of text}."""
    found = {}
    for group in xml.fromstring(svg).iter(SVG + "g"):
        if group.get("class") == kind:
            lines = [(text.text or "").replace("\u00a0", " ") for text in group.iter(SVG + "text")]
            found[group.find(SVG + "title").text] = [line.rstrip() for line in lines]
    return found


def shown(name):
    """Returns a name as printed in the SVG."""
    name = metrics.plain(name).replace("\n", "?").replace("\ufffd", "?")
    return name if len(name) <= NAME_CHARACTERS else name[:NAME_CHARACTERS] + "\u2026"


def state(device):
    """Returns the lines about a device's owners."""
    columns = [device.get(key, []) for key in ("owners", "claims", "frontends", "vm_ids")]
    owners = [
        ("held by " if claim == "holds" else "reserved for ")
        + shown(owner or "%s %s" % (frontend, vm))
        for owner, claim, frontend, vm in zip(*columns)
    ]
    if device.get("conflict"):
        return ["conflict", *owners]
    return owners or ([] if device["class"].startswith("06") else [device["ownership"]])


def label(device):
    """Returns the lines of a device except its name, which is on the second line."""
    first = device["address"].removeprefix("0000:")
    if "driver" in device:
        first += " " + shown(device["driver"])
    return [first, *state(device)]


def groups(devices):
    found = {}
    for device in devices:
        if "iommu_group" in device:
            found.setdefault("cluster_group_%d" % device["iommu_group"], []).append(
                device["address"]
            )
    return found


def check_machine(machine):
    """Compares all devices, so bridges are included."""
    text, devices = machine.pciprobe("-a", "-f", "dot"), machine.json("-a")["devices"]
    svg, graph = run_dot("svg", text), json.loads(run_dot("dot_json", text))
    nodes = pictured(svg, "node")
    nodes.pop("host")
    yield from same(
        {device["address"]: [line.rstrip() for line in label(device)] for device in devices},
        {address: lines[:1] + lines[2:] for address, lines in nodes.items()},
        "labels",
    )
    yield from same(
        {"%s--%s" % (device.get("parent", "host"), device["address"]) for device in devices},
        set(pictured(svg, "edge")),
        "edges",
    )
    clusters = {
        item["name"]: sorted(graph["objects"][node]["name"] for node in item["nodes"])
        for item in graph["objects"]
        if item["name"].startswith("cluster")
    }
    yield from same(groups(devices), clusters, "groups")
    yield from same(
        {name: ["group " + name.rsplit("_", 1)[1]] for name in clusters},
        pictured(svg, "cluster"),
        "names of groups",
    )
    yield from same(text, machine.pciprobe("-a", "-f", "dot"), "output of a second run")


def check_hostile_names(machine):
    nodes = pictured(run_dot("svg", machine.pciprobe("-a", "-f", "dot")), "node")
    for i, (_, readable) in enumerate(HOSTILE_NAMES):
        yield from same(
            ("held by " + shown(readable)).rstrip(), nodes["0000:01:%02x.0" % i][2], "name %d" % i
        )


def check_filtered(machine):
    """Bridges above a selected device are drawn, other devices are not."""
    text = machine.pciprobe("-a", "-s", "0000:03:00.0", "-f", "dot")
    path = ["host", "0000:00:01.0", "0000:01:00.0", "0000:02:08.0", "0000:03:00.0"]
    svg = run_dot("svg", text)
    yield from same(sorted(path), sorted(pictured(svg, "node")), "nodes")
    yield from same(
        {"--".join(step) for step in zip(path, path[1:])}, set(pictured(svg, "edge")), "edges"
    )
    yield from same(3, text.count("style=dashed"), "dashed nodes")


def check_picture(machine):
    """The README's picture shows the machine in examples/; Graphviz's version does not matter."""
    with open(os.path.join(SOURCES, "docs/topology.svg"), encoding="utf-8") as file:
        picture = file.read()
    svg = run_dot("svg", machine.pciprobe("-a", "-f", "dot"))
    for kind in ("node", "edge", "cluster"):
        yield from same(pictured(svg, kind), pictured(picture, kind), kind)


def unpack_example(folder):
    with tarfile.open(os.path.join(SOURCES, "examples/host.tar.xz")) as tar:
        # Newer tarfile versions can refuse to unpack outside of the directory.
        tar.extractall(folder, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
    return Machine("example", os.path.join(folder, "host"))


def main():
    tap = Tap(needs_lspci=False)
    tap.needs(dot=DOT)
    with tempfile.TemporaryDirectory(prefix="pciprobe-dot-") as folder:
        made = make_machine(os.path.join(folder, "made")).machine
        owned = make_owned(os.path.join(folder, "owned")).machine
        for machine in all_machines() + list(unpacked_recordings(folder)) + [made, owned]:
            tap.check(
                machine.name + ": devices, owners, tree and groups match JSON",
                check_machine,
                machine,
            )
        tap.check("hostile names are escaped", check_hostile_names, owned)
        tap.check("bridges above a selected device are drawn", check_filtered, made)
        tap.check("docs/topology.svg is current", check_picture, unpack_example(folder))
    tap.done()


if __name__ == "__main__":
    main()
