"""The probe `command`: a program that prints what it finds, as JSON or one record a line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tasks.evidence.finding import FIELDS, Finding, Orphan, Searched, Unverified, Wanted, orphans_in, overlooked
from tasks.evidence.listing import NoList, page_of


class CommandProbe(BaseModel):
    """What to run: words, no shell. `{prefix}` in a word runs it once for each prefix; `timeout` is seconds.

    `delete` is a command, too, with `{id}` in it; only `clean` uses it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["command"]
    command: tuple[str, ...]
    delete: tuple[str, ...] = ()
    fields: tuple[str, ...] = FIELDS
    id_field: str | None = None
    timeout: float = 60.0


def look(probe: CommandProbe, wanted: Wanted) -> Finding:
    """Run it and hold what it prints against the prefixes."""
    where = " ".join(probe.command)
    records: list[Mapping[str, Any]] = []
    for command in _commands(probe, wanted):
        printed = _printed(command, probe.timeout)
        if isinstance(printed, _Failed):
            return Unverified(why=printed.why, where=where)
        try:
            records += records_in(printed)
        except NoList as error:
            return Unverified(why=f"what it printed is JSON, but {error}", where=where)
    orphans = orphans_in(records, wanted, probe.fields, probe.id_field, where)
    chosen = "fields" in probe.model_fields_set
    if not chosen and (place := overlooked(records, wanted, probe.fields)):
        return Unverified(why=f"{place}; say which by `fields`", where=where, orphans=tuple(orphans))
    return Searched(orphans=tuple(orphans), looked_at=len(records), where=where)


def remove(probe: CommandProbe, orphan: Orphan) -> str:
    """Delete a record that was just listed; answers what went wrong, "" if nothing did."""
    if not any("{id}" in word for word in probe.delete):
        return "the probe has no `delete` with `{id}` in it"
    printed = _printed([word.replace("{id}", orphan.id) for word in probe.delete], probe.timeout)
    return printed.why if isinstance(printed, _Failed) else ""


def records_in(text: str) -> list[Mapping[str, Any]]:
    """Read JSON as a list endpoint's, JSON lines, or one name a line.

    Raises:
        NoList: it is JSON without a list of records.

    """
    try:
        return list(page_of(json.loads(text), {}, None).records)
    except (ValueError, RecursionError) as error:
        if isinstance(error, NoList):
            raise
    return [_record(line.strip()) for line in text.splitlines() if line.strip()]


# -- the helpers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    why: str


def _printed(command: Sequence[str], timeout: float) -> str | _Failed:
    try:
        ended = subprocess.run(  # noqa: S603  # the graph's author names it
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
            env=dict(os.environ),
        )
    except OSError as error:
        return _Failed(why=f"{command[0]} could not be started: {error.strerror}")
    except subprocess.TimeoutExpired:
        return _Failed(why=f"it did not end within {timeout:g} s")
    if ended.returncode:
        last = next((line for line in reversed(ended.stderr.splitlines()) if line.strip()), "nothing on stderr")
        return _Failed(why=f"it ended with exit code {ended.returncode}: {last[:300]}")
    return ended.stdout


def _commands(probe: CommandProbe, wanted: Wanted) -> list[list[str]]:
    if not any("{prefix}" in word for word in probe.command):
        return [list(probe.command)]
    return [[word.replace("{prefix}", prefix) for word in probe.command] for prefix in wanted.prefixes]


def _record(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # a border: one name a line is a format, too
        found = line
    return found if isinstance(found, dict) else {"id": str(found), "name": str(found)}
