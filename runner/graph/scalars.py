"""Single values of the graph file: texts, numbers, durations, words. Knows no mapping and no expression.

What does not fit becomes a problem, and `BAD` is answered in its place.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, TypeAlias

from runner.graph.findings import Findings
from runner.graph.loose import as_text
from runner.graph.model import Rate
from runner.graph.quantities import duration_meant, rate, rate_meant, seconds, size, size_meant
from runner.graph.shape import Duration, Flag, Number, Often, Plain, Size, Text, Whole, Word
from runner.graph.source import Path
from runner.task import Json

Scalar: TypeAlias = Text | Flag | Whole | Number | Duration | Size | Often | Word | Plain


class _Bad:
    """What is answered for a value that does not fit."""


BAD = _Bad()
_TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}


def read_scalar(shape: Scalar, data: Json, path: Path, findings: Findings) -> Any:
    """Read one value that holds no expression; `BAD` if it does not fit."""
    if isinstance(data, str) and "${{" in data:
        return _not_here(data, path, findings)
    match shape:
        case Text():
            return _text(shape, data, path, findings)
        case Duration():
            return _duration(shape, data, path, findings)
        case Flag():
            return _flag(data, path, findings)
        case Whole():
            return _whole(shape, data, path, findings)
        case Number():
            return _number(shape, data, path, findings)
        case Size():
            return _size(data, path, findings)
        case Often():
            return _often(data, path, findings)
        case Word():
            return _word(shape, data, path, findings)
        case Plain():
            return data


def wrong(path: Path, what: str, data: Json, findings: Findings, *, hint: str = "") -> Any:
    """Report a value of the wrong type; answers `BAD`."""
    if data is None:
        message, hint = f"{named(path)} has no value", hint or f"give it {what}"
    else:
        message = f"{named(path)} must be {what}, not {_kind(data)}"
    findings.at_value(path, "wrong-type", message, hint=hint)
    return BAD


def named(path: Path) -> str:
    """Name what a path leads to: its key, or the key of the list it is an item of."""
    names = [step for step in path if isinstance(step, str)]
    if not path:
        return "a graph"
    return f"`{names[-1]}`" if isinstance(path[-1], str) else f"an item of `{names[-1]}`"


def _not_here(text: str, path: Path, findings: Findings) -> Any:
    message = "expressions are not filled in here"
    hint = "they are in `with`, `env`, `run` and `if`"
    findings.inside(path, (text.index("${{"), 3), "expression-not-here", message, hint=hint)
    return BAD


def _text(shape: Text, data: Json, path: Path, findings: Findings) -> Any:
    if not isinstance(data, str):
        hint = "put it in quotes" if isinstance(data, int | float) else ""
        return wrong(path, shape.what, data, findings, hint=hint)
    if shape.pattern and not compiled(shape.pattern).fullmatch(data):
        findings.at_value(path, shape.code, f"`{data}` is not {shape.what}", hint=shape.hint)
        return BAD
    return data


def _flag(data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, bool):
        return data
    meant = _TRUTHS.get(data.lower()) if isinstance(data, str) else None
    hint = f"write `{meant}`, without quotes" if meant else ""
    return wrong(path, "`true` or `false`", data, findings, hint=hint)


def _whole(shape: Whole, data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, bool) or not isinstance(data, int):
        hint = "take the quotes off" if isinstance(data, str) and data.isdecimal() else ""
        return wrong(path, "a whole number", data, findings, hint=hint)
    least = -math.inf if shape.least is None else shape.least
    most = math.inf if shape.most is None else shape.most
    if least <= data <= most:
        return data
    wanted = f"{least}" if least == most else f"a number from {least} to {most}" if shape.most else f"{least} or more"
    findings.at_value(path, "bad-value", f"{named(path)} must be {wanted}, not {data}", hint=shape.hint)
    return BAD


def _number(shape: Number, data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, bool) or not isinstance(data, int | float):
        return wrong(path, "a number", data, findings)
    if data < shape.least:
        findings.at_value(path, "bad-value", f"{named(path)} must be {shape.least:g} or more, not {data}")
        return BAD
    return float(data)


def _duration(shape: Duration, data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, int | float) and not isinstance(data, bool):
        message = f"{named(path)} has no unit"
        findings.at_value(path, "bad-duration", message, hint=f"write `{data}s` for seconds, `{data}m` for minutes")
        return BAD
    if not isinstance(data, str):
        return wrong(path, "a duration such as `30s`", data, findings)
    found = seconds(data)
    if found is None:
        meant = duration_meant(data)
        hint = f"did you mean `{meant}`?" if meant else "write `250ms`, `30s`, `5m` or `1h30m`"
        findings.at_value(path, "bad-duration", f"`{data}` is not a duration", hint=hint)
        return BAD
    if found == 0 and not shape.zero:
        hint = "leave the key out for no limit"
        findings.at_value(path, "bad-value", f"{named(path)} must be more than `0s`", hint=hint)
        return BAD
    return found


def _size(data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, int | float) and not isinstance(data, bool):
        hint = f"write `{data}MiB` or `{data}GiB`"
        findings.at_value(path, "bad-size", f"{named(path)} has no unit", hint=hint)
        return BAD
    if not isinstance(data, str):
        return wrong(path, "a size such as `512MiB`", data, findings)
    found = size(data)
    if not found:
        meant = size_meant(data)
        hint = f"did you mean `{meant}`?" if meant else "write `512MiB` or `1GiB`"
        findings.at_value(path, "bad-size", f"`{data}` is not a size", hint=hint)
        return BAD
    return found


def _often(data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, int | float) and not isinstance(data, bool):
        hint = f"write `{data}/m` for so many a minute, `{data}/s` for so many a second"
        findings.at_value(path, "bad-rate", f"{named(path)} does not say in which time", hint=hint)
        return BAD
    if not isinstance(data, str):
        return wrong(path, "a rate such as `10/m`", data, findings)
    found = rate(data)
    if found is None:
        meant = rate_meant(data)
        hint = f"did you mean `{meant}`?" if meant else "write `5/s`, `10/m` or `100/15m`"
        findings.at_value(path, "bad-rate", f"`{data}` is not a rate", hint=hint)
        return BAD
    if not all(found):
        findings.at_value(path, "bad-value", f"{named(path)} must be one or more in some time, not `{data}`")
        return BAD
    return Rate(count=found[0], seconds=found[1])


def _word(shape: Word, data: Json, path: Path, findings: Findings) -> Any:
    if isinstance(data, str) and data in shape.words:
        return shape.words[data]
    words = ", ".join(f"`{word}`" for word in shape.words)
    if not isinstance(data, str):
        return wrong(path, f"one of {words}", data, findings)
    meant = shape.foreign.get(data)
    hint = f"did you mean `{meant}`?" if meant else findings.near(data, shape.words)
    findings.at_value(path, "bad-value", f"{named(path)} must be one of {words}, not `{data}`", hint=hint)
    return BAD


def _kind(data: Json) -> str:
    match data:
        case None:
            return "nothing"
        case bool():
            return f"`{as_text(data)}`"
        case int() | float():
            return f"the number {as_text(data)}"
        case str():
            return f"the text `{data}`" if len(data) <= 40 and data.isprintable() else "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a shape, once."""
    return re.compile(pattern)
