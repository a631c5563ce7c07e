"""One worker seen from the runner: ask, listen, stop, bury. Knows no attempt; whose work it does is told what happens.

Theory of operation. A worker has two pipes to us, and bytes on different pipes have no order. So each piece of work
ends only when its reply *and* its boundary mark have been seen (or the worker is buried): what was printed before the
mark is the work's, what comes after it the next one's or nobody's. The mark lies in the pipe before the reply is sent,
so on seeing the reply we read on until we meet it.

A worker may be asked for several pieces of work ahead; it does them one at a time, in order. With each goes a permit
(`permits`), of which the worker takes one before it begins. To take back what has not begun is to take back the
permits: as many as are left, so many of the last were not begun, whatever the worker does at this moment, and also if
it is dead.

Nothing here waits: the pipes are read as they fill, what is asked goes out with `flush`, and a request too large for
its pipe is written as it empties.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from contextlib import suppress
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector

from runner.errors import RunnerFault
from runner.execute.endings import CLOSED, GARBAGE
from runner.execute.lifeline import Lifeline
from runner.execute.permits import Permits
from runner.execute.wire import (
    Begun,
    Describe,
    Described,
    Ended,
    Exited,
    Forget,
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
from runner.execute.work import Work
from runner.plain import NotThisShape
from runner.task import Request

PIECE = 64 * 1024
_GONE_BY = 1.0  # seconds an idle worker gets to leave
_DYING = 0.3  # seconds from the end of its channel to the burial of a worker that dies; one that lives on has closed it


class Phase(Enum):
    """What a worker is at."""

    IDLE = "could be asked"
    BUSY = "works"
    LEAVING = "is asked for nothing any more"


class Child:
    """One worker and its pipes."""

    def __init__(self, number: int, lifeline: Lifeline, selector: BaseSelector) -> None:
        """Order the worker from the warden; it can be asked at once, after it was told its setting.

        Raises:
            RunnerFault: the process has no descriptor left, or the warden is gone.

        """
        self.number = number
        self.setting: Setting | None = None
        self.phase = Phase.IDLE
        self.loaded: set[str] = set()
        self.alone = True
        self._asked: deque[tuple[Work, bytes]] = deque()  # what it has not ended, each with its mark
        self._count = 0
        self._reply: Ended | Described | None = None
        self._marked = False
        self._fault = ""
        self._stopped = False
        self._held = b""
        self._outgoing = bytearray()
        self._lines = Lines()
        self._lifeline = lifeline
        self._selector = selector
        self._token = os.urandom(8).hex()
        self._channel, self._output, self._permits = self._open()
        self._wanted = EVENT_READ
        self._selector.register(self._channel, EVENT_READ, self._on_channel)
        self._selector.register(self._output, EVENT_READ, self._on_output)

    @property
    def ahead(self) -> int:
        """How many pieces of work it was asked for and has not ended."""
        return len(self._asked)

    @property
    def piles(self) -> bool:
        """Whether it works on what other work may wait behind."""
        return self.phase is Phase.BUSY and not self.alone

    def fits(self, setting: Setting) -> bool:
        """Say whether it can do what wants this setting."""
        return self.setting is setting or self.setting == setting

    @property
    def head(self) -> Work | None:
        """The piece of work that it does, or begins next."""
        return self._asked[0][0] if self._asked else None

    # -- asking ----------------------------------------------------------------------------------------------------

    def settle(self, setting: Setting) -> None:
        """Say, once, what all its work shares; it goes out with the next `flush`."""
        assert self.setting is None, "a worker settles once"
        self.setting = setting
        self._outgoing += encode(setting)

    def ask(self, work: Work, request: Request | Describe) -> None:
        """Hand over a piece of work; it goes out with the next `flush`."""
        assert self.phase is not Phase.LEAVING, "it is asked for nothing any more"
        self.phase = Phase.BUSY
        self._count += 1
        self._permits.add()
        self._asked.append((work, mark(self._token, self._count)))
        match request:
            case Request(uses=uses):
                self.loaded.add(uses or "")
                self._outgoing += encode(without_setting(request))
            case Describe(uses=uses):
                self.loaded.add(uses)
                self._outgoing += encode(request)

    def flush(self) -> None:
        """Send what was asked since the last time."""
        if self._outgoing:
            self._send()
        self._permits.grant()

    def recall(self) -> list[Work]:
        """Take back what has not begun, the last to be asked first."""
        count = self._permits.take_back()
        if count:
            self._count -= count  # the worker counts only what it does
            self._outgoing += encode(Forget(count=count))
        works = [self._asked.pop()[0] for _ in range(count)]
        if not self._asked and self.phase is Phase.BUSY:
            self.phase = Phase.IDLE
        return works

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
        self.phase = Phase.LEAVING
        untouched = [self._asked.pop()[0] for _ in range(self._permits.take_back())]
        begun, held = [work for work, _ in self._asked], self._held
        self._asked.clear()
        self.close()
        for work in begun:  # one at most, but for a worker that speaks nonsense
            work.printed(held)
            work.lost(exited, self._fault)
        first = untouched.pop() if untouched and not begun else None
        for work in untouched:
            work.returned()
        if first is not None:
            first.lost(exited, self._fault)

    def close(self) -> None:
        """Close our ends of the pipes."""
        for end in (self._channel, self._output):
            with suppress(KeyError):  # it ended before
                self._selector.unregister(end)
        self._channel.close()
        os.close(self._output)
        self._permits.close()

    # -- listening -------------------------------------------------------------------------------------------------

    def _on_channel(self, mask: int) -> None:
        if mask & EVENT_WRITE:
            self._send()
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
        if not self._asked:
            return  # a thread that the last attempt left behind still speaks; its worker is leaving
        work = self._asked[0][0]
        match message:
            case Begun(pid=pid):
                work.begun(pid)
            case Spawned(pid=pid):
                work.spawned(pid)
            case Said(note=note):
                work.said(note)
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
        if self._asked:
            self._held += piece
            self._split()
        return True

    def _split(self) -> None:
        """Give the work what was printed up to its mark; hold back what may be the beginning of a mark."""
        while self._asked and not self._marked:
            work, end = self._asked[0]
            at = self._held.find(end)
            if at < 0:
                self._hand_on(work, end)
                return
            if at:
                work.printed(self._held[:at])
            self._held, self._marked = self._held[at + len(end) :], True
            self._settle()

    def _hand_on(self, work: Work, end: bytes) -> None:
        data = self._held
        held = next((n for n in range(min(len(end) - 1, len(data)), 0, -1) if data.endswith(end[:n])), 0)
        self._held = data[len(data) - held :]
        if len(data) > held:
            work.printed(data[: len(data) - held])

    def _settle(self) -> None:
        """End the work once reply and mark are there; what is printed from now on is the next one's."""
        if not self._asked or self._reply is None or not self._marked:
            return
        (work, _), reply = self._asked.popleft(), self._reply
        self._reply, self._marked = None, False
        if self._stopped or (isinstance(reply, Ended) and reply.leaving):
            self.phase = Phase.LEAVING
        elif not self._asked and self.phase is Phase.BUSY:
            self.phase = Phase.IDLE
        if self._asked:
            self._split()
        else:
            self._held = b""
        work.ended(reply)

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _open(self) -> tuple[socket.socket, int, Permits]:
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                read, write = os.pipe()
                permits = Permits()
                try:
                    self._lifeline.fork(self.number, self._token, theirs.fileno(), write, permits.reading)
                finally:
                    os.close(write)
        except OSError as error:  # a border: no descriptor is left
            raise RunnerFault(f"no worker can be started: {error.strerror}") from error
        ours.setblocking(False)  # noqa: FBT003  # its own signature
        os.set_blocking(read, False)
        return ours, read, permits

    def _send(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._channel.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:  # a border: the worker is gone; its burial tells
            self._outgoing.clear()
        wanted = EVENT_READ | (EVENT_WRITE if self._outgoing else 0)
        if wanted != self._wanted and self._channel in self._selector.get_map():
            self._wanted = wanted
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
