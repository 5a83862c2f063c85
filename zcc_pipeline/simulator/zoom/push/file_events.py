"""What Zoom pushes about recordings and voicemails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from zcc_pipeline.simulator.zoom.account.addresses import recording_transcript_url
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail
from zcc_pipeline.simulator.zoom.account.moments import precise_moment
from zcc_pipeline.simulator.zoom.push.event import (
    Json,
    Maker,
    PushedEvent,
    of_consumer,
    of_engagement,
    of_flow,
    of_flow_number,
    of_queue,
    of_user,
)

#: how long a deleted recording lies in the trash; assumed, no document says it of contact centre recordings
TRASH = timedelta(days=30)


def file_events(maker: Maker, engagement: Engagement) -> Iterator[PushedEvent]:
    """Everything about the engagement's recordings and voicemails."""
    for recording in engagement.recordings:
        yield from recording_events(maker, recording)
    for voicemail in engagement.voicemails:
        yield from voicemail_events(maker, voicemail)


def recording_events(maker: Maker, recording: Recording) -> Iterator[PushedEvent]:
    """Started, completed, transcribed, deleted. None of them carries the address of the media itself."""
    subject = recording.recording_id
    yield maker.event("recording_started", recording.start, _recording(recording), subject_id=subject)
    if recording.deleted_at is None or recording.listed_at <= recording.deleted_at:
        content = _recording(recording) | _span(recording)
        yield maker.event("recording_completed", recording.listed_at, content, subject_id=subject, time_field=None)
    ready = _after(recording.transcript_at, recording.listed_at)
    if ready is not None and (recording.deleted_at is None or ready <= recording.deleted_at):
        content = _recording(recording) | _span(recording)
        content["transcript_url"] = recording_transcript_url(recording, ready, maker.base_url)
        yield maker.event("recording_transcript_completed", ready, content, subject_id=subject, time_field=None)
    yield from deletion_events(maker, recording)


def deletion_events(maker: Maker, recording: Recording) -> Iterator[PushedEvent]:
    """Into the trash, and out of it for good; these two name the recording and nothing else."""
    if recording.deleted_at is None:
        return
    purged_at = recording.purged_at or recording.deleted_at + TRASH
    names = {"recording_deleted": recording.deleted_at, "recording_permanently_deleted": purged_at}
    if purged_at == recording.deleted_at:
        del names["recording_deleted"]
    for name, at in names.items():
        yield maker.event(name, at, {"recording_id": recording.recording_id}, subject_id=recording.recording_id)


def voicemail_events(maker: Maker, voicemail: Voicemail) -> Iterator[PushedEvent]:
    """Received, transcribed (where the inbox transcribes), deleted. What retention takes away goes in silence."""
    message_id = voicemail.message_id
    yield maker.event("inbox_message_received", voicemail.listed_at, _message(voicemail), subject_id=message_id)
    ready = _after(voicemail.transcript_at, voicemail.listed_at)
    if ready is not None:
        content = _transcribed(maker, voicemail)
        yield maker.event("voicemail_transcript_completed", ready, content, subject_id=message_id)
    if voicemail.marked_deleted_at is not None:
        yield voicemail_deleted(maker, voicemail)


def voicemail_deleted(maker: Maker, voicemail: Voicemail) -> PushedEvent:
    """Somebody deleted it; it stays listed with another status."""
    if voicemail.marked_deleted_at is None:
        raise ValueError("a voicemail that nobody deleted has no such event")
    content = _message(voicemail) | {"delete_type": "Soft delete"}
    if voicemail.queue.agents:
        content |= of_user(voicemail.queue.agents[0])
    return maker.event("inbox_message_deleted", voicemail.marked_deleted_at, content, subject_id=voicemail.message_id)


def _after(at: datetime | None, other: datetime) -> datetime | None:
    """What comes with the same second is told a second later, so that milliseconds cannot turn the order round."""
    return None if at is None else max(at, other + timedelta(seconds=1))


def _recording(recording: Recording) -> Json:
    engagement, agent, queue = recording.engagement, recording.agent, recording.queue
    return {
        "recording_id": recording.recording_id,
        "engagement_id": engagement.engagement_id,
        "engagement_direction": engagement.direction,
        "channel": "video" if engagement.has_channel("video") else "voice",
        "recording_type": "automatic" if recording.is_automatic else "on_demand",
        **of_flow(engagement),
        **of_queue(queue),
        "owner_id": queue.queue_id if recording.is_automatic else agent.user_id,
        "owner_name": queue.name if recording.is_automatic else agent.name,
        "owner_type": "queue" if recording.is_automatic else "user",
        "users": [of_user(agent)],
        "consumers": [of_consumer(engagement)],
    }


def _span(recording: Recording) -> Json:
    return {
        "recording_start_time_ms": precise_moment(recording.start),
        "recording_end_time_ms": precise_moment(recording.end),
        "recording_duration": int((recording.end - recording.start).total_seconds()),
    }


def _message(voicemail: Voicemail) -> Json:
    engagement = voicemail.engagement
    content = of_engagement(engagement) | of_queue(voicemail.queue) | of_flow_number(engagement)
    return content | {
        "consumer_number": engagement.consumer_number,
        "inbox_id": voicemail.inbox.inbox_id,
        "inbox_name": voicemail.inbox.name,
        "message_id": voicemail.message_id,
    }


def _transcribed(maker: Maker, voicemail: Voicemail) -> Json:
    """The address has another shape than the one in the list of messages, as in Zoom's own sample."""
    engagement, message_id = voicemail.engagement, voicemail.message_id
    return {
        "message_id": message_id,
        "inbox_id": voicemail.inbox.inbox_id,
        "inbox_name": voicemail.inbox.name,
        "engagement_id": engagement.engagement_id,
        **of_flow(engagement),
        **of_queue(voicemail.queue),
        "transcript_url": f"{maker.base_url}/contact_center/voicemail/transcripts/download/{message_id}?type=voice",
        "message_duration": voicemail.seconds,
        **of_consumer(engagement),
        "status": "normal",
    }
