"""Files behind the download addresses: made when asked for, the same bytes each time.

Formats of transcripts are documented nowhere. Here recording transcripts are WebVTT with ``Speaker: text`` cues, web
chat transcripts JSON in the shape of Zoom's messaging messages, SMS and WhatsApp transcripts plain lines
``[time] Speaker: text``, voicemail transcripts plain text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from zcc_pipeline.simulator.zoom.account.conversation import Utterance, chat_turns, spoken_turns, voicemail_text
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail
from zcc_pipeline.simulator.zoom.account.moments import moment, precise_moment
from zcc_pipeline.simulator.zoom.account.sound import mp4, wav

OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Media:
    """One file as a download gives it. ``etag`` comes with its quotes."""

    body: bytes
    media_type: str
    file_name: str
    etag: str


def recording_media(recording: Recording) -> Media:
    """Audio of a voice recording, MP4 of a video recording."""
    if recording.engagement.has_channel("video"):
        length = int((recording.end - recording.start).total_seconds())
        body = mp4(recording.media_key, recording.recording_id, length)
        return _media(body, "video/mp4", recording.start, recording.recording_id, "VideoRecording.mp4")
    body = wav(recording.media_key, recording.recording_id)
    return _media(body, "audio/wav", recording.start, recording.recording_id, "VoiceRecording.wav")


def recording_transcript(recording: Recording) -> Media:
    """WebVTT; one cue a turn."""
    turns = spoken_turns(recording)
    length = (recording.end - recording.start).total_seconds()
    cues = ["WEBVTT\n"]
    for number, turn in enumerate(turns):
        following = turns[number + 1].offset_seconds if number + 1 < len(turns) else length
        until = max(turn.offset_seconds + 0.5, following - 0.2)
        cues.append(
            f"{number + 1}\n{_vtt_time(turn.offset_seconds)} --> {_vtt_time(until)}\n{turn.speaker}: {turn.text}\n"
        )
    return _media("\n".join(cues).encode(), OCTETS, recording.start, recording.transcript_id, "Transcript.vtt")


def messaging_transcript(engagement: Engagement) -> Media:
    """JSON for web chat, lines of text for SMS and WhatsApp."""
    if engagement.has_source("web_chat"):
        document = {
            "engagement_id": engagement.engagement_id,
            "messages": chat_messages(engagement),
        }
        body = json.dumps(document, ensure_ascii=False).encode()
        return _media(body, OCTETS, engagement.start, engagement.engagement_id, "ChatTranscript.json")
    lines = []
    for turn in chat_turns(engagement):
        sent = engagement.start + timedelta(seconds=int(turn.offset_seconds))
        lines.append(f"[{moment(sent)}] {turn.speaker}: {turn.text}".replace("\n", " "))
    body = ("\n".join(lines) + "\n").encode()
    return _media(body, OCTETS, engagement.start, engagement.engagement_id, "ChatTranscript.txt")


def chat_messages(engagement: Engagement) -> list[dict[str, object]]:
    """The messages of a messaging engagement in the shape of Zoom's messaging messages, oldest first."""
    return [_message(engagement, number, turn) for number, turn in enumerate(chat_turns(engagement))]


def voicemail_media(voicemail: Voicemail) -> Media:
    """Audio of a voicemail."""
    body = wav(voicemail.engagement.seed, voicemail.message_id)
    return _media(body, "audio/wav", voicemail.created_at, voicemail.message_id, "Voicemail.wav")


def voicemail_transcript(voicemail: Voicemail) -> Media:
    """One line of plain text without a speaker."""
    body = (voicemail_text(voicemail) + "\n").encode()
    return _media(body, OCTETS, voicemail.created_at, voicemail.message_id, "VoicemailTranscript.txt")


def _message(engagement: Engagement, number: int, turn: Utterance) -> dict[str, object]:
    sent = engagement.start + timedelta(seconds=turn.offset_seconds)
    agents = {agent.name: agent.user_id for agent in engagement.agents}
    sender = engagement.customer.consumer_id if turn.role == "customer" else agents.get(turn.speaker, turn.role)
    return {
        "message_id": f"{engagement.engagement_id}-{number:04d}",
        "content": {"type": "text", "value": turn.text},
        "sent_time": precise_moment(sent),
        "sender_participant_id": sender,
        "sender_participant_name": turn.speaker,
        "message_type": "system" if turn.role == "system" else "general",
    }


def _media(body: bytes, media_type: str, when: datetime, name: str, kind: str) -> Media:
    return Media(body, media_type, f"GMT{when:%Y%m%d-%H%M%S}_{name}_{kind}", f'"{name}"')


def _vtt_time(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{milliseconds:03d}"
