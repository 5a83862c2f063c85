"""Does the storage itself keep what the ledger promises? Asked of every version in a bucket with Object Lock.

What is kept longer than promised is no finding: nothing is ever locked shorter than it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import groupby

from zcc_pipeline.archive.ocfl.layout import ROOT
from zcc_pipeline.archive.storage import Lock, Place
from zcc_pipeline.archive.storage.s3 import S3Place
from zcc_pipeline.archive.storage.s3.locks import Kept, Locks, Version
from zcc_pipeline.archive.verification.objects import DEPTH

_FARTHEST = datetime(9999, 1, 1, tzinfo=UTC)
"""No later date is ever asked for."""
_ROUNDING = timedelta(seconds=1)
_AT_ONCE = 8

Promise = Callable[[str], Lock | None]
"""What is promised now of the object under a key; None where nothing is."""


def has_locks(place: Place) -> bool:
    """Whether that storage is to keep anything; ``ConfigurationError`` where it cannot be told."""
    return isinstance(place, S3Place) and place.locks


def check_locks(
    place: Place, promise: Promise, *, now: datetime, renew: Callable[[], None], advance: Callable[[], None]
) -> Iterator[tuple[str, str, str]]:
    """Key of the object, path in it, and what is wrong, of each version that is kept shorter than promised.

    Where something looks wrong the promise is asked for once more, after ``renew``: a matter may have released it
    meanwhile. ``advance`` hears of each object.
    """
    if not isinstance(place, S3Place) or not place.locks:
        return
    object_locks = place.object_locks
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="locks") as pool:

        def lacking(key: str, versions: Sequence[Version]) -> list[tuple[str, str]]:
            lock = promise(key)
            if lock is None or not (lock.is_held or _is_to_come(lock, now)):
                return []
            kept = pool.map(lambda each: _kept(object_locks, each), versions)
            both = zip(versions, kept, strict=True)
            said = [(each, what) for each, one in both if one is not None for what in _lacks(one, lock, now)]
            return [(each.key, f"its version {each.version_id} {what}") for each, what in said]

        for key, versions in _by_object(object_locks):
            if lacking(key, versions):
                renew()
                for path, text in lacking(key, versions):
                    yield key, path.removeprefix(f"{key}/"), text
            advance()


def _by_object(locks: Locks) -> Iterator[tuple[str, list[Version]]]:
    """All versions of each object, from one listing."""
    there = (each for each in locks.versions(f"{ROOT}/") if not each.is_marker and each.key.count("/") >= DEPTH)
    for key, versions in groupby(there, key=lambda each: "/".join(each.key.split("/")[:DEPTH])):
        yield key, list(versions)


def _kept(locks: Locks, version: Version) -> Kept | None:
    try:
        return locks.kept(version)
    except FileNotFoundError:  # it went since it was listed
        return None


def _is_to_come(lock: Lock, now: datetime) -> bool:
    return lock.retain_until is not None and lock.retain_until > now


def _lacks(kept: Kept, lock: Lock, now: datetime) -> Iterator[str]:
    if lock.is_held and not kept.is_held:
        yield "has no legal hold, and by the ledger a matter holds it"
    if lock.retain_until is None or not _is_to_come(lock, now):
        return
    promised = f"and the ledger promises it until {lock.retain_until:%Y-%m-%d %H:%M} UTC"
    if kept.until is None:
        yield f"is not locked, {promised}"
    elif kept.until + _ROUNDING < min(lock.retain_until, _FARTHEST):
        yield f"is locked only until {kept.until:%Y-%m-%d %H:%M} UTC, {promised}"
