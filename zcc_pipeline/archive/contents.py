"""What the object of one engagement should hold now: pieces under safe names, whatever their ids look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from zcc_pipeline.domain.errors import PermanentError

_SAFE_PATH = re.compile(r"[A-Za-z0-9_%=+-][A-Za-z0-9._%=+-]*(?:/[A-Za-z0-9_%=+-][A-Za-z0-9._%=+-]*)*")
_LONGEST_NAME = 100
_LONGEST_PATH = 400


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A file that the file store holds. It is read once more and must still be the one that was downloaded."""

    open: Callable[[], BinaryIO] = field(repr=False)
    size_bytes: int
    sha512: str
    sha256: str | None = None
    """Where it is known: it was made of the same bytes as the SHA-512."""
    local_path: Path | None = None
    """Where it lies on this machine: a file system that can share blocks between files then needs no second space."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of an object. Where only volatile pieces differ, there is no new version."""

    path: str
    content: bytes | StoredPiece = field(repr=False)
    is_volatile: bool = False

    def __post_init__(self) -> None:
        if not _SAFE_PATH.fullmatch(self.path) or len(self.path) > _LONGEST_PATH:
            raise PermanentError("a piece of an object needs a path of safe characters; see safe_name")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that an object should hold. What an earlier version held and this one does not is kept in history."""

    object_id: str
    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        paths = [piece.path for piece in self.pieces]
        if len(set(paths)) != len(paths) or not paths:
            raise PermanentError("an object has pieces, each under a path of its own")


def safe_name(text: str) -> str:
    """A file name for any id: other characters than letters, digits, ``-`` and ``_`` as ``%xx``; long ones are cut and
    end in a digest, so that two ids never share a name.

    The encoding of OCFL's layout 0003, so that a person reads the same name everywhere.
    """
    encoded = "".join(
        chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "-_") else f"%{byte:02x}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    if len(encoded) <= _LONGEST_NAME:
        return encoded or "%"
    return f"{encoded[:_LONGEST_NAME]}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
