"""A transcript as turns, whatever file it came in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance.

    ``offset_seconds`` counts from the start of the recording or conversation; None where the file has no times.
    """

    turn: int
    speaker: str | None
    offset_seconds: float | None
    duration_seconds: float | None
    text: str
