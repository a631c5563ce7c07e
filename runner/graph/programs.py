"""Whether the shells are there that a graph names: looked for as they will be looked for, and not started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runner.errors import Problem
from runner.graph import source
from runner.graph.check import Loaded
from runner.graph.findings import Findings
from runner.task import Request


def check_all_shells(loaded: Loaded, settings: Mapping[str, Request]) -> tuple[Problem, ...]:
    """Answer what is wrong with the shells of some tasks, of a graph with all it includes, file by file."""
    found: dict[Problem, None] = {}
    for scope, file in {"": loaded, **loaded.included}.items():
        own = {name: each for name, each in settings.items() if loaded.graph.tasks[name].scope == scope}
        begin = f"{scope}." if scope else ""
        found |= dict.fromkeys(check_shells(file, {name.removeprefix(begin): each for name, each in own.items()}))
    return tuple(found)


def check_shells(loaded: Loaded, settings: Mapping[str, Request]) -> tuple[Problem, ...]:
    """Answer what is wrong with the shells of some tasks, each in the setting in which it will run."""
    findings, told = Findings(loaded.document), set[source.Path]()
    for task, request in settings.items():
        path = _place(loaded, task)
        fault = "" if path in told else _fault(request)
        if fault:
            told.add(path)
            message = f"the shell `{request.shell[0]}` is not there: {fault}"
            findings.at_value(path, "no-such-shell", message, hint="write its path, or install it")
    return findings.sorted()


def _place(loaded: Loaded, task: str) -> source.Path:
    data = loaded.document.data
    written = data["tasks"][task] if isinstance(data, dict) else {}
    return ("tasks", task, "shell") if "shell" in written else ("defaults", "shell")


def _fault(request: Request) -> str:
    """Say why a shell cannot be started, "" if it can, or if nobody can know yet."""
    program = request.shell[0]
    if "/" in program:
        whole = Path(request.workdir, program)
        if not Path(request.workdir).is_dir() or (whole.is_file() and os.access(whole, os.X_OK)):
            return ""
        return f"{whole} cannot be executed" if whole.exists() else f"there is no {whole}"
    from shutil import which  # noqa: PLC0415  # it loads three compressors, and most graphs name no shell

    path = request.env.get("PATH", os.defpath)
    return "" if which(program, path=path) else "no folder of PATH has it"
