"""Completeness as tables: a line for each day and kind of data, sums, and reasons in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli.screen import paragraph, table, terminal_width
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

TABLE_WORDS = KIND_WORDS | {
    ArtefactKind.RECORDING_TRANSCRIPT: "rec. transcripts",
    ArtefactKind.MESSAGING_TRANSCRIPT: "chat transcripts",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "vm. transcripts",
    ArtefactKind.EMAIL_MESSAGES: "e-mails",
}
"""The same, narrower."""

REASON_WORDS = {
    Reason.CHANNEL_HAS_NONE: "channel has none",
    Reason.CALL_NOT_RECORDED: "not recorded",
    Reason.NOT_ANSWERED: "not answered",
    Reason.NO_RECORDING: "no recording",
    Reason.NO_VOICEMAIL_LEFT: "none left",
    Reason.INBOX_TRANSCRIPTION_OFF: "switched off",
    Reason.SURVEY_NOT_TRIGGERED: "not triggered",
    Reason.SURVEY_NOT_ANSWERED: "unanswered",
    Reason.NOT_COLLECTED: "not collected",
    Reason.SOURCE_REPORTS_GONE: "gone at source",
    Reason.SOURCE_RETENTION_PASSED: "past retention",
    Reason.DOWNLOAD_FAILED: "download failed",
    Reason.SCOPE_MISSING: "scope missing",
    Reason.NOT_READY: "not ready",
    Reason.SETTLING: "settling",
    Reason.LISTED_THEN_GONE: "deleted at source",
    Reason.MARKED_DELETED: "marked deleted",
}

NOT_EXPECTED = (Status.NOT_EXPECTED, Status.NONE_RECORDED)
LACKING = (Status.MISSING, Status.DELETED_AT_SOURCE)
TROUBLE = (Status.FAILED, Status.UNEXPLAINED)

COLUMNS = ("expected", "stored", "waiting", "not exp.", "missing", "failed", "unexpl.")
"""``expected`` is everything that is not ``not expected``; ``missing`` includes what was deleted at the source."""

ALWAYS_SHOWN = len(COLUMNS) - len(TROUBLE)
STYLES = ("", "green", "yellow", "dim", "magenta", "bold red", "bold red")
NARROW = 90
"""Below so many columns reasons are left out of the table."""


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


def sum_of(lines: Iterable[KindDay]) -> Counter[Status]:
    """Statuses of all the lines together."""
    return sum((line.by_status for line in lines), Counter[Status]())


def _columns(lines: Iterable[KindDay]) -> tuple[str, ...]:
    """Failed and unexplained only where there is any."""
    trouble = figures(sum_of(lines))[ALWAYS_SHOWN:]
    return COLUMNS[:ALWAYS_SHOWN] + tuple(
        name for name, count in zip(COLUMNS[ALWAYS_SHOWN:], trouble, strict=True) if count
    )


def _cells(lines: Iterable[KindDay], columns: Sequence[str]) -> list[object]:
    """Zeros dim, lacks and trouble in colour."""
    by_name = dict(zip(COLUMNS, zip(figures(sum_of(lines)), STYLES, strict=True), strict=True))
    return [(f"{by_name[name][0]:,}", by_name[name][1]) if by_name[name][0] else ("·", "dim") for name in columns]


def why(lines: Iterable[KindDay]) -> str:
    """Reasons in words with their counts, what lacks first.

    That a kind of data does not exist on a channel is left to ``FOOTNOTE``: it is most of what is not expected.
    """
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
        parts.append(f"{none_recorded:,} have none")
    return ", ".join(parts)


FOOTNOTE = "Not expected and no reason given: the channel has no such data."


def show_by_kind(lines: Sequence[KindDay], *, since: date | None = None) -> None:
    """One line for each kind of data over all days; with ``since``, for each day from then on and for what is older."""
    groups: dict[tuple[str, ArtefactKind], list[KindDay]] = {}
    for line in lines:
        day = "" if since is None else f"{line.day:%m-%d}" if line.day >= since else "older"
        groups.setdefault((day, line.kind), []).append(line)
    numbers = _columns(lines)
    is_wide = terminal_width() >= NARROW
    rows: list[list[object]] = []
    shown_day = ""
    for (day, kind), members in groups.items():
        row = [TABLE_WORDS[kind], *_cells(members, numbers)]
        if since is not None:
            row.insert(0, "" if day == shown_day else day)
            shown_day = day
        if is_wide:
            row.append((why(members), "dim"))
        rows.append(row)
    columns = (*(("day",) if since else ()), "data", *numbers, *(("why",) if is_wide else ()))
    table(columns, rows, numbers=numbers, fold="why")
    typer.secho(FOOTNOTE, dim=True)
    if not is_wide:
        for kind in dict.fromkeys(line.kind for line in lines):
            reasons = why(line for line in lines if line.kind is kind)
            if reasons:
                paragraph(f"{KIND_WORDS[kind]}: {reasons}", indent="  ")


def show_by_day(lines: Sequence[KindDay]) -> None:
    """One line a day, all kinds of data together."""
    days: dict[date, list[KindDay]] = {}
    for line in lines:
        days.setdefault(line.day, []).append(line)
    numbers = _columns(lines)
    rows = [
        [str(day), max(line.engagements for line in members), *_cells(members, numbers)]
        for day, members in sorted(days.items())
    ]
    table(("day", "engagements", *numbers), rows, numbers=("engagements", *numbers))


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
