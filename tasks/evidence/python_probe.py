"""The probe `python`: a function of the project's own that answers what it finds."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence.finding import FIELDS, Finding, Orphan, Searched, Unverified, Wanted, orphans_in, overlooked


class PythonProbe(BaseModel):
    """What to call: `function` is `module:function`, which answers records or names.

    It is given `arguments`, and `prefixes` (a list) if it has a parameter of that name. `delete` is such a function,
    too, and is given the `id`; only `clean` uses it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["python"]
    function: str
    delete: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    fields: tuple[str, ...] = FIELDS
    id_field: str | None = None


def look(probe: PythonProbe, wanted: Wanted) -> Finding:
    """Call it and hold what it answers against the prefixes."""
    try:
        function = _function(probe.function)
        given = dict(probe.arguments)
        if "prefixes" in inspect.signature(function).parameters:
            given["prefixes"] = list(wanted.prefixes)
        records = [_record(each) for each in _iterable(function(**given))]
    except Exception as error:  # noqa: BLE001  # a border: the project's own function may raise anything
        return Unverified(why=f"{type(error).__name__}: {str(error)[:300]}", where=probe.function)
    orphans = orphans_in(records, wanted, probe.fields, probe.id_field, probe.function)
    chosen = "fields" in probe.model_fields_set
    if not chosen and (place := overlooked(records, wanted, probe.fields)):
        return Unverified(why=f"{place}; say which by `fields`", where=probe.function, orphans=tuple(orphans))
    return Searched(orphans=tuple(orphans), looked_at=len(records), where=probe.function)


def remove(probe: PythonProbe, orphan: Orphan) -> str:
    """Delete a record that was just listed; answers what went wrong, "" if nothing did."""
    if probe.delete is None:
        return "the probe has no `delete`"
    try:
        _function(probe.delete)(id=orphan.id)
    except Exception as error:  # noqa: BLE001  # a border: the project's own function may raise anything
        return f"{type(error).__name__}: {str(error)[:300]}"
    return ""


# -- the helpers -------------------------------------------------------------------------------------------------------


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _iterable(answer: Any) -> Iterable[Any]:
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise TypeError(f"it answered {type(answer).__name__}, not a list of records")
    return answer


def _record(each: Any) -> Mapping[str, Any]:
    return each if isinstance(each, Mapping) else {"id": str(each), "name": str(each)}
