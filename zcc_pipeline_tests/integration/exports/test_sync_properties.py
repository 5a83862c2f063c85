"""Whatever happens on the way, the CRM ends up with each engagement once, each note version once, nothing else.

The CRM has no upsert and no unique keys, answers get lost, days are used up, records are refused, and the process dies
between any two things that last.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.mapping import parse_mapping
from zcc_pipeline.exports.outcomes import SETTLED
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.sync import Wanted, sync
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.integration.exports.engagements import (
    changed,
    engagement,
    with_edited_note,
    with_note,
    without_first_note,
)
from zcc_pipeline_tests.integration.exports.plain_crm import REFUSALS, NoFiles, PlainCrm, PlainDestination, in_chunks
from zcc_pipeline_tests.integration.exports.scripted_server import FastClock

pytestmark = pytest.mark.integration

MAPPING = """
version: 1
zendesk:
  export_when: ended
  targets:
    ticket: {object: ticket, key: external_id, fields: {subject: subject, deleted: is_deleted_at_source}}
    mail: {object: mail, key: external_id, fields: {subject: subject, deleted: is_deleted_at_source}}
  channels: {voice: ticket, video: ticket, messaging: ticket, email: mail}
  notes: entries
  transcripts: attach
  recordings: attach
"""
NUMBERS = st.integers(0, 9)
TROUBLES = st.lists(st.sampled_from(("", "", *REFUSALS)), max_size=25)


class Killed(BaseException):
    """The process has died: nothing runs any more, not even what comes last."""


class Doomed:
    """A ledger or quarantine whose process may die before or after each thing that it writes."""

    def __init__(self, real: Any, before: Callable[[], None]) -> None:
        self._real, self._before = real, before

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in {"begin", "job", "begun", "done", "finish", "settle", "add_all", "release"}:
            return found

        def write(*given: Any, **named: Any) -> Any:
            self._before()
            found(*given, **named)
            self._before()

        return write


class Exports(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # noqa: S108 - where there is one: a synced write costs nothing there
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.state = StateStore.open(str(self.folder / "state.sqlite"))
        mapping = parse_mapping("zendesk", MAPPING, "crm_mapping.yml")
        assert mapping is not None
        self.mapping = mapping
        self.crm, self.clock = PlainCrm(), FastClock()
        self.activities: dict[str, Activity] = {}
        self.notes = 0

    def teardown(self) -> None:
        self.state.close()
        shutil.rmtree(self.folder)

    # What happens at the source

    @initialize(numbers=st.sets(NUMBERS, min_size=1))
    def begin(self, numbers: set[int]) -> None:
        for number in numbers:
            self.take(engagement(number))

    def take(self, activity: Activity) -> None:
        self.activities[activity.engagement_id] = activity

    def known(self, number: int) -> Activity:
        every = list(self.activities.values())
        return every[number % len(every)]

    @rule(number=NUMBERS)
    def an_engagement_ends(self, number: int) -> None:
        if f"eng-{number:05d}" not in self.activities:
            self.take(engagement(number))

    @rule(number=NUMBERS, subject=st.sampled_from(("one", "two", "three")))
    def a_subject_changes(self, number: int, subject: str) -> None:
        self.take(changed(self.known(number), subject=subject))

    @rule(number=NUMBERS)
    def a_note_is_written(self, number: int) -> None:
        self.notes += 1
        self.take(with_note(self.known(number), f"note {self.notes}", note_id=str(self.notes)))

    @rule(number=NUMBERS)
    def a_note_is_edited(self, number: int) -> None:
        self.notes += 1
        activity = self.known(number)
        if len(activity.note_versions) == 1:
            self.take(with_edited_note(activity, f"edited {self.notes}"))

    @rule(number=NUMBERS)
    def a_note_is_taken_away(self, number: int) -> None:
        activity = self.known(number)
        if len(activity.note_versions) == 1:
            self.take(without_first_note(activity))

    @rule(number=NUMBERS)
    def an_engagement_is_deleted(self, number: int) -> None:
        self.take(changed(self.known(number), is_deleted_at_source=True))

    # What happens on the way

    @rule(troubles=TROUBLES, batch_size=st.integers(1, 5))
    def a_run_has_trouble(self, troubles: list[str], batch_size: int) -> None:
        coming = iter(troubles)
        self.crm.trouble = lambda: next(coming, "")
        self.run(batch_size)

    @rule(troubles=TROUBLES, steps=st.integers(0, 60), batch_size=st.integers(1, 5))
    def a_run_is_killed(self, troubles: list[str], steps: int, batch_size: int) -> None:
        coming, left = iter(troubles), iter(range(steps))
        self.crm.trouble = lambda: next(coming, "")

        def before() -> None:
            if next(left, None) is None:
                raise Killed

        self.crm.before = before
        try:
            self.run(batch_size, before=before)
        except Killed:
            pass
        finally:
            self.crm.before = lambda: None

    @rule()
    def everything_is_quiet_for_a_while(self) -> None:
        self.settle()
        self.is_there_once()

    def settle(self) -> None:
        """Refused records are replayed, and runs go through until nothing is left to do."""
        self.crm.trouble = lambda: ""
        for item in self.state.quarantine.list():
            assert item.record_id is not None
            self.state.exports.offer_again("zendesk", item.record_id)
        for _ in range(2):
            report = self.run(4)
        assert report.is_complete
        for row in self.state.exports.get("zendesk", self.activities).values():
            assert row.status in SETTLED, row
        assert self.state.quarantine.list() == []
        assert self.run(4).written == 0

    def is_there_once(self) -> None:
        for engagement_id, activity in self.activities.items():
            found = self.crm.of(engagement_id)
            if activity.is_deleted_at_source and not found:
                continue
            assert len(found) == 1, engagement_id
            (record,) = found
            assert record.fields == {"subject": activity.subject, "deleted": activity.is_deleted_at_source}
            wanted = [f"note:{note.note_id}" for note in activity.note_versions]
            assert sorted(key.rpartition(":")[0] for key in record.entries) == sorted(wanted)
            assert len(set(record.entries)) == len(wanted)
            assert len(record.files) == len(activity.recordings) + 1

    @invariant()
    def nothing_is_there_twice(self) -> None:
        for engagement_id in self.activities:
            records = self.crm.of(engagement_id)
            assert len(records) <= 1, engagement_id
            for record in records:
                assert len(record.entries) == len(set(record.entries))
                assert len(record.files) == len(set(record.files))

    def run(self, batch_size: int, *, before: Callable[[], None] | None = None) -> ExportReport:
        ledger, quarantine = self.state.exports, self.state.quarantine
        destination = PlainDestination(self.crm, batch_size=batch_size)
        return asyncio.run(
            sync(
                self.source,
                destination,
                mapping=self.mapping,
                ledger=Doomed(ledger, before) if before else ledger,
                quarantine=Doomed(quarantine, before) if before else quarantine,
                files=NoFiles(),
                clock=self.clock,
            )
        )

    def source(self, wanted: Wanted) -> Iterator[list[Activity]]:
        for chunk in in_chunks(self.activities.values(), 3):
            ids = set(wanted(chunk))
            yield [each for each in chunk if each.engagement_id in ids]


TestExports = Exports.TestCase
TestExports.settings = settings(
    max_examples=of_all(25), stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
