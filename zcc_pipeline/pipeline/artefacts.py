"""Files: which ones the landed records point at, fetching them, and the records that say what is stored.

Order of commit: file on disk, ledger rows of some files at once, lake record. ``land_stored`` lands whatever the ledger
knows and the lake does not yet, so a crash between any two steps is healed by the next run: at worst it downloads a few
files once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from zcc_pipeline.domain.card_data import redact_file
from zcc_pipeline.domain.completeness import ArtefactKind, Reason
from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_DETAIL
from zcc_pipeline.domain.errors import HostUnreachable, NotFound, PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.ports import ArtefactRow, StoredFile, WantedArtefact
from zcc_pipeline.domain.window import day_window
from zcc_pipeline.landing import Lake
from zcc_pipeline.pipeline.by_engagement import list_for_engagement
from zcc_pipeline.pipeline.card_data import CardDataScreen
from zcc_pipeline.pipeline.concurrency import for_each
from zcc_pipeline.pipeline.lake_facts import (
    RecordingFields,
    VoicemailFields,
    engagements_of,
    iter_landed,
)
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.stored_records import land_stored
from zcc_pipeline.reconciliation import decide_failure, is_due
from zcc_pipeline.sources.zoom_api import DownloadSource, ZoomApi
from zcc_pipeline.transport import NO_JSON

CONCURRENT_DOWNLOADS = 8
NOTED_TOGETHER = 32
"""Stored files that one transaction tells the ledger of: one each costs as much as a small download."""
TRANSCRIPTS = frozenset(
    {ArtefactKind.RECORDING_TRANSCRIPT, ArtefactKind.MESSAGING_TRANSCRIPT, ArtefactKind.VOICEMAIL_TRANSCRIPT}
)
DATASET_OF_KIND: Mapping[ArtefactKind, str] = {
    ArtefactKind.RECORDING: "zoom/files",
    ArtefactKind.VOICEMAIL: "zoom/files",
    ArtefactKind.RECORDING_TRANSCRIPT: "zoom/recording_transcripts",
    ArtefactKind.MESSAGING_TRANSCRIPT: "zoom/messaging_transcripts",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "zoom/voicemail_transcripts",
}
PARENT_OF_KIND: Mapping[ArtefactKind, str] = {
    ArtefactKind.RECORDING: "zoom/recordings",
    ArtefactKind.RECORDING_TRANSCRIPT: "zoom/recordings",
    ArtefactKind.VOICEMAIL: "zoom/voicemails",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "zoom/voicemails",
    ArtefactKind.MESSAGING_TRANSCRIPT: "zoom/engagements",
}


@dataclass(frozen=True, slots=True)
class Pointer:
    """A record's pointer at a file: addresses are made anew by Zoom, so they are used and never kept as identity."""

    wanted: WantedArtefact
    url: str
    ended_at: datetime | None


def pointers_of(runtime: Runtime, kind: ArtefactKind, day: date) -> dict[str, Pointer]:
    """Files of one kind that the day's records point at, by source id."""
    return {
        source_id: Pointer(WantedArtefact(kind, source_id, engagement_id, day, began), url, ended)
        for source_id, engagement_id, url, began, ended in _rows(runtime.lake, kind, day)
        if url
    }


def _rows(
    lake: Lake, kind: ArtefactKind, day: date
) -> Iterator[tuple[str, str | None, str | None, datetime, datetime | None]]:
    """Source id, engagement, address, begin and end of what may have such a file."""
    if kind is ArtefactKind.MESSAGING_TRANSCRIPT:
        for key, chat in engagements_of(lake, day).items():
            yield key, key, chat.fields.transcript_url, chat.started_at, chat.ended_at
    elif kind in {ArtefactKind.RECORDING, ArtefactKind.RECORDING_TRANSCRIPT}:
        for recording in iter_landed(lake, "zoom/recordings", RecordingFields, day):
            about = recording.fields
            url = about.download_url if kind is ArtefactKind.RECORDING else about.transcript_url
            yield about.recording_id, about.engagement_id, url, recording.started_at, recording.ended_at
    else:
        for message in iter_landed(lake, "zoom/voicemails", VoicemailFields, day):
            said = message.fields
            url = said.download_url if kind is ArtefactKind.VOICEMAIL else said.transcript_url
            yield said.message_id, said.engagement_id, url, message.started_at, message.ended_at


def fetch_files(
    runtime: Runtime, kind: ArtefactKind, days: Iterable[date], *, only: frozenset[str] | None = None
) -> DatasetReport:
    """Fetch the files of one kind that are wanted on those days and not stored yet (or due to be looked at again)."""
    return run(_fetch_days(runtime, kind, sorted(days), only))


async def _fetch_days(
    runtime: Runtime, kind: ArtefactKind, days: Sequence[date], only: frozenset[str] | None
) -> DatasetReport:
    report = DatasetReport(f"files/{kind}s" if kind not in TRANSCRIPTS else DATASET_OF_KIND[kind])
    async with runtime.zoom(live=only is not None) as api:
        for day in days:
            report.days.append(await _fetch_day(runtime, api, kind, day, only))
    return report


async def _fetch_day(
    runtime: Runtime, api: ZoomApi, kind: ArtefactKind, day: date, only: frozenset[str] | None
) -> DayReport:
    pointers = pointers_of(runtime, kind, day)
    if only is not None:
        pointers = {key: value for key, value in pointers.items() if value.wanted.engagement_id in only}
    offered, pointers = len(pointers), _without_erased(runtime, pointers)
    runtime.state.artefacts.want((pointer.wanted for pointer in pointers.values()), now=runtime.clock.now())
    due = _due(runtime, kind, pointers)
    row, task = DayReport(day, suppressed=offered - len(pointers)), f"{kind} {day}"
    fetching = _Fetching(runtime, api, kind, row)
    runtime.progress.start(task, len(due))
    calls_before = sum(api.api_calls.values())

    async def fetch(each: tuple[Pointer, ArtefactRow]) -> None:
        await fetching.fetch(*each)
        runtime.progress.advance(task)

    try:
        await for_each(due, fetch, limit=CONCURRENT_DOWNLOADS)
    except ScopeMissing as error:
        row.problem, row.is_complete = str(error), False
    finally:
        fetching.note_stored()
        land_stored(runtime, kind, day, row)
    row.unchanged = len(pointers) - len(due)
    row.api_calls = sum(api.api_calls.values()) - calls_before
    if row.failed and row.problem is None:
        row.problem = f"{row.failed} of {len(due)} downloads failed and will be tried again"
    runtime.progress.finish(task)
    return row


def _without_erased(runtime: Runtime, pointers: dict[str, Pointer]) -> dict[str, Pointer]:
    erased = runtime.suppressed()
    if not erased:
        return pointers
    return {key: each for key, each in pointers.items() if not erased.names(each.wanted.engagement_id, key)}


def _due(runtime: Runtime, kind: ArtefactKind, pointers: Mapping[str, Pointer]) -> list[tuple[Pointer, ArtefactRow]]:
    """Wanted, failed and to be tried now, or a transcript that may still have grown while its engagement settles; each
    with what the ledger says of it."""
    now = runtime.clock.now()
    rows = runtime.state.artefacts.get(kind, pointers)
    return [(pointer, rows[key]) for key, pointer in pointers.items() if _is_due(rows[key], pointer, now)]


def _is_due(row: ArtefactRow, pointer: Pointer, now: datetime) -> bool:
    if row.state == "stored":
        if row.kind not in TRANSCRIPTS or pointer.ended_at is None:
            return False
        return is_due(pointer.ended_at, row.stored_at, now)
    return row.state != "gone" and (row.next_try_at is None or row.next_try_at <= now)


class _Fetching:
    """Files of one kind and day on their way; the failure of one is recorded and never fails the others."""

    def __init__(self, runtime: Runtime, api: ZoomApi, kind: ArtefactKind, row: DayReport) -> None:
        self._runtime, self._api, self._kind, self._row = runtime, api, kind, row
        self._stored: dict[str, tuple[Pointer, StoredFile]] = {}

    async def fetch(self, pointer: Pointer, before: ArtefactRow) -> None:
        """One file. ``ScopeMissing`` is raised again: the others would end as it did."""
        try:
            stored = await _store(self._runtime, self._api, pointer)
        except ScopeMissing as error:
            self._runtime.state.artefacts.mark_failed(
                self._kind,
                pointer.wanted.source_id,
                reason=Reason.SCOPE_MISSING,
                evidence=str(error),
                next_try_at=None,
                now=self._runtime.clock.now(),
            )
            raise
        except (TransientError, PermanentError) as error:
            _note_failure(self._runtime, before, error)
            if isinstance(error, NotFound):
                self._row.waiting += 1  # not ready yet, until two days of this say that it is gone
            else:
                self._row.failed += 1
            return
        self._stored[pointer.wanted.source_id] = pointer, stored
        self._count(before, stored)
        if len(self._stored) >= NOTED_TOGETHER:
            self.note_stored()

    def note_stored(self) -> None:
        """Tell the ledger of the files that are on disk and not in it yet. What was erased while its file was on the
        way is not told of, and the file goes."""
        if not self._stored:
            return
        kept = _without_erased(self._runtime, {key: pointer for key, (pointer, _) in self._stored.items()})
        stored = {key: file for key, (_, file) in self._stored.items()}
        for key in stored.keys() - kept.keys():
            self._runtime.files.storage.delete(stored.pop(key).path)
            self._row.suppressed += 1
        self._runtime.state.artefacts.mark_stored(self._kind, stored, now=self._runtime.clock.now())
        self._stored = {}

    def _count(self, before: ArtefactRow, stored: StoredFile) -> None:
        self._row.received += 1
        if before.sha256 == stored.sha256:
            return
        self._row.bytes_written += stored.size_bytes
        if before.sha256 is None:
            self._row.new += 1
        else:
            self._row.changed += 1


async def _store(runtime: Runtime, api: ZoomApi, pointer: Pointer) -> StoredFile:
    """Download; an address that is not valid any more, or whose host is away, is asked for once anew."""
    try:
        return await _download(runtime, api, pointer.wanted, pointer.url)
    except (NotFound, HostUnreachable):
        fresh = await _fresh_url(runtime, api, pointer.wanted)
        if fresh is None or fresh == pointer.url:
            raise
        return await _download(runtime, api, pointer.wanted, fresh)


async def _download(runtime: Runtime, api: ZoomApi, wanted: WantedArtefact, url: str) -> StoredFile:
    source = DownloadSource(api, url, DATASETS[PARENT_OF_KIND[wanted.kind]].listing.scopes)
    stored = await runtime.files.store(
        kind=wanted.kind.value, source_id=wanted.source_id, day=wanted.day, source=source
    )
    if wanted.kind in TRANSCRIPTS and runtime.config.card_data == "redact":
        return await without_card_data(runtime, wanted, stored)
    return stored


async def without_card_data(runtime: Runtime, wanted: WantedArtefact, stored: StoredFile) -> StoredFile:
    """The stored transcript; where it holds card data, the same without the digits, and the first one is gone."""
    content = runtime.files.read(stored.path)
    clean = redact_file(content)
    if clean == content:
        return stored
    screen = CardDataScreen(
        runtime.lake, lambda: runtime.state.quarantine, runtime.clock, runtime.config.timezone, "redact"
    )
    screen.note_redacted(DATASET_OF_KIND[wanted.kind], wanted, content)
    return await runtime.files.rewrite(
        stored, clean, kind=wanted.kind.value, source_id=wanted.source_id, day=wanted.day
    )


async def _fresh_url(runtime: Runtime, api: ZoomApi, wanted: WantedArtefact) -> str | None:
    """What the source says the address is now; None where it says there is none."""
    if wanted.engagement_id is None:
        return None
    if wanted.kind is ArtefactKind.MESSAGING_TRANSCRIPT:
        reply = await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": wanted.engagement_id})
        return _urls_in(reply.body).transcript_url
    parent = DATASETS[PARENT_OF_KIND[wanted.kind]]
    around = day_window(wanted.day, runtime.config.timezone)
    for chunk in await list_for_engagement(runtime, api, parent, wanted.engagement_id, around, batch_id=""):
        for record_id, payload in zip(chunk.record_ids, chunk.payloads, strict=True):
            if record_id == wanted.source_id:
                urls = _urls_in(payload)
                return urls.transcript_url if wanted.kind in TRANSCRIPTS else urls.download_url
    return None


class _Urls(msgspec.Struct):
    download_url: str | None = None
    transcript_url: str | None = None


def _urls_in(payload: bytes) -> _Urls:
    """The addresses a record names; none where it cannot be read: what failed before is then what is told."""
    try:
        return msgspec.json.decode(payload, type=_Urls)
    except NO_JSON:
        return _Urls()


def _note_failure(runtime: Runtime, before: ArtefactRow, error: Exception) -> None:
    """Not found is not ready at first and gone after two days; anything else is tried again."""
    if before.state == "stored":
        return  # what we hold stays; the look for a newer version is repeated with the next settling step
    now, ledger = runtime.clock.now(), runtime.state.artefacts
    not_found = error if isinstance(error, NotFound) else None
    evidence = f"http_status={not_found.http_status} code={not_found.code}" if not_found else str(error)
    decision = decide_failure(before, now, http_status=not_found.http_status if not_found else None)
    if decision.is_gone:
        ledger.mark_gone(before.kind, before.source_id, reason=decision.reason, evidence=evidence, now=now)
        return
    ledger.mark_failed(
        before.kind,
        before.source_id,
        reason=decision.reason,
        evidence=evidence,
        next_try_at=decision.next_try_at,
        now=now,
    )
