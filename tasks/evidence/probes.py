"""The kinds of probes for left-over test data, and the way to look with any of them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from tasks.backend.http import opened
from tasks.evidence import command_probe, firestore_probe, http_probe, python_probe
from tasks.evidence.command_probe import CommandProbe
from tasks.evidence.finding import Finding, Orphan, Wanted
from tasks.evidence.firestore_probe import FirestoreProbe
from tasks.evidence.http_probe import HttpProbe
from tasks.evidence.python_probe import PythonProbe

Probe: TypeAlias = Annotated[HttpProbe | FirestoreProbe | CommandProbe | PythonProbe, Field(discriminator="kind")]
"""Told apart by `kind`."""


def look(probe: Probe, base_url: str, wanted: Wanted) -> Finding:
    """Look once."""
    match probe:
        case HttpProbe():
            with opened(probe.headers, largest=http_probe.LARGEST_PAGE) as send:
                return http_probe.look(probe, base_url, wanted, send)
        case FirestoreProbe():
            return firestore_probe.look(probe, wanted)
        case CommandProbe():
            return command_probe.look(probe, wanted)
        case PythonProbe():
            return python_probe.look(probe, wanted)


def remove(probe: Probe, base_url: str, orphan: Orphan) -> str:
    """Delete a record that this probe has just listed; answers what went wrong, "" if nothing did."""
    if not orphan.id:
        return "it has no id; say which field is by `id_field`"
    match probe:
        case HttpProbe():
            return http_probe.remove(probe, base_url, orphan)
        case FirestoreProbe():
            return firestore_probe.remove(probe, orphan)
        case CommandProbe():
            return command_probe.remove(probe, orphan)
        case PythonProbe():
            return python_probe.remove(probe, orphan)
