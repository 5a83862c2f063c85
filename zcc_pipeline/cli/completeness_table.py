"""Completeness as tables: a line for each day and kind of data, sums, and reasons in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from zcc_pipeline.cli.screen import table
from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status

if TYPE_CHECKING:
    from zcc_pipeline.reconciliation import KindDay

KIND_WORDS = {
    ArtefactKind.RECORDING: "recordings",
    ArtefactKind.RECORDING_TRANSCRIPT: "recording transcripts",
    ArtefactKind.MESSAGING_TRANSCRIPT: "messaging transcripts",
    ArtefactKind.VOICEMAIL: "voicemails",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "voicemail transcripts",
    ArtefactKind.NOTES: "notes",
    ArtefactKind.DISPOSITIONS: "dispositions",
    ArtefactKind.SURVEY: "survey answers",
    ArtefactKind.EMAIL_MESSAGES: "e-mail messages",
}

REASON_WORDS = {
    Reason.CHANNEL_HAS_NONE: "other channel",
    Reason.CALL_NOT_RECORDED: "call not recorded",
    Reason.NOT_ANSWERED: "not answered",
    Reason.NO_RECORDING: "no recording",
    Reason.NO_VOICEMAIL_LEFT: "none left",
    Reason.INBOX_TRANSCRIPTION_OFF: "inbox transcription off",
    Reason.SURVEY_NOT_TRIGGERED: "not triggered",
    Reason.SURVEY_NOT_ANSWERED: "not answered by customer",
    Reason.NOT_COLLECTED: "not collected",
    Reason.SOURCE_REPORTS_GONE: "source says gone",
    Reason.SOURCE_RETENTION_PASSED: "source retention passed",
    Reason.DOWNLOAD_FAILED: "download failed",
    Reason.SCOPE_MISSING: "scope missing",
    Reason.NOT_READY: "not ready yet",
    Reason.SETTLING: "settling",
    Reason.LISTED_THEN_GONE: "deleted at source",
    Reason.MARKED_DELETED: "marked deleted",
}

NOT_EXPECTED = (Status.NOT_EXPECTED, Status.NONE_RECORDED)
LACKING = (Status.MISSING, Status.DELETED_AT_SOURCE)
TROUBLE = (Status.FAILED, Status.UNEXPLAINED)

COLUMNS = ("expected", "stored", "waiting", "not exp.", "missing", "failed", "unexpl.")
"""``expected`` is everything that is not ``not expected``; ``missing`` includes what was deleted at the source."""


def figures(by_status: Counter[Status]) -> tuple[int, ...]:
    """One number for each of ``COLUMNS``."""
    unexpected = sum(by_status[status] for status in NOT_EXPECTED)
    return (
        by_status.total() - unexpected,
        by_status[Status.STORED],
        by_status[Status.WAITING],
        unexpected,
        sum(by_status[status] for status in LACKING),
        by_status[Status.FAILED],
        by_status[Status.UNEXPLAINED],
    )


def coloured(numbers: Sequence[int]) -> list[object]:
    """Zeros dim, lacks and trouble in colour."""
    styles = ("", "green", "yellow", "dim", "magenta", "bold red", "bold red")
    return [(f"{n:,}" if n else "·", style if n else "dim") for n, style in zip(numbers, styles, strict=True)]


def why(lines: Iterable[KindDay]) -> str:
    """Reasons in words with their counts, what lacks first, that another channel has no such thing last."""
    lines = list(lines)
    reasons: Counter[tuple[Status, Reason]] = Counter()
    none_recorded = 0
    for line in lines:
        reasons.update(line.by_reason)
        none_recorded += line.by_status[Status.NONE_RECORDED]
    order = {status: rank for rank, status in enumerate(Status)}
    named = sorted(reasons.items(), key=lambda entry: (order[entry[0][0]], -entry[1]))
    parts = [
        f"{count:,} {REASON_WORDS[reason]}" for (_, reason), count in named if reason is not Reason.CHANNEL_HAS_NONE
    ]
    if none_recorded:
        parts.append(f"{none_recorded:,} without any")
    other = sum(count for (_, reason), count in reasons.items() if reason is Reason.CHANNEL_HAS_NONE)
    if other:
        parts.append(f"{other:,} {REASON_WORDS[Reason.CHANNEL_HAS_NONE]}")
    return ", ".join(parts)


def show_by_kind(lines: Sequence[KindDay], *, with_days: bool = False) -> None:
    """One line for each kind of data, over all days or for each of them."""
    columns = ("day", "data", *COLUMNS, "why") if with_days else ("data", *COLUMNS, "why")
    rows: list[list[object]] = []
    groups: dict[tuple[date | None, ArtefactKind], list[KindDay]] = {}
    for line in lines:
        groups.setdefault((line.day if with_days else None, line.kind), []).append(line)
    shown_day = None
    for (day, kind), members in groups.items():
        by_status = sum((line.by_status for line in members), Counter[Status]())
        row: list[object] = [KIND_WORDS[kind], *coloured(figures(by_status)), (why(members), "dim")]
        if with_days:
            row.insert(0, "" if day == shown_day else str(day)[5:])
            shown_day = day
        rows.append(row)
    table(columns, rows, numbers=COLUMNS, fold="why")


def show_by_day(lines: Sequence[KindDay]) -> None:
    """One line a day, all kinds of data together."""
    days: dict[date, list[KindDay]] = {}
    for line in lines:
        days.setdefault(line.day, []).append(line)
    rows = [
        [
            str(day),
            max(line.engagements for line in members),
            *coloured(figures(sum((line.by_status for line in members), Counter[Status]()))),
        ]
        for day, members in sorted(days.items())
    ]
    table(("day", "engagements", *COLUMNS), rows, numbers=("engagements", *COLUMNS))


def as_rows(lines: Iterable[KindDay]) -> list[dict[str, object]]:
    """The same for scripts, with statuses and reasons by their own names."""
    return [
        {
            "day": line.day,
            "kind": line.kind.value,
            "engagements": line.engagements,
            "expected_items": line.expected_items,
            "stored_items": line.stored_items,
            "by_status": {status.value: count for status, count in line.by_status.items()},
            "by_reason": {
                f"{status.value}/{reason.value}": count for (status, reason), count in line.by_reason.items()
            },
        }
        for line in lines
    ]
