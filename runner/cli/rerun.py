"""`run --watch`: runs again what a change of a file affects, until Ctrl-C. Decides nothing about what is affected.

Theory of operation. What a run rests upon is looked at before it begins, and compared when it is over and whenever its
folders stir: so nothing that changes meanwhile is missed, and nothing is run for a stir that changes nothing. A run
after a change goes on with the one before (`--resume`): whatever is asked the same keeps its result.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.errors import Exit, GraphError, Locked, NothingSelected, UsageError
from runner.inputs import Changes, Inputs, Look, changes, folders_of, inputs_of, looks_of
from runner.record.render.legible import legible
from runner.resuming import LATEST

if TYPE_CHECKING:
    from runner.opening import Options

STIR = 250
"""Milliseconds after which the next kind of folder is listened to."""
QUIET, PATIENCE = 100, 1000
"""Milliseconds without a change after which changes count as one, and the most they are waited for."""
NAMED = 5
"""How many files are named."""
ENDED = frozenset({Exit.INTERRUPTED, Exit.TERMINATED, Exit.HUNG_UP})

Once = Callable[[argparse.Namespace], int]
"""Runs the graph as it was asked for; answers its exit code."""
OptionsOf = Callable[[argparse.Namespace], "Options"]


def rerun(chosen: argparse.Namespace, once: Once, options_of: OptionsOf) -> int:
    """Run, and run again after each change; answers the exit code of the last run once Ctrl-C ends it.

    Raises:
        UsageError: something was asked for that does not go with it, or watchfiles is not installed.

    """
    _refuse(chosen)
    own: frozenset[str] = frozenset()  # what changed while it ran the last time
    rests = _Rests(inputs=Inputs(files=frozenset()), looks={})
    first = True
    while True:
        rests = _rests(options_of(chosen), rests.inputs)
        code, ran = _run(chosen, once, first=first)
        if code in ENDED and ran:
            return code
        try:
            own, found = _next(rests, own)
        except KeyboardInterrupt:
            print()
            return code
        print(f"~ {_told(found)}: running again\n", flush=True)
        first = False
        if ran:
            chosen.resume, chosen.force = LATEST, False


# -- the helpers -------------------------------------------------------------------------------------------------------


class _Rests(Struct, frozen=True, kw_only=True):
    """What a run rests upon, and how that looked before it began."""

    inputs: Inputs
    looks: Mapping[str, Look]


def _refuse(chosen: argparse.Namespace) -> None:
    for option, said in (("--plan", chosen.plan), ("--dry-run", chosen.dry_run), ("--json", chosen.json)):
        if said:
            raise UsageError(f"--watch runs again and again, which does not go with {option}")
    try:
        import watchfiles  # noqa: F401  # only to see whether it is there
    except ImportError:
        raise UsageError("--watch needs watchfiles: pip install 'taskgraph-runner[watch]'") from None


def _run(chosen: argparse.Namespace, once: Once, *, first: bool) -> tuple[int, bool]:
    """Run once; answers the exit code, and whether anything ran. What is wrong with the file is told, and no end."""
    from runner.cli.main import complain

    try:
        return once(chosen), True
    except GraphError as error:
        return complain(error, chosen), False
    except (UsageError, NothingSelected, Locked) as error:
        if first:
            raise
        return complain(error, chosen), False


def _rests(options: Options, before: Inputs) -> _Rests:
    """Look at what a run rests upon; while its file is broken, that is what it rested upon before, and the file."""
    from runner.graph.check import load
    from runner.graph.params import resolve_params
    from runner.graph.select import select
    from runner.keeping import Keys

    try:
        graph = select(load(options.graph).graph, options.wish).graph
        params = resolve_params(graph, options.params)
    except (GraphError, UsageError, NothingSelected) as error:  # a border: the run will tell
        problems = error.problems if isinstance(error, GraphError) else ()
        broken = {options.graph, *(each.where.file for each in problems if each.where is not None)}
        files = {os.path.join(options.started_in, name) for name in broken}  # noqa: PTH118  # as text
        inputs = Inputs(files=before.files | files, patterns=before.patterns, listed=before.listed, made=before.made)
    else:
        keys = Keys(graph, options.environment, options.started_in, params)
        inputs = inputs_of(graph, keys, params, options.started_in)
    return _Rests(inputs=inputs, looks=looks_of(inputs))


def _next(rests: _Rests, own: Collection[str]) -> tuple[frozenset[str], Changes]:
    """Wait for changes since the run began; answers what changed while it ran, and all that has.

    What changes with every run is no reason for the next: it is told, and something else is waited for.
    """
    bell = _Bell(rests.inputs)
    bell.heard()  # from here on nothing is missed
    looks = looks_of(rests.inputs)
    meanwhile = changes(rests.looks, looks)
    if meanwhile and not meanwhile.all <= set(own):
        return meanwhile.all, meanwhile
    if meanwhile:
        print(f"~ {_told(meanwhile)} with every run, which is no reason for another")
    print(f"~ watching {_counted(len(looks), 'file')} for changes; Ctrl-C ends it", flush=True)
    while not (found := changes(looks, looks_of(rests.inputs))):
        while not bell.heard():
            pass
    return meanwhile.all, found


class _Bell:
    """Listens to the folders of some files."""

    def __init__(self, inputs: Inputs) -> None:
        flat, deep = folders_of(inputs)
        self._folders = [_listening(each, below=below) for each, below in ((flat, False), (deep, True)) if each]

    def heard(self) -> bool:
        """Say whether anything stirred, waiting for a moment; without a folder to listen to, something may have."""
        try:
            stirred = [bool(next(each)) for each in self._folders]  # each is heard, whatever the others say
            return any(stirred) or self._deaf()
        except (OSError, StopIteration):  # a border: a folder was taken away
            self._folders = []
            return True

    def _deaf(self) -> bool:
        if not self._folders:
            time.sleep(STIR / 1000)
        return not self._folders


def _listening(folders: Collection[str], *, below: bool) -> Iterator[set[Any]]:
    from watchfiles import watch

    return watch(
        *sorted(folders),
        watch_filter=None,
        debounce=PATIENCE,
        step=QUIET,
        rust_timeout=STIR,
        yield_on_timeout=True,
        recursive=below,
        ignore_permission_denied=True,
    )


def _told(found: Changes) -> str:
    kinds = {"changed": found.changed, "new": found.new, "gone": found.gone}
    return "; ".join(f"{kind}: {_names(names)}" for kind, names in kinds.items() if names)


def _names(names: Collection[str]) -> str:
    shown = [legible(_near(name)) for name, _ in zip(names, range(NAMED), strict=False)]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(shown) + more


def _near(name: str) -> str:
    """Name a file from here, where it lies below."""
    near = os.path.relpath(name)
    return name if near.startswith("..") else near


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
