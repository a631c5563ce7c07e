"""One run at one worker of a Dask cluster: the other end of `link`. Knows no graph, no schedule and no other host.

Theory of operation. What Dask runs here does not do the work: `attempt` hands it to a pool of our own (`away`) and
waits. So an attempt has the same warden, the same kind of process, the same limits and the same death as at home, and
the cluster's worker survives it. (Only what is trusted runs in Dask's own thread, `inside`.)

Whatever is said goes to the runner as Dask events of one topic, in order. That an attempt is over is the last thing
said of it, and only then does the call return.

Nobody has to tell us that the runner is gone: the scheduler forgets its keys, and a key that is forgotten while its
call goes on (`transition`) stops its attempt. One key says no more than that the runner is there (`present`): with it
the host goes, and its files.

The functions at the end are what crosses: Dask pickles their names, and lines of JSON.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker
from msgspec.structs import replace

from runner.errors import Problem
from runner.execute.away import Away
from runner.execute.errands import (
    Describing,
    Descriptions,
    Enlisted,
    Errand,
    FromHost,
    Opening,
    Over,
    Printed,
    Sent,
    Settled,
    Settlement,
    StopErrand,
    ToHost,
    Told,
    decode,
    encode,
    lines_of,
    undescribed,
)
from runner.execute.inside import InsideAttempt
from runner.execute.last_words import ended, forsaken, over
from runner.execute.moving import Home, arriving
from runner.execute.shipping import unpack
from runner.execute.storing import NotStored, get, put
from runner.mask import Masker
from runner.schedule.messages import AttemptStarted, Noted
from runner.task import Artifact, Cause, Failed, Note, Outcome, Request, Signature
from runner.version import VERSION

UNSENT = 200
"""Messages that may wait to be sent to the scheduler; whoever prints faster waits."""


class Host(WorkerPlugin):
    """What one run has at one worker."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self._folder = self._run_folder = self._store = ""
        self._masker = Masker({})
        self._packages: tuple[str, ...] = ()
        self._inside: dict[str, InsideAttempt] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()

    # -- what Dask calls -------------------------------------------------------------------------------------------

    def setup(self, worker: Worker) -> None:
        """Make room at a worker."""
        self._worker = worker
        self._scratch = Path(worker.local_directory, self.opening.crew)
        self._away = Away(worker.state.nthreads, self._tell)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002  # its own signature
        """End everything of the run here, and leave nothing behind."""
        await asyncio.to_thread(self._away.close)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Hear that the scheduler has forgotten a key whose call goes on, or that the runner is there at all."""
        if start == "memory" and finish == "released" and key == presence(self.opening, self._worker.address):
            self._worker.loop.add_callback(dismiss, self.opening.crew, self._worker)
        if start == "executing" and finish == "released":  # Dask calls the state in which it then is "cancelled"
            with self._lock:
                inside = self._inside.get(key)
                if inside is None:
                    self._away.forsake(key)
            if inside is not None:
                inside.stop(forsaken(inside.request))

    # -- what the runner asks --------------------------------------------------------------------------------------

    def settle(self, settlement: Settlement) -> Settled:
        """Take in what has to be known before the first attempt."""
        shared = Path(settlement.folder, settlement.token).is_file()
        self._run_folder, self._masker = settlement.folder, Masker(settlement.secrets)
        self._store = "" if shared else settlement.store
        self._folder = settlement.folder if shared else str(self._scratch / "run")
        for name in () if shared else ("", "outputs", "receipts"):
            Path(self._folder, name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._away.hide(settlement.secrets)
        self._equip(settlement.archive)
        return Settled(carried=not shared and not self._store)

    def do(self, errand: Errand) -> None:
        """Do an attempt; returns when it is over and all of it was told."""
        if not self._away.comes(errand.key):
            return
        try:
            if self._store:
                get(self._store, self._folder, errand.files)
        except NotStored as error:  # a border: the place is somebody else's
            failed = Failed(cause=Cause.BAD_PARAMETERS, message=str(error))
            if self._away.begins(errand.key):
                self._tell([over(errand.key, ended(errand.request, failed, self._now()), ())])
            return
        errand = replace(errand, request=self._arrived(errand.request))
        if errand.request.isolation == "worker":
            self._do_inside(errand)
        else:
            self._away.do(errand)

    def hear(self, message: ToHost) -> None:
        """Stop an attempt, or give it back."""
        with self._lock:
            inside = self._inside.get(message.key)
            if inside is None:
                self._away.hear(message)
        if inside is not None and isinstance(message, StopErrand):
            inside.stop(message.stop)

    def describe(self, question: Describing) -> dict[str, Signature | Problem]:
        """Describe functions; returns when all were."""
        self._equip(question.archive)
        return self._away.describe({uses: self._arrived(request) for uses, request in question.wanted.items()})

    def file(self, path: str) -> Path:
        """Answer where a file of the run's folder is here; none is outside of it."""
        place = Path(self._folder, path)
        if not place.resolve().is_relative_to(Path(self._folder).resolve()):
            raise ValueError(f"{path} leads out of the run's folder")
        return place

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _arrived(self, request: Request) -> Request:
        folder = self._folder
        home = Home(python=sys.executable, folder=folder, environment=dict(os.environ), packages=self._packages)
        python, started_in = self.opening.python, self.opening.started_in
        left = Home(python=python, folder=self._run_folder, started_in=started_in, store=self._store)
        return arriving(request, home, left, os.path.isdir)

    def _equip(self, archive: bytes) -> None:
        """Unpack what was shipped, once."""
        place = self._scratch / "packages"
        with self._lock:
            if archive and not self._packages:
                unpack(archive, place)
                self._packages = (str(place),)

    def _do_inside(self, errand: Errand) -> None:
        key, request = errand.key, errand.request

        def say(note: Note) -> None:
            event = Noted(at=self._now(), task=request.task, attempt=request.attempt, note=note)
            self._tell([Told(key=key, event=event)])

        def end(outcome: Outcome, seconds: float, left: tuple[str, ...]) -> None:
            self._tell([over(key, ended(request, outcome, self._now(), left), (), seconds)])

        attempt = InsideAttempt(request, self._masker, say, end)
        with self._lock:
            if not self._away.begins(key):
                return
            self._inside[key] = attempt
        begun = AttemptStarted(
            at=self._now(), task=request.task, attempt=request.attempt, pid=os.getpid(), key=request.key
        )
        self._tell([Told(key=key, event=begun)])
        attempt.run()
        with self._lock:
            del self._inside[key]

    def _tell(self, messages: Sequence[FromHost]) -> None:
        """Send messages on their way to the runner; waits while too many others wait."""
        stream = self._worker.batched_stream
        if threading.get_ident() != self._worker.thread_id:
            while len(stream.buffer) > UNSENT and not stream.closed():
                time.sleep(0.01)
        kept = [stored_at(self._store, self._folder, each) for each in messages] if self._store else messages
        self._worker.log_event(self.opening.topic, lines_of(kept))

    def _now(self) -> float:
        return round(time.monotonic() - self._began, 6)


def stored_at(store: str, folder: str, message: FromHost) -> FromHost:
    """Put the files of an attempt that is over into the store; answers a message in which all files are named there."""
    match message:
        case Told(event=Noted(note=Artifact(path=path) as artifact) as event):
            return replace(message, event=replace(event, note=replace(artifact, path=f"{store}/{path}")))
        case Over(end=end, files=files) if files:
            return replace(message, end=replace(end, outcome=_put(store, folder, files, end.outcome)), files=())
        case Told() | Printed() | Over():
            return message


def _put(store: str, folder: str, files: Sequence[Sent], outcome: Outcome) -> Outcome:
    try:
        put(store, folder, (file.path for file in files))
    except NotStored as error:  # a border: the place is somebody else's
        return Failed(cause=Cause.BAD_OUTPUT, message=str(error))
    there = {name: replace(file, file=f"{store}/{file.file}") for name, file in outcome.files.items()}
    return replace(outcome, files=there)


# -- what crosses ------------------------------------------------------------------------------------------------------


async def enlist(opening: bytes, dask_worker: Worker) -> bytes:
    """Make a host for a run at this worker; one of the same crew that is there already gives way."""
    host = Host(decode(Opening, opening))
    if host.opening.version != VERSION:
        raise RuntimeError(f"it has version {VERSION} of the runner, and the runner is {host.opening.version}")
    await dask_worker.plugin_add(host, name=host.opening.crew, catch_errors=False)
    state = dask_worker.state
    resources = {name: float(amount) for name, amount in state.total_resources.items()}
    return encode(Enlisted(threads=state.nthreads, resources=resources))


async def settle(crew: str, settlement: bytes, dask_worker: Worker) -> bytes:
    """Tell a host what it has to know before its first attempt."""
    return encode(_host(dask_worker, crew).settle(decode(Settlement, settlement)))


async def hear(crew: str, message: bytes, dask_worker: Worker) -> None:
    """Tell a host to stop an attempt, or to give it back."""
    _host(dask_worker, crew).hear(decode(ToHost, message))


async def write_piece(crew: str, path: str, at: int, piece: bytes, dask_worker: Worker) -> None:
    """Put a piece of a file into the folder of a host; the first one begins it anew."""
    place = _host(dask_worker, crew).file(path)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with place.open("wb" if at == 0 else "r+b") as file:
        file.seek(at)
        file.write(piece)


async def read_piece(crew: str, path: str, at: int, size: int, dask_worker: Worker) -> bytes:
    """Answer a piece of a file in the folder of a host."""
    with _host(dask_worker, crew).file(path).open("rb") as file:
        file.seek(at)
        return file.read(size)


async def dismiss(crew: str, dask_worker: Worker) -> None:
    """End a host, and everything of it."""
    if crew in dask_worker.plugins:
        await dask_worker.plugin_remove(crew)


def presence(opening: Opening, address: str) -> str:
    """Answer the key that lives at a worker as long as the runner that has a host there."""
    return f"{opening.crew}/{opening.topic}/{address}"


def present() -> None:
    """Be there."""


def attempt(crew: str, errand: bytes) -> None:
    """Do an attempt; what comes of it is told, not returned."""
    _host(get_worker(), crew).do(decode(Errand, errand))


def describe(crew: str, question: bytes) -> bytes:
    """Answer what functions take and return, as this worker imports them."""
    worker = get_worker()
    told = _host(worker, crew).describe(decode(Describing, question))
    answers = {
        uses: undescribed(each, worker.address) if isinstance(each, Problem) else each for uses, each in told.items()
    }
    return encode(Descriptions(told=answers))


def _host(worker: Worker, crew: str) -> Host:
    host = worker.plugins.get(crew)
    if not isinstance(host, Host):
        raise RuntimeError(f"the run {crew} has no host here: the worker was started anew")  # noqa: TRY004  # a state
    return host
