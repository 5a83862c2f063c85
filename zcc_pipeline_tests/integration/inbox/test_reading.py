"""Reading beside the owner, before there is one, and after it died."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox import Inbox, InboxReader, InboxUnavailable
from zcc_pipeline_tests.integration.inbox.conftest import make_event, put_all, with_inbox
from zcc_pipeline_tests.integration.inbox.processes import ROOT, start

pytestmark = pytest.mark.integration


def _assert_empty(reader: InboxReader) -> None:
    assert reader.inbox_id is None
    assert (reader.seqs_after(0, 10), reader.rows([1, 2]), reader.highest_seq()) == ([], [], 0)
    assert (reader.last_received_at(), reader.notes(), reader.read_again_after(0)) == (None, {}, 0)


def test_an_inbox_that_nobody_has_made_yet_is_empty_and_stays_unmade(inbox_url: str, tmp_path: Path) -> None:
    with InboxReader.open(inbox_url) as reader:
        _assert_empty(reader)
        assert not list(tmp_path.iterdir())

        with_inbox(inbox_url, lambda inbox: inbox.put(make_event(1)))

        assert reader.inbox_id is not None
        assert reader.highest_seq() == 1


def test_a_file_that_is_being_made_is_empty(tmp_path: Path) -> None:
    (tmp_path / "inbox.sqlite").touch()
    with InboxReader.open(str(tmp_path / "inbox.sqlite")) as reader:
        _assert_empty(reader)


def test_readers_see_each_acknowledged_event_while_the_owner_writes(inbox_url: str) -> None:
    async def put(inbox: Inbox) -> None:
        with InboxReader.open(inbox_url) as reader:
            for round_ in range(20):
                puts = await put_all(inbox, (make_event(100 * round_ + number) for number in range(100)))
                assert reader.highest_seq() == max(put.seq or 0 for put in puts)
                assert len(reader.seqs_after(0, 10_000)) == 100 * (round_ + 1)

    with_inbox(inbox_url, put)


def test_numbers_come_in_pages_and_unknown_ones_are_left_out(inbox_url: str) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    events = [make_event(number, received_at=at + timedelta(seconds=number)) for number in range(5)]

    async def put(inbox: Inbox) -> None:
        for event in events:
            await inbox.put(event)

    with_inbox(inbox_url, put)
    with InboxReader.open(inbox_url) as reader:
        first = reader.seqs_after(0, 2)
        assert first == [(1, events[0].received_at), (2, events[1].received_at)]
        assert [seq for seq, _ in reader.seqs_after(first[-1][0], 10)] == [3, 4, 5]
        assert [row.seq for row in reader.rows([5, 1, 99, 3])] == [1, 3, 5]
        assert reader.rows([]) == []
        assert reader.last_received_at() == events[-1].received_at
        with_inbox(inbox_url, lambda inbox: inbox.put(replace(make_event(9), intake="gap")))
        assert reader.last_received_at() == events[-1].received_at, "a gap is no event"


def test_an_inbox_keeps_its_id_and_another_has_another(sqlite_url: str, tmp_path: Path) -> None:
    with InboxReader.open(sqlite_url) as reader:
        with_inbox(sqlite_url, lambda inbox: inbox.put(make_event(1)))
        first = reader.inbox_id
        with_inbox(sqlite_url, lambda inbox: inbox.put(make_event(2)))
        assert reader.inbox_id == first
        (tmp_path / "inbox.sqlite").unlink()
        with_inbox(sqlite_url, lambda inbox: inbox.put(make_event(3)))
        assert reader.inbox_id not in (None, first)
        assert reader.highest_seq() == 1


def test_a_reader_sees_what_a_killed_owner_left_in_the_log(sqlite_url: str) -> None:
    process = start("put_and_hang", sqlite_url, 30)
    assert process.stdout is not None
    assert process.stdout.readline() == "30\n"
    process.kill()
    process.communicate()

    with InboxReader.open(sqlite_url) as reader:
        assert reader.highest_seq() == 30


def test_readers_write_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with_inbox(sqlite_url, lambda inbox: inbox.put(make_event(1)))
    before = (tmp_path / "inbox.sqlite").read_bytes()
    with InboxReader.open(sqlite_url) as reader:
        assert len(reader.rows([1])) == 1
        with pytest.raises(InboxUnavailable, match="readonly"):
            reader._view.select("DELETE FROM zcc_inbox")
    assert (tmp_path / "inbox.sqlite").read_bytes() == before


@pytest.fixture
def foreign_folder() -> Iterator[Path]:
    """A folder that another user may read and not write."""
    if os.geteuid() != 0:
        pytest.skip("only root can show what another user may do")
    folder = Path(tempfile.mkdtemp(prefix="zcc-inbox-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


_READ_AS_NOBODY = """
import os, sys
from zcc_pipeline.inbox import InboxReader, InboxUnavailable
reader = InboxReader.open(sys.argv[1])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    print(reader.highest_seq())
except InboxUnavailable as error:
    print(error)
"""


def _read_as_nobody(path: Path) -> str:
    command = [sys.executable, "-c", _READ_AS_NOBODY, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def test_a_user_who_may_only_read_sees_a_closed_inbox_whole(foreign_folder: Path) -> None:
    path = foreign_folder / "inbox.sqlite"
    with_inbox(str(path), lambda inbox: put_all(inbox, map(make_event, range(7))))
    assert not path.with_name("inbox.sqlite-wal").exists()

    assert _read_as_nobody(path) == "7"
    assert not path.with_name("inbox.sqlite-wal").exists()


def test_a_user_who_may_only_read_is_told_what_is_missing_and_never_shown_half(foreign_folder: Path) -> None:
    path = foreign_folder / "inbox.sqlite"
    process = start("put_and_hang", path, 7)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    path.with_name("inbox.sqlite-shm").unlink()

    assert "write permission" in _read_as_nobody(path)


def test_an_inbox_of_a_newer_version_is_refused_by_owner_and_reader(inbox_url: str, tmp_path: Path) -> None:
    with_inbox(inbox_url, lambda inbox: inbox.put(make_event(1)))
    if inbox_url.startswith("sqlite"):
        with sqlite3.connect(tmp_path / "inbox.sqlite") as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    else:
        with psycopg2.connect(inbox_url) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE zcc_inbox_about SET value = '99' WHERE name = 'schema'")
        connection.close()

    with pytest.raises(ConfigurationError, match="newer version"):
        with_inbox(inbox_url, lambda inbox: inbox.put(make_event(2)))
    with InboxReader.open(inbox_url) as reader, pytest.raises(ConfigurationError, match="newer version"):
        reader.highest_seq()


def test_a_file_that_is_no_database_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    path.write_bytes(b"not a database, " * 500)
    with InboxReader.open(str(path)) as reader, pytest.raises(InboxUnavailable):
        reader.highest_seq()


def test_a_lower_number_that_becomes_visible_late_is_read_again(postgres_url: str) -> None:
    """Two hosts: one takes a number and is slow to commit, the other takes the next one and commits at once."""
    now = datetime.now(UTC)
    with_inbox(postgres_url, lambda inbox: inbox.put(make_event(1, received_at=now - timedelta(hours=1))))
    slow = psycopg2.connect(postgres_url)
    with slow.cursor() as cursor:
        cursor.execute(
            "INSERT INTO zcc_inbox (dedupe_key, intake, received_at, event, body)"
            " VALUES ('\\x00', 'webhook', now(), 'slow', '')"
        )
        with_inbox(postgres_url, lambda inbox: inbox.put(make_event(3)))
        with InboxReader.open(postgres_url) as reader:
            seen = [seq for seq, _ in reader.seqs_after(0, 10)]
            assert seen == [1, 3]
            again = reader.read_again_after(seen[-1])
            slow.commit()
            assert again == 1  # what came an hour ago is settled
            assert [seq for seq, _ in reader.seqs_after(again, 10)] == [2, 3]
    slow.close()


def test_on_sqlite_nothing_has_to_be_read_again(sqlite_url: str) -> None:
    with_inbox(sqlite_url, lambda inbox: put_all(inbox, map(make_event, range(3))))
    with InboxReader.open(sqlite_url) as reader:
        assert reader.read_again_after(3) == 3


def test_a_reader_survives_the_loss_of_its_connection(postgres_url: str) -> None:
    with_inbox(postgres_url, lambda inbox: inbox.put(make_event(1)))
    with InboxReader.open(postgres_url) as reader:
        assert reader.highest_seq() == 1
        with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'zcc inbox reader'"
            )
        connection.close()
        with pytest.raises(InboxUnavailable):
            reader.highest_seq()
        assert reader.highest_seq() == 1
