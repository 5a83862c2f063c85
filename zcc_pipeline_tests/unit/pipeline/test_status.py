"""What ``zcc status`` and the asset checks go by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.cli.status import show
from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.domain.ports import DifferenceRow, WantedRefresh
from zcc_pipeline.domain.window import day_window
from zcc_pipeline.pipeline.late_closers import LEDGER_NAME
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.status import WINDOWED, WaitingRefreshes, iter_proofs, status
from zcc_pipeline_tests.unit.pipeline.homes import (
    NOW,
    TODAY,
    days_ago,
    land,
    land_inbox,
    land_proof,
    list_day,
    open_home,
    want,
)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with open_home(tmp_path) as opened:
        yield opened


def list_all(runtime: Runtime, *days: int) -> None:
    for count in days:
        for dataset in WINDOWED:
            list_day(runtime, dataset, days_ago(count))


def test_an_untouched_home_has_nothing_to_say_and_needs_nobody(runtime: Runtime) -> None:
    report = status(runtime, None, TODAY)
    assert report.first is None
    assert not report.lines
    assert not report.needs_attention


def test_engagements_are_counted_by_day_kind_status_and_reason(runtime: Runtime) -> None:
    list_all(runtime, 1)
    day = days_ago(1)
    land_proof(runtime, "a", Status.STORED, day=day)
    land_proof(runtime, "b", Status.NOT_EXPECTED, day=day, reason=Reason.CALL_NOT_RECORDED)
    land_proof(runtime, "c", Status.STORED, day=day, kind=ArtefactKind.NOTES)
    report = status(runtime, None, TODAY)
    recordings, notes = report.lines
    assert (recordings.day, recordings.kind, recordings.engagements) == (day, ArtefactKind.RECORDING, 2)
    assert recordings.by_status == {Status.STORED: 1, Status.NOT_EXPECTED: 1}
    assert recordings.by_reason == {(Status.NOT_EXPECTED, Reason.CALL_NOT_RECORDED): 1}
    assert notes.kind is ArtefactKind.NOTES
    assert not report.needs_attention


def test_that_something_was_erased_is_known_and_needs_nobody(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    list_all(runtime, 1)
    assert not status(runtime, None, TODAY).is_something_erased
    runtime.state.suppression.add(["eng-1"], now=NOW)
    report = status(runtime, None, TODAY)
    assert (report.is_something_erased, report.needs_attention) == (True, False)
    show(report)
    assert "What was erased is in none of these figures" in " ".join(capsys.readouterr().out.split())


def test_the_newest_version_of_a_status_counts(runtime: Runtime) -> None:
    list_all(runtime, 1)
    land_proof(runtime, "a", Status.WAITING, day=days_ago(1), reason=Reason.NOT_READY)
    land_proof(runtime, "a", Status.STORED, day=days_ago(1))
    assert [line.by_status for line in status(runtime, None, TODAY).lines] == [{Status.STORED: 1}]


def test_a_status_is_verified_by_each_check_of_its_day_also_where_nothing_has_changed(runtime: Runtime) -> None:
    first, second = days_ago(2), days_ago(1)
    for day in (first, second):
        land_proof(runtime, f"of {day}", Status.STORED, day=day)
    (changed,) = {proof.verified_at for _, proof in iter_proofs(runtime, first, second)}
    window = day_window(first, runtime.config.timezone)
    checked = changed + timedelta(hours=5)
    batch_id = runtime.state.windows.begin("zoom/completeness", window, day=first, now=checked)
    runtime.state.windows.finish(
        batch_id, rows=1, announced=1, pages=0, api_calls=0, is_complete=True, error=None, now=checked
    )
    assert {day: proof.verified_at for day, proof in iter_proofs(runtime, first, second)} == {
        first: checked,
        second: changed,
    }
    assert status(runtime, None, TODAY).verified_at == {first: checked}
    assert status(runtime, second, TODAY).verified_at == {}


def test_engagements_that_wait_to_be_read_again_are_counted_and_so_are_those_given_up(runtime: Runtime) -> None:
    list_all(runtime, 1)
    for minutes, engagement_id in enumerate(("a", "b", "c")):
        due_at = NOW - timedelta(minutes=60 - minutes)
        runtime.state.events.want([WantedRefresh(engagement_id, due_at, TODAY, "ended")])
    runtime.state.events.postpone({"a": (None, "not found"), "c": (NOW + timedelta(hours=1), "not found")})

    report = status(runtime, None, TODAY)

    assert report.refreshes == WaitingRefreshes(2, NOW - timedelta(minutes=59), given_up=1)
    assert not report.needs_attention


@pytest.mark.parametrize("trouble", [Status.UNEXPLAINED, Status.FAILED])
def test_failed_and_unexplained_need_somebody(runtime: Runtime, trouble: Status) -> None:
    list_all(runtime, 1)
    land_proof(runtime, "a", trouble, day=days_ago(1))
    assert status(runtime, None, TODAY).needs_attention


@pytest.mark.parametrize(
    ("late_by", "is_overdue"), [(timedelta(hours=-1), False), (timedelta(hours=23), False), (timedelta(hours=25), True)]
)
def test_waiting_is_overdue_a_day_after_its_own_deadline(
    runtime: Runtime, late_by: timedelta, *, is_overdue: bool
) -> None:
    list_all(runtime, 3, 2, 1)
    land_proof(runtime, "a", Status.WAITING, day=days_ago(3), reason=Reason.SETTLING, until=NOW - late_by)
    report = status(runtime, None, TODAY)
    assert report.overdue == ({(days_ago(3), ArtefactKind.RECORDING): 1} if is_overdue else {})
    assert report.needs_attention == is_overdue


def test_a_gap_between_days_that_were_read_is_overdue(runtime: Runtime) -> None:
    list_all(runtime, 5, 3, 2)
    report = status(runtime, None, TODAY)
    late = {(row.dataset, row.day) for row in report.unread if row.is_overdue}
    assert late == {(dataset, days_ago(4)) for dataset in WINDOWED}
    assert {row.problem for row in report.unread} == {"never read"}
    assert report.needs_attention


def test_today_and_yesterday_are_not_late_yet(runtime: Runtime) -> None:
    list_all(runtime, 3, 2)
    report = status(runtime, None, TODAY)
    assert {row.day for row in report.unread} == {days_ago(1), TODAY}
    assert not report.needs_attention


def test_days_before_the_first_that_was_read_are_not_missed_unless_asked_for(runtime: Runtime) -> None:
    list_all(runtime, 2, 1)
    assert not any(row.is_overdue for row in status(runtime, None, TODAY).unread)
    asked = status(runtime, days_ago(4), TODAY)
    assert {row.day for row in asked.unread if row.is_overdue} == {days_ago(4), days_ago(3)}


def test_a_listing_that_broke_off_says_why(runtime: Runtime) -> None:
    list_all(runtime, 4, 2)
    for dataset in WINDOWED[1:]:
        list_day(runtime, dataset, days_ago(3))
    list_day(runtime, WINDOWED[0], days_ago(3), error="page token repeats on page 7")
    late = [row for row in status(runtime, None, TODAY).unread if row.is_overdue]
    assert [(row.dataset, row.problem) for row in late] == [(WINDOWED[0], "page token repeats on page 7")]


def test_a_day_read_completely_before_is_not_unread_because_a_later_try_failed(runtime: Runtime) -> None:
    list_all(runtime, 3, 2)
    list_day(runtime, WINDOWED[0], days_ago(3), error="cut short")
    assert not any(row.is_overdue for row in status(runtime, None, TODAY).unread)


def test_conversations_from_before_the_first_day_are_counted_too(runtime: Runtime) -> None:
    list_all(runtime, 1)
    land_proof(runtime, "open-for-weeks", Status.STORED, day=days_ago(20))
    assert [line.day for line in status(runtime, None, TODAY).lines] == [days_ago(20)]
    assert status(runtime, days_ago(1), TODAY).lines == []


def test_days_whose_late_closers_could_not_be_verified_are_named(runtime: Runtime) -> None:
    list_all(runtime, 2, 1)
    list_day(runtime, LEDGER_NAME, days_ago(2))
    list_day(runtime, LEDGER_NAME, days_ago(1), error="scope missing")
    assert status(runtime, None, TODAY).not_verified == {days_ago(1): "scope missing"}


@pytest.mark.parametrize(
    ("age", "error", "needs_somebody"),
    [
        (3, "scope missing: the engagement log", False),
        (3, "1 in the engagement log and not read: 404", True),
        (1, "1 in the engagement log and not read: 404", False),
    ],
)
def test_what_the_log_names_and_nobody_can_read_needs_somebody_a_day_after_its_day(
    runtime: Runtime, age: int, error: str, *, needs_somebody: bool
) -> None:
    list_all(runtime, 3, 2, 1)
    list_day(runtime, LEDGER_NAME, days_ago(age), error=error)
    report = status(runtime, None, TODAY)
    assert report.not_verified == {days_ago(age): error}
    assert report.needs_attention == needs_somebody


@pytest.mark.parametrize(("age", "is_alarming"), [(22, False), (23, True)])
def test_a_file_not_stored_alarms_a_week_before_it_is_deleted(runtime: Runtime, age: int, *, is_alarming: bool) -> None:
    want(runtime, ArtefactKind.VOICEMAIL, "young", day=days_ago(2))
    want(runtime, ArtefactKind.VOICEMAIL, "old", day=days_ago(age))
    report = status(runtime, None, TODAY)
    assert [(row.source_id, row.age_days, row.limit_days) for row in report.oldest] == [("old", age, 30)]
    assert report.needs_attention == is_alarming


def test_the_retention_of_its_own_inbox_counts_and_of_an_unknown_one_the_shortest(runtime: Runtime) -> None:
    land_inbox(runtime, "long", retention_days=90)
    land_inbox(runtime, "short", retention_days=6)
    for message_id, inbox_id in (("kept", "long"), ("message", None)):
        payload: dict[str, object] = {"message_id": message_id, "created_at": f"{days_ago(4)}T09:00:00Z"}
        payload |= {"inbox_id": inbox_id} if inbox_id else {}
        land(runtime, "zoom/voicemails", message_id, payload, day=days_ago(4), shape="list")
        want(runtime, ArtefactKind.VOICEMAIL, message_id, day=days_ago(4))
    (clock,) = status(runtime, None, TODAY).oldest
    assert (clock.source_id, clock.limit_days, clock.files) == ("message", 6, 2)
    assert clock.is_alarming


def test_a_difference_that_could_not_be_healed_needs_somebody(runtime: Runtime) -> None:
    row = DifferenceRow("e", "s", "only_pushed", "e1", days_ago(1), "failed", "404", NOW, NOW)
    runtime.state.differences.record_all([row])
    report = status(runtime, None, TODAY)
    assert report.failed_differences == 1
    assert report.needs_attention


def test_files_that_fail_are_counted_with_their_last_words(runtime: Runtime) -> None:
    want(runtime, ArtefactKind.RECORDING, "r1", day=days_ago(1))
    want(runtime, ArtefactKind.RECORDING, "r2", day=days_ago(1))
    soon = NOW + timedelta(minutes=10)
    for source_id in ("r1", "r2"):
        runtime.state.artefacts.mark_failed(
            ArtefactKind.RECORDING,
            source_id,
            reason=Reason.DOWNLOAD_FAILED,
            evidence="HTTP 503",
            next_try_at=soon,
            now=NOW,
        )
    (failing,) = status(runtime, None, TODAY).failing
    assert (failing.kind, failing.files, failing.evidence) == (ArtefactKind.RECORDING, 2, "HTTP 503")
    assert failing.next_try_at == soon


def test_looking_does_not_fix_the_time_zone(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        status(runtime, None, TODAY)
    with open_home(tmp_path, timezone="Europe/Berlin") as runtime:
        assert status(runtime, None, TODAY).first is None


def test_what_a_crm_refuses_lacks_nowhere_but_there(runtime: Runtime) -> None:
    quarantine = runtime.state.quarantine
    quarantine.add("exports", "exports/hubspot", "e1", "INVALID", "", b"{}", NOW)
    quarantine.add("polling", "zoom/notes", "n1", "not readable", "", b"{}", NOW)
    report = status(runtime, None, TODAY)
    assert (report.quarantined, report.refused_by_crms) == (1, 1)
