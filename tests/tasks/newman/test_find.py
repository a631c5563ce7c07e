from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.newman.find import NewmanUnavailable, cache_folder, cached_newman, find_newman, find_node

pytestmark = pytest.mark.real


def newman_in(folder: Path, version: str = "6.2.1") -> Path:
    """Put a package of Newman's name into a folder."""
    package = folder / "node_modules" / "newman"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "newman", "version": version}), encoding="utf-8")
    (package / "bin/newman.js").write_text("#!/usr/bin/env node\n", encoding="utf-8")
    (package / "bin/newman.js").chmod(0o755)
    return package


def program(file: Path, text: str) -> Path:
    """Write a program for the shell."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def test_newman_is_looked_for_in_the_order_that_is_told(tmp_path: Path) -> None:
    """What was set, then PATH, then the project and the folders above it, then our cache; other majors do not count."""
    project = tmp_path / "above" / "project"
    project.mkdir(parents=True)
    environ = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    found = [find_newman(None, project, environ)]
    cached = newman_in(cached_newman(cache_folder(environ)).parents[1])
    found.append(find_newman(None, project, environ))
    near = newman_in(project.parent)
    found.append(find_newman(None, project, environ))
    on_path = newman_in(tmp_path / "lib")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/newman").symlink_to(on_path / "bin/newman.js")
    found.append(find_newman(None, project, environ))
    own = newman_in(tmp_path / "own")
    found.append(find_newman(str(tmp_path / "own"), project, environ))
    (on_path / "package.json").write_text(json.dumps({"name": "newman", "version": "5.3.2"}), encoding="utf-8")
    found.append(find_newman(None, project, environ))

    origins = ["our cache", "the project's node_modules", "PATH", "setting", "the project's node_modules"]
    assert [None, *map(str, (cached, near, on_path, own, near))] == [each and each.folder for each in found]
    assert origins == [each.origin for each in found if each]


def test_a_setting_that_is_no_newman_is_an_error(tmp_path: Path) -> None:
    """What was asked for is not quietly replaced by something else."""
    newman_in(tmp_path, "4.6.1")

    with pytest.raises(NewmanUnavailable, match=r"is Newman 4\.6\.1, but Newman 6 is needed"):
        find_newman(str(tmp_path), tmp_path, {})
    with pytest.raises(NewmanUnavailable, match="is no Newman"):
        find_newman(str(tmp_path / "nowhere"), tmp_path, {})


def test_a_node_that_is_too_old_or_none_is_passed_over(tmp_path: Path) -> None:
    """Newman 6 needs Node 16; what does not even say its version is no Node."""
    environ = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    node = tmp_path / "bin/node"
    seen = []
    for text in ("echo v14.21.3", "exit 1", "echo v16.0.0"):
        program(node, text)
        seen.append(find_node(environ))

    assert [None, None, str(node)] == [each and each.executable for each in seen]
    assert seen[-1] is not None
    assert () == seen[-1].npm
