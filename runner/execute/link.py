"""The runner's way to a Dask cluster: a client in a thread of its own. Knows hosts and keys, no task and no rule.

Theory of operation. Dask's client lives in an event loop, our run in another one, so they talk by two queues: what we
want is handed to the loop (`_soon`), what it hears goes into `heard`, and `wake` is called. The executor's thread never
waits for Dask.

Where the scheduler is gone, so is everything it knew: all hosts are lost, and we try to connect again, as somebody new
(`Connection` is one such time). Where no address is given, the cluster is our own, and ends with us.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from distributed import Client

from runner.execute.connection import Connection
from runner.execute.errands import Describing, Opening, Settlement, ToHost
from runner.execute.heard import Heard, Parcel, Unreachable
from runner.execute.own_cluster import own_cluster

CONNECT = 10.0
"""Seconds in which a scheduler has to answer."""
AGAIN = 1.0
"""Seconds between two tries to connect again."""


class Link:
    """The thread. Whatever is asked of it returns at once; what comes of it is in `heard`."""

    def __init__(self, address: str | None, workers: int, opening: Opening, wake: Callable[[], None]) -> None:
        """Begin to connect; without an address a cluster of so many workers is started on this machine."""
        self.heard: deque[Heard] = deque()
        self._asked: deque[Callable[[Connection], None]] = deque()
        self._address = address
        self._workers = workers
        self._wake = wake
        self._opening = opening
        self._settlement: Settlement | None = None
        self._connection: Connection | None = None
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="dask", daemon=True)
        self._thread.start()

    # -- asking ----------------------------------------------------------------------------------------------------

    def settle(self, settlement: Settlement) -> None:
        """Tell all hosts what they have to know; no errand goes out before."""
        self._settlement = settlement  # for connections to come
        self._soon(lambda connection: connection.settle(settlement))

    def submit(self, address: str, parcel: Parcel) -> None:
        """Send an errand to a host, together with others that are sent now."""
        self._soon(lambda connection: connection.submit(address, parcel))

    def tell(self, address: str, message: ToHost) -> None:
        """Tell a host something about an errand."""
        self._soon(lambda connection: connection.tell(address, message))

    def describe(self, address: str, question: Describing) -> None:
        """Ask a host to describe functions."""
        self._soon(lambda connection: connection.describe(address, question))

    def forget(self, key: str) -> None:
        """Ask nothing more about an errand."""
        self._soon(lambda connection: connection.forget(key))

    def close(self) -> None:
        """End all hosts and what they do, and wait for it."""
        with suppress(RuntimeError):  # a border: its loop is over
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    # -- in the thread ---------------------------------------------------------------------------------------------

    def _soon(self, use: Callable[[Connection], None]) -> None:
        """Let the loop do something with the connection there is then, in order; it is woken once for many."""
        self._asked.append(use)
        if len(self._asked) == 1:
            with suppress(RuntimeError):  # a border: its loop is over, as is everything it was asked for
                self._loop.call_soon_threadsafe(self._do_asked)

    def _do_asked(self) -> None:
        while self._asked:
            use = self._asked[0]
            if self._connection is not None:
                use(self._connection)
            self._asked.popleft()  # only now: whoever adds to an empty queue wakes us

    def _say(self, heard: Heard) -> None:
        self.heard.append(heard)
        self._wake()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        try:
            async with AsyncExitStack() as own:
                address = self._address
                if address is None:
                    address = await own.enter_async_context(own_cluster(self._workers))
                while not self._closing.is_set():
                    await self._once(address)
        except OSError as error:  # a border: no cluster can be started on this machine
            self._say(Unreachable(why=_words(error)))

    async def _once(self, address: str) -> None:
        """Connect, and serve until that is over."""
        try:
            async with Client(address, asynchronous=True, timeout=CONNECT, set_as_default=False) as client:
                connection = self._connection = Connection(client, self._opening, self._settlement, self._say)
                try:
                    await connection.begin()
                    await connection.serve(self._closing)
                finally:
                    self._connection = None
                    if self._closing.is_set():
                        await connection.end()
                    else:
                        await connection.lose("the connection to the scheduler was lost")
        except Exception as error:  # noqa: BLE001  # a border: nobody answers, or Dask stumbles where it connects anew
            self._say(Unreachable(why=_words(error)))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), AGAIN)


def _words(error: BaseException) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return first or type(error).__name__
