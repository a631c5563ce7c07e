"""Outputs over 1 MiB become files, written by the worker that has them and read by the one that needs them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.execute.large import LIMIT, Outputs, Unreadable, read, stored, with_files
from runner.execute.names import stem_of
from runner.task import Cause, Failed, Json, NeedResult, Outcome, OutputFile, Placed, Request, Succeeded

MIB = 1024**2
JUST = "x" * (LIMIT - len('"a"') - len("a") + len('"'))
"""The longest text that an output `a` may have and still travel: with its quotes and its name a MiB."""


def request(tmp_path: Path, **more: object) -> Request:
    """Answer an attempt whose files belong below a folder."""
    given = Request(run="r", task="load all", attempt=2, outputs=str(tmp_path / "outputs"))
    return replace(given, **more)  # type: ignore[arg-type]  # fields of a request


def files_of(outcome: Outcome, tmp_path: Path) -> dict[str, Json]:
    """Read the files of an outcome without our code, and hold size, digest and mode against them."""
    found: dict[str, Json] = {}
    for name, file in outcome.files.items():
        data = (tmp_path / file.file).read_bytes()
        assert (len(data), sha256(data).hexdigest()) == (file.size, file.digest)
        assert 0o600 == (tmp_path / file.file).stat().st_mode & 0o777
        found[name] = json.loads(data)
    return found


def test_up_to_a_mebibyte_travels(tmp_path: Path) -> None:
    """One character more, and it is a file."""
    fits, over = Succeeded(outputs={"a": JUST}), Succeeded(outputs={"a": f"{JUST}x"})

    assert fits is stored(fits, request(tmp_path))
    assert not (tmp_path / "outputs").exists()
    assert {"a": f"{JUST}x"} == files_of(stored(over, request(tmp_path)), tmp_path)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a": 2 * MIB, "b": 10}, {"a"}),
        ({"a": 2 * MIB, "b": 3 * MIB}, {"a", "b"}),
        ({"a": 600_000, "b": 500_000, "c": 10}, {"a"}),  # together too large: the largest goes
        ({"a": 400_000, "b": 400_000, "c": 400_000}, {"a"}),
        ({"a": 500_000, "b": 500_000, "c": 10}, set[str]()),
    ],
)
def test_the_largest_become_files_until_the_rest_is_within_the_limit(
    tmp_path: Path, sizes: dict[str, int], expected: set[str]
) -> None:
    """What stays and what is in files are together what was returned."""
    outputs: dict[str, Json] = {name: "y" * size for name, size in sizes.items()}
    outcome = stored(Failed(cause=Cause.FAILED_CHECK, message="m", outputs=outputs), request(tmp_path))

    assert isinstance(outcome, Failed)
    assert (Cause.FAILED_CHECK, "m", expected) == (outcome.cause, outcome.message, set(outcome.files))
    assert outputs == {**(outcome.outputs or {}), **files_of(outcome, tmp_path)}


def test_many_small_outputs_are_too_many(tmp_path: Path) -> None:
    """A hundred thousand files would help nobody; the message says what to do."""
    outcome = stored(Succeeded(outputs={f"k{number}": number for number in range(100_000)}), request(tmp_path))

    assert isinstance(outcome, Failed)
    assert Cause.BAD_OUTPUT is outcome.cause
    assert "it returned 100000 outputs, together 1.0 MiB; return them as one, as a list say" == outcome.message


def test_a_secret_is_not_written_into_a_file(tmp_path: Path) -> None:
    """The attempt fails and names the variable, whatever spelling it was in."""
    secret = {"env": {"TOKEN": "hunter2!", "OTHER": "z"}, "secrets": ("TOKEN",)}
    for spelled in ("hunter2!", "aHVudGVyMiE=", "hunter2%21"):
        outcome = stored(Succeeded(outputs={"a": ["y" * 2 * MIB, spelled]}), request(tmp_path, **secret))

        assert Failed(cause=Cause.SECRET_IN_OUTPUT, message="an output held the value of the secret `TOKEN`") == outcome
    assert not (tmp_path / "outputs").exists()


def test_a_disk_that_does_not_take_it_fails_the_attempt(tmp_path: Path) -> None:
    """Nothing half-written is left."""
    (tmp_path / "outputs").write_text("a file in the folder's place")
    outcome = stored(Succeeded(outputs={"a": "y" * 2 * MIB}), request(tmp_path))

    assert isinstance(outcome, Failed)
    assert "its outputs (2.0 MiB) cannot be written: File exists" == outcome.message


def test_needs_and_arguments_get_what_is_in_files(tmp_path: Path) -> None:
    """Whole or in part; what is not there is null, as everywhere in expressions."""
    rows = [{"n": number, "text": "y" * 1000} for number in range(2000)]
    outcome = stored(Succeeded(outputs={"rows": rows, "count": 2000}), request(tmp_path))
    file = outcome.files["rows"]
    need = NeedResult(id="load", state="succeeded", outputs=outcome.outputs or {}, files=outcome.files)
    places = {"whole": (), "third": (3,), "n": (3, "n"), "gone": (9999, "n"), "odd": ("x",), "deep": (3, "n", "m")}
    filled = with_files(
        request(
            tmp_path,
            needs={"load": need},
            arguments={"plain": 1, "inside": [None], **dict.fromkeys(places)},
            placed=(
                *(Placed(at=(name,), file=file, steps=steps) for name, steps in places.items()),
                Placed(at=("inside", 0), file=file, steps=(4, "n")),
            ),
        )
    )

    found = {"whole": rows, "third": rows[3], "n": 3, "gone": None, "odd": None, "deep": None}
    assert {"plain": 1, "inside": [4], **found} == filled.arguments
    outputs = filled.needs["load"].outputs
    assert isinstance(outputs, Outputs)
    assert ({"rows", "count"}, 2, 2000, rows) == (set(outputs), len(outputs), outputs["count"], outputs["rows"])
    assert outputs.get("nothing") is None


@pytest.mark.parametrize("change", ["gone", "longer", "other"])
def test_a_file_that_was_changed_is_not_read(tmp_path: Path, change: str) -> None:
    """Half-done or touched, it is no longer what the task returned."""
    file = stored(Succeeded(outputs={"a": "y" * 2 * MIB}), request(tmp_path)).files["a"]
    path = tmp_path / file.file
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(b"[]" if change == "longer" else b'"' + b"z" * (file.size - 2) + b'"')

    with pytest.raises(Unreadable, match=r"load%20all\.2\.0\.json"):
        read(tmp_path / "outputs", file)


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    """A journal may have been edited: only the last part of a name counts."""
    (tmp_path / "secret").write_text("{}")
    (tmp_path / "outputs").mkdir()

    with pytest.raises(Unreadable, match="No such file"):
        read(tmp_path / "outputs", OutputFile(file="outputs/../secret", size=2, digest=sha256(b"{}").hexdigest()))


def test_names_are_safe_and_short() -> None:
    """Percent-encoded outside a few characters, and cut where they are long."""
    assert "a%2F..%2Fb.1" == stem_of("a/../b", "1")
    assert 100 + 1 + 12 == len(stem_of("x" * 300, "1"))
