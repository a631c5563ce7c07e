"""What of a request is different on another machine, and that nothing else is: each rule said a second time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

import runner.execute.moving
from runner.execute.moving import OF_THE_MACHINE, PYTHON, Home, files_read
from runner.task import Check, NeedResult, OutputFile, Placed, Request
from tests.execute.planting import UNTOUCHED, Bug, planted

HERE = "\x01"
"""Stands in a template where the run's folder belongs."""
ODD = (
    " ",
    '"',
    "'",
    "\\",
    "\n",
    "\t",
    "\\n",
    "{}",
    "]",
    "ü",
    "😀",
    "\u2028",
    "\x7f",
    "\x00",
    "\udc80",
    "\udcff",
    "a",
    "a-",
)
LETTERS = st.text(
    st.characters(codec="utf-8", exclude_characters="@/" + HERE), min_size=1, max_size=3
) | st.sampled_from(ODD)
"""No `@`: the name of a folder has one, so no text of these holds it by chance."""
WORD = st.lists(LETTERS, max_size=3).map("".join)
TEXT = st.lists(st.one_of(WORD, st.just(HERE), st.just("/")), max_size=4).map("".join)
PARTS = st.lists(st.lists(LETTERS, min_size=1, max_size=3).map("".join), min_size=1, max_size=3)
FOLDER = PARTS.map(lambda parts: "/@" + "/".join(parts))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(-1e9, 1e9), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
NAMES = st.one_of(st.sampled_from(sorted(OF_THE_MACHINE)), st.sampled_from(["path", "PYTHONPATH", "SEEN"]), WORD)
VARIABLES = st.dictionaries(NAMES, TEXT, max_size=6)
OWN = st.dictionaries(st.sampled_from(["TASKGRAPH_RUN", "TASKGRAPH_RUN_DIR", PYTHON]), TEXT)
FILE = st.builds(OutputFile, file=TEXT, size=st.integers(0, 9), digest=WORD)
NEED = st.builds(
    NeedResult,
    id=WORD,
    state=st.just("succeeded"),
    message=TEXT,
    outputs=st.dictionaries(WORD, JSON, max_size=2),
    files=st.dictionaries(WORD, FILE, max_size=2),
    checks=st.lists(st.builds(Check, name=TEXT, verdict=st.just("warning"), observed=JSON), max_size=1).map(tuple),
    artifacts=st.dictionaries(WORD, JSON, max_size=2),
)
NEEDS = st.dictionaries(WORD, NEED, max_size=2)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
REQUEST = st.builds(
    Request,
    run=WORD,
    task=WORD,
    attempt=st.integers(1, 9),
    uses=st.none() | WORD,
    arguments=st.dictionaries(TEXT, JSON, max_size=3),
    command=st.none() | TEXT,
    shell=st.one_of(TEXTS, st.just(("/usr/bin/python3", "-c", "/usr/bin/python3 -V"))),
    promises=TEXTS,
    env=VARIABLES,
    own_env=OWN,
    workdir=TEXT,
    path=TEXTS,
    needs=NEEDS,
    above=NEEDS,
    memory=st.none() | st.integers(0, 2**50),
    deadline=st.none() | st.floats(0, 1e9),
    receipts=TEXT,
    outputs=TEXT,
    placed=st.lists(st.builds(Placed, at=st.just(("x", 0)), file=FILE), max_size=1).map(tuple),
)
LEFT = Home(python="/usr/bin/python3", folder="", started_in="/work")


def said(request: Request, **changed: Any) -> dict[str, Any]:
    """Answer what a request says, some of it changed."""
    return {**asdict(request), **changed}


def everywhere(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text in data, keys included, however deep it is and whatever holds it."""
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return type(value)(everywhere(each, change) for each in value)
        case Mapping():
            return {everywhere(key, change): everywhere(each, change) for key, each in value.items()}
        case NeedResult() | OutputFile() | Check() | Placed():
            return type(value)(**{name: everywhere(each, change) for name, each in asdict(value).items()})
        case _:
            return value


def there(template: Request, folder: str) -> Request:
    """Answer a request whose templates have become texts that name a folder."""
    changed = {
        name: everywhere(each, lambda text: text.replace(HERE, folder)) for name, each in asdict(template).items()
    }
    return Request(**changed)


# -- leaving -----------------------------------------------------------------------------------------------------------


def _judge_leaving(moving: ModuleType, request: Request, environment: Mapping[str, str], random: Random) -> None:
    inherited = {name: value for name, value in environment.items() if random.random() < 0.7}
    request = replace(request, env={**request.env, **inherited})
    kept = {
        name: value
        for name, value in request.env.items()
        if name not in OF_THE_MACHINE or (name, value) not in environment.items()
    }
    own = dict(request.own_env)
    own.pop("TASKGRAPH_PYTHON", None)

    assert said(request, env=kept, own_env=own) == said(moving.leaving(request, environment))


# -- arriving ----------------------------------------------------------------------------------------------------------


def _judge_a_way_there_and_back(moving: ModuleType, request: Request, environment: Mapping[str, str]) -> None:
    machine = {name: value for name, value in environment.items() if name in OF_THE_MACHINE}
    request = replace(
        request,
        env={**machine, **request.env},
        own_env={**request.own_env, "TASKGRAPH_RUN": "r", PYTHON: LEFT.python},
    )
    home = Home(python=LEFT.python, folder="", environment=environment)

    assert request == moving.arriving(moving.leaving(request, environment), home, LEFT, lambda _: True)


def _judge_arriving(moving: ModuleType, request: Request, environment: Mapping[str, str], packages: tuple[str]) -> None:
    home = Home(python="/opt/python", folder="", environment=environment, packages=packages)
    env = dict(request.env)
    for name in OF_THE_MACHINE & environment.keys():
        env.setdefault(name, environment[name])
    own = {**request.own_env, "TASKGRAPH_PYTHON": "/opt/python"} if request.own_env else {}
    shell = tuple({"/usr/bin/python3": "/opt/python"}.get(word, word) for word in request.shell)
    expected = said(request, env=env, own_env=own, shell=shell, path=packages + request.path)

    assert expected == said(moving.arriving(request, home, LEFT, lambda _: True))


def _judge_folders(moving: ModuleType, template: Request, old: str, new: str) -> None:
    left, home = replace(LEFT, folder=old), Home(python=LEFT.python, folder=new)
    expected = there(template, new)
    own = {**expected.own_env, PYTHON: LEFT.python} if expected.own_env else {}

    assert said(expected, own_env=own) == said(moving.arriving(there(template, old), home, left, lambda _: True))


def _judge_workdir(moving: ModuleType, folder: str, which: tuple[bool, bool, bool]) -> None:
    own, exists, has_folder = which
    asked: list[str] = []
    request = Request(run="r", task="t", attempt=1, workdir="/elsewhere" if own else "/work")
    home = Home(python=LEFT.python, folder=folder if has_folder else "")

    def is_there(path: str) -> bool:
        asked.append(path)
        return exists

    arrived = moving.arriving(request, home, LEFT, is_there)
    expected = "/elsewhere" if own else "/work" if exists else folder if has_folder else "/"

    assert expected == arrived.workdir
    assert {"/work"} >= set(asked)


BUGS = (
    UNTOUCHED,
    Bug("what the graph sets stays here", "if name not in given or value != environment[name]", "if name not in given"),
    Bug("its Python goes along", "if name != PYTHON}", "}"),
    Bug("the machine's variables win", "env={**here, **request.env}", "env={**request.env, **here}"),
    Bug("all variables are the machine's", "for name in OF_THE_MACHINE if name in home.", "for name in home."),
    Bug("packages come last", "path=(*home.packages, *request.path)", "path=(*request.path, *home.packages)"),
    Bug("any word with its Python changes", "home.python if word == left.python", "home.python if left.python in word"),
    Bug("any missing folder is replaced", "request.workdir == left.started_in and not", "not"),
    Bug("keys keep the folder's name", "{_swapped(key, old, new):", "{key:"),
)  # fmt: skip  # a line each


ALL = (
    (_judge_leaving, st.tuples(REQUEST, VARIABLES, st.randoms(use_true_random=False))),
    (_judge_a_way_there_and_back, st.tuples(REQUEST, VARIABLES)),
    (_judge_arriving, st.tuples(REQUEST, VARIABLES, TEXTS)),
    (_judge_folders, st.tuples(REQUEST, FOLDER, FOLDER)),
    (_judge_workdir, st.tuples(FOLDER, st.tuples(st.booleans(), st.booleans(), st.booleans()))),
)


@given(ALL[0][1])
def test_what_is_the_machines_own_stays_here(drawn: tuple[Any, ...]) -> None:
    """Variables about the machine that are as they are on it; what the graph has set goes along, as all others do."""
    _judge_leaving(runner.execute.moving, *drawn)


@given(ALL[1][1])
def test_a_way_there_and_back_changes_nothing(drawn: tuple[Any, ...]) -> None:
    """On the same machine, in the same folder, with the same Python: what was left here is found there."""
    _judge_a_way_there_and_back(runner.execute.moving, *drawn)


@given(ALL[2][1])
def test_what_is_found_there(drawn: tuple[Any, ...]) -> None:
    """The machine's own variables where the request has none, its Python, and what was shipped before all else."""
    _judge_arriving(runner.execute.moving, *drawn)


@given(ALL[3][1])
def test_the_runs_folder_is_another_one_wherever_it_stands(drawn: tuple[Any, ...]) -> None:
    """Quotes, newlines, letters of any kind and halves of pairs in its name, or beside it, make no difference."""
    _judge_folders(runner.execute.moving, *drawn)


@given(ALL[4][1])
def test_where_it_was_started_may_be_missing(drawn: tuple[Any, ...]) -> None:
    """Then it is done in the run's folder, or in the root where there is none; a `workdir` of its own is left alone."""
    _judge_workdir(runner.execute.moving, *drawn)


@pytest.mark.parametrize("bug", BUGS, ids=repr)
def test_each_planted_bug_is_seen(bug: Bug) -> None:
    """By one of the tests above; and none is if there is none."""
    copy = planted(runner.execute.moving, bug)

    assert (bug is not UNTOUCHED) is any(_falls(copy, judge, drawn) for judge, drawn in ALL)


def _falls(copy: ModuleType, judge: Callable[..., None], drawn: st.SearchStrategy[Any]) -> bool:
    @settings(max_examples=40, phases=[Phase.generate], derandomize=True, database=None, report_multiple_bugs=False)
    @given(drawn)
    def judged(drawn: Sequence[Any]) -> None:
        judge(copy, *drawn)

    try:
        judged()
    except AssertionError:
        return True
    return False


# -- files -------------------------------------------------------------------------------------------------------------

NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=6).filter(
    lambda name: name not in {".", ".."}
)
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)


FOLDER_HERE, STORE = "/runs/1", "s3://bucket/runs/1"
PLACED = st.sampled_from(["", FOLDER_HERE, STORE])


@given(st.lists(PATH), st.lists(PATH), st.lists(PATH), st.lists(PATH), st.data())
def test_the_files_that_an_attempt_may_read(
    files: list[str], placed: list[str], kept: list[str], others: list[str], data: st.DataObject
) -> None:
    """Large outputs of what it needs or may look at, those in its arguments, and kept files, one or a list of them."""
    elsewhere = [*(f"/runs/10/{path}" for path in others), *others, "/runs/1.zip", "/", "", "word"]
    within = [f"{data.draw(st.sampled_from([FOLDER_HERE, STORE]))}/{path}" for path in kept]
    needs = data.draw(st.sampled_from(["needs", "above"]))
    results = {
        "files": NeedResult(id="a", state="succeeded", files={path: _file(path, data) for path in files}),
        "kept": NeedResult(id="b", state="succeeded", artifacts={"all": [*within, *elsewhere], "none": None, "n": 1}),
        "each": NeedResult(id="c", state="succeeded", artifacts={f"n{at}": path for at, path in enumerate(within)}),
    }
    request = Request(
        run="r",
        task="t",
        attempt=1,
        arguments={"path": f"{FOLDER_HERE}/argument"},
        placed=tuple(Placed(at=("x",), file=_file(path, data)) for path in placed),
        **{needs: results},
    )

    assert {*files, *placed, *kept} == files_read(request, FOLDER_HERE, STORE)


@given(st.sampled_from([FOLDER_HERE, STORE]), PATH, FOLDER)
def test_what_is_in_the_store_is_read_where_it_is_put(place: str, path: str, folder: str) -> None:
    """Folder and store of the run both become the folder that the host has, though one's name ends in the other's."""
    request = Request(run="r", task="t", attempt=1, command=f"cat {place}/{path}")
    home, left = Home(python=LEFT.python, folder=folder), replace(LEFT, folder=FOLDER_HERE, store=STORE)

    assert f"cat {folder}/{path}" == runner.execute.moving.arriving(request, home, left, lambda _: True).command


def _file(path: str, data: st.DataObject) -> OutputFile:
    place = data.draw(PLACED)
    return OutputFile(file=f"{place}/{path}" if place else path, size=1, digest="d")
