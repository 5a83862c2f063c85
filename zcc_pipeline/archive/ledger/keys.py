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
        _write_new(path, new_key())
    return signer_of(path.read_bytes(), name)


def prepare(path: Path, name: str, pem: bytes | None = None) -> Signer:
    """A key that is to take the place of another, in a file of its own: the one that waits there since an earlier try,
    the one given, or a new one. ``ConfigurationError`` where another one than the one given waits there."""
    given = None if pem is None else signer_of(pem, name)
    if not path.exists():
        _write_new(path, pem or new_key())
    signer = signer_of(path.read_bytes(), name)
    if given is not None and given.verifier != signer.verifier:
        raise ConfigurationError("--new-key", f"another key waits in {path} since a rotation that did not end")
    return signer


def take_over(path: Path, waiting: Path, *, retired: Path | None) -> None:
    """The key that waits becomes the one that signs; the old one is kept under another name, or is gone."""
    if retired is not None and path.exists() and not retired.exists():
        os.link(path, retired)
    waiting.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_new(path: Path, pem: bytes) -> None:
    """Whole or not at all, for its owner only; a file that has appeared meanwhile stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
