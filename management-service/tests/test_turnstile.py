"""A crowd is served in its order, a few at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from management_service.turnstile import Turnstile

ANSWER: list[Message] = [
    {"type": "http.response.start", "status": 204, "headers": []},
    {"type": "http.response.body", "body": b""},
]


class Counter:
    """An application whose requests end when they are let; `reads_body` has it wait for the client first."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.served: list[str] = []
        self.given_up: list[str] = []
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/body":
            try:
                await receive()
            except TimeoutError:
                self.given_up.append(scope["path"])
                raise
        self.inside.append(scope["path"])
        await self.may_end.wait()
        self.inside.remove(scope["path"])
        self.served.append(scope["path"])
        for message in ANSWER:
            await send(message)


@pytest.fixture
def counter() -> Counter:
    """An application that nobody has asked yet."""
    return Counter()


def through(counter: Counter, *, longest_wait_seconds: float) -> Callable[..., Any]:
    """Asks for a path through a turnstile that lets two in and has little patience; the answer's status."""
    bounds = {"longest_wait_seconds": longest_wait_seconds, "patience_seconds": 0.2}
    turnstile = Turnstile(counter, at_once=2, history_at_once=1, **bounds)

    async def request(path: str, body: asyncio.Event | None = None, *, method: str = "GET") -> int:
        sent: list[Message] = []

        async def receive() -> Message:
            if body is not None:
                await body.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await turnstile({"type": "http", "method": method, "path": path, "headers": []}, receive, send)
        return sent[0]["status"]

    return request


@pytest.fixture
async def ask(counter: Counter) -> Callable[..., Any]:
    """Asks through a turnstile before which nobody waits for long."""
    return through(counter, longest_wait_seconds=0.2)


async def turns_of_the_loop() -> None:
    """Let every task get as far as it can."""
    for _ in range(20):
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0)


async def test_a_few_at_once_in_the_order_of_arrival(counter: Counter, ask: Any) -> None:
    """The third waits until one of the two before it is done."""
    requests = [asyncio.create_task(ask(f"/{number}")) for number in range(4)]
    await turns_of_the_loop()
    inside = list(counter.inside)
    counter.may_end.set()

    assert inside == ["/0", "/1"]
    assert await asyncio.gather(*requests) == [204] * 4
    assert counter.served == ["/0", "/1", "/2", "/3"]


async def test_whoever_waits_too_long_is_told_to_come_again(counter: Counter, ask: Any) -> None:
    """503; the request was not begun, and those inside go on."""
    inside = [asyncio.create_task(ask(f"/{number}")) for number in range(2)]
    await turns_of_the_loop()

    refused = await ask("/late")
    counter.may_end.set()

    assert refused == 503
    assert await asyncio.gather(*inside) == [204, 204]
    assert "/late" not in counter.served


async def test_a_client_that_is_waited_for_holds_up_nobody(counter: Counter, ask: Any) -> None:
    """Its turn is given up until its body has come."""
    counter.may_end.set()
    arrived = asyncio.Event()
    slow = [asyncio.create_task(ask("/body", arrived)) for _ in range(5)]
    await turns_of_the_loop()

    quick = await ask("/quick")
    arrived.set()

    assert quick == 204
    assert await asyncio.gather(*slow) == [204] * 5
    assert counter.served[0] == "/quick"


async def test_a_client_is_not_waited_for_for_ever(counter: Counter, ask: Any) -> None:
    """One that sends nothing is given up, and has taken nobody's turn."""
    counter.may_end.set()

    with pytest.raises(TimeoutError):
        await ask("/body", asyncio.Event())

    assert counter.given_up == ["/body"]
    assert await asyncio.gather(*(ask(f"/{number}") for number in range(4))) == [204] * 4


async def test_waiting_in_line_is_not_the_clients_delay(counter: Counter) -> None:
    """A body that came at once is taken, however long its request stood in line for its second turn."""
    ask = through(counter, longest_wait_seconds=60)
    requests = [asyncio.create_task(ask(path)) for path in ("/body", "/0", "/1", "/2")]
    await turns_of_the_loop()
    await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.5)
    counter.may_end.set()

    assert await asyncio.gather(*requests) == [204] * 4
    assert counter.given_up == []


async def test_liveness_never_waits(counter: Counter, ask: Any) -> None:
    """Or a crowd would get the container restarted."""
    requests = [asyncio.create_task(ask(path)) for path in ("/0", "/1", "/2", "/health/live")]
    await turns_of_the_loop()

    inside = list(counter.inside)
    counter.may_end.set()
    await asyncio.gather(*requests)

    assert inside == ["/0", "/1", "/health/live"]


async def test_readers_of_the_history_wait_for_each_other_alone(counter: Counter, ask: Any) -> None:
    """However many hang on a silent PostgreSQL, whoever asks Redis has its turn."""
    readers = ("/queue/events/17", "/trading", "/events", "/queue/events/18")
    requests = [asyncio.create_task(ask(path)) for path in (*readers, "/queue/events", "/trading/pauses/all")]
    await turns_of_the_loop()

    inside = list(counter.inside)
    counter.may_end.set()

    assert inside == ["/queue/events/17", "/queue/events", "/trading/pauses/all"]
    assert await asyncio.gather(*requests) == [204] * 6


async def test_removing_an_event_reads_no_history(counter: Counter, ask: Any) -> None:
    """It has the path of a reader and asks Redis alone, so it waits for no reader."""
    requests = [asyncio.create_task(ask("/queue/events/17", method=method)) for method in ("GET", "DELETE", "GET")]
    await turns_of_the_loop()

    inside = list(counter.inside)
    counter.may_end.set()
    await asyncio.gather(*requests)

    assert inside == ["/queue/events/17"] * 2


async def test_a_request_that_is_given_up_gives_its_turn_back(counter: Counter, ask: Any) -> None:
    """Cancelled inside or in line, it takes nothing along."""
    requests = [asyncio.create_task(ask(f"/{number}")) for number in range(4)]
    await turns_of_the_loop()
    for request in requests:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)
    counter.inside.clear()
    counter.may_end.set()

    assert await asyncio.gather(*(ask(f"/again-{number}") for number in range(4))) == [204] * 4
