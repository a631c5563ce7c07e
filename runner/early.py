"""Loads msgspec first of all, without a library that it only asks for in vain. Knows nothing else.

msgspec takes `get_type_hints` from typing_extensions where that is installed, as it is wherever pydantic is, and from
`typing` else. On every Python we run on both do the same, but the former takes longer to load than msgspec itself.
"""

import sys

if "typing_extensions" not in sys.modules:
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # the documented way to say "not installed"
    try:
        import msgspec  # noqa: F401  # loaded for whoever comes next
    finally:
        del sys.modules["typing_extensions"]
