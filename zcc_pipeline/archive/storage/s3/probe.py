"""Is the bucket what it says? A tiny version is locked for a short time, and then somebody tries to delete it.

Storage that takes locks and does not keep them exists (https://github.com/seaweedfs/seaweedfs/issues/11333): only
trying tells.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from zcc_pipeline.archive.storage.place import Worm
from zcc_pipeline.archive.storage.s3.client import Bucket
from zcc_pipeline.archive.storage.s3.errors import AccessRefused
from zcc_pipeline.archive.storage.s3.locks import SETTING, LockMode, Locks
from zcc_pipeline.archive.storage.s3.uploads import put_bytes
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError, TransientError

FOLDER = "probe"
_LOCKED_FOR = timedelta(minutes=20)
"""Longer than clocks may differ: S3 refuses requests that are 15 minutes off."""


def probe(bucket: Bucket, locks: Locks, *, clock: Clock, name: str) -> Worm:
    """The verdict, in words for whoever relies on it. Takes a handful of requests and leaves a few bytes behind."""
    mode = locks.mode
    if mode is LockMode.NONE:
        return Worm(is_worm=False, reason=_why_no_lock(bucket))
    _sweep(bucket, locks)
    key = f"{FOLDER}/{name}"
    free = put_bytes(bucket, key, b"not locked\n")
    may_delete = free is not None and _can_delete(bucket, key, free)
    until = clock.now() + _LOCKED_FOR
    version = put_bytes(
        bucket, key, b"locked for a while\n", ObjectLockMode=mode.upper(), ObjectLockRetainUntilDate=until
    )
    return _verdict(bucket, mode, key, version, may_delete=may_delete)


def _verdict(bucket: Bucket, mode: LockMode, key: str, version: str | None, *, may_delete: bool) -> Worm:
    """What became of a version that was locked. Whoever may delete nothing learns nothing from trying."""
    if version is None:
        is_worm, reason = False, "the bucket takes locks and keeps no versions"
    elif _can_delete(bucket, key, version):
        is_worm, reason = False, "a version that was locked could be deleted: this storage keeps no locks"
    elif not may_delete:
        is_worm = True
        reason = f"Object Lock in {mode} mode; these keys may delete no version at all, so it could not be tried"
    elif mode is LockMode.COMPLIANCE:
        is_worm, reason = True, "Object Lock in compliance mode: a locked version could not be deleted"
    elif _can_delete(bucket, key, version, BypassGovernanceRetention=True):
        is_worm = False
        reason = (
            "Object Lock in governance mode, and these keys themselves may bypass it: take "
            "s3:BypassGovernanceRetention from them"
        )
    else:
        is_worm = True
        reason = (
            "Object Lock in governance mode: a locked version could not be deleted; whoever has "
            "s3:BypassGovernanceRetention on the bucket still can"
        )
    return Worm(is_worm, reason)


def _why_no_lock(bucket: Bucket) -> str:
    try:
        status = bucket.call("get_bucket_versioning").get("Status")
    except (PermanentError, AccessRefused):
        status = None
    if status != "Enabled":
        return "the bucket has neither Object Lock nor versioning: what is overwritten or deleted is gone"
    return f"nothing is locked ({SETTING}=none, or a bucket without Object Lock): versions can be deleted"


def _can_delete(bucket: Bucket, key: str, version: str, **how: bool) -> bool:
    try:
        bucket.call("delete_object", key, VersionId=version, **how)
    except (AccessRefused, PermanentError):
        return not _is_there(bucket, key, version)
    return True


def _is_there(bucket: Bucket, key: str, version: str) -> bool:
    try:
        bucket.call("head_object", key, VersionId=version)
    except FileNotFoundError:
        return False
    return True


def _sweep(bucket: Bucket, locks: Locks) -> None:
    """What earlier probes left, once it is not locked any more."""
    for version in locks.versions(f"{FOLDER}/"):
        with suppress(AccessRefused, PermanentError, TransientError):
            bucket.call("delete_object", version.key, VersionId=version.version_id)
