"""Short ways to say what is known of an engagement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Reason
from zcc_pipeline.domain.ports import ArtefactRow, ReadOutcome, ReadRow
from zcc_pipeline.reconciliation import EngagementFacts, evaluate

DAY = date(2026, 11, 10)
END = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRACE = timedelta(hours=24)
SOON = END + HOUR
LATE = END + timedelta(days=3)

VOICE = frozenset({"voice"})
MESSAGING = frozenset({"messaging"})


def facts(**known: Any) -> EngagementFacts:
    """A voice engagement that ended at ``END``; what is not given is not known."""
    rows: Iterable[ArtefactRow] = known.pop("rows", ())
    values: dict[str, Any] = {"engagement_id": "e1", "day": DAY, "ended_at": END, "channels": VOICE}
    return EngagementFacts(**(values | known), artefacts={(row.kind, row.source_id): row for row in rows})


def row(kind: ArtefactKind, source_id: str = "x", state: str = "stored", **known: Any) -> ArtefactRow:
    values: dict[str, Any] = {
        "kind": kind,
        "source_id": source_id,
        "engagement_id": "e1",
        "day": DAY,
        "occurred_at": END,
        "state": state,
        "attempts": 0,
        "first_seen_at": END,
        "next_try_at": None,
        "stored_at": None,
        "path": None,
        "size_bytes": None,
        "sha256": "ab" * 32 if state == "stored" else None,
        "sha512": None,
        "media_type": None,
        "reason": None,
        "evidence": None,
    }
    return ArtefactRow(**(values | known))


def failed(kind: ArtefactKind, source_id: str = "x") -> ArtefactRow:
    return row(
        kind,
        source_id,
        "failed",
        attempts=3,
        reason=Reason.DOWNLOAD_FAILED,
        evidence="http_status=503",
        next_try_at=END + 2 * HOUR,
    )


def gone(kind: ArtefactKind, source_id: str = "x") -> ArtefactRow:
    return row(
        kind, source_id, "gone", attempts=9, reason=Reason.SOURCE_REPORTS_GONE, evidence="http_status=404 code=2801"
    )


def wanted(kind: ArtefactKind, source_id: str = "x") -> ArtefactRow:
    return row(kind, source_id, "wanted", next_try_at=END)


def read(outcome: ReadOutcome, evidence: str = "", at: datetime = END + GRACE) -> ReadRow:
    return ReadRow("e1", "zoom/surveys", outcome, evidence, DAY, END, at)


def judge(kind: ArtefactKind, known: EngagementFacts, now: datetime = LATE) -> ArtefactStatus:
    return next(status for status in evaluate(known, now) if status.kind is kind)
