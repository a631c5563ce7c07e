"""The commands that read, and the options that choose: each through the real command line."""

import json
import re
import socket
from pathlib import Path

import pytest

from runner.record.journal import read
from tests.cli.command import GRAPHS, environment, report_in, run

pytestmark = pytest.mark.real

CHOSEN = str(GRAPHS / "chosen.yaml")


def ran(folder: Path) -> dict[str, str]:
    """Answer the state of each task of the latest run."""
    return {task["id"]: task["state"] for task in report_in(folder)["tasks"]}


@pytest.mark.parametrize(
    ("words", "states"),
    [
        ([], {"a": "succeeded", "b": "succeeded", "c": "succeeded", "d": "failed"}),
        (["--only", "b"], {"b": "succeeded"}),
        (["--only", "b", "--only", "d"], {"b": "succeeded", "d": "failed"}),
        (["--until", "b"], {"a": "succeeded", "b": "succeeded"}),
        (["--tag", "early"], {"a": "succeeded", "b": "succeeded"}),
        (["--tag", "middle"], {"b": "succeeded"}),
        (["--skip", "b"], {"a": "succeeded", "b": "skipped", "c": "skipped", "d": "failed"}),
        (["--until", "c", "--skip", "a"], {"a": "skipped", "b": "skipped", "c": "skipped"}),
    ],
)
def test_chosen_tasks_run_and_no_others(tmp_path: Path, words: list[str], states: dict[str, str]) -> None:
    """Each way of choosing runs just the tasks it names; the report made later from the folder says the same."""
    said = run(CHOSEN, *words, cwd=tmp_path)

    assert 0 == said.code, said.out + said.err
    assert states == ran(tmp_path)
    later = json.loads(run("report", "--json", cwd=tmp_path).out)
    assert states == {task["id"]: task["state"] for task in later["tasks"]}


def test_from_keeps_what_lies_above(tmp_path: Path) -> None:
    """--from runs a task and all below it; what they need is kept from the latest success, and named with its run."""
    refused = run(CHOSEN, "--from", "b", cwd=tmp_path)

    assert 3 == refused.code
    assert "no-earlier-success" in refused.err

    run(CHOSEN, cwd=tmp_path)
    first = report_in(tmp_path)["run"]
    said = run(CHOSEN, "--from", "b", cwd=tmp_path)

    assert 0 == said.code, said.out + said.err
    assert {"a": "kept", "b": "succeeded", "c": "succeeded"} == ran(tmp_path)
    assert first == report_in(tmp_path)["tasks"][0]["kept_from"]


@pytest.mark.parametrize("words", [["--only", "bb"], ["--tag", "middel"], ["--skip", "x"]])
def test_a_choice_that_matches_nothing_is_exit_4(tmp_path: Path, words: list[str]) -> None:
    """A name or a tag that is not in the graph starts nothing."""
    said = run(CHOSEN, *words, cwd=tmp_path)

    assert 4 == said.code
    assert f"`{words[1]}`" in said.err
    assert not (tmp_path / ".runner").exists()


def test_a_dry_run_starts_nothing(tmp_path: Path) -> None:
    """-n says what would run, in which order, and leaves no trace."""
    said = run(CHOSEN, "-n", "-j", "1", cwd=tmp_path)

    assert 0 == said.code, said.err
    assert ["a", "b", "c", "d"] == re.findall(r"^[* ] (\w) ", said.out, re.MULTILINE)
    assert not (tmp_path / ".runner").exists()


def test_parameters_come_from_a_file_and_the_command_line(tmp_path: Path) -> None:
    """--params-file gives values, -p wins over it, and a file that is no JSON object is a wrong command line."""
    (tmp_path / "p.json").write_text('{"word": "file"}', encoding="utf-8")
    (tmp_path / "bad.json").write_text("[1]", encoding="utf-8")
    run(CHOSEN, "--params-file", "p.json", cwd=tmp_path)
    from_file = report_in(tmp_path)["params"]
    run(CHOSEN, "--params-file", "p.json", "-p", "word=line", cwd=tmp_path)

    assert [{"word": "file"}, {"word": "line"}] == [from_file, report_in(tmp_path)["params"]]
    assert 2 == run(CHOSEN, "--params-file", "bad.json", cwd=tmp_path).code
    assert 2 == run(CHOSEN, "--params-file", "none.json", cwd=tmp_path).code


def test_events_are_written_as_they_happen(tmp_path: Path) -> None:
    """--events holds one JSON object a line, the same events as the journal."""
    run(CHOSEN, "--events", "events.jsonl", cwd=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    journal = read(tmp_path / ".runner/latest/journal.jsonl").events

    assert [type(event).__name__ for event in journal] == [line["is"] for line in lines]


def test_every_decision_is_in_the_log_when_asked_for(tmp_path: Path) -> None:
    """Without a wish nothing is logged for an ordinary run; DEBUG has each start, end and reason."""
    run(CHOSEN, cwd=tmp_path)
    assert not (tmp_path / ".runner/runner.log").exists()

    run(CHOSEN, "--skip", "b", "--log-level", "DEBUG", cwd=tmp_path)
    log = (tmp_path / ".runner/runner.log").read_text(encoding="utf-8")

    for words in ("`a` attempt 1 runs", "`d` attempt 1 failed (exit_code", "`b` is skipped: left out by name"):
        assert words in log


def test_history_lists_runs_newest_first(tmp_path: Path) -> None:
    """History has a row a run with its verdict and what failed; a run without a report is told as interrupted."""
    for words in ([], ["--only", "d"], ["--only", "a"]):
        run(CHOSEN, *words, cwd=tmp_path)
    (tmp_path / ".runner/latest/report.json").unlink()
    rows = json.loads(run("history", "--json", cwd=tmp_path).out)

    assert 3 == len(rows)
    assert sorted((row["run"] for row in rows), reverse=True) == [row["run"] for row in rows]
    assert ["passed"] * 3 == [row["verdict"] for row in rows]
    assert [[], ["d"], ["d"]] == [row["failed"] for row in rows]
    summary, *shown = run("history", cwd=tmp_path).out.splitlines()
    assert f"{CHOSEN}: 3 of 3 runs passed" in summary
    assert [row["run"] for row in rows] == [line.split()[0] for line in shown]
    assert [] == json.loads(run("history", "other.yaml", "--json", cwd=tmp_path).out)


def test_a_damaged_run_leaves_the_others_readable(tmp_path: Path) -> None:
    """A run folder that is damaged is named as unreadable; the others are shown."""
    run(CHOSEN, cwd=tmp_path)
    damaged = next((tmp_path / ".runner/runs").iterdir())
    (damaged / "report.json").unlink()
    lines = (damaged / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (damaged / "journal.jsonl").write_bytes(lines[0] + b"damaged\n" + b"".join(lines[2:]))
    run(CHOSEN, cwd=tmp_path)

    assert ["passed", "unreadable"] == [
        row["verdict"] for row in json.loads(run("history", "--json", cwd=tmp_path).out)
    ]
    said = run("report", damaged.name, cwd=tmp_path)
    assert 5 == said.code
    assert "journal.jsonl:2: the journal is damaged here" in said.err


def test_logs_print_what_a_task_printed(tmp_path: Path) -> None:
    """Logs prints the output of a task's last attempt; a task that printed nothing or is not there is told apart."""
    run(CHOSEN, "-p", "word=bird", cwd=tmp_path)

    assert "a bird\n" == run("logs", "latest", "a", cwd=tmp_path).out
    assert "c\nc again\n" == run("logs", "latest", "c", cwd=tmp_path).out
    assert 2 == run("logs", "latest", "zebra", cwd=tmp_path).code


def test_show_has_every_attempt(tmp_path: Path) -> None:
    """Show prints the summary and then each attempt, also of tasks that did well."""
    run(CHOSEN, cwd=tmp_path)
    said = run("show", "latest", cwd=tmp_path)

    assert 0 == said.code
    assert 4 == said.out.count("attempt 1:")
    assert "exit code 3" in said.out


def test_list_names_the_tasks(tmp_path: Path) -> None:
    """List has a row a task in the order of the file, with what it needs."""
    said = run("list", CHOSEN, cwd=tmp_path)

    assert ["a  the first", "b   (needs a)", "c   (needs b)", "d   (needs a)"] == said.out.splitlines()
    rows = json.loads(run("list", CHOSEN, "--json", cwd=tmp_path).out)
    assert [["early"], ["early", "middle"], [], []] == [row["tags"] for row in rows]


def test_the_schema_is_printed(tmp_path: Path) -> None:
    """Schema prints a JSON Schema that knows the keys of a graph."""
    said = run("schema", cwd=tmp_path)

    assert {"tasks", "services", "params"} <= json.loads(said.out)["properties"].keys()


FIT_FOR_NOBODY = """\
version: 1
params:
  base_url: {{type: string}}
services:
  s: {{run: serve, port: {port}, ready: {{http: /}}}}
tasks:
  a: {{run: 'true', needs: [s], memory: 900GiB}}
"""


def test_the_doctor_says_what_is_missing(tmp_path: Path) -> None:
    """Doctor has a line a look; a backend that does not answer and a taken port are failures, a key is never shown."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "g.yaml").write_text(FIT_FOR_NOBODY.format(port=port), encoding="utf-8")
        env = environment(POSTMAN_API_KEY="PMAK-never-shown")
        said = run("doctor", "g.yaml", "-p", "base_url=http://127.0.0.1:9", cwd=tmp_path, env=env)

    assert 1 == said.code, said.err
    lines = said.out.splitlines()
    assert any(line.startswith("failure  backend http://127.0.0.1:9: down") for line in lines)
    assert any(line.startswith(f"failure  port {port} of service s: taken") for line in lines)
    assert any(line.startswith("warning  memory:") for line in lines)
    assert "ok       POSTMAN_API_KEY: set" in lines
    assert "never-shown" not in said.out + said.err


def test_the_doctor_names_secrets_that_are_not_set_and_shows_none(tmp_path: Path) -> None:
    """One line each, for all tasks; what the graph sets itself is not asked for, and a key is not told of twice."""
    (tmp_path / "g.yaml").write_text(
        "secrets: [SET, MISSING, POSTMAN_API_KEY]\nenv: {OURS: x-y-z}\n"
        "tasks: {a: {run: 'true', secrets: [OWN, OURS]}}\n",
        encoding="utf-8",
    )
    said = run("doctor", "g.yaml", cwd=tmp_path, env=environment(SET="hunter22", POSTMAN_API_KEY="PMAK-hunter33"))

    wanted = ("SET", "MISSING", "OWN", "OURS", "POSTMAN_API_KEY")
    found = [line.split(": ")[0].split() for line in said.out.splitlines() if any(name in line for name in wanted)]
    assert [["ok", "SET"], ["warning", "MISSING"], ["warning", "OWN"], ["ok", "POSTMAN_API_KEY"]] == found
    assert "hunter" not in said.out + said.err


def test_the_doctor_believes_a_folder_only_when_it_has_written_there(tmp_path: Path) -> None:
    """Root may do anything by its rights, and still cannot write in /proc."""
    said = run("doctor", "--state-dir", "/proc/x", cwd=tmp_path)

    assert 1 == said.code
    assert re.search(r"^failure  state folder: /proc/x; /proc cannot be written", said.out, re.MULTILINE)


def test_the_doctor_is_content_with_a_machine_that_is_fit(tmp_path: Path) -> None:
    """Without a graph the doctor looks at the machine alone; warnings do not fail."""
    assert 0 == run("doctor", cwd=tmp_path).code


@pytest.mark.parametrize("words", [["validate"], ["validate", "--static"], ["run"], []])
def test_github_is_told_where_each_problem_is(tmp_path: Path, words: list[str]) -> None:
    """Whichever command finds them; only there, and never among JSON."""
    (tmp_path / "g.yaml").write_text("tasks:\n  a: {run: make, tiemout: 5m}\n  b: {run: make, needs: [c]}\n", "utf-8")
    notes = [
        "::error file=g.yaml,line=2,col=18,endColumn=25,title=unknown-key::",
        "::error file=g.yaml,line=3,col=26,endColumn=27,title=unknown-need::",
    ]
    said = run(*words, "g.yaml", cwd=tmp_path, env=environment(GITHUB_ACTIONS="true"))
    elsewhere = run(*words, "g.yaml", cwd=tmp_path)
    as_json = run(*words, "g.yaml", "--json", cwd=tmp_path, env=environment(GITHUB_ACTIONS="true"))

    assert notes == [line[: line.rindex("::") + 2] for line in said.out.splitlines() if line.startswith("::")]
    assert "::" not in elsewhere.out
    assert "::" not in as_json.out
