"""What is to be done with one engagement: pure decisions over the activity, the mapping and the ledger's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from zcc_pipeline.domain.completeness import Status as Completeness
from zcc_pipeline.domain.export_ledger import IN_FLIGHT, ExportPlan, ExportRow
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.destination import Files, Outgoing
from zcc_pipeline.exports.mapping import CrmMapping, LeftOut, Section, Unmapped, content_hash, map_activity
from zcc_pipeline.exports.outcomes import SETTLED, Status

_COMPLETE = frozenset(
    {
        Completeness.STORED,
        Completeness.NONE_RECORDED,
        Completeness.NOT_EXPECTED,
        Completeness.DELETED_AT_SOURCE,
    }
)


class Known(Protocol):
    """What is compared before an activity is read whole."""

    @property
    def engagement_id(self) -> str:
        """Whose."""
        ...

    @property
    def activity_hash(self) -> str:
        """Of all that could leave."""
        ...


@dataclass(frozen=True, slots=True)
class Send:
    """To be written to the CRM."""

    activity: Activity
    plan: ExportPlan
    outgoing: Outgoing
    row: ExportRow | None


@dataclass(frozen=True, slots=True)
class Settle:
    """Decided without asking the CRM. ``detail`` and ``reason`` are for the quarantine, where it goes there."""

    activity: Activity
    plan: ExportPlan
    status: Status
    code: str = ""
    detail: str = ""
    is_news: bool = True
    """Off where an earlier run has decided the same."""


@dataclass(frozen=True, slots=True)
class NotDue:
    """Comes in a later run."""

    activity: Activity


Decision = Send | Settle | NotDue


def is_open(row: ExportRow | None) -> bool:
    """Whether nobody knows what became of it: sent, and no outcome written down."""
    return row is not None and row.status in (IN_FLIGHT, Status.UNKNOWN)


def unchanged(known: Sequence[Known], rows: dict[str, ExportRow], mapping: CrmMapping) -> set[str]:
    """Those of which the ledger says that nothing is left to do: they need not even be read."""
    found = set()
    for each in known:
        row = rows.get(each.engagement_id)
        if (
            row is not None
            and row.activity_hash == each.activity_hash
            and row.mapping == mapping.fingerprint
            and (row.status in SETTLED or row.status == Status.FAILED_PERMANENT)
        ):
            found.add(each.engagement_id)
    return found


def decide(
    activity: Activity, row: ExportRow | None, *, mapping: CrmMapping, files: Files, now: datetime, resend: bool = False
) -> Decision:
    """What to do with an engagement whose earlier sendings, if any, have a known outcome.

    ``resend``: even where nothing has changed.
    """
    is_there = row is not None and row.remote_id is not None
    plan = ExportPlan(activity.engagement_id, activity.started_date, activity.activity_hash, mapping.fingerprint, "")
    if activity.is_deleted_at_source and not is_there:
        return Settle(activity, plan, Status.SKIPPED, "deleted_at_source")
    if not is_there and not _is_due(activity, mapping.section, now):
        return NotDue(activity)
    mapped = map_activity(activity, mapping, files)
    if isinstance(mapped, LeftOut):
        return Settle(activity, plan, Status.SKIPPED, mapped.reason)
    if isinstance(mapped, Unmapped):
        return Settle(activity, plan, Status.FAILED_PERMANENT, mapped.reason, mapped.detail)
    plan = replace(plan, content_hash=content_hash(mapped, mapping))
    decided = None if resend else _as_before(activity, plan, row)
    return decided or Send(activity, plan, mapped, row)


def _as_before(activity: Activity, plan: ExportPlan, row: ExportRow | None) -> Settle | None:
    """What an earlier run has decided about the same content, where that still holds."""
    if row is None or row.content_hash != plan.content_hash:
        return None
    if row.status == Status.FAILED_PERMANENT:
        return Settle(activity, plan, Status.FAILED_PERMANENT, row.code, is_news=False)
    if row.status not in SETTLED:
        return None
    status = Status.SKIPPED if row.status == Status.SKIPPED else Status.UNCHANGED
    return Settle(activity, plan, status, row.code)


def _is_due(activity: Activity, section: Section, now: datetime) -> bool:
    if activity.ended_at is None:
        return False
    match section.export_when:
        case "ended":
            return True
        case "settled":
            return activity.ended_at + timedelta(hours=section.settle_hours) <= now
        case "complete":
            return activity.completeness_status in _COMPLETE
