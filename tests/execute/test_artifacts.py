"""Files that are kept lie in the run's folder, whatever they are called."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.execute.artifacts import kept
from runner.task import Artifact, Request


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """Answer an attempt that works in one folder and whose run has another."""
    for name in ("work", "run"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Request(run="r", task="a/../b", attempt=2, outputs=str(tmp_path / "run" / "outputs"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("shot.png", "shot.png"),
        ("./deep/er/shot.png", "deep/er/shot.png"),
        ("odd name \n.png", "odd%20name%20%0A.png"),
        ("../outside.png", "outside.png"),
        ("deep/../../outside.png", "outside.png"),
        ("/{tmp}/outside.png", "outside.png"),
    ],
)
def test_a_file_is_kept_below_the_runs_folder(request_of: Request, tmp_path: Path, path: str, expected: str) -> None:
    """Where its path would lead out, only its name is kept, told apart by a digest; the title says how it was named."""
    named = path.replace("/{tmp}", str(tmp_path))
    Path(named).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "work/deep").mkdir(exist_ok=True)
    Path(named).write_text("picture", encoding="utf-8")
    found = kept(Artifact(path=named), request_of)
    place = tmp_path / "run" / found.path

    assert "picture" == place.read_text(encoding="utf-8")
    assert place.resolve().is_relative_to(tmp_path / "run/artifacts/a%2F..%2Fb.2")
    assert found.path.endswith(expected)
    assert (named, 7, sha256(b"picture").hexdigest()) == (found.title, found.size, found.digest)
    assert 0o600 == place.stat().st_mode & 0o777


def test_two_files_of_one_name_from_elsewhere_are_two(request_of: Request, tmp_path: Path) -> None:
    """And one that is kept twice is as it was the last time."""
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "log").write_text(folder, encoding="utf-8")
    first, second = (kept(Artifact(path=f"../{folder}/log", title="t"), request_of) for folder in ("x", "y"))
    (tmp_path / "x/log").write_text("again", encoding="utf-8")

    assert first.path != second.path
    assert first.path == kept(Artifact(path="../x/log", title="t"), request_of).path
    assert ["again", "y"] == [(tmp_path / "run" / each.path).read_text(encoding="utf-8") for each in (first, second)]


def test_what_is_no_plain_file_is_refused(request_of: Request, tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes into (without waiting for it), a device, and what is not there."""
    os.mkfifo(tmp_path / "work/pipe")
    for path in ("pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="it is no plain file"):
            kept(Artifact(path=path), request_of)
    for path in (".", "nowhere"):
        with pytest.raises(OSError):  # noqa: PT011  # which one is the kernel's to say
            kept(Artifact(path=path), request_of)


def test_a_link_does_not_lead_out(request_of: Request, tmp_path: Path) -> None:
    """One in the place of the folder, laid by the task, is found before anything is written."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run/artifacts").mkdir()
    (tmp_path / "run/artifacts/a%2F..%2Fb.2").symlink_to(tmp_path / "elsewhere")
    Path("shot.png").touch()

    with pytest.raises(ValueError, match="leads out of the run's folder"):
        kept(Artifact(path="shot.png"), request_of)
    assert [] == list((tmp_path / "elsewhere").iterdir())


def test_a_secret_in_a_name_is_refused(request_of: Request) -> None:
    """Else it would stand in the folder."""
    Path("hunter22.png").touch()
    secret = replace(request_of, env={"KEY": "hunter22"}, secrets=("KEY",))

    with pytest.raises(ValueError, match="a file whose name holds the value of the secret `KEY` cannot be kept"):
        kept(Artifact(path="hunter22.png"), secret)


def test_a_run_without_a_folder_keeps_nothing() -> None:
    """What was said of it stays."""
    said = Artifact(path="shot.png", title="t")

    assert said is kept(said, Request(run="r", task="t", attempt=1))
