"""The demonstration's verdict, on stories that arrived and on stories that did not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rebalancer_cli.demo.story import AccountStory
from rebalancer_cli.demo.verdict import objections, system_objections

StoryMaker = Callable[..., AccountStory]


def test_an_account_at_its_target_has_arrived(live_story: StoryMaker) -> None:
    """Within a share of every target, with the reserve kept, there is nothing to object to."""
    assert objections(live_story()) == []


def test_an_untouched_preview_has_arrived(preview_story: StoryMaker) -> None:
    """A preview that sends nothing and proposes something is as it must be."""
    assert objections(preview_story()) == []


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ({"AAA": 60, "BBB": 190}, "BBB: holds 190, target 195.00"),
        ({"AAA": 60}, "BBB: holds 0, target 195.00"),
        ({"AAA": 60, "BBB": 195, "CCC": 2}, "CCC: holds 2, target 0.00"),
        ({"cash": "97"}, "cash 97 is below the reserve 100.00"),
        ({"orders_sent": 0}, "nothing was traded"),
        ({"orders_sent": 3}, "the audit trail tells of 2 orders, the gateway was sent 3"),
        ({"result": {"status": "partial", "message": "one unfilled"}}, "the result is partial: one unfilled"),
        ({"result": {}}, "the result is None: None"),
    ],
)
def test_a_live_account_that_did_not_arrive(live_story: StoryMaker, ending: dict[str, Any], words: str) -> None:
    """Every way of falling short is told in words."""
    assert words in objections(live_story(**ending))


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ({"orders_sent": 1}, "a preview sent 1 orders"),
        ({"held": 51}, "a preview changed positions"),
        ({"cash": "4999"}, "a preview changed the cash"),
        ({"orders": ()}, "the preview proposes nothing"),
    ],
)
def test_a_preview_that_did_something(preview_story: StoryMaker, ending: dict[str, Any], words: str) -> None:
    """A preview that touches anything, or shows nothing, has failed."""
    assert words in objections(preview_story(**ending))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "delayed"}, "the event is delayed"),
        ({"result": None}, "the result is None: None"),
        ({"history": []}, "the audit trail is not whole: empty"),
        ({"history": None}, "the audit trail is not whole: empty"),
        ({"history": [{"kind": "queued"}, {"kind": "claimed"}]}, "the audit trail is not whole: queued, claimed"),
    ],
)
def test_what_the_system_says_must_be_whole(live_story: StoryMaker, change: dict[str, Any], words: str) -> None:
    """An event that has not ended well, or whose history has holes, is no success whatever the account holds."""
    story = live_story()
    story = replace(story, event={**story.event, **change})

    assert words in objections(story)


def health(**states: str) -> dict[str, Any]:
    parts = {name: {"status": state, "detail": "so it is"} for name, state in states.items()}
    return {"status": "healthy", "healthy": True, "message": "fine", "components": parts}


IDLE: dict[str, int] = dict.fromkeys(
    ("queue_length", "active_events_count", "processing", "delayed", "events_with_retries"), 0
)


def test_a_whole_and_idle_system_is_well() -> None:
    """Every part ok and every counter at 0."""
    assert system_objections(health(redis="ok", gateway="ok"), IDLE) == []


def test_a_part_that_is_not_well_is_an_objection() -> None:
    """A gateway that is down counts even while the verdict says healthy."""
    assert system_objections(health(redis="ok", gateway="down"), IDLE) == ["gateway is down: so it is"]


def test_an_unhealthy_verdict_and_a_busy_queue_are_objections() -> None:
    """What /health and /queue/status say counts too."""
    found = system_objections({**health(), "healthy": False, "status": "unhealthy"}, {**IDLE, "delayed": 1})

    assert found == ["the system is unhealthy: fine", "delayed is 1, not 0"]
