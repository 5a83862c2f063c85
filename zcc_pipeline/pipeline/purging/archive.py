"""The archive itself: objects, what was set aside of them, the index. The ledger and the manifests hold ids only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.archive.ocfl.inventory import INVENTORY
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.opening import COPY_SETTING
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.pipeline.archive_copying import copy_with_progress
from zcc_pipeline.pipeline.archive_indexing import refresh_index
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "archive"
COPY = "second copy"
_SET_ASIDE = "quarantine"
_CHUNK = 1 << 20


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """The caller holds the lock of exports into the archive."""
    archive = runtime.archive
    if not archive.place.is_there():
        return
    archive.objects.recover()
    yield from clear_store(archive.place, archive.objects, subject)
    refresh_index(runtime)


def clear_copy(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """The second copy, where there is to be one. ``TransientError`` where it is not to be found: it may be a disk that
    is not mounted, and has everything."""
    place = runtime.archive.copy_place
    if place is None:
        return
    if not place.is_there():
        raise TransientError(f"it is not there ({COPY_SETTING}); `zcc archive copy` makes it")
    for _ in place.interrupted():
        pass  # what a crash has left half staged is gone once it was looked at
    store = ObjectStore(place, clock=runtime.clock)
    yield from (replace(each, place=COPY) for each in clear_store(place, store, subject))
    copy_with_progress(runtime)  # what else it lacks, and the index, the next export brings as well


def clear_store(place: Place, objects: ObjectStore, subject: Subject) -> Iterator[Removed]:
    """One copy of the archive: every version of each object, and what was set aside of them. One that the storage does
    not let go keeps no other from going."""
    removed = files = 0
    refused: list[PermanentError] = []
    for purge in subject.purges:
        there = sum(1 for _ in place.keys(object_key(purge.object_id)))
        if not there and not place.locks:
            continue  # in a bucket versions may be left of what shows no more
        try:
            objects.remove(purge.object_id, bypass_governance=subject.bypass_governance)
        except PermanentError as error:
            refused.append(error)
        else:
            removed += there > 0
            files += there
    yield Removed(PLACE, "objects", removed)
    yield Removed(PLACE, "files in objects", files)
    yield Removed(PLACE, "folders set aside", _clear_set_aside(place, subject))
    if refused:
        raise PermanentError(f"{len(refused)} of the objects cannot be removed: {refused[0]}")


def _clear_set_aside(place: Place, subject: Subject) -> int:
    cleared = 0
    for name in list(place.folders(_SET_ASIDE)):
        if _is_theirs(place, f"{_SET_ASIDE}/{name}", subject):
            place.remove(f"{_SET_ASIDE}/{name}", bypass_governance=subject.bypass_governance)
            cleared += 1
    return cleared


def _is_theirs(place: Place, folder: str, subject: Subject) -> bool:
    """By its inventory, or else by the ids that stand in its files."""
    data = place.read(f"{folder}/{INVENTORY}")
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        if data is not None:
            return engagement_id_of(json.loads(data)["id"]) in subject.engagement_ids
    ids = [each.encode("utf-8", "surrogatepass") for each in subject.own_ids]
    return any(_holds(place, key, ids) for key in place.keys(folder))


def _holds(place: Place, key: str, ids: list[bytes]) -> bool:
    longest = max(map(len, ids), default=0)
    held = b""
    with closing(place.open(key)) as stream:
        while chunk := stream.read(_CHUNK):
            window = held + chunk
            if any(each in window for each in ids):
                return True
            held = window[-longest:]
    return any(each.decode("utf-8", "surrogatepass") in key for each in ids)
