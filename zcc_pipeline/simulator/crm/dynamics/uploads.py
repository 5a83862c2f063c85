"""Files of notes above what one request may carry: Initialize, UploadBlock, Commit.

https://learn.microsoft.com/en-us/power-apps/developer/data-platform/attachment-annotation-files: blocks of 4 MB or
less, block ids base64 and of one length, put together in the order of the block list.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, Request, empty, json_answer
from zcc_pipeline.simulator.crm.dynamics.addresses import GUID, Address
from zcc_pipeline.simulator.crm.dynamics.refusals import GENERIC, TOO_LARGE, bad_payload, refuse
from zcc_pipeline.simulator.crm.dynamics.rows import Conditions, Rows
from zcc_pipeline.simulator.crm.dynamics.values import BodyReader

_LARGEST_BLOCK = 4 * 1024 * 1024


@dataclass(slots=True)
class _Upload:
    note: str
    blocks: dict[str, bytes] = field(default_factory=dict)


class Uploads:
    """Uploads that have begun, by their token."""

    def __init__(self, rows: Rows, reader: BodyReader, largest_file: Callable[[], int]) -> None:
        self._rows = rows
        self._reader = reader
        self._largest_file = largest_file
        self._open: dict[str, _Upload] = {}
        self._count = 0

    def initialize(self, request: Request) -> Answer:
        """Begin; the note is named by an id that the client chose."""
        note, _ = self._target(request.json_object())
        self._count += 1
        token = base64.b64encode(f"upload {self._count} of {note}".encode()).decode()
        self._open[token] = _Upload(note)
        return json_answer({"FileContinuationToken": token})

    def upload(self, request: Request) -> Answer:
        """One block."""
        body = request.json_object()
        upload = self._find(body)
        block_id = str(body.get("BlockId", ""))
        data = _decoded(body.get("BlockData"), "BlockData")
        if len(_decoded(block_id, "BlockId")) > 64 or any(len(other) != len(block_id) for other in upload.blocks):
            raise bad_payload("BlockId must be at most 64 bytes before encoding and of one length for all blocks.")
        if len(data) > _LARGEST_BLOCK:
            raise refuse(400, TOO_LARGE, "A block is larger than 4 MB.")
        upload.blocks[block_id] = data
        return empty()

    def commit(self, request: Request) -> Answer:
        """Put the blocks together; creates the note where it is not there."""
        body = request.json_object()
        upload = self._find(body)
        note, values = self._target(body)
        if note != upload.note or not values.get("filename") or not values.get("mimetype"):
            raise bad_payload("Target must be the note of the upload, with filename and mimetype.")
        order = list(body.get("BlockList", []))
        if set(order) != set(upload.blocks) or len(order) != len(set(order)):
            raise refuse(400, GENERIC, "The block list is not the list of the blocks that were uploaded.")
        content = b"".join(upload.blocks[block_id] for block_id in order)
        if len(content) > self._largest_file():
            raise refuse(400, TOO_LARGE, "Attachment file size is too big.")
        table = self._rows.tables["annotation"]
        stored = {**values, "documentbody": base64.b64encode(content).decode(), "isdocument": True}
        stored.pop("annotationid", None)
        address = Address(note, {})
        is_new = self._rows.find(table, address) is None
        self._rows.upsert(table, address, self._reader.read(table, stored, is_new=is_new), Conditions())
        del self._open[str(body["FileContinuationToken"])]
        return json_answer({"AnnotationId": note, "FileSizeInBytes": len(content)})

    def _target(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        target = body.get("Target") or {}
        note = str(target.get("annotationid", ""))
        if target.get("@odata.type") != "Microsoft.Dynamics.CRM.annotation" or not GUID.fullmatch(note):
            raise bad_payload("Target must be an annotation with its annotationid.")
        return note.lower(), dict(target)

    def _find(self, body: dict[str, Any]) -> _Upload:
        upload = self._open.get(str(body.get("FileContinuationToken", "")))
        if upload is None:
            raise refuse(400, GENERIC, "The file continuation token is unknown or expired.")
        return upload


def _decoded(text: object, name: str) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:
        raise bad_payload(f"{name} is not base64.") from None
