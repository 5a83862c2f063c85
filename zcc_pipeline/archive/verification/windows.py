"""Completeness manifests against the entries that closed their days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from zcc_pipeline.archive.ledger import Action, Logged
from zcc_pipeline.archive.ocfl.store import digest_of
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.verification.findings import Area, Finding

FOLDER = "completeness"


@dataclass(slots=True)
class Windows:
    """What the ledger says of days: one line for each dataset and day, whatever number of objects they hold."""

    closed: dict[tuple[str, date], str] = field(default_factory=dict)
    reopened: dict[tuple[str, date], int] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    """Digests of all manifests that an entry has named: an earlier one may be kept beside its successor."""

    def learn(self, logged: Logged) -> None:
        """What an entry says of a day."""
        entry = logged.entry
        if entry.day is None or entry.action not in {Action.WINDOW_CLOSED, Action.WINDOW_REOPENED}:
            return
        window = (entry.dataset or "", entry.day)
        if entry.action == Action.WINDOW_REOPENED:
            self.reopened[window] = logged.seq
            return
        self.reopened.pop(window, None)
        self.closed[window] = entry.manifest_sha512 or ""
        self.ever.add(entry.manifest_sha512 or "")


def check_windows(
    place: Place, windows: Windows, advance: Callable[[int], None], *, settled_before: date
) -> Iterator[Finding]:
    """Manifests that are altered, foreign or missing; days that were opened again; days that nobody closed.

    A day from ``settled_before`` on may be open: something of it may still be waited for.
    """
    found: set[str] = set()
    for key in place.keys(FOLDER):
        with closing(place.open(key)) as stream:
            digest = digest_of(stream, advance)
        found.add(digest)
        if digest not in windows.ever:
            yield Finding(Area.COMPLETENESS, key, "", "is not a manifest that any entry of the ledger names")
    for (dataset, day), digest in sorted(windows.closed.items()):
        if digest not in found:
            yield Finding(Area.COMPLETENESS, _name(dataset, day), "", "its manifest is not there as it was closed")
    for (dataset, day), seq in sorted(windows.reopened.items()):
        if day >= settled_before:
            continue
        yield Finding(
            Area.COMPLETENESS, _name(dataset, day), "", f"was opened again by entry {seq} and not closed since"
        )
    yield from _gaps(windows, settled_before)


def _gaps(windows: Windows, settled_before: date) -> Iterator[Finding]:
    for dataset in sorted({dataset for dataset, _ in windows.closed}):
        days = sorted(day for name, day in windows.closed if name == dataset)
        for before, after in pairwise(days):
            first, last = before + timedelta(days=1), min(after, settled_before) - timedelta(days=1)
            if first <= last:
                span = str(first) if first == last else f"{first} to {last}"
                yield Finding(Area.COMPLETENESS, _name(dataset, first), "", f"a gap: {span} was never closed")


def _name(dataset: str, day: date) -> str:
    return f"{dataset} {day}".strip()
