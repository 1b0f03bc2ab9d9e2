#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""-d and -s accept and reject the same filters as lspci, and select the same devices. A leading
0x is rejected, as in lspci before 3.10."""
import os
import random
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor

from machines import Tap, all_machines, run, same
from tree import make_machine

SEED = 5
STATUS_USAGE = 2
FULL_SET = {
    "host",
    "made",
    "harvester-vgpu-node",
    "checkbox-with-vraid",
    "pciutils-PCI-X-bridges-and-domains",
}
FULL, SMALL = 60, 10  # filters of each kind
ODD_CHARACTERS = "0123456789abcdefABCDEFxX*:. -,+/\tgé"

# lspci defines the expected result of each of these
FIXED_FILTERS = [
    "",
    ":",
    "::",
    ":::",
    "::::",
    "*",
    "*:",
    ":*",
    "*:*",
    "*:*:*",
    "*:*:*:*",
    "*:*:*:*:*",
    "8086",
    "8086:",
    ":10d3",
    "0x8086:",
    "0X8086:",
    "8086:0x10d3",
    "::0x0300",
    "::0x",
    "::0xx",
    "::x",
    "::xx",
    "::xxx",
    "::xxxx",
    "::xxxxx",
    "::03xx",
    "::xx02",
    "::x2xx",
    "::X2XX",
    "::03",
    "::3",
    "::300",
    "::0300:",
    "::0300:00",
    "::0300:0",
    "::0300:*",
    "::0300:xx",
    "::0300:x0",
    "::0300:000",
    "::0300:100",
    "::030000",
    "::02XX",
    "::0c03:30",
    ":::30",
    ":::00",
    ":::ff",
    ":::100",
    "::*:30",
    "::*:*",
    "**:",
    "*8086:",
    "8086*:",
    "xxxx:",
    "10000:",
    ":10000",
    "00008086:",
    "08086:",
    "86:",
    "-1:",
    ":-1",
    "+1:",
    " 8086:",
    "8086 :",
    "8086: ",
    "8086:10d3 ",
    "8086,10de:",
    "8086:10d3,10de:",
    "g:",
    "é:",
    "ffff:",
    "FFFF:",
    "ffffffff:",
    "100000000:",
    "ffffffffffffffff:",
    "0:0",
    "0000:0000",
    "8086:*:02xx:*",
    ":" * 63,
    ":" * 64,
    "0" * 62 + ":",
    "0" * 63 + ":",
    "0" * 200 + ":",
]
FIXED_SLOTS = [
    "",
    ".",
    ":",
    "::",
    ":.",
    "::.",
    "*",
    "*:*:*.*",
    "*.*",
    "*:*.*",
    ".0",
    ".7",
    ".8",
    ".9",
    ".*",
    "0",
    "0.",
    "0.0",
    "1f",
    "20",
    "1f.7",
    "1f.8",
    "00:",
    "00:0",
    "00:00",
    "00:00.0",
    "ff:1f.7",
    "100:",
    "0:0:0.0",
    "0000:",
    "0000::",
    "0000::.",
    "0000:00:",
    "0000:00:00",
    "0000:00:00.0",
    "1::",
    "0001::",
    "10001::",
    "10000:e1:",
    "ffff::",
    "10000::",
    "7fffffff::",
    "80000000::",
    "ffffffff::",
    "100000000::",
    "-1::",
    "*::",
    "*:*:0.0",
    "*:0:0.*",
    "0:*:*.0",
    "x",
    "xx:",
    "0x0:",
    "0x1",
    "0x0.0x0",
    " 0",
    "0 ",
    "0.0 ",
    "0..0",
    "0.0.0",
    "0:0:0:0",
    "00:00:00:0",
    "g",
    "é",
    "+1",
    "-0",
    "00:-1.0",
    "00:00.-1",
    "00:00,01",
    "00000000:00:00.0",
    "0" * 60 + "1::",
    "0" * 70,
    ".00",
    ".07",
    ".000",
    "000.0",
    "000:00.0",
]


def hexadecimal(draw, number, digits):
    """Returns a random spelling: with or without leading zeros, in either case."""
    text = draw.choice(["%0*x" % (digits, number), "%x" % number])
    return draw.choice([text, text, text.upper()])


def part(draw, number, digits):
    """Returns a field of a filter or slot: this number, any, or rarely another one."""
    return draw.choice(
        [hexadecimal(draw, number, digits)] * 5 + ["*", "", hexadecimal(draw, number ^ 1, digits)]
    )


def mask(draw, klass):
    return "".join(draw.choice([digit, digit, "x", "X"]) for digit in klass)


class Ids:
    """Ids of the machine's devices, from lspci, for generated filters."""

    def __init__(self, machine, draw):
        self.draw = draw
        self.devices = []
        # -vmmn prints one property per line
        for block in machine.lspci("-Dvmmn").split("\n\n"):
            lines = dict(line.split(":\t", 1) for line in block.splitlines() if ":\t" in line)
            if lines:
                self.devices.append(lines)

    def device(self):
        device = self.draw.choice(self.devices)
        return (
            int(device["Vendor"], 16),
            int(device["Device"], 16),
            device["Class"],
            int(device.get("ProgIf", "0"), 16),
        )

    def slot(self):
        domain, bus, rest = self.draw.choice(self.devices)["Slot"].split(":")
        return int(domain, 16), int(bus, 16), int(rest[:2], 16), int(rest[3:], 16)


def filters_of_ids(ids, draw):
    vendor, device, _, _ = ids.device()
    return "%s:%s" % (part(draw, vendor, 4), part(draw, device, 4))


def filters_of_absent_ids(_, draw):
    text = draw.choice(["{a:04x}:{b:04x}", "{a:x}:*", ":{a:x}", "{a:x}:{b:04x}"])
    return text.format(a=draw.randrange(0x10000), b=draw.randrange(0x10000))


def filters_of_classes(ids, draw):
    vendor, device, klass, interface = ids.device()
    text = "%s:%s:%s" % (
        draw.choice(["", "*", part(draw, vendor, 4)]),
        draw.choice(["", "*", part(draw, device, 4)]),
        draw.choice([klass, klass.lstrip("0"), klass.upper(), "*", ""]),
    )
    return text + draw.choice(["", "", ":", ":*", ":" + part(draw, interface, 2)])


def filters_of_masks(ids, draw):
    _, _, klass, interface = ids.device()
    return (
        "::"
        + mask(draw, klass)[: draw.choice([4, 4, 4, 2, 1])]
        + draw.choice(["", "", ":%02x" % interface])
    )


def odd_texts(_, draw):
    return "".join(draw.choice(ODD_CHARACTERS) for _ in range(draw.randrange(12)))


def corrupted_filters(ids, draw):
    """Returns a valid filter with one character changed, inserted or deleted."""
    text = draw.choice([filters_of_ids, filters_of_classes, filters_of_masks])(ids, draw)
    at = draw.randrange(len(text) + 1)
    return (
        text[:at] + draw.choice(["", draw.choice(ODD_CHARACTERS)]) + text[at + draw.randrange(2) :]
    )


def slots(ids, draw):
    domain, bus, slot, function = ids.slot()
    text = draw.choice(
        [
            "{d}:{b}:{s}.{f}",
            "{b}:{s}.{f}",
            "{s}.{f}",
            "{s}",
            "{b}:",
            "{d}::",
            "{b}:{s}",
            ".{f}",
            "{d}:{b}:",
            "{d}::{s}",
            "{s}.",
        ]
    )
    return text.format(
        d=part(draw, domain, 4),
        b=part(draw, bus, 2),
        s=part(draw, slot, 2),
        f=part(draw, function, 1),
    )


def corrupted_slots(ids, draw):
    text = slots(ids, draw)
    at = draw.randrange(len(text) + 1)
    return (
        text[:at] + draw.choice(["", draw.choice(ODD_CHARACTERS)]) + text[at + draw.randrange(2) :]
    )


# title, generator, option, whether lspci must accept some and reject some of them, to test both
KINDS = [
    ("existing ids", filters_of_ids, "-d", True, False),
    ("random ids", filters_of_absent_ids, "-d", False, False),
    ("classes", filters_of_classes, "-d", True, False),
    ("class masks", filters_of_masks, "-d", True, False),
    ("corrupted filters", corrupted_filters, "-d", False, True),
    ("random strings as filters", odd_texts, "-d", False, True),
    ("slots", slots, "-s", True, False),
    ("corrupted slots", corrupted_slots, "-s", False, True),
    ("random strings as slots", odd_texts, "-s", False, True),
]


def outcome(done, rejected):
    """Returns the listed addresses, or 'rejected'."""
    if done.returncode == 0:
        return [line.split()[0] for line in done.stdout.splitlines()]
    return (
        "rejected"
        if done.returncode == rejected and not done.stdout
        else "exit status %d" % done.returncode
    )


def has_0x(letter, text):
    """True for a leading 0x; in a class, x is a wildcard digit."""
    fields = re.split("[:.]", text) if letter == "-s" else text.split(":")[:2] + text.split(":")[3:]
    return any(field.lower().startswith("0x") for field in fields)


def run_both(machine, arguments):
    lspci = outcome(machine.run_lspci("-D", "-n", *arguments), 1)
    if any(has_0x(*pair) for pair in zip(arguments[::2], arguments[1::2])):
        lspci = "rejected"
    pciprobe = machine.run_pciprobe("-a", "-f", "raw", "-o", "address", "--no-headings", *arguments)
    return lspci, outcome(pciprobe, STATUS_USAGE)


def compare(machine, cases, accepts_some=False, rejects_some=False):
    """CASES: lists of arguments for both programs."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(lambda arguments: run_both(machine, arguments), cases))
    for arguments, (lspci, pciprobe) in zip(cases, answers):
        yield from same(lspci, pciprobe, repr(arguments))
    if accepts_some and not any(isinstance(lspci, list) and lspci for lspci, _ in answers):
        raise RuntimeError("%s: no filter selects a device" % machine.name)
    if rejects_some and not any(lspci == "rejected" for lspci, _ in answers):
        raise RuntimeError("%s: lspci rejects no filter" % machine.name)


def check_generated(tap, machine, number):
    draw = random.Random("%d %s" % (SEED, machine.name))
    ids = Ids(machine, draw)
    for name, make, letter, accepts_some, rejects_some in KINDS:
        cases = [[letter, make(ids, draw)] for _ in range(number)]
        enough = number == FULL
        tap.check(
            "%s: %d %s" % (machine.name, number, name),
            compare,
            machine,
            cases,
            accepts_some and enough,
            rejects_some and enough,
        )
    cases = [["-d", filters_of_classes(ids, draw), "-s", slots(ids, draw)] for _ in range(number)]
    tap.check(
        "%s: %d filters combined with slots" % (machine.name, number), compare, machine, cases
    )


def check_every_device(tap, machine):
    """Selects each device by its address."""
    cases = [["-s", address] for address in machine.addresses()[:60]]
    tap.check(
        "%s: %d devices selected by address" % (machine.name, len(cases)),
        compare,
        machine,
        cases,
        True,
    )


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="pciprobe-filters-") as folder:
        made = make_machine(folder).machine
        tap.check(
            "made: %d fixed filters" % len(FIXED_FILTERS),
            compare,
            made,
            [["-d", text] for text in FIXED_FILTERS],
            True,
            True,
        )
        tap.check(
            "made: %d fixed slots" % len(FIXED_SLOTS),
            compare,
            made,
            [["-s", text] for text in FIXED_SLOTS],
            True,
            True,
        )
        for machine in all_machines() + [made]:
            check_generated(tap, machine, FULL if machine.name in FULL_SET else SMALL)
            check_every_device(tap, machine)
    tap.done()


if __name__ == "__main__":
    main()
