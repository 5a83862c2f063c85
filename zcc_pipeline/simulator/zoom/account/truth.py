"""What the account really contains at a moment, as a JSON document that tests compare a reader's result against."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.conversation import chat_turns, mails, spoken_turns
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Note, Recording, Voicemail
from zcc_pipeline.simulator.zoom.account.expectations import Reader, expectations
from zcc_pipeline.simulator.zoom.account.media import (
    Media,
    messaging_transcript,
    recording_media,
    recording_transcript,
    voicemail_media,
    voicemail_transcript,
)
from zcc_pipeline.simulator.zoom.account.moments import moment

Json = dict[str, Any]


def truth(account: Account, at: datetime | None = None) -> Json:
    """Everything, as of a moment (by default now), for a reader that has watched since the account was opened.

    Engagements that have not started yet are left out; open ones are there with ``is_closed`` false and no artefacts.
    """
    at = account.now() if at is None else at
    longest = max(inbox.retention_days for inbox in account.population.inboxes)
    reader = Reader(account.opened_at, at, timedelta(days=longest))
    people = account.population
    return {
        "as_of": at.isoformat(),
        "opened_at": account.opened_at.isoformat(),
        "spec": asdict(account.spec) | {"last_day": account.spec.last_day.isoformat()},
        "catalogue": {
            "queues": len(people.queues),
            "users": len(people.users),
            "flows": len(people.flows),
            "inboxes": len(people.inboxes),
            "teams": len(people.teams),
            "dispositions": len(people.dispositions),
            "disposition_sets": len(people.disposition_sets),
        },
        "engagements": [_engagement(item, reader) for item in account.engagements if item.start <= at],
    }


def write_truth(path: Path, account: Account, at: datetime | None = None) -> None:
    """Write ``truth`` to a file that appears whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(truth(account, at), ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def _engagement(item: Engagement, reader: Reader) -> Json:
    at = reader.at
    closed = item.is_closed(at)
    return {
        "engagement_id": item.engagement_id,
        "scenario": item.scenario,
        "start_time": moment(item.start),
        "end_time": moment(item.end),
        "is_closed": closed,
        "channels": [channel for channel, _ in item.channels],
        "channel_sources": [source for _, source in item.channels],
        "direction": item.direction,
        "customer": {
            "number": item.customer.number,
            "phone": item.customer.e164,
            "email": item.customer.email,
            "consumer_id": item.customer.consumer_id,
        },
        "agents": [agent.user_id for agent in item.agents],
        "queues": [queue.queue_id for queue in item.queues],
        "notes": [_note(note, reader) for note in item.notes if closed and note.version_at(at) is not None],
        "dispositions": [chosen.disposition_id for chosen in item.dispositions if closed and chosen.since <= at],
        "recordings": [_recording(each, reader) for each in item.recordings if each.listed_at <= at],
        "voicemails": [_voicemail(each, reader) for each in item.voicemails if each.listed_at <= at],
        "survey_id": item.survey.survey.survey_id if item.survey else None,
        "email_messages": sum(mail.sent_at <= at for mail in mails(item)) if item.has_channel("email") else 0,
        "messaging_transcript_sha256": _digest(messaging_transcript(item)) if _has_transcript(item, at) else None,
        "turns": _turns(item, reader),
        "artefacts": _artefacts(item, reader) if closed else {},
    }


def _artefacts(item: Engagement, reader: Reader) -> Json:
    return {
        kind: {
            "status": found.status,
            "reason": found.reason,
            "items": found.items,
            "available_at": None if found.available_at is None else moment(found.available_at),
        }
        for kind, found in expectations(item, reader).items()
    }


def _note(note: Note, reader: Reader) -> Json:
    current = note.version_at(reader.at)
    if current is None:
        raise ValueError("a note that does not exist yet has no truth")
    so_far = [version for version in note.versions if version.since <= reader.at]
    before = sum(version.since <= reader.opened_at for version in so_far)
    return {
        "note_id": note.note_id,
        "note": current.text,
        "last_modified_time": moment(current.since),
        "versions": len(so_far),
        "versions_since_opening": len(so_far) - max(0, before - 1),
    }


def _recording(item: Recording, reader: Reader) -> Json:
    at = reader.at
    observable = reader.could_see_recording(item)
    has_transcript = _could_fetch_transcript(item, reader)
    return {
        "recording_id": item.recording_id,
        "is_deleted": item.deleted_at is not None and item.deleted_at <= at,
        "is_observable": observable,
        "media_sha256": _digest(recording_media(item)) if observable and not item.is_media_gone else None,
        "transcript_sha256": _digest(recording_transcript(item)) if has_transcript else None,
        "transcript_available_at": None if item.transcript_at is None else moment(item.transcript_at),
    }


def _voicemail(item: Voicemail, reader: Reader) -> Json:
    observable = reader.could_see_voicemail(item)
    has_transcript = observable and item.transcript_at is not None and item.transcript_at <= reader.at
    return {
        "message_id": item.message_id,
        "inbox_id": item.inbox.inbox_id,
        "is_marked_deleted": item.is_marked_deleted(reader.at),
        "is_removed": item.removed_at <= reader.at,
        "is_observable": observable,
        "media_sha256": _digest(voicemail_media(item)) if observable else None,
        "transcript_sha256": _digest(voicemail_transcript(item)) if has_transcript else None,
        "transcript_available_at": None if item.transcript_at is None else moment(item.transcript_at),
    }


def _turns(item: Engagement, reader: Reader) -> dict[str, int]:
    counts = {
        each.recording_id: len(spoken_turns(each)) for each in item.recordings if _could_fetch_transcript(each, reader)
    }
    if _has_transcript(item, reader.at):
        counts[item.engagement_id] = len(chat_turns(item))
    for voicemail in item.voicemails:
        if (
            voicemail.transcript_at is not None
            and voicemail.transcript_at <= reader.at
            and reader.could_see_voicemail(voicemail)
        ):
            counts[voicemail.message_id] = 1
    return counts


def _has_transcript(item: Engagement, at: datetime) -> bool:
    return item.transcript_at is not None and item.transcript_at <= at


def _could_fetch_transcript(item: Recording, reader: Reader) -> bool:
    """Whether there was a moment since the opening at which the transcript could be read."""
    if item.transcript_at is None or item.transcript_at > reader.at:
        return False
    return item.deleted_at is None or item.deleted_at > max(reader.opened_at, item.transcript_at)


def _digest(media: Media) -> str:
    return sha256(media.body).hexdigest()
