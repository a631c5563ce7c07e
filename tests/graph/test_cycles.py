"""Rings of tasks, against a judge that only walks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.graph.cycles import in_order, rings


@st.composite
def graphs(draw: st.DrawFn) -> Mapping[str, Sequence[str]]:
    """Draw graphs of up to eight tasks with any edges."""
    names = [f"t{number}" for number in range(draw(st.integers(1, 8)))]
    return {name: draw(st.lists(st.sampled_from(names), unique=True, max_size=4)) for name in names}


def reached(needs: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """Walk from a task to all it needs, however far."""
    found: set[str] = set()
    waiting = list(needs[start])
    while waiting:
        task = waiting.pop()
        if task not in found:
            found.add(task)
            waiting += needs[task]
    return found


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_every_knot_shows_one_true_ring(needs: Mapping[str, Sequence[str]]) -> None:
    """Each set of tasks that reach each other is shown by one ring of real edges; nothing else is shown."""
    others = {name: [need for need in above if need != name] for name, above in needs.items()}
    knots = {
        frozenset({name} | {task for task in reached(others, name) if name in reached(others, task)}) for name in others
    }
    expected = {knot for knot in knots if len(knot) > 1}

    found = list(rings(others))

    for ring in found:
        assert all(need in others[task] for task, need in zip(ring, (*ring[1:], ring[0]), strict=True))
        assert len(set(ring)) == len(ring) > 1
        assert min(ring, key=list(others).index) == ring[0]
    assert len(expected) == len(found)
    assert all(any(set(ring) <= knot for ring in found) for knot in expected)


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_an_order_is_one_in_which_each_task_comes_behind_its_needs(needs: Mapping[str, Sequence[str]]) -> None:
    """Only where each need stands further up, or is above them all, is a graph said to be in order."""
    place = {name: number for number, name in enumerate(needs)}

    assert all(place[need] < place[name] for name in needs for need in needs[name]) == in_order(needs.items(), ())
    assert in_order(needs.items(), needs)


def test_a_long_ring_is_found_without_recursion() -> None:
    """A ring of a hundred thousand tasks is one ring."""
    count = 100_000
    needs = {str(number): [str((number + 1) % count)] for number in range(count)}

    (ring,) = rings(needs)

    assert count == len(ring)
    assert "0" == ring[0]
