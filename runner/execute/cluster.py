"""Executor: attempts at the workers of a Dask cluster, services beside the runner. Knows no graph and no rule.

Theory of operation. A pool of our own looks after services, holds the lock, and is what `wait` waits in; attempts go
through `link` to hosts, which are pools of ours at the cluster's workers (`host`), and `abroad` knows which is where.
What Dask's thread hears lies in `link.heard`, and wakes the pool.

The cluster may grow and shrink, and be gone for a while: slots follow, down to none. Only when nothing could be done
for `patience` seconds is that a fault, and the run can be resumed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import Problem, RunnerFault
from runner.execute.abroad import Abroad, output_for
from runner.execute.attendance import Attendance
from runner.execute.errands import Describing, Opening, Over, Printed, Settlement, Told, problem_of
from runner.execute.heard import Answer, Broken, Connected, Heard, HostCame, HostLeft, HostRefused, Unreachable
from runner.execute.link import Link
from runner.execute.moving import leaving
from runner.execute.pool import Pool
from runner.execute.ports import Clock, Hear
from runner.execute.relay import Relay
from runner.execute.shipping import pack
from runner.schedule.messages import (
    Event,
    LimitWorkers,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Request, ServiceRequest, Signature
from runner.version import VERSION

LOCALHOST = "127.0.0.1"
QUIET = 3.0
"""Seconds in which the first worker is waited for without a word."""
GATHERED = 3.0
"""Seconds after the first worker in which the others are waited for; later ones are welcome, too."""


class Where(Struct, frozen=True, kw_only=True):
    """Which cluster: its scheduler's address, None for one on this machine, of so many workers.

    `advertise` is the name under which its workers reach this machine, where services run; `patience` are seconds
    without a worker; `ships` says whether the packages of the tasks are brought to the workers. `store` is a place of
    fsspec's where workers put files of runs whose folder they do not see, "" for none.
    """

    address: str | None = None
    workers: int = 1
    advertise: str = LOCALHOST
    patience: float = 300.0
    ships: bool = False
    store: str = ""


def _silent(_text: str) -> None:
    """Say nothing."""


class Cluster:
    """The executor of a run on a cluster; the pool is this one's, and closed with it."""

    def __init__(self, pool: Pool, clock: Clock, where: Where, say: Callable[[str], object] = _silent) -> None:
        """Begin to connect; returns at once. `say` is told what a person has to wait for before the run begins."""
        self._pool = pool
        self._clock = clock
        self._where = where
        self._say = say
        self._wakes = self._seen = self._unexplained = 0
        self._called = False
        crew, started_in = f"taskgraph-{os.urandom(6).hex()}", os.getcwd()  # noqa: PTH109  # as text, as in requests
        opening = Opening(crew=crew, topic="", version=VERSION, python=sys.executable, started_in=started_in)
        self._link = Link(where.address, where.workers, opening, self._on_heard)
        self._abroad = Abroad(self._link, clock.now, dict(os.environ))
        self._relay = Relay(where.advertise)
        self._attendance = Attendance(where.address or "the local cluster", where.patience, clock.now())
        self._settled = self._closed = False
        self._archive = b""
        self._folder: Path | None = None
        self._token = f".{os.urandom(8).hex()}"
        self._secrets: Mapping[str, str] = {}
        self._hear: Hear | None = None
        self._events: list[Event] = []
        self._answer: Answer | None = None

    # -- what a run asks of whoever does its work ------------------------------------------------------------------

    @property
    def slots(self) -> int:
        """How many attempts may be asked for now."""
        return self._abroad.slots

    def gather(self, most: int | None) -> None:
        """Let no more than so many attempts run at once (None: all that can), and wait for the cluster's workers.

        Raises:
            RunnerFault: nobody answers, or no worker can be used.

        """
        if most is not None:
            self._abroad.placing.limit(most)
        self._for_a_worker()
        until = self._clock.now() + GATHERED
        self._until(lambda: self._attendance.is_whole or self._clock.now() >= until)

    def open(self, run_folder: Path) -> None:
        """Say where logs belong."""
        self._folder = self._abroad.folder = run_folder.resolve()  # as requests name it
        if self._where.store:
            self._abroad.store = f"{self._where.store.rstrip('/')}/{run_folder.name}"
        self._pool.open(run_folder)

    def hold(self, descriptor: int) -> None:
        """Let the warden keep a copy of a descriptor until everything has ended: the run's lock."""
        self._pool.hold(descriptor)

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Mask these values in all that starts from now on."""
        self._secrets = secrets
        self._pool.hide(secrets)

    def listen(self, hear: Hear) -> None:
        """Hand on what is printed by all that starts from now on."""
        self._hear = hear
        self._pool.listen(hear)

    def heed(self, descriptor: int) -> None:
        """Let `wait` return as long as something can be read from a descriptor of somebody else."""
        self._pool.heed(descriptor)

    def unheed(self, descriptor: int) -> None:
        """Heed it no more."""
        self._pool.unheed(descriptor)

    def last_line(self, name: str) -> str:
        """Answer the newest line that a running task or service has printed, "" if there is none."""
        output = self._abroad.output_of(name)
        return output.last_line if output is not None else self._pool.last_line(name)

    def wake(self) -> None:
        """Let `wait` return, now or the next time; safe in a signal handler."""
        self._called = True
        self._pool.wake()

    # -- the executor ----------------------------------------------------------------------------------------------

    def start(self, command: StartAttempt | StartService, request: Request | ServiceRequest) -> None:
        """Begin an attempt or a service; returns at once."""
        match request:
            case Request(task=task):
                self._settle()
                hear = None if self._hear is None else partial(self._hear, task)
                self._abroad.start(request, output_for(request, self._folder, hear))
            case ServiceRequest():
                self._pool.start(command, request)

    def stop(self, command: StopAttempt | StopService) -> None:
        """Ask for an end, which still comes from `wait`."""
        match command:
            case StopAttempt():
                self._abroad.stop(command)
            case StopService():
                self._pool.stop(command)

    def limit(self, command: LimitWorkers) -> None:
        """Do with fewer workers from now on."""
        self._abroad.placing.limit(command.workers)

    def wait(self, timeout: float | None) -> Sequence[Event]:
        """Answer what happened, waiting at most `timeout` seconds; [] if that time ran out, or after a wake.

        Raises:
            RunnerFault: there was no worker for too long, the warden was ended, or a log cannot be written.

        """
        until = None if timeout is None else self._clock.now() + timeout
        while True:
            self._take_in()
            if self._events or (until is not None and self._clock.now() >= until):
                break
            if self._rest(until):
                break  # somebody else woke us
        self._called = False
        events, self._events = self._events, []
        return events

    def describe(self, wanted: Mapping[str, Request]) -> dict[str, Signature | Problem]:
        """Describe functions at one of the cluster's workers.

        Raises:
            RunnerFault: there is no worker, or it cannot answer.

        """
        if self._where.ships and wanted:
            archive = pack(wanted, next(iter(wanted.values())).path)
            if isinstance(archive, Problem):
                return dict.fromkeys(wanted, archive)
            self._archive = archive
        self._for_a_worker()
        sent = {uses: leaving(each, os.environ) for uses, each in wanted.items()}
        self._link.describe(self._abroad.placing.addresses[0], Describing(wanted=sent, archive=self._archive))
        self._until(lambda: self._answer is not None)
        answer, self._answer = self._answer, None
        assert answer is not None, "that was waited for"
        if answer.told is None:
            raise RunnerFault(answer.why)
        return {uses: problem_of(answer.told.told[uses]) for uses in wanted}

    def let_go(self) -> None:
        """Let everything end that still runs, without waiting for it; nothing more can be started."""
        self._pool.let_go()

    def close(self) -> None:
        """End everything still running, here and at the cluster's workers, and wait until it is gone."""
        if self._closed:
            return
        self._closed = True
        self._link.close()
        self._pool.close()
        self._relay.close()
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / self._token).unlink(missing_ok=True)

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Let the hosts know, once, what they have to before their first attempt."""
        if self._settled:
            return
        self._settled = True
        folder = "" if self._folder is None else str(self._folder)
        if self._folder is not None:
            (self._folder / self._token).touch(mode=0o600)
        about = Settlement(folder=folder, token=self._token, secrets=self._secrets, archive=self._archive)
        self._link.settle(replace(about, store=self._abroad.store))

    def _on_heard(self) -> None:
        self._wakes += 1
        self._pool.wake()

    def _rest(self, until: float | None) -> bool:
        """Wait for what happens next; says whether somebody else woke us."""
        limits = [until, self._abroad.next_look(), self._patience_ends()]
        first = min((each for each in limits if each is not None), default=None)
        before = self._clock.now()
        events = self._pool.wait(None if first is None else max(0.0, first - before))
        self._events += [self._relay.passed(event) for event in events]
        now = self._clock.now()
        early = not events and (first is None or now < first) and self._wakes == self._seen
        self._seen = self._wakes
        self._unexplained = self._unexplained + 1 if early else 0  # one may be the link's: it counts, then wakes
        self._abroad.look()
        self._lose_patience(now)
        return self._called or self._unexplained > 1

    def _take_in(self) -> None:
        heard = self._link.heard
        while heard:
            self._hear_of(heard.popleft())
        self._events += self._abroad.events()

    def _hear_of(self, heard: Heard) -> None:
        match heard:
            case Told() | Printed() | Over() | Broken():
                self._abroad.hear(heard)
            case HostCame(address=address, threads=threads, resources=resources):
                self._attendance.hear(heard, self._clock.now())
                self._abroad.host_came(address, threads, resources)
            case HostLeft(address=address, why=why):
                self._attendance.hear(heard, self._clock.now())
                self._abroad.host_left(address, why)
            case HostRefused() | Connected() | Unreachable():
                self._attendance.hear(heard, self._clock.now())
            case Answer():
                self._answer = heard

    def _for_a_worker(self) -> None:
        """Wait for the first worker, and say so if that takes a while."""
        until = self._clock.now() + QUIET
        self._until(lambda: not self._attendance.is_empty or self._clock.now() >= until)
        if self._attendance.is_empty:
            self._say(self._attendance.waits)
        self._until(lambda: not self._attendance.is_empty)

    def _until(self, known: Callable[[], bool]) -> None:
        """Wait until something is known."""
        self._take_in()
        while not known():
            self._rest(self._clock.now() + 0.5)
            if self._called:
                raise RunnerFault("stopped while it waited for the cluster")
            self._take_in()

    def _patience_ends(self) -> float | None:
        stuck = self._abroad.waiting_since()
        ends = [self._attendance.ends, None if stuck is None else stuck + self._where.patience]
        return min((each for each in ends if each is not None), default=None)

    def _lose_patience(self, now: float) -> None:
        """Give up what cannot go on.

        Raises:
            RunnerFault: nothing can.

        """
        fault, patience = self._attendance.fault(now), self._where.patience
        if fault:
            raise RunnerFault(fault)
        stuck = self._abroad.waiting_since()
        if stuck is not None and now - stuck >= patience:
            self._abroad.give_up(f"no worker of the cluster has what it requires, for {patience:g} s")
