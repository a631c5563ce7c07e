"""The page that is kept on each task and service of one run: data, and what follows from a page alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from math import inf

from runner.graph.model import Group, TaskSpec
from runner.schedule.messages import StopAttempt
from runner.task import Cause
from tests.schedule.oracle import kind_of


class At(Enum):
    """What a task is at, as far as events and commands tell."""

    WAITING = "needs something unsettled"
    READY = "may start"
    RUNNING = "handed out"
    RESTING = "to be tried again"
    SETTLED = "over"


class Mode(IntEnum):
    """How the run goes."""

    GOING = 0
    FAILING = 1
    ENDING = 2
    KILLING = 3


@dataclass(slots=True, eq=False)
class Book:
    """What is known of one task. `order` numbers the first begins; `rests` is the soonest and latest end of a rest.

    `before` are its attempts of earlier rounds. `ahead` says that its attempt was handed out as one of those of which a
    worker takes several. `look` is whether its last result was looked at, or what its items are: "", "owed", "asked" or
    "told"; `asks` is whether a person was asked: also "yes".
    """

    spec: TaskSpec
    tasks: tuple[str, ...]
    services: tuple[str, ...]
    at: At = At.WAITING
    word: str = ""
    kept: bool = False
    cause: Cause | None = None
    attempt: int = 0
    before: int = 0
    ended: int = 0
    first: float | None = None
    order: int = 0
    begun: float | None = None
    limit: float = inf
    clean_up_limit: float = inf
    stop: StopAttempt | None = None
    rests: tuple[float, float] = (0.0, 0.0)
    crashes: int = 0
    ahead: bool = False
    look: str = ""
    asks: str = ""

    @property
    def always(self) -> bool:
        """Whether it cleans up."""
        return self.spec.trigger.value == "always"

    @property
    def kind(self) -> str:
        """How it looks, once settled, to those that need it."""
        return kind_of(self.word, self.spec)

    @property
    def guilty(self) -> bool:
        """Whether its failure fails the run."""
        return self.word in ("failed", "timed_out", "crashed") and not self.spec.allow_failure

    @property
    def alone(self) -> bool:
        """Whether nothing may run beside it, nor it beside anything."""
        return self.crashes >= 2

    @property
    def due(self) -> float:
        """When its running attempt must be stopped: not before it begins, even where its task's last moment is past."""
        limit = min(self.limit, self.clean_up_limit)
        return limit if self.begun is None else max(limit, self.begun)

    @property
    def tries(self) -> int:
        """How many attempts it has had in this round."""
        return self.attempt - self.before

    def renew(self) -> None:
        """Begin anew, in another round."""
        self.at, self.word, self.before, self.ended = At.WAITING, "", self.attempt, 0
        self.first, self.order, self.look = None, 0, ""
        self.asks = self.asks if self.asks == "yes" else ""


@dataclass(slots=True, eq=False)
class Shelf:
    """What is known of one group: waiting, going, resting, over. `rests` is when a rest ends."""

    spec: Group
    at: str = "waiting"
    round: int = 1
    rests: float = 0.0

    @property
    def again(self) -> bool:
        """Whether it may be tried again."""
        return self.spec.retry.attempts > 1


@dataclass(slots=True)
class Desk:
    """What is known of one service: idle, off, starting, up, failed, stopping, over."""

    at: str = "idle"
    attempt: int = 0
    before: int = 0


@dataclass(slots=True)
class Tally:
    """What was met: pairs of trigger and kind of need; and in a word each, what is rare enough to be counted."""

    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
