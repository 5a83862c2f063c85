"""Times as Zoom writes them."""

from __future__ import annotations

from datetime import datetime


def moment(when: datetime) -> str:
    """Whole seconds, UTC, ``Z``; ``when`` is in UTC."""
    return when.isoformat()[:19] + "Z"


def precise_moment(when: datetime) -> str:
    """Milliseconds, UTC, ``Z``; ``when`` is in UTC."""
    return when.isoformat(timespec="milliseconds")[:23] + "Z"
