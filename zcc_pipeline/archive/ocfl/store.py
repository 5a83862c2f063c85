"""One OCFL 1.1 object an engagement: versions are added, nothing that was written changes.

A crash leaves one of three things, and each is settled before the object is touched again: a staged folder (dropped), a
new version that the object's own inventory does not know yet (taken over if it is whole, set aside if not), or an
inventory newer than its sidecar (the sidecar is written anew).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path
from typing import BinaryIO

from zcc_pipeline.archive.contents import Piece, Snapshot
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
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.storage.scratch import make_folder, write_synced
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import NotFound, PermanentError

_TARGET = "target.json"
_DECLARATION = b"ocfl_object_1.1\n"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left. ``inventory_sha512`` is what the ledger keeps of the object."""

    object_id: str
    version: int
    inventory_sha512: str
    is_new_version: bool
    bytes_written: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of an object."""

    version: int
    inventory_sha512: str
    state: Mapping[str, str]


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
        for first in self._place.folders(ROOT):
            if first == "extensions":
                continue
            for second in self._place.folders(f"{ROOT}/{first}"):
                for third in self._place.folders(f"{ROOT}/{first}/{second}"):
                    for name in self._place.folders(f"{ROOT}/{first}/{second}/{third}"):
                        data = self._place.read(f"{ROOT}/{first}/{second}/{third}/{name}/{INVENTORY}")
                        if data is not None:
                            yield parse(data).object_id

    def write(self, snapshot: Snapshot, *, message: str, author: Author) -> Written:
        """Make the newest version hold the snapshot; none is added where nothing but volatile pieces differs.

        Raises ``PermanentError`` where a stored file is no longer the one that was downloaded: nothing is written then.
        """
        key = object_key(snapshot.object_id)
        with self._place.alone(key):
            before = self._settled(snapshot.object_id)
            if before is not None and _holds(before.state, snapshot):
                return Written(snapshot.object_id, before.head, before.digest, is_new_version=False)
            return self._add_version(key, before, snapshot, message, author)

    def _add_version(
        self, key: str, before: Inventory | None, snapshot: Snapshot, message: str, author: Author
    ) -> Written:
        number = 1 if before is None else before.head + 1
        with self._place.staging() as staging:
            write_synced(staging / _TARGET, json.dumps({"object_id": snapshot.object_id}).encode())
            folder = staging / "object" / f"v{number}" if before is None else staging / f"v{number}"
            make_folder(folder)
            state, fresh, size = _stage_contents(folder, snapshot.pieces, before)
            inventory = next_inventory(
                before,
                object_id=snapshot.object_id,
                state=state,
                fresh=fresh,
                created=self._clock.now(),
                message=message,
                author=author,
            )
            _write_inventory(folder, inventory)
            if before is None:
                whole = staging / "object"
                write_synced(whole / NAMASTE, _DECLARATION)
                _write_inventory(whole, inventory)
                self._place.publish(whole, key)
            else:
                self._place.publish(folder, f"{key}/v{number}")
                self._show(key, inventory)
        return Written(snapshot.object_id, number, inventory.digest, is_new_version=True, bytes_written=size)

    def _show(self, key: str, inventory: Inventory) -> None:
        """From here on the version is the object's newest."""
        self._place.replace(f"{key}/{INVENTORY}", inventory.data)
        self._place.replace(f"{key}/{SIDECAR}", inventory.sidecar)

    def _settled(self, object_id: str) -> Inventory | None:
        """The object's inventory, after whatever a crash has left is put right."""
        key = object_key(object_id)
        inventory = self.inventory(object_id)
        if inventory is None:
            return None
        if self._place.read(f"{key}/{SIDECAR}") != inventory.sidecar:
            held = self._place.read(f"{key}/v{inventory.head}/{INVENTORY}")
            if held != inventory.data:
                raise PermanentError("an object's inventory and its sidecar disagree, and its newest version with both")
            self._place.replace(f"{key}/{SIDECAR}", inventory.sidecar)
        newer = f"v{inventory.head + 1}"
        if newer in self._place.folders(key):
            found = self._whole(key, newer, inventory)
            if found is None:
                self._place.set_aside(f"{key}/{newer}")
            else:
                self._show(key, found)
                return found
        return inventory

    def _whole(self, key: str, newer: str, before: Inventory) -> Inventory | None:
        """The inventory of a version that nothing refers to yet, if all that it brings is there and right."""
        data = self._place.read(f"{key}/{newer}/{INVENTORY}")
        try:
            found = None if data is None else parse(data)
        except BadInventory:
            return None
        if found is None or self._place.read(f"{key}/{newer}/{SIDECAR}") != found.sidecar:
            return None
        if found.object_id != before.object_id or found.head != before.head + 1:
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
                    object_id = json.loads(target.read_bytes())["object_id"]
                except (ValueError, KeyError):  # cut off while it was written: nothing was published then
                    continue
                with self._place.alone(object_key(object_id)):
                    if self._settled(object_id) is None:
                        self._place.remove_empty(object_key(object_id))
                settled.append(object_id)
        return settled

    def remove(self, object_id: str) -> None:
        """Every version, for good. Only a purge does this, after it has asked retention and holds."""
        key = object_key(object_id)
        with self._place.alone(key):
            self._place.remove(key)


def digest_of(stream: BinaryIO, advance: Callable[[int], None] = lambda _bytes: None) -> str:
    """SHA-512 of what is left of a stream."""
    digest = sha512()
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
        advance(len(chunk))
    return digest.hexdigest()


def _holds(state: Mapping[str, str], snapshot: Snapshot) -> bool:
    """Whether that state has every lasting piece of the snapshot and no other; nothing is read for it."""
    lasting: dict[str, str] = {}
    for piece in snapshot.pieces:
        if not piece.is_volatile:
            content = piece.content
            lasting[piece.path] = sha512(content).hexdigest() if isinstance(content, bytes) else content.sha512
    volatile = {piece.path for piece in snapshot.pieces if piece.is_volatile}
    return lasting == {path: digest for path, digest in state.items() if path not in volatile}


def _stage_contents(
    folder: Path, pieces: Sequence[Piece], before: Inventory | None
) -> tuple[dict[str, str], list[NewContent], int]:
    """Write what no earlier version holds; returns the new state, what is new, and its bytes."""
    known = {} if before is None else dict(before.manifest)
    state: dict[str, str] = {}
    fresh: list[NewContent] = []
    size = 0
    for piece in pieces:
        content = piece.content
        digest = sha512(content).hexdigest() if isinstance(content, bytes) else content.sha512
        if digest not in known:
            target = folder / "content" / piece.path
            make_folder(target.parent)
            digests = stage_piece(target, content)
            if digests.sha512 != digest:
                raise PermanentError("a stored file is not the one that was downloaded: it is not archived")
            fresh.append(NewContent(piece.path, digest, digests.sha256))
            known[digest] = ()
            size += digests.size_bytes
        state[piece.path] = digest
    return state, fresh, size


def _write_inventory(folder: Path, inventory: Inventory) -> None:
    write_synced(folder / INVENTORY, inventory.data)
    write_synced(folder / SIDECAR, inventory.sidecar)
