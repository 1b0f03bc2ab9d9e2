#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format prometheus: promtool accepts it, node_exporter serves it, and values match JSON. The
format openmetrics: OpenMetrics' own parser finds the same samples."""
import importlib.util
import os
import re
import subprocess
import tempfile

import metrics
import servers
from machines import Machine, Tap, all_machines, same, unpacked_recordings
from tree import HOSTILE_NAMES, make_machine, make_owned

PROMTOOL = servers.find("promtool")
HOST_NAMES = {
    "incomplete": "pciprobe_host_incomplete",
    "uninspected_processes": "pciprobe_host_uninspected_processes",
}


def parse(text):
    """Parses with Prometheus's Python client, which rejects invalid input: [(family, type,
    [(name, labels, value)])]"""
    from prometheus_client.parser import text_string_to_metric_families

    return [
        (
            family.name,
            family.type,
            [(sample.name, sample.labels, sample.value) for sample in family.samples],
        )
        for family in text_string_to_metric_families(text)
    ]


def samples_of(text):
    return [sample for _, _, samples in parse(text) for sample in samples]


def by_address(samples, name):
    """Returns {address: [(other labels, value)]}."""
    found = {}
    for sample, labels, value in samples:
        if sample == name:
            labels = dict(labels)
            found.setdefault(labels.pop("address"), []).append((labels, value))
    return found


def check_promtool(text):
    done = subprocess.run(
        [PROMTOOL, "check", "metrics"],
        input=text.encode("utf-8", "surrogateescape"),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    yield from same((0, b""), (done.returncode, done.stdout), "promtool check metrics")


def check_form(text):
    heads = re.findall(r"^# (HELP|TYPE) (\S+)", text, re.MULTILINE)
    if len(set(heads)) != len(heads):
        yield "duplicate HELP or TYPE"
    yield from same(
        {name for kind, name in heads if kind == "HELP"},
        {name for kind, name in heads if kind == "TYPE"},
        "families with HELP and TYPE",
    )
    families = parse(text)
    yield from same(
        len({family for family, _, _ in families}),
        len(families),
        "number of contiguous families",
    )
    for family, kind, samples in families:
        for name, labels, _ in samples:
            yield from same(
                "counter" if name.endswith("_total") else "gauge", kind, "type of " + name
            )
            if not name.startswith("pciprobe_"):
                yield "%s of %s lacks the prefix pciprobe_" % (name, family)
            if "" in labels.values():
                yield "%s has an empty label: %s" % (name, labels)
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text):
        yield "unescaped control character"
    for line in text.splitlines():
        if not line.startswith("#") and not re.fullmatch(r"pciprobe_\w+(\{.*\})? [0-9.e+-]+", line):
            yield "timestamp or invalid number: " + line


def check_devices(text, devices):
    samples = samples_of(text)
    measured = {
        device["address"]: metrics.known(metrics.measured(device, metrics.PROMETHEUS, devices))
        for device in devices
    }
    for name in {names[metrics.PROMETHEUS] for names in metrics.DEVICE.values()}:
        expected = {
            address: [({}, values[name])] for address, values in measured.items() if name in values
        }
        yield from same(expected, by_address(samples, name), name)
    for key, name in metrics.TRAFFIC.items():
        expected = {
            device["address"]: [(metrics.holder(device), float(device[key]))]
            for device in devices
            if key in device
        }
        yield from same(expected, by_address(samples, name), name)
    info = by_address(samples, "pciprobe_device_info")
    state = by_address(samples, "pciprobe_device_ownership_info")
    owners = by_address(samples, "pciprobe_device_owner_info")
    yield from same({device["address"] for device in devices}, set(info), "devices")
    for device in devices:
        address = device["address"]
        yield from same([(metrics.labels(device), 1)], info.get(address), address)
        yield from same(
            [({"ownership": device["ownership"]}, 1)], state.get(address), "state of " + address
        )
        yield from same(
            [(owner, 1) for owner in metrics.owners(device)],
            owners.get(address, []),
            "owners of " + address,
        )


def check_pools(text, document):
    samples = {
        (name, tuple(labels.values())): value
        for name, labels, value in samples_of(text)
        if name.startswith(("pciprobe_alias_", "pciprobe_model_"))
    }
    expected = {}
    for kind, pools in (("alias", metrics.aliases(document)), ("model", metrics.models(document))):
        for labels, numbers in pools.items():
            labels = labels if isinstance(labels, tuple) else (labels,)
            expected.update(
                {
                    ("pciprobe_%s_%s" % (kind, name.replace("total", "capacity")), labels): value
                    for name, value in numbers.items()
                }
            )
    yield from same(expected, samples, "pools")
    expected = sorted(
        (device["address"], alias)
        for device in document["devices"]
        for alias in device.get("aliases", [])
    )
    found = sorted(
        (labels["address"], labels["alias"])
        for name, labels, value in samples_of(text)
        if name == "pciprobe_device_alias_info" and value == 1
    )
    yield from same(expected, found, "aliases of devices")


def check_host(text, document):
    samples = {name: value for name, labels, value in samples_of(text) if not labels}
    expected = {
        "pciprobe_host_" + name: value for name, value in metrics.host(document["devices"]).items()
    }
    expected.update({name: document[key] for key, name in HOST_NAMES.items()})
    yield from same(expected, {name: samples.get(name) for name in expected}, "the host's totals")
    yield from same(
        [({"version": document["version"]}, 1)],
        [
            (labels, value)
            for name, labels, value in samples_of(text)
            if name == "pciprobe_build_info"
        ],
        "version",
    )
    if not 0 < samples.get("pciprobe_host_probe_duration_seconds", 0) < 60:
        yield "duration %s s" % samples.get("pciprobe_host_probe_duration_seconds")


def openmetrics(machine):
    return machine.pciprobe(*machine.rules(), "-f", "openmetrics")


def check_openmetrics(text, openmetrics_text):
    """OpenMetrics' reference parser, which rejects invalid text, finds the same samples."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(openmetrics_text))
    except ValueError as error:
        yield "OpenMetrics' parser rejects it: %s" % error
        return
    found = [
        (sample.name, sample.labels, sample.value)
        for family in families
        for sample in family.samples
    ]
    duration = "pciprobe_host_probe_duration_seconds"
    yield from same(
        [sample for sample in samples_of(text) if sample[0] != duration],
        [sample for sample in found if sample[0] != duration],
        "samples",
    )
    for family in families:
        wanted = "counter" if family.samples[0].name.endswith("_total") else "gauge"
        wanted = "info" if family.samples[0].name.endswith("_info") else wanted
        yield from same(wanted, family.type, "type of " + family.name)
        unit = family.name.rsplit("_", 1)[1]
        wanted = unit if unit in ("bytes", "seconds") else ""
        yield from same(wanted, family.unit, "unit of " + family.name)


def read(machine):
    return machine.pciprobe(*machine.rules(), "-f", "prometheus"), machine.json(*machine.rules())


def check_machine(tap, machine):
    text, document = read(machine)
    tap.check(machine.name + ": promtool accepts it", check_promtool, text)
    tap.check(machine.name + ": names and types are valid", check_form, text)
    tap.check(
        machine.name + ": OpenMetrics has the same samples",
        check_openmetrics,
        text,
        openmetrics(machine),
    )
    tap.check(machine.name + ": devices match JSON", check_devices, text, document["devices"])
    tap.check(machine.name + ": host matches JSON", check_host, text, document)
    tap.check(machine.name + ": pools match JSON", check_pools, text, document)


def comparable(samples):
    """Ignores empty labels, which node_exporter adds to equalize labels within a family."""
    return {
        (name, tuple(sorted((label, text) for label, text in labels.items() if text)), value)
        for name, labels, value in samples
    }


def check_node_exporter(texts, folder):
    """Served series match the file; after any error node_exporter would skip the whole file."""
    with servers.NodeExporter(folder) as exporter:
        for name, text in texts:
            exporter.put("pciprobe.prom", text)
            served = samples_of(exporter.metrics())
            errors = [
                value for sample, _, value in served if sample == "node_textfile_scrape_error"
            ]
            yield from same([0], errors, name + ": node_textfile_scrape_error")
            own = comparable(sample for sample in served if sample[0].startswith("pciprobe_"))
            written = comparable(samples_of(text))
            for sample in written ^ own:
                yield "%s: %s: %s" % (
                    name,
                    "only served" if sample in own else "only in the file",
                    sample,
                )
            yield from same(len(samples_of(text)), len(own), name + ": number of series")


def check_hostile_names(text):
    owners = by_address(samples_of(text), "pciprobe_device_owner_info")
    for i, (raw, readable) in enumerate(HOSTILE_NAMES):
        yield from same(
            [readable],
            [labels.get("vm") for labels, _ in owners.get("0000:01:%02x.0" % i, [])],
            repr(raw[:40]),
        )
    yield from same(
        {"one-42", 'i-2-"43"-VM'},
        {labels.get("vm") for labels, _ in owners.get("0000:20:00.0", [])},
        "conflict",
    )


def check_traffic(text):
    """Of a VF that a VM holds, of a free one, and not of those without counters."""
    yield from same(
        {
            "0000:23:00.1": [({"vm": "one-77", "vm_id": "77"}, 2.0**53)],
            "0000:23:00.2": [({}, 0)],
        },
        by_address(samples_of(text), "pciprobe_vf_rx_bytes_total"),
        "received bytes",
    )
    yield from same(
        {"0000:23:00.1": [({}, 0)], "0000:23:00.2": [({}, 1)], "0000:23:00.3": [({}, 0)]},
        by_address(samples_of(text), "pciprobe_device_vf_leftover"),
        "leftovers",
    )


def check_alike_owners(machine):
    """Two owners become one series if -o omits the labels that distinguish them."""
    text = machine.pciprobe("-a", "-s", "20:00.0", "-f", "prometheus", "-o", "programs")
    yield from check_promtool(text)
    yield from same(
        {"0000:20:00.0": [({"program": "qemu-system-x86_64"}, 1)]},
        by_address(samples_of(text), "pciprobe_device_owner_info"),
        "owners",
    )


def check_no_devices(folder):
    os.makedirs(os.path.join(folder, "sys/bus/pci/devices"))
    text, document = read(Machine("empty", folder))
    yield from same([], document["devices"], "devices")
    yield from check_promtool(text)
    yield from check_form(text)
    yield from check_openmetrics(text, openmetrics(Machine("empty", folder)))
    yield from check_host(text, document)


def main():
    tap = Tap()
    tap.needs(
        prometheus=PROMTOOL,
        prometheus_node_exporter=servers.find("prometheus-node-exporter"),
        python3_prometheus_client=importlib.util.find_spec("prometheus_client"),
    )
    with tempfile.TemporaryDirectory(prefix="pciprobe-prometheus-") as folder:
        made = make_machine(os.path.join(folder, "made")).machine
        owned = make_owned(os.path.join(folder, "owned")).machine
        machines = all_machines() + list(unpacked_recordings(folder)) + [made, owned]
        for machine in machines:
            check_machine(tap, machine)
        hostile = read(owned)[0]
        tap.check("hostile names are read unchanged", check_hostile_names, hostile)
        tap.check("traffic has the name of the VM", check_traffic, hostile)
        tap.check("owners with the same labels are one series", check_alike_owners, owned)
        tap.check("no devices: output is valid", check_no_devices, os.path.join(folder, "empty"))
        tap.check(
            "node_exporter serves all series",
            check_node_exporter,
            [(machine.name, read(machine)[0]) for machine in machines],
            os.path.join(folder, "node"),
        )
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
