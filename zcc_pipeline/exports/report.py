"""What a run says about itself, and a CRM's words without what they quote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.exports.destination import PreparedRequest, Usage
from zcc_pipeline.exports.outcomes import Status

MOST_REFUSED = 1_000
"""Refused records that a report names; all are counted, and all are in quarantine."""

_HIDDEN = "…"
_LONGEST_WORDS = 300
_SHORTEST_VALUE = 3
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|«[^»]*»|`[^`]*`")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:]+@[^\s@<>()\[\],;]+")
_NUMBER = re.compile(r"\+?\d[\d ().\-/]{3,}\d|\d{4,}")
_HTML = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class RefusedByCrm:
    """A record that the CRM, or the mapping, refuses. ``words`` are the CRM's, without what they quote."""

    engagement_id: str
    day: date
    code: str
    words: str


@dataclass(slots=True)
class ExportReport:
    """One run to one CRM. Counts are records; in a dry run, what would become of them."""

    crm: str
    is_dry_run: bool
    counts: Counter[Status] = field(default_factory=Counter)
    not_due: int = 0
    """Not ended, not settled or not complete yet, as ``export_when`` wants it."""
    erased: int = 0
    """Left out, because their engagements were erased."""
    refused: list[RefusedByCrm] = field(default_factory=list)
    """Of this run, the first thousand; those refused earlier are only counted."""
    codes: Counter[str] = field(default_factory=Counter)
    """Of all that the CRM or the mapping refused in this run, by code."""
    days: set[date] = field(default_factory=set)
    """On which the engagements started whose records were created or updated."""
    usage: Usage = field(default_factory=lambda: Usage(0))
    stopped: str = ""
    """Why the run ended before everything was offered; empty where it did not."""
    preview: Sequence[PreparedRequest] = ()
    """Of a dry run: the requests for one record. They hold personal data."""
    preview_of: str | None = None

    @property
    def written(self) -> int:
        """Records created or updated."""
        return self.counts[Status.CREATED] + self.counts[Status.UPDATED]

    @property
    def is_complete(self) -> bool:
        """Nothing is left for the next run that this one was to do."""
        return not (self.stopped or self.counts[Status.FAILED_RETRYABLE] or self.counts[Status.UNKNOWN])


def masked(message: str, values: Iterable[str | None] = ()) -> str:
    """A CRM's words that may be shown: nothing quoted, no address, no number, none of the record's own ``values``."""
    text = _HTML.sub(" ", message)
    for value in sorted({each for each in values if each and len(each) >= _SHORTEST_VALUE}, key=len, reverse=True):
        text = re.sub(re.escape(value), _HIDDEN, text, flags=re.IGNORECASE)
    for pattern in (_QUOTED, _EMAIL, _NUMBER):
        text = pattern.sub(_HIDDEN, text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_WORDS else text[: _LONGEST_WORDS - 1] + _HIDDEN
