"""A function as a task: its parameters, its result, what it raises; in this process, without a worker."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from pydantic import BaseModel, Field

from runner.execute.command import outcome_of
from runner.execute.function import BadParameters, NoSuchFunction, bind, find, fitted, plain_members, type_word
from runner.execute.raised import LONGEST_LINE, LONGEST_TRACEBACK, message_of, traceback_of
from runner.execute.returned import NotPlain, outputs_of
from runner.task import Cause, Context, Failed, Json, Succeeded

HERE = __name__


class Colour(Enum):
    """No plain data."""

    RED = "red"


class Word(StrEnum):
    """Plain text with a name."""

    YES = "yes"


class Level(IntEnum):
    """A plain number with a name."""

    HIGH = 3


class Inner(BaseModel):
    """A model inside of others."""

    path: Path
    ratio: float = 1.0


@dataclass
class Outer:
    """A dataclass with a model inside."""

    inner: Inner
    words: tuple[str, ...]


def takes(  # noqa: D103
    url: str, count: int = 1, *, context: Context, limit: float | None = None, level: Literal["low", "high"] = "low"
) -> None: ...


def wants_any(first: int, **rest: Any) -> None: ...  # noqa: D103


def calls_it_otherwise(ctx: Context, context: str) -> None: ...  # noqa: D103


def untyped(context, value): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103


PLAIN = [
    (str, "x", "x"),
    (int, 3, 3),
    (float, 3, 3.0),
    (float, 2.5, 2.5),
    (int | float, 3, 3),
    (bool, True, True),
    (None, None, None),
    (list, [1], [1]),
    (dict, {"a": 1}, {"a": 1}),
    (list[Any], [1], [1]),
    (dict[str, Any], {"a": 1}, {"a": 1}),
    (str | None, None, None),
    (Optional[int], 3, 3),  # noqa: UP045  # people write it
    (Union[int, str], "x", "x"),  # noqa: UP007  # people write it
    (Any, {"any": []}, {"any": []}),
    (object, 1, 1),
    (Json, [1, "a", None], [1, "a", None]),
]


@pytest.mark.parametrize(("hint", "value", "expected"), PLAIN)
def test_plain_values_fit_plain_hints(hint: Any, value: Json, expected: Json) -> None:
    """They come through as they are; a whole number may stand for a float."""
    found = fitted(hint, value)

    assert (type(expected), expected) == (type(found), found)
    assert plain_members(hint) is not None


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (str, 1, "expected str, got 1 (int)"),
        (int, "1", "expected int, got '1' (str)"),
        (int, True, "expected int, got True (bool)"),
        (int, 1.0, "expected int, got 1.0 (float)"),
        (float, False, "expected float, got False (bool)"),
        (bool, 0, "expected bool, got 0 (int)"),
        (str | None, 1, "expected str | None, got 1 (int)"),
        (list, {}, "expected list, got {} (dict)"),
        (dict[str, Any], [], "expected dict, got [] (list)"),
        (None, "", "expected None, got '' (str)"),
        (str, ["x" * 100], "expected str, got ['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... (list)"),
    ],
)
def test_plain_hints_are_strict(hint: Any, value: Json, message: str) -> None:
    """Nothing is guessed: the message says what was expected and what came."""
    with pytest.raises(ValueError, match="expected") as caught:
        fitted(hint, value)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (Path, "/tmp/x", Path("/tmp/x")),
        (list[int], [1, 2], [1, 2]),
        (tuple[str, ...], ["a"], ("a",)),
        (Literal["a", "b"], "b", "b"),
        (Annotated[int, Field(ge=1)], 1, 1),
        (Inner | None, {"path": "x"}, Inner(path=Path("x"))),
        (Colour, "red", Colour.RED),
    ],
)
def test_other_hints_are_pydantics(hint: Any, value: Json, expected: Any) -> None:
    """They mean what pydantic means by them, and have no plain word."""
    assert expected == fitted(hint, value)
    assert "" == type_word(hint)


def test_what_pydantic_refuses_is_told_in_a_line() -> None:
    """Every fault with its place, what pydantic says, and what came; a type it does not know is no type for a graph."""
    with pytest.raises(ValueError, match="expected") as caught:
        fitted(list[int], [1, "x", None])
    with pytest.raises(ValueError, match="nothing that a graph file can say is a Context"):
        fitted(Context, 1)

    first, second = str(caught.value).removeprefix("expected list[int]: ").split("; ")
    assert "at 1: Input should be a valid integer, unable to parse string as an integer, got 'x'" == first
    assert "at 2: Input should be a valid integer, got None" == second


def test_parameters_are_bound_by_name() -> None:
    """The context is nobody's business but the worker's; all faults are told at once."""
    function = find(f"{HERE}:takes")
    with pytest.raises(BadParameters) as caught:
        bind(function, {"uri": "x", "count": "many", "context": 1, "zzz": 0})

    assert "context" == function.context
    assert {"url": "u", "limit": 3.0} == bind(function, {"url": "u", "limit": 3})
    assert [
        f"{HERE}:takes: it has no parameter `uri`, did you mean `url`?",
        "it has no parameter `context`, did you mean `count`?",
        "it has no parameter `zzz`; it takes `url`, `count`, `limit`, `level`",
        "parameter `url` is missing",
        "parameter `count`: expected int, got 'many' (str)",
    ] == _faults(str(caught.value))


def _faults(message: str) -> list[str]:
    return message.replace("; it takes", "\0").replace("; ", "\n").replace("\0", "; it takes").split("\n")


def test_a_function_may_take_any_name() -> None:
    """With ** every name is known, only the declared ones are checked."""
    assert {"first": 1, "other": [2]} == bind(find(f"{HERE}:wants_any"), {"first": 1, "other": [2]})


def test_the_context_is_told_by_its_type() -> None:
    """By annotation under any name; by name only where there is no annotation."""
    otherwise, bare = find(f"{HERE}:calls_it_otherwise"), find(f"{HERE}:untyped")

    assert ("ctx", ["context"]) == (otherwise.context, list(otherwise.parameters))
    assert ("context", ["value"]) == (bare.context, list(bare.parameters))


@pytest.mark.parametrize(
    ("uses", "message"),
    [
        (f"{HERE}:take", f"`{HERE}` has no function `take`; did you mean `takes`?"),
        (f"{HERE}:xyzzy_nothing_like_it", f"`{HERE}` has no function `xyzzy_nothing_like_it`"),
        (f"{HERE}:PLAIN", f"`PLAIN` in `{HERE}` is no function, it is a list"),
    ],
)
def test_a_function_that_is_not_there_is_named(uses: str, message: str) -> None:
    """With the nearest names, if any are near."""
    with pytest.raises(NoSuchFunction) as caught:
        find(uses)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("value", "outputs"),
    [
        (None, {}),
        ({}, {}),
        ({"a": None}, {"a": None}),
        (5, {"value": 5}),
        (False, {"value": False}),
        ("", {"value": ""}),
        ([1, (2, 3)], {"value": [1, [2, 3]]}),
        (Inner(path=Path("/x")), {"path": "/x", "ratio": 1.0}),
        (Outer(inner=Inner(path=Path("x")), words=("a",)), {"inner": {"path": "x", "ratio": 1.0}, "words": ["a"]}),
        ({"is": "Failed", "cause": "crashed"}, {"is": "Failed", "cause": "crashed"}),
        ({"word": Word.YES, "level": Level.HIGH}, {"word": "yes", "level": 3}),
    ],
)
def test_what_is_returned_becomes_outputs(value: Any, outputs: Any) -> None:
    """Mappings and models are outputs; anything else plain is `value`; nothing is none."""
    assert outputs == outputs_of(value)


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "what it returned is a object, and only plain data (JSON) can be handed on"),
        ({"a": [0, {"b": {1}}]}, "`a[1].b` is a set, and only plain data (JSON) can be handed on"),
        ({"when": Path("x")}, "`when` is a pathlib.PosixPath, and only plain data (JSON) can be handed on"),
        ({"c": Colour.RED}, f"`c` is a {HERE}.Colour, and only plain data (JSON) can be handed on"),
        ({"a": {1: 2}}, "`a` has the key 1, a int, and keys must be text"),
        ({"n": float("inf")}, "`n` is inf, and JSON knows no such number"),
        (Inner(path=Path(), ratio=float("nan")), "`ratio` is nan, and JSON knows no such number"),
        ({"b": b"bytes"}, "`b` is a bytes, and only plain data (JSON) can be handed on"),
        ({"big": 1 << 20_000}, "`big` is a number of more than 3,000 digits"),
        (Inner, "what it returned is a pydantic._internal._model_construction.ModelMetaclass, and only plain data"),
        (_circle(), f"`{'[0]' * 20}` is nested more than 200 levels deep, or refers to itself"),
    ],
)
def test_what_is_not_plain_is_found_at_its_place(value: Any, message: str) -> None:
    """The message names the place and the type."""
    with pytest.raises(NotPlain) as caught:
        outputs_of(value)

    assert str(caught.value).startswith(message)


class Closed(Exception):  # noqa: N818  # it is no error, it has one
    """Lets nobody look inside."""

    def __getattribute__(self, name: str) -> Any:
        """Refuse."""
        raise RuntimeError(name)


class Rude(Exception):  # noqa: N818
    """An exception that cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_what_was_raised_is_one_line() -> None:
    """The first line that says something, cut if it is endless; a rude exception does no harm."""
    long = message_of(ValueError("x" * 5_000_000))

    assert "ValueError: one" == message_of(ValueError("\n one \ntwo"))
    assert "KeyError" == message_of(KeyError())
    assert "Rude: <its __str__ raised RuntimeError>" == message_of(Rude())
    assert LONGEST_LINE == len(long)
    assert LONGEST_TRACEBACK + 100 > len(traceback_of(ValueError("x" * 5_000_000)))
    assert "Rude" in traceback_of(Rude())
    assert "Closed: lost\n(its traceback could not be spelt: RuntimeError)\n" == traceback_of(Closed("lost"))


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Succeeded()),
        (1, Failed(cause=Cause.EXIT_CODE, message="exit code 1", exit_code=1)),
        (126, Failed(cause=Cause.EXIT_CODE, message="exit code 126 (found, but cannot be executed)", exit_code=126)),
        (137, Failed(cause=Cause.EXIT_CODE, message="exit code 137 (killed by SIGKILL)", exit_code=137)),
        (255, Failed(cause=Cause.EXIT_CODE, message="exit code 255", exit_code=255)),
        (-signal.SIGTERM, Failed(cause=Cause.CRASHED, message="killed by SIGTERM", exit_code=143)),
    ],
)
def test_exit_codes_are_judged(code: int, outcome: Succeeded | Failed) -> None:
    """0 is success, a signal is a crash, the rest is a failure that says what shells mean by it."""
    assert outcome == outcome_of(code)
