#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Imports the template into Zabbix's real server and goes from faults of a host to its problems and
back. Prints TAP. Not one of the tests that run by themselves, because it needs a database, PHP and
minutes: run it as root on a machine (a chroot is enough) with the Debian packages

  postgresql zabbix-server-pgsql zabbix-frontend-php php-cli php-pgsql php-mbstring php-gd php-xml
  php-bcmath php-curl zabbix-agent python3-yaml

after each change of the template. It uses ports and directories of its own.
"""
import glob
import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

import servers
from machines import SOURCES, Machine, Tap, same
from tree import Tree

FRONTEND = "/usr/share/zabbix"
SCHEMA = "/usr/share/zabbix-server-pgsql"
TEMPLATE = "PCI devices by pciprobe"
DEVICE = "0000:01:00.0"  # of the machine in examples/, held by the VM one-42

CONFIG = """<?php
$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => '127.0.0.1', 'PORT' => '%d', 'DATABASE' => 'zabbix',
       'USER' => 'postgres', 'PASSWORD' => '', 'SCHEMA' => '', 'ENCRYPTION' => false,
       'KEY_FILE' => '', 'CERT_FILE' => '', 'CA_FILE' => '', 'VERIFY_HOST' => false,
       'CIPHER_LIST' => '', 'VAULT' => '', 'VAULT_URL' => '', 'VAULT_DB_PATH' => '',
       'VAULT_TOKEN' => '', 'DOUBLE_IEEE754' => true];
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = '%d';
$ZBX_SERVER_NAME = 'test';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
"""


def load_tests():
    """test-zabbix.py has the agent."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "test-zabbix.py")
    spec = importlib.util.spec_from_file_location("testzabbix", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


testzabbix = load_tests()


class Postgres(servers.Server):
    def __init__(self, folder):
        self.programs = max(glob.glob("/usr/lib/postgresql/*/bin"))
        self.port = servers.free_port()
        self.data = os.path.join(folder, "db")
        os.chmod(folder, 0o755)
        os.mkdir(self.data)
        shutil.chown(self.data, "postgres", "postgres")
        self.as_postgres("initdb", "-D", self.data, "-A", "trust", "-E", "UTF8")
        command = [os.path.join(self.programs, "postgres"), "-D", self.data, "-p", str(self.port)]
        command += ["-k", self.data, "-h", "127.0.0.1", "-F"]
        super().__init__("postgres", folder, ["runuser", "-u", "postgres", "--"] + command)
        self.wait("PostgreSQL", self.is_ready)
        self.psql("postgres", b"create database zabbix")
        for name in ("schema", "images", "data"):
            with gzip.open(os.path.join(SCHEMA, name + ".sql.gz")) as file:
                self.psql("zabbix", file.read())

    def as_postgres(self, program, *arguments):
        command = ["runuser", "-u", "postgres", "--", os.path.join(self.programs, program)]
        subprocess.run(command + list(arguments), check=True, stdout=subprocess.DEVNULL, cwd="/")

    def is_ready(self):
        done = subprocess.run(
            [os.path.join(self.programs, "pg_isready"), "-q", "-h", "127.0.0.1"]
            + ["-p", str(self.port)],
            check=False,
        )
        return done.returncode == 0

    def psql(self, database, text):
        command = [os.path.join(self.programs, "psql"), "-q", "-h", "127.0.0.1", "-U", "postgres"]
        command += ["-p", str(self.port), "-v", "ON_ERROR_STOP=1", database]
        subprocess.run(command, input=text, check=True, stdout=subprocess.DEVNULL)


class Frontend(servers.Server):
    """The frontend's API."""

    def __init__(self, folder, database, server_port):
        pages = os.path.join(folder, "pages")
        shutil.copytree(FRONTEND, pages, symlinks=False, ignore_dangling_symlinks=True)
        config = os.path.join(folder, "zabbix.conf.php")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG % (database.port, server_port))
        # Debian's is in /etc
        code = os.path.join(pages, "include/classes/core/CConfigFile.php")
        with open(code, encoding="utf-8") as file:
            text = file.read().replace("'/etc/zabbix/zabbix.conf.php'", "'%s'" % config)
        with open(code, "w", encoding="utf-8") as file:
            file.write(text)
        self.port = servers.free_port()
        self.token = None
        settings = "max_execution_time=300 memory_limit=512M post_max_size=16M date.timezone=UTC"
        command = [servers.find("php"), "-S", "127.0.0.1:%d" % self.port, "-t", pages]
        for setting in settings.split():
            command += ["-d", setting]
        super().__init__("frontend", folder, command)
        self.version = self.wait("the frontend", self.read_version)
        self.token = self.call("user.login", username="Admin", password="zabbix")

    def read_version(self):
        try:
            return self.call("apiinfo.version")
        except OSError:
            return None

    def call(self, method, *items, **parameters):
        """ITEMS or PARAMETERS are those of the method."""
        body = {"jsonrpc": "2.0", "method": method, "params": parameters or list(items), "id": 1}
        headers = {"Content-Type": "application/json-rpc"}
        if self.token and self.version.startswith("6.0"):
            body["auth"] = self.token
        elif self.token:
            headers["Authorization"] = "Bearer " + self.token
        url = "http://127.0.0.1:%d/api_jsonrpc.php" % self.port
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=300) as answer:
            document = json.load(answer)
        if "error" in document:
            raise RuntimeError("%s: %s" % (method, document["error"]))
        return document["result"]


def start_server(folder, database, port):
    config = os.path.join(folder, "server.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(
            "LogType=console\nPidFile=%s/server.pid\nSocketDir=%s\nDBHost=127.0.0.1\nDBPort=%d\n"
            "DBName=zabbix\nDBUser=postgres\nListenIP=127.0.0.1\nListenPort=%d\nTimeout=20\n"
            "AllowRoot=1\nCacheUpdateFrequency=5\n" % (folder, folder, database.port, port)
        )
    return servers.Server("server", folder, [servers.find("zabbix_server"), "-f", "-c", config])


class Host:
    """The host in the server's view."""

    def __init__(self, frontend, agent):
        self.frontend = frontend
        self.template = frontend.call("template.get", filter={"host": TEMPLATE})[0]["templateid"]
        for kind, key, delay in (("item", "json", "5s"), ("discoveryrule", "lld", "10s")):
            found = frontend.call(
                kind + ".get", templateids=self.template, filter={"key_": "pciprobe." + key}
            )
            frontend.call(kind + ".update", itemid=found[0]["itemid"], delay=delay)
        group = frontend.call("hostgroup.get", filter={"name": "Linux servers"})[0]["groupid"]
        interface = {"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": ""}
        self.id = frontend.call(
            "host.create",
            host="host1",
            groups=[{"groupid": group}],
            templates=[{"templateid": self.template}],
            interfaces=[dict(interface, port=str(agent.port))],
        )["hostids"][0]

    def shorten_trigger(self, name, old, new):
        """Replaces a period in the expression of a trigger prototype of the template."""
        found = self.frontend.call(
            "triggerprototype.get",
            templateids=self.template,
            search={"description": name},
            expandExpression=True,
        )[0]
        self.frontend.call(
            "triggerprototype.update",
            triggerid=found["triggerid"],
            expression=found["expression"].replace(old, new),
        )

    def item(self, key):
        output = ["lastvalue", "state", "error"]
        found = self.frontend.call(
            "item.get", hostids=self.id, filter={"key_": "pciprobe." + key}, output=output
        )
        return found[0] if found else {"lastvalue": None, "state": None, "error": ""}

    def value(self, key):
        return self.item(key)["lastvalue"]

    def problems(self):
        return sorted(
            problem["name"] for problem in self.frontend.call("problem.get", hostids=self.id)
        )

    def wait_for_problem(self, text, wanted=True):
        """Yields an error if no problem with TEXT appears (or all of them end, if not WANTED)."""
        end = time.monotonic() + 180
        while any(text in name for name in self.problems()) != wanted:
            if time.monotonic() > end:
                yield "%s: %s" % (text, self.problems())
                return
            time.sleep(1)

    def wait_for_value(self, key, expected):
        end = time.monotonic() + 180
        while self.value(key) != expected and time.monotonic() < end:
            time.sleep(1)
        yield from same(expected, self.value(key), key)


def check_import(frontend):
    """Twice, because the second import updates what the first one has created."""
    groups = "groups" if frontend.version.startswith("6.0") else "template_groups"
    kinds = ("templates", "items", "triggers", "discoveryRules", groups)
    with open(os.path.join(testzabbix.FOLDER, "template_pciprobe.yaml"), encoding="utf-8") as file:
        text = file.read()
    for _ in range(2):
        done = frontend.call(
            "configuration.import",
            format="yaml",
            source=text,
            rules={kind: {"createMissing": True, "updateExisting": True} for kind in kinds},
        )
        yield from same(True, done, "configuration.import")


def check_discovery(host):
    for key, expected in (
        ("device.state[%s]" % DEVICE, "held"),
        ("device.owners[%s]" % DEVICE, '["one-42"]'),
        ("device.conflict[%s]" % DEVICE, "0"),
        ("device.aer_fatal[%s]" % DEVICE, "0"),
        ("alias.total[10GE]", "2"),
        ("devices", "5"),
        ("held", "1"),
        ("unknown", "0"),
    ):
        yield from host.wait_for_value(key, expected)
    yield from same([], host.problems(), "problems")


def check_failure(host, agent):
    """A pciprobe that fails is an error of the master item, and changes no other."""
    agent.program("sudo", "exit 1")
    end = time.monotonic() + 180
    while host.item("json")["state"] != "1" and time.monotonic() < end:
        time.sleep(1)
    yield from same("1", host.item("json")["state"], "state of the master item")
    yield from same("held", host.value("device.state[%s]" % DEVICE), "state of the device")
    yield from same([], host.problems(), "problems")
    agent.permit()


def check_missing(host, machine):
    link = machine.device_path(DEVICE)
    target = os.readlink(link)
    os.unlink(link)
    yield from host.wait_for_problem("%s 82574L Gigabit Network Connection is missing" % DEVICE)
    os.symlink(target, link)
    yield from host.wait_for_problem("is missing", wanted=False)


def check_errors(host, machine):
    for name in ("fatal", "nonfatal"):
        path = machine.device_path(DEVICE, "aer_dev_" + name)
        with open(path, encoding="ascii") as file:
            text = file.read()
        with open(path, "w", encoding="ascii") as file:
            file.write(
                text.replace("TOTAL_ERR_%s 0" % name.upper(), "TOTAL_ERR_%s 3" % name.upper())
            )
    yield from host.wait_for_problem("reported fatal errors")
    yield from host.wait_for_problem("reported fatal errors", wanted=False)


def check_unknown(host, machine):
    """A process cannot be inspected."""
    path = machine.path("proc/1/fd")
    os.rename(path, path + ".moved")
    with open(path, "w", encoding="ascii"):
        pass
    yield from host.wait_for_problem("its owner is unknown")
    os.unlink(path)
    os.rename(path + ".moved", path)
    yield from host.wait_for_problem("its owner is unknown", wanted=False)


def check_conflict(host, tree):
    """A second VM holds the device, and ends."""
    tree.vm_by_node(152, "one-43", DEVICE, 0)
    yield from host.wait_for_problem(
        "%s 82574L Gigabit Network Connection has conflicting" % DEVICE
    )
    tree.end_process(152)
    yield from host.wait_for_problem("has conflicting", wanted=False)


def check_degraded(host, tree):
    """A link has one lane of four for some seconds, instead of half an hour."""
    host.shorten_trigger("degraded link", "30m", "15s")
    tree.file("sys/bus/pci/devices/%s/max_link_width" % DEVICE, "4")
    yield from host.wait_for_problem("%s 82574L Gigabit Network Connection has a degraded" % DEVICE)
    tree.file("sys/bus/pci/devices/%s/max_link_width" % DEVICE, "1")
    yield from host.wait_for_problem("has a degraded", wanted=False)


def main():
    tap = Tap()
    tap.needs(
        zabbix_server_pgsql=servers.find("zabbix_server"),
        zabbix_frontend_php=os.path.isdir(FRONTEND),
        postgresql=glob.glob("/usr/lib/postgresql/*/bin"),
        php_cli=servers.find("php"),
        zabbix_agent=testzabbix.AGENT,
    )
    with tempfile.TemporaryDirectory(prefix="pciprobe-zabbix-") as folder:
        with tarfile.open(os.path.join(SOURCES, "examples/host.tar.xz")) as archive:
            archive.extractall(folder)
        machine = Machine("host", os.path.join(folder, "host"))
        shutil.copy(os.path.join(SOURCES, "examples/pci.conf"), machine.path("pci.conf"))
        server_port = testzabbix.free_port(30000)
        with Postgres(folder) as database, Frontend(
            folder, database, server_port
        ) as frontend, start_server(folder, database, server_port), testzabbix.Agent(
            os.path.join(folder, "agent"), machine
        ) as agent:
            print("# Zabbix " + frontend.version)
            tap.check("the template is imported", check_import, frontend)
            host = Host(frontend, agent)
            tap.check("devices and aliases are discovered", check_discovery, host)
            tap.check("a failing pciprobe changes no device", check_failure, host, agent)
            tap.check("a device disappears and returns", check_missing, host, machine)
            tap.check("errors are a problem until there are no more", check_errors, host, machine)
            tap.check("an owner becomes unknown and known", check_unknown, host, machine)
            tree = Tree(machine.root)
            tap.check("a conflict begins and ends", check_conflict, host, tree)
            tap.check("a link is degraded and recovers", check_degraded, host, tree)
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
