"""File names from ids. Standard library only: workers use it, too."""

from __future__ import annotations

LONGEST_NAME = 100


def stem_of(*parts: str) -> str:
    """Spell ids as a file name: outside `[A-Za-z0-9_.-]` percent-encoded, a long one cut and told by a digest.

    Source: DESIGN section 5, Names and times.
    """
    whole = ".".join(parts)
    name = whole if _SAFE.issuperset(whole) else _quoted(whole)
    if len(name) > LONGEST_NAME:
        from hashlib import sha256  # noqa: PLC0415  # as below

        return f"{name[:LONGEST_NAME]}-{sha256(whole.encode(errors='surrogatepass')).hexdigest()[:12]}"
    return name


def _quoted(text: str) -> str:
    return "".join(each if each in _SAFE else _encoded(each) for each in text)


def _encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
