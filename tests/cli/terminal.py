"""A command in the foreground of a pseudo-terminal, as a person has it: the screen is read, keys are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.command import RUNNER, environment


class Terminal:
    """A command in the foreground of a pseudo-terminal, whose screen is read and whose keys are pressed."""

    def __init__(self, folder: Path, *words: str | Path) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.screen = ""
        self.process = subprocess.Popen(
            [*RUNNER, *map(str, words)],
            cwd=folder,
            env=environment(TERM="xterm"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=take_the_terminal,
        )

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Read until a text is on the screen."""
        until = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < until, f"{text!r} never appeared in:\n{self.screen}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.screen += os.read(self.master, 65536).decode(errors="replace")

    def wait_for_its_ear(self, seconds: float = 20) -> None:
        """Wait until the command sleeps, for a key: `input` loses a Ctrl-C between its question and its reading."""
        until = time.monotonic() + seconds
        while Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < until, f"it never waited for a key:\n{self.screen}"

    def press(self, keys: str) -> None:
        """Press some keys."""
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Read to the end of the command; answers its exit code, with the terminal as it was before."""
        until = time.monotonic() + 30
        while self.process.poll() is None or select.select([self.master], [], [], 0)[0]:
            assert time.monotonic() < until, f"it did not end:\n{self.screen}"
            if select.select([self.master], [], [], 0.05)[0]:
                self.screen += os.read(self.master, 65536).decode(errors="replace")
        assert self.before == termios.tcgetattr(self.slave), "the terminal is not as it was"
        os.close(self.master)
        os.close(self.slave)
        return self.process.returncode


OnTerminal = Callable[..., Terminal]


def take_the_terminal() -> None:
    """Become the foreground of the terminal that is standard input; called in the child."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
