"""Every exit code of the command line, each by a command that earns it, and never a traceback."""

from pathlib import Path

import pytest

from tests.cli.command import ROOT, run

pytestmark = pytest.mark.real

PASSES = "version: 1\nname: g\ntasks:\n  a: {run: 'true'}\n"
FAILS = "version: 1\nname: g\ntasks:\n  a: {run: 'echo no bread; exit 3'}\n"
ALLOWED = "version: 1\nname: g\ntasks:\n  a: {run: 'exit 3', allow_failure: true}\n"
TYPO = "version: 1\nname: g\ntasks:\n  a: {run: 'true', neds: [b]}\n"
ASKS = "version: 1\nname: g\nparams:\n  count: {type: integer}\ntasks:\n  a: {run: 'true'}\n"
DEADLINE = "version: 1\nname: g\ndeadline: 300ms\ntasks:\n  a: {run: 'sleep 30'}\n"

CASES = [
    (PASSES, ["g.yaml"], 0, ""),
    (PASSES, ["run", "g.yaml"], 0, ""),
    (ALLOWED, ["g.yaml"], 0, ""),
    (PASSES, ["validate", "g.yaml"], 0, ""),
    (FAILS, ["g.yaml"], 1, ""),
    (PASSES, ["--no-such-option", "g.yaml"], 2, "--no-such-option"),
    (PASSES, ["g.yaml", "-j", "0"], 2, "`0`"),
    (PASSES, ["g.yaml", "-p", "nothing"], 2, "NAME=VALUE"),
    (PASSES, ["missing.yaml"], 2, "missing.yaml"),
    (PASSES, ["report"], 2, "no run"),
    (PASSES, ["report", "20000101"], 2, "no run"),
    (TYPO, ["g.yaml"], 3, "needs"),
    (TYPO, ["validate", "g.yaml"], 3, ""),
    (PASSES, ["."], 3, "folder"),
    (PASSES, ["g.yaml", "-p", "x=1"], 3, "x"),
    (ASKS, ["g.yaml"], 3, "count"),
    (ASKS, ["g.yaml", "-p", "count=many"], 3, "many"),
    (PASSES, ["g.yaml", "--state-dir", "/proc/none"], 5, "/proc"),
    (DEADLINE, ["g.yaml"], 124, ""),
]


@pytest.mark.parametrize(
    ("text", "words", "code", "said"), CASES, ids=[" ".join(case[1]) + f"-{case[2]}" for case in CASES]
)
def test_an_exit_code_says_what_happened(tmp_path: Path, text: str, words: list[str], code: int, said: str) -> None:
    """Each command ends with the code DESIGN gives it, says why on stderr, and shows no traceback."""
    (tmp_path / "g.yaml").write_text(text, encoding="utf-8")
    result = run(*words, cwd=tmp_path)

    assert code == result.code, result.out + result.err
    assert said in result.err
    assert "Traceback" not in result.out + result.err


def test_nothing_is_started_by_a_wrong_graph(tmp_path: Path) -> None:
    """A graph that is not valid leaves no state folder behind."""
    (tmp_path / "g.yaml").write_text(TYPO, encoding="utf-8")
    run("g.yaml", cwd=tmp_path)

    assert not (tmp_path / ".runner").exists()


def test_help_is_to_be_had_everywhere() -> None:
    """`--help` of the whole and of each command exits 0 and gives an example."""
    for words in ([], ["run"], ["validate"], ["report"]):
        said = run(*words, "--help", cwd=ROOT)

        assert 0 == said.code
        assert "python -m runner" in said.out
