"""What becomes of a difference between push and poll: recovered, failed or explained, each with its evidence.

Every difference found gets exactly one outcome, so found = recovered + failed + explained. What may still arrive by
itself is not a difference yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from zcc_pipeline.domain.completeness import ArtefactStatus, Status
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.reconciliation.coverage import Coverage, Expected, Pushed

LATE = timedelta(hours=2)
"""Zoom tries a webhook again after 5, 20 and 60 minutes and then never: what has not come after this is lost."""
STILL_CHANGING = timedelta(hours=24)
"""For so long after an event the API may not show yet what it announced."""
NOT_FOUND_FOR = timedelta(days=2)
"""A 404 counts as an answer from this age of the event on."""
OPEN_FOR = timedelta(days=35)
"""For so long an engagement whose end nobody announced may still be open, and therefore not listed."""


class Direction(StrEnum):
    """Which side had it alone."""

    ONLY_POLLED = "only_polled"
    ONLY_PUSHED = "only_pushed"


class Outcome(StrEnum):
    """What became of it."""

    RECOVERED = "recovered"
    FAILED = "failed"
    EXPLAINED = "explained"


@dataclass(frozen=True, slots=True)
class Difference:
    """One subject that push and poll do not agree on."""

    event: str
    subject_id: str
    engagement_id: str | None
    day: date
    since: datetime
    direction: Direction

    @property
    def key(self) -> tuple[str, str, Direction]:
        """What it is found again by."""
        return self.event, self.subject_id, self.direction


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, and what says so."""

    outcome: Outcome
    evidence: str


class Read(StrEnum):
    """What reading the engagement by its id gave, after the event."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngagementRead:
    """The newest read of the engagement that an event names."""

    outcome: Read
    evidence: str
    has_ended: bool
    """Whether an event said that the engagement has ended."""


def find_differences(lines: Iterable[Coverage], now: datetime) -> list[Difference]:
    """What one side alone has and the other has no more time for.

    Events that nobody subscribed are no differences; an event about something that polling does not know is, whether it
    was the first of its kind or not.
    """
    found: list[Difference] = []
    for line in lines:
        if line.is_subscribed:
            found += [_difference(one, Direction.ONLY_POLLED) for one in line.only_polled if now - one.since >= LATE]
        found += [_difference(one, Direction.ONLY_PUSHED) for one in line.only_pushed if now - one.since >= LATE]
    return found


def _difference(one: Expected | Pushed, direction: Direction) -> Difference:
    return Difference(one.event, one.subject_id, one.engagement_id, one.day, one.since, direction)


def judge_lost_event(proof: ArtefactStatus | None) -> Verdict:
    """The event was lost, polling found what it would have announced: recovered, if what hangs off it is here too."""
    if proof is None:
        return Verdict(Outcome.RECOVERED, "found by polling")
    said = f"{proof.kind}={proof.status}" + (f"/{proof.reason}" if proof.reason else "")
    if proof.status in {Status.FAILED, Status.UNEXPLAINED}:
        return Verdict(Outcome.FAILED, f"found by polling; {said}: {proof.evidence}")
    return Verdict(Outcome.RECOVERED, f"found by polling; {said}")


def judge_unlisted(
    difference: Difference, read: EngagementRead | None, *, is_here_now: bool, now: datetime
) -> Verdict | None:
    """An event names what polling did not find, and the engagement was read by its id since.

    None where it may still come: then it is no difference yet.
    """
    if is_here_now:
        return Verdict(Outcome.RECOVERED, "found by reading the engagement that the event names")
    age = now - difference.since
    if difference.engagement_id is None:
        return Verdict(Outcome.EXPLAINED, "the event names no engagement, and no listing shows its subject")
    if read is None or read.outcome is Read.FAILED:
        return Verdict(Outcome.FAILED, f"the engagement could not be read: {read.evidence if read else 'not tried'}")
    if read.outcome is Read.FOUND:
        if age < STILL_CHANGING:
            return None
        return Verdict(Outcome.EXPLAINED, f"the engagement does not have it; {read.evidence}")
    return _judge_not_found(difference, read, age)


def _judge_not_found(difference: Difference, read: EngagementRead, age: timedelta) -> Verdict | None:
    said = f"the API does not know the engagement; {read.evidence}; event of {format_time(difference.since)}"
    if not read.has_ended:
        return (
            None
            if age < OPEN_FOR
            else Verdict(Outcome.EXPLAINED, f"{said}; no event of its end in {OPEN_FOR.days} days")
        )
    if age < NOT_FOUND_FOR:
        return Verdict(Outcome.FAILED, said)
    return Verdict(Outcome.EXPLAINED, f"{said}, {NOT_FOUND_FOR.days} days ago or more")
