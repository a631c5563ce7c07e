"""Random graphs: the oracle agrees, the referee finds nothing, a replay is the same run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import partial
from random import Random

import pytest

from runner.driver import Unwatched, World, drive
from runner.graph.fan_out import template_of
from runner.plain import from_plain, to_plain
from runner.requests import Requests, Surroundings
from runner.schedule.machine import Schedule
from runner.schedule.messages import AttemptEnded, AttemptStarted, Event, FannedOut, Kept, Outdated
from tests.kit import Answering, Listed, Played, result_of
from tests.schedule import oracle
from tests.schedule.book import Tally
from tests.schedule.generator import Game, game_of
from tests.schedule.referee import Referee, kinds_met

CHUNKS, GRAPHS = 4, 1000
OFTEN, RARELY = 0.2, 0.02
SHARES = {
    **dict.fromkeys(("oracle", "retry", "time-out", "full pool"), OFTEN),
    **dict.fromkeys(("fail fast", "cancel", "kill", "clean-up", "kept result", "cached result", "return"), RARELY),
    **dict.fromkeys(("runs alone", "fewer workers"), RARELY),
    **dict.fromkeys(("fan-out", "no items"), RARELY),
    **dict.fromkeys(("another round", "group that does not begin", "group over after rounds"), RARELY),
    **dict.fromkeys(("empty fan-out", "kept instance"), 0.005),
    "waits to run alone": 0.01,
    "asked for ahead": 0.02,
    "shuffled": 0.02,
    **dict.fromkeys(("stagger", "rate", "approved", "refused"), RARELY),
    **dict.fromkeys(("service never ready", "service died", "taken port"), RARELY),
}
"""In how many of the graphs each of these must have happened, or the graphs prove too little."""


def judge(game: Game, kind: type[Schedule] = Schedule) -> tuple[Played, Tally]:
    """Play a game and hold it to everything we know; raises whatever is wrong with it."""
    played = game.play(kind)
    referee = Referee(game)
    for turn in played.turns:
        referee.turn(turn)
    schedule = played.schedule
    referee.close(schedule.verdict, schedule.exit_code, played.states)
    assert referee.graph.tasks.keys() == schedule.graph.tasks.keys(), "what is not due has come to be"
    replay(played, kind)
    if game.undisturbed:
        ask_oracle(game, played)
        referee.tally.met = kinds_met(referee)
        referee.tally.seen.add("oracle")
    return played, referee.tally


def ask_oracle(game: Game, played: Played) -> None:
    """Compare the end of every task with what plain recursion says."""
    began: dict[tuple[str, int], float] = {}
    for turn in played.turns:
        if isinstance(turn.event, AttemptStarted | AttemptEnded):  # an unfit attempt ends without a start
            began.setdefault((turn.event.task, turn.event.attempt), turn.event.at)
    graph, told = played.schedule.graph, [turn.event for turn in played.turns if isinstance(turn.event, FannedOut)]
    approved = {*game.first.approved}
    expected = oracle.words(
        game.graph,
        graph,
        game.steps,
        began,
        kept={*game.first.kept, *(name for event in told for name in event.kept)},
        broken={service for service in graph.services if game.broken(service)},
        holds=game.holds,
        refused={
            task for task, (_, yes) in game.answers.items() if not yes and not approved & {task, template_of(task)}
        },
        fanned={name: [not each.fault for each in told if each.task == name] for name in {e.task for e in told}},
        truth=game.truth,
    )

    assert expected == {task: played.schedule.state(task) for task in graph.tasks}


def replay(played: Played, kind: type[Schedule]) -> None:
    """Feed the events one by one to a fresh schedule: the same commands, the same end."""
    schedule = kind(played.graph)
    for turn in played.turns:
        assert turn.commands == tuple(schedule.handle(turn.event))
    again = Played(graph=played.graph, schedule=schedule)

    assert schedule.finished
    assert played.states == again.states
    assert (played.schedule.verdict, played.schedule.exit_code) == (schedule.verdict, schedule.exit_code)


def _remembered(game: Game, task: str, _needs: Mapping[str, Kept]) -> Kept | Outdated:
    return result_of(task) if task in game.holds else Outdated(because="it has changed")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_graphs_run_as_the_rules_say(chunk: int) -> None:
    """Oracle, referee and replay agree on every random graph, and the graphs are worth it."""
    met: Counter[tuple[str, str]] = Counter()
    seen: Counter[str] = Counter()
    for number in range(GRAPHS):
        seed = chunk * GRAPHS + number
        try:
            _, tally = judge(game_of(Random(seed)))
        except Exception as error:
            error.add_note(f"this was the game of seed {seed}")
            raise
        met += tally.met
        seen.update(tally.seen)

    triggers = ("all_success", "all_done", "one_success", "one_failed", "none_failed", "always")
    assert {} == {
        (trigger, kind): met[trigger, kind] for trigger in triggers for kind in "SFK" if met[trigger, kind] < 50
    }
    assert {} == {what: seen[what] for what, share in SHARES.items() if seen[what] < share * GRAPHS}


def test_the_driver_runs_what_the_tests_run() -> None:
    """Requests, recorder and the real loop change nothing: the same events in the same order, through JSON as well."""
    games = [
        game for game in (game_of(Random(seed)) for seed in range(150)) if not (game.unfit or game.taken or game.late)
    ]
    for game in games:
        simulation, recorder = game.simulation(), Listed()
        person = Answering(simulation, game.answers)
        world = World(executor=simulation, clock=simulation, recorder=recorder, observer=Unwatched(), person=person)
        requests = Requests(game.graph, Surroundings(), game.first.params, recall=partial(_remembered, game))
        schedule = drive(game.graph, game.first, requests, world)
        expected = game.play()
        read = [from_plain(Event, json.loads(json.dumps(to_plain(event)))) for event in recorder.events]
        again = Played(graph=game.graph, schedule=Schedule(game.graph))
        for event in read:
            again.schedule.handle(event)

        assert [turn.event for turn in expected.turns] == recorder.events == read
        assert expected.states == Played(graph=game.graph, schedule=schedule).states == again.states
    assert len(games) > 75
