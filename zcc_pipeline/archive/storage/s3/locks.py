"""S3 Object Lock: until when the storage refuses to delete a version, and who may lift that.

Facts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html. A lock is of one version of an object. In
governance mode whoever has the right to bypass it may delete; in compliance mode nobody may, whoever they are, before
the date. A legal hold has no date. A plain delete only adds a marker, and is always allowed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from zcc_pipeline.archive.storage.place import Lock
from zcc_pipeline.archive.storage.s3.client import Bucket
from zcc_pipeline.archive.storage.s3.errors import AccessRefused
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError

SETTING = "ZCC_ARCHIVE_LOCK_MODE"
LOCK_DAYS = 365
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_ROUNDING = timedelta(seconds=1)
_NO_LOCK_HERE = frozenset({"ObjectLockConfigurationNotFoundError", "404"})


class LockMode(StrEnum):
    """What is asked for; None where nobody has said: governance, if the bucket can lock."""

    NONE = "none"
    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


class StillLocked(PermanentError):
    """The storage itself keeps a version. ``until`` is None where it is a legal hold."""

    def __init__(self, mode: str, until: datetime | None) -> None:
        if until is None:
            text = "the storage has a legal hold on a version of it: release the matter that holds it"
        elif mode == LockMode.COMPLIANCE:
            text = (
                f"the storage keeps it in compliance mode, and nobody can delete it, until {until:%Y-%m-%d %H:%M} UTC"
            )
        else:
            text = f"the storage keeps it in governance mode until {until:%Y-%m-%d %H:%M} UTC"
        super().__init__(text)
        self.mode, self.until = mode, until


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, or a marker that hides those before it. ``key`` is below the prefix."""

    key: str
    version_id: str
    is_marker: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What the storage says of a version."""

    mode: str | None
    until: datetime | None
    is_held: bool


class Locks:
    """Locks what is written, and what was written. ``pool`` is for the many small requests that this takes."""

    def __init__(
        self, bucket: Bucket, *, clock: Clock, pool: Callable[[], Executor], mode: LockMode | None, days: int
    ) -> None:
        self._bucket, self._clock, self._pool = bucket, clock, pool
        self._asked, self._days = mode, days
        self._asking = threading.Lock()
        self._known: tuple[LockMode] | None = None

    @property
    def mode(self) -> LockMode:
        """What is done; ``ConfigurationError`` where a lock is asked for and the bucket cannot."""
        with self._asking:
            if self._known is None:
                self._known = (self._resolved(),)
            return self._known[0]

    def _resolved(self) -> LockMode:
        if self._asked is LockMode.NONE:
            return LockMode.NONE
        if can_lock(self._bucket):
            return self._asked or LockMode.GOVERNANCE
        if self._asked is None:
            return LockMode.NONE
        raise ConfigurationError(
            SETTING,
            f"is {self._asked}, and the bucket has no Object Lock",
            purpose="Object Lock is switched on when a bucket is made (on AWS also later, with versioning)",
            example="none",
        )

    def arguments(self, lock: Lock) -> dict[str, Any]:
        """Of a request that writes. What has run out already is not locked: the storage takes no date in the past."""
        if self.mode is LockMode.NONE:
            return {}
        found: dict[str, Any] = {"ObjectLockLegalHoldStatus": "ON"} if lock.is_held else {}
        now = self._clock.now()
        until = lock.retain_until or now + timedelta(days=self._days)
        if until > now + _ROUNDING:
            found |= {"ObjectLockMode": self.mode.upper(), "ObjectLockRetainUntilDate": min(until, _LATEST)}
        return found

    def versions(self, prefix: str) -> Iterator[Version]:
        """All that were ever written under a prefix and are still there, markers too."""
        for page in self._bucket.pages("list_object_versions", prefix):
            for name, is_marker in (("Versions", False), ("DeleteMarkers", True)):
                for each in page.get(name, ()):
                    yield Version(self._bucket.short(each["Key"]), each["VersionId"], is_marker)

    def kept(self, version: Version) -> Kept:
        """What keeps a version."""
        head = self._bucket.call("head_object", version.key, VersionId=version.version_id)
        return Kept(
            head.get("ObjectLockMode"),
            head.get("ObjectLockRetainUntilDate"),
            head.get("ObjectLockLegalHoldStatus") == "ON",
        )

    def protect(self, prefix: str, lock: Lock) -> None:
        """Every version: kept at least as long, and held or not. Nothing is ever shortened."""
        if self.mode is LockMode.NONE:
            return
        found = [each for each in self.versions(prefix) if not each.is_marker]
        list(self._pool().map(lambda version: self._protect(version, lock), found))

    def _protect(self, version: Version, lock: Lock) -> None:
        kept = self.kept(version)
        wanted = min(lock.retain_until, _LATEST) if lock.retain_until else None
        if wanted and wanted > self._clock.now() and (kept.until is None or kept.until + _ROUNDING < wanted):
            self._bucket.call(
                "put_object_retention",
                version.key,
                VersionId=version.version_id,
                Retention={"Mode": kept.mode or self.mode.upper(), "RetainUntilDate": wanted},
            )
        if lock.is_held is not None and kept.is_held != lock.is_held:
            self._bucket.call(
                "put_object_legal_hold",
                version.key,
                VersionId=version.version_id,
                LegalHold={"Status": "ON" if lock.is_held else "OFF"},
            )

    def remove(self, prefix: str, *, bypass_governance: bool) -> None:
        """Every version, once it is clear that none is kept: a refusal leaves all of them."""
        found = list(self.versions(prefix))
        list(self._pool().map(lambda each: self._refuse_kept(each, bypass=bypass_governance), found))
        list(self._pool().map(lambda each: self._delete(each, bypass=bypass_governance), found))

    def _refuse_kept(self, version: Version, *, bypass: bool) -> None:
        if version.is_marker or self.mode is LockMode.NONE:
            return
        kept = self.kept(version)
        if kept.is_held:
            raise StillLocked("", None)
        mode = (kept.mode or "").lower()
        is_lifted = bypass and mode == LockMode.GOVERNANCE
        if kept.until is not None and kept.until > self._clock.now() and not is_lifted:
            raise StillLocked(mode, kept.until)

    def _delete(self, version: Version, *, bypass: bool) -> None:
        lift = {"BypassGovernanceRetention": True} if bypass and self.mode is not LockMode.NONE else {}
        try:
            self._bucket.call("delete_object", version.key, VersionId=version.version_id, **lift)
        except AccessRefused as error:
            kept = None if version.is_marker else self.kept(version)
            if kept is not None and (kept.is_held or kept.until is not None) and not bypass:
                raise StillLocked((kept.mode or "").lower(), None if kept.is_held else kept.until) from None
            raise error from None


def can_lock(bucket: Bucket) -> bool:
    """Whether the bucket has Object Lock."""
    try:
        found = bucket.call("get_object_lock_configuration")
    except FileNotFoundError:
        return False
    except PermanentError as error:
        if any(code in str(error) for code in _NO_LOCK_HERE):
            return False
        raise
    return bool(found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")
