"""What the positions of Redis and history say about each other."""

from dataclasses import replace

import pytest

from event_queue.one_past import HistoryPosition, Survey, Verdict, compare

NOWHERE = HistoryPosition(0, "0-0")
AT_TEN = HistoryPosition(10, "1000-0")


def survey(counter: int | None, last_id: str = "", following: int | None = None, *, is_spilled: bool = False) -> Survey:
    return Survey(counter, last_id, following, "", is_spilled)


def holding(counter: int, stream_id: str) -> Survey:
    """Behind a record that waits where history stands comes one more."""
    following = max(counter, AT_TEN.counter) + 1
    return Survey(following, "2000-0", following, "", preceding=HistoryPosition(counter, stream_id))


def lacking(seen: Survey) -> Survey:
    """The keys that hold events contradict each other besides."""
    return replace(seen, is_whole=False)


@pytest.mark.parametrize(
    ("position", "seen", "verdict"),
    [
        pytest.param(NOWHERE, survey(None), Verdict.NEW, id="first start"),
        pytest.param(NOWHERE, survey(0), Verdict.AGREES, id="opened, nothing yet"),
        pytest.param(NOWHERE, survey(3, "5-0", 1), Verdict.AGREES, id="nothing told yet"),
        pytest.param(NOWHERE, survey(30, "5-0", 21), Verdict.HISTORY_LOST, id="history emptied, some wait"),
        pytest.param(NOWHERE, survey(30, "5-0"), Verdict.HISTORY_LOST, id="history emptied, none wait"),
        pytest.param(AT_TEN, survey(10, "1000-0"), Verdict.AGREES, id="all told"),
        pytest.param(AT_TEN, survey(12, "2000-0", 11), Verdict.AGREES, id="two wait"),
        pytest.param(AT_TEN, survey(20, "2000-0", 15, is_spilled=True), Verdict.AGREES, id="some lie in a file"),
        pytest.param(AT_TEN, survey(20, "2000-0", 15), Verdict.HISTORY_LOST, id="history lost some"),
        pytest.param(AT_TEN, survey(None), Verdict.REDIS_LOST, id="emptied"),
        pytest.param(AT_TEN, survey(2, "2000-0", 1), Verdict.REDIS_LOST, id="emptied, new ones since"),
        pytest.param(AT_TEN, survey(14, "2000-0", 1), Verdict.REDIS_LOST, id="emptied, many since"),
        pytest.param(AT_TEN, survey(7, "700-0"), Verdict.REDIS_WENT_BACK, id="behind"),
        pytest.param(AT_TEN, survey(9, "2000-0", 8), Verdict.REDIS_WENT_BACK, id="behind, others since"),
        pytest.param(AT_TEN, survey(10, "2000-0", 9), Verdict.REDIS_WENT_BACK, id="caught up with other records"),
        pytest.param(AT_TEN, survey(25, "2000-0", 8), Verdict.REDIS_WENT_BACK, id="ahead with other records"),
        pytest.param(AT_TEN, holding(10, "1000-0"), Verdict.AGREES, id="all told, the last not dropped yet"),
        pytest.param(AT_TEN, holding(7, "700-0"), Verdict.AGREES, id="mended, an old one not dropped yet"),
        pytest.param(AT_TEN, holding(10, "900-0"), Verdict.REDIS_WENT_BACK, id="another record of that number"),
        pytest.param(AT_TEN, holding(33, "900-0"), Verdict.REDIS_WENT_BACK, id="another past, ahead in numbers"),
        pytest.param(AT_TEN, lacking(survey(10, "1000-0")), Verdict.KEYS_LOST, id="all told, a key lost"),
        pytest.param(AT_TEN, lacking(survey(12, "2000-0", 11)), Verdict.KEYS_LOST, id="two wait, a key lost"),
        pytest.param(AT_TEN, lacking(survey(7, "700-0")), Verdict.REDIS_WENT_BACK, id="behind, a key lost"),
        pytest.param(AT_TEN, lacking(survey(None)), Verdict.REDIS_LOST, id="no record either"),
        pytest.param(AT_TEN, lacking(survey(20, "2000-0", 15)), Verdict.HISTORY_LOST, id="history lost some first"),
    ],
)
def test_the_verdict_follows_from_the_positions(position: HistoryPosition, seen: Survey, verdict: Verdict) -> None:
    """Each way in which two counters and stream ids can stand to each other."""
    assert compare(position, seen) is verdict
