# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines for the conformance tests, the two programs compared on them, and TAP output.

PCIPROBE is the program under test, MACHINES a directory of recorded machines, one per subdirectory.
Without MACHINES, the tests use the host itself and trees that they create.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile

SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
PCIPROBE = os.environ.get("PCIPROBE") or shutil.which("pciprobe") or "pciprobe"
LSPCI = shutil.which("lspci", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin:/sbin")
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
TIMEOUT = 120
DIAGNOSTICS_MAX = 12


class Failed(Exception):
    """The program under test failed: reported as 'not ok', unlike errors of the test itself."""


def run(command):
    """Runs COMMAND. Its output is decoded with invalid UTF-8 as surrogates and unchanged line
    ends."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=TIMEOUT,
        check=False,
    )
    done.stdout = done.stdout.decode("utf-8", "surrogateescape")
    done.stderr = done.stderr.decode("utf-8", "surrogateescape")
    return done


def unique(pairs):
    """For json: rejects duplicate keys, which Python's parser would silently accept."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate key in object: %s" % [key for key, _ in pairs])
    return document


def same(expected, found, what):
    """Returns a list with one problem, or an empty list if both are equal."""
    return [] if expected == found else ["%s: expected %r, found %r" % (what, expected, found)]


class Machine:
    """The host's sysfs (root None) or a tree that looks like one."""

    def __init__(self, name, root=None):
        self.name = name
        self.root = root
        self._devices = None

    def path(self, *parts):
        return os.path.join(self.root or "/", *parts)

    def device_path(self, address, *parts):
        return self.path("sys/bus/pci/devices", address, *parts)

    def run_pciprobe(self, *arguments):
        root = ["--sysroot", self.root] if self.root else []
        return run([PCIPROBE, *arguments, *root])

    def pciprobe(self, *arguments):
        """Returns the output of a run that must succeed."""
        done = self.run_pciprobe(*arguments)
        if done.returncode != 0:
            raise Failed(
                "pciprobe %s: exit status %d: %s"
                % (shlex.join(arguments), done.returncode, done.stderr)
            )
        return done.stdout

    def json(self, *arguments):
        text = self.pciprobe(*arguments, "-f", "json")
        try:
            text.encode()  # fails for surrogates, i.e. invalid UTF-8
            return json.loads(text, object_pairs_hook=unique)
        except ValueError as error:
            raise Failed(
                "pciprobe %s: not JSON in UTF-8: %s" % (shlex.join(arguments), error)
            ) from error

    def devices(self):
        """Returns all devices (cached)."""
        if self._devices is None:
            self._devices = self.json("-a")["devices"]
        return self._devices

    def rules(self):
        """Returns the options to use its configuration, or if it has none, all devices."""
        return (
            ["-c", self.path("pci.conf")]
            if self.root and os.path.exists(self.path("pci.conf"))
            else ["-a"]
        )

    def run_lspci(self, *arguments):
        root = (
            ["-O", "sysfs.path=" + self.path("sys/bus/pci"), "-O", "hwdb.disable=1"]
            if self.root
            else []
        )
        return run([LSPCI, *root, *arguments])

    def lspci(self, *arguments):
        done = self.run_lspci(*arguments)
        if done.returncode != 0:
            raise RuntimeError("lspci %s: %s" % (shlex.join(arguments), done.stderr))
        return done.stdout

    def addresses(self):
        """Returns the devices' addresses in lspci's order."""
        return [line.split()[0] for line in self.lspci("-Dn").splitlines()]

    def read(self, address, name):
        """Returns the contents of an attribute without trailing white space, or None."""
        try:
            with open(
                self.device_path(address, name), encoding="utf-8", errors="surrogateescape"
            ) as file:
                return file.read().rstrip()
        except OSError:
            return None

    def link(self, address, name):
        """Returns the last component of a link's target, or None."""
        try:
            return os.path.basename(os.readlink(self.device_path(address, name)))
        except OSError:
            return None

    def entries(self, address, name):
        try:
            return sorted(os.listdir(self.device_path(address, name)))
        except OSError:
            return []


class MountedMachine(Machine):
    """A tree mounted over the host's /sys, because only the host has names from udev's hwdb."""

    def __init__(self, name, tree):
        super().__init__(name)
        self.tree = tree

    def path(self, *parts):
        return os.path.join(self.tree, *parts)

    def _run(self, *command):
        return run(
            [
                "unshare",
                "-m",
                "sh",
                "-c",
                'mount --bind "$0" /sys && exec "$@"',
                self.path("sys"),
                *command,
            ]
        )

    def can_be_mounted(self):
        return shutil.which("unshare") and self._run("true").returncode == 0

    def run_pciprobe(self, *arguments):
        return self._run(PCIPROBE, *arguments)

    def run_lspci(self, *arguments):
        return self._run(LSPCI, *arguments)


def recorded_machines():
    folder = os.environ.get("MACHINES")
    if not folder:
        return []
    found = [
        Machine(name, os.path.join(os.path.abspath(folder), name))
        for name in sorted(os.listdir(folder))
        if os.path.isdir(os.path.join(folder, name, "sys/bus/pci/devices"))
    ]
    if not found:
        raise RuntimeError("MACHINES=%s contains no machine" % folder)
    return found


def unpacked_recordings(folder):
    """Unpacks the machines of tests/recordings into FOLDER."""
    recordings = os.path.join(SOURCES, "tests/recordings")
    for archive in sorted(name for name in os.listdir(recordings) if name.endswith(".tar.xz")):
        name = archive[: -len(".tar.xz")]
        with tarfile.open(os.path.join(recordings, archive)) as tar:
            # Newer tarfile versions can refuse to unpack outside of the directory.
            tar.extractall(folder, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
        yield Machine("recording " + name, os.path.join(folder, name, "root"))


def all_machines():
    """Returns the host, if it has PCI, and the recorded machines."""
    host = [Machine("host")] if os.path.isdir("/sys/bus/pci/devices") else []
    return host + recorded_machines()


class Tap:
    """Test Anything Protocol: a line per check, the plan at the end."""

    def __init__(self, needs_lspci=True):
        self.count = 0
        if needs_lspci and not LSPCI:
            print("1..0 # SKIP lspci is not installed")
            sys.exit(0)
        if not shutil.which(PCIPROBE):
            print("Bail out! PCIPROBE=%s is not a program" % PCIPROBE)
            sys.exit(1)

    def result(self, name, problems):
        """Prints the result: failed if there are PROBLEMS (strings)."""
        self.count += 1
        problems = list(problems)
        print("%s %d - %s" % ("not ok" if problems else "ok", self.count, name.replace("#", "")))
        for problem in problems[:DIAGNOSTICS_MAX]:
            for line in str(problem).encode("utf-8", "backslashreplace").decode().splitlines():
                print("#   " + line)
        if len(problems) > DIAGNOSTICS_MAX:
            print("#   and %d more" % (len(problems) - DIAGNOSTICS_MAX))
        sys.stdout.flush()

    def check(self, name, function, *arguments):
        """FUNCTION returns or yields problems; Failed and timeouts are problems, too."""
        try:
            problems = list(function(*arguments))
        except Failed as failure:
            problems = [failure]
        except (subprocess.TimeoutExpired, TimeoutError) as failure:
            problems = [failure]
        self.result(name, problems)

    def skip(self, reason):
        self.count += 1
        print("ok %d # SKIP %s" % (self.count, reason))

    def needs(self, **programs):
        """Skips the test unless all PROGRAMS, {name: path or None}, are installed."""
        missing = [name.replace("_", "-") for name, path in programs.items() if not path]
        if missing:
            print("1..0 # SKIP not installed: " + " ".join(missing))
            sys.exit(0)

    def done(self, wants_machines=True):
        if wants_machines and not os.environ.get("MACHINES"):
            self.skip("recorded machines: MACHINES is not set")
        print("1..%d" % self.count)
