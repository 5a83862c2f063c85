"""Completeness as people see it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from zcc_pipeline.cli.completeness_table import (
    COLUMNS,
    KIND_WORDS,
    REASON_WORDS,
    TABLE_WORDS,
    as_rows,
    figures,
    show_by_day,
    show_by_kind,
    why,
)
from zcc_pipeline.cli.status import as_document, show
from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.pipeline.status import FailingFiles, StatusReport, Unread, WaitingRefreshes
from zcc_pipeline.reconciliation import KindDay, RetentionClock

DAY = date(2026, 11, 20)


def line(kind: ArtefactKind = ArtefactKind.RECORDING, day: date = DAY, **statuses: int) -> KindDay:
    by_status = Counter({Status(name): count for name, count in statuses.items()})
    return KindDay(day, kind, engagements=by_status.total(), by_status=by_status)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_every_kind_and_reason_has_words() -> None:
    assert set(KIND_WORDS) == set(TABLE_WORDS) == set(ArtefactKind)
    assert set(REASON_WORDS) == set(Reason)


def test_figures_add_up_to_all_engagements() -> None:
    numbers = dict(zip(COLUMNS, figures(Counter({status: 2**rank for rank, status in enumerate(Status)})), strict=True))
    assert numbers["expected"] == sum(numbers[name] for name in ("stored", "waiting", "missing", "failed", "unexpl."))
    assert numbers["expected"] + numbers["not exp."] == 2 ** len(Status) - 1


def test_reasons_name_what_lacks_first_and_leave_out_what_the_channel_explains() -> None:
    row = line(missing=1, not_expected=9, none_recorded=2)
    row.by_reason[Status.NOT_EXPECTED, Reason.CHANNEL_HAS_NONE] = 6
    row.by_reason[Status.NOT_EXPECTED, Reason.CALL_NOT_RECORDED] = 3
    row.by_reason[Status.MISSING, Reason.SOURCE_REPORTS_GONE] = 1
    assert why([row]) == "1 gone at source, 3 not recorded, 2 have none"


def test_columns_of_trouble_appear_only_with_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    show_by_kind([line(stored=3)])
    assert "unexpl." not in capsys.readouterr().out
    show_by_kind([line(stored=3, unexplained=1)])
    assert "unexpl." in capsys.readouterr().out


def test_days_before_the_range_are_one_group(capsys: pytest.CaptureFixture[str]) -> None:
    older = [line(day=date(2026, 10, 1), stored=1), line(day=date(2026, 10, 2), stored=2)]
    show_by_kind([*older, line(stored=4)], since=DAY)
    out = shown(capsys)
    assert "older recordings 3 3" in out
    assert "11-20 recordings 4 4" in out


def test_a_narrow_terminal_gets_its_reasons_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = line(not_expected=3)
    row.by_reason[Status.NOT_EXPECTED, Reason.CALL_NOT_RECORDED] = 3
    monkeypatch.setenv("COLUMNS", "72")
    show_by_kind([row])
    out = capsys.readouterr().out
    assert "recordings: 3 not recorded" in out
    assert max(len(text) for text in out.splitlines()) <= 72


def test_many_days_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    show_by_day([line(stored=3), line(ArtefactKind.NOTES, stored=2, none_recorded=1)])
    assert "2026-11-20 3 5 5" in shown(capsys)


def test_rows_for_scripts_keep_the_programs_own_names() -> None:
    row = line(not_expected=1)
    row.by_reason[Status.NOT_EXPECTED, Reason.CALL_NOT_RECORDED] = 1
    (found,) = as_rows([row])
    assert found["kind"] == "recording"
    assert found["by_reason"] == {"not_expected/call_not_recorded": 1}


def test_everything_that_needs_somebody_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    report = StatusReport(first=DAY, last=date(2026, 11, 22))
    report.lines = [line(stored=1, unexplained=2), line(ArtefactKind.NOTES, failed=1)]
    report.overdue = {(DAY, ArtefactKind.SURVEY): 4}
    report.unread = [
        Unread("zoom/recordings", DAY, "never read", is_overdue=True),
        Unread("zoom/recordings", date(2026, 11, 21), "never read", is_overdue=True),
        Unread("zoom/recordings", date(2026, 11, 22), "never read", is_overdue=False),
    ]
    report.not_verified = {DAY: "scope missing"}
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    report.oldest = [RetentionClock(ArtefactKind.VOICEMAIL, "m", begun, 30, 24, 2, is_alarming=True)]
    report.failed_differences = 1
    report.failing = [FailingFiles(ArtefactKind.RECORDING, 3, "HTTP 503", datetime(2026, 11, 22, 13, 5, tzinfo=UTC))]
    report.quarantined = 2
    show(report)
    out = shown(capsys)
    for sentence in (
        "2026-11-20, unexplained: recordings 2.",
        "2026-11-20, failed: notes 1.",
        "where completeness_status in ('unexplained', 'failed')",
        "2026-11-20, overdue: survey answers 4; `zcc run --from 2026-11-20 --to 2026-11-20` looks again.",
        "zoom/recordings, 2026-11-20 to 2026-11-21 (2 days): never read (overdue).",
        "zoom/recordings, 2026-11-22: never read (not due yet).",
        "Late closers not verified on 1 day (scope missing).",
        "ALARM: of voicemails not stored yet (2), the one deleted first is 24 days old",
        "the source deletes it after 30.",
        "1 difference between push and poll could not be healed",
        "Not fetched: recordings 3 (HTTP 503), next try 2026-11-22 13:05 UTC.",
        "Held in quarantine: 2 records.",
        "Something needs you: see above.",
    ):
        assert sentence in out


def test_what_waits_to_be_read_again_is_told_with_its_age(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = WaitingRefreshes(2, datetime(2026, 11, 20, 9, 30, tzinfo=UTC), given_up=1)
    report = StatusReport(DAY, DAY, lines=[line(stored=1)], refreshes=waiting)
    show(report)
    out = shown(capsys)
    assert "To be read again after an event: 2 engagements, the first since 2026-11-20 09:30 UTC." in out
    assert "Not found after an event, left to the nightly poll: 1 engagement." in out
    assert as_document(report)["waiting_refreshes"] == waiting


def test_when_the_days_were_last_checked_is_said_once_for_all_and_by_day_for_scripts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = StatusReport(DAY, DAY, lines=[line(stored=1)])
    show(report)
    assert "last checked" not in shown(capsys)
    newest, oldest = datetime(2026, 11, 22, 2, 16, tzinfo=UTC), datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
    report.verified_at = {DAY: newest}
    show(report)
    assert "last checked 2026-11-22 02:16 UTC" in shown(capsys)
    report.verified_at = {DAY: newest, date(2026, 11, 19): oldest}
    show(report)
    assert "last checked 2026-11-21 02:15 to 2026-11-22 02:16 UTC" in shown(capsys)
    assert as_document(report)["verified_at"] == {"2026-11-19": oldest, "2026-11-20": newest}
