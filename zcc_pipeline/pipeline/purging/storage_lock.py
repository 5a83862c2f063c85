"""Whether the archive's storage itself still keeps an object, whatever its retention says."""

from __future__ import annotations

from datetime import UTC, datetime

from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.storage.s3 import LockMode, S3Place

NO_DATE = datetime.max.replace(tzinfo=UTC)
"""Of a legal hold that the storage has."""


def kept_until(place: Place, object_id: str, *, now: datetime, bypass_governance: bool) -> datetime | None:
    """Until when some version of it cannot be deleted; None where all of it can be, now."""
    if not isinstance(place, S3Place) or not place.locks:
        return None
    locks, longest = place.object_locks, None
    for version in locks.versions(f"{object_key(object_id)}/"):
        if version.is_marker:
            continue
        kept = locks.kept(version)
        if kept.is_held:
            return NO_DATE
        is_lifted = bypass_governance and (kept.mode or "").lower() == LockMode.GOVERNANCE
        if kept.until is not None and kept.until > now and not is_lifted:
            longest = kept.until if longest is None else max(longest, kept.until)
    return longest
