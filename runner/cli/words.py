"""The words a command line may begin with. Knows no option, and loads nothing: it is asked before anything else."""

from __future__ import annotations

from collections.abc import Sequence

COMMANDS = {
    "run": "run a phase: python -m runner run graphs/phase2.yaml",
    "plan": "show what a run would do, and what if: python -m runner plan graphs/phase2.yaml --fail health",
    "init": "write a phase to start from: python -m runner init --backend http://localhost:8000",
    "validate": "check graph files: python -m runner validate graphs/phase2.yaml",
    "report": "show what happened in a run: python -m runner report",
    "show": "show every check and attempt of a run: python -m runner show latest",
    "logs": "print what a task has printed: python -m runner logs latest power",
    "explain": "say why a task ran, waited, failed or did not run: python -m runner explain latest power",
    "diff": "show what changed from one run to another: python -m runner diff 20261124-0330 latest",
    "history": "list the runs that are kept: python -m runner history",
    "list": "list the tasks of a graph: python -m runner list graphs/phase2.yaml",
    "graph": "draw a graph: python -m runner graph graphs/phase2.yaml --format mermaid",
    "schema": "print the JSON Schema of the graph file, for editors: python -m runner schema > graph.schema.json",
    "doctor": "look whether this machine is fit for a phase: python -m runner doctor graphs/phase2.yaml",
}
STARTS_NOTHING = frozenset({"-h", "--help", "--version", "-n", "--dry-run"})
"""Options with which even `run` starts no process."""


def with_command(words: Sequence[str]) -> list[str]:
    """Put `run` before a graph file that stands where a command could."""
    for word in words:
        if word in COMMANDS or word in {"-h", "--help", "--version"}:
            return [*words]
        if not word.startswith("-"):
            break
    return ["run", *words]


def command_of(words: Sequence[str]) -> str | None:
    """Answer the command that these words name, None where they name none and `with_command` put none before them."""
    return next((word for word in words if word in COMMANDS), None)


def starts_processes(words: Sequence[str]) -> bool:
    """Say whether a command line will need a warden: so early that nothing has been checked."""
    return bool(words) and command_of(with_command(words)) == "run" and STARTS_NOTHING.isdisjoint(words)
