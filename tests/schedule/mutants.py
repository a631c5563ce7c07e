"""Mutation testing of `runner.schedule`: every small change that mutmut knows, one at a time; the fast tests must fall.

    uv run --with mutmut==3.8.1 python tests/schedule/mutants.py [FILE[:LINE[-LAST]]...]

Theory of operation. The changes are mutmut's; the running is ours, because mutmut copies the project and rewrites every
function into all of its mutants at once, which `planted.py` (a copy of the sources) and structs do not survive. We
fork: the parent has loaded pytest and what the schedule stands on, each child loads the schedule with one change, plays
some random games, and, where these go by the rules, runs the fast tests in itself until the first falls. That is a
fifth of a second for a mutant that games find, and ten for one that nothing finds.

Prints each survivor that SURVIVORS.md does not list, as it was and as it is; then each of its entries that did not
survive; and for each file what was counted. A run that was broken off goes on from the line it said last. Exits with 1
where the list and what survived are not the same.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import hypothesis.stateful  # noqa: F401  # loaded before the forks: it takes half a second
import libcst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

import runner.graph.model  # what the schedule stands on is loaded once, the schedule itself in each child
import runner.plain  # noqa: F401  # the same

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "runner" / "schedule"
GAMES = 40
"""Random games that are played before any test is run."""
LAST = ("properties", "orders")
"""The tests that take longest; those of the tests are left out, and a quarter of the random graphs has to do."""
LEFT_OUT = "not planted and not say[1] and not say[2] and not say[3] and not ten_thousand"
LONGEST = 60
"""Processor seconds after which a mutant counts as one that never ends; the control sees that it is long enough."""
MOST = 2**31
"""Bytes after which a mutant that grows without end is out of memory."""
SURVIVORS = Path(__file__).with_name("SURVIVORS.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: a line of a file before and after, and the whole text with it."""

    file: Path
    line: int
    before: str
    after: str
    text: str


def mutants(file: Path) -> Iterator[Mutant]:
    """Answer every mutant of a file."""
    wrapper = MetadataWrapper(libcst.parse_module(file.read_text("utf-8")), unsafe_skip_copy=True)
    found = _Places()
    wrapper.visit(found)
    places, module = wrapper.resolve(PositionProvider), wrapper.module
    original = module.code
    for node in found.nodes:
        for kind, operator in mutation_operators:
            for changed in operator(node) if isinstance(node, kind) else ():
                if isinstance(changed, libcst.SimpleString) and "XX" not in changed.value:
                    continue  # the same text in other letters shows nothing more
                text = module.deep_replace(node, changed).code
                if text != original:
                    before, after = _differ(original, text)
                    line = places[node].start.line
                    yield Mutant(file=file, line=line, before=before, after=after, text=text)


def _differ(before: str, after: str) -> tuple[str, str]:
    """Answer the first line that differs, as it was and as it is."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    return next(((old.strip(), new.strip()) for old, new in pairs if old != new), ("", ""))


class _Places(libcst.CSTVisitor):
    """What may be changed: functions and the module's own constants; types, decorators and words for people may not."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[libcst.CSTNode] = []

    def on_visit(self, node: libcst.CSTNode) -> bool:
        """Collect a node; answers whether to look below it."""
        match node:
            case libcst.Annotation() | libcst.Decorator() | libcst.Import() | libcst.ImportFrom():
                return False
            case libcst.SimpleStatementLine(body=[libcst.Expr(value=libcst.SimpleString())]):
                return False
            case libcst.ClassDef(body=libcst.IndentedBlock(body=body)):
                for inner in body:
                    if isinstance(inner, libcst.FunctionDef):
                        inner.visit(self)
                return False
            case libcst.AnnAssign(annotation=libcst.Annotation(annotation=libcst.Name(value="TypeAlias"))):
                return False
            case libcst.Assert(test=test):
                test.visit(self)
                return False
            case libcst.AnnAssign(value=value):
                if value is not None:
                    self.nodes.append(node)
                    value.visit(self)
                return False
        self.nodes.append(node)
        return True


class Changed(MetaPathFinder, SourceFileLoader):
    """Loads one module from a changed text."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(f"runner.schedule.{mutant.file.stem}", str(mutant.file))
        self._mutant = mutant

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the one module."""
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, _name: str) -> CodeType:
        """Compile the changed text."""
        return compile(self._mutant.text, self.path, "exec")


class End(IntEnum):
    """What became of a mutant: the exit code of its process."""

    SURVIVED = 0
    GAMES = 1
    TESTS = 2
    TIME = -signal.SIGXCPU


def end_of(mutant: Mutant) -> End:
    """Answer whether games or tests fall for a mutant, in a process of its own."""
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        sys.meta_path.insert(0, Changed(mutant))
        os._exit(End.GAMES if _games_fall() else End.TESTS if _tests_fall() else End.SURVIVED)
    return End(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


WORDS = [
    "-x", "-q", "-o", "addopts=", "--import-mode=importlib", "--assert=plain", "-p", "no:cacheprovider", "-k", LEFT_OUT,
]  # fmt: skip


def _games_fall() -> bool:
    try:
        from tests.schedule.generator import game_of
        from tests.schedule.test_properties import judge

        for seed in range(GAMES):
            judge(game_of(random.Random(seed)))
    except BaseException:  # noqa: BLE001  # whatever it is, the mutant was seen
        return True
    return False


def _tests_fall() -> bool:
    """Run the files with the fast tests, the fastest first."""
    names = {file.stem.removeprefix("test_") for file in (ROOT / "tests/schedule").glob("test_*.py")}
    files = [ROOT / f"tests/schedule/test_{name}.py" for name in (*sorted(names - {"planted", *LAST}), *LAST)]
    try:
        return pytest.main([*WORDS, *map(str, files)]) != 0
    except BaseException:  # noqa: BLE001  # pytest itself may fall over what a mutant does
        return True


def control() -> None:
    """See that what is unchanged survives with time to spare, and that a bug is loaded in whichever file it is."""
    assert not [name for name in sys.modules if name.startswith("runner.schedule")], "loaded before the change"
    for file in sorted(SOURCE.glob("[!_]*.py")):
        bug = Mutant(file=file, line=0, before="", after="", text="raise SystemExit(1)")
        assert end_of(bug) is End.GAMES, f"the change of {file.name} is not what was loaded"
    for file in (SOURCE / "rules.py", SOURCE / "machine.py"):
        began = _seconds()
        same = Mutant(file=file, line=0, before="", after="", text=file.read_text("utf-8"))
        assert end_of(same) is End.SURVIVED, f"the fast tests fall for {file.name} as it is"
        assert _seconds() - began < LONGEST / 2, "too little time"


def _seconds() -> float:
    """Answer the processor seconds of all mutants that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


ENTRY = re.compile(r"^ *(\w+\.py):\d+\n *- (.*)\n *\+ ?(.*)$", re.MULTILINE)
"""A survivor as it is printed and as it is listed; the number of its line may have changed since."""


def run(file: Path, lines: range | None, listed: set[tuple[str, ...]]) -> bool:
    """Run the mutants of some lines of a file (None: of all); says whether exactly those that are `listed` survive."""
    every = [mutant for mutant in mutants(file) if lines is None or mutant.line in lines]
    count: Counter[End] = Counter()
    missed: set[tuple[str, ...]] = set()
    news = False
    for number, mutant in enumerate(every, start=1):
        end = end_of(mutant)
        count[end] += 1
        entry = (file.name, mutant.before, mutant.after)
        if end is End.SURVIVED and entry in listed:
            missed.add(entry)
        elif end is End.SURVIVED:
            news = True
            print(f"{file.name}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}", flush=True)
        if number % 20 == 0:
            said = f"{number} of {len(every)} of {file.name}, line {mutant.line}, {count[End.SURVIVED]} survive"
            print(said, file=sys.stderr, flush=True)
    ran = {(file.name, mutant.before, mutant.after) for mutant in every}
    dead = sorted(entry for entry in listed - missed if entry in ran or (lines is None and entry[0] == file.name))
    for name, before, after in dead:
        print(f"{name}: listed, but it did not survive\n  - {before}\n  + {after}")
    ends = ", ".join(f"{count[end]} {end.name.lower()}" for end in End)
    print(f"{file.name}: {len(every)} mutants: {ends}", flush=True)
    return not news and not dead


def main(words: list[str]) -> int:
    """Run all mutants of the named files, else of all with something to change."""
    control()
    listed = {match.groups() for match in ENTRY.finditer(SURVIVORS.read_text("utf-8"))}
    began = time.monotonic()
    agreed = True
    for word in words or [file.name for file in sorted(SOURCE.glob("[!_]*.py"))]:
        name, _, lines = word.partition(":")
        first, _, last = lines.partition("-")
        agreed &= run(SOURCE / name, range(int(first), int(last or first) + 1) if lines else None, listed)
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if agreed else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as compiled:
        sys.dont_write_bytecode, sys.pycache_prefix = False, compiled  # what is not changed is compiled once
        sys.exit(main(sys.argv[1:]))
