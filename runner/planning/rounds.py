"""What gave the spans of a run their place in which an included graph was tried again. Pure.

A further round begins when all of the one before is over, which its first spans say by following what ended last in it.
Of what ran in several rounds, what comes after follows the last that had ended then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from runner.graph.model import Graph
from runner.planning.spans import CLOSE, END, Span

Rounds: TypeAlias = Mapping[tuple[str, int], str]
"""The included graph that was tried again, for each attempt, by task and number, with which a task began a round."""


def follow_rounds(graph: Graph, spans: Mapping[str, Sequence[Span]], rounds: Rounds) -> None:
    """Let each span, by name, follow what had ended when it began: by its needs and by its included graph."""
    if not rounds:
        return  # as mostly
    for name, each in spans.items():
        for before, span in zip((None, *each), each, strict=False):
            again = _again(graph, span, spans, rounds)
            if before is not None and not again:
                continue  # it rested, as tasks do
            above = _asked_for(graph, span, spans) if name in graph.services else graph.tasks[name].needs
            span.before, span.rest = _ended(graph, above, span.start, spans), 0.0
            if before is not None and not any(one.start >= before.end for one in span.before):
                latest = max(_over(graph.groups[again].tasks, span.start, spans), key=END)
                span.before, span.rest = [latest], span.start - latest.end


# -- the helpers -------------------------------------------------------------------------------------------------------


def _again(graph: Graph, span: Span, spans: Mapping[str, Sequence[Span]], rounds: Rounds) -> str:
    """Answer the included graph that was tried again so that a span began; a server begins for those that need it."""
    if span.name in graph.tasks:
        return rounds.get((span.name, span.number), "")
    users = (each for task in graph.dependents[span.name] for each in spans.get(task, ()))
    return next((rounds.get((each.name, each.number), "") for each in users if each.start >= span.end - CLOSE), "")


def _asked_for(graph: Graph, service: Span, spans: Mapping[str, Sequence[Span]]) -> Iterable[str]:
    """Answer the tasks after whose ends a service was started: those of some task that needed nothing else any more."""
    for task in graph.dependents[service.name]:
        needs = [need for need in graph.tasks[task].needs if need in graph.tasks]
        last = max(_over(needs, service.start, spans), key=END, default=None)
        if last is not None and last.end >= service.start - CLOSE:
            yield last.name


def _ended(graph: Graph, above: Iterable[str], by: float, spans: Mapping[str, Sequence[Span]]) -> list[Span]:
    """Answer the last spans of some tasks up to a moment, of what did not run those behind it; the latest first."""
    waiting, seen, found = [*above], set[str](), list[Span]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        latest = max(_over((name,), by, spans), key=END, default=None)
        if latest is not None:
            found.append(latest)
        elif name in graph.tasks:
            waiting += graph.tasks[name].needs
    return sorted(found, key=END, reverse=True)


def _over(names: Iterable[str], by: float, spans: Mapping[str, Sequence[Span]]) -> Iterable[Span]:
    """Answer the spans of some tasks and services that had ended at a moment."""
    return (span for name in names for span in spans.get(name, ()) if span.end <= by + CLOSE)
