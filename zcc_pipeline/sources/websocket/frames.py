"""What Zoom sends over the socket: envelopes ``{"module", …}``, two of them seen with two shapes.

``{"module": "message", "content": …}`` carries an event, as a JSON string in one public client (jericho/ZoomNet,
``ZoomWebSocketClient``) and as an object in another (zoom/websocket-js-sample); ``heartbeat`` answers ours;
``build_connection`` says whether the token was accepted. Zoom's own documentation shows none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class EventFrame:
    """An event; ``body`` holds the event object's own bytes and may hold personal data."""

    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Alive:
    """The answer to a heartbeat (``is_answer``), or the word that the connection is accepted."""

    is_answer: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Zoom says no to the token, in a frame rather than by closing."""

    module: str


@dataclass(frozen=True, slots=True)
class OtherFrame:
    """A module that is not known; counted."""


class _Envelope(msgspec.Struct):
    module: str
    content: msgspec.Raw = msgspec.Raw()
    success: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(_Envelope)
_string = msgspec.json.Decoder(str)


def read_frame(data: bytes) -> EventFrame | Alive | Refusal | OtherFrame:
    """Sort one frame. Never raises: what has no known envelope is an event frame of its own bytes, to be kept.

    The sender is authentic (TLS and the token), so bytes that cannot be read are evidence rather than noise.
    """
    try:
        envelope = _envelope.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return EventFrame(data)
    if envelope.module == "message":
        return EventFrame(_event_bytes(envelope.content, whole=data))
    if envelope.module in ("heartbeat", "build_connection"):
        if bytes(envelope.success) == b"false":
            return Refusal(envelope.module)
        return Alive(is_answer=envelope.module == "heartbeat")
    return OtherFrame()


def _event_bytes(content: msgspec.Raw, *, whole: bytes) -> bytes:
    raw = bytes(content)
    if not raw.startswith(b'"'):
        return raw or whole
    try:
        return _string.decode(raw).encode()
    except (msgspec.MsgspecError, UnicodeError):
        return whole
