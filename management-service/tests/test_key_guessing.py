"""Guessing the key gets an address slowed down, and nobody else."""

from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from management_service.app import create_app
from management_service.dependencies import Dependencies
from management_service.key_guessing import SECONDS_A_GUESS, WRONG_KEYS_AT_ONCE, KeyGuessing

HERE = "192.0.2.1"


def guess(guessing: KeyGuessing, address: str, times: int, now: float = 0) -> None:
    for _ in range(times):
        guessing.was_wrong(address, now)


@pytest.fixture
def guessing() -> KeyGuessing:
    """Nobody has guessed yet."""
    return KeyGuessing()


def test_a_few_wrong_keys_are_nothing(guessing: KeyGuessing) -> None:
    """Whoever mistypes it now and then notices nothing."""
    guess(guessing, HERE, WRONG_KEYS_AT_ONCE - 1)

    assert guessing.seconds_to_wait(HERE, 0) == 0


def test_one_too_many_makes_the_address_wait(guessing: KeyGuessing) -> None:
    """And nobody else; the last guess for now is told of once."""
    last = [guessing.was_wrong(HERE, 0) for _ in range(WRONG_KEYS_AT_ONCE)]

    assert last == [False] * (WRONG_KEYS_AT_ONCE - 1) + [True]
    assert guessing.seconds_to_wait(HERE, 0) == SECONDS_A_GUESS
    assert guessing.seconds_to_wait("192.0.2.2", 0) == 0


def test_nobody_is_locked_out_for_ever(guessing: KeyGuessing) -> None:
    """A guess comes back every three seconds, whatever was sent meanwhile."""
    guess(guessing, HERE, 1_000)

    assert guessing.seconds_to_wait(HERE, SECONDS_A_GUESS - 1) == 1
    assert guessing.seconds_to_wait(HERE, SECONDS_A_GUESS) == 0


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=200))
def test_however_they_are_spread_guesses_stay_few(pauses: list[float]) -> None:
    """At most the ones at once, and one every three seconds."""
    guessing, now, looked_at = KeyGuessing(), 0.0, 0
    for pause in pauses:
        now += pause
        if guessing.seconds_to_wait(HERE, now) == 0:
            guessing.was_wrong(HERE, now)
            looked_at += 1

    assert looked_at <= WRONG_KEYS_AT_ONCE + now / SECONDS_A_GUESS + 1


def test_other_addresses_of_one_network_are_the_same_party(guessing: KeyGuessing) -> None:
    """Whoever has one IPv6 address has 2**64 of them; IPv4 in the clothes of IPv6 stays IPv4."""
    for number in range(WRONG_KEYS_AT_ONCE):
        guessing.was_wrong(f"2001:db8::{number:x}", 0)
    guess(guessing, f"::ffff:{HERE}", WRONG_KEYS_AT_ONCE)

    assert guessing.seconds_to_wait("2001:db8::ffff:1", 0) > 0
    assert guessing.seconds_to_wait("2001:db8:0:1::1", 0) == 0
    assert guessing.seconds_to_wait(HERE, 0) > 0


def test_its_memory_is_bounded(guessing: KeyGuessing) -> None:
    """Those that guessed longest ago are forgotten first."""
    guess(guessing, HERE, WRONG_KEYS_AT_ONCE)
    for number in range(10_000):
        guessing.was_wrong(f"10.0.{number // 250}.{number % 250}", 0)

    assert len(guessing) == 4096
    assert guessing.seconds_to_wait(HERE, 0) == 0


async def test_a_guesser_is_told_to_wait_and_others_go_on(dependencies: Dependencies, body: dict[str, Any]) -> None:
    """429 with Retry-After, for the right key too, so that guessing on is of no use; elsewhere the key opens."""
    app = create_app(dependencies)
    guesser = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(HERE, 1)), base_url="http://api")
    other = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("192.0.2.2", 1)), base_url="http://api")
    async with guesser, other:
        guesses = [
            await guesser.post("/queue/events", json=body, headers={"Authorization": f"Bearer {number}"})
            for number in range(WRONG_KEYS_AT_ONCE + 5)
        ]
        right = {"Authorization": "Bearer an-operators-key"}
        refused = await guesser.post("/queue/events", json=body, headers=right)
        taken = await other.post("/queue/events", json=body, headers=right)
        read = await guesser.get("/queue/events")

    assert [answer.status_code for answer in guesses] == [401] * WRONG_KEYS_AT_ONCE + [429] * 5
    assert (refused.status_code, taken.status_code, read.status_code) == (429, 201, 200)
    assert 1 <= int(refused.headers["retry-after"]) <= SECONDS_A_GUESS
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_a_header_does_not_make_another_address(connect: Any, header: str) -> None:
    """It is the peer of the connection that counts."""
    client = connect(key=b"wrong")

    for number in range(WRONG_KEYS_AT_ONCE):
        await client.delete("/trading/pauses/all", headers={header: f"10.0.0.{number}"})
    answer = await client.delete("/trading/pauses/all", headers={header: "for=10.1.1.1"})

    assert answer.status_code == 429


async def test_a_request_without_a_key_is_no_guess(connect: Any) -> None:
    """Whoever forgets it is told so each time."""
    answers = [await connect(key=None).delete("/trading/pauses/all") for _ in range(WRONG_KEYS_AT_ONCE + 1)]

    assert {answer.status_code for answer in answers} == {401}


async def test_guessing_is_logged_once_and_without_the_key(connect: Any) -> None:
    """With the address, when it is slowed down."""
    capture = LogCapture()
    structlog.configure(processors=[capture])
    client = connect(key=b"a-guess-at-the-key")

    for _ in range(WRONG_KEYS_AT_ONCE * 2):
        await client.delete("/trading/pauses/all")
    structlog.reset_defaults()

    warnings = [line for line in capture.entries if line["event"] == "api_key_guessing_slowed"]
    assert warnings == [{"event": "api_key_guessing_slowed", "log_level": "warning", "client": "127.0.0.1"}]
    assert "a-guess" not in str(capture.entries)
