"""Customers who come into the CRM after their conversations have: looked for again for a while.

Whom an engagement belongs to is no part of it, so that nothing changes when the customer appears. Agents enter new
customers while they talk or within days; later ones are linked when the engagement or the mapping changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from zcc_pipeline.domain.export_ledger import ExportLedger
from zcc_pipeline.exports.addressing import UNLINKED, Addressing
from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.outcomes import TAKEN, Outcome
from zcc_pipeline.exports.planning import Send

FOR = timedelta(days=14)
"""After the start of an engagement, as long as its customer is looked for again."""
_AGAIN_AFTER = timedelta(hours=1)
"""A run right after another one costs nothing."""
_MOST_A_RUN = 2_000
"""Those looked for longest ago come first: where there are more, each has its turn in a later run."""


class Relinking:
    """Records of one run that are linked to nobody and may have somebody now."""

    def __init__(self, ledger: ExportLedger, crm: str, addressing: Addressing, *, now: datetime) -> None:
        self._addressing = addressing
        self.due = frozenset(
            ledger.coded(crm, UNLINKED, since=(now - FOR).date(), unchanged_since=now - _AGAIN_AFTER, limit=_MOST_A_RUN)
        )
        """Engagement ids."""

    async def found(self, sends: Sequence[Send]) -> set[str]:
        """Of these, the engagements whose customer is there now. ``TransientError`` where the CRM does not answer."""
        await self._addressing.find_customers([send.outgoing.keys for send in sends])
        return {send.plan.engagement_id for send in sends if not self._addressing.lack(send.outgoing.keys)}

    def marked(self, one: Addressed, outcome: Outcome) -> Outcome:
        """With the reason as its code where a record was taken and linked to nobody."""
        if outcome.status not in TAKEN or outcome.code or one.customer is not None or one.is_enriching:
            return outcome
        return replace(outcome, code=self._addressing.lack(one.outgoing.keys))
