"""What a command says through files, read as it is meant: outputs, checks, rows of the ledger. Pure.

Whatever is wrong is said with its place, as `VARIABLE:LINE: what is wrong; what to write`: the files themselves are
gone when anybody reads that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from runner.execute.returned import NotPlain, plain
from runner.plain import NotThisShape, from_plain
from runner.task import TAG, Check, Json, LedgerRow, Verdict

OUTPUT, CHECKS, LEDGER = "TASKGRAPH_OUTPUT", "TASKGRAPH_CHECKS", "TASKGRAPH_LEDGER"
_CHECK_LINE = '{"name": "…", "verdict": "passed"}'
_ROW_LINE = '{"action": "created", "kind": "…", "id": "…"}'


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class Unclear(ValueError):  # noqa: N818  # named for what is wrong with it
    """Something that was written cannot be understood; the message says where, why, and mostly what to write."""


# -- outputs -----------------------------------------------------------------------------------------------------------


def outputs_in(text: str, declared: Mapping[str, str]) -> dict[str, Json]:
    """Read outputs: lines `name=value`, texts `name<<END` up to a line `END`, and JSON objects, one after another.

    Without any that are declared all are taken, as texts or as JSON has them; what is written twice counts the last
    time.

    Raises:
        Unclear: a line is none of these, or what is there is not what was declared.

    """
    found: dict[str, Json] = {}
    for line, name, value, is_text in _written(text):
        if declared and name not in declared:
            hint = near(name, declared) or f"declared are {', '.join(declared)}"
            raise Unclear(f"{OUTPUT}:{line}: `{name}` is not among its `outputs`; {hint}")
        found[name] = _typed(f"{OUTPUT}:{line}: `{name}`", declared.get(name, ""), value, is_text=is_text)
    missing = [f"`{name}`" for name in declared if name not in found]
    if missing:
        raise Unclear(f"it did not write its output{'s' * (len(missing) > 1)} {', '.join(missing)} into {OUTPUT}")
    return found


def _written(text: str) -> Iterator[tuple[int, str, Json, bool]]:
    """Yield line, name and value of everything that is written, and whether it is a text."""
    at, number = 0, 1
    while at < len(text):
        begin, line = at, _line(text, at)
        if line.lstrip().startswith("{"):
            data, at = _object(text, at, number)
            yield from ((number, name, value, False) for name, value in data.items())
        elif line.strip():
            name, sign, value = _parted(line, number)
            at += len(line) + 1
            if sign == "<<":
                value, at = _document(text, at, value.strip(), number)
            yield number, name, value.removesuffix("\r"), True
        else:
            at += len(line) + 1
        number += text.count("\n", begin, at)


def _line(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[at:] if end < 0 else text[at:end]


def _parted(line: str, number: int) -> tuple[str, str, str]:
    """Part `name=value` or `name<<END`, whichever sign comes first."""
    places = [(line.find(sign), sign) for sign in ("=", "<<") if sign in line]
    at, sign = min(places, default=(-1, ""))
    name = line[:at].strip() if at > 0 else ""
    if not name or not name.replace("-", "_").isidentifier():
        raise Unclear(f"{OUTPUT}:{number}: `{shown(line)}` is no output; write `name=value`, `name<<END` or JSON")
    return name, sign, line[at + len(sign) :]


def _document(text: str, start: int, word: str, number: int) -> tuple[str, int]:
    """Read lines up to the one that is the word; answers the text, and where the next line begins."""
    at = start
    while word and at < len(text):
        line = _line(text, at)
        if line.rstrip("\r") == word:
            return text[start : max(at - 1, start)], at + len(line) + 1
        at += len(line) + 1
    message = f"no line `{word}` ends this text" if word else "the word that ends this text is missing"
    raise Unclear(f"{OUTPUT}:{number}: {message}; write `name<<END`, the text, and `END` on a line of its own")


def _object(text: str, at: int, number: int) -> tuple[dict[str, Json], int]:
    """Read the JSON object that begins in a line; answers where the next line begins."""
    try:
        data, end = _DECODER.raw_decode(text, text.index("{", at))
    except json.JSONDecodeError as error:
        raise Unclear(f"{OUTPUT}:{error.lineno}: this is no JSON: {error.msg} (column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise Unclear(f"{OUTPUT}:{number}: this is no JSON: {error}") from None
    behind = _line(text, end)
    if behind.strip():
        where = number + text.count("\n", at, end)
        raise Unclear(f"{OUTPUT}:{where}: `{shown(behind.strip())}` stands behind the JSON; begin a new line")
    return data, end + len(behind) + 1


def _typed(what: str, kind: str, value: Json, *, is_text: bool) -> Json:
    """Answer a value as it was declared; without a type a text is a text, and JSON what it is."""
    if is_text and kind not in ("", "string"):
        value = _read(what, kind, str(value).strip())
    try:
        value = plain(value, "")
    except NotPlain as error:
        raise Unclear(f"{what}: {error}") from None
    if not kind or _KINDS[kind](value):
        return float(value) if kind == "number" and isinstance(value, int) else value
    raise Unclear(f"{what} was declared as {kind}, and is {shown(json.dumps(value, ensure_ascii=False))}")


def _read(what: str, kind: str, text: str) -> Json:
    try:
        return _DECODER.decode(text)  # type: ignore[no-any-return]  # whatever it is, it is plain
    except (ValueError, RecursionError):
        hint = _SPELT[kind]
        raise Unclear(f"{what} was declared as {kind}, and is `{shown(text)}`; write {hint}") from None


_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, float) or (type(value) is int and value.bit_length() < 1024),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
}
_SPELT = {
    "integer": "a whole number such as `3`",
    "number": "a number such as `0.5`",
    "boolean": "`true` or `false`",
    "list": 'JSON such as `["a", "b"]`',
    "map": 'JSON such as `{"a": 1}`',
}


# -- checks and rows ---------------------------------------------------------------------------------------------------


def check_in(line: str, number: int) -> Check:
    """Read one line of checks: a JSON object with the fields of a check.

    Without a verdict it passed if `observed` is what was `expected`.

    Raises:
        Unclear: it is none.

    """
    place = f"{CHECKS}:{number}"
    said = _fields(line, place, Check, _CHECK_LINE)
    if "verdict" not in said:
        if not {"expected", "observed"} <= said.keys():
            raise Unclear(f"{place}: it has no `verdict`; write `{_CHECK_LINE}`, or `expected` and `observed`")
        said["verdict"] = "passed" if said["expected"] == said["observed"] else "failed"
    elif said["verdict"] not in get_args(Verdict):
        words = [f"`{word}`" for word in get_args(Verdict)]
        raise Unclear(f"{place}: `verdict` must be one of {', '.join(words)}, not {shown(json.dumps(said['verdict']))}")
    return _as(Check, said, place)  # type: ignore[no-any-return]  # it is what it was asked for


def row_in(line: str, number: int, now: Callable[[], str]) -> LedgerRow:
    """Read one line of the ledger: a JSON object with the fields of a row; without `at` it happened `now`.

    Raises:
        Unclear: it is none.

    """
    place = f"{LEDGER}:{number}"
    said = _fields(line, place, LedgerRow, _ROW_LINE)
    if isinstance(said.get("id"), int) and not isinstance(said["id"], bool):
        said["id"] = str(said["id"])
    if said.get("action") not in ("created", "deleted"):
        raise Unclear(f"{place}: `action` must be `created` or `deleted`; write `{_ROW_LINE}`")
    return _as(LedgerRow, {"at": now(), **said}, place)  # type: ignore[no-any-return]  # it is what it was asked for


def _fields(line: str, place: str, kind: type[Check | LedgerRow], example: str) -> dict[str, Any]:
    try:
        said = plain(_DECODER.decode(line), "")
    except json.JSONDecodeError as error:
        why = f"{error.msg} (column {error.colno})"
        raise Unclear(f"{place}: this is no JSON: {why}; write one object a line, such as `{example}`") from None
    except (ValueError, RecursionError, NotPlain) as error:
        raise Unclear(f"{place}: this is no JSON: {error}") from None
    if not isinstance(said, dict):
        raise Unclear(f"{place}: this is no object; write `{example}`")
    known = kind.__struct_fields__
    for name in said:
        if name not in known:
            raise Unclear(f"{place}: there is no field `{name}`; {near(name, known) or 'it has ' + ', '.join(known)}")
    return said


def _as(kind: type[Check | LedgerRow], said: Mapping[str, Any], place: str) -> Any:
    try:
        return from_plain(kind, {TAG: kind.__name__, **said})
    except NotThisShape as error:
        raise Unclear(f"{place}: {error}") from None


# -- the helpers -------------------------------------------------------------------------------------------------------


def near(name: str, known: Sequence[str] | Mapping[str, str]) -> str:
    """Ask whether a name that is there was meant, "" if there is none like it."""
    from difflib import get_close_matches  # noqa: PLC0415  # only who errs pays

    found = get_close_matches(name, known, n=1)
    return f"did you mean `{found[0]}`?" if found else ""


def shown(text: str) -> str:
    """Cut a long text."""
    return text if len(text) <= 60 else f"{text[:57]}..."
