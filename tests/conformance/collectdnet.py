# SPDX-License-Identifier: GPL-2.0-or-later
"""Collectd's network protocol ("Binary protocol" in its wiki), values recorded from a real collectd and sent again in the name of
other hosts, and a central collectd that receives them."""
import http.server
import os
import re
import socket
import struct
import threading
import time

import servers

HOST, PLUGIN, PLUGIN_INSTANCE, TYPE, TYPE_INSTANCE, VALUES, TIME, INTERVAL = (
    *(0x0000, 0x0002, 0x0003, 0x0004, 0x0005),
    *(0x0006, 0x0008, 0x0009),
)
NAMES = (HOST, PLUGIN, PLUGIN_INSTANCE, TYPE, TYPE_INSTANCE)
SECOND = 1 << 30  # of its times
DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs")
RECEIVE_BUFFER = 8 << 20
QUIET = 0.5  # seconds without a datagram after which the rest is requested


# ---- protocol ----


def parts(datagram):
    """Yields (offset, type, content) of each part."""
    offset = 0
    while offset + 4 <= len(datagram):
        kind, length = struct.unpack_from(">HH", datagram, offset)
        yield offset, kind, datagram[offset + 4 : offset + length]
        offset += max(length, 4)


def identifiers(datagram):
    """Yields the identifier of each value list."""
    state = {}
    for _, kind, content in parts(datagram):
        if kind == VALUES:
            yield tuple(state.get(name) for name in NAMES)
        elif kind in NAMES:
            state[kind] = content


def plugin(name, block=""):
    return "LoadPlugin %s\n<Plugin %s>\n%s\n</Plugin>\n" % (name, name, block)


# ---- a host ----


class Recording:
    """The datagrams of one reading. Each of them begins with the host's name, so that another name can take its place."""

    def __init__(self, datagrams):
        self.values = sum(len(list(identifiers(datagram))) for datagram in datagrams)
        self.tails, self.times, self.intervals = [], [], []
        for datagram in datagrams:
            found = list(parts(datagram))
            if [offset for offset, kind, _ in found if kind == HOST] != [0]:
                raise ValueError("a datagram with another number of hosts than one")
            head = found[1][0]
            self.tails.append(bytearray(datagram[head:]))
            self.times.append(
                [
                    (offset - head + 4, struct.unpack(">Q", content)[0])
                    for offset, kind, content in found
                    if kind == TIME
                ]
            )
            self.intervals.append(
                [offset - head + 4 for offset, kind, _ in found if kind == INTERVAL]
            )
        self.first = min(stamp for times in self.times for _, stamp in times)

    def stamp(self, seconds, interval):
        """Moves its first value to the time SECONDS, the others with it."""
        change = int(seconds * SECOND) - self.first
        for tail, times, intervals in zip(self.tails, self.times, self.intervals):
            for offset, stamp in times:
                struct.pack_into(">Q", tail, offset, stamp + change)
            for offset in intervals:
                struct.pack_into(">Q", tail, offset, interval * SECOND)

    def datagrams(self, host):
        name = host.encode() + b"\0"
        head = struct.pack(">HH", HOST, 4 + len(name)) + name
        return [head + tail for tail in self.tails]


def receive(receiver, datagrams, until):
    """Appends datagrams until UNTIL returns true, which is asked when none has come for a while."""
    receiver.settimeout(QUIET)
    end = time.monotonic() + servers.WAIT
    while time.monotonic() < end:
        try:
            datagrams.append(receiver.recv(65536))
        except socket.timeout:
            if until():
                return
    raise TimeoutError("collectd sent only a part of its values")


def values_of(text):
    """Returns {identifier without the host: value} of what "pciprobe -f collectd" prints."""
    return dict(re.findall(r'^PUTVAL "[^/]*/(.*?)" .*?N:(\S+)$', text, re.M))


def record(folder, root, plugindir, count, options=""):
    """Returns the first reading, COUNT values, of a real collectd with pciprobe's plugin on the machine ROOT."""
    datagrams, path = [], os.path.join(folder, "socket")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        receiver.bind(("127.0.0.1", 0))
        config = (
            'Hostname "host-0000"\n'
            + plugin("unixsock", 'SocketFile "%s"' % path)
            + plugin("network", 'Server "127.0.0.1" "%d"' % receiver.getsockname()[1])
            + 'PluginDir "%s"\n' % plugindir
            + plugin(
                "pciprobe", 'SysRoot "%s"\nConfigFile "%s/pci.conf"\n%s' % (root, root, options)
            )
        )
        with servers.Collectd(folder, config, interval=3600) as collectd:

            def is_complete():
                """The network plugin keeps the last values until a datagram is full."""
                if len({name for item in datagrams for name in identifiers(item)}) >= count:
                    return True
                collectd.wait("its socket", lambda: os.path.exists(path))
                with servers.CollectdSocket(path) as control:
                    control.ask("FLUSH")
                return False

            receive(receiver, datagrams, is_complete)
    return Recording(datagrams)


# ---- the center ----


class Receiver:
    """What write_http posts to: counts the values of pciprobe. While it is held, no request is answered."""

    def __init__(self):
        self.values = 0
        self.last = time.time()
        self.lock, self.held = threading.Lock(), threading.Event()
        self.released = threading.Event()
        self.released.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.released.wait()
                with outer.lock:
                    outer.values += body.count(b'"plugin":"pciprobe"')
                    outer.last = time.time()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return "http://127.0.0.1:%d/" % self.server.server_port


def documented_configuration():
    """Returns that of a central collectd in docs/fleet.md."""
    with open(os.path.join(DOCS, "fleet.md"), encoding="utf-8") as file:
        block = re.search(r"^    CollectInternalStats true\n(?:    .*\n)+", file.read(), re.M)[0]
    return re.sub("^    ", "", block, flags=re.M)


class Central(servers.Collectd):
    """A central collectd with the documented configuration, where REPLACED, {text: text}, differs. It writes to Prometheus if
    PROMETHEUS, and to a RECEIVER unless None."""

    def __init__(self, folder, interval, prometheus=True, receiver=None, replaced=None):
        self.network = servers.free_port(socket.SOCK_DGRAM)
        self.port = servers.free_port() if prometheus else None
        self.socket = os.path.join(folder, "socket")
        config = documented_configuration()
        for old, new in {
            'Listen "0.0.0.0" "25826"': 'Listen "127.0.0.1" "%d"' % self.network,
            "LoadPlugin write_prometheus\n": (
                plugin("write_prometheus", "Host 127.0.0.1\nPort %d" % self.port)
                if prometheus
                else ""
            ),
            **(replaced or {}),
        }.items():
            if old not in config:
                raise ValueError("not in the documented configuration: %s" % old)
            config = config.replace(old, new)
        if receiver:
            config += plugin(
                "write_http",
                '<Node "test">\nURL "%s"\nFormat JSON\nBufferSize 65536\n</Node>' % receiver.url,
            )
        config = (
            'Hostname "central"\n' + plugin("unixsock", 'SocketFile "%s"' % self.socket) + config
        )
        super().__init__(folder, config, interval)
        self.wait("its plugins", lambda: "Initialization complete" in self.read_log())

    @property
    def address(self):
        return "127.0.0.1", self.network

    @property
    def target(self):
        return "127.0.0.1:%d" % self.port

    def metrics(self, patience=10):
        """Returns what Prometheus would scrape, or None if it does not answer in time."""
        return servers.fetch("http://%s/metrics" % self.target, timeout=patience)

    def flush(self):
        """write_http keeps values until its buffer is full."""
        with servers.CollectdSocket(self.socket) as control:
            control.ask("FLUSH")

    def lost_datagrams(self):
        """Returns how many the kernel dropped because the socket's buffer was full."""
        with open("/proc/net/udp", encoding="ascii") as file:
            for fields in map(str.split, file):
                if fields[1].endswith(":%04X" % self.network):
                    return int(fields[-1])
        raise RuntimeError("the socket of the network plugin is not in /proc/net/udp")
