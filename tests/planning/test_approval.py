"""What was approved is what runs: each kind of change is found and named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import PlanChanged, UsageError
from runner.graph.select import Wish
from runner.mask import Masker
from runner.opening import Options
from runner.planning.approval import Approval, approved, planned_now, read_approval, write_approval
from runner.planning.as_json import render_json
from tests.planning.scenes import PHASE, made

TEXT = """
params:
  file: {type: path, default: data.txt}
  word: {type: string, default: "one"}
tasks:
  a: {uses: "mine:work", with: {n: 1, digest: "${{ hashFiles('more/*.txt') }}"}, estimate: 2s}
  b: {run: "cat ${{ params.file }}", needs: [a], if: "env.STAGE == 'x'", retry: 2}
  c: {run: "true"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with everything that the graph names."""
    (tmp_path / "more").mkdir()
    for name in ("data.txt", "more/1.txt", "mine.py"):
        (tmp_path / name).write_text("#\n", encoding="utf-8")
    return tmp_path


def approval_of(folder: Path, text: str = TEXT, **said: Any) -> Approval:
    """Plan, write down, and read again."""
    plan = made(folder, text, **{"environment": {"STAGE": "x"}, **said})
    write_approval(str(folder / "plan.json"), plan.approval(), plan.plan, plan.masker)
    return read_approval(str(folder / "plan.json"))


def differences(folder: Path, then: Approval, text: str = TEXT, **said: Any) -> tuple[str, ...]:
    """Answer what a run refuses, nothing where it would run."""
    now = made(folder, text, **{"environment": {"STAGE": "x"}, **said}).approval()
    try:
        planned_now(then, now.ground, 0.0)
    except PlanChanged as error:
        return error.differences
    return ()


def test_what_was_not_changed_runs(folder: Path) -> None:
    """The same graph runs as often as one likes; what was planned of each task is moved to when the run began."""
    then = approval_of(folder)

    assert () == differences(folder, then)
    assert {"a": (7.5, 2.0), "b": (9.5, 1.0), "c": (7.5, 1.0)} == {
        name: (each.started, each.seconds) for name, each in planned_now(then, then.ground, 7.5).items()
    }


CHANGED: dict[str, tuple[Callable[[Path], object] | None, dict[str, Any], str]] = {
    "a task": (None, {"text": TEXT.replace("n: 1", "n: 2")}, "`a` has changed: `with`"),
    "two keys": (None, {"text": TEXT.replace("retry: 2", "retry: 3, timeout: 5s")}, ": `retry`, `timeout`"),
    "a condition": (None, {"text": TEXT.replace("'x'", "'y'")}, "`b` has changed: `if`"),
    "a new task": (None, {"text": f"{TEXT}  d: {{run: x}}\n"}, "`d` is new"),
    "a lost task": (None, {"text": TEXT[: TEXT.index("  c:")]}, "`c` is gone"),
    "the root": (None, {"text": f"deadline: 5m{TEXT}"}, "the graph has changed: `deadline`"),
    "words": (None, {"text": f"title: Mine{TEXT}"}, "only in words for people"),
    "a comment": (None, {"text": f"# mine{TEXT}"}, "only in words for people"),
    "a parameter": (None, {"params": {"word": "two"}}, 'parameter `word`: "one" then, "two" now'),
    "the workers": (None, {"jobs": 31}, "31 now"),
    "failing": (None, {"fail_fast": True}, "fail_fast: false then, true now"),
    "the environment": (None, {"environment": {"STAGE": "y"}}, "`STAGE`, which a condition reads, has changed"),
    "a file": (lambda at: (at / "data.txt").write_text("2"), {}, "data.txt has changed"),
    "a lost file": (lambda at: (at / "data.txt").unlink(), {}, "data.txt is gone"),
    "a hashed file": (lambda at: (at / "more/2.txt").write_text("2"), {}, "input files more/*.txt has changed"),
    "the module": (lambda at: (at / "mine.py").write_text("pass"), {}, "mine.py has changed"),
    "a skipped task": (None, {"wish": Wish(skip=("b",))}, 'skipped: [] then, ["b"] now'),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGED)
def test_every_change_is_found_and_named(folder: Path, kind: str) -> None:
    """One difference, in one sentence that says what it is."""
    change, said, sentence = CHANGED[kind]
    then = approval_of(folder)
    if change is not None:
        change(folder)

    (found,) = differences(folder, then, **said)

    assert sentence in found


def test_several_changes_are_named_at_once(folder: Path) -> None:
    """Whoever approved sees all that is different, not the first of it."""
    then = approval_of(folder)
    (folder / "mine.py").write_text("pass", encoding="utf-8")

    assert 3 == len(differences(folder, then, TEXT.replace("n: 1", "n: 2"), params={"word": "two"}))


def test_a_run_of_a_plan_is_given_what_the_plan_was(folder: Path) -> None:
    """Graph, parameters, workers and choice of tasks come from the plan; what is said beside it is held against it."""
    then = approval_of(folder, params={"word": "two"}, jobs=3, wish=Wish(until=("a",)))
    options = approved(Options(graph=""), then)

    assert (str(folder / "g.yaml"), {"word": "two"}, 3, ("a",)) == (
        options.graph, dict(options.params), options.jobs, options.wish.until,
    )  # fmt: skip
    assert 5 == approved(Options(graph=then.graph, jobs=5), then).jobs
    for wrong in (Options(graph="other.yaml"), Options(graph=then.graph, wish=Wish(only=("a",)))):
        with pytest.raises(UsageError, match=r"plan\.json"):
            approved(wrong, then)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "{}", '{"taskgraph_plan": 9}', '{"taskgraph_plan": 1, "approval": {}}',
             '{"taskgraph_plan": 1, "approval": {"is": "Approval", "graph": 5}}']
)  # fmt: skip
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    """Any other file is a wrong command line, said in one sentence with the file's name."""
    file = tmp_path / "plan.json"
    file.write_text(text, encoding="utf-8")
    for path in (file, tmp_path / "none.json", tmp_path):
        with pytest.raises(UsageError, match=path.name):
            read_approval(str(path))


def test_a_secret_is_not_written_down(tmp_path: Path) -> None:
    """A parameter that holds the value of a secret cannot be approved: it would lie on the disk."""
    text = PHASE.replace("deep: {type: boolean, default: false}", "key: {type: string, default: hunter22}")
    plan = made(tmp_path, text.replace("if: params.deep", "if: params.key"), environment={"TOKEN": "hunter22"})
    with pytest.raises(UsageError, match="TOKEN"):
        write_approval(str(tmp_path / "plan.json"), plan.approval(), plan.plan, Masker({"TOKEN": "hunter22"}))

    assert not (tmp_path / "plan.json").exists()
    assert "hunter22" not in render_json(plan.plan)
