"""One archive, opened: its objects, its ledger, and the key that signs for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from zcc_pipeline.archive.contents import safe_name
from zcc_pipeline.archive.ledger import (
    Checkpoint,
    FolderShelf,
    Ledger,
    Shelf,
    Signer,
    Verifier,
    keep_or_make,
    signer_of,
)
from zcc_pipeline.archive.ledger.ledger import note_name
from zcc_pipeline.archive.ocfl import Author, ObjectStore
from zcc_pipeline.archive.retention import RetentionRules, read_retention
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError

LEDGER = "ledger"
KEY = "signing-key.pem"
NEXT_KEY = "signing-key.next.pem"
"""A key that a rotation has made: it signs from the moment on at which the ledger has introduced it."""
SIGNER = "zcc-archive"
_TRUSTED = "trusted-keys"
_AUTHOR = Author("zcc-pipeline", "https://example.com/zcc-pipeline")


@dataclass(frozen=True, slots=True)
class ArchiveAccess:
    """Plain values; ``settings`` makes them from the environment."""

    url: str
    account: str | None
    keys_folder: Path
    signing_key: str | None = field(default=None, repr=False)
    """PEM; None for the key in ``keys_folder``, made when it is first needed."""
    witness: str | None = None
    actor: str = "zcc-pipeline"
    retention: Path | None = None
    """File that says how long engagements are kept; None: nothing ever expires."""


class Archive:
    """Objects and ledger of one account. Nothing is read or made before it is needed."""

    def __init__(self, access: ArchiveAccess, *, clock: Clock) -> None:
        self.access = access
        self.actor = access.actor
        self.author = Author(access.actor, _AUTHOR.address)
        self.top = folder_of("ZCC_ARCHIVE_URL", access.url, "where the compliance archive lies")
        self.place = FolderPlace(self.top)
        self.objects = ObjectStore(self.place, clock=clock)
        self.shelf: Shelf = FolderShelf(self.top / LEDGER)
        self._clock = clock

    @property
    def account(self) -> str:
        """Zoom's account id, which is part of every object's name; ``ConfigurationError`` where it is not set."""
        if self.access.account is None:
            raise ConfigurationError(
                "ZCC_ZOOM_ACCOUNT_ID", "the archive needs it", purpose="part of the name of every archived object"
            )
        return self.access.account

    @cached_property
    def retention(self) -> RetentionRules | None:
        """How long engagements are kept; None where no file says so. ``ConfigurationError`` names its line."""
        return None if self.access.retention is None else read_retention(self.access.retention)

    @cached_property
    def signer(self) -> Signer:
        """The key that signs checkpoints."""
        if self.access.signing_key is not None:
            return signer_of(self.access.signing_key.encode(), SIGNER)
        waiting = self.access.keys_folder / NEXT_KEY
        if waiting.exists() and (self.access.keys_folder / _TRUSTED).exists():
            found = signer_of(waiting.read_bytes(), SIGNER)
            if found.verifier in self._read_only().trusted_keys():
                return found
        return keep_or_make(self.access.keys_folder / KEY, SIGNER)

    @cached_property
    def ledger(self) -> Ledger:
        """For reading and appending. The first key that ever signed here is remembered under home and trusted; another
        one is refused until that one has introduced it."""
        witness = self.access.witness
        return Ledger(
            self.shelf,
            origin=self._origin,
            trusted=self._trusted(),
            clock=self._clock,
            signers=(self.signer,),
            witnesses=() if witness is None else (_folder_witness(witness),),
        )

    @property
    def _origin(self) -> str:
        return f"zcc-pipeline/{safe_name(self.access.account or 'archive')}"

    def _read_only(self) -> Ledger:
        return Ledger(self.shelf, origin=self._origin, trusted=self._trusted(), clock=self._clock)

    def _trusted(self) -> tuple[Verifier, ...]:
        path = self.access.keys_folder / _TRUSTED
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            part.write_text(f"{self.signer.verifier}\n", encoding="utf-8")
            part.replace(path)
        return tuple(Verifier.parse(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def folder_of(setting: str, url: str, purpose: str) -> Path:
    """The local folder that a setting names; ``ConfigurationError`` for anything else."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).absolute()
    if "://" not in url:
        return Path(url).expanduser().absolute()
    raise ConfigurationError(
        setting,
        f"{parts.scheme}:// is not supported here: the archive lies in a local folder (which may be a mounted one)",
        purpose=purpose,
        example="/mnt/archive",
    )


def _folder_witness(url: str) -> Callable[[Checkpoint], None]:
    shelf = FolderShelf(folder_of("ZCC_ARCHIVE_WITNESS_URL", url, "gets a copy of each signed checkpoint"))

    def keep(checkpoint: Checkpoint) -> None:
        shelf.write(note_name(checkpoint.size), checkpoint.note)

    return keep
