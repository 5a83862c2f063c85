"""Page tokens: opaque, signed, bound to the filters they were given for, and dead after a while (15 minutes at Zoom).

A token also carries the moment its listing began, so that all pages of one listing show the account at one instant.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from zcc_pipeline.simulator.zoom.answers import CallRefusedError, refuse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = struct.Struct(">IQQ8s")
_SIGNATURE_BYTES = 10


@dataclass(frozen=True, slots=True)
class PagePosition:
    """Where a listing goes on."""

    offset: int
    at: datetime


class PageTokens:
    """Issues and reads page tokens; keeps nothing."""

    def __init__(self, *, secret: bytes, lifetime_seconds: float, monotonic: Callable[[], float]) -> None:
        self._secret = secret
        self._lifetime = lifetime_seconds
        self._monotonic = monotonic

    def issue(self, position: PagePosition, binding: bytes) -> str:
        """A token of under 100 characters for ``position``, good only with the same ``binding`` (8 bytes)."""
        at_us = (position.at - _EPOCH) // timedelta(microseconds=1)
        fields = _FIELDS.pack(position.offset, at_us, int(self._monotonic() * 1_000_000), binding)
        return base64.urlsafe_b64encode(fields + self._sign(fields)).decode().rstrip("=")

    def read(self, token: str, binding: bytes) -> PagePosition:
        """The position; code 300 where the token is forged, expired or used with other filters."""
        offset, at_us, issued_us, bound_to = self._unpack(token)
        if bound_to != binding:
            raise _token_error("it was given for other filters")
        if self._monotonic() - issued_us / 1_000_000 > self._lifetime:
            raise token_expired()
        return PagePosition(offset, _EPOCH + timedelta(microseconds=at_us))

    def peek_offset(self, token: str | None) -> int:
        """The offset inside a token, whatever its state; 0 where there is none."""
        if not token:
            return 0
        try:
            return self._unpack(token)[0]
        except CallRefusedError:
            return 0

    def _unpack(self, token: str) -> tuple[int, int, int, bytes]:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            raise _token_error("it is not one of ours") from None
        fields, signature = raw[: _FIELDS.size], raw[_FIELDS.size :]
        if len(fields) != _FIELDS.size or not hmac.compare_digest(signature, self._sign(fields)):
            raise _token_error("it is not one of ours")
        offset, at_us, issued_us, bound_to = _FIELDS.unpack(fields)
        return offset, at_us, issued_us, bound_to

    def _sign(self, fields: bytes) -> bytes:
        return hmac.digest(self._secret, fields, "sha256")[:_SIGNATURE_BYTES]


def bind(path: str, filters: tuple[tuple[str, str], ...]) -> bytes:
    """Eight bytes that stand for one listing: its path and everything that selects rows."""
    return hashlib.blake2b(repr((path, filters)).encode(), digest_size=8).digest()


def token_expired() -> CallRefusedError:
    """What an old token gets."""
    return _token_error("it has expired")


def _token_error(reason: str) -> CallRefusedError:
    return refuse(400, 300, f"The next page token is invalid: {reason}.")
