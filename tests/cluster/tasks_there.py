"""Tasks that are installed on the hosts, as the engine is; they say where they have run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runner.task import Context


def where() -> str:
    """Name the host."""
    return os.uname().nodename


def big(count: int) -> dict[str, Any]:
    """Return more than is handed on as it is, and say on which host."""
    return {"rows": list(range(count)), "host": os.uname().nodename}


def total(rows: list[int]) -> dict[str, Any]:
    """Add up, and say on which host."""
    return {"sum": sum(rows), "host": os.uname().nodename}


def reads(context: Context) -> dict[str, Any]:
    """Read the file that `pack` has kept."""
    path = context.needs["pack"].artifacts["parcel/words.txt"]
    return {"text": Path(str(path)).read_text(encoding="utf-8"), "host": os.uname().nodename}
