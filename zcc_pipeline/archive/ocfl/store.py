"""One OCFL 1.1 object an engagement: versions are added, nothing that was written changes.

Several objects may be written together: they are staged one after the other and appear after one wait for the storage.

A crash leaves one of three things, and each is settled before the object is touched again: a staged folder (dropped), a
new version that the object's own inventory does not know yet (taken over if it is whole, set aside if not; in a bucket
that may be the first one), or an inventory newer than its sidecar (the sidecar is written anew).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path
from typing import BinaryIO

from zcc_pipeline.archive.contents import Piece, Snapshot
from zcc_pipeline.archive.ocfl.drafts import Draft
from zcc_pipeline.archive.ocfl.inventory import (
    INVENTORY,
    NAMASTE,
    SIDECAR,
    Author,
    BadInventory,
    Inventory,
    NewContent,
    next_inventory,
    parse,
)
from zcc_pipeline.archive.ocfl.layout import ROOT, ROOT_FILES, object_key
from zcc_pipeline.archive.ocfl.staging import stage_piece
from zcc_pipeline.archive.storage import UNKNOWN, Lock, Parcel, Place
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import NotFound, PermanentError, TransientError
from zcc_pipeline.domain.parts import in_weighed_parts

_TARGET = "target.json"
_DECLARATION = b"ocfl_object_1.1\n"
_INVENTORY_DEPTH = 5
"""Slashes before the name of an object's own inventory: the root, three tuples, the id."""
_BYTES_AT_ONCE = 32_000_000
"""Of objects that wait for the storage together; a larger one goes by itself."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left. ``inventory_sha512`` is what the ledger keeps of the object."""

    object_id: str
    version: int
    inventory_sha512: str
    is_new_version: bool
    bytes_written: int = 0
    storage_version: str | None = None
    """The storage's own name for the object's inventory as it was written, where the storage keeps versions."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of an object."""

    version: int
    inventory_sha512: str
    state: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Change:
    """An object that gets a version."""

    draft: Draft
    before: Inventory | None


@dataclass(frozen=True, slots=True)
class _Staged:
    """A version that is ready to be published."""

    parcel: Parcel
    inventory: Inventory
    size_bytes: int


class ObjectStore:
    """All objects of one archive. Safe with several threads and processes: each object has one writer at a time."""

    def __init__(self, place: Place, *, clock: Clock) -> None:
        self._place = place
        self._clock = clock

    def prepare(self) -> None:
        """Declare the storage root, once."""
        for name, data in ROOT_FILES.items():
            if self._place.read(f"{ROOT}/{name}") is None:
                self._place.replace(f"{ROOT}/{name}", data)

    def head(self, object_id: str) -> Head | None:
        """The newest version; None where there is no such object."""
        inventory = self.inventory(object_id)
        return None if inventory is None else Head(inventory.head, inventory.digest, inventory.state)

    def inventory(self, object_id: str) -> Inventory | None:
        """The object's own inventory; ``BadInventory`` where it cannot be read."""
        data = self._place.read(f"{object_key(object_id)}/{INVENTORY}")
        return None if data is None else parse(data)

    def open(self, object_id: str, path: str, version: int | None = None) -> BinaryIO:
        """The bytes under a logical path; ``NotFound`` where there are none."""
        inventory = self.inventory(object_id)
        try:
            if inventory is not None:
                return self._place.open(f"{object_key(object_id)}/{inventory.content_path(path, version)}")
        except (KeyError, FileNotFoundError):
            pass
        raise NotFound("the archive has no such file", http_status=404)

    def object_ids(self) -> Iterator[str]:
        """Ids of all objects, in the order of their folders, as their inventories tell them."""
        for key in self._place.keys(ROOT):
            if key.count("/") == _INVENTORY_DEPTH and key.endswith(f"/{INVENTORY}"):
                data = self._place.read(key)
                if data is not None:
                    yield parse(data).object_id

    def write(self, snapshot: Snapshot, *, message: str, author: Author, lock: Lock = UNKNOWN) -> Written:
        """Make the newest version hold the snapshot; none is added where nothing but volatile pieces differs.

        ``lock`` is how long the storage itself is to keep what is written, where it can. ``PermanentError`` where a
        stored file is no longer the one that was downloaded: nothing is written then.
        """
        (outcome,) = self.write_together([Draft(snapshot, lock)], message=message, author=author)
        if isinstance(outcome, PermanentError):
            raise outcome
        return outcome

    @property
    def at_once(self) -> int:
        """How many objects are best written together."""
        return self._place.at_once

    def write_together(
        self, drafts: Sequence[Draft], *, message: str, author: Author
    ) -> list[Written | PermanentError]:
        """Each of these different objects as by ``write``, in that order; an error is of that one object alone.

        Any other error ends all of it; what was whole by then is in the archive.
        """
        groups = in_weighed_parts(
            drafts, self._place.at_once, heaviest=_BYTES_AT_ONCE, weight=lambda draft: draft.size_bytes
        )
        return [outcome for group in groups for outcome in self._write_group(group, message, author)]

    def _write_group(self, drafts: Sequence[Draft], message: str, author: Author) -> list[Written | PermanentError]:
        with self._place.alone(*(object_key(each.object_id) for each in drafts)):
            found = [self._compare(each) for each in drafts]
            changes = [each for each in found if isinstance(each, _Change)]
            added = iter(self._add_versions(changes, message, author) if changes else ())
            return [next(added) if isinstance(each, _Change) else each for each in found]

    def _compare(self, draft: Draft) -> Written | PermanentError | _Change:
        object_id, key = draft.object_id, object_key(draft.object_id)
        try:
            before, was_taken_over = self._settled(object_id, draft.lock)
            if before is None or not _holds(before.state, draft.snapshot):
                return _Change(draft, before)
            version = self._place.version_id(f"{key}/{INVENTORY}") if was_taken_over else None
        except PermanentError as error:
            return error
        return Written(object_id, before.head, before.digest, was_taken_over, storage_version=version)

    def _add_versions(self, changes: Sequence[_Change], message: str, author: Author) -> list[Written | PermanentError]:
        outcomes: list[_Staged | PermanentError] = []
        broken: OSError | TransientError | None = None
        with self._place.staging() as staging:
            ids = [change.draft.object_id for change in changes]
            (staging / _TARGET).write_bytes(json.dumps({"object_ids": ids}).encode())
            for number, change in enumerate(changes):
                folder = staging / str(number)
                try:
                    outcomes.append(self._stage(folder, change, message, author))
                except PermanentError as error:
                    outcomes.append(error)
                    shutil.rmtree(folder, ignore_errors=True)
                except (OSError, TransientError) as error:  # a full disk, say: told after what is whole is published
                    broken = error
                    shutil.rmtree(folder, ignore_errors=True)
                    break
            try:
                written = self._publish(outcomes)
            except PermanentError as error:
                if len(changes) > 1:  # never: see ``Place.at_once``
                    raise
                written = [error]
        if broken is not None:
            raise broken
        return written

    def _publish(self, outcomes: Sequence[_Staged | PermanentError]) -> list[Written | PermanentError]:
        """What is staged appears; a later version is not the newest before it is shown."""
        parcels = [each.parcel for each in outcomes if isinstance(each, _Staged)]
        versions = iter(self._place.publish(parcels) if parcels else ())
        written: list[Written | PermanentError] = []
        for each in outcomes:
            if isinstance(each, PermanentError):
                written.append(each)
                continue
            inventory, version = each.inventory, next(versions)
            object_id = inventory.object_id
            if inventory.head > 1:
                version = self._show(object_key(object_id), inventory, each.parcel.lock)
            written.append(Written(object_id, inventory.head, inventory.digest, True, each.size_bytes, version))
        return written

    def _stage(self, folder: Path, change: _Change, message: str, author: Author) -> _Staged:
        """All of a new object, or of a version."""
        before, snapshot = change.before, change.draft.snapshot
        key, number = object_key(snapshot.object_id), 1 if before is None else before.head + 1
        state = {piece.path: _digest(piece) for piece in snapshot.pieces}
        inside = "" if before is not None else f"v{number}/"
        version = folder / inside
        version.mkdir(parents=True)
        fresh, size = _stage_contents(version, snapshot.pieces, state, before)
        inventory = next_inventory(
            before,
            object_id=snapshot.object_id,
            state=state,
            fresh=fresh,
            created=self._clock.now(),
            message=message,
            author=author,
        )
        _write_inventory(version, inventory)
        if before is None:
            (folder / NAMASTE).write_bytes(_DECLARATION)
            _write_inventory(folder, inventory)
        target = key if before is None else f"{key}/v{number}"
        digests = {f"{inside}content/{content.path}": content.sha256 for content in fresh}
        return _Staged(Parcel(folder, target, change.draft.lock, digests), inventory, size)

    def _show(self, key: str, inventory: Inventory, lock: Lock) -> str | None:
        """From here on the version is the object's newest."""
        version = self._place.replace(f"{key}/{INVENTORY}", inventory.data, lock=lock)
        self._place.replace(f"{key}/{SIDECAR}", inventory.sidecar, lock=lock)
        return version

    def settle(self, object_id: str) -> Head | None:
        """The newest version, after whatever a crash has left is put right."""
        with self._place.alone(object_key(object_id)):
            found, _ = self._settled(object_id, UNKNOWN)
        return None if found is None else Head(found.head, found.digest, found.state)

    def _settled(self, object_id: str, lock: Lock) -> tuple[Inventory | None, bool]:
        """The object's inventory, and whether it is that of a version that had not been shown yet."""
        key = object_key(object_id)
        if next(iter(self._place.keys(key)), None) is None:
            return None, False
        inventory = self.inventory(object_id)
        if inventory is not None and self._place.read(f"{key}/{SIDECAR}") != inventory.sidecar:
            held = self._place.read(f"{key}/v{inventory.head}/{INVENTORY}")
            if held != inventory.data:
                raise PermanentError("an object's inventory and its sidecar disagree, and its newest version with both")
            self._place.replace(f"{key}/{SIDECAR}", inventory.sidecar, lock=lock)
        newer = f"v{1 if inventory is None else inventory.head + 1}"
        if newer not in self._place.folders(key):
            return inventory, False
        if self._place.is_being_written(key):
            raise PermanentError("another machine seems to be archiving it; try again in a quarter of an hour")
        found = self._whole(object_id, newer)
        if found is None:
            self._place.set_aside(f"{key}/{newer}")
            return inventory, False
        if inventory is None:
            self._place.replace(f"{key}/{NAMASTE}", _DECLARATION, lock=lock)
        self._show(key, found, lock)
        return found, True

    def _whole(self, object_id: str, newer: str) -> Inventory | None:
        """The inventory of a version that nothing refers to yet, if all that it brings is there and right."""
        key = object_key(object_id)
        data = self._place.read(f"{key}/{newer}/{INVENTORY}")
        try:
            found = None if data is None else parse(data)
        except BadInventory:
            return None
        if found is None or self._place.read(f"{key}/{newer}/{SIDECAR}") != found.sidecar:
            return None
        if found.object_id != object_id or f"v{found.head}" != newer:
            return None
        brought = {
            path: digest
            for digest, paths in found.manifest.items()
            for path in paths
            if path.startswith(f"{newer}/content/")
        }
        there = {each.removeprefix(f"{key}/") for each in self._place.keys(f"{key}/{newer}/content")}
        if there != set(brought):
            return None
        for path, digest in brought.items():
            with closing(self._place.open(f"{key}/{path}")) as stream:
                if digest_of(stream) != digest:
                    return None
        return found

    def recover(self) -> Sequence[str]:
        """Put right what crashes have left; returns the ids of the objects that were looked at."""
        settled = []
        for folder in self._place.interrupted():
            target = folder / _TARGET
            if target.is_file():
                try:
                    object_ids = json.loads(target.read_bytes())["object_ids"]
                except (ValueError, KeyError):  # cut off while it was written: nothing was published then
                    continue
                for object_id in object_ids:
                    with self._place.alone(object_key(object_id)):
                        if self._settled(object_id, UNKNOWN)[0] is None:
                            self._place.remove_empty(object_key(object_id))
                settled.extend(object_ids)
        return settled

    def protect(self, object_id: str, lock: Lock) -> None:
        """Let the storage keep every version that long, where it can; never shorter than it does."""
        self._place.protect(object_key(object_id), lock)

    def remove(self, object_id: str, *, bypass_governance: bool = False) -> None:
        """Every version, for good. Only a purge does this, after it has asked retention and holds. ``PermanentError``
        where the storage itself still keeps one; ``bypass_governance`` lifts what may be lifted."""
        key = object_key(object_id)
        with self._place.alone(key):
            self._place.remove(key, bypass_governance=bypass_governance)


def digest_of(stream: BinaryIO, advance: Callable[[int], None] = lambda _bytes: None) -> str:
    """SHA-512 of what is left of a stream."""
    digest = sha512()
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
        advance(len(chunk))
    return digest.hexdigest()


def _digest(piece: Piece) -> str:
    """SHA-512 of a piece; a stored file's is known, and found to be right when it is copied."""
    return sha512(piece.content).hexdigest() if isinstance(piece.content, bytes) else piece.content.sha512


def _holds(state: Mapping[str, str], snapshot: Snapshot) -> bool:
    """Whether that state has every lasting piece of the snapshot and no other; nothing is read for it."""
    lasting = {piece.path: _digest(piece) for piece in snapshot.pieces if not piece.is_volatile}
    volatile = {piece.path for piece in snapshot.pieces if piece.is_volatile}
    return lasting == {path: digest for path, digest in state.items() if path not in volatile}


def _stage_contents(
    folder: Path, pieces: Sequence[Piece], state: Mapping[str, str], before: Inventory | None
) -> tuple[list[NewContent], int]:
    """Write what no earlier version holds; returns what is new, and its bytes."""
    known = set() if before is None else set(before.manifest)
    made: set[Path] = set()
    fresh: list[NewContent] = []
    size = 0
    for piece in pieces:
        digest = state[piece.path]
        if digest in known:
            continue
        target = folder / "content" / piece.path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        digests = stage_piece(target, piece.content)
        if digests.sha512 != digest:
            raise PermanentError("a stored file is not the one that was downloaded: it is not archived")
        fresh.append(NewContent(piece.path, digest, digests.sha256))
        known.add(digest)
        size += digests.size_bytes
    return fresh, size


def _write_inventory(folder: Path, inventory: Inventory) -> None:
    (folder / INVENTORY).write_bytes(inventory.data)
    (folder / SIDECAR).write_bytes(inventory.sidecar)
