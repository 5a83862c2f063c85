"""Where the archive's bytes lie. Keys are relative paths of safe characters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Worm:
    """Whether what is written can be changed before its time, as far as that was tried."""

    is_worm: bool
    reason: str


class Place(Protocol):
    """A folder or a bucket. Everything that returns is there for good."""

    def read(self, key: str) -> bytes | None:
        """A small file whole; None where there is none."""
        ...

    def open(self, key: str) -> BinaryIO:
        """A file as a stream; ``FileNotFoundError`` where there is none."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys of files under a folder, in order."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly in one, in order."""
        ...

    def staging(self) -> AbstractContextManager[Path]:
        """A new folder on this machine from which ``publish`` takes. It outlives a crash, for ``interrupted``."""
        ...

    def publish(self, staged: Path, key: str) -> None:
        """A staged folder appears under a key that has none; its ``inventory.json`` never before its other files."""
        ...

    def replace(self, key: str, data: bytes) -> None:
        """A small file, whole, in place of what was there."""
        ...

    def set_aside(self, key: str) -> None:
        """Out of the way, not deleted."""
        ...

    def remove(self, key: str) -> None:
        """A folder with everything in it, for good."""
        ...

    def remove_empty(self, key: str) -> None:
        """Folders above a key that hold nothing."""
        ...

    def alone(self, key: str) -> AbstractContextManager[None]:
        """Nobody else changes what is under that key meanwhile."""
        ...

    def interrupted(self) -> Iterator[Path]:
        """Staged folders that a crash left; each is gone once the caller has dealt with it."""
        ...

    def worm(self) -> Worm:
        """What this place promises about changing what was written."""
        ...
