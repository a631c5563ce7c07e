"""What a run of a collection came to, folded from Newman's events. Knows no process and no file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runner.task import Check

LISTED = 20
"""How many failures a result lists; the checks hold every one."""

TIMED_OUT = "ERR_SCRIPT_EXECUTION_TIMEOUT"
"""A script's time-out is reported twice: by the script, which counts, and as the end of the run, which it is not."""

MEANT = {
    "ESOCKETTIMEDOUT": "no answer within the request's time limit",
    "ETIMEDOUT": "no connection within the request's time limit",
    "ECONNREFUSED": "nobody listens there",
    "ECONNRESET": "the connection broke off",
    "aborted": "the connection broke off before the answer was whole",
    "ENOTFOUND": "there is no such host",
    "sandbox: synchronous script execution timeout": "it ran longer than a script may",
    "sandbox: asynchronous script execution timeout": "it waited longer than a script may",
}
"""What errors of Node and of Newman's sandbox mean, by code or message."""

BAILED = "AssertionFailure"
"""With `bail`, what ends a script whose assertion failed; the assertion itself was told already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One `pm.test`, or one of the older `tests[...]`. `path` is the item's place, folders first."""

    path: str
    name: str
    verdict: Literal["passed", "failed", "skipped"]
    message: str = ""
    request: str = ""
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A request that got no answer, or a script that threw. `path` is the item's place, folders first."""

    path: str
    message: str
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A test record that a request created or deleted, told from its answer."""

    action: Literal["created", "deleted"]
    kind: str
    id: str
    name: str | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRun:
    """What a run came to. `assertions` counts those that ran, so skipped ones do not count. `seconds` is wall time.

    `origins` is where the requests went, such as `http://localhost:8000`.
    """

    passed: bool
    summary: str
    engine: str
    engine_version: str
    node_version: str
    items: int
    iterations: int
    requests: int
    assertions: int
    failed: int
    skipped: int
    failures: list[Assertion]
    script_errors: list[Fault]
    request_errors: list[Fault]
    run_error: str | None
    warnings: list[str]
    seconds: float
    slowest_ms: float
    origins: list[str]


@dataclass(slots=True, kw_only=True)
class Tally:
    """The fold: feed it event by event, then ask for the result."""

    version: str = ""
    node: str = ""
    items: int = 0
    iterations: int = 0
    requests: int = 0
    assertions: list[Assertion] = field(default_factory=list)
    script_errors: list[Fault] = field(default_factory=list)
    request_errors: list[Fault] = field(default_factory=list)
    run_error: str | None = None
    done: bool = False
    seconds: float = 0.0
    slowest_ms: float = 0.0
    last_request: str = ""
    origins: dict[str, None] = field(default_factory=dict)
    created: dict[str, Record] = field(default_factory=dict)

    def feed(self, event: Mapping[str, Any]) -> tuple[Check | Record, ...]:
        """Take one event of newman.js; answers the checks and records it stands for."""
        match event["event"]:
            case "started":
                self.version, self.node, self.items = event["version"], event["node"], event["items"]
            case "item":
                self.last_request = ""
            case "request":
                return tuple(self._request(event))
            case "assertion":
                return (self._assertion(event),)
            case "script_error":
                return tuple(self._script_error(event))
            case "done":
                self._done(event)
            case "crashed":
                self.run_error = f"Newman could not be run: {event['error']['message']}"
        return ()

    def result(self, *, require_assertions: bool, ended: str) -> CollectionRun:
        """Judge the run; `ended` says how the process ended, for a run that was not done."""
        if not self.done and self.run_error is None:
            self.run_error = f"Newman ended before it was done: {ended}"
        ran = [each for each in self.assertions if each.verdict != "skipped"]
        failures = [each for each in ran if each.verdict == "failed"]
        faults = failures or self.script_errors or self.request_errors or self.run_error
        nothing = not self.requests or (require_assertions and not ran)
        warnings = [] if ran or nothing else ["no assertion ran: the answers were not looked at"]
        skipped = len(self.assertions) - len(ran)
        return CollectionRun(
            passed=not faults and not nothing,
            summary=self._summary(len(ran), len(failures), skipped),
            engine="newman",
            engine_version=self.version,
            node_version=self.node,
            items=self.items,
            iterations=self.iterations,
            requests=self.requests,
            assertions=len(ran),
            failed=len(failures),
            skipped=skipped,
            failures=failures[:LISTED],
            script_errors=self.script_errors[:LISTED],
            request_errors=self.request_errors[:LISTED],
            run_error=self.run_error,
            warnings=warnings,
            seconds=self.seconds,
            slowest_ms=self.slowest_ms,
            origins=list(self.origins)[:LISTED],
        )

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _request(self, event: Mapping[str, Any]) -> Iterator[Check | Record]:
        self.requests += 1
        self.origins.setdefault(origin_of(str(event["url"])))
        sent = f"{event['method']} {event['url']}"
        if event["error"] is not None:
            fault = Fault(path=place(event["path"]), message=_words(event["error"]), iteration=event["iteration"])
            self.request_errors.append(fault)
            yield Check(
                name=_name(fault.path, "request", fault.iteration),
                verdict="failed",
                expected="an answer",
                observed=fault.message,
                message=sent,
            )
            return
        self.slowest_ms = max(self.slowest_ms, event["milliseconds"] or 0.0)
        answered = " ".join(str(each) for each in (event["status"], event["type"]) if each)
        self.last_request = f"{sent} answered {answered} in {event['milliseconds']} ms"
        yield from self._records(event)

    def _records(self, event: Mapping[str, Any]) -> Iterator[Record]:
        """Tell records: a POST that answers with one made it, an accepted DELETE removed the one its URL ends in."""
        url, method, found = str(event["url"]), event["method"], event["record"]
        bare = url.partition("?")[0].rstrip("/")
        if found is not None and (method == "POST" or event["status"] == 201) and found["id"] not in self.created:
            kind = bare.rpartition("/")[2]
            record = Record(action="created", kind=kind, id=found["id"], name=found["name"], url=url)
            self.created[record.id] = record
            yield record
        removed = self.created.get(bare.rpartition("/")[2]) if method == "DELETE" else None
        if removed is not None and event["status"] is not None and event["status"] < 300:
            del self.created[removed.id]
            yield Record(action="deleted", kind=removed.kind, id=removed.id, name=removed.name, url=url)

    def _assertion(self, event: Mapping[str, Any]) -> Check:
        error = event["error"]
        verdict: Literal["passed", "failed", "skipped"] = (
            "skipped" if event["skipped"] else "failed" if error else "passed"
        )
        assertion = Assertion(
            path=place(event["path"]),
            name=event["name"],
            verdict=verdict,
            message=str(error["message"]) if error else "",
            request=self.last_request if error else "",
            iteration=event["iteration"],
        )
        self.assertions.append(assertion)
        return Check(
            name=_name(assertion.path, assertion.name, assertion.iteration),
            verdict="warning" if verdict == "skipped" else verdict,
            expected=assertion.name if verdict == "failed" else None,
            observed="skipped by the collection" if verdict == "skipped" else assertion.message or None,
            message=assertion.request,
        )

    def _script_error(self, event: Mapping[str, Any]) -> Iterator[Check]:
        """Tell a script error once; Newman reports most of them twice."""
        fault = Fault(path=place(event["path"]), message=_words(event["error"]), iteration=event["iteration"])
        if fault in self.script_errors or event["error"]["name"] == BAILED:
            return
        self.script_errors.append(fault)
        yield Check(
            name=_name(fault.path, "script", fault.iteration),
            verdict="failed",
            expected="runs to its end",
            observed=fault.message,
            message=self.last_request,
        )

    def _done(self, event: Mapping[str, Any]) -> None:
        error = event["error"]
        if error is not None and error["code"] != TIMED_OUT:
            self.run_error = str(error["message"])
        self.done = self.done or error is None or self.run_error is not None
        self.iterations = max(self.iterations, event["iterations"])
        self.seconds = max(self.seconds, event["milliseconds"] / 1000)

    def _summary(self, ran: int, failed: int, skipped: int) -> str:
        if not self.requests:
            return "no request was sent; is the collection, or the folder, empty?"
        parts = [f"{_counted(ran, 'assertion')} in {_counted(self.requests, 'request')}", f"{failed} failed"]
        parts += [f"{skipped} skipped"] if skipped else []
        parts += [_counted(len(self.script_errors), "script error")] if self.script_errors else []
        parts += [f"{_counted(len(self.request_errors), 'request')} without an answer"] if self.request_errors else []
        return ", ".join(parts)


def origin_of(url: str) -> str:
    """Answer scheme, host and port of a URL; one without a scheme is taken for http, as Newman does."""
    scheme, found, rest = url.partition("://")
    host = re.split(r"[/?#]", rest if found else url, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme.lower() if found else 'http'}://{host.lower()}"


def place(path: list[str]) -> str:
    """Write an item's place for people: `Documents / Create`."""
    return " / ".join(path) or "(collection)"


def _name(path: str, what: str, iteration: int) -> str:
    return f"{path}: {what}" + (f" (iteration {iteration + 1})" if iteration else "")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _words(error: Mapping[str, Any] | None) -> str:
    """Say an error in words; what Node and the sandbox say stays beside them."""
    if error is None:
        return "no reason given"
    name, message = str(error["name"]), str(error["message"])
    meant = MEANT.get(str(error["code"])) or MEANT.get(message)
    if meant is not None:
        return f"{meant} ({message})"
    return message if name == "Error" or message.startswith(name) else f"{name}: {message}"
