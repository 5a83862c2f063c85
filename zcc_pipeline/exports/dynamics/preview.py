"""What would be sent for one record, without sending it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zcc_pipeline.exports.destination import Addressed, Attachment, PreparedRequest
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.client import GO_ON, HEADERS, ROOT, UPDATE_ONLY
from zcc_pipeline.exports.dynamics.config import DynamicsConfig
from zcc_pipeline.exports.dynamics.multipart import CONTENT_TYPE, Operation, encode
from zcc_pipeline.exports.dynamics.notes import is_large, missing_items, note_body, note_operation
from zcc_pipeline.exports.dynamics.phone_calls import calls_steps
from zcc_pipeline.exports.dynamics.rows import Place, Plan, place_of, target_of

_JSON = {**HEADERS, "Content-Type": "application/json"}


def preview(config: DynamicsConfig, plan: Plan, one: Addressed) -> Sequence[PreparedRequest]:
    """In the order in which they would be sent; the bytes of files are left out."""
    api = f"{config.organization}{ROOT}"
    if one.is_enriching:
        operations = []
        if one.remote is not None:
            place = Place(one.remote.object, one.remote.id)
            operations = [Operation("PATCH", place.address, dict(one.fields), UPDATE_ONLY)]
        return [_batch(api, operations)]
    place = place_of(plan, one.outgoing.engagement_id, one.remote)
    notes = _notes(api, plan, one, place)
    if plan.is_phone_call:
        before, after = calls_steps(plan, one, place)
        if notes:
            return [_batch(api, before), *notes, _batch(api, after)]
        return [_batch(api, [*before, *after])]
    body = {"Targets": [target_of(plan, one, place)]}
    url = f"{api}/{plan.entity_set}/Microsoft.Dynamics.CRM.UpsertMultiple"
    return [PreparedRequest.of_json("POST", url, body, _JSON), *notes]


def _notes(api: str, plan: Plan, one: Addressed, place: Place) -> list[PreparedRequest]:
    items = missing_items(one)
    small = [
        note_operation(plan, one, place, item, f"({item.size_bytes} bytes)" if isinstance(item, Attachment) else None)
        for item in items
        if not is_large(item)
    ]
    requests = [_batch(api, small)] if small else []
    for item in items:
        if is_large(item):
            note = queries.note_id(one.outgoing.engagement_id, item.key)
            url = f"{api}/{queries.address('annotations', note)}"
            requests.append(PreparedRequest.of_json("PATCH", url, note_body(plan, place, item, None), _JSON))
            for action in ("InitializeAnnotationBlocksUpload", "UploadBlock", "CommitAnnotationBlocksUpload"):
                target = {"@odata.type": "Microsoft.Dynamics.CRM.annotation", "annotationid": note}
                requests.append(PreparedRequest.of_json("POST", f"{api}/{action}", {"Target": target}, _JSON))
    return requests


def _batch(api: str, operations: Sequence[Operation]) -> PreparedRequest:
    headers: Mapping[str, str] = {**HEADERS, **GO_ON, "Content-Type": CONTENT_TYPE}
    return PreparedRequest("POST", f"{api}/$batch", headers, encode(operations, ROOT).decode())
