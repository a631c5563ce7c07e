"""Options that several commands share: parameters and the choice of tasks. Knows words, not what they do."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.graph.select import Wish

CHOOSE = -1
"""Stands for a seed that is still to be chosen."""
SEEDS = 10_000
"""How many seeds are chosen from: a person may have to type one."""
LONGEST_SEED = 15
"""Digits of a seed: as many as every reader of JSON keeps."""
LARGEST = 16 * 2**20
"""Bytes that a file of parameters may hold: as many as a graph file."""


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Add `-p` and `--params-file`."""
    parser.add_argument("-p", "--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter's value")
    parser.add_argument("--params-file", metavar="FILE", help="parameters from a JSON file; `-p` wins")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose tasks."""
    group = parser.add_argument_group("which tasks (each may be given several times)")
    group.add_argument("--only", action="append", default=[], metavar="TASK", help="this task, without what it needs")
    group.add_argument("--until", action="append", default=[], metavar="TASK", help="this task and all above it")
    group.add_argument(
        "--from", action="append", default=[], dest="since", metavar="TASK", help="this task and all below it"
    )
    group.add_argument("--tag", action="append", default=[], metavar="TAG", help="the tasks with this tag")
    group.add_argument("--skip", action="append", default=[], metavar="TASK", help="skip this task")


def add_executor(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who does the work."""
    group = parser.add_argument_group("who does the work")
    text = "local: processes on this machine (default); dask: the workers of a Dask cluster"
    group.add_argument("--executor", choices=("local", "dask"), default="local", help=text)
    text = "the scheduler (default: DASK_SCHEDULER_ADDRESS, else a cluster is started on this machine)"
    group.add_argument("--dask-address", metavar="ADDRESS", help=text)
    text = "how long to wait where the cluster has no worker (default: 5m)"
    group.add_argument("--dask-wait", type=duration, metavar="TIME", help=text)
    text = "where workers that do not see the run's folder put its files, such as s3://bucket/runs (default: back here)"
    group.add_argument("--dask-store", default="", metavar="URL", help=text)
    text = "bring the packages of the tasks to the workers, which need not have them"
    group.add_argument("--ship", action="store_true", help=text)
    text = "the name or address under which the workers reach this machine, where services run (default: found out)"
    group.add_argument("--advertise", metavar="HOST", help=text)


def duration(text: str) -> float:
    """Read a time such as `30s`.

    Raises:
        ArgumentTypeError: it is none.

    """
    from runner.graph.quantities import seconds

    found = seconds(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"`{text}` is no time; write one such as 30s or 10m")
    return found


def add_shuffle(parser: argparse.ArgumentParser) -> None:
    """Add `--shuffle`."""
    parser.add_argument(
        "--shuffle",
        nargs="?",
        type=seed,
        const=CHOOSE,
        metavar="SEED",
        help="start what may start in a random order, to find needs that nobody wrote down (behind GRAPH)",
    )


def seed(text: str) -> int:
    """Read the number that names a random order.

    Raises:
        ArgumentTypeError: it is none.

    """
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_SEED):
        raise argparse.ArgumentTypeError(f"`{text}` is not a seed (a whole number); alone it stands behind GRAPH")
    return int(text)


def shuffle_of(chosen: argparse.Namespace) -> int | None:
    """Answer the seed of the order; where none was named, one is chosen here: the schedule knows no chance."""
    return int.from_bytes(os.urandom(4)) % SEEDS if chosen.shuffle == CHOOSE else chosen.shuffle


def wish_of(chosen: argparse.Namespace) -> Wish:
    """Answer which tasks were asked for."""
    from runner.graph.select import Wish

    return Wish(
        only=tuple(chosen.only),
        until=tuple(chosen.until),
        since=tuple(chosen.since),
        tag=tuple(chosen.tag),
        skip=tuple(chosen.skip),
    )


def params_of(chosen: argparse.Namespace) -> dict[str, Any]:
    """Answer the parameters that were given.

    Raises:
        UsageError: one is not NAME=VALUE, or the file cannot be read.

    """
    from_file = {} if chosen.params_file is None else _read(chosen.params_file)
    return {**from_file, **dict(_parameter(text) for text in chosen.param)}


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"-p {text}: a parameter is given as NAME=VALUE")
    return name, value


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # as the person named it
            content = file.read(LARGEST + 1)
        data = json.loads(content.decode("utf-8-sig"))
    except OSError as error:  # a border: the file is the user's
        raise UsageError(f"--params-file {path}: {error.strerror}") from error
    except ValueError as error:
        told = f"it holds more than {LARGEST // 2**20} MiB" if len(content) > LARGEST else f"it is not JSON: {error}"
        raise UsageError(f"--params-file {path}: {told}") from error
    except RecursionError:
        raise UsageError(f"--params-file {path}: its values lie too deep in each other") from None
    if not isinstance(data, dict):
        raise UsageError(f"--params-file {path}: it holds no JSON object of names and values")
    return data
