"""A task that is a Python function: find it, check its arguments, call it. Knows no pipe and no process.

Plain annotations are checked here, strictly, because that costs nothing; for every other kind pydantic is imported, and
means what it means everywhere else. What a task raises stays an exception in here; `worker` makes an outcome of it.
"""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any, Union, get_args, get_origin

from msgspec import Struct

from runner.task import Context, Json

PLAIN = (str, int, float, bool, type(None), list, dict)
"""The types checked here; unions of them, too."""


class NoSuchFunction(LookupError):  # noqa: N818  # named for what is missing
    """The module has no such function; `near` names similar ones."""

    def __init__(self, message: str, near: tuple[str, ...]) -> None:
        super().__init__(message)
        self.near = near


class BadParameters(ValueError):  # noqa: N818  # named for whose fault it is
    """The arguments do not fit the function; the message names each parameter, what it expected and what it got."""


class Function(Struct, frozen=True, kw_only=True):
    """A function that can be called as a task. `context` is the parameter that wants the Context, "" if none does."""

    uses: str
    call: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]
    hints: Mapping[str, Any]
    accepts_any: bool
    context: str


@cache
def find(uses: str) -> Function:
    """Import `package.module:function`.

    Raises:
        NoSuchFunction: the module has none of that name.
        BaseException: whatever the module raises when it is imported.

    """
    module_name, _, path = uses.partition(":")
    module = importlib.import_module(module_name)
    try:
        call = reduce(getattr, path.split("."), module)
    except AttributeError:
        raise _no_such_function(module, path) from None
    if not callable(call):
        raise NoSuchFunction(f"`{path}` in `{module_name}` is no function, it is a {type(call).__name__}", ())
    return _described(uses, call)


def bind(function: Function, arguments: Mapping[str, Json]) -> dict[str, Any]:
    """Answer the keyword arguments to call a function with, checked and converted as its annotations say.

    Raises:
        BadParameters: names are unknown or missing, or values do not fit.

    """
    wrong = [_unknown(function, name) for name in arguments if not _known(function, name)]
    for name, parameter in function.parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            wrong.append(f"parameter `{name}` is missing")
    bound: dict[str, Any] = {}
    for name, value in arguments.items():
        if not _known(function, name):
            continue
        try:
            bound[name] = fitted(function.hints.get(name, Any), value)
        except ValueError as error:  # pydantic's is one, too
            wrong.append(f"parameter `{name}`: {error}")
    if wrong:
        raise BadParameters(f"{function.uses}: {'; '.join(wrong)}")
    return bound


def call(function: Function, arguments: dict[str, Any], context: Context) -> Any:
    """Call a function; an `async def` answers its coroutine."""
    if function.context:
        arguments[function.context] = context
    return function.call(**arguments)


def fitted(hint: Any, value: Json) -> Any:
    """Answer a value as its annotation wants it.

    Raises:
        ValueError: it does not fit; says what was expected and what was there.

    """
    members = plain_members(hint)
    if members is None:
        return _fitted_by_pydantic(hint, value)
    if not members or type(value) in members:
        return value
    if float in members and type(value) is int:
        return float(value)
    raise ValueError(f"expected {type_word(hint)}, got {_shown(value)} ({type(value).__name__})")


def plain_members(hint: Any) -> tuple[type, ...] | None:
    """Answer the plain types a hint allows, () for anything at all, None if it takes pydantic to say."""
    if hint is None:
        return (type(None),)
    if hint in (Any, object, inspect.Parameter.empty):
        return ()
    if isinstance(hint, type) and hint in PLAIN:
        return (hint,)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (list, dict) and inner in ((Any,), (str, Any)):
        return (origin,)
    if origin not in (Union, types.UnionType):
        return None
    members = [plain_members(member) for member in inner]
    if None in members:
        return None
    return () if () in members else tuple(kind for member in members for kind in member or ())


def type_word(hint: Any) -> str:
    """Name a plain type for people and for the check of the graph, such as `str | None`; "" if it is not plain."""
    return " | ".join("None" if kind is type(None) else kind.__name__ for kind in plain_members(hint) or ())


# -- the helpers -------------------------------------------------------------------------------------------------------


def _described(uses: str, call: Callable[..., Any]) -> Function:
    try:
        given = inspect.signature(call).parameters
    except ValueError:  # written in C, without a signature
        given = types.MappingProxyType({"": inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)})
    hints = _hints(call)
    named = {name: each for name, each in given.items() if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)}
    context = next((name for name in named if _wants_context(name, hints)), "")
    named.pop(context, None)
    accepts_any = any(each.kind is each.VAR_KEYWORD for each in given.values())
    return Function(uses=uses, call=call, parameters=named, hints=hints, accepts_any=accepts_any, context=context)


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    target = call.__init__ if isinstance(call, type) else call  # type: ignore[misc]  # a class is called by its __init__
    try:
        return typing.get_type_hints(inspect.unwrap(target), include_extras=True)
    except Exception:  # noqa: BLE001  # a border: a name in an annotation may not exist at run time; then nothing is known
        return {}


def _wants_context(name: str, hints: Mapping[str, Any]) -> bool:
    hint = hints.get(name)
    return hint is Context or (name == "context" and hint in (None, Any)) or Context in get_args(hint)


def _known(function: Function, name: str) -> bool:
    return name in function.parameters or (function.accepts_any and name != function.context)


def _unknown(function: Function, name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # only who errs pays

    near = get_close_matches(name, function.parameters, n=1)
    takes = ", ".join(f"`{each}`" for each in function.parameters) or "no parameters"
    return f"it has no parameter `{name}`" + (f", did you mean `{near[0]}`?" if near else f"; it takes {takes}")


def _no_such_function(module: types.ModuleType, path: str) -> NoSuchFunction:
    from difflib import get_close_matches  # noqa: PLC0415  # only who errs pays

    public = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    near = tuple(get_close_matches(path, public, n=3))
    hint = f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
    return NoSuchFunction(f"`{module.__name__}` has no function `{path}`{hint}", near)


def _fitted_by_pydantic(hint: Any, value: Json) -> Any:
    # A second to import, so only who needs it pays.
    from pydantic import PydanticUserError, TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        return TypeAdapter(hint).validate_python(value)
    except PydanticUserError:
        raise ValueError(f"nothing that a graph file can say is a {_hint_name(hint)}") from None
    except ValidationError as error:
        faults = [f"{_at(fault['loc'])}{fault['msg']}, got {_shown(fault['input'])}" for fault in error.errors()]
        raise ValueError(f"expected {_hint_name(hint)}: {'; '.join(faults)}") from None


def _at(location: tuple[int | str, ...]) -> str:
    return f"at {'.'.join(map(str, location))}: " if location else ""


def _hint_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
