"""An engagement, as the mapping says it should stand in the CRM."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b, sha256
from typing import Any
from urllib.parse import quote

import msgspec

from zcc_pipeline.exports.activity import Activity, Media, NoteVersion
from zcc_pipeline.exports.cutting import clean
from zcc_pipeline.exports.destination import Attachment, CustomerKeys, Entry, Fields, Files, Outgoing
from zcc_pipeline.exports.mapping.model import BY_CHANNEL, NO_QUEUE, OTHERS, SKIP, Rule, Section
from zcc_pipeline.exports.mapping.reading import CrmMapping
from zcc_pipeline.exports.mapping.transforms import CannotConvert, apply, as_type

_MEBIBYTE = 1 << 20
_E164 = re.compile(r"\+[1-9][0-9]{5,14}", re.ASCII)
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_LONGEST_EMAIL = 254
_MODES = {"recording": "recordings", "voicemail": "voicemails"}
_PLAIN = tuple(each.name for each in fields(Activity))


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An engagement that the mapping makes nothing of: for the quarantine. Holds no personal data."""

    reason: str
    """``unmapped_channel``, ``unmapped_queue`` or ``unmappable_value``."""
    detail: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An engagement that the mapping keeps from this CRM on purpose."""

    reason: str
    """``queue`` or ``channel``."""


def map_activity(activity: Activity, mapping: CrmMapping, files: Files) -> Outgoing | Unmapped | LeftOut:
    """The record to be written, before anybody is looked up in the CRM. ``files`` is what attachments read from."""
    section = mapping.section
    target = _target(activity, section)
    if isinstance(target, (Unmapped, LeftOut)):
        return target
    found = section.targets[target]
    values = _values(activity, section)
    remark = _Remark(values["transcript_link"])
    try:
        made, cut_from = _fields(found.fields, values, remark)
        enrich, _ = _fields(section.coexistence.enrich_fields, values, remark)
    except CannotConvert as error:
        return Unmapped("unmappable_value", str(error))
    return Outgoing(
        engagement_id=activity.engagement_id,
        target=target,
        object=found.object,
        key_field=found.key,
        fields=made,
        keys=_keys(activity, section),
        customer_name=clean(activity.customer_name) if activity.customer_name else None,
        owner_email=_email(activity.agent_email) if section.owner.source else None,
        entries=_entries(activity) if section.notes == "entries" else (),
        attachments=_attachments(activity, section, files, is_cut="transcript_text" in cut_from),
        started_at=activity.started_at,
        is_deleted_at_source=activity.is_deleted_at_source,
        options=found.options,
        enrich=enrich,
        logged_as=_logged_as(section, values),
    )


def _logged_as(section: Section, values: Mapping[str, Any]) -> str | None:
    lookup = section.coexistence.lookup
    value = values[lookup.source] if lookup is not None else None
    return clean(as_type("text", value)) or None


def content_hash(outgoing: Outgoing, mapping: CrmMapping) -> str:
    """Of what the CRM would see: where it is the same, there is nothing to send."""
    section = mapping.section
    said = [
        outgoing.target,
        outgoing.object,
        outgoing.key_field,
        outgoing.fields,
        outgoing.enrich,
        [outgoing.keys.email, outgoing.keys.phone] if outgoing.keys else None,
        outgoing.customer_name,
        outgoing.owner_email,
        [entry.key for entry in outgoing.entries],
        [attachment.key for attachment in outgoing.attachments],
        outgoing.started_at,
        outgoing.is_deleted_at_source,
        outgoing.options,
        section.customer.model_dump(),
        section.owner.model_dump(),
    ]
    return blake2b(msgspec.json.encode(said, order="sorted"), digest_size=16).hexdigest()


def queue_rule(activity: Activity, rules: Mapping[str, str]) -> str | None:
    """What a table of queues says: by id, by name (case aside), then for all others; None where it is silent."""
    if activity.queue_id is None and activity.queue_name is None:
        return rules.get(NO_QUEUE, rules.get(OTHERS))
    if activity.queue_id is not None and activity.queue_id in rules:
        return rules[activity.queue_id]
    name = (activity.queue_name or "").strip().casefold()
    named = {key.strip().casefold(): rule for key, rule in rules.items() if key not in (OTHERS, NO_QUEUE)}
    return named.get(name, rules.get(OTHERS))


def _target(activity: Activity, section: Section) -> str | Unmapped | LeftOut:
    by_queue = queue_rule(activity, section.queues)
    if by_queue is None:
        return Unmapped("unmapped_queue", clean(activity.queue_name or activity.queue_id or NO_QUEUE))
    if by_queue == SKIP:
        return LeftOut("queue")
    if by_queue != BY_CHANNEL:
        return by_queue
    named = f"{activity.channel}/{activity.channel_source or ''}".casefold()
    by_channel = section.channels.get(named, section.channels.get(activity.channel))
    if by_channel is None:
        return Unmapped("unmapped_channel", clean(named.removesuffix("/")))
    return LeftOut("channel") if by_channel == SKIP else by_channel


def _values(activity: Activity, section: Section) -> dict[str, Any]:
    values = {name: getattr(activity, name) for name in _PLAIN}
    has_text = section.transcripts in ("field", "both", "field_then_attach")
    values["transcript_text"] = activity.transcript_text if has_text else None
    values["notes_text"] = activity.notes_text if section.notes == "field" else None
    values["dispositions"] = activity.dispositions or None
    recordings = _links(activity.recordings, "recording", section)
    voicemails = _links(activity.voicemails, "voicemail", section)
    transcripts = _links(activity.recordings, "recording_transcript", section)
    values["recording_link"], values["recording_links"] = recordings[:1] or None, recordings or None
    values["voicemail_link"], values["voicemail_links"] = voicemails[:1] or None, voicemails or None
    values["transcript_link"] = transcripts[:1] or None
    for name, value in values.items():
        if name.endswith(("_link", "_links")) and value:
            values[name] = "\n".join(value)
    return values


def _links(media: tuple[Media, ...], kind: str, section: Section) -> tuple[str, ...]:
    if section.link_url is None or getattr(section, _MODES.get(kind, ""), "link") == "none":
        return ()
    return tuple(
        section.link_url.replace("{path}", quote(each.path, safe="/-._~="))
        for each in media
        if each.kind == kind and each.path is not None
    )


@dataclass(frozen=True, slots=True)
class _Remark:
    """What stands below a text that was cut."""

    link: str | None

    def __call__(self) -> str:
        return f"[Shortened. Full text: {self.link}]" if self.link else "[Shortened.]"


def _fields(rules: Mapping[str, Rule], values: Mapping[str, Any], remark: _Remark) -> tuple[Fields, set[str]]:
    made: dict[str, Any] = {}
    cut_from: set[str] = set()
    for name, rule in rules.items():
        result = apply(rule, values, remark)
        if result.was_cut:
            cut_from.update(rule.attributes)
        if result.value is not None or rule.when_empty == "clear":
            made[name] = result.value
    return made, cut_from


def _keys(activity: Activity, section: Section) -> CustomerKeys | None:
    email = _email(activity.customer_email) if "email" in section.customer.match else None
    phone = activity.customer_phone if "phone" in section.customer.match else None
    if phone is not None and not _E164.fullmatch(phone):
        phone = None
    return CustomerKeys(email, phone) if email or phone else None


def _email(address: str | None) -> str | None:
    """As it is compared: in lower case; None for what is no address."""
    text = (address or "").strip().lower()
    return text if len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) else None


def _entries(activity: Activity) -> tuple[Entry, ...]:
    return tuple(_entry(note) for note in activity.note_versions)


def _entry(note: NoteVersion) -> Entry:
    what = "Note deleted" if note.is_deletion else "Note" if note.version <= 1 else "Note changed"
    by = f" by {clean(note.author_name)}" if note.author_name else ""
    head = f"{what}{by}, {note.written_at:%Y-%m-%d %H:%M} UTC"
    text = clean(note.text)
    body = html.escape(text).replace("\r\n", "\n").replace("\n", "<br>")
    return Entry(
        key=_note_key(note),
        text=f"{head}\n\n{text}",
        html=f"<p><b>{html.escape(head)}</b></p><p>{body}</p>",
        author_email=_email(note.author_email),
        written_at=note.written_at,
    )


def _note_key(note: NoteVersion) -> str:
    """Of what was said and when, not of its place in the history: a version that becomes known late moves all others
    up by one, and none of them may be appended again for that."""
    said = "\0".join((note.note_id, note.written_at.isoformat(), str(note.is_deletion), note.text))
    return f"note:{note.note_id}:{sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _attachments(activity: Activity, section: Section, files: Files, *, is_cut: bool) -> tuple[Attachment, ...]:
    found = [
        attachment
        for media, mode in ((activity.recordings, section.recordings), (activity.voicemails, section.voicemails))
        if mode == "attach"
        for each in media
        if each.kind in _MODES and (attachment := _file(each, section, files)) is not None
    ]
    wants_text = section.transcripts in ("attach", "both") or (section.transcripts == "field_then_attach" and is_cut)
    if wants_text and activity.transcript_text:
        found.append(_transcript(activity.engagement_id, activity.transcript_text))
    return tuple({attachment.key: attachment for attachment in found}.values())


def _file(media: Media, section: Section, files: Files) -> Attachment | None:
    if media.path is None or media.sha256 is None or media.size_bytes is None:
        return None
    if media.size_bytes > section.attach_up_to_mb * 1e6:
        return None
    suffix = media.path.rpartition("/")[2].rpartition(".")[2]
    return Attachment(
        key=f"file:{media.kind}:{media.source_id}:{media.sha256[:12]}",
        file_name=f"{media.kind}-{_safe_name(media.source_id)}.{_safe_name(suffix)}",
        media_type=media.media_type or "application/octet-stream",
        size_bytes=media.size_bytes,
        path=media.path,
        files=files,
    )


def _transcript(engagement_id: str, text: str) -> Attachment:
    body = clean(text).encode()
    digest = sha256(body).hexdigest()
    return Attachment(
        key=f"file:transcript:{engagement_id}:{digest[:12]}",
        file_name=f"transcript-{_safe_name(engagement_id)}.txt",
        media_type="text/plain; charset=utf-8",
        size_bytes=len(body),
        path=f"transcript/{digest}",
        files=_Made(body),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """A file made on the way, read like a stored one."""

    body: bytes = field(repr=False)

    async def read(self, path: str) -> AsyncIterator[bytes]:  # noqa: ARG002 - there is only this one
        for start in range(0, len(self.body), _MEBIBYTE):
            yield self.body[start : start + _MEBIBYTE]


def _safe_name(text: str) -> str:
    """Part of a file name that every CRM takes; different ids stay different."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", text, flags=re.ASCII)[:80]
    return safe if safe == text else f"{safe}-{blake2b(text.encode(errors='replace'), digest_size=4).hexdigest()}"
