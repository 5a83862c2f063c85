"""Download addresses and back. A recording's address is made anew for each answer, as Zoom does."""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_MIX = 0xD6E8_FEB8_6659_FD93


def recording_url(recording: Recording, at: datetime, base: str, *, action: str = "download") -> str:
    """Address of the media; its identifier changes with ``at`` and still leads back to the recording."""
    return f"{base}/contact_center/recording/{action}/{_changing_id(recording.media_key, at)}?type={_kind(recording)}"


def recording_transcript_url(recording: Recording, at: datetime, base: str) -> str:
    """Address of the transcript; empty until it is there."""
    if recording.transcript_at is None or at < recording.transcript_at:
        return ""
    return f"{base}/contact_center/recording/transcripts/download/{recording.transcript_id}?type={_kind(recording)}"


def messaging_transcript_url(engagement: Engagement, at: datetime, base: str) -> str:
    """Address of the transcript of a messaging engagement; empty until it is there."""
    if engagement.transcript_at is None or at < engagement.transcript_at:
        return ""
    return f"{base}/contact_center/engagements/transcripts/download/{engagement.engagement_id}"


def voicemail_url(voicemail: Voicemail, base: str, *, action: str = "download") -> str:
    """Address of a voicemail's audio."""
    return f"{base}/contact_center/inbox/message/{action}/{voicemail.message_id}?type=voicemail"


def voicemail_transcript_url(voicemail: Voicemail, at: datetime, base: str) -> str:
    """Address of a voicemail's transcript; empty until it is there; always, where the inbox transcribes nothing."""
    if voicemail.transcript_at is None or at < voicemail.transcript_at:
        return ""
    return f"{base}/contact_center/inbox/message/transcripts/download/{voicemail.message_id}"


def media_key_of(changing_id: str) -> int | None:
    """The recording's key inside an identifier made by ``recording_url``; None where it is none of ours."""
    digits = changing_id.replace("-", "")
    try:
        mixed, nonce = int(digits[:16], 16), int(digits[16:], 16)
    except ValueError:
        return None
    return mixed ^ (nonce * _MIX & _MASK)


def _changing_id(key: int, at: datetime) -> str:
    nonce = int(at.timestamp() * 1_000_000) & _MASK
    text = f"{key ^ (nonce * _MIX & _MASK):016x}{nonce:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _kind(recording: Recording) -> str:
    return "video" if recording.engagement.has_channel("video") else "voice"
