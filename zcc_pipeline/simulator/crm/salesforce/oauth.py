"""The token endpoint: client credentials and the JWT bearer flow.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm and
…remoteaccess_oauth_client_credentials_flow.htm. No answer says how long its token will live.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from zcc_pipeline.simulator.crm.base import Answer, Grant, RefusedError, json_answer

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_LIFE_SECONDS = 300


def oauth_error(error: str, description: str) -> RefusedError:
    """HTTP 400 in OAuth's own shape, not in that of the API."""
    return RefusedError(json_answer({"error": error, "error_description": description}, status=400))


class Assertions:
    """Checks signed assertions. Without a public key only their claims are looked at."""

    def __init__(
        self, *, public_key: str | None, audiences: frozenset[str], username: str | None, now: Callable[[], datetime]
    ) -> None:
        self._public_key: RSAPublicKey | None = None
        if public_key is not None:
            key = load_pem_public_key(public_key.encode())
            if not isinstance(key, RSAPublicKey):
                raise TypeError("the app's certificate must hold an RSA key")
            self._public_key = key
        self._audiences = audiences
        self._username = username
        self._now = now

    def subject(self, assertion: str, client_id: str | None) -> str:
        """The user whom an assertion speaks for; refused where it is not as it must be."""
        head, _, signature = assertion.rpartition(".")
        header_text, _, claims_text = head.partition(".")
        header, claims = _part(header_text), _part(claims_text)
        if header.get("alg") != "RS256":
            raise oauth_error("invalid_grant", "the algorithm must be RS256")
        self._verify(head, signature)
        if client_id is not None and claims.get("iss") != client_id:
            raise oauth_error("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in self._audiences:
            raise oauth_error("invalid_grant", "audience is invalid")
        now, expires = self._now().timestamp(), str(claims.get("exp", ""))
        if not expires.isdigit() or not now < int(expires) <= now + _LONGEST_LIFE_SECONDS:
            raise oauth_error("invalid_grant", "expired authorization code")
        subject = claims.get("sub")
        if not isinstance(subject, str) or (self._username is not None and subject != self._username):
            raise oauth_error("invalid_grant", "user hasn't approved this consumer")
        return subject

    def _verify(self, head: str, signature: str) -> None:
        if self._public_key is None:
            return
        try:
            self._public_key.verify(_decoded(signature), head.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise oauth_error("invalid_grant", "invalid assertion") from None


def token_answer(value: str, *, base_url: str, now: datetime) -> Answer:
    """A token and where its org is said to be."""
    return json_answer(
        {
            "access_token": value,
            "token_type": "Bearer",
            "instance_url": base_url,
            "id": f"{base_url}/id/00D000000000001AAA/005000000000001AAA",
            "issued_at": str(int(now.timestamp() * 1000)),
            "scope": "api",
            "signature": "not-checked",
        }
    )


def check_client(grant: Grant, *, accepts: bool) -> None:
    """Refuses a client that is missing something or is not the app's."""
    if not grant.client_id:
        raise oauth_error("invalid_client_id", "client identifier invalid")
    if not accepts:
        raise oauth_error("invalid_client", "invalid client credentials")


def _part(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_decoded(text))
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise oauth_error("invalid_grant", "invalid assertion")
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise oauth_error("invalid_grant", "invalid assertion") from None
