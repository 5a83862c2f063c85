"""Card data in what lands: each text is searched before it is written, and what was found is a record of its own.

The record comes first and the text second, so that no text with card data can be read before it is known as such. It
holds rule, field, offsets and times, never the digits. With ``redact`` the text lands without them, so nothing but the
clean text is ever in the lake.

That a text was looked at is known by a number made of its engagement's id, hundreds of them in one record: a record of
its own for each clean note would cost more than looking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import md5, sha256
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow.compute as pc

from zcc_pipeline.domain.card_data import (
    REMOVED,
    DocumentFinding,
    Rule,
    candidate_rows,
    redact_any,
    redact_document,
    scan_document,
)
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import DATASETS, Dataset
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.ports import Quarantine, RefusedRecord, WantedArtefact
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline.domain.window import day_of, format_time, parse_time
from zcc_pipeline.landing import Batch, Lake
from zcc_pipeline.landing.columns import Array, to_numpy
from zcc_pipeline.landing.days import NO_TIME

CardDataPolicy = Literal["flag", "block", "redact"]

DATASET = DATASETS["zoom/card_data"]
ROOM = "card_data"
"""Name under which the quarantine holds recordings whose transcript has card data."""
REASON = "the transcript of this recording holds card data"
BLOCKED_REASON = "a text of this engagement holds card data and is blocked"
RELEASED = "released"
"""Status of what was blocked until somebody let it go: the same text is not blocked again."""
ENGAGEMENTS = "zoom/engagements"
STATUS: dict[CardDataPolicy, str] = {"flag": "flagged", "block": "blocked", "redact": "redacted"}
LOOKED_AT = "looked_at"
"""Status of a record that only names engagements: what lists them was read, whatever was found."""

TRANSCRIPT = "zoom/recording_transcripts"
PROVEN = frozenset({"zoom/notes", TRANSCRIPT, "zoom/messaging_transcripts", "zoom/voicemail_transcripts"})
"""Texts of which it is also kept that they were looked at; of others only that something was found."""
TEXTS = PROVEN | {"zoom/email_messages", "zoom/surveys", "zoom/dispositions", "zoom/events"}
"""What people write and say, as it is: its bytes name a version. Other records hold addresses made anew each time."""
NOT_SCREENED = frozenset({DATASET.name, "zoom/completeness", "zoom/coverage", "zoom/files"})
"""Made by the pipeline itself, without any text."""
_MARK = REMOVED[Rule.CARD_NUMBER].rpartition(" ")[2]
"""How the words end that stand in the place of digits."""
_HOUR = 3_600_000_000
_SIGNED = 2**63 - 1


@dataclass(slots=True)
class CardDataScreen:
    """Hands out what looks at the records of one commit."""

    lake: Lake
    quarantine: Callable[[], Quarantine]
    clock: Clock
    timezone: ZoneInfo
    policy: CardDataPolicy

    def of(self, dataset: Dataset) -> Screening | None:
        """The screening of one writer; None for datasets that hold no text from outside."""
        return None if dataset.name in NOT_SCREENED else Screening(self)

    def note_redacted(self, dataset: str, wanted: WantedArtefact, content: bytes) -> None:
        """Keep what a transcript file held before the digits were taken out of it."""
        try:
            turns = parse_transcript(content)[1]
        except RecordRejected:
            return  # no turns will land either, and quarantine says so
        findings = scan_document(msgspec.json.encode({"turns": [asdict(turn) for turn in turns]}))
        if not findings:
            return
        screening = Screening(self)
        screening.note(
            Text(
                dataset=dataset,
                record_id=wanted.source_id,
                engagement_id=wanted.engagement_id,
                occurred_at=format_time(wanted.occurred_at),
                as_of=self.clock.now(),
            ),
            repr(findings).encode(),
            findings,
        )
        screening.finish()


@dataclass(frozen=True, slots=True)
class Text:
    """A record in which card data is looked for."""

    dataset: str
    record_id: str
    engagement_id: str | None
    occurred_at: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class _Verdict:
    text: Text
    version: str
    status: str
    findings: tuple[DocumentFinding, ...]


@dataclass(slots=True)
class Screening:
    """Looks at the records of one commit and lands what was found before they can be read."""

    screen: CardDataScreen
    _verdicts: dict[tuple[str, str, str], _Verdict] = field(default_factory=dict)
    _looked_at: dict[tuple[str, int], list[Array]] = field(default_factory=dict)
    """Numbers of engagements by dataset and hour."""

    def glance(self, batch: Batch) -> list[int]:
        """Rows that may hold card data."""
        return candidate_rows(batch.payloads.to_arrow())

    def look(self, dataset: str, batch: Batch, rows: Array, suspects: Sequence[int]) -> None:
        """Remember what the rows hold; with ``redact`` take it out."""
        readable = np.zeros(len(batch), np.bool_)
        readable[rows] = ~batch.is_deleted[rows]
        rewritten = {}
        for row in suspects:
            payload = batch.payloads.raw(row) if readable[row] else b""
            findings = scan_document(payload)
            if findings and self.screen.policy == "redact":
                payload = rewritten[row] = redact_document(payload)
            if findings:
                self.note(_text(dataset, batch, row), payload, findings)
        if rewritten:
            batch.rewrite(rewritten)
        if dataset in PROVEN:
            self._prove(dataset, batch, readable)
        if self.screen.policy == "redact":
            readable[list(rewritten)] = False
            self._note_redacted_before(dataset, batch, readable)

    def finish(self) -> None:
        """Land the verdicts; recordings whose transcript holds card data go to quarantine with their times."""
        verdicts = self._not_released()
        if not verdicts and not self._looked_at:
            return
        now = self.screen.clock.now()
        with self.screen.lake.writer(DATASET) as writer:
            for verdict in verdicts:
                writer.add(_record(verdict))
            for (dataset, hour), numbers in self._looked_at.items():
                writer.add(_proof(dataset, hour, np.unique(np.concatenate(numbers)).tolist(), now))
            writer.commit()
        aside = [each for verdict in verdicts for each in _set_aside(verdict)]
        if aside:
            self.screen.quarantine().add_all(aside, now)
        self._verdicts.clear()
        self._looked_at.clear()

    def count(self) -> int:
        """Texts with card data so far."""
        return len(self._verdicts)

    def note(self, text: Text, payload: bytes, findings: Sequence[DocumentFinding]) -> None:
        """Remember the verdict on one record; ``payload`` as it lands, for its version."""
        named = payload if text.dataset in TEXTS else repr(findings).encode()
        version = sha256(named).hexdigest()[:16]
        verdict = _Verdict(text, version, STATUS[self.screen.policy], tuple(findings))
        self._verdicts[(text.dataset, text.record_id, version)] = verdict

    def _note_redacted_before(self, dataset: str, batch: Batch, is_asked: Array) -> None:
        """What was pushed has lost its digits when it was received; that there were some stays known."""
        for row in pc.indices_nonzero(pc.match_substring(batch.payloads.to_arrow(), _MARK)).to_pylist():
            if is_asked[row]:
                self.note(_text(dataset, batch, row), batch.payloads.raw(row), ())

    def _prove(self, dataset: str, batch: Batch, is_readable: Array) -> None:
        is_named = is_readable if batch.engagement_ids.is_null is None else is_readable & ~batch.engagement_ids.is_null
        encoded = batch.engagement_ids.to_arrow().dictionary_encode()
        numbers = engagement_numbers(encoded.dictionary.to_pylist())[to_numpy(encoded.indices, "int32")[is_named]]
        hours = (np.where(batch.occurred_at == NO_TIME, batch.as_of, batch.occurred_at) // _HOUR)[is_named]
        for hour in np.unique(hours).tolist():
            self._looked_at.setdefault((dataset, hour), []).append(numbers[hours == hour])

    def _not_released(self) -> list[_Verdict]:
        """Verdicts but those on texts that somebody has let go."""
        verdicts = {_record_id(verdict): verdict for verdict in self._verdicts.values()}
        released: set[str] = set()
        if self.screen.policy == "block":
            days = {day_of(parse_time(verdict.text.occurred_at), self.screen.timezone) for verdict in verdicts.values()}
            for day in days:
                table = self.screen.lake.latest(DATASET.name, day, day, columns=("record_id", "payload"))
                rows = zip(table.column("record_id").to_pylist(), table.column("payload").to_pylist(), strict=True)
                released |= {each for each, payload in rows if each in verdicts and status_of(payload) == RELEASED}
        return [verdict for record_id, verdict in verdicts.items() if record_id not in released]


def _set_aside(verdict: _Verdict) -> Iterator[RefusedRecord]:
    """What quarantine holds of it: a recording that says what its transcript says, and what is blocked."""
    text = verdict.text
    if text.dataset == TRANSCRIPT:
        spans = sorted({(each.starts_at, each.ends_at) for each in verdict.findings if each.starts_at is not None})
        times = ", ".join(f"{start:.1f}-{end if end is not None else start:.1f} s" for start, end in spans)
        yield RefusedRecord(ROOM, "zoom/recordings", text.record_id, REASON, times or "without times", b"")
    if verdict.status == STATUS["block"]:
        place = f"{text.dataset} {text.record_id}: " + ", ".join(sorted({each.field for each in verdict.findings}))
        held = (ENGAGEMENTS, text.engagement_id) if text.engagement_id else (text.dataset, text.record_id)
        yield RefusedRecord(ROOM, *held, BLOCKED_REASON, place, b"")


def to_be_kept(payload: bytes, policy: CardDataPolicy | None) -> bytes:
    """What may be kept of a document that does not land: with ``redact`` the same without the digits of cards."""
    return redact_any(payload) if policy == "redact" else payload


def engagement_numbers(engagement_ids: Iterable[str]) -> Array:
    """What stands for engagements where it is proven that their texts were looked at; the models make the same."""
    digests = b"".join([md5(each.encode(), usedforsecurity=False).digest() for each in engagement_ids])
    return np.frombuffer(digests, "<i8")[1::2] & _SIGNED


def _text(dataset: str, batch: Batch, row: int) -> Text:
    moment = batch.as_of[row] if batch.occurred_at[row] == NO_TIME else batch.occurred_at[row]
    has_engagement = batch.engagement_ids.is_null is None or not batch.engagement_ids.is_null[row]
    return Text(
        dataset=dataset,
        record_id=batch.record_ids.raw(row).decode(),
        engagement_id=batch.engagement_ids.raw(row).decode() if has_engagement else None,
        occurred_at=format_time(_moment(moment)),
        as_of=_moment(batch.as_of[row]),
    )


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(int(microseconds) / 1e6, UTC)


def _proof(dataset: str, hour: int, numbers: list[int], now: datetime) -> RecordChunk:
    """Named by what it says, so that reading the same day again lands nothing."""
    began_at = format_time(_moment(hour * _HOUR))
    payload = {"dataset": dataset, "status": LOOKED_AT, "engagement_numbers": numbers, "occurred_at": began_at}
    named = sha256(repr(numbers).encode()).hexdigest()[:16]
    return verdict_chunk(f"{dataset}:{began_at}:{named}", payload, None, began_at, now)


def status_of(payload: str) -> str:
    """What a record of this dataset says."""
    return msgspec.json.decode(payload, type=_Status).status


class _Status(msgspec.Struct):
    status: str


def _record_id(verdict: _Verdict) -> str:
    return f"{verdict.text.dataset}:{verdict.text.record_id}:{verdict.version}"


def _record(verdict: _Verdict) -> RecordChunk:
    text = verdict.text
    payload = {
        "engagement_id": text.engagement_id,
        "dataset": text.dataset,
        "record_id": text.record_id,
        "version": verdict.version,
        "status": verdict.status,
        "findings": [
            {
                "rule": finding.rule.value,
                "field": finding.field,
                "start": finding.start,
                "end": finding.end,
                "starts_at": finding.starts_at,
                "ends_at": finding.ends_at,
            }
            for finding in verdict.findings
        ],
        "occurred_at": text.occurred_at,
    }
    return verdict_chunk(_record_id(verdict), payload, text.engagement_id, text.occurred_at, text.as_of)


def verdict_chunk(
    record_id: str, payload: Mapping[str, object], engagement_id: str | None, occurred_at: str, as_of: datetime
) -> RecordChunk:
    """One record of this dataset."""
    return RecordChunk(
        dataset=DATASET.name,
        shape=SHAPE_LIST,
        route="poll",
        as_of=as_of,
        batch_id="",
        record_ids=[record_id],
        payloads=[msgspec.json.encode(payload)],
        engagement_ids=[engagement_id],
        occurred_at=[occurred_at],
    )
