"""A second copy: every byte of it read again, and held against the archive."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO

from zcc_pipeline.archive.ocfl.inventory import INVENTORY
from zcc_pipeline.archive.ocfl.store import digest_of
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.verification.findings import Area, Finding
from zcc_pipeline.archive.verification.objects import Folder, as_finding, examine, iter_folders, look_at

CHECKPOINT = "ledger/checkpoint"
_BESIDE = ("ledger", "completeness")
"""What must be in the copy besides the objects. The newest checkpoint may be an older one: it is verified as such."""
_NOT_COPIED = (CHECKPOINT, "ledger/.lock")


def iter_both(place: Place, copy: Place, *, after: str) -> Iterator[tuple[str, bool, bool]]:
    """Keys of objects in either, in order, and whether each of the two has it."""
    ours, theirs = _objects(place, after), _objects(copy, after)
    one, two = next(ours, None), next(theirs, None)
    while one is not None or two is not None:
        key = min(each for each in (one, two) if each is not None)
        yield key, one == key, two == key
        one = next(ours, None) if one == key else one
        two = next(theirs, None) if two == key else two


def _objects(place: Place, after: str) -> Iterator[str]:
    return (folder.key for folder in iter_folders(place, after=after) if not folder.is_stray)


def check_copied(place: Place, copy: Place, key: str, advance: Callable[[int], None]) -> Iterator[Finding]:
    """An object that both have."""
    ours, theirs = look_at(place, key), look_at(copy, key)
    name = next((each.object_id for each in (ours, theirs) if each and each.object_id), key)
    if theirs is None or ours is None or theirs.digest != ours.digest:
        here, there = (each.version if each else None for each in (ours, theirs))
        text = f"has version {there}, the archive has {here}" if here != there else "has another inventory"
        yield Finding(Area.SECOND_COPY, name, INVENTORY, text)
    for problem in examine(copy, key, name if name != key else None, advance).problems:
        yield as_finding(problem, Area.SECOND_COPY)
    for each in copy.keys(key):
        if _is_same_file(place, copy, each):
            yield Finding(
                Area.SECOND_COPY, name, each.removeprefix(f"{key}/"), "is the archive's own file under a second name"
            )
            break


def check_beside(place: Place, copy: Place, advance: Callable[[int], None]) -> Iterator[Finding]:
    """The ledger and the manifests of the copy. It may end earlier, and must not differ as far as it goes."""
    if copy.read(CHECKPOINT) is None and place.read(CHECKPOINT) is not None:
        yield Finding(Area.SECOND_COPY, CHECKPOINT, "", "is missing")
    for folder in _BESIDE:
        for key in copy.keys(folder):
            if key in _NOT_COPIED:
                continue
            try:
                differs = _digest(place, key, lambda _size: None) != _digest(copy, key, advance)
            except FileNotFoundError:
                yield Finding(Area.SECOND_COPY, key, "", "the archive has no such file")
                continue
            if differs:
                yield Finding(Area.SECOND_COPY, key, "", "differs from the archive's")
    for key in place.keys("completeness"):
        if copy.read(key) is None:
            yield Finding(Area.SECOND_COPY, key, "", "is missing")


def strays(copy: Place) -> Iterator[Folder]:
    """Files that lie where none may."""
    return (folder for folder in iter_folders(copy) if folder.is_stray)


def _digest(place: Place, key: str, advance: Callable[[int], None]) -> str:
    with closing(place.open(key)) as stream:
        return digest_of(stream, advance)


def _is_same_file(place: Place, copy: Place, key: str) -> bool:
    """A hard link, or the same folder twice: whoever damages the one damages the other."""
    try:
        with closing(place.open(key)) as one, closing(copy.open(key)) as two:
            here, there = _on_disk(one), _on_disk(two)
    except FileNotFoundError:
        return False
    return here is not None and here == there


def _on_disk(stream: BinaryIO) -> tuple[int, int] | None:
    try:
        found = os.fstat(stream.fileno())
    except (io.UnsupportedOperation, AttributeError):  # not a file of this machine
        return None
    return found.st_dev, found.st_ino
