"""Parts of files that killed processes left: nobody can tell whose they are, so all that are stale go."""

from __future__ import annotations

from datetime import datetime, timedelta

from zcc_pipeline.landing import Storage

STALE = timedelta(minutes=10)
"""What nobody has written to for so long belongs to no download or landing that is still under way."""


def sweep(storage: Storage, now: datetime) -> int:
    """How many were removed."""
    return storage.sweep_staging(before=now - STALE)
