"""What the worker says of itself."""

from datetime import timedelta

from event_processor.testing.scenario import ACCOUNT, NOON
from event_processor.worker_status import WorkerStatus
from event_queue.components import ComponentReport, ComponentState
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import Lease

EVENT = RebalanceEvent.new(account_id=ACCOUNT, exec_command=Command.REBALANCE, source="api", now=NOON)


def _report(status: WorkerStatus) -> ComponentReport:
    report = status.report(NOON + timedelta(seconds=7))
    assert report is not None
    return report


def _leading() -> WorkerStatus:
    status = WorkerStatus()
    status.holding(Lease("host:1:1.00:3", 3, 15_000))
    return status


def test_a_standby_is_silent() -> None:
    """Another worker speaks for both."""
    assert WorkerStatus().report(NOON) is None


def test_an_idle_worker_names_its_lease() -> None:
    """And that it waits."""
    report = _report(_leading())

    assert (report.name, report.state, report.detail) == ("worker", ComponentState.OK, "waiting for events")
    assert report.facts == {"lease": "host:1:1.00:3", "in_hand": [], "last": None}


def test_the_event_in_hand_is_named_with_its_age() -> None:
    """So that a stuck attempt is seen."""
    status = _leading()
    status.working_on(EVENT, NOON)

    (current,) = _report(status).facts["in_hand"]

    assert (current["event_id"], current["command"], current["age_seconds"]) == (str(EVENT.event_id), "rebalance", 7.0)


def test_all_events_in_hand_are_named() -> None:
    """A worker with several hands says what each of them does."""
    status = _leading()
    other = RebalanceEvent.new(account_id="DU2", exec_command=Command.PRINT_EQUITY, source="api", now=NOON)
    status.working_on(EVENT, NOON)
    status.working_on(other, NOON)

    report = _report(status)

    assert report.detail == f"working on rebalance of {ACCOUNT}, print-equity of DU2"
    assert [entry["account_id"] for entry in report.facts["in_hand"]] == [ACCOUNT, "DU2"]


def test_a_lost_lease_empties_the_hands() -> None:
    """What was in them is the next holder's."""
    status = _leading()
    status.working_on(EVENT, NOON)

    status.holding(None)
    status.holding(Lease("host:1:1.00:4", 4, 15_000))

    assert _report(status).facts["in_hand"] == []


def test_the_last_event_is_remembered_with_its_outcome() -> None:
    """Until the next one ends."""
    status = _leading()
    status.working_on(EVENT, NOON)
    status.done_with(EVENT, "failed", NOON)

    facts = _report(status).facts

    assert facts["in_hand"] == []
    assert (facts["last"]["account_id"], facts["last"]["outcome"]) == (ACCOUNT, "failed")


def test_the_last_event_of_the_worker_before_is_told_on() -> None:
    """After a restart nothing seems to have been forgotten; what was ended since is later."""
    before, after, late = _leading(), _leading(), _leading()
    for status, outcome in ((before, "completed"), (late, "failed")):
        status.working_on(EVENT, NOON)
        status.done_with(EVENT, outcome, NOON)

    for status in (after, late):
        status.follow(_report(before))
    told = [_report(status).facts["last"]["outcome"] for status in (after, late)]
    after.holding(None)

    assert told == ["completed", "failed"]
    assert not after.follows, "another may lead meanwhile"


def test_a_first_worker_follows_nobody() -> None:
    """Neither an empty board nor what another version wrote there is in its way."""
    status = _leading()
    status.follow(None)
    status.follow(ComponentReport("worker", ComponentState.OK, "", {"last": "yesterday"}, NOON))

    assert status.follows
    assert _report(status).facts["last"] is None


def test_each_change_is_told() -> None:
    """A report can follow at once instead of in five seconds."""
    changes: list[str] = []
    status = WorkerStatus()
    status.on_change(lambda: changes.append("changed"))

    status.working_on(EVENT, NOON)
    status.done_with(EVENT, "completed", NOON)
    status.holding(None)

    assert len(changes) == 3


def test_what_fails_beside_the_work_is_told_until_it_runs_again() -> None:
    """The work itself goes on."""
    status = _leading()

    status.hindered("FillWatch.run", "FillWatch.run failed")
    failing = _report(status)
    status.hindered("FillWatch.run", None)

    assert (failing.state, failing.detail) == (ComponentState.DEGRADED, "waiting for events; FillWatch.run failed")
    assert _report(status).state is ComponentState.OK


def test_a_worker_that_waits_for_its_lease_tells_what_it_ended_before() -> None:
    """In the same words: it has led before, and Redis was lost since."""
    status = _leading()
    status.working_on(EVENT, NOON)
    status.done_with(EVENT, "completed", NOON)
    last = _report(status).facts["last"]
    status.holding(None)

    report = status.report_waiting(Lease("host:1:1.00:4", 4, 15_000), seconds=15, reason="lost", now=NOON)

    assert report.facts == {"lease": "host:1:1.00:4", "in_hand": [], "last": last}
    assert last["event_id"] == str(EVENT.event_id)
