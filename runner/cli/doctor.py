"""`doctor`: is this machine fit for a phase? One line a look: ok, warning or failure, and what to do."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from runner.cli.options import add_parameters, params_of

if TYPE_CHECKING:
    from runner.graph.model import Graph
    from runner.task import Check

SIGNS = {"passed": "ok     ", "warning": "warning", "failed": "failure"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    parser.add_argument("graph", nargs="?", metavar="GRAPH", help="look for what this graph needs, too")
    parser.add_argument("--state-dir", default=".runner", metavar="DIR", help="where runs are kept (default: .runner)")
    add_parameters(parser)


def main(chosen: argparse.Namespace) -> int:
    """Look, and say what was seen; answers 1 if something fails."""
    checks = [_python(), _uv(), _state_folder(chosen.state_dir)]
    if chosen.graph is None:
        checks += _asked({})
    else:
        from runner.graph.check import load
        from runner.graph.params import resolve_params

        graph = load(chosen.graph).graph
        params = resolve_params(graph, params_of(chosen))
        checks += [_cores(graph), *_memory(graph), *_ports(graph), *_person(graph)]
        asked = _asked({"base_url": str(params.get("base_url") or "")})
        told = {check.name for check in asked}  # tasks say more of a key they know
        checks += [*(check for check in _secrets(graph) if check.name not in told), *asked]
    for check in checks:
        seen = check.observed if isinstance(check.observed, str) else ""
        words = "; ".join(filter(None, (seen, check.message)))
        print(f"{SIGNS[check.verdict]}  {check.name}: {words}")
    return int(any(check.verdict == "failed" for check in checks))


# -- the looks ---------------------------------------------------------------------------------------------------------


def _check(name: str, observed: str, trouble: str = "", *, fatal: str = "") -> Check:
    from runner.task import Check

    return Check(
        name=name,
        verdict="failed" if fatal else "warning" if trouble else "passed",
        observed=observed,
        message=fatal or trouble,
    )


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return _check("Python", f"{version} at {sys.executable}")


def _uv() -> Check:
    found = shutil.which("uv")
    trouble = "" if found else "needed only to install and update: pip install uv"
    return _check("uv", found or "not found", trouble)


def _state_folder(state_dir: str) -> Check:
    from pathlib import Path
    from tempfile import TemporaryFile

    folder = Path(state_dir).absolute()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with TemporaryFile(dir=nearest):  # asking for rights is not enough: root has all of them, even in /proc
            pass
    except OSError as error:  # a border: the disk
        fatal = f"{nearest} cannot be written ({error.strerror}); choose another with --state-dir"
        return _check("state folder", str(folder), fatal=fatal)
    return _check("state folder", str(folder))


def _secrets(graph: Graph) -> Iterator[Check]:
    roots = (name for scope in graph.scopes.values() for name in scope.env)
    given = {*roots, *(name for task in graph.tasks.values() for name in task.env)}
    for name in (each for each in graph.every_secret if each not in given):
        trouble = "" if os.environ.get(name) else "the graph names it as a secret; tasks that need it will miss it"
        yield _check(name, "not set" if trouble else "set", trouble)


def _cores(graph: Graph) -> Check:
    cores, workers = os.cpu_count() or 1, graph.workers or os.cpu_count() or 1
    trouble = f"the graph asks for {workers} workers; they will share" if workers > cores else ""
    return _check("cores", str(cores), trouble)


def _memory(graph: Graph) -> Iterator[Check]:
    wanted = sorted((task.memory or 0 for task in graph.tasks.values()), reverse=True)
    peak = sum(wanted[: graph.workers or os.cpu_count() or 1])
    if not peak:
        return
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gib = f"{there / 2**30:.1f} GiB"
    trouble = f"tasks that run at once may ask for {peak / 2**30:.1f} GiB; use fewer with -j" if peak > there else ""
    yield _check("memory", gib, trouble)


def _ports(graph: Graph) -> Iterator[Check]:
    for service in graph.services.values():
        if service.port:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", service.port))
                except OSError as error:  # a border: somebody else has it
                    fatal = f"{error.strerror}; end what listens there, or use `port: 0`"
                    yield _check(f"port {service.port} of service {service.id}", "taken", fatal=fatal)
                else:
                    yield _check(f"port {service.port} of service {service.id}", "free")


def _person(graph: Graph) -> Iterator[Check]:
    asking = [task.id for task in graph.tasks.values() if task.manual]
    if asking:
        there = sys.stdin is not None and sys.stdin.isatty()
        trouble = (
            "" if there else f"these tasks ask first and are skipped unless --approve names them: {', '.join(asking)}"
        )
        yield _check("somebody to ask", "at this terminal" if there else "nobody", trouble)


def _asked(arguments: dict[str, str]) -> list[Check]:
    """Let a worker look for what tasks need: the runner itself imports none of them."""
    from runner.clock import WallClock
    from runner.execute.pool import Pool
    from runner.schedule.messages import AttemptEnded, Noted, StartAttempt
    from runner.task import Check, Failed, Request

    given = {name: value for name, value in arguments.items() if value}
    request = Request(
        run="doctor",
        task="doctor",
        attempt=1,
        uses="tasks.doctor:look",
        arguments=given,
        env=dict(os.environ),
        workdir=os.getcwd(),  # noqa: PTH109  # as text
        path=(os.getcwd(),),  # noqa: PTH109  # as text
    )
    checks: list[Check] = []
    with closing(Pool(None, WallClock())) as pool:
        pool.start(StartAttempt(task="doctor", attempt=1), request)
        while True:
            for event in pool.wait(None):
                match event:
                    case Noted(note=Check() as check):
                        checks.append(check)
                    case AttemptEnded(outcome=outcome):
                        if not checks and isinstance(outcome, Failed):
                            checks.append(_check("tasks", "", fatal=outcome.message))
                        return checks
                    case _:
                        pass
