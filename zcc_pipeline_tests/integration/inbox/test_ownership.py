"""One process receives: the second is told who the first is, and a dead one holds nothing."""

from __future__ import annotations

import asyncio
import os

import psycopg2
import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox import Inbox, InboxOwned, InboxReader, InboxUnavailable
from zcc_pipeline_tests.integration.inbox.conftest import make_event, put_all, with_inbox
from zcc_pipeline_tests.integration.inbox.processes import start

pytestmark = pytest.mark.integration


async def _nothing(_inbox: Inbox) -> None: ...


def test_a_second_owner_is_refused_and_told_who_the_first_is(inbox_url: str) -> None:
    process = start("put_and_hang", inbox_url, 1)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with pytest.raises(InboxOwned, match=rf"(?s)ZCC_INBOX_URL: .*\b{process.pid}\b.*since 2") as refused:
            with_inbox(inbox_url, _nothing)
        assert isinstance(refused.value, ConfigurationError)
    finally:
        process.kill()
        process.communicate()


def test_a_second_owner_in_the_same_process_is_refused_too(inbox_url: str) -> None:
    async def open_again(_inbox: Inbox) -> None:
        with pytest.raises(InboxOwned, match=str(os.getpid())):
            Inbox.open(inbox_url, clock=SystemClock())

    with_inbox(inbox_url, open_again)
    with_inbox(inbox_url, _nothing)


def test_a_killed_owner_holds_nothing(inbox_url: str) -> None:
    for expected in (5, 9):
        process = start("put_and_hang", inbox_url, expected)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{expected}\n"
        process.kill()
        process.communicate()
    start("put_and_say", inbox_url, 11).communicate(timeout=120)
    with InboxReader.open(inbox_url) as reader:
        assert len(reader.seqs_after(0, 100)) == 11


def test_a_refused_owner_changes_nothing(sqlite_url: str) -> None:
    async def refused(inbox: Inbox) -> None:
        for _ in range(3):
            with pytest.raises(InboxOwned):
                Inbox.open(sqlite_url, clock=SystemClock())
        assert (await inbox.put(make_event(1))).seq == 1

    with_inbox(sqlite_url, refused)


def test_several_hosts_receive_into_one_postgresql(postgres_url: str) -> None:
    async def put() -> None:
        clock = SystemClock()
        hosts = [Inbox.open(postgres_url, clock=clock, host=name) for name in ("one", "two", "three")]
        with pytest.raises(InboxOwned, match="host two"):
            Inbox.open(postgres_url, clock=clock, host="two")
        # every host gets every event, each in another order: the worst that senders and balancers can do
        orders = (list(range(600)), list(range(599, -1, -1)), [number * 7 % 600 for number in range(600)])
        answers = await asyncio.gather(
            *(put_all(inbox, map(make_event, order)) for inbox, order in zip(hosts, orders, strict=True))
        )
        assert sum(not put.is_duplicate for puts in answers for put in puts) == 600
        for inbox in hosts:
            await inbox.close()

    asyncio.run(put())
    with InboxReader.open(postgres_url) as reader:
        rows = reader.rows([seq for seq, _ in reader.seqs_after(0, 10_000)])
        assert len({row.event.dedupe_key for row in rows}) == len(rows) == 600


def test_a_lost_connection_costs_a_put_at_most_and_the_lock_comes_back_with_it(postgres_url: str) -> None:
    async def lose(inbox: Inbox) -> None:
        await inbox.put(make_event(1))
        connection = psycopg2.connect(postgres_url)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'zcc inbox % %'"
            )
        connection.close()
        with pytest.raises(InboxUnavailable):
            await inbox.put(make_event(2))
        assert inbox.health().last_error is not None
        assert not (await inbox.put(make_event(2))).is_duplicate
        assert inbox.health().last_error is None
        with pytest.raises(InboxOwned):
            Inbox.open(postgres_url, clock=SystemClock())

    with_inbox(postgres_url, lose)


def test_an_owner_whose_place_was_taken_while_it_was_cut_off_acknowledges_nothing(postgres_url: str) -> None:
    async def lose() -> None:
        inbox = Inbox.open(postgres_url, clock=SystemClock(), host="twin")
        inbox._storage.close()  # the connection is gone
        other = Inbox.open(postgres_url, clock=SystemClock(), host="twin")
        with pytest.raises(InboxUnavailable, match="receives into this inbox already"):
            await inbox.put(make_event(1))
        await other.close()
        assert (await inbox.put(make_event(1))).seq is not None
        await inbox.close()

    asyncio.run(lose())
