from __future__ import annotations

from pathlib import Path

import pytest

from tasks.doctor import look
from tests.tasks.kit import context
from tests.tasks.newman.test_find import newman_in, program

pytestmark = pytest.mark.real


def test_where_nothing_can_be_had_is_a_failure_with_what_to_do(tmp_path: Path) -> None:
    """No Node, no Newman, and a cache that is a file: installing could only fail later."""
    (tmp_path / "cache").write_text("", encoding="utf-8")
    here, said = context(env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")})

    look(here, newman="")

    assert [("Node", "failed"), ("Newman", "failed"), ("POSTMAN_API_KEY", "warning")] == [
        (check.name, check.verdict) for check in said.checks
    ]
    assert "cannot be written; install Node" in said.check("Node").message
    assert "npm install -g newman@" in said.check("Newman").message


def test_what_can_be_had_is_a_warning(tmp_path: Path) -> None:
    """The first run installs it, and the line says where."""
    here, said = context(env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")})

    look(here, newman="")

    assert {"warning"} == {check.verdict for check in said.checks}
    assert f"{tmp_path}/cache/taskgraph-runner" in said.check("Node").message


def test_what_is_there_says_where_it_comes_from_and_a_key_is_never_shown(tmp_path: Path) -> None:
    """A key is set or not; what it is, is nobody's business."""
    program(tmp_path / "bin/node", "echo v20.0.0")
    folder = newman_in(tmp_path)
    here, said = context(env={"PATH": f"{tmp_path}/bin:/bin", "POSTMAN_API_KEY": "PMAK-not-to-be-shown"})

    look(here, newman=str(folder))

    assert {"passed"} == {check.verdict for check in said.checks}
    assert f"{tmp_path}/bin/node, from PATH" == said.check("Node").observed
    assert "from setting" in str(said.check("Newman").observed)
    assert "not-to-be-shown" not in repr(said.notes)
