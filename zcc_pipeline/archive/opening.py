"""One archive, opened: its objects, its ledger, and the key that signs for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from zcc_pipeline.archive.contents import safe_name
from zcc_pipeline.archive.copying import Copied, bring_up_to_date
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
from zcc_pipeline.archive.ledger.bucket_shelf import BucketShelf
from zcc_pipeline.archive.ledger.ledger import NOTES, note_name
from zcc_pipeline.archive.ocfl import Author, ObjectStore
from zcc_pipeline.archive.retention import RetentionRules, lapses_at, read_retention
from zcc_pipeline.archive.stamps import Authority, Roots, Stamped, read_roots, stamp_newest
from zcc_pipeline.archive.storage import UNKNOWN, FolderPlace, Lock, Place
from zcc_pipeline.archive.storage.s3 import LOCK_DAYS, Bucket, LockMode, S3Access, S3Place
from zcc_pipeline.archive.witnesses import SmtpAccess, require_smtp, send_letters, split_witnesses
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, TransientError

COPY_SETTING = "ZCC_ARCHIVE_SECOND_COPY_URL"
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
    """Folders, buckets and ``mailto:`` mailboxes, separated by commas."""
    smtp: SmtpAccess | None = None
    """How mail to those mailboxes is sent."""
    actor: str = "zcc-pipeline"
    retention: Path | None = None
    """File that says how long engagements are kept; None: nothing ever expires."""
    s3: S3Access | None = None
    """How buckets are reached; None: as the surroundings say."""
    scratch: Path | None = None
    """Where parts wait on their way into a bucket; None for a folder beside ``keys_folder``."""
    lock_mode: LockMode | None = None
    """Of a bucket; None: governance where it can lock."""
    lock_days: int = LOCK_DAYS
    """How long a bucket keeps what nobody has given a last day."""
    second_copy: str | None = None
    """Folder or bucket that each export brings up to date with all of the archive; None: there is no second copy."""
    timestamp_url: str | None = field(default=None, repr=False)
    """Authority that stamps checkpoints (RFC 3161); None: none does."""
    timestamp_ca: Path | None = None
    """PEM file of who may sign those stamps; None: nobody looks."""


class Archive:
    """Objects and ledger of one account. Nothing is read or made before it is needed."""

    def __init__(self, access: ArchiveAccess, *, clock: Clock) -> None:
        self.access = access
        self.actor = access.actor
        self.author = Author(access.actor, _AUTHOR.address)
        self._clock = clock
        self.place = open_place("ZCC_ARCHIVE_URL", access.url, "where the compliance archive lies", access, clock=clock)
        self.objects = ObjectStore(self.place, clock=clock)
        self.shelf = open_shelf(self.place, LEDGER, clock=clock, lock=self._longest)

    @property
    def top(self) -> Path:
        """The folder, where it is one; ``ConfigurationError`` where the archive lies in a bucket."""
        return folder_of("ZCC_ARCHIVE_URL", self.access.url, "where the compliance archive lies")

    def _longest(self) -> Lock:
        """The ledger is kept as long as anything that it could be about from now on."""
        rules, now = self.retention, self._clock.now()
        by_default = now + timedelta(days=self.access.lock_days)
        if rules is None:
            return Lock(by_default)
        return Lock(max(by_default, *(lapses_at(each.last_day(now.date())) for each in rules.classes.values())))

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
    def copy_place(self) -> Place | None:
        """Where the second copy lies; ``ConfigurationError`` where that would be the archive itself."""
        if self.access.second_copy is None:
            return None
        purpose = "gets a second copy of the archive"
        place = open_place(COPY_SETTING, self.access.second_copy, purpose, self.access, clock=self._clock)
        if isinstance(place, FolderPlace) and isinstance(self.place, FolderPlace):
            here, there = self.place.top.resolve(), place.top.resolve()
            if here == there or here in there.parents or there in here.parents:
                raise ConfigurationError(COPY_SETTING, f"{there} and the archive are in one another", purpose=purpose)
        return place

    def update_second_copy(
        self, *, everything: bool = False, advance: Callable[[int], None] = lambda _objects: None
    ) -> Copied | None:
        """Bring it up to date; None where there is none. What keeps it from being so is in what is returned."""
        if self.copy_place is None:
            return None
        try:
            return bring_up_to_date(
                self.place,
                self.copy_place,
                self.ledger,
                self.shelf,
                clock=self._clock,
                everything=everything,
                ledger_lock=self._longest() if self.copy_place.locks else UNKNOWN,
                advance=advance,
            )
        except OSError as error:
            return Copied(problem=f"{type(error).__name__}: {error.strerror}")
        except (PermanentError, TransientError, ConfigurationError) as error:
            return Copied(problem=str(error))

    @cached_property
    def roots(self) -> Roots | None:
        """Who may sign time stamps; None where no file says so. ``ConfigurationError`` for a file without any."""
        return None if self.access.timestamp_ca is None else read_roots(self.access.timestamp_ca)

    @cached_property
    def authority(self) -> Authority | None:
        """Who stamps checkpoints; None: nobody."""
        return None if self.access.timestamp_url is None else Authority(self.access.timestamp_url, self.roots)

    def stamp(self) -> Stamped | None:
        """Have the newest checkpoint stamped if it is not; None where nobody is to be asked. Never raises for that."""
        return None if self.authority is None else stamp_newest(self.shelf, self.ledger.latest(), self.authority)

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
        places, mailboxes = split_witnesses(self.access.witness)
        if mailboxes:
            require_smtp(self.access.smtp)
        return Ledger(
            self.shelf,
            origin=self._origin,
            trusted=self._trusted(),
            clock=self._clock,
            signers=(self.signer,),
            witnesses=tuple(_witness(each, self.access, self._clock) for each in places),
        )

    def witnessed(self) -> Iterator[bytes]:
        """Checkpoints that witnesses have in buckets; folders are read as they are, and mailboxes not from here."""
        for each in split_witnesses(self.access.witness)[0]:
            if each.startswith("s3://"):
                shelf = _witness_shelf(each, self.access, self._clock)
                yield from (shelf.read(name) or b"" for name in shelf.names(NOTES) if name.endswith(".note"))

    def try_witness(self, url: str) -> None:
        """Write a few bytes to one of the places; raises what keeps it from taking copies."""
        _witness_shelf(url, self.access, self._clock).write("written-by-doctor", b"written by zcc doctor\n")

    def mail_checkpoint(self) -> tuple[str, ...]:
        """Send the newest checkpoint to the mailboxes that have not got it; kinds of error where that failed."""
        mailboxes = split_witnesses(self.access.witness)[1]
        newest = self.ledger.latest() if mailboxes else None
        if newest is None:
            return ()
        return send_letters(self.access.smtp, mailboxes, newest, folder=self.access.keys_folder, now=self._clock.now())

    def vouch(self) -> tuple[Stamped | None, tuple[str, ...]]:
        """Let others have the newest checkpoint at the end of what was done: a time stamp, and what failed of mail."""
        return self.stamp(), self.mail_checkpoint()

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
        f"{parts.scheme}:// is not supported here: name a local folder (which may be a mounted one)",
        purpose=purpose,
        example="/mnt/archive",
    )


def open_place(setting: str, url: str, purpose: str, access: ArchiveAccess, *, clock: Clock) -> Place:
    """The folder or the bucket (``s3://bucket/prefix``) that a setting names. Nothing is made or asked yet."""
    if not url.startswith("s3://"):
        return FolderPlace(folder_of(setting, url, purpose))
    bucket = Bucket(url, access.s3 or S3Access(), setting=setting)
    beside = access.scratch or access.keys_folder.parent / "scratch"
    scratch = beside / f"archive-{sha256(bucket.url.encode()).hexdigest()[:16]}"
    return S3Place(bucket, scratch, clock=clock, mode=access.lock_mode, lock_days=access.lock_days)


def open_shelf(place: Place, folder: str, *, clock: Clock, lock: Callable[[], Lock] = lambda: UNKNOWN) -> Shelf:
    """A folder of a place, for small files such as a ledger's."""
    if isinstance(place, S3Place):
        return BucketShelf(place, folder, wait=lambda seconds: asyncio.run(clock.sleep(seconds)), lock=lock)
    if isinstance(place, FolderPlace):
        return FolderShelf(place.top / folder)
    raise TypeError(f"no shelf is known for a {type(place).__name__}")


def _witness(url: str, access: ArchiveAccess, clock: Clock) -> Callable[[Checkpoint], None]:
    shelf = _witness_shelf(url, access, clock)

    def keep(checkpoint: Checkpoint) -> None:
        shelf.write(note_name(checkpoint.size), checkpoint.note)

    return keep


def _witness_shelf(url: str, access: ArchiveAccess, clock: Clock) -> Shelf:
    purpose = "gets a copy of each signed checkpoint"
    return open_shelf(open_place("ZCC_ARCHIVE_WITNESS_URL", url, purpose, access, clock=clock), "", clock=clock)
