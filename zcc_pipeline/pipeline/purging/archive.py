"""The archive itself: objects, what was set aside of them, the index. The ledger and the manifests hold ids only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.archive.ocfl.inventory import INVENTORY
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.pipeline.archive_indexing import refresh_index
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "archive"
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


def clear_store(place: Place, objects: ObjectStore, subject: Subject) -> Iterator[Removed]:
    """One copy of the archive: every version of each object, and what was set aside of them."""
    removed = files = 0
    for purge in subject.purges:
        there = sum(1 for _ in place.keys(object_key(purge.object_id)))
        if there:
            objects.remove(purge.object_id, bypass_governance=subject.bypass_governance)
            removed += 1
            files += there
    yield Removed(PLACE, "objects", removed)
    yield Removed(PLACE, "files in objects", files)
    aside = 0
    for name in list(place.folders(_SET_ASIDE)):
        if _is_theirs(place, f"{_SET_ASIDE}/{name}", subject):
            place.remove(f"{_SET_ASIDE}/{name}", bypass_governance=subject.bypass_governance)
            aside += 1
    yield Removed(PLACE, "folders set aside", aside)


def _is_theirs(place: Place, folder: str, subject: Subject) -> bool:
    """By its inventory, or else by the ids that stand in its files."""
    data = place.read(f"{folder}/{INVENTORY}")
    try:
        return data is not None and engagement_id_of(json.loads(data)["id"]) in subject.engagement_ids
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
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
