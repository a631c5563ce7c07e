"""Files that an attempt has made: looked at in its folder when it has succeeded, by a real worker."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from runner.execute.made import with_made
from runner.task import Cause, Failed, Request, Succeeded


def made(folder: Path, *patterns: str) -> dict[str, str]:
    """Answer what a success has made, by path."""
    request = Request(run="r", task="t", attempt=1, workdir=str(folder), generates=patterns)
    outcome = with_made(Succeeded(outputs={"n": 1}), request)
    assert isinstance(outcome, Succeeded)
    assert {"n": 1} == outcome.outputs
    return {each.path: each.digest for each in outcome.made}


def test_each_file_is_told_with_its_digest(tmp_path: Path) -> None:
    """Named once, however many patterns name it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"one")
    (tmp_path / "out/b").write_bytes(b"two")
    one, two = (sha256(text).hexdigest() for text in (b"one", b"two"))

    assert {"out/a": one, "out/b": two} == made(tmp_path, "out/*", "out/a")


def test_a_pattern_that_names_nothing_is_told_without_a_digest(tmp_path: Path) -> None:
    """Whoever looks later knows that something is missing."""
    (tmp_path / "a").write_bytes(b"one")

    assert {"a": sha256(b"one").hexdigest(), "out/*": ""} == made(tmp_path, "a", "out/*")


def test_a_failure_has_made_nothing(tmp_path: Path) -> None:
    """And neither has a success of which nobody asked."""
    request = Request(run="r", task="t", attempt=1, workdir=str(tmp_path), generates=("a",))
    failed = Failed(cause=Cause.EXIT_CODE)

    assert failed is with_made(failed, request)
    assert Succeeded() == with_made(Succeeded(), Request(run="r", task="t", attempt=1))
