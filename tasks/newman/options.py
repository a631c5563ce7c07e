"""How a collection is run, and that as newman.js wants it. Pure: starts nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.postman.spelling import squashed


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a collection is run. Times are seconds; `bail` stops at the first failure.

    `data` is one row per iteration, or a CSV or JSON file of them beside the configuration.
    `base_url` replaces every variable of that name, however it is spelled; `data_prefix` is the variable of that name.
    """

    base_url: str = ""
    data_prefix: str | None = None
    folders: Sequence[str] = ()
    iterations: int | None = None
    data: str | Sequence[Mapping[str, Any]] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    globals: Mapping[str, str] = field(default_factory=dict)
    bail: bool = False
    delay: float = 0.0
    request_timeout: float = 30.0
    script_timeout: float = 10.0
    insecure: bool = False
    require_assertions: bool = False
    limit: float | None = None


def newman_options(
    options: RunOptions,
    collection: Mapping[str, Any],
    environment: Mapping[str, Any] | None,
    shared: Mapping[str, Any] | None,
    folder: str,
) -> dict[str, Any]:
    """Write options as newman.js wants them: times in milliseconds, variables as lists."""
    variables = dict(options.variables)
    if options.base_url:
        variables |= dict.fromkeys(base_url_variables(collection, environment) or ("base_url",), options.base_url)
    if options.data_prefix is not None:
        variables["data_prefix"] = options.data_prefix
    return {
        "collection": collection,
        "environment": environment,
        "globals": shared,
        "dataPrefix": options.data_prefix,
        "folder": list(options.folders),
        "iterationCount": options.iterations,
        "iterationData": _rows(options.data, folder),
        "envVar": [{"key": key, "value": value} for key, value in variables.items()],
        "globalVar": [{"key": key, "value": value} for key, value in options.globals.items()],
        "bail": ["failure"] if options.bail else False,
        "delayRequest": round(options.delay * 1000),
        "timeoutRequest": round(options.request_timeout * 1000),
        "timeoutScript": round(options.script_timeout * 1000),
        "insecure": options.insecure,
        "workingDir": folder,
    }


def _rows(data: str | Sequence[Mapping[str, Any]] | None, folder: str) -> str | list[dict[str, Any]] | None:
    if data is None or isinstance(data, str):
        return str(Path(folder, data)) if data else None
    return [dict(row) for row in data]


def base_url_variables(collection: Mapping[str, Any], environment: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Answer the variables that hold the backend's URL: those a collection uses that are spellings of `base_url`."""
    used = re.findall(r"\{\{\s*([\w.-]+)\s*\}\}", json.dumps([collection, environment]))
    return tuple(dict.fromkeys(name for name in used if squashed(name) == "baseurl"))
