"""Reports of the verbs as Dagster metadata: numbers for each day's partition, and a table of all days of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from zcc_pipeline.pipeline.reports import DatasetReport, DayReport

COUNTS = ("received", "new", "changed", "unchanged", "deleted", "api_calls", "bytes_written")
COUNTS_OF_SOME = ("suppressed", "failed", "waiting")
_ALWAYS = ("received", "new", "changed", "unchanged")

PROBLEMS = "problems"
"""Key under which a materialisation says what did not go well; the check of its asset reads it."""

_DAYS_SHOWN = 400

LAKE_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("record_id", "string", "Id inside the dataset, unique across days."),
        dg.TableColumn(
            "shape", "string", "list, detail, or the event name: facts of different kinds about one record."
        ),
        dg.TableColumn("engagement_id", "string", "The engagement it belongs to; null where there is none."),
        dg.TableColumn("payload", "string", "The record's JSON, bytes as received."),
        dg.TableColumn("content_hash", "binary(16)", "Over the payload's bytes."),
        dg.TableColumn("as_of", "timestamp[us, UTC]", "What time the content speaks for."),
        dg.TableColumn("observed_at", "timestamp[us, UTC]", "When it landed."),
        dg.TableColumn("route", "string", "How it came: poll, webhook, websocket, flow."),
        dg.TableColumn("is_deleted", "bool", "A tombstone: the source has it no more."),
        dg.TableColumn("batch_id", "string", "The listing it came with, in the ledger of windows."),
    ]
)


def day_metadata(row: DayReport) -> dict[str, Any]:
    """The numbers of one day, for its partition; the UI draws them over time."""
    numbers: dict[str, Any] = {"complete": row.is_complete and not row.problem}
    if row.problem:
        numbers["problem"] = row.problem
    numbers |= {label_of(name): getattr(row, name) for name in COUNTS}
    numbers |= {label_of(name): getattr(row, name) for name in COUNTS_OF_SOME if getattr(row, name)}
    return numbers


def report_metadata(report: DatasetReport) -> dict[str, Any]:
    """What goes on the newest partition of a run: every day as a table, and the problems in words."""
    found: dict[str, Any] = {"days": days_table(report.days)}
    if report.problems:
        found[PROBLEMS] = dg.MetadataValue.json(report.problems)
    return found


def days_table(rows: Sequence[DayReport]) -> dg.TableMetadataValue:
    """One line a day, newest first; columns that say nothing are left out."""
    newest = sorted(rows, key=lambda row: row.day, reverse=True)[:_DAYS_SHOWN]
    counts = [
        name for name in (*COUNTS, *COUNTS_OF_SOME) if name in _ALWAYS or any(getattr(row, name) for row in newest)
    ]
    lines = []
    for row in newest:
        line: dict[str, Any] = {"day": row.day.isoformat(), "complete": row.is_complete and not row.problem}
        if any(other.problem for other in newest):
            line["problem"] = row.problem or ""
        lines.append(line | {label_of(name): getattr(row, name) for name in counts})
    return text_table(list(lines[0]) if lines else ["day"], lines)


def label_of(name: str) -> str:
    """What a count is called among the metadata."""
    return name.replace("_", " ").replace("api", "API")


def text_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Any rows as a table."""
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(row)) for row in rows], dg.TableSchema([dg.TableColumn(name) for name in columns])
    )


def joined_days(days: Sequence[Any]) -> str:
    """Days as text: each while they are few, the span when they are many."""
    texts = sorted(str(day) for day in days)
    if len(texts) > 10:
        return f"{len(texts)} days, {texts[0]} to {texts[-1]}"
    return ", ".join(texts) or "none"
