#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""'pciprobe watch' prints each change of a machine once, with what was before and after, and
survives what its reader and the machine do. Prints TAP. PCIPROBE is the program.

Nothing depends on the speed of the machine: what should happen is waited for, and what should not
is looked for in the lines before the next event that should. A machine made of files has no
uevents: a write to a node of VFIO makes the program read it. tests/lab has the real ones."""
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
# pylint: disable=wrong-import-position
import machines  # noqa: E402
from machines import Failed, Tap, same, unique  # noqa: E402
from tree import HOSTILE_NAMES, Tree, link  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

ETC = os.path.join(machines.SOURCES, "etc")
GPU, SECOND, NIC = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"
STATUS_USAGE = 2
# together with a label of this length, more than the program keeps unread
MANY, LABEL = 400, 3500


def make_machine(root):
    """Two GPUs that VMs may hold, and a NIC of the host."""
    tree = Tree(root)
    tree.hostname("host1.example")
    tree.process(1, "/sbin/init")
    tree.device(GPU, 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=1)
    tree.device(SECOND, 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=2)
    tree.device(NIC, 0x8086, 0x10D3, driver="e1000e", group=3)
    for group in (1, 2):
        tree.group_node(group)
    tree.file("dev/vfio/1")
    os.mkdir(tree.path("elsewhere"))
    return tree


def validator():
    """Returns a checker of lines, or None."""
    if not jsonschema:
        return None
    schemas = {}
    for name in ("pciprobe.schema.json", "pciprobe-event.schema.json"):
        with open(os.path.join(ETC, name), encoding="utf-8") as file:
            schemas[name] = json.load(file, object_pairs_hook=unique)
    event = dict(schemas["pciprobe-event.schema.json"])
    device = schemas["pciprobe.schema.json"]
    # the definitions of the other schema, in place of a reference that not all versions can follow
    text = json.dumps(event).replace("pciprobe.schema.json#/", "#/")
    event = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(event)
    event["$defs"] = {**device["$defs"], **event["$defs"]}
    return jsonschema.Draft202012Validator(event)


class Watch:
    """A running 'pciprobe watch' and the lines that it has printed."""

    checker = validator()

    def __init__(self, tree, *arguments, **more):
        self.tree = tree
        self.sequence = 0
        self.text = b""
        command = [machines.PCIPROBE, "watch", "--sysroot", tree.root]
        command += arguments if "-c" in arguments else ("-a", *arguments)
        more.setdefault("stdout", subprocess.PIPE)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(machines.ENVIRONMENT, **more.pop("environment", {})),
            **more,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def line(self):
        """Returns the next line."""
        deadline = time.monotonic() + machines.TIMEOUT
        while b"\n" not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError("no line within %d seconds" % machines.TIMEOUT)
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise Failed("ended: %s" % self.process.stderr.read().decode())
            self.text += data
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def event(self):
        """Returns the next event, which must match the schema."""
        event = json.loads(self.line(), object_pairs_hook=unique)
        self.sequence += 1
        if event["sequence"] != self.sequence:
            raise Failed("line %d has the sequence %d" % (self.sequence, event["sequence"]))
        if self.checker:
            for error in self.checker.iter_errors(event):
                raise Failed("%s: %s" % (list(error.absolute_path), error.message[:300]))
        return event

    def until(self, name):
        """Returns the events up to one called NAME, inclusive."""
        events = [self.event()]
        while events[-1]["event"] != name:
            events.append(self.event())
        return events

    def state(self):
        """Returns the devices of a whole state, which comes next."""
        event = self.event()
        if event["event"] != "state":
            raise Failed("%s instead of the state" % event["event"])
        return [self.event() for _ in range(event["devices"])]

    def end(self, signal_number=signal.SIGTERM):
        """Returns the exit status and what was logged."""
        self.process.send_signal(signal_number)
        status = self.process.wait(machines.TIMEOUT)
        return status, self.process.stderr.read().decode()


def touch(tree, number=1):
    """Opens and closes a node of VFIO."""
    with open(tree.path("dev/vfio/%d" % number), "wb"):
        pass


def names(events):
    return [(event["event"], event.get("device", {}).get("address")) for event in events]


def replace_link(path, target):
    """Never without a link: readers must not see a device without a driver."""
    link(path + ".new", target)
    os.rename(path + ".new", path)


def attach(tree, name="one-7", pid=42):
    tree.vm(pid, name, (GPU, 1))
    touch(tree)


# ---- the current state ----


def check_initial(tree):
    """Each device once, with the properties of the list."""
    with Watch(tree) as watch:
        events = watch.state()
        listed = {device["address"]: device for device in tree.machine.json("-a")["devices"]}
        yield from same(sorted(listed), [event["device"]["address"] for event in events], "devices")
        for event in events:
            yield from same("present", event["event"], "event")
            if "before" in event:
                yield "before: %s" % event["before"]
            expected = listed[event["device"]["address"]]
            for key, value in event["after"].items():
                yield from same(expected.get(key), value, key)
            yield from same(set(), set(expected) - set(event["after"]) - {"subsystem_name"}, "rest")


def check_no_initial(tree):
    with Watch(tree, "--no-initial") as watch:
        wait_until_settled(watch.process.pid)
        attach(tree)
        yield from same([("vm_attached", GPU)], names([watch.event()]), "first line")
        tree.end_process(42)


# ---- changes ----


def check_owner(tree):
    """A VM starts and ends."""
    with Watch(tree, "--no-initial") as watch:
        wait_until_settled(watch.process.pid)
        attach(tree)
        event = watch.event()
        yield from same(("vm_attached", GPU), names([event])[0], "event")
        yield from same(
            ("free", "held", ["one-7"]),
            (event["before"]["ownership"], event["after"]["ownership"], event["after"]["owners"]),
            "before and after",
        )
        owner = event["owner"]
        yield from same(
            ("one-7", "opennebula", "7", 42, 142),
            tuple(owner.get(key) for key in ("name", "frontend", "id", "pid", "pid_start")),
            "owner",
        )
        yield from same(["vfio", "cmdline"], event["evidence"], "evidence")
        yield from same(["file"], event["trigger"], "trigger")
        yield from same("okay", event["severity"], "severity")
        tree.end_process(42)
        touch(tree)
        event = watch.event()
        yield from same(("vm_detached", GPU), names([event])[0], "event")
        yield from same("one-7", event["owner"]["name"], "owner")
        yield from same(
            ("held", "free"),
            (event["before"]["ownership"], event["after"]["ownership"]),
            "before and after",
        )


def check_devices(tree):
    """A device is removed, comes back, is replaced and gets another driver."""
    path = tree.path("sys/bus/pci/devices", SECOND)
    directory = tree.directory(SECOND)
    with Watch(tree, "--no-initial") as watch:
        wait_until_settled(watch.process.pid)
        os.rename(path, tree.path("second"))
        touch(tree)
        event = watch.event()
        yield from same(("removed", SECOND), names([event])[0], "event")
        yield from same("vfio-pci", event["before"].get("driver"), "driver before")
        yield from same(("warning", False), (event["severity"], "after" in event), "removed")
        os.unlink(tree.path("second"))
        link(path, directory)
        touch(tree)
        event = watch.event()
        yield from same(("added", SECOND), names([event])[0], "event")
        yield from same(("10de", False), (event["after"]["vendor"], "before" in event), "added")
        modalias = "pci:v000010DEd00001EB8sv000010DEsd00000000bc03sc00i00"
        tree.file("sys/bus/pci/devices/%s/modalias" % SECOND, modalias)
        touch(tree)
        event = watch.event()
        yield from same(("replaced", SECOND), names([event])[0], "event")
        yield from same(
            ("2204", "1eb8"), (event["before"]["device"], event["after"]["device"]), "device"
        )
        driver = tree.path("sys/bus/pci/drivers/nvidia")
        os.makedirs(driver, exist_ok=True)
        replace_link(os.path.join(directory, "driver"), driver)
        touch(tree)
        event = watch.event()
        yield from same(("driver_changed", SECOND), names([event])[0], "event")
        yield from same(
            (
                {"driver": "vfio-pci", "ownership": "free"},
                {"driver": "nvidia", "ownership": "host"},
            ),
            tuple(
                {key: event[when][key] for key in ("driver", "ownership")}
                for when in ("before", "after")
            ),
            "before and after",
        )


def check_errors(tree):
    """A counter of errors; and a conflict, with all its owners' sources."""
    counters = "sys/bus/pci/devices/%s/aer_dev_" % GPU
    for name, total in (("correctable", "COR"), ("nonfatal", "NONFATAL"), ("fatal", "FATAL")):
        tree.file(counters + name, "Undefined 0\nTOTAL_ERR_%s 3" % total)
    with Watch(tree, "--no-initial") as watch:
        wait_until_settled(watch.process.pid)
        tree.file(counters + "fatal", "Undefined 0\nTOTAL_ERR_FATAL 5")
        touch(tree)
        event = watch.event()
        yield from same(
            ("aer_fatal", "failure", 2, 3, 5),
            (
                event["event"],
                event["severity"],
                event.get("errors"),
                event["before"]["aer_fatal"],
                event["after"]["aer_fatal"],
            ),
            "event",
        )
        attach(tree)
        watch.until("vm_attached")
        tree.vm_by_node(43, "one-8", GPU, 0)
        touch(tree)
        yield from same(
            [("vm_attached", GPU), ("conflict", GPU)], names(watch.until("conflict")), "events"
        )
        for pid in (42, 43):
            tree.end_process(pid)
        touch(tree)
        found = sorted(name for name, _ in names(watch.until("conflict_over")))
        yield from same(["conflict_over", "vm_detached", "vm_detached"], found, "events")


def check_config(tree):
    """A changed configuration is used at once, an invalid one is not, and SIGHUP reads it, too."""
    tree.file("pci.conf", ":filter: '10de:'")
    with Watch(tree, "-c", tree.path("pci.conf")) as watch:
        yield from same([GPU, SECOND], [e["device"]["address"] for e in watch.state()], "devices")
        tree.file("pci.conf", ":filter: '8086:'")
        event = watch.event()
        yield from same("config_loaded", event["event"], "event")
        yield from same(tree.path("pci.conf"), event["config"], "path")
        yield from same([NIC], [e["device"]["address"] for e in watch.state()], "devices")
        tree.file("pci.conf.new", ":filter: nonsense")
        os.rename(tree.path("pci.conf.new"), tree.path("pci.conf"))
        event = watch.event()
        yield from same(
            ("config_rejected", "warning"), (event["event"], event["severity"]), "event"
        )
        # written through a name in another directory, which nothing announces
        os.link(tree.path("pci.conf"), tree.path("elsewhere/pci.conf"))
        tree.file("elsewhere/pci.conf", ":filter: '8086:'  # again")
        watch.process.send_signal(signal.SIGHUP)
        event = watch.event()
        yield from same("config_loaded", event["event"], "event")
        yield from same([NIC], [e["device"]["address"] for e in watch.state()], "devices")
        status, log = watch.end()
        yield from same(0, status, "exit status")
        if "pci.conf:1:10: " not in log:
            yield "not logged where it is invalid: " + log


def check_expected(tree):
    """A device that pci.conf expects disappears, and comes back."""
    path = tree.path("sys/bus/pci/devices", SECOND)
    directory = tree.directory(SECOND)
    tree.file("expect.conf", ":filter: '*:*'\n:expect: [{short_address: '02:00.0'}]")
    with Watch(tree, "--no-initial", "-c", tree.path("expect.conf")) as watch:
        wait_until_settled(watch.process.pid)
        os.rename(path, tree.path("second"))
        touch(tree)
        yield from same([("removed", SECOND)], names([watch.event()]), "event")
        event = watch.event()
        yield from same(("expect_missing", "failure"), (event["event"], event["severity"]), "event")
        yield from same("02:00.0", event["finding"].get("short_address"), "what is missing")
        os.unlink(tree.path("second"))
        link(path, directory)
        touch(tree)
        found = [name for name, _ in names(watch.until("expect_met"))]
        yield from same(["added", "expect_met"], found, "events")


# ---- queues, readers, signals ----


def check_overflow(tree):
    """More happens than the kernel queues, while the program is stopped."""
    with Watch(tree, "--no-initial") as watch:
        wait_until_settled(watch.process.pid)
        watch.process.send_signal(signal.SIGSTOP)
        attach(tree)
        tree.file("dev/vfio/2")
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
            limit = int(file.read())
        for _ in range(limit // 4 + 1):  # equal events in a row are merged
            touch(tree, 1)
            touch(tree, 2)
        watch.process.send_signal(signal.SIGCONT)
        events = watch.until("state")
        yield from same(
            [("overflow", None), ("vm_attached", GPU), ("state", None)], names(events), "events"
        )
        if "overflow" not in events[0]["trigger"]:
            yield "trigger: %s" % events[0]["trigger"]
        found = {}
        for _ in range(events[-1]["devices"]):
            event = watch.event()
            found[event["device"]["address"]] = event["after"]["ownership"]
        yield from same([GPU, SECOND, NIC], list(found), "devices of the state")
        yield from same("held", found[GPU], "state of the first")
        tree.end_process(42)


def check_flood(folder):
    """A thousand devices come and go: a reader that applies the events knows what is there."""
    tree = make_machine(os.path.join(folder, "flood"))
    directory = tree.directory(NIC)
    paths = [
        tree.path("sys/bus/pci/devices", "%04x:01:%02x.%d" % (1 + i // 256, i % 256 // 8, i % 8))
        for i in range(1000)
    ]
    with Watch(tree) as watch:
        known = {event["device"]["address"] for event in watch.state()}
        for _ in range(3):
            for path in paths:
                link(path, directory)
            touch(tree)
            time.sleep(0.3)
            for path in paths:
                os.unlink(path)
            touch(tree)
        for path in paths:
            link(path, directory)
        touch(tree)
        wanted = {GPU, SECOND, NIC, *map(os.path.basename, paths)}
        while known != wanted:
            event = watch.event()
            address = event.get("device", {}).get("address")
            if event["event"] == "state":
                known = {watch.event()["device"]["address"] for _ in range(event["devices"])}
            elif event["event"] == "added":
                if address in known:
                    yield "added twice: " + address
                known.add(address)
            elif event["event"] == "removed":
                if address not in known:
                    yield "removed twice: " + address
                known.discard(address)
        yield from same(0, watch.end()[0], "exit status")


def check_slow_reader(folder):
    """What happens while the reader does not read is reported when it does."""
    tree = make_machine(os.path.join(folder, "many"))
    for i in range(MANY):
        address = "%04x:01:%02x.%d" % (1 + i // 256, i % 256 // 8, i % 8)
        tree.device(address, 0x8086, 0x10D3, files={"label": "x" * LABEL})
    with Watch(tree) as watch:
        wait_until_settled(watch.process.pid)
        attach(tree)
        wait_until_settled(watch.process.pid)
        yield from same(MANY + 3, len(watch.state()), "devices")
        events = watch.until("state")
        yield from same(
            [("overflow", None), ("vm_attached", GPU), ("state", None)], names(events), "events"
        )
        yield from same(["file", "reader"], sorted(events[0]["trigger"]), "trigger")
        yield from same(
            MANY + 3, len([watch.event() for _ in range(events[-1]["devices"])]), "devices"
        )


def check_closed_pipe(tree, ignored):
    """The reader exits while nothing happens."""
    prepare = (lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)) if ignored else None
    with Watch(tree, preexec_fn=prepare, restore_signals=not ignored) as watch:
        watch.state()
        watch.process.stdout.close()
        watch.process.stdout = None
        status = watch.process.wait(machines.TIMEOUT)
        log = watch.process.stderr.read().decode()
        if ignored:
            yield from same((1, "pciprobe: standard output: Broken pipe\n"), (status, log), "end")
        else:
            yield from same((-signal.SIGPIPE, ""), (status, log), "end")


def check_signal(tree, number):
    with Watch(tree) as watch:
        watch.state()
        yield from same((0, ""), watch.end(number), "exit status and log")


def check_signal_while_blocked(folder):
    """It ends although nobody reads its output."""
    tree = Tree(os.path.join(folder, "many"))
    with Watch(tree) as watch:
        wait_until_settled(watch.process.pid)
        yield from same((0, ""), watch.end(), "exit status and log")


def switches(pid):
    """Returns how often the process has gone to sleep."""
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        for line in file:
            if line.startswith("voluntary_ctxt_switches"):
                return int(line.split()[1])
    raise Failed("no voluntary_ctxt_switches")


def wait_until_settled(pid):
    """Waits until the process has slept for twice the time after which it reads again."""
    deadline = time.monotonic() + machines.TIMEOUT
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 2.5 or last < 2:
        if time.monotonic() > deadline:
            raise TimeoutError("the program does not come to rest")
        count = switches(pid)
        if count != last:
            last, since = count, time.monotonic()
        time.sleep(0.1)


def check_rest(tree):
    """Without changes it sleeps."""
    with Watch(tree) as watch:
        watch.state()
        wait_until_settled(watch.process.pid)
        before = switches(watch.process.pid)
        time.sleep(5)
        yield from same(before, switches(watch.process.pid), "number of times that it slept")


def check_service(folder, tree):
    """What the service manager is notified of."""
    path = os.path.join(folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(machines.TIMEOUT)
        with Watch(tree, environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"}) as watch:
            yield from same("WATCHDOG=1", manager.recv(1000).decode(), "first message")
            yield from same("STATUS=3 devices, 0 in use", manager.recv(1000).decode(), "status")
            yield from same("READY=1", manager.recv(1000).decode(), "third message")
            watch.state()
            # at half of the interval of the watchdog
            yield from same("WATCHDOG=1", manager.recv(1000).decode(), "watchdog")
            watch.process.send_signal(signal.SIGHUP)
            message = "WATCHDOG=1"
            while message == "WATCHDOG=1":
                message = manager.recv(1000).decode()
            yield from same("RELOADING=1", message.split("\n")[0], "after SIGHUP")
            yield from same("MONOTONIC_USEC", message.split("\n")[1].split("=")[0], "its time")
            while message != "READY=1":
                message = manager.recv(1000).decode()
            watch.process.send_signal(signal.SIGTERM)
            while message != "STOPPING=1":
                message = manager.recv(1000).decode()
            yield from same(0, watch.process.wait(machines.TIMEOUT), "exit status")


# ---- formats and usage ----


def check_telegraf(tree):
    with Watch(tree, "--no-initial", "-f", "telegraf") as watch:
        wait_until_settled(watch.process.pid)
        attach(tree, "a b,c")
        line = watch.line()
        head = (
            "pciprobe_event,host=host1.example,event=vm_attached,severity=okay,address=%s,"
            "vendor=10de,device=2204,vm=a\\ b\\,c sequence=1i,owner_program=" % GPU
        )
        yield from same(head, line[: len(head)], "tags")
        for part in ('before_ownership="free"', 'after_ownership="held"', "owner_pid=42i"):
            if part not in line:
                yield "no %s in %s" % (part, line)
        if abs(int(line.rsplit(" ", 1)[1]) / 1e9 - time.time()) > machines.TIMEOUT:
            yield "time: " + line
        tree.end_process(42)


def check_hostile(tree):
    """Names of VMs cannot end a line, and stay UTF-8."""
    with Watch(tree, "--no-initial") as watch:
        wait_until_settled(watch.process.pid)
        for pid, (raw, _) in enumerate(HOSTILE_NAMES, 100):
            attach(tree, raw, pid)
            yield from same([("vm_attached", GPU)], names([watch.event()]), repr(raw))
            tree.end_process(pid)
            touch(tree)
            yield from same([("vm_detached", GPU)], names([watch.event()]), repr(raw))


def check_usage(tree, arguments, message):
    done = tree.machine.run_pciprobe(*arguments)
    yield from same(STATUS_USAGE, done.returncode, "exit status")
    if message not in done.stderr:
        yield "not logged: %s; but: %s" % (message, done.stderr)


def check_hidden(folder, tree):
    """A file that the caller may not read is not quoted, nor one put in its place later."""
    path = os.path.join(folder, "private.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(":filter: '10de:'\n")
    os.chmod(folder, 0o755)
    with Watch(tree, "-c", path, environment={"SUDO_UID": "65534"}) as watch:
        watch.state()
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(":filter: secret\n")
        os.rename(path + ".new", path)
        yield from same("config_rejected", watch.event()["event"], "event")
        _, log = watch.end()
        if "secret" in log or "private.conf:1:10: invalid (not shown" not in log:
            yield log


def main():
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory(prefix="pciprobe-watch-") as folder:
        tree = make_machine(os.path.join(folder, "machine"))
        tap.check("the current state comes first", check_initial, tree)
        tap.check("--no-initial omits it", check_no_initial, tree)
        tap.check("a VM starts and ends", check_owner, tree)
        tap.check("devices come, go and change", check_devices, tree)
        tap.check("errors and conflicts", check_errors, tree)
        tap.check("an expected device disappears", check_expected, tree)
        tap.check("the configuration changes", check_config, tree)
        tap.check("an overflow is reported, and the state follows", check_overflow, tree)
        tap.check("a thousand devices come and go", check_flood, folder)
        tap.check("a slow reader learns that it missed something", check_slow_reader, folder)
        tap.check("it ends while its output is blocked", check_signal_while_blocked, folder)
        tap.check("the reader exits", check_closed_pipe, tree, False)
        tap.check("the reader exits, and SIGPIPE is ignored", check_closed_pipe, tree, True)
        for number in (signal.SIGTERM, signal.SIGINT):
            tap.check("%s ends it" % number.name, check_signal, tree, number)
        tap.check("at rest it sleeps", check_rest, tree)
        tap.check("the service manager is notified", check_service, folder, tree)
        tap.check("the format telegraf", check_telegraf, tree)
        tap.check("hostile names", check_hostile, tree)
        if os.geteuid() == 0:
            tap.check("a private configuration is not quoted", check_hidden, folder, tree)
        else:
            tap.skip("a private configuration is not quoted: needs root")
        for arguments, message in (
            (("watch", "-f", "table"), "the formats are json and telegraf"),
            (("list", "-f", "telegraf"), "requires 'pciprobe watch'"),
            (("list", "--no-initial"), "does not accept --no-initial"),
            (("watch", "-o", "driver"), "does not accept --columns"),
            (("watch", "-c", "-"), "name a file"),
            (("watch", "more"), "unexpected argument 'more'"),
        ):
            tap.check("usage: " + " ".join(arguments), check_usage, tree, arguments, message)
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
