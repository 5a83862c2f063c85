"""When an engagement is read again: it is not finished when it has ended.

Wrap-up notes come after the disposition, transcripts minutes to hours later, survey answers when the customer likes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

STEPS = (
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""Times after the end at which an engagement is due again."""


def next_due(
    ended_at: datetime, last_read_at: datetime | None, *, last_changed_at: datetime | None = None
) -> datetime | None:
    """When to read it next; None once it has settled.

    After the last step a read that found a change (``last_changed_at``) is followed by another one a day later, until
    nothing changes any more.
    """
    if last_read_at is None:
        return ended_at + STEPS[0]
    for step in STEPS:
        if ended_at + step > last_read_at:
            return ended_at + step
    if last_changed_at is not None and last_changed_at >= ended_at + STEPS[-1]:
        again = last_changed_at + STEPS[-1]
        return again if again > last_read_at else None
    return None


def is_due(
    ended_at: datetime, last_read_at: datetime | None, now: datetime, *, last_changed_at: datetime | None = None
) -> bool:
    """Whether it should be read now."""
    due = next_due(ended_at, last_read_at, last_changed_at=last_changed_at)
    return due is not None and due <= now


def is_settled(ended_at: datetime, last_read_at: datetime | None, *, last_changed_at: datetime | None = None) -> bool:
    """Whether nothing more is expected to change."""
    return next_due(ended_at, last_read_at, last_changed_at=last_changed_at) is None
