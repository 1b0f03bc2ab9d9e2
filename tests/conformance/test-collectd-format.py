#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format collectd: a real collectd accepts each line, from its socket and from its exec
plugin, and stores the same values as in JSON."""
import glob
import os
import re
import shutil
import tempfile

import machines
import metrics
import servers
from machines import Tap, all_machines, same, unpacked_recordings
from tree import make_machine, make_owned

LAST_NUMBER = float(2**63 - 1)


def stored(folder, host):
    """Returns {plugin instance: {type and instance: last value}} written by collectd's csv
    plugin."""
    values = {}
    for path in glob.glob(
        os.path.join(glob.escape(folder), "csv", glob.escape(host), "pciprobe-*", "*")
    ):
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        if len(lines) < 3:  # heading, at least one value, empty string after the last newline
            continue
        instance = os.path.basename(os.path.dirname(path))[len("pciprobe-") :]
        numbers = tuple(float(number) for number in lines[-2].split(",")[1:])
        values.setdefault(instance, {})[os.path.basename(path)[: -len("-2026-01-01")]] = (
            numbers if len(numbers) > 1 else numbers[0]
        )
    return values


def compare(document, found):
    found.get("summary", {}).pop("duration-probe", None)
    wanted = metrics.collectd(document)
    for values in wanted.values():
        for series, value in values.items():
            if series.startswith("errors-"):
                values[series] = min(value, LAST_NUMBER)
            elif series in metrics.INTERFACE:
                values[series] = tuple(min(number, LAST_NUMBER) for number in value)
    yield from same(set(wanted), set(found), "plugin instances")
    for instance in set(wanted) & set(found):
        yield from same(
            repr(sorted(wanted[instance].items())), repr(sorted(found[instance].items())), instance
        )


def write(machine, host, interval):
    machines.ENVIRONMENT.update(COLLECTD_HOSTNAME=host, COLLECTD_INTERVAL=interval)
    text = machine.pciprobe(*machine.rules(), "-f", "collectd")
    del machines.ENVIRONMENT["COLLECTD_HOSTNAME"], machines.ENVIRONMENT["COLLECTD_INTERVAL"]
    return text


def check_machine(socket, folder, host, machine):
    text, document = write(machine, host, "60"), machine.json(*machine.rules())
    for line in text.splitlines():
        answer = socket.ask(line)
        if not answer[0].startswith("0 "):
            yield "%s: %s" % (line, answer)
    yield from same(
        [],
        [line for line in text.splitlines() if len(line) > 1000],
        "lines longer than the exec plugin reads",
    )
    count = (
        sum(len(values) for values in metrics.collectd(document).values()) + 1
    )  # plus the duration
    try:
        servers.wait_for(
            "all values", lambda: sum(map(len, stored(folder, host).values())) >= count, 20
        )
    except TimeoutError as error:
        yield error
    yield from compare(document, stored(folder, host))
    yield from same(
        sum("%s/" % host in line for line in text.splitlines() if line.startswith("PUTVAL")),
        count,
        "values",
    )


def check_host_names(socket, machine):
    """Host names that could break the identifier or the line."""
    for host in ('a"b', "a/b", "/", "a\\", "a\nPUTVAL b/c/d N:1", "a b", "\x1b", "", "x" * 64):
        text = write(machine, host, "nonsense")
        answers = {socket.ask(line)[0] for line in text.splitlines()}
        yield from same(
            {"0 Success: 1 value has been dispatched.", "0 Success"}, answers, repr(host)
        )
        if "interval" in text:
            yield "an invalid interval is printed"


def check_exec(machine, folder):
    """Values received by the exec plugin, with collectd's host name and interval."""
    os.makedirs(folder)
    program = os.path.join(folder, "pciprobe")  # readable by the user that runs it
    shutil.copy(machines.PCIPROBE, program)
    config = """
LoadPlugin csv
<Plugin csv>
DataDir "%s/csv"
</Plugin>
LoadPlugin exec
<Plugin exec>
Exec "%s" "%s" "-c" "%s/pci.conf" "-f" "collectd" "--sysroot" "%s"
</Plugin>
""" % (
        folder,
        servers.exec_user(),
        program,
        machine.root,
        machine.root,
    )
    document = machine.json(*machine.rules())
    conflicts = [device for device in document["devices"] if device.get("conflict")]
    leftovers = [device for device in document["devices"] if device.get("has_leftovers")]

    def notifications():
        return [line for line in collectd.read_log().splitlines() if "Notification: " in line]

    with servers.Collectd(folder, 'Hostname "exec-host"\n' + config) as collectd:
        # collectd's write threads store the values in any order.
        for what, done in (
            ("all values", lambda: not list(compare(document, stored(folder, "exec-host")))),
            ("the notifications", lambda: len(notifications()) >= len(conflicts + leftovers)),
        ):
            try:
                collectd.wait(what, done)
            except TimeoutError as error:
                yield error
        yield from compare(document, stored(folder, "exec-host"))
    notified = notifications()
    for device in conflicts:
        wanted = [
            "severity = FAILURE",
            "host = exec-host",
            "plugin_instance = " + device["address"],
            "type = pci_device",
            "type_instance = conflict",
            "message = event=conflict address=" + device["address"],
        ]
        wanted += ["vm=" + re.sub("[ \"'\\\\=]", "?", name) for name in device["vm_names"]]
        if not any(all(text in line for text in wanted) for line in notified):
            yield "%s: %s in none of %s" % (device["address"], wanted, notified[:5])
    for device in leftovers:
        wanted = [
            "severity = WARNING",
            "plugin_instance = " + device["address"],
            "type_instance = leftover",
            "message = event=leftover address=" + device["address"],
        ] + ["leftover=" + text.replace(" ", "_") for text in device["leftovers"]]
        if not any(all(text in line for text in wanted) for line in notified):
            yield "%s: %s in none of %s" % (device["address"], wanted, notified[:5])
    yield from same(
        {device["address"] for device in conflicts + leftovers},
        {line.split("plugin_instance = ")[1].split(",")[0] for line in notified},
        "devices with notifications",
    )


def main():
    tap = Tap()
    tap.needs(collectd_core=servers.find("collectd"))
    with tempfile.TemporaryDirectory(prefix="pciprobe-collectd-") as folder:
        os.chmod(folder, 0o755)
        made = make_machine(os.path.join(folder, "made")).machine
        owned = make_owned(os.path.join(folder, "owned")).machine
        config = (
            'LoadPlugin csv\n<Plugin csv>\nDataDir "%s/csv"\nStoreRates false\n</Plugin>\n'
            'LoadPlugin unixsock\n<Plugin unixsock>\nSocketFile "%s/socket"\n</Plugin>\n'
            % (folder, folder)
        )
        with servers.Collectd(folder, config) as collectd:
            collectd.wait("socket", lambda: os.path.exists(os.path.join(folder, "socket")))
            with servers.CollectdSocket(os.path.join(folder, "socket")) as socket:
                for i, machine in enumerate(
                    all_machines() + list(unpacked_recordings(folder)) + [made, owned]
                ):
                    tap.check(
                        machine.name + ": lines are accepted, values are stored",
                        check_machine,
                        socket,
                        folder,
                        "machine%d" % i,
                        machine,
                    )
                tap.check("unusual host names are escaped", check_host_names, socket, owned)
        tap.check(
            "the exec plugin reads the format", check_exec, owned, os.path.join(folder, "exec")
        )
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
