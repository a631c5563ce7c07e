"""Masking, whole and in pieces. The expected spellings are worked out by hand or by the encoders themselves."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.mask import Masker
from runner.task import Json

SMALL = st.text(alphabet='abAB+/ \n"é', min_size=4, max_size=12).filter(lambda text: len(text) >= 4)
"""Values from few characters, so that they occur by chance, overlap themselves and each other."""

PIECES = st.lists(st.one_of(st.sampled_from(["abab", "aaaa", "abABab", "b+/a", "\n", " "]), SMALL), max_size=12)
CUTS = st.lists(st.integers(min_value=0, max_value=200), max_size=8)

KEY = "-----BEGIN KEY-----\nMIIEvQIBADAN\nab\nBgkqhki/G9w0+\n-----END KEY-----\n"


def whole(masker: Masker, data: bytes) -> bytes:
    """Mask a stream that comes in one piece."""
    return masker.feed(data) + masker.flush()


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut a stream at these places."""
    places = [0, *sorted(min(place, len(data)) for place in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(secrets=st.lists(SMALL, min_size=1, max_size=3), parts=PIECES, cuts=CUTS, data=st.data())
def test_any_split_gives_what_the_whole_gives(
    secrets: list[str], parts: list[str], cuts: list[int], data: st.DataObject
) -> None:
    """How a stream is cut into pieces changes nothing, and no value remains in it, nor in the text."""
    masker = Masker({f"S{number}": value for number, value in enumerate(secrets)})
    text = "".join(data.draw(st.permutations([*parts, *secrets, secrets[0][:3]])))
    stream = text.encode()
    pieces = cut(stream, cuts)

    split = b"".join(masker.feed(piece) for piece in pieces) + masker.flush()

    assert whole(masker, stream) == split
    assert split.decode() == masker.text(text)
    assert [] == [value for value in secrets if value.encode() in split]


@given(parts=PIECES)
def test_overlapping_values_leave_nothing_of_either(parts: list[str]) -> None:
    """Each byte of each occurrence is masked, also where a value overlaps itself or another one."""
    secrets = {"A": "abab", "B": "baaa"}
    stream = "".join(parts)
    covered = {
        at + offset
        for value in secrets.values()
        for at in range(len(stream))
        if stream.startswith(value, at)
        for offset in range(4)
    }
    left = "".join(letter for at, letter in enumerate(stream) if at not in covered)

    masked = Masker(secrets).text(stream)

    assert left == masked.replace("***", "")


@given(text=st.text())
def test_text_without_secrets_is_unchanged(text: str) -> None:
    """Not a byte is changed where no value occurs, and none is held back for ever."""
    masker = Masker({"TOKEN": "\x00never\x00in\x00there"})

    assert text.encode() == whole(masker, text.encode())
    assert text == masker.text(text)
    assert text == Masker({}).text(text)


def test_nothing_is_held_without_secrets() -> None:
    """A masker without secrets passes on the very object it was given."""
    piece = b"tok"

    assert Masker({}).feed(piece) is piece
    assert b"" == Masker({}).flush()


def test_only_what_could_begin_a_secret_is_held() -> None:
    """A stream is held back from the first byte that could begin a value, and not from any byte before."""
    masker = Masker({"TOKEN": "s3cret!"})

    assert b"password " == masker.feed(b"password s3c")
    assert b"s3cure " == masker.feed(b"ure ")
    assert b"and ***" == masker.feed(b"and s3cret!")
    assert b"." == masker.feed(b".")
    assert b"" == masker.feed(b"s3cret")
    assert b"s3cret" == masker.flush()
    assert b"!" == masker.feed(b"!")


@given(value=st.text(min_size=4, max_size=40), before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_base64_hides_a_value_wherever_it_begins(value: str, before: bytes, after: bytes) -> None:
    """Inside longer data that is base64-encoded, all but the bits shared with the neighbours is masked."""
    masker = Masker({"TOKEN": value})
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        inside = encode(before + value.encode() + after)
        own = (len(value.encode()) * 8 - 10) // 6  # characters that hold nothing but the value, at the very least

        masked = whole(masker, inside)

        assert b"***" in masked
        assert len(inside) - own >= len(masked.replace(b"***", b""))


@given(value=st.text(min_size=4, max_size=200))
def test_encoded_values_are_masked_whole(value: str) -> None:
    """A value that was encoded alone leaves nothing at all."""
    masker = Masker({"TOKEN": value})
    spellings = [
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
    ]

    assert ["<***>"] * len(spellings) == [masker.text(f"<{spelling}>") for spelling in spellings]


def test_lines_of_a_value_are_masked_one_by_one() -> None:
    """Of a value with several lines each line of at least four characters is masked, however it is indented."""
    masker = Masker({"KEY": KEY})
    log = "  MIIEvQIBADAN\r\n  ab\n  another line\n  Bgkqhki/G9w0+\n"

    assert "  ***\r\n  ab\n  another line\n  ***\n" == masker.text(log)
    assert '["***", "ab", "***"]' == masker.text(r'["MIIEvQIBADAN", "ab", "Bgkqhki\/G9w0+"]')
    assert "***" == masker.text(KEY)


def test_base64_broken_into_lines_is_masked() -> None:
    """What the command `base64` prints of a long value is masked line by line, also with echo's newline."""
    value = "".join(chr(33 + (number * 37) % 90) for number in range(150))
    masker = Masker({"TOKEN": value})

    lines = base64.encodebytes(f"{value}\n".encode()).decode()

    assert 3 == lines.count("\n")
    assert "***\n***\n***Cg==\n" == masker.text(lines)


def test_short_secrets_are_refused_by_name() -> None:
    """A value under four characters would be found everywhere: an error that names the variable, not the value."""
    with pytest.raises(ValueError, match="`PIN` has fewer than 4 characters") as refused:
        Masker({"TOKEN": "long enough", "PIN": "xyz"})

    assert "xyz" not in str(refused.value)


def test_plain_data_is_masked_at_any_depth() -> None:
    """Texts, keys and numbers are masked wherever they are; all else, also words of ours, stays."""
    masker = Masker({"TOKEN": "s3cret!", "PIN": "4711"})
    data: Json = {"s3cret!": [1, True, None, {"url": "http://x/?t=s3cret%21"}], "pin": 4711, "year": 47110}
    expected: Json = {"***": [1, True, None, {"url": "http://x/?t=***"}], "pin": "***", "year": 47110}

    assert expected == masker.plain(data)
    assert Masker({}).plain(data) is data


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"a": ["x", {"b": "my s3cret! is"}]}, "TOKEN"),
        ({"a": {"s3cret!": 1}}, "TOKEN"),
        ({"a": base64.b64encode(b"user:s3cret!").decode()}, "TOKEN"),
        ({"pin": 4711}, "PIN"),
        ({"a": [1, None, True, "s3cret", 0.5]}, None),
        ("s3cret!", "TOKEN"),
        ({}, None),
    ],
)
def test_a_secret_in_data_is_found_by_name(data: Json, name: str | None) -> None:
    """The variable whose value occurs anywhere in nested data is named."""
    assert name == Masker({"TOKEN": "s3cret!", "PIN": "4711"}).found_in(data)
    assert Masker({}).found_in(data) is None
