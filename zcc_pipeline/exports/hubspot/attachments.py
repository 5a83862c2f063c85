"""Private files in HubSpot's file manager, once each.

Uploads cannot be repeated safely: a second one makes a second file. So a file gets a name that is its own, an upload is
announced to the ledger before it begins, and where nobody knows how it ended, the file manager is asked for that name.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from zcc_pipeline.domain.errors import QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import Addressed, Attachment, WriteLog
from zcc_pipeline.exports.hubspot.batches import NotWritten
from zcc_pipeline.exports.hubspot.client import HubSpotClient
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.session import CrmRefused, OutcomeUnknown

IDS_PROPERTY = "hs_attachment_ids"
_SLOWEST_BYTES_A_SECOND = 100_000
_LEAST_SECONDS = 120.0
_LONGEST_STEM = 60
_OPTIONS = b'{"access":"PRIVATE"}'


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What one record's attachments became: file ids by key, and the first thing that went wrong."""

    ids: dict[str, str]
    problem: NotWritten | None = None


class Uploader:
    """Uploads what is not there yet."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client

    async def upload(self, one: Addressed, log: WriteLog) -> Uploaded:
        """File ids of all attachments of a record that are not on it for certain."""
        ids: dict[str, str] = {}
        problem: NotWritten | None = None
        for attachment in pending(one):
            try:
                ids[attachment.key] = await self._once(one, attachment, log)
            except CrmRefused as refused:
                problem = problem or NotWritten(Status.FAILED_PERMANENT, "file_refused", refused.message)
            except OutcomeUnknown:
                problem = problem or NotWritten(Status.UNKNOWN, "file_unknown")
            except QuotaExhausted:
                raise
            except TransientError:
                problem = problem or NotWritten(Status.FAILED_RETRYABLE, "file_not_sent")
        return Uploaded(ids, problem)

    async def _once(self, one: Addressed, attachment: Attachment, log: WriteLog) -> str:
        engagement_id = one.outgoing.engagement_id
        if attachment.key in one.unsure:
            found = await self._find(engagement_id, attachment)
            if found is not None:
                return found
        log.begun(engagement_id, attachment.key)
        form = _Form(file_name(engagement_id, attachment), attachment, self._client.config.folder)
        seconds = max(_LEAST_SECONDS, attachment.size_bytes / _SLOWEST_BYTES_A_SECOND)
        answer = await self._client.upload(form.read, form.headers, timeout_seconds=seconds)
        file_id = answer.get("id")
        if not isinstance(file_id, str) or not file_id:
            raise OutcomeUnknown("upload a file: no id in the answer")
        return file_id

    async def _find(self, engagement_id: str, attachment: Attachment) -> str | None:
        name = file_name(engagement_id, attachment)
        stem = name.rpartition(".")[0]
        for asked in (stem, name):
            for file in await self._client.files_named(asked):
                if file.get("name") in (stem, name) and isinstance(file.get("id"), str):
                    return str(file["id"])
        return None


def pending(one: Addressed) -> list[Attachment]:
    """Attachments that are not there for certain; none where the record belongs to another program."""
    if one.is_enriching:
        return []
    return [each for each in one.outgoing.attachments if each.key not in one.written]


def file_name(engagement_id: str, attachment: Attachment) -> str:
    """The file's name in HubSpot: what it is called here, and a digest that no other attachment has. Nothing in it
    identifies a person."""
    digest = blake2b(f"{engagement_id}\0{attachment.key}".encode(), digest_size=8).hexdigest()
    stem, _, extension = attachment.file_name.rpartition(".")
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", stem or extension, flags=re.ASCII)[:_LONGEST_STEM].strip("-")
    return f"{safe or 'file'}-{digest}.{re.sub(r'[^A-Za-z0-9]', '', extension, flags=re.ASCII) or 'bin'}"


def merged(existing: str | None, ids: dict[str, str]) -> str:
    """The value of the property: those that are on the record, whoever put them there, and the new ones."""
    there = [each for each in (existing or "").split(";") if each]
    return ";".join(dict.fromkeys([*there, *ids.values()]))


class _Form:
    """A multipart body with one file, streamed, its length known beforehand."""

    def __init__(self, name: str, attachment: Attachment, folder: str) -> None:
        self._attachment = attachment
        boundary = blake2b(name.encode(), digest_size=16).hexdigest()
        media_type = re.sub(r"[^\x20-\x7e]", "", attachment.media_type)
        self._head = b"".join(
            [
                _part(boundary, 'form-data; name="fileName"', name.encode()),
                _part(boundary, 'form-data; name="folderPath"', folder.encode()),
                _part(boundary, 'form-data; name="options"', _OPTIONS),
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                f"Content-Type: {media_type}\r\n\r\n".encode(),
            ]
        )
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        length = len(self._head) + attachment.size_bytes + len(self._tail)
        self.headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}

    async def read(self) -> AsyncIterator[bytes]:
        yield self._head
        async for piece in self._attachment.open():
            yield piece
        yield self._tail


def _part(boundary: str, disposition: str, value: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + value + b"\r\n"


def attached(record: Any) -> str | None:  # noqa: ANN401 JSON
    """The attachment ids on a record that was read."""
    properties = record.get("properties") if isinstance(record, dict) else None
    found = properties.get(IDS_PROPERTY) if isinstance(properties, dict) else None
    return found if isinstance(found, str) else None
