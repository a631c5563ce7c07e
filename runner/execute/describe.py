"""What a function takes and returns, without running it: its annotations as plain words. Runs in a worker."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import fields as struct_fields

from runner.execute.function import Function, NoSuchFunction, find, plain_members, type_word
from runner.execute.raised import message_of
from runner.execute.returned import NotPlain, plain
from runner.execute.wire import Described
from runner.task import Json, Parameter, Signature


def describe(uses: str) -> Described:
    """Import a function and describe it; a fault of the module is an answer, too."""
    try:
        function = find(uses)
    except NoSuchFunction as error:
        near = f"did you mean {' or '.join(f'`{name}`' for name in error.near)}?" if error.near else ""
        return Described(code="no-such-function", message=str(error).partition("; did you mean")[0], hint=near)
    except BaseException as error:  # noqa: BLE001  # a border: a module may raise anything when it is imported
        return Described(code="cannot-import", message=f"`{uses}` cannot be imported: {message_of(error)}")
    return Described(signature=_signature(function))


def _signature(function: Function) -> Signature:
    parameters = tuple(
        Parameter(
            name=name,
            type=type_word(function.hints.get(name, Any)),
            required=each.default is each.empty,
            default=_default(each),
        )
        for name, each in function.parameters.items()
    )
    outputs = _outputs(function.hints.get("return", Any))
    return Signature(uses=function.uses, parameters=parameters, accepts_any=function.accepts_any, outputs=outputs)


def _default(parameter: inspect.Parameter) -> Json:
    """Answer a default where it is plain data; any other is not shown."""
    try:
        return None if parameter.default is parameter.empty else plain(parameter.default, parameter.name)
    except NotPlain:
        return None


def _outputs(hint: Any) -> Mapping[str, str] | None:
    """Answer the fields of what a function returns, None where the annotation does not say."""
    if typing.is_typeddict(hint):
        return {name: type_word(kind) for name, kind in typing.get_type_hints(hint).items()}
    if isinstance(hint, type) and issubclass(hint, Struct):
        return {each.name: type_word(each.type) for each in struct_fields(hint)}
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        from dataclasses import fields  # noqa: PLC0415  # whoever made one has loaded it; nobody else pays

        hints = typing.get_type_hints(hint)
        return {each.name: type_word(hints[each.name]) for each in fields(hint)}
    if isinstance(hint, type) and hasattr(hint, "model_fields"):  # a pydantic model, without importing pydantic
        return {name: type_word(each.annotation) for name, each in hint.model_fields.items()}
    members = plain_members(hint)
    if members == (type(None),):
        return {}
    return {"value": type_word(hint)} if members and not {dict, type(None)} & set(members) else None
