#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command in README.md, run against the machine in examples/ as a reader can run it: it must succeed, print something, and print
what the README shows. What isn't run is named below, with the reason. Prints TAP.

PCIPROBE and VFIO_BIND are the programs, SOURCES the top of the source tree."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

SOURCES = os.path.abspath(os.environ.get("SOURCES") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PCIPROBE = shutil.which(os.environ.get("PCIPROBE") or "pciprobe") or sys.exit("Bail out! there is no pciprobe")
VFIO_BIND = shutil.which(os.environ.get("VFIO_BIND") or "vfio-bind")
COLUMNS = 200 # so that nothing is cut, which releases of libsmartcols do differently
STATUS_USAGE = 2

# the first words of what isn't run, and why
NOT_RUN = {
    "./setup": "installs packages and builds",
    "make": "installs; test-installations.sh runs it",
    "cp": "installs; test-installations.sh runs it",
    "onehost": "is OpenNebula's",
    "systemctl": "starts services; test-installations.sh runs it",
    "*": "is a line for cron; test-textfile.sh runs it",
    "pciprobe record DIR": "has a placeholder; test-program.sh runs it",
    "pciprobe -f influx | curl": "writes to a server; test-influx.py runs one",
    "pciprobe request -f libvirt 10GE >card.xml": "needs a VM; test-installations.sh runs it",
}
# commands that need what a tester may not have
NEEDS = {"jq": "jq"}

WRAPPER = """#!/bin/sh
case " $* " in *" -c "* | *" verify "*) exec '{program}' --sysroot host "$@" ;; esac
exec '{program}' --sysroot host -c pci.conf "$@"
"""
BINDER = """#!/bin/sh
case $1 in bind | release | vfs) set -- "$@" --dry-run ;; esac
exec '{program}' "$@" --sysroot host
"""


class Command:
    """A command of the README, and the lines that it shows below it; none: it shows none."""

    def __init__(self, line, text, shown=(), prompt=""):
        self.line = line
        self.text = text.replace("\\|", "|")
        self.shown = shown
        self.prompt = prompt

    def reason(self):
        """Why it isn't run, or None."""
        return next((why for words, why in NOT_RUN.items() if (self.text + " ").startswith(words + " ")), None)

    def missing(self):
        return next((tool for tool in NEEDS if re.search(r"\b%s\b" % tool, self.text) and not shutil.which(tool)), None)


def fenced(number, block):
    """Commands begin with '$ ' or, for root, '# '; what they print stands below them."""
    current = None
    for offset, line in enumerate(block):
        prompt = re.match(r"(\$|# (?=vfio-bind)) ?", line)
        if prompt:
            if current:
                yield current
            current = Command(number + offset, line[prompt.end():], [], prompt[1][0])
        elif current:
            current.shown.append(line)
    if current:
        yield current


def commands(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    block = None
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            if block is not None:
                yield from fenced(start, block)
            block, start = ([], number + 1) if block is None else (None, 0)
        elif block is not None:
            block.append(line)
        elif re.match(r"    (pciprobe|vfio-bind|\./|make|cp|onehost|systemctl|\* )", line):
            yield Command(number, re.sub(r"\s+#.*", "", line.strip()))
        elif not line.startswith("|"): # the table's are test-installations.sh's
            yield from (Command(number, text) for text in re.findall(r"`(pciprobe [^`]*)`", line))


def plain(text):
    """Without what differs from run to run: white space, process ids, times."""
    text = re.sub(r'(\bprocess|\bpid|"pids":|"pid_starts":)([ =]*["\[]? *)\d+', r"\1\2N", text)
    text = re.sub(r'"time": "[^"]*"', '"time": "T"', text)
    return re.sub(r"\s+", " ", text).strip()


def fails(command):
    """Whether the README shows or says that it does. Of the machine's two 10GE one is a VM's and one the host's."""
    return any(re.match(r"pciprobe: |\S+ is taken twice", line) for line in command.shown) or command.text.endswith("libvirt 10GE")


def run(command, folder):
    environment = dict(os.environ, PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"], NO_COLOR="1", LC_ALL="C.UTF-8")
    argument = "set -o pipefail; " + command.text
    if re.search("[|>]", command.text):
        start = ["bash", "-c", argument]
    else: # at a terminal, as a reader does
        start = [sys.executable, "-B", os.path.join(SOURCES, "tests/standalone/terminal.py"), str(COLUMNS), command.text]
    return subprocess.run(start, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
                          env=environment, timeout=60, check=False)


def problems(command, folder):
    done = run(command, folder)
    output = done.stdout.decode("utf-8", "replace")
    if not output.strip():
        yield "it prints nothing"
    if command.prompt == "#": # of a recording vfio-bind shows only what it would do
        if done.returncode == STATUS_USAGE or done.returncode > 125:
            yield "exit status %d: %s" % (done.returncode, output)
        return
    if (done.returncode != 0) != fails(command):
        yield "exit status %d: %s" % (done.returncode, output)
    text = plain(output)
    for line in command.shown:
        if plain(line) not in ("", "...") and plain(line) not in text:
            yield "it doesn't print: %s" % line
            yield from ("it prints: " + printed for printed in output.splitlines()[:20])
            return


def unpack(folder):
    examples = os.path.join(SOURCES, "examples")
    with tarfile.open(os.path.join(examples, "host.tar.xz")) as tar:
        # Where tarfile can, it holds what it unpacks inside the directory.
        tar.extractall(folder, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
    for name in ("pci.conf", "nova.conf"):
        shutil.copy(os.path.join(examples, name), folder)
    os.mkdir(os.path.join(folder, "bin"))
    for name, program, text in (("pciprobe", PCIPROBE, WRAPPER), ("vfio-bind", VFIO_BIND, BINDER)):
        path = os.path.join(folder, "bin", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.format(program=program))
        os.chmod(path, 0o755)


def main():
    count = 0
    with tempfile.TemporaryDirectory(prefix="pciprobe-readme-") as folder:
        unpack(folder)
        for command in commands(os.path.join(SOURCES, "README.md")):
            count += 1
            name = "%d - line %d: %s" % (count, command.line, command.text.replace("#", ""))
            if command.reason():
                print("ok %s (not run: it %s)" % (name, command.reason()))
            elif command.missing() or (command.prompt == "#" and not VFIO_BIND):
                print("ok %s # SKIP %s is not here" % (name, command.missing() or "vfio-bind"))
            else:
                found = list(problems(command, folder))
                print("%s %s" % ("not ok" if found else "ok", name))
                for line in "\n".join(found).splitlines():
                    print("#   " + line)
            sys.stdout.flush()
    print("1..%d" % count)


if __name__ == "__main__":
    main()
