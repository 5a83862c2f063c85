"""The writer thread, with a storage that does as it is told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox import Inbox, InboxReader, InboxUnavailable
from zcc_pipeline.inbox.storage import Row


class ObedientStorage:
    """Keeps rows in a list; waits at its gate and fails where told."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[Row]] = []
        self.failure: Exception | None = None
        self.poison: bytes | None = None
        self.probes = 0
        self.notes: list[Mapping[str, datetime]] = []
        self.is_closed = False

    def to_row(self, event: PushedEvent) -> Row:
        return (event.dedupe_key, event.event)

    def insert(self, rows: Sequence[Row]) -> list[int | None]:
        self.gate.wait(10)
        if self.failure:
            raise self.failure
        if any(row[0] == self.poison for row in rows):
            raise ValueError("cannot be bound")
        self.batches.append(list(rows))
        return list(range(len(rows)))

    def remove(self, seqs: Sequence[int], remember_after: datetime) -> int:
        return len(seqs)

    def forget(self, before: datetime) -> int:
        return 0

    def write_notes(self, notes: Mapping[str, datetime]) -> None:
        self.notes.append(notes)

    def probe(self) -> None:
        self.probes += 1
        if self.failure:
            raise self.failure

    def free_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        self.is_closed = True


def _no_reader() -> InboxReader:
    raise AssertionError("nobody reads here")


def _inbox(storage: ObedientStorage, *, max_wait_seconds: float = 5, batch: int = 500) -> Inbox:
    return Inbox(
        storage,
        open_reader=_no_reader,
        clock=SystemClock(),
        max_waiting=10_000,
        max_wait_seconds=max_wait_seconds,
        batch=batch,
    )


def _event(number: int) -> PushedEvent:
    return PushedEvent("webhook", datetime.now(UTC), str(number).encode(), "e", None, None, None, b"")


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def test_the_next_batch_is_what_came_in_while_the_last_one_was_synced() -> None:
    storage = ObedientStorage()

    async def use() -> None:
        async with _inbox(storage) as inbox:
            storage.gate.clear()
            first = asyncio.ensure_future(inbox.put(_event(0)))
            await _until(lambda: inbox._writer._waiting._in_flight != [])
            others = [asyncio.ensure_future(inbox.put(_event(number))) for number in range(1, 40)]
            await asyncio.sleep(0.05)
            assert not first.done()
            storage.gate.set()
            await asyncio.gather(first, *others)

    asyncio.run(use())
    assert [len(batch) for batch in storage.batches] == [1, 39]


def test_batches_are_bounded_and_big_ones_come_in_few_sizes() -> None:
    storage = ObedientStorage()

    async def use() -> None:
        async with _inbox(storage, batch=150) as inbox:
            storage.gate.clear()
            putting = [asyncio.ensure_future(inbox.put(_event(number))) for number in range(400)]
            await asyncio.sleep(0.05)
            storage.gate.set()
            await asyncio.gather(*putting)

    asyncio.run(use())
    assert sum(map(len, storage.batches)) == 400
    assert {len(batch) for batch in storage.batches if len(batch) > 64} == {128}
    assert [row[0] for batch in storage.batches for row in batch] == [str(number).encode() for number in range(400)]


def test_a_writer_that_hangs_in_the_disk_makes_no_sender_hang_and_the_queue_does_not_grow() -> None:
    storage = ObedientStorage()

    async def use() -> None:
        async with _inbox(storage, max_wait_seconds=0.1) as inbox:
            storage.gate.clear()
            for _ in range(3):
                putting = asyncio.gather(*(inbox.put(_event(n)) for n in range(20)), return_exceptions=True)
                answers = await asyncio.wait_for(putting, 30)  # the writer hangs until told otherwise
                assert all(isinstance(answer, InboxUnavailable) for answer in answers)
                assert inbox.health().waiting <= 20  # those in the hands of the writer
            storage.gate.set()
            await _until(lambda: inbox.health().waiting == 0)
            inbox._max_wait_seconds = 30  # the machine may be busy now
            await inbox.put(_event(99))

    asyncio.run(use())


def test_one_event_that_cannot_be_written_does_not_cost_the_others() -> None:
    storage = ObedientStorage()
    storage.poison = b"3"

    async def use() -> None:
        async with _inbox(storage) as inbox:
            answers = await asyncio.gather(*(inbox.put(_event(number)) for number in range(6)), return_exceptions=True)
            assert [isinstance(answer, ValueError) for answer in answers] == [number == 3 for number in range(6)]

    asyncio.run(use())


def test_each_refused_put_gets_an_error_of_its_own() -> None:
    storage = ObedientStorage()
    storage.failure = InboxUnavailable("inbox: full")

    async def use() -> None:
        async with _inbox(storage) as inbox:
            errors = await asyncio.gather(*(inbox.put(_event(number)) for number in range(6)), return_exceptions=True)
            assert len({id(error) for error in errors}) == 6
            assert {str(error) for error in errors} == {"inbox: full"}
            assert inbox.health().last_error == "InboxUnavailable"
            storage.failure = None
            await _until(lambda: inbox.health().last_error is None)
            assert storage.probes > 0

    asyncio.run(use())


def test_an_inbox_owned_by_another_meanwhile_is_a_reason_to_refuse_not_to_crash() -> None:
    storage = ObedientStorage()
    storage.failure = ConfigurationError("ZCC_INBOX_URL", "is taken")

    async def use() -> None:
        async with _inbox(storage) as inbox:
            with pytest.raises(InboxUnavailable, match="is taken"):
                await inbox.put(_event(1))
            assert inbox.health().last_error == "ConfigurationError"

    asyncio.run(use())


def test_an_idle_writer_sleeps() -> None:
    storage = ObedientStorage()

    async def use() -> None:
        async with _inbox(storage) as inbox:
            await inbox.put(_event(1))
            worked = []
            for _ in range(3):
                start = time.process_time()
                await asyncio.sleep(0.2)
                worked.append(time.process_time() - start)
            assert min(worked) < 0.1  # others in this process may have worked meanwhile

    asyncio.run(use())


def test_notes_of_a_name_become_one_while_the_writer_is_busy_and_none_is_lost_on_closing() -> None:
    storage = ObedientStorage()
    moments = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]

    async def use() -> None:
        async with _inbox(storage) as inbox:
            storage.gate.clear()
            putting = asyncio.ensure_future(inbox.put(_event(1)))
            await _until(lambda: inbox._writer._waiting._in_flight != [])
            for moment in moments:
                inbox.note("challenge", moment)
            storage.gate.set()
            await putting

    asyncio.run(use())
    assert storage.notes == [{"challenge": moments[-1]}]
    assert storage.is_closed
