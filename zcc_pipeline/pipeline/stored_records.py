"""Lake records that say what is stored: one per file, and one per transcript with its turns.

They follow from the artefact ledger alone, so they can be landed again at any time and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.ports import ArtefactRow
from zcc_pipeline.domain.records import SHAPE_LIST, LandingCounts, RecordChunk
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.pipeline.reports import DayReport
from zcc_pipeline.pipeline.runtime import Runtime

TRANSCRIPT_DATASETS = {
    ArtefactKind.RECORDING_TRANSCRIPT: "zoom/recording_transcripts",
    ArtefactKind.MESSAGING_TRANSCRIPT: "zoom/messaging_transcripts",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "zoom/voicemail_transcripts",
}


class _Digest(msgspec.Struct):
    sha256: str | None = None


def land_stored(runtime: Runtime, kind: ArtefactKind, day: date, row: DayReport) -> None:
    """Land the records of the day's stored files of one kind; transcripts first, so that a file record means both."""
    stored = [
        artefact
        for artefact in runtime.state.artefacts.on_days(day, day, kind=kind)
        if artefact.sha256 is not None and artefact.stored_at is not None
    ]
    if not stored:
        return
    if kind in TRANSCRIPT_DATASETS:
        _land_transcripts(runtime, kind, day, stored)
    counts = _land(
        runtime, "zoom/files", [f"{a.kind}:{a.source_id}" for a in stored], stored, map(_file_payload, stored)
    )
    row.deleted += counts.deleted


def _file_payload(artefact: ArtefactRow) -> bytes:
    return msgspec.json.encode(
        {
            "kind": artefact.kind.value,
            "source_id": artefact.source_id,
            "engagement_id": artefact.engagement_id,
            "occurred_at": format_time(artefact.occurred_at),
            "path": artefact.path,
            "size_bytes": artefact.size_bytes,
            "sha256": artefact.sha256,
            "sha512": artefact.sha512,
            "media_type": artefact.media_type,
        }
    )


def _land_transcripts(runtime: Runtime, kind: ArtefactKind, day: date, stored: Sequence[ArtefactRow]) -> None:
    """Parse only those whose file the lake has not seen."""
    dataset = TRANSCRIPT_DATASETS[kind]
    table = runtime.lake.latest(dataset, day, day, shapes={SHAPE_LIST})
    seen = {
        record_id: msgspec.json.decode(payload, type=_Digest).sha256
        for record_id, payload in zip(
            table.column("record_id").to_pylist(), table.column("payload").to_pylist(), strict=True
        )
    }
    fresh = [artefact for artefact in stored if seen.get(artefact.source_id) != artefact.sha256]
    if fresh:
        payloads = (_transcript_payload(runtime, artefact) for artefact in fresh)
        _land(runtime, dataset, [artefact.source_id for artefact in fresh], fresh, payloads)


def _transcript_payload(runtime: Runtime, artefact: ArtefactRow) -> bytes:
    """Turns of a transcript; where it cannot be read the file is kept, the turns are empty and quarantine says why."""
    content = runtime.files.read(str(artefact.path))
    problem = None
    try:
        form, turns = parse_transcript(content)
    except RecordRejected as error:
        form, turns, problem = "unreadable", [], str(error)
        runtime.state.quarantine.add(
            room="transcripts",
            dataset=TRANSCRIPT_DATASETS[artefact.kind],
            record_id=artefact.source_id,
            reason=problem,
            detail=str(artefact.path),
            payload=b"",
            now=runtime.clock.now(),
        )
    return msgspec.json.encode(
        {
            "source_id": artefact.source_id,
            "engagement_id": artefact.engagement_id,
            "occurred_at": format_time(artefact.occurred_at),
            "path": artefact.path,
            "sha256": artefact.sha256,
            "format": form,
            "problem": problem,
            "turns": turns,
        }
    )


def _land(
    runtime: Runtime,
    dataset: str,
    record_ids: Sequence[str],
    artefacts: Sequence[ArtefactRow],
    payloads: Iterable[bytes],
) -> LandingCounts:
    with runtime.lake.writer(DATASETS[dataset]) as writer:
        writer.add(
            RecordChunk(
                dataset=dataset,
                shape=SHAPE_LIST,
                route="poll",
                as_of=runtime.clock.now(),
                batch_id=runtime.new_id(),
                record_ids=record_ids,
                payloads=list(payloads),
                engagement_ids=[artefact.engagement_id for artefact in artefacts],
                occurred_at=[format_time(artefact.occurred_at) for artefact in artefacts],
            )
        )
        return writer.commit()
