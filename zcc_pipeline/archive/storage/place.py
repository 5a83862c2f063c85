"""Where the archive's bytes lie. Keys are relative paths of safe characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Worm:
    """Whether what is written can be changed before its time, as far as that was tried."""

    is_worm: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Lock:
    """How long the storage itself is to keep something, where it can. What it keeps already is never kept shorter."""

    retain_until: datetime | None = None
    """None: nobody knows a date, and the place's own number of days counts."""
    is_held: bool | None = None
    """Whether a matter holds it; None leaves that as it is."""


UNKNOWN = Lock()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A staged folder that is to appear under a key that has none."""

    staged: Path
    key: str
    lock: Lock = UNKNOWN
    sha256s: Mapping[str, str] = field(default_factory=dict)
    """Digests of staged files by path, in hex, as they were when the file was made: storage that can checks what
    arrives against them."""


class Place(Protocol):
    """A folder or a bucket. Everything that returns is there for good."""

    @property
    def locks(self) -> bool:
        """Whether the storage itself keeps what is written from being changed: a ``Lock`` means something here."""
        ...

    @property
    def at_once(self) -> int:
        """How many parcels ``publish`` takes at a time: several where they then wait for the storage together, one
        where the storage takes each by itself and may refuse it."""
        ...

    def is_there(self) -> bool:
        """Whether there is an archive."""
        ...

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

    def version_id(self, key: str) -> str | None:
        """The storage's own name for a file as it is now; None where the storage keeps no versions."""
        ...

    def staging(self) -> AbstractContextManager[Path]:
        """A new folder on this machine from which ``publish`` takes. It outlives a crash, for ``interrupted``."""
        ...

    def publish(self, parcels: Sequence[Parcel]) -> list[str | None]:
        """Each appears under its key as a whole, its ``inventory.json`` never before its other files.

        Returns the ``version_id`` of each one's ``inventory.json``. Where it raises, some may have appeared; none in
        part.
        """
        ...

    def replace(self, key: str, data: bytes, *, lock: Lock = UNKNOWN) -> str | None:
        """A small file, whole, in place of what was there. Returns its ``version_id``."""
        ...

    def protect(self, key: str, lock: Lock) -> None:
        """Every version of everything in a folder is kept as long as that says, and held or not any more."""
        ...

    def is_being_written(self, key: str) -> bool:
        """Whether another machine may be at what lies unfinished under a key."""
        ...

    def set_aside(self, key: str) -> None:
        """Out of the way, not deleted."""
        ...

    def remove(self, key: str, *, bypass_governance: bool = False) -> None:
        """A folder with everything in it, for good: every version. Nothing is removed, and ``PermanentError`` says
        until when, where the storage keeps some of it; ``bypass_governance`` lifts what may be lifted."""
        ...

    def remove_empty(self, key: str) -> None:
        """Folders above a key that hold nothing."""
        ...

    def alone(self, *keys: str) -> AbstractContextManager[None]:
        """Nobody else on this machine changes what is under these keys meanwhile. Who needs several asks at once."""
        ...

    def interrupted(self) -> Iterator[Path]:
        """Staged folders that a crash left; each is gone once the caller has dealt with it."""
        ...

    def worm(self) -> Worm:
        """What this place promises about changing what was written, as far as it can be tried."""
        ...
