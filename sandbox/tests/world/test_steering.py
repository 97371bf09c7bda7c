"""What an operator may do to a running world, and what the journal tells of it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.world import OrderState, SpecError, UnknownAccountError, UnknownInstrumentError, World, load_spec

BuildWorld = Callable[..., World]


def buy(world: World, quantity: int, **more: Any) -> OrderState:
    """An order of client 7 to buy SPY; at the market unless told otherwise."""
    return world.place_foreign_order(
        7,
        account="DU1",
        symbol="SPY",
        side="BUY",
        quantity=Decimal(quantity),
        **more,
    )


QUOTED = {"symbol": "QUOTED", "price": 1}


async def orders_have_arrived(world: World) -> None:
    """Orders placed before have met their market, since one placed after them has."""
    world.place_foreign_order(8, account="DU1", symbol="QUOTED", side="BUY", quantity=Decimal(1))
    await world.journal.until(lambda entry: entry.kind == "fill" and entry.symbol == "QUOTED")


async def test_an_order_moves_the_account_and_is_journalled(build: BuildWorld) -> None:
    """Placed, accepted, filled, each with its reference."""
    world = build(commission={"per_share": "0.01", "minimum": 1})

    buy(world, 2, order_ref="e1")
    await world.journal.until(lambda entry: entry.kind == "fill")
    state = world.account_state("DU1")

    assert (state.cash, state.net_liquidation) == (8_999, 9_999)
    assert [(entry.kind, entry.order_ref) for entry in world.journal] == [
        ("place_order", "e1"),
        ("order_accepted", "e1"),
        ("fill", "e1"),
    ]
    assert [(fill.quantity, fill.commission) for fill in state.fills] == [(2, 1)]


async def test_the_minimum_commission_is_for_the_whole_order(build: BuildWorld) -> None:
    """A second execution pays by the share only."""
    world = build(
        commission={"per_share": "0.01", "minimum": 1},
        faults=[{"kind": "partial_fill", "quantity": 1, "rest_after_ms": 0}],
    )

    buy(world, 3)
    await world.journal.until(lambda _: len(world.journal.of("fill")) == 2)

    assert [fill.commission for fill in world.account_state("DU1").fills] == [1, Decimal("0.02")]


async def test_a_margin_account_may_not_borrow_beyond_its_equity(build: BuildWorld) -> None:
    """Half the position must be covered: 10 000 carry 20 000, open orders included."""
    world = build(faults=[{"kind": "slow_fill"}])

    held = buy(world, 40)
    refused = buy(world, 1)

    assert (held.status, refused.status) == ("Submitted", "Inactive")
    assert "INITIAL MARGIN" in world.journal.of("order_refused")[0].details["text"]


async def test_reducing_a_position_is_allowed_without_any_margin(build: BuildWorld) -> None:
    """An account under water may sell."""
    account = {"id": "DU1", "cash": -9_000, "positions": [{"symbol": "SPY", "quantity": 20}]}
    world = build(accounts=[account])

    sale = world.place_foreign_order(7, account="DU1", symbol="SPY", side="SELL", quantity=Decimal(10))

    assert sale.status == "Submitted"


async def test_faults_meet_the_orders_that_they_name_and_no_more(build: BuildWorld) -> None:
    """Symbol, side and count all narrow them."""
    world = build()
    world.add_fault({"kind": "reject", "symbol": "SPY", "side": "BUY", "times": 1})

    statuses = [
        world.place_foreign_order(7, account="DU1", symbol="SPY", side=side, quantity=Decimal(1)).status
        for side in ("SELL", "BUY", "BUY")
    ]

    assert statuses == ["Submitted", "Inactive", "Submitted"]
    assert [entry.details["fault"] for entry in world.journal.of("fault_applied")] == ["reject"]


def test_faults_can_be_lifted_one_by_one_or_all(build: BuildWorld) -> None:
    """By their number."""
    world = build()
    first, second = world.add_fault({"kind": "no_answer"}), world.add_fault({"kind": "skip_status"})

    world.clear_faults(first)
    left = list(world.faults)
    world.clear_faults()

    assert (left, world.faults) == ([second], {})


def test_a_wrong_fault_is_refused(build: BuildWorld) -> None:
    """With the reason."""
    with pytest.raises(SpecError, match="explode"):
        build().add_fault({"kind": "explode"})


def test_unknown_names_are_refused(build: BuildWorld) -> None:
    """Accounts and symbols alike."""
    world = build(instruments=[{"symbol": "TWO", "price": 1}, {"symbol": "TWO", "price": 1}])

    with pytest.raises(UnknownAccountError, match="U9"):
        world.account_state("U9")
    with pytest.raises(UnknownInstrumentError, match="'NOPE' fits 0"):
        world.set_price("NOPE", Decimal(1))
    with pytest.raises(UnknownInstrumentError, match="'TWO' fits 2"):
        world.set_price("TWO", Decimal(1))


def test_an_order_that_the_gateway_would_refuse_is_an_error_for_the_operator(build: BuildWorld) -> None:
    """It comes from a mistake in the test, not from the story."""
    with pytest.raises(SpecError, match="434"):
        build().place_manual_order(account="DU1", symbol="SPY", side="BUY", quantity=Decimal(0))


def test_jitter_moves_quotes_a_little_and_repeats_with_the_seed(build: BuildWorld) -> None:
    """Within its bounds, never below the tick, and the same in every run."""
    instruments = [{"symbol": "SPY", "price": 500, "jitter_bps": 10}]

    def quotes(seed: int) -> list[Decimal | None]:
        world = build(instruments=instruments, seed=seed)
        return [world.parts.market.quote(world.instruments[0]).last for _ in range(20)]

    drawn = quotes(3)

    assert drawn == quotes(3) != quotes(4)
    assert all(last is not None and Decimal("499.5") <= last <= Decimal("500.5") for last in drawn)
    assert len(set(drawn)) > 5


async def test_a_deposit_is_cash_at_once(build: BuildWorld) -> None:
    """Negative amounts are withdrawals."""
    world = build()

    world.deposit("DU1", Decimal(-2_500))

    assert world.account_state("DU1").cash == 7_500


async def test_the_bell_of_the_exchange_closes_the_day() -> None:
    """At 16:00 a market-on-close order fills and a resting DAY order ends, without anybody's doing."""
    close = datetime(2026, 11, 20, 21, tzinfo=UTC)
    loop = asyncio.get_running_loop()
    started = loop.time()
    spec = load_spec(
        {
            "accounts": [{"id": "DU1", "cash": 10_000}],
            "hours": "nyse",
            "moc_cutoff_minutes": 0,
            "instruments": [{"symbol": "SPY", "price": 500}],
        }
    )
    world = World(spec, now=lambda: close - timedelta(milliseconds=80) + timedelta(seconds=loop.time() - started))

    buy(world, 1, order_type="MOC")
    buy(
        world,
        1,
        limit_price=Decimal(400),
        tif="DAY",
    )
    async with asyncio.timeout(5):
        await world.journal.until(lambda entry: entry.kind == "fill")
        await world.journal.until(lambda entry: entry.kind == "order_cancelled")

    assert world.parts.now() >= close
    assert world.open_orders() == []
    world.close()


async def test_market_on_close_is_refused_after_the_cut_off() -> None:
    """Ten minutes before the close, unless told otherwise."""
    spec = load_spec(
        {"accounts": [{"id": "DU1", "cash": 10_000}], "hours": "nyse", "instruments": [{"symbol": "SPY", "price": 500}]}
    )
    statuses: list[str] = []
    for minute in (49, 50):
        moment = datetime(2026, 11, 20, 20, minute, tzinfo=UTC)
        world = World(spec, now=lambda moment=moment: moment)
        placed = buy(
            world,
            1,
            order_type="MOC",
        )
        statuses.append(placed.status)
        world.close()

    assert statuses == ["PreSubmitted", "Inactive"]


async def test_halted_markets_refuse_orders_and_fill_nothing(build: BuildWorld) -> None:
    """What rests goes on resting."""
    world = build(instruments=[{"symbol": "SPY", "price": 500}, QUOTED])
    buy(world, 1, limit_price=Decimal(490))
    await orders_have_arrived(world)
    world.set_market("SPY", halted=True)

    refused = buy(world, 1)
    world.set_price("SPY", Decimal(480))
    fills_while_halted = len(world.journal.of("fill"))
    world.set_market("SPY", halted=False)

    assert refused.status == "Cancelled"
    assert (fills_while_halted, len(world.journal.of("fill"))) == (1, 2)


async def test_a_market_order_without_a_quote_waits_for_one(build: BuildWorld) -> None:
    """Nobody trades with nobody."""
    world = build(instruments=[{"symbol": "SPY", "price": 500, "no_quote": True}, QUOTED])
    buy(world, 1)
    await orders_have_arrived(world)

    world.set_market("SPY", no_quote=False)

    assert [(fill.symbol, fill.price) for fill in world.account_state("DU1").fills] == [("QUOTED", 1), ("SPY", 500)]


async def test_an_order_on_its_way_is_not_reached_by_prices(build: BuildWorld) -> None:
    """A slow fill takes the price of its own time."""
    world = build(faults=[{"kind": "slow_fill", "after_ms": 20}])
    buy(world, 1)

    world.set_price("SPY", Decimal(510))
    fills_at_once = world.journal.of("fill")
    world.set_price("SPY", Decimal(490))
    await world.journal.until(lambda entry: entry.kind == "fill")

    assert fills_at_once == []
    assert [fill.price for fill in world.account_state("DU1").fills] == [490]


async def test_an_immediate_order_does_not_rest(build: BuildWorld) -> None:
    """What cannot fill at once is cancelled."""
    world = build()

    buy(
        world,
        1,
        limit_price=Decimal(400),
        tif="IOC",
    )
    await world.journal.until(lambda entry: entry.kind == "order_cancelled")

    assert world.open_orders() == []


async def test_numbers_of_a_world_started_later_are_new() -> None:
    """Executions and permanent ids are never taken for those of an earlier run."""
    spec = load_spec({"accounts": [{"id": "DU1", "cash": 9000}], "instruments": [{"symbol": "SPY", "price": 500}]})
    seen: list[tuple[str, int]] = []
    for second in (1, 2):
        moment = datetime(2026, 11, 20, 15, 0, second, tzinfo=UTC)
        world = World(spec, now=lambda moment=moment: moment)
        buy(world, 1)
        await world.journal.until(lambda entry: entry.kind == "fill")
        (fill,) = world.account_state("DU1").fills
        seen.append((fill.exec_id, fill.perm_id))
        world.close()

    assert seen[0][0] != seen[1][0]
    assert seen[0][1] < seen[1][1]


async def test_the_journal_can_be_read_from_a_point_on(build: BuildWorld) -> None:
    """Which proves that nothing was sent since."""
    world = build()
    world.set_price("SPY", Decimal(501))
    mark = len(world.journal)
    world.set_price("SPY", Decimal(502))

    assert [entry.seq for entry in world.journal.since(mark)] == [mark + 1]
