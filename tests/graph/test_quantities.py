"""Durations and sizes as the graph file writes them."""

from __future__ import annotations

import pytest

from runner.graph.quantities import duration_meant, rate, rate_meant, seconds, size, size_meant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1.5h", 5400.0),
        ("1m30s250ms", 90.25),
        ("0s", 0.0),
    ],
)
def test_durations_are_seconds(text: str, expected: float) -> None:
    """Units go from the largest to the smallest, each at most once."""
    assert expected == seconds(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        ("30", None),
        ("s", None),
        ("30 s", "30s"),
        ("30sec", "30s"),
        ("5min", "5m"),
        ("2 hours 30 minutes", "2h30m"),
        ("30m1h", None),
        ("1h1h", None),
        ("-5s", None),
        ("1:30", "1m30s"),
        ("1:02:03", "1h2m3s"),
        ("1.2.3s", None),
        ("٣s", None),
        ("soon", None),
        ("PT30S", None),
    ],
)
def test_what_is_no_duration_may_be_close_to_one(text: str, meant: str | None) -> None:
    """Anything else is none; what was probably meant is guessed where it can be."""
    assert seconds(text) is None
    assert meant == duration_meant(text)
    assert meant is None or seconds(meant) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1B", 1), ("512MiB", 512 * 2**20), ("1GiB", 2**30), ("2TiB", 2**41), ("1.5KiB", 1536), ("3MB", 3_000_000)],
)
def test_sizes_are_bytes(text: str, expected: int) -> None:
    """Binary units have an `i`, decimal ones have none."""
    assert expected == size(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("512", None),
        ("512m", "512MiB"),
        ("1 GiB", "1GiB"),
        ("2g", "2GiB"),
        ("1gb", "1GiB"),
        ("a lot", None),
        ("", None),
    ],
)
def test_what_is_no_size_may_be_close_to_one(text: str, meant: str | None) -> None:
    """Anything else is none; what was probably meant is guessed where it can be."""
    assert size(text) is None
    assert meant == size_meant(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10/m", (10, 60.0)),
        ("10/1m", (10, 60.0)),
        ("5/s", (5, 1.0)),
        ("1/250ms", (1, 0.25)),
        ("3/ms", (3, 0.001)),
        ("100/1h30m", (100, 5400.0)),
        ("7/d", (7, 86400.0)),
        ("0/m", (0, 60.0)),
    ],
)
def test_rates_are_a_count_and_seconds(text: str, expected: tuple[int, float]) -> None:
    """A unit alone is one of it; whether none at all makes sense is for others to say."""
    assert expected == rate(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10", None),
        ("/m", None),
        ("10/", None),
        ("10//m", None),
        ("-1/m", None),
        ("1.5/s", None),
        ("٣/s", None),
        ("10 / min", "10/m"),
        ("10/minute", "10/m"),
        ("10 per second", "10/s"),
        ("2 every 30 sec", "2/30s"),
        ("60 an hour", "60/h"),
        ("often", None),
    ],
)
def test_what_is_no_rate_may_be_close_to_one(text: str, meant: str | None) -> None:
    """Anything else is none; what was probably meant is guessed where it can be."""
    assert rate(text) is None
    assert meant == rate_meant(text)
    assert meant is None or rate(meant) is not None
