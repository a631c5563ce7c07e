"""One connection to a Dask scheduler, from within its event loop: hosts, keys and what is heard. Knows no thread.

Theory of operation. Each worker that appears is made a host: enlisted, and before its first attempt settled. Each host
has a queue of errands and one task that empties it, because files that an errand reads may have to be there first.
Errands that came together go out together: Dask's cost is by the message. They are pinned to their host, with a key of
ours, `pure=False` and no retries, so Dask neither reuses a result nor does anything again.

What hosts say comes as events of a topic, in order; ours is the client's id, because the scheduler forgets such a topic
with its client. That a host is gone the scheduler says at once (topic `all`). Any other way in which a key can fail is
seldom, and looked for twice a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from distributed import Client, Future
from distributed.comm.core import CommClosedError
from msgspec import Struct, field
from msgspec.structs import replace

from runner.execute import host as there
from runner.execute.carrying import fetch, push
from runner.execute.errands import (
    Describing,
    Descriptions,
    Enlisted,
    Opening,
    Over,
    Settled,
    Settlement,
    ToHost,
    decode,
    encode,
    messages_in,
)
from runner.execute.heard import Answer, Broken, Connected, Heard, HostCame, HostLeft, HostRefused, Parcel, Unreachable

LOOK = 0.5
"""Seconds between two looks at what else may have become of keys."""
UNHEARD = (CommClosedError, TimeoutError)
"""What is raised here because nobody answers."""
FAREWELL = 20.0
"""Seconds that hosts get to end everything: longer than a warden waits for what survives SIGKILL."""


class _Host(Struct, kw_only=True, eq=False):
    """A worker that was enlisted, the errands on their way to it, and which files of the run it has."""

    settled: asyncio.Future[Settled]
    outbox: asyncio.Queue[Parcel] = field(default_factory=asyncio.Queue)
    pushed: set[str] = field(default_factory=set)


class Connection:
    """One client, for as long as its scheduler answers."""

    def __init__(
        self, client: Client, opening: Opening, settlement: Settlement | None, say: Callable[[Heard], None]
    ) -> None:
        self._client = client
        self._opening = replace(opening, topic=client.id)
        self._settlement = settlement
        self._say = say
        self._workers: set[str] = set()
        self._hosts: dict[str, _Host] = {}
        self._where: dict[str, str] = {}
        self._futures: dict[str, Future[None]] = {}
        self._silent: set[str] = set()
        self._fetching: set[str] = set()
        self._present: dict[str, Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # -- its life --------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Make hosts of the workers that there are, and of those that come."""
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it has to say, the run says
        self._client.subscribe_topic("all", self._on_cluster)
        self._client.subscribe_topic(self._client.id, self._on_said)
        for address in await self._client.nthreads():
            self._appear(address)
        self._say(Connected(workers=len(self._workers)))

    async def serve(self, closing: asyncio.Event) -> None:
        """Go on until it is to be closed, or the scheduler answers no more, or has forgotten us and answers again."""
        stream = self._client.scheduler_comm  # Dask connects anew by itself, within less than a look
        while not closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), LOOK)
            if self._client.status != "running" or self._client.scheduler_comm is not stream:
                return
            await self._look()

    async def end(self) -> None:
        """End all hosts, and what they do."""
        with suppress(Exception):  # a border: whoever is gone needs no farewell
            async with asyncio.timeout(FAREWELL):
                for topic in ("all", self._client.id):
                    self._client.unsubscribe_topic(topic)
                await self._client.cancel(list(self._futures.values()))
                hosts = list(self._hosts)
                await self._client.run(there.dismiss, self._opening.crew, workers=hosts, on_error="ignore")
        await self._stop_tasks()

    async def lose(self, why: str) -> None:
        """Say that all hosts are gone."""
        await self._stop_tasks()
        self._say(Unreachable(why=why))
        for address in self._hosts:
            self._say(HostLeft(address=address, why=why))

    # -- what is asked of it ---------------------------------------------------------------------------------------

    def settle(self, settlement: Settlement) -> None:
        """Tell every host what it has to know before its first attempt."""
        self._settlement = settlement
        for address in self._hosts:
            self._begin(self._settled(address))

    def submit(self, address: str, parcel: Parcel) -> None:
        """Send an errand to a host, after all that was sent before, and together with others that come now."""
        if address in self._hosts:
            self._where[parcel.key] = address
            self._hosts[address].outbox.put_nowait(parcel)

    def tell(self, address: str, message: ToHost) -> None:
        """Tell a host something about an errand."""
        self._begin(self._told(address, message))

    def describe(self, address: str, question: Describing) -> None:
        """Ask a host to describe functions."""
        self._begin(self._described(address, question))

    def forget(self, key: str) -> None:
        """Release a key."""
        self._where.pop(key, None)
        self._silent.discard(key)
        future = self._futures.pop(key, None)
        if future is not None:
            future.release()

    # -- workers come and go ---------------------------------------------------------------------------------------

    def _on_cluster(self, event: tuple[float, Any]) -> None:
        match event[1]:
            case {"action": "add-worker", "worker": str(address)}:
                self._appear(address)
            case {"action": "remove-worker", "worker": str(address)}:
                self._workers.discard(address)
                self._present.pop(address, None)
                if self._hosts.pop(address, None) is not None:
                    self._say(HostLeft(address=address, why="its worker is gone"))

    def _appear(self, address: str) -> None:
        if address not in self._workers:
            self._workers.add(address)
            self._begin(self._enlisted(address))

    async def _enlisted(self, address: str) -> None:
        answer = await self._answered(address, there.enlist, encode(self._opening))
        if address not in self._workers:
            return  # it has gone meanwhile
        match answer:
            case bytes():
                enlisted = decode(Enlisted, answer)
            case ImportError():
                why = f"it cannot import the runner ({answer}); install the same version there"
                self._say(HostRefused(address=address, why=why))
                return
            case _:
                self._say(HostRefused(address=address, why=str(answer)))
                return
        self._hosts[address] = _Host(settled=asyncio.get_running_loop().create_future())
        self._begin(self._serve_host(address, self._hosts[address]))
        if self._settlement is not None:
            self._begin(self._settled(address))
        key = there.presence(self._opening, address)
        self._present[address] = self._client.submit(there.present, key=key, workers=[address], pure=False, retries=0)
        self._say(HostCame(address=address, threads=enlisted.threads, resources=enlisted.resources))

    async def _settled(self, address: str) -> None:
        assert self._settlement is not None, "there is something to tell"
        host = self._hosts[address]
        answer = await self._answered(address, there.settle, self._opening.crew, encode(self._settlement))
        if self._hosts.get(address) is not host:
            return  # it has gone meanwhile
        if isinstance(answer, bytes):
            host.settled.set_result(decode(Settled, answer))
            return
        del self._hosts[address]
        self._say(HostLeft(address=address, why=f"its worker cannot be used: {answer}"))
        await self._run(address, there.dismiss, self._opening.crew)

    # -- errands ---------------------------------------------------------------------------------------------------

    async def _serve_host(self, address: str, host: _Host) -> None:
        settled = await host.settled
        while self._hosts.get(address) is host:
            parcels = [await host.outbox.get()]
            while not host.outbox.empty():
                parcels.append(host.outbox.get_nowait())
            if settled.carried:
                await self._bring_files(address, host, parcels)
            for claims, group in _by_claims(parcels).items():
                self._map(address, dict(claims), group)

    def _map(self, address: str, claims: Mapping[str, float], parcels: Sequence[Parcel]) -> None:
        futures = self._client.map(
            there.attempt,
            [self._opening.crew] * len(parcels),
            [parcel.errand for parcel in parcels],
            key=[parcel.key for parcel in parcels],
            workers=[address],
            allow_other_workers=False,
            resources=dict(claims) or None,
            retries=0,
            pure=False,
        )
        self._futures.update((future.key, future) for future in futures if future.key in self._where)

    async def _told(self, address: str, message: ToHost) -> None:
        answer = await self._answered(address, there.hear, self._opening.crew, encode(message))
        if isinstance(answer, Exception) and address in self._hosts:
            self._say(Broken(key=message.key, why=f"its host could not be told to stop: {answer}"))

    async def _described(self, address: str, question: Describing) -> None:
        try:
            asked = self._client.submit(
                there.describe,
                self._opening.crew,
                encode(question),
                key=f"{self._opening.crew}/describe",
                workers=[address],
                pure=False,
                retries=0,
            )
            self._say(Answer(told=decode(Descriptions, await asked)))
        except Exception as error:  # noqa: BLE001  # a border: whatever a worker raises
            self._say(Answer(told=None, why=f"the worker {address} cannot describe functions: {error}"))

    def _on_said(self, event: tuple[float, Any]) -> None:
        if not isinstance(event[1], bytes):
            return  # the scheduler logs what it does for a client under the same topic
        for message in messages_in(event[1]):
            if isinstance(message, Over) and message.files and self._carries(message.key):
                self._fetching.add(message.key)
                self._begin(self._fetched(message))
            else:
                self._say(message)

    def _carries(self, key: str) -> bool:
        host = self._hosts.get(self._where.get(key, ""))
        return host is not None and host.settled.result().carried

    async def _look(self) -> None:
        """Look for keys that Dask has given up, or that ended without a word."""
        for key, future in list(self._futures.items()):
            match future.status:
                case "error":
                    error = await future.exception()
                    self._say(Broken(key=key, why=_words(error)))
                case "cancelled" | "lost":
                    self._say(Broken(key=key, why="the cluster has given it up"))
                case "finished" if key in self._fetching:
                    pass  # its last word waits for its files
                case "finished" if key in self._silent:
                    self._say(Broken(key=key, why="it ended there without a word"))
                case "finished":
                    self._silent.add(key)
                case _:
                    pass

    # -- files -----------------------------------------------------------------------------------------------------

    async def _bring_files(self, address: str, host: _Host, parcels: Sequence[Parcel]) -> None:
        assert self._settlement is not None, "hosts are settled before they are sent anything"
        wanted = set[str]().union(*(parcel.files for parcel in parcels)) - host.pushed
        for path in sorted(wanted):
            with suppress(OSError):  # the attempt will say that it cannot read it
                await push(
                    self._settlement.folder, path, partial(self._run, address, there.write_piece, self._opening.crew)
                )
        host.pushed |= wanted

    async def _fetched(self, message: Over) -> None:
        assert self._settlement is not None, "hosts are settled before they say anything"
        address = self._where[message.key]
        try:
            for file in message.files:
                await fetch(
                    self._settlement.folder, file, partial(self._run, address, there.read_piece, self._opening.crew)
                )
            self._say(message)
        except OSError as error:  # a border: the network, or our disk
            self._say(Broken(key=message.key, why=f"its files could not be fetched: {error}"))
        finally:
            self._fetching.discard(message.key)

    # -- the helpers -----------------------------------------------------------------------------------------------

    async def _answered(self, address: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of ours at a worker until that is heard, or the worker is gone."""
        while True:
            answer = await self._run(address, function, *args)
            if not isinstance(answer, UNHEARD) or address not in self._workers:
                return answer
            await asyncio.sleep(
                LOOK
            )  # no answer is none: it may have been heard, so what is called may be called twice

    async def _run(self, address: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of ours at a worker; what it raises is an answer, too."""
        try:
            answers = await self._client.run(function, *args, workers=[address], on_error="return")
        except (OSError, ValueError, KeyError) as error:  # a border: it has just gone
            return error
        return answers.get(address)

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._task_over)

    def _task_over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._say(Unreachable(why=f"{type(error).__name__}: {error}"))

    async def _stop_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _words(error: BaseException | None) -> str:
    text = str(error) if error is not None else ""
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


def _by_claims(parcels: Sequence[Parcel]) -> dict[tuple[tuple[str, float], ...], list[Parcel]]:
    """Part errands by what they claim: those of one message claim the same."""
    groups: dict[tuple[tuple[str, float], ...], list[Parcel]] = {}
    for parcel in parcels:
        groups.setdefault(tuple(parcel.claims.items()), []).append(parcel)
    return groups
