"""Whether a last result still holds: every way it may not, and in which words; and what a plan foresees of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.files import digest_of
from runner.graph.check import load
from runner.keeping import Keys
from runner.recalling import FORCED, HANDED, NEVER, UNKNOWN, Recollection
from runner.record.results import LastResult
from runner.schedule.messages import Kept, Outdated
from runner.task import Check, LedgerRow, MadeFile, OutputFile, Succeeded

GRAPH = """
params: {who: {type: string, default: me}}
services:
  web: {run: "serve 1", port: 0}
tasks:
  setup: {run: "true"}
  build:
    run: "make ${{ params.who }}"
    env: {MODE: fast}
    data_prefix: T_
    sources: [src/*.c]
    generates: [out]
    needs: [web]
  test:
    uses: work:check
    with: {level: 1, deep: [1, 2]}
    cache: true
    needs: [build, setup]
"""
CODE = "def check(*, level: int, deep: list[int]) -> None: ...\n"


class Place:
    """A folder with a graph, sources, a module and what was made; and what is remembered of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in {"g.yaml": GRAPH, "work.py": CODE, "src/a.c": "a", "src/b.c": "b", "out": "made"}.items():
            self.write(name, text)
        self.params = {"who": "me"}
        self.results: dict[str, LastResult] = {}

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        """Change the graph file."""
        text = (self.folder / "g.yaml").read_text("utf-8")
        assert text.count(old) == 1
        self.write("g.yaml", text.replace(old, new))

    def recollection(self, *, forced: bool = False) -> Recollection:
        """Answer what is remembered, for the graph as it is now."""
        graph = load(str(self.folder / "g.yaml")).graph
        keys = Keys(graph, {}, str(self.folder), self.params)
        return Recollection(graph=graph, keys=keys, results=self.results, forced=forced)

    def remember(self, task: str, needs: Mapping[str, Kept], **more: object) -> Kept:
        """Let a task succeed as it is asked now; answers its result."""
        recollection = self.recollection()
        asked = recollection(task, needs)
        assert isinstance(asked, Outdated)
        made = () if task != "build" else (MadeFile(path="out", digest=digest_of(str(self.folder / "out"))),)
        kept = Kept(outcome=Succeeded(made=made), run="r1", key=recollection.keys.of(task, needs), handed=asked.handed)
        kept = replace(kept, **more)
        self.results[task] = LastResult(held="r1", kept=kept, parts=asked.parts)
        return kept


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Answer a place in which everything has succeeded once."""
    place = Place(tmp_path)
    setup = place.remember("setup", {})
    build = place.remember("build", {})
    place.remember("test", {"build": build, "setup": setup})
    return place


def asked(place: Place, task: str, *, forced: bool = False) -> str:
    """Answer why a task has to run, "" if its last result holds; what it needs came to what it came to before."""
    recollection = place.recollection(forced=forced)
    keys = recollection.keys
    known: dict[str, Kept] = {}
    for name in ("setup", "build"):
        last = place.results[name].kept
        assert last is not None
        known[name] = replace(last, key=keys.of(name, {}))
    found = recollection(task, known if task == "test" else {})
    return found.because if isinstance(found, Outdated) else ""


MANY = (
    "the source `src/a.c` has changed; the source `src/b.c` has changed; the source `src/c.c` is new and 2 more changes"
)
CHANGES: dict[str, tuple[str, Callable[[Place], object], str]] = {
    "nothing": ("build", lambda _: None, ""),
    "nothing, of a function": ("test", lambda _: None, ""),
    "words for people": (
        "build",
        lambda place: place.edit("  build:\n", "  build:\n    title: x\n    timeout: 5m\n"),
        "",
    ),
    "a file that is touched": ("build", lambda place: os.utime(place.folder / "src/a.c", (1, 1)), ""),
    "a file that is no source": ("build", lambda place: place.write("src/c.h", "c"), ""),
    "a source": ("build", lambda place: place.write("src/a.c", "A"), "the source `src/a.c` has changed"),
    "a new source": ("build", lambda place: place.write("src/c.c", "c"), "the source `src/c.c` is new"),
    "a source less": ("build", lambda place: (place.folder / "src/b.c").unlink(), "the source `src/b.c` is gone"),
    "a source that is renamed": (
        "build",
        lambda place: (place.folder / "src/b.c").rename(place.folder / "src/c.c"),
        "the source `src/b.c` is gone; the source `src/c.c` is new",
    ),
    "many sources": (
        "build",
        lambda place: [place.write(f"src/{each}.c", "x") for each in "abcde"],
        MANY,
    ),
    "a source that nobody may read": (
        "build",
        lambda place: ((place.folder / "src/a.c").unlink(), (place.folder / "src/a.c").symlink_to("/proc/1/mem")),
        "*cannot be read*",
    ),
    "its patterns": (
        "build",
        lambda place: place.edit("[src/*.c]", "[src/a.c]"),
        "the source `src/b.c` is gone",
    ),
    "what it generates": ("build", lambda place: place.edit("[out]", "[out, g.yaml]"), "`generates` has changed"),
    "what it made is gone": ("build", lambda place: (place.folder / "out").unlink(), "`out`, which it made, is gone"),
    "what it made is another": (
        "build",
        lambda place: place.write("out", "MADE"),
        "`out`, which it made, was changed since",
    ),
    "more than it made": ("build", lambda place: place.write("out2", "x"), ""),
    "its command": ("build", lambda place: place.edit("make $", "make -k $"), "`run` has changed"),
    "a parameter": ("build", lambda place: place.params.update(who="you"), "`run` has changed"),
    "a variable": ("build", lambda place: place.edit("MODE: fast", "MODE: slow"), "`env.MODE` has changed"),
    "a new variable": ("build", lambda place: place.edit("MODE: fast", "MODE: fast, X: y"), "`env.X` is new"),
    "a variable less": ("build", lambda place: place.edit("    env: {MODE: fast}\n", ""), "`env.MODE` is gone"),
    "its folder": (
        "build",
        lambda place: place.edit("    env:", "    workdir: src/..\n    env:"),
        "it runs in another folder; `workdir` is new",
    ),
    "its prefix": ("build", lambda place: place.edit("T_", "U_"), "`data_prefix` has changed"),
    "its service": (
        "build",
        lambda place: place.edit("serve 1", "serve 2"),
        "the service `web`, which it needs, has changed",
    ),
    "a service less": (
        "build",
        lambda place: place.edit("    needs: [web]\n", ""),
        "the service `web`, which it needs, is gone",
    ),
    "an argument": ("test", lambda place: place.edit("level: 1", "level: 2"), "`with.level` has changed"),
    "an argument less": ("test", lambda place: place.edit("level: 1, ", ""), "`with.level` is gone"),
    "its function": (
        "test",
        lambda place: place.edit("work:check", "work:other"),
        "`uses` has changed",
    ),
    "its module": (
        "test",
        lambda place: place.write("work.py", CODE + "#\n"),
        "the module of its function has changed",
    ),
    "what a need is asked": (
        "test",
        lambda place: place.edit('setup: {run: "true"}', 'setup: {run: ":"}'),
        "`setup`, which it needs, is asked something else",
    ),
    "a source of a need": (
        "test",
        lambda place: place.write("src/a.c", "A"),
        "`build`, which it needs, is asked something else",
    ),
    "a need less": (
        "test",
        lambda place: place.edit("[build, setup]", "[build]"),
        "`setup`, which it needs, is not needed any more",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named(place: Place, change: str) -> None:
    """What has changed since the last success is said; what changes nothing about it is none."""
    task, do, expected = CHANGES[change]
    do(place)

    because = asked(place, task)

    if expected.startswith("*"):
        assert expected.strip("*") in because
    else:
        assert expected == because


HANDED_ON: dict[str, dict[str, object]] = {
    "outputs": {"outcome": Succeeded(outputs={"n": 1})},
    "an output in a file": {"outcome": Succeeded(files={"n": OutputFile(file="x", size=1, digest="d")})},
    "checks": {"checks": (Check(name="c", verdict="passed"),)},
    "ledger": {"ledger": (LedgerRow(action="created", kind="k", id="1", at=""),)},
}


@pytest.mark.parametrize("what", HANDED_ON)
def test_a_function_runs_again_if_something_else_is_handed_to_it(place: Place, what: str) -> None:
    """A command sees nothing of it, so nothing changes for that."""
    last = place.results["setup"].kept
    assert last is not None
    place.results["setup"] = LastResult(held="r2", kept=replace(last, **HANDED_ON[what]))

    assert "what `setup` hands to it has changed" == asked(place, "test")

    place.edit("uses: work:check", "run: check")
    place.edit("    with: {level: 1, deep: [1, 2]}\n", "")
    known = {name: each.kept for name, each in place.results.items() if each.kept is not None}
    kept = place.remember("test", {name: known[name] for name in ("build", "setup")})
    place.results["setup"] = LastResult(held="r1", kept=last)

    assert kept.handed == ""
    assert "" == asked(place, "test")


def test_times_are_not_handed_on(place: Place) -> None:
    """How long a check took and when a record was made is another each time."""
    last = place.results["setup"].kept
    assert last is not None
    for seconds in (0.1, 0.2):
        noted = replace(
            last,
            checks=(Check(name="c", verdict="passed", seconds=seconds),),
            ledger=(LedgerRow(action="created", kind="k", id="1", at=str(seconds)),),
        )
        place.results["setup"] = LastResult(held="r1", kept=noted)
        if seconds == 0.1:
            del place.results["test"]
            build = place.results["build"].kept
            assert build is not None
            place.remember("test", {"build": build, "setup": noted})

    assert "" == asked(place, "test")


def test_without_the_parts_it_is_said_that_something_has_changed(place: Place) -> None:
    """As after the index was lost: whether it holds is known all the same, what has changed is not."""
    last = place.results["test"]
    place.results["test"] = replace(last, parts={})
    assert "" == asked(place, "test")

    place.edit("level: 1", "level: 2")
    assert UNKNOWN == asked(place, "test")

    place.edit("level: 2", "level: 1")
    assert last.kept is not None
    place.results["test"] = LastResult(held="r1", kept=replace(last.kept, handed=""))
    assert HANDED == asked(place, "test")


def test_what_never_succeeded_failed_or_is_forced_runs(place: Place) -> None:
    """Each in its own words."""
    assert FORCED == asked(place, "build", forced=True)

    place.results["build"] = replace(place.results["build"], kept=None, because="it failed in run r7")
    assert "it failed in run r7" == place.recollection()("build", {}).because  # type: ignore[union-attr]  # it does not hold

    del place.results["test"]
    place.remember("build", {})
    assert NEVER == asked(place, "test")


def test_what_rests_upon_no_success_has_to_run(place: Place) -> None:
    """A need that failed has nothing to compare, and neither has one that has no key."""
    setup = place.results["setup"].kept
    assert setup is not None
    missing = place.recollection()("test", {"setup": setup})
    keyless = place.recollection()("test", {"setup": setup, "build": Kept(outcome=Succeeded())})

    assert "`build`, which it needs, has no result to compare" == missing.because == keyless.because  # type: ignore[union-attr]  # neither holds


def test_nothing_there_when_it_had_run_is_never_enough(place: Place) -> None:
    """Though it is there now: who knows who made it."""
    last = place.results["build"].kept
    assert last is not None
    nothing = replace(last, outcome=Succeeded(made=(MadeFile(path="out/*", digest=""),)))
    place.results["build"] = replace(place.results["build"], kept=nothing)

    assert "when it had run there was no `out/*`" == asked(place, "build")


def test_an_output_that_cannot_be_carried_along_is_made_anew(place: Place) -> None:
    """It is asked for only where everything else holds."""
    carried: list[Kept] = []

    def carry(kept: Kept) -> str:
        carried.append(kept)
        return "outputs/build.1.json"

    found = replace(place.recollection(), carry=carry)("build", {})

    assert isinstance(found, Outdated)
    assert "its file outputs/build.1.json is not what it was" == found.because
    assert [place.results["build"].kept] == carried


def test_a_plan_foresees_what_holds_if_others_hand_on_the_same(place: Place) -> None:
    """`setup` is not cached and will run; `test` is left out because it is thought to come to the same."""
    foreseen = place.recollection().foreseen({})
    assert {"build": "r1", "test": "r1"} == {
        name: each.run for name, each in foreseen.items() if isinstance(each, Kept)
    }

    place.write("src/a.c", "A")
    foreseen = place.recollection().foreseen({})
    assert {
        "build": "the source `src/a.c` has changed",
        "test": "`build`, which it needs, is asked something else",
    } == {name: each.because for name, each in foreseen.items() if isinstance(each, Outdated)}


def test_a_plan_leaves_out_what_the_run_begins_with(place: Place) -> None:
    """What is kept is not looked up."""
    kept = place.results["build"].kept
    assert kept is not None

    assert {"test"} == place.recollection().foreseen({"build": kept}).keys()
