#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""'verify nova --release' judges files as the code of that release of Nova does: which devices each
device_spec and alias matches, and which files are rejected. Nova's answers are in novavectors.json,
which novavectors.py made from its sources; Nova itself is not needed here.
"""
import functools
import json
import os
import re
import subprocess
import tempfile

from machines import Tap, PCIPROBE
from novavectors import PCI_CONF, SOURCES, WRITTEN, make_machine

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "novavectors.json")
LINE = re.compile(
    r".*?:\d+(?: \(item \d+\))?: (?:device_spec|alias (?P<alias>.*?)) matches(?P<none> no device of "
    r"this host)?"
)


@functools.lru_cache(maxsize=None)
def first_like(root, release):
    """The first of the releases that pciprobe judges by the same rules, by its own words."""
    text = verify(root, os.devnull, release).stdout
    return re.match(r"Checked by the rules of Nova (\S+) ", text)[1]


@functools.lru_cache(maxsize=None)
def verify_text(root, directory, text, release):
    """Judges TEXT by a release, whose verdict is that of all with the same rules."""
    path = os.path.join(directory, "nova.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return verify(root, path, release)


def verify(root, path, release):
    return subprocess.run(
        [PCIPROBE, "--sysroot", root, "verify", "nova", path, "--release", release],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def read_verdict(output):
    verdict = {"specs": [], "aliases": []}
    for line in output.splitlines():
        found = LINE.fullmatch(line)
        if found:
            devices = []
            verdict["specs" if found["alias"] is None else "aliases"].append(devices)
        elif line.startswith("    "):
            devices.append(line.split()[0])
    return verdict


def ordered(verdict):
    """The order of aliases is that of their names in Nova."""
    return verdict["specs"], sorted(verdict["aliases"])


def compare(done, wanted):
    logged = re.search(r"^pciprobe: (?!warning)", done.stderr, re.MULTILINE)
    if "rejected" in wanted:
        if logged and done.returncode == 1:
            return []
        return ["Nova rejects it (%s)" % wanted["rejected"]]
    found = read_verdict(done.stdout)
    if logged or ordered(found) != ordered(wanted):
        return ["Nova: %s\npciprobe: %s%s" % (wanted, found, done.stderr)]
    return []


def problems(root, directory, release, vectors):
    rejected = 0
    for vector in vectors:
        wanted = next(
            group["verdict"] for group in vector["verdicts"] if release in group["releases"]
        )
        rejected += "rejected" in wanted
        done = verify_text(root, directory, vector["conf"], first_like(root, release))
        yield from ("%s\n%s" % (vector["conf"], problem) for problem in compare(done, wanted))
    if not 10 <= rejected <= len(vectors) - 10:
        yield "%d of %d files are rejected: too few or too many" % (rejected, len(vectors))


def release_problems(_):
    """The releases that pciprobe knows are those of the vectors."""
    done = subprocess.run([PCIPROBE, "--release", "help"], stdout=subprocess.PIPE, text=True)
    known = [line.split()[0] for line in done.stdout.splitlines()]
    if known != list(SOURCES):
        yield "pciprobe knows %s, not %s" % (known, list(SOURCES))


def written_problems(root, directory, release, vectors):
    """The format nova writes WRITTEN, with which Nova assigns the devices of each alias."""
    config = os.path.join(directory, "pci.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(PCI_CONF)
    command = [PCIPROBE, "--sysroot", root, "-c", config, "-f", "nova", "--release", release]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    if done.stdout != WRITTEN[release]:
        yield "written: %s" % done.stdout
    vector = next(vector for vector in vectors if vector["conf"] == WRITTEN[release])
    verdict = next(group["verdict"] for group in vector["verdicts"] if release in group["releases"])
    vfs, fixed, both = (
        ["0000:81:00.2", "0000:81:00.3"],
        ["0000:82:10.0", "0000:82:10.4"],
        ["0000:c1:00.0", "0000:c2:00.0"],
    )
    if verdict.get("aliases") != [vfs, both, fixed, both]:
        yield "aliases in Nova: %s" % verdict
    if sorted(sum(verdict.get("specs", []), [])) != vfs + fixed + both:
        yield "specs in Nova: %s" % verdict
    path = os.path.join(directory, "nova.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(done.stdout)
    checked = verify(root, path, release)
    if checked.returncode or checked.stderr:
        yield "verify: %s%s" % (checked.stdout, checked.stderr)


def main():
    tap = Tap(needs_lspci=False)
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    with tempfile.TemporaryDirectory() as directory:
        root = os.path.join(directory, "machine")
        make_machine(root)
        tap.check("pciprobe knows the releases of the vectors", release_problems, None)
        for release in SOURCES:
            tap.check(
                "pciprobe judges %d files as Nova %s does" % (len(vectors), release),
                problems,
                root,
                directory,
                release,
                vectors,
            )
        for release in WRITTEN:
            tap.check(
                "Nova %s assigns the devices of the aliases that the format nova writes" % release,
                written_problems,
                root,
                directory,
                release,
                vectors,
            )
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
