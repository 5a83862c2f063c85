"""The token endpoint: who may ask, what a token may do, and when it dies.

Grants ``account_credentials`` (account id in the form or the query) and ``client_credentials``; answers and error
codes as in https://developers.zoom.us/docs/rooms/s2s-oauth/ and the OAuth error list (4702, 4704, 4705, 4706). The
body of a failed token call is not documented for all of them: it carries ``error``, ``reason`` and ``code``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from zcc_pipeline.simulator.zoom.answers import Answer, CallRefusedError, invalid_token, json_answer


@dataclass(frozen=True, slots=True)
class AcceptedCredentials:
    """The only credentials let in; without them any will do."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(slots=True)
class IssuedToken:
    """One bearer token."""

    scopes: frozenset[str]
    expires_at: float
    calls: int = 0
    is_revoked: bool = False


class Tokens:
    """Issues tokens and knows which are alive; several live side by side."""

    def __init__(
        self,
        *,
        accepted: AcceptedCredentials | None,
        scopes: frozenset[str],
        lifetime_seconds: int,
        api_url: str,
        secret: bytes,
        monotonic: Callable[[], float],
    ) -> None:
        self._accepted = accepted
        self.scopes = scopes
        self.lifetime_seconds = lifetime_seconds
        self._api_url = api_url
        self._secret = secret
        self._monotonic = monotonic
        self._issued: dict[str, IssuedToken] = {}
        self.issued_count = 0
        self.refused_count = 0

    def answer(self, *, authorization: str, form: bytes, query_string: bytes) -> Answer:
        """One call of the token endpoint."""
        fields = dict(parse_qsl(query_string.decode("utf-8", "replace"))) | dict(
            parse_qsl(form.decode("utf-8", "replace"))
        )
        try:
            client_id, client_secret = _read_basic(authorization)
            self._check(client_id, client_secret, fields)
        except CallRefusedError as refused:
            self.refused_count += 1
            return refused.answer
        return json_answer(
            {
                "access_token": self.issue(),
                "token_type": "bearer",
                "expires_in": self.lifetime_seconds,
                "scope": " ".join(sorted(self.scopes)),
                "api_url": self._api_url,
            }
        )

    def issue(self) -> str:
        """A new token with all granted scopes."""
        self.issued_count += 1
        digest = hashlib.blake2b(b"%d" % self.issued_count, key=self._secret, digest_size=30).digest()
        token = "sim." + base64.urlsafe_b64encode(digest).decode()
        self._issued[token] = IssuedToken(self.scopes, self._monotonic() + self.lifetime_seconds)
        return token

    def find(self, authorization: str) -> IssuedToken:
        """The living token of an ``Authorization`` header; otherwise HTTP 401, code 124."""
        scheme, _, token = authorization.partition(" ")
        issued = self._issued.get(token.strip()) if scheme.lower() == "bearer" else None
        if issued is None or issued.is_revoked:
            raise invalid_token()
        if self._monotonic() >= issued.expires_at:
            raise invalid_token("Access token is expired.")
        return issued

    def revoke_all(self) -> int:
        """End every living token, as a deactivated app does; how many there were."""
        alive = [token for token in self._issued.values() if not token.is_revoked]
        for token in alive:
            token.is_revoked = True
        return len(alive)

    def _check(self, client_id: str, client_secret: str, fields: dict[str, str]) -> None:
        grant = fields.get("grant_type")
        if grant not in {"account_credentials", "client_credentials"}:
            raise _oauth_error(400, 4705, "unsupported_grant_type", "unsupported grant type")
        if grant == "account_credentials" and not fields.get("account_id"):
            raise _oauth_error(400, 4706, "invalid_request", "Missing account_id")
        accepted = self._accepted
        if accepted is None:
            return
        if (client_id, client_secret) != (accepted.client_id, accepted.client_secret):
            code = 4702 if client_id != accepted.client_id else 4704
            raise _oauth_error(401, code, "invalid_client", "Invalid client_id or client_secret")
        if grant == "account_credentials" and fields["account_id"] != accepted.account_id:
            raise _oauth_error(400, 4702, "invalid_request", "Bad Request")


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _oauth_error(400, 4706, "invalid_request", "Missing client credentials")
    try:
        client_id, separator, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id, separator, client_secret = "", "", ""
    if not (separator and client_id and client_secret):
        raise _oauth_error(401, 4702, "invalid_client", "Invalid client_id or client_secret")
    return client_id, client_secret


def _oauth_error(status: int, code: int, error: str, reason: str) -> CallRefusedError:
    return CallRefusedError(json_answer({"code": code, "error": error, "reason": reason}, status=status))
