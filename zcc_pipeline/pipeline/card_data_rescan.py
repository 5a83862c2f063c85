"""The verb ``cards rescan``: looks at what landed before anybody looked, or while another policy held.

Day by day and dataset by dataset; what is done is noted in the lake, so a rescan that was stopped goes on where it was.
With ``redact`` lake files are rewritten, those that others have replaced too, and transcript files with them, and what
waits in quarantine; then the warehouse is made anew, because rows deleted from a DuckDB file stay in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

import msgspec
import pyarrow as pa

from zcc_pipeline.domain.card_data import candidate_rows, redact_any, redact_document, redact_file, scan_document
from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.ports import ArtefactRow, StoredFile, WantedArtefact
from zcc_pipeline.domain.window import day_window, format_time
from zcc_pipeline.landing import LakeFile
from zcc_pipeline.landing.reading import list_day
from zcc_pipeline.landing.rewriting import look_at, rewrite_payloads
from zcc_pipeline.pipeline.card_data import (
    DATASET,
    LOOKED_AT,
    NOT_SCREENED,
    PROVEN,
    CardDataPolicy,
    CardDataScreen,
    Screening,
    Text,
    verdict_chunk,
)
from zcc_pipeline.pipeline.purging.warehouse import make_anew
from zcc_pipeline.pipeline.reports import DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.stored_records import TRANSCRIPT_DATASETS, land_stored

FILES = "zoom/files"
_TASK = "card data"
_EARLIER = frozenset({"flagged", "blocked", "released"})


@dataclass(slots=True)
class RescanReport:
    """What a rescan found and did."""

    policy: CardDataPolicy
    days: int = 0
    skipped: int = 0
    """Datasets of days that an earlier rescan has finished and that have not changed since."""
    found: dict[str, int] = field(default_factory=dict)
    """Versions with card data, by dataset."""
    lake_files: int = 0
    """Rewritten."""
    transcripts: int = 0
    """Transcript files rewritten."""
    quarantined: int = 0
    """Quarantined records rewritten, of whatever day."""
    is_warehouse_new: bool = False


class _Mark(msgspec.Struct):
    policy: str | None = None
    listing: str | None = None


class _Said(msgspec.Struct):
    dataset: str
    status: str
    record_id: str | None = None


def rescan(runtime: Runtime, days: Sequence[date]) -> RescanReport:
    """Look at all versions that landed on those days and do with them what the policy says.

    ``ConfigurationError`` where nobody is to look for card data. Holds the warehouse lock while lake files change.
    """
    policy = runtime.config.card_data
    if policy is None:
        raise ConfigurationError("ZCC_CARD_DATA_POLICY", "it is off: nothing is looked for", example="redact")
    report = RescanReport(policy, days=len(days))
    runtime.progress.start(_TASK, len(days))
    for day in days:
        _Day(runtime, day, report).run()
        runtime.progress.advance(_TASK)
    runtime.progress.finish(_TASK)
    if policy == "redact":
        report.quarantined = runtime.state.quarantine.rewrite(redact_any)
    if report.lake_files:
        report.is_warehouse_new = make_anew(runtime, purpose=_TASK) is not None
    return report


class _Day:
    """One day of all datasets."""

    def __init__(self, runtime: Runtime, day: date, report: RescanReport) -> None:
        self._runtime, self._day, self._report = runtime, day, report
        self._screen = CardDataScreen(
            runtime.lake, lambda: runtime.state.quarantine, runtime.clock, runtime.config.timezone, report.policy
        )
        self._other: dict[bytes, bytes] = {}
        """Digests and places of transcript files as they were, and what they are now."""
        self._redacted: set[tuple[str, str]] = set()
        self._stored: dict[ArtefactKind, dict[str, StoredFile]] = {}
        self._outdated: list[str] = []
        """Transcript files with digits."""

    def run(self) -> None:
        if self._report.policy == "redact":
            self._redact_transcripts()
        datasets = [name for name in DATASETS if name not in NOT_SCREENED or (name == FILES and self._other)]
        for dataset in datasets:
            files = list_day(self._runtime.lake.storage, dataset, self._day)
            if files and (self._other or not self._is_done(dataset, files)):
                self._look(dataset, files)
        if self._redacted:
            self._forget_earlier_verdicts()
        now = self._runtime.clock.now()
        for kind, stored in self._stored.items():  # not before: until here another rescan finds all of it again
            self._runtime.state.artefacts.mark_stored(kind, stored, now=now)
            self._report.transcripts += len(stored)
            land_stored(self._runtime, kind, self._day, DayReport(self._day))
        for path in self._outdated:
            self._runtime.files.storage.delete(path)

    def _look(self, dataset: str, files: Sequence[LakeFile]) -> None:
        screening = Screening(self._screen)
        seen: set[str] = set()

        def change(table: pa.Table) -> Mapping[int, bytes]:
            if dataset in PROVEN:
                seen.update(each for each in table.column("engagement_id").to_pylist() if each is not None)
            return self._changes(dataset, table, screening)

        for file in files:
            if self._report.policy == "redact":
                with self._runtime.warehouse.lock(_TASK):
                    self._report.lake_files += rewrite_payloads(self._runtime.lake.storage, file, change) > 0
            else:
                look_at(self._runtime.lake.storage, file, change)
        counted = screening.count()
        if counted:
            self._report.found[dataset] = self._report.found.get(dataset, 0) + counted
        screening.finish()
        self._note(dataset, seen)

    def _changes(self, dataset: str, table: pa.Table, screening: Screening) -> dict[int, bytes]:
        payloads = table.column("payload").combine_chunks()
        changed: dict[int, bytes] = {}
        for row in candidate_rows(payloads):
            payload = payloads[row].as_py().encode("utf-8", "surrogatepass")
            findings = scan_document(payload)
            if not findings:
                continue
            if self._report.policy == "redact":
                payload = redact_document(payload)
                self._redacted.add((dataset, table.column("record_id")[row].as_py()))
            changed[row] = payload
            text = Text(
                dataset=dataset,
                record_id=table.column("record_id")[row].as_py(),
                engagement_id=table.column("engagement_id")[row].as_py(),
                occurred_at=self._noon(),
                as_of=self._runtime.clock.now(),
            )
            screening.note(text, payload, findings)
        if self._other and (dataset == FILES or dataset in TRANSCRIPT_DATASETS.values()):
            for row in range(len(payloads)):
                before = changed.get(row) or payloads[row].as_py().encode("utf-8", "surrogatepass")
                after = before
                for old, new in self._other.items():
                    after = after.replace(old, new)
                if after != before:
                    changed[row] = after
        return changed

    def _redact_transcripts(self) -> None:
        """Store the day's transcripts without the digits; earlier files of theirs that have some are to go as well."""
        files = self._runtime.files
        for kind, dataset in TRANSCRIPT_DATASETS.items():
            rows = {
                each.source_id: each for each in self._runtime.state.artefacts.on_days(self._day, self._day, kind=kind)
            }
            for row in rows.values():
                clean = self._without_digits(row, dataset)
                if clean is not None:
                    self._stored.setdefault(kind, {})[row.source_id] = clean
            known = {each.path for each in rows.values()} | {each.path for each in self._stored.get(kind, {}).values()}
            for found in files.find(rows.keys(), [self._day]):
                if found.path.startswith(f"{kind.value}/") and found.path not in known:
                    content = files.read(found.path)
                    self._outdated += [found.path] if redact_file(content) != content else []

    def _without_digits(self, row: ArtefactRow, dataset: str) -> StoredFile | None:
        if row.path is None or row.sha256 is None or not self._runtime.files.exists(row.path):
            return None
        content = self._runtime.files.read(row.path)
        clean = redact_file(content)
        if clean == content:
            return None
        wanted = WantedArtefact(row.kind, row.source_id, row.engagement_id, row.day, row.occurred_at)
        self._screen.note_redacted(dataset, wanted, content)
        extension = row.path.rpartition(".")[2]
        before = StoredFile(row.path, len(content), row.sha256, row.sha512 or "", row.media_type or "", extension)
        after = asyncio.run(
            self._runtime.files.rewrite(
                before, clean, kind=row.kind.value, source_id=row.source_id, day=row.day, keeps_old=True
            )
        )
        self._outdated.append(row.path)
        for old, new in ((row.path, after.path), (row.sha256, after.sha256), (row.sha512, after.sha512)):
            if old:
                self._other[old.encode()] = new.encode()
        return after

    def _forget_earlier_verdicts(self) -> None:
        """Take out what was said of the texts while they had their digits: its ids are hashes of those."""

        def change(table: pa.Table) -> Mapping[int, None]:
            said = [msgspec.json.decode(payload, type=_Said) for payload in table.column("payload").to_pylist()]
            return {
                row: None
                for row, each in enumerate(said)
                if each.status in _EARLIER and (each.dataset, each.record_id) in self._redacted
            }

        for file in list_day(self._runtime.lake.storage, DATASET.name, self._day):
            with self._runtime.warehouse.lock(_TASK):
                rewrite_payloads(self._runtime.lake.storage, file, change)

    def _is_done(self, dataset: str, files: Sequence[LakeFile]) -> bool:
        table = self._runtime.lake.latest(DATASET.name, self._day, self._day, columns=("record_id", "payload"))
        rows = zip(table.column("record_id").to_pylist(), table.column("payload").to_pylist(), strict=True)
        for record_id, payload in rows:
            if record_id == self._mark_id(dataset):
                mark = msgspec.json.decode(payload, type=_Mark)
                if (mark.policy, mark.listing) == (self._report.policy, _digest(files)):
                    self._report.skipped += 1
                    return True
        return False

    def _note(self, dataset: str, engagement_ids: set[str]) -> None:
        """That it is done; and of each engagement that it was looked at, so that the marts learn of it."""
        now, noon = self._runtime.clock.now(), self._noon()
        files = list_day(self._runtime.lake.storage, dataset, self._day)
        said = {"dataset": dataset, "status": LOOKED_AT, "occurred_at": noon}
        mark = said | {"policy": self._report.policy, "listing": _digest(files)}
        with self._runtime.lake.writer(DATASET) as writer:
            writer.add(verdict_chunk(self._mark_id(dataset), mark, None, noon, now))
            for each in sorted(engagement_ids):
                proof = said | {"status": "clean", "engagement_id": each, "record_id": each, "version": LOOKED_AT}
                writer.add(verdict_chunk(f"{dataset}:{each}:{LOOKED_AT}", proof, each, noon, now))
            writer.commit()

    def _mark_id(self, dataset: str) -> str:
        return f"{dataset}:{self._day}:rescan"

    def _noon(self) -> str:
        return format_time(day_window(self._day, self._runtime.config.timezone).start + timedelta(hours=12))


def _digest(files: Sequence[LakeFile]) -> str:
    return sha256(repr([(file.name, file.size_bytes) for file in files]).encode()).hexdigest()
