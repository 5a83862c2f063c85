"""What the lake has of an engagement: an index of ids and hashes first, payloads only of those that have changed."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

import msgspec
import pyarrow.compute as pc

from zcc_pipeline.domain.archive_ledger import ArchivedRow, DayLook
from zcc_pipeline.landing import Lake
from zcc_pipeline.landing.columns import lists_of, text_column
from zcc_pipeline.pipeline.completeness import FOLLOWING_DAYS
from zcc_pipeline.pipeline.lake_facts import API_SHAPES
from zcc_pipeline.state.archive_marks import StoredArchiveMarks

ENGAGEMENTS = "zoom/engagements"
FILES = "zoom/files"
CARD_DATA = "zoom/card_data"
RECORDS = (
    ENGAGEMENTS,
    "zoom/notes",
    "zoom/dispositions",
    "zoom/engagement_events",
    "zoom/surveys",
    "zoom/email_messages",
    "zoom/voice_calls",
    "zoom/recordings",
    "zoom/voicemails",
)
"""Datasets whose records are archived as they were received. What is derived from them is not, and neither are raw
events: what they said has landed in these datasets, too."""

_INDEX = ("record_id", "shape", "engagement_id", "content_hash", "is_deleted", "as_of")
_RECORD = ("record_id", "shape", "engagement_id", "as_of", "route", "payload")
_DAYS_HELD = 4

Key = tuple[str, str, str]
"""Dataset, record and shape."""

Verdicts = Mapping[tuple[str, str], str]
"""What the search for card data said of the texts of one engagement, by dataset and record: the gravest."""

_GRAVEST = ("blocked", "flagged", "redacted", "released", "clean")


class _Verdict(msgspec.Struct):
    engagement_id: str
    dataset: str
    record_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Version:
    """The newest version of a record in one shape."""

    as_of: datetime
    content_hash: bytes
    is_deleted: bool
    day: date


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The same with its payload."""

    dataset: str
    record_id: str
    shape: str
    payload: bytes = field(repr=False)
    route: str
    version: Version


@dataclass(slots=True)
class Found:
    """What there is of one engagement."""

    engagement_id: str
    versions: dict[Key, Version] = field(default_factory=dict)

    def source_hash(self) -> str:
        """Over what would be archived; equal as long as nothing has landed that differs."""
        digest = sha256()
        for key, version in sorted(self.versions.items()):
            digest.update("\0".join(key).encode("utf-8", "surrogatepass"))
            digest.update(b"\1" if version.is_deleted else b"\0")
            digest.update(version.content_hash)
        return digest.hexdigest()


class Sources:
    """The lake as the archive sees it, a day at a time. ``marks`` spares it days that are as they were."""

    def __init__(self, lake: Lake, marks: StoredArchiveMarks) -> None:
        self._lake, self._marks = lake, marks
        self._days = {dataset: frozenset(lake.days(dataset)) for dataset in (*RECORDS, FILES, CARD_DATA)}
        self._held: OrderedDict[date, dict[str, list[tuple[str, str, str, Version]]]] = OrderedDict()
        self._fingerprints: dict[date, str] = {}
        self._elsewhere: Mapping[str, set[date]] | None = None

    def days(self) -> list[date]:
        """Days on which engagements started."""
        return sorted(self._days[ENGAGEMENTS])

    def engagements(self, day: date) -> set[str]:
        """Those that started on that day and that the API has shown: open ones are not archived yet."""
        return {
            engagement_id for _, shape, engagement_id, _ in self._index(day).get(ENGAGEMENTS, ()) if shape in API_SHAPES
        }

    def find(self, day: date) -> Iterator[Found]:
        """Everything there is of each engagement of that day, wherever it has landed."""
        ids = self.engagements(day)
        found = {engagement_id: Found(engagement_id) for engagement_id in ids}
        for each in sorted(self._around(day, ids)):
            for dataset, rows in self._index(each).items():
                for record_id, shape, engagement_id, version in rows:
                    if engagement_id in found:
                        held = found[engagement_id].versions
                        before = held.get((dataset, record_id, shape))
                        if before is None or version.as_of >= before.as_of:
                            held[dataset, record_id, shape] = version
        for engagement_id in sorted(found):
            yield found[engagement_id]

    def card_data(self, day: date) -> dict[str, dict[tuple[str, str], str]]:
        """Verdicts on the texts of each engagement of that day; those in whose texts nothing was found are left out."""
        ids = self.engagements(day)
        found: dict[str, dict[tuple[str, str], str]] = {}
        for each in self._around(day, ids):
            if each not in self._days[CARD_DATA]:
                continue
            table = self._lake.latest(CARD_DATA, each, each, columns=("engagement_id", "payload"))
            table = table.filter(pc.is_valid(table.column("engagement_id")))
            for payload in table.column("payload").to_pylist():
                verdict = msgspec.json.decode(payload, type=_Verdict)
                if verdict.engagement_id in ids:
                    texts = found.setdefault(verdict.engagement_id, {})
                    before = texts.get((verdict.dataset, verdict.record_id), verdict.status)
                    texts[verdict.dataset, verdict.record_id] = min(before, verdict.status, key=_GRAVEST.index)
        return found

    def fingerprint(self, day: date, rows: Mapping[str, ArchivedRow]) -> str:
        """Of all lake files that may tell of the engagements of that day, and of what is archived of them.

        The same again: ``find`` would give the same. Taken from listings that were made before anything is read here.
        """
        around = sorted(self._around(day, rows))
        archived = ((row.engagement_id, row.source_hash, row.is_pending) for _, row in sorted(rows.items()))
        return _digest(*((each, self._files_of(each)) for each in around), *archived)

    def listed_fingerprint(self, day: date, also: str) -> str:
        """Of the lake files of that day and of those of one more dataset."""
        return _digest(self._files_of(day), *self._lake.listing(also, day))

    def records(self, found: Collection[Found]) -> dict[str, list[SourceRecord]]:
        """Payloads of those engagements' newest versions, by engagement."""
        wanted: dict[tuple[str, date], set[str]] = defaultdict(set)
        by_id = {each.engagement_id: each for each in found}
        for each in found:
            for (dataset, _, _), version in each.versions.items():
                wanted[dataset, version.day].add(each.engagement_id)
        records: dict[str, list[SourceRecord]] = defaultdict(list)
        for (dataset, day), ids in wanted.items():
            table = self._lake.latest(dataset, day, day, with_deleted=True, columns=_RECORD)
            table = table.filter(pc.is_in(table.column("engagement_id"), value_set=text_column(sorted(ids)).to_arrow()))
            rows = zip(*lists_of(table, _RECORD), strict=True)
            for record_id, shape, engagement_id, as_of, route, payload in rows:
                newest = by_id[engagement_id].versions.get((dataset, record_id, shape))
                if newest is not None and (newest.day, newest.as_of) == (day, as_of):
                    content = payload.encode("utf-8", "surrogatepass")
                    records[engagement_id].append(SourceRecord(dataset, record_id, shape, content, route, newest))
        return records

    def listed(self, dataset: str, day: date) -> Mapping[str, tuple[str | None, bool]]:
        """Records that the API has shown on that day: the engagement of each, and whether it was deleted since."""
        table = self._lake.latest(
            dataset,
            day,
            day,
            shapes=API_SHAPES,
            with_deleted=True,
            columns=("record_id", "engagement_id", "is_deleted"),
        )
        return {row["record_id"]: (row["engagement_id"], row["is_deleted"]) for row in table.to_pylist()}

    def _around(self, day: date, ids: Iterable[str]) -> set[date]:
        elsewhere = self._strays()
        return _span(day).union(*(elsewhere.get(each, ()) for each in ids))

    def _strays(self) -> Mapping[str, set[date]]:
        """Days, by engagement, on which something of it lies far from its own day: a note pushed weeks later."""
        if self._elsewhere is None:
            known = self._marks.all(DayLook.STRAYS)
            started: OrderedDict[date, set[str]] = OrderedDict()
            for day in sorted(set(known).union(*self._days.values())):
                before = [day - timedelta(days=offset) for offset in range(FOLLOWING_DAYS, -1, -1)]
                fingerprint = _digest(*map(self._files_of, before))
                if known.get(day) != fingerprint:
                    near = set().union(*(self._started(each, started) for each in before))
                    self._marks.save_strays(day, self._everyone(day) - near, fingerprint)
            self._elsewhere = self._marks.strays()
        return self._elsewhere

    def _everyone(self, day: date) -> set[str]:
        """Engagements of which anything landed on that day."""
        found: set[str] = set()
        for dataset in (*RECORDS, FILES):
            if day in self._days[dataset]:
                table = self._lake.latest(dataset, day, day, with_deleted=True, columns=("engagement_id",))
                found.update(pc.unique(table.column("engagement_id")).drop_null().to_pylist())
        return found

    def _started(self, day: date, held: OrderedDict[date, set[str]]) -> set[str]:
        """Those that the API has shown to have started on it; a few days are held."""
        if day not in held:
            held[day] = set()
            if day in self._days[ENGAGEMENTS]:
                columns = ("engagement_id", "shape")
                table = self._lake.latest(ENGAGEMENTS, day, day, with_deleted=True, columns=columns)
                api = table.filter(
                    pc.is_in(table.column("shape"), value_set=text_column(sorted(API_SHAPES)).to_arrow())
                )
                held[day] = set(api.column("engagement_id").to_pylist())
            while len(held) > FOLLOWING_DAYS + 1:
                held.popitem(last=False)
        return held[day]

    def _files_of(self, day: date) -> str:
        """Of the lake files of a day, as they were when this was first asked."""
        if day not in self._fingerprints:
            held = [each for each in (*RECORDS, FILES, CARD_DATA) if day in self._days[each]]
            self._fingerprints[day] = _digest(*((each, self._lake.listing(each, day)) for each in held))
        return self._fingerprints[day]

    def _index(self, day: date) -> dict[str, list[tuple[str, str, str, Version]]]:
        if day not in self._held:
            self._held[day] = {
                dataset: list(self._read_index(dataset, day))
                for dataset in (*RECORDS, FILES)
                if day in self._days[dataset]
            }
            while len(self._held) > _DAYS_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(day)
        return self._held[day]

    def _read_index(self, dataset: str, day: date) -> Iterator[tuple[str, str, str, Version]]:
        table = self._lake.latest(dataset, day, day, with_deleted=True, columns=_INDEX)
        rows = zip(*lists_of(table, _INDEX), strict=True)
        for record_id, shape, engagement_id, content_hash, is_deleted, as_of in rows:
            if engagement_id is not None:
                yield record_id, shape, engagement_id, Version(as_of, content_hash, is_deleted, day)


def _span(day: date) -> set[date]:
    return {day + timedelta(days=offset) for offset in range(FOLLOWING_DAYS + 1)}


def _digest(*parts: object) -> str:
    """Of plain values; their names and order count."""
    return sha256("\n".join(map(repr, parts)).encode("utf-8", "surrogatepass")).hexdigest()
