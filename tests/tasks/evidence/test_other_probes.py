from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.evidence.command_probe import CommandProbe, records_in
from tasks.evidence.finding import Orphan, Searched, Unverified, Wanted
from tasks.evidence.probes import look, remove
from tasks.evidence.python_probe import PythonProbe

WANTED = Wanted(prefixes=("Task_2_", "Task_3_"))
ORPHAN = Orphan(id="7", name="Task_2_a", prefix="Task_2_", where="")
PYTHON = sys.executable

PRINTED = {
    '[{"id": 1, "name": "Task_2_a"}]': ["Task_2_a"],
    '{"items": ["Task_2_a", "b"]}': ["Task_2_a", "b"],
    '{"name": "Task_2_a"}\n{"name": "b"}\n': ["Task_2_a", "b"],
    "Task_2_a\n\n  b  \n": ["Task_2_a", "b"],
    "": [],
}


@pytest.mark.parametrize("text", PRINTED)
def test_what_a_command_prints_is_read(text: str) -> None:
    """JSON as a list endpoint's, JSON lines, or one name a line."""
    assert PRINTED[text] == [record["name"] for record in records_in(text)]


@pytest.mark.real
def test_a_command_finds_and_removes() -> None:
    """It runs once, or once for each prefix if it asks for one; ids are words of their own, never a shell's."""
    echo = ("-c", "import sys; print('\\n'.join(sys.argv[1:]))")
    once = look(CommandProbe(kind="command", command=(PYTHON, *echo, "Task_2_a", "other")), "", WANTED)
    each = look(CommandProbe(kind="command", command=(PYTHON, *echo, "{prefix}x")), "", WANTED)
    probe = CommandProbe(
        kind="command", command=("x",), delete=(PYTHON, "-c", "import sys; assert sys.argv[1] == '7; rm'", "{id}")
    )

    assert (["Task_2_a"], ["Task_2_x", "Task_3_x"]) == ([o.name for o in once.orphans], [o.name for o in each.orphans])
    assert "" == remove(probe, "", Orphan(id="7; rm", name="Task_2_a", prefix="Task_2_", where=""))
    assert "AssertionError" in remove(probe, "", ORPHAN)


@pytest.mark.real
def test_a_command_that_fails_shows_nothing() -> None:
    """Not there, a bad exit code, no end, JSON without a list: each is unverified, and says why."""
    why = {}
    for name, command in {
        "missing": ("no-such-program",),
        "fails": (PYTHON, "-c", "import sys; sys.exit('no access')"),
        "hangs": (PYTHON, "-c", "import time; time.sleep(60)"),
        "no list": (PYTHON, "-c", "print('7')"),
        "other fields": (PYTHON, "-c", """print('[{"id": 7, "label": "Task_2_a"}]')"""),
    }.items():
        finding = look(CommandProbe(kind="command", command=command, timeout=1 if name == "hangs" else 60), "", WANTED)
        assert isinstance(finding, Unverified)
        why[name] = finding.why

    assert "no-such-program could not be started: No such file or directory" == why["missing"]
    assert "it ended with exit code 1: no access" == why["fails"]
    assert "it did not end within 1 s" == why["hangs"]
    assert "there is no list of records" in why["no list"]
    assert "`label` of a record begins with a prefix" in why["other fields"]


@pytest.mark.real
def test_what_is_no_utf_8_is_read_all_the_same() -> None:
    """One name in another encoding hides none of the others."""
    printed = "import sys; sys.stdout.buffer.write(b'caf\\xe9\\nTask_2_a\\n')"
    finding = look(CommandProbe(kind="command", command=(PYTHON, "-c", printed)), "", WANTED)

    assert ["Task_2_a"] == [each.name for each in finding.orphans]


MODULE = """
gone = []
def find(prefixes, more): return [{"id": 7, "name": prefixes[0] + more}, "Task_3_b"]
def text(): return "Task_2_a"
def other(): return [{"id": 7, "label": "Task_2_a"}]
def fails(): raise OSError("no access")
def drop(id): gone.append(id)
"""


def test_a_function_finds_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given its arguments, and the prefixes if it wants them; what it raises is unverified."""
    (tmp_path / "store_for_probes.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    probe = PythonProbe(
        kind="python", function="store_for_probes:find", arguments={"more": "x"}, delete="store_for_probes:drop"
    )

    finding = look(probe, "", WANTED)

    assert isinstance(finding, Searched)
    assert [("7", "Task_2_x"), ("Task_3_b", "Task_3_b")] == [(each.id, each.name) for each in finding.orphans]
    assert "" == remove(probe, "", ORPHAN)
    for name, why in {
        "text": "it answered str",
        "fails": "OSError: no access",
        "nothing": "AttributeError",
        "other": "`label` of a record begins with a prefix",
    }.items():
        unverified = look(PythonProbe(kind="python", function=f"store_for_probes:{name}"), "", WANTED)
        assert isinstance(unverified, Unverified)
        assert why in unverified.why


def test_what_has_no_id_is_not_removed() -> None:
    """Nothing is guessed where something is deleted."""
    nameless = Orphan(id="", name="Task_2_a", prefix="Task_2_", where="")
    probe = PythonProbe(kind="python", function="x:y", delete="x:z")

    assert "it has no id; say which field is by `id_field`" == remove(probe, "", nameless)
