"""The programs that commands are handed to: their words, how they take a script, and which quote as sh does.

Starts none of them. `python` alone is the interpreter that runs us, as for `uses`; anything else is looked for in PATH
or, if it has a slash, from the task's folder.
"""

from __future__ import annotations

from pathlib import PurePath

from runner.task import SH

DEFAULT_SHELL = SH[0]
_LIKE_SH = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"})
_SCRIPT_OPTION = {"node": "-e", "perl": "-e", "ruby": "-e"}
"""What stands before the text of a script, where it is not `-c`."""
_STARTERS = frozenset({"env", "busybox"})
"""Programs that start the one named behind them."""


def words_of(shell: str, python: str) -> tuple[str, ...]:
    """Answer the words that stand before a command; `python` is our interpreter."""
    if shell == DEFAULT_SHELL:
        return SH
    first, *others = _split(shell) or [shell]
    option = _SCRIPT_OPTION.get(program_of(shell), "-c")
    return (python if first == "python" and python else first, *others, option)


def program_of(shell: str) -> str:
    """Name the program of a shell, without its folder."""
    first, *others = (PurePath(word).name for word in _split(shell) or [shell])
    return others[0] if first in _STARTERS and others else first


def quotes_as_sh(shell: str) -> bool:
    """Say whether what is quoted for sh means the same to a shell."""
    return shell == DEFAULT_SHELL or program_of(shell) in _LIKE_SH


def is_closed(shell: str) -> bool:
    """Say whether every quote in a shell is closed."""
    return shell == DEFAULT_SHELL or _split(shell) != []


def _split(shell: str) -> list[str]:
    """Answer the words of a shell, none if a quote in it is never closed."""
    import shlex  # noqa: PLC0415  # most graphs name no shell

    try:
        return shlex.split(shell) or [shell]
    except ValueError:  # a border: the file's author wrote it
        return []
