"""What a task promises by files: artifacts are kept, the cases of JUnit files become checks. Knows no pipe.

A JUnit file that lay there before the attempt, and is just as it was, is not its evidence: it counts as missing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from xml.etree import ElementTree as ET

from runner.execute.artifacts import SecretInName
from runner.files import met
from runner.graph.promises import is_glob
from runner.junit import Case, cases_in
from runner.task import Artifact, Cause, Check, Failed, Note, Request

MOST = 10_000
"""Files that one glob may stand for."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a JUnit file."""

Say = Callable[[Note], None]


class Promises:
    """The promises of one attempt, made before it begins and kept when it has ended."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._before = {file: _mark(file) for promise in request.junit for file in files_of(promise)}

    def keep(self, say: Say, *, whole: bool) -> list[Failed]:
        """Say the cases and keep the files; answers what is wrong. `whole`: nothing may be missing."""
        with suppress(OSError):  # the function may have gone elsewhere; a folder that is gone has no files
            os.chdir(self._request.workdir)
        return [*self._tell_cases(say, whole=whole), *self._keep_files(say, whole=whole)]

    def _keep_files(self, say: Say, *, whole: bool) -> Iterator[Failed]:
        for promise in self._request.promises:
            files = files_of(promise)
            if not files and whole:
                yield _fault(_missing(promise))
            if len(files) > MOST:
                yield _fault(f"`{promise}` stands for {len(files):,} files, more than {MOST:,}; pack them into one")
                continue
            if not is_glob(promise) and os.path.isdir(promise):  # noqa: PTH112  # as text
                yield _fault(f"`{promise}`, which it promised, is a folder; promise `{promise}/**`")
                continue
            for file in files:
                try:
                    say(Artifact(path=file, promise=promise))
                except SecretInName as error:
                    yield Failed(cause=Cause.SECRET_IN_OUTPUT, message=str(error))
                except ValueError as error:
                    yield _fault(str(error))
                except OSError as error:  # a border: the disk
                    yield _fault(f"`{file}` cannot be kept: {error.strerror}")

    def _tell_cases(self, say: Say, *, whole: bool) -> Iterator[Failed]:
        found: list[tuple[str, Case]] = []
        for promise in self._request.junit:
            files = files_of(promise)
            fresh = [file for file in files if _mark(file) != self._before.get(file)]
            if not fresh and whole:
                yield _fault(f"`{promise}` was not written: it is as it was before" if files else _missing(promise))
            for file in fresh:
                try:
                    found += [(file, case) for case in _cases_of(file)]
                except ValueError as error:
                    yield _fault(str(error))
        if self._request.junit and whole and not found:
            yield _fault("there is no test in its JUnit files")
        for check in _checks(found):
            say(check)


def files_of(promise: str) -> list[str]:
    """Answer the files that a promise stands for now, in order; a plain name stands for itself, whatever it is."""
    return met(".", [promise]) if is_glob(promise) else [promise] if os.path.lexists(promise) else []


def _cases_of(file: str) -> list[Case]:
    """Read a JUnit file.

    Raises:
        ValueError: it cannot be read, or is none; says where.

    """
    try:
        if os.stat(file).st_size > LARGEST:  # noqa: PTH116  # as text
            raise ValueError(f"`{file}` has more than {LARGEST // 2**20} MiB")
        return cases_in(ET.parse(file).getroot())  # noqa: S314  # the task wrote it, which runs as whoever started us
    except ET.ParseError as error:
        line, column = error.position
        raise ValueError(f"{file}:{line}:{column + 1}: this is no JUnit report: {error.msg}") from None
    except OSError as error:  # a border: the disk
        raise ValueError(f"`{file}` cannot be read: {error.strerror}") from None


def _checks(found: Sequence[tuple[str, Case]]) -> Iterator[Check]:
    """Answer the cases as checks; those of one name in several files are told apart by these."""
    names = Counter(case.name for _, case in found)
    for file, case in found:
        name = f"{case.name} ({file})" if names[case.name] > 1 else case.name
        yield Check(**{**case.said, "name": name})


def _mark(file: str) -> tuple[int, ...]:
    try:
        found = os.stat(file)  # noqa: PTH116  # as text
    except OSError:  # it has just gone
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _missing(promise: str) -> str:
    if is_glob(promise):
        return f"no file matches `{promise}`, which it promised"
    return f"`{promise}`, which it promised, is not there"


def _fault(message: str) -> Failed:
    return Failed(cause=Cause.BAD_OUTPUT, message=message)
