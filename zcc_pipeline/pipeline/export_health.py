"""The ledger of one CRM against the mart: is everything there that should be, and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.export_ledger import IN_FLIGHT, ExportRow
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.planning import Known, Send, decide, is_open, unchanged
from zcc_pipeline.exports.sync import ROOM, dataset
from zcc_pipeline.pipeline.activities import open_activities
from zcc_pipeline.pipeline.export_files import StoredFiles
from zcc_pipeline.pipeline.exporting import mapping_for
from zcc_pipeline.pipeline.runtime import Runtime


@dataclass(slots=True)
class ExportHealth:
    """Counts are engagements. Asks nobody but the ledger and the published copy."""

    crm: str
    engagements: int = 0
    """In the mart."""
    settled: int = 0
    """There as they are now, or left out on purpose."""
    refused: int = 0
    """Refused as they are now, and held."""
    not_due: int = 0
    due: Counter[date] = field(default_factory=Counter)
    """Should have left and have not, or not as they are now, by the day on which they started."""
    open: int = 0
    """Sent, and nobody knows yet what became of them; part of ``due``."""
    strays: int = 0
    """In the ledger and not in the mart."""
    held: Counter[str] = field(default_factory=Counter)
    """Items in quarantine by reason."""

    @property
    def is_even(self) -> bool:
        """Whether everything that should have left is there, and nothing else."""
        return not (self.due or self.strays)


def export_health(runtime: Runtime, crm: str) -> ExportHealth:
    """Go through the whole mart; only what the ledger does not call settled is read whole."""
    mapping = mapping_for(runtime, crm)
    judge = _Judge(runtime, crm, mapping)
    with open_activities(runtime.config.warehouse.analytics_path, suppressed=runtime.suppressed) as activities:
        for chunk in activities.iter_chunks(judge.wanted):
            for activity in chunk:
                row = judge.rows.get(activity.engagement_id)
                decision = decide(
                    activity, row, mapping=mapping, files=judge.files, now=runtime.clock.now(), resend=is_open(row)
                )
                judge.count(activity.started_date, row, is_due=isinstance(decision, Send))
    health = judge.health
    health.strays = sum(row.records for row in runtime.state.exports.counts(crm)) - judge.known
    held = (item for item in runtime.state.quarantine.list("held") if item.room == ROOM)
    health.held = Counter(item.reason for item in held if item.dataset == dataset(crm))
    return health


class _Judge:
    def __init__(self, runtime: Runtime, crm: str, mapping: CrmMapping) -> None:
        self.health = ExportHealth(crm)
        self.files = StoredFiles(runtime.files)
        self.rows: dict[str, ExportRow] = {}
        """Of the day at hand."""
        self.known = 0
        self._ledger, self._crm, self._mapping = runtime.state.exports, crm, mapping

    def wanted(self, known: Sequence[Known]) -> Collection[str]:
        """Count what is settled; name the others."""
        self.rows = self._ledger.get(self._crm, [each.engagement_id for each in known])
        done = unchanged(known, self.rows, self._mapping)
        refused = sum(self.rows[each].status == Status.FAILED_PERMANENT for each in done)
        self.known += len(self.rows)
        self.health.engagements += len(known)
        self.health.refused += refused
        self.health.settled += len(done) - refused
        return [each.engagement_id for each in known if each.engagement_id not in done]

    def count(self, day: date, row: ExportRow | None, *, is_due: bool) -> None:
        """One that the ledger does not call settled as it is now."""
        if not is_due:
            self.health.not_due += 1
            return
        self.health.due[day] += 1
        self.health.open += row is not None and row.status in (IN_FLIGHT, Status.UNKNOWN)
