"""Zoom's question whether this endpoint is ours: asked when the address is saved, and about every 72 h from then on.

``{"event": "endpoint.url_validation", "payload": {"plainToken"}}`` wants ``{"plainToken", "encryptedToken"}`` within
3 s, the latter the hex HMAC-SHA256 of the former. After six failures in a row Zoom switches the subscription off
(https://developers.zoom.us/docs/api/webhooks/, read 2026-11). So nothing here may depend on a disk or a database.
"""

from __future__ import annotations

import hmac
import re

import msgspec

from zcc_pipeline.sources.receiver.http import Outcome, Refused

URL_VALIDATION = "endpoint.url_validation"
CHALLENGE_NOTE = "challenge"
"""Name under which the inbox remembers when Zoom last asked."""

# Zoom's are 22 letters and digits. No colon: an answer must never be the signature of some "v0:time:body".
_PLAIN_TOKEN = re.compile(r"[!-9;-~]{1,200}")


class _Payload(msgspec.Struct):
    plainToken: str  # noqa: N815 Zoom's spelling


class _Challenge(msgspec.Struct):
    payload: _Payload


def answer_challenge(body: bytes, secret: bytes) -> Outcome:
    """The answer to an authentic challenge.

    ``secret`` is the one that the challenge was signed with. While two are valid, that is the one that Zoom itself goes
    by at this moment; and nobody gets anything signed with a secret that they did not have.
    """
    try:
        plain = msgspec.json.decode(body, type=_Challenge).payload.plainToken
    except msgspec.MsgspecError:
        raise Refused(400, "bad_challenge") from None
    if not _PLAIN_TOKEN.fullmatch(plain):
        raise Refused(400, "bad_challenge")
    encrypted = hmac.digest(secret, plain.encode(), "sha256").hex()
    return Outcome(200, "challenge", msgspec.json.encode({"plainToken": plain, "encryptedToken": encrypted}))
