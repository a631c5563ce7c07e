from __future__ import annotations

from contextlib import closing

import pytest
from pydantic import SecretStr

from tasks.postman.api import ApiTransport
from tasks.postman.transport import Fault, PowerError
from tests.tasks.kit import Call, Reply
from tests.tasks.postman.stand_in import (
    COLLECTION,
    ENVIRONMENT,
    FORBIDDEN,
    KEY,
    MISSING,
    WORKSPACE,
    Answer,
    collection,
    postman,
    said,
)

pytestmark = pytest.mark.real


class Waits(list[float]):
    """Sleeps that are noted and not slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def transport(url: str, waits: Waits, key: str | None = KEY, workspace: str | None = None) -> ApiTransport:
    """Make a transport without chance and without waiting."""
    secret = None if key is None else SecretStr(key)
    return ApiTransport(secret, url=url, workspace_id=workspace, sleep=waits, jitter=lambda: 0.0)


def fault(answer: Answer, key: str | None = KEY) -> tuple[Fault, int, list[float]]:
    """Answer how opening fails, after how many calls and which waits."""
    waits = Waits()
    with (
        postman(answer) as (url, calls),
        closing(transport(url, waits, key)) as opened,
        pytest.raises(PowerError) as caught,
    ):
        opened.open()
    assert key is None or key not in str(caught.value)
    return caught.value.fault, len(calls), waits


def test_opening_authenticates_and_fetching_fetches() -> None:
    """The key is sent as Postman wants it, and what it has is answered without its wrapping."""
    with postman() as (url, calls):
        opened = transport(url, Waits(), workspace=WORKSPACE)
        offer = opened.open()
        fetched = opened.collection(COLLECTION), opened.environment(ENVIRONMENT)["name"]
        opened.close()

    assert ("ada", "Engines", url) == (offer.user, offer.team, offer.server)
    assert (collection(), "e") == fetched
    assert {KEY} == {call.headers["x-api-key"] for call in calls}
    expected = ["/me", f"/workspaces/{WORKSPACE}", f"/collections/{COLLECTION}", f"/environments/{ENVIRONMENT}"]
    assert expected == [call.path for call in calls]


def test_each_way_of_not_getting_in_is_told_apart() -> None:
    """No key, key refused, not permitted, not asked again where that cannot help."""
    assert (Fault.NO_KEY, 0, []) == fault(lambda _: None, key=None)
    assert (Fault.KEY_REFUSED, 1, []) == fault(lambda _: None, key="PMAK-wrong-but-well-formed")
    assert (Fault.KEY_REFUSED, 0, []) == fault(lambda _: None, key="PMAK with a blank")
    assert (Fault.NOT_PERMITTED, 1, []) == fault(lambda _: said(403, "forbiddenError", "no"))
    assert (Fault.QUOTA, 1, []) == fault(lambda _: Reply(status=429, body='{"error": "serviceLimitExhausted"}'))
    assert (Fault.BAD_ANSWER, 1, []) == fault(lambda _: Reply(body='{"user": '))
    assert (Fault.BAD_ANSWER, 1, []) == fault(lambda _: Reply(body="{}"))


def test_a_key_that_is_echoed_is_not_told() -> None:
    """`fault` looks for it in the message; a key that stands in a file is masked by nobody else."""
    echo = said(401, "AuthenticationError", f"{KEY} is no key")

    assert (Fault.KEY_REFUSED, 1, []) == fault(lambda _: echo)
    with (
        postman(lambda _: echo) as (url, _),
        closing(transport(url, Waits())) as opened,
        pytest.raises(PowerError) as caught,
    ):
        opened.open()
    assert KEY not in caught.value.body
    assert "*** is no key" in str(caught.value)


def test_what_may_pass_is_tried_three_times() -> None:
    """With waits that double, or as long as a header asks."""
    assert (Fault.SERVER, 3, [0.15, 0.3]) == fault(lambda _: Reply(status=503))
    assert (Fault.RATE_LIMITED, 3, [7.0, 7.0]) == fault(
        lambda _: said(429, "rateLimited", "slow", **{"Retry-After": "7"})
    )
    assert (Fault.UNREACHABLE, 3, [0.15, 0.3]) == fault(lambda _: Reply(raw=b""))
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"
    assert (Fault.UNREACHABLE, 3, [0.15, 0.3]) == fault(lambda _: Reply(raw=cut))


def test_two_bad_answers_and_a_good_one_are_good() -> None:
    """The third attempt counts."""
    waits, bad = Waits(), [Reply(status=500), Reply(status=502)]
    with postman(lambda _: bad.pop() if bad else None) as (url, calls):
        opened = transport(url, waits)
        assert "ada" == opened.open().user
        opened.close()

    assert (3, [0.15, 0.3]) == (len(calls), waits)


def test_what_is_not_there_or_not_allowed_is_told_apart() -> None:
    """An environment that is not found is a 400 at Postman's."""
    with postman() as (url, _):
        opened = transport(url, Waits())
        opened.open()
        faults = []
        for fetch, each in (
            (opened.collection, MISSING),
            (opened.collection, FORBIDDEN),
            (opened.environment, MISSING),
        ):
            with pytest.raises(PowerError) as caught:
                fetch(each)
            faults.append((caught.value.fault, caught.value.status))
        opened.close()

    assert [(Fault.NOT_FOUND, 404), (Fault.NOT_PERMITTED, 403), (Fault.NOT_FOUND, 400)] == faults


def test_the_key_never_follows_a_redirect() -> None:
    """Not even to where it points on purpose."""
    strangers: list[Call] = []

    def stranger(call: Call) -> Reply:
        strangers.append(call)
        return Reply(body="{}")

    with postman(stranger) as (other, _):
        assert Fault.UNREACHABLE is fault(lambda _: Reply(status=302, headers={"location": f"{other}/me"}))[0]

    assert [] == strangers


def test_a_key_is_sent_in_the_clear_to_this_machine_only() -> None:
    """Plain HTTP to anywhere else is refused before anything is sent."""
    with pytest.raises(PowerError, match="is not https") as caught:
        transport("http://api.getpostman.test", Waits()).open()

    assert Fault.UNREACHABLE is caught.value.fault
