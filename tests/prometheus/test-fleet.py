#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A fleet of generated hosts, monitored by a real Prometheus in two ways: by collectd's plugin on each host, which sends to one
central collectd, and by "pciprobe -f prometheus" with a node_exporter on each host. The queries of the documentation, the rules and
the dashboard must return the expected data, and a real Alertmanager must get the alerts."""
import functools
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time

SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
sys.path.insert(0, os.path.join(SOURCES, "tests/conformance"))
# pylint: disable=wrong-import-position
import collectdnet
import servers
from machines import PCIPROBE, Tap, same
from tree import UUID, Tree

ETC = os.path.join(SOURCES, "etc/prometheus")
QUEUE_LIMIT = 2000  # values
PLUGIN = os.environ.get("PLUGIN") or os.path.join(os.path.dirname(PCIPROBE), ".libs/pciprobe.so")
CONF = """
:filter: ['10de:2204', '8086:1520', '8086:1521']
:alias: [{name: a1, filter: '10de:2204'}, {name: vf, filter: '8086:1520'}]
"""

# The queries of docs/prometheus.md.
TWO_FREE = 'pciprobe_alias_available{alias="a1"} >= 2'
HELD_BY = 'pciprobe_device_owner_info{vm="one-42", claim="holds"}'
CONFLICTS = "pciprobe_device_conflict == 1"
# The same for the series of collectd's write_prometheus, without the rules that rename them.
COLLECTD_TWO_FREE = 'collectd_pciprobe_count{pciprobe="a1", type="available"} >= 2'
COLLECTD_HELD_BY = 'collectd_pciprobe_gauge{pciprobe=~"one-42:.*", type="in_use"} == 1'
COLLECTD_CONFLICTS = 'collectd_pciprobe_gauge{type="conflict"} == 1'


class Host:
    """One of the hosts. HELD are its GPUs in use: {number: the VM's name}."""

    def __init__(self, folder, number, gpus, held):
        self.number = number
        self.tree = Tree(os.path.join(folder, "root%d" % number))
        self.tree.hostname("machine-%d" % number)
        self.tree.file("pci.conf", CONF)
        self.tree.process(1, "/sbin/init")
        link = {
            "max_link_speed": "16.0 GT/s PCIe",
            "max_link_width": "16",
            "aer_dev_correctable": "TOTAL_ERR_COR 7",
            "aer_dev_nonfatal": "TOTAL_ERR_NONFATAL 0",
            "aer_dev_fatal": "TOTAL_ERR_FATAL 0",
        }
        for i in range(gpus):
            port = "0000:00:%02x.0" % (i + 1)
            self.tree.device(port, 0x8086, 0x1901, 0x060400, files=link)
            now = {
                "current_link_speed": "8.0 GT/s PCIe" if i else "16.0 GT/s PCIe",
                "current_link_width": "16",
            }
            self.tree.device(
                self.gpu(i),
                0x10DE,
                0x2204,
                0x030000,
                driver="vfio-pci",
                group=i,
                parent=port,
                files=dict(link, **now),
            )
            self.tree.file("dev/vfio/%d" % i)
        self.tree.device(
            "0000:40:00.0",
            0x8086,
            0x1521,
            driver="igb",
            group=40,
            files={"sriov_totalvfs": "8", "sriov_numvfs": "2"},
        )
        for i in range(2):
            self.tree.virtual_function(
                "0000:40:00.0",
                i,
                "0000:40:10.%d" % i,
                0x8086,
                0x1520,
                driver="vfio-pci",
                group=41 + i,
            )
            self.tree.file("dev/vfio/%d" % (41 + i))
        for i, name in held.items():
            self.start(i, name)

    @staticmethod
    def gpu(number):
        return "0000:%02x:00.0" % (number + 1)

    def start(self, number, name, uuid=None):
        self.tree.vm(1000 + number, name, (self.gpu(number), number), uuid=uuid)
        self.touch(number)

    def stop(self, number):
        self.tree.end_process(1000 + number)
        self.touch(number)

    def report_errors(self):
        self.tree.file(
            os.path.join("sys/bus/pci/devices", self.gpu(0), "aer_dev_correctable"),
            "TOTAL_ERR_COR 9",
        )

    def expect_gpus(self, count):
        self.tree.file("pci.conf", CONF + ":expect: [{filter: '10de:2204', count: %d}]\n" % count)

    def leave_vlan(self):
        """A VM that has ended leaves a VLAN on the second VF."""
        self.tree.interface("0000:40:00.0", "enp64s0")
        self.tree.file(
            "netlink/vf-settings",
            "vf 0000:40:00.0 0 vlan=0\nvf 0000:40:00.0 1 vlan=100\nend 2",
        )

    def touch(self, number):
        """Opens and closes the group's node, which the plugin watches."""
        with open(self.tree.path("dev/vfio", str(number)), "rb"):
            pass


def make_hosts(folder):
    hosts = [
        Host(folder, 1, 4, {0: "one-42"}),
        Host(folder, 2, 2, {1: "one-7"}),
        Host(folder, 3, 2, {}),
    ]
    first = hosts[0].tree  # two VMs claim a device
    first.vm(2000, "one-43", ("0000:40:10.0", 41))
    first.vm_by_node(2001, "one-44", "0000:40:10.0", 0)
    return hosts


# ---- the two ways ----


class Textfiles:
    """A node_exporter per host, with the instance node-N; the last one is in a rack of its own."""

    def __init__(self, folder, hosts):
        self.hosts = hosts
        self.exporters = []
        for host in hosts:
            directory = os.path.join(folder, "node%d" % host.number)
            os.makedirs(directory)
            self.exporters.append(servers.NodeExporter(directory))

    def write(self):
        """Does what the timer does every minute."""
        for host, exporter in zip(self.hosts, self.exporters):
            exporter.put(
                "pciprobe.prom",
                host.tree.machine.pciprobe(*host.tree.machine.rules(), "-f", "prometheus"),
            )

    def targets(self):
        return {
            "node": [
                (
                    "127.0.0.1:%d" % exporter.port,
                    {
                        "instance": "node-%d" % host.number,
                        "host_group": "rack-2" if host is self.hosts[-1] else "rack-1",
                    },
                )
                for host, exporter in zip(self.hosts, self.exporters)
            ]
        }

    def stop_host(self, number):
        self.exporters[number - 1].stop()

    def stop(self):
        for exporter in self.exporters:
            exporter.stop()


class Collectds:
    """A collectd per host, with the instance host-N, and a central one, which also writes to RECEIVER."""

    def __init__(self, folder, hosts, receiver):
        self.central = collectdnet.Central(
            os.path.join(folder, "central"),
            1,
            receiver=receiver,
            replaced={"500000": str(QUEUE_LIMIT)},
        )
        self.daemons = [self.central]
        for host in hosts:
            root = host.tree.root
            self.start(
                os.path.join(folder, "host%d" % host.number),
                "host-%d" % host.number,
                network='Server "%s" "%d"' % self.central.address,
                pciprobe='SysRoot "%s"\nConfigFile "%s/pci.conf"\nPluginInstanceFormat vm'
                % (root, root),
            )

    def start(self, folder, name, **plugins):
        lines = ['Hostname "%s"' % name]
        for plugin, block in plugins.items():
            if plugin == "pciprobe":
                lines.append('PluginDir "%s"' % os.path.dirname(PLUGIN))
            lines.append(collectdnet.plugin(plugin, block))
        self.daemons.append(servers.Collectd(folder, "\n".join(lines)))
        self.daemons[-1].wait(
            "its plugins", lambda: "Initialization complete" in self.daemons[-1].read_log()
        )

    def targets(self):
        return {"collectd": [(self.central.target, {})]}

    def read_log(self):
        return "\n".join(daemon.read_log() for daemon in self.daemons)

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.stop()


# ---- checks ----


def ask(prometheus, query, *labels):
    """Returns the LABELS of each sample."""
    return sorted(
        tuple(sample.get(label) for label in labels) for sample, _ in prometheus.query(query)
    )


def wait_for_samples(prometheus, query, expected, *labels):
    """Waits, because Prometheus scrapes every few seconds."""
    expected = sorted(expected)
    try:
        prometheus.wait(query, lambda: ask(prometheus, query, *labels) == expected, 40)
    except TimeoutError:
        yield from same(expected, ask(prometheus, query, *labels), query)


def both_ways(labels):
    """Expands (host, ...) to (instance, ...) of each way."""
    return [("%s-%d" % (way, host), *more) for way in ("node", "host") for host, *more in labels]


def check_queries(prometheus, free, held):
    yield from wait_for_samples(prometheus, TWO_FREE, both_ways(free), "instance")
    yield from wait_for_samples(prometheus, HELD_BY, both_ways(held), "instance", "address")
    yield from wait_for_samples(
        prometheus, CONFLICTS, both_ways([(1, "0000:40:10.0")]), "instance", "address"
    )


def check_collectd_names(prometheus):
    yield from wait_for_samples(
        prometheus, COLLECTD_TWO_FREE, [("host-1",), ("host-3",)], "instance"
    )
    yield from wait_for_samples(
        prometheus, COLLECTD_HELD_BY, [("host-1", "one-42:0000:01:00.0")], "instance", "pciprobe"
    )
    yield from wait_for_samples(
        prometheus, COLLECTD_CONFLICTS, [("host-1", "0000:40:10.0")], "instance", "pciprobe"
    )


def check_same_both_ways(prometheus):
    """The series renamed by the rules have the same values as the textfile's."""
    yield from wait_for_samples(
        prometheus, "pciprobe_host_devices", both_ways([(1,), (2,), (3,)]), "instance"
    )
    names = {
        sample["__name__"]
        for sample, _ in prometheus.query('{__name__=~"pciprobe_.*", instance=~"host-.*"}')
    }
    compared = 0
    for name in sorted(
        names - {"pciprobe_host_probe_duration_seconds", "pciprobe_device_owner_info"}
    ):
        left, right = (
            'sum without (instance, job, host_group) (label_replace(%s{instance=~"%s-.*"}, "host", "$1", "instance", ".*-(.*)"))'
            % (name, way)
            for way in ("host", "node")
        )
        found = prometheus.query(left)
        compared += len(found)
        yield from same(sorted(found, key=repr), sorted(prometheus.query(right), key=repr), name)
    if len(names) < 20 or compared < 100:
        yield "only %d series of %d names were compared" % (compared, len(names))


def faulty_rules(prometheus):
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    return [
        "%s: %s %s" % (rule["name"], rule["health"], rule.get("lastError"))
        for rule in rules
        if rule["health"] != "ok"
    ]


def check_rules(prometheus):
    try:
        prometheus.wait(
            "the rules",
            lambda: prometheus.ask("rules")["groups"] and not faulty_rules(prometheus),
            20,
        )
    except TimeoutError:
        yield from faulty_rules(prometheus) or ["no rules"]
    yield from wait_for_samples(
        prometheus, 'ALERTS{alertname="PciDeviceConflict"}', both_ways([(1,)]), "instance"
    )


def expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def check_dashboard_form(dashboard):
    """Checks for mistakes that Grafana does not report."""
    cells = []
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    yield from same(
        len(dashboard["panels"]),
        len({panel["id"] for panel in dashboard["panels"]}),
        "panels, and different ids",
    )
    for panel in dashboard["panels"]:
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        cells += [(column, row) for column in range(x, x + width) for row in range(y, y + height)]
        yield from same(
            "${datasource}", panel["datasource"]["uid"], panel["title"] + ": datasource"
        )
    if len(set(cells)) != len(cells) or max(cells)[0] > 23:
        yield "panels overlap or exceed the width"
    for title, query in expressions(dashboard):
        for name in set(re.findall(r"\$(\w+)", query)) - variables - {"__rate_interval"}:
            yield "%s: undefined variable $%s" % (title, name)


def check_dashboard(prometheus, dashboard, way):
    values = {
        "$__rate_interval": "30s",
        "$instance": way + "-.*",
        "$alias": "a1",
        "$devices": "2",
        "$vm": ".*",
    }
    for title, query in expressions(dashboard):
        for name, value in values.items():
            query = query.replace(name, value)
        try:
            prometheus.wait(
                title, lambda: prometheus.query(query), 20
            )  # pylint: disable=cell-var-from-loop
        except (RuntimeError, TimeoutError) as error:
            yield "%s: %s: %s" % (title, query, error)
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(
                r"label_values\((\w+), (\w+)\)", variable["definition"]
            ).groups()
            if not ask(prometheus, "group by (%s) (%s)" % (label, series), label):
                yield "$%s: no values" % variable["name"]


def without_delays(rules, folder):
    """Copies RULES: alerts fire at once."""
    for path in rules:
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"^( +for:) \d+m$", r"\1 0s", file.read(), flags=re.MULTILINE)
        copy = os.path.join(folder, os.path.basename(path))
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)
        yield copy


def check_alert(alertmanager, name, expected, *names):
    """Waits until the active alerts NAME have the EXPECTED labels NAMES."""

    def find():
        return sorted(
            tuple(labels.get(label) for label in names)
            for labels, _ in alertmanager.alerts()
            if labels["alertname"] == name
        )

    try:
        alertmanager.wait(name, lambda: find() == sorted(expected), 150)
    except TimeoutError:
        yield from same(sorted(expected), find(), name)


def check_two_hosts(alertmanager):
    yield from check_alert(alertmanager, "PciVmOnTwoHosts", [(UUID,)], "vm_uuid")
    texts = [
        annotations["description"]
        for labels, annotations in alertmanager.alerts()
        if labels["alertname"] == "PciVmOnTwoHosts"
    ]
    yield from same(
        ["It may run twice and damage its disks. The hosts are: node-1 (one-42) node-3 (one-42)."],
        texts,
        "description",
    )


def check_alerts(tap, alertmanager, hosts, textfiles):
    tap.check(
        "Alertmanager: a conflict",
        check_alert,
        alertmanager,
        "PciDeviceConflict",
        both_ways([(1, "0000:40:10.0")]),
        *("instance", "address")
    )
    hosts[0].start(0, "one-42", UUID)
    hosts[1].start(0, "one-50")
    hosts[2].start(1, "one-42", UUID)
    hosts[2].leave_vlan()
    hosts[1].expect_gpus(4)  # it has two
    hosts[2].expect_gpus(2)
    textfiles.write()
    tap.check("Alertmanager: a VM on two hosts", check_two_hosts, alertmanager)
    tap.check(
        "Alertmanager: an alias exhausted in a host group",
        check_alert,
        alertmanager,
        "PciAliasExhaustedInGroup",
        [("rack-1", "a1")],
        *("host_group", "alias")
    )
    tap.check(
        "Alertmanager: leftover settings of a VF",
        check_alert,
        alertmanager,
        "PciVfLeftover",
        both_ways([(3, "0000:40:10.1")]),
        *("instance", "address")
    )
    tap.check(
        "Alertmanager: missing devices that are expected",
        check_alert,
        alertmanager,
        "PciDeviceMissing",
        both_ways([(2,)]),
        "instance",
    )
    textfiles.stop_host(2)
    tap.check(
        "Alertmanager: a host that does not answer",
        check_alert,
        alertmanager,
        "PciHostLost",
        [("node-2",)],
        "instance",
    )


# ---- an overloaded collector ----


class Copies:
    """Sends what the first host's collectd sends in the name of other hosts."""

    def __init__(self, folder, host, central):
        machine = host.tree.machine
        self.values = collectdnet.values_of(machine.pciprobe(*machine.rules(), "-f", "collectd"))
        self.recording = collectdnet.record(
            os.path.join(folder, "recorded"),
            host.tree.root,
            os.path.dirname(PLUGIN),
            len(self.values),
        )
        self.central = central
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, host):
        self.recording.stamp(time.time(), 1)
        for datagram in self.recording.datagrams(host):
            self.sender.sendto(datagram, self.central.address)

    def send_until(self, what, done):
        def send_and_ask():
            self.send("copy-1")
            return done()

        self.central.wait(what, send_and_ask)


def check_copy(copies):
    """What is measured with copies of a host is what a host would cause."""
    copies.send("copy-2")
    with servers.CollectdSocket(copies.central.socket) as control:
        copies.central.wait(
            "the values of copy-2",
            lambda: sum(" copy-2/" in line for line in control.ask("LISTVAL"))
            == len(copies.values),
        )
        for name, value in copies.values.items():
            if "/gauge-" in name or "/count-" in name:
                found = control.ask('GETVAL "copy-2/%s"' % name)[-1].partition("=")[2]
                yield from same(repr(float(value.replace("U", "nan"))), repr(float(found)), name)


LOSSES = (
    'collectd_protocols_protocol_counter_total{type="RcvbufErrors"}',
    'collectd_collectd_derive_total{type="dropped"} == 0',
)


def check_no_alert(prometheus, alertmanager):
    """Waits until there are values to compare with later, because the alerts are about changes."""
    for series in LOSSES:
        prometheus.wait(series, functools.partial(prometheus.query, series), 120)
    for labels, _ in alertmanager.alerts():
        if labels["alertname"].startswith("PciCollector"):
            yield str(labels)


def check_lost_datagrams(copies, alertmanager):
    """collectd does not run: the kernel drops what no longer fits into the socket's buffer."""
    copies.central.process.send_signal(signal.SIGSTOP)
    try:
        copies.send_until("a loss", copies.central.lost_datagrams)
        yield from check_alert(
            alertmanager, "PciCollectorLost", [(copies.central.target,)], "instance"
        )
    finally:
        copies.central.process.send_signal(signal.SIGCONT)
    yield from check_alert(alertmanager, "PciCollectorDatagramsLost", [("central",)], "instance")


def check_dropped_values(copies, receiver, alertmanager):
    """What write_http posts to does not answer: the write queue reaches its limit."""
    receiver.released.clear()
    try:
        copies.send_until("a full queue", lambda: "Dropping" in copies.central.read_log())
    finally:
        receiver.released.set()
    yield from check_alert(alertmanager, "PciCollectorValuesDropped", [("central",)], "instance")


def check_collector(tap, copies, prometheus, receiver, alertmanager):
    tap.check("a copy of a host's values is like a host", check_copy, copies)
    tap.check(
        "Alertmanager: a collector that is not overloaded",
        check_no_alert,
        prometheus,
        alertmanager,
    )
    tap.check(
        "Alertmanager: a collector that does not answer, and loses datagrams",
        check_lost_datagrams,
        copies,
        alertmanager,
    )
    tap.check(
        "Alertmanager: a collector that drops values",
        check_dropped_values,
        copies,
        receiver,
        alertmanager,
    )


def check_fleet(tap, prometheus, hosts, textfiles):
    tap.check(
        "two free devices of a1, the device of one-42, conflicts",
        check_queries,
        prometheus,
        [(1,), (3,)],
        [(1, "0000:01:00.0")],
    )
    tap.check("the same, by collectd's own names", check_collectd_names, prometheus)
    tap.check("both ways have the same values", check_same_both_ways, prometheus)
    tap.check("rules and alerts", check_rules, prometheus)
    hosts[0].report_errors()
    textfiles.write()
    with open(os.path.join(ETC, "pciprobe-dashboard.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    tap.check("the dashboard's form", check_dashboard_form, dashboard)
    for way in ("node", "host"):
        tap.check("the dashboard has data: " + way, check_dashboard, prometheus, dashboard, way)
    # the VM is migrated, and the free devices get in use
    hosts[0].stop(0)
    for i in (1, 2, 3):
        hosts[0].start(i, "one-10%d" % i)
    hosts[2].start(1, "one-42")
    textfiles.write()
    tap.check("after one-42 has moved", check_queries, prometheus, [], [(3, "0000:02:00.0")])


def main():
    tap = Tap(needs_lspci=False)
    tap.needs(
        collectd_core=servers.find("collectd"),
        prometheus=servers.find("prometheus"),
        prometheus_node_exporter=servers.find("prometheus-node-exporter"),
        prometheus_alertmanager=servers.find("prometheus-alertmanager"),
        pciprobe_so=os.path.exists(PLUGIN),
    )
    with tempfile.TemporaryDirectory(prefix="pciprobe-fleet-") as folder:
        hosts = make_hosts(folder)
        receiver = collectdnet.Receiver()
        textfiles, collectds = Textfiles(folder, hosts), Collectds(folder, hosts, receiver)
        copies = Copies(folder, hosts[0], collectds.central)
        try:
            textfiles.write()
            rules = [
                os.path.join(ETC, name)
                for name in ("pciprobe-collectd.rules.yml", "pciprobe.rules.yml")
            ]
            with receiver, servers.Alertmanager(
                os.path.join(folder, "alertmanager")
            ) as alertmanager, servers.Prometheus(
                os.path.join(folder, "prometheus"),
                dict(textfiles.targets(), **collectds.targets()),
                without_delays(rules, folder),
                alertmanager,
            ) as prometheus:
                check_fleet(tap, prometheus, hosts, textfiles)
                check_alerts(tap, alertmanager, hosts, textfiles)
                check_collector(tap, copies, prometheus, receiver, alertmanager)
            tap.result(
                "the plugin logged nothing",
                [line for line in collectds.read_log().splitlines() if "pciprobe plugin:" in line],
            )
        finally:
            collectds.stop()
            textfiles.stop()
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
