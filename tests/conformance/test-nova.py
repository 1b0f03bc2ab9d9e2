#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nova's own code (nova.pci, oslo.config) reads what pciprobe writes for it, and takes just the selected devices; and of any
nova.conf pciprobe and Nova think the same: which devices each line takes, and whether it is right at all.

Looked at are the host, the made machine, the recordings in tests/recordings and those in MACHINES.
"""
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
from nova import exception
from nova.objects.instance_pci_requests import InstancePCIRequest
from nova.pci import request, stats, utils, whitelist
from oslo_config import cfg

SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
LINE = re.compile(
    r"(?P<place>.*?:\d+(?: \(item \d+\))?): (?:device_spec|alias (?P<alias>.*?)) matches(?P<none> no device of this host)?"
)
SEED = 7


# ---- a machine as Nova sees it ----


def read_number(text):
    try:
        return int(text)
    except (TypeError, ValueError):
        return 0


class Host:
    """What libvirt would tell Nova of the machine's devices. Their ids, which other tests hold against lspci, are pciprobe's."""

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

    def lend_to_nova(self):
        """Nova looks into this machine's /sys from now on."""
        utils.is_physical_function = lambda *parts: self.is_pf("%s:%s:%s.%s" % parts)
        utils.get_function_by_ifname = lambda name: (
            (self.interfaces[name], self.is_pf(self.interfaces[name]))
            if name in self.interfaces
            else (None, False)
        )

    def taken_by(self, spec):
        taken = set()
        for address, device in self.devices.items():
            try:
                if spec.match(device):
                    taken.add(address)
            except (
                exception.PciConfigInvalidSpec
            ):  # a domain that Nova can't write: its tracker passes it over
                continue
        return taken

    def taken_by_alias(self, specs, offered):
        """SPECS are those of one alias, or one of them."""
        pools = [dict(self.devices[address], count=1) for address in sorted(offered)]
        asked = InstancePCIRequest(spec=specs)
        pools = [pool for pool in pools if utils.pci_device_prop_match(pool, specs)]
        return {
            pool["address"]
            for pool in stats.PciDeviceStats._filter_pools_for_unrequested_pfs(None, pools, asked)
        }


def read_conf(path):
    """The lists of texts that Nova gets from its configuration."""
    conf = cfg.ConfigOpts()
    nova.conf.pci.register_opts(conf)
    conf(["--config-file", path], project="nova", default_config_files=[path])
    return conf


def parse_aliases(conf):
    request.CONF = conf
    return request._get_alias_from_config()


def read_specs(conf):
    return whitelist.Whitelist(conf.pci.device_spec).specs


REFUSALS = (exception.NovaException, cfg.Error, AttributeError, TypeError, KeyError, ValueError)


# ---- what pciprobe writes ----


def write_file(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def check_written(host, directory, arguments):
    """The devices that Nova takes are those that ARGUMENTS select, as far as Nova can take them."""
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
    taken = [host.taken_by(spec) for spec in specs]
    problems = same(sorted(visible), sorted(set().union(*taken)), "%s: taken" % arguments)
    problems += [
        "%s: no comment on %s" % (arguments, address)
        for address in selected - visible
        if address not in text
    ]
    problems += ["%s: a line for nothing" % arguments for devices in taken if not devices]
    done = host.machine.run_pciprobe("verify", "nova", path)
    if not visible:
        return problems
    # devices that two lines take are no fault of what was written
    if done.stderr or " no device of this host" in done.stdout:
        problems.append("%s: pciprobe itself says %s%s" % (arguments, done.stdout, done.stderr))
    return problems


def selections(host, chance):
    yield ["-a"]
    yield ["-a", "-d", "::02xx"]
    vendors = sorted({device["vendor_id"] for device in host.devices.values()})
    yield from (["-a", "-d", vendor + ":"] for vendor in vendors[:6])
    addresses = sorted(host.devices)
    for _ in range(6):
        chosen = chance.sample(addresses, min(len(addresses), chance.randint(1, 12)))
        yield ["-a"] + [word for address in chosen for word in ("-s", address)]
    # a PF without its VFs, VFs without their PF
    for address in addresses:
        if host.is_pf(address):
            children = [
                other for other in addresses if host.devices[other].get("parent_addr") == address
            ]
            yield ["-a", "-s", address]
            if children:
                yield ["-a"] + [word for child in children[:40] for word in ("-s", child)]


def written_problems(host, directory):
    chance = random.Random(SEED)
    host.lend_to_nova()
    for arguments in selections(host, chance):
        yield from check_written(host, directory, arguments)


ALIASES = """:filter:
:alias:
  - {name: net, filter: '::02xx', role: pci}
  - {name: vf, role: vf}
  - {name: pf, role: pf}
  - {name: intel, filter: '8086:'}
  - {name: nothing, filter: 'ffff:'}
"""


def alias_problems(host, directory):
    """An alias takes all its devices, and none but those that a comment admits."""
    host.lend_to_nova()
    config = write_file(directory, "pci.conf", ALIASES)
    text = host.machine.pciprobe("-c", config, "-f", "nova")
    conf = read_conf(write_file(directory, "written.conf", text))
    offered = set().union(*(host.taken_by(spec) for spec in read_specs(conf)))
    aliases = parse_aliases(conf)
    devices = host.machine.json("-c", config)["devices"]
    for name in re.findall(r"name: (\w+)", ALIASES):
        wanted = {
            device["address"] for device in devices if name in device.get("aliases", [])
        } & offered
        admitted = set(re.findall(r"^# alias %s also matches (\S+):" % name, text, re.MULTILINE))
        if name in aliases:
            yield from same(
                sorted(wanted | admitted),
                sorted(host.taken_by_alias(aliases[name][1], offered)),
                "alias %s" % name,
            )
        elif wanted:
            types = {host.devices[address]["dev_type"] for address in wanted}
            yield from same(
                True,
                len(types) > 1,
                "no line of alias %s, whose devices are of several types" % name,
            )


# ---- what pciprobe says of a nova.conf ----


def read_verdict(output):
    """[(item or None, alias or None, devices)]"""
    verdict = []
    for line in output.splitlines():
        found = LINE.fullmatch(line)
        if found:
            verdict.append((found["place"], found["alias"], set()))
        elif line.startswith("    "):
            verdict[-1][2].add(line.split()[0])
    return verdict


def nova_verdict(host, path):
    """The same of Nova's: the devices of each spec and of each item of an alias, or None for a file that it refuses."""
    try:
        conf = read_conf(path)
        specs = [host.taken_by(spec) for spec in read_specs(conf)]
        offered = set().union(*specs)
        aliases = [
            host.taken_by_alias([item], offered)
            for _, items in parse_aliases(conf).values()
            for item in items
        ]
    except REFUSALS:
        return None
    return specs, aliases


def compare_verdicts(host, path):
    """Problems, and whether Nova takes the file. Lines are compared without regard to their order."""
    done = run(
        [PCIPROBE, "verify", "nova", path]
        + (["--sysroot", host.machine.root] if host.machine.root else [])
    )
    wanted = nova_verdict(host, path)
    if wanted is None:
        found = re.search(r"^pciprobe: %s:\d+: " % re.escape(path), done.stderr, re.MULTILINE)
        return (
            same(
                True,
                bool(found) and done.returncode == 1,
                "refused (it says %r)" % (done.stderr + done.stdout),
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
        [sorted(map(sorted, part)) for part in wanted], found, "taken (%s)" % done.stderr
    )
    twice = {device for i, a in enumerate(wanted[0]) for b in wanted[0][:i] for device in a & b}
    told = set(re.findall(r"^(\S+) is matched by [^ ]+:\d+", done.stdout, re.MULTILINE))
    missing = sorted(twice - told)
    problems += ["taken twice and not told: %s" % missing] if missing else []
    wrong = bool(told) or not all(wanted[0] + wanted[1])
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
    if chance.random() < 0.6:
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


def spoil(text, chance):
    """One or two characters changed, left out or put in."""
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
    host.lend_to_nova()
    accepted = 0
    for _ in range(count):
        text = random_conf(host, chance)
        path = write_file(directory, "nova.conf", text)
        problems, taken = compare_verdicts(host, path)
        accepted += taken
        yield from ("%s\n%s" % (problem, text) for problem in problems)
    if accepted < count / 2:
        yield "only %d of %d files were right: this says little" % (accepted, count)


def spoilt_problems(host, directory, count):
    chance = random.Random(SEED)
    host.lend_to_nova()
    refused = 0
    for _ in range(count):
        text = spoil(random_conf(host, chance), chance)
        path = write_file(directory, "nova.conf", text)
        problems, taken = compare_verdicts(host, path)
        refused += not taken
        yield from ("%s\n%s" % (problem, text) for problem in problems)
    if not count / 5 < refused < count:
        yield "%d of %d files were wrong: this says little" % (refused, count)


def unpack_recordings(directory):
    place = os.path.join(SOURCES, "tests/recordings")
    for name in sorted(os.listdir(place)):
        if name.endswith(".tar.xz"):
            with tarfile.open(os.path.join(place, name)) as tar:
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
        # a PF whose VFs have its own ids, as QEMU's NVMe disks do
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
                "%s: Nova takes just the selected devices" % machine.name,
                written_problems,
                host,
                directory,
            )
            tap.check(
                "%s: aliases take their devices" % machine.name, alias_problems, host, directory
            )
            tap.check(
                "%s: pciprobe and Nova say the same of a nova.conf" % machine.name,
                verdict_problems,
                host,
                directory,
                12,
            )
        tap.check("and of one that is spoilt", spoilt_problems, Host(made), directory, 250)
    tap.done()


if __name__ == "__main__":
    main()
