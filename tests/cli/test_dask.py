"""The same graph on a cluster, by the command line: the same report, the same end at Ctrl-C, clear words."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner.api import run as run_from_python
from tests.cli.command import ROOT, report_in, run, task_in
from tests.cli.terminal import OnTerminal
from tests.execute.dask_cluster import DaskCluster

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]
OF_THIS_RUN = {"run", "started", "finished", "seconds", "sequential_seconds", "speedup", "at", "pid", "worker", "lane"}
"""Fields of a report that are another for each run: its times, its processes, its places."""
SAID = {"story", "critical_path", "workers", "previous", "url", "port", "key"}
"""Fields that tell of times and places in words, or follow from them."""


def without_times(data: Any) -> Any:
    """Leave out what is another for each run."""
    match data:
        case dict():
            left_out = OF_THIS_RUN | SAID
            return {name: without_times(item) for name, item in data.items() if name not in left_out}
        case list():
            return [without_times(item) for item in data]
        case _:
            return data


@pytest.mark.xdist_group("newman")
def test_the_shipped_phase_has_the_same_report(tmp_path: Path) -> None:
    """Everything but times and places is the same: states, checks, outputs, ledger, verdict."""
    seen = []
    for words in ([], ["--executor", "dask"]):
        said = run(ROOT / "graphs/phase2.yaml", *words, cwd=tmp_path, timeout=200)
        report = report_in(tmp_path)
        seen.append((said.code, without_times(_told_by_ids(report))))

    assert 0 == seen[0][0]
    assert seen[0] == seen[1]


def _told_by_ids(report: dict[str, Any]) -> dict[str, Any]:
    """Answer what does not hold an address or an id that the backend has chosen."""
    for task in report["tasks"]:
        for check in task["checks"]:
            check["observed"] = check["observed"] if isinstance(check["observed"], bool | int) else "…"
            check["message"] = ""
        task["outputs"] = sorted(task["outputs"])
        task["ledger"] = [[row["action"], row["kind"]] for row in task["ledger"]]
        for attempt in task["attempts"]:
            attempt["message"] = ""
    report["services"] = [[service["id"], service["state"]] for service in report["services"]]
    return report


def test_ctrl_c_stops_it_in_good_order(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """The signal reaches the runner alone: tasks end as they are asked to, clean-ups run, nothing is left."""
    (tmp_path / "graph.yaml").write_text(
        "tasks:\n"
        "  long: {run: 'trap \"echo bye; exit 0\" TERM; for i in $(seq 600); do sleep 0.1; done'}\n"
        "  last: {run: echo swept, trigger: always, needs: [long]}\n"
    )
    terminal = on_terminal(tmp_path, "graph.yaml", "--executor", "dask", "-j", "2", "-o", "plain")
    terminal.wait_for("▶ long", 60)
    terminal.press("\x03")
    code = terminal.end()
    report = report_in(tmp_path)

    assert 130 == code
    assert ("cancelled", "succeeded") == (task_in(report, "long")["state"], task_in(report, "last")["state"])
    assert "bye" in terminal.screen
    assert "Traceback" not in terminal.screen
    assert [] == _processes_of(tmp_path)


def test_ctrl_c_ends_the_wait_for_a_worker(tmp_path: Path, on_terminal: OnTerminal) -> None:
    """There is no run yet; the exit code is that of the signal, as at any other time."""
    (tmp_path / "graph.yaml").write_text("tasks:\n  a: {run: 'true'}\n")
    with DaskCluster(0) as cluster:
        terminal = on_terminal(tmp_path, "graph.yaml", "--executor", "dask", "--dask-address", cluster.address)
        terminal.wait_for(f"waits for a worker of {cluster.address}, at most 300 s")
        terminal.press("\x03")
        code = terminal.end()

    assert 130 == code
    assert "error: stopped while it waited for the cluster" in terminal.screen


def _processes_of(folder: Path) -> list[str]:
    """Answer the command lines of processes that are in a folder."""
    found = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
    return found.stdout.split()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--dask-address", "tcp://h:1"], 2, "`--dask-address` is for a cluster: add `--executor dask`"),
        (["--ship"], 2, "`--ship` is for a cluster: add `--executor dask`"),
        (
            ["--executor", "dask", "--dask-address", "here"],
            2,
            "`here` is no address of a Dask scheduler; write one such",
        ),
        (["--executor", "dask", "--dask-wait", "soon"], 2, "`soon` is no time; write one such as 30s or 10m"),
        (["--executor", "dask", "--dask-address", "127.0.0.1:1"], 5, "no Dask scheduler answers at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, words: list[str], code: int, message: str) -> None:
    """Each with the exit code of whose fault it is, and no traceback."""
    (tmp_path / "graph.yaml").write_text("tasks:\n  a: {run: 'true'}\n")
    said = run("graph.yaml", *words, cwd=tmp_path)

    assert code == said.code
    assert message in said.err
    assert "Traceback" not in said.err + said.out


def test_a_run_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` of the API takes the same cluster, and its report says which worker did what, and of how many."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "graph.yaml").write_text("tasks:\n  a: {run: echo hello}\n  b: {run: 'true', needs: [a]}\n")
    report = run_from_python("graph.yaml", executor="dask", jobs=2)

    assert ("passed", 2) == (report.verdict, report.workers)
    assert all(task.attempts[0].worker.startswith("tcp://") for task in report.tasks)
    assert "hello\n" == (tmp_path / ".runner/latest" / report.tasks[0].attempts[0].log).read_text()
