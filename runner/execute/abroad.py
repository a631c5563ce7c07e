"""The attempts at the hosts of a cluster: who has which, what is heard of it, what that means. Knows no Dask.

Theory of operation. Which host gets an attempt is decided here (`placing`), and so is everything that is said of it:
what a host says is believed as long as the attempt is in hand, and once it is over, by its own end or because its host
is lost, nothing more is heard of it. So each ends exactly once, whatever arrives late.

An attempt whose host is lost has ended as `lost`, begun or not: nobody can say. One that waits for a place is with us,
and comes back unbegun if it is stopped.

Of functions that need no process of their own and were short so far, a host gets several ahead (`window`). If one turns
out to be slow, what was handed over behind it is asked back.

Times are ours: an event happens when we hear of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from runner.execute.endings import of_loss
from runner.execute.errands import Errand, Over, Printed, Recall, StopErrand, ToHost, Told, encode
from runner.execute.heard import Broken, Parcel
from runner.execute.moving import files_read, leaving
from runner.execute.output import Output, log_name
from runner.execute.placing import AHEAD, Needs, Placing, claimed
from runner.execute.receipts import Receipts
from runner.execute.window import Window
from runner.mask import Masker
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    Noted,
    SlotsChanged,
    StopAttempt,
)
from runner.task import Cause, Failed, Outcome, Receipt, Request

SHORT = 0.05
"""Seconds that a short attempt takes at most: several times the way to a host and back would be longer."""
LAST = 8
"""Attempts of a function that have to have been short, one after another."""
SLOW = 0.25
"""Seconds after which what was handed over behind an attempt is asked back."""
_NOTHING_TO_MASK = Masker({})  # the host has masked it

Key = tuple[str, int]
"""A task and the number of an attempt."""


class Carrier(Protocol):
    """Carries errands to hosts, and what is said about them."""

    def submit(self, address: str, parcel: Parcel) -> None:
        """Send an errand to a host."""

    def tell(self, address: str, message: ToHost) -> None:
        """Tell a host something about an errand."""

    def forget(self, key: str) -> None:
        """Ask nothing more about an errand."""


class Attempt(Struct, kw_only=True, eq=False):
    """An attempt in hand: at a host, or waiting for one (`host` is "").

    `since` is when it was handed over; of one that waits, when it came, or when the last host left that could take it.
    """

    key: str
    request: Request
    needs: Needs
    output: Output
    since: float
    host: str = ""
    ahead: bool = False
    recalled: bool = False
    begun: float | None = None
    stop: StopAttempt | None = None


class Abroad:
    """The attempts of one run that are at hosts, or on their way there."""

    def __init__(self, carrier: Carrier, now: Callable[[], float], environment: Mapping[str, str]) -> None:
        self.placing = Placing()
        self.folder: Path | None = None
        self.store = ""
        self._carrier = carrier
        self._now = now
        self._environment = environment
        self._window = Window(SHORT, LAST)
        self._in_hand: dict[str, Attempt] = {}
        self._keys: dict[Key, str] = {}
        self._waiting: deque[Attempt] = deque()
        self._resources: dict[str, Mapping[str, float]] = {}
        self._offered: tuple[int, tuple[str, ...]] = (0, ())
        self._count = 0
        self._events: list[Event] = []
        self._receipts = Receipts()

    # -- the questions ---------------------------------------------------------------------------------------------

    @property
    def slots(self) -> int:
        """How many attempts may be asked for."""
        return self.placing.threads * (AHEAD if self._window.functions else 1)

    def output_of(self, task: str) -> Output | None:
        """Answer the output of a task that has an attempt in hand."""
        found = (each.output for each in self._in_hand.values() if each.request.task == task)
        return next(found, None)

    def waiting_since(self) -> float | None:
        """Answer since when an attempt waits that no host could ever take, None if none does."""
        stuck = (each.since for each in self._waiting if not self.placing.could_ever(each.needs))
        return min(stuck, default=None)

    def next_look(self) -> float | None:
        """Answer when `look` is wanted, None for never."""
        return self._now() + SLOW if any(map(_may_come_back, self._in_hand.values())) else None

    def events(self) -> list[Event]:
        """Answer what has happened since the last time."""
        self._offer()
        events, self._events = self._events, []
        return events

    # -- asking ----------------------------------------------------------------------------------------------------

    def start(self, request: Request, output: Output) -> None:
        """Take an attempt in hand."""
        self._count += 1
        key = f"{request.run}/{request.task}/{request.attempt}/{self._count}"
        needs = {name.lower(): float(amount) for name, amount in request.requires.items()}
        if request.memory is not None:
            needs["memory"] = float(request.memory)
        attempt = Attempt(key=key, request=request, needs=needs, output=output, since=self._now())
        self._in_hand[key] = attempt
        self._keys[request.task, request.attempt] = key
        if not self._placed(attempt):
            self._waiting.append(attempt)

    def stop(self, command: StopAttempt) -> None:
        """Ask for an end; what is over already is left alone."""
        attempt = self._in_hand.get(self._keys.get((command.task, command.attempt), ""))
        if attempt is None:
            return
        attempt.stop = attempt.stop or command
        if attempt.host:
            self._carrier.tell(attempt.host, StopErrand(key=attempt.key, stop=command))
        else:
            self._waiting.remove(attempt)
            self._return(attempt)

    # -- hosts come and go -----------------------------------------------------------------------------------------

    def host_came(self, address: str, threads: int, resources: Mapping[str, float]) -> None:
        """Take in a host."""
        if address in self.placing.addresses:
            self.host_left(address, "its worker was started anew")
        self._resources[address] = resources
        self.placing.add(address, threads, resources)
        self._place_waiting()

    def host_left(self, address: str, why: str) -> None:
        """Take in that a host is gone, and with it everything it had in hand."""
        able = [each for each in self._waiting if self.placing.could_ever(each.needs)]
        self.placing.remove(address)
        for attempt in able:
            attempt.since = self._now()
        for attempt in [each for each in self._in_hand.values() if each.host == address]:
            self._lose(attempt, f"{why} ({address})")

    # -- what is heard ---------------------------------------------------------------------------------------------

    def hear(self, message: Told | Printed | Over | Broken) -> None:
        """Take in what is said of an attempt; of one that is over nothing is believed any more."""
        attempt = self._in_hand.get(message.key)
        if attempt is None:
            return
        match message:
            case Told(event=AttemptStarted()) if attempt.begun is not None:
                pass  # said twice
            case Told(event=AttemptStarted() as event):
                attempt.begun = self._now()
                asked = None if attempt.ahead else attempt.since
                self._events.append(replace(event, at=attempt.begun, asked=asked, worker=attempt.host))
            case Told(event=Noted() as event):
                self._events.append(replace(event, at=self._now()))
            case Told(event=AttemptReturned()):
                self._return(attempt)
            case Printed(piece=piece):
                attempt.output.write(piece)
            case Over(end=end, seconds=seconds):
                self._time(attempt, seconds)
                self._end(attempt, of_loss(end.outcome, attempt.stop), end.left)
            case Broken(why=why):
                self._lose(attempt, f"{why} ({attempt.host})")

    def look(self) -> None:
        """Ask back what waits behind an attempt that is slow."""
        now = self._now()
        slow = {
            each.host: each.request.uses or ""
            for each in self._in_hand.values()
            if each.begun is not None and now - each.begun >= SLOW
        }
        for uses in slow.values():
            self._window.close(uses)
        for attempt in self._in_hand.values():
            if attempt.host in slow and _may_come_back(attempt):
                request = attempt.request
                recall = Recall(key=attempt.key, task=request.task, attempt=request.attempt)
                self._carrier.tell(attempt.host, recall)
                attempt.recalled = True

    def give_up(self, message: str) -> None:
        """End what waits for a host that could never take it."""
        for attempt in [each for each in self._waiting if not self.placing.could_ever(each.needs)]:
            self._waiting.remove(attempt)
            wanted = ", ".join(f"{name}: {amount:g}" for name, amount in attempt.needs.items())
            self._end(attempt, Failed(cause=Cause.BAD_PARAMETERS, message=f"{message}: {wanted}"), ())

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _placed(self, attempt: Attempt) -> bool:
        request = attempt.request
        short = request.isolation == "worker" and (request.uses or "") in self._window
        host = self.placing.place(attempt.key, attempt.needs)
        if host is None and short:
            host, attempt.ahead = self.placing.place(attempt.key, attempt.needs, AHEAD), True
        if host is None:
            attempt.ahead = False
            return False
        attempt.host, attempt.since = host, self._now()
        self._write_down(request)
        self._carrier.submit(host, self._parcel(attempt))
        return True

    def _write_down(self, request: Request) -> None:
        """Write down that an attempt may begin: should we be killed before we hear that it has, it is doubtful."""
        self._receipts.add(request.receipts, Receipt(task=request.task, attempt=request.attempt, key=request.key), {})
        self._receipts.write()

    def _parcel(self, attempt: Attempt) -> Parcel:
        files = set[str]() if self.folder is None else files_read(attempt.request, str(self.folder), self.store)
        request = leaving(attempt.request, self._environment)
        errand = encode(Errand(key=attempt.key, request=request, files=tuple(sorted(files))))
        claims = claimed(attempt.needs, self._resources[attempt.host])
        return Parcel(key=attempt.key, errand=errand, claims=claims, files=frozenset(files))

    def _place_waiting(self) -> None:
        self._waiting = deque(each for each in self._waiting if not self._placed(each))

    def _lose(self, attempt: Attempt, why: str) -> None:
        """End an attempt of which nobody can say how it ended."""
        begun = "" if attempt.begun is not None or attempt.stop is not None else "; whether it had begun nobody can say"
        self._end(attempt, of_loss(Failed(cause=Cause.LOST, message=why + begun), attempt.stop), ())

    def _end(self, attempt: Attempt, outcome: Outcome, left: tuple[str, ...]) -> None:
        log, request, now = attempt.output.close(), attempt.request, self._now()
        self._events.append(
            AttemptEnded(at=now, task=request.task, attempt=request.attempt, outcome=outcome, log=log, left=left)
        )
        self._release(attempt)

    def _return(self, attempt: Attempt) -> None:
        attempt.output.close()
        request = attempt.request
        self._events.append(AttemptReturned(at=self._now(), task=request.task, attempt=request.attempt))
        self._release(attempt)

    def _release(self, attempt: Attempt) -> None:
        del self._in_hand[attempt.key], self._keys[attempt.request.task, attempt.request.attempt]
        if attempt.host:
            self._carrier.forget(attempt.key)
            self.placing.over(attempt.host, attempt.key)
            self._place_waiting()

    def _time(self, attempt: Attempt, seconds: float) -> None:
        """Take in how long a function took, so that others of its kind may be handed over ahead."""
        if attempt.request.isolation == "worker":
            self._window.ended(attempt.request.uses or "", seconds)

    def _offer(self) -> None:
        """Say how many attempts may be asked for, if that is news."""
        offered = self.placing.threads, self._window.functions
        if offered != self._offered:
            self._offered = offered
            workers, short = offered
            self._events.append(SlotsChanged(at=self._now(), slots=self.slots, workers=workers, short=short))


def _may_come_back(attempt: Attempt) -> bool:
    """Say whether an attempt was handed over ahead, has not begun, and was not asked back yet."""
    return attempt.ahead and attempt.begun is None and not attempt.recalled


def output_for(request: Request, folder: Path | None, hear: Callable[[bytes], None] | None) -> Output:
    """Answer where an attempt's output is kept."""
    name = log_name(request.task, str(request.attempt))
    return Output(folder, name, request.log_limit, _NOTHING_TO_MASK, hear)
