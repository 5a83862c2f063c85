"""Zoom's webhook signature, version 0.

Signed text: ``v0:`` + ``x-zm-request-timestamp`` + ``:`` + the body's bytes as they came; ``x-zm-signature`` is ``v0=``
and the hex HMAC-SHA256 of it (https://developers.zoom.us/docs/api/webhooks/, read 2026-11). The body is never decoded
or serialised again before: other spellings of the same JSON are signed correctly too.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zcc_pipeline.sources.receiver.http import Refused, Request

SIGNATURE_HEADER = b"x-zm-signature"
TIMESTAMP_HEADER = b"x-zm-request-timestamp"

_TIMESTAMP = re.compile(rb"\d{1,13}")  # a colon in it would make the signed text ambiguous
_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138


@dataclass(frozen=True, slots=True)
class Authentic:
    """Signed by somebody who has one of the secrets."""

    secret: bytes = field(repr=False)
    """The one that it was signed with."""
    age_seconds: float
    """Now, less the time that was signed; below zero where that lies ahead."""


def sign(secret: bytes, timestamp: bytes, body: bytes) -> bytes:
    """The value of ``x-zm-signature``."""
    return b"v0=" + hmac.digest(secret, b"v0:" + timestamp + b":" + body, "sha256").hex().encode()


def signed_headers(request: Request) -> tuple[bytes, bytes]:
    """Signature and time as sent. Refused with 401 where either is missing, given twice, or no time at all."""
    signatures, timestamps = request.values(SIGNATURE_HEADER), request.values(TIMESTAMP_HEADER)
    if not signatures or not timestamps:
        raise Refused(401, "missing_header")
    if len(signatures) > 1 or len(timestamps) > 1:
        raise Refused(401, "duplicate_header")
    if not _TIMESTAMP.fullmatch(timestamps[0]):
        raise Refused(401, "malformed_timestamp")
    return signatures[0], timestamps[0]


def authenticate(signature: bytes, timestamp: bytes, body: bytes, *, secrets: Sequence[bytes], now: float) -> Authentic:
    """Who signed it and when, ``now`` in seconds since the epoch. Refused with 401 where none of the secrets did."""
    for secret in secrets:
        if hmac.compare_digest(sign(secret, timestamp, body), signature):
            return Authentic(secret, now - _seconds(timestamp))
    raise Refused(401, "bad_signature")


def _seconds(timestamp: bytes) -> float:
    """Zoom sends seconds; milliseconds are understood too."""
    value = int(timestamp)
    return value / 1000 if value >= _MILLISECONDS_FROM else float(value)
