"""What an executor is asked for: environments, secrets, ports, and what a task may know of those above it."""

import pytest

from runner.errors import Place
from runner.graph.env_files import EnvFiles
from runner.graph.model import Graph, Ready, ServiceSpec, TaskSpec
from runner.graph.values import EvaluationError, parse
from runner.requests import Requests, Surroundings
from runner.schedule.history import Stories
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptStarted, Noted, RunOpened, ServiceReady
from runner.task import PORT_MARK, Artifact, Check, LedgerRow, Succeeded

HERE = Place(file="g.yaml")
SHELL = {"PATH": "/bin", "LEVEL": "shell", "TOKEN": "s3cret-value"}


def task(name: str, index: int = 0, **fields: object) -> TaskSpec:
    """Build a task."""
    return TaskSpec(id=name, index=index, where=HERE, **{"uses": "m:f", **fields})  # type: ignore[arg-type]  # any field


def graph(*tasks: TaskSpec, **fields: object) -> Graph:
    """Build a graph of these tasks."""
    whole = {"name": "g", "file": "g.yaml", "folder": "/graphs", "digest": "", **fields}
    return Graph(tasks={each.id: each for each in tasks}, **whole)  # type: ignore[arg-type]  # any field


def opened(whole: Graph) -> tuple[Schedule, Stories]:
    """Open a run of a graph."""
    schedule = Schedule(whole)
    schedule.handle(RunOpened(at=0, run="run-1", started="2026-01-01T00:00:00.000Z", slots=4))
    return schedule, Stories()


def requests(whole: Graph, **params: str) -> Requests:
    """Answer the requests of a run with these parameters."""
    around = Surroundings(
        environment=SHELL, started_in="/work", run_folder="/work/.runner/runs/run-1", python="/work/bin/python"
    )
    return Requests(whole, around, params)


def test_a_nearer_environment_wins() -> None:
    """A task's variable wins over the root's, the root's over the shell's, and each may read what lies outside it."""
    near = task("a", env={"LEVEL": parse("${{ env.LEVEL }}+task")})
    whole = graph(near, task("b", 1), env={"LEVEL": parse("${{ env.LEVEL }}+root"), "NUMBER": 7, "NOTHING": None})
    schedule, stories = opened(whole)
    first = requests(whole).attempt(schedule, stories, "a", 1).env
    second = requests(whole).attempt(schedule, stories, "b", 1).env

    assert "shell+root+task" == first["LEVEL"]
    assert "shell+root" == second["LEVEL"]
    assert ("7", "", "/bin") == (second["NUMBER"], second["NOTHING"], second["PATH"])


def test_a_file_of_variables_comes_last() -> None:
    """What a file gives a task counts below shell and root, and may be read by its `env`."""
    near = task("a", env={"HERE": parse("${{ env.OWN }}+task")})
    whole = graph(near, task("b", 1), task("c", 2, uses=None, run="x"), env={"LEVEL": "root"})
    files = EnvFiles(root={"ALL": "root's"}, tasks={"a": {"OWN": "a's", "ALL": "a's"}, "c": {"OWN": "c's"}})
    around = Surroundings(environment={**SHELL, **files.root}, files=files)
    built = Requests(whole, around, {})
    first, second, third = (built.attempt(*opened(whole), name, 1).env for name in "abc")

    assert ("a's+task", "a's", "a's", "root") == (first["HERE"], first["OWN"], first["ALL"], first["LEVEL"])
    assert ("root's", None) == (second["ALL"], second.get("OWN"))
    assert "c's" == third["OWN"]
    assert {} == built.commanding(), "no shell is named"


def test_files_of_a_need_are_where_the_run_keeps_them() -> None:
    """A promise answers a path, a glob a list, one that was not kept null; those of the last attempt count."""
    whole = graph(
        task("a", artifacts=("x.xml", "*.png", "gone")),
        task("b", 1, needs=("a",), arguments={"all": parse("${{ needs.a.artifacts }}")}),
        task("c", 2, needs=("a",), uses=None, run=parse("ls ${{ needs.a.artifacts['*.png'] }}")),
    )
    schedule, stories = opened(whole)
    for number, (name, promise) in enumerate((("0.png", "*.png"), ("1.png", "*.png"), ("own", ""))):
        note = Artifact(path=f"artifacts/a.{2 if number else 1}/{name}", title=name, promise=promise)
        stories.add(Noted(at=1, task="a", attempt=2 if number else 1, note=note))
    again = Artifact(path="artifacts/a.2/x.xml", title="x.xml", promise="x.xml")
    stories.add(Noted(at=2, task="a", attempt=2, note=again))
    for number in (1, 2):
        stories.of("a").attempt(number)
    built = requests(whole)
    folder = "/work/.runner/runs/run-1/artifacts/a.2"
    wanted = {"x.xml": f"{folder}/x.xml", "*.png": [f"{folder}/1.png"], "gone": None}

    assert {"all": wanted} == dict(built.attempt(schedule, stories, "b", 1).arguments)
    assert wanted == built.attempt(schedule, stories, "b", 1).needs["a"].artifacts
    assert f"ls {folder}/1.png" == built.attempt(schedule, stories, "c", 1).command


def test_a_command_goes_to_its_shell() -> None:
    """With its words and how it takes a text; `python` is the interpreter that runs us."""
    shells = {"a": "/bin/sh", "b": "bash -eu", "c": "python -X dev", "d": "perl", "e": "/usr/bin/env zsh"}
    whole = graph(
        *(task(name, index, uses=None, run="x", shell=shell) for index, (name, shell) in enumerate(shells.items()))
    )
    built = requests(whole)
    found = {name: built.attempt(*opened(whole), name, 1).shell for name in shells}

    assert {
        "a": ("/bin/sh", "-c"),
        "b": ("bash", "-eu", "-c"),
        "c": ("/work/bin/python", "-X", "dev", "-c"),
        "d": ("perl", "-e"),
        "e": ("/usr/bin/env", "zsh", "-c"),
    } == found
    assert ["b", "c", "d", "e"] == list(built.commanding())


def test_nothing_but_our_own_names_is_added_to_an_environment() -> None:
    """A child's environment is what graph and shell give; what we add begins with TASKGRAPH_."""
    whole = graph(task("a", data_prefix="Task_2_"))
    schedule, stories = opened(whole)
    request = requests(whole).attempt(schedule, stories, "a", 3)

    assert SHELL == dict(request.env)
    assert {
        "TASKGRAPH_RUN": "run-1",
        "TASKGRAPH_RUN_DIR": "/work/.runner/runs/run-1",
        "TASKGRAPH_PYTHON": "/work/bin/python",
        "TASKGRAPH_TASK": "a",
        "TASKGRAPH_ATTEMPT": "3",
        "TASKGRAPH_DATA_PREFIX": "Task_2_",
    } == dict(request.own_env)


def test_secrets_reach_what_may_hold_them() -> None:
    """A secret is filled into `with` and `env`, and its name is handed on so that it is masked."""
    whole = graph(
        task(
            "a", arguments={"key": parse("${{ secrets.TOKEN }}")}, env={"HEADER": parse("Bearer ${{ secrets.TOKEN }}")}
        ),
        secrets=("TOKEN",),
    )
    schedule, stories = opened(whole)
    request = requests(whole).attempt(schedule, stories, "a", 1)

    own = graph(task("b", secrets=("TOKEN",), env={"HEADER": parse("Bearer ${{ secrets.TOKEN }}")}))
    header = requests(own).attempt(*opened(own), "b", 1).env["HEADER"]

    assert "Bearer s3cret-value" == header, "a secret of the task alone, too"
    assert {"key": "s3cret-value"} == dict(request.arguments)
    assert "Bearer s3cret-value" == request.env["HEADER"]
    assert ("TOKEN",) == request.secrets


def test_a_command_is_safe_against_what_is_filled_in() -> None:
    """A value inside `run` is quoted for the shell."""
    whole = graph(task("a", uses=None, run=parse("echo ${{ params.text }}")))
    schedule, stories = opened(whole)

    assert "echo 'a; rm -rf b'" == requests(whole, text="a; rm -rf b").attempt(schedule, stories, "a", 1).command


def test_folders_are_those_of_the_file_or_of_the_command() -> None:
    """A given workdir is relative to the graph file; without one a task runs where the command was started."""
    whole = graph(task("a"), task("b", 1, workdir="sub"))
    schedule, stories = opened(whole)

    assert "/work" == requests(whole).attempt(schedule, stories, "a", 1).workdir
    assert "/graphs/sub" == requests(whole).attempt(schedule, stories, "b", 1).workdir
    assert ("/work", "/graphs") == requests(whole).attempt(schedule, stories, "a", 1).path


def test_a_port_still_to_be_chosen_is_a_mark() -> None:
    """`port: 0` stands as a mark in command and environment until the executor has chosen; a fixed port as itself."""
    free = ServiceSpec(
        id="s",
        where=HERE,
        run=parse("serve --port ${{ services.s.port }}"),
        env={"URL": parse("${{ services.s.url }}")},
        port=0,
        ready=Ready(http="/ready"),
    )
    fixed = ServiceSpec(id="t", where=HERE, run=parse("serve ${{ services.t.port }}"), port=8080)
    whole = graph(task("a", needs=("s", "t")), services={"s": free, "t": fixed})
    schedule, _ = opened(whole)
    request = requests(whole).service(schedule, "s", 1)

    assert PORT_MARK in request.command
    assert f"http://127.0.0.1:{PORT_MARK}" == request.env["URL"]
    assert (0, "/ready") == (request.port, request.ready_http)
    assert "serve 8080" == requests(whole).service(schedule, "t", 1).command


def test_a_task_knows_what_it_needs_and_whose_records_lie_above_it() -> None:
    """Needs come with state, outputs and checks; above are all ancestors with a data prefix or ledger rows."""
    service = ServiceSpec(id="s", where=HERE, run="serve", port=0)
    whole = graph(
        task("prefixed", data_prefix="P_", needs=("s",)),
        task("recorded", 1),
        task("plain", 2, needs=("prefixed", "recorded")),
        task("last", 3, needs=("plain", "s"), arguments={"seen": parse("${{ needs.plain.outputs.n }}")}),
        services={"s": service},
    )
    schedule, stories = opened(whole)
    row = LedgerRow(action="created", kind="doc", id="1", at="2026-01-01T00:00:00.000Z")
    check = Check(name="c", verdict="passed")
    events = [ServiceReady(at=0.5, service="s", attempt=1, url="http://127.0.0.1:9", port=9)]
    for name in ("recorded", "prefixed", "plain"):
        outputs = {"n": 5} if name == "plain" else {}
        events += [AttemptStarted(at=1, task=name, attempt=1)]
        events += [Noted(at=1, task=name, attempt=1, note=row)] if name == "recorded" else []
        events += [Noted(at=1, task=name, attempt=1, note=check)] if name == "plain" else []
        events += [AttemptEnded(at=2, task=name, attempt=1, outcome=Succeeded(outputs=outputs))]
    for event in events:
        schedule.handle(event)
        stories.add(event)
    request = requests(whole).attempt(schedule, stories, "last", 1)

    assert {"seen": 5} == dict(request.arguments)
    assert ["plain", "s"] == list(request.needs)
    assert ("succeeded", {"n": 5}, (check,)) == (
        request.needs["plain"].state,
        request.needs["plain"].outputs,
        tuple(request.needs["plain"].checks),
    )
    assert ("ready", {"url": "http://127.0.0.1:9", "port": 9}) == (request.needs["s"].state, request.needs["s"].outputs)
    assert {"prefixed": "P_", "recorded": None} == {name: each.data_prefix for name, each in request.above.items()}
    assert (row,) == tuple(request.above["recorded"].ledger)


def test_what_cannot_be_evaluated_is_said() -> None:
    """An expression that fails with the values at hand raises what the driver turns into a failed attempt."""
    whole = graph(task("a", arguments={"x": parse("${{ fromJSON(params.text) }}")}))
    schedule, stories = opened(whole)

    with pytest.raises(EvaluationError):
        requests(whole, text="{").attempt(schedule, stories, "a", 1)
