#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format zabbix-lld, the agent's configuration and the template for Zabbix: Debian's
zabbix_agentd runs the keys and serves them, and what the template takes of the JSON is there.

evaluate() knows the forms of Zabbix's JSONPath that the template uses, and History the functions of its
triggers; CONSTANTS are those that its import accepts. After a change of the template run
try-zabbix-server.py.
"""
import json
import os
import re
import socket
import struct
import sys
import tempfile
import uuid

import servers
from machines import PCIPROBE, SOURCES, Failed, Machine, Tap, run, same
from tree import Tree, make_machine, make_owned

try:
    import yaml
except ImportError:
    print("1..0 # SKIP python3-yaml is not installed")
    sys.exit(0)

AGENT = servers.find("zabbix_agentd")
VISUDO = servers.find("visudo")
FOLDER = os.path.join(SOURCES, "etc/zabbix")
MASTER = "pciprobe.json"
DISCOVERY = "pciprobe.lld"
# An agent of Zabbix 6.0 truncates longer values.
VALUE_MAX = 512 << 10
PORT, GPU = "0000:00:01.0", "0000:01:00.0"
MINUTE = 60

CONSTANTS = {
    "type": {"DEPENDENT", "JSONPATH", "MATCHES_REGEX", "BOOL_TO_DECIMAL"}
    | {"DISCARD_UNCHANGED_HEARTBEAT"},
    "value_type": {"CHAR", "TEXT"},
    "error_handler": {"CUSTOM_VALUE", "DISCARD_VALUE"},
    "priority": {"WARNING", "HIGH"},
    "manual_close": {"YES"},
}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def template():
    return yaml.safe_load(read("template_pciprobe.yaml"))["zabbix_export"]["templates"][0]


def user_parameters():
    """Returns {key: command}."""
    return dict(
        re.findall(r"^UserParameter=([\w.]+),(.*)$", read("pciprobe.conf.in"), re.MULTILINE)
    )


def walk(node):
    """Yields all maps in the template."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            yield from walk(child)


def items():
    for node in walk(template()):
        if "key" in node and "uuid" in node and node.get("type") == "DEPENDENT":
            yield node


# ---- the agent ----


def free_port(first=20000 + os.getpid() % 5000):
    """Zabbix accepts ports up to 32767 only."""
    for port in range(first, 32768):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


class Agent(servers.Server):
    """The agent with the installed configuration, as it would run on MACHINE."""

    def __init__(self, folder, machine):
        self.programs = os.path.join(folder, "bin")
        os.makedirs(self.programs)
        self.config = os.path.join(folder, "agent.conf")
        self.port = free_port()
        rules = " ".join("'%s'" % rule for rule in machine.rules())
        self.program(
            "pciprobe", "exec '%s' --sysroot '%s' %s \"$@\"" % (PCIPROBE, machine.root, rules)
        )
        self.permit()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                "LogType=console\nServer=127.0.0.1\nListenIP=127.0.0.1\nListenPort=%d\nAllowRoot=1\n"
                "Hostname=host1\nStartAgents=1\nTimeout=30\nPidFile=%s/pid\nServerActive=\n%s"
                % (self.port, folder, read("pciprobe.conf.in").replace("@bindir@", self.programs))
            )
        self.environment = {"PATH": self.programs + ":" + servers.PATH}
        super().__init__(
            "agent", folder, [AGENT, "-f", "-c", self.config], environment=self.environment
        )

    def program(self, name, script):
        """Creates or replaces a program that the agent runs."""
        path = os.path.join(self.programs, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n%s\n" % script)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def permit(self):
        """sudo permits the agent's commands."""
        self.program("sudo", '[ "$1" = -n ] && shift && exec "$@"')

    def get(self, key):
        """Asks for a key as the server does, or returns None if the agent is not ready:
        https://www.zabbix.com/documentation/6.0/en/manual/appendix/items/activepassive"""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link:
                data = key.encode()
                link.sendall(b"ZBXD\1" + struct.pack("<Q", len(data)) + data)
                answer = b""
                while part := link.recv(1 << 16):
                    answer += part
        except ConnectionError:
            return None
        if answer[:5] != b"ZBXD\1":
            return None
        return answer[13:].decode()

    def test(self, key):
        """Runs 'zabbix_agentd -t KEY'."""
        done = run(["env", "PATH=" + self.environment["PATH"], AGENT, "-c", self.config, "-t", key])
        found = re.fullmatch(r"%s +\[t\|(.*)\]\n" % re.escape(key), done.stdout, re.DOTALL)
        if not found:
            raise Failed("zabbix_agentd -t %s: %r %r" % (key, done.stdout, done.stderr))
        return found.group(1)


def without_time(document):
    return {key: value for key, value in document.items() if key not in ("time",)}


def check_agent(agent, machine):
    """The agent serves what pciprobe prints."""
    columns = re.search(r"-o (\S+)", user_parameters()[MASTER]).group(1)
    expected = without_time(machine.json(*machine.rules(), "-o", columns))
    for how, text in (("-t", agent.test(MASTER)), ("get", agent.get(MASTER))):
        yield from same(expected, without_time(json.loads(text)), "%s %s" % (MASTER, how))
    expected = json.loads(machine.pciprobe(*machine.rules(), "-f", "zabbix-lld"))
    for how, text in (("-t", agent.test(DISCOVERY)), ("get", agent.get(DISCOVERY))):
        yield from same(expected, json.loads(text), "%s %s" % (DISCOVERY, how))
    if not expected:
        yield "no devices"


def check_failure(folder, machine):
    """Without permission, or if pciprobe fails, the value is no JSON: no device is missing."""
    with Agent(folder, machine) as agent:
        agent.program("sudo", "echo password required >&2; exit 1")
        text = agent.wait("the agent", lambda: agent.get(MASTER) or "none")
        accepted = template()["items"][0]["preprocessing"][0]
        yield from same("MATCHES_REGEX", accepted["type"], "first step")
        if re.search(accepted["parameters"][0], text):
            yield "accepted: " + text


def check_sudoers():
    """sudo permits the agent's commands, word by word."""
    text = read("pciprobe.sudoers.in")
    rule = re.search(r"^zabbix ALL=\(root\) NOPASSWD: (.*)$", text, re.MULTILINE).group(1)
    permitted = {re.sub(r"\\(.)", r"\1", command) for command in re.split(r"(?<!\\), ", rule)}
    used = {
        re.fullmatch(r"sudo -n (.*) 2>/dev/null", command).group(1)
        for command in user_parameters().values()
    }
    yield from same(used, permitted, "commands")
    if VISUDO:
        with tempfile.NamedTemporaryFile("w", suffix=".sudoers") as file:
            file.write(text.replace("@bindir@", "/usr/bin"))
            file.flush()
            done = run([VISUDO, "-c", "-f", file.name])
            yield from same(0, done.returncode, "visudo: " + done.stdout + done.stderr)


# ---- low-level discovery ----


def check_discovery(machine):
    """Each device is an object with the same macros, all of them strings."""
    devices = machine.json(*machine.rules())["devices"]
    found = json.loads(machine.pciprobe(*machine.rules(), "-f", "zabbix-lld"))
    yield from same(
        [device["address"] for device in devices],
        [macros["{#ADDRESS}"] for macros in found],
        "devices",
    )
    for device, macros in zip(devices, found):
        for macro, text in macros.items():
            if not re.fullmatch(r"\{#[A-Z0-9_]+\}", macro):
                yield "invalid macro " + macro
            value = device.get(macro[2:-1].lower(), "")
            value = ",".join(value) if isinstance(value, list) else value
            yield from same(value, text, "%s of %s" % (macro, device["address"]))


def check_columns(machine):
    text = machine.pciprobe(*machine.rules(), "-f", "zabbix-lld", "-o", "address,numa_node")
    for macros in json.loads(text):
        yield from same(["{#ADDRESS}", "{#NUMA_NODE}"], list(macros), "macros")
    empty = machine.pciprobe(*machine.rules(), "-f", "zabbix-lld", "-d", "ffff:0001")
    yield from same([], json.loads(empty), "without devices")


# ---- the template ----


def check_structure():
    data = yaml.safe_load(read("template_pciprobe.yaml"))["zabbix_export"]
    yield from same("6.0", data["version"], "version")
    nodes = list(walk(data))
    uuids = [node["uuid"] for node in nodes if "uuid" in node]
    yield from same(len(set(uuids)), len(uuids), "number of UUIDs")
    for text in uuids:
        yield from same((32, 4), (len(text), uuid.UUID(text).version), "UUID " + text)
    for node in nodes:
        for name, known in CONSTANTS.items():
            if name in node and node[name] not in known:
                yield "%s: %s" % (name, node[name])
        if "expression" not in node:
            continue
        keys = re.findall(r"/PCI devices by pciprobe/([\w.]+(?:\[[^]]*\])?)", node["expression"])
        known = {item["key"] for item in items()}
        if not keys or not set(keys) <= known:
            yield "%s: unknown item" % node["expression"]
    macros = set(re.findall(r"\{#\w+\}", read("template_pciprobe.yaml"))) - {"{#ALIAS}"}
    known = json.loads(Machine("host").pciprobe("-a", "-f", "zabbix-lld"))
    yield from same(set(), macros - set(known[0]) if known else set(), "unknown macros")
    yield from same(
        set(user_parameters()),
        {template()["items"][0]["key"], template()["discovery_rules"][0]["key"]},
        "keys of the agent",
    )
    for item in items():
        yield from same({"key": MASTER}, item.get("master_item"), "master of " + item["key"])


def evaluate(path, document):
    """Returns the list of matches, and its reduction by a function at the end."""
    found = re.fullmatch(
        r'\$\.(\w+)(?:\[\?\(@\.(\w+) == "([^"]*)"\)\])?((?:\.\w+)*)(\[\*\])?(\.\w+\(\))?', path
    )
    if not found:
        raise Failed("unknown form of JSONPath: " + path)
    name, key, text, rest, every, function = found.groups()
    nodes = document[name] if key else [document[name]]
    nodes = [node for node in nodes if not key or node.get(key) == text]
    for part in rest.split(".")[1:]:
        nodes = [node[part] for node in nodes if part in node]
    if every:
        nodes = [child for node in nodes for child in node]
    if function == ".length()":
        return len(nodes)
    if not nodes:
        return None
    return nodes if every else nodes[0]


def value_of(item, document, macros):
    """Applies the preprocessing of ITEM to the master item's value; None: discarded."""
    step = item["preprocessing"][0]
    path = step["parameters"][0]
    for macro, text in macros.items():
        path = path.replace(macro, text)
    value = evaluate(path, document)
    if value is None:
        handler = step.get("error_handler")
        if not handler:
            raise Failed("%s: nothing at %s" % (item["key"], path))
        return step["error_handler_params"] if handler == "CUSTOM_VALUE" else None
    return json.dumps(value) if isinstance(value, (bool, list)) else str(value)


def check_values(machine):
    """The items of the template have the values of the JSON, and 'missing' of an absent device."""
    columns = re.search(r"-o (\S+)", user_parameters()[MASTER]).group(1)
    document = machine.json(*machine.rules(), "-o", columns)
    whole = machine.json(*machine.rules())["devices"]
    found = {item["key"]: item for item in items()}

    def value(key, address=None):
        macros = {"{#ADDRESS}": address} if address else {}
        return value_of(found[key + ("[{#ADDRESS}]" if address else "")], document, macros)

    yield from same(str(len(whole)), value("pciprobe.devices"), "devices")
    for key, column, text in (
        ("pciprobe.held", "ownership", "held"),
        ("pciprobe.unknown", "ownership", "unknown"),
        ("pciprobe.available", "available", "yes"),
    ):
        expected = sum(device[column] == text for device in whole)
        yield from same(str(expected), value(key), key)
    for device in whole:
        address = device["address"]
        for key, column, absent in (
            ("state", "ownership", None),
            ("owners", "owners", "[]"),
            ("conflict", "conflict", "false"),
            ("link_degraded", "link_degraded", None),
            ("aer_fatal", "aer_fatal", None),
            ("aer_nonfatal", "aer_nonfatal", None),
        ):
            expected = device.get(column)
            expected = json.dumps(expected) if isinstance(expected, (bool, list)) else expected
            expected = absent if expected is None else str(expected)
            yield from same(
                expected, value("pciprobe.device." + key, address), "%s of %s" % (key, address)
            )
    yield from same("missing", value("pciprobe.device.state", "0000:fe:1f.7"), "absent device")
    for alias in document["aliases"]:
        for key in ("total", "available"):
            item = found["pciprobe.alias.%s[{#ALIAS}]" % key]
            yield from same(
                str(alias[key]),
                value_of(item, document, {"{#ALIAS}": alias["name"]}),
                "%s of alias %s" % (key, alias["name"]),
            )


def check_size(machine):
    """The value for 500 devices, each like the largest one, is not truncated."""
    columns = re.search(r"-o (\S+)", user_parameters()[MASTER]).group(1)
    devices = machine.json(*machine.rules(), "-o", columns)["devices"]
    longest = max(len(json.dumps(device)) for device in devices)
    if longest * 500 > VALUE_MAX:
        yield "%d bytes for each device" % longest


# ---- the triggers ----


class History:
    """The values of a device's items that the server would keep, and its triggers on them:
    https://www.zabbix.com/documentation/6.0/en/manual/appendix/functions/history"""

    def __init__(self, agent, address):
        self.agent = agent
        self.address = address
        self.now = 0
        self.values = {}  # of each key, [(seconds, text)]

    def collect(self, seconds):
        """Asks the agent at this time."""
        self.now = seconds
        document = json.loads(self.agent.get(MASTER))
        for item in items():
            if "{#ADDRESS}" not in item["key"]:
                continue
            value = value_of(item, document, {"{#ADDRESS}": self.address})
            if value is None:
                continue
            if item["preprocessing"][-1]["type"] == "BOOL_TO_DECIMAL":
                value = {"true": "1", "false": "0"}[value]
            self.values.setdefault(item["key"], []).append((seconds, value))

    def period(self, key, text):
        """Returns the values in a period such as 30m, or the last three for #3."""
        values = self.values.get(key, [])
        if not text:
            return [value for _, value in values]
        if text.startswith("#"):
            return [value for _, value in values[-int(text[1:]) :]]
        begin = self.now - int(text.removesuffix("m")) * MINUTE
        return [value for seconds, value in values if seconds > begin]

    def holds(self, condition):
        found = re.fullmatch(
            r'(\w+)\(/PCI devices by pciprobe/([\w.]+\[[^]]*\])(?:,([^,)]*))?(?:,"ne","(\w+)")?\)'
            r'([=>])"?(\w+)"?',
            condition,
        )
        if not found:
            raise Failed("unknown form of condition: " + condition)
        function, key, period, other, operator, wanted = found.groups()
        values = self.period(key, period)
        if not values:
            return False
        result = {
            "last": lambda: values[-1],
            "min": lambda: min(map(int, values)),
            "change": lambda: int(values[-1]) - int(values[-2]) if len(values) > 1 else 0,
            "count": lambda: sum(value != other for value in values),
        }[function]()
        return str(result) == wanted if operator == "=" else int(result) > int(wanted)

    def problems(self):
        """Returns the ends of their names."""
        return [
            node["name"].removeprefix("PCI device {#ADDRESS} {#DEVICE_NAME}").strip(": ")
            for node in walk(template())
            if "{#ADDRESS}" in node.get("expression", "")
            and all(map(self.holds, node["expression"].split(" and ")))
        ]


def make_gpu(root):
    """A GPU behind a port, which a VM holds."""
    tree = Tree(root)
    link = {"max_link_speed": "16.0 GT/s PCIe", "max_link_width": "16"}
    current = {"current_link_speed": "16.0 GT/s PCIe", "current_link_width": "16"}
    tree.hostname("host1")
    tree.process(1, "/sbin/init")
    tree.device(PORT, 0x8086, 0x1901, 0x060400, files=link)
    tree.device(
        GPU, 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=1, parent=PORT, files=link | current
    )
    tree.vm(100, "one-1", (GPU, 1))
    return tree


def check_conflict(tree, history):
    """A second VM holds the device, and ends."""
    history.collect(0)
    yield from same([], history.problems(), "problems at first")
    tree.vm_by_node(101, "one-2", GPU, 0)
    history.collect(MINUTE)
    yield from same(["has conflicting owners"], history.problems(), "problems with two VMs")
    tree.end_process(101)
    history.collect(2 * MINUTE)
    yield from same([], history.problems(), "problems with one VM")


def check_degraded(tree, history):
    """A link loses lanes: a problem after half an hour, until its VM ends, or the lanes are back."""
    width = "sys/bus/pci/devices/%s/current_link_width" % GPU
    begin = history.now
    tree.file(width, "8")
    for minute in range(1, 30):
        history.collect(begin + minute * MINUTE)
        yield from same([], history.problems(), "problems after %d minutes" % minute)
    history.collect(begin + 30 * MINUTE)
    yield from same(["has a degraded link"], history.problems(), "problems after 30 minutes")
    tree.end_process(100)
    history.collect(begin + 31 * MINUTE)
    yield from same([], history.problems(), "problems without a VM")
    tree.vm(100, "one-1", (GPU, 1))
    history.collect(begin + 32 * MINUTE)
    yield from same(["has a degraded link"], history.problems(), "problems with a VM")
    tree.file(width, "16")
    history.collect(begin + 33 * MINUTE)
    yield from same([], history.problems(), "problems with all lanes")


def main():
    tap = Tap()
    tap.needs(zabbix_agent=AGENT)
    with tempfile.TemporaryDirectory(prefix="pciprobe-zabbix-") as folder:
        made = make_machine(os.path.join(folder, "made")).machine
        owned = make_owned(os.path.join(folder, "owned")).machine
        tap.check("the template is well-formed", check_structure)
        tap.check("sudo permits the agent's commands only", check_sudoers)
        for machine in (made, owned):
            tap.check(machine.name + ": devices are discovered", check_discovery, machine)
            tap.check(machine.name + ": the template's items have values", check_values, machine)
        tap.check("columns and an empty discovery", check_columns, made)
        tap.check("the value for many devices is not truncated", check_size, made)
        for machine in (made, owned):
            with Agent(tempfile.mkdtemp(prefix="agent-", dir=folder), machine) as agent:
                agent.wait("the agent", lambda: agent.get("agent.ping"))
                tap.check(machine.name + ": the agent serves the keys", check_agent, agent, machine)
        tree = make_gpu(os.path.join(folder, "gpu"))
        with Agent(os.path.join(folder, "gpu-agent"), tree.machine) as agent:
            agent.wait("the agent", lambda: agent.get("agent.ping"))
            history = History(agent, GPU)
            tap.check("a conflict is a problem while it lasts", check_conflict, tree, history)
            tap.check("a degraded link is a problem while it lasts", check_degraded, tree, history)
        tap.check(
            "a failure is not an inventory", check_failure, os.path.join(folder, "fail"), made
        )
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
