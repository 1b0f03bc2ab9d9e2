#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The completion files for bash, zsh and fish offer what the program's help lists: subcommands,
their options, and the options' values. Prints TAP.

PCIPROBE is the program, SOURCES the top of the source tree."""
import fcntl
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time

from terminal import open_terminal

SOURCES = os.path.abspath(
    os.environ.get("SOURCES") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
)
PCIPROBE = shutil.which(os.environ.get("PCIPROBE") or "pciprobe") or sys.exit(
    "Bail out! pciprobe not found"
)
COMPLETION = os.path.join(SOURCES, "etc/completion")
TIMEOUT = 60
FREE_TEXT = ("--device", "--name", "--owner", "--slot")


def program(*arguments):
    return subprocess.run(
        [PCIPROBE, *arguments], stdout=subprocess.PIPE, check=True, text=True
    ).stdout


def listed_subcommands():
    section = program("help").split("Subcommands:\n")[1].split("\n\n")[0]
    return {line.split()[0] for line in section.split("\n")}


def listed_options(*subcommand):
    """Returns {long option: whether its value 'help' lists the values}."""
    found = re.findall(r"^  (?:-.,|   ) (--[a-z-]+)(.*)$", program("help", *subcommand), re.M)
    return {name: "'help' lists" in rest for name, rest in found}


def listed_values(option):
    return {line.split()[0] for line in program(option, "help").splitlines()}


class Bash:
    name = "bash"
    script = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_pciprobe "$1"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""

    def offered(self, line, _):
        words = re.findall(r"=|[^ =]+", line) + ([""] if line.endswith((" ", "=")) else [])
        done = subprocess.run(
            ["bash", "--norc", "-c", self.script, "bash", COMPLETION + "/bash/pciprobe", *words],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=True,
            timeout=TIMEOUT,
        )
        return {re.sub(r".*[,+]", "", word) for word in done.stdout.splitlines()} | (
            {done.stderr} if done.stderr else set()
        )


class Fish:
    name = "fish"

    def offered(self, line, _):
        done = subprocess.run(
            [
                "fish",
                "--no-config",
                "-c",
                "source $argv[1]; complete -C $argv[2]",
                COMPLETION + "/fish/pciprobe.fish",
                line,
            ],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=True,
            timeout=TIMEOUT,
        )
        words = (entry.split("\t")[0] for entry in done.stdout.splitlines())
        return {re.sub(r".*[,+=]", "", word) for word in words} | (
            {done.stderr} if done.stderr else set()
        )


class Zsh:
    """Runs on a terminal, because completion needs the line editor. Lists have no end marker,
    and are not shown while input is pending: so this reads until all expected words are found or
    the timeout; for one second if none are expected.
    """

    name = "zsh"

    def __init__(self):
        self.terminal, other = open_terminal()
        self.process = subprocess.Popen(
            ["zsh", "-f", "-i"],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "dumb"},
        )
        os.close(other)
        self.send(
            "stty cols 200 rows 200; PS1=; fpath=(%s/zsh $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=10000; "
            "bindkey '^I' list-choices; zstyle ':completion:*' verbose no\n" % COMPLETION
        )
        self.finish_line()

    def send(self, keys):
        os.write(self.terminal, keys.encode())

    def read(self, seconds):
        """Returns output without escape sequences, or None on timeout."""
        if select.select([self.terminal], [], [], seconds)[0]:
            return re.sub(
                r"\x1b\[[0-9;?]*[a-zA-Z]|[\0\a]",
                "",
                os.read(self.terminal, 65536).decode(errors="replace"),
            )
        return None

    def finish_line(self):
        """Clears the line and waits for a marker, which is quoted so that its echo does not
        match."""
        output, end = "", time.monotonic() + TIMEOUT
        self.send("\x15print DO''NE\n")
        while "DONE" not in output:
            output += self.read(end - time.monotonic()) or ""
            if time.monotonic() > end:
                raise TimeoutError(output)

    def offered(self, line, wanted):
        output, words, end = "", set(), time.monotonic() + TIMEOUT
        self.send(line + "\t")
        while time.monotonic() < end and (words != wanted or not wanted):
            chunk = self.read(end - time.monotonic() if wanted else 1)
            if chunk is None:
                break
            output += chunk
            words = {
                word
                for word in output.replace(line.rstrip(), " ").replace("\b", " ").split()
                if len(word) > 1
            }
        self.finish_line()
        return words


class Tap:
    number = 0

    def same(self, name, wanted, offered):
        self.number += 1
        print("%sok %d - %s" % ("" if wanted == offered else "not ", self.number, name))
        if wanted != offered:
            print(
                "# missing: %s\n# unexpected: %s"
                % (sorted(wanted - offered), sorted(offered - wanted))
            )

    def skip(self, name, reason):
        self.number += 1
        print("ok %d - %s # SKIP %s" % (self.number, name, reason))


def check(tap, shell):
    def offers(what, line, wanted):
        tap.same(
            "%s offers %s" % (shell.name, what), wanted, shell.offered("pciprobe " + line, wanted)
        )

    subcommands = listed_subcommands()
    offers("the subcommands", "", subcommands)
    offers("the subcommands after help", "help ", subcommands)
    offers("all options before a subcommand", "--", set(listed_options()))
    for subcommand in sorted(subcommands):
        offers(
            "the options of %s" % subcommand, "%s --" % subcommand, set(listed_options(subcommand))
        )
    offers(
        "the subcommand's options after other options", "-v --sysroot x record --c", {"--config"}
    )
    for option in sorted(option for option, listed in listed_options().items() if listed):
        offers("the values of %s" % option, "%s " % option, listed_values(option))
    offers("values after short options", "-qf ", listed_values("-f"))
    offers("values after =", "--state=", listed_values("--state"))
    offers("further values of a list", "--state free,h", {"held", "host"})
    offers(
        "additional columns",
        "-o +vfs_",
        {column for column in listed_values("-o") if column.startswith("vfs_")},
    )
    offers("the systems of verify", "verify n", {"nova", "nova-db"})
    offers("the names of checks", "check con", {"conflicts"})
    offers("files", "-c o", {"one.conf", "other.conf"})
    for option in FREE_TEXT:
        offers("nothing for %s" % option, "%s " % option, set())


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("bin")
        os.symlink(PCIPROBE, "bin/pciprobe")
        os.environ["PATH"] = folder + "/bin:" + os.environ["PATH"]
        os.environ["HOME"] = folder
        for name in ("one.conf", "other.conf"):
            open(name, "w", encoding="ascii").close()
        for shell in (Bash, Zsh, Fish):
            if shutil.which(shell.name):
                check(tap, shell())
            else:
                tap.skip("completion in %s" % shell.name, "%s is not installed" % shell.name)
        os.chdir("/")
    print("1..%d" % tap.number)


main()
