"""The JWT bearer flow: a signed statement of who we are, good for three minutes.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from zcc_pipeline.domain.errors import ConfigurationError

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_SECONDS = 180


class Signer:
    """Makes the form of a token request, signed anew each time."""

    def __init__(self, *, client_id: str, username: str, private_key: str, audience: str, setting: str) -> None:
        """``ConfigurationError`` where the key is none, is not RSA, or is protected by a passphrase."""
        self._claims = {"iss": client_id, "sub": username, "aud": audience}
        self._key = _read_key(private_key, setting)

    def __call__(self, now: datetime) -> Mapping[str, str]:
        """The form's fields."""
        claims = {**self._claims, "exp": int(now.timestamp()) + _LIFE_SECONDS}
        head = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
        signature = self._key.sign(head.encode(), PKCS1v15(), SHA256())
        return {"grant_type": JWT_BEARER, "assertion": f"{head}.{_encoded(signature)}"}


def _read_key(text: str, setting: str) -> RSAPrivateKey:
    problem = "the key is not an RSA key"
    try:
        # A key kept in one line of an environment file has its line ends written as \n.
        key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
        if isinstance(key, RSAPrivateKey):
            return key
    except TypeError:
        problem = "the key is protected by a passphrase; give it without one, in a file that only we can read"
    except ValueError:
        problem = "is no private key in PEM form"
    raise ConfigurationError(
        setting,
        problem,
        purpose="signs the statement of who we are; its certificate is uploaded to the External Client App",
        example="(simpler as ZCC_SALESFORCE_PRIVATE_KEY_FILE)",
    )


def _part(content: Mapping[str, Any]) -> str:
    return _encoded(msgspec.json.encode(content))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
