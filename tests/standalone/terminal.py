#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""terminal.py COLUMNS COMMAND: runs COMMAND on a pseudo-terminal and prints its output and errors.

On a minimal system without /dev/pts, root uses a pseudo-terminal of a private devpts instance."""
import fcntl
import os
import struct
import subprocess
import sys
import tempfile
import termios

TIOCSPTLCK = 0x40045431
TIOCGPTPEER = 0x5441


def open_private_terminal():
    """Returns the descriptors of master and terminal, from a devpts that is unmounted again."""
    with tempfile.TemporaryDirectory(prefix="pciprobe-pts-") as folder:
        subprocess.run(
            ["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=600", "devpts", folder],
            check=True,
        )
        try:
            master = os.open(os.path.join(folder, "ptmx"), os.O_RDWR | os.O_NOCTTY)
            fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
            return master, fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def open_terminal():
    try:
        return os.openpty()
    except OSError:
        return open_private_terminal()


def main():
    master, terminal = open_terminal()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    with subprocess.Popen(
        ["sh", "-c", sys.argv[2]],
        stdout=terminal,
        stderr=terminal,
        env=dict(os.environ, TERM="xterm"),
    ) as child:
        os.close(terminal)
        while True:
            try:
                text = os.read(master, 65536)
            except OSError:  # the terminal is closed
                break
            if not text:
                break
            sys.stdout.buffer.write(text)
        return child.wait()


if __name__ == "__main__":
    sys.exit(main())
