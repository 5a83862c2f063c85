"""What happens after people have spoken: processing, recordings, wrap-up, surveys, later edits and deletions.

Every change is a moment on the account's own time line, fixed when the engagement is generated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from zcc_pipeline.simulator.zoom.account.chance import between, new_id, pick
from zcc_pipeline.simulator.zoom.account.engagement import (
    ChosenDisposition,
    Engagement,
    Note,
    NoteVersion,
    Recording,
    SurveyRequest,
    Voicemail,
)
from zcc_pipeline.simulator.zoom.account.note_texts import edited_text, note_text
from zcc_pipeline.simulator.zoom.account.population import Agent, Inbox, Population, Queue

#: recordings taken away at source per recording, days after they were made
DELETED_SHARE, DELETED_AFTER_DAYS = 0.006, (5, 25)
#: recordings that are listed but whose media is gone
GONE_SHARE = 0.003
#: notes changed days later; changed about 20 days later; changed and changed back
EDITED_SHARE, LATE_EDIT_SHARE, EDITED_BACK_SHARE = 0.02, 0.008, 0.008

#: surveys that are answered only days later
LATE_ANSWER_SHARE = 0.04


def seconds(count: float) -> timedelta:
    """A short name for what this module adds all the time."""
    return timedelta(seconds=int(count))


def processed_at(rng: Random, end: datetime) -> datetime:
    """When an ended engagement shows in lists: seconds to a minute later."""
    return end + seconds(between(rng, 4, 60))


def text_ready_at(rng: Random, end: datetime) -> datetime:
    """When a transcript is there: minutes to two hours later."""
    return end + seconds(90 + rng.random() ** 2 * 7000)


def add_recording(
    rng: Random,
    engagement: Engagement,
    *,
    span: tuple[datetime, datetime],
    agent: Agent,
    queue: Queue,
    is_conference: bool = False,
) -> Recording:
    """One recorded segment, listed minutes after its end."""
    start, end = span
    recording = Recording(
        recording_id=new_id(rng),
        engagement=engagement,
        part=len(engagement.recordings),
        media_key=rng.getrandbits(64),
        transcript_id=new_id(rng),
        start=start,
        end=end,
        agent=agent,
        queue=queue,
        is_automatic=rng.random() < 0.9,
        is_conference=is_conference,
        listed_at=end + seconds(between(rng, 60, 480)),
        transcript_at=None,
    )
    recording.transcript_at = max(recording.listed_at, text_ready_at(rng, end))
    fate = rng.random()
    if fate < DELETED_SHARE:
        recording.deleted_at = end + seconds(rng.uniform(*DELETED_AFTER_DAYS) * 86_400)
    elif fate < DELETED_SHARE + GONE_SHARE:
        recording.is_media_gone = True
    engagement.recordings.append(recording)
    return recording


def add_voicemail(rng: Random, engagement: Engagement, inbox: Inbox, queue: Queue) -> Voicemail:
    """A message left at the end of a call; Zoom removes it when the inbox's retention is over."""
    created = engagement.end
    listed = created + seconds(between(rng, 10, 90))
    voicemail = Voicemail(
        message_id=new_id(rng),
        engagement=engagement,
        inbox=inbox,
        queue=queue,
        created_at=created,
        seconds=between(rng, 3, 45),
        listed_at=listed,
        transcript_at=max(listed, text_ready_at(rng, created)) if inbox.has_transcription else None,
        removed_at=created + timedelta(days=inbox.retention_days),
    )
    if rng.random() < 0.06:
        voicemail.marked_deleted_at = created + seconds(3_600 + rng.random() ** 2 * 9 * 86_400)
    engagement.voicemails.append(voicemail)
    return voicemail


def add_wrap_up(rng: Random, engagement: Engagement, population: Population) -> None:
    """Dispositions seconds after the end, notes a little after them, sometimes none of either; surveys; later edits."""
    if not engagement.agents:
        return
    agent = engagement.agents[-1]
    decided_at = engagement.end + seconds(between(rng, 2, max(3, engagement.wrap_up_seconds)))
    if rng.random() < 0.88:
        _choose_dispositions(rng, engagement, decided_at)
    count = (0, 0, 0, 1, 1, 1, 1, 1, 2, 3)[int(rng.random() * 10)]
    since = decided_at
    for number in range(count):
        since += seconds(between(rng, 5, 60))
        early = number > 0 and rng.random() < 0.5
        written = engagement.start + (engagement.end - engagement.start) * 0.7 if early else since
        note = Note(new_id(rng), [NoteVersion(written.replace(microsecond=0), note_text(rng, engagement), agent)])
        _schedule_edits(rng, note, engagement)
        engagement.notes.append(note)
    if rng.random() < 0.3:
        engagement.survey = _survey(rng, engagement, population)


def _choose_dispositions(rng: Random, engagement: Engagement, since: datetime) -> None:
    chosen = pick(rng, engagement.queues[-1].dispositions)
    engagement.dispositions.append(ChosenDisposition(chosen.disposition_id, chosen.name, chosen, since))
    if not chosen.parts:
        return
    part = pick(rng, chosen.parts)
    above = next((other for other in chosen.parts if other[2] == part[3]), None)
    for level in (above, part):
        if level is not None:
            engagement.dispositions.append(ChosenDisposition(level[0], level[1], chosen, since))


def _schedule_edits(rng: Random, note: Note, engagement: Engagement) -> None:
    fate = rng.random()
    first = note.versions[0]
    editor = pick(rng, engagement.queues[-1].agents)
    if fate < EDITED_SHARE:
        days: tuple[float, ...] = (1 + rng.random() * 5,)
    elif fate < EDITED_SHARE + LATE_EDIT_SHARE:
        days = (19 + rng.random() * 2.5,)
    elif fate < EDITED_SHARE + LATE_EDIT_SHARE + EDITED_BACK_SHARE:
        days = (1 + rng.random() * 3, 5 + rng.random() * 3)
    else:
        return
    for number, day in enumerate(days):
        text = edited_text(rng, first.text) if number == 0 else first.text
        note.versions.append(NoteVersion(first.since + seconds(day * 86_400), text, editor))


def _survey(rng: Random, engagement: Engagement, population: Population) -> SurveyRequest:
    survey = population.surveys[0 if engagement.has_channel("voice", "video") else 1]
    fate = rng.random()
    if fate < LATE_ANSWER_SHARE:
        days = 2 + rng.random() * 12
        return SurveyRequest(survey, engagement.end + seconds(days * 86_400))
    if fate < 0.45:
        return SurveyRequest(survey, engagement.end + seconds(60 + rng.random() ** 3 * 18 * 3_600))
    return SurveyRequest(survey, None, is_untriggered=fate > 0.94)
