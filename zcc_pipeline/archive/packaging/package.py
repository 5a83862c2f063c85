"""The package itself: BagIt 1.0 (RFC 8493), with a cover sheet, lists, the files, and what the ledger says of them."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path
from typing import BinaryIO

from zcc_pipeline.archive.ledger import Ledger, Logged
from zcc_pipeline.archive.ledger.entry import encode
from zcc_pipeline.archive.ocfl import Inventory, ObjectStore
from zcc_pipeline.archive.packaging.names import Names
from zcc_pipeline.archive.packaging.pages import FileRow, instructions, render_index
from zcc_pipeline.archive.packaging.selection import Chosen
from zcc_pipeline.archive.storage.scratch import sync_folder, write_synced
from zcc_pipeline.archive.sums import sums_text
from zcc_pipeline.domain.errors import PermanentError

_CHUNK = 1 << 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FACTS = ("direction", "start_time", "end_time")


@dataclass(frozen=True, slots=True)
class Request:
    """Who hands over what for which matter."""

    matter: str
    made_by: str
    made_at: datetime
    all_versions: bool = False


@dataclass(frozen=True, slots=True)
class Packaged:
    """``sha512`` is of ``tagmanifest-sha512.txt``, and with it of every file of the package."""

    folder: Path
    objects: int
    files: int
    bytes_written: int
    sha512: str


@dataclass(slots=True)
class _Bag:
    folder: Path
    digests: dict[str, str] = field(default_factory=dict)
    size_bytes: int = 0

    def add(self, path: str, data: bytes) -> None:
        self._open(path).write_bytes(data)
        self._note(path, sha512(data).hexdigest(), len(data))

    def copy(self, path: str, source: Callable[[], BinaryIO], expected: str) -> int:
        """Returns the size; ``PermanentError`` where what was read is not what was archived."""
        digest, size = sha512(), 0
        with closing(source()) as reading, self._open(path).open("wb") as writing:
            while chunk := reading.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                writing.write(chunk)
            writing.flush()
            os.fsync(writing.fileno())
        if digest.hexdigest() != expected:
            raise PermanentError("a file in the archive is not what was archived: `zcc archive verify` names it")
        self._note(path, expected, size)
        return size

    def _open(self, path: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _note(self, path: str, digest: str, size: int) -> None:
        self.digests[path] = digest
        self.size_bytes += size


def write_package(
    store: ObjectStore,
    ledger: Ledger,
    chosen: Sequence[Chosen],
    target: Path,
    request: Request,
    *,
    advance: Callable[[int], None] = lambda _objects: None,
) -> Packaged:
    """The package in a folder that does not exist yet; it appears whole or not at all."""
    if target.exists():
        raise PermanentError("the folder of the package exists already; name another one")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        bag = _Bag(part)
        rows = list(_engagements(store, chosen, bag, request, advance))
        _lists(bag, chosen, rows, _audit_trail(ledger, {each.object_id for each in chosen}), request)
        newest = ledger.latest()
        if newest is not None:
            bag.add("data/ledger-checkpoint.txt", newest.note)
        digest = _close(bag, request)
        sync_folder(part)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_folder(target.parent)
    return Packaged(target, len(chosen), len(rows), bag.size_bytes, digest)


def _engagements(
    store: ObjectStore, chosen: Sequence[Chosen], bag: _Bag, request: Request, advance: Callable[[int], None]
) -> Iterator[FileRow]:
    names = Names()
    for number, each in enumerate(chosen, 1):
        inventory = store.inventory(each.object_id)
        if inventory is None:
            raise PermanentError("an object that was chosen is not in the archive any more")
        folder = f"engagements/{names.folder(number, each.engagement_id)}"
        bag.add(f"data/{folder}/inventory.json", inventory.data)
        for version, path, digest in _files(inventory, all_versions=request.all_versions):
            where = names.path(f"{folder}/v{version}/{path}" if request.all_versions else f"{folder}/files/{path}")
            size = bag.copy(
                f"data/{where}",
                lambda path=path, version=version, each=each: store.open(each.object_id, path, version),  # type: ignore[misc]
                digest,
            )
            yield FileRow(each, folder, where, path, version, size, digest, inventory.digest)
        advance(1)


def _files(inventory: Inventory, *, all_versions: bool) -> Iterator[tuple[int, str, str]]:
    """Version, path and digest: of the newest version everything, of earlier ones what that version brought."""
    if not all_versions:
        for path, digest in sorted(inventory.state.items()):
            yield inventory.head, path, digest
        return
    before: dict[str, str] = {}
    for version in sorted(inventory.states):
        state = dict(inventory.states[version])
        for path, digest in sorted(state.items()):
            if before.get(path) != digest:
                yield version, path, digest
        before = state


def _audit_trail(ledger: Ledger, object_ids: set[str]) -> list[Logged]:
    return [logged for logged in ledger.entries() if logged.entry.object_id in object_ids]


def _lists(
    bag: _Bag, chosen: Sequence[Chosen], rows: Sequence[FileRow], trail: Sequence[Logged], request: Request
) -> None:
    folders = {row.chosen.object_id: (row.folder, row.inventory_sha512) for row in rows}
    engagements = [
        (
            folders[each.object_id][0],
            each.engagement_id,
            *(each.text(name) for name in _FACTS),
            each.object_id,
            folders[each.object_id][1],
        )
        for each in chosen
    ]
    bag.add(
        "data/engagements.csv",
        _csv(("folder", "engagement_id", *_FACTS, "object_id", "inventory_sha512"), engagements),
    )
    files = [
        (row.where, row.chosen.engagement_id, row.path, f"v{row.version}", row.size_bytes, row.sha512) for row in rows
    ]
    bag.add("data/files.csv", _csv(("file", "engagement_id", "archived_as", "version", "bytes", "sha512"), files))
    entries = [
        (
            logged.seq,
            logged.time.isoformat(),
            logged.entry.action.value,
            logged.entry.actor,
            logged.entry.object_id,
            logged.entry.version,
            logged.entry.inventory_sha512,
            logged.entry.reason,
            logged.entry.matter,
        )
        for logged in trail
    ]
    columns = ("entry", "time", "action", "actor", "object_id", "version", "inventory_sha512", "reason", "matter")
    bag.add("data/audit-trail.csv", _csv(columns, entries))
    bag.add("data/audit-trail.jsonl", b"".join(encode(logged) + b"\n" for logged in trail))
    page = render_index(chosen, rows, trail, request.matter, request.made_by, request.made_at)
    bag.add("data/index.html", page.encode())


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """For spreadsheets: a text that one would take for a formula gets an apostrophe before it."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row])
    return stream.getvalue().encode()


def _close(bag: _Bag, request: Request) -> str:
    """Manifest and tag files; returns the digest that stands for all of it."""
    payload = {path: digest for path, digest in bag.digests.items() if path.startswith("data/")}
    info = (
        f"Bagging-Date: {request.made_at.astimezone(UTC):%Y-%m-%d}\n"
        f"External-Identifier: {_one_line(request.matter)}\n"
        f"Contact-Name: {_one_line(request.made_by)}\n"
        f"Payload-Oxum: {bag.size_bytes}.{len(payload)}\n"
    )
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": info.encode(),
        "manifest-sha512.txt": sums_text(payload).encode(),
        "HOW-TO-VERIFY.txt": instructions(request.matter).encode(),
    }
    for name, data in tags.items():
        write_synced(bag.folder / name, data)
    tag_sums = sums_text({name: sha512(data).hexdigest() for name, data in tags.items()}).encode()
    write_synced(bag.folder / "tagmanifest-sha512.txt", tag_sums)
    return sha512(tag_sums).hexdigest()


def _one_line(text: str) -> str:
    return " ".join(text.split())
