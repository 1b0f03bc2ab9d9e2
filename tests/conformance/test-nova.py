#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nova's code (nova.pci, oslo.config) accepts the format nova and matches exactly the selected
devices. For any nova.conf, pciprobe and Nova agree which devices each line matches, and whether
it is valid. test-nova-releases.py compares the releases that are not installed.

Tested with the host, the made machine, the recordings in tests/recordings and those in MACHINES.
"""
import importlib.metadata
import importlib.util
import json
import logging
import os
import random
import re
import sys
import tarfile
import tempfile

from machines import Machine, Tap, all_machines, run, same, PCIPROBE
from tree import make_machine

if not importlib.util.find_spec("nova"):
    print("1..0 # SKIP python3-nova is not installed")
    sys.exit(0)

import nova.conf.pci
import nova.conf.scheduler
from nova import exception
from nova.objects.instance_pci_requests import InstancePCIRequest
from nova.pci import request, stats, utils, whitelist
from oslo_config import cfg

SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
LINE = re.compile(
    r"(?P<location>.*?:\d+(?: \(item \d+\))?): (?:device_spec|alias (?P<alias>.*?)) matches"
    r"(?P<none> no device of this host)?"
)
SEED = 7
VERSION = importlib.metadata.version("nova").split(".", maxsplit=1)[0]


# ---- Nova's view of a machine ----


def read_number(text):
    try:
        return int(text)
    except (TypeError, ValueError):
        return 0


class Host:
    """The devices as reported by libvirt to Nova. The ids are pciprobe's; other tests compare
    those with lspci."""

    def __init__(self, machine):
        self.machine = machine
        self.devices = {}
        self.interfaces = {}
        for found in machine.devices():
            address = found["address"]
            device = {
                "address": address,
                "vendor_id": found["vendor"],
                "product_id": found["device"],
                "dev_type": "type-PCI",
            }
            parent = machine.link(address, "physfn")
            if parent:
                device.update(parent_addr=parent, dev_type="type-VF")
            elif self.is_pf(address) or machine.link(address, "virtfn0"):
                device["dev_type"] = "type-PF"
            self.devices[address] = device
            for name in machine.entries(address, "net"):
                self.interfaces[name] = address

    def is_pf(self, address):
        return read_number(self.machine.read(address, "sriov_totalvfs")) > 0

    def patch_nova(self):
        """Makes Nova's code use this machine's sysfs."""
        utils.is_physical_function = lambda *parts: self.is_pf("%s:%s:%s.%s" % parts)
        utils.get_function_by_ifname = lambda name: (
            (self.interfaces[name], self.is_pf(self.interfaces[name]))
            if name in self.interfaces
            else (None, False)
        )

    def matched_by(self, spec):
        matched = set()
        for address, device in self.devices.items():
            try:
                if spec.match(device):
                    matched.add(address)
            except (
                exception.PciConfigInvalidSpec
            ):  # Nova's tracker ignores domains that it cannot represent
                continue
        return matched

    def matched_by_alias(self, specs, offered):
        """SPECS: all or one of the specs of an alias."""
        pools = [dict(self.devices[address], count=1) for address in sorted(offered)]
        requested = InstancePCIRequest(spec=specs)
        pools = stats.PciDeviceStats._filter_pools_for_spec(stats.PciDeviceStats, pools, requested)
        return {
            pool["address"]
            for pool in stats.PciDeviceStats._filter_pools_for_unrequested_pfs(
                None, pools, requested
            )
        }


def read_conf(path):
    """Parses a nova.conf like Nova."""
    conf = cfg.ConfigOpts()
    nova.conf.pci.register_opts(conf)
    nova.conf.scheduler.register_opts(conf)
    conf(["--config-file", path], project="nova", default_config_files=[path])
    return conf


def parse_aliases(conf):
    request.CONF = conf
    cached = getattr(request, "get_alias_from_config", None)
    return cached.__wrapped__() if cached else request._get_alias_from_config()


def read_specs(conf):
    return whitelist.Whitelist(conf.pci.device_spec).specs


REJECTIONS = (exception.NovaException, cfg.Error, AttributeError, TypeError, KeyError, ValueError)


# ---- the format nova ----


def write_file(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def check_written(host, directory, arguments):
    """Nova matches the devices that ARGUMENTS select, except those that it does not support."""
    text = host.machine.pciprobe(*arguments, "-f", "nova")
    selected = {
        line
        for line in host.machine.pciprobe(
            *arguments, "-f", "raw", "-o", "address", "--no-headings"
        ).split()
    }
    visible = {address for address in selected if len(address.split(":")[0]) == 4}
    path = write_file(directory, "written.conf", text)
    specs = read_specs(read_conf(path))
    matched = [host.matched_by(spec) for spec in specs]
    problems = same(sorted(visible), sorted(set().union(*matched)), "%s: matched" % arguments)
    problems += [
        "%s: no comment about %s" % (arguments, address)
        for address in selected - visible
        if address not in text
    ]
    problems += ["%s: a line matches no device" % arguments for devices in matched if not devices]
    done = host.machine.run_pciprobe("verify", "nova", path, "--release", VERSION)
    if not visible:
        return problems
    # devices matched by two lines are reported on stdout and not checked here
    if done.stderr or " no device of this host" in done.stdout:
        problems.append("%s: 'verify nova' reports %s%s" % (arguments, done.stdout, done.stderr))
    return problems


def selections(host, chance):
    yield ["-a"]
    yield ["-a", "-d", "::02xx"]
    vendors = sorted({device["vendor_id"] for device in host.devices.values()})
    yield from (["-a", "-d", vendor + ":"] for vendor in vendors[:6])
    addresses = sorted(host.devices)
    for _ in range(6):
        chosen = chance.sample(addresses, min(len(addresses), chance.randint(1, 12)))
        yield ["-a"] + [arg for address in chosen for arg in ("-s", address)]
    # a PF without its VFs, and VFs without their PF
    for address in addresses:
        if host.is_pf(address):
            children = [
                other for other in addresses if host.devices[other].get("parent_addr") == address
            ]
            yield ["-a", "-s", address]
            if children:
                yield ["-a"] + [arg for child in children[:40] for arg in ("-s", child)]


def written_problems(host, directory):
    chance = random.Random(SEED)
    host.patch_nova()
    for arguments in selections(host, chance):
        yield from check_written(host, directory, arguments)


ALIASES = """:filter:
:alias:
  - {name: net, filter: '::02xx', role: pci}
  - {name: vf, role: vf, nova: {resource_class: vf, physical_network: physnet1}}
  - {name: pf, role: pf, nova: {managed: no, traits: [a, B]}}
  - {name: intel, filter: '8086:'}
  - {name: nothing, filter: 'ffff:'}
"""


def wanted_tags(device):
    aliases = device.get("aliases", [])
    tags = {}
    if "vf" in aliases:
        tags = {"resource_class": "vf", "physical_network": "physnet1"}
    if "pf" in aliases:
        tags["traits"] = "a,B"
        if int(VERSION) >= 31:
            tags["managed"] = "false"
    return tags


def alias_problems(host, directory):
    """An alias matches its devices, and only those others that a comment names."""
    host.patch_nova()
    config = write_file(directory, "pci.conf", ALIASES)
    text = host.machine.pciprobe("-c", config, "-f", "nova", "--release", VERSION)
    conf = read_conf(write_file(directory, "written.conf", text))
    specs = read_specs(conf)
    offered = set().union(*(host.matched_by(spec) for spec in specs))
    aliases = parse_aliases(conf)
    devices = host.machine.json("-c", config)["devices"]
    for device in devices:
        tags = [spec.get_tags() for spec in specs if device["address"] in host.matched_by(spec)]
        if device["address"] in offered:
            yield from same([wanted_tags(device)], tags, "specs of %s" % device["address"])
    for name in re.findall(r"name: (\w+)", ALIASES):
        wanted = {
            device["address"] for device in devices if name in device.get("aliases", [])
        } & offered
        admitted = set(re.findall(r"^# alias %s also matches (\S+):" % name, text, re.MULTILINE))
        if name in aliases:
            yield from same(
                sorted(wanted | admitted),
                sorted(host.matched_by_alias(aliases[name][1], offered)),
                "alias %s" % name,
            )
        elif wanted:
            types = {host.devices[address]["dev_type"] for address in wanted}
            yield from same(
                True,
                len(types) > 1,
                "alias %s is omitted only if its devices have several types" % name,
            )


# ---- verify nova ----


def read_verdict(output):
    """Parses the output of 'verify nova': [(location, alias or None, devices)]"""
    verdict = []
    for line in output.splitlines():
        found = LINE.fullmatch(line)
        if found:
            verdict.append((found["location"], found["alias"], set()))
        elif line.startswith("    "):
            verdict[-1][2].add(line.split()[0])
    return verdict


def nova_verdict(host, path):
    """Returns Nova's devices of each spec and of each alias item, or None if Nova rejects the
    file."""
    try:
        conf = read_conf(path)
        specs = [host.matched_by(spec) for spec in read_specs(conf)]
        offered = set().union(*specs)
        aliases = [
            host.matched_by_alias([item], offered)
            for _, items in parse_aliases(conf).values()
            for item in items
        ]
    except REJECTIONS:
        return None
    return specs, aliases


def compare_verdicts(host, path):
    """Returns problems, and whether Nova accepts the file. The order of lines is ignored."""
    done = run(
        [PCIPROBE, "verify", "nova", path, "--release", VERSION]
        + (["--sysroot", host.machine.root] if host.machine.root else [])
    )
    wanted = nova_verdict(host, path)
    if wanted is None:
        found = re.search(r"^pciprobe: %s:\d+: " % re.escape(path), done.stderr, re.MULTILINE)
        return (
            same(
                True,
                bool(found) and done.returncode == 1,
                "rejected (output: %r)" % (done.stderr + done.stdout),
            ),
            False,
        )
    verdict = read_verdict(done.stdout)
    found = [
        sorted(
            map(
                sorted, (devices for _, alias, devices in verdict if bool(alias is None) == is_spec)
            )
        )
        for is_spec in (True, False)
    ]
    problems = same(
        [sorted(map(sorted, part)) for part in wanted], found, "matched (%s)" % done.stderr
    )
    twice = {device for i, a in enumerate(wanted[0]) for b in wanted[0][:i] for device in a & b}
    reported = set(re.findall(r"^(\S+) is matched by [^ ]+:\d+", done.stdout, re.MULTILINE))
    missing = sorted(twice - reported)
    problems += ["matched twice but not reported: %s" % missing] if missing else []
    wrong = bool(reported) or not all(wanted[0] + wanted[1])
    return problems + same(1 if wrong else 0, done.returncode, "exit status"), True


def random_address(host, chance):
    functions = [address for address in sorted(host.devices) if host.is_pf(address)]
    address = chance.choice(
        functions if functions and chance.random() < 0.4 else sorted(host.devices)
    )
    domain, bus, slot, function = re.split("[:.]", address)
    star = lambda text: chance.choice([text, text, "*", "", text.upper(), text.lstrip("0") or "0"])
    return chance.choice(
        [
            lambda: "%s:%s:%s.%s" % (domain[-4:], bus, slot, function),
            lambda: "%s:%s:%s.%s" % (star(domain[-4:]), star(bus), star(slot), star(function)),
            lambda: "%s:%s" % (star(bus), star(slot)),
            lambda: "." + function,
            lambda: {
                "domain": ".*",
                "bus": bus,
                "slot": "[%s-9a-f]." % slot[0],
                "function": "[0-%s]" % function,
            },
            lambda: {"domain": domain, "bus": bus, "slot": slot, "function": function},
            lambda: {"bus": "(%s|%s)$$" % (bus, slot), "function": function + "|7"},
        ]
    )()


def random_spec(host, chance):
    device = host.devices[chance.choice(sorted(host.devices))]
    spec = {}
    if chance.random() < 0.5:
        spec["vendor_id"] = chance.choice(
            [device["vendor_id"], device["vendor_id"].upper(), "*", " 0x%s " % device["vendor_id"]]
        )
    if chance.random() < 0.3:
        spec["product_id"] = device["product_id"]
    if chance.random() < 0.6:
        spec["address"] = random_address(host, chance)
    elif host.interfaces and chance.random() < 0.5:
        spec["devname"] = chance.choice(sorted(host.interfaces) + ["nobody0"])
    if chance.random() < 0.4:
        spec["physical_network"] = chance.choice(["physnet1", None])
    return spec


def random_alias(host, chance, number):
    device = host.devices[chance.choice(sorted(host.devices))]
    alias = {"name": "a%d" % number, "vendor_id": device["vendor_id"]}
    if int(VERSION) >= 31 or chance.random() < 0.6:  # in late versions of 31 it is required
        alias["product_id"] = device["product_id"].upper()
    if chance.random() < 0.6:
        alias["device_type"] = device["dev_type"]
    if chance.random() < 0.3:
        alias["numa_policy"] = chance.choice(["legacy", "preferred", "required", "socket"])
    return alias


def random_conf(host, chance):
    lines = ["[DEFAULT]", "debug = true", "", "[PCI]" if chance.random() < 0.2 else "[pci]"]
    for _ in range(chance.randint(1, 5)):
        specs = [random_spec(host, chance) for _ in range(chance.randint(1, 3))]
        text = json.dumps(specs if len(specs) > 1 or chance.random() < 0.2 else specs[0])
        if chance.random() < 0.3:
            text = text.replace(", ", ",\n    ")
        elif chance.random() < 0.3:
            text = "'%s'" % text
        lines.append(
            "%s %s %s"
            % (chance.choice(["device_spec", "passthrough_whitelist"]), chance.choice("=:="), text)
        )
    lines += [
        "alias = " + json.dumps(random_alias(host, chance, number))
        for number in range(chance.randint(0, 3))
    ]
    return "\n".join(lines) + "\n"


def corrupt(text, chance):
    """Returns TEXT with one or two characters changed, deleted or inserted."""
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(text))
        new = chance.choice(
            [
                "",
                "",
                '"',
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "=",
                " ",
                "\n",
                "\n  ",
                "*",
                ".",
                "0",
                "f",
                "x",
                "(",
                "\\",
                "'",
                "#",
                "-",
            ]
        )
        text = text[:at] + new + text[at + chance.randint(0, 1) :]
    return text


def verdict_problems(host, directory, count):
    chance = random.Random(SEED)
    host.patch_nova()
    accepted = 0
    for _ in range(count):
        text = random_conf(host, chance)
        path = write_file(directory, "nova.conf", text)
        problems, valid = compare_verdicts(host, path)
        accepted += valid
        yield from ("%s\n%s" % (problem, text) for problem in problems)
    if accepted < count / 2:
        yield "only %d of %d files are valid: too few" % (accepted, count)


def corrupted_problems(host, directory, count):
    chance = random.Random(SEED)
    host.patch_nova()
    rejected = 0
    for _ in range(count):
        text = corrupt(random_conf(host, chance), chance)
        path = write_file(directory, "nova.conf", text)
        problems, valid = compare_verdicts(host, path)
        rejected += not valid
        yield from ("%s\n%s" % (problem, text) for problem in problems)
    if not count / 5 < rejected < count:
        yield "%d of %d files are invalid: too few or too many" % (rejected, count)


def unpack_recordings(directory):
    recordings = os.path.join(SOURCES, "tests/recordings")
    for name in sorted(os.listdir(recordings)):
        if name.endswith(".tar.xz"):
            with tarfile.open(os.path.join(recordings, name)) as tar:
                tar.extractall(
                    directory, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {})
                )
            base = name[: -len(".tar.xz")]
            yield Machine("recording " + base, os.path.join(directory, base, "root"))


def main():
    logging.disable(logging.CRITICAL)
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory() as directory:
        tree = make_machine(os.path.join(directory, "made"))
        # a PF whose VFs have the same ids, like QEMU's NVMe disks
        tree.device("0000:0e:00.0", 0x1B36, 0x0010, 0x010802, files={"sriov_totalvfs": "4"})
        for number in range(2):
            tree.virtual_function(
                "0000:0e:00.0", number, "0000:0e:00.%d" % (number + 1), 0x1B36, 0x0010
            )
        made = tree.machine
        for machine in all_machines() + [made] + list(unpack_recordings(directory)):
            host = Host(machine)
            if not host.devices:
                tap.skip("%s has no devices" % machine.name)
                continue
            tap.check(
                "%s: Nova matches exactly the selected devices" % machine.name,
                written_problems,
                host,
                directory,
            )
            tap.check(
                "%s: aliases match their devices" % machine.name, alias_problems, host, directory
            )
            tap.check(
                "%s: pciprobe and Nova agree on generated nova.conf files" % machine.name,
                verdict_problems,
                host,
                directory,
                12,
            )
        tap.check(
            "made: pciprobe and Nova agree on corrupted nova.conf files",
            corrupted_problems,
            Host(made),
            directory,
            250,
        )
    tap.done()


if __name__ == "__main__":
    main()
