"""What attempts have really done against what the runner says of them: marks against journal and report.

Each attempt of `marking` adds a line at its start and one at its end to a file of its task. Judges runs on a cluster,
where whole workers die. Uses nothing of ours but the words of graph file, journal and report.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

START, END = "start", "end"


def graph(seed: int, tasks: int, seconds: tuple[float, float], marks: Path, *, attempts: int, layers: int = 8) -> str:
    """Write a graph in layers of tasks that leave marks; only what was lost is tried again, at once."""
    chance = random.Random(seed)
    lines = ["version: 1", "name: marking", "tasks:"]
    for number in range(tasks):
        layer = number * layers // tasks
        before = [other for other in range(number) if other * layers // tasks == layer - 1]
        needs = chance.sample(before, min(len(before), chance.randint(1, 2)))
        retry = f"{{attempts: {attempts}, on: [lost], delay: 50ms, jitter: none, backoff: fixed}}"
        command = json.dumps(marking(marks, chance.uniform(*seconds)))
        needed = f", needs: [{', '.join(f't{each}' for each in sorted(needs))}]"
        lines.append(f"  t{number}: {{run: {command}, retry: {retry}{needed if needs else ''}}}")
    return "\n".join(lines) + "\n"


def marking(marks: Path, seconds: float) -> str:
    """Answer a command that leaves its marks in a file of its task's own."""
    mark = f'"$TASKGRAPH_TASK $TASKGRAPH_ATTEMPT" >> {marks}/$TASKGRAPH_TASK'
    return f"echo {START} {mark}; sleep {seconds:.2f}; echo {END} {mark}"


def marked(marks: Path) -> Counter[tuple[str, str, int]]:
    """Count the marks: which, of which task, of which attempt."""
    lines = [line.split() for file in marks.iterdir() for line in file.read_text(encoding="utf-8").splitlines()]
    return Counter((kind, task, int(attempt)) for kind, task, attempt in lines)


def recorded(run: Path) -> list[dict[str, Any]]:
    """Read the events of a run's journal; a torn last line is none."""
    told = []
    for line in (run / "journal.jsonl").read_bytes().splitlines():
        try:
            told.append(json.loads(line[line.index(b"{") :]))
        except ValueError:
            continue
    return told


def reported(run: Path) -> dict[str, Any]:
    """Read the report of a run."""
    report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return report


def lost(events: Iterable[dict[str, Any]]) -> int:
    """Count the attempts of which nobody can say how they ended."""
    return sum(_cause(event) == "lost" for event in events if event.get("is") == "AttemptEnded")


def successes(events: Iterable[dict[str, Any]]) -> set[str]:
    """Answer the tasks of whose success a journal tells."""
    return {event["task"] for event in events if event.get("is") == "AttemptEnded" and not _cause(event)}


def broken(marks: Path, run: Path) -> list[str]:
    """Answer every promise that a run from its start to its end has broken."""
    seen, events = marked(marks), recorded(run)
    found = [*_twice(seen, events), *_unsaid(seen, events), *_wrong(events, seen), *beside(marks)]
    return [*found, *_unfinished(reported(run))]


def beside(marks: Path) -> list[str]:
    """Answer the attempts that still ran when a later one of the same task had begun."""
    found = []
    for file in sorted(marks.iterdir()):
        latest = 0
        for line in file.read_text(encoding="utf-8").splitlines():
            _, task, attempt = line.split()
            found += [f"{task} {attempt} still ran when {latest} had begun"] if int(attempt) < latest else []
            latest = max(latest, int(attempt))
    return found


def _twice(seen: Counter[tuple[str, str, int]], events: Sequence[dict[str, Any]]) -> list[str]:
    """Whatever happened more than once: in the world, or in the journal."""
    told = Counter(
        (event["is"], event["task"], event["attempt"])
        for event in events
        if event.get("is") in {"AttemptStarted", "AttemptEnded"}
    )
    both = [*seen.items(), *told.items()]
    return [f"{count} times: {' '.join(map(str, what))}" for what, count in both if count > 1]


def _unsaid(seen: Counter[tuple[str, str, int]], events: Sequence[dict[str, Any]]) -> list[str]:
    """Whatever was done and is not told."""
    ended = {(event["task"], event["attempt"]) for event in events if event.get("is") == "AttemptEnded"}
    return [f"{task} {attempt} has run, and no end of it is told" for _, task, attempt in seen.keys() - _marks(ended)]


def _wrong(events: Sequence[dict[str, Any]], seen: Counter[tuple[str, str, int]]) -> list[str]:
    """Whatever is told otherwise than it was: a success that was none, or an end that is neither success nor lost."""
    ends = [event for event in events if event.get("is") == "AttemptEnded"]
    found = []
    for event in ends:
        task, attempt, cause = event["task"], event["attempt"], _cause(event)
        whole = bool(seen[START, task, attempt] and seen[END, task, attempt])
        found += [f"{task} {attempt} is told a success and has not run to its end"] if not cause and not whole else []
        found += (
            [f"{task} {attempt} ended as {cause}: {event['outcome']['message']}"] if cause not in {"", "lost"} else []
        )
    wins = Counter(event["task"] for event in ends if not _cause(event))
    return [*found, *(f"{task} has succeeded {count} times" for task, count in wins.items() if count > 1)]


def _unfinished(report: dict[str, Any]) -> list[str]:
    return [f"{task['id']} is {task['state']}" for task in report["tasks"] if task["state"] != "succeeded"]


def _marks(attempts: Iterable[tuple[str, int]]) -> set[tuple[str, str, int]]:
    return {(kind, *attempt) for kind in (START, END) for attempt in attempts}


def _cause(end: dict[str, Any]) -> str:
    """Answer why an attempt failed, nothing for a success."""
    return str(end["outcome"].get("cause", ""))
