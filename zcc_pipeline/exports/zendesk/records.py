"""Engagements as records of a custom object: Zendesk's only true upsert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from zcc_pipeline.exports.cutting import cut_at_sentence
from zcc_pipeline.exports.destination import Addressed, WriteLog
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.together import together
from zcc_pipeline.exports.zendesk.api import Json, ZendeskApi
from zcc_pipeline.exports.zendesk.batches import JobRunner, Row, row_outcome
from zcc_pipeline.exports.zendesk.jobs import RowResult
from zcc_pipeline.exports.zendesk.options import CustomObjectOptions
from zcc_pipeline.exports.zendesk.queries import lists_of

LARGEST_RECORD_BYTES = 32_000
"""Zendesk takes 32 KB a record, everything counted."""

NAME = "name"
_SHORTENED = "[Shortened: Zendesk takes 32 KB a record.]"


class RecordWriter:
    """Writes records of custom objects."""

    def __init__(self, api: ZendeskApi, runner: JobRunner, options: Mapping[str, CustomObjectOptions]) -> None:
        self._api, self._runner, self._options = api, runner, options

    async def write(self, batch: Sequence[Addressed], log: WriteLog) -> list[Outcome]:
        """An outcome for each. An upsert may be sent again: what a failed job did not tell of comes in the next run,
        whether it arrived or not."""
        outcomes: dict[str, Outcome] = {}
        by_object: dict[str, list[Row]] = {}
        for one in batch:
            by_object.setdefault(one.outgoing.object, []).append(Row(one, self.item(one), one.remote))
        for key, rows in by_object.items():
            results = await self._runner.run(rows, partial(self._api.upsert_records, key), log, outcomes)
            for row in rows:
                if (result := results.get(row.id)) is not None:
                    outcomes[row.id] = _outcome(key, row, result)
        return list(outcomes.values())

    def item(self, one: Addressed) -> Json:
        """A record as the API takes it, made to fit."""
        options = self._options[one.outgoing.target]
        fields = {name: value for name, value in one.fields.items() if name != NAME}
        if options.customer_field and one.customer is not None:
            fields[options.customer_field] = one.customer.id
        if options.owner_field and one.owner_id is not None:
            fields[options.owner_field] = one.owner_id
        name = one.fields.get(NAME) or one.outgoing.engagement_id
        return fitted({"external_id": one.outgoing.engagement_id, "name": name, "custom_object_fields": fields})

    async def find(self, object_key: str, external_ids: Sequence[str]) -> dict[str, str]:
        """Ids of records by external id."""
        lists = lists_of(external_ids)
        found = await together(self._api.records_with(object_key, each) for each in lists)
        return {str(record.get("external_id")): str(record["id"]) for records in found for record in records}


def _outcome(key: str, row: Row, result: RowResult) -> Outcome:
    if result.id:
        return Outcome(row.id, Status.UPDATED if row.remote else Status.CREATED, RemoteRef(key, result.id))
    if result.code:
        return row_outcome(row, result)
    return Outcome(row.id, Status.FAILED_RETRYABLE, row.remote, code="job_failed")


def fitted(item: Json) -> Json:
    """The longest texts are cut until the record is small enough."""
    fields = dict(item["custom_object_fields"])
    while (excess := len(msgspec.json.encode({**item, "custom_object_fields": fields})) - LARGEST_RECORD_BYTES) > 0:
        texts = {name: len(value.encode()) for name, value in fields.items() if isinstance(value, str)}
        name = max(texts, key=lambda each: texts[each], default="")
        if not name or texts[name] <= len(_SHORTENED):
            break
        room = max(texts[name] - excess, texts[name] // 2, len(_SHORTENED))
        shorter = cut_at_sentence(
            fields[name].removesuffix(_SHORTENED).rstrip(), room - 1, remark=_SHORTENED, unit="utf8"
        )
        fields[name] = shorter
    return {**item, "custom_object_fields": fields}
