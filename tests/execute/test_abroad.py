"""The attempts at hosts: thousands of random games against a model of hosts, judged by a referee of its own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

import runner.execute.abroad
from runner.execute.abroad import Abroad, output_for
from runner.execute.errands import Over, Printed, ToHost
from runner.execute.heard import Parcel
from runner.schedule.messages import AttemptEnded
from runner.task import Request, Succeeded
from tests.execute.hosts import Game
from tests.execute.planting import UNTOUCHED, Bug, planted

CHUNKS = 8
GAMES = 150


def played(kind: type[Abroad], seed: int) -> Game:
    """Play one game to its end."""
    game = Game(kind, Random(seed))
    game.play()
    return game


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_comes_each_attempt_ends_once_and_as_it_must(chunk: int) -> None:
    """Hosts come and go, messages are late, doubled and out of order; the seed of a game that fails is in the trace."""
    seen: Counter[str] = Counter()
    for seed in range(chunk * GAMES, chunk * GAMES + GAMES):
        seen.update(played(Abroad, seed).seen)

    rare = {"AttemptStarted", "AttemptReturned", "AttemptEnded", "Noted", "broken", "lost", "stopped", "ahead", "short"}
    assert not {what for what in rare if seen[what] < GAMES // 20}, seen


BUGS = (
    UNTOUCHED,
    Bug(
        "what is over is believed",
        "        del self._in_hand[attempt.key], self._keys[attempt.request.task, attempt.request.attempt]\n",
        "",
    ),
    Bug("the last stop says why", "attempt.stop = attempt.stop or command", "attempt.stop = command"),
    Bug(
        "a second stop is not told",
        "            self._carrier.tell(attempt.host, StopErrand(",
        "            attempt.stop is not command or self._carrier.tell(attempt.host, StopErrand(",
    ),
    Bug(
        "only what has begun is lost with its host",
        "if each.host == address]:",
        "if each.host == address and each.begun is not None]:",
    ),
    Bug(
        "what was stopped is lost with its host",
        "of_loss(Failed(cause=Cause.LOST, message=why + begun), attempt.stop)",
        "Failed(cause=Cause.LOST, message=why + begun)",
    ),
    Bug("what was stopped is lost at its host", "of_loss(end.outcome, attempt.stop)", "end.outcome"),
    Bug(
        "the stop's cause counts, whatever came first",
        "of_loss(end.outcome, attempt.stop)",
        "end.outcome if attempt.stop is None else Failed(cause=attempt.stop.cause)",
    ),
    Bug("nothing is forgotten", "self._carrier.forget(attempt.key)", "pass"),
    Bug(
        "what waits is forgotten, too",
        "        if attempt.host:\n            self._carrier.forget(attempt.key)\n",
        "        self._carrier.forget(attempt.key)\n        if attempt.host:\n",
    ),
    Bug("a place stays taken", "            self.placing.over(attempt.host, attempt.key)\n", ""),
    Bug(
        "a place is given to nobody who waits",
        "self.placing.over(attempt.host, attempt.key)\n            self._place_waiting()",
        "self.placing.over(attempt.host, attempt.key)",
    ),
    Bug(
        "a new host is given nothing",
        "self.placing.add(address, threads, resources)\n        self._place_waiting()",
        "self.placing.add(address, threads, resources)",
    ),
    Bug(
        "what is stopped while it waits still begins",
        "            self._waiting.remove(attempt)\n            self._return(attempt)",
        "            self._return(attempt)",
    ),
    Bug(
        "a beginning is told twice",
        "if attempt.begun is not None:\n                pass",
        "if False:\n                pass",
    ),
    Bug("an attempt is asked back again and again", "                attempt.recalled = True\n", ""),
    Bug(
        "what is asked back was asked for at once",
        "                attempt.recalled = True\n",
        "                attempt.ahead = False\n",
    ),
    Bug("what has begun is asked back", "attempt.ahead and attempt.begun is None and not", "attempt.ahead and not"),
    Bug("every function may be ahead", 'request.isolation == "worker" and', "self._window.functions and"),
    Bug(
        "slots are told once",
        "if offered != self._offered:",
        "if not self._events and self._offered == (0, ()) != offered:",
    ),
    Bug("slots are told again and again", "self._offered = offered\n", "pass\n"),
    Bug("times are those of the host", "replace(event, at=self._now()))", "event)"),
    Bug("patience counts from the beginning", "            attempt.since = self._now()\n", "            pass\n"),
    Bug(
        "whoever waits is given up",
        "for each in self._waiting if not self.placing.could_ever(each.needs)]:",
        "for each in self._waiting]:",
    ),
    Bug(
        "a worker that was started anew still has its attempts",
        "        if address in self.placing.addresses:\n            self.host_left(",
        "        if False:\n            self.host_left(",
    ),
    Bug("names of resources have case", "{name.lower(): float(amount) for", "{name: float(amount) for"),
    Bug("memory is not needed", "if request.memory is not None:", "if False:"),
)


@pytest.mark.parametrize("bug", BUGS, ids=repr)
def test_the_referee_falls_for_each_planted_bug(bug: Bug) -> None:
    """Within a few games, and for none if there is none; a bug that merely crashes would prove nothing."""
    kind = planted(runner.execute.abroad, bug).Abroad

    assert (bug is not UNTOUCHED) is any(_falls(kind, seed) for seed in range(100))


def _falls(kind: type[Abroad], seed: int) -> bool:
    try:
        played(kind, seed)
    except AssertionError:
        return True
    return False


class Silent:
    """A carrier that looks up what was written down when it is to carry something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[list[str]] = []
        self.may_forget = False

    def submit(self, address: str, parcel: Parcel) -> None:
        lines = [line for file in self.folder.glob("*.jsonl") for line in file.read_text().splitlines()]
        self.seen.append([address, parcel.key, *(json.loads(line)["task"] for line in lines)])

    def tell(self, address: str, message: ToHost) -> None:
        raise AssertionError(address, message)

    def forget(self, key: str) -> None:
        assert self.may_forget, key


def test_what_goes_to_a_host_is_written_down_before(tmp_path: Path) -> None:
    """Should we be killed on the way it is doubtful; what waits for a place is not, for it has not begun."""
    carrier = Silent(tmp_path)
    abroad = Abroad(carrier, lambda: 0.0, {})
    abroad.host_came("tcp://host:1", 2, {})
    for task in ("one", "two", "waits"):
        request = Request(run="r", task=task, attempt=1, receipts=str(tmp_path))
        abroad.start(request, output_for(request, None, None))

    assert [
        ["tcp://host:1", "r/one/1/1", "one"],
        ["tcp://host:1", "r/two/1/2", "one", "two"],
    ] == carrier.seen


def test_what_is_printed_is_kept_until_the_end_is_heard(tmp_path: Path) -> None:
    """It is found by its task, goes into its log, and what comes later is nobody's."""
    carrier = Silent(tmp_path)
    carrier.may_forget = True
    abroad = Abroad(carrier, lambda: 0.0, {})
    abroad.host_came("tcp://host:1", 1, {})
    request = Request(run="r", task="one", attempt=1)
    abroad.start(request, output_for(request, tmp_path, None))
    key = carrier.seen[0][1]
    end = AttemptEnded(at=0.0, task="one", attempt=1, outcome=Succeeded())
    for message in (Printed(key=key, piece=b"half "), Printed(key=key, piece=b"a line\n")):
        abroad.hear(message)
    output = abroad.output_of("one")
    assert output is not None
    last = output.last_line
    for late in (Over(key=key, end=end), Printed(key=key, piece=b"late")):
        abroad.hear(late)
    (ended,) = [event for event in abroad.events() if isinstance(event, AttemptEnded)]

    assert "half a line" == last
    assert abroad.output_of("one") is None
    assert b"half a line\n" == Path(tmp_path, ended.log).read_bytes()
