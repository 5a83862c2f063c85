"""The requests of one record, as they would be sent, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zcc_pipeline.exports.destination import Addressed, PreparedRequest
from zcc_pipeline.exports.hubspot.attachments import Uploaded, file_name, pending
from zcc_pipeline.exports.hubspot.client import HubSpotClient
from zcc_pipeline.exports.hubspot.writing import Job, input_of, properties_of

_ID_OF_ANSWER = "(id of the upserted record)"
_FILE_ID = "(id of the uploaded file)"


def prepare(client: HubSpotClient, one: Addressed) -> Sequence[PreparedRequest]:
    """Uploads, the upsert (or the update of another program's record), the association."""
    object_type, files = one.outgoing.object, pending(one)
    job = Job(one, Uploaded({each.key: _FILE_ID for each in files}))
    job.properties = properties_of(job, None)
    requests = [
        _prepared(
            client,
            client.path("files", "files"),
            {
                "fileName": file_name(job.key, each),
                "folderPath": client.config.folder,
                "options": '{"access":"PRIVATE"}',
                "file": f"({each.size_bytes} bytes, {each.media_type})",
            },
            "multipart/form-data",
        )
        for each in files
    ]
    body = input_of(job, {}, is_enriching=one.is_enriching)
    shown: dict[str, Any] = {"id": body.id, "properties": dict(body.properties), "objectWriteTraceId": body.key}
    if one.is_enriching and one.remote:
        requests.append(
            _prepared(client, client.path("crm/objects", one.remote.object, "batch/update"), {"inputs": [shown]})
        )
        return requests
    shown["idProperty"] = one.outgoing.key_field
    requests.append(_prepared(client, client.path("crm/objects", object_type, "batch/upsert"), {"inputs": [shown]}))
    if one.customer is not None:
        pair = {"from": {"id": one.remote.id if one.remote else _ID_OF_ANSWER}, "to": {"id": one.customer.id}}
        path = client.path("crm/associations", object_type, "contacts/batch/associate/default")
        requests.append(_prepared(client, path, {"inputs": [pair]}))
    return requests


def _prepared(client: HubSpotClient, path: str, body: Any, media_type: str = "application/json") -> PreparedRequest:  # noqa: ANN401
    return PreparedRequest.of_json("POST", client.session.address(path), body, {"Content-Type": media_type})
