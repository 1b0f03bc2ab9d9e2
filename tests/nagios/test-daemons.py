#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nagios 4, Icinga 2 and NRPE of the distribution run pciprobe with the installed definitions, as
their own user: a fault on the machine becomes the state of the service, and its end, too. Prints
TAP. BUILD is the build directory, for the definitions."""
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
sys.path.insert(0, os.path.join(SOURCES, "tests/conformance"))
# pylint: disable=wrong-import-position
import servers
from machines import PCIPROBE, Tap, same
from tree import Tree

BUILD = os.environ.get("BUILD") or os.path.dirname(os.path.abspath(PCIPROBE))
USER = "nagios"
CHECK_NRPE = "/usr/lib/nagios/plugins/check_nrpe"
GPU = "0000:01:00.0"
CONF = ":filter: '10de:2204'\n:alias: [{name: a1, filter: '10de:2204'}]\n"

# A plugin as the daemons start it, but on the test's machine and without sudo.
WRAPPER = """#!/bin/sh
exec '{folder}/bin/real' "$@" --sysroot '{root}' --config '{root}/pci.conf'
"""


class Host:
    """A machine with a GPU that a VM holds, readable for the daemons, and their programs."""

    def __init__(self, folder):
        self.folder = folder
        self.tree = Tree(os.path.join(folder, "root"))
        self.tree.hostname("host1")
        self.tree.file("pci.conf", CONF)
        self.tree.process(1, "/sbin/init")
        link = {"max_link_speed": "16.0 GT/s PCIe", "max_link_width": "16"}
        errors = {
            "aer_dev_correctable": "TOTAL_ERR_COR 7",
            "aer_dev_nonfatal": "TOTAL_ERR_NONFATAL 3",
            "aer_dev_fatal": "TOTAL_ERR_FATAL 0",
        }
        self.tree.device("0000:00:01.0", 0x8086, 0x1901, 0x060400, files=link)
        self.tree.device(
            GPU,
            0x10DE,
            0x2204,
            0x030000,
            driver="vfio-pci",
            group=1,
            parent="0000:00:01.0",
            files=dict(
                link, current_link_speed="16.0 GT/s PCIe", current_link_width="16", **errors
            ),
        )
        self.tree.vm(100, "web", (GPU, 1))
        self.plugin = os.path.join(folder, "bin/pciprobe")
        os.makedirs(os.path.dirname(self.plugin))
        # the build directory may not be readable for other users
        shutil.copy(PCIPROBE, os.path.join(folder, "bin/real"))
        with open(self.plugin, "w", encoding="utf-8") as file:
            file.write(WRAPPER.format(folder=folder, root=self.tree.root))
        for path in (self.plugin, os.path.join(folder, "bin/real"), folder):
            os.chmod(path, 0o755)
        self.own(self.tree.path("var/lib"))

    def own(self, path):
        """Makes a directory of the daemons' user."""
        os.makedirs(path, exist_ok=True)
        shutil.chown(path, USER, USER)
        return path

    def attribute(self, name, value):
        """Changes an attribute of the GPU, all at once."""
        path = os.path.join(self.tree.directory(GPU), name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(value + "\n")
        os.rename(path + ".new", path)

    def definition(self, name):
        """Returns the installed definition with this machine's plugin in place of pciprobe."""
        with open(os.path.join(BUILD, "etc", name), encoding="utf-8") as file:
            text = file.read()
        nagios = r"^([^#\n]*)sudo -n \S+/pciprobe"
        icinga = r'^([^/\n]*)"sudo", "-n", "[^"]*/pciprobe"'
        for pattern, plugin in ((nagios, self.plugin), (icinga, '"%s"' % self.plugin)):
            text, count = re.subn(pattern, r"\g<1>" + plugin, text, flags=re.M)
            if count:
                return text
        raise RuntimeError("etc/%s does not start pciprobe" % name)


# ---- the daemons ----


class Nrpe(servers.Server):
    def __init__(self, host):
        folder = host.own(os.path.join(host.folder, "nrpe"))
        self.port = servers.free_port()
        path = os.path.join(folder, "nrpe.cfg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                "pid_file=%s/pid\nserver_port=%d\nserver_address=127.0.0.1\nnrpe_user=%s\nnrpe_group=%s\n"
                "allowed_hosts=127.0.0.1\ndont_blame_nrpe=0\ncommand_timeout=60\n%s"
                % (folder, self.port, USER, USER, host.definition("nrpe/pciprobe.cfg"))
            )
        super().__init__("nrpe", folder, [servers.find("nrpe"), "-f", "-c", path])

    def ask(self):
        """Returns the exit status and the output of the command, or None if NRPE is not ready."""
        done = subprocess.run(
            [CHECK_NRPE, "-H", "127.0.0.1", "-p", str(self.port), "-t", "20", "-c", "pciprobe"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
        return (done.returncode, done.stdout) if done.stdout.startswith("PCI ") else None


class Nagios(servers.Server):
    """With a service of each command in the definition, checked every second."""

    CONFIG = """log_file={folder}/nagios.log
cfg_file={folder}/objects.cfg
object_cache_file={folder}/objects.cache
precached_object_file={folder}/objects.precache
status_file={folder}/status.dat
status_update_interval=1
lock_file={folder}/pid
temp_file={folder}/temp
temp_path={folder}
check_result_path={folder}/results
check_result_reaper_frequency=1
command_file={folder}/commands
query_socket={folder}/query
use_syslog=0
nagios_user={user}
nagios_group={user}
interval_length=1
enable_flap_detection=0
enable_notifications=0
retain_state_information=0
max_concurrent_checks=4
"""
    OBJECTS = """
define timeperiod {{
	timeperiod_name  always
	alias            always
	monday           00:00-24:00
	tuesday          00:00-24:00
	wednesday        00:00-24:00
	thursday         00:00-24:00
	friday           00:00-24:00
	saturday         00:00-24:00
	sunday           00:00-24:00
}}
define contact {{
	contact_name                   nobody
	host_notification_period       always
	service_notification_period    always
	host_notification_commands     none
	service_notification_commands  none
}}
define command {{
	command_name  none
	command_line  /bin/true
}}
define host {{
	host_name           host1
	address             127.0.0.1
	max_check_attempts  1
	check_period        always
	contacts            nobody
}}
define service {{
	name                   every-second
	host_name              host1
	check_interval         1
	retry_interval         1
	max_check_attempts     1
	check_period           always
	notification_period    always
	contacts               nobody
	register               0
}}
define service {{
	use                  every-second
	service_description  PCI
	check_command        check_pciprobe!-w held=2 -c degraded=4
}}
define service {{
	use                  every-second
	service_description  PCI by NRPE
	check_command        check_nrpe_pciprobe
}}
{definition}"""

    def __init__(self, host, nrpe):
        self.folder = host.own(os.path.join(host.folder, "nagios"))
        host.own(os.path.join(self.folder, "results"))
        definition = host.definition("nagios/pciprobe.cfg").replace(
            "-H $HOSTADDRESS$", "-H $HOSTADDRESS$ -p %d" % nrpe.port
        )
        path = os.path.join(self.folder, "nagios.cfg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.CONFIG.format(folder=self.folder, user=USER))
        with open(os.path.join(self.folder, "objects.cfg"), "w", encoding="utf-8") as file:
            file.write(self.OBJECTS.format(definition=definition))
        super().__init__("nagios-output", self.folder, [servers.find("nagios4"), path])

    def service(self, name):
        """Returns what the daemon knows of a service, or None if it was not checked yet."""
        try:
            with open(os.path.join(self.folder, "status.dat"), encoding="utf-8") as file:
                text = file.read()
        except OSError:
            return None
        for block in re.findall(r"^servicestatus \{\n(.*?)^\t\}", text, re.M | re.S):
            values = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
            if values["service_description"] == name and values["has_been_checked"] == "1":
                return values
        return None


class Icinga(servers.Server):
    """Checks a service every second, and writes each result to a file."""

    CONFIG = """
include <itl>
object CheckerComponent "checker" {{ }}
object PerfdataWriter "results" {{
	service_temp_path = "{folder}/results"
	service_perfdata_path = "{folder}/results-done"
	host_temp_path = "{folder}/hosts"
	host_perfdata_path = "{folder}/hosts-done"
	rotation_interval = 1s
	service_format_template = "$service.name$\\t$service.state_id$\\t$service.output$\\t$service.perfdata$\\t."
}}
object Host "host1" {{ check_command = "dummy" }}
object Service "PCI" {{
	host_name = "host1"
	check_command = "pciprobe"
	check_interval = 1s
	retry_interval = 1s
	max_check_attempts = 1
	vars.pciprobe_warning = [ "held=2", "available:a1=0:" ]
	vars.pciprobe_critical = [ "degraded=4" ]
	vars.pciprobe_timeout = 30
}}
object Service "some" {{
	host_name = "host1"
	check_command = "pciprobe"
	check_interval = 1s
	vars.pciprobe_checks = [ "conflicts", "degraded" ]
}}
"""
    PATHS = ("ConfigDir", "DataDir", "CacheDir", "InitRunDir", "LogDir", "SpoolDir")

    def __init__(self, host):
        self.folder = host.own(os.path.join(host.folder, "icinga"))
        path = os.path.join(self.folder, "icinga2.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.CONFIG.format(folder=self.folder))
            file.write(host.definition("icinga2/pciprobe.conf"))
        options = ["-DRunAsUser=" + USER, "-DRunAsGroup=" + USER, "-DNodeName=host1"]
        for name in self.PATHS:
            options.append("-D%s=%s" % (name, host.own(os.path.join(self.folder, name))))
        super().__init__(
            "icinga", self.folder, [servers.find("icinga2"), "daemon", "-c", path, *options]
        )

    def results(self):
        """Returns [service, state, output, performance data] of each result, in order."""
        names = [name for name in os.listdir(self.folder) if name.startswith("results")]
        # the finished files have the time in their name; the current one comes last
        text = ""
        for name in sorted(names, key=lambda name: (name == "results", name)):
            try:
                with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                    text += file.read()
            except FileNotFoundError:  # renamed meanwhile
                return self.results()
        return re.findall(r"^(\w+)\t(\d)\t(.*?)\t(.*?)\t\.$", text, re.M | re.S)


# ---- the checks ----

# What each step does to the machine, and the state that follows.
OK = (0, "PCI OK - 1 device, 1 held")
DEGRADED = (1, "PCI WARNING - 1 degraded link (1 device, 1 held)")
LINE = (
    "WARNING degraded: %s: link 16 GT/s x8 instead of 16 GT/s x16; check the device, its slot and the riser"
    % GPU
)
FATAL = (2, "PCI CRITICAL - 1 fatal error, 1 degraded link (1 device, 1 held)")
STEPS = (
    ("the machine is well", lambda host: None, OK),
    ("a link loses lanes", lambda host: host.attribute("current_link_width", "8"), DEGRADED),
    (
        "a fatal error is counted",
        lambda host: host.attribute("aer_dev_fatal", "TOTAL_ERR_FATAL 1"),
        FATAL,
    ),
    ("the link recovers", lambda host: host.attribute("current_link_width", "16"), (2, None)),
    # as after a reboot, when the administrator has replaced the device
    (
        "the counts restart",
        lambda host: [
            host.attribute("aer_dev_" + kind, "TOTAL_ERR_%s 0" % name)
            for kind, name in (
                ("correctable", "COR"),
                ("nonfatal", "NONFATAL"),
                ("fatal", "FATAL"),
            )
        ],
        OK,
    ),
)


def nagios_state(nagios, name, wanted):
    state, text = wanted
    found = nagios.service(name)
    return (
        found
        and int(found["current_state"]) == state
        and (not text or found["plugin_output"] == text)
        and found
    )


def icinga_state(icinga, wanted, since):
    state, text = wanted
    return [
        line
        for line in icinga.results()[since:]
        if line[:2] == ("PCI", str(state)) and (not text or line[2].split("\n")[0].rstrip() == text)
    ]


def nrpe_state(nrpe, wanted):
    state, text = wanted
    answer = nrpe.ask()
    return (
        answer
        and answer[0] == state
        and (not text or answer[1].startswith(text + " | "))
        and answer
    )


def check_step(host, step, nrpe, nagios, icinga):
    _, change, wanted = step
    since = len(icinga.results()) if icinga else 0
    change(host)
    what = "state %d" % wanted[0]
    if nrpe:
        nrpe.wait(what, lambda: nrpe_state(nrpe, wanted))
    if nagios:
        for name in ("PCI", "PCI by NRPE")[: 2 if nrpe else 1]:
            nagios.wait("%s: %s" % (name, what), lambda n=name: nagios_state(nagios, n, wanted))
    if icinga:
        icinga.wait(what, lambda: icinga_state(icinga, wanted, since))
    return []


def check_details(nagios):
    """Nagios keeps the lines of the problem, and the performance data apart."""
    found = nagios.service("PCI")
    yield from same(LINE, found["long_plugin_output"], "the lines of the problem")
    for part in ("'degraded'=1;0;4;0", "'held'=1;2;;0", "'nonfatal_total'=3c;;;0"):
        if part not in found["performance_data"].split():
            yield "no %s in %s" % (part, found["performance_data"])


def check_perfdata(icinga):
    """Icinga accepts all performance data, and passes the arguments on."""
    if "perfdata" in icinga.read_log():
        yield icinga.read_log()
    numbers = {}
    for service, _, _, data in icinga.results():
        numbers[service] = data.replace("'", "").split()
    for part in ("degraded=0;0;4;0", "held=1;2;;0", "available:a1=0;0:;;0"):
        if part not in numbers["PCI"]:
            yield "no %s in %s" % (part, numbers["PCI"])
    if not any(LINE in output.split("\n")[1:] for _, _, output, _ in icinga.results()):
        yield "the line of the problem is missing"
    yield from same(
        ["conflicts", "degraded", "available:a1"],
        [part.split("=")[0] for part in numbers["some"]],
        "numbers of the service with two checks",
    )


def main():
    tap = Tap(needs_lspci=False)
    programs = {name: servers.find(name) for name in ("nrpe", "nagios4", "icinga2")}
    if os.geteuid() != 0:
        print("1..0 # SKIP requires root, to start the daemons as their user")
        return
    try:
        pwd.getpwnam(USER)
    except KeyError:
        programs = {}
    if not any(programs.values()):
        print("1..0 # SKIP not installed: icinga2-bin nagios4-core nagios-nrpe-server")
        return
    for name, path in programs.items():
        if not path:
            tap.skip("not installed: " + name)
    with tempfile.TemporaryDirectory(prefix="pciprobe-nagios-") as folder:
        host = Host(folder)
        nrpe = nagios = icinga = None
        try:
            if programs["nrpe"] and os.access(CHECK_NRPE, os.X_OK):
                nrpe = Nrpe(host)
            if programs["nagios4"] and nrpe:
                nagios = Nagios(host, nrpe)
            if programs["icinga2"]:
                icinga = Icinga(host)
            for step in STEPS:
                tap.check(
                    step[0] + ": %s" % ("state %d" % step[2][0]),
                    check_step,
                    host,
                    step,
                    nrpe,
                    nagios,
                    icinga,
                )
                if step[2] == DEGRADED and nagios:
                    tap.check("Nagios shows the device", check_details, nagios)
            if icinga:
                tap.check("Icinga accepts the performance data", check_perfdata, icinga)
        finally:
            for server in (icinga, nagios, nrpe):
                if server:
                    server.stop()
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
