"""A centre whose CRM is the simplest there could be: engagements, a ledger and what is written about them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.sync import Wanted, sync
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.exports.plain_crm import NoFiles, PlainCrm, PlainDestination, in_chunks
from zcc_pipeline_tests.integration.exports.scripted_server import FastClock

TEXT = """
version: 1
zendesk:
  export_when: {when}
  settle_hours: 24
  targets:
    ticket: {{object: ticket, key: external_id, fields: {{subject: subject, deleted: is_deleted_at_source}}}}
    mail: {{object: mail, key: external_id, fields: {{subject: subject}}}}
  channels: {{voice: ticket, video: ticket, messaging: ticket, email: mail}}
  queues: {queues}
  customer: {{on_none: {on_none}, on_several: {on_several}}}
  owner: {{from: agent_email, fallback: Fallback@centre.example}}
  notes: entries
  transcripts: none
  recordings: attach
  coexistence: {coexistence}
"""
PLAIN = {
    "when": "ended",
    "queues": '{"*": by_channel}',
    "on_none": "leave_unlinked",
    "on_several": "leave_unlinked",
    "coexistence": "{}",
}


def mapping(**changes: str) -> CrmMapping:
    found = parse_mapping("zendesk", TEXT.format(**{**PLAIN, **changes}), "crm_mapping.yml")
    assert found is not None
    return found


class Dark(PlainDestination):
    """Its search does not answer."""

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        raise TransientError("search customers: 503")


class Centre:
    """Engagements, a ledger and a CRM."""

    def __init__(self, folder: Path) -> None:
        self.state = StateStore.open(str(folder / "state.sqlite"))
        self.crm = PlainCrm()
        self.clock = FastClock()
        self.activities: dict[str, Activity] = {}
        self.read: list[str] = []
        self.mapping = mapping()
        self.destination = PlainDestination(self.crm)

    def take(self, *activities: Activity) -> None:
        self.activities |= {each.engagement_id: each for each in activities}

    def export(self, **options: Any) -> ExportReport:
        self.destination = options.pop("kind", PlainDestination)(self.crm, **options.pop("destination", {}))
        self.read = []

        def source(wanted: Wanted) -> Iterator[list[Activity]]:
            for chunk in in_chunks(self.activities.values(), 5):
                ids = set(wanted(chunk))
                self.read += [each.engagement_id for each in chunk if each.engagement_id in ids]
                yield [each for each in chunk if each.engagement_id in ids]

        return asyncio.run(
            sync(
                source,
                self.destination,
                mapping=self.mapping,
                ledger=self.state.exports,
                quarantine=self.state.quarantine,
                files=NoFiles(),
                clock=self.clock,
                **options,
            )
        )

    def rows(self) -> dict[str, Any]:
        return self.state.exports.get("zendesk", self.activities)

    def held(self) -> list[Any]:
        return list(self.state.quarantine.list())
