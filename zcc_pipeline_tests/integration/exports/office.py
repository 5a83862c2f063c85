"""A centre that exports to one CRM: engagements, a ledger, a quarantine and a stand-in, held against each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.mapping import CrmMapping, read_mapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.sync import Wanted, dataset, sync
from zcc_pipeline.simulator.crm.base import CrmOptions, Person, RunningStandIn
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.exports.adapters import CrmAdapter, RemoteView
from zcc_pipeline_tests.integration.exports.engagements import AGENTS, email, phone, sound_of

CHUNK = 100
LONG = 120
"""From this length on a CRM may cut a subject."""


class Sounds:
    """The file store."""

    async def read(self, path: str) -> AsyncIterator[bytes]:
        body = sound_of(path)
        for start in range(0, len(body), 100):
            yield body[start : start + 100]


def people(numbers: Iterable[int]) -> tuple[Person, ...]:
    """Customers by number, every other one without an e-mail address, and all agents."""
    customers = [Person(f"Customer {each}", email(each) if each % 2 else None, phone(each)) for each in numbers]
    return (*customers, *(Person(name, address, kind="agent") for name, address in AGENTS))


def varied(mapping: CrmMapping, **changes: Any) -> CrmMapping:
    """The mapping with other values in its section; nested ones as ``customer={"on_none": "create"}``."""
    updates = {
        name: getattr(mapping.section, name).model_copy(update=value) if isinstance(value, dict) and name in NESTED
        else value
        for name, value in changes.items()
    }  # fmt: skip
    section = mapping.section.model_copy(update=updates)
    return replace(mapping, section=section, fingerprint=f"{mapping.fingerprint[:20]}{sorted(changes)}"[:32])


NESTED = frozenset({"customer", "owner", "coexistence"})


Open = Callable[..., "Office"]
"""Starts a story: ``start(people=…, faults=…)``, with the options of ``office``."""


class Office:
    """Everything of one story."""

    def __init__(self, adapter: CrmAdapter, running: RunningStandIn, folder: Path, mapping: CrmMapping) -> None:
        self.adapter, self.running, self.folder, self.mapping = adapter, running, folder, mapping
        self.state_path = folder / "state.sqlite"
        self.state = StateStore.open(str(self.state_path))
        self.activities: dict[str, Activity] = {}
        self.batch_size: int | None = None
        self.clock: Clock = SystemClock()

    # What happens

    def take(self, *activities: Activity) -> None:
        """Engagements as they are now."""
        self.activities |= {each.engagement_id: each for each in activities}

    def export(self, **options: Any) -> ExportReport:
        """One run over everything."""
        return self.export_from(self.source, **options)

    def export_from(self, source: Callable[[Wanted], Iterator[list[Activity]]], **options: Any) -> ExportReport:
        """One run over what ``source`` has."""
        destination = self.adapter.destination(self.running, self.mapping, self.clock)
        if self.batch_size is not None:
            destination.batch_size = self.batch_size

        async def run() -> ExportReport:
            async with destination:
                return await sync(
                    source,
                    destination,
                    mapping=self.mapping,
                    ledger=self.state.exports,
                    quarantine=self.state.quarantine,
                    files=Sounds(),
                    clock=self.clock,
                    **options,
                )

        return asyncio.run(run())

    def export_until_done(self, *, runs: int = 4) -> list[ExportReport]:
        """As every night would, until nothing is left to do."""
        reports = []
        for _ in range(runs):
            reports.append(self.export())
            if reports[-1].is_complete:
                return reports
        raise AssertionError(f"not done after {runs} runs: {[report.counts for report in reports]}")

    def source(self, wanted: Wanted) -> Iterator[list[Activity]]:
        return chunks_of(list(self.activities.values()), wanted)

    def control(self, name: str, **body: Any) -> Any:
        """Do something to the CRM."""
        answer = httpx.post(f"{self.running.control_url}/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # How it stands

    @property
    def crm(self) -> Any:
        """Counters and state of the stand-in."""
        return httpx.get(f"{self.running.control_url}/state").json()

    def remote(self) -> Mapping[str, RemoteView]:
        return self.adapter.remote(self.running)

    def statuses(self) -> Counter[str]:
        """Rows of the ledger by status."""
        rows = self.state.exports.get(self.adapter.name, self.activities)
        return Counter(row.status for row in rows.values())

    def held(self) -> Sequence[Any]:
        """What is in quarantine."""
        return [item for item in self.state.quarantine.list() if item.dataset == dataset(self.adapter.name)]

    def problems(self, *, without: Iterable[str] = ()) -> list[str]:
        """Everything in which the CRM differs from the engagements, apart from those that should not be there."""
        remote, left_out = self.remote(), set(without)
        wanted = {key: each for key, each in self.activities.items() if key not in left_out}
        found = [f"{key} is there" for key in remote.keys() - wanted.keys()]
        for key, activity in wanted.items():
            view = remote.get(key)
            found += [f"{key} is missing"] if view is None else self._differences(activity, view)
        rows = self.state.exports.get(self.adapter.name, self.activities)
        found += [f"{key} is not in the ledger" for key in wanted.keys() - rows.keys()]
        found += [f"{key} is {row.status}" for key, row in rows.items() if row.status in {"in_flight", Status.UNKNOWN}]
        found += self.crm["violations"][:3] + self.crm["crashes"][:3]
        return found

    def _differences(self, activity: Activity, view: RemoteView) -> Iterator[str]:
        key = activity.engagement_id
        if view.count != 1:
            yield f"{key} is there {view.count} times"
        if view.subject != activity.subject and not (
            len(activity.subject) > LONG and (view.subject or "").startswith(activity.subject[:LONG])
        ):
            yield f"{key}: the subject is {view.subject!r}"
        if view.is_deleted != activity.is_deleted_at_source:
            yield f"{key}: deleted at source is {view.is_deleted}"
        yield from self._note_differences(activity, view)
        if activity.transcript_text and not self._has_transcript(activity.transcript_text, view):
            yield f"{key}: the transcript is {(view.transcript or '')[:60]!r}, attached is {view.attachments}"
        doubled = [name for name, count in Counter(view.attachments).items() if count > 1]
        if doubled:
            yield f"{key}: attached more than once: {doubled}"

    def _note_differences(self, activity: Activity, view: RemoteView) -> Iterator[str]:
        key = activity.engagement_id
        if self.adapter.appends_notes:
            if len(view.notes) != len(activity.note_versions):
                yield f"{key}: {len(view.notes)} entries for {len(activity.note_versions)} versions of notes"
            for version in activity.note_versions:
                if not any(version.text in note for note in view.notes):
                    yield f"{key}: no entry for version {version.version} of a note"
            return
        shown = "\n".join(view.notes)
        for version in activity.note_versions:
            is_wanted = version.is_current and not version.is_deletion
            if (version.text in shown) != is_wanted and version.text not in (activity.notes_text or ""):
                yield f"{key}: version {version.version} of a note is {'missing' if is_wanted else 'still there'}"
        if activity.notes_text and activity.notes_text[:LONG] not in shown:
            yield f"{key}: the notes are {shown[:60]!r}"

    @staticmethod
    def _has_transcript(text: str, view: RemoteView) -> bool:
        """The start is in a field; where the field has not got all of it, the whole is attached."""
        shown = view.transcript or ""
        if text.strip() in shown:
            return True
        return any("transcript" in name for name in view.attachments)


def chunks_of(activities: Sequence[Activity], wanted: Wanted) -> Iterator[list[Activity]]:
    """As the mart is read: ids and hashes first, then those that are wanted."""
    for start in range(0, len(activities), CHUNK):
        chunk = activities[start : start + CHUNK]
        ids = set(wanted(chunk))
        yield [each for each in chunk if each.engagement_id in ids]


@contextmanager
def office(adapter: CrmAdapter, folder: Path, *, mapping: CrmMapping | None = None, **options: Any) -> Iterator[Office]:
    """A stand-in without rate limits, and an empty ledger."""
    chosen = CrmOptions(**{"limits": {}, "calls_at_once": 0} | options)
    with adapter.standin(chosen) as running:
        story = Office(adapter, running, folder, mapping or read_mapping(adapter.name, None))
        try:
            yield story
        finally:
            story.state.close()
