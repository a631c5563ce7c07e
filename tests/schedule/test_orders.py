"""Events in any order an executor may bring them, chosen one by one by hypothesis, so that a failure shrinks.

The simulation brings events in the order of its durations. A real executor is freer: of two attempts either may end
first, a stop may come too late, a service may die at any moment, and all that at the same second. The referee judges
every turn, and the run must come to its end from wherever it was left.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from runner.schedule.machine import Schedule
from runner.schedule.messages import (
    Answered,
    Ask,
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    CancelAsked,
    ClockTicked,
    Event,
    FanOut,
    Recall,
    ServiceEnded,
    ServiceReady,
    SlotsChanged,
    StartAttempt,
    StartService,
    StopAttempt,
    StopService,
)
from runner.task import Cause, Failed, Outcome, Succeeded
from tests.kit import Played, Turn, fanned_out, recalled
from tests.schedule.generator import CAUSES, game_of
from tests.schedule.planted import BUGS, planted
from tests.schedule.referee import Referee
from tests.schedule.test_properties import replay

QUIET = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

EARLY: tuple[Literal["never_ready", "port_taken"], ...] = ("never_ready", "port_taken")

RETURNED = (["a", "b"], [], ["c"], None)
"""What a task may return as items."""

Key = tuple[str, int]


class AnyOrder(RuleBasedStateMachine):
    """An executor whose every move is chosen."""

    kind: type[Schedule] = Schedule
    sound = False

    @initialize(seed=st.integers(0, 10_000))
    def open(self, seed: int) -> None:
        game = game_of(Random(seed), most=6)
        self.played = Played(graph=game.graph, schedule=self.kind(game.graph))
        self.schedule = self.played.schedule
        self.referee = Referee(game)
        self.now = 0.0
        self.unbegun: list[Key] = []
        self.begun: list[Key] = []
        self.stopped: dict[Key, Cause] = {}
        self.starting: list[Key] = []
        self.alive: dict[Key, bool] = {}  # services: whether they were asked to stop
        self.looked_up: list[str] = []
        self.questions: list[str] = []
        self.fanning: list[str] = []
        self.happen(game.first)

    def happen(self, event: Event) -> None:
        """Bring one event and take in what is commanded."""
        self.sound = False
        turn = Turn(event=event, commands=tuple(self.schedule.handle(event)))
        self.played.turns.append(turn)
        self.referee.turn(turn)
        self.sound = True
        for command in turn.commands:
            match command:
                case StartAttempt(task=task, attempt=attempt):
                    self.unbegun.append((task, attempt))
                case StopAttempt(task=task, attempt=attempt, cause=cause):
                    self.stopped.setdefault((task, attempt), cause)
                case StartService(service=service, attempt=attempt):
                    self.starting.append((service, attempt))
                    self.alive[service, attempt] = False
                case StopService(service=service, attempt=attempt):
                    self.alive[service, attempt] = True
                case Recall(task=task):
                    self.looked_up.append(task)
                case Ask(task=task):
                    self.questions.append(task)
                case FanOut(task=task):
                    self.fanning.append(task)

    @rule(data=st.data())
    @precondition(lambda self: self.fanning)
    def fan_out(self, data: st.DataObject) -> None:
        self._fan_out(data.draw(st.sampled_from(self.fanning)))

    def _fan_out(self, name: str) -> None:
        self.fanning.remove(name)
        self.happen(fanned_out(self.now, self.schedule, name, self.referee.game.taken))

    @rule(data=st.data())
    @precondition(lambda self: self.looked_up)
    def find(self, data: st.DataObject) -> None:
        self._find(data.draw(st.lists(st.sampled_from(self.looked_up), min_size=1, unique=True)))

    def _find(self, names: list[str]) -> None:
        self.looked_up = [name for name in self.looked_up if name not in names]
        self.happen(recalled(self.now, names, self.referee.game.holds))

    @rule(data=st.data(), yes=st.booleans())
    @precondition(lambda self: self.questions)
    def answer(self, data: st.DataObject, *, yes: bool) -> None:
        self._answer(data.draw(st.sampled_from(self.questions)), yes=yes)

    def _answer(self, name: str, *, yes: bool) -> None:
        self.questions.remove(name)
        self.happen(Answered(at=self.now, task=name, approved=yes, by="terminal"))

    @rule(data=st.data())
    @precondition(lambda self: self.unbegun)
    def begin(self, data: st.DataObject) -> None:
        self._begin(data.draw(st.sampled_from(self.unbegun)))

    def _begin(self, key: Key) -> None:
        self.unbegun.remove(key)
        self.begun.append(key)
        self.happen(AttemptStarted(at=self.now, task=key[0], attempt=key[1]))

    @rule(data=st.data())
    @precondition(lambda self: self.unbegun)
    def give_back(self, data: st.DataObject) -> None:
        self._give_back(data.draw(st.sampled_from(self.unbegun)))

    def _give_back(self, key: Key) -> None:
        self.unbegun.remove(key)
        self.stopped.pop(key, None)
        self.happen(AttemptReturned(at=self.now, task=key[0], attempt=key[1]))

    @rule(data=st.data(), cause=st.one_of(st.none(), st.sampled_from(CAUSES)))
    @precondition(lambda self: self.begun)
    def end(self, data: st.DataObject, cause: Cause | None) -> None:
        key = data.draw(st.sampled_from(self.begun))
        items = data.draw(st.sampled_from(RETURNED))
        good = Succeeded(outputs={"items": items})
        self._end(key, good if cause is None else Failed(cause=self.stopped.get(key, cause)))

    def _end(self, key: Key, outcome: Outcome) -> None:
        self.begun.remove(key)
        self.stopped.pop(key, None)
        self.happen(AttemptEnded(at=self.now, task=key[0], attempt=key[1], outcome=outcome))

    @rule(data=st.data())
    @precondition(lambda self: self.starting)
    def get_ready(self, data: st.DataObject) -> None:
        self._get_ready(data.draw(st.sampled_from(self.starting)))

    def _get_ready(self, key: Key) -> None:
        self.starting.remove(key)
        self.happen(ServiceReady(at=self.now, service=key[0], attempt=key[1], url="http://127.0.0.1:1", port=1))

    @rule(data=st.data(), early=st.sampled_from(EARLY))
    @precondition(lambda self: self.alive)
    def end_service(self, data: st.DataObject, early: Literal["never_ready", "port_taken"]) -> None:
        self._end_service(data.draw(st.sampled_from(sorted(self.alive))), early)

    def _end_service(self, key: Key, early: Literal["never_ready", "port_taken"] = "never_ready") -> None:
        asked, starting = self.alive.pop(key), key in self.starting
        if starting:
            self.starting.remove(key)
        how: Literal["stopped", "died", "never_ready", "port_taken"]
        how = "stopped" if asked else early if starting else "died"
        self.happen(ServiceEnded(at=self.now, service=key[0], attempt=key[1], how=how))

    @rule(seconds=st.sampled_from([0.5, 3.0, 50.0]))
    def wait(self, seconds: float) -> None:
        alarm = self.schedule.next_alarm()
        self.now = self.now + seconds if alarm is None else max(self.now, min(self.now + seconds, alarm))
        if alarm is not None and alarm <= self.now:
            self.happen(ClockTicked(at=self.now))

    @rule(workers=st.integers(0, 4), window=st.sampled_from([1, 3]))
    def change_slots(self, workers: int, window: int) -> None:
        self.happen(SlotsChanged(at=self.now, slots=workers * window, workers=workers))

    @rule()
    @precondition(lambda self: self.now > 0.0)
    def cancel(self) -> None:
        self.happen(CancelAsked(at=self.now, why="interrupted"))

    def teardown(self) -> None:
        """From wherever it was left, the run comes to its end, and a replay of it is the same run."""
        if not self.sound:  # it has failed already, and that is what should be shown
            return
        self.happen(SlotsChanged(at=self.now, slots=2))
        for _ in range(500):
            if self.schedule.finished:
                break
            self._go_on()
        assert self.schedule.finished, "it did not come to an end"
        self.referee.close(self.schedule.verdict, self.schedule.exit_code, self.played.states)
        replay(self.played, self.kind)

    def _go_on(self) -> None:
        if self.fanning:
            self._fan_out(self.fanning[0])
        elif self.looked_up:
            self._find([*self.looked_up])
        elif self.questions:
            self._answer(self.questions[0], yes=True)
        elif self.unbegun:
            key = self.unbegun[0]
            if key in self.stopped:
                self._give_back(key)
            else:
                self._begin(key)
        elif self.begun:
            key = self.begun[0]
            self._end(key, Failed(cause=self.stopped[key]) if key in self.stopped else Succeeded())
        elif any(self.alive.values()):
            self._end_service(next(key for key, asked in self.alive.items() if asked))
        elif self.starting:
            self._get_ready(self.starting[0])
        else:
            self.wait(1000.0)


def test_any_order_of_events_is_played_by_the_rules() -> None:
    """Whatever comes when, no rule is broken and the run ends."""
    run_state_machine_as_test(AnyOrder, settings=QUIET)


def test_any_order_finds_a_planted_bug(tmp_path: Path) -> None:
    """The choices are worth something: a bug that many a run shows is found this way, too."""
    bug = next(bug for bug in BUGS if bug.sentence == "the lowest priority goes first")
    with planted(bug, tmp_path, "planted_order") as kind:
        changed = type("Changed", (AnyOrder,), {"kind": kind})

        with pytest.raises(AssertionError, match="should have started before"):
            run_state_machine_as_test(changed, settings=settings(QUIET, phases=[Phase.generate]))
