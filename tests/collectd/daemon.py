# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs collectd with the plugin that was built. Its values are read through its socket, notifications and messages from its log.
PLUGIN, from the environment, is the plugin (pciprobe.so)."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

PLUGIN = os.environ.get("PLUGIN", "")
COLLECTD = shutil.which("collectd", path=os.environ.get("PATH", "") + ":/usr/sbin")
OTHERS = ("logfile", "unixsock")
WAIT = 20


def need_collectd():
    """Skips the test if collectd is not installed."""
    if not COLLECTD:
        print("1..0 # SKIP collectd is not installed")
        sys.exit(0)
    if not os.path.isfile(PLUGIN):
        print("Bail out! PLUGIN=%s is not a file" % PLUGIN)
        sys.exit(1)


def wait_for(description, condition, seconds=WAIT):
    """Waits until CONDITION returns a true value, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError("timed out after %d s: %s" % (seconds, description))
        time.sleep(0.02)


def plugin_directory():
    """The directory of collectd's own plugins."""
    text = subprocess.run([COLLECTD, "-h"], stdout=subprocess.PIPE, check=False).stdout.decode()
    return re.search(r"Plugin directory\s+(\S+)", text)[1]


class Daemon:
    """A collectd whose files are below FOLDER, with OPTIONS in the plugin's block. BEFORE is a command that runs it (valgrind).
    TIMEOUT: the number of intervals after which it forgets a value that is not renewed; ten seconds by default, because with
    collectd's own two intervals a busy machine loses values."""

    def __init__(self, folder, options, interval="0.1", before=(), timeout=100):
        self.folder = folder
        self.log = os.path.join(folder, "log")
        self.err = os.path.join(folder, "stderr")
        self.socket = os.path.join(folder, "socket")
        self._configure(options, interval, timeout)
        with open(self.err, "wb") as err:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [*before, COLLECTD, "-f", "-C", self._path("collectd.conf")],
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
                env=dict(os.environ, LC_ALL="C.UTF-8"),
            )
        try:
            wait_for(
                "the daemon has started: " + self.stderr(),
                lambda: "Initialization complete" in self.read_log()
                or self.process.poll() is not None,
                60,
            )
        except TimeoutError:
            self.kill()
            raise

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _configure(self, options, interval, timeout):
        plugins = self._path("plugins")
        os.makedirs(plugins)
        # collectd does not load plugins through symbolic links
        for name in OTHERS:
            shutil.copy(os.path.join(plugin_directory(), name + ".so"), plugins)
        shutil.copy(PLUGIN, os.path.join(plugins, "pciprobe.so"))
        with open(self._path("collectd.conf"), "w", encoding="utf-8") as file:
            file.write(
                """
Hostname "here"
BaseDir "%(folder)s"
PIDFile "%(folder)s/pid"
PluginDir "%(folder)s/plugins"
Interval %(interval)s
Timeout %(timeout)d
ReadThreads 1
WriteThreads 1
# On a busy machine a growing queue would look like a memory leak of the plugin.
WriteQueueLimitHigh 1000
WriteQueueLimitLow 1000
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "%(folder)s/log"
  PrintSeverity true
</Plugin>
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "%(socket)s"
  SocketGroup "root"
</Plugin>
# The values are read from the cache; there is no write plugin.
PostCacheChain "PostCache"
<Chain "PostCache">
  Target "stop"
</Chain>
LoadPlugin pciprobe
<Plugin pciprobe>
%(options)s
</Plugin>
"""
                % {
                    "folder": self.folder,
                    "interval": interval,
                    "timeout": timeout,
                    "socket": self.socket,
                    "options": options,
                }
            )

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def stderr(self):
        with open(self.err, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def notices(self):
        """Returns (severity, plugin instance, message) of each notification."""
        return re.findall(
            r"Notification: severity = (\w+), host = here, plugin = pciprobe, plugin_instance = (\S+), "
            r"type = pci_device, type_instance = \w+, message = (.*)",
            self.read_log(),
        )

    def wait_notice(self, *parts):
        """Waits for a notification that contains all PARTS, and returns it."""

        def find():
            return [
                notice
                for notice in self.notices()
                if all(part in " ".join(notice) for part in parts)
            ]

        return wait_for("a notification with %s" % (parts,), find)[0]

    def _connect(self):
        """Connects to its socket, which it creates after its start; returns None until then."""
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(self.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            client.close()
            return None
        client.settimeout(WAIT)
        return client

    def command(self, *lines):
        """Sends commands (collectd-unixsock(5)); returns a list of lines for each."""
        answers = []
        with wait_for("the daemon's socket", self._connect) as client:
            with client.makefile("rw", encoding="utf-8") as file:
                for line in lines:
                    file.write(line + "\n")
                    file.flush()
                    status = file.readline()
                    count = int(status.split()[0])
                    if count < 0:
                        raise KeyError("%s: %s" % (line, status))
                    answers.append([file.readline().rstrip("\n") for _ in range(count)])
        return answers

    def values(self):
        """Returns {(plugin instance, type-type instance): value}, of the current values."""
        names = [line.split(" ", 1)[1] for line in self.command("LISTVAL")[0]]
        names = [name for name in names if name.startswith("here/pciprobe-")]
        found = {}
        for name, answer in zip(names, self.command(*['GETVAL "%s"' % name for name in names])):
            instance, series = name[len("here/pciprobe-") :].split("/")
            found[instance, series] = float(answer[0].split("=")[1])
        return found

    def value(self, instance, series):
        """Returns one value, or None if it does not exist."""
        try:
            return float(
                self.command('GETVAL "here/pciprobe-%s/%s"' % (instance, series))[0][0].split("=")[
                    1
                ]
            )
        except KeyError:
            return None

    def wait_value(self, instance, series, expected):
        return wait_for(
            "%s/%s = %s" % (instance, series, expected),
            lambda: self.value(instance, series) == expected or None,
        )

    def descriptors(self):
        """The number of its open files."""
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def memory(self):
        """Its resident memory in KiB."""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def stop(self):
        """Terminates it by SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
