"""One object into the second copy: the versions that it lacks, each file compared with its digest on the way."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha512
from pathlib import Path

from zcc_pipeline.archive.ocfl import Inventory
from zcc_pipeline.archive.ocfl.inventory import INVENTORY, BadInventory, parse
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import UNKNOWN, Lock, Parcel, Place
from zcc_pipeline.domain.errors import PermanentError

SIDECAR = f"{INVENTORY}.sha512"
_CHUNK = 1 << 20


def copy_object(
    source: Place, target: Place, object_id: str, inventory_sha512: str, lock: Lock = UNKNOWN, *, protect: bool = False
) -> int:
    """Bring an object of the copy to the version whose inventory the ledger names; how many bytes were copied.

    ``lock`` is how long the copy's storage is to keep what is copied, where it can; with ``protect`` also what it has.
    ``PermanentError`` where the archive's own object is not that one, or one of its files is not what it was: nothing
    of it is copied then, and the copy keeps what it has.
    """
    key = object_key(object_id)
    wanted = _inventory(source, key)
    if wanted is None or wanted.digest != inventory_sha512:
        raise PermanentError("is not as the ledger has it, and was not copied")
    with target.alone(key):
        held = _inventory(target, key)
        if held is not None and held.digest != wanted.digest and not _continues(source, key, held, wanted):
            target.remove(key)
            held = None
        if held is None:
            return _copy_whole(source, target, key, wanted, lock)
        copied = 0
        if held.digest != wanted.digest:
            for version in range(held.head + 1, wanted.head + 1):
                copied += _copy_version(source, target, key, wanted, version, lock)
            target.replace(f"{key}/{INVENTORY}", wanted.data, lock=lock)
        _settle(target, key, wanted, lock)
        if protect:
            target.protect(key, lock)
        return copied


def remove_object(target: Place, object_id: str) -> bool:
    """Out of the copy, where it is there."""
    key = object_key(object_id)
    with target.alone(key):
        if next(iter(target.keys(key)), None) is None:
            return False
        target.remove(key)
        return True


def _inventory(place: Place, key: str) -> Inventory | None:
    data = place.read(f"{key}/{INVENTORY}")
    try:
        return None if data is None else parse(data)
    except BadInventory:
        return None


def _continues(source: Place, key: str, held: Inventory, wanted: Inventory) -> bool:
    """Whether the copy holds an earlier version of the same object, byte for byte."""
    return held.head < wanted.head and source.read(f"{key}/v{held.head}/{INVENTORY}") == held.data


def _settle(target: Place, key: str, wanted: Inventory, lock: Lock) -> None:
    """The sidecar, which a crash may have kept from following its inventory."""
    if target.read(f"{key}/{SIDECAR}") != wanted.sidecar:
        target.replace(f"{key}/{SIDECAR}", wanted.sidecar, lock=lock)


def _copy_whole(source: Place, target: Place, key: str, wanted: Inventory, lock: Lock) -> int:
    if next(iter(target.keys(key)), None) is not None:
        target.set_aside(key)  # a folder without an inventory that can be read
    return _publish(source, target, key, list(source.keys(key)), wanted, lock)


def _copy_version(source: Place, target: Place, key: str, wanted: Inventory, version: int, lock: Lock) -> int:
    folder = f"{key}/v{version}"
    if next(iter(target.keys(folder)), None) is not None:
        target.set_aside(folder)  # a crash came between it and the inventory that names it
    return _publish(source, target, folder, list(source.keys(folder)), wanted, lock)


def _publish(source: Place, target: Place, folder: str, keys: list[str], wanted: Inventory, lock: Lock) -> int:
    digests = {path: digest for digest, paths in wanted.manifest.items() for path in paths}
    copied = 0
    with target.staging() as staging:
        staged = staging / "object"
        for each in keys:
            expected = digests.get(each.removeprefix(f"{_object_of(folder)}/"))
            copied += _copy_file(source, each, staged / each.removeprefix(f"{folder}/"), expected)
        target.publish([Parcel(staged, folder, lock)])
    return copied


def _object_of(folder: str) -> str:
    """The object's key, of itself or of one of its versions."""
    return "/".join(folder.split("/")[:5])


def _copy_file(source: Place, key: str, path: Path, expected: str | None) -> int:
    """Every byte is read and written: no link, and no block that both share."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = sha512(), 0
    with closing(source.open(key)) as reading, path.open("wb") as writing:
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            writing.write(chunk)
    if expected is not None and digest.hexdigest() != expected:
        raise PermanentError(f"{key.rpartition('/')[2]} is not what it was, and was not copied")
    return size
