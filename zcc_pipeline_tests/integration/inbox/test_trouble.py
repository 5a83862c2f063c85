"""What cannot be kept now is refused, quickly, and nothing has to be restarted when it can be kept again."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.inbox import Inbox, InboxReader, InboxUnavailable, Put
from zcc_pipeline.inbox.postgres_storage import PostgresStorage
from zcc_pipeline.inbox.sqlite_storage import SqliteStorage
from zcc_pipeline_tests.integration.inbox.conftest import make_event, put_all, with_inbox

pytestmark = pytest.mark.integration


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Somebody else writes, and takes his time."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite"


def test_a_locked_database_refuses_in_time_leaves_the_loop_alone_and_recovers(path: Path) -> None:
    async def use() -> None:
        async with Inbox.open(str(path), clock=SystemClock(), max_wait_seconds=0.4) as inbox:
            await _until_it_works(inbox, 0)
            with _locked(path):
                putting = asyncio.gather(
                    *(inbox.put(make_event(number)) for number in range(1, 50)), return_exceptions=True
                )
                turns = 0
                while not putting.done():
                    await asyncio.sleep(0.005)
                    turns += 1
                assert all(isinstance(answer, InboxUnavailable) for answer in await putting)
                assert turns > 5  # while the writer waits for the lock, the loop does not
            assert not (await _until_it_works(inbox, 100)).is_duplicate
            assert inbox.health().last_error is None

    asyncio.run(use())


async def _until_it_works(inbox: Inbox, number: int) -> Put:
    end = time.monotonic() + 10
    while True:
        try:
            return await inbox.put(make_event(number))
        except InboxUnavailable:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)


def test_a_full_queue_refuses_at_once(path: Path) -> None:
    async def use() -> None:
        async with Inbox.open(str(path), clock=SystemClock(), max_waiting=10) as inbox:
            with _locked(path):
                waiting = [asyncio.ensure_future(inbox.put(make_event(number))) for number in range(10)]
                await asyncio.sleep(0.05)
                assert inbox.health().waiting == 10
                with pytest.raises(InboxUnavailable, match="10 events wait already"):
                    await inbox.put(make_event(10))
                assert not any(each.done() for each in waiting)
            assert [put.is_duplicate for put in await asyncio.gather(*waiting)] == [False] * 10
            assert (await inbox.put(make_event(10))).seq == 11

    asyncio.run(use())


def _break(path: Path) -> None:
    kept = path.with_name("kept")
    kept.mkdir()
    for file in path.parent.glob("inbox.sqlite*"):
        shutil.copy(file, kept)
    path.unlink()
    path.write_bytes(b"not a database, " * 500)


def _mend(path: Path) -> None:
    for file in path.with_name("kept").iterdir():
        shutil.copy(file, path.parent)


def test_a_database_that_breaks_refuses_and_one_that_is_whole_again_is_used_again(path: Path) -> None:
    async def use(inbox: Inbox) -> None:
        await put_all(inbox, map(make_event, range(10)))
        _break(path)
        with pytest.raises(InboxUnavailable):
            await inbox.put(make_event(10))
        assert inbox.health().last_error == "DatabaseError"
        assert inbox.health().is_alive
        _mend(path)
        assert (await inbox.put(make_event(10))).seq == 11

    with_inbox(str(path), use)
    with InboxReader.open(str(path)) as reader:
        assert len(reader.seqs_after(0, 100)) == 11


def test_nothing_is_acknowledged_into_a_file_that_was_taken_away(path: Path) -> None:
    async def use(inbox: Inbox) -> None:
        await inbox.put(make_event(1))
        os.rename(path, path.with_name("taken"))  # noqa: PTH104
        await inbox.put(make_event(2))
        with InboxReader.open(str(path)) as reader:
            assert [row.event.engagement_id for row in reader.rows([1])] == ["engagement-2"]

    with_inbox(str(path), use)
    with InboxReader.open(str(path.with_name("taken"))) as reader:
        assert [row.event.engagement_id for row in reader.rows([1])] == ["engagement-1"]


def test_a_folder_that_vanishes_is_not_made_again_behind_the_operators_back(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"

    async def use(inbox: Inbox) -> None:
        await inbox.put(make_event(1))
        folder.rename(tmp_path / "elsewhere")
        with pytest.raises(InboxUnavailable):
            await inbox.put(make_event(2))
        assert not folder.exists()
        assert inbox.health().free_bytes is None
        (tmp_path / "elsewhere").rename(folder)
        assert (await inbox.put(make_event(2))).seq == 2

    with_inbox(str(folder / "inbox.sqlite"), use)


def test_an_error_clears_by_itself_so_that_a_balancer_may_hold_traffic_back(path: Path) -> None:
    async def use(inbox: Inbox) -> None:
        with _locked(path):
            with pytest.raises(InboxUnavailable):
                await inbox.put(make_event(1))
            assert inbox.health().last_error == "OperationalError"
        end = time.monotonic() + 10
        while inbox.health().last_error is not None:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)

    with_inbox(str(path), use)


def test_a_place_where_no_file_can_be_made_is_refused_on_opening(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InboxUnavailable):
        Inbox.open(str(tmp_path / "file" / "inbox.sqlite"), clock=SystemClock())


def _hold_view(path: Path) -> sqlite3.Connection:
    """A reader that keeps what it sees."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM zcc_inbox").fetchone()
    return connection


def test_the_log_is_bounded_even_where_there_is_never_a_moment_without_a_reader(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the bound it grows to 145 MB here, and for as long as there are readers."""
    limit = 6 * 1024 * 1024
    monkeypatch.setattr("zcc_pipeline.inbox.sqlite_storage.WAL_LIMIT_BYTES", limit)
    wal = path.with_name("inbox.sqlite-wal")
    stop = threading.Event()

    def keep_reading() -> None:
        while not stop.is_set():
            view = _hold_view(path)
            stop.wait(0.02)
            view.close()

    async def use(inbox: Inbox) -> int:
        highest = 0
        readers = [threading.Thread(target=keep_reading) for _ in range(3)]
        try:
            for reader in readers:
                reader.start()
                await asyncio.sleep(0.007)
            for round_ in range(30):
                body = b"x" * 4000
                await put_all(inbox, (make_event(1000 * round_ + number, body=body) for number in range(600)))
                highest = max(highest, wal.stat().st_size)
        finally:
            stop.set()
        for reader in readers:
            reader.join()
        return highest

    assert limit < with_inbox(str(path), use) < 8 * limit


def test_after_an_error_nothing_is_written_before_the_log_is_settled(path: Path) -> None:
    """Rows of a commit whose sync failed may stand in the log, and would be called duplicates when sent again."""
    storage = SqliteStorage(path, host="here", clock=SystemClock(), new_id=str)
    rows = [storage.to_row(make_event(number)) for number in range(4)]
    storage.insert(rows[:1])
    view = _hold_view(path)
    storage.insert(rows[1:2])
    storage._disconnect()

    with pytest.raises(InboxUnavailable, match="a reader keeps"):
        storage.insert(rows[2:3])
    view.close()
    assert storage.insert(rows[2:]) == [3, 4]
    storage.close()


def test_a_server_that_does_not_sync_by_default_syncs_for_the_inbox(postgres_url: str) -> None:
    url = f"{postgres_url}%20-csynchronous_commit%3Doff"
    storage = PostgresStorage(url, host="here", name="zcc inbox test", clock=SystemClock(), new_id=str)
    with storage._cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
    storage.close()
