"""Who does the work of a run: processes of this machine, or a cluster's workers. Chooses, and knows no graph."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from runner.errors import UsageError
from runner.execute.pool import Pool

if TYPE_CHECKING:
    from runner.clock import WallClock
    from runner.execute.ports import Crew
    from runner.execute.start import WardenProcess

FIRST_WORKERS = 4
"""How many workers start at most before the graph is read; most phases begin with so many tasks, or fewer."""
PATIENCE = 300.0
"""Seconds that a run waits for a cluster without a worker: a queue or an autoscaler may take its time."""
ADDRESS = "DASK_SCHEDULER_ADDRESS"
LOCALHOST = "127.0.0.1"


class Hiring(Struct, frozen=True, kw_only=True):
    """What a person may say about who does the work; all but `executor` and `jobs` is about Dask.

    `address` is that of a scheduler, None for that of the environment or else a cluster on this machine; `ships` brings
    the packages of the tasks to the workers; `advertise` is the name under which they reach this machine; `patience`
    are seconds that may pass without a worker; `store` is a place of fsspec's for files of workers that do not see the
    run's folder.
    """

    executor: Literal["local", "dask"] = "local"
    jobs: int | None = None
    address: str | None = None
    ships: bool = False
    advertise: str | None = None
    patience: float = PATIENCE
    store: str = ""


def _unsaid(_text: str) -> None:
    """Keep it from whoever is not there to read it."""


@contextmanager
def crew_of(
    hiring: Hiring, clock: WallClock, warden: WardenProcess | None = None, say: Callable[[str], object] = _unsaid
) -> Iterator[Crew]:
    """Answer who does the work; all of it is gone afterwards. `say` is told what a person has to wait for.

    Raises:
        RunnerFault: no process can be started.
        UsageError: an option does not fit, or Dask is not installed.

    """
    if hiring.executor == "local":
        _refuse_what_is_for_dask(hiring)
        with closing(Pool(None, clock, warden)) as pool:
            pool.order(min(hiring.jobs or FIRST_WORKERS, os.cpu_count() or 1, FIRST_WORKERS))
            yield pool
        return
    try:
        from runner.execute.cluster import Cluster, Where  # noqa: PLC0415  # Dask is not for everybody
    except ModuleNotFoundError as error:
        raise UsageError(f"`--executor dask` needs {error.name}: pip install 'taskgraph-runner[dask]'") from None
    address = hiring.address or os.environ.get(ADDRESS) or None
    where = Where(
        address=address,
        workers=hiring.jobs or os.cpu_count() or 1,
        advertise=hiring.advertise or _seen_from(address),
        patience=hiring.patience,
        ships=hiring.ships,
        store=hiring.store,
    )
    with closing(Cluster(Pool(None, clock, warden), clock, where, say)) as cluster:
        yield cluster


# -- the helpers -------------------------------------------------------------------------------------------------------


def _refuse_what_is_for_dask(hiring: Hiring) -> None:
    given: dict[str, object] = {"--dask-address": hiring.address, "--dask-store": hiring.store}
    given |= {"--ship": hiring.ships, "--advertise": hiring.advertise}
    for name, value in given.items():
        if value:
            raise UsageError(f"`{name}` is for a cluster: add `--executor dask`, or leave it out")


def _seen_from(address: str | None) -> str:
    """Answer the address of this machine on its way to a scheduler.

    Raises:
        UsageError: that is no address of one.

    """
    if address is None:
        return LOCALHOST
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise UsageError(f"`{address}` is no address of a Dask scheduler; write one such as tcp://10.0.0.5:8786")
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect(place)  # sends nothing: only the way is looked up
            return str(way.getsockname()[0])
    except OSError:  # a border: whether it can be reached is said by whoever connects
        return LOCALHOST
