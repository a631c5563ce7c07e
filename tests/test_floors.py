"""The floors of DESIGN section 2, read from the syntax tree: who imports whom, late imports included."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import runner

ROOT = Path(runner.__file__).parent.parent

Sources = Mapping[str, str]
"""Text by dotted module name; packages by the name of their folder."""

FLOOR_0 = {"task", "errors", "mask", "plain", "files", "junit", "clock", "version"}
LOWER = FLOOR_0 | {"graph", "schedule"}
MAY_IMPORT = {
    **{part: set[str]() for part in FLOOR_0},
    "graph": FLOOR_0,
    "schedule": FLOOR_0 | {"graph"},
    "execute": LOWER,
    "record": LOWER,
    "keeping": LOWER,
    "kept": LOWER | {"keeping"},
    "carriers": LOWER,
    "inputs": LOWER | {"keeping", "site"},
    "site": LOWER,
    "starting": set(),
    "requests": LOWER | {"keeping", "kept", "carriers", "site"},
    "driver": LOWER | {"requests", "execute"},
}
"""What each part of the engine may import beside itself."""

FREE = {"early", "wiring", "opening", "resuming", "recalling", "planning", "crews", "api", "cli", "__main__"}
"""The parts that join the others and may import them all."""

SEEN_BY_THE_DRIVER = {"runner.execute", "runner.execute.ports"}
"""The driver is given its executor and its journal: of `execute` it knows the protocols only."""

SEEN_BY_TASKS = {"runner.task", "runner.junit"}
"""The contract, and the reading of JUnit that tasks share with the engine."""

NEVER = {
    "graph": {"time", "threading", "subprocess", "multiprocessing", "socket", "signal", "asyncio"},
    "schedule": {"time", "os", "random", "threading", "subprocess", "socket", "logging"},
}
ONLY_IN = {
    "yaml": {"runner.graph.yaml_file"},
    "fsspec": {"runner.execute.storing"},
    "distributed": {f"runner.execute.{name}" for name in ("link", "connection", "host", "own_cluster")},
}
CHILDREN = ("runner.execute.worker", "runner.execute.warden")
LOADED_BY_CHILDREN = {"runner", "runner.task", "runner.plain", "msgspec"}
"""Beside their own side of `execute`: what a child loads, every attempt waits for."""


@dataclass(frozen=True, slots=True)
class Import:
    """One module that another one imports; `late`: not when it is loaded, but in a function or for types only."""

    module: str
    line: int
    late: bool


def sources() -> dict[str, str]:
    """Read every module of the engine and of the tasks."""
    files = [*(ROOT / "runner").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]
    return {name_of(file): file.read_text() for file in files}


def name_of(file: Path) -> str:
    """Answer the dotted name of a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(module: str, known: Sources) -> tuple[Import, ...]:
    """Answer what a module imports: by statement, and by `import_module` or `__import__` with a name in quotes."""
    return _read(module, known[module], frozenset(known))


@cache
def _read(module: str, text: str, known: frozenset[str]) -> tuple[Import, ...]:
    tree = ast.parse(text)
    late = {id(inner) for node in ast.walk(tree) if _delays(node) for inner in ast.walk(node)}
    return tuple(
        Import(module=name, line=getattr(node, "lineno", 0), late=id(node) in late)
        for node in ast.walk(tree)
        for name in _names(node, module, known)
    )


def _delays(node: ast.AST) -> bool:
    for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    return for_types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _names(node: ast.AST, module: str, known: frozenset[str]) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=source, names=names, level=level):
            inside = [name for name in known if name.startswith(module + ".")]
            here = module.split(".") if inside else module.split(".")[:-1]
            base = ".".join([*(here[: len(here) - level + 1] if level else []), *([source] if source else [])])
            below = [f"{base}.{alias.name}" for alias in names]
            return [base, *(name for name in below if name in known)]
        case ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
            return [name]
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
            return [name]
        case _:
            return []


def part_of(module: str) -> str:
    """Answer the part of the engine a module belongs to: `runner.graph.file` is of `graph`."""
    return module.split(".")[1] if "." in module else ""


def faults(known: Sources) -> list[str]:
    """Answer every import that the floors forbid, as `module:line imports module`."""
    found = [
        f"{module}:{each.line} imports {each.module}"
        for module in known
        for each in imports_of(module, known)
        if not _allowed(module, each.module)
    ]
    for child in CHILDREN:
        strangers = (name for name in loaded_by(child, known) if not _loadable(name))
        found += [f"{child} loads {name}" for name in sorted(strangers)]
    return sorted(found)


def _allowed(module: str, other: str) -> bool:
    top, part = other.partition(".")[0], part_of(module)
    if module.startswith("tasks"):
        return top != "runner" or other in ("runner", *SEEN_BY_TASKS)
    if top in ONLY_IN:
        return module in ONLY_IN[top]
    if top != "runner":
        return top != "tasks" and top not in NEVER.get(part, ())
    if part == "driver" and part_of(other) == "execute":
        return other in SEEN_BY_THE_DRIVER
    return part in FREE or part_of(other) in {"", part, *MAY_IMPORT.get(part, ())}


def loaded_by(module: str, known: Sources) -> set[str]:
    """Answer everything that is loaded with a module, packages included; of what is not ours only the first name."""
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        pieces = name.split(".")
        whole = [".".join(pieces[:count]) for count in range(1, len(pieces) + 1)] if name in known else [pieces[0]]
        for new in (each for each in whole if each not in found):
            found.add(new)
            waiting += [each.module for each in imports_of(new, known) if not each.late] if new in known else []
    return found


def _loadable(module: str) -> bool:
    return module in LOADED_BY_CHILDREN or module.startswith("runner.execute") or module in sys.stdlib_module_names


def test_nothing_imports_upwards_or_sideways() -> None:
    """A part imports only parts on lower floors; equal floors are strangers; children load next to nothing."""
    assert [] == faults(sources())


def test_every_part_has_its_floor() -> None:
    """A new part of the engine is given a floor before anything is built on it."""
    assert {part_of(module) for module in sources() if module.startswith("runner.")} == FREE | MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("module", "line", "expected"),
    [
        ("runner.plain", "from runner.task import Json", "imports runner.task"),
        ("runner.mask", "import runner.errors", "imports runner.errors"),
        ("runner.graph.model", "from runner.schedule.rules import Need", "imports runner.schedule.rules"),
        ("runner.graph.check", "import yaml", "imports yaml"),
        ("runner.graph.check", "import subprocess", "imports subprocess"),
        ("runner.schedule.machine", "import time", "imports time"),
        ("runner.schedule.policy", "def late():\n    from random import random", "imports random"),
        ("runner.schedule.limits", "def late():\n    __import__('logging')", "imports logging"),
        ("runner.schedule.board", "from runner.execute import ports", "imports runner.execute"),
        ("runner.execute.pool", "from runner.record.journal import Journal", "imports runner.record.journal"),
        ("runner.record.report", "import runner.execute.ports", "imports runner.execute.ports"),
        ("runner.record.folder", "from ..execute import ports", "imports runner.execute"),
        ("runner.driver", "from runner.execute.simulate import Simulation", "imports runner.execute.simulate"),
        ("runner.driver", "from runner.execute import pool", "imports runner.execute.pool"),
        ("runner.driver", "from runner.record import journal", "imports runner.record"),
        ("runner.requests", "from runner.driver import drive", "imports runner.driver"),
        ("runner.cli.main", "def late():\n    import_module('tasks.health')", "imports tasks.health"),
        ("runner.api", "from tasks import health", "imports tasks"),
        ("tasks.health", "from runner.errors import Exit", "imports runner.errors"),
        ("tasks.power", "if TYPE_CHECKING:\n    from runner.graph.model import Graph", "imports runner.graph.model"),
        ("runner.execute.wire", "import yaml", "runner.execute.worker loads yaml"),
        ("runner.execute.wire", "import httpx", "runner.execute.warden loads httpx"),
        ("runner.execute.worker", "import runner.mask", "runner.execute.worker loads runner.mask"),
        (
            "runner.execute.warden",
            "from runner.execute.ports import Clock",
            "runner.execute.warden loads runner.schedule",
        ),
        ("runner.execute", "import runner.errors", "runner.execute.worker loads runner.errors"),
    ],
)
def test_a_planted_import_is_found(module: str, line: str, expected: str) -> None:
    """Each rule is broken once, in a copy of the real text: the guilty module is named, and with it the import."""
    known = sources()
    planted = {**known, module: f"{known[module]}\n{line}\n"}
    new = sorted(set(faults(planted)) - set(faults(known)))

    assert any(fault.startswith(module) or "loads" in expected for fault in new), new
    assert any(fault.endswith(expected) for fault in new), new


def test_a_late_import_keeps_a_child_small() -> None:
    """What a child imports in a function is not loaded before it is wanted."""
    known = {"runner.execute.worker": "def late():\n    import pydantic\nimport json"}

    assert {"runner.execute.worker", "json"} == loaded_by("runner.execute.worker", known) - {"runner", "runner.execute"}


def test_init_files_are_empty() -> None:
    """A façade there would make every child process import the engine."""
    files = [*(ROOT / "runner").rglob("__init__.py"), *(ROOT / "tasks").rglob("__init__.py")]

    assert [] == [str(file) for file in files if file.stat().st_size > 0]
