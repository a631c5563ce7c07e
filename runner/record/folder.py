"""Where runs are kept: the state folder and the folder of each run. Knows names and modes, not what is inside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from runner.errors import RunnerFault, UsageError

KEPT_RUNS = 50
"""How many runs of a graph are kept (DESIGN section 6)."""


_A_RUN = re.compile(r"\d{8}-")
"""How the id of a run begins: with its day. What else lies there is not ours."""
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)")


class RunFolder(Struct, frozen=True, kw_only=True):
    """The folder of one run. `name` is the run's id."""

    path: Path

    @property
    def name(self) -> str:
        """Answer the run's id."""
        return self.path.name

    @property
    def began(self) -> str:
        """Answer when it began, to the second (ISO-8601 UTC), as its id tells; "" if that tells nothing."""
        told = _MOMENT.match(self.name)
        return "{}-{}-{}T{}:{}:{}".format(*told.groups()) if told else ""

    @property
    def journal(self) -> Path:
        """Where its events are."""
        return self.path / "journal.jsonl"

    @property
    def receipts(self) -> Path:
        """Where workers write down how attempts ended."""
        return self.path / "receipts"

    @property
    def graph(self) -> Path:
        """Where the graph file is kept as it was."""
        return next((path for path in self.path.glob("graph.*")), self.path / "graph.yaml")

    @property
    def included(self) -> Path:
        """Where the files that it includes are kept as they were."""
        return self.path / "included"

    @property
    def report(self) -> Path:
        """Where the report is, for programs."""
        return self.path / "report.json"

    def is_of(self, graph: Path, file: str) -> bool:
        """Say whether a run of `file`, as it was named then, was one of this graph: two files may have one name."""
        return graph.resolve() in ((self.path.parents[2] / file).resolve(), Path(file).resolve())


class StateFolder(Struct, frozen=True, kw_only=True):
    """The folder that holds all runs started in one place: `.runner` unless told otherwise."""

    path: Path

    def runs(self) -> Sequence[RunFolder]:
        """Answer all runs, the oldest first; their ids begin with the time."""
        root = self.path / "runs"
        if not root.is_dir():
            return []
        return [RunFolder(path=path) for path in sorted(root.iterdir()) if _A_RUN.match(path.name) and path.is_dir()]

    def find(self, run: str | None) -> RunFolder:
        """Answer a run by its id, by the beginning of its id, or the latest.

        Raises:
            UsageError: there is no such run, or several begin so.

        """
        runs = self.runs()
        if not runs:
            raise UsageError(f"no run is kept in {self.path}; `python -m runner GRAPH` makes one")
        if run is None or run == "latest":
            return runs[-1]
        exact = [each for each in runs if each.name == run]
        found = exact or [each for each in runs if each.name.startswith(run)]
        match found:
            case [only]:
                return only
            case []:
                raise UsageError(f"there is no run `{run}` in {self.path}; the latest is `{runs[-1].name}`")
            case _:
                raise UsageError(f"`{run}` is the beginning of {len(found)} runs, from `{found[0].name}` on")

    def index(self, graph: Path, kind: str) -> Path:
        """Answer the file in which something is written down about all runs of a graph file, derived from them."""
        mark = sha256(str(graph.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return self.path / "history" / f"{graph.stem[:60]}-{mark}{kind}.json"

    def prepare(self) -> None:
        """Make the folder, for nobody else to read, with an ignore file of its own.

        Raises:
            RunnerFault: it cannot be written.

        """
        ignore = self.path / ".gitignore"
        try:
            self.path.mkdir(parents=True, mode=0o700, exist_ok=True)
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:  # a border: the disk
            where = error.filename or self.path
            raise RunnerFault(f"the state folder cannot be written: {where}: {error.strerror}") from error

    def create_run(self, graph: str, now: datetime, mark: str) -> RunFolder:
        """Make the folder of a new run; `mark` tells runs of one second apart.

        Raises:
            RunnerFault: the folder cannot be written.

        """
        moment = f"{now:%Y%m%d-%H%M%S}{now.microsecond // 1000:03}"  # so that ids sort as runs began
        name = f"{moment}-{graph}-{mark}"
        folder = RunFolder(path=self.path / "runs" / name)
        self.prepare()
        try:
            folder.path.parent.mkdir(mode=0o700, exist_ok=True)
            for each in (folder.path, folder.path / "logs", folder.receipts):
                each.mkdir(mode=0o700)
            self._point_at(folder)
        except OSError as error:  # a border: the disk
            where = error.filename or folder.path
            raise RunnerFault(f"the state folder cannot be written: {where}: {error.strerror}") from error
        return folder

    def prune(self, runs: Sequence[RunFolder]) -> None:
        """Remove the oldest of these runs (those of one graph) so that `KEPT_RUNS` are left."""
        for run in runs[:-KEPT_RUNS]:
            import shutil  # noqa: PLC0415  # it loads three compressors

            shutil.rmtree(run.path, ignore_errors=True)

    def _point_at(self, folder: RunFolder) -> None:
        link, fresh = self.path / "latest", self.path / f".latest-{folder.name}"
        fresh.symlink_to(Path("runs", folder.name))
        os.replace(fresh, link)  # noqa: PTH105  # atomic, also where the link exists


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it, and nobody else any of it.

    Raises:
        RunnerFault: the disk does not take it.

    """
    write_pieces(path, [in_utf_8(text)])


def in_utf_8(text: str) -> bytes:
    """Encode a text; half a surrogate pair, as the name of a file may hold, is spelled as in JSON."""
    return text.encode("utf-8", "backslashreplace")


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file in the same way, from pieces of which no two have to be there at once.

    Raises:
        RunnerFault: the disk does not take it.

    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123  # with a mode
            file.writelines(pieces)
        fresh.replace(path)
    except OSError as error:  # a border: the disk
        fresh.unlink(missing_ok=True)
        raise RunnerFault(f"{path} cannot be written: {error.strerror}") from error
