"""The allocations API, in all the ways in which it may answer."""

from collections.abc import AsyncGenerator
from decimal import Decimal

import httpx
import pytest
import respx
from pydantic import SecretStr

from event_processor.allocations import MAX_ANSWER_BYTES, AllocationsClient
from event_processor.errors import AllocationsInvalid, AllocationsUnavailable
from service_runtime.clock import SystemClock
from service_runtime.settings import AllocationsSettings

URL = "https://allocations.test/api/v1/blend%20%2F%201/allocations"
CHANNEL = "blend / 1"


@pytest.fixture
async def client() -> AsyncGenerator[AllocationsClient]:
    """A client with a key, before an API of its own."""
    settings = AllocationsSettings(
        base_url="https://allocations.test/api/v1/", api_key=SecretStr("k-1"), timeout_seconds=0.5
    )
    async with httpx.AsyncClient() as http:
        yield AllocationsClient(http, settings)


def _body(allocations: str, status: str = "success") -> str:
    return f'{{"status": "{status}", "data": {{"allocations": {allocations}, "name": "blend", "as_of": "2026-01-02"}}}}'


@respx.mock
async def test_weights_arrive_digit_by_digit(client: AllocationsClient) -> None:
    """Symbols are trimmed and upper-cased; numbers are never floats; the key goes out as a bearer token."""
    route = respx.get(URL).respond(
        text=_body('[{"symbol": " spy ", "allocation": 0.2141}, {"symbol": "TLT", "allocation": 0.7859}]')
    )

    published = await client.fetch(CHANNEL)

    assert [(item.symbol, item.weight) for item in published.weights] == [
        ("SPY", Decimal("0.2141")),
        ("TLT", Decimal("0.7859")),
    ]
    assert (published.strategy.name, published.strategy.as_of) == ("blend", "2026-01-02")
    assert route.calls.last.request.headers["Authorization"] == "Bearer k-1"


@respx.mock
async def test_without_a_key_none_is_sent() -> None:
    """An open API is asked without authorization."""
    route = respx.get("https://allocations.test/c/allocations").respond(
        text=_body('[{"symbol": "A", "allocation": 1}]')
    )
    async with httpx.AsyncClient() as http:
        await AllocationsClient(http, AllocationsSettings(base_url="https://allocations.test")).fetch("c")

    assert "Authorization" not in route.calls.last.request.headers


@pytest.mark.parametrize("weight", ["0.995", "1", "1.0", "1e0", "0.99"])
@respx.mock
async def test_weights_near_one_whole_are_taken(client: AllocationsClient, weight: str) -> None:
    """Publishers round, and JSON writes one number in several ways."""
    respx.get(URL).respond(text=_body(f'[{{"symbol": "A", "allocation": {weight}}}]'))

    published = await client.fetch(CHANNEL)

    assert published.weights[0].weight == Decimal(weight)


@respx.mock
async def test_a_sum_above_one_is_scaled_down(client: AllocationsClient) -> None:
    """1.004 is a rounding; more than the whole account is never invested."""
    respx.get(URL).respond(text=_body('[{"symbol": "A", "allocation": 0.502}, {"symbol": "B", "allocation": 0.502}]'))

    published = await client.fetch(CHANNEL)

    assert sum(item.weight for item in published.weights) <= 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        "\xff",
        "[" * 100_000,
        _body("[]"),
        _body("null"),
        _body("{}"),
        _body('[{"symbol": "A", "allocation": 1}]', status="error"),
        '{"data": {"allocations": [{"symbol": "A", "allocation": 1}]}}',
        '{"status": "success"}',
        '{"status": "success", "data": []}',
        _body('["A"]'),
        _body('[{"symbol": "A"}]'),
        _body('[{"symbol": 1, "allocation": 1}]'),
        _body('[{"symbol": "  ", "allocation": 1}]'),
        _body('[{"symbol": "A\\u0000V", "allocation": 1}]'),
        _body('[{"symbol": "\\ud800", "allocation": 1}]'),
        _body('[{"symbol": "\\u00df", "allocation": 1}]'),
        _body(f'[{{"symbol": "{"A" * 33}", "allocation": 1}}]'),
        _body('[{"symbol": "A", "allocation": "1"}]'),
        _body('[{"symbol": "A", "allocation": "0.3x"}]'),
        _body('[{"symbol": "A", "allocation": true}]'),
        _body('[{"symbol": "A", "allocation": null}]'),
        _body('[{"symbol": "A", "allocation": NaN}]'),
        _body('[{"symbol": "A", "allocation": Infinity}]'),
        _body('[{"symbol": "A", "allocation": 1e400}]'),
        _body('[{"symbol": "A", "allocation": 1e99999999999999999999}]'),
        _body('[{"symbol": "A", "allocation": -0.1}, {"symbol": "B", "allocation": 1.1}]'),
        _body('[{"symbol": "A", "allocation": 1.2}]'),
        _body('[{"symbol": "A", "allocation": 0.5}]'),
        _body('[{"symbol": "A", "allocation": 0.9}, {"symbol": "B", "allocation": 0.9}]'),
    ],
)
@respx.mock
async def test_what_the_api_does_not_promise_is_invalid(client: AllocationsClient, body: str) -> None:
    """Garbage, empty lists, strings as weights and wrong sums are never traded on."""
    respx.get(URL).respond(content=body.encode("latin-1"))

    with pytest.raises(AllocationsInvalid, match=CHANNEL):
        await client.fetch(CHANNEL)


@respx.mock
async def test_an_endless_answer_is_cut_off(client: AllocationsClient) -> None:
    """The size of an answer is bounded before it is read."""
    respx.get(URL).respond(content=b" " * (MAX_ANSWER_BYTES + 1))

    with pytest.raises(AllocationsInvalid, match="longer than"):
        await client.fetch(CHANNEL)


@pytest.mark.parametrize("status_code", [204, 301, 302, 401, 404, 429, 500, 503])
@respx.mock
async def test_any_other_status_is_unavailable(client: AllocationsClient, status_code: int) -> None:
    """A redirect is not followed: the key goes nowhere else."""
    route = respx.get(URL).respond(status_code, headers={"Location": "https://elsewhere.test/"}, text=_body("[]"))

    with pytest.raises(AllocationsUnavailable, match=str(status_code)):
        await client.fetch(CHANNEL)

    assert route.call_count == 1


@pytest.mark.parametrize(
    "error", [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError]
)
@respx.mock
async def test_a_broken_connection_is_unavailable(client: AllocationsClient, error: type[httpx.TransportError]) -> None:
    """It is not asked twice: the queue repeats the event."""
    route = respx.get(URL).mock(side_effect=error("broken"))

    with pytest.raises(AllocationsUnavailable, match="no answer: broken"):
        await client.fetch(CHANNEL)

    assert route.call_count == 1


async def test_a_dripping_answer_is_given_up() -> None:
    """The time is bounded as a whole, not byte by byte."""

    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncGenerator[bytes]:
            while True:
                await SystemClock().pause(0.01)
                yield b" "

    settings = AllocationsSettings(base_url="https://allocations.test", timeout_seconds=0.05)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=Dripping()))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(AllocationsUnavailable, match="TimeoutError"):
            await AllocationsClient(http, settings).fetch("c")


def test_the_key_is_no_part_of_any_message() -> None:
    """Settings keep it as a secret."""
    assert "k-1" not in repr(AllocationsSettings(api_key=SecretStr("k-1")))
