"""Days of the archive: closed when everything that the source listed is archived or explained, opened again when not.

Order: the state notes which manifests are about to be written, the manifests, the ledger, the state. What a crash
leaves in between is found at the next start: a manifest that no entry names is set aside.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from itertools import islice

import msgspec

from zcc_pipeline.archive.completeness import Absent, Manifest, digest_of_manifest, manifest_key
from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.domain.archive_ledger import LOOK_AGAIN, ArchivedRow, ArchiveWindow, DayLook
from zcc_pipeline.domain.completeness import Status
from zcc_pipeline.domain.records import SHAPE_LIST
from zcc_pipeline.domain.suppression import SuppressionList
from zcc_pipeline.domain.window import day_window, format_time, iter_days
from zcc_pipeline.pipeline.archive_card_data import held_back, held_back_entry
from zcc_pipeline.pipeline.archive_erased import erased_entry, with_erased
from zcc_pipeline.pipeline.archive_sources import ENGAGEMENTS, Sources
from zcc_pipeline.pipeline.completeness import FOLLOWING_DAYS
from zcc_pipeline.pipeline.runtime import Runtime

ARTEFACTS = "zoom/completeness"
LISTED = (ENGAGEMENTS, "zoom/recordings", "zoom/voicemails")
DATASETS_CLOSED = (*LISTED, ARTEFACTS)

_DAYS_AT_ONCE = 100
_TAIL = 4 * _DAYS_AT_ONCE * len(DATASETS_CLOSED)
"""Entries of the ledger that one settling may have made, several times over."""
_THERE = frozenset({Status.STORED, Status.NONE_RECORDED, Status.NOT_EXPECTED})
_MAY_COME = frozenset({Status.WAITING, Status.FAILED})

Log = Callable[[Sequence[Entry]], None]
Say = Callable[[Action, date, str, str], Entry]
"""Makes the entry of an action on a day, a dataset and a manifest."""


class _Judged(msgspec.Struct):
    engagement_id: str
    kind: str
    status: Status
    reason: str | None = None


class Days:
    """Closes and opens days; what became of them is in the three sets."""

    def __init__(self, runtime: Runtime, sources: Sources, *, log: Log, say: Say) -> None:
        self._runtime, self._sources = runtime, sources
        self._log, self._say = log, say
        self._place = runtime.archive.place
        self._erased = runtime.suppressed()
        self.closed: set[date] = set()
        self.reopened: set[date] = set()
        self.open: set[date] = set()

    def heal(self, *, everything: bool) -> None:
        """Learn from the ledger what a crash, or the loss of the state, has kept from being known."""
        ledger, state = self._runtime.archive.ledger, self._runtime.state.archive
        newest = ledger.latest()
        found: dict[tuple[date, str], ArchiveWindow] = {}
        named: set[str] = set()
        if newest is not None:
            for logged in ledger.entries(0 if everything else max(0, newest.size - _TAIL)):
                entry = logged.entry
                if entry.day is None or entry.dataset is None:
                    continue
                if entry.action is Action.WINDOW_CLOSED and entry.manifest_sha512 is not None:
                    named.add(entry.manifest_sha512)
                    found[entry.day, entry.dataset] = ArchiveWindow(
                        entry.day, entry.dataset, entry.manifest_sha512, is_closed=True
                    )
                elif entry.action is Action.WINDOW_REOPENED:
                    found[entry.day, entry.dataset] = ArchiveWindow(entry.day, entry.dataset, "", is_closed=False)
        for key, row in state.windows(date.min, date.max).items():
            if not row.is_closed and row.manifest_sha512 and row.manifest_sha512 not in named:
                manifest = manifest_key(row.day, row.dataset, row.manifest_sha512)
                if self._place.read(manifest) is not None:
                    self._place.set_aside(manifest)
                found.setdefault(key, ArchiveWindow(row.day, row.dataset, "", is_closed=False))
        state.save_windows(found.values(), now=self._runtime.clock.now())

    def look(self, first: date, last: date, touched: Iterable[date], held_back: Iterable[date] = ()) -> None:
        """Look at the days that were touched or erased from, at those of which something is held back, and at all that
        are not closed.

        One that is open is not read again while nothing of what its manifests are made of has changed.
        """
        started = self._sources.days()
        if not started:
            return
        first, last = max(first, started[0]), min(last, self._runtime.today() - timedelta(days=1))
        if first > last:
            return
        known = self._runtime.state.archive.windows(first, last)
        held = following(held_back)
        marks = self._runtime.state.archive_marks
        seen = marks.all(DayLook.MANIFESTS)
        near = following(touched) | held | {day for day, mark in seen.items() if mark == LOOK_AGAIN}
        days = (
            day
            for day in iter_days(first, last)
            if day in near or any(not _is_closed(known.get((day, dataset))) for dataset in DATASETS_CLOSED)
        )
        while part := list(islice(days, _DAYS_AT_ONCE)):
            looks = {day: self._fingerprint(day, known) for day in part}
            same = {day for day in part if seen.get(day) == looks[day] and day not in near}
            self.open |= same
            self._settle(
                [
                    (manifest, known.get((day, manifest.dataset)))
                    for day in part
                    if day not in same
                    for manifest in self._manifests(day)
                ]
            )
            marks.save(DayLook.MANIFESTS, {day: looks[day] for day in part if day not in same | held})

    def _fingerprint(self, day: date, known: Mapping[tuple[date, str], ArchiveWindow]) -> str:
        """Of all that the manifests of a day are made of, and of what became of them."""
        state, digest = self._runtime.state, sha256(self._sources.listed_fingerprint(day, ARTEFACTS).encode())
        digest.update(repr([state.windows.last_complete_at(dataset, day) is not None for dataset in LISTED]).encode())
        digest.update(repr([known.get((day, dataset)) for dataset in DATASETS_CLOSED]).encode())
        for _, row in sorted(state.archive.on_days(day - timedelta(days=FOLLOWING_DAYS), day).items()):
            digest.update(repr((row.engagement_id, row.version, row.is_pending)).encode())
        digest.update(repr(len(self._erased)).encode())
        return digest.hexdigest()

    def _settle(self, part: Sequence[tuple[Manifest, ArchiveWindow | None]]) -> None:
        state, now = self._runtime.state.archive, self._runtime.clock.now()
        entries: list[Entry] = []
        rows: list[ArchiveWindow] = []
        files: dict[str, bytes] = {}
        for manifest, before in part:
            data = manifest.encode()
            digest, was_closed = digest_of_manifest(data), _is_closed(before)
            window = ArchiveWindow(manifest.day, manifest.dataset, digest, is_closed=True)
            if manifest.is_closable and window == before:
                continue
            if before is not None and was_closed:
                entries.append(
                    self._say(Action.WINDOW_REOPENED, manifest.day, manifest.dataset, before.manifest_sha512)
                )
                self.reopened.add(manifest.day)
            if manifest.is_closable:
                entries.append(self._say(Action.WINDOW_CLOSED, manifest.day, manifest.dataset, digest))
                files[manifest_key(manifest.day, manifest.dataset, digest)] = data
                rows.append(window)
                self.closed.add(manifest.day)
            else:
                self.open.add(manifest.day)
                if was_closed:
                    rows.append(ArchiveWindow(manifest.day, manifest.dataset, "", is_closed=False))
        self.closed -= self.open
        state.save_windows((replace(row, is_closed=False) for row in rows), now=now)
        for key, data in files.items():
            self._place.replace(key, data)
        self._log(entries)
        state.save_windows(rows, now=now)

    def _manifests(self, day: date) -> Iterator[Manifest]:
        span = day_window(day, self._runtime.config.timezone)
        window = (format_time(span.start), format_time(span.end))
        windows = self._runtime.state.windows
        archived = self._runtime.state.archive.on_days(day - timedelta(days=FOLLOWING_DAYS), day)
        held = held_back(self._sources, day, archived)
        for dataset in LISTED:
            is_listed = windows.last_complete_at(dataset, day) is not None
            listed = self._sources.listed(dataset, day)
            manifest = _of_listed(Manifest(day, dataset, window, is_listed), listed, archived, self._erased, held)
            yield with_erased(manifest, self._place, self._erased)
        is_listed = windows.last_complete_at(ENGAGEMENTS, day) is not None
        manifest = self._of_artefacts(Manifest(day, ARTEFACTS, window, is_listed))
        yield with_erased(manifest, self._place, self._erased)

    def _of_artefacts(self, empty: Manifest) -> Manifest:
        """What belongs to the day's engagements, by kind: there, not there and why, or still to come."""
        table = self._runtime.lake.latest(ARTEFACTS, empty.day, empty.day, shapes={SHAPE_LIST}, columns=("payload",))
        found = [msgspec.json.decode(each, type=_Judged) for each in table.column("payload").to_pylist()]
        judged = [each for each in found if each.engagement_id not in self._erased]
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for each in judged:
            counts[each.kind][each.status.value] += 1
        engagements = {each for each in self._sources.engagements(empty.day) if each not in self._erased}
        known = {each.engagement_id for each in judged}
        return replace(
            empty,
            archived=sorted(known),
            pending=sorted(engagements - known),
            absent=[
                Absent(each.engagement_id, each.kind, each.status.value, each.reason or "")
                for each in judged
                if each.status not in _THERE
            ],
            counts=counts,
            is_waiting=any(each.status in _MAY_COME for each in judged),
        )


def _of_listed(
    empty: Manifest,
    listed: Mapping[str, tuple[str | None, bool]],
    archived: Mapping[str, ArchivedRow],
    erased: SuppressionList,
    held: frozenset[str],
) -> Manifest:
    there, pending, absent = [], [], []
    for record_id, (engagement_id, _) in listed.items():
        row = None if engagement_id is None else archived.get(engagement_id)
        if erased.names(engagement_id, record_id):
            absent.append(erased_entry(record_id, empty.dataset))
        elif engagement_id is None:
            absent.append(Absent(record_id, empty.dataset, "missing", "belongs_to_no_engagement"))
        elif engagement_id in held:
            absent.append(held_back_entry(record_id, empty.dataset))
        elif row is not None and row.version is not None and not row.is_pending:
            there.append(record_id)
        else:
            pending.append(record_id)
    deleted = [record_id for record_id, (_, is_deleted) in listed.items() if is_deleted]
    return replace(empty, archived=there, pending=pending, deleted=deleted, absent=absent)


def following(days: Iterable[date]) -> set[date]:
    """They and those on which something of their engagements may lie."""
    return {day + timedelta(days=offset) for day in days for offset in range(FOLLOWING_DAYS + 1)}


def _is_closed(row: ArchiveWindow | None) -> bool:
    return row is not None and row.is_closed


PATIENCE = timedelta(days=4)
"""A day's last engagements have ended, what is late has come and what is gone counts as gone by then."""


def overdue_days(runtime: Runtime) -> dict[date, list[str]]:
    """Days with engagements that should be closed by now, and the datasets in which they are not.

    Days before the first of interest are not among them: a conversation that began then and ended later is archived,
    but nobody lists those days, so nobody can say that they are complete.
    """
    first, latest = runtime.config.start_date, runtime.today() - PATIENCE
    days = [day for day in runtime.lake.days(ENGAGEMENTS) if first <= day <= latest]
    known = runtime.state.archive.windows(date.min, latest)
    found = {day: [dataset for dataset in DATASETS_CLOSED if not _is_closed(known.get((day, dataset)))] for day in days}
    return {day: datasets for day, datasets in found.items() if datasets}
