"""One worker seen from the runner: ask, listen, stop, bury. Knows no attempt; whose work it does is told what happens.

Theory of operation. A worker has two pipes to us, and bytes on different pipes have no order. So each piece of work
ends only when its reply *and* its boundary mark have been seen (or the worker is buried): what was printed before the
mark is the work's, what comes after it is nobody's. The mark lies in the pipe before the reply is sent, so on seeing
the reply we read on until we meet it.

Nothing here waits: both pipes are read as they fill, and a request too large for its pipe is written as it empties.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Protocol

from runner.errors import RunnerFault
from runner.execute.endings import CLOSED, GARBAGE
from runner.execute.lifeline import Lifeline
from runner.execute.wire import (
    Begun,
    Describe,
    Described,
    Ended,
    Exited,
    FromWorker,
    Lines,
    Said,
    Setting,
    Spawned,
    decode,
    encode,
    mark,
    without_setting,
)
from runner.plain import NotThisShape
from runner.task import Note, Request

PIECE = 64 * 1024
_GONE_BY = 1.0  # seconds an idle worker gets to leave
_DYING = 0.3  # seconds from the end of its channel to the burial of a worker that dies; one that lives on has closed it


class Work(Protocol):
    """What a worker is asked to do, as told what becomes of it."""

    def begun(self, pid: int) -> None:
        """Hear that it begins, in this worker."""

    def spawned(self, pid: int) -> None:
        """Hear that it is a command, and runs now."""

    def said(self, note: Note) -> None:
        """Hear what it says."""

    def printed(self, piece: bytes) -> None:
        """Take what it prints."""

    def ended(self, reply: Ended | Described) -> None:
        """Hear that it is over: nothing more will be said or printed."""

    def lost(self, exited: Exited, fault: str) -> None:
        """Hear that its worker is gone, without a reply; `fault` is what it was seen to do wrong before."""


class Phase(Enum):
    """What a worker is at."""

    IDLE = "could be asked"
    BUSY = "works"
    LEAVING = "is asked for nothing any more"


class Child:
    """One worker and its two pipes."""

    def __init__(self, number: int, setting: Setting, lifeline: Lifeline, selector: BaseSelector) -> None:
        """Order the worker from the warden; it can be asked at once.

        Raises:
            RunnerFault: the process has no descriptor left, or the warden is gone.

        """
        self.number = number
        self.setting = setting
        self.phase = Phase.IDLE
        self.loaded: set[str] = set()
        self._work: Work | None = None
        self._reply: Ended | Described | None = None
        self._marked = False
        self._asked = 0
        self._mark = b""
        self._fault = ""
        self._stopped = False
        self._held = b""
        self._outgoing = bytearray()
        self._lines = Lines()
        self._lifeline = lifeline
        self._selector = selector
        self._token = os.urandom(8).hex()
        self._channel, self._output = self._open()
        self._selector.register(self._channel, EVENT_READ, self._on_channel)
        self._selector.register(self._output, EVENT_READ, self._on_output)
        self._send(encode(setting))

    # -- asking ----------------------------------------------------------------------------------------------------

    def ask(self, work: Work, request: Request | Describe) -> None:
        """Hand over a piece of work."""
        assert self.phase is Phase.IDLE, "one at a time"
        self.phase, self._work = Phase.BUSY, work
        self._asked += 1
        self._mark = mark(self._token, self._asked)
        match request:
            case Request(uses=uses):
                self.loaded.add(uses or "")
                self._send(encode(without_setting(request)))
            case Describe(uses=uses):
                self.loaded.add(uses)
                self._send(encode(request))

    def stop(self, kill_after: float) -> None:
        """Ask for the end of the worker and of all below it; its work still ends by `ended` or `lost`."""
        self._stopped = True
        self._lifeline.stop(self.number, kill_after)

    def leave(self) -> None:
        """Let the worker go once it is idle."""
        self.phase = Phase.LEAVING
        self.stop(_GONE_BY)

    def bury(self, exited: Exited) -> None:
        """Take in that the worker is gone: read what is left in its pipes, then close them."""
        while self._hear():
            pass
        while self._listen():
            pass
        work, self._work, self.phase = self._work, None, Phase.LEAVING
        self.close()
        if work is not None:
            work.printed(self._held)
            work.lost(exited, self._fault)

    def close(self) -> None:
        """Close our ends of the pipes."""
        for end in (self._channel, self._output):
            with suppress(KeyError):  # it ended before
                self._selector.unregister(end)
        self._channel.close()
        os.close(self._output)

    # -- listening -------------------------------------------------------------------------------------------------

    def _on_channel(self, mask: int) -> None:
        if mask & EVENT_WRITE:
            self._send(b"")
        if mask & EVENT_READ:
            self._hear()

    def _on_output(self, _mask: int) -> None:
        self._listen()

    def _hear(self) -> bool:
        """Read from the channel; says whether there may be more."""
        if self._fault:
            return False
        try:
            piece = self._channel.recv(PIECE)
        except BlockingIOError:
            return False
        except OSError:  # a border: reset by the death of the worker
            piece = b""
        if not piece:
            self._selector_forgets(self._channel)
            self._fail(CLOSED)
            return False
        try:
            for line in self._lines.feed(piece):
                self._take(decode(FromWorker, line))
        except NotThisShape:
            self._selector_forgets(self._channel)
            self._fail(GARBAGE)
            return False
        return True

    def _take(self, message: FromWorker) -> None:
        if self._work is None:
            return  # a thread that the last attempt left behind still speaks; its worker is leaving
        match message:
            case Begun(pid=pid):
                self._work.begun(pid)
            case Spawned(pid=pid):
                self._work.spawned(pid)
            case Said(note=note):
                self._work.said(note)
            case Ended() | Described():
                self._reply = message
                while not self._marked and self._listen():
                    pass
                self._settle()

    def _listen(self) -> bool:
        """Read from the output pipe; says whether there may be more."""
        try:
            piece = os.read(self._output, PIECE)
        except BlockingIOError:
            return False
        if not piece:  # all who could write have ended, or closed it
            self._selector_forgets(self._output)
            self._marked = True
            self._settle()
            return False
        if self._work is not None and not self._marked:
            self._split(self._held + piece)
        return True

    def _split(self, data: bytes) -> None:
        """Give the work what was printed up to the mark; hold back what may be the beginning of a mark."""
        assert self._work is not None, "somebody prints"
        at = data.find(self._mark)
        if at >= 0:
            self._held, self._marked = b"", True
            self._work.printed(data[:at])
            self._settle()
            return
        held = next((n for n in range(min(len(self._mark) - 1, len(data)), 0, -1) if data.endswith(self._mark[:n])), 0)
        self._held = data[len(data) - held :]
        self._work.printed(data[: len(data) - held])

    def _settle(self) -> None:
        """End the work once reply and mark are there."""
        if self._work is None or self._reply is None or not self._marked:
            return
        work, reply = self._work, self._reply
        self._work, self._reply, self._marked = None, None, False
        leaving = self._stopped or (isinstance(reply, Ended) and reply.leaving)
        self.phase = Phase.LEAVING if leaving else Phase.IDLE
        work.ended(reply)

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _open(self) -> tuple[socket.socket, int]:
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                read, write = os.pipe()
                try:
                    self._lifeline.fork(self.number, self._token, theirs.fileno(), write)
                finally:
                    os.close(write)
        except OSError as error:  # a border: no descriptor is left
            raise RunnerFault(f"no worker can be started: {error.strerror}") from error
        ours.setblocking(False)  # noqa: FBT003  # its own signature
        os.set_blocking(read, False)
        return ours, read

    def _send(self, data: bytes) -> None:
        self._outgoing += data
        try:
            while self._outgoing:
                del self._outgoing[: self._channel.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:  # a border: the worker is gone; its burial tells
            self._outgoing.clear()
        wanted = EVENT_READ | (EVENT_WRITE if self._outgoing else 0)
        if self._channel in self._selector.get_map() and self._selector.get_key(self._channel).events != wanted:
            self._selector.modify(self._channel, wanted, self._on_channel)

    def _selector_forgets(self, end: socket.socket | int) -> None:
        with suppress(KeyError):
            self._selector.unregister(end)

    def _fail(self, fault: str) -> None:
        """Give up a worker that can no longer be spoken to; after a stop it was to be expected."""
        self.phase = Phase.LEAVING
        if not self._stopped:
            self._fault = fault
            self.stop(_DYING)
