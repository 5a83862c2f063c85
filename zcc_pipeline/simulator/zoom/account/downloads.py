"""Which file a download address gives at a moment, if any."""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail
from zcc_pipeline.simulator.zoom.account.media import (
    Media,
    messaging_transcript,
    recording_media,
    recording_transcript,
    voicemail_media,
    voicemail_transcript,
)


def find_media(account: Account, kind: str, key: str, at: datetime) -> Media | None:
    """The file behind ``key`` (see ``Account.resolve_download`` for kinds); None where Zoom would answer 404.

    That is: unknown, not there yet, deleted, past retention, or listed but gone.
    """
    item = account.resolve_download(kind, key)
    if isinstance(item, Recording):
        return _of_recording(item, kind, at)
    if isinstance(item, Voicemail):
        return _of_voicemail(item, kind, at)
    if isinstance(item, Engagement) and item.transcript_at is not None and item.transcript_at <= at:
        return messaging_transcript(item)
    return None


def _of_recording(item: Recording, kind: str, at: datetime) -> Media | None:
    if not item.is_listed(at):
        return None
    if kind == "recording":
        return None if item.is_media_gone else recording_media(item)
    return recording_transcript(item) if item.transcript_at is not None and item.transcript_at <= at else None


def _of_voicemail(item: Voicemail, kind: str, at: datetime) -> Media | None:
    if not item.is_listed(at):
        return None
    if kind == "voicemail":
        return voicemail_media(item)
    return voicemail_transcript(item) if item.transcript_at is not None and item.transcript_at <= at else None
