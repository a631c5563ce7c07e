"""A little model of a cluster's hosts, as a carrier of errands, and the random game that is played with it.

A host does what it is told in any order it likes. What it says lies on the way until somebody delivers it: late, twice,
or before what was said earlier. The referee knows who may say what, and nothing of how attempts are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from msgspec.structs import replace

from runner.execute.abroad import SLOW, Abroad
from runner.execute.errands import Errand, Over, Printed, Recall, StopErrand, ToHost, Told, decode
from runner.execute.heard import Broken, Parcel
from runner.execute.output import Output
from runner.execute.placing import AHEAD
from runner.mask import Masker
from runner.schedule.messages import (
    AttemptEnded,
    AttemptReturned,
    AttemptStarted,
    Event,
    Noted,
    SlotsChanged,
    StopAttempt,
)
from runner.task import Cause, Failed, Outcome, Progress, Request, Succeeded

STEPS = 50
SHORT = "short:one", "short:two"
Key = tuple[str, int]


class Life:
    """One start of an attempt, as the referee sees it."""

    def __init__(self, request: Request, now: float) -> None:
        self.request = request
        self.came = now
        self.impossible: float | None = now
        self.key = ""
        self.host = ""
        self.ahead = False
        self.begun = False
        self.over = False
        self.stop: StopAttempt | None = None
        self.decided: Outcome | None = None
        self.recalls = 0
        self.printed = bytearray()
        self.heard = bytearray()


class At:
    """One host of the model: what it was sent, and what of that runs."""

    def __init__(self, threads: int, resources: Mapping[str, float]) -> None:
        self.threads = threads
        self.resources = resources
        self.sent: list[Life] = []
        self.running: dict[str, Life] = {}
        self.refused: set[str] = set()


class Game:
    """A run's attempts (`abroad`), the hosts it has, and the referee."""

    def __init__(self, kind: type[Abroad], random: Random) -> None:
        self.random = random
        self.now = 0.0
        self.abroad = kind(self, self.clock, {"HOME": "/home/me"})
        self.hosts: dict[str, At] = {}
        self.gone: list[str] = []
        self.way: list[Told | Printed | Over | Broken] = []
        self.past: list[Told | Printed | Over | Broken] = []
        self.lives: list[Life] = []
        self.open: dict[Key, Life] = {}
        self.keys: dict[str, Life] = {}
        self.forgotten: set[str] = set()
        self.dropped: set[str] = set()
        self.limits: list[int] = []
        self.told: SlotsChanged | None = None
        self.count = 0
        self.seen: set[str] = set()
        self.calm = random.random() < 0.5  # then much of the same is done, so that some is handed over ahead
        self.stops: list[StopErrand] = []

    def clock(self) -> float:
        """Answer the time."""
        return self.now

    # -- the carrier -----------------------------------------------------------------------------------------------

    def submit(self, address: str, parcel: Parcel) -> None:
        """Take an errand to a host."""
        assert address in self.hosts, "an errand goes to a host that is there"
        assert parcel.key not in self.keys, "a key is used once"
        request = decode(Errand, parcel.errand).request
        life, host = self.open[request.task, request.attempt], self.hosts[address]
        assert not life.key, "an attempt is handed over once"
        assert life.stop is None, "what is to be stopped is not handed over"
        life.key, life.host = parcel.key, address
        self.keys[parcel.key] = life
        host.sent.append(life)
        self.nobody_has_too_much(host, address, life)
        wanted = needs_of(life.request)
        declared = {name for name in host.resources if wanted.get(name.lower())}
        assert {name: wanted[name.lower()] for name in declared} == parcel.claims

    def tell(self, address: str, message: ToHost) -> None:
        """Let a host hear something, if it still is there."""
        life = self.keys[message.key]
        assert address == life.host, "whoever has an attempt is told of it"
        assert message.key not in self.forgotten, "nothing is asked of what is over"
        if isinstance(message, Recall):
            life.recalls += 1
            assert 1 == life.recalls, "an attempt is asked back once"
            assert not life.begun, "what is known to have begun is not asked back"
        if isinstance(message, StopErrand):
            self.stops.append(message)
        host = self.hosts[address]
        if life in host.sent:
            host.refused.add(message.key)
            host.sent.remove(life)
            self.say(Told(key=message.key, event=AttemptReturned(at=0.0, **about(life))))
        elif message.key in host.running and isinstance(message, StopErrand):
            self.end(host, life, Failed(cause=message.stop.cause, message="stopped there"))

    def forget(self, key: str) -> None:
        """Take in that a key is not wanted any more."""
        assert key in self.keys, "only what was handed over is forgotten"
        assert key not in self.forgotten, "a key is forgotten once"
        self.forgotten.add(key)

    # -- what hosts do ---------------------------------------------------------------------------------------------

    def say(self, message: Told | Printed | Over) -> None:
        self.way.append(message)

    def begin(self) -> None:
        if found := [(host, life) for host in self.hosts.values() for life in host.sent]:
            host, life = self.random.choice(found)
            host.sent.remove(life)
            host.running[life.key] = life
            self.say(Told(key=life.key, event=AttemptStarted(at=99.0, **about(life), pid=7)))

    def go_on(self) -> None:
        if found := [(host, life) for host in self.hosts.values() for life in host.running.values()]:
            host, life = self.random.choice(found)
            what = self.random.randrange(80 if self.calm else 8)
            if what == 0:
                note = Noted(at=99.0, **about(life), note=Progress(message="half way"))
                self.say(Told(key=life.key, event=note))
            elif what == 1:
                self.say(Printed(key=life.key, piece=self.random.randbytes(3)))
            else:
                self.end(host, life, self.random.choice(OUTCOMES))

    def end(self, host: At, life: Life, outcome: Outcome) -> None:
        del host.running[life.key]
        life.decided = outcome
        seconds = self.random.choice((*[0.001] * (200 if self.calm else 20), 1.0))
        self.say(Over(key=life.key, end=AttemptEnded(at=99.0, **about(life), outcome=outcome), seconds=seconds))

    # -- what the way does -----------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Bring the next message, or one that came later, or one that was brought before."""
        chance = self.random.random()
        if chance < 0.1 and self.past:
            self.bring(self.random.choice(self.past))
        elif self.way:
            self.bring(self.way.pop(0 if chance < 0.9 else self.random.randrange(len(self.way))))

    def bring(self, message: Told | Printed | Over | Broken) -> None:
        self.past.append(message)
        if isinstance(message, Printed) and message.key not in self.forgotten:
            self.keys[message.key].printed += message.piece
        self.abroad.hear(message)

    def break_one(self) -> None:
        if self.keys and self.random.random() < 0.3:
            key = self.random.choice(list(self.keys))
            self.seen.add("broken")
            self.leave(self.keys[key])
            self.bring(Broken(key=key, why="the cluster has given it up"))

    def leave(self, life: Life) -> None:
        for host in self.hosts.values():
            host.running.pop(life.key, None)
            host.sent = [each for each in host.sent if each is not life]

    # -- what the run does -----------------------------------------------------------------------------------------

    def start(self) -> None:
        names = [f"t{number}" for number in range(60)]
        for _ in range(self.random.choice((1, 2, 2 * AHEAD if self.abroad.slots > AHEAD else 4))):
            task = self.random.choice(names)
            attempt = sum(each.request.task == task and not each.over for each in self.lives) + 1
            if (task, attempt) in self.open:
                continue
            request = Request(run="r", task=task, attempt=attempt, uses=SHORT[0], isolation="worker")
            if not self.calm or self.random.random() < 0.1:
                request = replace(
                    request,
                    uses=self.random.choice(SHORT),
                    isolation=self.random.choice(("process", "worker")),
                    memory=self.random.choice((None, None, None, 2)),
                    requires=self.random.choice(({}, {}, {}, {}, {"GPU": 1}, {"gpu": 0.5}, {"tape": 9})),
                )
            self.take_in(request)

    def take_in(self, request: Request) -> None:
        life = Life(request, self.now)
        self.lives.append(life)
        self.open[request.task, request.attempt] = life
        if self.could_ever(life):
            life.impossible = None
        heard = life.heard
        self.abroad.start(request, Output(None, "log", 99, Masker({}), heard.extend))

    def stop(self) -> None:
        again = [key for key, life in self.open.items() if life.stop is not None]
        some = again if again and self.random.random() < 0.5 else [*self.open, ("nobody", 1)]
        task, attempt = self.random.choice(some)
        cause = self.random.choice((Cause.CANCELLED, Cause.TIMED_OUT))
        command = StopAttempt(
            task=task, attempt=attempt, cause=cause, kill_after=1.0, message=self.random.choice(("", "enough"))
        )
        life, told = self.open.get((task, attempt)), len(self.stops)
        expected = []
        if life is not None and life.key not in self.forgotten:
            life.stop = life.stop or command
            expected = [StopErrand(key=life.key, stop=command)] if life.key else []
        self.abroad.stop(command)
        assert expected == self.stops[told:], "whoever has it is told of every stop"

    def host_comes(self) -> None:
        self.count += 1
        address = f"tcp://host:{self.count}"
        if self.hosts and self.random.random() < 0.2:
            address = self.random.choice(list(self.hosts))  # it was started anew before we heard that it was gone
            self.drop(address)
        resources = self.random.choice(({}, {}, {"gpu": 1.0}, {"GPU": 2.0, "memory": 4.0}))
        self.hosts[address] = At(self.random.randrange(1, 4), resources)
        for life in self.waiting():
            life.impossible = None if self.could_ever(life) else life.impossible
        self.abroad.host_came(address, self.hosts[address].threads, resources)

    def host_goes(self) -> None:
        address = self.random.choice([*self.hosts, *self.gone, "tcp://nobody:0"])
        mine = [life for life in self.lives if life.host == address and not life.over] if address in self.hosts else []
        if address in self.hosts:
            self.drop(address)
            self.gone.append(address)
        self.abroad.host_left(address, "its worker is gone")
        self.look_at(self.abroad.events())
        assert not [life for life in mine if not life.over], "a host takes along what it has"

    def drop(self, address: str) -> None:
        self.dropped.update(life.key for life in self.in_hand(address))
        del self.hosts[address]
        for life in self.waiting():
            if life.impossible is None and not self.could_ever(life):
                life.impossible = self.now

    def limited(self) -> None:
        if self.random.random() < 0.1:
            self.limits.append(self.random.randrange(1, 9))
            self.abroad.placing.limit(self.limits[-1])

    def look(self) -> None:
        self.look_at(self.abroad.events())
        self.now += self.random.choice((0.0, SLOW))
        self.abroad.look()

    def give_up(self) -> None:
        if self.random.random() < 0.5:
            self.look_at(self.abroad.events())
            waiting = self.waiting()
            given_up = [life for life in waiting if not self.could_ever(life)]
            self.abroad.give_up("nobody has it")
            self.look_at(self.abroad.events())
            assert given_up == [life for life in waiting if life.over], "whoever could have a place some day waits on"

    # -- the referee -----------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Do this and that, then bring everything to its end."""
        many: list[Callable[[], None]] = [*[self.start] * 3, *[self.begin] * 8, *[self.go_on] * 8, *[self.deliver] * 16]
        many += [self.look] if self.calm else []
        few = [*[self.stop] * 3, self.host_comes, self.host_goes, self.limited, self.look, self.give_up, self.break_one]
        self.host_comes()
        for _ in range(STEPS):
            self.now += self.random.choice((0.0, 0.001, 0.1))
            for _ in range(self.random.choice((1, 1, 16))):
                self.random.choice(many if self.random.random() < (0.99 if self.calm else 0.9) else few)()
            self.look_at(self.abroad.events())
            self.judge()
        self.come_to_the_end()

    def come_to_the_end(self) -> None:
        while self.way or any(host.sent or host.running for host in self.hosts.values()):
            for each in (self.begin, self.go_on, self.deliver):
                each()
            self.look_at(self.abroad.events())
        for key in [key for key, life in self.open.items() if not life.over]:
            self.open[key].stop = StopAttempt(task=key[0], attempt=key[1], cause=Cause.CANCELLED, kill_after=0.0)
            self.abroad.stop(self.open[key].stop)
        self.look_at(self.abroad.events())
        for message in list(self.past):
            self.bring(message)

        assert [] == [life.request.task for life in self.lives if not life.over], "each ends"
        assert [] == self.abroad.events(), "nothing is believed after the end"
        assert self.keys.keys() == self.forgotten, "what was handed over is forgotten"
        assert self.abroad.waiting_since() is None
        assert self.abroad.next_look() is None
        assert all(life.printed == life.heard for life in self.lives)

    def look_at(self, events: list[Event]) -> None:
        for event in events:
            assert self.now == event.at, "an event happens when it is heard of"
            match event:
                case SlotsChanged():
                    assert (event.slots, event.workers, event.short) != self.last_told(), "only news is told"
                    self.told = event
                case AttemptStarted() | Noted() | AttemptEnded() | AttemptReturned():
                    life = self.open.get((event.task, event.attempt))
                    assert life is not None, "what is over says nothing"
                    self.happened(life, event)
                case _:
                    raise AssertionError(event)
        assert self.last_told() == (self.abroad.slots, self.threads(), self.last_told()[2])
        assert self.abroad.slots == self.threads() * (AHEAD if self.last_told()[2] else 1)

    def last_told(self) -> tuple[int, int | None, tuple[str, ...]]:
        return (0, 0, ()) if self.told is None else (self.told.slots, self.told.workers, self.told.short)

    def happened(self, life: Life, event: AttemptStarted | Noted | AttemptEnded | AttemptReturned) -> None:
        self.seen.add(type(event).__name__)
        match event:
            case AttemptStarted():
                assert not life.begun, "it begins once"
                assert life.host == event.worker
                assert life.ahead is (event.asked is None), "what waits behind another has asked nobody"
                assert event.asked is None or life.came <= event.asked <= event.at
                life.begun = True
            case Noted():
                pass
            case AttemptReturned():
                assert not life.begun, "what has begun does not come back"
                assert life.stop is not None or life.recalls, "somebody has asked for it"
                self.close(life)
            case AttemptEnded(outcome=outcome):
                self.ended(life, outcome)
                self.close(life)

    def ended(self, life: Life, outcome: Outcome) -> None:
        lost = isinstance(outcome, Failed) and outcome.cause is Cause.LOST
        if not life.key:
            assert isinstance(outcome, Failed)
            assert Cause.BAD_PARAMETERS is outcome.cause, "what was never handed over is given up, or comes back"
            return
        taken_away = life.host not in self.hosts or life not in self.hosts[life.host].sent
        assert taken_away, "what waits at a host has not ended"
        if lost:
            assert life.stop is None, "what was to be stopped is not lost"
            self.seen.add("lost")
        elif outcome != life.decided:
            assert life.stop is not None, "nothing is made up"
            assert isinstance(outcome, Failed)
            assert life.stop.cause is outcome.cause, "the first stop says why"
            assert (life.stop.message or life.stop.cause.sentence) in outcome.message

    def close(self, life: Life) -> None:
        self.seen.add("over" if life.stop is None else "stopped")
        life.over = True
        del self.open[life.request.task, life.request.attempt]
        self.seen.add("ahead" if life.recalls else "over")
        self.leave(life)

    def judge(self) -> None:
        """See that what is asked for and what there is agree."""
        waiting = self.waiting()
        since = min((life.impossible for life in waiting if life.impossible is not None), default=None)
        assert since == self.abroad.waiting_since(), "patience counts from when there was nobody any more"
        for life in waiting:
            assert not self.has_place(life), f"{life.request} waits though there is a place"
        if any(life.key and not life.begun and not life.over for life in self.lives) and self.last_told()[2]:
            self.seen.add("short")

    # -- what the referee counts -----------------------------------------------------------------------------------

    def waiting(self) -> list[Life]:
        return [life for life in self.lives if not life.key and not life.over]

    def threads(self) -> int:
        return min([sum(host.threads for host in self.hosts.values()), *self.limits])

    def could_ever(self, life: Life) -> bool:
        return any(offers(host, needs_of(life.request), []) for host in self.hosts.values())

    def in_hand(self, address: str) -> list[Life]:
        return [life for life in self.all_in_hand() if life.host == address]

    def all_in_hand(self) -> list[Life]:
        return [self.keys[key] for key in self.keys.keys() - self.forgotten - self.dropped]

    def has_place(self, life: Life) -> bool:
        if len(self.all_in_hand()) >= self.threads():
            return False
        return any(
            len(self.in_hand(address)) < host.threads
            and offers(host, needs_of(life.request), [needs_of(each.request) for each in self.in_hand(address)])
            for address, host in self.hosts.items()
        )

    def nobody_has_too_much(self, host: At, address: str, life: Life) -> None:
        mine = self.in_hand(address)
        others = [needs_of(each.request) for each in mine if each is not life]
        assert offers(host, needs_of(life.request), others), "nobody has more than there is"
        if life.request.isolation == "process":
            assert len(mine) <= host.threads, "a process has a thread of its own"
        assert len(mine) <= host.threads * AHEAD, "no more is handed over ahead"
        life.ahead = len(mine) > host.threads or len(self.all_in_hand()) > self.threads()


OUTCOMES: tuple[Outcome, ...] = (
    Succeeded(outputs={"n": 1}),
    Succeeded(),
    Succeeded(),
    Succeeded(),
    Failed(cause=Cause.EXCEPTION, message="no"),
    Failed(cause=Cause.LOST, message="its host cannot go on"),
)


def about(life: Life) -> dict[str, Any]:
    """Answer whose event it is."""
    return {"task": life.request.task, "attempt": life.request.attempt}


def needs_of(request: Request) -> dict[str, float]:
    """Answer what an attempt needs, by names without case."""
    memory = {} if request.memory is None else {"memory": float(request.memory)}
    return {name.lower(): float(amount) for name, amount in request.requires.items()} | memory


def offers(host: At, needs: Mapping[str, float], others: list[dict[str, float]]) -> bool:
    """Say whether a host has what is needed beside what others need."""
    declared = {name.lower(): amount for name, amount in host.resources.items()}
    for name, amount in needs.items():
        if name not in declared:
            if name != "memory" and amount > 0:
                return False
        elif sum(each.get(name, 0.0) for each in others) + amount > declared[name]:
            return False
    return True
