"""Is an object what its inventory says? Every byte is read; each thing that is wrong is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from zcc_pipeline.archive.ocfl.inventory import (
    INVENTORY,
    NAMASTE,
    SIDECAR,
    BadInventory,
    Inventory,
    parse,
)
from zcc_pipeline.archive.ocfl.layout import ROOT, ROOT_FILES, object_key
from zcc_pipeline.archive.ocfl.store import digest_of
from zcc_pipeline.archive.storage import Place

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ObjectProblem:
    """Something that is wrong with an object. ``path`` is below the object's folder."""

    object_id: str
    path: str
    text: str


def check_object(place: Place, object_id: str, *, advance: Advance = lambda _bytes: None) -> Iterator[ObjectProblem]:
    """Everything that is wrong with it, as it is found. ``advance`` hears of bytes as they are read."""
    key = object_key(object_id)
    data = place.read(f"{key}/{INVENTORY}")
    if data is None:
        yield ObjectProblem(object_id, INVENTORY, "is missing")
        return
    try:
        inventory = parse(data)
    except BadInventory as error:
        yield ObjectProblem(object_id, INVENTORY, str(error))
        return
    if inventory.object_id != object_id:
        yield ObjectProblem(object_id, INVENTORY, "is the inventory of another object")
        return
    yield from _check_inventories(place, key, inventory)
    yield from _check_files(place, key, inventory, advance)


def _check_inventories(place: Place, key: str, inventory: Inventory) -> Iterator[ObjectProblem]:
    """The object's own, each version's, and what each says of the versions before it."""
    object_id = inventory.object_id
    if place.read(f"{key}/{SIDECAR}") != inventory.sidecar:
        yield ObjectProblem(object_id, SIDECAR, "is not the digest of the inventory beside it")
    for number in range(1, inventory.head + 1):
        name = f"v{number}/{INVENTORY}"
        data = place.read(f"{key}/{name}")
        if data is None:
            yield ObjectProblem(object_id, name, "is missing")
            continue
        try:
            held = parse(data)
        except BadInventory as error:
            yield ObjectProblem(object_id, name, str(error))
            continue
        if place.read(f"{key}/v{number}/{SIDECAR}") != held.sidecar:
            yield ObjectProblem(object_id, f"v{number}/{SIDECAR}", "is not the digest of the inventory beside it")
        if number == inventory.head and held.data != inventory.data:
            yield ObjectProblem(object_id, INVENTORY, f"is not that of v{number}")
        if held.head != number or held.object_id != object_id:
            yield ObjectProblem(object_id, name, "is the inventory of something else")
        elif any(held.versions[f"v{each}"] != inventory.versions[f"v{each}"] for each in range(1, number + 1)):
            yield ObjectProblem(object_id, name, "tells another history than the newest one")


def _check_files(place: Place, key: str, inventory: Inventory, advance: Advance) -> Iterator[ObjectProblem]:
    object_id = inventory.object_id
    expected = {path: digest for digest, paths in inventory.manifest.items() for path in paths}
    there = {each.removeprefix(f"{key}/") for each in place.keys(key)}
    about = {NAMASTE, INVENTORY, SIDECAR} | {
        f"v{number}/{name}" for number in range(1, inventory.head + 1) for name in (INVENTORY, SIDECAR)
    }
    for path in sorted(there - about - set(expected)):
        yield ObjectProblem(object_id, path, "belongs to no version")
    if NAMASTE not in there:
        yield ObjectProblem(object_id, NAMASTE, "is missing")
    for path, digest in sorted(expected.items()):
        if path not in there:
            yield ObjectProblem(object_id, path, "is missing")
            continue
        with closing(place.open(f"{key}/{path}")) as stream:
            found = digest_of(stream, advance)
        if found != digest:
            yield ObjectProblem(object_id, path, "is not what was archived: its digest differs")
    used = {digest for state in inventory.states.values() for digest in state.values()}
    for digest in sorted(used - set(inventory.manifest)):
        yield ObjectProblem(object_id, INVENTORY, f"a version needs content {digest[:12]} that the manifest lacks")


def check_root(place: Place) -> Iterator[ObjectProblem]:
    """The declarations of the storage root."""
    for name, data in ROOT_FILES.items():
        if place.read(f"{ROOT}/{name}") != data:
            yield ObjectProblem("", f"{ROOT}/{name}", "is missing or not what it was")
