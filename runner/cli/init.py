"""`init`: writes a phase to start from, by a few questions or by flags; writes over nothing unless told to."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import Exit, UsageError

if TYPE_CHECKING:
    from runner.starting import Start

USUAL = "phase"
"""The name of a phase that nobody named."""
YES = frozenset({"y", "yes"})


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `init`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the graph file to write (default: NAME.yaml)")
    parser.add_argument("--name", metavar="NAME", help=f"what the phase is called (default: {USUAL}, or that of FILE)")
    parser.add_argument("--backend", metavar="URL", help="look whether this backend is well")
    parser.add_argument("--postman", action="store_true", help="run a Postman collection against the backend")
    parser.add_argument("--force", action="store_true", help="write over files that are there")


def main(chosen: argparse.Namespace) -> int:
    """Write a phase, and say what to do with it."""
    from msgspec.structs import replace

    from runner.starting import CONFIG, files_of

    try:
        said = _asked() if _to_ask(chosen) else chosen
    except (EOFError, KeyboardInterrupt) as error:  # a border: the keyboard is the person's
        print("\nnothing was written", file=sys.stderr)
        return Exit.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Exit.USAGE
    file, start = _wanted(said)
    folder = file.parent
    there = start.postman and (folder / CONFIG).exists() and not chosen.force
    files = {folder / name: text for name, text in files_of(replace(start, configured=there), file.name).items()}
    _write(files, force=chosen.force)
    for path in files:
        print(f"wrote {path}")
    if there:
        print(f"uses  {folder / CONFIG}, which was there")
    print()
    for what, command in (("Check it", "validate "), ("Plan it", "plan "), ("Run it", "")):
        print(f"{what + ':':<10} python -m runner {command}{file}")
    return 0


# -- the helpers -------------------------------------------------------------------------------------------------------


def _to_ask(chosen: argparse.Namespace) -> bool:
    said = chosen.file or chosen.name or chosen.backend or chosen.postman
    return not said and sys.stdin.isatty() and sys.stdout.isatty()


def _asked() -> argparse.Namespace:
    """Ask for what the flags would say."""
    name = input(f"What is the phase called? [{USUAL}] ").strip()
    backend = input("Which backend does it look after? Its URL, or nothing: ").strip()
    postman = input("Does it run a Postman collection? y or n [n] ").strip().lower() in YES
    print()
    return argparse.Namespace(file=None, name=name or None, backend=backend or None, postman=postman)


def _wanted(chosen: argparse.Namespace) -> tuple[Path, Start]:
    """Answer the file to write and what goes into it.

    Raises:
        UsageError: a name or a URL cannot be one.

    """
    from runner.graph.params import UnfitError, fit
    from runner.starting import Start

    name = chosen.name or (Path(chosen.file).stem if chosen.file else USUAL)
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
        raise UsageError(f"`{name}` cannot be the name of a phase: use letters, digits, `_`, `-` and `.`")
    file = Path(chosen.file or f"{name}.yaml")
    if file.suffix not in {".yaml", ".yml"}:
        raise UsageError(f"{file}: a graph is written as YAML; let its name end in .yaml")
    try:
        backend = fit("url", chosen.backend or "")
    except UnfitError as error:
        raise UsageError(f"--backend {chosen.backend}: {error}; {error.hint}") from error
    return file, Start(name=name, backend=str(backend), postman=chosen.postman)


def _write(files: Mapping[Path, str], *, force: bool) -> None:
    """Write all files or none.

    Raises:
        UsageError: one is there already, or cannot be written.

    """
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise UsageError(f"{', '.join(there)}: there already; --force writes over it, --name NAME takes another name")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w" if force else "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:  # a border: the disk
        raise UsageError(f"{error.filename}: {error.strerror}") from error
