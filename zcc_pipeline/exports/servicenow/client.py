"""What is asked of an instance, and what its refusals mean.

Several requests go as one through the Batch API, which serves them one after the other and gives each its own status.
What a batch did not get to within its 30 seconds is listed as unserviced, and later batches are made smaller.
https://github.com/ServiceNow/ServiceNowDocs markdown/api-reference/rest-apis/batch-api.md (Australia release)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import Attachment
from zcc_pipeline.exports.session import (
    Call,
    CrmRefused,
    CrmSession,
    DailyLimit,
    NotThere,
    OutcomeUnknown,
    Refused,
    Retry,
    Safety,
    TokenExpired,
    Trouble,
)
from zcc_pipeline.transport import json_or_none, parse_retry_after

Row = Mapping[str, Any]

_LONGEST_PAUSE = 900.0
"""Rate limit rules count whole hours: what asks for more than this ends the run, as a daily limit would."""
_ITEMS_AT_ONCE = 100
_BYTES_AT_ONCE = 4_000_000
_REFUSALS = frozenset({400, 403, 404, 405, 409, 413, 415, 422})
_PAGE = 1_000
_UPLOAD_BYTES_PER_SECOND = 250_000
_JSON_HEADERS = [
    {"name": "Content-Type", "value": "application/json"},
    {"name": "Accept", "value": "application/json"},
]

_CODES = {
    "operation failed": "operation_failed",
    "user not authorized": "not_authorized",
    "user not authenticated": "not_authenticated",
    "insufficient rights to create records": "not_authorized",
    "insufficient rights to query records": "not_authorized",
    "no record found": "no_record",
    "rate limit exceeded": "rate_limit",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch. ``path`` comes with its query, escaped."""

    method: str
    path: str
    body: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of an item. Status 0: it was not reached, certainly; -1: nobody knows."""

    status: int
    body: Any = field(default=None, repr=False)

    @property
    def is_success(self) -> bool:
        """Served, and well."""
        return 200 <= self.status < 300

    @property
    def is_unknown(self) -> bool:
        """It may have been done."""
        return self.status < 0 or self.status >= 500

    @property
    def may_come_later(self) -> bool:
        """Not done, and worth another try."""
        return self.status in (0, 401, 408, 429)

    @property
    def error(self) -> Refused:
        """The instance's words."""
        return refusal(self.status, self.body)

    @property
    def rows(self) -> list[Row]:
        """Rows of a list that was read."""
        found = self.body.get("result") if isinstance(self.body, dict) else None
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


NOT_REACHED = Reply(0)
UNKNOWN = Reply(-1)


def classify(response: httpx.Response, now: datetime) -> Trouble:
    """What an answer that is no success means."""
    status = response.status_code
    wait = parse_retry_after(response.headers.get("retry-after"), now=now)
    if status == 401:
        return TokenExpired()
    if status == 429:
        if wait is not None and wait > _LONGEST_PAUSE:
            return DailyLimit(wait)
        return Retry(wait, pause_all=True)
    if status == 408 or status >= 500:
        return Retry(wait)
    if status == 404:
        return NotThere("no_record")
    return refusal(status, json_or_none(response.content))


def refusal(status: int, body: Any) -> Refused:  # noqa: ANN401 JSON
    """Code and words of an error body: ``{"error": {"message", "detail"}, "status": "failure"}``."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Refused(f"http_{status}")
    message, detail = str(error.get("message") or ""), str(error.get("detail") or "")
    code = _CODES.get(message.lower(), f"http_{status}")
    if "unique key violation" in f"{message} {detail}".lower():
        code = "unique_violation"
    return Refused(code, " - ".join(text for text in (message, detail) if text))


def table_path(table: str, sys_id: str = "", /, **params: str | int) -> str:
    """A path of the Table API with its query."""
    path = f"/api/now/table/{quote(table, safe='')}" + (f"/{quote(sys_id, safe='{}')}" if sys_id else "")
    return f"{path}?{urlencode(params)}" if params else path


def listing(table: str, query: str, fields: Sequence[str], *, limit: int = _PAGE, display: bool = False) -> Item:
    """A list of rows. Fields are always named: a row has hundreds of columns."""
    params: dict[str, str | int] = {
        "sysparm_query": query,
        "sysparm_fields": ",".join(fields),
        "sysparm_limit": limit,
        "sysparm_exclude_reference_link": "true",
        "sysparm_display_value": "true" if display else "false",
    }
    return Item("GET", table_path(table, **params))


class Client:
    """Calls of one session."""

    def __init__(self, session: CrmSession) -> None:
        self.session = session
        self._at_once = _ITEMS_AT_ONCE
        self._batches = 0
        self.has_no_batches = False
        """The instance refuses the Batch API as such: every item is a call of its own."""

    async def rows(self, table: str, query: str, fields: Sequence[str], **how: Any) -> list[Row]:  # noqa: ANN401
        """One list; ``CrmRefused`` where it may not be read."""
        item = listing(table, query, fields, **how)
        call = Call(item.method, item.path, f"read {table}", Safety.READ)
        return Reply(200, await self.session.fetch_json(call)).rows

    async def read_all(self, items: Sequence[Item], what: str) -> list[Reply]:
        """Every item's reply, in order; what was not reached is asked for again."""
        return await self._send_all(items, what, Safety.READ)

    async def write_all(self, items: Sequence[Item], what: str, safety: Safety) -> list[Reply]:
        """Every item's reply, in order. What was not reached is sent again, unless it may be sent once only.

        A failure on the way is a reply too (``UNKNOWN``, or ``NOT_REACHED`` for what was not sent any more), so that
        what is known of the others is not lost. Raises only what ends the run.
        """
        return await self._send_all(items, what, safety)

    async def _send_all(self, items: Sequence[Item], what: str, safety: Safety) -> list[Reply]:
        replies: dict[int, Reply] = {}
        waiting = list(range(len(items)))
        while waiting:
            some = self._some(items, waiting)
            try:
                found = await self._send_some([items[index] for index in some], what, safety)
            except QuotaExhausted:
                raise
            except (CrmRefused, NotFound):
                if len(some) == 1:
                    raise
                self.has_no_batches, self._at_once = True, 1
                continue
            except TransientError as error:
                if safety is Safety.READ:
                    raise
                failed = UNKNOWN if isinstance(error, OutcomeUnknown) else NOT_REACHED
                replies |= {index: failed if index in some else NOT_REACHED for index in waiting}
                break
            reached = sum(1 for reply in found if reply is not NOT_REACHED)
            if reached < len(some):
                self._at_once = max(1, min(self._at_once, reached or len(some) // 2))
            for index, reply in zip(some, found, strict=True):
                if reply is not NOT_REACHED or safety is Safety.ONCE or (reached == 0 and len(some) == 1):
                    replies[index] = reply
            waiting = [index for index in waiting if index not in replies]
        return [replies[index] for index in range(len(items))]

    def _some(self, items: Sequence[Item], waiting: Sequence[int]) -> list[int]:
        some: list[int] = []
        size = 0
        for index in waiting[: self._at_once]:
            size += len(msgspec.json.encode(items[index].body)) * 4 // 3 + len(items[index].path)
            if some and size > _BYTES_AT_ONCE:
                break
            some.append(index)
        return some

    async def _send_some(self, items: Sequence[Item], what: str, safety: Safety) -> list[Reply]:
        if len(items) == 1:
            return [await self._send_one(items[0], what, safety)]
        self._batches += 1
        body = {
            "batch_request_id": str(self._batches),
            "rest_requests": [_as_request(number, item) for number, item in enumerate(items)],
        }
        found = await self.session.fetch_json(Call("POST", "/api/now/v1/batch", what, safety, json=body))
        return _replies(found, len(items))

    async def _send_one(self, item: Item, what: str, safety: Safety) -> Reply:
        call = Call(item.method, item.path, what, safety, json=item.body, expect=_REFUSALS)
        response = await self.session.send(call)
        body = json_or_none(response.content)
        if response.is_success and body is None:
            return UNKNOWN
        return Reply(response.status_code, body)

    async def import_many(self, staging: str, records: Sequence[Mapping[str, str]]) -> str:
        """Rows of one import set; its id. Repeatable: the transform map coalesces."""
        path = f"/api/now/import/{quote(staging, safe='')}/insertMultiple"
        call = Call("POST", path, "import rows", Safety.REPEATABLE, json={"records": list(records)})
        found = await self.session.fetch_json(call)
        return str(found.get("import_set_id") or "") if isinstance(found, dict) else ""

    async def attach(self, table: str, sys_id: str, name: str, file: Attachment) -> Reply:
        """Upload one file under that name; the reply says what became of it."""
        params = {"table_name": table, "table_sys_id": sys_id, "file_name": name}
        call = Call(
            "POST",
            "/api/now/attachment/file",
            "attach a file",
            Safety.ONCE,
            params=params,
            content=file.open,
            headers={"Content-Type": file.media_type, "Content-Length": str(file.size_bytes)},
            expect=_REFUSALS,
            timeout_seconds=120.0 + file.size_bytes / _UPLOAD_BYTES_PER_SECOND,
        )
        response = await self.session.send(call)
        return Reply(response.status_code, json_or_none(response.content))


def _as_request(number: int, item: Item) -> dict[str, Any]:
    request = {
        "id": str(number),
        "method": item.method,
        "url": item.path,
        "headers": _JSON_HEADERS,
        "exclude_response_headers": True,
    }
    if item.body is not None:
        request["body"] = base64.b64encode(msgspec.json.encode(item.body)).decode()
    return request


def _replies(found: Any, count: int) -> list[Reply]:  # noqa: ANN401 JSON
    replies = [UNKNOWN] * count
    if not isinstance(found, dict):
        return replies
    for each in found.get("serviced_requests") or ():
        if isinstance(each, dict) and (number := _number(each.get("id"), count)) is not None:
            replies[number] = _reply(each)
    for each in found.get("unserviced_requests") or ():
        if (number := _number(each, count)) is not None:
            replies[number] = NOT_REACHED
    return replies


def _number(text: object, count: int) -> int | None:
    number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else -1
    return number if 0 <= number < count else None


def _reply(each: Mapping[str, Any]) -> Reply:
    status = each.get("status_code")
    if not isinstance(status, int):
        return UNKNOWN
    try:
        body = json_or_none(base64.b64decode(str(each.get("body") or ""), validate=False))
    except binascii.Error:
        body = None
    return UNKNOWN if body is None and 200 <= status < 300 else Reply(status, body)
