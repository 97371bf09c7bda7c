"""The order in which things are measured."""

from bench.rounds import run_rounds


async def test_rounds_are_interleaved_after_a_warm_up() -> None:
    """Everything runs once before anything runs again, and the first round does not count."""
    calls: list[str] = []

    async def first() -> float:
        calls.append("first")
        return float(len(calls))

    async def second() -> float:
        calls.append("second")
        return float(len(calls))

    rounds = await run_rounds({"first": first, "second": second}, count=2, tell=lambda _words: None)

    assert calls == ["first", "second"] * 3
    assert rounds == [{"first": 3.0, "second": 4.0}, {"first": 5.0, "second": 6.0}]


async def test_progress_is_told() -> None:
    """Somebody who waits sees how far it is."""
    told: list[str] = []

    await run_rounds({}, count=2, tell=told.append)

    assert told == ["warming up", "round 1 of 2", "round 2 of 2"]
