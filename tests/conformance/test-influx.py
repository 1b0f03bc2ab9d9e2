#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format influx: a real InfluxDB accepts each line, and stores the same values as in JSON."""
import os
import subprocess
import tempfile
import time

import metrics
import servers
from machines import PCIPROBE, Tap, all_machines, same, unpacked_recordings
from tree import HOSTILE_NAMES, make_machine, make_owned

LAST_NUMBER = 2**63 - 1
# Labels that are tags, i.e. indexed; tags cannot contain some backslashes, and no newlines.
TAGS = {"vendor", "device", "class", "driver", "sriov", "pf", "parent", "physical_slot", "label"}


def tag(text):
    return text.replace("\\", "/").replace("\n", "?")


def field(text):
    return text.replace("\n", "?")


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


def expected_device(device, devices):
    labels = metrics.labels(device)
    row = {name: tag(text) if name in TAGS else field(text) for name, text in labels.items()}
    numbers = metrics.known(metrics.measured(device, metrics.INFLUX, devices))
    row.update({name: min(value, LAST_NUMBER) for name, value in numbers.items()})
    return dict(row, address=device["address"], incomplete=device.get("incomplete", False))


def expected_owner(device, owner):
    return dict(
        {label: tag(text) for label, text in owner.items()}, address=device["address"], holds=1
    )


def has_traffic(device):
    return "vf_rx_bytes" in device


def expected_traffic(device):
    holder = {label: tag(text) for label, text in metrics.holder(device).items()}
    counters = {key: min(device[key], LAST_NUMBER) for key in metrics.TRAFFIC}
    return dict(holder, address=device["address"], **counters)


def sorted_by(name, rows):
    return sorted(rows, key=lambda row: row.get(name, ""))


def check_machine(influx, database, machine):
    text, document = machine.pciprobe(*machine.rules(), "-f", "influx"), machine.json(
        *machine.rules()
    )
    influx.write(database, text)
    rows = influx.rows(database)
    host = {"host": tag(metrics.plain(document["host"]))} if document["host"] else {}
    for measurement, found in rows.items():
        yield from same(
            [host] * len(found),
            [{name: row[name] for name in ("host",) if name in row} for row in found],
            "host of " + measurement,
        )
    devices = sorted_by(
        "address", (without(row, "host", "time") for row in rows.get("pciprobe", []))
    )
    wanted = sorted_by(
        "address", (expected_device(device, document["devices"]) for device in document["devices"])
    )
    yield from same(len(wanted), len(devices), "number of devices")
    for expected, found in zip(wanted, devices):
        yield from same(expected, found, expected["address"])
    traffic = [without(row, "host", "time") for row in rows.get("pciprobe_vf", [])]
    wanted = [expected_traffic(device) for device in document["devices"] if has_traffic(device)]
    yield from same(sorted_by("address", wanted), sorted_by("address", traffic), "traffic")
    owners = [without(row, "host", "time") for row in rows.get("pciprobe_owner", [])]
    wanted = [
        expected_owner(device, owner)
        for device in document["devices"]
        for owner in metrics.owners(device)
    ]
    yield from same(sorted_by("pid", wanted), sorted_by("pid", owners), "owners")
    pools = {
        row.get("alias")
        or tuple(row["model"].split(":")): without(row, "host", "time", "alias", "model")
        for row in rows.get("pciprobe_pool", [])
    }
    yield from same(metrics.aliases(document) | metrics.models(document), pools, "pools")
    hosts = [without(row, "host", "time", "probe") for row in rows["pciprobe_host"]]
    yield from same([metrics.host(document["devices"])], hosts, "the host's totals")


def check_hostile_names(influx, machine):
    influx.write("hostile", machine.pciprobe("-a", "-f", "influx"))
    rows = influx.rows("hostile")
    names = {
        row["address"]: row["vm"]
        for row in rows["pciprobe_owner"]
        if row["address"].startswith("0000:01:")
    }
    yield from same(
        {"0000:01:%02x.0" % i: tag(readable) for i, (_, readable) in enumerate(HOSTILE_NAMES)},
        names,
        "names",
    )
    both = {row["vm"] for row in rows["pciprobe_owner"] if row["address"] == "0000:20:00.0"}
    yield from same({"one-42", 'i-2-"43"-VM'}, both, "conflict")
    yield from same(
        ["pciprobe", "pciprobe_host", "pciprobe_owner", "pciprobe_pool", "pciprobe_vf"],
        sorted(rows),
        "measurements",
    )


def check_time(machine):
    """All lines have the same timestamp, that of the reading."""
    times = {line.rsplit(" ", 1)[1] for line in machine.pciprobe("-a", "-f", "influx").splitlines()}
    now = time.time_ns()
    if len(times) != 1 or not now - 60 * 10**9 < int(*times) <= now:
        yield "%s, now it is %d" % (times, now)


def check_events(influx, machine):
    """The lines of 'pciprobe watch -f telegraf', too: those of one reading stay apart."""
    command = [PCIPROBE, "--sysroot", machine.root, "watch", "-a", "-f", "telegraf"]
    count = len(machine.json("-a")["devices"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        lines = [process.stdout.readline() for _ in range(count + 1)]
        process.terminate()
    influx.write("events", "".join(lines))
    rows = influx.rows("events")["pciprobe_event"]
    yield from same(["present"] * count + ["state"], sorted(row["event"] for row in rows), "events")
    yield from same(list(range(1, count + 2)), sorted(row["sequence"] for row in rows), "sequence")
    devices = {device["address"]: device for device in machine.json("-a")["devices"]}
    for row in rows:
        if row["event"] == "state":
            yield from same(count, row["devices"], "devices")
            continue
        device = devices[row["address"]]
        names = ",".join(device.get("owners", []))
        yield from same(field(metrics.plain(names)), row.get("after_owners", ""), "owners")
        yield from same(device["ownership"], row["after_ownership"], "ownership")
        yield from same(device.get("iommu_group"), row.get("after_iommu_group"), "IOMMU group")


def main():
    tap = Tap()
    tap.needs(influxdb=servers.find("influxd"))
    with tempfile.TemporaryDirectory(prefix="pciprobe-influx-") as folder, servers.Influx(
        os.path.join(folder, "influx")
    ) as influx:
        made = make_machine(os.path.join(folder, "made")).machine
        owned = make_owned(os.path.join(folder, "owned")).machine
        for i, machine in enumerate(
            all_machines() + list(unpacked_recordings(folder)) + [made, owned]
        ):
            tap.check(
                machine.name + ": devices, owners and host match JSON",
                check_machine,
                influx,
                "machine%d" % i,
                machine,
            )
        tap.check("hostile names are stored unchanged", check_hostile_names, influx, owned)
        tap.check("all lines have the time of the reading", check_time, made)
        tap.check("events are stored, each by itself", check_events, influx, owned)
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
