"""Files: a ContentVersion makes a document and its link to a record; each one a new document.

https://developer.salesforce.com/docs/platform/api-rest/guide/dome-sobject-insert-update-blob.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from zcc_pipeline.simulator.crm.base import Request
from zcc_pipeline.simulator.crm.salesforce.errors import RowRefusedError, refuse, unparsable
from zcc_pipeline.simulator.crm.salesforce.records import Record, Records
from zcc_pipeline.simulator.crm.salesforce.values import read_json

LARGEST_JSON = 37_500_000
LARGEST_FILE = 2_147_483_648


class Files:
    """Stores uploads; the bytes are kept by the id of their version."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.contents: dict[str, bytes] = {}

    def upload(self, request: Request) -> dict[str, Any]:
        """POST of a ContentVersion, as multipart or with base64 in JSON."""
        described, content = _read_multipart(request) if _is_multipart(request) else _read_json(request)
        self._records.check_names("ContentVersion", described)
        spec = self._records.spec("ContentVersion")
        try:
            row = {name: read_json(spec.fields[name], value) for name, value in described.items()}
            place = row.get("FirstPublishLocationId")
            if row.get("PathOnClient") is None:
                raise RowRefusedError(
                    "REQUIRED_FIELD_MISSING", "Required fields are missing: [PathOnClient]", "PathOnClient"
                )
            if place is not None and self._records.find(place) is None:
                raise RowRefusedError(
                    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                    "insufficient access rights on cross-reference id",
                    "FirstPublishLocationId",
                )
        except RowRefusedError as refused:
            raise refuse(400, refused.error.code, refused.error.message, fields=refused.error.fields) from None
        return {"id": self._store(row, place, content), "success": True, "errors": []}

    def _store(self, row: Record, place: str | None, content: bytes) -> str:
        title = row.get("Title") or row["PathOnClient"].rpartition("/")[2]
        described = {"Title": title, "Description": row.get("Description"), "ContentSize": len(content)}
        document = self._records.put("ContentDocument", described)
        version = self._records.put("ContentVersion", {**row, **described, "ContentDocumentId": document})
        self._records.update_unchecked("ContentDocument", document, {"LatestPublishedVersionId": version})
        if place is not None:
            self._records.put("ContentDocumentLink", {"ContentDocumentId": document, "LinkedEntityId": place})
        self.contents[version] = content
        return version


def _is_multipart(request: Request) -> bool:
    return request.media_type == "multipart/form-data"


def _read_multipart(request: Request) -> tuple[Mapping[str, Any], bytes]:
    parts = {part.name: part for part in request.multipart()}
    described, data = parts.get("entity_content"), parts.get("VersionData")
    if described is None or data is None:
        raise refuse(400, "INVALID_MULTIPART_REQUEST", "entity_content and VersionData are expected")
    if described.media_type != "application/json" or not data.file_name:
        raise refuse(400, "INVALID_MULTIPART_REQUEST", "entity_content must be JSON, VersionData a file with a name")
    inner = Request("POST", request.path, headers={"content-type": "application/json"}, body=described.content)
    return inner.json_object(), data.content


def _read_json(request: Request) -> tuple[Mapping[str, Any], bytes]:
    if len(request.body) > LARGEST_JSON * 4 // 3:
        raise refuse(400, "REQUEST_TOO_LARGE", "a file of more than 37.5 MB has to be sent as multipart")
    described = dict(request.json_object())
    try:
        return described, base64.b64decode(described.pop("VersionData"), validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise unparsable("VersionData is not base64") from None
