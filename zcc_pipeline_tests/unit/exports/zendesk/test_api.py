"""Answers that are not what was promised, and batches with many files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.exports.destination import Addressed, Attachment, Outgoing
from zcc_pipeline.exports.session import CrmSession, OutcomeUnknown, SessionConfig
from zcc_pipeline.exports.zendesk.answers import classify
from zcc_pipeline.exports.zendesk.api import ZendeskApi
from zcc_pipeline.exports.zendesk.tickets import UPLOADED_AT_ONCE, by_weight
from zcc_pipeline.transport import MalformedAnswer

ODD: list[Any] = [None, [], "text", {}, {"job_status": None}, {"job_status": {}}, {"ticket": []}, {"user": {"id": 0}}]


def asked(answer: Any, question: Callable[[ZendeskApi], Awaitable[Any]]) -> Any:
    async def ask() -> Any:
        transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=answer))
        config = SessionConfig("zendesk", "https://example.zendesk.com", "ZCC_ZENDESK_URL")
        async with CrmSession(
            config, tokens=None, classify=classify, clock=SystemClock(), transport=transport
        ) as session:
            return await question(ZendeskApi(session))

    return asyncio.run(ask())


@pytest.mark.parametrize("answer", ODD)
def test_a_write_whose_success_says_nothing_is_unknown(answer: Any) -> None:
    writes: list[Callable[[ZendeskApi], Awaitable[Any]]] = [
        lambda api: api.import_tickets([{}]),
        lambda api: api.update_tickets([{"id": 1}], appends=True),
        lambda api: api.upsert_records("o", [{}]),
        lambda api: api.create_ticket({}, key="k"),
        lambda api: api.create_voice_ticket({}),
        lambda api: api.create_or_update_user({}),
        lambda api: api.upload(attachment(1)),
    ]
    for write in writes:
        with pytest.raises(OutcomeUnknown):
            asked(answer, write)


@pytest.mark.parametrize("answer", [*ODD, {"tickets": None}, {"tickets": [1]}])
def test_an_answer_without_its_list_is_not_taken_for_nothing_found(answer: Any) -> None:
    reads: list[Callable[[ZendeskApi], Awaitable[Any]]] = [
        lambda api: api.tickets_with(["e1"]),
        lambda api: api.records_with("o", ["e1"]),
        lambda api: api.comments("1"),
        lambda api: api.jobs(["j1"]),
        lambda api: api.search("x"),
    ]
    for read in reads:
        with pytest.raises(MalformedAnswer):
            asked(answer, read)


class Nothing:
    async def read(self, path: str) -> AsyncIterator[bytes]:
        yield path.encode()


def attachment(size: int) -> Attachment:
    return Attachment("file:recording:r:0", "r.mp3", "audio/mpeg", size, "r", Nothing())


def with_file(number: int, size: int) -> Addressed:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    one = Outgoing(
        f"e{number}", "ticket", "ticket", "external_id", {}, None, None, None, (), (attachment(size),), now, False
    )
    return Addressed(one, None, None, None, {})


def test_tickets_with_large_files_are_made_part_by_part_while_their_uploads_are_good() -> None:
    batch = [with_file(number, UPLOADED_AT_ONCE // 3) for number in range(7)]
    parts = by_weight(batch)
    assert [len(part) for part in parts] == [3, 3, 1]
    assert [one for part in parts for one in part] == batch
    assert by_weight([]) == []
    assert len(by_weight([with_file(1, UPLOADED_AT_ONCE * 2), with_file(2, 1)])) == 2
