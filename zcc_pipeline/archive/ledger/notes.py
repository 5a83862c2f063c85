"""Checkpoints as signed notes (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note), with Ed25519.

A note is a text, an empty line, and one line for each signature: an em dash, the key's name, and in base64 the first
four bytes of the key's hash followed by the signature over the text.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zcc_pipeline.domain.errors import PermanentError

_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]{1,128}")
_SIGNATURE = re.compile(r"\u2014 (\S+) (\S+)")
_MOST_SIGNATURES = 32


class BadNote(PermanentError):
    """Not a checkpoint, or one that nobody who is trusted has signed."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name. Its text is what is handed to whoever checks: ``name+hash+key``."""

    name: str
    key: bytes
    until: int | None = field(default=None, compare=False)
    """Entries of the largest tree that it may sign, where another key has taken its place since."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.key) != 32:
            raise BadNote("a key has a name without spaces and plus signs, and 32 bytes")

    @property
    def hash(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{b64encode(_ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """From its text; ``BadNote`` where it is none or its hash is another's."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise BadNote("a verifier key is written name+hash+key")
        try:
            key = b64decode(parts[2], validate=True)
        except (NotBase64, ValueError):
            raise BadNote("a verifier key ends in base64") from None
        if key[:1] != _ED25519:
            raise BadNote("only Ed25519 keys are known")
        found = cls(parts[0], key[1:])
        if found.hash.hex() != parts[1]:
            raise BadNote("the hash in a verifier key is not its own")
        return found

    def has_signed(self, text: bytes, signature: bytes) -> bool:
        """Whether that is its signature of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under its name; never printed."""

    name: str
    key: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"Signer({self.name})"

    @property
    def verifier(self) -> Verifier:
        """What others check with."""
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Verifier(self.name, raw)

    def line(self, text: bytes) -> str:
        """The line of its signature."""
        return f"\u2014 {self.name} {b64encode(self.verifier.hash + self.key.sign(text)).decode()}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree as it was at one size."""

    origin: str
    size: int
    root: bytes
    note: bytes
    """The whole signed note."""


def sign(origin: str, size: int, root: bytes, signers: Sequence[Signer]) -> Checkpoint:
    """A checkpoint signed by all of them."""
    text = f"{origin}\n{size}\n{b64encode(root).decode()}\n"
    note = text + "\n" + "".join(signer.line(text.encode()) for signer in signers)
    return Checkpoint(origin, size, root, note.encode())


def parse(note: bytes) -> tuple[Checkpoint, list[tuple[bytes, bytes]]]:
    """What a note says, and its signatures as ``(hash of the key, signature)``. Nothing is verified yet."""
    text, blank, tail = note.rpartition(b"\n\n")
    lines = text.split(b"\n")
    if not blank or len(lines) < 3:
        raise BadNote("not a checkpoint")
    try:
        origin, size, root = lines[0].decode(), lines[1].decode("ascii"), b64decode(lines[2], validate=True)
        signatures = [_SIGNATURE.fullmatch(line) for line in tail.decode().splitlines()]
    except (UnicodeDecodeError, NotBase64, ValueError):
        raise BadNote("not a checkpoint") from None
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or len(root) != 32 or not origin:
        raise BadNote("not a checkpoint")
    if not signatures or len(signatures) > _MOST_SIGNATURES or None in signatures:
        raise BadNote("a checkpoint without readable signatures")
    found = []
    for match in signatures:
        assert match is not None  # noqa: S101 - looked at above
        try:
            raw = b64decode(match[2], validate=True)
        except (NotBase64, ValueError):
            raise BadNote("a signature that is not base64") from None
        found.append((raw[:4], raw[4:]))
    return Checkpoint(origin, int(size), root, note), found


def verify(note: bytes, trusted: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint, if one of the trusted keys has signed it while it was in use; ``BadNote`` otherwise."""
    checkpoint, signatures = parse(note)
    signed = note.rpartition(b"\n\n")[0] + b"\n"
    by_hash = {verifier.hash: verifier for verifier in trusted}
    retired_at: int | None = None
    for key_hash, signature in signatures:
        verifier = by_hash.get(key_hash)
        if verifier is None:
            continue
        if not verifier.has_signed(signed, signature):
            raise BadNote(f"the checkpoint of {checkpoint.size} entries carries a signature that is not its key's")
        if verifier.until is None or checkpoint.size <= verifier.until:
            return checkpoint
        retired_at = verifier.until
    if retired_at is not None:
        raise BadNote(
            f"the checkpoint of {checkpoint.size} entries is signed by a key that was replaced at entry {retired_at}"
        )
    raise BadNote(f"the checkpoint of {checkpoint.size} entries is signed by no trusted key")
