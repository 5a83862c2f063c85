"""Engagements as the mart hands them to the exports, made up."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Any

from zcc_pipeline.exports.activity import Activity, Media, NoteVersion

FIRST = datetime(2026, 11, 2, 8, tzinfo=UTC)
CHANNELS = (("voice", None), ("messaging", "sms"), ("video", None), ("email", None), ("messaging", "web"))
AGENTS = (("Alma Reyes", "alma.reyes@centre.example"), ("Bo Lindqvist", "bo.lindqvist@centre.example"))
BARE: dict[str, Any] = dict.fromkeys(
    (
        "channel_source", "direction", "queue_id", "queue_name", "flow_name", "agent_name", "agent_email",
        "customer_name", "customer_phone", "customer_email", "account_number", "duration_seconds", "waiting_seconds",
        "talk_seconds", "handle_seconds", "is_answered", "is_abandoned", "notes_text", "transcript_text",
        "survey_score", "completeness_status",
    )
) | {"note_versions": (), "dispositions": (), "recordings": (), "voicemails": ()}  # fmt: skip
"""Everything that an engagement may be without."""


def engagement(number: int, **changes: Any) -> Activity:
    """One of an endless row of finished engagements: every number another channel, customer and agent."""
    engagement_id = f"eng-{number:05d}"
    channel, source = CHANNELS[number % len(CHANNELS)]
    agent_name, agent_email = AGENTS[number % len(AGENTS)]
    started = FIRST + timedelta(minutes=7 * number)
    note = note_version(engagement_id, 1, f"First note about {engagement_id}", author=agent_name)
    made = Activity(
        engagement_id=engagement_id,
        activity_hash="",
        started_date=started.date(),
        started_at=started,
        ended_at=started + timedelta(seconds=300),
        channel=channel,
        channel_source=source,
        direction="outbound" if number % 4 == 3 else "inbound",
        queue_id=f"queue-{number % 3}",
        queue_name=("Support", "Sales", "Billing")[number % 3],
        flow_name="Main flow",
        agent_name=agent_name,
        agent_email=agent_email,
        customer_name=f"Customer {number}",
        customer_phone=phone(number),
        customer_email=email(number),
        account_number="+14155550100",
        duration_seconds=300,
        waiting_seconds=20,
        talk_seconds=250,
        handle_seconds=280,
        is_answered=True,
        is_abandoned=False,
        subject=f"{channel.capitalize()} about matter {number}",
        summary=f"Matter {number} was settled",
        body_text=f"Matter {number} was settled.\nQueue: Support",
        body_html=f"<p>Matter {number} was settled.<br>Queue: Support</p>",
        notes_text=note.text,
        note_versions=(note,),
        dispositions=("Resolved",),
        transcript_text=f"Agent: What can I do about matter {number}?\nCustomer: A good deal, I hope.",
        recordings=(recording(engagement_id),) if channel in {"voice", "video"} else (),
        voicemails=(),
        survey_score=4.0,
        completeness_status="stored",
        is_deleted_at_source=False,
        changed_at=started + timedelta(hours=1),
    )
    return changed(made, **changes)


def changed(activity: Activity, **changes: Any) -> Activity:
    """The same engagement with other values, and the hash that the mart would give it."""
    made = replace(activity, **changes)
    content = {name: value for name, value in asdict(made).items() if name not in {"activity_hash", "changed_at"}}
    return replace(made, activity_hash=blake2b(repr(content).encode(errors="replace"), digest_size=16).hexdigest())


def with_note(activity: Activity, text: str, *, note_id: str = "late") -> Activity:
    """One note more."""
    note = note_version(activity.engagement_id, 1, text, note_id=f"{activity.engagement_id}-{note_id}")
    return _with_versions(activity, (*activity.note_versions, note))


def with_edited_note(activity: Activity, text: str) -> Activity:
    """The first note has another wording now."""
    first, *others = activity.note_versions
    version = replace(first, version=first.version + 1, text=text, written_at=first.written_at + timedelta(hours=2))
    return _with_versions(activity, (replace(first, is_current=False), version, *others))


def without_first_note(activity: Activity) -> Activity:
    """The first note was taken away at the source."""
    first, *others = activity.note_versions
    gone = replace(first, version=first.version + 1, is_deletion=True, written_at=first.written_at + timedelta(hours=3))
    return _with_versions(activity, (replace(first, is_current=False), gone, *others))


def _with_versions(activity: Activity, versions: tuple[NoteVersion, ...]) -> Activity:
    current = [each.text for each in versions if each.is_current and not each.is_deletion]
    return changed(activity, note_versions=versions, notes_text="\n\n".join(current) or None)


def note_version(
    engagement_id: str, version: int, text: str, *, note_id: str | None = None, author: str = "Alma Reyes"
) -> NoteVersion:
    return NoteVersion(
        note_id=note_id or f"{engagement_id}-note",
        version=version,
        text=text,
        author_name=author,
        author_email=None,
        written_at=FIRST + timedelta(days=1, minutes=version),
        is_current=True,
        is_deletion=False,
    )


def recording(engagement_id: str) -> Media:
    path = f"recording/date=2026-11-02/{engagement_id}.mp3"
    body = sound_of(path)
    return Media(
        kind="recording",
        source_id=f"rec-{engagement_id}",
        started_at=FIRST,
        seconds=250,
        path=path,
        media_type="audio/mpeg",
        size_bytes=len(body),
        sha256=sha256(body).hexdigest(),
    )


def sound_of(path: str) -> bytes:
    """What the file store has there."""
    return b"ID3" + path.encode() * 20


def phone(number: int) -> str:
    """A Swiss number of the customer of that number."""
    return f"+4144668{number:04d}"


def email(number: int) -> str:
    return f"customer.{number}@people.example"


def many(count: int) -> list[Activity]:
    """The first so many."""
    return [engagement(number) for number in range(count)]
