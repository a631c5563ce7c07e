"""What every way to Postman offers, and how it fails. No code of any of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["auto", "api", "mcp", "file"]


class Fault(Enum):
    """Why Postman could not be used; the value is for people."""

    NO_KEY = "no key"
    KEY_REFUSED = "key refused"
    NOT_PERMITTED = "not permitted"
    UNREACHABLE = "endpoint unreachable"
    TOOL_MISSING = "tool missing"
    NOT_FOUND = "not found"
    QUOTA = "quota used up"
    RATE_LIMITED = "too many requests"
    BAD_ANSWER = "answer not understood"
    REFUSED = "request refused"
    SERVER = "Postman failed"


class PowerError(RuntimeError):
    """Postman could not be used: which fault, what to do, and the body as it came (never shown, it may be large)."""

    def __init__(self, fault: Fault, message: str, *, status: int | None = None, body: str = "") -> None:
        super().__init__(f"{fault.value}: {message}")
        self.fault = fault
        self.message = message
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What was activated: the way, why that one, who answers there, for whom, and what is offered."""

    transport: str
    why: str
    server: str = ""
    version: str = ""
    user: str = ""
    team: str = ""
    tools: tuple[str, ...] = ()
    can_run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a transport found when it was opened."""

    server: str
    version: str = ""
    user: str = ""
    team: str = ""
    tools: tuple[str, ...] = ()


class Transport(Protocol):
    """A way to collections and environments; every method raises PowerError."""

    def open(self) -> Offer:
        """Connect, authenticate, and see that what we need is offered."""

    def collection(self, collection_id: str) -> dict[str, Any]:
        """Answer a collection (v2.1)."""

    def environment(self, environment_id: str) -> dict[str, Any]:
        """Answer an environment."""

    def close(self) -> None:
        """Let go of everything."""
