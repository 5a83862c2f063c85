"""What a file is, by its first bytes: servers declare ``octet-stream``, and error pages come with status 200."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

HEAD_BYTES = 4_096
"""How much of a file is looked at."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_XML_ERROR = re.compile(rb"<\?xml[^>]*\?>\s*<(!doctype\s+html|html|error)\b", re.IGNORECASE)
_COMMENT = re.compile(rb"\s*<!--.*?-->", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MEDIA_TYPE = re.compile(r"(audio|video)/[a-z0-9.+-]{1,60}")


@dataclass(frozen=True, slots=True)
class FileType:
    """Media type and extension (without a dot)."""

    media_type: str
    extension: str


WAV = FileType("audio/wav", "wav")
MP3 = FileType("audio/mpeg", "mp3")
MP4 = FileType("video/mp4", "mp4")
M4A = FileType("audio/mp4", "m4a")
VTT = FileType("text/vtt", "vtt")
JSON = FileType("application/json", "json")
TEXT = FileType("text/plain", "txt")


def sniff(head: bytes, declared: str | None = None) -> FileType:
    """The type by content. ``declared`` is only a hint, used for media that nobody here recognises."""
    found = _media_type(head) or _text_type(head.removeprefix(_BYTE_ORDER_MARK))
    if found is not None:
        return found
    is_media = declared is not None and _MEDIA_TYPE.fullmatch(declared.lower())
    return FileType(declared.lower() if declared and is_media else "application/octet-stream", "bin")


def _media_type(head: bytes) -> FileType | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return WAV
    if head[:3] == b"ID3" or _is_mpeg_audio_frame(head):
        return MP3
    if head[4:8] == b"ftyp":
        return M4A if head[8:11] == b"M4A" else MP4
    return None


def _text_type(text: bytes) -> FileType | None:
    if re.match(rb"WEBVTT(\s|$)", text):
        return VTT
    if not _is_text(text):
        return None
    return JSON if text.lstrip()[:1] in (b"{", b"[") else TEXT


def error_page(head: bytes) -> str | None:
    """What kind of error message the bytes are, where they are one in the place of a file; None for a file."""
    text = _COMMENT.sub(b"", head.removeprefix(_BYTE_ORDER_MARK)).lstrip()
    if _HTML.match(text):
        return "an HTML page"
    if _XML_ERROR.match(text):
        return "an XML error"
    if len(head) < HEAD_BYTES and text[:1] == b"{" and _is_api_error(text):
        return "an API error"
    return None


def _is_api_error(text: bytes) -> bool:
    """Zoom's error body: an object of a numeric ``code`` and a ``message``, and at most ``errors`` beside them."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return {"code", "message"} <= body.keys() <= {"code", "message", "errors"} and isinstance(body["code"], int)


def _is_mpeg_audio_frame(head: bytes) -> bool:
    """An MPEG frame header: eleven bits of sync, then version, layer, bit rate and sampling rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    bit_rate, sampling = head[2] >> 4, (head[2] >> 2) & 3
    return version != 1 and layer != 0 and bit_rate not in (0, 15) and sampling != 3


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters; the last character may be cut off by the end of the head."""
    for cut in range(4 if len(head) >= HEAD_BYTES - len(_BYTE_ORDER_MARK) else 1):
        try:
            return not _CONTROL.search(head[: len(head) - cut].decode())
        except UnicodeDecodeError:
            continue
    return False
