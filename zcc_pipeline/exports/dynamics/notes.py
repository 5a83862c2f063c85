"""Notes and files as annotations: each exactly once, however often it is sent.

An annotation's primary key follows from engagement and key, so a repetition writes the same row: that is the look-up.
Files above 3 MB go in blocks (Microsoft advises it from about 4 MB of base64, attachment-annotation-files), so that
no more of one is in memory than a block.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.calls import CrmRefused, OutcomeUnknown, Safety
from zcc_pipeline.exports.cutting import cut
from zcc_pipeline.exports.destination import Addressed, Attachment, Entry, WriteLog
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.answers import failed
from zcc_pipeline.exports.dynamics.client import DynamicsClient, is_for_later
from zcc_pipeline.exports.dynamics.multipart import Operation, PartAnswer
from zcc_pipeline.exports.dynamics.rows import Place, Plan
from zcc_pipeline.exports.outcomes import Outcome, Status

Json = dict[str, Any]
Item = Entry | Attachment

LARGEST_AT_ONCE = 3 * 1024 * 1024
_ROUND_BYTES = 12 * 1024 * 1024
_ROUND_ITEMS = 500
_LONGEST_SUBJECT, _LONGEST_NOTE, _LONGEST_NAME = 500, 100_000, 255
_SUBJECTS = {"recording": "Recording", "voicemail": "Voicemail", "transcript": "Transcript"}
_GOOD = (Status.CREATED, Status.UPDATED)

Target = tuple[Addressed, Place, Outcome]


class NoteWriter:
    """Adds what a row has not got yet."""

    def __init__(self, client: DynamicsClient) -> None:
        self._client = client

    async def add(self, plan: Plan, rows: Sequence[Target], log: WriteLog) -> list[Outcome]:
        """The outcomes, worse where a note or file did not arrive; rows that failed get none."""
        outcomes = {one.outgoing.engagement_id: outcome for one, _, outcome in rows}
        waiting: list[tuple[Addressed, Place, Item]] = []
        held = 0
        for one, place, item in _missing(rows):
            if isinstance(item, Attachment) and item.size_bytes > LARGEST_AT_ONCE:
                await self._upload(plan, one, place, item, log, outcomes)
                continue
            waiting.append((one, place, item))
            held += _size(item)
            if held >= _ROUND_BYTES or len(waiting) == _ROUND_ITEMS:
                await self._send(plan, waiting, log, outcomes)
                waiting, held = [], 0
        await self._send(plan, waiting, log, outcomes)
        return [outcomes[one.outgoing.engagement_id] for one, _, _ in rows]

    async def _send(
        self, plan: Plan, items: Sequence[tuple[Addressed, Place, Item]], log: WriteLog, outcomes: dict[str, Outcome]
    ) -> None:
        if not items:
            return
        operations = [note_operation(plan, one, place, item, await _content(item)) for one, place, item in items]
        log.begun_all([(one.outgoing.engagement_id, item.key) for one, _, item in items])
        try:
            answers = await self._client.batch(operations, "add notes", Safety.REPEATABLE)
        except TransientError as error:
            for one, _, _ in items:
                _worsen(outcomes, one, _unheard(one, error))
            return
        arrived = []
        for (one, _, item), part in zip(items, answers, strict=True):
            engagement_id = one.outgoing.engagement_id
            if part.is_success:
                arrived.append((engagement_id, item.key, queries.note_id(engagement_id, item.key)))
            else:
                _worsen(outcomes, one, _refused(one, part))
        log.done_all(arrived)

    async def _upload(
        self, plan: Plan, one: Addressed, place: Place, item: Attachment, log: WriteLog, outcomes: dict[str, Outcome]
    ) -> None:
        """The note first, so that it hangs on its row; then its file, block by block."""
        engagement_id = one.outgoing.engagement_id
        note = queries.note_id(engagement_id, item.key)
        log.begun(engagement_id, item.key)
        try:
            body = note_body(plan, place, item, None)
            await self._client.patch(queries.address("annotations", note), body, "add note")
            about = {name: body[name] for name in ("subject", "filename", "mimetype")}
            await self._client.upload(note, about, item.open(), "upload file")
        except CrmRefused as refused:
            status = Status.FAILED_PERMANENT
            _worsen(outcomes, one, failed(one, status, refused.code or f"http_{refused.status}", refused.message))
        except NotFound:
            _worsen(outcomes, one, failed(one, Status.FAILED_RETRYABLE, "gone_meanwhile"))
        except TransientError as error:
            _worsen(outcomes, one, _unheard(one, error))
        else:
            log.done(engagement_id, item.key, note)


def note_operation(plan: Plan, one: Addressed, place: Place, item: Item, content: str | None) -> Operation:
    """One note or file as an operation of a batch; ``content`` is the file in base64."""
    note = queries.note_id(one.outgoing.engagement_id, item.key)
    return Operation("PATCH", queries.address("annotations", note), note_body(plan, place, item, content))


def note_body(plan: Plan, place: Place, item: Item, content: str | None) -> Json:
    """An annotation that hangs on a row."""
    link = {f"{plan.notes_link}@odata.bind": f"/{place.address}"}
    if isinstance(item, Entry):
        first, _, _ = item.text.partition("\n")
        return {"subject": cut(first, _LONGEST_SUBJECT), "notetext": cut(item.text, _LONGEST_NOTE), **link}
    kind = item.key.split(":")[1]
    body: Json = {
        "subject": _SUBJECTS.get(kind, "File"),
        "filename": item.file_name[-_LONGEST_NAME:],
        "mimetype": item.media_type.partition(";")[0].strip(),
        "isdocument": True,
        **link,
    }
    return body if content is None else {**body, "documentbody": content}


def is_large(item: Item) -> bool:
    """Whether it goes in blocks."""
    return isinstance(item, Attachment) and item.size_bytes > LARGEST_AT_ONCE


def missing_items(one: Addressed) -> list[Item]:
    """Notes and files that are not there for certain."""
    items: list[Item] = [*one.outgoing.entries, *one.outgoing.attachments]
    return [item for item in items if item.key not in one.written]


def _missing(rows: Sequence[Target]) -> list[tuple[Addressed, Place, Item]]:
    return [
        (one, place, item)
        for one, place, outcome in rows
        if outcome.status in _GOOD and not one.is_enriching
        for item in missing_items(one)
    ]


def _size(item: Item) -> int:
    return len(item.text) * 3 if isinstance(item, Entry) else item.size_bytes * 4 // 3


async def _content(item: Item) -> str | None:
    if isinstance(item, Entry):
        return None
    held = bytearray()
    async for piece in item.open():
        held += piece
    return base64.b64encode(held).decode()


def _worsen(outcomes: dict[str, Outcome], one: Addressed, found: Outcome) -> None:
    """The row is there, so that it stays known where it is."""
    before = outcomes[one.outgoing.engagement_id]
    if before.status in _GOOD:
        outcomes[one.outgoing.engagement_id] = Outcome(
            found.engagement_id, found.status, before.remote, found.code, found.message
        )


def _refused(one: Addressed, part: PartAnswer) -> Outcome:
    status = Status.FAILED_RETRYABLE if is_for_later(part) else Status.FAILED_PERMANENT
    return failed(one, status, part.code or f"http_{part.status}", part.message)


def _unheard(one: Addressed, error: TransientError) -> Outcome:
    if isinstance(error, QuotaExhausted):
        raise error
    is_unknown = isinstance(error, OutcomeUnknown)
    return failed(one, Status.UNKNOWN if is_unknown else Status.FAILED_RETRYABLE, "note_no_answer")
