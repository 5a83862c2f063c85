"""What an engagement's object should hold now: the lake versions' own bytes, the stored files, and a cover sheet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import rfc8785

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece, safe_name
from zcc_pipeline.archive.cover_sheet import Sheet, SheetFile, render
from zcc_pipeline.archive.ocfl import Inventory
from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import PermanentError, RecordRejected
from zcc_pipeline.domain.records import SHAPE_LIST
from zcc_pipeline.domain.transcript import Turn
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.landing import FileStore
from zcc_pipeline.landing.canonical import canonical
from zcc_pipeline.pipeline.archive_sources import ENGAGEMENTS, FILES, SourceRecord, Verdicts

COVER_SHEET = "engagement.html"
PROVENANCE = "provenance.json"
DELETIONS = "deletions.json"
_MADE_HERE = frozenset({COVER_SHEET, PROVENANCE, DELETIONS})

_FOLDER_OF_KIND = {
    ArtefactKind.RECORDING: "recordings/{}.{}",
    ArtefactKind.RECORDING_TRANSCRIPT: "transcripts/{}.{}",
    ArtefactKind.MESSAGING_TRANSCRIPT: "transcripts/messaging.{}.{}",
    ArtefactKind.VOICEMAIL: "voicemails/{}.{}",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "transcripts/voicemail.{}.{}",
}
_READABLE = frozenset(
    {ArtefactKind.RECORDING_TRANSCRIPT, ArtefactKind.MESSAGING_TRANSCRIPT, ArtefactKind.VOICEMAIL_TRANSCRIPT}
)
_NOTHING_FOUND: Verdicts = {}
_LARGEST_SHOWN = 4 << 20
_LONGEST_EXTENSION = 8


class _StoredRecord(msgspec.Struct):
    """A record of ``zoom/files``."""

    kind: ArtefactKind
    source_id: str
    path: str
    size_bytes: int
    sha256: str
    sha512: str
    media_type: str | None = None


@dataclass(slots=True)
class _File:
    """A piece and what is said of it in the cover sheet and in ``provenance.json``."""

    piece: Piece
    sheet: SheetFile
    origin: dict[str, Any]
    is_transcript: bool = False


OpenArchived = Callable[[str], BinaryIO]
"""Opens a file of the object's newest version by its logical path."""


def record_path(dataset: str, record_id: str, shape: str) -> str:
    """Where a record lies in its object; the engagement itself lies at the top."""
    shown = "" if shape == SHAPE_LIST else f".{safe_name(shape)}"
    if dataset == ENGAGEMENTS:
        return f"engagement{shown}.json"
    folder = {"zoom/engagement_events": "events", "zoom/email_messages": "emails"}.get(dataset, DATASETS[dataset].key)
    return f"{folder}/{safe_name(record_id)}{shown}.json"


def file_path(kind: ArtefactKind, source_id: str, stored_path: str) -> str:
    """Where a stored file lies in its object."""
    extension = Path(stored_path).suffix.removeprefix(".").lower()
    is_plain = extension.isascii() and extension.isalnum() and len(extension) <= _LONGEST_EXTENSION
    if not is_plain or (extension == "json" and kind not in _READABLE):  # that name belongs to the record about it
        extension = "bin"
    return _FOLDER_OF_KIND[kind].format(safe_name(source_id), extension)


def build_snapshot(
    object_id: str,
    records: Sequence[SourceRecord],
    files: FileStore,
    before: Inventory | None,
    open_archived: OpenArchived,
    card_data: Verdicts = _NOTHING_FOUND,
) -> Snapshot:
    """Every record and file, what an earlier version held and the source has no more, and what is made of them here.

    What was found in a text (``flagged``, ``redacted``, ``released``) is said of it in the provenance.

    Raises ``PermanentError`` where a stored file is missing or a record about one cannot be read.
    """
    ordered = sorted(records, key=lambda each: (each.dataset, each.record_id, each.shape))
    held = {} if before is None else dict(before.state)
    parts = [
        _stored(record, files, held) if record.dataset == FILES else _received(record, held, open_archived)
        for record in ordered
        if not (record.dataset == FILES and record.version.is_deleted)
    ]
    for part in parts:
        status = card_data.get(_text_of(part.origin))
        if status is not None:
            part.origin["card_data"] = status
    if before is not None:
        parts.extend(_kept(before, {part.piece.path for part in parts}, open_archived))
    deleted = [record for record in ordered if record.version.is_deleted and record.dataset != FILES]
    if deleted:
        parts.append(_deletions(deleted))
    parts.sort(key=lambda part: part.piece.path)
    volatile = (
        Piece(
            PROVENANCE,
            rfc8785.dumps([{**part.origin, "size_bytes": part.sheet.size_bytes} for part in parts]),
            is_volatile=True,
        ),
        Piece(COVER_SHEET, render(_sheet(object_id, ordered, parts)), is_volatile=True),
    )
    return Snapshot(object_id, (*(part.piece for part in parts), *volatile))


def _text_of(origin: Mapping[str, Any]) -> tuple[str, str]:
    if origin["dataset"] == FILES:
        return f"zoom/{origin['kind']}s", origin["source_id"]
    return origin["dataset"], origin["record_id"]


def _received(record: SourceRecord, held: Mapping[str, str], open_archived: OpenArchived) -> _File:
    path = record_path(record.dataset, record.record_id, record.shape)
    payload, volatile = record.payload, DATASETS[record.dataset].volatile_fields
    if volatile and held.get(path) not in (None, sha512(payload).hexdigest()):
        with open_archived(path) as stream:
            archived = stream.read()
        if canonical(archived, volatile) == canonical(payload, volatile):
            payload = archived  # another address for the same: no reason for a version
    origin = {
        "path": path,
        "dataset": record.dataset,
        "record_id": record.record_id,
        "shape": record.shape,
        "route": record.route,
        "as_of": format_time(record.version.as_of),
        "day": record.version.day.isoformat(),
        "is_deleted": record.version.is_deleted,
    }
    return _of_bytes(path, payload, origin)


def _of_bytes(path: str, data: bytes, origin: dict[str, Any]) -> _File:
    sheet = SheetFile(path, len(data), sha256(data).hexdigest(), sha512(data).hexdigest())
    return _File(Piece(path, data), sheet, origin)


def _stored(record: SourceRecord, files: FileStore, held: Mapping[str, str]) -> _File:
    try:
        stored = msgspec.json.decode(record.payload, type=_StoredRecord)
    except msgspec.MsgspecError:
        raise PermanentError("a record about a stored file cannot be read") from None
    path = file_path(stored.kind, stored.source_id, stored.path)
    if held.get(path) != stored.sha512 and not files.exists(stored.path):
        raise PermanentError("a stored file is not where its record says")
    location = files.url_for(stored.path)
    piece = StoredPiece(
        open=lambda: files.open(stored.path),
        size_bytes=stored.size_bytes,
        sha512=stored.sha512,
        sha256=stored.sha256,
        local_path=None if "://" in location else Path(location),
    )
    origin = {
        "path": path,
        "dataset": FILES,
        "kind": stored.kind.value,
        "source_id": stored.source_id,
        "stored_path": stored.path,
        "media_type": stored.media_type,
        "day": record.version.day.isoformat(),
    }
    sheet = SheetFile(path, stored.size_bytes, stored.sha256, stored.sha512)
    is_shown = stored.kind in _READABLE and stored.size_bytes <= _LARGEST_SHOWN
    return _File(Piece(path, piece), sheet, origin, is_transcript=is_shown)


def _kept(before: Inventory, there: set[str], open_archived: OpenArchived) -> Iterator[_File]:
    """What the newest version holds and the source does not have any more: nothing is ever dropped."""
    left = [path for path in before.state if path not in there and path not in _MADE_HERE]
    if not left:
        return
    digests = {where: digest for digest, paths in before.fixity.get("sha256", {}).items() for where in paths}
    with open_archived(PROVENANCE) as stream:
        origins = {origin["path"]: origin for origin in json.load(stream)}
    for path in left:
        digest, origin = before.state[path], origins.get(path, {"path": path})
        size = origin.get("size_bytes")
        # its bytes are in the object already, so it is not read again
        piece = StoredPiece(open=partial(open_archived, path), size_bytes=size or 0, sha512=digest)
        sheet = SheetFile(path, size, digests.get(before.content_path(path)), digest)
        yield _File(Piece(path, piece), sheet, {**origin, "is_kept": True})


def _deletions(deleted: Sequence[SourceRecord]) -> _File:
    """Without times: two writers of the same tombstone must not make two versions."""
    said = [{"dataset": each.dataset, "record_id": each.record_id, "shape": each.shape} for each in deleted]
    return _of_bytes(DELETIONS, rfc8785.dumps(said), {"path": DELETIONS})


def _sheet(object_id: str, records: Sequence[SourceRecord], parts: Sequence[_File]) -> Sheet:
    contents = [(record, _object_of(record.payload)) for record in records]
    engagement: dict[str, Any] = {}
    for record, content in contents:
        if record.dataset == ENGAGEMENTS:
            engagement = {**content, **{name: value for name, value in engagement.items() if value not in (None, "")}}
    return Sheet(
        object_id=object_id,
        facts=list(_facts(engagement)),
        timeline=list(_timeline(engagement, contents)),
        notes=[_note(content) for record, content in contents if record.dataset == "zoom/notes"],
        dispositions=[
            str(content.get("disposition_name") or content.get("disposition_id") or "")
            for record, content in contents
            if record.dataset == "zoom/dispositions"
        ],
        transcripts={part.piece.path: turns for part in parts if part.is_transcript and (turns := _turns(part.piece))},
        deleted=[
            f"{record.dataset} {record.record_id}"
            for record in records
            if record.version.is_deleted and record.dataset != FILES
        ],
        files=[part.sheet for part in parts],
    )


def _object_of(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _facts(engagement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("engagement_id", "direction", "start_time", "end_time"):
        if engagement.get(name):
            yield name.replace("_", " "), str(engagement[name])
    for name, keys in (
        ("channels", ("channel", "channel_source")),
        ("consumers", ("consumer_display_name", "consumer_number", "consumer_email", "display_name")),
        ("queues", ("queue_name",)),
        ("agents", ("display_name", "user_id")),
        ("flows", ("flow_name",)),
    ):
        items = engagement.get(name)
        texts = [_words(item, keys) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        if any(texts):
            yield name, "; ".join(filter(None, texts))


def _words(item: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(str(item[key]) for key in keys if item.get(key))


def _timeline(
    engagement: Mapping[str, Any], contents: Sequence[tuple[SourceRecord, Mapping[str, Any]]]
) -> Iterator[tuple[str, str]]:
    moments = [
        (str(engagement[name]), word)
        for name, word in (("start_time", "started"), ("end_time", "ended"))
        if engagement.get(name)
    ]
    times = {
        "zoom/recordings": "recording_start_time",
        "zoom/voicemails": "created_at",
        "zoom/email_messages": "sent_time",
    }
    words = {"zoom/recordings": "recording", "zoom/voicemails": "voicemail", "zoom/email_messages": "e-mail"}
    for record, content in contents:
        if record.dataset in times and content.get(times[record.dataset]):
            moments.append((str(content[times[record.dataset]]), f"{words[record.dataset]} {record.record_id}"))
        events = content.get("events") if record.dataset == "zoom/engagement_events" else None
        for event in events if isinstance(events, list) else ():
            if isinstance(event, dict):
                what = _words(event, ("event_type", "queue_name", "user_display_name", "transfer_to_user_display_name"))
                moments.append((str(event.get("start_time") or ""), what))
    yield from sorted(moments)


def _note(content: Mapping[str, Any]) -> tuple[str, str]:
    return _words(content, ("user_id", "last_modified_time")), str(content.get("note") or "")


def _turns(piece: Piece) -> list[Turn]:
    """For reading along only: a transcript that cannot be read is there as a file."""
    if isinstance(piece.content, bytes):
        return []
    try:
        with piece.content.open() as stream:
            return parse_transcript(stream.read())[1]
    except (RecordRejected, FileNotFoundError):
        return []
