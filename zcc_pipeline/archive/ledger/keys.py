"""The key that signs checkpoints: made on first use, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from zcc_pipeline.archive.ledger.notes import Signer
from zcc_pipeline.domain.errors import ConfigurationError

SETTING = "ZCC_ARCHIVE_SIGNING_KEY"


def new_key() -> bytes:
    """A new Ed25519 key as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def signer_of(pem: bytes, name: str) -> Signer:
    """From PEM; ``ConfigurationError`` where it is no Ed25519 key."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            SETTING,
            "this is no unencrypted Ed25519 key in PEM",
            purpose="signs the checkpoints of the archive's ledger",
            example="(the output of: openssl genpkey -algorithm ed25519)",
        )
    return Signer(name, key)


def keep_or_make(path: Path, name: str) -> Signer:
    """The key in that file, made if there is none. Of two processes that make one at once, both get the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(new_key())
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return signer_of(path.read_bytes(), name)
