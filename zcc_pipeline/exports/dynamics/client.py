"""Dataverse's Web API, call by call: errors by consequence, one pause for all, nothing about engagements.

Sources: https://learn.microsoft.com/en-us/power-apps/developer/data-platform/ (api-limits, bulk-operations,
webapi/execute-batch-operations-using-web-api, attachment-annotation-files), read as stored copies in November 2026.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.parts import in_weighed_parts
from zcc_pipeline.exports.calls import (
    Call,
    CrmRefused,
    DailyLimit,
    NotThere,
    OutcomeUnknown,
    Refused,
    Retry,
    Safety,
    TokenExpired,
    Trouble,
)
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.config import URL_SETTING, DynamicsConfig
from zcc_pipeline.exports.dynamics.multipart import CONTENT_TYPE, MOST_OPERATIONS, Operation, PartAnswer, decode, encode
from zcc_pipeline.exports.session import CrmSession, OverSession, SessionConfig
from zcc_pipeline.transport import MalformedAnswer, json_or_none, parse_retry_after

Json = dict[str, Any]

ROOT = "/api/data/v9.2"
HEADERS = {"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json"}
GO_ON = {"Prefer": "odata.continue-on-error"}
UPDATE_ONLY = {"If-Match": "*"}
CREATE_ONLY = {"If-None-Match": "*"}
BLOCK_BYTES = 4 * 1024 * 1024

KEY_TAKEN = frozenset({"0x80060892", "0x80040237"})
"""412: somebody else created a row of this key in the meantime; the same upsert now updates it."""
UNKNOWN_SEGMENT = "0x80060888"
_UNKNOWN_TABLE = frozenset({UNKNOWN_SEGMENT})
_PLUG_IN = frozenset({"0x80040265", "0x80040224"})
"""Somebody's code in Dataverse failed over this record, with 400 or 500: it will do so again."""
_LATER = frozenset({408, 500, 502, 503, 504})
_LONGEST_PAUSE = 3_600.0
"""Service protection asks for minutes. Whoever asks for hours has run out for the day."""
_LARGEST_BATCH = 16 * 1024 * 1024
_BATCH_SECONDS = 300.0


class DynamicsClient(OverSession):
    """One environment. An async context manager."""

    def __init__(
        self, config: DynamicsConfig, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.config = config
        self.requests_left: int | None = None
        """Of the five-minute window, as the last answer told."""
        session = SessionConfig(
            name="dynamics",
            base_url=f"{config.organization}{ROOT}",
            url_setting=URL_SETTING,
            concurrency=config.concurrency,
            retry=config.retry,
            budget_seconds=config.budget_seconds,
        )
        self.session = CrmSession(
            session,
            tokens=config.tokens(clock),
            classify=classify,
            clock=clock,
            observe=self._observe,
            transport=transport,
        )

    async def get(self, path: str, describe: str) -> Json:
        """One answer's JSON object."""
        found = await self.session.fetch_json(Call("GET", path, describe, Safety.READ, headers=HEADERS))
        if not isinstance(found, dict):
            raise MalformedAnswer(f"{describe}: no JSON object")
        return found

    async def rows(self, path: str, describe: str) -> list[Json]:
        """All rows of a list; further pages are followed on this host only."""
        rows: list[Json] = []
        following: str | None = path
        while following:
            page = await self.get(following, describe)
            rows += page.get("value", [])
            following = page.get("@odata.nextLink")
        return rows

    async def upsert_multiple(self, entity_set: str, targets: Sequence[Json]) -> None:
        """Create or update all of them, or none; nothing is said about single rows."""
        path = f"{queries.name(entity_set)}/Microsoft.Dynamics.CRM.UpsertMultiple"
        await self._write("POST", path, {"Targets": list(targets)}, f"upsert {entity_set}", seconds=_BATCH_SECONDS)

    async def patch(self, path: str, body: Json, describe: str) -> None:
        """Create or update one row."""
        await self._write("PATCH", path, body, describe)

    async def post(self, path: str, body: Json, describe: str, safety: Safety = Safety.ONCE) -> httpx.Response:
        """Anything that is made once, definitions mostly."""
        return await self.session.send(Call("POST", path, describe, safety, json=body, headers=HEADERS))

    async def batch(self, operations: Sequence[Operation], describe: str, safety: Safety) -> list[PartAnswer]:
        """One answer for each operation, in their order. Cut into as many requests as size and number ask for."""
        answers: list[PartAnswer] = []
        for chunk in in_weighed_parts(operations, MOST_OPERATIONS, heaviest=_LARGEST_BATCH, weight=Operation.size):
            answers += await self._one_batch(chunk, describe, safety)
        return answers

    async def upload(self, note: str, target: Json, pieces: AsyncIterator[bytes], describe: str) -> None:
        """A file in blocks of 4 MB; never more of it in memory than one block. Safe to begin again."""
        target = {"@odata.type": "Microsoft.Dynamics.CRM.annotation", "annotationid": note, **target}
        begun = await self.post("InitializeAnnotationBlocksUpload", {"Target": target}, describe, Safety.REPEATABLE)
        token = _field(begun, "FileContinuationToken", describe)
        blocks: list[str] = []
        async for block in _blocks(pieces):
            blocks.append(base64.b64encode(b"%08d" % len(blocks)).decode())
            body = {
                "BlockId": blocks[-1],
                "BlockData": base64.b64encode(block).decode(),
                "FileContinuationToken": token,
            }
            await self.post("UploadBlock", body, describe, Safety.REPEATABLE)
        commit = {"Target": target, "BlockList": blocks, "FileContinuationToken": token}
        await self.post("CommitAnnotationBlocksUpload", commit, describe, Safety.ONCE)

    async def _write(self, method: str, path: str, body: Json, describe: str, *, seconds: float | None = None) -> None:
        call = Call(method, path, describe, Safety.REPEATABLE, json=body, headers=HEADERS, timeout_seconds=seconds)
        await self.session.send(call)

    async def _one_batch(self, operations: Sequence[Operation], describe: str, safety: Safety) -> list[PartAnswer]:
        call = Call(
            "POST",
            "$batch",
            describe,
            safety,
            content=encode(operations, ROOT),
            headers={**HEADERS, **GO_ON, "Content-Type": CONTENT_TYPE},
            timeout_seconds=_BATCH_SECONDS,
        )
        response = await self.session.send(call)
        try:
            answers = decode(response.headers.get("content-type", ""), response.content)
        except ValueError:
            answers = []
        if len(answers) != len(operations):
            problem = f"{describe}: {len(answers)} answers to {len(operations)} operations"
            raise MalformedAnswer(problem) if safety is Safety.READ else OutcomeUnknown(problem)
        return answers

    def _observe(self, response: httpx.Response) -> None:
        left = response.headers.get("x-ms-ratelimit-burst-remaining-xrm-requests", "")
        if left.isascii() and left.isdigit():
            self.requests_left = int(left)


def classify(response: httpx.Response, now: datetime) -> Trouble:
    """What a refusal means."""
    status = response.status_code
    part = PartAnswer(status, json_or_none(response.content), response.headers.get("retry-after"))
    after = parse_retry_after(part.retry_after, now=now)
    if status == 429:
        # Whoever goes on meanwhile makes the wait longer (api-limits): all of us pause.
        return DailyLimit(after) if (after or 0) >= _LONGEST_PAUSE else Retry(after, pause_all=True)
    if status == 401:
        return TokenExpired()
    if is_for_later(part):
        return Retry(after)
    if status == 404 and part.code not in _UNKNOWN_TABLE:
        return NotThere(part.code)
    return Refused(part.code, part.message)


def refusal(describe: str, part: PartAnswer) -> CrmRefused:
    """The error of one operation of a batch."""
    return CrmRefused(describe, status=part.status, code=part.code, message=part.message)


def is_for_later(part: PartAnswer) -> bool:
    """Whether one operation of a batch was turned away for reasons that pass."""
    return part.status == 429 or (part.status in _LATER and part.code not in _PLUG_IN)


async def _blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for piece in pieces:
        held += piece
        while len(held) >= BLOCK_BYTES:
            yield bytes(held[:BLOCK_BYTES])
            del held[:BLOCK_BYTES]
    if held:
        yield bytes(held)


def _field(response: httpx.Response, key: str, describe: str) -> str:
    found = json_or_none(response.content)
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise MalformedAnswer(f"{describe}: no {key}")
    return value
