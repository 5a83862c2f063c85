"""Bearer tokens that expire, can be revoked, and know how often they were used; and what a token request says."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError
from zcc_pipeline.simulator.crm.base.request import Request


@dataclass(slots=True)
class IssuedToken:
    """One bearer token."""

    value: str = field(repr=False)
    expires_at: float
    subject: str = ""
    """Whom it speaks for, where the CRM tells."""
    scope: str = ""
    calls: int = 0
    is_revoked: bool = False


class Tokens:
    """Issues tokens and knows which are alive; several live side by side."""

    def __init__(self, *, lifetime_seconds: float, monotonic: Callable[[], float]) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._monotonic = monotonic
        self._issued: dict[str, IssuedToken] = {}
        self.issued_count = 0
        self.refused_count = 0
        """Calls with a token that is missing, unknown, expired or revoked."""

    def issue(self, *, subject: str = "", scope: str = "", lifetime_seconds: float | None = None) -> IssuedToken:
        """A new token; its value follows from how many were issued before."""
        self.issued_count += 1
        digest = hashlib.blake2b(b"%d" % self.issued_count, key=b"stand-in", digest_size=30).digest()
        lifetime = self.lifetime_seconds if lifetime_seconds is None else lifetime_seconds
        return self._keep("sim." + base64.urlsafe_b64encode(digest).decode(), lifetime, subject, scope)

    def adopt(self, value: str, *, subject: str = "", scope: str = "") -> IssuedToken:
        """Let in a token that was agreed on beforehand (a key from the CRM's settings); it does not expire."""
        return self._keep(value, float("inf"), subject, scope)

    def _keep(self, value: str, lifetime: float, subject: str, scope: str) -> IssuedToken:
        token = IssuedToken(value, self._monotonic() + lifetime, subject, scope)
        self._issued[value] = token
        return token

    def find(self, authorization: str) -> IssuedToken | None:
        """The living token of an ``Authorization`` header."""
        scheme, _, value = authorization.partition(" ")
        token = self._issued.get(value.strip()) if scheme.lower() == "bearer" else None
        if token is None or token.is_revoked or self._monotonic() >= token.expires_at:
            return None
        return token

    def revoke_all(self) -> int:
        """End every living token; how many there were."""
        alive = [token for token in self._issued.values() if not token.is_revoked]
        for token in alive:
            token.is_revoked = True
        return len(alive)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token request says, wherever it says it."""

    grant_type: str
    client_id: str
    client_secret: str = field(repr=False)
    fields: Mapping[str, str]


def read_grant(request: Request) -> Grant:
    """From the ``Authorization`` header, a form or a JSON body; ``MalformedBodyError`` where one of them is broken."""
    if request.media_type == "application/json":
        fields = {name: str(value) for name, value in request.json_object().items()}
    else:
        fields = request.form()
    client_id, client_secret = fields.get("client_id", ""), fields.get("client_secret", "")
    scheme, _, encoded = request.header("authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise MalformedBodyError("the Authorization header is not Basic credentials") from None
    return Grant(fields.get("grant_type", ""), client_id, client_secret, fields)
