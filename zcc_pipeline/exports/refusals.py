"""Records that the CRM or the mapping refuses: whole into quarantine, without personal data into reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.ports import Quarantine, RefusedRecord
from zcc_pipeline.exports.destination import Outgoing
from zcc_pipeline.exports.outcomes import Outcome, Status
from zcc_pipeline.exports.planning import Settle
from zcc_pipeline.exports.report import MOST_REFUSED, ExportReport, RefusedByCrm, masked

ROOM = "exports"

_LONGEST_REPEATED = 500
"""Longer values are not looked for in a CRM's words: nobody repeats a transcript in an error."""


def dataset(crm: str) -> str:
    """The CRM's name in quarantine."""
    return f"{ROOM}/{crm}"


class Refusals:
    """Those of one run."""

    def __init__(self, quarantine: Quarantine, report: ExportReport, clock: Clock) -> None:
        self._quarantine, self._report, self._clock = quarantine, report, clock
        self._dataset = dataset(report.crm)

    def hold(self, outcomes: Sequence[tuple[Outcome, date, Outgoing | None]]) -> None:
        """Put those among the outcomes that were refused into quarantine, with the CRM's own words."""
        records = []
        for outcome, day, outgoing in outcomes:
            if outcome.status is not Status.FAILED_PERMANENT:
                continue
            content = {
                "engagement_id": outcome.engagement_id,
                "object": outgoing.object if outgoing else None,
                "code": outcome.code,
                "message": outcome.message,
                "fields": dict(outgoing.fields) if outgoing else None,
            }
            words = self.tell(outcome, day, outgoing)
            records.append(self._record(outcome.engagement_id, outcome.code or "refused", words, content))
        self._add(records)

    def hold_unmapped(self, settled: Sequence[Settle]) -> None:
        """Put those of which the mapping makes nothing into quarantine."""
        records = []
        for each in settled:
            activity = each.activity
            content = {
                "engagement_id": activity.engagement_id,
                "channel": activity.channel,
                "channel_source": activity.channel_source,
                "queue_id": activity.queue_id,
                "queue_name": activity.queue_name,
            }
            records.append(self._record(activity.engagement_id, each.code, each.detail, content))
        self._add(records)

    def tell(self, outcome: Outcome, day: date, outgoing: Outgoing | None, words: str = "") -> str:
        """Name one in the report; returns the words as they may be shown."""
        said = words or masked(outcome.message, _personal(outgoing))
        self._report.codes[outcome.code] += 1
        if len(self._report.refused) < MOST_REFUSED:
            self._report.refused.append(RefusedByCrm(outcome.engagement_id, day, outcome.code, said))
        return said

    def release(self, engagement_ids: Collection[str]) -> None:
        """They have been taken, or left out on purpose: what was held of them, also by a run that died before the
        ledger knew, is held no longer."""
        if engagement_ids:
            self._quarantine.release(ROOM, self._dataset, engagement_ids)

    def _record(self, engagement_id: str, reason: str, detail: str, content: Mapping[str, object]) -> RefusedRecord:
        return RefusedRecord(ROOM, self._dataset, engagement_id, reason, detail, msgspec.json.encode(content))

    def _add(self, records: Sequence[RefusedRecord]) -> None:
        if records:
            self._quarantine.add_all(records, self._clock.now())


def _personal(outgoing: Outgoing | None) -> list[str | None]:
    """Values of a record that a CRM may repeat in its words."""
    if outgoing is None:
        return []
    keys = outgoing.keys
    names = (outgoing.customer_name or "").split()
    texts = [value for value in outgoing.fields.values() if isinstance(value, str) and len(value) <= _LONGEST_REPEATED]
    return [*names, *texts, outgoing.customer_name, outgoing.owner_email, keys.email if keys else None]
