"""Salesforce's REST API, as far as engagements need it: one method for each request, none for anything else.

https://developer.salesforce.com/docs/platform/api-rest/guide/ — describe, query, collections, one row, ContentVersion;
https://developer.salesforce.com/docs/platform/api-asynch/guide/bulk-api-2-0-ingest.html — jobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import NotFound, PermanentError
from zcc_pipeline.exports.calls import Call, OutcomeUnknown, Safety
from zcc_pipeline.exports.destination import Attachment, Usage
from zcc_pipeline.exports.salesforce.answers import RowResult, classify, read_results, read_usage
from zcc_pipeline.exports.salesforce.config import SalesforceConfig
from zcc_pipeline.exports.salesforce.metadata import ObjectInfo, read_describe
from zcc_pipeline.exports.salesforce.queries import name, select
from zcc_pipeline.exports.salesforce.uploads import multipart
from zcc_pipeline.exports.session import CrmSession, OverSession
from zcc_pipeline.transport import MalformedAnswer

ROWS_PER_PAGE = 2_000
"""Of a query, unless the org sends fewer."""
_MOST_PAGES = 10_000

Record = Mapping[str, Any]


class SalesforceClient(OverSession):
    """Use as ``async with SalesforceClient(...) as client``. Errors are those of ``CrmSession.send``."""

    def __init__(
        self, config: SalesforceConfig, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.config = config
        self._usage: tuple[int, int] | None = None
        self._described: dict[str, ObjectInfo | None] = {}
        self.session = CrmSession(
            config.session(),
            tokens=config.tokens(clock),
            classify=classify,
            clock=clock,
            observe=self._observe,
            transport=transport,
        )

    async def describe(self, source: str) -> ObjectInfo | None:
        """An object and its fields, asked for once; None where the org has none or shows none."""
        if source not in self._described:
            call = Call("GET", f"{self._rows(source)}/describe", "describe object", Safety.READ)
            try:
                self._described[source] = read_describe(await self.session.fetch_json(call))
            except NotFound:
                self._described[source] = None
        return self._described[source]

    def described(self, source: str) -> ObjectInfo | None:
        """What ``describe`` said, where it was asked."""
        return self._described.get(source)

    async def query(self, columns: Sequence[str], source: str, where: str) -> list[Record]:
        """All rows of a query, over as many pages as there are."""
        return [record async for page in self.pages(columns, source, where) for record in page]

    async def pages(self, columns: Sequence[str], source: str, where: str) -> AsyncIterator[list[Record]]:
        """Rows of a query page by page; all there are where there is no condition."""
        path = f"{self.config.data_path}/query"
        call = Call("GET", path, "query", Safety.READ, params={"q": select(columns, source, where)})
        for _ in range(_MOST_PAGES):
            page = await self.session.fetch_json(call)
            if not isinstance(page, dict) or not isinstance(page.get("records"), list):
                raise MalformedAnswer("query: no records in the answer")
            yield page["records"]
            following = page.get("nextRecordsUrl")
            if not isinstance(following, str) or page.get("done") is True:
                return
            call = Call("GET", following, "query, next page", Safety.READ)
        raise PermanentError("query: the pages never end")

    async def count(self, source: str) -> int:
        """How many rows an object has."""
        path = f"{self.config.data_path}/query"
        params = {"q": f"SELECT COUNT() FROM {name(source)}"}
        found = await self.session.fetch_json(Call("GET", path, "count", Safety.READ, params=params))
        total = found.get("totalSize") if isinstance(found, dict) else None
        if not isinstance(total, int):
            raise MalformedAnswer("count: no number in the answer")
        return total

    def upsert_call(self, source: str, key: str, rows: Sequence[Record]) -> Call:
        """Up to 200 rows of one object, found by an external id field; each stands or falls by itself."""
        path = f"{self.config.data_path}/composite/sobjects/{name(source)}/{name(key)}"
        return Call("PATCH", path, "upsert records", Safety.REPEATABLE, json=_collection(source, rows))

    async def upsert(self, source: str, key: str, rows: Sequence[Record]) -> list[RowResult]:
        """A result for each row, in their order; ``OutcomeUnknown`` where the answer is not that."""
        return await self._collect(self.upsert_call(source, key, rows), len(rows))

    def update_call(self, source: str, rows: Sequence[Record]) -> Call:
        """Up to 200 rows that are there already; each has its ``id``."""
        path = f"{self.config.data_path}/composite/sobjects"
        return Call("PATCH", path, "update records", Safety.REPEATABLE, json=_collection(source, rows))

    async def update(self, source: str, rows: Sequence[Record]) -> list[RowResult]:
        """A result for each row, in their order."""
        return await self._collect(self.update_call(source, rows), len(rows))

    async def create(self, source: str, fields: Record) -> str:
        """A new row's id. Never sent twice: ``OutcomeUnknown`` where nobody knows."""
        call = Call("POST", self._rows(source), "create record", Safety.ONCE, json=dict(fields))
        return _id_of(await self.session.fetch_json(call))

    def upload_call(self, attachment: Attachment, record_id: str) -> Call:
        """A file as a new document that is linked to a record."""
        described = {
            "Title": attachment.file_name.rpartition(".")[0][:255] or attachment.file_name[:255],
            "PathOnClient": attachment.file_name[:500],
            "Description": attachment.key[:1000],
            "FirstPublishLocationId": record_id,
        }
        body = multipart(described, attachment)
        return Call(
            "POST",
            self._rows("ContentVersion"),
            "upload file",
            Safety.ONCE,
            content=body.stream,
            headers={"Content-Type": body.content_type, "Content-Length": str(body.length)},
            timeout_seconds=max(300.0, attachment.size_bytes / 100_000),
        )

    async def upload(self, attachment: Attachment, record_id: str) -> str:
        """Id of the file's version. Each upload makes another document, so it is never sent twice."""
        return _id_of(await self.session.fetch_json(self.upload_call(attachment, record_id)))

    async def open_job(self, source: str, key: str) -> str:
        """A new ingest job's id. One that is never filled is harmless, so this may be repeated."""
        body = {
            "object": source,
            "operation": "upsert",
            "externalIdFieldName": key,
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        call = Call("POST", self._job(), "open bulk job", Safety.REPEATABLE, json=body)
        return _id_of(await self.session.fetch_json(call))

    async def fill_job(self, job_id: str, file: bytes) -> None:
        """The job's one file. A second would be refused, so it is sent once."""
        await self.session.send(
            Call(
                "PUT",
                self._job(job_id, "batches"),
                "fill bulk job",
                Safety.ONCE,
                content=file,
                headers={"Content-Type": "text/csv; charset=UTF-8"},
                timeout_seconds=max(300.0, len(file) / 100_000),
            )
        )

    async def change_job(self, job_id: str, state: str) -> None:
        """``UploadComplete`` or ``Aborted``."""
        call = Call("PATCH", self._job(job_id), "change bulk job", Safety.REPEATABLE, json={"state": state})
        await self.session.send(call)

    async def job(self, job_id: str) -> Record:
        """A job's state and counts; ``NotFound`` once Salesforce has forgotten it (seven days)."""
        found = await self.session.fetch_json(Call("GET", self._job(job_id), "look at bulk job", Safety.READ))
        if not isinstance(found, dict):
            raise MalformedAnswer("look at bulk job: no job in the answer")
        return found

    async def job_results(self, job_id: str, kind: str) -> bytes:
        """``successfulResults``, ``failedResults`` or ``unprocessedrecords``, as CSV."""
        call = Call(
            "GET",
            self._job(job_id, kind),
            "read results of bulk job",
            Safety.READ,
            headers={"Accept": "text/csv"},
            timeout_seconds=600.0,
        )
        return (await self.session.send(call)).content

    def usage(self) -> Usage:
        """Calls of this client, and what the org says about all calls of the last 24 hours."""
        used, total = self._usage or (None, None)
        return self.session.usage(used, total)

    async def _collect(self, call: Call, count: int) -> list[RowResult]:
        results = read_results(await self.session.fetch_json(call), count)
        if results is None:
            raise OutcomeUnknown(f"{call.describe}: not one result for each row")
        return results

    def _observe(self, response: httpx.Response) -> None:
        self._usage = read_usage(response) or self._usage

    def _rows(self, source: str) -> str:
        return f"{self.config.data_path}/sobjects/{name(source)}"

    def _job(self, job_id: str | None = None, part: str = "") -> str:
        path = f"{self.config.data_path}/jobs/ingest"
        if job_id is not None:
            path += f"/{quote(job_id, safe='')}"
        return f"{path}/{part}" if part else path


def _collection(source: str, rows: Sequence[Record]) -> dict[str, Any]:
    return {"allOrNone": False, "records": [{"attributes": {"type": source}, **row} for row in rows]}


def _id_of(found: Any) -> str:  # noqa: ANN401
    record_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(record_id, str):
        raise OutcomeUnknown("a success without an id")
    return record_id
