"""Services that will not: each by the real command line, judged by who runs, who is left and what the report says."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, report_in, task_in
from tests.faults.programs import KILL_SWITCHED_OFF, laboratory, planted_copy

pytestmark = pytest.mark.real

SERVE = f"exec {sys.executable} {ROOT / 'tests/execute/server.py'} --port $TASKGRAPH_PORT"
FAMILY = "trap '' TERM; (setsid sleep 3600 &); sleep 3600 & echo up; while :; do sleep 0.1; done"


def ran(folder: Path, service: str, task: str = "{run: 'true', needs: [server]}", **how: Any) -> tuple[Any, Any, Any]:
    """Run one task that needs one service; answers what was seen, the service's report and the task's."""
    graph = f"version: 1\nservices:\n  server: {service}\ntasks:\n  user: {task}\n"
    (folder / "g.yaml").write_text(graph, encoding="utf-8")
    seen = laboratory(folder, "g.yaml", "-o", "quiet", **how)
    assert "Traceback" not in seen["err"] + seen["out"]
    assert [] == seen["left"]
    report = report_in(folder)
    return seen, report["services"][0], task_in(report, "user")


@pytest.mark.parametrize(
    ("service", "url"),
    [
        (f"{{run: '{SERVE}', port: 0, ready: {{tcp: true}}}}", True),
        (f"{{run: '{SERVE}', port: 0}}", True),
        ("{run: 'sleep 0.2; echo listening on 5432; exec sleep 60', ready: {log: '^listening on [0-9]+$'}}", False),
    ],
    ids=["tcp", "port-alone", "log"],
)
def test_a_service_is_waited_for(tmp_path: Path, service: str, url: bool) -> None:  # a case, not a call
    """By its port or by what it prints; then its user runs, and then it is stopped."""
    seen, server, user = ran(tmp_path, service)

    assert (0, "stopped", "succeeded") == (seen["code"], server["state"], user["state"])
    assert url == server["url"].startswith("http://127.0.0.1:")


def test_a_service_whose_condition_says_no_is_not_started(tmp_path: Path) -> None:
    """Its user runs without it: an `if` that says no is a service that is not wanted."""
    service = "{run: 'touch started; sleep 60', if: 'params.wanted'}\nparams: {wanted: {type: boolean, default: false}}"
    graph = f"version: 1\nservices:\n  server: {service}\ntasks:\n  user: {{run: 'true', needs: [server]}}\n"
    (tmp_path / "g.yaml").write_text(graph, encoding="utf-8")
    off = laboratory(tmp_path, "g.yaml")

    assert (0, "off", []) == (off["code"], report_in(tmp_path)["services"][0]["state"], off["left"])
    assert not (tmp_path / "started").exists()


def test_a_service_that_is_never_healthy_is_given_up(tmp_path: Path) -> None:
    """After its time, with the last reason and the last lines it printed; its user is blocked."""
    service = f"{{run: '{SERVE} --says hello', port: 0, ready: {{http: /missing, timeout: 1s}}}}"
    seen, server, user = ran(tmp_path, service)

    assert (1, "failed", "blocked") == (seen["code"], server["state"], user["state"])
    assert server["message"].startswith("not ready within 1 s: http://127.0.0.1:")
    assert server["message"].endswith("/missing: status 404")
    assert "hello" in server["lines"]


def test_a_service_that_dies_midway_fails_the_run_and_not_its_user(tmp_path: Path) -> None:
    """What runs goes on, the verdict is failed, and the report says by what it died."""
    service = "{run: 'echo up; sleep 0.5; echo last words; exit 7', ready: {log: up}}"
    seen, server, user = ran(tmp_path, service, "{run: 'sleep 1; touch done', needs: [server]}")

    assert (1, "failed", "succeeded") == (seen["code"], server["state"], user["state"])
    assert "exit code 7" in server["message"]
    assert "last words" in server["lines"]
    assert (tmp_path / "done").exists()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """Before anything is started."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        seen, server, user = ran(tmp_path, f"{{run: 'touch started; {SERVE}', port: {port}}}")

    assert (1, "failed", "blocked") == (seen["code"], server["state"], user["state"])
    assert f"port {port} is taken" in server["message"]
    assert not (tmp_path / "started").exists()


def test_a_chosen_port_that_is_snatched_is_tried_again(tmp_path: Path) -> None:
    """The first try says that its address is in use; the second gets another port."""
    command = f"if mkdir first; then echo Address already in use; exit 1; fi; {SERVE}"
    seen, server, user = ran(tmp_path, f"{{run: '{command}', port: 0, ready: {{tcp: true}}}}")

    assert (0, "stopped", "succeeded") == (seen["code"], server["state"], user["state"])


def test_a_service_deaf_to_sigterm_is_killed_after_its_stop_timeout(tmp_path: Path) -> None:
    """Not before, and not long after."""
    service = "{run: \"trap '' TERM; echo up; while :; do sleep 0.1; done\", ready: {log: up}, stop_timeout: 1500ms}"
    seen, server, _ = ran(tmp_path, service)

    assert (0, "stopped") == (seen["code"], server["state"])
    assert 1.4 < server["seconds"] < 4.0


def test_what_a_service_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A child, a daemon in a session of its own, and a shell deaf to SIGTERM."""
    seen, server, _ = ran(tmp_path, f'{{run: "{FAMILY}", ready: {{log: up}}, stop_timeout: 300ms}}')

    assert (0, "stopped", []) == (seen["code"], server["state"], seen["left"])


def test_the_judge_of_services_sees_who_is_left(tmp_path: Path) -> None:
    """The control: an engine that no longer kills leaves the family behind."""
    planted = planted_copy(tmp_path / "planted", KILL_SWITCHED_OFF)
    graph = f'version: 1\nservices:\n  server: {{run: "{FAMILY}", ready: {{log: up}}, stop_timeout: 300ms}}\n'
    (tmp_path / "g.yaml").write_text(f"{graph}tasks: {{user: {{run: 'true', needs: [server]}}}}\n", encoding="utf-8")
    seen = laboratory(tmp_path, "g.yaml", root=planted)

    assert [] != seen["left"]
