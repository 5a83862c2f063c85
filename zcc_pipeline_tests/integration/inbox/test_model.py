"""Any order of deliveries, repeats, prunes, restarts and crashes, compared with a dictionary."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.inbox import Inbox, InboxReader
from zcc_pipeline_tests.integration.inbox.conftest import make_event, put_all

pytestmark = pytest.mark.integration
_DEDUPE = timedelta(days=30)
_numbers = st.lists(st.integers(0, 25), min_size=1, max_size=12)


@dataclass
class Model:
    """What must be there: rows by event, keys of rows that went, and the highest number ever given."""

    rows: dict[int, tuple[int, datetime]] = field(default_factory=dict)
    remembered: dict[int, datetime] = field(default_factory=dict)
    highest: int = 0

    def knows(self, number: int) -> bool:
        return number in self.rows or number in self.remembered


class InboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folders = [Path(tempfile.mkdtemp(prefix="zcc-inbox-model-"))]
        self.runner = asyncio.Runner()
        self.clock = ShiftedClock()
        self.model = Model()

    @initialize()
    def open(self) -> None:
        self.inbox = Inbox.open(str(self.path), clock=self.clock)

    @property
    def path(self) -> Path:
        return self.folders[-1] / "inbox.sqlite"

    def teardown(self) -> None:
        self.runner.run(self.inbox.close())
        self.runner.close()
        for folder in self.folders:
            shutil.rmtree(folder)

    @rule(numbers=_numbers, is_one_by_one=st.booleans())
    def deliver(self, numbers: list[int], is_one_by_one: bool) -> None:
        received_at = self.clock.now()
        events = [make_event(number, received_at=received_at) for number in numbers]

        async def one_by_one() -> list[tuple[int | None, bool]]:
            return [await self.inbox.put(event) for event in events]

        answers = self.runner.run(one_by_one() if is_one_by_one else put_all(self.inbox, events))
        for number, (seq, is_duplicate) in zip(numbers, answers, strict=True):
            assert is_duplicate == self.model.knows(number)
            assert (seq is None) == is_duplicate
            if seq is not None:
                assert seq > self.model.highest
                self.model.highest = seq
                self.model.rows[number] = (seq, received_at)

    @rule(days=st.integers(1, 25))
    def time_passes(self, days: int) -> None:
        self.clock.shift += timedelta(days=days)

    @rule(applied=st.sets(st.integers(0, 25)), days=st.integers(0, 40), batch=st.integers(1, 5))
    def prune(self, applied: set[int], days: int, batch: int) -> None:
        before = self.clock.now() - timedelta(days=days)
        seqs = {self.model.rows[number][0] for number in applied & self.model.rows.keys()}

        def are_applied(some: Sequence[int]) -> set[int]:
            return seqs & set(some)

        forget_before = self.clock.now() - _DEDUPE
        gone = [number for number, (seq, at) in self.model.rows.items() if seq in seqs and at < before]
        assert self.inbox.prune(applied=are_applied, before=before, batch=batch) == len(gone)
        for number in gone:
            self.model.remembered[number] = self.model.rows.pop(number)[1]
        self.model.remembered = {number: at for number, at in self.model.remembered.items() if at >= forget_before}

    @rule()
    def restart(self) -> None:
        self.runner.run(self.inbox.close())
        self.open()

    @rule()
    def crash(self) -> None:
        """The files as they are at this moment are all that is left."""
        folder = Path(tempfile.mkdtemp(prefix="zcc-inbox-model-"))
        for name in ("inbox.sqlite", "inbox.sqlite-wal"):
            if (file := self.path.with_name(name)).exists():
                shutil.copy(file, folder)
        self.runner.run(self.inbox.close())
        self.folders.append(folder)
        self.open()

    @invariant()
    def readers_see_what_the_model_says(self) -> None:
        with InboxReader.open(str(self.path)) as reader:
            listed = reader.seqs_after(0, 1000)
            assert listed == sorted(self.model.rows.values())
            rows = {row.event.engagement_id: row.seq for row in reader.rows([seq for seq, _ in listed])}
            assert rows == {f"engagement-{number}": seq for number, (seq, _) in self.model.rows.items()}


def test_the_inbox_does_what_a_dictionary_would() -> None:
    run_state_machine_as_test(InboxMachine, settings=settings(max_examples=15, stateful_step_count=20, deadline=None))


@pytest.mark.slow
def test_the_inbox_does_what_a_dictionary_would_for_long() -> None:
    run_state_machine_as_test(InboxMachine, settings=settings(max_examples=150, stateful_step_count=50, deadline=None))
