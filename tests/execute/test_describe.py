"""What a function says of itself, read in this process: its parameters, its defaults and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import pytest
from msgspec import Struct
from pydantic import BaseModel

from runner.errors import Problem
from runner.execute.describe import describe
from runner.execute.description import Description
from runner.execute.wire import Exited
from runner.task import Parameter, Signature


class Typed(TypedDict):
    """A dict with a shape."""

    width: int
    inside: bool | None


class Framed(Struct):
    """As our own data is made."""

    width: int
    inside: bool | None


@dataclass
class Plain:
    """As the standard library makes data."""

    width: int
    inside: bool | None


class Checked(BaseModel):
    """As pydantic makes data."""

    width: int
    inside: bool | None


class Pair(NamedTuple):
    """No map of names: nothing is known of what it becomes."""

    width: int
    inside: bool


def typed() -> Typed: ...  # type: ignore[empty-body]  # noqa: D103
def framed() -> Framed: ...  # type: ignore[empty-body]  # noqa: D103
def plain() -> Plain: ...  # type: ignore[empty-body]  # noqa: D103
def checked() -> Checked: ...  # type: ignore[empty-body]  # noqa: D103
def pair() -> Pair: ...  # type: ignore[empty-body]  # noqa: D103
def nothing() -> None: ...  # noqa: D103
def number() -> int | str: ...  # type: ignore[empty-body]  # noqa: D103
def anything() -> Any: ...  # noqa: D103
def mapped() -> dict[str, Any]: ...  # type: ignore[empty-body]  # noqa: D103


def given(word: str = "x", where: Path = Path("/"), call: Callable[[], None] = nothing) -> None: ...  # noqa: D103
def promised(count: NotThere, word: str = "x") -> None: ...  # type: ignore[name-defined]  # noqa: D103, F821


def said(function: Callable[..., Any] | str) -> Signature:
    """Describe a function of this module, or one by its name."""
    uses = function if isinstance(function, str) else f"{__name__}:{function.__name__}"
    signature = describe(uses).signature
    assert signature is not None, describe(uses)
    return signature


WIDE = {"width": "int", "inside": "bool | None"}


@pytest.mark.parametrize(
    ("function", "outputs"),
    [
        (typed, WIDE),
        (framed, WIDE),
        (plain, WIDE),
        (checked, WIDE),
        (nothing, {}),
        (number, {"value": "int | str"}),
        (pair, None),
        (anything, None),
        (mapped, None),
    ],
)
def test_outputs_are_known_by_name_where_the_annotation_has_names(
    function: Callable[..., Any], outputs: dict[str, str] | None
) -> None:
    """However the data is made; where only the run can tell, nothing is said."""
    assert outputs == said(function).outputs


def test_defaults_are_told_where_they_are_plain() -> None:
    """Any other is left out, and the parameter is still not required."""
    assert [("word", False, "x"), ("where", False, None), ("call", False, None)] == [
        (each.name, each.required, each.default) for each in said(given).parameters
    ]


def test_an_annotation_that_does_not_exist_costs_the_types_alone() -> None:
    """A name imported for type checkers only: the parameters are known, and any value may come."""
    assert (
        Parameter(name="count", type="", required=True),
        Parameter(name="word", type="", required=False, default="x"),
    ) == said(promised).parameters


def test_a_function_in_c_without_a_signature_takes_what_it_is_given() -> None:
    """Nothing can be held against the graph before it runs."""
    signature = said("builtins:dict")

    assert (True, ()) == (signature.accepts_any, signature.parameters)


@pytest.mark.parametrize(
    ("exited", "fault", "reason"),
    [
        (Exited(child=1, status=-11), "", "its process was killed by SIGSEGV"),
        (Exited(child=1, status=-9, stopped=True), "closed its pipe", "its process was killed by SIGKILL"),
        (Exited(child=1, status=3), "", "its process ended with exit code 3"),
        (Exited(child=1, status=0), "closed its pipe", "closed its pipe"),
        (Exited(child=1, error="no room"), "", "no room"),
    ],
)
def test_a_module_that_takes_its_process_along_is_a_problem(exited: Exited, fault: str, reason: str) -> None:
    """Its message tells how it went, and its last words; once it was given up, that it took too long, however it went.

    A worker whose channel has ended is stopped while it dies, so that it was stopped says nothing.
    """
    for given_up in (False, True):
        description = Description("m:f")
        description.printed(b"first\nlast words\n\n")
        if given_up:
            description.give_up()
        description.lost(exited, fault)

        assert isinstance(description.answer, Problem)
        expected = "it took too long" if given_up else reason
        assert f"`m:f` cannot be imported: {expected}" == description.answer.message
        assert "the last it printed: last words" == description.answer.hint
