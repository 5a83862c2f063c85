"""Card data in what lands: each text is searched before it is written, and what was found is a record of its own.

The record comes first and the text second, so that no text with card data can be read before it is known as such. It
holds rule, field, offsets and times, never the digits. With ``redact`` the text lands without them, so nothing but the
clean text is ever in the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec

from zcc_pipeline.domain.card_data import DocumentFinding, may_hold_card_data, redact_document, scan_document
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import DATASETS, Dataset
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.ports import Quarantine, WantedArtefact
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.landing import Lake

CardDataPolicy = Literal["flag", "block", "redact"]

DATASET = DATASETS["zoom/card_data"]
ROOM = "card_data"
"""Name under which the quarantine holds recordings whose transcript has card data."""
REASON = "the transcript of this recording holds card data"
STATUS: dict[CardDataPolicy, str] = {"flag": "flagged", "block": "blocked", "redact": "redacted"}
CLEAN = "clean"

TRANSCRIPT = "zoom/recording_transcripts"
PROVEN = frozenset({"zoom/notes", TRANSCRIPT, "zoom/messaging_transcripts", "zoom/voicemail_transcripts"})
"""Texts of which it is also kept that they are clean; of others only that they are not."""
TEXTS = PROVEN | {"zoom/email_messages", "zoom/surveys", "zoom/dispositions", "zoom/events"}
"""What people write and say: always read whole. In other records a quick look decides."""
_NOT_SCREENED = frozenset({DATASET.name, "zoom/completeness", "zoom/coverage", "zoom/files"})
"""Made by the pipeline itself, without any text."""
_FREE_TEXT = b'"note"'


@dataclass(slots=True)
class CardDataScreen:
    """Hands out what looks at the records of one commit."""

    lake: Lake
    quarantine: Callable[[], Quarantine]
    clock: Clock
    policy: CardDataPolicy

    def of(self, dataset: Dataset) -> Screening | None:
        """The screening of one writer; None for datasets that hold no text from outside."""
        return None if dataset.name in _NOT_SCREENED else Screening(self)

    def note_redacted(self, dataset: str, wanted: WantedArtefact, content: bytes) -> None:
        """Keep what a transcript file held before the digits were taken out of it."""
        try:
            turns = parse_transcript(content)[1]
        except RecordRejected:
            return  # no turns will land either, and quarantine says so
        findings = scan_document(msgspec.json.encode({"turns": [asdict(turn) for turn in turns]}))
        if not findings:
            return
        chunk = RecordChunk(
            dataset=dataset,
            shape=SHAPE_LIST,
            route="poll",
            as_of=self.clock.now(),
            batch_id="",
            record_ids=[wanted.source_id],
            payloads=[b""],
            engagement_ids=[wanted.engagement_id],
            occurred_at=[format_time(wanted.occurred_at)],
        )
        screening = Screening(self)
        screening.note(chunk, 0, repr(findings).encode(), findings)
        screening.finish()


@dataclass(frozen=True, slots=True)
class _Verdict:
    dataset: str
    record_id: str
    shape: str
    engagement_id: str | None
    occurred_at: str | None
    as_of: datetime
    version: str
    status: str
    findings: tuple[DocumentFinding, ...]


@dataclass(slots=True)
class Screening:
    """Looks at the chunks of one commit and lands what was found before they can be read."""

    screen: CardDataScreen
    _verdicts: dict[tuple[str, str, str], _Verdict] = field(default_factory=dict)

    def look(self, chunk: RecordChunk) -> RecordChunk:
        """The chunk, with ``redact`` without the digits of cards."""
        if not _is_to_be_read(chunk.dataset, b"\n".join(chunk.payloads)):
            return chunk
        payloads = list(chunk.payloads)
        for row, payload in enumerate(payloads):
            findings = scan_document(bytes(payload)) if _is_to_be_read(chunk.dataset, bytes(payload)) else []
            if findings and self.screen.policy == "redact":
                payloads[row] = redact_document(bytes(payload))
            if findings or chunk.dataset in PROVEN:
                self.note(chunk, row, bytes(payloads[row]), findings)
        return replace(chunk, payloads=payloads)

    def finish(self) -> None:
        """Land the verdicts; recordings whose transcript holds card data go to quarantine with their times."""
        verdicts = list(self._verdicts.values())
        if not verdicts:
            return
        with self.screen.lake.writer(DATASET) as writer:
            for verdict in verdicts:
                writer.add(_record(verdict))
            writer.commit()
        for verdict in verdicts:
            if verdict.dataset == TRANSCRIPT and verdict.findings:
                self._set_aside(verdict)
        self._verdicts.clear()

    def note(self, chunk: RecordChunk, row: int, payload: bytes, findings: Sequence[DocumentFinding]) -> None:
        """Remember the verdict on one record; ``payload`` as it lands, for its version."""
        verdict = _Verdict(
            dataset=chunk.dataset,
            record_id=chunk.record_ids[row],
            shape=chunk.shape,
            engagement_id=chunk.engagement_ids[row],
            occurred_at=chunk.occurred_at[row],
            as_of=chunk.as_of,
            version=_version(chunk.dataset, payload, findings),
            status=STATUS[self.screen.policy] if findings else CLEAN,
            findings=tuple(findings),
        )
        self._verdicts[(verdict.dataset, verdict.record_id, verdict.version)] = verdict

    def _set_aside(self, verdict: _Verdict) -> None:
        spans = sorted(
            {(finding.starts_at, finding.ends_at) for finding in verdict.findings if finding.starts_at is not None}
        )
        times = ", ".join(f"{start:.1f}-{end if end is not None else start:.1f} s" for start, end in spans)
        self.screen.quarantine().add(
            room=ROOM,
            dataset="zoom/recordings",
            record_id=verdict.record_id,
            reason=REASON,
            detail=times or "without times",
            payload=b"",
            now=self.screen.clock.now(),
        )


def _is_to_be_read(dataset: str, payload: bytes) -> bool:
    return dataset in TEXTS or _FREE_TEXT in payload or may_hold_card_data(payload, words=False)


def _version(dataset: str, payload: bytes, findings: Sequence[DocumentFinding]) -> str:
    """Names the text as it lands; other records hold addresses made anew each time, so there the places name it."""
    if not findings:
        return CLEAN
    named = payload if dataset in TEXTS else repr(findings).encode()
    return sha256(named).hexdigest()[:16]


def _record(verdict: _Verdict) -> RecordChunk:
    return RecordChunk(
        dataset=DATASET.name,
        shape=SHAPE_LIST,
        route="poll",
        as_of=verdict.as_of,
        batch_id="",
        record_ids=[f"{verdict.dataset}:{verdict.record_id}:{verdict.version}"],
        payloads=[_payload(verdict)],
        engagement_ids=[verdict.engagement_id],
        occurred_at=[verdict.occurred_at],
    )


def _payload(verdict: _Verdict) -> bytes:
    return msgspec.json.encode(
        {
            "engagement_id": verdict.engagement_id,
            "dataset": verdict.dataset,
            "record_id": verdict.record_id,
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
            "occurred_at": verdict.occurred_at,
        }
    )
