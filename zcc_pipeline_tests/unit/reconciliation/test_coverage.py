"""Push against poll, subject by subject, and what becomes of each difference."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Reason, Status
from zcc_pipeline.reconciliation import (
    Coverage,
    Difference,
    Direction,
    EngagementRead,
    Expected,
    Outcome,
    Pushed,
    Read,
    Verdict,
    compare,
    find_differences,
    judge_lost_event,
    judge_unlisted,
    not_subscribed,
)
from zcc_pipeline.reconciliation.coverage import ANNOUNCES, ENGAGEMENT_ENDED, NOTE_ADDED, percentile
from zcc_pipeline.reconciliation.differences import LATE, NOT_FOUND_FOR, OPEN_FOR, STILL_CHANGING

DAY = date(2026, 11, 20)
THEN = datetime(2026, 11, 20, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SEEN = dict.fromkeys(ANNOUNCES, date(2026, 11, 1))


def expected(subject: str, event: str = ENGAGEMENT_ENDED, *, day: date = DAY, since: datetime = THEN) -> Expected:
    return Expected(event, subject, subject, day, since)


def pushed(
    subject: str,
    event: str = ENGAGEMENT_ENDED,
    *,
    day: date = DAY,
    since: datetime = THEN,
    route: str = "webhook",
    latency: float = 1.0,
) -> Pushed:
    return Pushed(event, subject, subject, day, since, route, latency)


def test_each_subject_is_on_both_sides_or_on_one() -> None:
    (line,) = compare([expected("a"), expected("b")], [pushed("b"), pushed("c")], first_seen=SEEN)
    assert (line.expected, line.pushed, line.both) == (2, 2, 1)
    assert [one.subject_id for one in line.only_polled] == ["a"]
    assert [one.subject_id for one in line.only_pushed] == ["c"]
    assert line.share == 0.5


def test_the_same_event_twice_counts_once_with_its_first_arrival() -> None:
    (line,) = compare([expected("a")], [pushed("a", latency=300), pushed("a", latency=2)], first_seen=SEEN)
    assert (line.pushed, line.latencies["webhook"].max_seconds) == (1, 2)


def test_days_and_events_are_apart_and_in_order() -> None:
    later = DAY + timedelta(days=1)
    lines = compare(
        [expected("a", NOTE_ADDED), expected("a", day=later)], [pushed("a"), pushed("x", "flow.other")], first_seen=SEEN
    )
    assert [(line.day, line.event) for line in lines] == [
        (DAY, ENGAGEMENT_ENDED),
        (DAY, NOTE_ADDED),
        (DAY, "flow.other"),
        (later, ENGAGEMENT_ENDED),
    ]


def test_a_kind_that_never_came_is_one_finding_and_no_loss_for_each_engagement() -> None:
    lines = compare([expected(str(number)) for number in range(1_000)], [], first_seen={})
    assert not_subscribed(lines) == {ENGAGEMENT_ENDED: 1_000}
    assert find_differences(lines, NOW) == []
    assert lines[0].share is None


def test_days_before_the_first_event_of_a_kind_were_not_subscribed() -> None:
    before = DAY - timedelta(days=1)
    lines = compare([expected("a", day=before), expected("b")], [pushed("c")], first_seen={ENGAGEMENT_ENDED: DAY})
    assert [line.is_subscribed for line in lines] == [False, True]
    assert {one.subject_id for one in find_differences(lines, NOW)} == {"b", "c"}


def test_what_zoom_may_still_send_is_not_lost_yet() -> None:
    lines = compare([expected("young", since=NOW - LATE + timedelta(seconds=1))], [pushed("other")], first_seen=SEEN)
    assert [one.subject_id for one in find_differences(lines, NOW)] == ["other"]
    assert {one.subject_id for one in find_differences(lines, NOW + timedelta(seconds=1))} == {"other", "young"}


@pytest.mark.parametrize(("share", "value"), [(0.5, 5.0), (0.95, 10.0), (0.0, 1.0), (1.0, 10.0), (0.1, 1.0)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 11)], share) == value


def test_latency_is_told_by_route() -> None:
    (line,) = compare(
        [], [pushed("a", latency=1), pushed("b", latency=9), pushed("c", route="flow", latency=4)], first_seen=SEEN
    )
    assert (line.latencies["webhook"].events, line.latencies["webhook"].p50_seconds) == (2, 1)
    assert (line.latencies["flow"].events, line.latencies["flow"].max_seconds) == (1, 4)


def proof(status: Status, reason: Reason | None = None) -> ArtefactStatus:
    return ArtefactStatus("e", ArtefactKind.RECORDING, status, reason, "HTTP 500", 1, 0, NOW)


def test_a_lost_event_is_recovered_when_polling_has_what_it_announced() -> None:
    assert judge_lost_event(None) == Verdict(Outcome.RECOVERED, "found by polling")
    assert judge_lost_event(proof(Status.STORED)).evidence == "found by polling; recording=stored"
    assert judge_lost_event(proof(Status.WAITING, Reason.NOT_READY)).outcome is Outcome.RECOVERED


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNEXPLAINED])
def test_a_lost_event_whose_data_is_not_here_without_a_reason_has_failed(status: Status) -> None:
    verdict = judge_lost_event(proof(status, Reason.DOWNLOAD_FAILED))
    assert verdict.outcome is Outcome.FAILED
    assert "HTTP 500" in verdict.evidence


def unlisted(age: timedelta, engagement_id: str | None = "e") -> Difference:
    return Difference(NOTE_ADDED, "n", engagement_id, DAY, NOW - age, Direction.ONLY_PUSHED)


def judge(
    age: timedelta, outcome: Read | None, *, is_here_now: bool = False, has_ended: bool = True
) -> tuple[Outcome, str] | None:
    read = EngagementRead(outcome, "HTTP 404, code 2801", has_ended) if outcome else None
    verdict = judge_unlisted(unlisted(age), read, is_here_now=is_here_now, now=NOW)
    return (verdict.outcome, verdict.evidence) if verdict else None


def outcome_of(judged: tuple[Outcome, str] | None) -> Outcome | None:
    return judged[0] if judged else None


def test_what_reading_by_id_found_is_recovered() -> None:
    assert outcome_of(judge(LATE, None, is_here_now=True)) is Outcome.RECOVERED


def test_an_engagement_that_could_not_be_read_has_failed() -> None:
    assert outcome_of(judge(LATE, None)) is Outcome.FAILED
    assert outcome_of(judge(LATE, Read.FAILED)) is Outcome.FAILED


def test_what_the_api_does_not_show_is_explained_once_it_has_had_a_day() -> None:
    assert judge(STILL_CHANGING - timedelta(seconds=1), Read.FOUND) is None
    assert outcome_of(judge(STILL_CHANGING, Read.FOUND)) is Outcome.EXPLAINED


def test_a_404_of_an_ended_engagement_fails_until_it_has_lasted_two_days() -> None:
    assert outcome_of(judge(NOT_FOUND_FOR - timedelta(seconds=1), Read.NOT_FOUND)) is Outcome.FAILED
    judged = judge(NOT_FOUND_FOR, Read.NOT_FOUND)
    assert outcome_of(judged) is Outcome.EXPLAINED
    assert judged is not None
    assert "2801" in judged[1]


def test_an_engagement_that_may_still_be_open_is_waited_for() -> None:
    assert judge(NOT_FOUND_FOR, Read.NOT_FOUND, has_ended=False) is None
    assert outcome_of(judge(OPEN_FOR, Read.NOT_FOUND, has_ended=False)) is Outcome.EXPLAINED


def test_an_event_without_an_engagement_is_explained_and_not_read() -> None:
    verdict = judge_unlisted(unlisted(LATE, None), None, is_here_now=False, now=NOW)
    assert verdict is not None
    assert verdict.outcome is Outcome.EXPLAINED


SUBJECTS = st.sets(st.sampled_from([f"s{number}" for number in range(12)]))


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[Expected], list[Pushed]]:
    """Two sides that overlap here and there."""
    polled, arrived = [], []
    for event in (ENGAGEMENT_ENDED, NOTE_ADDED):
        for day in (DAY, DAY + timedelta(days=1)):
            polled += [expected(one, event, day=day) for one in sorted(draw(SUBJECTS))]
            arrived += [pushed(one, event, day=day) for one in sorted(draw(SUBJECTS))]
    return polled, arrived


def mirrored(polled: list[Expected], arrived: list[Pushed]) -> list[Coverage]:
    swapped = [Expected(one.event, one.subject_id, one.engagement_id, one.day, one.since) for one in arrived]
    back = [Pushed(one.event, one.subject_id, one.engagement_id, one.day, one.since, "webhook", 1) for one in polled]
    return compare(swapped, back, first_seen=SEEN)


@given(sides())
def test_nobody_is_lost_or_counted_twice(both: tuple[list[Expected], list[Pushed]]) -> None:
    polled, arrived = both
    lines = compare(polled, arrived, first_seen=SEEN)
    assert sum(line.expected for line in lines) == len(polled)
    assert sum(line.pushed for line in lines) == len(arrived)
    named = Counter(
        (one.event, one.day, one.subject_id) for line in lines for one in (*line.only_polled, *line.only_pushed)
    )
    assert sum(line.both for line in lines) * 2 + named.total() == len(polled) + len(arrived)
    assert max(named.values(), default=1) == 1


@given(sides())
def test_swapping_the_sides_swaps_the_differences(both: tuple[list[Expected], list[Pushed]]) -> None:
    straight, reverse = compare(*both, first_seen=SEEN), mirrored(*both)
    assert [(line.day, line.event, line.both) for line in straight] == [
        (line.day, line.event, line.both) for line in reverse
    ]
    for one, other in zip(straight, reverse, strict=True):
        assert [each.subject_id for each in one.only_polled] == [each.subject_id for each in other.only_pushed]
        assert [each.subject_id for each in one.only_pushed] == [each.subject_id for each in other.only_polled]


@given(
    age=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=60)),
    outcome=st.sampled_from([None, *Read]),
    is_here_now=st.booleans(),
    has_ended=st.booleans(),
)
def test_every_difference_gets_one_outcome_with_evidence_or_is_still_awaited(
    age: timedelta, outcome: Read | None, is_here_now: bool, has_ended: bool
) -> None:
    judged = judge(age, outcome, is_here_now=is_here_now, has_ended=has_ended)
    if judged is None:
        assert age < OPEN_FOR
        assert outcome in {Read.FOUND, Read.NOT_FOUND}
    else:
        assert judged[0] in Outcome
        assert judged[1]
