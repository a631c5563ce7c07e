"""`.postman.json` on disk: read it with the place of every fault, write it without losing a word. Knows no task."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from tasks.postman.config_model import KEY_VARIABLE, SECRETS, PostmanConfig, faults, set_field
from tasks.postman.json_text import NotJson, Place, parse, places, pointer
from tasks.postman.json_text import Path as JsonPath
from tasks.postman.shapes import is_collection, read_shape
from tasks.postman.spelling import Choice, Finding, Shape, at, kind, without


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing to say about a configuration: `file:line:column`, its JSON path, and what."""

    file: str
    line: int
    column: int
    path: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.message}"


class ConfigError(ValueError):
    """The configuration's author is at fault; holds all problems, in the order they stand."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A valid configuration and what may be meant otherwise."""

    config: PostmanConfig
    warnings: tuple[ConfigProblem, ...]


# -- reading and writing -----------------------------------------------------------------------------------------------


def load_config(path: str | Path, *, collection: str = "", environment: str = "") -> PostmanConfig:
    """Read a configuration; `collection` and `environment` choose one of several, by name or id.

    Raises:
        ConfigError: it cannot be used; says everything that is wrong with it.

    """
    return read_config(path, Choice(collection=collection, environment=environment)).config


def read_config(path: str | Path, choice: Choice) -> Loaded:
    """Read a configuration, and what is to be warned of.

    Raises:
        ConfigError: it cannot be used; says everything that is wrong with it.

    """
    return parse_config(_content(Path(path)), str(path), choice)


def parse_config(content: bytes, file: str, choice: Choice) -> Loaded:
    """Read a configuration's bytes; `file` is its name.

    Raises:
        ConfigError: it cannot be used; says everything that is wrong with it.

    """
    text, raw = _parsed(content, file)
    shape = _shape(raw, choice, Path(file).name)
    config, findings = _validated(shape)
    findings += _keys_in(shape)
    problems = _placed(file, text, findings, exported=is_collection(raw))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or config is None:
        raise ConfigError(errors)
    return Loaded(config=config, warnings=tuple(problems))


def save_config(config: PostmanConfig, path: str | Path) -> None:
    """Write a configuration atomically. What a file there says already, and nobody changed, stays as it is written.

    Keys are never written, and one that stands in the file is taken out.

    Raises:
        ConfigError: a file is there and is no JSON object.

    """
    file = Path(path)
    raw = _parsed(_content(file), str(path))[1] if file.exists() else {}
    _write_whole(file, json.dumps(_merged(config, raw, file.name), indent=2, ensure_ascii=False) + "\n")


def update_config(path: str | Path, **changes: Any) -> PostmanConfig:
    """Change some fields of a configuration file; answers what it says now.

    Raises:
        ConfigError: the file cannot be used.
        ValueError: a new value does not fit; then the file is left as it is.

    """
    config = load_config(path)
    for name, value in changes.items():
        config = set_field(config, name, value)
    save_config(config, path)
    return load_config(path)


def beside(config: str | Path, name: str | None) -> str | None:
    """Answer the whole path of a file that a configuration names."""
    return None if name is None else str(Path(config).resolve().parent / name)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError([_at_top(str(file), f"it cannot be read: {error.strerror}")]) from None


def _parsed(content: bytes, file: str) -> tuple[str, dict[str, Any]]:
    try:
        text = content.decode("utf-8-sig")
        raw = parse(text)
    except UnicodeDecodeError as error:
        where = Place(line=content.count(b"\n", 0, error.start) + 1, column=1)
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise ConfigError([_problem(file, where, Finding(path=(), message=message))]) from None
    except NotJson as error:
        finding = Finding(path=(), message=f"this is not JSON: {error.message}")
        raise ConfigError([_problem(file, error.place, finding)]) from None
    if not isinstance(raw, dict):
        raise ConfigError([_at_top(file, f"expected an object, got {kind(raw)}")])
    return text, raw


def _shape(raw: Mapping[str, Any], choice: Choice, name: str) -> Shape:
    shape = read_shape(raw, choice)
    if is_collection(raw):
        shape.values["collection_file"] = name
    return shape


def _validated(shape: Shape) -> tuple[PostmanConfig | None, list[Finding]]:
    extra = {name: value for name, value in shape.extra.items() if name not in PostmanConfig.model_fields}
    try:
        return PostmanConfig.model_validate({**extra, **shape.values}), list(shape.findings)
    except ValidationError as error:
        return None, [*shape.findings, *_findings(error, shape)]


def _findings(error: ValidationError, shape: Shape) -> list[Finding]:
    return [
        Finding(path=next(iter(shape.sources.get(name, [])), (name,)), message=message)
        for name, message in faults(error)
    ]


def _keys_in(shape: Shape) -> list[Finding]:
    in_file = [path for name in SECRETS for path in shape.sources.get(name, [])]
    advice = f"a key in a file is easily shared; put it into the variable {KEY_VARIABLE} and take it out here"
    return [Finding(path=path, message=advice, severity="warning") for path in in_file]


def _placed(file: str, text: str, findings: list[Finding], *, exported: bool) -> list[ConfigProblem]:
    """Find the line of each finding, and of every key that is written twice: JSON keeps only its last value.

    An exported collection is Postman's to write, and may be huge: it is walked only if there is something to place.
    """
    where: dict[JsonPath, list[Place]] = {(): [Place(line=1, column=1)]} if exported and not findings else places(text)
    twice = [
        _problem(file, spot, Finding(path=path, message="this key is written more than once"))
        for path, spots in where.items()
        if len(spots) > 1
        for spot in spots
    ]
    problems = twice + [_problem(file, _nearest(where, finding.path), finding) for finding in findings]
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _nearest(where: Mapping[JsonPath, list[Place]], path: JsonPath) -> Place:
    while path not in where:
        path = path[:-1]
    return where[path][0]


def _problem(file: str, place: Place, finding: Finding) -> ConfigProblem:
    where = pointer(finding.path)
    return ConfigProblem(
        file=file, line=place.line, column=place.column, path=where, message=finding.message, severity=finding.severity
    )


def _at_top(file: str, message: str) -> ConfigProblem:
    return _problem(file, Place(line=1, column=1), Finding(path=(), message=message))


def _merged(config: PostmanConfig, raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Lay a configuration over what a file says: what is equal stays where and as it stands."""
    shape = _shape(raw, Choice(), name)
    there, _ = _validated(shape)
    before = there.model_dump(mode="json") if there is not None else {}
    wanted = config.model_dump(mode="json")
    changed = {field: value for field, value in wanted.items() if field not in before or before[field] != value}
    gone = [path for field in (*SECRETS, *changed) for path in (*shape.sources.get(field, ()), *_maps(raw, field))]
    written = {field: value for field, value in changed.items() if not _is_default(field, value)}
    if is_collection(raw) and written.get("collection_file") == name:
        del written["collection_file"]
    return {**without(raw, gone), **written}


def _maps(raw: Mapping[str, Any], field: str) -> Sequence[JsonPath]:
    """Answer where a map of names to ids stands, which is replaced as a whole."""
    names = {"collections": ("collections",), "environments": ("environments", "environmentids")}.get(field, ())
    return [path for name in names for path in at(raw, (name,))]


def _is_default(field: str, value: Any) -> bool:
    known = PostmanConfig.model_fields.get(field)
    return known is not None and bool(value == known.get_default(call_default_factory=True))


def _write_whole(file: Path, text: str) -> None:
    """Write beside the file and rename, so that a reader sees the old text or the new one, and a crash leaves one."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.resolve().parent)
    beside_it = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if file.exists():
            beside_it.chmod(file.stat().st_mode & 0o777)
        beside_it.replace(file.resolve())
    finally:
        beside_it.unlink(missing_ok=True)
