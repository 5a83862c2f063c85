"""Prove what is there and say why something is not: gather the facts of a day, judge, and land what changed.

The statuses are records of the lake like any other (``zoom/completeness``), so their history stays. When each day was
judged last is in the window ledger: the time of proof moves with every run, the statuses do not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Status
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.ports import SCOPE_PROBLEM, ArtefactRow, ReadRow, RefusedRecord
from zcc_pipeline.domain.records import SHAPE_LIST, LandingCounts, RecordChunk
from zcc_pipeline.domain.window import day_window, format_time, iter_days
from zcc_pipeline.pipeline.lake_facts import (
    EngagementFields,
    Landed,
    RecordingFields,
    VoiceCallFields,
    VoicemailFields,
    engagements_of,
    inbox_settings,
    iter_landed,
)
from zcc_pipeline.pipeline.per_engagement import EMAILS, REFRESHED, SURVEYS, channels_of
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import (
    EngagementFacts,
    InboxFacts,
    RecordingFacts,
    VoiceCallFacts,
    VoicemailFacts,
    evaluate,
)

DATASET = DATASETS["zoom/completeness"]
FOLLOWING_DAYS = 2
"""A recording or voicemail may start this many days after its engagement's day (past midnight, or a late call-back)."""

ODD_TIME = "a time in it cannot be read"
ODD_TIME_MEANS = "it lies on the day it was listed for; for an end that cannot be read stands when it was read"

SCOPE_OF_KIND: Mapping[ArtefactKind, str] = {
    ArtefactKind.RECORDING: "zoom/recordings",
    ArtefactKind.RECORDING_TRANSCRIPT: "zoom/recordings",
    ArtefactKind.VOICEMAIL: "zoom/voicemails",
    ArtefactKind.VOICEMAIL_TRANSCRIPT: "zoom/voicemails",
}


@dataclass(slots=True)
class _Surroundings:
    """What the days around an engagement hold, gathered once per judged day."""

    recordings: Mapping[str, list[RecordingFacts]]
    voicemails: Mapping[str, list[VoicemailFacts]]
    voice_calls: Mapping[str, VoiceCallFacts]
    voice_calls_listed: bool
    artefacts: Mapping[tuple[ArtefactKind, str], ArtefactRow]
    inboxes: Mapping[str, InboxFacts]
    emails: Mapping[str, int]
    reads: Mapping[str, Mapping[str, ReadRow]]
    listed_at: datetime | None
    missing_scopes: Mapping[ArtefactKind, str]
    read_at: Mapping[str, datetime]


def judge(runtime: Runtime, days: Iterable[date], *, read_at: Mapping[str, datetime] | None = None) -> DatasetReport:
    """One status for each engagement and kind on those days; lands what changed.

    ``read_at`` tells of engagements that the caller has just read by their id, which no ledger knows yet.
    """
    report = DatasetReport(DATASET.name)
    inboxes = {
        inbox_id: InboxFacts(settings.voicemail_transcription, settings.delete_voicemail_days_limit)
        for inbox_id, settings in inbox_settings(runtime.lake).items()
    }
    for day in sorted(days):
        report.days.append(_judge_day(runtime, day, inboxes, read_at or {}))
    return report


def _judge_day(
    runtime: Runtime, day: date, inboxes: Mapping[str, InboxFacts], read_at: Mapping[str, datetime]
) -> DayReport:
    engagements = engagements_of(runtime.lake, day, with_deleted=True)
    row = DayReport(day)
    if not engagements:
        return row
    around, now = _gather(runtime, day, engagements, inboxes, read_at), runtime.clock.now()
    statuses = [
        (status, landed.occurred_at)
        for engagement_id, landed in engagements.items()
        for status in evaluate(_facts(engagement_id, landed, around), now)
    ]
    row.waiting = sum(status.status is Status.WAITING for status, _ in statuses)
    row.failed = sum(status.status in {Status.FAILED, Status.UNEXPLAINED} for status, _ in statuses)
    window = day_window(day, runtime.config.timezone)
    batch_id = runtime.state.windows.begin(DATASET.name, window, day=day, now=now)
    row.count(_land(runtime, batch_id, statuses, now))
    runtime.state.windows.finish(
        batch_id, rows=len(statuses), announced=None, pages=0, api_calls=0, is_complete=True, error=None, now=now
    )
    return row


def _gather(
    runtime: Runtime,
    day: date,
    engagements: Mapping[str, Landed[EngagementFields]],
    inboxes: Mapping[str, InboxFacts],
    read_at: Mapping[str, datetime],
) -> _Surroundings:
    lake, state, last = runtime.lake, runtime.state, day + timedelta(days=FOLLOWING_DAYS)
    nearby = list(iter_days(day, last))
    calls = {
        landed.fields.engagement_id: VoiceCallFacts(landed.fields.recorded, landed.fields.inbox, landed.fields.result)
        for landed in iter_landed(lake, "zoom/voice_calls", VoiceCallFields, day)
    }
    reads = {name: state.reads.get(name, engagements) for name in (REFRESHED, SURVEYS.name, EMAILS.name)}
    emails = Counter(
        engagement_id
        for engagement_id in lake.latest(EMAILS.name, day, day, columns=["engagement_id"])
        .column("engagement_id")
        .to_pylist()
        if engagement_id is not None
    )
    recordings = [
        landed
        for near in nearby
        for landed in iter_landed(lake, "zoom/recordings", RecordingFields, near, with_deleted=True)
    ]
    voicemails = [
        landed
        for near in nearby
        for landed in iter_landed(lake, "zoom/voicemails", VoicemailFields, near, with_deleted=True)
    ]
    _note_odd_times(runtime, engagements, recordings, voicemails)
    return _Surroundings(
        recordings=_recordings(recordings),
        voicemails=_voicemails(voicemails),
        voice_calls=calls,
        voice_calls_listed=state.windows.last_complete_at("zoom/voice_calls", day) is not None,
        artefacts={(row.kind, row.source_id): row for row in state.artefacts.on_days(day, last)},
        inboxes=inboxes,
        emails=emails,
        reads=reads,
        listed_at=state.windows.last_complete_at("zoom/engagements", day),
        missing_scopes=_missing_scopes(runtime, day),
        read_at=read_at,
    )


def _note_odd_times(
    runtime: Runtime,
    engagements: Mapping[str, Landed[EngagementFields]],
    recordings: Iterable[Landed[RecordingFields]],
    voicemails: Iterable[Landed[VoicemailFields]],
) -> None:
    """Tell of records whose times cannot be read; they land and are judged all the same."""
    odd = [("zoom/engagements", key) for key, landed in engagements.items() if landed.has_odd_times]
    odd += [("zoom/recordings", landed.fields.recording_id) for landed in recordings if landed.has_odd_times]
    odd += [("zoom/voicemails", landed.fields.message_id) for landed in voicemails if landed.has_odd_times]
    if odd:
        noted = [RefusedRecord("times", dataset, key, ODD_TIME, ODD_TIME_MEANS, b"") for dataset, key in odd]
        runtime.state.quarantine.add_all(noted, runtime.clock.now())


def _recordings(landings: Iterable[Landed[RecordingFields]]) -> Mapping[str, list[RecordingFacts]]:
    found: dict[str, list[RecordingFacts]] = defaultdict(list)
    for landed in landings:
        fields = landed.fields
        if fields.engagement_id:
            found[fields.engagement_id].append(
                RecordingFacts(
                    fields.recording_id,
                    landed.ended_at or landed.started_at,
                    bool(fields.transcript_url),
                    landed.is_deleted,
                    landed.is_deleted and landed.route != "poll",
                )
            )
    return found


def _voicemails(landings: Iterable[Landed[VoicemailFields]]) -> Mapping[str, list[VoicemailFacts]]:
    found: dict[str, list[VoicemailFacts]] = defaultdict(list)
    for landed in landings:
        fields = landed.fields
        if fields.engagement_id:
            found[fields.engagement_id].append(
                VoicemailFacts(
                    fields.message_id,
                    landed.started_at,
                    fields.inbox_id,
                    bool(fields.transcript_url),
                    fields.status,
                    landed.is_deleted,
                    landed.is_deleted and landed.route != "poll",
                )
            )
    return found


def _missing_scopes(runtime: Runtime, day: date) -> dict[ArtefactKind, str]:
    """Kinds whose list was last refused for want of a scope."""
    missing = {}
    for kind, dataset in SCOPE_OF_KIND.items():
        rows = runtime.state.windows.latest(dataset, day, day)
        if rows and (rows[0].error or "").startswith(SCOPE_PROBLEM):
            missing[kind] = " or ".join(DATASETS[dataset].listing.scopes)
    return missing


def _facts(engagement_id: str, landed: Landed[EngagementFields], around: _Surroundings) -> EngagementFacts:
    fields = landed.fields
    refreshed = around.reads[REFRESHED].get(engagement_id)
    refreshed_at = refreshed.read_at if refreshed else None
    read_times = [landed.as_of, around.listed_at, refreshed_at, around.read_at.get(engagement_id)]
    return EngagementFacts(
        engagement_id=engagement_id,
        day=landed.day,
        ended_at=landed.ended_at,
        channels=channels_of(fields),
        agents_count=None if fields.agents is None else len(fields.agents),
        talk_duration=fields.talk_duration,
        voice_mail=fields.voice_mail,
        survey_id=fields.survey_id,
        has_transcript_url=bool(fields.transcript_url),
        notes_count=len(fields.notes or ()),
        dispositions_count=len(fields.dispositions or ()),
        last_read_at=max(moment for moment in read_times if moment is not None),
        is_deleted=landed.is_deleted,
        voice_call=around.voice_calls.get(engagement_id),
        voice_calls_listed=around.voice_calls_listed,
        recordings=around.recordings.get(engagement_id, ()),
        voicemails=around.voicemails.get(engagement_id, ()),
        email_messages=around.emails.get(engagement_id, 0),
        survey_read=around.reads[SURVEYS.name].get(engagement_id),
        email_read=around.reads[EMAILS.name].get(engagement_id),
        inboxes=around.inboxes,
        artefacts=around.artefacts,
        missing_scopes=around.missing_scopes,
    )


def _land(
    runtime: Runtime, batch_id: str, statuses: Sequence[tuple[ArtefactStatus, str]], now: datetime
) -> LandingCounts:
    """Statuses as records of the engagement's day."""
    with runtime.lake.writer(DATASET) as writer:
        writer.add(
            RecordChunk(
                dataset=DATASET.name,
                shape=SHAPE_LIST,
                route="poll",
                as_of=now,
                batch_id=batch_id,
                record_ids=[f"{status.engagement_id}:{status.kind}" for status, _ in statuses],
                payloads=[_payload(status, start_time) for status, start_time in statuses],
                engagement_ids=[status.engagement_id for status, _ in statuses],
                occurred_at=[start_time for _, start_time in statuses],
            )
        )
        return writer.commit()


def _payload(status: ArtefactStatus, start_time: str) -> bytes:
    return msgspec.json.encode(
        {
            "engagement_id": status.engagement_id,
            "kind": status.kind.value,
            "status": status.status.value,
            "reason": status.reason.value if status.reason else None,
            "evidence": status.evidence,
            "expected_items": status.expected_items,
            "stored_items": status.stored_items,
            "next_try_at": format_time(status.next_try_at) if status.next_try_at else None,
            "occurred_at": start_time,
        }
    )
