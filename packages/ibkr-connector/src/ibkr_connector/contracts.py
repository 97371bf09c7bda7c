"""Symbols as the gateway's contracts: US-dollar stocks and ETFs, routed by SMART."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ib_async import Contract, ContractDetails
from ib_async.wrapper import RequestError

from broker_connector_base import BrokerAPIError, ContractUnknown
from ibkr_connector.details_book import DetailsBook
from ibkr_connector.error_codes import ErrorClass, classify
from ibkr_connector.mapping import to_gateway_symbol
from ibkr_connector.numbers import known_number
from ibkr_connector.requests import Requests

_MAX_AT_ONCE: Final = 40
"""More would wait in line for the gateway's pace, with the time for their answers running."""


@dataclass(frozen=True, slots=True)
class QualifiedStock:
    """A symbol that the gateway knows, with what orders need of it."""

    symbol: str
    contract_id: int
    primary_exchange: str
    min_tick: Decimal

    def contract(self) -> Contract:
        """A fresh contract for one request: ib_async writes into those that it is given."""
        return Contract(
            conId=self.contract_id,
            symbol=to_gateway_symbol(self.symbol),
            secType="STK",
            exchange="SMART",
            currency="USD",
            primaryExchange=self.primary_exchange,
        )


class ContractCache:
    """Contract ids by symbol, asked for once: they do not change. Outlives sessions."""

    def __init__(self) -> None:
        self._known: dict[str, QualifiedStock] = {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that was ever found."""
        return tuple(self._known)

    async def qualify(self, book: DetailsBook, symbols: Sequence[str]) -> dict[str, QualifiedStock]:
        """The contract of every symbol, asked for side by side where unknown.

        Raises:
            ContractUnknown: naming every symbol that is no US stock or ETF, or several.
        """
        await self.details(book, [symbol for symbol in symbols if symbol not in self._known])
        return {symbol: self._known[symbol] for symbol in symbols}

    async def details(self, book: DetailsBook, symbols: Sequence[str]) -> dict[str, ContractDetails]:
        """Recent details of every symbol, for what changes daily, such as trading hours.

        Raises:
            ContractUnknown: naming every symbol that is no US stock or ETF, or several.
            BrokerAPIError: the details of one make no sense.
        """
        unique = list(dict.fromkeys(symbols))
        turns = asyncio.Semaphore(_MAX_AT_ONCE)

        async def find(symbol: str) -> ContractDetails | str:
            async with turns:
                return await book.read(symbol)

        answers = await asyncio.gather(*(find(symbol) for symbol in unique))
        unknown = [f"{symbol}: {answer}" for symbol, answer in zip(unique, answers, strict=True) if _is_text(answer)]
        if unknown:
            raise ContractUnknown(f"not one US stock or ETF each: {'; '.join(unknown)}")
        found = {s: answer for s, answer in zip(unique, answers, strict=True) if isinstance(answer, ContractDetails)}
        self._known |= {symbol: _qualified(symbol, details) for symbol, details in found.items()}
        return found


def _is_text(answer: ContractDetails | str) -> bool:
    return isinstance(answer, str)


async def find_details(requests: Requests, symbol: str) -> ContractDetails | str:
    """The details, or why there are none."""
    asked = Contract(symbol=to_gateway_symbol(symbol), secType="STK", exchange="SMART", currency="USD")
    try:
        answers = await requests.contract_details(asked)
    except RequestError as error:
        if classify(error.code) is ErrorClass.NO_DATA:
            return f"{error.code}: {error.message}"
        raise BrokerAPIError(f"no contract details of {symbol}: {error.code}: {error.message}") from error
    fitting = {d.contract.conId: d for d in answers if d.contract is not None and _fits(d.contract)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    return f"{len(fitting)} contracts fit"


def _fits(contract: Contract) -> bool:
    return contract.secType == "STK" and contract.currency == "USD"


def _qualified(symbol: str, details: ContractDetails) -> QualifiedStock:
    contract = details.contract or Contract()
    min_tick = known_number(details.minTick)
    if min_tick is None or min_tick < 0:
        raise BrokerAPIError(f"contract details of {symbol} cannot be used: minTick is {details.minTick}")
    return QualifiedStock(symbol, contract.conId, contract.primaryExchange, min_tick)
