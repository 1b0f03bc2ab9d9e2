#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""pci.conf, in all common spellings, selects the same devices as OpenNebula's probe: computed
here from lspci's output for each filter. If Ruby is installed, its YAML parser must read the
same strings."""
import fnmatch
import json
import os
import random
import re
import shlex
import shutil
import tempfile

from machines import Failed, Tap, all_machines, run, same
from tree import make_machine

SEED = 11
GENERATED = 40
RUBY = shutil.which("ruby")
RUBY_READ = """
require 'json'
require 'yaml'
JSON.parse(ARGV[0]).each { |text| puts JSON.generate(YAML.unsafe_load(text) || {}) }
"""
HOST = "gpu-17.example.org"

# contents, meaning, and whether Ruby reads the same (not for YAML 1.1 numbers in base 60)
CASES = [
    ("", {}, True),
    ("# nothing but a comment\n", {}, True),
    ("---\n...\n", {}, True),
    (":short_address: ['03:00.0']\n", {"short_address": ["03:00.0"]}, True),
    (":filter: '8086:*'\n", {"filter": "8086:*"}, True),
    (':filter: "8086:*"\n', {"filter": "8086:*"}, True),
    (":filter: 8086:*\n", {"filter": "8086:*"}, True),
    (":filter: 10de:*\n", {"filter": "10de:*"}, True),
    (":filter:   10de:*   # NVIDIA\r\n", {"filter": "10de:*"}, True),
    ("filter: '8086:*'\n", {"filter": "8086:*"}, True),
    ("'filter': '8086:*'\n", {"filter": "8086:*"}, True),
    ("\":filter\": '8086:*'\n", {"filter": "8086:*"}, True),
    ("filter: 8086:10d3\n", {"filter": "8086:10d3"}, False),
    (":filter: 0:0\n", {"filter": "0:0"}, False),
    (":filter: '0:0'\n", {"filter": "0:0"}, True),
    (":filter: '*:*'\n", {"filter": "*:*"}, True),
    (":filter: ':'\n", {"filter": ":"}, True),
    (":filter: '::'\n", {"filter": "::"}, True),
    (":filter: '8086:'\n", {"filter": "8086:"}, True),
    (":filter: '8086:10d3,10de:*'\n", {"filter": "8086:10d3,10de:*"}, True),
    (":filter: 8086:10d3,10de:*\n", {"filter": "8086:10d3,10de:*"}, True),
    (":filter: '8086:10d3 , 10de:* ,'\n", {"filter": "8086:10d3 , 10de:* ,"}, True),
    (":filter: ',,'\n", {"filter": ",,"}, True),
    (":filter: >-\n  8086:10d3,\n  10de:*\n", {"filter": "8086:10d3, 10de:*"}, True),
    (":filter: |\n  8086:10d3,10de:*\n", {"filter": "8086:10d3,10de:*\n"}, True),
    (":filter: null\n", {"filter": None}, True),
    (":filter: Null\n", {"filter": None}, True),
    (":filter: NULL\n", {"filter": None}, True),
    (":filter: ~\n", {"filter": None}, True),
    (":filter:\n", {"filter": None}, True),
    (":filter: ''\n", {"filter": ""}, True),
    (":filter: []\n", {"filter": []}, True),
    (":filter: ['8086:*']\n", {"filter": ["8086:*"]}, True),
    (
        ":filter: ['8086:10d3', '*:1041', '8086:*']\n",
        {"filter": ["8086:10d3", "*:1041", "8086:*"]},
        True,
    ),
    (":filter: ['8086:10d3,10de:*', '::0108']\n", {"filter": ["8086:10d3,10de:*", "::0108"]}, True),
    (":filter: [8086:10d3, 10de:*]\n", {"filter": ["8086:10d3", "10de:*"]}, False),
    (":filter: ['']\n", {"filter": [""]}, True),
    (":filter:\n  - '8086:10d3'\n  - \"10de:*\"\n", {"filter": ["8086:10d3", "10de:*"]}, True),
    (":filter:\n- 8086:*\n- 10de:*\n", {"filter": ["8086:*", "10de:*"]}, True),
    (":filter: '::0c03:30'\n", {"filter": "::0c03:30"}, True),
    (":filter: '::02xx'\n", {"filter": "::02xx"}, True),
    (":filter: &all '*:*'\n:other: *all\n", {"filter": "*:*"}, True),
    (
        "{':filter': '8086:*', ':short_address': ['03:00.0']}\n",
        {"filter": "8086:*", "short_address": ["03:00.0"]},
        True,
    ),
    (
        '{"filter": "8086:*", "short_address": []}\n',
        {"filter": "8086:*", "short_address": []},
        True,
    ),
    ("\ufeff:filter: '8086:*'\n", {"filter": "8086:*"}, True),
    (
        ":filter: '*:*'\n:short_address: []\n:device_name: []\n",
        {"filter": "*:*", "short_address": [], "device_name": []},
        True,
    ),
    (
        ":filter:\n:short_address:\n  - '03:00.0'\n  - '0001:03:00.0'\n",
        {"filter": None, "short_address": ["03:00.0", "0001:03:00.0"]},
        True,
    ),
    (
        ":filter:\n:short_address: [03:00.0, 07:00.0]\n",
        {"filter": None, "short_address": ["03:00.0", "07:00.0"]},
        False,
    ),
    (
        ":filter:\n:short_address:\n- 07:00.0\n- 0a:1f.7\n",
        {"filter": None, "short_address": ["07:00.0", "0a:1f.7"]},
        False,
    ),
    (
        ":filter:\n:short_address: ['10000:e1:00.0']\n",
        {"filter": None, "short_address": ["10000:e1:00.0"]},
        True,
    ),
    (
        ":filter:\n:short_address: ['e1:00.0']\n",
        {"filter": None, "short_address": ["e1:00.0"]},
        True,
    ),
    (
        ":filter: '8086:*'\n:short_address: ['08:00.0', '03:00.0']\n",
        {"filter": "8086:*", "short_address": ["08:00.0", "03:00.0"]},
        True,
    ),
    (
        ":filter:\n:device_name: ['virtual function']\n",
        {"filter": None, "device_name": ["virtual function"]},
        True,
    ),
    (
        ":filter:\n:device_name: ['^82574L', 'Network Connection$']\n",
        {"filter": None, "device_name": ["^82574L", "Network Connection$"]},
        True,
    ),
    (":filter:\n:device_name: ['^DEVICE$']\n", {"filter": None, "device_name": ["^DEVICE$"]}, True),
    (
        ":filter:\n:device_name: ['2\\.5\"', 'x{2,3}']\n",
        {"filter": None, "device_name": ['2\\.5"', "x{2,3}"]},
        True,
    ),
    (':filter:\n:device_name: ["2\\\\.5\\""]\n', {"filter": None, "device_name": ['2\\.5"']}, True),
    (
        ":filter:\n:device_name:\n  - Virtio.*(RNG|network)\n  - '\\[A10\\]'\n",
        {"filter": None, "device_name": ["Virtio.*(RNG|network)", "\\[A10\\]"]},
        True,
    ),
    (
        ":filter: '8086:*'\n:device_name: ['.']\n:short_address: ['07:10.0', '07:10.2', '05:00.0']\n",
        {
            "filter": "8086:*",
            "device_name": ["."],
            "short_address": ["07:10.0", "07:10.2", "05:00.0"],
        },
        True,
    ),
    (
        ":filter:\n:device_name: ['no such name']\n",
        {"filter": None, "device_name": ["no such name"]},
        True,
    ),
    (
        ":filter: '8086:*'\n:nvidia_vendors: ['10de', '8086']\n:unheard_of: {a: [1, 2]}\n",
        {"filter": "8086:*"},
        True,
    ),
]

# OpenNebula's probe has no hosts; if several match, the last one overrides each of its keys
GENERAL = ":filter: '10de:*'\n:short_address: ['08:00.0', '03:00.0']\n:hosts:\n"
HOSTS = [
    ("  other: {filter: '*:*'}\n", {}),
    ("  gpu-17: {filter: '*:*'}\n", {"filter": "*:*"}),
    ("  gpu-17.example.org: {filter: '8086:*'}\n", {"filter": "8086:*"}),
    ("  gpu-17.example: {filter: '8086:*'}\n", {}),
    ("  GPU-17: {filter: '8086:*'}\n", {"filter": "8086:*"}),
    ("  'gpu-*':\n    :filter: '8086:*'\n", {"filter": "8086:*"}),
    ("  'gpu-?': {filter: '8086:*'}\n", {}),
    ("  'gpu-??': {filter: '8086:*'}\n", {"filter": "8086:*"}),
    (
        "  'gpu-1[0-9]': {':filter': '8086:*', ':short_address': []}\n",
        {"filter": "8086:*", "short_address": []},
    ),
    ("  'gpu-1[!7]': {':filter': '8086:*'}\n", {}),
    ("  '*': {filter: null}\n", {"filter": None}),
    ("  '*': {short_address: null}\n", {"short_address": None}),
    (
        "  '*': {filter: '8086:*', short_address: []}\n  gpu-17: {filter: '::0302'}\n",
        {"filter": "::0302", "short_address": []},
    ),
    ("  gpu-17: {filter: '::0302'}\n  '*': {filter: '8086:*'}\n", {"filter": "8086:*"}),
    ("  gpu-17:\n", {}),
    (
        "  gpu-17: {filter: '*:*', device_name: ['A10']}\n",
        {"filter": "*:*", "device_name": ["A10"]},
    ),
    ("", {}),
]

# invalid configurations: must be reported, and must not select anything
INVALID = [
    ":filter: '10de\n",
    ":filter: [\n",
    ":filter:\n\t- '10de:*'\n",
    ":filter: *:*\n",
    ":filter: '8086'\n",
    ":filter: {a: b}\n",
    ":filter: [[a]]\n",
    ":filter: ['8086:*', {a: b}]\n",
    ":filter: ['8086:*', 'g:']\n",
    ":filter: '10000:'\n",
    ":short_address: ['03:00']\n",
    ":short_address: ['03:00.8']\n",
    ":short_address: ['03:20.0']\n",
    ":short_address: [{}]\n",
    ":device_name: ['(']\n",
    ":device_name: ['*']\n",
    ":nvidia_vendors: ['nvidia']\n",
    "- a\n- b\n",
    "just a text\n",
    ':filter: "\x01"\n',
    ":filter: '*:*'\n---\n:filter: '0:0'\n",
    ":filter: '*:*'\n:hosts: [a]\n",
    ":filter: '*:*'\n:hosts: {other: {filter: 'g:'}}\n",
    b"\xff\xfe\xff",
    b":filter: '\xff:*'\n",
]


class Selector:
    """OpenNebula's rules, with lspci as filter."""

    def __init__(self, machine):
        self.machine = machine
        self.by_filter = {}
        words = [shlex.split(line) for line in machine.lspci("-mmnn").splitlines()]
        # without -D lspci prints short addresses; 'Device' for devices without a name
        self.short = [line[0] for line in words]
        self.names = [line[3].rpartition(" [")[0] for line in words]
        self.addresses = machine.addresses()

    def filtered(self, text):
        if text not in self.by_filter:
            self.by_filter[text] = set(
                line.split()[0] for line in self.machine.lspci("-Dn", "-d", text).splitlines()
            )
        return self.by_filter[text]

    def passes_filter(self, address, meaning):
        rule = meaning.get("filter", "0:0")
        if rule is None:
            return True
        texts = [
            text.strip()
            for item in (rule if isinstance(rule, list) else [rule])
            for text in item.split(",")
        ]
        return any(address in self.filtered(text) for text in texts if text)

    def select(self, meaning):
        chosen = []
        for address, short, name in zip(self.addresses, self.short, self.names):
            wanted, expressions = meaning.get("short_address"), meaning.get("device_name")
            if (
                self.passes_filter(address, meaning)
                and (not wanted or short in wanted)
                and (
                    not expressions
                    or any(
                        re.search(expression, name, re.IGNORECASE | re.MULTILINE)
                        for expression in expressions
                    )
                )
            ):
                chosen.append(address)
        return chosen


def write_config(folder, text):
    path = os.path.join(folder, "pci.conf")
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def selected(machine, folder, text):
    path = write_config(folder, text)
    try:
        return machine.pciprobe(
            "-c", path, "-f", "raw", "-o", "address", "--no-headings"
        ).splitlines()
    except Failed as failure:
        return str(failure)


def compare(selector, folder, text, meaning):
    yield from same(selector.select(meaning), selected(selector.machine, folder, text), repr(text))


def compare_all(selector, folder, cases):
    for text, meaning in cases:
        yield from compare(selector, folder, text, meaning)


def read_with_ruby(texts):
    """Parses all strings in one process, because Ruby starts slowly."""
    done = run([RUBY, "-EUTF-8", "-e", RUBY_READ, json.dumps(texts)])
    if done.returncode != 0:
        raise RuntimeError("ruby: " + done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare_ruby(cases):
    """Ruby, which defines the format, reads the same values."""
    for (text, meaning), found in zip(cases, read_with_ruby([text for text, _ in cases])):
        found = {key.lstrip(":"): value for key, value in found.items()}
        for key, value in meaning.items():
            yield from same(value, found.get(key, "nothing"), "%r, %s" % (text, key))


def quote(draw, text):
    """Returns a string in a random YAML style; plain only where that is a string."""
    ways = ["'%s'" % text.replace("'", "''"), json.dumps(text)]
    if re.fullmatch(r"[0-9a-f][0-9a-fx*:.]*[0-9a-fx*]", text):
        ways.append(text)
    return draw.choice(ways)


def write_list(draw, texts):
    if not texts or draw.random() < 0.5:
        return " [" + ", ".join(quote(draw, text) for text in texts) + "]\n"
    return "\n" + "".join("  - %s\n" % quote(draw, text) for text in texts)


def draw_filter(draw, ids):
    """Returns a random filter. IDS: 'class: vendor:device' of the machine's devices."""
    klass, vendor, device = re.fullmatch("(....): (....):(....)", draw.choice(ids)).groups()
    return draw.choice(
        [
            vendor + ":" + device,
            vendor + ":*",
            vendor + ":",
            "*:" + device,
            ":" + device,
            "::" + klass,
            "::%sxx" % klass[:2],
            "*:*",
            "0:0",
            "%s::%s" % (vendor, klass),
        ]
    )


def draw_meaning(draw, selector, ids):
    filters = [draw_filter(draw, ids) for _ in range(draw.randrange(1, 4))]
    meaning = {"filter": draw.choice([filters, ",".join(filters), filters[0], None])}
    if draw.random() < 0.4:
        meaning["short_address"] = draw.sample(
            selector.short, min(len(selector.short), draw.randrange(8))
        )
    if draw.random() < 0.4:
        words = re.findall(r"\w+", " ".join(selector.names))
        meaning["device_name"] = [
            draw.choice(["", "^"]) + draw.choice([str.upper, str.lower, str])(draw.choice(words))
            for _ in range(draw.randrange(3))
        ]
    return meaning


def write_meaning(draw, meaning):
    text = ""
    for key in draw.sample(sorted(meaning), len(meaning)):
        value = meaning[key]
        text += draw.choice([":%s:", "%s:"]) % key
        if value is None:
            text += draw.choice(["", " null", " ~"]) + "\n"
        elif isinstance(value, list):
            text += write_list(draw, value)
        else:
            text += " %s\n" % quote(draw, value)
    return text


def generate(selector):
    draw = random.Random("%d %s" % (SEED, selector.machine.name))
    ids = [line.split(" ", 1)[1][:15] for line in selector.machine.lspci("-Dn").splitlines()]
    meanings = [draw_meaning(draw, selector, ids) for _ in range(GENERATED)]
    cases = [(write_meaning(draw, meaning), meaning) for meaning in meanings]
    if not any(selector.select(meaning) for _, meaning in cases):
        raise RuntimeError("%s: no configuration selects a device" % selector.machine.name)
    return cases


def check_invalid(machine, folder, text):
    path = write_config(folder, text)
    for arguments in (["-c", path], ["-c", path, "-f", "json"], ["-c", path, "-f", "opennebula"]):
        done = machine.run_pciprobe(*arguments)
        if done.returncode != 1 or done.stdout or path not in done.stderr:
            yield "%r, %s: exit status %d, %r on stdout, %r on stderr" % (
                text,
                arguments[2:],
                done.returncode,
                done.stdout[:200],
                done.stderr,
            )


def check_invalid_files(tap, machine, folder):
    for text in INVALID:
        tap.check("invalid: %a" % text, check_invalid, machine, folder, text)
    for name, path in (("no file", os.path.join(folder, "none")), ("a directory", folder)):
        done = machine.run_pciprobe("-c", path)
        found = (done.returncode, done.stdout, path in done.stderr)
        tap.result("invalid: " + name, same((1, "", True), found, "outcome"))


def check_hosts(tap, selector, folder):
    general = {"filter": "10de:*", "short_address": ["08:00.0", "03:00.0"]}
    for text, own in HOSTS:
        tap.check(
            "hosts: %a" % text, compare, selector, folder, GENERAL + text, dict(general, **own)
        )
    patterns = ["gpu-17", "gpu*", "*", "g?u-17", "x*", "gpu-18"]
    for pattern in patterns:
        fits = any(fnmatch.fnmatch(name, pattern) for name in (HOST, HOST.split(".")[0]))
        tap.check(
            "hosts: the glob %s" % pattern,
            compare,
            selector,
            folder,
            "filter: '0:0'\nhosts:\n  '%s':\n    filter: '*:*'\n" % pattern,
            {"filter": "*:*" if fits else "0:0"},
        )


def check_full_addresses(selector, folder):
    """Full addresses match, too, unlike in OpenNebula's probe."""
    yield from same(
        ["0000:03:00.0"],
        selected(selector.machine, folder, "filter:\nshort_address: ['0000:03:00.0']\n"),
        "a full address of domain 0",
    )


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="pciprobe-config-") as folder:
        tree = make_machine(os.path.join(folder, "made"))
        tree.hostname(HOST)
        selector = Selector(tree.machine)
        for text, meaning, _ in CASES:
            tap.check("made: %a" % text, compare, selector, folder, text, meaning)
        tap.check("made: a full address", check_full_addresses, selector, folder)
        check_hosts(tap, selector, folder)
        check_invalid_files(tap, tree.machine, folder)
        ruby_cases = [(text, meaning) for text, meaning, ruby in CASES if ruby]
        for machine in all_machines() + [tree.machine]:
            selector = Selector(machine)
            cases = generate(selector)
            tap.check(
                "%s: %d generated configurations" % (machine.name, len(cases)),
                compare_all,
                selector,
                folder,
                cases,
            )
        if RUBY:
            tap.check(
                "Ruby reads the same from %d spellings" % len(ruby_cases), compare_ruby, ruby_cases
            )
        else:
            tap.skip("Ruby is not installed")
    tap.done()


if __name__ == "__main__":
    main()
