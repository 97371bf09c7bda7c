"""Claims about the event, judged by what the HTTP API shows of it."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from rebalancer_cli.scenarios.evidence import Evidence
from rebalancer_cli.scenarios.scenario import Claim

NEW_YORK = ZoneInfo("America/New_York")
OPENING = time(9, 30)
_WAITING = ("waiting", "delayed", "processing")


def completed(result_status: str) -> Claim:
    """The event has ended, with this result."""
    return _ended("completed", result_status)


def skipped() -> Claim:
    """The event has ended without a trade, by a rule of the account, and says so."""
    return _ended("skipped", "skipped")


def _ended(status: str, result_status: str) -> Claim:
    def objection(evidence: Evidence) -> str:
        result = evidence.story.result
        seen = (evidence.end.event.get("status"), result.get("status"))
        return "" if seen == (status, result_status) else f"it is {seen[0]}, its result {seen[1]}: {result}"

    return Claim(f"the event is {status}, its result {result_status}", objection)


def waits_for_another_try(*, times_queued: int = 2) -> Claim:
    """The event was put back into the line and has not ended."""

    def objection(evidence: Evidence) -> str:
        seen = evidence.end.event.get("status"), evidence.end.event.get("times_queued", 0)
        return "" if seen[0] in _WAITING and seen[1] >= times_queued else f"it is {seen[0]}, queued {seen[1]} times"

    return Claim("the event waits to be tried again", objection)


def tried_again() -> Claim:
    """The event failed at least once before it ended."""

    def objection(evidence: Evidence) -> str:
        times = evidence.end.event.get("times_queued", 0)
        return "" if times > 1 else f"queued {times} times"

    return Claim("the event was put back into the line and tried again by itself", objection)


def put_aside_unchanged(payload: Mapping[str, Any]) -> Claim:
    """The event is delayed, with its payload and its count of attempts as they were."""

    def objection(evidence: Evidence) -> str:
        event = evidence.end.event
        seen = event.get("status"), event.get("times_queued"), event.get("data")
        return (
            "" if seen == ("delayed", 1, dict(payload)) else f"it is {seen[0]}, queued {seen[1]} times, data {seen[2]}"
        )

    return Claim("the event is delayed, payload and times_queued unchanged", objection)


def first_attempt() -> Claim:
    """The event ended without having counted a failure."""

    def objection(evidence: Evidence) -> str:
        times = evidence.end.event.get("times_queued")
        return "" if times == 1 else f"times_queued is {times}"

    return Claim("times_queued is 1", objection)


def due_at_tomorrows_opening() -> Claim:
    """The event is due when the exchange opens on the day after it was created."""

    def objection(evidence: Evidence) -> str:
        event = evidence.end.event
        if not event.get("due_at") or not event.get("created_at"):
            return "it has no due time"
        created, due = (_moment(event[key]).astimezone(NEW_YORK) for key in ("created_at", "due_at"))
        opening = datetime.combine(created.date() + timedelta(days=1), OPENING, NEW_YORK)
        return "" if due == opening else f"due at {due}"

    return Claim("it is due at the opening of the next session", objection)


def error_names(*words: str) -> Claim:
    """The event's last error contains these words."""

    def objection(evidence: Evidence) -> str:
        error = evidence.end.event.get("error_message") or ""
        return "" if all(word in error for word in words) else f"it says {error!r}"

    return Claim(f"the event's error names {', '.join(words)}", objection)


def audit_keeps(kind: str, words: str) -> Claim:
    """A record of that kind in the audit trail contains these words."""

    def objection(evidence: Evidence) -> str:
        details = [str(entry["details"]) for entry in evidence.story.history if entry["kind"] == kind]
        return "" if any(words in text for text in details) else f"no {kind} says so"

    return Claim(f"the audit trail keeps the reason: {words}", objection)


def result_says(key: str) -> Claim:
    """The result has something to say under this key."""

    def objection(evidence: Evidence) -> str:
        return "" if evidence.story.result.get(key) else f"{key} is missing"

    return Claim(f"the result tells {key}", objection)


def health_is(code: HTTPStatus) -> Claim:
    """GET /health answered with this status."""

    def objection(evidence: Evidence) -> str:
        return "" if evidence.end.health_code == code else f"it answered {evidence.end.health_code}"

    return Claim(f"GET /health answered {code.value}", objection)


def part_says(name: str, words: str) -> Claim:
    """A component of /health contains these words."""

    def objection(evidence: Evidence) -> str:
        part = evidence.end.health.get("components", {}).get(name, {})
        return "" if words in str(part) else f"{name} says {part}"

    return Claim(f"/health shows {name}: {words}", objection)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
