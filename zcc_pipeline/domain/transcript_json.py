"""JSON transcripts to turns: a list of messages under one of several names; each has text, and perhaps more."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.transcript import Turn

_LISTS = (
    "messages",
    "transcript",
    "transcripts",
    "turns",
    "segments",
    "utterances",
    "entries",
    "items",
    "timeline",
    "conversation",
    "chat",
    "data",
)
_TEXTS = ("text", "message", "content", "body", "value", "utterance", "transcript", "msg")
_SPEAKERS = (
    "speaker",
    "speaker_name",
    "sender_participant_name",
    "sender_name",
    "participant_name",
    "display_name",
    "user_name",
    "username",
    "sender",
    "from",
    "from_name",
    "participant",
    "author",
    "user",
    "name",
    "role",
)
_STARTS = (
    "offset_seconds",
    "start_seconds",
    "offset",
    "start",
    "start_time",
    "begin",
    "sent_time",
    "timestamp",
    "time",
    "ts",
    "date_time",
    "created_at",
    "offset_ms",
    "start_ms",
    "start_time_ms",
    "date_time_ms",
    "timestamp_ms",
)
_ENDS = ("end_seconds", "end", "end_time", "stop", "end_ms", "end_time_ms")
_DURATIONS = ("duration_seconds", "duration", "duration_ms")

_DEPTH = 3
_EPOCH_SECONDS = 1e9  # larger numbers are points in time, smaller ones offsets: 1e9 s would be a call of 31 years
_EPOCH_MILLISECONDS = 1e11


def find_messages(document: object, depth: int = _DEPTH) -> list[object] | str | None:
    """The list of messages, or the text where the whole transcript is one string; None where there is neither."""
    if isinstance(document, list):
        return document
    if depth == 0 or not isinstance(document, dict):
        return None
    for key in _LISTS:
        found = document.get(key)
        if isinstance(found, str) and found.strip():
            return _clean(found)
        if isinstance(found, list | dict):
            messages = find_messages(found, depth - 1)
            if messages is not None:
                return messages
    text = document.get("text")
    return _clean(text) if isinstance(text, str) and text.strip() else None


def parse_messages(messages: Sequence[object]) -> list[Turn]:
    """Turns of the messages that carry text; ``RecordRejected`` where there are messages and none does."""
    drafts = [draft for draft in map(_read_message, messages) if draft is not None]
    if messages and not drafts:
        raise RecordRejected("transcript is JSON whose messages hold no text")
    first = next((at for _, at, is_absolute, _, _ in drafts if at is not None and is_absolute), 0.0)
    return [
        Turn(
            number,
            speaker,
            None if at is None else round(at - first if is_absolute else at, 3),
            None if duration is None else round(duration, 3),
            text,
        )
        for number, (speaker, at, is_absolute, duration, text) in enumerate(drafts, 1)
    ]


_Draft = tuple[str | None, float | None, bool, float | None, str]


def _read_message(message: object) -> _Draft | None:
    if isinstance(message, str):
        return (None, None, False, None, _clean(message)) if message.strip() else None
    if not isinstance(message, dict):
        return None
    text = _read_text(message)
    if text is None:
        return None
    at, is_absolute = _first_time(message, _STARTS)
    duration, _ = _first_time(message, _DURATIONS)
    if duration is None and at is not None:
        end, end_is_absolute = _first_time(message, _ENDS)
        if end is not None and end_is_absolute == is_absolute:
            duration = end - at
    return _read_speaker(message), at, is_absolute, None if duration is None else max(0.0, duration), text


def _read_text(message: Mapping[str, object]) -> str | None:
    for key in _TEXTS:
        found = message.get(key)
        if isinstance(found, str) and found.strip():
            return _clean(found)
        if isinstance(found, dict):  # Zoom's messages: {"content": {"type": "text", "value": …}}
            inner = _read_text(found)
            if inner is not None:
                return inner
        if found and isinstance(found, dict | list):  # a card or a list of attachments: kept as it is
            return _clean(json.dumps(found, ensure_ascii=False))
    return None


def _read_speaker(message: Mapping[str, object]) -> str | None:
    for key in _SPEAKERS:
        found = message.get(key)
        if isinstance(found, str) and found.strip():
            return _clean(found)
        if isinstance(found, dict):
            inner = _read_speaker(found)
            if inner is not None:
                return inner
    return None


def _first_time(message: Mapping[str, object], keys: Sequence[str]) -> tuple[float | None, bool]:
    """Seconds, and whether they count from the epoch rather than from the start."""
    for key in keys:
        found = message.get(key)
        if isinstance(found, str):
            seconds = _read_clock(found)
            if seconds is not None:
                return seconds
            found = _as_number(found)
        if isinstance(found, int | float) and not isinstance(found, bool):
            seconds = _read_number(found, is_milliseconds=key.endswith("_ms"))
            if seconds is not None:
                return seconds
    return None, False


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _read_number(value: float, *, is_milliseconds: bool) -> tuple[float, bool] | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    if not math.isfinite(number):
        return None
    if abs(number) >= _EPOCH_MILLISECONDS:
        return number / 1000, True
    if is_milliseconds:
        return number / 1000, False
    return number, number >= _EPOCH_SECONDS


def _read_clock(text: str) -> tuple[float, bool] | None:
    """``2026-11-20T10:32:05Z`` from the epoch, ``00:10:32.5`` from the start."""
    parts = text.strip().split(":")
    if len(parts) in (2, 3) and all(part.replace(".", "", 1).isdecimal() for part in parts):
        seconds = sum(float(part) * 60.0**power for power, part in enumerate(reversed(parts)))
        return (seconds, False) if math.isfinite(seconds) else None
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), True
    except (ValueError, OverflowError):
        return None


def _clean(text: str) -> str:
    """Without what no database or encoder takes: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd").strip()
