"""Target allocations from the publisher's API: fetched, bounded, and read strictly (rule 1 of the plan)."""

import asyncio
import json
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote

import httpx

from event_processor.errors import AllocationsInvalid, AllocationsUnavailable
from rebalance_calculator import Allocation, AllocationError, TargetWeight, validate_allocations
from service_runtime.settings import AllocationsSettings

MAX_ANSWER_BYTES: Final = 1024 * 1024
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Strategy:
    """What the publisher says about the allocations, for the log; empty where it said nothing."""

    name: str
    long_name: str
    last_rebalance_on: str
    as_of: str


@dataclass(frozen=True, slots=True)
class PublishedAllocations:
    """Checked weights of a channel: by symbol, unique, never more than 1 in sum."""

    weights: tuple[TargetWeight, ...]
    strategy: Strategy


class AllocationsClient:
    """Asks `{base_url}/{channel}/allocations`; nothing is cached and nothing asked twice."""

    def __init__(self, http: httpx.AsyncClient, settings: AllocationsSettings) -> None:
        self._http = http
        self._settings = settings

    async def fetch(self, channel: str) -> PublishedAllocations:
        """The weights published on a channel right now.

        Raises:
            AllocationsUnavailable: no answer in time, or one with another status than 200 (redirects included).
            AllocationsInvalid: the answer is not what the API promises, or its weights may not be traded on.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                body = await self._get(channel)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise AllocationsUnavailable(f"allocations of {channel}: no answer: {reason}") from error
        return _read(channel, body)

    async def _get(self, channel: str) -> bytes:
        url = f"{self._settings.base_url.rstrip('/')}/{quote(channel, safe='')}/allocations"
        async with self._http.stream("GET", url, headers=self._headers(), follow_redirects=False) as response:
            if response.status_code != _OK:
                raise AllocationsUnavailable(f"allocations of {channel}: the API answered {response.status_code}")
            return await _bounded(channel, response)

    def _headers(self) -> dict[str, str]:
        key = self._settings.api_key
        authorization = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        return {"Accept": "application/json", **authorization}


async def _bounded(channel: str, response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AllocationsInvalid(f"allocations of {channel}: the answer is longer than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _read(channel: str, body: bytes) -> PublishedAllocations:
    answer = _object(channel, _parse(channel, body), "the answer")
    if answer.get("status") != "success":
        raise AllocationsInvalid(f"allocations of {channel}: status is {answer.get('status')!r}, expected 'success'")
    data = _object(channel, answer.get("data"), "data")
    items = data.get("allocations")
    if not isinstance(items, list):
        raise AllocationsInvalid(f"allocations of {channel}: data.allocations is not a list")
    published = [_allocation(channel, item) for item in cast("list[object]", items)]
    try:
        weights = validate_allocations(published)
    except AllocationError as error:
        raise AllocationsInvalid(f"{channel}: {error}") from error
    return PublishedAllocations(weights, _strategy(data))


def _parse(channel: str, body: bytes) -> object:
    """JSON with every number as a Decimal, digit by digit as published."""
    try:
        return json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError, DecimalException) as error:
        raise AllocationsInvalid(f"allocations of {channel}: the answer is not JSON: {error}") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")


def _allocation(channel: str, item: object) -> Allocation:
    entry = _object(channel, item, "an allocation")
    symbol, weight = entry.get("symbol"), entry.get("allocation")
    if not isinstance(symbol, str):
        raise AllocationsInvalid(f"allocations of {channel}: symbol {symbol!r} is not text")
    if not isinstance(weight, Decimal):
        raise AllocationsInvalid(f"allocations of {channel}: weight of {symbol!a} is {weight!r}, expected a number")
    return Allocation(symbol, weight)


def _object(channel: str, value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise AllocationsInvalid(f"allocations of {channel}: {what} is not an object")
    return cast("dict[str, Any]", value)


def _strategy(data: dict[str, Any]) -> Strategy:
    def text(key: str) -> str:
        value = data.get(key)
        return value if isinstance(value, str) else ""

    return Strategy(text("name"), text("strategy_long_name"), text("last_rebalance_on"), text("as_of"))
