#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs each command in README.md and docs/ on the machine in examples/, as a reader would: it must
succeed, print something, and print the output shown below it. NOT_RUN lists the exceptions. Prints
TAP. With --update, writes the current output into the files, except output that is abridged ("...")
or edited ("broken for reading").

PCIPROBE and VFIO_BIND are the programs, SOURCES the top of the source tree."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

SOURCES = os.path.abspath(
    os.environ.get("SOURCES") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
)
PCIPROBE = os.path.abspath(
    shutil.which(os.environ.get("PCIPROBE") or "pciprobe")
    or sys.exit("Bail out! pciprobe not found")
)
VFIO_BIND = shutil.which(os.environ.get("VFIO_BIND") or "vfio-bind")
VFIO_BIND = VFIO_BIND and os.path.abspath(VFIO_BIND)
COLUMNS = 200  # nothing is truncated: libsmartcols versions differ in that
STATUS_USAGE = 2

# beginning of commands that are not run, and the reason
NOT_RUN = {
    "install": "installs; test-installations.sh runs it",
    "virsh": "needs a VM; tests/lab/test-owners-libvirt.sh runs it",
    "cd /etc/nova/nova.conf.d": "writes to /etc; test-installations.sh runs it",
    "device=$(pciprobe": "needs Proxmox; test-installations.sh runs it",
    "./setup": "installs packages and builds",
    "make": "installs; test-installations.sh runs it",
    "cp": "installs; test-installations.sh runs it",
    "onehost": "needs OpenNebula",
    "systemctl": "starts services; test-installations.sh runs it",
    "*": "is a crontab line; test-textfile.sh runs it",
    "pciprobe record DIR": "has a placeholder; test-program.sh runs it",
    "pciprobe verify libvirt": "needs libvirt; test-verify.py runs it",
    "pciprobe verify nova-db": "needs Nova; test-verify.py runs it",
    "pciprobe verify proxmox": "needs Proxmox; test-verify.py runs it",
    "pciprobe watch": "runs until it is ended; test-watch.py runs it",
    "pciprobe -f influx | curl": "writes to a server; test-influx.py runs one",
    "pciprobe request -f libvirt 10GE >device.xml": "needs a VM; test-installations.sh runs it",
    "vfio-bind check": "reads this host; tests/lab/test-binder-ready.sh runs it",
}
# output edited by hand: lines are broken for reading
EDITED = ("-f json", "-f prometheus |")
# commands that need optional tools
NEEDS = {"jq": "jq", "dot": "dot"}

WRAPPER = """#!/bin/sh
[ "$1" != check ] || exec '{program}' "$@" --sysroot host --config pci.conf
case " $* " in *" -c "* | *" verify "*) exec '{program}' --sysroot host "$@" ;; esac
exec '{program}' --sysroot host -c pci.conf "$@"
"""
BINDER = """#!/bin/sh
case $1 in bind | release | vfs) set -- "$@" --dry-run ;; esac
exec '{program}' "$@" --sysroot host
"""


class Command:
    """A command in a document, and the output lines shown below it, if any."""

    def __init__(self, path, line, text, shown=(), prompt=""):
        self.path = path
        self.line = line
        self.text = text.replace("\\|", "|")
        self.shown = shown
        self.prompt = prompt

    def reason(self):
        """Returns why it is not run, or None."""
        return next(
            (why for start, why in NOT_RUN.items() if (self.text + " ").startswith(start + " ")),
            None,
        )

    def missing(self):
        return next(
            (
                tool
                for tool in NEEDS
                if re.search(r"\b%s\b" % tool, self.text) and not shutil.which(tool)
            ),
            None,
        )


def fenced(path, number, block):
    """Yields the commands of a block: lines with '$ ' or, for root, '# ', followed by their
    output."""
    current = None
    for offset, line in enumerate(block):
        prompt = re.match(r"(\$|# (?=vfio-bind)) ?", line)
        if prompt:
            if current:
                yield current
            current = Command(path, number + offset, line[prompt.end() :], [], prompt[1][0])
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
                yield from fenced(path, start, block)
            block, start = ([], number + 1) if block is None else (None, 0)
        elif block is not None:
            block.append(line)
        elif re.match(
            r"    (pciprobe|vfio-bind|virsh|install|device=|cd|\./|make|cp|onehost|systemctl|\* )",
            line,
        ):
            yield Command(path, number, re.sub(r"\s+#.*", "", line.strip()))
        elif not line.startswith("|"):  # test-installations.sh runs those in the table
            yield from (
                Command(path, number, text) for text in re.findall(r"`(pciprobe [^`]*)`", line)
            )


def plain(text):
    """Returns TEXT without what differs between runs: white space, process ids, times."""
    text = re.sub(r'(\bprocess|\bpid|"pids":|"pid_starts":)([ =]*["\[]? *)\d+', r"\1\2N", text)
    text = re.sub(r'"time": "[^"]*"', '"time": "T"', text)
    text = re.sub(r"'time'=[0-9.]+s", "'time'=T", text)
    return re.sub(r"\s+", " ", text).strip()


def fails(command):
    """Returns whether the command should fail: the document shows an error or a difference, or no
    10GE is available."""
    return any(
        re.match(
            r"pciprobe: (?!warning: )|PCI (WARNING|CRITICAL|UNKNOWN) |\S+ is matched by|\S+: [a-z-]+: recorded: ",
            line,
        )
        for line in command.shown
    ) or bool(re.search("libvirt 10GE$|verify opennebula", command.text))


def run(command, folder):
    environment = dict(
        os.environ,
        PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"],
        NO_COLOR="1",
        LC_ALL="C.UTF-8",
    )
    argument = "set -o pipefail; " + command.text
    if re.search("[|>]", command.text):
        start = ["bash", "-c", argument]
    else:  # on a terminal, as a reader would
        start = [
            sys.executable,
            "-B",
            os.path.join(SOURCES, "tests/standalone/terminal.py"),
            str(COLUMNS),
            command.text,
        ]
    return subprocess.run(
        start,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=environment,
        timeout=60,
        check=False,
    )


def problems(command, folder):
    done = run(command, folder)
    output = done.stdout.decode("utf-8", "replace")
    if not output.strip() and ">" not in command.text:
        yield "no output"
    if command.prompt == "#":  # on a recording vfio-bind only runs with --dry-run
        if done.returncode == STATUS_USAGE or done.returncode > 125:
            yield "exit status %d: %s" % (done.returncode, output)
        return
    if (done.returncode != 0) != fails(command):
        yield "exit status %d: %s" % (done.returncode, output)
    text = plain(output)
    for line in command.shown:
        if plain(line) not in ("", "...") and plain(line) not in text:
            yield "not printed: %s" % line
            yield from ("printed: " + printed for printed in output.splitlines()[:20])
            return


def unpack(folder):
    examples = os.path.join(SOURCES, "examples")
    with tarfile.open(os.path.join(examples, "host.tar.xz")) as tar:
        # Newer tarfile versions can refuse to unpack outside of the directory.
        tar.extractall(folder, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
    for name in ("pci.conf", "expect.conf", "nova.conf", "onehost.xml"):
        shutil.copy(os.path.join(examples, name), folder)
    os.mkdir(os.path.join(folder, "bin"))
    for name, program, text in (("pciprobe", PCIPROBE, WRAPPER), ("vfio-bind", VFIO_BIND, BINDER)):
        path = os.path.join(folder, "bin", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.format(program=program))
        os.chmod(path, 0o755)


def update(path, folder):
    """Replaces the output shown below each command with its current output."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    # from the end, so that line numbers stay valid
    for command in reversed(list(commands(path))):
        if (
            command.prompt != "$"
            or "..." in command.shown
            or any(part in command.text for part in EDITED)
        ):
            continue
        printed = [
            line.rstrip()
            for line in run(command, folder).stdout.decode("utf-8", "replace").splitlines()
        ]
        blank = [""] if command.shown and not command.shown[-1] else []
        if plain(" ".join(printed)) != plain(" ".join(command.shown)):
            lines[command.line : command.line + len(command.shown)] = printed + blank
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def documents():
    docs = os.path.join(SOURCES, "docs")
    # the lab runs migration.md
    return [os.path.join(SOURCES, "README.md")] + [
        os.path.join(docs, name)
        for name in sorted(os.listdir(docs))
        if name.endswith(".md") and name != "migration.md"
    ]


def main():
    count = 0
    with tempfile.TemporaryDirectory(prefix="pciprobe-docs-") as folder:
        unpack(folder)
        if "--update" in sys.argv:
            for path in documents():
                update(path, folder)
        for command in (command for path in documents() for command in commands(path)):
            count += 1
            location = "%s:%d" % (os.path.relpath(command.path, SOURCES), command.line)
            name = "%d - %s: %s" % (count, location, command.text.replace("#", ""))
            if command.reason():
                print("ok %s (not run: it %s)" % (name, command.reason()))
            elif command.missing() or (command.prompt == "#" and not VFIO_BIND):
                print("ok %s # SKIP %s is not installed" % (name, command.missing() or "vfio-bind"))
            else:
                found = list(problems(command, folder))
                print("%s %s" % ("not ok" if found else "ok", name))
                for line in "\n".join(found).splitlines():
                    print("#   " + line)
            sys.stdout.flush()
    print("1..%d" % count)


if __name__ == "__main__":
    main()
