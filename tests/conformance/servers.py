# SPDX-License-Identifier: GPL-2.0-or-later
"""Daemons that read pciprobe's output: the distribution's programs, started for one test with
their own ports and directory, and stopped after it."""
import json
import os
import pwd
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

WAIT = 60
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def find(program):
    """Returns the path of a program, or None."""
    return shutil.which(program, path=PATH)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, function, seconds=WAIT):
    """Waits until FUNCTION returns a true value, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = function()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError("%s: timeout after %d s" % (what, seconds))
        time.sleep(0.1)


def fetch(url, data=None, timeout=10):
    """Returns the response body, or None if the server is not ready."""
    try:
        with urllib.request.urlopen(url, data, timeout=timeout) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 503:  # still starting
            return None
        raise RuntimeError(
            "%s: %s: %s" % (url, error, error.read().decode(errors="replace")[:500])
        ) from error
    except OSError:
        return None


class Server:
    """A daemon in the foreground; a context manager. Its log is FOLDER/NAME.log."""

    def __init__(self, name, folder, command, environment=None):
        self.log = os.path.join(folder, name + ".log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=dict(os.environ, LC_ALL="C.UTF-8", **(environment or {})),
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait(self, what, function, seconds=WAIT):
        def check():
            if self.process.poll() is not None:
                raise RuntimeError("%s: exited:\n%s" % (self.log, self.read_log()[-2000:]))
            return function()

        try:
            return wait_for(what, check, seconds)
        except TimeoutError as error:
            raise TimeoutError("%s\n%s" % (error, self.read_log()[-2000:])) from error

    def status(self, name):
        """Returns a line of /proc/PID/status in bytes."""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("no %s" % name)

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()


class Collectd(Server):
    """CONFIG is appended to the general part of its configuration."""

    def __init__(self, folder, config, interval=1, environment=None):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "collectd.conf")
        with open(path, "w", encoding="utf-8") as file:
            # collectd exits if a minimal system cannot resolve its own name
            file.write(
                'FQDNLookup false\nBaseDir "%s"\nPIDFile "%s/pid"\nInterval %s\nTypesDB "/usr/share/collectd/types.db"\n'
                "LoadPlugin logfile\n<Plugin logfile>\nLogLevel info\nFile stderr\nTimestamp false\n</Plugin>\n%s\n"
                % (folder, folder, interval, config)
            )
        super().__init__("collectd", folder, [find("collectd"), "-f", "-C", path], environment)


def exec_user():
    """Returns a user for collectd's exec plugin, which refuses root."""
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


class CollectdSocket:
    """A connection to collectd's unixsock plugin."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def ask(self, line):
        """Returns the lines of the response; the first one is a number and a message."""
        self.file.write(os.fsencode(line) + b"\n")
        self.file.flush()
        first = self.file.readline().decode("utf-8", "surrogateescape").rstrip("\n")
        count = int(first.split(" ", 1)[0])
        return [first] + [
            self.file.readline().decode("utf-8", "surrogateescape").rstrip("\n")
            for _ in range(max(count, 0))
        ]


class NodeExporter(Server):
    """Only with the textfile collector, reading FOLDER/textfile."""

    def __init__(self, folder):
        self.files = os.path.join(folder, "textfile")
        self.port = free_port()
        os.makedirs(self.files, exist_ok=True)
        super().__init__(
            "node_exporter",
            folder,
            [
                find("prometheus-node-exporter"),
                "--web.listen-address=127.0.0.1:%d" % self.port,
                "--collector.disable-defaults",
                "--collector.textfile",
                "--collector.textfile.directory=" + self.files,
            ],
        )

    def put(self, name, text):
        """Writes a temporary file and renames it, as documented."""
        path = os.path.join(self.files, name)
        with open(path + ".tmp", "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        os.rename(path + ".tmp", path)

    def metrics(self):
        return self.wait("metrics", lambda: fetch("http://127.0.0.1:%d/metrics" % self.port))


class Prometheus(Server):
    """Scrapes TARGETS, {job: [(address, {label: value})]}, every second; the job "collectd" as in
    README.md."""

    patience = WAIT  # seconds for an answer

    def __init__(self, folder, targets, rules=(), alertmanager=None):
        self.url = "http://127.0.0.1:%d" % free_port()
        self.alertmanager = alertmanager
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.configure(targets, rules), file)  # JSON is YAML as well
        super().__init__(
            "prometheus",
            folder,
            [
                find("prometheus"),
                "--config.file=" + path,
                "--storage.tsdb.path=" + os.path.join(folder, "data"),
                "--web.listen-address=" + self.url[len("http://") :],
                "--web.enable-admin-api",
                "--log.level=warn",
            ],
        )

    def configure(self, targets, rules):
        """Returns the configuration as an object."""
        return {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": list(rules),
            "alerting": self.alertmanager.receiver() if self.alertmanager else {},
            "scrape_configs": [
                {
                    "job_name": job,
                    "honor_labels": job == "collectd",
                    "honor_timestamps": job != "collectd",
                    "static_configs": [
                        {"targets": [address], "labels": labels} for address, labels in hosts
                    ],
                }
                for job, hosts in targets.items()
            ],
        }

    def ask(self, path, **arguments):
        """Returns the data of an API response; raises for an invalid query."""
        answer = self.wait(
            path,
            lambda: fetch(
                "%s/api/v1/%s?%s" % (self.url, path, urllib.parse.urlencode(arguments)),
                timeout=self.patience,
            ),
            self.patience,
        )
        return json.loads(answer)["data"]

    def query(self, expression, **arguments):
        """Returns [(labels, value)]; scalars have no labels."""
        data = self.ask("query", query=expression, **arguments)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]


class Alertmanager(Server):
    def __init__(self, folder):
        self.address = "127.0.0.1:%d" % free_port()
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}, file)
        super().__init__(
            "alertmanager",
            folder,
            [
                find("prometheus-alertmanager"),
                "--config.file=" + path,
                "--storage.path=" + os.path.join(folder, "data"),
                "--web.listen-address=" + self.address,
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
        )

    def receiver(self):
        """Returns Prometheus's configuration to send its alerts here."""
        return {"alertmanagers": [{"static_configs": [{"targets": [self.address]}]}]}

    def alerts(self):
        """Returns [(labels, annotations)] of the active alerts."""
        url = "http://%s/api/v2/alerts?active=true" % self.address
        answer = self.wait("its alerts", lambda: fetch(url))
        return [(alert["labels"], alert["annotations"]) for alert in json.loads(answer)]


class Influx(Server):
    def __init__(self, folder):
        self.url = "http://127.0.0.1:%d" % free_port()
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "influxdb.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                'reporting-disabled = true\nbind-address = "127.0.0.1:%d"\n[meta]\ndir = "%s/meta"\n'
                '[data]\ndir = "%s/data"\nwal-dir = "%s/wal"\n[http]\nbind-address = "%s"\nlog-enabled = false\n'
                "[monitor]\nstore-enabled = false\n"
                % (free_port(), folder, folder, folder, self.url[len("http://") :])
            )
        super().__init__("influxd", folder, [find("influxd"), "-config", path])

    def write(self, database, text):
        """Writes lines into a new database; raises for an invalid line."""
        query = urllib.parse.urlencode({"q": "CREATE DATABASE " + database}).encode()
        self.wait("HTTP API", lambda: fetch(self.url + "/query", query))
        fetch("%s/write?db=%s" % (self.url, database), text.encode("utf-8", "surrogateescape"))

    def rows(self, database):
        """Returns {measurement: rows}; a row is a dict of its non-empty tags and fields."""
        query = urllib.parse.urlencode({"db": database, "epoch": "ns", "q": "SELECT * FROM /.*/"})
        answer = json.loads(fetch(self.url + "/query?" + query))
        return {
            series["name"]: [
                {name: value for name, value in zip(series["columns"], row) if value is not None}
                for row in series["values"]
            ]
            for series in answer["results"][0].get("series", [])
        }
