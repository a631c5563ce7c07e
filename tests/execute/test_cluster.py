"""A real Dask cluster on this machine: what the engine is known to do by itself, and must not do to us."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.clock import WallClock
from runner.errors import Problem, RunnerFault
from runner.execute.cluster import Cluster, Where
from runner.execute.errands import Opening, Settlement
from runner.execute.heard import Heard, HostRefused
from runner.execute.link import Link
from runner.execute.pool import Pool
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    Noted,
    SlotsChanged,
    StartAttempt,
    StopAttempt,
)
from runner.task import Artifact, Cause, Failed, NeedResult, OutputFile, Request, Signature, Succeeded
from tests.execute.dask_cluster import DaskCluster
from tests.execute.pools import ENV, ROOT

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("dask")]


class Site:
    """A cluster's executor, and everything that came out of it so far."""

    def __init__(self, folder: Path, address: str | None, **where: Any) -> None:
        self.folder = folder
        (folder / "receipts").mkdir(parents=True, exist_ok=True)
        self.clock = WallClock()
        place = Where(address=address, **{"patience": 30.0, **where})
        self.cluster = Cluster(Pool(None, self.clock), self.clock, place)
        self.events: list[Event] = []

    def open(self) -> Site:
        """Wait for the workers, and say where files belong."""
        self.cluster.gather(None)
        self.cluster.open(self.folder)
        return self

    def hide_the_folder(self) -> Site:
        """Let the hosts think that they do not see the run's folder."""
        self.cluster._settled = True
        store = self.cluster._abroad.store
        self.cluster._link.settle(Settlement(folder=str(self.folder), token="nowhere", store=store))
        return self

    def start(self, task: str, uses: str | None = None, attempt: int = 1, **fields: Any) -> None:
        """Start an attempt; `uses` is a function of steps.py unless it names a module."""
        if uses is not None and ":" not in uses:
            uses = f"tests.execute.steps:{uses}"
        given = {
            "env": ENV,
            "workdir": str(self.folder),
            "path": (ROOT,),
            "outputs": str(self.folder / "outputs"),
            "receipts": str(self.folder / "receipts"),
            **fields,
        }
        request = Request(run="20261129-run", task=task, attempt=attempt, uses=uses, **given)
        self.cluster.start(StartAttempt(task=task, attempt=attempt), request)

    def until(self, known: Callable[[], Any], limit: float = 30.0) -> Any:
        """Wait until something is true, and answer it."""
        end = self.clock.now() + limit
        while not (found := known()) and self.clock.now() < end:
            self.events += self.cluster.wait(min(0.5, end - self.clock.now()))
        assert found, self.events
        return found

    def of(self, kind: type[Event], task: str) -> list[Any]:
        """Answer the events of a kind about a task."""
        return [each for each in self.events if isinstance(each, kind) and getattr(each, "task", "") == task]

    def end_of(self, task: str, limit: float = 30.0) -> AttemptEnded:
        """Wait for the end of a task."""
        end: AttemptEnded = self.until(lambda: self.of(AttemptEnded, task), limit)[0]
        return end

    def begun(self, task: str) -> AttemptStarted:
        """Wait for the beginning of a task."""
        started: AttemptStarted = self.until(lambda: self.of(AttemptStarted, task))[0]
        return started

    def outputs(self, task: str) -> Any:
        """Wait for a success, and answer its outputs."""
        outcome = self.end_of(task).outcome
        assert isinstance(outcome, Succeeded), outcome
        return outcome.outputs

    def failure(self, task: str, limit: float = 30.0) -> Failed:
        """Wait for a failure, and answer it."""
        outcome = self.end_of(task, limit).outcome
        assert isinstance(outcome, Failed), outcome
        return outcome

    def idle(self, seconds: float) -> None:
        """Let that much time pass, and take in what happens."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.events += self.cluster.wait(end - self.clock.now())


@pytest.fixture
def site(tmp_path: Path, dask_address: str) -> Iterator[Site]:
    """Be at the cluster of the session."""
    made = Site(tmp_path / "run", dask_address).open()
    yield made
    made.cluster.close()


@pytest.fixture
def own() -> Iterator[DaskCluster]:
    """Start a cluster of two workers that a test may do anything to."""
    with DaskCluster(2) as cluster:
        yield cluster


# -- what the engine would do by itself --------------------------------------------------------------------------------


def test_equal_calls_are_not_taken_for_one(site: Site) -> None:
    """Dask takes the result of an equal call for its own; two tasks that ask the same are still two attempts."""
    lines = site.folder / "lines"
    for task in ("a", "b", "c"):
        site.start(task, command=f"echo once >> {lines}")
    for task in ("a", "b", "c"):
        assert isinstance(site.end_of(task).outcome, Succeeded)

    assert ["once"] * 3 == lines.read_text().split()


def test_the_work_of_a_lost_worker_is_done_again_by_nobody(own: DaskCluster, tmp_path: Path) -> None:
    """Dask does it again by itself, three times; here it is lost, once, and the schedule decides."""
    site, lines = Site(tmp_path / "run", own.address).open(), tmp_path / "lines"
    site.start("a", command=f"echo begun >> {lines}; sleep 60")
    worker = site.begun("a").worker
    site.until(lines.exists)
    own.kill(worker)
    failure = site.failure("a")
    site.until(lambda: site.cluster.slots == 2)  # the nanny has started another one
    site.idle(1.0)
    site.start("again", command="true")
    site.outputs("again")
    site.cluster.close()

    assert Cause.LOST is failure.cause
    assert f"its worker is gone ({worker})" == failure.message
    assert ["begun"] == lines.read_text().split()
    assert 1 == len(site.of(AttemptEnded, "a"))


def test_nobody_is_blamed_for_where_he_was(own: DaskCluster, tmp_path: Path) -> None:
    """Dask fails what merely waited at workers that died; here what waits is with us, and simply goes elsewhere."""
    site = Site(tmp_path / "run", own.address).open()
    for task in ("first", "second", "third", "fourth"):
        site.start(task, "step", arguments={"seconds": 60.0 if task == "first" else 0.3, "stop_takes": 0.0})
    own.kill(site.begun("first").worker)
    failure = site.failure("first")
    ends = [site.end_of(task).outcome for task in ("second", "third", "fourth")]
    site.cluster.close()

    assert Cause.LOST is failure.cause
    assert [Succeeded] * 3 == [type(each) for each in ends]


def test_a_worker_that_is_retired_is_lost_as_any(own: DaskCluster, tmp_path: Path) -> None:
    """Dask moves the work of a worker that leaves in good order to another one; an attempt is never moved."""
    site = Site(tmp_path / "run", own.address).open()
    site.start("a", "step", arguments={"seconds": 60.0, "stop_takes": 0.0})
    started = site.begun("a")
    own.retire(started.worker)
    failure = site.failure("a")
    site.idle(1.0)
    site.cluster.close()

    assert Cause.LOST is failure.cause
    assert 1 == len(site.of(AttemptStarted, "a"))
    assert not Path(f"/proc/{started.pid}").exists()


def test_slots_follow_the_cluster(own: DaskCluster, tmp_path: Path) -> None:
    """Each worker that comes or goes is told, as slots."""
    site = Site(tmp_path / "run", own.address).open()
    site.idle(0.1)
    own.scale(4)
    site.until(lambda: site.cluster.slots == 4)
    own.scale(1)
    site.until(lambda: site.cluster.slots == 1)
    site.idle(0.1)
    told = [event.workers for event in site.events if isinstance(event, SlotsChanged)]
    site.cluster.close()

    assert 4 == max(told)
    assert 1 == told[-1]


# -- what is ours to do ------------------------------------------------------------------------------------------------


def test_what_it_prints_comes_back(site: Site) -> None:
    """The log lies in the run's folder, in the order in which it was printed, whatever bytes."""
    site.start("a", command=r"printf 'one\n\377two\n'; printf 'three\n' >&2; seq 20000")
    end = site.end_of("a")
    expected = b"one\n\xfftwo\nthree\n" + b"".join(b"%d\n" % number for number in range(1, 20001))

    assert expected == (site.folder / end.log).read_bytes()


def test_a_limit_is_kept_where_the_work_is(site: Site) -> None:
    """Memory is looked at by the host; time by the runner, and by the host if nothing is heard of him."""
    site.start("greedy", "hoard", arguments={"size": 200 * 2**20}, memory=100 * 2**20)
    site.start("late", command="sleep 60", deadline=0.2)

    assert Cause.OUT_OF_MEMORY is site.failure("greedy").cause
    assert (Cause.TIMED_OUT, "it ran longer than its limit") == (
        site.failure("late").cause,
        site.failure("late").message,
    )


def test_an_attempt_has_the_workers_machine_around_it(site: Site) -> None:
    """Variables that say where things are come from there, all others from here."""
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "GREETING": "hello"}
    site.start("a", command='echo "$GREETING $TASKGRAPH_PYTHON" > out', env=env, own_env={"TASKGRAPH_RUN": "r"})
    site.end_of("a")

    assert ["hello", os.path.realpath(sys.executable)] == [
        os.path.realpath(word) if "/" in word else word for word in (site.folder / "out").read_text().split()
    ]


def test_secrets_are_masked_there(site: Site) -> None:
    """What holds a secret never leaves the worker in clear."""
    env = {**ENV, "TOKEN": "hunter2hunter2"}
    site.start("a", command="echo $TOKEN", env=env, secrets=("TOKEN",))
    end = site.end_of("a")

    assert b"hunter2" not in (site.folder / end.log).read_bytes()
    assert b"***" in (site.folder / end.log).read_bytes()


def test_functions_are_described_at_a_worker(site: Site) -> None:
    """A signature comes from there; what cannot be imported is a problem that names the worker."""
    request = Request(run="", task="", attempt=0, env=ENV, workdir=str(site.folder), path=(ROOT,))
    told = site.cluster.describe({"tests.execute.steps:pid": request, "nowhere.at_all:f": request})
    problem = told["nowhere.at_all:f"]

    assert isinstance(told["tests.execute.steps:pid"], Signature)
    assert isinstance(problem, Problem)
    assert problem.message.startswith(
        "`nowhere.at_all:f` cannot be imported: ModuleNotFoundError: No module named 'nowhere' (on the worker tcp://"
    )


def test_shipped_packages_are_found_there(tmp_path: Path, dask_address: str) -> None:
    """A package that is in no import path of the worker comes along, also for workers of later attempts."""
    (tmp_path / "code" / "shipped").mkdir(parents=True)
    (tmp_path / "code" / "shipped" / "__init__.py").write_text("")
    (tmp_path / "code" / "shipped" / "deep.py").write_text("def who() -> str:\n    return __file__\n")
    site = Site(tmp_path / "run", dask_address, ships=True)
    request = Request(run="", task="", attempt=0, env=ENV, workdir=str(tmp_path), path=(str(tmp_path / "code"),))
    told = site.cluster.describe({"shipped.deep:who": request})
    site.open()
    (tmp_path / "code").rename(tmp_path / "gone")
    for number in range(6):
        site.start(f"t{number}", "shipped.deep:who")
    files = {site.outputs(f"t{number}")["value"] for number in range(6)}
    site.cluster.close()

    assert isinstance(told["shipped.deep:who"], Signature)
    assert all(file.endswith("packages/shipped/deep.py") for file in files)
    assert not any(Path(file).exists() for file in files)


@pytest.mark.parametrize("stored", [False, True])
def test_files_come_and_go_where_the_folder_is_not_seen(
    tmp_path: Path, dask_address: str, stored: bool
) -> None:  # pytest's
    """Artifacts and large outputs come back, or go to a place of fsspec's; either way they are handed on."""
    store = f"file://{tmp_path}/store" if stored else ""
    site = Site(tmp_path / "run", dask_address, store=store).open().hide_the_folder()
    place = f"{store}/run" if stored else str(site.folder)
    site.start("a", command="head -c 9000000 /dev/urandom > big", promises=("big",), workdir=str(tmp_path))
    site.start("b", "many", arguments={"count": 400_000})
    kept = site.until(lambda: site.of(Noted, "a"))[0].note
    large = site.end_of("b").outcome
    site.outputs("a")
    assert isinstance(kept, Artifact)
    assert isinstance(large, Succeeded), large
    (name, file) = next(iter(large.files.items()))
    where = kept.path if stored else f"{site.folder}/{kept.path}"
    needs = {
        "a": NeedResult(id="a", state="succeeded", artifacts={"big": where}),
        "b": NeedResult(id="b", state="succeeded", files={name: file}),
    }
    for number in range(3):  # at each of the workers
        site.start(f"c{number}", command=f"wc -c < {where}; sha256sum < {where}; sleep 0.5", needs=needs)
    printed = [(site.folder / site.end_of(f"c{number}").log).read_text().split()[:2] for number in range(3)]
    site.start("d", "length_of", needs=needs, arguments={"need": "b", "output": name})
    length = site.outputs("d")
    site.cluster.close()
    at_home = [each for each in ("artifacts", "outputs") if (site.folder / each).exists()]
    at = Path(place.removeprefix("file://"))
    paths = [path.removeprefix(f"{place}/") for path in (kept.path, file.file)]

    assert isinstance(file, OutputFile)
    assert [] == at_home or not stored
    assert [9_000_000, file.size] == [(at / path).stat().st_size for path in paths]
    assert [["9000000", kept.digest]] * 3 == printed
    assert {"value": 400_000} == length


def test_an_end_waits_for_its_files_however_long_they_take(tmp_path: Path, dask_address: str) -> None:
    """The call has returned long ago, and nobody takes the attempt for one that ended without a word."""
    site = Site(tmp_path / "run", dask_address).open().hide_the_folder()
    site.start("a", command="truncate -s 700M big", promises=("big",), workdir=str(tmp_path))
    began = site.clock.now()
    site.outputs("a")
    kept = site.of(Noted, "a")[0].note
    site.cluster.close()

    assert 700 * 2**20 == (site.folder / kept.path).stat().st_size
    assert 2.0 < site.clock.now() - began, "or this shows nothing: it is looked at twice a second"


def test_a_worker_that_cannot_be_settled_is_not_used(tmp_path: Path, dask_address: str) -> None:
    """What went there ends at once, with the reason, instead of waiting for ever."""
    site = Site(tmp_path / "run", dask_address, patience=1.0).open()
    site.cluster._settled = True
    site.cluster._link.settle(Settlement(folder=str(site.folder), token="nowhere", archive=b"no archive"))
    site.start("a", command="true")
    failure = site.failure("a")
    with pytest.raises(RunnerFault, match="go on with --resume"):
        site.idle(20.0)
    site.cluster.close()

    assert Cause.LOST is failure.cause
    assert failure.message.startswith("its worker cannot be used: File is not a zip file (tcp://")


def test_a_store_that_takes_nothing_fails_the_attempt(tmp_path: Path, dask_address: str) -> None:
    """The message says which place, and why."""
    site = Site(tmp_path / "run", dask_address, store="nowhere://bucket").open().hide_the_folder()
    site.start("a", "many", arguments={"count": 400_000})
    failure = site.failure("a")
    site.cluster.close()

    assert Cause.BAD_OUTPUT is failure.cause
    assert "nowhere://bucket/run does not take its files: ValueError: Protocol not known: nowhere" in failure.message


def test_a_worker_that_lacks_what_is_required_gets_nothing(tmp_path: Path) -> None:
    """A task waits for a worker that has it; where none ever could, it fails after the time that is waited."""
    with DaskCluster(1, threads_per_worker=2, resources={"GPU": 1}) as cluster:
        site = Site(tmp_path / "run", cluster.address, patience=1.0).open()
        for task in ("a", "b"):
            site.start(task, "step", arguments={"seconds": 0.3, "stop_takes": 0.0}, requires={"gpu": 1})
        site.start("never", command="true", requires={"tpu": 1})
        first, second = site.end_of("a"), site.begun("b")
        failure = site.failure("never")
        site.end_of("b")
        site.cluster.close()

    assert first.at <= second.at
    assert (Cause.BAD_PARAMETERS, "no worker of the cluster has what it requires, for 1 s: tpu: 1") == (
        failure.cause,
        failure.message,
    )


# -- inside the worker -------------------------------------------------------------------------------------------------


def test_trusted_functions_run_inside_the_worker(site: Site) -> None:
    """They have its process; short ones are handed over ahead, and what waits behind a slow one is taken back."""
    for number in range(40):
        site.start(f"t{number}", "pid", isolation="worker")
    pids = {site.outputs(f"t{number}")["value"] for number in range(40)}
    ahead = max(event.slots for event in site.events if isinstance(event, SlotsChanged))
    for number in range(30):
        site.start(f"s{number}", "pid_after", isolation="worker", arguments={"seconds": 1.0 if number < 3 else 0.0})
    ends = site.until(
        lambda: (
            found
            if len(
                found := [e for e in site.events if isinstance(e, AttemptEnded | AttemptReturned) and e.task[0] == "s"]
            )
            == 30
            else None
        )
    )

    assert 3 == len(pids)
    assert 3 < ahead
    assert {started.pid for task in ("t0", "t1") for started in site.of(AttemptStarted, task)} <= pids
    assert 30 == len({end.task for end in ends})


def test_a_stop_inside_is_raised_in_the_thread(site: Site) -> None:
    """A function of Python hears it at once; the worker is whole afterwards."""
    site.start("a", "spins", isolation="worker")
    site.until(lambda: site.of(Noted, "a"))
    site.cluster.stop(StopAttempt(task="a", attempt=1, cause=Cause.TIMED_OUT, kill_after=20.0, message="too long"))
    failure = site.failure("a")
    site.start("b", "pid", isolation="worker")

    assert (Cause.TIMED_OUT, "too long") == (failure.cause, failure.message)
    assert site.outputs("b")


# -- where it goes wrong -----------------------------------------------------------------------------------------------


def test_no_scheduler_is_a_clear_fault(tmp_path: Path) -> None:
    """An address where nobody answers is told as such, soon."""
    site = Site(tmp_path / "run", "tcp://127.0.0.1:1")
    with pytest.raises(
        RunnerFault, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1: Timed out trying to connect"
    ):
        site.open()
    site.cluster.close()


def test_no_worker_is_a_fault_after_a_while(tmp_path: Path) -> None:
    """A cluster without workers is waited for, but not for ever."""
    with DaskCluster(0) as cluster:
        site = Site(tmp_path / "run", cluster.address, patience=1.0)
        with pytest.raises(RunnerFault, match=r"nothing could be done at tcp://.* for 1 s: it has no worker"):
            site.open()
        site.cluster.close()


def test_a_worker_of_another_version_is_refused(dask_address: str) -> None:
    """It says which version it has, and which is wanted."""
    opening = Opening(crew="taskgraph-other", topic="", version="9.9", python="", started_in="/")
    heard: list[Heard] = []
    link = Link(dask_address, 0, opening, lambda: heard.append(link.heard.popleft()))
    until = time.monotonic() + 10
    while len([each for each in heard if isinstance(each, HostRefused)]) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    link.close()
    refused = {each.why for each in heard if isinstance(each, HostRefused)}

    assert {"it has version 0.1.0 of the runner, and the runner is 9.9"} == refused


def test_the_end_of_the_scheduler_loses_what_is_under_way(own: DaskCluster, tmp_path: Path) -> None:
    """All is lost once, and after a time without a worker the run is given up, to be resumed."""
    site = Site(tmp_path / "run", own.address, patience=3.0).open()
    site.start("a", "step", arguments={"seconds": 60.0, "stop_takes": 0.0})
    pid = site.begun("a").pid
    own.end()
    failure = site.failure("a")
    with pytest.raises(RunnerFault, match="go on with --resume"):
        site.idle(30.0)
    site.cluster.close()

    assert Cause.LOST is failure.cause
    assert not Path(f"/proc/{pid}").exists()


def test_a_host_leaves_when_nobody_asks_any_more(own: DaskCluster, tmp_path: Path) -> None:
    """A runner that is killed says nothing; the scheduler forgets its keys, and the attempts end."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[3])\n"
        "from pathlib import Path\n"
        "from tests.execute.test_cluster import Site\n"
        "site = Site(Path(sys.argv[1]), sys.argv[2]).open()\n"
        "site.start('a', 'step', arguments={'seconds': 60.0, 'stop_takes': 0.0})\n"
        "print(site.begun('a').pid, flush=True)\n"
        "site.idle(60)\n"
    )
    pid = asyncio.run(_killed_once_it_speaks(program, str(tmp_path / "run"), own.address, ROOT))
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.05)

    assert not Path(f"/proc/{pid}").exists()


async def _killed_once_it_speaks(program: str, *arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    process.kill()
    await process.wait()
    return int(line)
