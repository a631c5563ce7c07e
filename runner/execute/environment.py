"""The environment of a worker's process, as each attempt should find it. Knows no request and no pipe."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

# What os.environ holds: compared as it is, because to copy it takes longer than many an attempt.
_HELD: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  # said above


class Environment:
    """What all attempts of a worker share, and a few variables of each attempt's own."""

    def __init__(self) -> None:
        self._shared: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._left: dict[bytes, bytes] | None = None

    def settle(self, shared: Mapping[str, str]) -> None:
        """Take in what all attempts share from now on."""
        self._shared, self._left = dict(shared), None

    def become(self, own: Mapping[str, str]) -> None:
        """Let the environment be what is shared with `own` over it, whatever the attempt before made of it.

        Raises:
            OSError, ValueError: a variable holds what no environment can.

        """
        if self._left is not None and own.keys() == self._own.keys() and self._left == _HELD:
            for name, value in own.items():
                if self._own[name] != value:
                    os.environ[name] = value
        else:
            self._left = None
            _set_all({**self._shared, **own})
        self._own, self._left = dict(own), dict(_HELD)


def _set_all(wanted: Mapping[str, str]) -> None:
    present = dict(os.environ)
    for name in present.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if present.get(name) != value:
            os.environ[name] = value
    if present.get("TZ") != wanted.get("TZ"):
        time.tzset()
