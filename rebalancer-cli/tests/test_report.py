"""The report for people."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO

from rich.console import Console

from rebalancer_cli.demo.report import print_account, print_system
from rebalancer_cli.demo.story import AccountStory

StoryMaker = Callable[..., AccountStory]


def test_an_account_that_arrived(live_story: StoryMaker, console: Console, output: StringIO) -> None:
    """Before, target, after, orders, cash and the audit trail are all shown."""
    order = {"action": "BUY", "quantity": 10, "symbol": "AAA", "filled_quantity": "10", "average_price": "99.01"}
    story = live_story(result={"status": "success", "orders": [order]})

    print_account(console, story, [])

    text = output.getvalue()
    for words in ("strategy-growth  (rebalanced)", "60.00", "99.01", "cash 5,000.00 -> 100.00", "order_intent"):
        assert words in text
    assert text.endswith("arrived\n")
    assert "not arrived" not in text


def test_an_account_that_did_not_arrive(live_story: StoryMaker, console: Console, output: StringIO) -> None:
    """Each objection is a line; nothing says that the account arrived."""
    print_account(console, live_story(), ["AAA: holds 1, target 60", "cash [bold]0[/nonsense]"])

    lines = output.getvalue().splitlines()
    assert lines[-2:] == ["not arrived: AAA: holds 1, target 60", "not arrived: cash [bold]0[/nonsense]"]


def test_an_event_without_result_or_history(live_story: StoryMaker, console: Console, output: StringIO) -> None:
    """What is missing leaves its place empty rather than ending the report."""
    story = live_story()

    print_account(console, replace(story, event={"event_id": "e-1", "status": "delayed"}), ["the event is delayed"])

    assert "not arrived: the event is delayed" in output.getvalue()


def test_a_preview_is_told_from_a_trade(preview_story: StoryMaker, console: Console, output: StringIO) -> None:
    """A preview's orders are those that a live run would send."""
    print_account(console, preview_story(), [])

    assert "orders that a live run would send" in output.getvalue()
    assert output.getvalue().endswith("untouched, as a preview must\n")


def test_the_system_with_every_part(console: Console, output: StringIO) -> None:
    """Each part has a line of its own, and objections come last."""
    parts = {"gateway": {"status": "down", "detail": "no login"}, "relay": {"status": "ok", "detail": "runs"}}

    print_system(
        console, {"status": "healthy", "message": "fine", "components": parts}, {"queue_length": 0}, ["gateway is down"]
    )

    lines = output.getvalue().splitlines()
    assert lines[1:] == [
        "GET /health        healthy: fine",
        "  gateway   down  no login",
        "  relay     ok  runs",
        "GET /queue/status  queue_length 0",
        "gateway is down",
    ]
