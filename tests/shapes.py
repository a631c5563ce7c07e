"""Values of any type that crosses a border, worked out from its hints alone. Knows no border."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from runner.task import TAG, Json

TEXT = st.text(st.characters(), max_size=8)  # lone surrogates, too
FLOATS = st.floats(allow_nan=False, allow_infinity=False)  # JSON knows no other
NUMBERS = st.integers() | FLOATS
LOOKALIKE = st.sampled_from([{TAG: "Failed", "cause": "crashed"}, {TAG: "Succeeded"}, {TAG: 1}])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | LOOKALIKE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Answer a strategy for values of a type, worked out from its hint alone."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (Any, Json):
        return JSON
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and issubclass(hint, Struct):
        hints = get_type_hints(hint)
        optional = {field.name for field in fields(hint) if not field.required}
        wanted = {name: any_of(each) for name, each in hints.items() if name not in optional}
        return st.fixed_dictionaries(wanted, optional={name: any_of(hints[name]) for name in optional}).map(
            lambda given: hint(**given)
        )
    if origin in (Union, types.UnionType):
        return st.one_of([any_of(each) for each in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(any_of(inner[0]), max_size=3).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(TEXT, any_of(inner[1]), max_size=3)
    return {
        str: TEXT,
        int: st.integers(),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        type(None): st.none(),
    }[hint]
